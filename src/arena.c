/* SPDX-License-Identifier: Apache-2.0 */

/*  A list of chunks, of which one is kept over resets. It is replaced by one
 *  that would have held everything when a use has overflowed it, and given up
 *  when it has been far too large for a while.                              */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include "arena.h"

#define CHUNK_MIN  1024
#define CHUNK_KEPT 65536 /* larger ones are watched                          */
#define SMALL_PART 8     /* a use below this part of the chunk is small      */
#define SMALL_USES 64    /* that many in a row let a large chunk go          */

struct dividere_chunk_t {
    dividere_chunk_t *next; /* the one before it                            */
    size_t size;
    uint64_t data[];
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
    while (self->newest) {
        dividere_chunk_t *next = self->newest->next;
        free (self->newest);
        self->newest = next;
    }
    self->small_uses = 0;
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
    dividere_chunk_t *chunk =
        (dividere_chunk_t *) malloc (sizeof (*chunk) + size);
    assert (chunk);
    chunk->size = size;
    chunk->next = self->newest;
    self->newest = chunk;
}

/*  Gives out from the start of the newest chunk.                            */
static void
s_rewind (dividere_arena_t *self)
{
    dividere_chunk_t *chunk = self->newest;
    size_t left = self->budget - self->taken;
    self->at = chunk ? (uint8_t *) chunk->data : NULL;
    self->end =
        chunk ? self->at + (chunk->size < left ? chunk->size : left) : NULL;
    if (chunk)
        DIVIDERE_ARENA_POISON (chunk->data, chunk->size);
}

static size_t
s_taken (const dividere_arena_t *self)
{
    return self->newest
               ? self->taken +
                     (size_t) (self->at - (uint8_t *) self->newest->data)
               : 0;
}

void
dividere_arena_reset (dividere_arena_t *self, size_t budget)
{
    assert (self);
    size_t taken = s_taken (self);
    dividere_chunk_t *chunk = self->newest;
    if (chunk && chunk->next) {
        s_release (self);
        s_add_chunk (self, taken);
    }
    else if (chunk && chunk->size > CHUNK_KEPT &&
             taken < chunk->size / SMALL_PART) {
        if (++self->small_uses >= SMALL_USES)
            s_release (self);
    }
    else
        self->small_uses = 0;
    self->taken = 0;
    /* Half the address space: sums with it cannot overflow.                 */
    self->budget =
        dividere_arena_rounded (budget < SIZE_MAX / 2 ? budget : SIZE_MAX / 2);
    s_rewind (self);
}

void
dividere_arena_reset_kept (dividere_arena_t *self, size_t budget)
{
    dividere_arena_reset (self, budget);
    size_t kept = self->newest ? self->newest->size : 0;
    if (self->budget > kept)
        self->budget = kept;
}

void *
dividere_arena_more (dividere_arena_t *self, size_t size)
{
    size_t taken = s_taken (self);
    size_t left = self->budget - taken;
    if (!size)
        size = 1;
    if (size > left) {
        errno = ENOBUFS;
        return NULL;
    }
    if (size > (size_t) (self->end - self->at)) {
        size_t room = self->newest ? self->newest->size * 2 : CHUNK_MIN;
        size_t rounded = dividere_arena_rounded (size);
        s_add_chunk (self, rounded > room ? rounded : room);
        self->taken = taken;
        s_rewind (self);
    }
    return dividere_arena_alloc (self, size);
}

size_t
dividere_arena_held (const dividere_arena_t *self)
{
    size_t held = 0;
    for (const dividere_chunk_t *at = self->newest; at; at = at->next)
        held += at->size;
    return held;
}
