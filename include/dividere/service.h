/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SERVICE_H
#define DIVIDERE_SERVICE_H

#include <czmq.h>
#include <dividere/actor.h>
#include <dividere/handler.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  A service: answers requests at an endpoint of its own, and is found by its
 *  name. It binds, registers with all name servers that it is told of, renews
 *  its lease, registers again with one that has started anew, and leaves them
 *  when it stops. A name server that is not there yet is waited for in the
 *  background.
 *
 *      dividere_service_config_t config = { .handlers = handlers };
 *      zactor_t *service = zactor_new (dividere_service, &config);
 *      dividere_call (service, NULL, -1, "SET", "name", "clock", NULL);
 *      dividere_call (service, NULL, -1, "CONNECT", "tcp://127.0.0.1:5000",
 *                     NULL);
 *      dividere_call (service, NULL, -1, "START", NULL);
 *
 *  Clients: a dividere_client_t, by name or at the endpoint; a request or a
 *  dealer; Request and Dealer of the Python package. Handlers are called in
 *  threads of the service, as a worker does (dividere/worker.h).
 *
 *  command     arguments            values       errors
 *  SET         NAME VALUE                        EINVAL, ENOENT, EBUSY
 *  CONNECT     NAMESERVER [PUBLISH]              EINVAL, EEXIST,
 *                                                EPROTONOSUPPORT, EBUSY
 *  BIND        ENDPOINT             endpoint     EINVAL, EADDRINUSE, EMFILE,
 *                                                EPROTONOSUPPORT, those of
 *                                                zmq_bind
 *  START                            endpoint     EINVAL (no name), EALREADY,
 *                                                EADDRINUSE, EMFILE, EAGAIN,
 *                                                those of
 *                                                dividere_types_register and
 *                                                of on_init
 *  TRAFFIC     ENDPOINT             endpoint     as BIND; EBUSY (it has
 *                                                handlers, or has started)
 *  NAMESERVERS                      endpoint, state, error ... (triples)
 *  DRAIN       (when it is done)                 EINVAL (not started), EALREADY
 *  and those of every actor (dividere/actor.h).
 *
 *  BIND may come several times; the first tcp endpoint is the one that is
 *  registered. Without any, START binds the first free port of 5101 to 6000 on
 *  all interfaces. What is registered is the port that was really bound, and
 *  as the host the setting advertise or, without it, the address that this host
 *  has towards the name server (an endpoint that is not a wildcard: its own).
 *
 *  SET before START:
 *    name         1 to 255 bytes of UTF-8; there is no default
 *    advertise    the host that clients are told
 *    release      the version of the service, for people
 *    tag          adds one, by convention "key=value"
 *    lease        ms (3000); renewed three times as often
 *    threads      handlers that run at a time (1)
 *    hwm          messages queued per peer and direction (10000)
 *  SET at any time:
 *    pending_max  requests that wait for a handler (10000); more are told BUSY,
 *                 or, of clients in Python, dropped and counted
 *    bytes_max    bytes of requests that wait or run (256 MiB); likewise
 *    reply_bytes, reply_age, reply_total  as a proxy has them
 *    window, window_bytes, window_age     as a worker has them
 *
 *  NAMESERVERS: the state is connecting, registering, registered, refused (and
 *  the error says why: EADDRINUSE, another instance is at this place; ENOBUFS,
 *  EINVAL, EACCES).
 *
 *  DRAIN leaves the name servers, finishes what it has, and is answered then;
 *  what still comes is answered BUSY. Stopping leaves them, finishes what runs,
 *  and answers BUSY what waits: a client asks another instance then.
 *
 *  TRAFFIC, for who wants no handlers: requests come out at this endpoint
 *  (inproc or ipc), to a dealer that connects, one frame of route before each,
 *  and the answer goes back the same way:
 *      dividere_recv (dealer) ... dividere_send_to (dealer, route, &reply.base)
 *  What is not answered within its deadline, or 60 s, is forgotten.
 *
 *  Answered by the service itself, at once: dividere.Ping,
 *  dividere.ServiceInfoReq, dividere.ServiceStatisticsReq
 *  (dividere/builtin.pb-c.h; whoever asks registers the types of the answers).
 *  Ask only services that are of this library (dividere_instance_t.native): one
 *  in Python ends at a type it does not know.
 *
 *  STATS: those of a worker that are not about brokers; nameservers,
 *  registered (with so many of them), rediscovered, renewals,
 *  registrations_refused; denied, builtin, busy (told so, or dropped),
 *  unroutable, overflowed, reply_expired, traffic_out, traffic_in,
 *  traffic_dropped.
 *  Source: service.Service of the Python package.                           */
DIVIDERE_EXPORT void dividere_service (zsock_t *pipe, void *args);

/*  Copied when the actor starts; what it points to must outlive the actor.
 *  Everything may be NULL or 0.                                             */
typedef struct {
    const char *actor; /* for the log; "service"                            */

    /*  As in dividere_worker_config_t.                                      */
    const dividere_handler_t *handlers;
    int (*on_bytes) (dividere_context_t *context, const void *data,
                     size_t size);
    void *user;
    int (*on_init) (dividere_context_t *context);
    void (*on_exit) (dividere_context_t *context);

    /*  A FileDescriptorSet of what it understands, told to who asks.        */
    const void *schema;
    size_t schema_size;
} dividere_service_config_t;

#ifdef __cplusplus
}
#endif

#endif
