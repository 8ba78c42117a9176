/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ENVELOPE_INTERNAL_H
#define DIVIDERE_ENVELOPE_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <dividere/envelope.h>
#include "types_internal.h"

/*  The parts of an envelope, pointing into its bytes. Absent ones have size
 *  0.                                                                        */
typedef struct {
    const uint8_t *name;
    size_t name_size;
    const uint8_t *url;
    size_t url_size;
    const uint8_t *value;
    size_t value_size;
    uint64_t epoch;
    uint64_t sequence;
} dividere_envelope_t;

/*  Finds the parts, as the protobuf specification says: any order, the last of
 *  a field wins, unknown fields are passed over. Allocates nothing. Returns 0,
 *  or -1 with EPROTO (not an envelope), ELOOP (unknown groups nested deeper
 *  than depth_max).                                                         */
int dividere_envelope_parse (const void *data, size_t size, unsigned depth_max,
                             dividere_envelope_t *ret_envelope);

/*  True if the bytes are what this library sends for a type, and then the
 *  value; the name and URL are not told. Much faster than parsing.           */
bool dividere_envelope_expect (const void *data, size_t size,
                               const dividere_type_t *type,
                               dividere_envelope_t *ret_envelope);

/*  The type of an envelope: by its URL, else by its name. NULL with EPROTO
 *  (neither is there), EPROTOTYPE (they disagree), ENOENT (not registered, or a
 *  short name that is ambiguous).                                            */
const dividere_type_t *dividere_envelope_type (const dividere_envelope_t *self);

/*  dividere_envelope_encode with the extension fields of a sequenced publisher
 *  behind it, where sequence is not 0.                                      */
int dividere_envelope_encode_numbered (const ProtobufCMessage *message,
                                       uint64_t epoch, uint64_t sequence,
                                       zmq_msg_t *ret_frame);

/*  The same as an entry has it, which need not be registered.               */
int dividere_envelope_encode_as (const dividere_type_t *entry,
                                 const ProtobufCMessage *message,
                                 uint64_t epoch, uint64_t sequence,
                                 zmq_msg_t *ret_frame);

/*  The same into room of the caller, behind its length as a varint. Returns the
 *  bytes of both, or 0 with ENOBUFS (more than size) or an errno as above.  */
size_t dividere_envelope_encode_into (const dividere_type_t *entry,
                                      const ProtobufCMessage *message,
                                      uint64_t epoch, uint64_t sequence,
                                      uint8_t *room, size_t size);

/*  What an object of size bytes on the wire may take in memory.             */
size_t dividere_limits_budget (const dividere_limits_t *self, size_t size);

#endif
