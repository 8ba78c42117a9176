/* SPDX-License-Identifier: Apache-2.0 */

/*  The parts of the wire reader that are not worth inlining.                */

#include "wire.h"

/*  Eight bytes at once: those behind the first without a high bit go, then
 *  groups of 7 bits move together, pair by pair. NULL if none of the eight is
 *  the last.                                                                */
static inline const uint8_t *
s_varint_of_word (const uint8_t *at, uint64_t *ret_value)
{
    uint64_t word;
    memcpy (&word, at, sizeof (word));
    word = le64toh (word);
    uint64_t last = ~word & 0x8080808080808080ULL;
    if (!last)
        return NULL;
    word &= (last ^ (last - 1)) & 0x7F7F7F7F7F7F7F7FULL;
    word = (word & 0x007F007F007F007FULL) | (word & 0x7F007F007F007F00ULL) >> 1;
    word = (word & 0x00003FFF00003FFFULL) | (word & 0x3FFF00003FFF0000ULL) >> 2;
    word = (word & 0x000000000FFFFFFFULL) | (word & 0x0FFFFFFF00000000ULL) >> 4;
    *ret_value = word;
    return at + __builtin_ctzll (last) / 8 + 1;
}

const uint8_t *
dividere_wire_long_varint (const uint8_t *at, const uint8_t *end,
                           uint64_t *ret_value)
{
    const uint8_t *next =
        end - at >= 8 ? s_varint_of_word (at, ret_value) : NULL;
    if (next)
        return next;
    uint64_t value = 0;
    for (unsigned i = 0; i < DIVIDERE_WIRE_VARINT_MAX && at + i < end; i++) {
        value |= (uint64_t) (at[i] & 127) << (7 * i);
        if (at[i] < 128) {
            *ret_value = value;
            return at + i + 1;
        }
    }
    return dividere_wire_bad ();
}

const uint8_t *
dividere_wire_group (const uint8_t *at, const uint8_t *end, uint32_t tag,
                     unsigned depth_max)
{
    if ((tag & 7) != DIVIDERE_WIRE_GROUP)
        return dividere_wire_bad ();
    if (!depth_max) {
        errno = ELOOP;
        return NULL;
    }
    while (at < end) {
        uint64_t next_tag;
        const uint8_t *next = dividere_wire_varint (at, end, &next_tag);
        if (next && next_tag == (tag - DIVIDERE_WIRE_GROUP + DIVIDERE_WIRE_END))
            return next;
        dividere_field_t field;
        at = dividere_wire_field (at, end, depth_max - 1, &field);
        if (!at)
            return NULL;
    }
    return dividere_wire_bad ();
}
