/* SPDX-License-Identifier: Apache-2.0 */

/*  The bucket of a number is how many bits the number before it has.        */

#include "histogram.h"

#define LAST (DIVIDERE_HISTOGRAM_BUCKETS - 1)

static size_t
s_bucket (uint64_t us)
{
    if (us <= 1)
        return 0;
    size_t bits = 64 - (size_t) __builtin_clzll (us - 1);
    return bits < LAST ? bits : LAST;
}

void
dividere_histogram_add (dividere_histogram_t *self, int64_t us)
{
    uint64_t value = us > 0 ? (uint64_t) us : 0;
    self->counts[s_bucket (value)]++;
    self->total++;
    if (value > self->max)
        self->max = value;
}

uint64_t
dividere_histogram_percentile (const dividere_histogram_t *self,
                               unsigned permille)
{
    if (!self->total)
        return 0;
    /* In two parts, since total * permille may not fit. */
    uint64_t needed = self->total / 1000 * permille +
                      (self->total % 1000 * permille + 999) / 1000;
    uint64_t counted = self->counts[0];
    size_t bucket = 0;
    while (bucket < LAST && counted < needed)
        counted += self->counts[++bucket];
    uint64_t upper = (uint64_t) 1 << bucket;
    return bucket < LAST && upper < self->max ? upper : self->max;
}
