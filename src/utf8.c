/* SPDX-License-Identifier: Apache-2.0 */

/*  Most text is ASCII: many bytes are judged at once, and only what is not
 *  plain goes through the table of RFC 3629.                                */

#include <stdint.h>
#include <string.h>
#include "utf8.h"

#define COPIED 8192 /* bytes that are judged and copied while they are near   */
#define SHORT  256 /* bytes that are copied before they are known to be good  */
#define WORD   sizeof (uint64_t)
#define HIGHS  0x8080808080808080ULL /* the high bit of each byte             */
#define ONES   0x0101010101010101ULL

/*  Sixteen bytes in a register of the machine, where it has such.           */
typedef int8_t vector_t __attribute__ ((vector_size (16)));

#define BLOCK (4 * sizeof (vector_t))

static inline vector_t
s_load (const uint8_t *at)
{
    vector_t vector;
    memcpy (&vector, at, sizeof (vector));
    return vector;
}

/*  A block in which every byte is from 1 to 127.                            */
static inline bool
s_is_plain (const uint8_t *at)
{
    vector_t others =
        (vector_t) (s_load (at) <= 0) | (vector_t) (s_load (at + 16) <= 0) |
        (vector_t) (s_load (at + 32) <= 0) | (vector_t) (s_load (at + 48) <= 0);
    uint64_t halves[2];
    memcpy (halves, &others, sizeof (halves));
    return !(halves[0] | halves[1]);
}

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
    const uint8_t *start = at;
    while ((size_t) (end - at) >= BLOCK && s_is_plain (at))
        at += BLOCK;
    while ((size_t) (end - at) >= WORD && !(s_marks (at) & HIGHS))
        at += WORD;
    /* The last few at once with some that were seen already.                */
    if (end - at < (ptrdiff_t) WORD && end - start >= (ptrdiff_t) WORD &&
        !(s_marks (end - WORD) & HIGHS))
        return end;
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

/*  Over characters that begin before limit; NULL where one is wrong.        */
static const uint8_t *
s_pass (const uint8_t *at, const uint8_t *limit, const uint8_t *end)
{
    while (at < limit && (at = s_skip_plain (at, limit)) != limit)
        do {
            size_t length = s_character (at, (size_t) (end - at));
            if (!length)
                return NULL;
            at += length;
        }
        while (at<limit && * at> 127);
    return at;
}

bool
dividere_utf8_valid (const void *data, size_t size)
{
    const uint8_t *at = (const uint8_t *) data;
    return !size || s_pass (at, at + size, at + size);
}

/*  Copies text of sixteen bytes and more; the last of them twice, so that there
 *  is no rest. Whether it is plain is known afterwards.                     */
static inline bool
s_copy_short (uint8_t *to, const uint8_t *at, size_t size)
{
    vector_t others = { 0 };
    for (size_t i = 0; i < size; i += sizeof (vector_t)) {
        if (i > size - sizeof (vector_t))
            i = size - sizeof (vector_t);
        vector_t vector = s_load (at + i);
        others |= (vector_t) (vector <= 0);
        memcpy (to + i, &vector, sizeof (vector));
    }
    uint64_t halves[2];
    memcpy (halves, &others, sizeof (halves));
    return !(halves[0] | halves[1]);
}

bool
dividere_utf8_copy (void *to, const void *data, size_t size)
{
    uint8_t *place = (uint8_t *) to;
    const uint8_t *at = (const uint8_t *) data;
    const uint8_t *end = size ? at + size : at;
    if (size >= sizeof (vector_t) && size <= SHORT &&
        s_copy_short (place, at, size))
        return true;
    while (at != end) {
        size_t left = (size_t) (end - at);
        const uint8_t *next =
            s_pass (at, left > COPIED ? at + COPIED : end, end);
        if (!next)
            return false;
        memcpy (place, at, (size_t) (next - at));
        place += next - at;
        at = next;
    }
    return true;
}
