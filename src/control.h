/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_CONTROL_H
#define DIVIDERE_CONTROL_H

#include <stddef.h>
#include <zmq.h>
#include "arena.h"
#include "types_internal.h"
#include "wire_control.pb-c.h"
#include "wire_introspection.pb-c.h"
#include "wire_names.pb-c.h"

/*  What name servers and actors say to those who ask them
 *  (proto/dividere/control.proto, names.proto, introspection.proto): envelopes
 *  like all others, but of types that are not in the registry, since that
 *  belongs to the application, which may have a type of the same name.      */

typedef struct {
    dividere_arena_t *arena;         /* ours                                */
    const dividere_type_t *expected; /* what was read last                  */
} dividere_control_t;

void dividere_control_init (dividere_control_t *self);
void dividere_control_term (dividere_control_t *self);

/*  Reads a frame, under the limits of the process. The object is of one of the
 *  types of those files (compare its descriptor), and lives until the next is
 *  read. NULL with EPROTO (no envelope), ENOENT (of another type), or the errno
 *  of dividere_scan; EMSGSIZE.                                              */
const ProtobufCMessage *dividere_control_read (dividere_control_t *self,
                                               const void *data, size_t size);

/*  Makes a frame, which this initializes. 0, or -1 with an errno of
 *  dividere_envelope_encode.                                                */
int dividere_control_write (const ProtobufCMessage *message,
                            zmq_msg_t *ret_frame);

#endif
