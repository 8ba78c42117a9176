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

#define DIVIDERE_WIRE_VARINT_MAX 10 /* bytes                                 */

typedef struct {
    uint32_t tag;        /* field number << 3 | wire type                   */
    const uint8_t *data; /* of a bytes field                                */
    size_t size;
    uint64_t number; /* of a varint or fixed field                      */
} dividere_field_t;

/*  Left to themselves compilers call these, and keep what they give in
 *  memory.                                                                  */
#define DIVIDERE_INLINE static inline __attribute__ ((always_inline))

/*  The slow path of dividere_wire_varint, and of dividere_wire_field for a
 *  group or a wire type that does not exist.                                */
const uint8_t *dividere_wire_long_varint (const uint8_t *at, const uint8_t *end,
                                          uint64_t *ret_value);
const uint8_t *dividere_wire_group (const uint8_t *at, const uint8_t *end,
                                    uint32_t tag, unsigned depth_max);

DIVIDERE_INLINE const uint8_t *
dividere_wire_bad (void)
{
    errno = EBADMSG;
    return NULL;
}

DIVIDERE_INLINE const uint8_t *
dividere_wire_varint (const uint8_t *at, const uint8_t *end,
                      uint64_t *ret_value)
{
    if (__builtin_expect (at < end && *at < 128, 1)) {
        *ret_value = *at;
        return at + 1;
    }
    if (end - at >= 2 && at[1] < 128) {
        *ret_value = (uint64_t) (at[0] & 127) | (uint64_t) at[1] << 7;
        return at + 2;
    }
    return dividere_wire_long_varint (at, end, ret_value);
}

DIVIDERE_INLINE const uint8_t *
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

DIVIDERE_INLINE const uint8_t *
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
DIVIDERE_INLINE const uint8_t *
dividere_wire_number (const uint8_t *at, const uint8_t *end, unsigned wire,
                      uint64_t *ret_value)
{
    if (wire == DIVIDERE_WIRE_VARINT)
        return dividere_wire_varint (at, end, ret_value);
    return wire == DIVIDERE_WIRE_FIXED32
               ? dividere_wire_fixed32 (at, end, ret_value)
               : dividere_wire_fixed64 (at, end, ret_value);
}

/*  Counts the values of a packed list of varints, eight bytes at a time; every
 *  one of them then ends before the end. Returns 0, or -1 with EBADMSG.     */
static inline int
dividere_wire_count (const uint8_t *at, const uint8_t *end, size_t *ret_count)
{
    size_t count = 0;
    unsigned open = 0; /* bytes of a varint that has not ended               */
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy (&word, at, sizeof (word));
        uint64_t ends = ~le64toh (word) & 0x8080808080808080ULL;
        open += ends ? (unsigned) __builtin_ctzll (ends) / 8 : 8;
        if (open >= DIVIDERE_WIRE_VARINT_MAX)
            break;
        if (ends)
            open = (unsigned) __builtin_clzll (ends) / 8;
        count += (ends >> 7) * 0x0101010101010101ULL >> 56;
    }
    for (; at < end && open < DIVIDERE_WIRE_VARINT_MAX; at++) {
        open = *at < 128 ? 0 : open + 1;
        count += *at < 128;
    }
    if (open) {
        errno = EBADMSG;
        return -1;
    }
    *ret_count = count;
    return 0;
}

/*  Reads one of the varints that were counted.                              */
DIVIDERE_INLINE const uint8_t *
dividere_wire_counted (const uint8_t *at, uint64_t *ret_value)
{
    uint64_t value = *at & 127;
    for (unsigned shift = 7; *at++ > 127; shift += 7)
        value |= (uint64_t) (*at & 127) << shift;
    *ret_value = value;
    return at;
}

DIVIDERE_INLINE const uint8_t *
dividere_wire_tag (const uint8_t *at, const uint8_t *end, uint32_t *ret_tag)
{
    uint64_t tag;
    at = dividere_wire_varint (at, end, &tag);
    if (!at || tag > UINT32_MAX || tag < 8)
        return dividere_wire_bad ();
    *ret_tag = (uint32_t) tag;
    return at;
}

/*  Goes over the tag of the next field if it is tag, else gives NULL.       */
DIVIDERE_INLINE const uint8_t *
dividere_wire_again (const uint8_t *at, const uint8_t *end, uint32_t tag)
{
    uint32_t next;
    at = at < end ? dividere_wire_tag (at, end, &next) : NULL;
    return at && next == tag ? at : NULL;
}

/*  Reads the length of a bytes field, whose data then end before the end.   */
DIVIDERE_INLINE const uint8_t *
dividere_wire_length (const uint8_t *at, const uint8_t *end, size_t *ret_size)
{
    uint64_t size;
    at = dividere_wire_varint (at, end, &size);
    if (!at || size > (size_t) (end - at))
        return dividere_wire_bad ();
    *ret_size = (size_t) size;
    return at;
}

/*  Reads one field whatever it is; what its wire type does not have is left
 *  alone in ret_field. A group is read over to its end; ELOOP where groups nest
 *  deeper than depth_max. An end of a group that did not begin is EBADMSG.  */
DIVIDERE_INLINE const uint8_t *
dividere_wire_field (const uint8_t *at, const uint8_t *end, unsigned depth_max,
                     dividere_field_t *ret_field)
{
    at = dividere_wire_tag (at, end, &ret_field->tag);
    if (!at)
        return NULL;
    unsigned wire = ret_field->tag & 7;
    switch (wire) {
    case DIVIDERE_WIRE_VARINT:
    case DIVIDERE_WIRE_FIXED64:
    case DIVIDERE_WIRE_FIXED32:
        return dividere_wire_number (at, end, wire, &ret_field->number);
    case DIVIDERE_WIRE_BYTES:
        at = dividere_wire_length (at, end, &ret_field->size);
        ret_field->data = at;
        return at ? at + ret_field->size : NULL;
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

/*  How many bytes that takes: one for each 7 bits, by 9/64 in place of 1/7,
 *  which is exact up to 64 bits.                                            */
static inline size_t
dividere_wire_varint_size (uint64_t value)
{
    return ((size_t) (63 - __builtin_clzll (value | 1)) * 9 + 73) / 64;
}

#endif
