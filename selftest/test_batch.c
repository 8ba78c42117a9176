/* SPDX-License-Identifier: Apache-2.0 */

/*  Small messages that share frames, where all who want them have agreed.   */

#include "selftest.h"
#include <dividere.h>
#include "batch.h"
#include "test.pb-c.h"

void test_batch_order (void);
void test_batch_shared (void);
void test_batch_plain (void);
void test_batch_everything (void);
void test_batch_flush (void);
void test_batch_full (void);
void test_batch_sequenced (void);
void test_batch_large (void);
void test_batch_reactor (void);
void test_batch_hostile (void);
void test_batch_refused (void);

#define ROUNDS 2000

static dividere_connector_t *
s_publisher (int batch)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.batch = batch;
    options.overflow = DIVIDERE_OVERFLOW_TELL;
    options.send_hwm = 100000;
    dividere_connector_t *self =
        dividere_publisher_new ("tcp://127.0.0.1:*", &options);
    CHECK (self);
    return self;
}

/*  Of both types of the tests; and the publisher has heard of it.           */
static dividere_connector_t *
s_subscriber (dividere_connector_t *publisher, int batch, size_t count)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.batch = batch;
    options.recv_hwm = 100000;
    dividere_connector_t *self =
        dividere_subscriber_new (dividere_connector_endpoint (publisher),
                                 &options);
    CHECK (self);
    CHECK_INT (dividere_subscribe (self, &test_msg01__descriptor), 0);
    CHECK_INT (dividere_subscribe (self, &msg01__descriptor), 0);
    /* The last that it tells of.                                            */
    uint8_t topic[20] = { 0 };
    size_t size;
    const void *plain = dividere_types_topic (&msg01__descriptor, &size);
    memcpy (topic + 1, plain, size);
    if (batch)
        CHECK_INT (dividere_connector_wait_subscribers (publisher, topic,
                                                        1 + size, count,
                                                        SELFTEST_DEADLINE),
                   0);
    else
        CHECK_INT (dividere_wait_subscribers (publisher, &msg01__descriptor,
                                              count, SELFTEST_DEADLINE),
                   0);
    return self;
}

static int
s_send_number (dividere_connector_t *publisher, int number)
{
    TestMsg01 message = TEST_MSG01__INIT;
    message.field1 = (char *) "a number";
    message.field2 = number;
    return dividere_send (publisher, &message.base);
}

static void
s_send_text (dividere_connector_t *publisher, const char *text)
{
    Msg01 message = MSG01__INIT;
    message.content = (char *) text;
    CHECK_INT (dividere_send (publisher, &message.base), 0);
}

static void
s_check_number (dividere_connector_t *in, dividere_message_t *message,
                int number)
{
    CHECK_INT (dividere_recv_into (in, message, SELFTEST_DEADLINE), 0);
    const TestMsg01 *got = DIVIDERE_MESSAGE_AS (message, TestMsg01, test_msg01);
    CHECK (got);
    CHECK_INT (got->field2, number);
}

static void
s_check_text (dividere_connector_t *in, dividere_message_t *message,
              const char *text)
{
    CHECK_INT (dividere_recv_into (in, message, SELFTEST_DEADLINE), 0);
    const Msg01 *got = DIVIDERE_MESSAGE_AS (message, Msg01, msg01);
    CHECK (got);
    CHECK_STR (got->content, text);
}

/*  Frames that came along this, counted by one that takes none apart.       */
static size_t
s_count_frames (zsock_t *raw)
{
    size_t count = 0;
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    while (zmq_msg_recv (&frame, zsock_resolve (raw), ZMQ_DONTWAIT) >= 0)
        count++;
    zmq_msg_close (&frame);
    return count;
}

/*  Two types in turns of different lengths come as they were sent.          */
void
test_batch_order (void)
{
    dividere_connector_t *out = s_publisher (4096);
    dividere_connector_t *in = s_subscriber (out, 1, 1);
    dividere_message_t *message = dividere_message_new ();
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_INT (s_send_number (out, i), 0);
        if (i % 97 == 0)
            s_send_text (out, "between");
    }
    CHECK_INT (dividere_connector_flush (out), 0);
    for (int i = 0; i < ROUNDS; i++) {
        s_check_number (in, message, i);
        if (i % 97 == 0)
            s_check_text (in, message, "between");
    }
    CHECK_FAILS (dividere_recv_into (in, message, 0), EAGAIN);
    dividere_connector_stats_t sent, received;
    dividere_connector_stats (out, &sent);
    dividere_connector_stats (in, &received);
    CHECK_INT (sent.sent, ROUNDS + (ROUNDS + 96) / 97);
    CHECK_INT (received.received, sent.sent);
    CHECK_INT (received.malformed, 0);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
}

/*  One frame has many; each who has agreed gets it.                         */
void
test_batch_shared (void)
{
    dividere_connector_t *out = s_publisher (4096);
    dividere_connector_t *in[2];
    zsock_t *raw = zsock_new (ZMQ_SUB);
    CHECK_INT (zsock_connect (raw, "%s", dividere_connector_endpoint (out)), 0);
    in[0] = s_subscriber (out, 1, 1);
    in[1] = s_subscriber (out, 1, 2);
    /* It listens to both topics, so it counts as one that has agreed.       */
    size_t size;
    const void *topic = dividere_types_topic (&test_msg01__descriptor, &size);
    uint8_t batch[40];
    dividere_batch_topic (topic, size, batch);
    CHECK_INT (zmq_setsockopt (zsock_resolve (raw), ZMQ_SUBSCRIBE, topic, size),
               0);
    CHECK_INT (zmq_setsockopt (zsock_resolve (raw), ZMQ_SUBSCRIBE, batch,
                               size + 1),
               0);
    CHECK_INT (dividere_connector_wait_subscribers (out, batch, size + 1, 3,
                                                    SELFTEST_DEADLINE),
               0);
    dividere_message_t *message = dividere_message_new ();
    for (int i = 0; i < ROUNDS; i++)
        CHECK_INT (s_send_number (out, i), 0);
    CHECK_INT (dividere_connector_flush (out), 0);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < ROUNDS; i++)
            s_check_number (in[k], message, i);
    size_t frames = 0;
    CHECK_EVENTUALLY ((frames += s_count_frames (raw)) >= ROUNDS / 100);
    CHECK (frames < ROUNDS / 20);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in[0]);
    dividere_connector_destroy (&in[1]);
    zsock_destroy (&raw);
    dividere_connector_destroy (&out);
}

/*  Until only one that takes batches is left, with two types.               */
static void
s_wait_left (dividere_connector_t *publisher)
{
    dividere_connector_stats_t stats;
    CHECK_EVENTUALLY (
        (dividere_connector_stats (publisher, &stats), stats.subscribers == 4));
}

/*  Who has not agreed gets each message by itself, and so does everybody while
 *  it is there. Nobody gets anything twice.                                 */
void
test_batch_plain (void)
{
    dividere_connector_t *out = s_publisher (4096);
    dividere_connector_t *in = s_subscriber (out, 1, 1);
    dividere_message_t *message = dividere_message_new ();
    for (int i = 0; i < 50; i++)
        CHECK_INT (s_send_number (out, i), 0);
    dividere_connector_t *plain = s_subscriber (out, 0, 2);
    for (int i = 50; i < 1000; i++)
        CHECK_INT (s_send_number (out, i), 0);
    dividere_connector_destroy (&plain);
    s_wait_left (out);
    plain = s_subscriber (out, 0, 2);
    for (int i = 1000; i < 1100; i++) {
        CHECK_INT (s_send_number (out, i), 0);
        s_check_number (plain, message, i);
    }
    dividere_connector_stats_t stats;
    dividere_connector_stats (plain, &stats);
    CHECK_INT (stats.malformed, 0);
    dividere_connector_destroy (&plain);
    s_wait_left (out);
    for (int i = 1100; i < ROUNDS; i++)
        CHECK_INT (s_send_number (out, i), 0);
    CHECK_INT (dividere_connector_flush (out), 0);
    for (int i = 0; i < ROUNDS; i++)
        s_check_number (in, message, i);
    CHECK_FAILS (dividere_recv_into (in, message, 0), EAGAIN);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
}

/*  Who wants everything would get batches, too, so there are none.          */
void
test_batch_everything (void)
{
    dividere_connector_t *out = s_publisher (4096);
    dividere_connector_t *in = s_subscriber (out, 1, 1);
    dividere_connector_t *all =
        dividere_subscriber_new (dividere_connector_endpoint (out), NULL);
    dividere_message_t *message = dividere_message_new ();
    /* These wait in a batch while the other comes.                          */
    for (int i = 0; i < 10; i++)
        CHECK_INT (s_send_number (out, i), 0);
    CHECK_INT (dividere_connector_subscribe (all, "", 0), 0);
    CHECK_INT (dividere_connector_wait_subscribers (out, "", 0, 1,
                                                    SELFTEST_DEADLINE),
               0);
    for (int i = 10; i < 100; i++)
        CHECK_INT (s_send_number (out, i), 0);
    for (int i = 0; i < 100; i++) {
        s_check_number (in, message, i);
        s_check_number (all, message, i);
    }
    dividere_connector_stats_t stats;
    dividere_connector_stats (all, &stats);
    CHECK_INT (stats.malformed, 0);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&all);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
}

/*  What waits is sent by a flush, by bytes that come behind it, and at the
 *  end.                                                                     */
void
test_batch_flush (void)
{
    dividere_connector_t *out = s_publisher (1 << 20);
    dividere_connector_t *in = s_subscriber (out, 1, 1);
    dividere_message_t *message = dividere_message_new ();
    dividere_connector_stats_t stats;
    for (int i = 0; i < 10; i++)
        CHECK_INT (s_send_number (out, i), 0);
    dividere_connector_stats (out, &stats);
    CHECK_INT (stats.sent, 0);
    CHECK_INT (dividere_connector_flush (out), 0);
    CHECK_INT (dividere_connector_flush (out), 0);
    dividere_connector_stats (out, &stats);
    CHECK_INT (stats.sent, 10);
    for (int i = 0; i < 10; i++) {
        s_check_number (in, message, i);
        CHECK (i == 9 || dividere_wait (in, 0) == 0);
    }
    CHECK_FAILS (dividere_wait (in, 0), EAGAIN);
    size_t size;
    const void *topic = dividere_types_topic (&msg01__descriptor, &size);
    CHECK_INT (s_send_number (out, 10), 0);
    CHECK_INT (dividere_connector_send (out, topic, size), 0);
    s_check_number (in, message, 10);
    CHECK_INT (dividere_connector_recv_into (in, message, SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_message_size (message), size);
    CHECK_INT (s_send_number (out, 11), 0);
    dividere_connector_destroy (&out);
    s_check_number (in, message, 11);
    CHECK_FAILS (dividere_connector_flush (in), ENOTSUP);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
}

/*  A subscriber that reads nothing: told of, nothing is lost; else all that was
 *  in the batch counts as dropped.                                          */
void
test_batch_full (void)
{
    for (int policy = 0; policy < 2; policy++) {
        dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
        options.batch = 1000;
        options.send_hwm = options.recv_hwm = 5;
        options.overflow =
            policy ? DIVIDERE_OVERFLOW_TELL : DIVIDERE_OVERFLOW_DROP;
        char at[200], to[200];
        const char *endpoint = selftest_inproc ();
        snprintf (at, sizeof (at), "@%s", endpoint);
        snprintf (to, sizeof (to), ">%s", endpoint);
        dividere_connector_t *out = dividere_publisher_new (at, &options);
        options.overflow = DIVIDERE_OVERFLOW_DROP;
        dividere_connector_t *in = dividere_subscriber_new (to, &options);
        dividere_message_t *message = dividere_message_new ();
        dividere_connector_stats_t stats;
        CHECK_INT (dividere_subscribe (in, &test_msg01__descriptor), 0);
        CHECK_INT (dividere_wait_subscribers (out, &test_msg01__descriptor, 1,
                                              SELFTEST_DEADLINE),
                   0);
        int taken = 0;
        while (taken < 1000 && s_send_number (out, taken) == 0)
            taken++;
        dividere_connector_stats (out, &stats);
        if (policy) {
            CHECK (taken < 1000);
            CHECK_INT (errno, EAGAIN);
            CHECK_FAILS (dividere_connector_flush (out), EAGAIN);
            CHECK_INT (stats.dropped, 0);
            for (int i = 0; i < taken; i++) {
                s_check_number (in, message, i);
                dividere_connector_flush (out);
            }
        }
        else {
            CHECK_INT (taken, 1000);
            CHECK (stats.dropped > 0);
            CHECK (stats.dropped <= stats.sent);
        }
        dividere_message_destroy (&message);
        dividere_connector_destroy (&in);
        dividere_connector_destroy (&out);
    }
}

void
test_batch_sequenced (void)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.sequenced = true;
    options.batch = 2000;
    options.send_hwm = options.recv_hwm = 10000;
    dividere_connector_t *out =
        dividere_publisher_new ("tcp://127.0.0.1:*", &options);
    dividere_connector_t *in =
        dividere_subscriber_new (dividere_connector_endpoint (out), &options);
    CHECK_INT (dividere_subscribe (in, &test_msg01__descriptor), 0);
    CHECK_INT (dividere_wait_subscribers (out, &test_msg01__descriptor, 1,
                                          SELFTEST_DEADLINE),
               0);
    dividere_message_t *message = dividere_message_new ();
    for (int i = 0; i < 1000; i++)
        CHECK_INT (s_send_number (out, i), 0);
    CHECK_INT (dividere_connector_flush (out), 0);
    for (int i = 0; i < 1000; i++) {
        s_check_number (in, message, i);
        CHECK_INT (dividere_message_sequence (message), i + 1);
    }
    dividere_connector_stats_t stats;
    dividere_connector_stats (in, &stats);
    CHECK_INT (stats.missed, 0);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
}

/*  What is larger than a batch goes by itself, and in its place.            */
void
test_batch_large (void)
{
    static char s_text[5000];
    memset (s_text, 'x', sizeof (s_text) - 1);
    dividere_connector_t *out = s_publisher (500);
    dividere_connector_t *in = s_subscriber (out, 1, 1);
    dividere_message_t *message = dividere_message_new ();
    for (int i = 0; i < 100; i++)
        s_send_text (out, i % 10 == 3 ? s_text : "small");
    CHECK_INT (dividere_connector_flush (out), 0);
    for (int i = 0; i < 100; i++)
        s_check_text (in, message, i % 10 == 3 ? s_text : "small");
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
}

typedef struct {
    int numbers;
    int texts;
    bool in_order;
} counted_t;

static int
on_number (dividere_context_t *context, const TestMsg01 *message)
{
    counted_t *counted = (counted_t *) dividere_context_user (context);
    counted->in_order &= message->field2 == counted->numbers;
    counted->numbers++;
    return 0;
}

static int
on_text (dividere_context_t *context, const Msg01 *message)
{
    ((counted_t *) dividere_context_user (context))->texts++;
    /* It is told on by the other source, which nobody flushes but the
       reactor.                                                              */
    dividere_connector_t *out = dividere_context_find (context, "out");
    return dividere_send (out, &message->base) < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, on_number),
    DIVIDERE_HANDLER (Msg01, msg01, on_text),
    DIVIDERE_HANDLER_END,
};

/*  More in a frame than a turn may handle.                                  */
void
test_batch_reactor (void)
{
    counted_t counted = { 0, 0, true };
    dividere_reactor_config_t config = { .handlers = s_handlers,
                                         .user = &counted };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    dividere_connector_t *out = s_publisher (1 << 20);
    dividere_connector_t *in = s_subscriber (out, 1, 1);
    dividere_connector_t *on = s_publisher (1 << 20);
    dividere_connector_t *end = s_subscriber (on, 1, 1);
    CHECK_INT (dividere_reactor_add (reactor, &in, "in", SELFTEST_DEADLINE), 0);
    CHECK_INT (dividere_reactor_add (reactor, &on, "out", SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_call (reactor, NULL, SELFTEST_DEADLINE, "START", NULL),
               0);
    dividere_message_t *message = dividere_message_new ();
    for (int i = 0; i < 5 * ROUNDS; i++)
        CHECK_INT (s_send_number (out, i), 0);
    for (int i = 0; i < 100; i++)
        s_send_text (out, "on");
    CHECK_INT (dividere_connector_flush (out), 0);
    for (int i = 0; i < 100; i++)
        s_check_text (end, message, "on");
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    CHECK_INT (counted.numbers, 5 * ROUNDS);
    CHECK_INT (counted.texts, 100);
    CHECK (counted.in_order);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&end);
    dividere_connector_destroy (&out);
}

/*  Whole batches by hand, and such as a peer might send: what can be read is
 *  read, and what follows still comes.                                      */
void
test_batch_hostile (void)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint64_t malformed;
    } s_frames[] = {
#define FRAME(text, malformed) { text, sizeof (text) - 1, malformed }
        FRAME ("\x00\x0A\x05Msg01", 1),
        FRAME ("\x00\x0A\x05Msg01\x00", 1),
        FRAME ("\x00\x0A\x05Msg01\x7F", 1),
        FRAME ("\x00\x0A\x05Msg01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 1),
        FRAME ("\x00\x0A\x05Msg01\x01x\x01y", 2),
        FRAME ("\x00\x0A\x05Msg01\x0A\x00\x0A\x05Msg01\x01x", 1),
        FRAME ("\x00\x0A\x05Msg01\xFF", 1),
#undef FRAME
    };
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.batch = 1;
    zsock_t *raw = zsock_new (ZMQ_XPUB);
    CHECK (zsock_bind (raw, "tcp://127.0.0.1:*") >= 0);
    dividere_connector_t *in =
        dividere_subscriber_new (zsock_endpoint (raw), &options);
    CHECK_INT (dividere_subscribe (in, &msg01__descriptor), 0);
    for (int i = 0; i < 2; i++) {
        zframe_t *frame = zframe_recv (raw);
        zframe_destroy (&frame);
    }
    dividere_message_t *message = dividere_message_new ();
    zmq_msg_t good;
    Msg01 mark = MSG01__INIT;
    mark.content = (char *) "mark";
    uint64_t malformed = 0;
    for (size_t i = 0; i < sizeof (s_frames) / sizeof (s_frames[0]); i++) {
        zmq_send (zsock_resolve (raw), s_frames[i].bytes, s_frames[i].size, 0);
        CHECK_INT (dividere_envelope_encode (&mark.base, &good), 0);
        CHECK (zmq_msg_send (&good, zsock_resolve (raw), 0) > 0);
        while (dividere_recv_into (in, message, SELFTEST_DEADLINE) < 0)
            CHECK_INT (errno, EPROTO);
        CHECK_STR (DIVIDERE_MESSAGE_AS (message, Msg01, msg01)->content,
                   "mark");
        dividere_connector_stats_t stats;
        dividere_connector_stats (in, &stats);
        malformed += s_frames[i].malformed;
        CHECK_INT (stats.malformed, malformed);
    }
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    zsock_destroy (&raw);
}

void
test_batch_refused (void)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.batch = -1;
    CHECK (!dividere_publisher_new ("tcp://127.0.0.1:*", &options));
    CHECK_INT (errno, EINVAL);
    options.batch = (1 << 20) + 1;
    CHECK (!dividere_publisher_new ("tcp://127.0.0.1:*", &options));
    options.batch = 100;
    CHECK (!dividere_dealer_new ("tcp://127.0.0.1:*", &options));
    CHECK (!dividere_request_new ("tcp://127.0.0.1:1", &options));
    options.keep_last = true;
    CHECK (!dividere_subscriber_new ("tcp://127.0.0.1:1", &options));
    CHECK_INT (errno, EINVAL);
}
