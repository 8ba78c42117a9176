/* SPDX-License-Identifier: Apache-2.0 */

/*  The codec alone: from an object to its frame, and from the frame to an
 *  object that can be read.                                                 */

#include "bench.h"
#include <dividere/envelope.h>
#include "codec.dividere.h"
#include "message_internal.h"
#include "selftest.h"
#include "test.dividere.h"
#include "two_step.h"

#define BATCH 64 /* between two looks at the clock                          */

static char s_text[] = "123e4567-e89b-12d3-a456-426614174000";
static int32_t s_numbers[] = { 1, 200, 30000, -4 };
static TestMsg01 s_small = { .base = PROTOBUF_C_MESSAGE_INIT (
                                 &test_msg01__descriptor),
                             .field1 = s_text,
                             .field2 = 31337 };
static Selftest__Everything__Inner s_inner = {
    .base = PROTOBUF_C_MESSAGE_INIT (&selftest__everything__inner__descriptor),
    .text = s_text,
    .number = 7,
};
static Selftest__Wide s_wide = {
    .base = PROTOBUF_C_MESSAGE_INIT (&selftest__wide__descriptor),
    .f01 = 31337,
    .f02 = 1LL << 40,
    .f03 = 300,
    .f04 = 1ULL << 50,
    .f05 = -70000,
    .f06 = -1,
    .f07 = 0xDEADBEEF,
    .f08 = 1ULL << 60,
    .f09 = 2.718281828,
    .f10 = 3.14f,
    .f11 = true,
    .f12 = s_text,
    .f13 = s_text,
    .f14 = { sizeof (s_text) - 1, (uint8_t *) s_text },
    .f15 = 1,
    .f16 = 2,
    .f17 = s_text,
    .f18 = 1e300,
    .n_f19 = sizeof (s_numbers) / sizeof (*s_numbers),
    .f19 = s_numbers,
    .f20 = &s_inner,
};

typedef struct {
    const ProtobufCMessage *message;
    const char *url;
} sample_t;

static const sample_t s_samples[] = {
    { &s_small.base, TWO_STEP_URL ("testMsg01") },
    { &s_wide.base, TWO_STEP_URL ("selftest.Wide") },
};

/*  What is timed: one call of it.                                           */
typedef void (step_fn) (const sample_t *sample, dividere_message_t *received);

static void
s_encode_two_step (const sample_t *sample, dividere_message_t *received)
{
    zmq_msg_t frame;
    two_step_encode (sample->message, sample->url, &frame);
    zmq_msg_close (&frame);
}

static void
s_encode (const sample_t *sample, dividere_message_t *received)
{
    zmq_msg_t frame;
    CHECK_INT (dividere_envelope_encode (sample->message, &frame), 0);
    zmq_msg_close (&frame);
}

static void
s_decode_two_step (const sample_t *sample, dividere_message_t *received)
{
    ProtobufCMessage *object =
        two_step_decode (zmq_msg_data (&received->payload),
                         zmq_msg_size (&received->payload),
                         sample->message->descriptor);
    CHECK (object);
    protobuf_c_message_free_unpacked (object, NULL);
}

static void
s_decode (const sample_t *sample, dividere_message_t *received)
{
    CHECK_INT (dividere_message_decode (received), 0);
}

/*  A message as it comes from a socket; both codecs make it alike.          */
static dividere_message_t *
s_received (const sample_t *sample)
{
    dividere_message_t *received = dividere_message_new ();
    zmq_msg_t frame;
    two_step_encode (sample->message, sample->url, &frame);
    CHECK_INT (dividere_envelope_encode (sample->message, &received->payload),
               0);
    CHECK_INT (zmq_msg_size (&received->payload), zmq_msg_size (&frame));
    CHECK_INT (memcmp (zmq_msg_data (&received->payload), zmq_msg_data (&frame),
                       zmq_msg_size (&frame)),
               0);
    zmq_msg_close (&frame);
    return received;
}

typedef struct {
    step_fn *step;
    const sample_t *sample;
} work_t;

static double
s_time (const void *args, double seconds)
{
    const work_t *work = (const work_t *) args;
    dividere_message_t *received = s_received (work->sample);
    double start = bench_now ();
    double now;
    size_t count = 0;
    do {
        for (int i = 0; i < BATCH; i++)
            work->step (work->sample, received);
        count += BATCH;
        now = bench_now ();
    }
    while (now - start < seconds);
    dividere_message_destroy (&received);
    return (now - start) / (double) count;
}

/*  Afterwards types go by their descriptors again, for the other rows.      */
static double
s_time_made (const void *args, double seconds)
{
    static const dividere_packed_t s_described[] = {
        { &test_msg01__descriptor, NULL },
        { &selftest__wide__descriptor, NULL },
        { NULL, NULL },
    };
    CHECK_INT (test__register (), 0);
    CHECK_INT (selftest__codec__register (), 0);
    double time = s_time (args, seconds);
    CHECK_INT (dividere_packer_register (s_described), 0);
    return time;
}

#define SIDE(time, step, sample) \
    {                            \
        time, &(const work_t)    \
        {                        \
            (step), (sample)     \
        }                        \
    }
#define ROW(name, time, step, sample, required, goal)                          \
    {                                                                          \
        name, "protobuf-c in two steps", BENCH_TIME,                           \
            SIDE (s_time, step##_two_step, sample), SIDE (time, step, sample), \
            required, goal                                                     \
    }

const bench_row_t bench_codec_rows[] = {
    ROW ("encode, small message", s_time, s_encode, &s_samples[0], 0.45, 0.20),
    ROW ("decode, small message", s_time, s_decode, &s_samples[0], 0.35, 0.20),
    ROW ("encode, 20 fields", s_time, s_encode, &s_samples[1], 0.75, 0.40),
    ROW ("decode, 20 fields", s_time, s_decode, &s_samples[1], 0.75, 0.50),
    ROW ("encode by a made packer, small", s_time_made, s_encode, &s_samples[0],
         0.45, 0.20),
    ROW ("encode by a made packer, 20 fields", s_time_made, s_encode,
         &s_samples[1], 0.75, 0.40),
    BENCH_END,
};
