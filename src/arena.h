/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ARENA_H
#define DIVIDERE_ARENA_H

#include <stddef.h>

/*  Memory that is given out piece by piece and taken back all at once. An
 *  arena that is used again and again settles at the size it needs and then
 *  allocates nothing; a single huge use does not stay with it for ever.     */

typedef struct dividere_arena_t dividere_arena_t;

dividere_arena_t *dividere_arena_new (void);
void dividere_arena_destroy (dividere_arena_t **self_p);

/*  Takes everything back and allows up to budget bytes from here on.        */
void dividere_arena_reset (dividere_arena_t *self, size_t budget);

/*  size bytes, aligned for any type, not cleared. NULL with ENOBUFS when the
 *  budget is used up.                                                       */
void *dividere_arena_alloc (dividere_arena_t *self, size_t size);

/*  Bytes that it holds from the system, for those who count.                */
size_t dividere_arena_held (const dividere_arena_t *self);

#endif
