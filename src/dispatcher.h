/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_DISPATCHER_H
#define DIVIDERE_DISPATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>
#include "histogram.h"
#include "worker_queue.h"

/*  What a broker does with each message of a client and of a worker. Without
 *  sockets, and without a clock: messages come in as frames and go out through
 *  two functions, and now_us is passed in.                                  */

typedef struct dividere_dispatcher_t dividere_dispatcher_t;

/*  A message has at most so many frames, the routing id of the peer included;
 *  of longer ones dividere_dispatcher_refuse is told.                       */
#define DIVIDERE_DISPATCHER_FRAMES 20

/*  The first frame is the routing id of the peer.                           */
typedef struct {
    /*  Takes the frames and returns 0; or takes none and returns -1 with
     *  EHOSTUNREACH (the worker is gone) or EAGAIN (no room).              */
    int (*to_worker) (void *arg, zmq_msg_t *frames, size_t count);

    /*  Takes the frames, and answers for what becomes of them.             */
    void (*to_client) (void *arg, zmq_msg_t *frames, size_t count);

    /*  May the peer that a frame came from ask for a service, or serve it? May
     *  be NULL: everybody may do everything.                                */
    bool (*allowed) (void *arg, zmq_msg_t *frame, bool worker,
                     const char *service, size_t size);

    /*  The clock of traces: ns since 1970. May be NULL: nothing is added to
     *  traces.                                                              */
    int64_t (*now_ns) (void);
} dividere_dispatcher_class_t;

typedef struct {
    int64_t heartbeat_ms;
    unsigned requeues; /* where a request does not say; at most 200          */
    size_t workers_max;
    dividere_request_limits_t requests;
} dividere_dispatcher_limits_t;

/*  What dividere/broker.h says.                                             */
typedef struct {
    uint64_t received;
    uint64_t handed;
    uint64_t replied;
    uint64_t requeued;
    uint64_t joined;
    uint64_t errors[DIVIDERE_STATUSES]; /* told to clients, by status       */
    uint64_t silent;                    /* of them, those nobody was told    */
    uint64_t stray;
    uint64_t frontend_malformed;
    uint64_t backend_malformed;
    uint64_t workers_refused;
    uint64_t workers_denied; /* signs of life                               */
    uint64_t heartbeats_sent;
    uint64_t heartbeats_received;
    uint64_t workers_lost;
    dividere_histogram_t latency;
} dividere_dispatcher_counts_t;

dividere_dispatcher_t *dividere_dispatcher_new (
    const dividere_dispatcher_class_t *class, void *arg);

/*  Tells clients what becomes of what is left. Returns how many requests nobody
 *  could be told of.                                                        */
size_t dividere_dispatcher_destroy (dividere_dispatcher_t **self_p);

void dividere_dispatcher_limit (dividere_dispatcher_t *self,
                                const dividere_dispatcher_limits_t *limits);

/*  A message came; the frames are taken.                                    */
void dividere_dispatcher_from_client (dividere_dispatcher_t *self,
                                      zmq_msg_t *frames, size_t count,
                                      int64_t now_us);
void dividere_dispatcher_from_worker (dividere_dispatcher_t *self,
                                      zmq_msg_t *frames, size_t count,
                                      int64_t now_us);

/*  A message that had too many frames was dropped.                          */
void dividere_dispatcher_refuse (dividere_dispatcher_t *self, bool worker);

/*  Does what is due. Returns when (ms of the same clock) something is due next:
 *  not later than now, if there was too much for one call; -1: nothing is.  */
int64_t dividere_dispatcher_tick (dividere_dispatcher_t *self, int64_t now_us);
int64_t dividere_dispatcher_next (const dividere_dispatcher_t *self);

/*  Hands nothing out, or goes on.                                           */
void dividere_dispatcher_pause (dividere_dispatcher_t *self, bool paused,
                                int64_t now_us);

/*  From here on refuses what is new.                                        */
void dividere_dispatcher_drain (dividere_dispatcher_t *self);

/*  Hands nothing more to one worker, until it registers. 0, or -1 with ENOENT:
 *  nobody of this routing id.                                               */
int dividere_dispatcher_drain_worker (dividere_dispatcher_t *self,
                                      const void *id, size_t size);

/*  Requests that somebody waits for.                                        */
size_t dividere_dispatcher_left (const dividere_dispatcher_t *self);

const dividere_dispatcher_counts_t *dividere_dispatcher_counts (
    const dividere_dispatcher_t *self);
const dividere_requests_t *dividere_dispatcher_requests (
    const dividere_dispatcher_t *self);
const dividere_workers_t *dividere_dispatcher_workers (
    const dividere_dispatcher_t *self);

/*  One queue of requests and one crew of workers for each service.          */
typedef struct dividere_lane_t {
    dividere_entry_t entry; /* in the table                                 */
    struct dividere_lane_t *next;  /* in the list of all                     */
    struct dividere_lane_t **link; /* what points to it there               */
    dividere_crew_t crew;
    dividere_request_list_t waiting;
    size_t in_flight; /* as of dividere_dispatcher_tally                     */
    size_t name_size;
    char name[];
} dividere_lane_t;

/*  The first of all services: the default one.                              */
const dividere_lane_t *dividere_dispatcher_lanes (
    const dividere_dispatcher_t *self);

/*  Counts what the workers of each have.                                    */
void dividere_dispatcher_tally (dividere_dispatcher_t *self);

#endif
