/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_LITTLE_H
#define DIVIDERE_LITTLE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/*  Little-endian numbers at any place.                                      */

static inline uint32_t
dividere_little_read32 (const uint8_t *at)
{
    uint32_t value;
    memcpy (&value, at, sizeof (value));
    return le32toh (value);
}

static inline uint64_t
dividere_little_read64 (const uint8_t *at)
{
    uint64_t value;
    memcpy (&value, at, sizeof (value));
    return le64toh (value);
}

static inline void
dividere_little_write32 (uint8_t *at, uint32_t value)
{
    value = htole32 (value);
    memcpy (at, &value, sizeof (value));
}

static inline void
dividere_little_write64 (uint8_t *at, uint64_t value)
{
    value = htole64 (value);
    memcpy (at, &value, sizeof (value));
}

#endif
