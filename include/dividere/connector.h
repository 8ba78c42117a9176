/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_CONNECTOR_H
#define DIVIDERE_CONNECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <dividere/library.h>
#include <dividere/message.h>
#include <dividere/route.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  One end of a communication: publisher, subscriber, request, response or
 *  dealer. This header sends and receives bytes; dividere/message.h sends and
 *  receives protobuf objects over the same connectors.
 *
 *  Endpoints: one, or several separated by commas, over tcp, ipc and inproc.
 *  "@" or ">" in front binds or connects. Without it a publisher binds, a
 *  subscriber and a request connect, a response and a dealer bind where the
 *  endpoint has a "*" and connect otherwise. "tcp://127.0.0.1:*" binds a free
 *  port; dividere_connector_endpoint tells which. Several endpoints of a
 *  request are asked in turn.
 *
 *  A connector belongs to one thread at a time. All share the context of CZMQ,
 *  so that inproc works among them and with zsock_t.
 *  Source: connection.Connector and its classes in the Python package.      */

typedef struct dividere_connector_t dividere_connector_t;

typedef enum {
    DIVIDERE_PUBLISHER,
    DIVIDERE_SUBSCRIBER,
    DIVIDERE_REQUEST,
    DIVIDERE_RESPONSE,
    DIVIDERE_DEALER
} dividere_kind_t;

/*  What a publisher does with a message while a subscriber's queue is full.
 *  libzmq passes over a subscriber whose queue was full when something was
 *  dropped until it has read half of it, and tells nobody: "dropped" counts the
 *  sends that ran into a full queue, each the beginning of a gap. How many
 *  messages a subscriber missed, the subscriber counts, with "sequenced".   */
typedef enum {
    DIVIDERE_OVERFLOW_DROP, /* the slow one misses it, the others do not    */
    DIVIDERE_OVERFLOW_TELL  /* nobody gets it: send returns -1 with EAGAIN  */
} dividere_overflow_t;

/*  Start from DIVIDERE_CONNECTOR_OPTIONS_INIT, change what must differ. Times
 *  in milliseconds; a time-out of -1 is none.                               */
typedef struct {
    int send_hwm;          /* messages queued per peer, > 0; 1000; not   */
                           /* for a subscriber, which only subscribes    */
    int recv_hwm;          /* 1000                                       */
    int send_timeout_ms;   /* of the calls without one; -1               */
    int recv_timeout_ms;   /* -1                                         */
    int linger_ms;         /* unsent messages are still sent after       */
                           /* destroy; at least 20; 1000                 */
    int keepalive_ms;      /* between probes of an idle tcp connection,  */
                           /* in full seconds, 0: off; 3 in vain end it; */
                           /* 5000                                       */
    int reconnect_ms;      /* first pause before a new try; 100          */
    int reconnect_max_ms;  /* pauses double up to this; 5000             */
    bool ipv6;             /* false                                      */
    bool await_connection; /* for dividere_connector_wait_connected      */
    bool keep_last;        /* a subscriber of one topic is given only the    */
                           /* newest of what is there when it receives       */
    bool sequenced;        /* a publisher numbers its typed messages, a  */
                           /* subscriber counts what it missed           */
    dividere_overflow_t overflow;
    bool plain;    /* without security, although it is loaded    */
                   /* (dividere/security.h); false               */
    bool handover; /* dividere_send_owned gives objects to other */
                   /* threads as they are: inproc only           */
    int batch;     /* publisher: bytes that it puts into one     */
                   /* frame, up to 1 MiB, for subscribers that   */
                   /* all take that; subscriber: > 0, it does; 0 */
} dividere_connector_options_t;

#define DIVIDERE_CONNECTOR_OPTIONS_INIT                                        \
    {                                                                          \
        1000, 1000, -1, -1, 1000, 5000, 100, 5000, false, false, false, false, \
            DIVIDERE_OVERFLOW_DROP, false, false, 0                            \
    }

/*  What a connector has seen, from its creation on, in messages.            */
typedef struct {
    uint64_t received;     /* given to the caller                           */
    uint64_t sent;         /* taken by libzmq                               */
    uint64_t dropped;      /* sends that found a subscriber's queue full    */
    uint64_t refused;      /* sends that failed, told by errno              */
    uint64_t malformed;    /* received: frames or envelope not as agreed    */
    uint64_t unknown_type; /* received: type not registered                 */
    uint64_t too_large;    /* received: over the size limit                 */
    uint64_t too_deep;     /* received: over the nesting limit              */
    uint64_t bad_text;     /* received: string not UTF-8 or with a NUL      */
    uint64_t over_budget;  /* received: would be too large unpacked         */
    uint64_t missed;       /* gaps in the numbers of sequenced publishers   */
    uint64_t subscribers;  /* subscriptions a publisher has now             */
} dividere_connector_stats_t;

/*  Create a connector of a kind; options may be NULL. NULL with
 *    EINVAL           an endpoint or option makes no sense
 *    EPROTONOSUPPORT  transport other than tcp, ipc, inproc; with handover
 *                       other than inproc
 *    EADDRINUSE, EADDRNOTAVAIL, EACCES, ENODEV, ENOENT   cannot bind (ENOENT:
 *                     the folder of an ipc path)
 *    EMFILE           no more sockets
 *    ETERM            the context is closed
 *  Connecting is done in the background and never fails here. The log says
 *  which endpoint was refused.                                              */
DIVIDERE_EXPORT dividere_connector_t *dividere_connector_new (
    dividere_kind_t kind, const char *endpoints,
    const dividere_connector_options_t *options);
DIVIDERE_EXPORT dividere_connector_t *dividere_publisher_new (
    const char *endpoints, const dividere_connector_options_t *options);
DIVIDERE_EXPORT dividere_connector_t *dividere_subscriber_new (
    const char *endpoints, const dividere_connector_options_t *options);
DIVIDERE_EXPORT dividere_connector_t *dividere_request_new (
    const char *endpoints, const dividere_connector_options_t *options);
DIVIDERE_EXPORT dividere_connector_t *dividere_response_new (
    const char *endpoints, const dividere_connector_options_t *options);
DIVIDERE_EXPORT dividere_connector_t *dividere_dealer_new (
    const char *endpoints, const dividere_connector_options_t *options);

/*  Returns at once; libzmq goes on sending what is queued for up to linger_ms,
 *  and the process waits for that when it ends.                             */
DIVIDERE_EXPORT void dividere_connector_destroy (dividere_connector_t **self_p);

DIVIDERE_EXPORT dividere_kind_t
dividere_connector_kind (const dividere_connector_t *self);

/*  "publisher", "subscriber" ...                                            */
DIVIDERE_EXPORT const char *dividere_kind_name (dividere_kind_t kind);

/*  The endpoints as they were really bound or connected, each with its "@" or
 *  ">"; endpoint is the address of the first of them, without.              */
DIVIDERE_EXPORT const char *dividere_connector_endpoints (
    const dividere_connector_t *self);
DIVIDERE_EXPORT const char *dividere_connector_endpoint (
    const dividere_connector_t *self);

/*  Add an endpoint later; "@" or ">" is not needed. Returns 0 or -1 with the
 *  errno of dividere_connector_new.                                         */
DIVIDERE_EXPORT int dividere_connector_bind (dividere_connector_t *self,
                                             const char *endpoint);
DIVIDERE_EXPORT int dividere_connector_connect (dividere_connector_t *self,
                                                const char *endpoint);

/*  Send one payload of size bytes (copied). Blocks up to send_timeout_ms; a
 *  publisher never blocks. Returns 0, or -1 with
 *    EAGAIN        no room in time, or no peer yet and the queue is full; a
 *                  publisher with DIVIDERE_OVERFLOW_TELL: a subscriber is full
 *    EFSM          a request not answered yet, a response without a request
 *    EHOSTUNREACH  a response whose requester is gone
 *    EMSGSIZE      larger than the limit
 *    ENOTSUP       this kind only receives
 *    EINTR, ETERM                                                           */
DIVIDERE_EXPORT int dividere_connector_send (dividere_connector_t *self,
                                             const void *data, size_t size);

/*  The same along a route, blocking up to timeout_ms. A dealer puts the route
 *  in front (an empty frame is a route of one empty frame); a response answers
 *  any earlier request by its route. EINVAL: the kind has no routes, or a
 *  response needs one and route is NULL or empty.                           */
DIVIDERE_EXPORT int dividere_connector_send_to (dividere_connector_t *self,
                                                const dividere_route_t *route,
                                                const void *data, size_t size,
                                                int timeout_ms);

/*  The same without a copy, which pays from some 64 KiB on: once it returns 0,
 *  the bytes are libzmq's, must not change, and release is called with data and
 *  arg when nobody needs them any more: soon or late, in any thread, where it
 *  must not block. On failure they stay the caller's, and it is not called. */
typedef void (dividere_release_fn) (void *data, void *arg);

DIVIDERE_EXPORT int dividere_connector_send_owned (
    dividere_connector_t *self, const dividere_route_t *route, void *data,
    size_t size, dividere_release_fn *release, void *arg, int timeout_ms);

/*  Receive the next payload as bytes: dividere_message_data, _size, _route.
 *  Blocks up to recv_timeout_ms. The caller owns the message. NULL with EAGAIN,
 *  EFSM (a request with nothing sent, a response not answered yet), ENOTSUP (a
 *  publisher), EINTR, ETERM. What breaks the rules of the kind (a second frame
 *  at a subscriber, no delimiter at a response) is counted and passed over. */
DIVIDERE_EXPORT dividere_message_t *dividere_connector_recv (
    dividere_connector_t *self);

/*  The same into a message of the caller, blocking up to timeout_ms.        */
DIVIDERE_EXPORT int dividere_connector_recv_into (dividere_connector_t *self,
                                                  dividere_message_t *message,
                                                  int timeout_ms);

/*  Waits until there is something to receive. Returns 0, or -1 with EAGAIN,
 *  EINTR, ETERM, ENOTSUP (a publisher). A frame that recv will pass over may
 *  end the wait early.                                                      */
DIVIDERE_EXPORT int dividere_connector_wait (dividere_connector_t *self,
                                             int timeout_ms);

/*  A subscriber gets what starts with one of its topics; with no topic it gets
 *  nothing, with the empty one everything. For a type: both its full and its
 *  short name, which older peers send. Returns 0, or -1 with ENOTSUP (not a
 *  subscriber), EMSGSIZE (over 245 bytes, which libzmq 4.3.4 cannot send),
 *  EBUSY (a second topic with keep_last), ENOBUFS (more than 100,000 topics),
 *  ENOENT (unsubscribe: no such topic), or an errno of dividere_types_register.
 *  A subscriber is known to a publisher that it connects to at once, and to one
 *  that connects to it only when it is next called.                         */
DIVIDERE_EXPORT int dividere_connector_subscribe (dividere_connector_t *self,
                                                  const void *topic,
                                                  size_t size);
DIVIDERE_EXPORT int dividere_connector_unsubscribe (dividere_connector_t *self,
                                                    const void *topic,
                                                    size_t size);
DIVIDERE_EXPORT int dividere_subscribe (dividere_connector_t *self,
                                        const ProtobufCMessageDescriptor *type);
DIVIDERE_EXPORT int dividere_unsubscribe (
    dividere_connector_t *self, const ProtobufCMessageDescriptor *type);

/*  A publisher waits until count subscriptions are there that match the topic
 *  (each that is a prefix of it, from C or elsewhere): from then on no message
 *  of it is sent to nobody. Blocks up to timeout_ms. Returns 0, or -1 with
 *  EAGAIN, EINTR, ETERM, ENOTSUP (not a publisher).                         */
DIVIDERE_EXPORT int dividere_connector_wait_subscribers (
    dividere_connector_t *self, const void *topic, size_t size, size_t count,
    int timeout_ms);
DIVIDERE_EXPORT int dividere_wait_subscribers (
    dividere_connector_t *self, const ProtobufCMessageDescriptor *type,
    size_t count, int timeout_ms);

/*  Waits until the handshake with one peer is done. Weaker than the above: a
 *  subscription may still be on its way. Needs the option await_connection.
 *  Returns 0, also for inproc, which has no handshake; or -1 with EAGAIN,
 *  EINTR, ETERM, ENOTSUP (without the option); where the peer refuses to be
 *  connected EACCES (it does not let this key in), EPROTONOSUPPORT (one side
 *  wants security and the other does not), EKEYREJECTED (it has another key
 *  than it is known by): see dividere/security.h.                           */
DIVIDERE_EXPORT int dividere_connector_wait_connected (
    dividere_connector_t *self, int timeout_ms);

/*  Gives up the answer to a request, so that the next can be sent at once; it
 *  will never be taken for another's. A wait of more than 0 ms that was in vain
 *  does that too. Returns 0, or -1 with ENOTSUP (not a request).            */
DIVIDERE_EXPORT int dividere_connector_abandon (dividere_connector_t *self);

DIVIDERE_EXPORT void dividere_connector_stats (
    dividere_connector_t *self, dividere_connector_stats_t *ret_stats);

/*  Sends what a publisher with the option batch has collected. Small messages
 *  of one type that follow one another then share a frame, which is sent when
 *  it is full, before a message of another type, at this call, and on
 *  destroying: nothing else sends it, so call this at the end of a burst; a
 *  reactor does so for its sources when its handlers have had their turn. It is
 *  done only while every subscription to the type is of a subscriber with the
 *  option, and nobody wants everything; others, as those in Python, get each
 *  message by itself, and so does everybody then. A proxy merges what its
 *  subscribers want: do not put one between such a publisher and subscribers of
 *  which only some have the option, the others would get nothing. Returns 0, or
 *  -1 with EAGAIN (DIVIDERE_OVERFLOW_TELL, and a subscriber is full: it still
 *  waits, and sending fails the same way), ENOTSUP (not a publisher), ETERM. */
DIVIDERE_EXPORT int dividere_connector_flush (dividere_connector_t *self);

/*  The libzmq socket, for options that this class does not offer and for
 *  polling. It stays the connector's; whoever receives from it directly breaks
 *  the counters and the lock-step.                                          */
DIVIDERE_EXPORT void *dividere_connector_handle (dividere_connector_t *self);

#ifdef __cplusplus
}
#endif

#endif
