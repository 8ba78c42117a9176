/* SPDX-License-Identifier: Apache-2.0 */

/*  Histograms of durations.                                                 */

#include "selftest.h"
#include "histogram.h"

void test_histogram_buckets (void);
void test_histogram_percentile (void);
void test_histogram_model (void);

#define LAST (DIVIDERE_HISTOGRAM_BUCKETS - 1)

/*  The bucket that a number alone goes into.                                */
static int
s_bucket (int64_t us)
{
    dividere_histogram_t histogram = { { 0 } };
    dividere_histogram_add (&histogram, us);
    CHECK_INT (histogram.total, 1);
    CHECK_INT (histogram.max, us > 0 ? us : 0);
    int found = -1;
    for (int i = 0; i < DIVIDERE_HISTOGRAM_BUCKETS; i++)
        if (histogram.counts[i]) {
            CHECK_INT (histogram.counts[i], 1);
            CHECK_INT (found, -1);
            found = i;
        }
    return found;
}

void
test_histogram_buckets (void)
{
    CHECK_INT (s_bucket (INT64_MIN), 0);
    CHECK_INT (s_bucket (-1), 0);
    CHECK_INT (s_bucket (0), 0);
    CHECK_INT (s_bucket (1), 0);
    CHECK_INT (s_bucket (2), 1);
    for (int i = 2; i < LAST; i++) {
        CHECK_INT (s_bucket ((int64_t) 1 << (i - 1)), i - 1);
        CHECK_INT (s_bucket (((int64_t) 1 << (i - 1)) + 1), i);
        CHECK_INT (s_bucket ((int64_t) 1 << i), i);
    }
    CHECK_INT (s_bucket (((int64_t) 1 << (LAST - 1)) + 1), LAST);
    CHECK_INT (s_bucket (((int64_t) 1 << LAST) + 1), LAST);
    CHECK_INT (s_bucket (INT64_MAX), LAST);
}

void
test_histogram_percentile (void)
{
    dividere_histogram_t histogram = { { 0 } };
    CHECK_INT (dividere_histogram_percentile (&histogram, 500), 0);
    CHECK_INT (dividere_histogram_percentile (&histogram, 1000), 0);

    /* 900 of 10 us, 99 of 1,000, one of 100,000.                            */
    for (int i = 0; i < 900; i++)
        dividere_histogram_add (&histogram, 10);
    CHECK_INT (dividere_histogram_percentile (&histogram, 999), 10);
    for (int i = 0; i < 99; i++)
        dividere_histogram_add (&histogram, 1000);
    dividere_histogram_add (&histogram, 100000);
    CHECK_INT (dividere_histogram_percentile (&histogram, 500), 16);
    CHECK_INT (dividere_histogram_percentile (&histogram, 900), 16);
    CHECK_INT (dividere_histogram_percentile (&histogram, 901), 1024);
    CHECK_INT (dividere_histogram_percentile (&histogram, 999), 1024);
    CHECK_INT (dividere_histogram_percentile (&histogram, 1000), 100000);

    /* In the last bucket nothing but the largest is known.                  */
    dividere_histogram_t slow = { { 0 } };
    dividere_histogram_add (&slow, INT64_MAX);
    CHECK_INT (dividere_histogram_percentile (&slow, 0), 1);
    CHECK_INT (dividere_histogram_percentile (&slow, 1), INT64_MAX);

    /* Counts of which a thousand times is too much.                         */
    dividere_histogram_t many = { .total = UINT64_MAX, .max = 8 };
    many.counts[0] = many.counts[3] = UINT64_MAX / 2;
    CHECK_INT (dividere_histogram_percentile (&many, 499), 1);
    CHECK_INT (dividere_histogram_percentile (&many, 501), 8);
}

static int
s_compare (const void *a, const void *b)
{
    int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

/*  No percentile is less than the true one, nor twice as much.              */
void
test_histogram_model (void)
{
    static const unsigned s_shares[] = { 1, 10, 500, 900, 990, 999, 1000 };
    dividere_histogram_t histogram = { { 0 } };
    size_t count = selftest_scaled (1000000) + 1;
    int64_t *all = (int64_t *) malloc (count * sizeof (*all));
    CHECK (all);
    uint64_t seed = 1;
    for (size_t i = 0; i < count; i++) {
        /* All sizes are about as likely.                                    */
        uint64_t bits = selftest_random (&seed) % 36;
        all[i] = (int64_t) (selftest_random (&seed) % (2ULL << bits));
        dividere_histogram_add (&histogram, all[i]);
    }
    qsort (all, count, sizeof (*all), s_compare);
    CHECK_INT (histogram.total, count);
    CHECK_INT (histogram.max, all[count - 1]);
    for (size_t i = 0; i < sizeof (s_shares) / sizeof (s_shares[0]); i++) {
        size_t rank = (count * s_shares[i] + 999) / 1000;
        uint64_t exact = (uint64_t) all[rank - 1];
        uint64_t told = dividere_histogram_percentile (&histogram, s_shares[i]);
        selftest_note ("%4u permille: %llu, told %llu", s_shares[i],
                       (unsigned long long) exact, (unsigned long long) told);
        CHECK (told >= exact && told <= histogram.max);
        CHECK (exact <= 1 ? told <= 1 : told < 2 * exact);
    }
    free (all);
}
