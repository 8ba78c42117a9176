/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_CLIENT_ASKS_H
#define DIVIDERE_CLIENT_ASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>
#include "ask_links.h"
#include "deadlines.h"
#include "extension.h"
#include "retry.h"
#include "table.h"
#include "trace.h"

/*  The requests of a client, and what becomes of them: when each is sent, by
 *  which link (one for each broker), when it is tried again, and how it ends.
 *  Without sockets, and without a clock: now_ms is passed in. O(1) for each
 *  call, O(log n) for deadlines.
 *
 *  state    event                              then
 *  waits    its turn, and a link is free       sent
 *  sent     its answer                         ended
 *  sent     refused, may be tried again        rests; waits, where it is the
 *                                              first refusal, and there are
 *                                              several instances
 *  sent     no answer in time, link lost,      waits
 *           and may be tried again
 *  rests    its pause is over                  waits
 *  any      its deadline; no more tries        ended
 *  any      the answer to an earlier try       ended                        */

typedef struct dividere_ask_t dividere_ask_t;

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
    size_t link;       /* slot that it was sent by, or is to be tried from   */
    unsigned attempts;
    unsigned refusals; /* in a row                                           */
    uint8_t requeues;
    bool strict;
    bool native; /* for peers of this library only: see _choosy             */
    bool typed;  /* the caller wants an object                         */
    bool ended;
    int error;        /* how it ended, or would end now                      */
    int remote_error; /* EREMOTEIO                                           */
    int64_t elapsed_us;
    dividere_trace_t *trace; /* ours; NULL: it is not wanted                 */
};

typedef struct {
    uint64_t sent;
    uint64_t answered;
    uint64_t failed;
    uint64_t retried;
    uint64_t stale;
    uint64_t retries_denied;
} dividere_ask_counts_t;

typedef struct {
    dividere_table_t table; /* of all that are outstanding                   */
    dividere_deadlines_t deadlines;
    dividere_deadlines_t dues;
    dividere_ask_list_t waiting;
    dividere_ask_list_t choosy; /* they wait for a native link               */
    dividere_ask_list_t done;
    dividere_ask_links_t links;
    int absent;  /* how requests end that find no link at all              */
    int refusal; /* ... where all links are refused; 0: not all are         */
    dividere_retry_t retry;
    int64_t attempt_ms;
    uint64_t numbers;
    uint64_t seed; /* of the jitter                                          */
    size_t bytes;  /* of all requests, those that have ended, too            */
    dividere_ask_counts_t counts;
} dividere_asks_t;

/*  Without links at first. spread: requests go to the next link in turn; else
 *  to the first that works.                                                 */
void dividere_asks_init (dividere_asks_t *self, bool spread,
                         const dividere_retry_limits_t *limits,
                         int64_t attempt_ms, uint64_t seed);
void dividere_asks_term (dividere_asks_t *self);

/*  A new link has no room until _room says so. native: its peer is of this
 *  library. Returns its number, which is used again once it is removed.     */
size_t dividere_asks_add_link (dividere_asks_t *self, bool native);

/*  A link is to go: it gets no more requests as long as another one can take
 *  any, and keeps what it has; or is not to go after all. Or it is gone: what
 *  it had is tried elsewhere, or ends, as by _lost.                         */
void dividere_asks_retire_link (dividere_asks_t *self, size_t link,
                                bool retired);
void dividere_asks_remove_link (dividere_asks_t *self, size_t link,
                                int64_t now_us);

/*  How what was not sent, or lost, ends while there is no link: ENOTCONN at
 *  first.                                                                   */
void dividere_asks_set_absent (dividere_asks_t *self, int error);

/*  The peer of a link refuses the connection, or (0) does not any more. While
 *  all do, requests end with this error.                                    */
void dividere_asks_refuse (dividere_asks_t *self, size_t link, int error);

/*  Adds a request, whose payload is taken; the caller sets what it wants of it
 *  before the next call.                                                    */
dividere_ask_t *dividere_asks_add (dividere_asks_t *self, zmq_msg_t *payload,
                                   int64_t deadline_ms, int64_t now_us);

/*  It is for a native link only; where all are others it ends with EOPNOTSUPP
 *  when its turn comes.                                                     */
void dividere_asks_choosy (dividere_asks_t *self, dividere_ask_t *ask);

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

/*  One that is outstanding, by its number; NULL: there is none.              */
dividere_ask_t *dividere_asks_find (const dividere_asks_t *self,
                                    uint64_t number);

/*  The connection of a link broke.                                          */
void dividere_asks_lost (dividere_asks_t *self, size_t link, int64_t now_us);

/*  Ends one by a request of its number. 0, or -1 with ENOENT.               */
int dividere_asks_cancel (dividere_asks_t *self, uint64_t number,
                          int64_t now_us);

/*  Does what is due, and tells when something is next; -1: nothing is.      */
void dividere_asks_tick (dividere_asks_t *self, int64_t now_us);
int64_t dividere_asks_due (const dividere_asks_t *self);

/*  One that has ended: the caller's, to be given back. NULL: none.          */
dividere_ask_t *dividere_asks_done (dividere_asks_t *self);
void dividere_asks_take (dividere_asks_t *self, dividere_ask_t *ask);
void dividere_asks_release (dividere_asks_t *self, dividere_ask_t **ask_p);

/*  Requests that have not ended.                                            */
size_t dividere_asks_outstanding (const dividere_asks_t *self);

#endif
