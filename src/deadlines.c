/* SPDX-License-Identifier: Apache-2.0 */

/*  A binary heap: no element is due before its parent, which is at half its
 *  index. The first is at 1, so that 0 says "in none".                      */

#include <assert.h>
#include <stdlib.h>
#include "deadlines.h"

#define CAPACITY_MIN 64

void
dividere_deadlines_init (dividere_deadlines_t *self)
{
    *self = (dividere_deadlines_t){ .heap = NULL };
}

void
dividere_deadlines_term (dividere_deadlines_t *self)
{
    for (size_t i = 1; i <= self->count; i++)
        self->heap[i]->index = 0;
    free (self->heap);
    dividere_deadlines_init (self);
}

static void
s_place (dividere_deadlines_t *self, dividere_deadline_t *deadline,
         size_t index)
{
    self->heap[index] = deadline;
    deadline->index = index;
}

/*  Puts it where it belongs, from a free place on.                          */
static void
s_settle (dividere_deadlines_t *self, dividere_deadline_t *deadline,
          size_t index)
{
    while (index > 1 && deadline->at_ms < self->heap[index / 2]->at_ms) {
        s_place (self, self->heap[index / 2], index);
        index /= 2;
    }
    for (size_t child; (child = 2 * index) <= self->count; index = child) {
        if (child < self->count &&
            self->heap[child + 1]->at_ms < self->heap[child]->at_ms)
            child++;
        if (deadline->at_ms <= self->heap[child]->at_ms)
            break;
        s_place (self, self->heap[child], index);
    }
    s_place (self, deadline, index);
}

static size_t
s_add_place (dividere_deadlines_t *self)
{
    if (self->count + 1 >= self->capacity) {
        self->capacity = self->capacity ? 2 * self->capacity : CAPACITY_MIN;
        self->heap = (dividere_deadline_t **) realloc (
            self->heap, self->capacity * sizeof (dividere_deadline_t *));
        assert (self->heap);
    }
    return ++self->count;
}

void
dividere_deadlines_set (dividere_deadlines_t *self,
                        dividere_deadline_t *deadline, int64_t at_ms)
{
    if (at_ms < 0) {
        dividere_deadlines_remove (self, deadline);
        return;
    }
    size_t index = deadline->index ? deadline->index : s_add_place (self);
    deadline->at_ms = at_ms;
    s_settle (self, deadline, index);
}

void
dividere_deadlines_remove (dividere_deadlines_t *self,
                           dividere_deadline_t *deadline)
{
    size_t index = deadline->index;
    if (!index)
        return;
    assert (self->heap[index] == deadline);
    dividere_deadline_t *last = self->heap[self->count--];
    if (last != deadline)
        s_settle (self, last, index);
    deadline->index = 0;
}

dividere_deadline_t *
dividere_deadlines_due (dividere_deadlines_t *self, int64_t now_ms)
{
    if (!self->count || self->heap[1]->at_ms > now_ms)
        return NULL;
    dividere_deadline_t *first = self->heap[1];
    dividere_deadlines_remove (self, first);
    return first;
}

int64_t
dividere_deadlines_next (const dividere_deadlines_t *self)
{
    return self->count ? self->heap[1]->at_ms : -1;
}
