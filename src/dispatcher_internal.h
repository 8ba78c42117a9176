/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_DISPATCHER_INTERNAL_H
#define DIVIDERE_DISPATCHER_INTERNAL_H

#include "dispatcher.h"
#include "trace.h"

/*  What the files of the dispatcher share: dispatcher.c has what clients send
 *  and what is due, dispatcher_workers.c replies and who is gone,
 *  dispatcher_signs.c signs of life,
 *  dispatcher_requests.c what is done with a request, dispatcher_lanes.c the
 *  services.                                                                */

/*  How many signs of life of a busy worker of the Python package prove that it
 *  is busy no more.                                                         */
#define DIVIDERE_UNPROVEN_SIGNS 5

struct dividere_dispatcher_t {
    dividere_dispatcher_class_t class;
    void *arg; /* of the functions of the class                             */
    dividere_dispatcher_limits_t limits;
    dividere_requests_t requests;
    dividere_workers_t workers;
    dividere_table_t lanes;  /* by name, ours                                */
    dividere_hash_t hash;    /* of names                                     */
    dividere_lane_t *first;  /* of all lanes; the default one                */
    dividere_lane_t *common; /* the default one                             */
    uint64_t client;         /* in the ids of requests that have none       */
    uint64_t number;
    uint64_t beats;    /* no worker that is gone was sent a higher number  */
    int64_t ticked_ms; /* the last look at who is silent                   */
    int64_t grace_ms;  /* silence counts from here on                      */
    bool grace;        /* ... from the next look on                        */
    size_t abandoned;  /* requests in flight that nobody waits for           */
    bool paused;
    bool draining;
    dividere_dispatcher_counts_t counts;
};

/*  The lane of a name, which is made where it is not there yet, for a worker
 *  that serves it or a client that wants it. NULL: there are too many.       */
dividere_lane_t *dividere_lane_of (dividere_dispatcher_t *self,
                                   const char *name, size_t size, bool served);

/*  Destroys a lane that nobody uses, but for the default one.               */
void dividere_lane_leave (dividere_dispatcher_t *self, dividere_lane_t *lane);

/*  Closes frames.                                                           */
void dividere_frames_close (zmq_msg_t *frames, size_t count);

/*  The index of the extension frame of a client among frames, or -1.        */
int dividere_frames_extension (zmq_msg_t *frames, size_t count,
                               dividere_extension_t *ret_extension);

/*  Answers frames that have not become a request; takes them.               */
void dividere_frames_refuse (dividere_dispatcher_t *self, zmq_msg_t *frames,
                             size_t count, int extension,
                             dividere_status_t status);

/*  Hands a new request of a lane out, or lets it wait. The lane may be gone
 *  then.                                                                    */
void dividere_request_place (dividere_dispatcher_t *self, dividere_lane_t *lane,
                             dividere_request_t *request, int64_t now_us);

/*  Hands what waits to whoever can take it. The lane may be gone then, if
 *  nobody uses it, and so may any worker of it.                             */
void dividere_lane_pump (dividere_dispatcher_t *self, dividere_lane_t *lane,
                         int64_t now_us);

/*  Tells the client what became of its request. payload is taken; NULL: text
 *  that says the status.                                                    */
/*  Adds to its trace, where it has one.                                     */
void dividere_request_trace (dividere_dispatcher_t *self,
                             dividere_request_t *request,
                             dividere_hop_kind_t kind);

void dividere_request_tell (dividere_dispatcher_t *self,
                            dividere_request_t *request,
                            dividere_status_t status, zmq_msg_t *payload);

/*  ... unless it is abandoned, and removes it.                              */
void dividere_request_end (dividere_dispatcher_t *self,
                           dividere_request_t *request,
                           dividere_status_t status, zmq_msg_t *payload);

/*  A worker does not have it any more, and did not answer: the next one is to
 *  have it, or the client is told.                                          */
void dividere_request_requeue (dividere_dispatcher_t *self,
                               dividere_request_t *request, bool executed,
                               int64_t now_us);

static inline dividere_lane_t *
dividere_worker_lane (const dividere_worker_entry_t *worker)
{
    return (dividere_lane_t *) worker->crew->owner;
}

/*  The worker is gone. Its lane is to be pumped; or that is done, too.      */
void dividere_worker_lose (dividere_dispatcher_t *self,
                           dividere_worker_entry_t *worker, int64_t now_us);
void dividere_worker_replace (dividere_dispatcher_t *self,
                              dividere_worker_entry_t *worker, int64_t now_us);

/*  It may be able to take a request now. It may be gone then.               */
void dividere_worker_release (dividere_dispatcher_t *self,
                              dividere_worker_entry_t *worker, int64_t now_us);

/*  Sends it a sign of life in its own dialect. 0, or -1: it is gone.        */
int dividere_worker_tell (dividere_dispatcher_t *self,
                          dividere_worker_entry_t *worker, int64_t now_us);

/*  It is there.                                                             */
void dividere_worker_heard (dividere_dispatcher_t *self,
                            dividere_worker_entry_t *worker, int64_t now_us);

/*  A message of one frame came from a worker, or from who may become one.   */
void dividere_worker_sign (dividere_dispatcher_t *self,
                           dividere_worker_entry_t *worker, zmq_msg_t *frames,
                           int64_t now_us);

/*  Sends signs of life, and finds out who does not give any. True if there was
 *  too much for one call.                                                   */
bool dividere_workers_tick (dividere_dispatcher_t *self, int64_t now_us);

#endif
