/* SPDX-License-Identifier: Apache-2.0 */

/*  Most text is ASCII: eight bytes are judged at once, and only what is not
 *  plain goes through the table of RFC 3629.                                */

#include <stdint.h>
#include <string.h>
#include "utf8.h"

/*  True if no byte is 0 or above 127: subtracting 1 from a zero byte borrows
 *  into its high bit.                                                       */
static inline bool
s_plain8 (const uint8_t *at)
{
    uint64_t word;
    memcpy (&word, at, sizeof (word));
    return ((word | (word - 0x0101010101010101ULL)) & 0x8080808080808080ULL) ==
           0;
}

/*  The length of the character at at, 0 if it is none.                      */
static size_t
s_character (const uint8_t *at, size_t left)
{
    uint8_t first = at[0];
    size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first < 0xC2 || first > 0xF4 || left < size)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, beyond U+10FFFF.                          */
    if ((first == 0xE0 && at[1] < 0xA0) || (first == 0xED && at[1] > 0x9F) ||
        (first == 0xF0 && at[1] < 0x90) || (first == 0xF4 && at[1] > 0x8F))
        return 0;
    return size;
}

bool
dividere_utf8_valid (const void *data, size_t size)
{
    const uint8_t *at = (const uint8_t *) data;
    const uint8_t *end = at + size;
    while (at < end) {
        if (end - at >= 8 && s_plain8 (at)) {
            at += 8;
            continue;
        }
        if (*at && *at < 128) {
            at++;
            continue;
        }
        size_t length = *at ? s_character (at, (size_t) (end - at)) : 0;
        if (!length)
            return false;
        at += length;
    }
    return true;
}
