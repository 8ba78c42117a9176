/* SPDX-License-Identifier: Apache-2.0 */

/*  The parts of the wire reader that are not worth inlining.                */

#include "wire.h"

const uint8_t *
dividere_wire_long_varint (const uint8_t *at, const uint8_t *end,
                           uint64_t *ret_value)
{
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
