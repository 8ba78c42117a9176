/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ARENA_H
#define DIVIDERE_ARENA_H

#include <stddef.h>
#include <stdint.h>

/*  Memory that is given out piece by piece and taken back all at once. An
 *  arena that is used again and again settles at the size it needs and then
 *  allocates nothing; a single huge use does not stay with it for ever. Under
 *  AddressSanitizer what is not given out is poisoned.                      */

/*  Pieces are aligned for every member of a protobuf-c object.              */
#define DIVIDERE_ARENA_ALIGNMENT 8

typedef struct dividere_chunk_t dividere_chunk_t;

/*  Only here so that giving out can be inline: nobody else looks inside.    */
typedef struct {
    uint8_t *at;  /* the next piece                                          */
    uint8_t *end; /* of the newest chunk, or of the budget if that is nearer */
    dividere_chunk_t *newest;
    size_t taken; /* from the older chunks, since the reset                  */
    size_t budget;
    unsigned small_uses;
} dividere_arena_t;

dividere_arena_t *dividere_arena_new (void);
void dividere_arena_destroy (dividere_arena_t **self_p);

/*  Takes everything back and allows up to budget bytes from here on, where each
 *  piece counts as a multiple of the alignment, and so does the budget.     */
void dividere_arena_reset (dividere_arena_t *self, size_t budget);

/*  The same without a right to more than it holds already.                  */
void dividere_arena_reset_kept (dividere_arena_t *self, size_t budget);

/*  Bytes that it holds from the system, for those who count.                */
size_t dividere_arena_held (const dividere_arena_t *self);

/*  Where dividere_arena_alloc goes when the newest chunk has no room.       */
void *dividere_arena_more (dividere_arena_t *self, size_t size);

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define DIVIDERE_ARENA_POISONED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(DIVIDERE_ARENA_POISONED)
#include <sanitizer/asan_interface.h>
#define DIVIDERE_ARENA_POISON(data, size) ASAN_POISON_MEMORY_REGION (data, size)
#define DIVIDERE_ARENA_UNPOISON(data, size) \
    ASAN_UNPOISON_MEMORY_REGION (data, size)
#else
#define DIVIDERE_ARENA_POISON(data, size)   ((void) (data), (void) (size))
#define DIVIDERE_ARENA_UNPOISON(data, size) ((void) (data), (void) (size))
#endif

static inline size_t
dividere_arena_rounded (size_t size)
{
    return (size + DIVIDERE_ARENA_ALIGNMENT - 1) &
           ~(size_t) (DIVIDERE_ARENA_ALIGNMENT - 1);
}

/*  size bytes, aligned, not cleared. NULL with ENOBUFS when the budget is used
 *  up.                                                                      */
static inline void *
dividere_arena_alloc (dividere_arena_t *self, size_t size)
{
    uint8_t *piece = self->at;
    /* The room is a multiple of the alignment, so what fits fits rounded; a
       size of 0 wraps and goes the long way.                                */
    if (size - 1 >= (size_t) (self->end - piece))
        return dividere_arena_more (self, size);
    self->at = piece + dividere_arena_rounded (size);
    DIVIDERE_ARENA_UNPOISON (piece, size);
    return piece;
}

#endif
