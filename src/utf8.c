/* SPDX-License-Identifier: Apache-2.0 */

/*  Most text is ASCII: many bytes are judged at once, and only what is not
 *  plain goes through the table of RFC 3629.                                */

#include <stdint.h>
#include <string.h>
#include "utf8.h"

#define WORD  sizeof (uint64_t)
#define HIGHS 0x8080808080808080ULL /* the high bit of each byte             */
#define ONES  0x0101010101010101ULL

/*  Has a high bit if any byte is 0 or above 127: subtracting 1 from a zero byte
 *  borrows into its high bit.                                               */
static inline uint64_t
s_marks (const uint8_t *at)
{
    uint64_t word;
    memcpy (&word, at, WORD);
    return word | (word - ONES);
}

/*  Over as much plain ASCII as there is.                                    */
static const uint8_t *
s_skip_plain (const uint8_t *at, const uint8_t *end)
{
    while ((size_t) (end - at) >= 4 * WORD &&
           !((s_marks (at) | s_marks (at + WORD) | s_marks (at + 2 * WORD) |
              s_marks (at + 3 * WORD)) &
             HIGHS))
        at += 4 * WORD;
    while ((size_t) (end - at) >= WORD && !(s_marks (at) & HIGHS))
        at += WORD;
    while (at < end && (uint8_t) (*at - 1) < 127)
        at++;
    return at;
}

/*  The length of the character of several bytes that at begins, 0 if none.  */
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
    const uint8_t *end = size ? at + size : at;
    while ((at = s_skip_plain (at, end)) != end)
        do {
            size_t length = s_character (at, (size_t) (end - at));
            if (!length)
                return false;
            at += length;
        }
        while (at != end && *at > 127);
    return true;
}
