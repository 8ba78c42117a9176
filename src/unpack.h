/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_UNPACK_H
#define DIVIDERE_UNPACK_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>
#include "arena.h"

/*  Unpacks bytes that dividere_scan has accepted into an object that lives in
 *  the arena: never freed by itself, never given to protobuf_c_..._free. As
 *  the protobuf specification says: the last value of a field wins, repeated
 *  occurrences of one message field are merged, packed and unpacked lists both
 *  read, unknown fields are dropped. NULL with ENOBUFS, EBADMSG.            */
ProtobufCMessage *dividere_unpack (const ProtobufCMessageDescriptor *type,
                                   const void *data, size_t size,
                                   dividere_arena_t *arena);

#endif
