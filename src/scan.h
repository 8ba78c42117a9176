/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SCAN_H
#define DIVIDERE_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

/*  Reads the bytes of a peer as a message of a type, before anything is
 *  allocated for them. Returns 0 and the bytes that dividere_unpack will take
 *  from an arena at most; or -1 with
 *    EBADMSG  not a message of this type (cut short, wrong wire types, lengths
 *             or tags that make no sense, a required field missing, also in
 *             one of several occurrences of a message that are to be merged)
 *    ELOOP    messages or unknown groups nested deeper than depth_max
 *    EILSEQ   a string is not UTF-8 or holds a NUL
 *    ENOBUFS  the object would take more than budget bytes
 *  Unknown fields are checked for shape and passed over.                    */
int dividere_scan (const ProtobufCMessageDescriptor *type, const void *data,
                   size_t size, unsigned depth_max, size_t budget,
                   size_t *ret_need);

/*  Whether the bytes of a message, which are in shape, have the required fields
 *  of its type: 0, or -1 with EBADMSG.                                      */
int dividere_scan_required (const ProtobufCMessageDescriptor *type,
                            const uint8_t *at, const uint8_t *end,
                            unsigned depth_left);

#endif
