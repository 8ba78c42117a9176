/* SPDX-License-Identifier: Apache-2.0 */

#include "asker.h"
#include "bench.h"

#define BATCH       16     /* between two looks at the clock               */
#define SAMPLES_MAX 100000 /* of one window                                 */

static double
s_rate (asker_t *self, int in_flight, double seconds)
{
    for (int i = 0; i < in_flight; i++)
        self->ask (self);
    self->take_answer (self);
    self->ask (self);
    size_t count = 0;
    double start = bench_now ();
    double now;
    do {
        for (int i = 0; i < BATCH; i++) {
            self->take_answer (self);
            self->ask (self);
        }
        count += BATCH;
        now = bench_now ();
    }
    while (now - start < seconds);
    for (int i = 0; i < in_flight; i++)
        self->take_answer (self);
    return (double) count / (now - start);
}

/*  The median time of one, one at a time.                                   */
static double
s_round_trip (asker_t *self, double seconds)
{
    static double samples[SAMPLES_MAX];
    self->ask (self);
    self->take_answer (self);
    size_t count = 0;
    double end = bench_now () + seconds;
    double now = 0;
    while (now < end && count < SAMPLES_MAX) {
        double start = bench_now ();
        self->ask (self);
        self->take_answer (self);
        now = bench_now ();
        samples[count++] = now - start;
    }
    return bench_median (samples, count);
}

double
asker_measure (asker_t *self, int in_flight, double seconds)
{
    return in_flight > 1 ? s_rate (self, in_flight, seconds)
                         : s_round_trip (self, seconds);
}
