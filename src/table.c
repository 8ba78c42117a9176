/* SPDX-License-Identifier: Apache-2.0 */

/*  Chains, kept short by doubling the buckets.                              */

#include <assert.h>
#include <stdlib.h>
#include "table.h"

#define BUCKETS_MIN 64

void
dividere_table_init (dividere_table_t *self)
{
    self->mask = BUCKETS_MIN - 1;
    self->count = self->any = 0;
    self->buckets =
        (dividere_entry_t **) calloc (BUCKETS_MIN, sizeof (*self->buckets));
    assert (self->buckets);
}

void
dividere_table_term (dividere_table_t *self)
{
    free (self->buckets);
    self->buckets = NULL;
}

static void
s_insert (dividere_table_t *self, dividere_entry_t *entry)
{
    dividere_entry_t **bucket = &self->buckets[entry->hash & self->mask];
    entry->next = *bucket;
    *bucket = entry;
}

static void
s_grow (dividere_table_t *self)
{
    dividere_entry_t **old = self->buckets;
    size_t old_size = self->mask + 1;
    self->mask = 2 * old_size - 1;
    self->buckets =
        (dividere_entry_t **) calloc (2 * old_size, sizeof (*self->buckets));
    assert (self->buckets);
    for (size_t i = 0; i < old_size; i++) {
        /* From the oldest on, so that the newest of a hash stays the first. */
        dividere_entry_t *reversed = NULL;
        for (dividere_entry_t *at = old[i], *next; at; at = next) {
            next = at->next;
            at->next = reversed;
            reversed = at;
        }
        for (dividere_entry_t *at = reversed, *next; at; at = next) {
            next = at->next;
            s_insert (self, at);
        }
    }
    free (old);
}

void
dividere_table_add (dividere_table_t *self, dividere_entry_t *entry,
                    uint64_t hash)
{
    if (self->count > self->mask)
        s_grow (self);
    entry->hash = hash;
    s_insert (self, entry);
    self->count++;
}

void
dividere_table_remove (dividere_table_t *self, dividere_entry_t *entry)
{
    dividere_entry_t **at = &self->buckets[entry->hash & self->mask];
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    entry->next = NULL;
    self->count--;
}

static dividere_entry_t *
s_same (dividere_entry_t *at, uint64_t hash)
{
    while (at && at->hash != hash)
        at = at->next;
    return at;
}

dividere_entry_t *
dividere_table_first (const dividere_table_t *self, uint64_t hash)
{
    return s_same (self->buckets[hash & self->mask], hash);
}

dividere_entry_t *
dividere_table_next (const dividere_entry_t *entry)
{
    return s_same (entry->next, entry->hash);
}

dividere_entry_t *
dividere_table_any (dividere_table_t *self)
{
    for (size_t i = 0; self->count && i <= self->mask; i++) {
        size_t at = (self->any + i) & self->mask;
        if (self->buckets[at]) {
            self->any = at;
            return self->buckets[at];
        }
    }
    return NULL;
}
