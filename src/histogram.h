/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_HISTOGRAM_H
#define DIVIDERE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/*  How long things took, counted by powers of two of a microsecond: what is
 *  needed for a percentile, in fixed memory and a few instructions.         */

#define DIVIDERE_HISTOGRAM_BUCKETS 40 /* bucket i: more than 2^(i-1), up to  */
                                      /* 2^i us; the last one: all above     */

typedef struct {
    uint64_t counts[DIVIDERE_HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max; /* us                                                     */
} dividere_histogram_t;

/*  Less than 0 counts as 0.                                                 */
void dividere_histogram_add (dividere_histogram_t *self, int64_t us);

/*  At most so many us were enough for this share (0 to 1000 permille): the
 *  upper end of a bucket, and never more than max. 0 if nothing was counted. */
uint64_t dividere_histogram_percentile (const dividere_histogram_t *self,
                                        unsigned permille);

#endif
