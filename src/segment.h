/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SEGMENT_H
#define DIVIDERE_SEGMENT_H

#include "record.h"

/*  Reads one segment of a recording. What is damaged is passed over: the next
 *  block that is whole is looked for. A file that grows meanwhile is read as
 *  far as it is there.                                                      */

typedef struct dividere_segment_t dividere_segment_t;

/*  Takes the descriptor in any case. NULL with an errno of fstat, EISDIR.   */
dividere_segment_t *dividere_segment_new (int fd);
void dividere_segment_destroy (dividere_segment_t **self_p);

/*  NULL if it is damaged.                                                   */
const dividere_record_head_t *dividere_segment_head (
    const dividere_segment_t *self);

/*  The next block and its body, which is valid until the next call. 0, or -1
 *  with ENOENT (no more), ENOMEM, an errno of pread.                        */
int dividere_segment_next (dividere_segment_t *self,
                           dividere_block_t *ret_block,
                           const uint8_t **ret_body);

/*  Goes to a place from which on everything of this time and later comes: by
 *  the index, where it has one, else to the start.                          */
void dividere_segment_seek (dividere_segment_t *self, int64_t time_ns);

uint64_t dividere_segment_bytes (const dividere_segment_t *self);

/*  Bytes that could not be read, so far.                                    */
uint64_t dividere_segment_skipped (const dividere_segment_t *self);

#endif
