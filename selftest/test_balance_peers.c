/* SPDX-License-Identifier: Apache-2.0 */

/*  Client, broker and worker, each in C or in Python (peers/balance_*.py, which
 *  share no code with this library, and end with an error where what comes is
 *  more than the Python package survives), in both dialects.                */

#include "selftest.h"
#include <sys/eventfd.h>
#include <unistd.h>
#include <czmq.h>
#include <dividere.h>
#include "balanced.h"
#include "heartbeat.h"
#include "test.pb-c.h"
#include "vectors.h"

void test_balance_typed (void);
void test_balance_bytes (void);
void test_balance_typed_python (void);
void test_balance_bytes_python (void);
void test_balance_busy (void);
void test_balance_mixed (void);
void test_balance_killed (void);
void test_balance_restarted (void);
void test_balance_restarted_python (void);
void test_balance_in_turn (void);
void test_balance_patient (void);
void test_balance_two_brokers (void);

#define VECTORS  (sizeof (s_vectors) / sizeof (s_vectors[0]))
#define REQUESTS 50
#define TCP      "tcp://127.0.0.1:*"
/*  Who is in Python, and what is spoken.                                    */
typedef struct {
    bool client;
    bool broker;
    bool worker;
    bool bytes;
} cast_t;

static void
s_note (const cast_t *cast)
{
    selftest_note ("%s: client in %s, broker in %s, worker in %s",
                   balanced_dialect (cast->bytes),
                   cast->client ? "Python" : "C", cast->broker ? "Python" : "C",
                   cast->worker ? "Python" : "C");
}

static void
s_check_cast (const cast_t *cast)
{
    s_note (cast);
    balanced_broker_t broker;
    balanced_worker_t worker;
    balanced_client_t client;
    balanced_broker_open (&broker, cast->broker, cast->bytes);
    balanced_worker_open (&worker, cast->worker, cast->bytes, &broker);
    balanced_broker_await (&broker, 1);
    balanced_client_open (&client, cast->client, cast->bytes, broker.frontend);
    for (size_t i = 0; i < REQUESTS; i++)
        balanced_client_ask (&client, &s_vectors[i % VECTORS]);
    balanced_client_close (&client, REQUESTS);
    balanced_worker_close (&worker, REQUESTS);
    balanced_broker_close (&broker, REQUESTS);
}

static void
s_check_casts (bool broker, bool bytes)
{
    vector_register_types ();
    for (int i = 0; i < 4; i++) {
        cast_t cast = { i & 1, broker, i & 2, bytes };
        s_check_cast (&cast);
    }
}

void
test_balance_typed (void)
{
    s_check_casts (false, false);
}

void
test_balance_bytes (void)
{
    s_check_casts (false, true);
}

void
test_balance_typed_python (void)
{
    s_check_casts (true, false);
}

void
test_balance_bytes_python (void)
{
    s_check_casts (true, true);
}

/*  Two events, by eventfd: a handler has begun, and it may end.             */
typedef struct {
    int begun;
    int ending;
} gate_t;

static void
s_signal (int event)
{
    CHECK_INT (eventfd_write (event, 1), 0);
}

static void
s_await (int event)
{
    eventfd_t count;
    CHECK_INT (eventfd_read (event, &count), 0);
}

static int
s_gated (dividere_context_t *context, const void *data, size_t size)
{
    const gate_t *gate = (const gate_t *) dividere_context_user (context);
    s_signal (gate->begun);
    s_await (gate->ending);
    return balanced_echo (context, data, size);
}

/*  Registers, and says nothing more.                                        */
static zsock_t *
s_silent_worker (const char *endpoint, bool bytes)
{
    static const char name[] = "silent";
    zsock_t *raw = brokered_dealer (endpoint, name);
    dividere_heartbeat_t heartbeat = { .id = name, .id_size = strlen (name) };
    zmq_msg_t frame;
    if (!bytes)
        dividere_heartbeat_encode (&heartbeat, NULL, &frame);
    else {
        zmq_msg_init_size (&frame, 1);
        *(uint8_t *) zmq_msg_data (&frame) = DIVIDERE_HEARTBEAT_REGISTER;
    }
    CHECK (zmq_msg_send (&frame, zsock_resolve (raw), 0) > 0);
    return raw;
}

/*  A handler takes as long as the broker needs to forget a worker that says
 *  nothing: meanwhile ours says nothing either, and is not forgotten.       */
static void
s_check_busy (bool bytes)
{
    balanced_broker_t broker = { NULL };
    balanced_client_t client;
    gate_t gate = { eventfd (0, EFD_CLOEXEC), eventfd (0, EFD_CLOEXEC) };
    dividere_worker_config_t config = { .on_bytes = s_gated, .user = &gate };
    balanced_broker_open_python (&broker, bytes, "100", TCP, TCP);
    zactor_t *worker =
        balanced_worker_new (&config, broker.backend, bytes, "20");
    balanced_broker_await (&broker, 1);
    balanced_client_open (&client, false, bytes, broker.frontend);
    balanced_client_send (&client, &s_vectors[0]);
    s_await (gate.begun);
    zsock_t *silent = s_silent_worker (broker.backend, bytes);
    CHECK_STR (peer_line (broker.peer), "worker silent");
    CHECK_STR (peer_line (broker.peer), "gone silent");
    s_signal (gate.ending);
    balanced_client_expect (&client, &s_vectors[0]);
    s_signal (gate.ending);
    balanced_client_ask (&client, &s_vectors[1]);
    balanced_client_close (&client, 2);
    CHECK_INT (dividere_stop (&worker, SELFTEST_DEADLINE), 0);
    balanced_broker_close (&broker, 2);
    zsock_destroy (&silent);
    close (gate.begun);
    close (gate.ending);
}

void
test_balance_busy (void)
{
    vector_register_types ();
    s_check_busy (false);
    s_check_busy (true);
}

/*  One backend, three kinds of workers; clients of two kinds, of which those in
 *  Python check that each of their requests is answered once.              */
#define OWN_REQUESTS   400
#define CROWD_REQUESTS (4 * 200)

static int
s_sign (dividere_context_t *context, const TestMsg01 *message)
{
    char text[BALANCED_SIZE];
    CHECK (snprintf (text, BALANCED_SIZE, "%s C", message->field1) <
           BALANCED_SIZE);
    TestMsg01 reply = TEST_MSG01__INIT;
    reply.field1 = text;
    reply.field2 = -message->field2;
    return dividere_context_reply (context, &reply.base);
}

static const dividere_handler_t s_signers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_sign), DIVIDERE_HANDLER_END
};

static void
s_send_many (dividere_client_t *client)
{
    char name[] = "C";
    TestMsg01 request = TEST_MSG01__INIT;
    request.field1 = name;
    for (uint64_t i = 1; i <= OWN_REQUESTS; i++) {
        uint64_t number;
        request.field2 = (int32_t) i;
        CHECK_INT (dividere_client_send (client, &request.base, NULL, &number),
                   0);
        CHECK_INT (number, i);
    }
}

static void
s_recv_many (dividere_client_t *client)
{
    dividere_message_t *reply = dividere_message_new ();
    for (size_t i = 0; i < OWN_REQUESTS; i++) {
        dividere_result_t result;
        CHECK_INT (dividere_client_recv (client, reply, &result,
                                         SELFTEST_DEADLINE),
                   0);
        CHECK_INT (result.error, 0);
        const TestMsg01 *message =
            DIVIDERE_MESSAGE_AS (reply, TestMsg01, test_msg01);
        CHECK (message);
        CHECK_INT (message->field2, -(int64_t) result.number);
        CHECK (strncmp (message->field1, "C ", 2) == 0);
    }
    dividere_result_t none;
    CHECK_FAILS (dividere_client_recv (client, reply, &none, 0), ENOENT);
    dividere_message_destroy (&reply);
}

static size_t
s_check_worked (peer_t **peer_p)
{
    size_t count = 0;
    peer_close (*peer_p);
    const char *line = peer_line (*peer_p);
    CHECK (line && sscanf (line, "done %zu", &count) == 1);
    CHECK (count > 0);
    peer_destroy (peer_p);
    return count;
}

void
test_balance_mixed (void)
{
    static const dividere_worker_config_t config = { .handlers = s_signers };
    CHECK_INT (dividere_types_register (&test_msg01__descriptor), 0);
    balanced_broker_t broker;
    balanced_broker_open (&broker, false, false);
    zactor_t *worker =
        balanced_worker_new (&config, broker.backend, false, BALANCED_INTERVAL);
    peer_t *typed = balanced_worker_python (&broker, false, "sign");
    peer_t *bytes = balanced_worker_python (&broker, true, "sign");
    balanced_broker_await (&broker, 3);
    char frontend[BALANCED_SIZE];
    balanced_endpoint ('>', broker.frontend, frontend);
    const char *words[] = { "clients", frontend, "4", "200", NULL };
    dividere_client_t *client = dividere_client_new (broker.frontend, NULL);
    CHECK (client);
    s_send_many (client);
    peer_t *crowd = peer_new ("crowd.py", words);
    s_recv_many (client);
    CHECK_STR (peer_line (crowd), "done");
    peer_destroy (&crowd);
    dividere_client_destroy (&client);
    size_t requests = OWN_REQUESTS + CROWD_REQUESTS;
    size_t there = s_check_worked (&typed) + s_check_worked (&bytes);
    CHECK (there < requests);
    CHECK_INT (dividere_stop (&worker, SELFTEST_DEADLINE), 0);
    balanced_broker_close (&broker, requests);
}

/*  A worker dies with a request in its hands: another gets it.              */
static void
s_check_killed (bool python, bool bytes)
{
    balanced_broker_t broker;
    balanced_client_t client;
    balanced_worker_t other;
    balanced_broker_open (&broker, false, bytes);
    peer_t *victim = balanced_worker_python (&broker, bytes, "hold");
    balanced_broker_await (&broker, 1);
    balanced_client_open (&client, python, bytes, broker.frontend);
    balanced_client_send (&client, &s_vectors[0]);
    CHECK_STR (peer_line (victim), "holding");
    balanced_worker_open (&other, !python, bytes, &broker);
    balanced_broker_await (&broker, 2);
    peer_kill (&victim);
    balanced_client_expect (&client, &s_vectors[0]);
    CHECK_INT (brokered_stat (&broker.here, "requeued"), 1);
    CHECK_INT (brokered_stat (&broker.here, "workers_lost"), 1);
    CHECK_INT (brokered_stat (&broker.here, "replied"), 1);
    balanced_client_close (&client, 1);
    balanced_worker_close (&other, 1);
    brokered_stop (&broker.here);
}

void
test_balance_killed (void)
{
    vector_register_types ();
    for (int i = 0; i < 4; i++)
        s_check_killed (i & 1, i & 2);
}

/*  The worker registers with the new broker by itself.                      */
static void
s_check_restarted (const cast_t *cast)
{
    s_note (cast);
    balanced_broker_t broker;
    balanced_worker_t worker;
    balanced_client_t client;
    balanced_broker_open (&broker, cast->broker, cast->bytes);
    balanced_worker_open (&worker, cast->worker, cast->bytes, &broker);
    balanced_broker_await (&broker, 1);
    balanced_client_open (&client, cast->client, cast->bytes, broker.frontend);
    balanced_client_ask (&client, &s_vectors[0]);
    balanced_broker_replace (&broker, cast->bytes);
    balanced_broker_await (&broker, 1);
    balanced_client_ask (&client, &s_vectors[1]);
    balanced_client_close (&client, 2);
    balanced_worker_close (&worker, 2);
    balanced_broker_close (&broker, 1);
}

static void
s_check_restarts (bool broker)
{
    vector_register_types ();
    for (int i = 0; i < 4; i++) {
        cast_t cast = { !broker, broker, i & 1, i & 2 };
        s_check_restarted (&cast);
    }
}

void
test_balance_restarted (void)
{
    s_check_restarts (false);
}

void
test_balance_restarted_python (void)
{
    s_check_restarts (true);
}

/*  More than one request of a client at a time would be the end of the broker:
 *  they wait for each other.                                                */
static void
s_check_in_turn (bool bytes)
{
    balanced_broker_t broker;
    balanced_worker_t worker;
    balanced_client_t client;
    balanced_broker_open (&broker, true, bytes);
    balanced_worker_open (&worker, true, bytes, &broker);
    balanced_broker_await (&broker, 1);
    balanced_client_open (&client, false, bytes, broker.frontend);
    for (size_t i = 0; i < VECTORS; i++)
        balanced_client_send (&client, &s_vectors[i]);
    for (size_t i = 0; i < VECTORS; i++)
        balanced_client_expect (&client, &s_vectors[i]);
    balanced_client_close (&client, VECTORS);
    balanced_worker_close (&worker, VECTORS);
    balanced_broker_close (&broker, VECTORS);
}

void
test_balance_in_turn (void)
{
    vector_register_types ();
    s_check_in_turn (false);
    s_check_in_turn (true);
}

/*  A broker that has come back knows no workers yet, and would not survive that
 *  a request which was lost with the one before is asked again at once.     */
void
test_balance_patient (void)
{
    balanced_broker_t broker;
    balanced_worker_t worker;
    balanced_client_t client;
    dividere_result_t result;
    vector_register_types ();
    balanced_broker_open (&broker, true, false);
    peer_t *victim = balanced_worker_python (&broker, false, "hold");
    balanced_broker_await (&broker, 1);
    balanced_client_open (&client, false, false, broker.frontend);
    balanced_client_send (&client, &s_vectors[0]);
    CHECK_STR (peer_line (victim), "holding");
    peer_kill (&victim);
    balanced_broker_replace (&broker, false);
    CHECK_FAILS (dividere_client_recv (client.client, client.reply, &result,
                                       1000),
                 EAGAIN);
    balanced_worker_open (&worker, true, false, &broker);
    balanced_broker_await (&broker, 1);
    balanced_client_close (&client, 0);
    balanced_worker_close (&worker, 0);
    balanced_broker_close (&broker, 0);
}

/*  One worker for a broker of either language.                              */
void
test_balance_two_brokers (void)
{
    balanced_broker_t brokers[2];
    balanced_client_t clients[2];
    balanced_worker_t worker;
    vector_register_types ();
    for (int i = 0; i < 2; i++) {
        balanced_broker_open (&brokers[i], i, false);
        balanced_client_open (&clients[i], false, false, brokers[i].frontend);
    }
    balanced_worker_open (&worker, false, false, &brokers[0]);
    CHECK_INT (dividere_call (worker.actor, NULL, SELFTEST_DEADLINE, "CONNECT",
                              brokers[1].backend, NULL),
               0);
    for (int i = 0; i < 2; i++)
        balanced_broker_await (&brokers[i], 1);
    for (size_t i = 0; i < VECTORS; i++) {
        balanced_client_send (&clients[0], &s_vectors[i]);
        balanced_client_send (&clients[1], &s_vectors[VECTORS - 1 - i]);
        balanced_client_expect (&clients[0], &s_vectors[i]);
        balanced_client_expect (&clients[1], &s_vectors[VECTORS - 1 - i]);
    }
    for (int i = 0; i < 2; i++)
        balanced_client_close (&clients[i], VECTORS);
    balanced_worker_close (&worker, 2 * VECTORS);
    for (int i = 0; i < 2; i++)
        balanced_broker_close (&brokers[i], VECTORS);
}
