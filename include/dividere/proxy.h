/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_PROXY_H
#define DIVIDERE_PROXY_H

#include <czmq.h>
#include <dividere/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  A thread that forwards messages, as they are, between the peers of a
 *  frontend and those of a backend, so that either side may grow, shrink and
 *  restart without the other knowing its addresses.
 *
 *      zactor_t *proxy = zactor_new (dividere_proxy, NULL);
 *      dividere_call (proxy, NULL, -1, "BIND", "frontend",
 *                     "tcp://127.0.0.1:5555", NULL);
 *      dividere_call (proxy, NULL, -1, "BIND", "backend",
 *                     "tcp://127.0.0.1:5556", NULL);
 *
 *  args is the name of the actor for the log, or NULL ("proxy").
 *
 *  command  arguments                  values          errors
 *  SET      NAME VALUE                                 EINVAL, ENOENT, EBUSY
 *  BIND     frontend|backend ENDPOINT  endpoint bound  EINVAL, EMFILE,
 *                                                      EPROTONOSUPPORT,
 *                                                      those of zmq_bind
 *  CONNECT  frontend|backend ENDPOINT  endpoint        the same
 *  PAUSE, RESUME
 *  CAPTURE  ENDPOINT                   endpoint        as BIND
 *  and those of every actor (dividere/actor.h).
 *
 *  BIND and CONNECT may be given several times. Forwarding starts when there
 *  are both sides. PAUSE leaves what arrives in the queues of the sockets, and
 *  so slows the senders down; RESUME goes on. Neither loses anything, except
 *  that a publisher drops for a subscriber that does not keep up.
 *
 *  SET before the first BIND or CONNECT:
 *    pattern     router-dealer (default): requests of clients (dividere's
 *                request or dealer, REQ, DEALER) go to the next worker
 *                (response, dealer, REP, DEALER) that has room, replies to the
 *                client they belong to. What a dealer sends to workers that are
 *                responses or REP begins with the empty frame that those want
 *                xsub-xpub: publishers at the frontend, subscribers at the
 *                backend
 *                pull-push: PUSH at the frontend, PULL at the backend
 *    hwm         messages queued per peer and direction (1000)
 *    linger      ms for what is unsent at the end (1000)
 *  SET at any time, for replies to a client that does not read:
 *    reply_bytes (1048576), reply_age (ms, 10000): what is kept for one client
 *                beyond its high-water mark
 *    reply_total (67108864): bytes kept for all of them together
 *
 *  No peer can stop the others. While all workers are full, or there is none,
 *  clients are not read and their queues fill; nothing is lost. A client that
 *  does not read its replies has a queue of its own, and beyond that its
 *  replies, and only its, are dropped and counted. A subscriber that does not
 *  read misses messages, and only it. The order of messages from one peer to
 *  another is kept. What a stopped proxy had not forwarded is lost with it, as
 *  is what a worker had when it died, and, of three workers or more, rarely a
 *  message to another in that moment; clients that must know ask again.
 *
 *  CAPTURE sends a copy of every message that was received, in either
 *  direction, frames and all, to a PULL, as soon as it was sent on or dropped:
 *  it binds the endpoint where it begins with "@" and connects to it otherwise;
 *  an empty one ends capturing, after which libzmq may hold the endpoint for
 *  another moment. When nobody reads, or not fast enough, copies are dropped
 *  and counted.
 *
 *  STATS, in messages: frontend_received, backend_sent, backend_received,
 *  frontend_sent; unroutable (replies to clients that are gone); overflowed and
 *  reply_expired (replies dropped by reply_bytes, reply_total and reply_age);
 *  malformed (replies without an address; from subscribers, whatever is not a
 *  subscription of up to 245 bytes); lost (the peer went away in the midst of
 *  them); passed_over (they found a subscriber's queue full, each the beginning
 *  of a gap: libzmq passes over that one until it has read half, and tells
 *  nobody how much it missed); waiting (replies kept now), waiting_bytes,
 *  waiting_clients; captured, capture_dropped.
 *  Source: connection.Proxy of the Python package.                          */
DIVIDERE_EXPORT void dividere_proxy (zsock_t *pipe, void *args);

#ifdef __cplusplus
}
#endif

#endif
