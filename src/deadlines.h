/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_DEADLINES_H
#define DIVIDERE_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  Any number of deadlines, of which the next is known: a heap whose elements
 *  are parts of the objects that they belong to. O(log n). Without a clock. */

typedef struct {
    int64_t at_ms;
    size_t index; /* in the heap, from 1; 0: in none                         */
} dividere_deadline_t;

typedef struct {
    dividere_deadline_t **heap; /* ours; from 1                             */
    size_t count;
    size_t capacity;
} dividere_deadlines_t;

void dividere_deadlines_init (dividere_deadlines_t *self);

/*  Frees the heap; who is still in it is as if it had been removed.         */
void dividere_deadlines_term (dividere_deadlines_t *self);

/*  Adds a deadline, or moves one that is there. at_ms less than 0 is none.  */
void dividere_deadlines_set (dividere_deadlines_t *self,
                             dividere_deadline_t *deadline, int64_t at_ms);
void dividere_deadlines_remove (dividere_deadlines_t *self,
                                dividere_deadline_t *deadline);

/*  The first that is due at now_ms, removed; NULL if there is none.         */
dividere_deadline_t *dividere_deadlines_due (dividere_deadlines_t *self,
                                             int64_t now_ms);

/*  The time of the first; -1: there is none.                                */
int64_t dividere_deadlines_next (const dividere_deadlines_t *self);

#endif
