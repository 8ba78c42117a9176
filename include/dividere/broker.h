/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BROKER_H
#define DIVIDERE_BROKER_H

#include <czmq.h>
#include <dividere/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  A thread that hands the requests of clients to workers, the least recently
 *  used one first, and accounts for each: whatever dies on the way, a client of
 *  this library (dividere_client_t) is answered by one reply or one error.
 *
 *      zactor_t *broker = zactor_new (dividere_broker, NULL);
 *      dividere_call (broker, NULL, -1, "BIND", "frontend",
 *                     "tcp://127.0.0.1:5555", NULL);
 *      dividere_call (broker, NULL, -1, "BIND", "backend",
 *                     "tcp://127.0.0.1:5556", NULL);
 *
 *  args is the name of the actor for the log, or NULL ("broker").
 *
 *  command  arguments                  values          errors
 *  SET      NAME VALUE                                 EINVAL, ENOENT, EBUSY
 *  BIND     frontend|backend ENDPOINT  endpoint bound  EINVAL, EMFILE,
 *                                                      EPROTONOSUPPORT,
 *                                                      those of zmq_bind
 *  CONNECT  frontend|backend ENDPOINT  endpoint        the same
 *  PAUSE, RESUME
 *  DRAIN                               (when it is done)  EALREADY
 *  DRAIN    WORKER                                     ENOENT
 *  WORKERS                             nine of each, see below
 *  SERVICES                            four of each, see below
 *  and those of every actor (dividere/actor.h).
 *
 *  Clients at the frontend: dividere_client_t, dividere's request and dealer,
 *  REQ, DEALER, and their like in Python. Workers at the backend: the actor
 *  dividere_worker, and Python workers of both dialects, all at once.
 *
 *  SET before the first BIND or CONNECT:
 *    hwm           messages queued per peer and direction (10000)
 *    linger        ms for what is unsent at the end (1000)
 *  SET at any time:
 *    heartbeat     ms between signs of life to and from workers (3000); a
 *                  worker that is silent for three of them is gone, but for a
 *                  busy one in Python, which says nothing while it works
 *    requeues      how often a request whose worker died is handed to another
 *                  (3); 0: its client gets an error at once. A request of
 *                  dividere_client_t can say otherwise
 *    pending_max   requests that wait for a worker (10000), of all services;
 *                  those that nobody serves may fill half of it
 *    bytes_max     bytes of all requests here, with those that workers have
 *                  (268435456)
 *    pending_age   ms that one may wait (30000)
 *    workers_max   workers at a time (100000); see dividere_room_t for what
 *                  each takes, and the warning where that is not there
 *    reply_bytes (1048576), reply_age (ms, 10000), reply_total (67108864): what
 *                  is kept for clients that do not read, as by dividere_proxy
 *
 *  PAUSE hands no more requests out: they wait, as if nobody was free; replies
 *  go on. RESUME ends that. DRAIN refuses new requests and is answered once
 *  none is left; it cannot be taken back. DRAIN with the name of a worker gives
 *  that one no more requests until it registers anew.
 *
 *  WORKERS tells of each: its name (its routing id; in hex behind "0x" where
 *  that is no text), service, dialect (c, typed or bytes), state (ready, busy
 *  or draining), credit, requests in flight, requests handed to it, replies,
 *  requests it lost. SERVICES tells of each: its name ("" is the default),
 *  workers, requests waiting, requests in flight.
 *
 *  What becomes of a request. With a free worker it is handed over at once,
 *  else it waits. Clients of this library are told: busy (the queue is full, or
 *  the broker drains), expired (the deadline has passed), no worker (nobody
 *  serves it, and it has waited for pending_age), worker lost (and it may not
 *  be requeued), outcome unknown (a strict one, which is never handed out
 *  twice). Other clients get nothing then, which is counted.
 *
 *  STATS: workers, ready, busy, pending, in_flight, bytes; received, handed,
 *  replied (errors of workers, too); requeued, joined (a retry that found its
 *  request here); by what clients were told: busy_errors, expired, no_worker,
 *  worker_lost, outcome_unknown, unhandled, refused, failed, unanswered (the
 *  handler ended without a reply), denied (no right to it), and silent (of all
 *  these, those that no client could be told); stray (replies to what was not
 *  asked, a second one, or too late), frontend_malformed, backend_malformed,
 *  workers_refused, workers_denied (signs of life of who may not serve);
 *  heartbeats_sent, heartbeats_received, workers_lost; unroutable, overflowed,
 *  reply_expired, waiting (replies, as dividere_proxy has them); and the time
 *  from arrival to reply in microseconds: latency_count, latency_p50,
 *  latency_p90, latency_p99, latency_max, and latency_le_N, how many took at
 *  most N.
 *
 *  libzmq delivers by the name that a client gives itself (its routing id). Who
 *  connects under the name of another takes its place, and gets its replies:
 *  names that clients choose must be their own. dividere_client_t has none.
 *  Source: LoadBalancingPattern.Broker of the Python package, both of them. */
DIVIDERE_EXPORT void dividere_broker (zsock_t *pipe, void *args);

#ifdef __cplusplus
}
#endif

#endif
