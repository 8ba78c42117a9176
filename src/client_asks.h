/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_CLIENT_ASKS_H
#define DIVIDERE_CLIENT_ASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>
#include "deadlines.h"
#include "extension.h"
#include "retry.h"
#include "table.h"

/*  The requests of a client, and what becomes of them: when each is sent, by
 *  which link (one for each broker), when it is tried again, and how it ends.
 *  Without sockets, and without a clock: now_ms is passed in. O(1) for each
 *  call, O(log n) for deadlines.
 *
 *  state    event                              then
 *  waits    its turn, and a link is free       sent
 *  sent     its answer                         ended
 *  sent     refused, may be tried again        rests
 *  sent     no answer in time, link lost,      waits
 *           and may be tried again
 *  rests    its pause is over                  waits
 *  any      its deadline; no more tries        ended
 *  any      the answer to an earlier try       ended                        */

/*  A peer that has not shown to be a broker of this library is not asked again
 *  before it has answered, or this time is over.                            */
#define DIVIDERE_ASKS_PATIENCE_MS 5000

typedef struct dividere_ask_t dividere_ask_t;

/*  In order.                                                                */
typedef struct {
    dividere_ask_t *first;
    dividere_ask_t *last;
} dividere_ask_list_t;

struct dividere_ask_t {
    dividere_entry_t entry;       /* in the table                            */
    dividere_deadline_t deadline; /* of the whole                            */
    dividere_deadline_t due;      /* of the try, or of the pause             */
    dividere_ask_list_t *list;    /* NULL: it rests                          */
    dividere_ask_t *previous;
    dividere_ask_t *next;
    uint64_t number;
    int64_t begun_us;
    int64_t deadline_ms;
    zmq_msg_t payload; /* of the request; where error is 0, of the reply    */
    size_t bytes;      /* of the request                                     */
    char *service;     /* ours, or NULL                                      */
    size_t link;       /* that it was sent by, or is to be tried from        */
    unsigned attempts;
    unsigned refusals; /* in a row                                           */
    uint8_t requeues;
    bool strict;
    bool typed; /* the caller wants an object                          */
    bool ended;
    int error;        /* how it ended, or would end now                      */
    int remote_error; /* EREMOTEIO                                           */
    int64_t elapsed_us;
};

/*  One for each broker.                                                     */
typedef struct {
    dividere_ask_list_t sent; /* requests that it has                        */
    size_t count;
    bool full;           /* there was no room, or no connection           */
    bool known;          /* it is a broker of this library                */
    int64_t patience_ms; /* until when it is left alone; 0: no longer     */
    uint64_t last;       /* the last that it was sent                     */
} dividere_ask_link_t;

typedef struct {
    uint64_t sent;
    uint64_t answered;
    uint64_t failed;
    uint64_t retried;
    uint64_t stale;
    uint64_t denied;
} dividere_ask_counts_t;

typedef struct {
    dividere_table_t table; /* of all that are outstanding                   */
    dividere_deadlines_t deadlines;
    dividere_deadlines_t dues;
    dividere_ask_list_t waiting;
    dividere_ask_list_t done;
    size_t done_count;
    dividere_ask_link_t *links; /* ours                                      */
    size_t links_count;
    size_t preferred; /* the link that is tried first                        */
    dividere_retry_t retry;
    int64_t attempt_ms;
    uint64_t numbers;
    uint64_t seed; /* of the jitter                                          */
    size_t bytes;  /* of all requests, those that have ended, too            */
    dividere_ask_counts_t counts;
} dividere_asks_t;

void dividere_asks_init (dividere_asks_t *self, size_t links,
                         const dividere_retry_limits_t *limits,
                         int64_t attempt_ms, uint64_t seed);
void dividere_asks_term (dividere_asks_t *self);

/*  Adds a request, whose payload is taken; the caller sets what it wants of it
 *  before the next call.                                                    */
dividere_ask_t *dividere_asks_add (dividere_asks_t *self, zmq_msg_t *payload,
                                   int64_t deadline_ms, int64_t now_us);

/*  The next to be sent, and by which link; NULL: none can be now. To be
 *  followed by _sent, or by _full: the link has no room until _room.        */
dividere_ask_t *dividere_asks_next (dividere_asks_t *self, int64_t now_ms,
                                    size_t *ret_link);
void dividere_asks_sent (dividere_asks_t *self, dividere_ask_t *ask,
                         size_t link, int64_t now_ms);
void dividere_asks_full (dividere_asks_t *self, size_t link);
void dividere_asks_room (dividere_asks_t *self, size_t link);

/*  An answer came; the payload is taken.                                    */
void dividere_asks_answer (dividere_asks_t *self, size_t link,
                           const dividere_extension_t *extension,
                           zmq_msg_t *payload, int64_t now_us);

/*  The connection of a link broke.                                          */
void dividere_asks_lost (dividere_asks_t *self, size_t link, int64_t now_us);

/*  Ends one by a request of its number. 0, or -1 with ENOENT.               */
int dividere_asks_cancel (dividere_asks_t *self, uint64_t number,
                          int64_t now_us);

/*  Does what is due, and tells when something is next; -1: nothing is.      */
void dividere_asks_tick (dividere_asks_t *self, int64_t now_us);
int64_t dividere_asks_due (const dividere_asks_t *self, int64_t now_ms);

/*  One that has ended: the caller's, to be given back. NULL: none.          */
dividere_ask_t *dividere_asks_done (dividere_asks_t *self);
void dividere_asks_take (dividere_asks_t *self, dividere_ask_t *ask);
void dividere_asks_release (dividere_asks_t *self, dividere_ask_t **ask_p);

/*  Requests that have not ended.                                            */
size_t dividere_asks_outstanding (const dividere_asks_t *self);

#endif
