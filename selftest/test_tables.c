/* SPDX-License-Identifier: Apache-2.0 */

/*  The tables that peers fill: subscriptions of a publisher, streams of a
 *  subscriber. Each is compared with a slow list that is plainly right.     */

#include "selftest.h"
#include "sequence.h"
#include "subscriptions.h"

void test_subscriptions (void);
void test_subscriptions_model (void);
void test_sequence (void);
void test_sequence_model (void);

#define EVENTS 100000

/*  A frame of XPUB: begin or end, and a topic.                              */
static int
s_feed (dividere_subscriptions_t *self, bool begin, const char *topic)
{
    uint8_t frame[16];
    size_t size = strlen (topic);
    CHECK (size < sizeof (frame));
    frame[0] = begin;
    memcpy (frame + 1, topic, size);
    return dividere_subscriptions_feed (self, frame, 1 + size);
}

static size_t
s_match (const dividere_subscriptions_t *self, const char *topic)
{
    return dividere_subscriptions_match (self, topic, strlen (topic));
}

static void
s_check_frames (dividere_subscriptions_t *self)
{
    uint8_t frame[1 + 1025] = { 1 };
    CHECK_FAILS (dividere_subscriptions_feed (self, frame, 0), EPROTO);
    CHECK_FAILS (dividere_subscriptions_feed (self, NULL, 0), EPROTO);
    CHECK_FAILS (dividere_subscriptions_feed (self, "\x02x", 2), EPROTO);
    CHECK_FAILS (dividere_subscriptions_feed (self, "\xFFx", 2), EPROTO);
    CHECK_FAILS (dividere_subscriptions_feed (self, frame, 1026), EPROTO);
    CHECK_INT (dividere_subscriptions_total (self), 0);

    /* The longest topic, all zeros, in a longer one.                        */
    CHECK_INT (dividere_subscriptions_feed (self, frame, 1025), 0);
    CHECK_INT (dividere_subscriptions_match (self, frame + 1, 1025), 1);
    CHECK_INT (dividere_subscriptions_match (self, frame + 1, 1023), 0);
    frame[0] = 0;
    CHECK_INT (dividere_subscriptions_feed (self, frame, 1025), 0);
    CHECK_INT (dividere_subscriptions_total (self), 0);
}

void
test_subscriptions (void)
{
    dividere_subscriptions_t *self = dividere_subscriptions_new (3);
    CHECK_INT (dividere_subscriptions_match (self, NULL, 0), 0);
    CHECK_FAILS (s_feed (self, false, ""), ENOENT);
    s_check_frames (self);

    CHECK_INT (s_feed (self, true, ""), 0);
    CHECK_INT (s_feed (self, true, "ab"), 0);
    CHECK_INT (s_feed (self, true, "ab"), 0);
    CHECK_INT (s_feed (self, true, "abc"), 0);
    CHECK_INT (dividere_subscriptions_match (self, NULL, 0), 1);
    CHECK_INT (s_match (self, "a"), 1);
    CHECK_INT (s_match (self, "ab"), 3);
    CHECK_INT (s_match (self, "abcd"), 4);
    CHECK_INT (s_match (self, "b"), 1);
    CHECK_INT (dividere_subscriptions_match (self, "ab\0c", 4), 3);

    /* Full: no other topic, more of the same.                               */
    CHECK_FAILS (s_feed (self, true, "x"), ENOBUFS);
    CHECK_FAILS (s_feed (self, false, "x"), ENOENT);
    CHECK_INT (s_feed (self, true, "abc"), 0);
    CHECK_INT (dividere_subscriptions_total (self), 5);
    CHECK_INT (s_feed (self, false, ""), 0);
    CHECK_FAILS (s_feed (self, false, ""), ENOENT);
    CHECK_INT (s_feed (self, true, "x"), 0);
    CHECK_INT (s_match (self, "abcd"), 4);
    CHECK_INT (s_match (self, "xyz"), 1);

    dividere_subscriptions_destroy (&self);
    CHECK (!self);
    dividere_subscriptions_destroy (&self);

    self = dividere_subscriptions_new (0);
    CHECK_FAILS (s_feed (self, true, ""), ENOBUFS);
    dividere_subscriptions_destroy (&self);
}

#define TOPICS_MAX 200

/*  The list to compare with.                                                */
typedef struct {
    struct {
        char text[8];
        size_t count; /* 0: not there                                       */
    } topics[TOPICS_MAX];
    uint64_t total;
} topics_t;

static int
s_topics_feed (topics_t *self, bool begin, const char *text)
{
    int found = -1, unused = -1;
    for (int i = 0; i < TOPICS_MAX; i++)
        if (self->topics[i].count == 0)
            unused = i;
        else if (strcmp (self->topics[i].text, text) == 0)
            found = i;
    if (!begin && found < 0)
        return ENOENT;
    if (begin && found < 0 && unused < 0)
        return ENOBUFS;
    if (found < 0) {
        found = unused;
        snprintf (self->topics[found].text, sizeof (self->topics[found].text),
                  "%s", text);
    }
    self->topics[found].count += begin ? 1 : (size_t) -1;
    self->total += begin ? 1 : (uint64_t) -1;
    return 0;
}

static size_t
s_topics_match (const topics_t *self, const char *text)
{
    size_t matches = 0;
    for (int i = 0; i < TOPICS_MAX; i++)
        if (strncmp (self->topics[i].text, text,
                     strlen (self->topics[i].text)) == 0)
            matches += self->topics[i].count;
    return matches;
}

/*  Few letters, so that many topics are prefixes of others.                 */
static void
s_random_topic (uint64_t *seed, char *ret_text)
{
    size_t size = selftest_random (seed) % 6;
    for (size_t i = 0; i < size; i++)
        ret_text[i] = (char) ('a' + selftest_random (seed) % 3);
    ret_text[size] = 0;
}

void
test_subscriptions_model (void)
{
    dividere_subscriptions_t *self = dividere_subscriptions_new (TOPICS_MAX);
    topics_t *model = (topics_t *) calloc (1, sizeof (*model));
    CHECK (model);
    uint64_t seed = 1;
    size_t errors[2] = { 0, 0 };
    size_t events = selftest_scaled (EVENTS);
    for (size_t i = 0; i < events; i++) {
        /* Times of growing and times of shrinking, by turns.                */
        bool begin = selftest_random (&seed) % 16 < (i / 4096 % 2 ? 5 : 11);
        char text[8];
        s_random_topic (&seed, text);
        int error = s_topics_feed (model, begin, text);
        errno = 0;
        CHECK_INT (s_feed (self, begin, text), error ? -1 : 0);
        CHECK_INT (errno, error);
        errors[0] += error == ENOENT;
        errors[1] += error == ENOBUFS;
        s_random_topic (&seed, text);
        CHECK_INT (s_match (self, text), s_topics_match (model, text));
        CHECK_INT (dividere_subscriptions_total (self), model->total);
    }
    selftest_note ("%zu events, %zu ENOENT, %zu ENOBUFS", events, errors[0],
                   errors[1]);
    CHECK (events < EVENTS || (errors[0] > 0 && errors[1] > 0));
    dividere_subscriptions_destroy (&self);
    free (model);
}

void
test_sequence (void)
{
    static const int type_a, type_b;
    dividere_sequence_t *self = dividere_sequence_new (2);
    CHECK_INT (dividere_sequence_feed (self, 7, &type_a, 5), 0);
    CHECK_INT (dividere_sequence_feed (self, 7, &type_a, 6), 0);
    CHECK_INT (dividere_sequence_feed (self, 7, &type_a, 10), 3);
    CHECK_INT (dividere_sequence_feed (self, 7, &type_a, 10), 0);
    CHECK_INT (dividere_sequence_feed (self, 7, &type_a, 8), 0);
    CHECK_INT (dividere_sequence_feed (self, 7, &type_a, 11), 0);

    /* Another type, another epoch: streams of their own. The third takes the
     * place of the one that was quiet for longest.                          */
    CHECK_INT (dividere_sequence_feed (self, 7, &type_b, 1), 0);
    CHECK_INT (dividere_sequence_feed (self, 7, &type_a, 13), 1);
    CHECK_INT (dividere_sequence_feed (self, 8, &type_a, 1), 0);
    CHECK_INT (dividere_sequence_feed (self, 7, &type_a, 15), 1);
    CHECK_INT (dividere_sequence_feed (self, 7, &type_b, 9), 0);
    CHECK_INT (dividere_sequence_feed (self, 7, &type_a, 17), 1);
    CHECK_INT (dividere_sequence_feed (self, 8, &type_a, 9), 0);

    dividere_sequence_destroy (&self);
    CHECK (!self);
    dividere_sequence_destroy (&self);

    /* Of one stream only; the numbers' whole range.                         */
    self = dividere_sequence_new (1);
    CHECK_INT (dividere_sequence_feed (self, 0, NULL, 0), 0);
    CHECK (dividere_sequence_feed (self, 0, NULL, UINT64_MAX) ==
           UINT64_MAX - 1);
    CHECK_INT (dividere_sequence_feed (self, 0, NULL, 0), 0);
    CHECK_INT (dividere_sequence_feed (self, UINT64_MAX, NULL, 3), 0);
    CHECK_INT (dividere_sequence_feed (self, 0, NULL, 3), 0);
    dividere_sequence_destroy (&self);
}

#define STREAMS_MAX 50

/*  The list to compare with.                                                */
typedef struct {
    uint64_t epoch;
    const void *type;
    uint64_t last;
    uint64_t used; /* when, in events from 1; 0: never                      */
} model_stream_t;

static uint64_t
s_streams_feed (model_stream_t *streams, uint64_t now, uint64_t epoch,
                const void *type, uint64_t sequence)
{
    model_stream_t *at = streams;
    for (model_stream_t *each = streams; each < streams + STREAMS_MAX; each++) {
        if (each->used && each->epoch == epoch && each->type == type) {
            bool missed = sequence > each->last + 1;
            uint64_t count = missed ? sequence - each->last - 1 : 0;
            each->used = now;
            if (sequence > each->last)
                each->last = sequence;
            return count;
        }
        if (each->used < at->used)
            at = each;
    }
    *at = (model_stream_t){
        .epoch = epoch, .type = type, .last = sequence, .used = now
    };
    return 0;
}

void
test_sequence_model (void)
{
    static const char types[16];
    dividere_sequence_t *self = dividere_sequence_new (STREAMS_MAX);
    model_stream_t streams[STREAMS_MAX] = { { 0 } };
    uint64_t seed = 1, missed = 0;
    size_t events = selftest_scaled (EVENTS);
    for (uint64_t now = 1; now <= events; now++) {
        /* More streams than there is room for, some of them busier.         */
        uint64_t epochs = selftest_random (&seed) % 2 ? 3 : 8;
        uint64_t epoch = selftest_random (&seed) % epochs;
        const void *type = &types[selftest_random (&seed) % 16];
        uint64_t sequence = now / 100 + selftest_random (&seed) % 5;
        uint64_t expected =
            s_streams_feed (streams, now, epoch, type, sequence);
        CHECK_INT (dividere_sequence_feed (self, epoch, type, sequence),
                   expected);
        missed += expected;
    }
    selftest_note ("%zu events, %llu missed", events,
                   (unsigned long long) missed);
    CHECK (events < EVENTS || missed > 0);
    dividere_sequence_destroy (&self);
}
