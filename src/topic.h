/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TOPIC_H
#define DIVIDERE_TOPIC_H

#include <stddef.h>
#include "wire.h"

/*  What the envelopes of a type begin with: 0A, the length of its name, its
 *  name.                                                                    */

#define DIVIDERE_TOPIC_MAX 245 /* bytes; libzmq 4.3.4 cannot send longer ones */

/*  Returns how many bytes there are, or 0 where the name is too long.       */
static inline size_t
dividere_topic_write (const char *name, uint8_t *ret_topic)
{
    size_t size = strlen (name);
    if (size > DIVIDERE_TOPIC_MAX - 3)
        return 0;
    ret_topic[0] = 0x0A;
    uint8_t *at = dividere_wire_write_varint (ret_topic + 1, size);
    memcpy (at, name, size);
    return (size_t) (at - ret_topic) + size;
}

#endif
