/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_WIRE_H
#define DIVIDERE_WIRE_H

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*  The lowest level of protobuf: varints and fields in bytes of a peer. Every
 *  reader gives the place behind what it read, or NULL with EBADMSG. Inline,
 *  since every byte that arrives goes through here.                         */

#define DIVIDERE_WIRE_VARINT  0
#define DIVIDERE_WIRE_FIXED64 1
#define DIVIDERE_WIRE_BYTES   2
#define DIVIDERE_WIRE_GROUP   3
#define DIVIDERE_WIRE_END     4
#define DIVIDERE_WIRE_FIXED32 5

typedef struct {
    uint32_t tag;        /* field number << 3 | wire type                   */
    const uint8_t *data; /* of a bytes field                                */
    size_t size;
    uint64_t number; /* of a varint or fixed field                      */
} dividere_field_t;

/*  The slow path of dividere_wire_varint, and of dividere_wire_field for a
 *  group or a wire type that does not exist.                                */
const uint8_t *dividere_wire_long_varint (const uint8_t *at, const uint8_t *end,
                                          uint64_t *ret_value);
const uint8_t *dividere_wire_group (const uint8_t *at, const uint8_t *end,
                                    uint32_t tag, unsigned depth_max);

static inline const uint8_t *
dividere_wire_bad (void)
{
    errno = EBADMSG;
    return NULL;
}

static inline const uint8_t *
dividere_wire_varint (const uint8_t *at, const uint8_t *end,
                      uint64_t *ret_value)
{
    if (__builtin_expect (at < end && *at < 128, 1)) {
        *ret_value = *at;
        return at + 1;
    }
    return dividere_wire_long_varint (at, end, ret_value);
}

static inline const uint8_t *
dividere_wire_fixed32 (const uint8_t *at, const uint8_t *end,
                       uint64_t *ret_value)
{
    uint32_t value;
    if ((size_t) (end - at) < sizeof (value))
        return dividere_wire_bad ();
    memcpy (&value, at, sizeof (value));
    *ret_value = le32toh (value);
    return at + sizeof (value);
}

static inline const uint8_t *
dividere_wire_fixed64 (const uint8_t *at, const uint8_t *end,
                       uint64_t *ret_value)
{
    uint64_t value;
    if ((size_t) (end - at) < sizeof (value))
        return dividere_wire_bad ();
    memcpy (&value, at, sizeof (value));
    *ret_value = le64toh (value);
    return at + sizeof (value);
}

/*  A value of one of the three wire types of numbers.                       */
static inline const uint8_t *
dividere_wire_number (const uint8_t *at, const uint8_t *end, unsigned wire,
                      uint64_t *ret_value)
{
    if (wire == DIVIDERE_WIRE_VARINT)
        return dividere_wire_varint (at, end, ret_value);
    return wire == DIVIDERE_WIRE_FIXED32
               ? dividere_wire_fixed32 (at, end, ret_value)
               : dividere_wire_fixed64 (at, end, ret_value);
}

/*  Reads one field whatever it is; what its wire type does not have is left
 *  alone in ret_field. A group is read over to its end; ELOOP where groups nest
 *  deeper than depth_max. An end of a group that did not begin is EBADMSG.  */
static inline const uint8_t *
dividere_wire_field (const uint8_t *at, const uint8_t *end, unsigned depth_max,
                     dividere_field_t *ret_field)
{
    uint64_t tag, size;
    at = dividere_wire_varint (at, end, &tag);
    if (!at || tag > UINT32_MAX || tag < 8)
        return dividere_wire_bad ();
    ret_field->tag = (uint32_t) tag;
    switch (tag & 7) {
    case DIVIDERE_WIRE_VARINT:
    case DIVIDERE_WIRE_FIXED64:
    case DIVIDERE_WIRE_FIXED32:
        return dividere_wire_number (at, end, tag & 7, &ret_field->number);
    case DIVIDERE_WIRE_BYTES:
        at = dividere_wire_varint (at, end, &size);
        if (!at || size > (size_t) (end - at))
            return dividere_wire_bad ();
        ret_field->data = at;
        ret_field->size = (size_t) size;
        return at + size;
    default: return dividere_wire_group (at, end, ret_field->tag, depth_max);
    }
}

/*  Writes a varint of at most 10 bytes; gives the place behind it.          */
static inline uint8_t *
dividere_wire_write_varint (uint8_t *at, uint64_t value)
{
    while (value > 127) {
        *at++ = (uint8_t) (value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t) value;
    return at;
}

/*  How many bytes that takes.                                               */
static inline size_t
dividere_wire_varint_size (uint64_t value)
{
    return (size_t) (70 - __builtin_clzll (value | 1)) / 7;
}

#endif
