/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ENVELOPE_H
#define DIVIDERE_ENVELOPE_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>
#include <zmq.h>
#include <dividere/library.h>
#include <dividere/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  The codec between a protobuf-c object and its one frame on the wire
 *  (proto/dividere/envelope.proto), and the limits that guard it. Most users
 *  need only dividere_send and dividere_recv.
 *  Source: messaging.ProtoBuffEncoder of the Python package.                 */

/*  What is refused, before anything is allocated for it. Process-wide.      */
typedef struct {
    size_t size_max;      /* bytes of a frame; default 16 MiB               */
    unsigned depth_max;   /* nesting of messages and groups; default 100    */
    size_t budget_factor; /* an object may take this x its wire size ...    */
    size_t budget_base;   /* ... + this in bytes; default 64, 64 KiB        */
    size_t budget_max;    /* ... and never more than this; default 64 MiB   */
} dividere_limits_t;

DIVIDERE_EXPORT void dividere_limits_get (dividere_limits_t *ret_limits);

/*  Safe in any thread; messages under way may still see the old values, and a
 *  connector tells libzmq its size_max once, when it is created. Returns 0, or
 *  -1 with EINVAL for a size or budget of 0 or a depth of 0 or over 1,000.  */
DIVIDERE_EXPORT int dividere_limits_set (const dividere_limits_t *limits);

/*  Encodes a message into a frame, which this initializes and the caller then
 *  owns (send it or zmq_msg_close it). The message stays the caller's.
 *  Returns 0, or -1 with
 *    EILSEQ    a string is not UTF-8
 *    EINVAL    a required field, an element or a string of a list is NULL
 *    ELOOP     nested deeper than the limit (an object graph with a cycle)
 *    EMSGSIZE  larger than the limit
 *  or an errno of dividere_types_register.                                  */
DIVIDERE_EXPORT int dividere_envelope_encode (const ProtobufCMessage *message,
                                              zmq_msg_t *ret_frame);

/*  Decodes a frame that came otherwise than by a socket, such as one of a
 *  recording, into a message, as receiving it would have done. The bytes are
 *  copied. Returns 0, or -1 with EPROTO, EPROTOTYPE, ENOENT, EBADMSG, EMSGSIZE,
 *  ELOOP, EILSEQ or ENOBUFS, as dividere_recv has them, or ENOMEM; the message
 *  is then empty.                                                           */
DIVIDERE_EXPORT int dividere_envelope_decode (const void *data, size_t size,
                                              dividere_message_t *message);

#ifdef __cplusplus
}
#endif

#endif
