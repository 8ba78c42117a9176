/* SPDX-License-Identifier: Apache-2.0 */

/*  The reactor: sources of all kinds, replies, hooks, failures, flood.      */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include "test.pb-c.h"

void test_reactor_sources (void);
void test_reactor_commands (void);
void test_reactor_hooks (void);
void test_reactor_failures (void);
void test_reactor_request_source (void);
void test_reactor_touch (void);
void test_reactor_flood (void);
void test_reactor_pause (void);
void test_reactor_add_remove (void);
void test_reactor_idle_request (void);
void test_reactor_lost_answer (void);
void test_reactor_other_source (void);
void test_reactor_answers_error (void);

/*  What the handlers of a test count; read after the reactor has stopped, or by
 *  atomics while it runs.                                                   */
typedef struct {
    _Atomic int msg01;
    _Atomic int other;
    _Atomic int unhandled;
    _Atomic int refused;
    _Atomic int failed;
    _Atomic int idle;
    _Atomic int timer;
    _Atomic int init;
    _Atomic int left;
    int error;
    int init_error;
} counts_t;

static int
s_on_msg01 (dividere_context_t *context, const TestMsg01 *message)
{
    counts_t *counts = (counts_t *) dividere_context_user (context);
    counts->msg01++;
    TestMsg01 reply = TEST_MSG01__INIT;
    reply.field1 = message->field1;
    reply.field2 = message->field2 + 1;
    if (dividere_context_reply (context, &reply.base) < 0)
        /* No way back, no room, or nobody there any more.                    */
        CHECK (errno == ENOTSUP || errno == EAGAIN || errno == EHOSTUNREACH);
    return counts->error;
}

static int
s_on_other (dividere_context_t *context, const TestDtMsg03 *message)
{
    ((counts_t *) dividere_context_user (context))->other++;
    return 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_msg01),
    DIVIDERE_HANDLER (TestDtMsg03, test_dt_msg03, s_on_other),
    DIVIDERE_HANDLER_END
};

static void
s_on_unhandled (dividere_context_t *context)
{
    ((counts_t *) dividere_context_user (context))->unhandled++;
    CHECK_STR (dividere_message_name (dividere_context_message (context)),
               "testDtMsg01");
}

static void
s_on_refused (dividere_context_t *context, int error)
{
    ((counts_t *) dividere_context_user (context))->refused++;
    CHECK (error == EPROTO || error == ENOENT);
    CHECK (dividere_context_source (context));
}

static void
s_on_failed (dividere_context_t *context, int error)
{
    counts_t *counts = (counts_t *) dividere_context_user (context);
    CHECK_INT (error, counts->error);
    counts->failed++;
}

static void
s_on_idle (dividere_context_t *context)
{
    ((counts_t *) dividere_context_user (context))->idle++;
    CHECK (!dividere_context_source (context));
}

static void
s_on_timer (dividere_context_t *context)
{
    ((counts_t *) dividere_context_user (context))->timer++;
}

static int
s_on_init (dividere_context_t *context)
{
    counts_t *counts = (counts_t *) dividere_context_user (context);
    counts->init++;
    return counts->init_error;
}

static void
s_on_exit (dividere_context_t *context)
{
    ((counts_t *) dividere_context_user (context))->left++;
}

static zactor_t *
s_reactor (counts_t *counts)
{
    dividere_reactor_config_t config = { .handlers = s_handlers,
                                         .user = counts,
                                         .on_unhandled = s_on_unhandled,
                                         .on_refused = s_on_refused,
                                         .on_failed = s_on_failed };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    /* ThreadSanitizer does not see CZMQ's signal that config was read.      */
    CHECK_INT (dividere_call (reactor, NULL, -1, "PING", NULL), 0);
    return reactor;
}

/*  Adds a source and gives the address that it is really at.                */
static const char *
s_add (zactor_t *reactor, const char *kind, const char *endpoint)
{
    static char s_bound[8][300];
    static int s_next = 0;
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (reactor, &reply, -1, "ADD", kind, endpoint, NULL),
               0);
    char *name = zmsg_popstr (reply), *bound = zmsg_popstr (reply);
    char *text = s_bound[s_next++ % 8];
    snprintf (text, 300, "%s", bound + 1);
    free (name);
    free (bound);
    zmsg_destroy (&reply);
    return text;
}

static void
s_start (zactor_t *reactor)
{
    CHECK_INT (dividere_call (reactor, NULL, -1, "START", NULL), 0);
}

static uint64_t
s_stat (zactor_t *reactor, const char *wanted)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (reactor, &reply, -1, "STATS", NULL), 0);
    uint64_t value = UINT64_MAX;
    while (zmsg_size (reply)) {
        char *name = zmsg_popstr (reply), *text = zmsg_popstr (reply);
        if (strcmp (name, wanted) == 0)
            value = strtoull (text, NULL, 10);
        free (name);
        free (text);
    }
    zmsg_destroy (&reply);
    CHECK (value != UINT64_MAX);
    return value;
}

static void
s_expect (dividere_connector_t *connector, int field2)
{
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_recv_into (connector, message, SELFTEST_DEADLINE), 0);
    const TestMsg01 *msg = DIVIDERE_MESSAGE_AS (message, TestMsg01, test_msg01);
    CHECK (msg);
    CHECK_INT (msg->field2, field2);
    dividere_message_destroy (&message);
}

void
test_reactor_sources (void)
{
    counts_t counts = { 0 };
    zactor_t *reactor = s_reactor (&counts);
    dividere_connector_t *publisher =
        dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    const char *response = s_add (reactor, "response", "tcp://127.0.0.1:*");
    const char *dealer = s_add (reactor, "dealer=d", "tcp://127.0.0.1:*");
    s_add (reactor, "subscriber", dividere_connector_endpoint (publisher));
    s_start (reactor);

    TestMsg01 msg = TEST_MSG01__INIT;
    dividere_connector_t *request = dividere_request_new (response, NULL);
    dividere_connector_t *request2 = dividere_request_new (response, NULL);
    for (msg.field2 = 0; msg.field2 < 10; msg.field2++) {
        CHECK_INT (dividere_send (request, &msg.base), 0);
        CHECK_INT (dividere_send (request2, &msg.base), 0);
        s_expect (request, msg.field2 + 1);
        s_expect (request2, msg.field2 + 1);
    }
    dividere_connector_t *other = dividere_dealer_new (dealer, NULL);
    dividere_route_t *route = dividere_route_new ();
    dividere_route_append (route, "r", 1);
    CHECK_INT (dividere_send_to (other, route, &msg.base, -1), 0);
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_recv_into (other, message, SELFTEST_DEADLINE), 0);
    CHECK_INT (dividere_route_count (dividere_message_route (message)), 1);

    CHECK_INT (dividere_wait_subscribers (publisher, &test_msg01__descriptor, 1,
                                          SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_wait_subscribers (publisher, &test_dt_msg03__descriptor,
                                          1, SELFTEST_DEADLINE),
               0);
    TestDtMsg03 published = TEST_DT_MSG03__INIT;
    TestDtMsg01 unwanted = TEST_DT_MSG01__INIT;
    CHECK_INT (dividere_send (publisher, &unwanted.base), 0);
    CHECK_INT (dividere_send (publisher, &published.base), 0);
    CHECK_EVENTUALLY (counts.other == 1);
    CHECK_INT (s_stat (reactor, "received"), 22);
    CHECK_INT (s_stat (reactor, "replied"), 21);
    CHECK_INT (s_stat (reactor, "sources"), 3);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    CHECK_INT (counts.msg01, 21);
    CHECK_INT (counts.unhandled, 0);
    dividere_message_destroy (&message);
    dividere_route_destroy (&route);
    dividere_connector_destroy (&other);
    dividere_connector_destroy (&request);
    dividere_connector_destroy (&request2);
    dividere_connector_destroy (&publisher);
}

void
test_reactor_commands (void)
{
    counts_t counts = { 0 };
    zactor_t *reactor = s_reactor (&counts);
#define CALL(...) dividere_call (reactor, NULL, -1, __VA_ARGS__, NULL)
    CHECK_FAILS (CALL ("PAUSE"), EINVAL);
    CHECK_FAILS (CALL ("ADD", "response"), EINVAL);
    CHECK_FAILS (CALL ("ADD", "router", "tcp://127.0.0.1:*"), EINVAL);
    CHECK_FAILS (CALL ("ADD", "respons", "tcp://127.0.0.1:*"), EINVAL);
    CHECK_FAILS (CALL ("ADD", "response=", "tcp://127.0.0.1:*"), EINVAL);
    CHECK_FAILS (CALL ("ADD", "response", "nonsense"), EINVAL);
    CHECK_FAILS (CALL ("ADD", "response", "x://y"), EPROTONOSUPPORT);
    CHECK_FAILS (CALL ("ADD", "response", "tcp://127.0.0.1:*", "testMsg01"),
                 EINVAL);
    CHECK_FAILS (CALL ("ADD", "subscriber", "tcp://127.0.0.1:1", "nosuch"),
                 ENOENT);
    CHECK_INT (CALL ("ADD", "subscriber", "tcp://127.0.0.1:1", "testMsg01"), 0);
    CHECK_INT (CALL ("ADD", "response=a", "tcp://127.0.0.1:*"), 0);
    CHECK_FAILS (CALL ("ADD", "response=a", "tcp://127.0.0.1:*"), EEXIST);
    CHECK_FAILS (CALL ("REMOVE", "b"), ENOENT);
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (reactor, &reply, -1, "LIST", NULL), 0);
    CHECK_INT (zmsg_size (reply), 6);
    zmsg_destroy (&reply);
    CHECK_INT (CALL ("START"), 0);
    CHECK_FAILS (CALL ("START"), EALREADY);
    CHECK_INT (CALL ("REMOVE", "a"), 0);
    CHECK_INT (s_stat (reactor, "sources"), 1);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
#undef CALL
}

void
test_reactor_hooks (void)
{
    counts_t counts = { .init_error = EXDEV };
    dividere_reactor_config_t config = { .user = &counts,
                                         .on_init = s_on_init,
                                         .on_exit = s_on_exit,
                                         .on_idle = s_on_idle,
                                         .idle_ms = 3,
                                         .on_timer = s_on_timer,
                                         .timer_ms = 2 };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    CHECK_FAILS (dividere_call (reactor, NULL, -1, "START", NULL), EXDEV);
    CHECK_INT (dividere_stop (&reactor, -1), 0);
    CHECK_INT (counts.init, 1);
    CHECK_INT (counts.left, 0);

    counts.init_error = 0;
    reactor = zactor_new (dividere_reactor, &config);
    s_start (reactor);
    CHECK_EVENTUALLY (counts.idle >= 3 && counts.timer >= 3);
    CHECK_INT (dividere_stop (&reactor, -1), 0);
    CHECK_INT (counts.init, 2);
    CHECK_INT (counts.left, 1);
}

void
test_reactor_failures (void)
{
    counts_t counts = { .error = EDOM };
    CHECK_INT (dividere_types_register (&test_dt_msg01__descriptor), 0);
    zactor_t *reactor = s_reactor (&counts);
    const char *endpoint = s_add (reactor, "dealer", "tcp://127.0.0.1:*");
    s_start (reactor);
    dividere_connector_t *dealer = dividere_dealer_new (endpoint, NULL);
    TestMsg01 msg = TEST_MSG01__INIT;
    TestDtMsg01 unhandled = TEST_DT_MSG01__INIT;
    CHECK_INT (dividere_connector_send (dealer, "garbage", 7), 0);
    CHECK_INT (dividere_send (dealer, &unhandled.base), 0);
    CHECK_INT (dividere_send (dealer, &msg.base), 0);
    CHECK_INT (dividere_connector_send (dealer, "\x0A\x06nosuch", 8), 0);
    CHECK_INT (dividere_send (dealer, &msg.base), 0);
    CHECK_INT (dividere_send (dealer, &unhandled.base), 0);
    CHECK_EVENTUALLY (s_stat (reactor, "unhandled") == 2);
    CHECK_INT (s_stat (reactor, "failed"), 2);
    CHECK_INT (s_stat (reactor, "handled"), 2);
    CHECK_INT (s_stat (reactor, "malformed"), 1);
    CHECK_INT (s_stat (reactor, "unknown_type"), 1);
    CHECK_INT (dividere_stop (&reactor, -1), 0);
    CHECK_INT (counts.failed, 2);
    CHECK_INT (counts.refused, 2);
    dividere_connector_destroy (&dealer);
}

/*  A hook that asks through a request source of its own reactor, again as soon
 *  as it was answered.                                                      */
static void
s_ask (dividere_context_t *context)
{
    counts_t *counts = (counts_t *) dividere_context_user (context);
    dividere_connector_t *request = dividere_context_find (context, "ask");
    CHECK (request);
    CHECK (!dividere_context_find (context, "nobody"));
    CHECK_INT (errno, ENOENT);
    if (counts->timer > counts->msg01)
        return;
    TestMsg01 msg = TEST_MSG01__INIT;
    CHECK_INT (dividere_send (request, &msg.base), 0);
    counts->timer++;
}

void
test_reactor_request_source (void)
{
    counts_t served = { 0 }, asked = { 0 };
    zactor_t *server = s_reactor (&served);
    const char *endpoint = s_add (server, "response", "tcp://127.0.0.1:*");
    s_start (server);
    dividere_reactor_config_t config = {
        .handlers = s_handlers, .user = &asked, .on_timer = s_ask, .timer_ms = 1
    };
    zactor_t *client = zactor_new (dividere_reactor, &config);
    s_add (client, "request=ask", endpoint);
    s_start (client);
    CHECK_EVENTUALLY (asked.msg01 >= 20);
    CHECK_INT (dividere_stop (&client, -1), 0);
    CHECK (served.msg01 >= asked.msg01);
    CHECK_INT (dividere_stop (&server, -1), 0);
}

/*  Sending on a source can swallow the news that something has arrived there:
 *  many dealers in a ring, each handler sends on other sources, for a while in
 *  random order. If one wake-up is lost, the ring stands still.             */
#define RING 16

static int
s_on_ring (dividere_context_t *context, const TestMsg01 *message)
{
    counts_t *counts = (counts_t *) dividere_context_user (context);
    static _Thread_local uint64_t seed = 42;
    char name[16];
    snprintf (name, sizeof (name), "out%d",
              (int) (selftest_random (&seed) % RING));
    TestMsg01 next = TEST_MSG01__INIT;
    next.field2 = message->field2 - 1;
    if (message->field2 > 0)
        CHECK_INT (dividere_send (dividere_context_find (context, name),
                                  &next.base),
                   0);
    else
        counts->left++;
    counts->msg01++;
    return 0;
}

void
test_reactor_touch (void)
{
    static const dividere_handler_t s_ring[] = {
        DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_ring),
        DIVIDERE_HANDLER_END
    };
    counts_t counts[2] = { { 0 }, { 0 } };
    zactor_t *reactors[2];
    dividere_reactor_config_t configs[2] = {
        { .handlers = s_ring, .user = &counts[0] },
        { .handlers = s_ring, .user = &counts[1] },
    };
    for (int i = 0; i < 2; i++)
        reactors[i] = zactor_new (dividere_reactor, &configs[i]);
    /* Each of the one is connected to one of the other.                     */
    for (int i = 0; i < RING; i++) {
        char kind[32], endpoint[300];
        snprintf (kind, sizeof (kind), "dealer=out%d", i);
        snprintf (endpoint, sizeof (endpoint), "%s",
                  i % 2 ? "@tcp://127.0.0.1:*" : "@inproc://ring");
        if (i % 2 == 0)
            snprintf (endpoint, sizeof (endpoint), "@%s", selftest_inproc ());
        s_add (reactors[1], kind, s_add (reactors[0], kind, endpoint));
    }
    dividere_connector_t *starter = NULL;
    const char *first = s_add (reactors[0], "dealer", "tcp://127.0.0.1:*");
    starter = dividere_dealer_new (first, NULL);
    s_start (reactors[0]);
    s_start (reactors[1]);
    int tokens = 20, hops = (int) selftest_scaled (2000);
    TestMsg01 token = TEST_MSG01__INIT;
    token.field2 = hops;
    for (int i = 0; i < tokens; i++)
        CHECK_INT (dividere_send (starter, &token.base), 0);
    CHECK_EVENTUALLY (counts[0].left + counts[1].left == tokens);
    for (int i = 0; i < 2; i++)
        CHECK_INT (dividere_stop (&reactors[i], SELFTEST_DEADLINE), 0);
    CHECK_INT (counts[0].msg01 + counts[1].msg01, tokens * (hops + 1));
    dividere_connector_destroy (&starter);
}

/*  Sends as fast as it can until it is told to stop.                        */
static void
s_flooder (zsock_t *pipe, void *args)
{
    dividere_connector_t *dealer =
        dividere_dealer_new ((const char *) args, NULL);
    zsock_signal (pipe, 0);
    TestMsg01 msg = TEST_MSG01__INIT;
    while (!(zsock_events (pipe) & ZMQ_POLLIN))
        for (int i = 0; i < 100; i++)
            dividere_send_to (dealer, NULL, &msg.base, 1);
    free (zstr_recv (pipe));
    dividere_connector_destroy (&dealer);
}

static int
s_on_flood (dividere_context_t *context, const TestMsg01 *message)
{
    ((counts_t *) dividere_context_user (context))->msg01++;
    return 0;
}

/*  While one source is flooded, the others, timers and commands are served, and
 *  it stops.                                                                */
void
test_reactor_flood (void)
{
    static const dividere_handler_t s_flooded[] = {
        DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_flood),
        DIVIDERE_HANDLER (TestDtMsg03, test_dt_msg03, s_on_other),
        DIVIDERE_HANDLER_END
    };
    counts_t counts = { 0 };
    dividere_reactor_config_t config = { .handlers = s_flooded,
                                         .user = &counts,
                                         .on_timer = s_on_timer,
                                         .timer_ms = 1 };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    const char *flooded = s_add (reactor, "dealer", "tcp://127.0.0.1:*");
    const char *quiet = s_add (reactor, "dealer", "tcp://127.0.0.1:*");
    s_start (reactor);
    zactor_t *flooder = zactor_new (s_flooder, (void *) flooded);
    dividere_connector_t *dealer = dividere_dealer_new (quiet, NULL);
    CHECK_EVENTUALLY (counts.msg01 > 10000);
    TestDtMsg03 msg = TEST_DT_MSG03__INIT;
    for (int i = 1; i <= 20; i++) {
        CHECK_INT (dividere_send (dealer, &msg.base), 0);
        CHECK_EVENTUALLY (counts.other == i);
        CHECK_INT (dividere_call (reactor, NULL, SELFTEST_DEADLINE, "PING",
                                  NULL),
                   0);
    }
    int before = counts.timer;
    CHECK_EVENTUALLY (counts.timer > before + 5);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    zactor_destroy (&flooder);
    dividere_connector_destroy (&dealer);
}

void
test_reactor_pause (void)
{
    counts_t counts = { 0 };
    zactor_t *reactor = s_reactor (&counts);
    const char *endpoint = s_add (reactor, "dealer", "tcp://127.0.0.1:*");
    s_start (reactor);
    dividere_connector_t *dealer = dividere_dealer_new (endpoint, NULL);
    TestMsg01 msg = TEST_MSG01__INIT;
    CHECK_INT (dividere_send (dealer, &msg.base), 0);
    s_expect (dealer, 1);
    for (int round = 0; round < 20; round++) {
        CHECK_INT (dividere_call (reactor, NULL, -1, "PAUSE", NULL), 0);
        int before = counts.msg01;
        for (int i = 0; i < 10; i++)
            CHECK_INT (dividere_send (dealer, &msg.base), 0);
        uint64_t turns = s_stat (reactor, "wakeups");
        for (int i = 0; i < 10; i++)
            CHECK_INT (dividere_call (reactor, NULL, -1, "PING", NULL), 0);
        CHECK_INT (counts.msg01, before);
        CHECK_INT (s_stat (reactor, "wakeups"), turns);
        CHECK_INT (dividere_call (reactor, NULL, -1, "RESUME", NULL), 0);
        for (int i = 0; i < 10; i++)
            s_expect (dealer, 1);
    }
    CHECK_INT (dividere_stop (&reactor, -1), 0);
    dividere_connector_destroy (&dealer);
}

/*  Sources come and go while others are busy; connectors made elsewhere.     */
void
test_reactor_add_remove (void)
{
    counts_t counts = { 0 };
    zactor_t *reactor = s_reactor (&counts);
    const char *flooded = s_add (reactor, "dealer=busy", "tcp://127.0.0.1:*");
    s_start (reactor);
    zactor_t *flooder = zactor_new (s_flooder, (void *) flooded);
    TestMsg01 msg = TEST_MSG01__INIT;
    for (int i = 0; i < 30; i++) {
        dividere_connector_t *made =
            dividere_response_new ("tcp://127.0.0.1:*", NULL);
        char *endpoint = strdup (dividere_connector_endpoint (made));
        dividere_connector_t *request = dividere_request_new (endpoint, NULL);
        CHECK_INT (dividere_send (request, &msg.base), 0);
        CHECK_INT (dividere_connector_wait (made, SELFTEST_DEADLINE), 0);
        dividere_connector_t *kept = made;
        CHECK_FAILS (dividere_reactor_add (reactor, &made, "busy", -1), EEXIST);
        CHECK (made == kept);
        /* What had arrived before is served as well.                        */
        CHECK_INT (dividere_reactor_add (reactor, &made, "made", -1), 0);
        CHECK (!made);
        s_expect (request, 1);
        CHECK_INT (dividere_call (reactor, NULL, -1, "REMOVE", "made", NULL),
                   0);
        dividere_connector_destroy (&request);
        free (endpoint);
    }
    CHECK_INT (dividere_call (reactor, NULL, -1, "REMOVE", "busy", NULL), 0);
    CHECK_INT (s_stat (reactor, "sources"), 0);
    CHECK (s_stat (reactor, "received") > 30);
    CHECK_INT (dividere_stop (&reactor, -1), 0);
    zactor_destroy (&flooder);
}

/*  A source that waits for nothing costs nothing.                           */
void
test_reactor_idle_request (void)
{
    counts_t counts = { 0 };
    zactor_t *reactor = s_reactor (&counts);
    dividere_connector_t *response =
        dividere_response_new ("tcp://127.0.0.1:*", NULL);
    s_add (reactor, "request", dividere_connector_endpoint (response));
    s_start (reactor);
    for (int i = 0; i < 200; i++)
        CHECK_INT (dividere_call (reactor, NULL, -1, "PING", NULL), 0);
    uint64_t before = s_stat (reactor, "wakeups");
    for (int i = 0; i < 2000; i++)
        CHECK_INT (dividere_call (reactor, NULL, -1, "PING", NULL), 0);
    CHECK (s_stat (reactor, "wakeups") - before < 100);
    CHECK_INT (dividere_stop (&reactor, -1), 0);
    dividere_connector_destroy (&response);
}

static void
s_ask_anyway (dividere_context_t *context)
{
    counts_t *counts = (counts_t *) dividere_context_user (context);
    if (counts->timer == 3)
        return;
    TestMsg01 msg = TEST_MSG01__INIT;
    msg.field2 = counts->timer++;
    CHECK_INT (dividere_send (dividere_context_find (context, "ask"),
                              &msg.base),
               0);
}

/*  Two requests are never answered; the third is.                           */
void
test_reactor_lost_answer (void)
{
    zsock_t *router = zsock_new (ZMQ_ROUTER);
    CHECK (zsock_bind (router, "tcp://127.0.0.1:*") > 0);
    counts_t counts = { 0 };
    dividere_reactor_config_t config = { .handlers = s_handlers,
                                         .user = &counts,
                                         .on_timer = s_ask_anyway,
                                         .timer_ms = 1 };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    s_add (reactor, "request=ask", zsock_endpoint (router));
    s_start (reactor);
    zmsg_t *questions[3];
    for (int i = 0; i < 3; i++)
        questions[i] = zmsg_recv (router);
    zmsg_t *late = questions[0];
    CHECK_INT (zmsg_send (&late, router), 0);
    CHECK_INT (zmsg_send (&questions[2], router), 0);
    zmsg_destroy (&questions[1]);
    CHECK_EVENTUALLY (counts.msg01 == 1);
    CHECK_EVENTUALLY (s_stat (reactor, "malformed") == 1);
    CHECK_INT (dividere_stop (&reactor, -1), 0);
    CHECK_INT (counts.msg01, 1);
    zsock_destroy (&router);
}

/*  A handler that looks at another source by itself takes nothing from the
 *  reactor's notice.                                                        */
static int
s_on_meddle (dividere_context_t *context, const TestDtMsg03 *message)
{
    counts_t *counts = (counts_t *) dividere_context_user (context);
    dividere_connector_t *other = dividere_context_find (context, "other");
    dividere_message_t *taken = dividere_message_new ();
    counts->other++;
    /* What is being sent there has arrived when it can be seen.             */
    CHECK_INT (dividere_connector_wait (other, SELFTEST_DEADLINE), 0);
    if (message->field1 == 1)
        CHECK_INT (dividere_recv_into (other, taken, 0), 0);
    if (message->field1 == 2)
        CHECK_INT (dividere_connector_connect (other, "tcp://127.0.0.1:1"), 0);
    dividere_message_destroy (&taken);
    return 0;
}

void
test_reactor_other_source (void)
{
    static const dividere_handler_t s_meddling[] = {
        DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_msg01),
        DIVIDERE_HANDLER (TestDtMsg03, test_dt_msg03, s_on_meddle),
        DIVIDERE_HANDLER_END
    };
    counts_t counts = { 0 };
    dividere_reactor_config_t config = { .handlers = s_meddling,
                                         .user = &counts };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    const char *first = s_add (reactor, "dealer", "tcp://127.0.0.1:*");
    const char *second = s_add (reactor, "dealer=other", "tcp://127.0.0.1:*");
    s_start (reactor);
    dividere_connector_t *meddler = dividere_dealer_new (first, NULL);
    dividere_connector_t *sender = dividere_dealer_new (second, NULL);
    TestMsg01 msg = TEST_MSG01__INIT;
    TestDtMsg03 meddle = TEST_DT_MSG03__INIT;
    int expected = 0;
    for (int round = 0; round < 60; round++) {
        meddle.field1 = round % 3;
        CHECK_INT (dividere_send (meddler, &meddle.base), 0);
        CHECK_EVENTUALLY (counts.other == round + 1);
        for (int i = 0; i < 5; i++)
            CHECK_INT (dividere_send (sender, &msg.base), 0);
        expected += round % 3 == 1 ? 4 : 5;
        CHECK_EVENTUALLY (counts.msg01 == expected);
    }
    CHECK_INT (dividere_stop (&reactor, -1), 0);
    dividere_connector_destroy (&meddler);
    dividere_connector_destroy (&sender);
}

static void
s_answer_refusal (dividere_context_t *context, int error)
{
    TestMsg01 reply = TEST_MSG01__INIT;
    reply.field2 = error;
    CHECK_INT (dividere_context_reply (context, &reply.base), 0);
}

/*  What was refused can be answered by an error.                            */
void
test_reactor_answers_error (void)
{
    dividere_reactor_config_t config = { .handlers = s_handlers,
                                         .on_refused = s_answer_refusal };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    const char *endpoint = s_add (reactor, "response", "tcp://127.0.0.1:*");
    s_start (reactor);
    dividere_connector_t *request = dividere_request_new (endpoint, NULL);
    CHECK_INT (dividere_connector_send (request, "garbage", 7), 0);
    s_expect (request, EPROTO);
    dividere_connector_destroy (&request);
    CHECK_INT (dividere_stop (&reactor, -1), 0);
}
