/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_MESSAGE_H
#define DIVIDERE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>
#include <dividere/library.h>
#include <dividere/route.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  Typed messages over any socket: a dividere_connector_t, a zsock_t or a
 *  zactor_t, wherever a parameter is called sock.
 *  Source: the messaging module of the Python package.                      */

typedef struct dividere_message_t dividere_message_t;

/*  Sends any protobuf-c object: dividere_send (sock, &hello.base). The object
 *  stays the caller's. Blocks up to the send time-out of the socket. Returns
 *  0, or -1 with an errno of dividere_envelope_encode or of
 *  dividere_connector_send.                                                 */
DIVIDERE_EXPORT int dividere_send (void *sock, const ProtobufCMessage *message);

/*  The same along a route (NULL: none), blocking up to timeout_ms (-1: no
 *  limit). A reply: dividere_send_to (sock, dividere_message_route (request),
 *  &reply.base, -1).                                                        */
DIVIDERE_EXPORT int dividere_send_to (void *sock, const dividere_route_t *route,
                                      const ProtobufCMessage *message,
                                      int timeout_ms);

/*  Sends an object and gives it away: it was allocated as protobuf-c does it
 *  (malloc for all its parts), is freed when nobody needs it any more, and
 *  *message_p becomes NULL. On failure it stays the caller's. Over a connector
 *  with the option handover it is not packed: the receiver, or every
 *  subscriber, gets this very object, to read only, judged by nobody. The
 *  receivers must then be of this library and not behind a proxy to another
 *  transport, which would pass on bytes that mean nothing (EPROTO at their
 *  receiver). Over any other socket it is packed as dividere_send_to does it,
 *  and freed. Errors as of dividere_send_to.                                */
DIVIDERE_EXPORT int dividere_send_owned (void *sock,
                                         const dividere_route_t *route,
                                         ProtobufCMessage **message_p,
                                         int timeout_ms);

/*  Receives the next message: its envelope checked, its type looked up, its
 *  object unpacked. Blocks up to the receive time-out of the socket. The
 *  caller owns the message. NULL with
 *    EAGAIN     none came in time
 *    EPROTO     the frame is not an envelope, or there are too many frames
 *    EPROTOTYPE the envelope names two different types
 *    ENOENT     the type is not registered here
 *    EBADMSG    the payload is not of its type
 *    EMSGSIZE   larger than the limit
 *    ELOOP      nested deeper than the limit
 *    EILSEQ     a string is not UTF-8 or holds a NUL
 *    ENOBUFS    unpacked, it would be larger than the budget
 *    ENOTSUP    this socket only sends
 *    EFSM       a request or response that is not in turn
 *    EINTR, ETERM, ENOTSOCK  as zmq_msg_recv has them
 *  A message that is refused is gone from the socket; a connector counts it. */
DIVIDERE_EXPORT dividere_message_t *dividere_recv (void *sock);

/*  The same into a message of the caller, whose memory is used again, blocking
 *  up to timeout_ms (-1: no limit). Returns 0, or -1 with an errno as above;
 *  the message is then empty, but keeps the route of one that was refused, so
 *  that an error can be answered.                                           */
DIVIDERE_EXPORT int dividere_recv_into (void *sock, dividere_message_t *message,
                                        int timeout_ms);

/*  Waits until a message can be received, up to timeout_ms (-1: no limit).
 *  Returns 0, or -1 with EAGAIN, EINTR, ETERM, ENOTSUP.                     */
DIVIDERE_EXPORT int dividere_wait (void *sock, int timeout_ms);

/*  An empty message, to receive into.                                       */
DIVIDERE_EXPORT dividere_message_t *dividere_message_new (void);
DIVIDERE_EXPORT void dividere_message_destroy (dividere_message_t **self_p);

/*  All that follows is the message's own and valid until it is destroyed or
 *  received into.                                                           */

/*  The object as a Type, or NULL if the message is of another type:
 *      const Msg01 *hello = DIVIDERE_MESSAGE_AS (message, Msg01, msg01);     */
#define DIVIDERE_MESSAGE_AS(message, Type, prefix) \
    ((const Type *) dividere_message_as ((message), &prefix##__descriptor))
DIVIDERE_EXPORT const void *dividere_message_as (
    const dividere_message_t *self, const ProtobufCMessageDescriptor *type);

/*  The object whatever its type, its type, and the full name of it; NULL if
 *  the message is empty or was received as bytes.                           */
DIVIDERE_EXPORT const ProtobufCMessage *dividere_message_object (
    const dividere_message_t *self);
DIVIDERE_EXPORT const ProtobufCMessageDescriptor *dividere_message_type (
    const dividere_message_t *self);
DIVIDERE_EXPORT const char *dividere_message_name (
    const dividere_message_t *self);

/*  The payload frame as it came: for a typed message the whole envelope.    */
DIVIDERE_EXPORT const void *dividere_message_data (
    const dividere_message_t *self);
DIVIDERE_EXPORT size_t dividere_message_size (const dividere_message_t *self);

/*  The routing frames it came with; empty where there were none.            */
DIVIDERE_EXPORT const dividere_route_t *dividere_message_route (
    const dividere_message_t *self);

/*  A property of the connection it came by, as libzmq knows it ("User-Id",
 *  "Peer-Address", "Socket-Type"); NULL if there is none.                   */
DIVIDERE_EXPORT const char *dividere_message_property (
    const dividere_message_t *self, const char *name);

/*  The number a sequenced publisher gave it within its epoch, counted from 1
 *  for each type; 0 if the publisher numbers nothing.                       */
DIVIDERE_EXPORT uint64_t
dividere_message_sequence (const dividere_message_t *self);
DIVIDERE_EXPORT uint64_t
dividere_message_epoch (const dividere_message_t *self);

#ifdef __cplusplus
}
#endif

#endif
