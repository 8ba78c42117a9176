/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BENCH_TWO_STEP_H
#define DIVIDERE_BENCH_TWO_STEP_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>
#include <zmq.h>

/*  The envelope as protobuf-c alone makes and reads it: the value first, then
 *  the envelope around it, each with memory of its own. It is kept as fast as
 *  that allows: the URL is ready-made, the envelope packed into the frame.  */

#define TWO_STEP_URL(name) "type.googleapis.com/" name

void two_step_encode (const ProtobufCMessage *message, const char *url,
                      zmq_msg_t *ret_frame);

/*  Free it with protobuf_c_message_free_unpacked. NULL: of another type.    */
ProtobufCMessage *two_step_decode (const void *data, size_t size,
                                   const ProtobufCMessageDescriptor *type);

#endif
