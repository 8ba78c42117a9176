/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_WORKER_H
#define DIVIDERE_WORKER_H

#include <czmq.h>
#include <dividere/actor.h>
#include <dividere/handler.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  A worker: takes requests from one or more brokers and calls a handler for
 *  each, in threads of its own, while its actor's thread goes on to send and
 *  receive signs of life. It registers again, by itself, with a broker that
 *  comes back.
 *
 *      dividere_worker_config_t config = { .handlers = handlers };
 *      zactor_t *worker = zactor_new (dividere_worker, &config);
 *      dividere_call (worker, NULL, -1, "CONNECT", "tcp://127.0.0.1:5556",
 *                     NULL);
 *      dividere_call (worker, NULL, -1, "START", NULL);
 *
 *  command     arguments   values                    errors
 *  SET         NAME VALUE                            EINVAL, ENOENT, EBUSY
 *  CONNECT     ENDPOINT    endpoint                  EINVAL, EEXIST, EMFILE,
 *                                                    EPROTONOSUPPORT, EBUSY
 *                                                    (it drains)
 *  DISCONNECT  ENDPOINT    (when it is done)         ENOENT, EALREADY
 *  BROKERS                 endpoint, state, requests in hand ... (triples)
 *  START                                             EALREADY, EMFILE, EAGAIN
 *                                                    (no threads), those of
 *                                                    dividere_types_register,
 *                                                    those of on_init
 *  DRAIN                   (when it is done)         EINVAL (not started),
 *                                                    EALREADY
 *  and those of every actor (dividere/actor.h).
 *
 *  SET before START:
 *    service    the service it serves; "" is the default one
 *    dialect    typed (default) or bytes: what a Python broker of that kind
 *               speaks. Towards a C broker use typed, with either kind of
 *               handler: only there it has more than one request at a time
 *    threads    handlers that run at a time (1)
 *    credit     requests it takes at a time (0: as many as threads). More keeps
 *               handlers busy that take microseconds, and lets requests wait
 *               here behind those that take long
 *    identity   its name at the broker, UTF-8, at most 200 bytes; a random UUID
 *  SET at any time:
 *    heartbeat  ms (3000): until a broker has told its own
 *    window     answers kept for requests that come again (10000); 0: none
 *    window_bytes (16777216), window_age (ms, 60000)
 *
 *  BROKERS: the state is connecting, refused (the broker does not let it in, as
 *  the log says; it is tried again), registered (it was told, and is not known
 *  to be C) or c (a broker of this library).
 *
 *  DRAIN: no new requests; answered when the last in hand was. DISCONNECT: the
 *  same for one broker. Stopping: what runs is finished and answered; what
 *  waits is given back to the broker, which hands it to another. A handler that
 *  does not return keeps the worker from stopping: dividere_stop then names it.
 *
 *  A request that comes again (same client, same number) gets the answer that
 *  was kept, or the one of the handler that is at it: it is not executed twice
 *  by the same worker.
 *
 *  STATS: brokers, registered, threads, running, waiting (for a thread),
 *  received, handled, replied, failed (a handler returned other than 0),
 *  unanswered (or no reply), unhandled, refused (unknown_type, malformed, which
 *  counts what is no request, too, too_large, too_deep, bad_text, over_budget),
 *  repeated (answered from the window), joined (to a request at work),
 *  returned, expired (the deadline had passed, not executed), dropped (answers
 *  no broker took, and requests beyond all credit), window, window_bytes,
 *  heartbeats_sent, heartbeats_received, reconnects.
 *  Source: LoadBalancingPattern.Worker and .Server of the Python package.   */
DIVIDERE_EXPORT void dividere_worker (zsock_t *pipe, void *args);

/*  Copied when the actor starts; what it points to must outlive the actor.
 *  Everything may be NULL or 0.                                             */
typedef struct {
    const char *name; /* for the log; "worker"                              */

    /*  One for each type; called in any of the threads, several at a time
     *  where there are several.                                             */
    const dividere_handler_t *handlers;

    /*  Instead of them: every request as bytes.                            */
    int (*on_bytes) (dividere_context_t *context, const void *data,
                     size_t size);

    void *user; /* dividere_context_user                                   */

    /*  In each thread: before its first request (other than 0 refuses the start
     *  with that errno); and last of all, where on_init succeeded.          */
    int (*on_init) (dividere_context_t *context);
    void (*on_exit) (dividere_context_t *context);
} dividere_worker_config_t;

#ifdef __cplusplus
}
#endif

#endif
