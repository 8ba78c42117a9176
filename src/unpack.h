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
 *  read, unknown fields are dropped. Other bytes do no harm: NULL with ENOBUFS,
 *  EBADMSG, ELOOP, or an object of what could be read.                      */
ProtobufCMessage *dividere_unpack (const ProtobufCMessageDescriptor *type,
                                   const void *data, size_t size,
                                   dividere_arena_t *arena);

/*  The same for bytes that nobody has judged: with the errors, the depth and
 *  the budget of dividere_scan. Nothing is allocated for what is refused: where
 *  the arena has the room already, the bytes are unpacked and judged at once;
 *  where it must grow they are scanned first.                               */
ProtobufCMessage *dividere_unpack_judged (
    const ProtobufCMessageDescriptor *type, const void *data, size_t size,
    unsigned depth_max, size_t budget, dividere_arena_t *arena);

/*  An object with nothing in it, also of a type that was made without generated
 *  code.                                                                    */
void dividere_unpack_init (const ProtobufCMessageDescriptor *type,
                           ProtobufCMessage *message);

/*  What lists take of the arena: DIVIDERE_UNPACK_LIST for each piece that they
 *  come in, and their elements once if that is one piece. Later pieces can move
 *  a list to a room of twice the size: all rooms together then have less than
 *  DIVIDERE_UNPACK_MOVED times its elements.                                */
#define DIVIDERE_UNPACK_LIST  16
#define DIVIDERE_UNPACK_MOVED 4

#endif
