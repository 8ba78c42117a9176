/* SPDX-License-Identifier: Apache-2.0 */

/*  The worker: what it says to brokers of both kinds, and what becomes of each
 *  request.                                                                 */

#include "selftest.h"
#include "brokered.h"
#include "employed.h"
#include "test.pb-c.h"

void test_worker_registration (void);
void test_worker_outcomes (void);
void test_worker_typed (void);
void test_worker_context (void);
void test_worker_signs (void);
void test_worker_bursts (void);
void test_worker_plain_broker (void);
void test_worker_excused (void);
void test_worker_bytes (void);
void test_worker_parallel (void);
void test_worker_duplicates (void);
void test_worker_broker_extension (void);
void test_worker_hooks (void);
void test_worker_commands (void);
void test_worker_with_broker (void);

#define SHORT_INTERVAL 50 /* ms                                              */

static void
s_stop (zactor_t **worker_p)
{
    CHECK_INT (dividere_stop (worker_p, SELFTEST_DEADLINE), 0);
}

static int
s_call (zactor_t *worker, const char *command, const char *first,
        const char *second)
{
    return dividere_call (worker, NULL, SELFTEST_DEADLINE, command, first,
                          second, NULL);
}

/*  The first frame, to the letter.                                          */
static void
s_check_registration (const char *const *settings, const void *bytes,
                      size_t size)
{
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    zactor_t *worker = employed_start (NULL, settings, broker.endpoint);
    zmsg_t *message = employer_recv (&broker);
    CHECK_STR (broker.worker, EMPLOYED_NAME);
    CHECK_INT (zmsg_size (message), 1);
    CHECK_INT (zframe_size (zmsg_first (message)), size);
    CHECK (memcmp (zframe_data (zmsg_first (message)), bytes, size) == 0);
    s_stop (&worker);
    employer_close (&broker);
}

void
test_worker_registration (void)
{
    static const char *const settings[] = { "service", "resize", "threads", "2",
                                            "credit",  "9",      NULL };
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, settings, broker.endpoint);
    dividere_heartbeat_t first = employer_hear (&broker);
    CHECK_STR (broker.worker, EMPLOYED_NAME);
    CHECK_INT (first.version, 1);
    CHECK_INT (first.parallel, 2);
    CHECK_INT (first.credit, 9);
    CHECK_INT (first.service_size, 6);
    CHECK (memcmp (first.service, "resize", 6) == 0);
    CHECK (first.fresh && !first.draining);
    CHECK_INT (first.number, 0);
    CHECK_INT (first.holding_count, 0);
    CHECK_STR (employed_state (worker, broker.endpoint), "registered");
    CHECK_INT (employed_stat (worker, "registered"), 1);

    employer_tell (&broker, 5, EMPLOYED_INTERVAL, false);
    dividere_heartbeat_t answer = employer_hear (&broker);
    CHECK_INT (answer.number, 5);
    CHECK (!answer.fresh);
    CHECK_STR (employed_state (worker, broker.endpoint), "c");
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);

    static const char typed[] =
        "\x0A\x09Heartbeat\x12\x36\x0A\x1Dtype.googleapis.com/Heartbeat"
        "\x12\x15\x0A\x08worker-1\x78\x01\x80\x01\x01\x88\x01\x01\xB0\x01\x01";
    s_check_registration (NULL, typed, sizeof (typed) - 1);
    static const char *const bytes[] = { "dialect", "bytes", NULL };
    s_check_registration (bytes, "\x01", 1);
}

void
test_worker_outcomes (void)
{
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, NULL, broker.endpoint);
    employer_hire (&broker);

    employer_ask (&broker, 1, "hello");
    CHECK_INT (employer_answer (&broker, 1, "hello"), DIVIDERE_STATUS_OK);
    employer_ask (&broker, 2, "");
    CHECK_INT (employer_answer (&broker, 2, ""), DIVIDERE_STATUS_OK);
    employer_ask (&broker, 3, "fail");
    CHECK_INT (employer_answer (&broker, 3, "5 Input/output error"),
               DIVIDERE_STATUS_FAILED);
    employer_ask (&broker, 4, "silent");
    CHECK_INT (employer_answer (&broker, 4, NULL), DIVIDERE_STATUS_UNANSWERED);
    dividere_extension_t late = { .id = { EMPLOYED_CLIENT, 5 }, .left_ms = 0 };
    employer_ask_extended (&broker, &late, "x", 1);
    CHECK_INT (employer_answer (&broker, 5, NULL), DIVIDERE_STATUS_EXPIRED);
    CHECK_INT (work.calls, 4);
    /* It was not executed, so it may be.                                    */
    employer_ask (&broker, 5, "y");
    CHECK_INT (employer_answer (&broker, 5, "y"), DIVIDERE_STATUS_OK);

    CHECK_INT (employed_stat (worker, "received"), 6);
    CHECK_INT (employed_stat (worker, "handled"), 5);
    CHECK_INT (employed_stat (worker, "replied"), 3);
    CHECK_INT (employed_stat (worker, "failed"), 1);
    CHECK_INT (employed_stat (worker, "unanswered"), 1);
    CHECK_INT (employed_stat (worker, "expired"), 1);
    CHECK_INT (employed_stat (worker, "window"), 5);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

static int
s_on_msg01 (dividere_context_t *context, const TestMsg01 *message)
{
    TestMsg01 reply = TEST_MSG01__INIT;
    reply.field1 = message->field1;
    reply.field2 = message->field2 + 1;
    CHECK_INT (dividere_context_reply (context, &reply.base), 0);
    CHECK_FAILS (dividere_context_reply (context, &reply.base), EALREADY);
    CHECK_FAILS (dividere_context_reply_bytes (context, "x", 1), EALREADY);
    CHECK_STR (dividere_message_name (dividere_context_message (context)),
               "testMsg01");
    return 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_msg01), DIVIDERE_HANDLER_END
};

static void
s_ask_typed (employer_t *broker, uint64_t number,
             const ProtobufCMessage *message)
{
    dividere_extension_t extension = {
        .id = { EMPLOYED_CLIENT, number },
        .left_ms = DIVIDERE_EXTENSION_NO_DEADLINE,
    };
    zmq_msg_t frame;
    CHECK_INT (dividere_envelope_encode (message, &frame), 0);
    employer_ask_extended (broker, &extension, zmq_msg_data (&frame),
                           zmq_msg_size (&frame));
    zmq_msg_close (&frame);
}

void
test_worker_typed (void)
{
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    dividere_worker_config_t config = { .handlers = s_handlers };
    zactor_t *worker = employed_start (&config, NULL, broker.endpoint);
    employer_hire (&broker);
    TestMsg01 request = TEST_MSG01__INIT;
    request.field1 = (char *) "hello";
    request.field2 = 41;
    s_ask_typed (&broker, 1, &request.base);
    CHECK_INT (employer_answer (&broker, 1, NULL), DIVIDERE_STATUS_OK);
    request.field2 = 42;
    zmq_msg_t expected;
    CHECK_INT (dividere_envelope_encode (&request.base, &expected), 0);
    CHECK (zframe_size (zmsg_last (broker.message)) ==
               zmq_msg_size (&expected) &&
           memcmp (zframe_data (zmsg_last (broker.message)),
                   zmq_msg_data (&expected), zmq_msg_size (&expected)) == 0);
    zmq_msg_close (&expected);

    TestDtMsg01 other = TEST_DT_MSG01__INIT;
    s_ask_typed (&broker, 2, &other.base);
    CHECK_INT (employer_answer (&broker, 2, "no handler for testDtMsg01"),
               DIVIDERE_STATUS_UNHANDLED);
    employer_ask (&broker, 3, "not an envelope");
    CHECK_INT (employer_answer (&broker, 3, NULL), DIVIDERE_STATUS_REFUSED);
    employer_ask (&broker, 4, "");
    CHECK_INT (employer_answer (&broker, 4, NULL), DIVIDERE_STATUS_REFUSED);
    static const char unknown[] = "\x0A\x07unknown";
    employer_ask (&broker, 5, unknown);
    CHECK_INT (employer_answer (&broker, 5, NULL), DIVIDERE_STATUS_REFUSED);
    CHECK_INT (employed_stat (worker, "unhandled"), 1);
    CHECK_INT (employed_stat (worker, "refused"), 3);
    CHECK_INT (employed_stat (worker, "malformed"), 2);
    CHECK_INT (employed_stat (worker, "unknown_type"), 1);
    s_stop (&worker);
    employer_close (&broker);
}

typedef struct {
    dividere_request_info_t info;
    int result;
    int error;
    int64_t left_then_ms; /* in a later call                                */
} told_t;

static int
s_on_told (dividere_context_t *context, const void *data, size_t size)
{
    told_t *told = (told_t *) dividere_context_user (context);
    dividere_request_info_t later;
    told->result = dividere_context_request (context, &told->info);
    told->error = errno;
    if (told->result == 0) {
        CHECK_INT (dividere_context_request (context, &later), 0);
        told->left_then_ms = later.remaining_ms;
    }
    CHECK_FAILS (dividere_context_source (context), ENOENT);
    CHECK_FAILS (dividere_context_find (context, "x"), ENOENT);
    CHECK_INT (dividere_message_size (dividere_context_message (context)),
               size);
    dividere_limits_t limits, before;
    dividere_limits_get (&before);
    limits = before;
    limits.size_max = 10;
    CHECK_INT (dividere_limits_set (&limits), 0);
    CHECK_FAILS (dividere_context_reply_bytes (context, "12345678901", 11),
                 EMSGSIZE);
    CHECK_INT (dividere_limits_set (&before), 0);
    CHECK_INT (dividere_context_reply_bytes (context, NULL, 0), 0);
    return 0;
}

void
test_worker_context (void)
{
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    told_t told = { .result = -2 };
    dividere_worker_config_t config = { .on_bytes = s_on_told, .user = &told };
    zactor_t *worker = employed_start (&config, NULL, broker.endpoint);
    employer_hire (&broker);
    dividere_extension_t extension = { .id = { EMPLOYED_CLIENT, 7 },
                                       .flags = DIVIDERE_EXTENSION_STRICT,
                                       .attempt = 3,
                                       .left_ms = 30000 };
    employer_ask_extended (&broker, &extension, "x", 1);
    CHECK_INT (employer_answer (&broker, 7, ""), DIVIDERE_STATUS_OK);
    CHECK_INT (told.result, 0);
    CHECK_INT (told.info.client, EMPLOYED_CLIENT);
    CHECK_INT (told.info.number, 7);
    CHECK_INT (told.info.attempt, 3);
    CHECK (told.info.strict);
    CHECK (told.info.remaining_ms > 30000 - SELFTEST_DEADLINE &&
           told.info.remaining_ms <= 30000);
    CHECK (told.left_then_ms <= told.info.remaining_ms);

    employer_ask (&broker, 8, "x");
    CHECK_INT (employer_answer (&broker, 8, ""), DIVIDERE_STATUS_OK);
    CHECK_INT (told.info.remaining_ms, -1);
    CHECK (!told.info.strict);

    /* Nothing is said of a request without the frame.                       */
    brokered_send (broker.router, broker.worker, "client", "", "x", NULL);
    CHECK_INT (zmsg_size (employer_recv (&broker)), 3);
    CHECK_INT (told.result, -1);
    CHECK_INT (told.error, ENOENT);
    s_stop (&worker);
    employer_close (&broker);
}

/*  While a handler runs: those that are asked for, with what is in hand, and
 *  those by time.                                                           */
void
test_worker_signs (void)
{
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    static const char *const settings[] = { "credit", "2", NULL };
    zactor_t *worker = employed_start_work (&work, settings, broker.endpoint);
    employer_hire (&broker);
    employer_ask (&broker, 1, "wait");
    employer_ask (&broker, 2, "wait");
    employed_await (&work);
    for (uint64_t number = 2; number < 5; number++) {
        employer_tell (&broker, number, EMPLOYED_INTERVAL, false);
        dividere_heartbeat_t answer = employer_hear (&broker);
        CHECK_INT (answer.number, number);
        CHECK (!answer.fresh);
        CHECK_INT (answer.holding_count, 2);
        CHECK_INT (dividere_heartbeat_held (&answer, 0).client,
                   EMPLOYED_CLIENT);
        CHECK_INT (dividere_heartbeat_held (&answer, 0).number, 1);
        CHECK_INT (dividere_heartbeat_held (&answer, 1).number, 2);
    }
    for (uint64_t number = 5; number < 11; number += 2) {
        dividere_heartbeat_t sign =
            employer_agree (&broker, number, SHORT_INTERVAL);
        /* One that it found silent does not count.                          */
        while (sign.number)
            if ((sign = employer_hear (&broker)).fresh)
                sign = employer_agree (&broker, number, SHORT_INTERVAL);
        employer_agree (&broker, number + 1, EMPLOYED_INTERVAL);
    }
    sem_post (&work.gate);
    CHECK_INT (employer_answer (&broker, 1, "wait"), DIVIDERE_STATUS_OK);
    sem_post (&work.gate);
    CHECK_INT (employer_answer (&broker, 2, "wait"), DIVIDERE_STATUS_OK);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

/*  Signs of life and requests that come while others are answered: none is left
 *  unread in the socket.                                                    */
void
test_worker_bursts (void)
{
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, NULL, broker.endpoint);
    employer_hire (&broker);
    uint64_t random = 1;
    uint64_t number = 1;
    size_t rounds = selftest_scaled (3000);
    for (size_t i = 1; i <= rounds; i++) {
        /* The second time it is answered from the window, at once.          */
        employer_ask (&broker, 1 + i / 2, "x");
        for (uint64_t more = selftest_random (&random) % 4; more > 0; more--)
            employer_tell (&broker, ++number, EMPLOYED_INTERVAL, false);
        employer_tell (&broker, ++number, EMPLOYED_INTERVAL, false);
        dividere_heartbeat_t sign = { .number = 0 };
        bool answered = false;
        while (sign.number < number || !answered) {
            bool reply = zmsg_size (employer_recv (&broker)) == 4;
            answered = answered || reply;
            if (!reply)
                sign = employer_heard (&broker);
        }
    }
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

/*  One that is not known to be of this library hears nothing while it waits for
 *  a reply: it would send the next request. Where there can be no reply, a sign
 *  of life ends the wait.                                                   */
void
test_worker_plain_broker (void)
{
    static const char *const settings[] = { "heartbeat", "60000", NULL };
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, settings, broker.endpoint);
    CHECK (employer_hear (&broker).fresh);
    brokered_send (broker.router, broker.worker, "client", "", "fail", NULL);
    CHECK (!employer_hear (&broker).fresh);
    CHECK_INT (employed_stat (worker, "failed"), 1);

    brokered_send (broker.router, broker.worker, "client", "", "wait", NULL);
    employed_await (&work);
    employer_tell_plain (&broker);
    CHECK_EVENTUALLY (employed_stat (worker, "heartbeats_received") == 1);
    CHECK_INT (s_call (worker, "SET", "heartbeat", "20"), 0);
    CHECK (employer_is_left_alone (&broker, 100));
    CHECK_STR (employed_state (worker, broker.endpoint), "registered");
    CHECK_INT (employed_stat (worker, "reconnects"), 0);
    sem_post (&work.gate);
    zmsg_t *message = employer_recv (&broker);
    CHECK_INT (zmsg_size (message), 3);
    CHECK (zframe_streq (zmsg_last (message), "wait"));

    /* Idle it gives signs of life by time, and finds the broker silent.     */
    while (employer_hear (&broker).fresh)
        ;
    CHECK_EVENTUALLY (employed_stat (worker, "reconnects") > 0);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

/*  True if the next that is heard after a reply that took long is a sign of
 *  life; and not a registration, as it can be where threads had to wait.    */
static bool
s_is_excused (void)
{
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, NULL, broker.endpoint);
    CHECK (employer_hear (&broker).fresh);
    brokered_send (broker.router, broker.worker, "client", "", "wait", NULL);
    employed_await (&work);
    CHECK_INT (s_call (worker, "SET", "heartbeat", "20"), 0);
    CHECK (employer_is_left_alone (&broker, 100));
    sem_post (&work.gate);
    CHECK_INT (zmsg_size (employer_recv (&broker)), 3);
    bool excused = !employer_hear (&broker).fresh;
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
    return excused;
}

/*  The silence of a broker is counted from the reply, whatever that took.   */
void
test_worker_excused (void)
{
    CHECK_EVENTUALLY (s_is_excused ());
}

static void
s_expect_byte (employer_t *broker, uint8_t byte)
{
    zmsg_t *message = employer_recv (broker);
    CHECK_INT (zmsg_size (message), 1);
    CHECK_INT (zframe_size (zmsg_first (message)), 1);
    CHECK_INT (*zframe_data (zmsg_first (message)), byte);
}

static void
s_tell_byte (employer_t *broker, uint8_t byte)
{
    zmsg_t *message = zmsg_new ();
    zmsg_addstr (message, broker->worker);
    zmsg_addmem (message, &byte, 1);
    CHECK_INT (zmsg_send (&message, broker->router), 0);
}

void
test_worker_bytes (void)
{
    static const char *const settings[] = { "dialect", "bytes", "heartbeat",
                                            "60000", NULL };
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, settings, broker.endpoint);
    s_expect_byte (&broker, 1);
    s_tell_byte (&broker, 2);
    s_expect_byte (&broker, 2);
    brokered_send (broker.router, broker.worker, "client", "", "wait", NULL);
    employed_await (&work);
    s_tell_byte (&broker, 2);
    CHECK_EVENTUALLY (employed_stat (worker, "heartbeats_received") == 2);
    sem_post (&work.gate);
    CHECK_INT (zmsg_size (employer_recv (&broker)), 3);
    CHECK (zframe_streq (zmsg_last (broker.message), "wait"));
    s_expect_byte (&broker, 2);
    brokered_send (broker.router, broker.worker, "client", "", "fail", NULL);
    s_expect_byte (&broker, 2);

    /* What belongs to the other dialect, or to the worker's side.           */
    employer_tell (&broker, 1, EMPLOYED_INTERVAL, false);
    s_tell_byte (&broker, 1);
    CHECK_EVENTUALLY (employed_stat (worker, "malformed") == 2);
    CHECK_STR (employed_state (worker, broker.endpoint), "registered");
    CHECK_INT (s_call (worker, "SET", "heartbeat", "20"), 0);
    while (*zframe_data (zmsg_first (employer_recv (&broker))) != 2)
        ;
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

#define THREADS 4

/*  All handlers are entered before one is left.                             */
void
test_worker_parallel (void)
{
    static const char *const settings[] = { "threads", "4", NULL };
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, settings, broker.endpoint);
    employer_hire (&broker);
    for (uint64_t i = 1; i <= THREADS + 1; i++)
        employer_ask (&broker, i, "wait");
    for (int i = 0; i < THREADS; i++)
        employed_await (&work);
    CHECK_INT (employed_stat (worker, "running"), THREADS);
    CHECK_EVENTUALLY (employed_stat (worker, "waiting") == 1);
    for (int i = 0; i <= THREADS; i++)
        sem_post (&work.gate);
    for (int i = 0; i <= THREADS; i++)
        CHECK (zframe_streq (zmsg_last (employer_recv (&broker)), "wait"));
    CHECK_INT (work.calls, THREADS + 1);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

/*  The same request again: answered from the window, joined while it is at
 *  work, by the same broker and by another.                                 */
void
test_worker_duplicates (void)
{
    employer_t brokers[2];
    employer_open (&brokers[0], selftest_tcp ());
    employer_open (&brokers[1], selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, NULL, brokers[0].endpoint);
    CHECK_INT (s_call (worker, "CONNECT", brokers[1].endpoint, NULL), 0);
    employer_hire (&brokers[0]);
    employer_hire (&brokers[1]);

    employer_ask (&brokers[0], 1, "once");
    CHECK_INT (employer_answer (&brokers[0], 1, "once"), DIVIDERE_STATUS_OK);
    employer_ask (&brokers[0], 1, "once");
    CHECK_INT (employer_answer (&brokers[0], 1, "once"), DIVIDERE_STATUS_OK);
    employer_ask (&brokers[1], 2, "fail");
    CHECK_INT (employer_answer (&brokers[1], 2, NULL), DIVIDERE_STATUS_FAILED);
    employer_ask (&brokers[0], 2, "fail");
    CHECK_INT (employer_answer (&brokers[0], 2, "5 Input/output error"),
               DIVIDERE_STATUS_FAILED);
    CHECK_INT (work.calls, 2);
    CHECK_INT (employed_stat (worker, "repeated"), 2);

    employer_ask (&brokers[0], 3, "wait");
    employed_await (&work);
    employer_ask (&brokers[1], 3, "wait");
    employer_ask (&brokers[0], 3, "wait");
    employer_ask (&brokers[0], 3, "wait");
    CHECK_EVENTUALLY (employed_stat (worker, "joined") == 3);
    employer_tell (&brokers[0], 2, EMPLOYED_INTERVAL, false);
    dividere_heartbeat_t sign = employer_hear (&brokers[0]);
    CHECK_INT (sign.holding_count, 1);
    CHECK_INT (dividere_heartbeat_held (&sign, 0).number, 3);
    sem_post (&work.gate);
    CHECK_INT (employer_answer (&brokers[0], 3, "wait"), DIVIDERE_STATUS_OK);
    CHECK_INT (employer_answer (&brokers[1], 3, "wait"), DIVIDERE_STATUS_OK);
    employer_ask (&brokers[0], 4, "last");
    CHECK_INT (employer_answer (&brokers[0], 4, "last"), DIVIDERE_STATUS_OK);
    CHECK_INT (work.calls, 4);

    /* Nothing is kept: it is executed again.                                */
    CHECK_INT (s_call (worker, "SET", "window", "0"), 0);
    CHECK_INT (employed_stat (worker, "window"), 0);
    CHECK_INT (employed_stat (worker, "window_bytes"), 0);
    employer_ask (&brokers[0], 1, "once");
    CHECK_INT (employer_answer (&brokers[0], 1, "once"), DIVIDERE_STATUS_OK);
    CHECK_INT (work.calls, 5);
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&brokers[0]);
    employer_close (&brokers[1]);
}

/*  For clients that have no extension frame the broker puts one in front.   */
void
test_worker_broker_extension (void)
{
    employer_t broker;
    employer_open (&broker, selftest_tcp ());
    employed_work_t work;
    employed_work_init (&work);
    zactor_t *worker = employed_start_work (&work, NULL, broker.endpoint);
    employer_hire (&broker);
    dividere_extension_t extension = { .id = { 1, 1 }, .left_ms = 30000 };
    uint8_t bytes[DIVIDERE_EXTENSION_MAX];
    dividere_extension_write (&extension, bytes);
    zmsg_t *request = zmsg_new ();
    zmsg_addstr (request, broker.worker);
    zmsg_addmem (request, bytes, dividere_extension_size (&extension));
    zmsg_addstr (request, "client");
    zmsg_addstr (request, "fail");
    CHECK_INT (zmsg_send (&request, broker.router), 0);
    zmsg_t *answer = employer_recv (&broker);
    CHECK_INT (zmsg_size (answer), 3);
    zframe_t *frame = zmsg_first (answer);
    CHECK (dividere_extension_parse (zframe_data (frame), zframe_size (frame),
                                     &extension));
    CHECK_INT (extension.status, DIVIDERE_STATUS_FAILED);
    CHECK (zframe_streq (zmsg_next (answer), "client"));
    s_stop (&worker);
    employed_work_term (&work);
    employer_close (&broker);
}

typedef struct {
    _Atomic int inits;
    _Atomic int exits;
    _Atomic int refuse_after;
} hooks_t;

static int
s_on_init (dividere_context_t *context)
{
    hooks_t *hooks = (hooks_t *) dividere_context_user (context);
    dividere_request_info_t info;
    TestMsg01 reply = TEST_MSG01__INIT;
    CHECK (!dividere_context_message (context));
    CHECK_FAILS (dividere_context_reply (context, &reply.base), ENOTSUP);
    CHECK_FAILS (dividere_context_reply_bytes (context, "x", 1), ENOTSUP);
    CHECK_FAILS (dividere_context_request (context, &info), ENOENT);
    return ++hooks->inits > hooks->refuse_after ? EPERM : 0;
}

static void
s_on_exit (dividere_context_t *context)
{
    ((hooks_t *) dividere_context_user (context))->exits++;
}

void
test_worker_hooks (void)
{
    hooks_t hooks = { .refuse_after = 2 };
    dividere_worker_config_t config = { .name = "hooked",
                                        .handlers = s_handlers,
                                        .user = &hooks,
                                        .on_init = s_on_init,
                                        .on_exit = s_on_exit };
    zactor_t *worker = zactor_new (dividere_worker, &config);
    CHECK_INT (s_call (worker, "SET", "threads", "3"), 0);
    CHECK_FAILS (s_call (worker, "START", NULL, NULL), EPERM);
    CHECK_INT (hooks.inits, 3);
    CHECK_INT (hooks.exits, 2);
    CHECK_INT (employed_stat (worker, "running"), 0);
    hooks.refuse_after = 100;
    CHECK_INT (s_call (worker, "SET", "threads", "2"), 0);
    CHECK_INT (s_call (worker, "START", NULL, NULL), 0);
    CHECK_INT (hooks.inits, 5);
    s_stop (&worker);
    CHECK_INT (hooks.exits, 4);
}

static void
s_check_settings (zactor_t *worker)
{
    char long_name[202];
    memset (long_name, 'x', sizeof (long_name) - 1);
    long_name[sizeof (long_name) - 1] = 0;
    CHECK_FAILS (s_call (worker, "SET", "colour", "red"), ENOENT);
    CHECK_FAILS (s_call (worker, "SET", "threads", "0"), EINVAL);
    CHECK_FAILS (s_call (worker, "SET", "threads", "1001"), EINVAL);
    CHECK_FAILS (s_call (worker, "SET", "credit", "-1"), EINVAL);
    CHECK_FAILS (s_call (worker, "SET", "dialect", "morse"), EINVAL);
    CHECK_FAILS (s_call (worker, "SET", "identity", ""), EINVAL);
    CHECK_FAILS (s_call (worker, "SET", "identity", "\xFF"), EINVAL);
    CHECK_FAILS (s_call (worker, "SET", "identity", long_name), EINVAL);
    CHECK_FAILS (s_call (worker, "SET", "service", long_name), EINVAL);
    CHECK_FAILS (s_call (worker, "SET", "heartbeat", "1"), EINVAL);
    CHECK_FAILS (s_call (worker, "SET", "window", "x"), EINVAL);
    CHECK_INT (s_call (worker, "SET", "window_bytes", "1000"), 0);
    CHECK_INT (s_call (worker, "SET", "window_age", "1000"), 0);
    CHECK_INT (s_call (worker, "SET", "service", ""), 0);
}

void
test_worker_commands (void)
{
    zactor_t *worker = zactor_new (dividere_worker, NULL);
    s_check_settings (worker);
    CHECK_FAILS (s_call (worker, "CONNECT", "nonsense", NULL), EINVAL);
    CHECK_FAILS (s_call (worker, "CONNECT", "tcp://127.0.0.1:*", NULL), EINVAL);
    CHECK_FAILS (s_call (worker, "CONNECT", "@tcp://127.0.0.1:5555", NULL),
                 EINVAL);
    CHECK_FAILS (s_call (worker, "CONNECT", "udp://127.0.0.1:5555", NULL),
                 EPROTONOSUPPORT);
    CHECK_FAILS (s_call (worker, "DRAIN", NULL, NULL), EINVAL);
    const char *endpoint = selftest_ipc ();
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (worker, &reply, -1, "CONNECT", endpoint, NULL),
               0);
    CHECK (zframe_streq (zmsg_first (reply), endpoint));
    zmsg_destroy (&reply);
    CHECK_FAILS (s_call (worker, "CONNECT", endpoint, NULL), EEXIST);
    CHECK_FAILS (s_call (worker, "DISCONNECT", "tcp://127.0.0.1:1", NULL),
                 ENOENT);
    CHECK_FAILS (s_call (worker, "DISCONNECT", "nonsense", NULL), ENOENT);
    CHECK_STR (employed_state (worker, endpoint), "connecting");
    CHECK_INT (s_call (worker, "DISCONNECT", endpoint, NULL), 0);
    CHECK_STR (employed_state (worker, endpoint), "");

    CHECK_INT (s_call (worker, "START", NULL, NULL), 0);
    CHECK_FAILS (s_call (worker, "START", NULL, NULL), EALREADY);
    static const char *const early[][2] = { { "threads", "2" },
                                            { "credit", "2" },
                                            { "service", "x" },
                                            { "identity", "x" },
                                            { "dialect", "bytes" } };
    for (size_t i = 0; i < sizeof (early) / sizeof (early[0]); i++)
        CHECK_FAILS (s_call (worker, "SET", early[i][0], early[i][1]), EBUSY);
    CHECK_INT (s_call (worker, "SET", "heartbeat", "100"), 0);
    CHECK_INT (s_call (worker, "CONNECT", endpoint, NULL), 0);
    CHECK_INT (employed_stat (worker, "brokers"), 1);
    CHECK_INT (s_call (worker, "DRAIN", NULL, NULL), 0);
    CHECK_FAILS (s_call (worker, "DRAIN", NULL, NULL), EALREADY);
    CHECK_FAILS (s_call (worker, "CONNECT", selftest_ipc (), NULL), EBUSY);
    CHECK_INT (s_call (worker, "DISCONNECT", endpoint, NULL), 0);
    s_stop (&worker);
}

/*  With the broker of this library, over each transport.                    */
void
test_worker_with_broker (void)
{
    const char *endpoints[] = { "tcp://127.0.0.1:*", "ipc://*", NULL };
    for (int i = 0; endpoints[i]; i++) {
        brokered_t broker;
        brokered_start (&broker, endpoints[i], NULL);
        employed_work_t work;
        employed_work_init (&work);
        zactor_t *worker = employed_start_work (&work, NULL, broker.backend);
        employed_await_c (worker, broker.backend);
        zsock_t *client = brokered_dealer (broker.frontend, NULL);
        size_t rounds = selftest_scaled (200);
        for (uint64_t number = 1; number <= rounds; number++) {
            brokered_ask (client, number, "hello");
            CHECK_INT (brokered_answer (client, number, "hello"),
                       DIVIDERE_STATUS_OK);
        }
        brokered_ask (client, rounds + 1, "fail");
        CHECK_INT (brokered_answer (client, rounds + 1, NULL),
                   DIVIDERE_STATUS_FAILED);
        CHECK_INT (s_call (worker, "DRAIN", NULL, NULL), 0);
        CHECK_INT (brokered_stat (&broker, "in_flight"), 0);
        s_stop (&worker);
        zsock_destroy (&client);
        brokered_stop (&broker);
        employed_work_term (&work);
    }
}
