/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_WORKER_QUEUE_H
#define DIVIDERE_WORKER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>
#include "hash.h"
#include "request_table.h"
#include "table.h"

/*  The workers of a broker: found by their routing id; in the order in which
 *  they were last given a request, for each service; and in the orders in which
 *  they were last heard and last sent a sign of life. Without sockets, and
 *  without a clock: now_ms is passed in. O(1) for each call.                */

/*  How a worker is spoken to.                                               */
typedef enum {
    DIVIDERE_DIALECT_BYTES, /* single bytes                                 */
    DIVIDERE_DIALECT_TYPED, /* envelopes of Heartbeat                       */
    DIVIDERE_DIALECT_C      /* the same with extensions: one of this library */
} dividere_dialect_t;

typedef struct dividere_crew_t dividere_crew_t;

/*  A place in a list of workers.                                            */
typedef struct dividere_rank_t {
    struct dividere_rank_t *previous;
    struct dividere_rank_t *next;
} dividere_rank_t;

typedef struct {
    dividere_entry_t entry; /* in the table                                 */
    dividere_rank_t ready;  /* of its crew; idle or spare                   */
    dividere_rank_t *among; /* which of the two; NULL: in none              */
    dividere_rank_t heard;  /* among all, by heard_ms                       */
    dividere_rank_t told;   /* among all, by told_ms                        */
    zmq_msg_t id;           /* its routing id                               */
    dividere_request_list_t requests; /* that it has                        */
    dividere_crew_t *crew;            /* of the service that it serves      */
    int64_t heard_ms;                 /* its last message                   */
    int64_t told_ms;                  /* the last heartbeat it was sent     */
    int64_t suspect_ms;               /* while busy: the last sign counted  */
    uint64_t beat;                    /* how many it was sent               */
    uint64_t handed;                  /* requests, ever                     */
    uint64_t replied;
    uint64_t lost;
    uint32_t parallel;   /* requests that it handles at a time                */
    uint32_t credit;     /* ... that it takes at a time                       */
    uint32_t unanswered; /* heartbeats it was sent and has not answered yet */
    uint32_t behind;     /* the least of them since it has its request      */
    uint32_t unproven;   /* signs that do not prove a busy one to be free   */
    dividere_dialect_t dialect;
    bool draining; /* gets no more requests                                 */
    bool leaving;  /* ... as it has asked for                               */
    bool stuck;    /* there was no room for a request; until it is heard    */
} dividere_worker_entry_t;

/*  The workers of one service. Those that would begin a request at once come
 *  first, then those that would let it wait.                                */
struct dividere_crew_t {
    dividere_rank_t idle;
    dividere_rank_t spare;
    size_t workers;
    void *owner;
};

typedef struct {
    dividere_table_t table;
    dividere_hash_t hash;
    dividere_rank_t heard;
    dividere_rank_t told;
} dividere_workers_t;

void dividere_workers_init (dividere_workers_t *self);

/*  Every worker must have been removed.                                     */
void dividere_workers_term (dividere_workers_t *self);

void dividere_crew_init (dividere_crew_t *self, void *owner);

/*  Adds a worker of one request at a time, with no name known yet. Copies the
 *  bytes of id.                                                             */
dividere_worker_entry_t *dividere_workers_add (dividere_workers_t *self,
                                               const void *id, size_t size,
                                               dividere_crew_t *crew,
                                               int64_t now_ms);

/*  Removes one that has no requests.                                        */
void dividere_workers_remove (dividere_workers_t *self,
                              dividere_worker_entry_t **worker_p);

dividere_worker_entry_t *dividere_workers_find (const dividere_workers_t *self,
                                                const void *id, size_t size);

/*  It now serves another service.                                           */
void dividere_workers_assign (dividere_worker_entry_t *worker,
                              dividere_crew_t *crew);

/*  To be called when its requests, parallel, credit, draining or stuck have
 *  changed, or it was used: puts it last among those that it belongs to now. It
 *  keeps its place where it belonged to them before, and was not used.      */
void dividere_workers_rank (dividere_worker_entry_t *worker, bool used);

/*  The worker whose turn it is; NULL if none can take a request.            */
dividere_worker_entry_t *dividere_crew_next (const dividere_crew_t *crew);

bool dividere_worker_busy (const dividere_worker_entry_t *worker);

/*  It sent something; it was sent a sign of life.                           */
void dividere_workers_heard (dividere_workers_t *self,
                             dividere_worker_entry_t *worker, int64_t now_ms);
void dividere_workers_told (dividere_workers_t *self,
                            dividere_worker_entry_t *worker, int64_t now_ms);

/*  The one that was not heard, or told, for longest; NULL: there is none.   */
dividere_worker_entry_t *dividere_workers_silent (
    const dividere_workers_t *self);
dividere_worker_entry_t *dividere_workers_untold (
    const dividere_workers_t *self);

/*  Goes through all: from NULL to NULL, by age of their last heartbeat.      */
dividere_worker_entry_t *dividere_workers_each (
    const dividere_workers_t *self, const dividere_worker_entry_t *before);

#endif
