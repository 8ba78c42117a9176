/* SPDX-License-Identifier: Apache-2.0 */

/*  A list of chunks, of which the first is kept over resets. It is replaced by
 *  one that would have held everything when a use has overflowed it, and by a
 *  smaller one when it has been far too large for a while.                  */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include "arena.h"

#define ALIGNMENT  8 /* of the largest member of a protobuf-c object */
#define CHUNK_MIN  1024
#define CHUNK_KEPT 65536 /* larger first chunks are watched              */
#define SMALL_USES 64    /* that many in a row let a large chunk go      */

typedef struct chunk_t {
    struct chunk_t *next;
    size_t size;
    uint64_t data[];
} chunk_t;

struct dividere_arena_t {
    chunk_t *first; /* the current chunk leads the list                   */
    size_t used;    /* of the first                                       */
    size_t taken;   /* since the reset, of all                            */
    size_t budget;
    unsigned small_uses;
};

dividere_arena_t *
dividere_arena_new (void)
{
    dividere_arena_t *self = (dividere_arena_t *) calloc (1, sizeof (*self));
    assert (self);
    return self;
}

static void
s_release (dividere_arena_t *self)
{
    while (self->first) {
        chunk_t *next = self->first->next;
        free (self->first);
        self->first = next;
    }
}

void
dividere_arena_destroy (dividere_arena_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    s_release (*self_p);
    free (*self_p);
    *self_p = NULL;
}

static void
s_add_chunk (dividere_arena_t *self, size_t size)
{
    chunk_t *chunk = (chunk_t *) malloc (sizeof (chunk_t) + size);
    assert (chunk);
    chunk->size = size;
    chunk->next = self->first;
    self->first = chunk;
    self->used = 0;
}

void
dividere_arena_reset (dividere_arena_t *self, size_t budget)
{
    assert (self);
    chunk_t *first = self->first;
    if (first && first->next) {
        s_release (self);
        s_add_chunk (self, self->taken);
    }
    else if (first && first->size > CHUNK_KEPT &&
             self->taken < first->size / 8) {
        if (++self->small_uses >= SMALL_USES)
            s_release (self);
    }
    else
        self->small_uses = 0;
    self->used = 0;
    self->taken = 0;
    self->budget = budget;
}

void *
dividere_arena_alloc (dividere_arena_t *self, size_t size)
{
    if (size > self->budget - self->taken) {
        errno = ENOBUFS;
        return NULL;
    }
    size = (size + ALIGNMENT - 1) & ~(size_t) (ALIGNMENT - 1);
    if (!self->first || size > self->first->size - self->used) {
        size_t chunk = self->first ? self->first->size * 2 : CHUNK_MIN;
        s_add_chunk (self, size > chunk ? size : chunk);
    }
    void *piece = (uint8_t *) self->first->data + self->used;
    self->used += size;
    self->taken += size;
    return piece;
}

size_t
dividere_arena_held (const dividere_arena_t *self)
{
    size_t held = 0;
    for (const chunk_t *at = self->first; at; at = at->next)
        held += at->size;
    return held;
}
