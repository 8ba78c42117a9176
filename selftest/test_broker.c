/* SPDX-License-Identifier: Apache-2.0 */

/*  The broker as an actor: commands, sockets, timers, hostile peers.        */

#include "selftest.h"
#include "brokered.h"
#include "extension.h"

void test_broker_dialects (void);
void test_broker_commands (void);
void test_broker_workers (void);
void test_broker_dead_worker (void);
void test_broker_silent_worker (void);
void test_broker_drains (void);
void test_broker_pauses (void);
void test_broker_hostile_clients (void);
void test_broker_hostile_workers (void);
void test_broker_flood (void);
void test_broker_unread_replies (void);
void test_broker_starved (void);
void test_broker_stops (void);

#define TCP  "tcp://127.0.0.1:*"
#define CALL SELFTEST_DEADLINE

static const char *const s_quick[] = { "heartbeat", "50", NULL };

/*  Three workers at one backend, each spoken to in its own way.             */
void
test_broker_dialects (void)
{
    brokered_t broker;
    brokered_start (&broker, TCP, NULL);
    zsock_t *client = brokered_dealer (broker.frontend, "client");
    zsock_t *bytes = brokered_dealer (broker.backend, "bytes");
    zsock_t *own = brokered_dealer (broker.backend, "own");
    brokered_send (bytes, "\001", NULL);
    CHECK_EVENTUALLY (brokered_stat (&broker, "workers") == 1);
    brokered_register (own, "own", 1);
    brokered_send (client, "", "one", NULL);
    brokered_expect (bytes, "client", "", "one", NULL);
    brokered_send (client, "", "two", NULL);
    zmsg_t *request = brokered_take (own, "own");
    CHECK_INT (zmsg_size (request), 4);
    CHECK_INT (zmsg_send (&request, own), 0);
    brokered_expect (client, "", "two", NULL);
    brokered_send (bytes, "client", "", "eno", NULL);
    brokered_expect (client, "", "eno", NULL);
    zsock_destroy (&client);
    zsock_destroy (&bytes);
    zsock_destroy (&own);
    brokered_stop (&broker);
}

static int
s_command (brokered_t *self, const char *a, const char *b, const char *c)
{
    return dividere_call (self->actor, NULL, CALL, a, b, c, NULL);
}

void
test_broker_commands (void)
{
    brokered_t broker = { zactor_new (dividere_broker, (void *) "four"), 0 };
    CHECK_FAILS (s_command (&broker, "SET", "heartbeat", "0"), EINVAL);
    CHECK_FAILS (s_command (&broker, "SET", "heartbeat", "-5"), EINVAL);
    CHECK_FAILS (s_command (&broker, "SET", "heartbeat", "5x"), EINVAL);
    CHECK_FAILS (s_command (&broker, "SET", "requeues", "201"), EINVAL);
    CHECK_FAILS (s_command (&broker, "SET", "nothing", "1"), ENOENT);
    CHECK_FAILS (s_command (&broker, "SET", "heartbeat", NULL), EINVAL);
    CHECK_INT (s_command (&broker, "SET", "hwm", "100"), 0);
    CHECK_INT (s_command (&broker, "SET", "pending_max", "0"), 0);
    CHECK_FAILS (s_command (&broker, "BIND", "middle", TCP), EINVAL);
    CHECK_FAILS (s_command (&broker, "BIND", "frontend", "nonsense"), EINVAL);
    CHECK_FAILS (s_command (&broker, "BIND", "frontend", "udp://1.1.1.1:1"),
                 EPROTONOSUPPORT);
    CHECK_FAILS (s_command (&broker, "BIND", "frontend", "@" TCP), EINVAL);
    CHECK_FAILS (s_command (&broker, "BIND", "frontend", "tcp://1.2.3.4:1"),
                 EADDRNOTAVAIL);
    CHECK_INT (s_command (&broker, "SET", "hwm", "200"), 0);
    CHECK_INT (s_command (&broker, "BIND", "frontend", TCP), 0);
    CHECK_FAILS (s_command (&broker, "SET", "hwm", "300"), EBUSY);
    CHECK_INT (s_command (&broker, "CONNECT", "backend", "tcp://127.0.0.1:1"),
               0);
    CHECK_FAILS (s_command (&broker, "DRAIN", "nobody", NULL), ENOENT);
    CHECK_FAILS (s_command (&broker, "DRAIN", "0xzz", NULL), ENOENT);
    CHECK_FAILS (s_command (&broker, "FLY", NULL, NULL), ENOSYS);
    CHECK_INT (s_command (&broker, "PAUSE", NULL, NULL), 0);
    CHECK_INT (s_command (&broker, "RESUME", NULL, NULL), 0);
    CHECK_INT (s_command (&broker, "DRAIN", NULL, NULL), 0);
    CHECK_FAILS (s_command (&broker, "DRAIN", NULL, NULL), EALREADY);
    CHECK_INT (brokered_stat (&broker, "pending"), 0);
    CHECK_INT (brokered_stat (&broker, "latency_count"), 0);
    brokered_stop (&broker);
}

static void
s_expect_row (zmsg_t *reply, const char *const *row)
{
    for (; *row; row++) {
        char *text = zmsg_popstr (reply);
        CHECK_STR (text, *row);
        freen (text);
    }
}

void
test_broker_workers (void)
{
    brokered_t broker;
    brokered_start (&broker, TCP, NULL);
    zsock_t *client = brokered_dealer (broker.frontend, "client");
    zsock_t *own = brokered_dealer (broker.backend, "own");
    brokered_register (own, "own", 7);
    zsock_t *binary = brokered_dealer (broker.backend, "\xff\x01");
    brokered_send (binary, "\001", NULL);
    CHECK_EVENTUALLY (brokered_stat (&broker, "workers") == 2);
    brokered_ask (client, 1, "hello");
    zmsg_t *request = brokered_take (own, "own");
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (broker.actor, &reply, CALL, "WORKERS", NULL), 0);
    const char *const rows[] = { "own", "",      "c",     "ready", "7",
                                 "1",   "1",     "0",     "0",     "0xff01",
                                 "",    "bytes", "ready", "1",     "0",
                                 "0",   "0",     "0",     NULL };
    s_expect_row (reply, rows);
    CHECK_INT (zmsg_size (reply), 0);
    zmsg_destroy (&reply);
    CHECK_INT (dividere_call (broker.actor, &reply, CALL, "SERVICES", NULL), 0);
    const char *const services[] = { "", "2", "0", "1", NULL };
    s_expect_row (reply, services);
    CHECK_INT (zmsg_size (reply), 0);
    zmsg_destroy (&reply);
    /* The name that WORKERS tells is the one that DRAIN takes.               */
    CHECK_INT (s_command (&broker, "DRAIN", "0xff01", NULL), 0);
    CHECK_INT (s_command (&broker, "DRAIN", "own", NULL), 0);
    CHECK_INT (brokered_stat (&broker, "ready"), 0);
    CHECK_INT (zmsg_send (&request, own), 0);
    CHECK_INT (brokered_answer (client, 1, "hello"), DIVIDERE_STATUS_OK);
    CHECK_INT (brokered_stat (&broker, "latency_count"), 1);
    zsock_destroy (&client);
    zsock_destroy (&own);
    zsock_destroy (&binary);
    brokered_stop (&broker);
}

/*  Its socket is gone in the midst of a request: another worker gets that.  */
void
test_broker_dead_worker (void)
{
    brokered_t broker;
    brokered_start (&broker, TCP, s_quick);
    zsock_t *client = brokered_dealer (broker.frontend, "client");
    zsock_t *first = brokered_dealer (broker.backend, "first");
    brokered_register (first, "first", 2);
    brokered_ask (client, 1, "one");
    brokered_ask (client, 2, "two");
    zmsg_t *request = brokered_take (first, "first");
    zmsg_destroy (&request);
    zsock_destroy (&first);
    zsock_t *second = brokered_dealer (broker.backend, "second");
    brokered_register (second, "second", 1);
    for (uint64_t i = 1; i <= 2; i++) {
        request = brokered_take (second, "second");
        CHECK_INT (zmsg_send (&request, second), 0);
        CHECK_INT (brokered_answer (client, i, i == 1 ? "one" : "two"), 0);
    }
    CHECK_INT (brokered_stat (&broker, "workers_lost"), 1);
    CHECK_INT (brokered_stat (&broker, "requeued"), 2);
    CHECK_INT (brokered_stat (&broker, "in_flight"), 0);
    zsock_destroy (&client);
    zsock_destroy (&second);
    brokered_stop (&broker);
}

/*  It is connected and says nothing.                                        */
void
test_broker_silent_worker (void)
{
    brokered_t broker;
    const char *const settings[] = { "heartbeat", "20", "requeues", "0", NULL };
    brokered_start (&broker, TCP, settings);
    zsock_t *client = brokered_dealer (broker.frontend, "client");
    zsock_t *worker = brokered_dealer (broker.backend, "worker");
    brokered_register (worker, "worker", 1);
    brokered_ask (client, 1, "one");
    CHECK_INT (brokered_answer (client, 1, NULL), DIVIDERE_STATUS_WORKER_LOST);
    CHECK_INT (brokered_stat (&broker, "workers"), 0);
    /* Nobody is left: the next one waits, for as long as it may.            */
    brokered_set (&broker, "pending_age", "10");
    brokered_ask (client, 2, "two");
    CHECK_INT (brokered_answer (client, 2, NULL), DIVIDERE_STATUS_NO_WORKER);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    brokered_stop (&broker);
}

void
test_broker_drains (void)
{
    brokered_t broker;
    brokered_start (&broker, TCP, NULL);
    zsock_t *client = brokered_dealer (broker.frontend, "client");
    zsock_t *worker = brokered_dealer (broker.backend, "worker");
    brokered_register (worker, "worker", 1);
    brokered_ask (client, 1, "one");
    brokered_ask (client, 2, "two");
    zmsg_t *request = brokered_take (worker, "worker");
    CHECK_EVENTUALLY (brokered_stat (&broker, "pending") == 1);
    CHECK_INT (zstr_sendx (broker.actor, "DRAIN", NULL), 0);
    brokered_ask (client, 3, "three");
    CHECK_INT (brokered_answer (client, 3, NULL), DIVIDERE_STATUS_BUSY);
    CHECK_INT (zmsg_send (&request, worker), 0);
    CHECK_INT (brokered_answer (client, 1, "one"), 0);
    request = brokered_take (worker, "worker");
    CHECK_INT (zmsg_send (&request, worker), 0);
    CHECK_INT (brokered_answer (client, 2, "two"), 0);
    char *status = zstr_recv (broker.actor);
    CHECK_STR (status, "0");
    freen (status);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    brokered_stop (&broker);
}

void
test_broker_pauses (void)
{
    brokered_t broker;
    brokered_start (&broker, TCP, NULL);
    zsock_t *client = brokered_dealer (broker.frontend, "client");
    zsock_t *worker = brokered_dealer (broker.backend, "worker");
    brokered_register (worker, "worker", 9);
    brokered_ask (client, 1, "one");
    zmsg_t *request = brokered_take (worker, "worker");
    CHECK_INT (s_command (&broker, "PAUSE", NULL, NULL), 0);
    brokered_ask (client, 2, "two");
    /* Replies go on.                                                        */
    CHECK_INT (zmsg_send (&request, worker), 0);
    CHECK_INT (brokered_answer (client, 1, "one"), 0);
    CHECK_INT (brokered_stat (&broker, "handed"), 1);
    CHECK_INT (s_command (&broker, "RESUME", NULL, NULL), 0);
    request = brokered_take (worker, "worker");
    CHECK_INT (zmsg_send (&request, worker), 0);
    CHECK_INT (brokered_answer (client, 2, "two"), 0);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    brokered_stop (&broker);
}

/*  Frames of a size, all the same.                                          */
static void
s_send_many (zsock_t *sock, size_t count, size_t size)
{
    zmsg_t *message = zmsg_new ();
    char *bytes = (char *) malloc (size + 1);
    memset (bytes, 'x', size + 1);
    for (size_t i = 0; i < count; i++)
        zmsg_addmem (message, bytes, size);
    free (bytes);
    CHECK_INT (zmsg_send (&message, sock), 0);
}

/*  Whatever they send, the next good request is answered.                   */
static void
s_check_alive (brokered_t *broker, zsock_t *client, zsock_t *worker,
               uint64_t number)
{
    brokered_ask (client, number, "alive?");
    zmsg_t *request;
    bool asked = false;
    while (!asked) {
        request = brokered_take (worker, "good");
        asked = zframe_streq (zmsg_last (request), "alive?");
        CHECK_INT (zmsg_send (&request, worker), 0);
    }
    CHECK_INT (brokered_answer (client, number, "alive?"), 0);
}

void
test_broker_hostile_clients (void)
{
    brokered_t broker;
    brokered_start (&broker, TCP, NULL);
    zsock_t *client = brokered_dealer (broker.frontend, "client");
    zsock_t *worker = brokered_dealer (broker.backend, "good");
    zsock_t *hostile = brokered_dealer (broker.frontend, "hostile");
    brokered_register (worker, "good", 100);
    s_send_many (hostile, 1, 0);
    s_send_many (hostile, 2, 0);
    s_send_many (hostile, 19, 1); /* as many as a message may have, too many */
                                  /* for a route                             */
    s_send_many (hostile, 1000, 1);
    s_send_many (hostile, 4, 4000);
    brokered_send (hostile, "\002", NULL);
    dividere_heartbeat_t heartbeat = {
        .id = "good", .id_size = 4, .version = 1, .draining = true
    };
    zmq_msg_t frame;
    dividere_heartbeat_encode (&heartbeat, NULL, &frame);
    CHECK (zmq_msg_send (&frame, zsock_resolve (hostile), 0) > 0);
    brokered_ask (hostile, 8, "a good one");
    s_check_alive (&broker, client, worker, 9);
    CHECK_INT (brokered_stat (&broker, "frontend_malformed"), 3);
    CHECK_INT (brokered_stat (&broker, "workers"), 1);
    zsock_destroy (&client);
    zsock_destroy (&hostile);
    zsock_destroy (&worker);
    brokered_stop (&broker);
}

static void
s_send_forged (zsock_t *sock, const char *name, const char *service)
{
    dividere_heartbeat_t heartbeat = { .id = name,
                                       .id_size = strlen (name),
                                       .version = 1,
                                       .credit = UINT32_MAX,
                                       .parallel = UINT32_MAX,
                                       .service = service,
                                       .service_size = strlen (service),
                                       .fresh = true };
    zmq_msg_t frame;
    dividere_heartbeat_encode (&heartbeat, NULL, &frame);
    CHECK (zmq_msg_send (&frame, zsock_resolve (sock), 0) > 0);
}

void
test_broker_hostile_workers (void)
{
    brokered_t broker;
    brokered_start (&broker, TCP, NULL);
    zsock_t *client = brokered_dealer (broker.frontend, "client");
    zsock_t *worker = brokered_dealer (broker.backend, "good");
    zsock_t *hostile = brokered_dealer (broker.backend, "hostile");
    brokered_register (worker, "good", 100);
    s_send_many (hostile, 1, 0);
    s_send_many (hostile, 1, 100);
    s_send_many (hostile, 1, (16 << 20) - 1);
    s_send_many (hostile, 1000, 1);
    s_send_forged (hostile, "good", "");
    brokered_send (hostile, "\003", NULL);
    CHECK_EVENTUALLY (brokered_stat (&broker, "backend_malformed") == 6);
    CHECK_INT (brokered_stat (&broker, "workers"), 1);
    brokered_send (hostile, "client", "", "nobody asked", NULL);
    brokered_send (hostile, "", NULL, NULL);
    s_send_many (hostile, 5, 0);
    CHECK_EVENTUALLY (brokered_stat (&broker, "stray") == 2);
    /* It registers with all it can ask for, and then in another dialect.    */
    s_send_forged (hostile, "hostile", "elsewhere");
    brokered_send (hostile, "\002", NULL);
    CHECK_EVENTUALLY (brokered_stat (&broker, "backend_malformed") == 8);
    CHECK_INT (brokered_stat (&broker, "workers"), 2);
    s_check_alive (&broker, client, worker, 9);
    zsock_destroy (&client);
    zsock_destroy (&hostile);
    zsock_destroy (&worker);
    brokered_stop (&broker);
}

/*  Without workers: what is too much is refused at once, and that is told.  */
void
test_broker_flood (void)
{
    brokered_t broker;
    const char *const settings[] = { "bytes_max", "1000000", NULL };
    brokered_start (&broker, TCP, settings);
    zsock_t *client = brokered_dealer (broker.frontend, "client");
    const size_t size = 10000, count = 500;
    char *payload = (char *) malloc (size + 1);
    memset (payload, 'x', size);
    payload[size] = 0;
    for (uint64_t i = 1; i <= count; i++)
        brokered_ask (client, i, payload);
    uint64_t kept = 0;
    /* The first that is refused tells how many are kept.                     */
    CHECK_EVENTUALLY (brokered_stat (&broker, "received") == count);
    kept = brokered_stat (&broker, "pending");
    CHECK (kept > 90 && kept < 100);
    CHECK (brokered_stat (&broker, "bytes") <= 1000000);
    for (uint64_t i = kept + 1; i <= count; i++)
        CHECK_INT (brokered_answer (client, i, NULL), DIVIDERE_STATUS_BUSY);
    free (payload);
    zsock_destroy (&client);
    brokered_stop (&broker);
}

/*  A client that reads nothing costs the others nothing.                    */
void
test_broker_unread_replies (void)
{
    brokered_t broker;
    const char *const settings[] = { "hwm", "10", "reply_bytes", "1000000",
                                     NULL };
    brokered_start (&broker, TCP, settings);
    zsock_t *client = brokered_dealer (broker.frontend, "client");
    zsock_t *worker = brokered_dealer (broker.backend, "good");
    zsock_t *deaf = zsock_new (ZMQ_DEALER);
    zsock_set_rcvhwm (deaf, 1);
    zsock_set_sndtimeo (deaf, SELFTEST_DEADLINE);
    CHECK_INT (zsock_connect (deaf, "%s", broker.frontend), 0);
    char *payload = (char *) malloc (100001);
    memset (payload, 'x', 100000);
    payload[100000] = 0;
    brokered_register (worker, "good", 1);
    for (uint64_t i = 1; brokered_stat (&broker, "overflowed") == 0; i++) {
        brokered_ask (deaf, i, payload);
        zmsg_t *request = brokered_take (worker, "good");
        CHECK_INT (zmsg_send (&request, worker), 0);
        CHECK (i < 10000);
    }
    CHECK (brokered_stat (&broker, "waiting") > 0);
    s_check_alive (&broker, client, worker, 1);
    /* It reads: what was kept comes, in order.                              */
    zsock_set_rcvtimeo (deaf, SELFTEST_DEADLINE);
    CHECK_INT (brokered_answer (deaf, 1, payload), 0);
    CHECK_INT (brokered_answer (deaf, 2, payload), 0);
    free (payload);
    zsock_destroy (&client);
    zsock_destroy (&deaf);
    zsock_destroy (&worker);
    brokered_stop (&broker);
}

/*  A worker that never answers has what it has, and no more.                */
void
test_broker_starved (void)
{
    brokered_t broker;
    brokered_start (&broker, TCP, NULL);
    zsock_t *client = brokered_dealer (broker.frontend, "client");
    zsock_t *never = brokered_dealer (broker.backend, "never");
    zsock_t *worker = brokered_dealer (broker.backend, "good");
    brokered_send (never, "\001", NULL);
    CHECK_EVENTUALLY (brokered_stat (&broker, "workers") == 1);
    brokered_ask (client, 1, "stuck");
    CHECK_EVENTUALLY (brokered_stat (&broker, "in_flight") == 1);
    brokered_register (worker, "good", 1);
    for (uint64_t i = 2; i < 50; i++)
        s_check_alive (&broker, client, worker, i);
    zsock_destroy (&client);
    zsock_destroy (&never);
    zsock_destroy (&worker);
    brokered_stop (&broker);
}

/*  Whoever waits for something is told when the broker stops.               */
void
test_broker_stops (void)
{
    brokered_t broker;
    brokered_start (&broker, TCP, NULL);
    zsock_t *client = brokered_dealer (broker.frontend, "client");
    zsock_t *worker = brokered_dealer (broker.backend, "good");
    brokered_register (worker, "good", 1);
    brokered_ask (client, 1, "handed");
    zmsg_t *request = brokered_take (worker, "good");
    brokered_ask (client, 2, "waits");
    CHECK_EVENTUALLY (brokered_stat (&broker, "pending") == 1);
    brokered_stop (&broker);
    int statuses[2];
    for (int i = 0; i < 2; i++) {
        zmsg_t *answer = zmsg_recv (client);
        CHECK (answer);
        dividere_extension_t extension;
        zframe_t *frame = zmsg_first (answer);
        CHECK (dividere_extension_parse (zframe_data (frame),
                                         zframe_size (frame), &extension));
        CHECK (extension.id.number == 1 || extension.id.number == 2);
        statuses[extension.id.number - 1] = extension.status;
        zmsg_destroy (&answer);
    }
    CHECK_INT (statuses[0], DIVIDERE_STATUS_WORKER_LOST);
    CHECK_INT (statuses[1], DIVIDERE_STATUS_BUSY);
    zmsg_destroy (&request);
    zsock_destroy (&client);
    zsock_destroy (&worker);
}
