/* SPDX-License-Identifier: Apache-2.0 */

/*  Typed messages: every refusal with its errno and its counter, reuse, other
 *  sockets, names, numbers.                                                 */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include "codec.pb-c.h"
#include "test.pb-c.h"

void test_message_typed (void);
void test_message_refusals (void);
void test_message_envelopes (void);
void test_message_names (void);
void test_message_other_sockets (void);
void test_message_packaged_topic (void);
void test_message_sequenced (void);
void test_message_send_errors (void);
void test_message_limits (void);
void test_message_budget (void);
void test_message_debug_log (void);

/*  Two dealers over inproc: bytes in on the left, typed out on the right.   */
typedef struct {
    dividere_connector_t *left;
    dividere_connector_t *right;
    dividere_message_t *message;
} pair_t;

static pair_t
s_pair (void)
{
    char endpoint[300];
    snprintf (endpoint, sizeof (endpoint), "@%s", selftest_inproc ());
    pair_t pair = { dividere_dealer_new (endpoint, NULL), NULL,
                    dividere_message_new () };
    CHECK (pair.left);
    pair.right = dividere_dealer_new (endpoint + 1, NULL);
    CHECK (pair.right);
    return pair;
}

static void
s_pair_destroy (pair_t *pair)
{
    dividere_message_destroy (&pair->message);
    dividere_connector_destroy (&pair->left);
    dividere_connector_destroy (&pair->right);
}

static void
s_push (pair_t *pair, const void *data, size_t size)
{
    CHECK_INT (dividere_connector_send (pair->left, data, size), 0);
}

#define PUSH(pair, bytes) s_push (pair, bytes, sizeof (bytes) - 1)

static int
s_pull (pair_t *pair)
{
    return dividere_recv_into (pair->right, pair->message, SELFTEST_DEADLINE);
}

void
test_message_typed (void)
{
    pair_t pair = s_pair ();
    TestMsg01 out = TEST_MSG01__INIT;
    out.field1 = "abc";
    out.field2 = -7;
    CHECK_FAILS (dividere_wait (pair.right, 0), EAGAIN);
    for (int i = 0; i < 100; i++) {
        CHECK_INT (dividere_send (pair.left, &out.base), 0);
        CHECK_INT (dividere_wait (pair.right, SELFTEST_DEADLINE), 0);
        CHECK_INT (s_pull (&pair), 0);
        const TestMsg01 *in =
            DIVIDERE_MESSAGE_AS (pair.message, TestMsg01, test_msg01);
        CHECK (in);
        CHECK_STR (in->field1, "abc");
        CHECK_INT (in->field2, -7);
        CHECK (!DIVIDERE_MESSAGE_AS (pair.message, TestDtMsg01, test_dt_msg01));
    }
    CHECK_STR (dividere_message_name (pair.message), "testMsg01");
    CHECK (dividere_message_type (pair.message) == &test_msg01__descriptor);
    CHECK (dividere_message_object (pair.message)->descriptor ==
           &test_msg01__descriptor);
    CHECK_INT (dividere_message_sequence (pair.message), 0);
    CHECK (!dividere_message_property (pair.message, "User-Id"));
    /* After a failure nothing of the last message is left.                  */
    CHECK_FAILS (dividere_recv_into (pair.right, pair.message, 0), EAGAIN);
    CHECK (!dividere_message_object (pair.message));
    CHECK (!dividere_message_name (pair.message));
    CHECK_INT (dividere_message_size (pair.message), 0);
    CHECK (!DIVIDERE_MESSAGE_AS (pair.message, TestMsg01, test_msg01));
    s_pair_destroy (&pair);
}

#define URL_MSG "type.googleapis.com/testMsg01"

/*  0A 09 testMsg01, the start of each envelope below.                       */
#define NAME "\x0A\x09testMsg01"

void
test_message_refusals (void)
{
    pair_t pair = s_pair ();
    CHECK_INT (dividere_types_register (&test_msg01__descriptor), 0);
    CHECK_INT (dividere_types_register (&selftest__tree__descriptor), 0);
    static const struct {
        int error;
        const char *data;
        size_t size;
    } s_cases[] = {
#define CASE(error, bytes) { error, bytes, sizeof (bytes) - 1 }
        CASE (EPROTO, ""),
        CASE (EPROTO, "\x01"),
        CASE (EPROTO, "hello"),
        CASE (EPROTO, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
        CASE (EPROTO, "\x12\x00"),
        CASE (EPROTO, NAME "\x12\x05\x0A\x1D"),
        CASE (ENOENT, "\x0A\x06nosuch"),
        CASE (ENOENT, "\x0A\x06nosuch\x12\x0A\x0A\x08x/nosuch"),
        CASE (EPROTOTYPE, "\x0A\x04Tree\x12\x1F\x0A\x1D" URL_MSG),
        CASE (EPROTOTYPE, "\x12\x1F\x0A\x1D" URL_MSG),
        CASE (EPROTOTYPE, "\x0A\x0AtestMsg01\0\x12\x1F\x0A\x1D" URL_MSG),
        CASE (EBADMSG, NAME "\x12\x23\x0A\x1D" URL_MSG "\x12\x02\x0A\x05"),
        CASE (EILSEQ, NAME "\x12\x24\x0A\x1D" URL_MSG "\x12\x03\x0A\x01\xFF"),
        CASE (EILSEQ, NAME "\x12\x24\x0A\x1D" URL_MSG "\x12\x03\x0A\x01\0"),
#undef CASE
    };
    size_t count = sizeof (s_cases) / sizeof (s_cases[0]);
    for (size_t i = 0; i < count; i++) {
        s_push (&pair, s_cases[i].data, s_cases[i].size);
        int rc = s_pull (&pair);
        if (rc != -1 || errno != s_cases[i].error)
            selftest_fail (__FILE__, __LINE__, "case %zu: %d, %s", i, rc,
                           strerror (errno));
    }
    dividere_connector_stats_t stats;
    dividere_connector_stats (pair.right, &stats);
    CHECK_INT (stats.received, 0);
    CHECK_INT (stats.malformed, 10);
    CHECK_INT (stats.unknown_type, 2);
    CHECK_INT (stats.bad_text, 2);
    s_pair_destroy (&pair);
}

/*  What the protobuf specification allows in an envelope.                   */
void
test_message_envelopes (void)
{
    pair_t pair = s_pair ();
    CHECK_INT (dividere_types_register (&test_msg01__descriptor), 0);
    static const struct {
        const char *data;
        size_t size;
    } s_cases[] = {
#define CASE(bytes) { bytes, sizeof (bytes) - 1 }
        /* In order; reordered; unknown fields and groups between; a name alone
           before, the last wins; the Any in two parts; URL after the value.  */
        CASE (NAME "\x12\x23\x0A\x1D" URL_MSG "\x12\x02\x10\x05"),
        CASE ("\x12\x23\x0A\x1D" URL_MSG "\x12\x02\x10\x05" NAME),
        CASE ("\x18\x01" NAME
              "\x23\x23\x24\x24\x12\x26\x2A\x01x\x0A\x1D" URL_MSG
              "\x12\x02\x10\x05\xFA\x07\x00"),
        CASE ("\x0A\x06nosuch" NAME "\x12\x23\x0A\x1D" URL_MSG
              "\x12\x02\x10\x05"),
        CASE (NAME "\x12\x1F\x0A\x1D" URL_MSG "\x12\x04\x12\x02\x10\x05"),
        CASE (NAME "\x12\x23\x12\x02\x10\x05\x0A\x1D" URL_MSG),
        CASE (NAME "\x12\x23\x0A\x1D" URL_MSG "\x12\x02\x10\x04"
                   "\x12\x04\x12\x02\x10\x05"),
        /* By name where there is no URL.                                    */
        CASE (NAME "\x12\x04\x12\x02\x10\x05"),
#undef CASE
    };
    for (size_t i = 0; i < sizeof (s_cases) / sizeof (s_cases[0]); i++) {
        s_push (&pair, s_cases[i].data, s_cases[i].size);
        if (s_pull (&pair) < 0)
            selftest_fail (__FILE__, __LINE__, "case %zu: %s", i,
                           strerror (errno));
        const TestMsg01 *in =
            DIVIDERE_MESSAGE_AS (pair.message, TestMsg01, test_msg01);
        CHECK (in);
        CHECK_INT (in->field2, 5);
    }
    s_pair_destroy (&pair);
}

/*  A type in a package: by its full name, or by the short one with the URL; by
 *  the short one alone only while it is the only one.                       */
void
test_message_names (void)
{
    pair_t pair = s_pair ();
    CHECK_INT (dividere_types_register (&selftest__tree__descriptor), 0);
#define URL_TREE "type.googleapis.com/selftest.Tree"
    PUSH (&pair, "\x0A\x0Dselftest.Tree\x12\x23\x0A\x21" URL_TREE);
    CHECK_INT (s_pull (&pair), 0);
    CHECK_STR (dividere_message_name (pair.message), "selftest.Tree");
    PUSH (&pair, "\x0A\x04Tree\x12\x23\x0A\x21" URL_TREE);
    CHECK_INT (s_pull (&pair), 0);
    PUSH (&pair, "\x0A\x04Tree");
    CHECK_INT (s_pull (&pair), 0);
    PUSH (&pair, "\x0A\x03ree\x12\x23\x0A\x21" URL_TREE);
    CHECK_FAILS (s_pull (&pair), EPROTOTYPE);
    ProtobufCMessageDescriptor other = test_msg01__descriptor;
    other.name = "other.Tree";
    CHECK_INT (dividere_types_register (&other), 0);
    PUSH (&pair, "\x0A\x04Tree");
    CHECK_FAILS (s_pull (&pair), ENOENT);
    PUSH (&pair, "\x0A\x04Tree\x12\x23\x0A\x21" URL_TREE);
    CHECK_INT (s_pull (&pair), 0);
    s_pair_destroy (&pair);
}

static void
s_echo (zsock_t *pipe, void *args)
{
    zsock_signal (pipe, 0);
    dividere_message_t *message = dividere_recv (pipe);
    CHECK (message);
    CHECK_INT (dividere_send (pipe, dividere_message_object (message)), 0);
    dividere_message_destroy (&message);
    free (zstr_recv (pipe));
}

void
test_message_other_sockets (void)
{
    TestMsg01 out = TEST_MSG01__INIT;
    out.field1 = "pipe";
    zactor_t *actor = zactor_new (s_echo, NULL);
    CHECK_INT (dividere_send (actor, &out.base), 0);
    CHECK_INT (dividere_wait (actor, SELFTEST_DEADLINE), 0);
    dividere_message_t *message = dividere_recv (actor);
    CHECK (message);
    CHECK_STR (DIVIDERE_MESSAGE_AS (message, TestMsg01, test_msg01)->field1,
               "pipe");
    CHECK_FAILS (dividere_recv_into (actor, message, 0), EAGAIN);
    CHECK_FAILS (dividere_recv_into (actor, message, 5), EAGAIN);
    zactor_destroy (&actor);

    /* A ROUTER of CZMQ: the route is what comes first, and leads back.      */
    zsock_t *router = zsock_new (ZMQ_ROUTER);
    CHECK (zsock_bind (router, "tcp://127.0.0.1:*") > 0);
    dividere_connector_t *dealer =
        dividere_dealer_new (zsock_endpoint (router), NULL);
    CHECK_INT (dividere_send (dealer, &out.base), 0);
    CHECK_INT (dividere_recv_into (router, message, SELFTEST_DEADLINE), 0);
    CHECK_INT (dividere_route_count (dividere_message_route (message)), 1);
    size_t size;
    const char *identity =
        (const char *) dividere_route_frame (dividere_message_route (message),
                                             0, &size);
    CHECK_INT (size, 36);
    CHECK (identity[14] == '4' && identity[8] == '-');
    out.field1 = "back";
    CHECK_INT (dividere_send_to (router, dividere_message_route (message),
                                 &out.base, 100),
               0);
    CHECK_INT (dividere_recv_into (dealer, message, SELFTEST_DEADLINE), 0);
    CHECK_STR (DIVIDERE_MESSAGE_AS (message, TestMsg01, test_msg01)->field1,
               "back");
    dividere_message_destroy (&message);
    dividere_connector_destroy (&dealer);
    zsock_destroy (&router);
}

/*  A subscriber of a type in a package gets it from peers that send the full
 *  name and from those that send the short one, and nothing else.           */
void
test_message_packaged_topic (void)
{
    dividere_connector_t *out =
        dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    dividere_connector_t *in =
        dividere_subscriber_new (dividere_connector_endpoint (out), NULL);
    CHECK_INT (dividere_subscribe (in, &selftest__tree__descriptor), 0);
    CHECK_INT (dividere_wait_subscribers (out, &selftest__tree__descriptor, 1,
                                          SELFTEST_DEADLINE),
               0);
    static const char s_short[] = "\x0A\x04Tree\x12\x23\x0A\x21" URL_TREE;
    CHECK_INT (dividere_connector_wait_subscribers (out, s_short, 6, 1,
                                                    SELFTEST_DEADLINE),
               0);
    TestMsg01 other = TEST_MSG01__INIT;
    Selftest__Tree tree = SELFTEST__TREE__INIT;
    tree.name = "full";
    CHECK_INT (dividere_send (out, &other.base), 0);
    CHECK_INT (dividere_send (out, &tree.base), 0);
    CHECK_INT (dividere_connector_send (out, s_short, sizeof (s_short) - 1), 0);
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_recv_into (in, message, SELFTEST_DEADLINE), 0);
    const Selftest__Tree *got =
        DIVIDERE_MESSAGE_AS (message, Selftest__Tree, selftest__tree);
    CHECK_STR (got->name, "full");
    CHECK_INT (dividere_recv_into (in, message, SELFTEST_DEADLINE), 0);
    CHECK_STR (dividere_message_name (message), "selftest.Tree");
    CHECK_INT (dividere_unsubscribe (in, &selftest__tree__descriptor), 0);
    CHECK_FAILS (dividere_unsubscribe (in, &selftest__tree__descriptor),
                 ENOENT);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
}

/*  A subscriber that was too slow knows exactly how many it missed.         */
void
test_message_sequenced (void)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.sequenced = true;
    options.send_hwm = options.recv_hwm = 5;
    char endpoint[300];
    snprintf (endpoint, sizeof (endpoint), "@%s", selftest_inproc ());
    dividere_connector_t *out = dividere_publisher_new (endpoint, &options);
    dividere_connector_t *in = dividere_subscriber_new (endpoint + 1, &options);
    CHECK_INT (dividere_subscribe (in, &test_msg01__descriptor), 0);
    CHECK_INT (dividere_wait_subscribers (out, &test_msg01__descriptor, 1,
                                          SELFTEST_DEADLINE),
               0);
    TestMsg01 msg = TEST_MSG01__INIT;
    TestDtMsg01 other = TEST_DT_MSG01__INIT;
    dividere_message_t *message = dividere_message_new ();
    uint64_t got = 0, last = 0;
    for (int i = 0; i < 100; i++) {
        CHECK_INT (dividere_send (out, &msg.base), 0);
        CHECK_INT (dividere_send (out, &other.base), 0);
    }
    while (dividere_recv_into (in, message, 0) == 0) {
        got++;
        last = dividere_message_sequence (message);
        CHECK_INT (last, got);
    }
    CHECK (got > 0 && got < 100);
    CHECK_INT (dividere_send (out, &msg.base), 0);
    CHECK_INT (dividere_recv_into (in, message, SELFTEST_DEADLINE), 0);
    CHECK_INT (dividere_message_sequence (message), 101);
    CHECK (dividere_message_epoch (message) != 0);
    dividere_connector_stats_t stats;
    dividere_connector_stats (in, &stats);
    CHECK_INT (stats.missed, 100 - got);
    dividere_connector_stats (out, &stats);
    CHECK (stats.dropped > 0);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
}

void
test_message_send_errors (void)
{
    pair_t pair = s_pair ();
    TestMsg01 msg = TEST_MSG01__INIT;
    msg.field1 = "\xFF";
    CHECK_FAILS (dividere_send (pair.left, &msg.base), EILSEQ);
    msg.field1 = "fine";
    ProtobufCMessageDescriptor twin = test_msg01__descriptor;
    TestMsg01 other = TEST_MSG01__INIT;
    other.base.descriptor = &twin;
    CHECK_INT (dividere_send (pair.left, &msg.base), 0);
    CHECK_FAILS (dividere_send (pair.left, &other.base), EEXIST);
    Selftest__Tree tree = SELFTEST__TREE__INIT;
    tree.left = &tree;
    CHECK_FAILS (dividere_send (pair.left, &tree.base), ELOOP);
    dividere_connector_stats_t stats;
    dividere_connector_stats (pair.left, &stats);
    CHECK_INT (stats.refused, 3);
    CHECK_INT (stats.sent, 1);
    s_pair_destroy (&pair);
}

/*  Size, depth and budget, by the limits in force.                          */
void
test_message_limits (void)
{
    dividere_limits_t limits, normal;
    dividere_limits_get (&normal);
    CHECK_INT (normal.size_max, 16 << 20);
    CHECK_INT (normal.depth_max, 100);
    pair_t pair = s_pair ();
    TestDtMsg15 msg = TEST_DT_MSG15__INIT;
    uint8_t *blob = (uint8_t *) zmalloc (200000);
    msg.field1.data = blob;
    msg.field1.len = 200000;
    CHECK_INT (dividere_send (pair.left, &msg.base), 0);
    CHECK_INT (dividere_send (pair.left, &msg.base), 0);
    CHECK_INT (s_pull (&pair), 0);
    limits = normal;
    limits.size_max = 100000;
    CHECK_INT (dividere_limits_set (&limits), 0);
    CHECK_FAILS (s_pull (&pair), EMSGSIZE);
    CHECK_FAILS (dividere_send (pair.left, &msg.base), EMSGSIZE);
    limits = normal;
    limits.budget_factor = 0;
    limits.budget_base = 1000;
    CHECK_INT (dividere_limits_set (&limits), 0);
    CHECK_INT (dividere_send (pair.left, &msg.base), 0);
    CHECK_FAILS (s_pull (&pair), ENOBUFS);
    limits = normal;
    limits.depth_max = 2;
    CHECK_INT (dividere_limits_set (&limits), 0);
    Selftest__Tree trees[3] = { SELFTEST__TREE__INIT, SELFTEST__TREE__INIT,
                                SELFTEST__TREE__INIT };
    trees[0].left = &trees[1];
    CHECK_INT (dividere_send (pair.left, &trees[0].base), 0);
    CHECK_INT (s_pull (&pair), 0);
    trees[1].right = &trees[2];
    CHECK_FAILS (dividere_send (pair.left, &trees[0].base), ELOOP);
    CHECK_INT (dividere_limits_set (&normal), 0);
    CHECK_INT (dividere_send (pair.left, &trees[0].base), 0);
    CHECK_INT (dividere_limits_set (&limits), 0);
    CHECK_FAILS (s_pull (&pair), ELOOP);
    CHECK_INT (dividere_limits_set (&normal), 0);

    free (blob);
    dividere_connector_stats_t stats;
    dividere_connector_stats (pair.right, &stats);
    CHECK_INT (stats.too_large, 1);
    CHECK_INT (stats.over_budget, 1);
    CHECK_INT (stats.too_deep, 1);
    s_pair_destroy (&pair);
}

/*  Two bytes on the wire that become many in memory: empty messages in a
 *  list.                                                                     */
void
test_message_budget (void)
{
    dividere_limits_t limits, normal;
    dividere_limits_get (&normal);
    limits = normal;
    limits.budget_factor = 10;
    CHECK_INT (dividere_limits_set (&limits), 0);
    pair_t pair = s_pair ();
    static const char s_head[] =
        "\x0A\x19selftest.Everything.Inner\x12\xB7\x9A\x0C\x0A\x2D"
        "type.googleapis.com/selftest.Everything.Inner\x12\x84\x9A\x0C";
    CHECK_INT (dividere_types_register (
                   &selftest__everything__inner__descriptor),
               0);
    size_t head = sizeof (s_head) - 1, size = 199940;
    uint8_t *frame = (uint8_t *) zmalloc (head + size);
    memcpy (frame, s_head, head);
    for (size_t i = 0; i < size; i += 2)
        frame[head + i] = 0x1A;
    s_push (&pair, frame, head + size);
    CHECK_FAILS (s_pull (&pair), ENOBUFS);
    CHECK_INT (dividere_limits_set (&normal), 0);
    s_push (&pair, frame, head + size);
    CHECK_INT (s_pull (&pair), 0);
    CHECK_INT (DIVIDERE_MESSAGE_AS (pair.message, Selftest__Everything__Inner,
                                    selftest__everything__inner)
                   ->n_more,
               size / 2);
    free (frame);
    s_pair_destroy (&pair);
}

static char s_lines[4][300];
static int s_lines_count = 0;

static void
s_keep_line (dividere_log_level_t level, const char *line, void *arg)
{
    if (s_lines_count < 4)
        snprintf (s_lines[s_lines_count++], sizeof (s_lines[0]), "%s", line);
}

/*  At level debug each message is a line: direction, endpoint, type, text.  */
void
test_message_debug_log (void)
{
    pair_t pair = s_pair ();
    TestMsg01 msg = TEST_MSG01__INIT;
    msg.field1 = "100%s";
    CHECK_INT (dividere_log_level (), DIVIDERE_LOG_NONE);
    dividere_log_set (DIVIDERE_LOG_DEBUG, s_keep_line, NULL);
    CHECK_INT (dividere_log_level (), DIVIDERE_LOG_DEBUG);
    CHECK_INT (dividere_send (pair.left, &msg.base), 0);
    CHECK_INT (s_pull (&pair), 0);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    char expected[300];
    const char *endpoint = dividere_connector_endpoint (pair.left);
    CHECK_INT (s_lines_count, 2);
    snprintf (expected, sizeof (expected),
              "sent %s testMsg01 { field1: \"100%%s\" }", endpoint);
    CHECK_STR (s_lines[0], expected);
    snprintf (expected, sizeof (expected),
              "received %s testMsg01 { field1: \"100%%s\" }", endpoint);
    CHECK_STR (s_lines[1], expected);
    s_pair_destroy (&pair);
}
