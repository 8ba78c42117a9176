/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_PACK_H
#define DIVIDERE_PACK_H

#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

/*  Packs objects of the application by their descriptors: the same bytes as
 *  protobuf-c makes, but for -0.0, which protobuf-c leaves out as if it were
 *  0.                                                                        */

#define DIVIDERE_PACK_LENGTHS 32

/*  The lengths of the strings of an object, in the order that the one walk
 *  meets them and the other forgets them: it goes backwards. Those that do not
 *  fit are only counted.                                                     */
typedef struct {
    size_t count;
    size_t sizes[DIVIDERE_PACK_LENGTHS];
} dividere_lengths_t;

/*  Computes the packed size and judges the object: protobuf-c crashes on some,
 *  and peers die of others. Returns 0, or -1 with
 *    EILSEQ  a string is not UTF-8
 *    EINVAL  a required string or message, an element of a list, a list or
 *            bytes with a length are NULL
 *    ELOOP   nested deeper than depth_max (or a cycle)                      */
int dividere_pack_size (const ProtobufCMessage *message, unsigned depth_max,
                        dividere_lengths_t *lengths, size_t *ret_size);

/*  Packs an object that was judged good so that its last byte is the one before
 *  end; gives the place of the first. Written backwards, the length of what is
 *  nested is known when its turn comes. The lengths are used up.            */
uint8_t *dividere_pack_before (const ProtobufCMessage *message,
                               dividere_lengths_t *lengths, uint8_t *end);

#endif
