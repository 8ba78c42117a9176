/* SPDX-License-Identifier: Apache-2.0 */

/*  Finding names while others wait. Among a million names each step to one is a
 *  wait for memory, as long as all the rest of a lookup: they are taken for
 *  many names at a time, so that the waits are one.                         */

#include <string.h>
#include "name_table_internal.h"

#define LINE 64

static void
s_fetch (const void *data, size_t lines)
{
    for (size_t i = 0; i < lines; i++)
        __builtin_prefetch ((const char *) data + i * LINE);
}

uint64_t
dividere_names_hash (const dividere_names_t *self, const char *name,
                     size_t size)
{
    return dividere_hash (&self->hash, name, size);
}

void
dividere_names_fetch (const dividere_names_t *self, uint64_t hash,
                      unsigned step)
{
    dividere_entry_t *const *bucket =
        &self->names.buckets[hash & self->names.mask];
    if (step == 0) {
        s_fetch (bucket, 1);
        return;
    }
    if (step == 1) {
        if (*bucket)
            s_fetch (*bucket, 2);
        return;
    }
    const dividere_entry_t *entry = dividere_table_first (&self->names, hash);
    if (!entry)
        return;
    const dividere_name_t *name = (const dividere_name_t *) entry;
    s_fetch (name->turn ? name->turn : name->first, 3);
}

dividere_name_t *
dividere_names_find (const dividere_names_t *self, const char *name,
                     size_t size, uint64_t hash)
{
    dividere_entry_t *entry = dividere_table_first (&self->names, hash);
    for (; entry; entry = dividere_table_next (entry)) {
        const char *text = ((const dividere_name_t *) entry)->text;
        if (strlen (text) == size && memcmp (text, name, size) == 0)
            break;
    }
    return (dividere_name_t *) entry;
}
