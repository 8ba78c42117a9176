/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SEQUENCE_H
#define DIVIDERE_SEQUENCE_H

#include <stdint.h>
#include <stddef.h>

/*  Counts what a subscriber missed of publishers that number their messages: a
 *  stream is one epoch (one life of one publisher) and one type. Peers choose
 *  epochs, so the number of streams is bounded: the one that was quiet for
 *  longest is forgotten first.                                              */

typedef struct dividere_sequence_t dividere_sequence_t;

dividere_sequence_t *dividere_sequence_new (size_t streams_max);
void dividere_sequence_destroy (dividere_sequence_t **self_p);

/*  What comes next of a type is a beginning, not a gap: nobody asked for what
 *  was before. NULL: of all types. O(streams).                               */
void dividere_sequence_forget (dividere_sequence_t *self, const void *type);

/*  A message with this number has arrived. Returns how many were missed since
 *  the one before it: 0 for the first of a stream, for the next one, and for a
 *  number that is not above the last (a repetition). O(1).                  */
uint64_t dividere_sequence_feed (dividere_sequence_t *self, uint64_t epoch,
                                 const void *type, uint64_t sequence);

#endif
