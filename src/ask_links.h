/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ASK_LINKS_H
#define DIVIDERE_ASK_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "deadlines.h"

/*  The links that a client's requests are sent by, one for each peer: they come
 *  and go, and the next request gets the one that is free, either always the
 *  first of them that works (brokers), or the next in turn (the instances of a
 *  service). Without sockets, and without a clock: now_ms is passed in. O(1)
 *  for each call in the mode of turns, O(log n) where a peer is left alone for
 *  a time; adding a link is O(n).
 *
 *  A link is free while it is connected and has room, and its peer is known to
 *  take any number of requests at a time, or has none and is not left alone. In
 *  the mode of turns the rings hold all that are free, and some that are not,
 *  which are dropped when their turn comes; what makes a link free puts it in
 *  again. Who has let a try run out of time is in doubt until it answers: it is
 *  asked as one that is retired, but for one request now and then.          */

/*  A peer that has not shown to be of this library is not asked again before
 *  it has answered, or this time is over.                                   */
#define DIVIDERE_ASKS_PATIENCE_MS 5000

#define DIVIDERE_ASK_LINK_NONE SIZE_MAX

struct dividere_ask_t;
typedef struct dividere_ask_link_t dividere_ask_link_t;

/*  In order.                                                                */
typedef struct {
    struct dividere_ask_t *first;
    struct dividere_ask_t *last;
    size_t count;
    dividere_ask_link_t *link; /* that it is a part of, or NULL             */
} dividere_ask_list_t;

typedef struct {
    dividere_ask_link_t *first;
    dividere_ask_link_t *last;
} dividere_ask_ring_t;

struct dividere_ask_link_t {
    dividere_ask_list_t sent;  /* requests that it has                       */
    size_t index;              /* its slot                                   */
    bool full;                 /* there is no room, or no connection         */
    bool known;                /* its peer takes any number at a time        */
    bool native;               /* ... and that was so from the beginning     */
    int refused;               /* its peer refuses connections: why          */
    bool retired;              /* only where no other can take anything      */
    bool doubted;              /* likewise, but for one now and then         */
    int64_t patience_ms;       /* until when it is left alone; 0: no longer   */
    dividere_deadline_t rest;  /* the same, while it matters                 */
    uint64_t last;             /* the last request that it was sent          */
    dividere_ask_ring_t *ring; /* that it is in, or NULL                    */
    dividere_ask_link_t *previous;
    dividere_ask_link_t *next;
};

typedef struct {
    dividere_ask_link_t **slots; /* ours; NULL: to be used again            */
    size_t slots_count;
    size_t count;     /* links                                             */
    size_t natives;   /* of these                                          */
    size_t open;      /* neither full nor retired nor in doubt             */
    size_t preferred; /* the slot that is tried first                      */
    bool spread;      /* in turn, instead                                  */
    dividere_ask_ring_t ready;
    dividere_ask_ring_t retired;
    dividere_deadlines_t rests;
} dividere_ask_links_t;

void dividere_ask_links_init (dividere_ask_links_t *self, bool spread);
void dividere_ask_links_term (dividere_ask_links_t *self);

/*  A new link has no room yet. To be removed it must have no requests.      */
dividere_ask_link_t *dividere_ask_links_add (dividere_ask_links_t *self,
                                             bool native);
void dividere_ask_links_retire (dividere_ask_links_t *self,
                                dividere_ask_link_t *link, bool retired);
void dividere_ask_links_remove (dividere_ask_links_t *self,
                                dividere_ask_link_t *link);

/*  What the last of them says where all are refused; 0: not all are, or there
 *  is none. O(n).                                                           */
int dividere_ask_links_refusal (const dividere_ask_links_t *self);

void dividere_ask_links_full (dividere_ask_links_t *self,
                              dividere_ask_link_t *link);
void dividere_ask_links_room (dividere_ask_links_t *self,
                              dividere_ask_link_t *link);

/*  The link for a request, or NULL: none is free. Where the first is preferred:
 *  from slot `from` on; in turn: another one than that in slot `from`, which
 *  had it before, if there is one. A native one only, if that is wanted: O(n)
 *  then.                                                                    */
dividere_ask_link_t *dividere_ask_links_next (dividere_ask_links_t *self,
                                              size_t from, bool native,
                                              int64_t now_ms);

/*  From where a new request is to be tried, and one that a link has failed. */
size_t dividere_ask_links_first (const dividere_ask_links_t *self);
size_t dividere_ask_links_after (const dividere_ask_links_t *self,
                                 size_t index);

/*  It did not answer in time: it is not preferred any more, or is in doubt. */
void dividere_ask_links_silent (dividere_ask_links_t *self,
                                dividere_ask_link_t *link, int64_t now_ms);

/*  A request was sent; one of its requests has left its list; it answered.  */
void dividere_ask_links_sent (dividere_ask_links_t *self,
                              dividere_ask_link_t *link, uint64_t number,
                              int64_t now_ms);
void dividere_ask_links_left (dividere_ask_links_t *self,
                              dividere_ask_link_t *link);
void dividere_ask_links_answered (dividere_ask_links_t *self,
                                  dividere_ask_link_t *link, uint64_t number,
                                  bool known);

/*  Its connection broke: the peer may be another one next time.             */
void dividere_ask_links_lost (dividere_ask_links_t *self,
                              dividere_ask_link_t *link);

/*  When the first that is left alone may be asked again; -1: there is none. */
int64_t dividere_ask_links_due (const dividere_ask_links_t *self);

#endif
