/* SPDX-License-Identifier: Apache-2.0 */

/*  The pure tables: subscriptions and sequences, against naive models.      */

#include "selftest.h"
#include "sequence.h"
#include "subscriptions.h"

void test_subscriptions (void);
void test_subscriptions_model (void);
void test_sequence (void);
void test_sequence_model (void);

#define FEED(self, text) \
    dividere_subscriptions_feed (self, text, sizeof (text) - 1)

void
test_subscriptions (void)
{
    dividere_subscriptions_t *self = dividere_subscriptions_new (3);
    CHECK_FAILS (FEED (self, ""), EPROTO);
    CHECK_FAILS (FEED (self, "\x02"
                             "abc"),
                 EPROTO);
    CHECK_FAILS (FEED (self, "\0abc"), ENOENT);
    CHECK_INT (FEED (self, "\x01"), 0);
    CHECK_INT (FEED (self, "\x01"
                           "ab"),
               0);
    CHECK_INT (FEED (self, "\x01"
                           "ab"),
               0);
    CHECK_INT (FEED (self, "\x01"
                           "abc"),
               0);
    CHECK_FAILS (FEED (self, "\x01"
                             "d"),
                 ENOBUFS);
    CHECK_INT (dividere_subscriptions_total (self), 4);
    CHECK_INT (dividere_subscriptions_match (self, "abcd", 4), 4);
    CHECK_INT (dividere_subscriptions_match (self, "ab", 2), 3);
    CHECK_INT (dividere_subscriptions_match (self, "a", 1), 1);
    CHECK_INT (dividere_subscriptions_match (self, NULL, 0), 1);
    CHECK_INT (FEED (self, "\0ab"), 0);
    CHECK_INT (FEED (self, "\0ab"), 0);
    CHECK_FAILS (FEED (self, "\0ab"), ENOENT);
    CHECK_INT (FEED (self, "\x01"
                           "d"),
               0);
    CHECK_INT (dividere_subscriptions_match (self, "abcd", 4), 2);
    dividere_subscriptions_destroy (&self);
    dividere_subscriptions_destroy (&self);
}

/*  Topics of up to four letters of two, so that prefixes abound.            */
static void
s_spell (size_t code, char *text, size_t *ret_size)
{
    size_t size = code % 5;
    for (size_t i = 0; i < size; i++)
        text[i] = code >> (2 + i) & 1 ? 'a' : 'b';
    *ret_size = size;
}

void
test_subscriptions_model (void)
{
    static unsigned counts[5][16];
    dividere_subscriptions_t *self = dividere_subscriptions_new (1000);
    uint64_t seed = 77;
    for (size_t round = 0; round < selftest_scaled (100000); round++) {
        char frame[8];
        size_t size;
        s_spell (selftest_random (&seed) % 1000, frame + 1, &size);
        unsigned code = 0;
        for (size_t i = 0; i < size; i++)
            code = code * 2 + (frame[1 + i] == 'a');
        frame[0] = (char) (selftest_random (&seed) & 1);
        int rc = dividere_subscriptions_feed (self, frame, size + 1);
        if (frame[0])
            counts[size][code]++;
        else if (counts[size][code])
            counts[size][code]--;
        else
            CHECK_INT (rc, -1);
        unsigned expected = 0;
        for (size_t i = 0; i <= size; i++)
            expected += counts[i][code >> (size - i)];
        CHECK_INT (dividere_subscriptions_match (self, frame + 1, size),
                   expected);
    }
    dividere_subscriptions_destroy (&self);
}

void
test_sequence (void)
{
    dividere_sequence_t *self = dividere_sequence_new (2);
    int a, b;
    CHECK_INT (dividere_sequence_feed (self, 1, &a, 5), 0);
    CHECK_INT (dividere_sequence_feed (self, 1, &a, 6), 0);
    CHECK_INT (dividere_sequence_feed (self, 1, &a, 9), 2);
    CHECK_INT (dividere_sequence_feed (self, 1, &a, 9), 0);
    CHECK_INT (dividere_sequence_feed (self, 1, &a, 3), 0);
    CHECK_INT (dividere_sequence_feed (self, 1, &a, 10), 0);
    CHECK_INT (dividere_sequence_feed (self, 1, &b, 1), 0);
    CHECK_INT (dividere_sequence_feed (self, 1, &a, 12), 1);
    /* A third stream: b, quiet for longest, is forgotten.                   */
    CHECK_INT (dividere_sequence_feed (self, 2, &a, 1), 0);
    CHECK_INT (dividere_sequence_feed (self, 1, &a, 14), 1);
    CHECK_INT (dividere_sequence_feed (self, 1, &b, 9), 0);
    CHECK_INT (dividere_sequence_feed (self, 2, &a, 9), 0);
    CHECK_INT (dividere_sequence_feed (self, 2, &a, UINT64_MAX),
               UINT64_MAX - 10);
    dividere_sequence_destroy (&self);
}

#define STREAMS 20
#define KEPT    8

void
test_sequence_model (void)
{
    dividere_sequence_t *self = dividere_sequence_new (KEPT);
    uint64_t last[STREAMS] = { 0 }, used[STREAMS] = { 0 }, seed = 3;
    for (uint64_t now = 1; now <= selftest_scaled (100000); now++) {
        size_t at = selftest_random (&seed) % STREAMS;
        uint64_t number = 1 + selftest_random (&seed) % 1000;
        /* Known are the KEPT streams that were used last.                   */
        size_t newer = 0;
        for (size_t i = 0; i < STREAMS; i++)
            newer += used[i] > used[at];
        bool known = used[at] && newer < KEPT;
        uint64_t expected =
            known && number > last[at] ? number - last[at] - 1 : 0;
        CHECK_INT (dividere_sequence_feed (self, at / 2, &last[at % 2], number),
                   expected);
        last[at] = known && number < last[at] ? last[at] : number;
        used[at] = now;
    }
    dividere_sequence_destroy (&self);
}
