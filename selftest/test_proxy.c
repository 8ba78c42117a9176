/* SPDX-License-Identifier: Apache-2.0 */

/*  The proxy between raw sockets: nothing lost, nothing reordered, and no peer
 *  that stops the others.                                                   */

#include "selftest.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <czmq.h>
#include <dividere.h>

void test_proxy_commands (void);
void test_proxy_request_reply (void);
void test_proxy_no_worker (void);
void test_proxy_stuck_client (void);
void test_proxy_stuck_for_long (void);
void test_proxy_gone_client (void);
void test_proxy_returning_client (void);
void test_proxy_pause (void);
void test_proxy_capture (void);
void test_proxy_hostile (void);
void test_proxy_publish (void);
void test_proxy_slow_subscriber (void);
void test_proxy_pipeline (void);
void test_proxy_volume (void);
void test_proxy_failed_bind (void);
void test_proxy_dying_workers (void);
void test_proxy_bad_subscriptions (void);
void test_proxy_flood_and_backlog (void);
void test_proxy_many_stuck (void);
void test_proxy_capture_held (void);

typedef struct {
    zactor_t *actor;
    char *frontend;
    char *backend;
} proxy_t;

static void
s_set (proxy_t *proxy, const char *name, const char *value)
{
    CHECK_INT (dividere_call (proxy->actor, NULL, -1, "SET", name, value, NULL),
               0);
}

static char *
s_bind (proxy_t *proxy, const char *side)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (proxy->actor, &reply, -1, "BIND", side,
                              "tcp://127.0.0.1:*", NULL),
               0);
    char *endpoint = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return endpoint;
}

static proxy_t
s_proxy_new (const char *pattern, const char *hwm)
{
    proxy_t proxy = { zactor_new (dividere_proxy, NULL), NULL, NULL };
    s_set (&proxy, "pattern", pattern);
    s_set (&proxy, "hwm", hwm);
    proxy.frontend = s_bind (&proxy, "frontend");
    proxy.backend = s_bind (&proxy, "backend");
    return proxy;
}

static void
s_proxy_stop (proxy_t *proxy)
{
    CHECK_INT (dividere_stop (&proxy->actor, SELFTEST_DEADLINE), 0);
    free (proxy->frontend);
    free (proxy->backend);
}

static uint64_t
s_stat (proxy_t *proxy, const char *name)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (proxy->actor, &reply, -1, "STATS", NULL), 0);
    char *key;
    uint64_t value = UINT64_MAX;
    while ((key = zmsg_popstr (reply))) {
        char *text = zmsg_popstr (reply);
        if (streq (key, name))
            value = strtoull (text, NULL, 10);
        free (key);
        free (text);
    }
    zmsg_destroy (&reply);
    CHECK (value != UINT64_MAX);
    return value;
}

/*  A raw socket that waits no longer than a test may.                       */
static zsock_t *
s_socket (int type, const char *endpoint, const char *identity, int hwm)
{
    zsock_t *sock = zsock_new (type);
    zsock_set_sndhwm (sock, hwm);
    zsock_set_rcvhwm (sock, hwm);
    zsock_set_rcvtimeo (sock, SELFTEST_DEADLINE);
    zsock_set_sndtimeo (sock, SELFTEST_DEADLINE);
    if (identity)
        zsock_set_identity (sock, identity);
    if (type == ZMQ_SUB)
        zsock_set_subscribe (sock, "");
    CHECK_INT (zsock_connect (sock, "%s", endpoint), 0);
    return sock;
}

static void
s_send_number (zsock_t *sock, uint32_t number, size_t size)
{
    zmq_msg_t frame;
    zmq_msg_init_size (&frame, size);
    memset (zmq_msg_data (&frame), 0, size);
    memcpy (zmq_msg_data (&frame), &number, sizeof (number));
    CHECK (zmq_msg_send (&frame, zsock_resolve (sock), 0) >= 0);
}

/*  The number in the one frame of a message; UINT32_MAX if none comes.      */
static uint32_t
s_recv_number (zsock_t *sock, int flags)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    uint32_t number = UINT32_MAX;
    if (zmq_msg_recv (&frame, zsock_resolve (sock), flags) >= 0) {
        CHECK (!zmq_msg_more (&frame));
        CHECK (zmq_msg_size (&frame) >= sizeof (number));
        memcpy (&number, zmq_msg_data (&frame), sizeof (number));
    }
    zmq_msg_close (&frame);
    return number;
}

/*  Sends back what it receives, all frames.                                 */
static size_t
s_echo (zsock_t *worker, int flags)
{
    size_t count = 0;
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    while (zmq_msg_recv (&frame, zsock_resolve (worker), flags) >= 0) {
        bool more = zmq_msg_more (&frame);
        CHECK (zmq_msg_send (&frame, zsock_resolve (worker),
                             more ? ZMQ_SNDMORE : 0) >= 0);
        if (!more) {
            count++;
            if (!(flags & ZMQ_DONTWAIT))
                break;
        }
    }
    zmq_msg_close (&frame);
    return count;
}

void
test_proxy_commands (void)
{
    proxy_t proxy = { zactor_new (dividere_proxy, (void *) "front"), NULL,
                      NULL };
    zactor_t *actor = proxy.actor;
    CHECK_FAILS (dividere_call (actor, NULL, -1, "BIND", "frontend", NULL),
                 EINVAL);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "BIND", "middle",
                                "tcp://127.0.0.1:*", NULL),
                 EINVAL);
    static const char *const bad[] = { "",
                                       "tcp://",
                                       "nonsense",
                                       "tcp://127.0.0.1:99999",
                                       ">tcp://127.0.0.1:*",
                                       "tcp://%s:%n",
                                       "tcp://127.0.0.1:*,tcp://127.0.0.1:*" };
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++)
        CHECK_FAILS (dividere_call (actor, NULL, -1, "BIND", "frontend", bad[i],
                                    NULL),
                     EINVAL);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "BIND", "backend",
                                "udp://127.0.0.1:5555", NULL),
                 EPROTONOSUPPORT);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "CONNECT", "backend",
                                "tcp://127.0.0.1:*", NULL),
                 EINVAL);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "SET", "pattern", "star",
                                NULL),
                 EINVAL);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "SET", "colour", "1", NULL),
                 ENOENT);
    static const char *const numbers[] = { "", "0", "-1", "1x", "99999999999" };
    for (size_t i = 0; i < sizeof (numbers) / sizeof (numbers[0]); i++)
        CHECK_FAILS (dividere_call (actor, NULL, -1, "SET", "hwm", numbers[i],
                                    NULL),
                     EINVAL);
    s_set (&proxy, "pattern", "pull-push");
    s_set (&proxy, "pattern", "router-dealer");
    proxy.frontend = s_bind (&proxy, "frontend");
    CHECK_FAILS (dividere_call (actor, NULL, -1, "SET", "pattern", "pull-push",
                                NULL),
                 EBUSY);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "BIND", "backend",
                                proxy.frontend, NULL),
                 EADDRINUSE);
    s_set (&proxy, "reply_age", "5");
    CHECK_FAILS (dividere_call (actor, NULL, -1, "CAPTURE", "x", NULL), EINVAL);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "CAPTURE", NULL), EINVAL);
    CHECK_INT (dividere_call (actor, NULL, -1, "CAPTURE", "", NULL), 0);
    CHECK_INT (dividere_call (actor, NULL, -1, "PAUSE", NULL), 0);
    CHECK_INT (dividere_call (actor, NULL, -1, "PAUSE", NULL), 0);
    CHECK_INT (dividere_call (actor, NULL, -1, "RESUME", NULL), 0);
    CHECK_INT (s_stat (&proxy, "frontend_received"), 0);
    s_proxy_stop (&proxy);
}

/*  Several endpoints on both sides, over all transports.                    */
void
test_proxy_request_reply (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "1000");
    const char *inproc = selftest_inproc (), *ipc = selftest_ipc ();
    CHECK_INT (dividere_call (proxy.actor, NULL, -1, "BIND", "frontend", inproc,
                              NULL),
               0);
    CHECK_INT (dividere_call (proxy.actor, NULL, -1, "BIND", "backend", ipc,
                              NULL),
               0);
    zsock_t *clients[] = { s_socket (ZMQ_REQ, proxy.frontend, NULL, 1000),
                           s_socket (ZMQ_REQ, inproc, NULL, 1000) };
    zsock_t *workers[] = { s_socket (ZMQ_REP, proxy.backend, NULL, 1000),
                           s_socket (ZMQ_REP, ipc, NULL, 1000) };
    for (uint32_t i = 0; i < 100; i++) {
        s_send_number (clients[i % 2], i, 4 + i % 7);
        zpoller_t *poller = zpoller_new (workers[0], workers[1], NULL);
        zsock_t *worker = (zsock_t *) zpoller_wait (poller, SELFTEST_DEADLINE);
        CHECK (worker);
        CHECK_INT (s_recv_number (worker, 0), i);
        s_send_number (worker, i * 3, 4);
        CHECK_INT (s_recv_number (clients[i % 2], 0), i * 3);
        zpoller_destroy (&poller);
    }
    CHECK_INT (s_stat (&proxy, "frontend_received"), 100);
    CHECK_INT (s_stat (&proxy, "backend_sent"), 100);
    CHECK_INT (s_stat (&proxy, "backend_received"), 100);
    CHECK_INT (s_stat (&proxy, "frontend_sent"), 100);
    for (int i = 0; i < 2; i++) {
        zsock_destroy (&clients[i]);
        zsock_destroy (&workers[i]);
    }
    s_proxy_stop (&proxy);
}

/*  Without a worker requests wait, in the client in the end; none is lost.  */
void
test_proxy_no_worker (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "10");
    zsock_t *client = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 10);
    zsock_set_sndtimeo (client, 0);
    size_t size = 100000;
    uint8_t *body = (uint8_t *) calloc (1, size);
    uint32_t sent = 0;
    int64_t end = selftest_now_ms () + SELFTEST_DEADLINE;
    /* Full is what stays full while the proxy has said that it has it all. */
    for (int full = 0; full < 20 && selftest_now_ms () < end;) {
        memcpy (body, &sent, sizeof (sent));
        if (zmq_send (zsock_resolve (client), body, size, ZMQ_DONTWAIT) >= 0) {
            sent++;
            full = 0;
            continue;
        }
        CHECK (s_stat (&proxy, "frontend_received") < 1000);
        selftest_pause ();
        full++;
    }
    free (body);
    CHECK (sent > 20);
    CHECK (s_stat (&proxy, "frontend_received") <= 1);
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 10);
    for (uint32_t i = 0; i < sent; i++) {
        zmsg_t *message = zmsg_recv (worker);
        CHECK (message);
        CHECK_INT (zmsg_size (message), 2);
        uint32_t number;
        memcpy (&number, zframe_data (zmsg_last (message)), sizeof (number));
        CHECK_INT (number, i);
        zmsg_destroy (&message);
    }
    CHECK_INT (s_stat (&proxy, "backend_sent"), sent);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    s_proxy_stop (&proxy);
}

#define CLIENTS 50

/*  One of 50 does not read: the others get all of theirs, and it gets, when it
 *  reads at last, an unbroken beginning of its own.                         */
void
test_proxy_stuck_client (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "10");
    s_set (&proxy, "reply_bytes", "200000");
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 100);
    zsock_t *clients[CLIENTS];
    uint32_t got[CLIENTS] = { 0 };
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 10);
    uint32_t rounds = 0;
    int64_t end = selftest_now_ms () + SELFTEST_DEADLINE;
    for (; s_stat (&proxy, "overflowed") < 3 && selftest_now_ms () < end;
         rounds++) {
        for (int i = 0; i < CLIENTS; i++)
            s_send_number (clients[i], rounds, i ? 20 : 100000);
        for (int i = 0; i < CLIENTS; i++)
            CHECK_INT (s_echo (worker, 0), 1);
        for (int i = 1; i < CLIENTS; i++)
            CHECK_INT (s_recv_number (clients[i], 0), got[i]++);
    }
    CHECK (s_stat (&proxy, "overflowed") >= 3);
    CHECK_INT (s_stat (&proxy, "waiting_clients"), 1);
    CHECK (s_stat (&proxy, "waiting_bytes") <= 200000);
    CHECK_EVENTUALLY (s_stat (&proxy, "backend_received") ==
                      (uint64_t) rounds * CLIENTS);
    uint64_t whole = rounds - s_stat (&proxy, "overflowed");
    while (got[0] < whole)
        CHECK_INT (s_recv_number (clients[0], 0), got[0]++);
    CHECK_EVENTUALLY (s_stat (&proxy, "waiting_clients") == 0);
    CHECK_INT (s_stat (&proxy, "frontend_sent"),
               (uint64_t) rounds * CLIENTS - s_stat (&proxy, "overflowed"));
    s_send_number (clients[0], 12345, 4);
    CHECK_INT (s_echo (worker, 0), 1);
    CHECK_INT (s_recv_number (clients[0], 0), 12345);
    for (int i = 0; i < CLIENTS; i++)
        zsock_destroy (&clients[i]);
    zsock_destroy (&worker);
    s_proxy_stop (&proxy);
}

/*  What waits for longer than reply_age is dropped and counted.             */
void
test_proxy_stuck_for_long (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "2");
    s_set (&proxy, "reply_age", "1");
    s_set (&proxy, "reply_bytes", "1000000000");
    s_set (&proxy, "reply_total", "1000000000");
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 100);
    zsock_t *client = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 2);
    uint32_t rounds = 0;
    int64_t end = selftest_now_ms () + SELFTEST_DEADLINE;
    for (; s_stat (&proxy, "reply_expired") < 3 && selftest_now_ms () < end;
         rounds++) {
        s_send_number (client, rounds, 100000);
        CHECK_INT (s_echo (worker, 0), 1);
    }
    CHECK (s_stat (&proxy, "reply_expired") >= 3);
    CHECK_EVENTUALLY (s_stat (&proxy, "waiting") == 0);
    CHECK_INT (s_stat (&proxy, "overflowed"), 0);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    s_proxy_stop (&proxy);
}

/*  Clients that vanish with replies under way, and one whose replies wait.  */
void
test_proxy_gone_client (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "2");
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 1000);
    for (int i = 0; i < 20; i++) {
        zsock_t *client = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 2);
        s_send_number (client, 1, 4);
        zmsg_t *request = zmsg_recv (worker);
        CHECK (request);
        zsock_destroy (&client);
        uint64_t before = s_stat (&proxy, "unroutable");
        int64_t end = selftest_now_ms () + SELFTEST_DEADLINE;
        while (s_stat (&proxy, "unroutable") == before &&
               selftest_now_ms () < end) {
            zmsg_t *reply = zmsg_dup (request);
            CHECK_INT (zmsg_send (&reply, worker), 0);
        }
        CHECK (s_stat (&proxy, "unroutable") > before);
        zmsg_destroy (&request);
    }
    zsock_t *client = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 2);
    for (uint32_t i = 0; s_stat (&proxy, "waiting") == 0; i++) {
        s_send_number (client, i, 100000);
        CHECK_INT (s_echo (worker, 0), 1);
    }
    uint64_t before = s_stat (&proxy, "unroutable");
    zsock_destroy (&client);
    CHECK_EVENTUALLY (s_stat (&proxy, "waiting") == 0);
    CHECK (s_stat (&proxy, "unroutable") > before);
    CHECK_INT (s_stat (&proxy, "waiting_bytes"), 0);
    zsock_destroy (&worker);
    s_proxy_stop (&proxy);
}

/*  A client that comes back under its name while the proxy still has its old
 *  connection, as when that broke without a word.                           */
void
test_proxy_returning_client (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "10");
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 1000);
    zsock_t *before = s_socket (ZMQ_DEALER, proxy.frontend, "client", 10);
    s_send_number (before, 1, 4);
    CHECK_INT (s_echo (worker, 0), 1);
    CHECK_INT (s_recv_number (before, 0), 1);
    zsock_t *after = s_socket (ZMQ_DEALER, proxy.frontend, "client", 10);
    s_send_number (after, 2, 4);
    CHECK_INT (s_echo (worker, 0), 1);
    CHECK_INT (s_recv_number (after, 0), 2);
    zsock_destroy (&before);
    zsock_destroy (&after);
    zsock_destroy (&worker);
    s_proxy_stop (&proxy);
}

/*  While paused nothing moves; afterwards all is there, in order.           */
void
test_proxy_pause (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "1000");
    zsock_t *client = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 1000);
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 1000);
    uint32_t sent = 0, got = 0;
    for (int round = 0; round < 20; round++) {
        CHECK_INT (dividere_call (proxy.actor, NULL, -1, "PAUSE", NULL), 0);
        uint64_t before = s_stat (&proxy, "frontend_received");
        for (int i = 0; i < 50; i++)
            s_send_number (client, sent++, 4);
        CHECK_INT (s_stat (&proxy, "frontend_received"), before);
        CHECK_INT (dividere_call (proxy.actor, NULL, -1, "RESUME", NULL), 0);
        for (int i = 0; i < 50; i++)
            CHECK_INT (s_echo (worker, 0), 1);
    }
    while (got < sent)
        CHECK_INT (s_recv_number (client, 0), got++);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    s_proxy_stop (&proxy);
}

static void
s_exchange (zsock_t *client, zsock_t *worker, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        s_send_number (client, i, 20);
        CHECK_INT (s_echo (worker, 0), 1);
        CHECK_INT (s_recv_number (client, 0), i);
    }
}

/*  Nobody reads the copies, somebody does, somebody who stopped; and an end. */
void
test_proxy_capture (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "10");
    zsock_t *client = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 10);
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 10);
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (proxy.actor, &reply, -1, "CAPTURE",
                              "@tcp://127.0.0.1:*", NULL),
               0);
    char *endpoint = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    s_exchange (client, worker, 50);
    CHECK_INT (s_stat (&proxy, "capture_dropped"), 100);
    CHECK_INT (s_stat (&proxy, "captured"), 0);
    zsock_t *reader = s_socket (ZMQ_PULL, endpoint, NULL, 10);
    while (s_stat (&proxy, "captured") == 0)
        s_exchange (client, worker, 1);
    zmsg_t *copy = zmsg_recv (reader);
    CHECK (copy);
    CHECK_INT (zmsg_size (copy), 2);
    CHECK_INT (zframe_size (zmsg_last (copy)), 20);
    zmsg_destroy (&copy);
    uint64_t dropped = s_stat (&proxy, "capture_dropped");
    int64_t end = selftest_now_ms () + SELFTEST_DEADLINE;
    while (s_stat (&proxy, "capture_dropped") < dropped + 10 &&
           selftest_now_ms () < end)
        s_exchange (client, worker, 1000);
    CHECK (s_stat (&proxy, "capture_dropped") >= dropped + 10);
    CHECK_INT (s_stat (&proxy, "frontend_received"),
               s_stat (&proxy, "frontend_sent"));
    CHECK_INT (dividere_call (proxy.actor, NULL, -1, "CAPTURE", "", NULL), 0);
    uint64_t captured = s_stat (&proxy, "captured");
    s_exchange (client, worker, 5);
    CHECK_INT (s_stat (&proxy, "captured"), captured);
    free (endpoint);
    zsock_destroy (&reader);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    s_proxy_stop (&proxy);
}

/*  A connection that says nothing, and one that says nonsense.              */
static int
s_half_open (const char *endpoint, const void *data, size_t size)
{
    const char *port = strrchr (endpoint, ':') + 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons ((uint16_t) strtoul (port, NULL, 10)),
        .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
    };
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK (fd >= 0);
    CHECK_INT (connect (fd, (struct sockaddr *) &address, sizeof (address)), 0);
    CHECK_INT (send (fd, data, size, MSG_NOSIGNAL), size);
    return fd;
}

/*  Whatever comes, the others are served, and what is dropped is counted.   */
void
test_proxy_hostile (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "1000");
    zsock_t *client = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 1000);
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 1000);
    int silent = s_half_open (proxy.frontend, "", 0);
    int nonsense = s_half_open (proxy.frontend, "GET / HTTP/1.1\r\n\r\n", 18);
    /* Replies of one frame, of no bytes, to nobody.                         */
    CHECK_INT (zstr_send (worker, "alone"), 0);
    CHECK_INT (zstr_send (worker, ""), 0);
    CHECK_INT (zstr_sendx (worker, "", "", NULL), 0);
    CHECK_INT (zstr_sendx (worker, "nobody", "x", NULL), 0);
    CHECK_EVENTUALLY (s_stat (&proxy, "malformed") == 2 &&
                      s_stat (&proxy, "unroutable") == 2);
    /* An empty request, and one of very many frames.                        */
    CHECK_INT (zstr_send (client, ""), 0);
    zmsg_t *request = zmsg_recv (worker);
    CHECK_INT (zmsg_size (request), 2);
    zmsg_destroy (&request);
    size_t count = selftest_scaled (100000);
    for (size_t i = 0; i < count; i++)
        CHECK (zmq_send (zsock_resolve (client), "x", 1,
                         i + 1 < count ? ZMQ_SNDMORE : 0) >= 0);
    s_send_number (client, 77, 4);
    request = zmsg_recv (worker);
    CHECK_INT (zmsg_size (request), count + 1);
    CHECK_INT (zmsg_send (&request, worker), 0);
    CHECK_INT (s_echo (worker, 0), 1);
    zmsg_t *reply = zmsg_recv (client);
    CHECK_INT (zmsg_size (reply), count);
    zmsg_destroy (&reply);
    CHECK_INT (s_recv_number (client, 0), 77);
    close (silent);
    close (nonsense);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    s_proxy_stop (&proxy);
}

/*  Subscriptions reach publishers, also one that comes later; what libzmq could
 *  not send on is refused.                                                  */
void
test_proxy_publish (void)
{
    proxy_t proxy = s_proxy_new ("xsub-xpub", "1000");
    zsock_t *subscriber = zsock_new (ZMQ_SUB);
    zsock_set_rcvtimeo (subscriber, SELFTEST_DEADLINE);
    zsock_set_subscribe (subscriber, "a");
    char topic[300];
    memset (topic, 'b', sizeof (topic));
    topic[245] = 0;
    zsock_set_subscribe (subscriber, topic);
    CHECK_INT (zsock_connect (subscriber, "%s", proxy.backend), 0);
    zsock_t *raw = s_socket (ZMQ_XSUB, proxy.backend, NULL, 1000);
    topic[0] = 1;
    topic[245] = 'b';
    CHECK_INT (zmq_send (zsock_resolve (raw), topic, 247, 0), 247);
    for (int i = 0; i < 2; i++) {
        zsock_t *publisher = s_socket (ZMQ_XPUB, proxy.frontend, NULL, 1000);
        char text[300] = "";
        /* Both topics, in any order.                                        */
        for (int j = 0; j < 2; j++) {
            CHECK (zmq_recv (zsock_resolve (publisher), text, sizeof (text),
                             0) >= 0);
            CHECK (text[1] == 'a' || text[1] == 'b');
        }
        CHECK_INT (zstr_sendx (publisher, "abc", "2", NULL), 0);
        CHECK_INT (zstr_send (publisher, "c"), 0);
        CHECK_INT (zstr_send (publisher, "az"), 0);
        zmsg_t *message = zmsg_recv (subscriber);
        CHECK_INT (zmsg_size (message), 2);
        zmsg_destroy (&message);
        char *last = zstr_recv (subscriber);
        CHECK_STR (last, "az");
        free (last);
        zsock_destroy (&publisher);
    }
    CHECK_INT (s_stat (&proxy, "frontend_received"), 4);
    CHECK_INT (s_stat (&proxy, "backend_received"), 3);
    CHECK_INT (s_stat (&proxy, "malformed"), 1);
    zsock_destroy (&raw);
    zsock_destroy (&subscriber);
    s_proxy_stop (&proxy);
}

/*  It misses messages, and only it; when it reads again it takes part again. */
void
test_proxy_slow_subscriber (void)
{
    proxy_t proxy = s_proxy_new ("xsub-xpub", "10");
    zsock_t *publisher = s_socket (ZMQ_XPUB, proxy.frontend, NULL, 1000);
    zsock_t *slow = s_socket (ZMQ_SUB, proxy.backend, NULL, 10);
    zsock_t *quick = s_socket (ZMQ_SUB, proxy.backend, NULL, 10);
    /* Of equal subscriptions only the first is passed on.                   */
    zsock_set_subscribe (quick, "q");
    for (int i = 0; i < 2; i++) {
        zmsg_t *subscription = zmsg_recv (publisher);
        CHECK (subscription);
        zmsg_destroy (&subscription);
    }
    uint32_t number = 0, got = 0, next, last = UINT32_MAX;
    for (int round = 0; round < 3; round++) {
        uint64_t before = s_stat (&proxy, "passed_over");
        int64_t end = selftest_now_ms () + SELFTEST_DEADLINE;
        while (s_stat (&proxy, "passed_over") == before &&
               selftest_now_ms () < end) {
            s_send_number (publisher, number, 100000);
            CHECK_INT (s_recv_number (quick, 0), number++);
        }
        CHECK (s_stat (&proxy, "passed_over") > before);
        /* It takes part again once it has read half of its queue.           */
        bool again = false;
        for (uint32_t limit = number; !again && selftest_now_ms () < end;) {
            while ((next = s_recv_number (slow, ZMQ_DONTWAIT)) != UINT32_MAX) {
                CHECK (last == UINT32_MAX || next > last);
                last = next;
                got++;
                again = last >= limit;
            }
            s_send_number (publisher, number, 100000);
            CHECK_INT (s_recv_number (quick, 0), number++);
        }
        CHECK (again);
    }
    CHECK (got < number);
    zsock_destroy (&slow);
    zsock_destroy (&quick);
    zsock_destroy (&publisher);
    s_proxy_stop (&proxy);
}

/*  A slow reader slows the sender down; nothing is lost.                    */
void
test_proxy_pipeline (void)
{
    proxy_t proxy = s_proxy_new ("pull-push", "10");
    zsock_t *push = s_socket (ZMQ_PUSH, proxy.frontend, NULL, 10);
    zsock_t *pull = s_socket (ZMQ_PULL, proxy.backend, NULL, 10);
    uint32_t sent = 0, got = 0, count = (uint32_t) selftest_scaled (20000);
    zsock_set_sndtimeo (push, 0);
    uint64_t random = 3;
    uint8_t body[2000] = { 0 };
    while (got < count) {
        memcpy (body, &sent, sizeof (sent));
        while (sent < count && zmq_send (zsock_resolve (push), body,
                                         sizeof (body), ZMQ_DONTWAIT) >= 0) {
            sent++;
            memcpy (body, &sent, sizeof (sent));
        }
        for (uint64_t n = selftest_random (&random) % 30; n && got < sent; n--)
            CHECK_INT (s_recv_number (pull, 0), got++);
    }
    CHECK_INT (s_stat (&proxy, "backend_sent"), count);
    zsock_destroy (&push);
    zsock_destroy (&pull);
    s_proxy_stop (&proxy);
}

#define VOLUME_PEERS 5

/*  Requests under pause and resume, a worker that is slow now and then, and
 *  small queues: every reply comes once, in order for each client.          */
void
test_proxy_volume (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "100");
    zsock_t *clients[VOLUME_PEERS];
    uint32_t sent[VOLUME_PEERS] = { 0 }, got[VOLUME_PEERS] = { 0 };
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 100);
    uint32_t count = (uint32_t) selftest_scaled (200000) / VOLUME_PEERS;
    for (int i = 0; i < VOLUME_PEERS; i++)
        clients[i] = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 100);
    uint64_t random = 1;
    int done = 0;
    for (uint64_t turn = 0; done < VOLUME_PEERS; turn++) {
        if (turn % 64 == 63)
            dividere_call (proxy.actor, NULL, -1,
                           selftest_random (&random) % 2 ? "PAUSE" : "RESUME",
                           NULL);
        if (turn % 64 == 0)
            dividere_call (proxy.actor, NULL, -1, "RESUME", NULL);
        for (int i = 0; i < VOLUME_PEERS; i++) {
            while (sent[i] < count && sent[i] - got[i] < 150 &&
                   zmq_send (zsock_resolve (clients[i]), &sent[i],
                             sizeof (sent[i]), ZMQ_DONTWAIT) >= 0)
                sent[i]++;
            uint32_t number;
            while ((number = s_recv_number (clients[i], ZMQ_DONTWAIT)) !=
                   UINT32_MAX) {
                CHECK_INT (number, got[i]);
                got[i]++;
                done += got[i] == count;
            }
        }
        if (selftest_random (&random) % 4)
            s_echo (worker, ZMQ_DONTWAIT);
    }
    CHECK_INT (s_stat (&proxy, "frontend_received"),
               (uint64_t) count * VOLUME_PEERS);
    CHECK_INT (s_stat (&proxy, "frontend_sent"),
               (uint64_t) count * VOLUME_PEERS);
    CHECK_INT (s_stat (&proxy, "waiting"), 0);
    for (int i = 0; i < VOLUME_PEERS; i++)
        zsock_destroy (&clients[i]);
    zsock_destroy (&worker);
    s_proxy_stop (&proxy);
}

/*  A bind that fails swallows nothing that clients have sent.               */
void
test_proxy_failed_bind (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "1000");
    zsock_t *client = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 1000);
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 1000);
    s_exchange (client, worker, 1);
    for (uint32_t i = 0; i < selftest_scaled (500); i++) {
        s_send_number (client, i, 4);
        CHECK_FAILS (dividere_call (proxy.actor, NULL, -1, "BIND", "frontend",
                                    proxy.backend, NULL),
                     EADDRINUSE);
        CHECK_INT (s_echo (worker, 0), 1);
        CHECK_INT (s_recv_number (client, 0), i);
    }
    zsock_destroy (&client);
    zsock_destroy (&worker);
    s_proxy_stop (&proxy);
}

#define DYING_FRAMES 10

/*  A worker that goes away in the midst of a message leaves no piece of it to
 *  another. The one before is gone by then: of three, libzmq 4.3.4 itself can
 *  mix up two when it learns within a message that one has left.            */
void
test_proxy_dying_workers (void)
{
    zactor_t *actor = zactor_new (dividere_proxy, NULL);
    const char *frontend = selftest_inproc (), *backend = selftest_inproc ();
    CHECK_INT (dividere_call (actor, NULL, -1, "BIND", "frontend", frontend,
                              NULL),
               0);
    CHECK_INT (dividere_call (actor, NULL, -1, "BIND", "backend", backend,
                              NULL),
               0);
    zsock_t *client = s_socket (ZMQ_DEALER, frontend, NULL, 1000);
    zsock_t *stays = s_socket (ZMQ_DEALER, backend, NULL, 1000);
    size_t fds = selftest_fds ();
    for (size_t i = 0; i < selftest_scaled (1500); i++) {
        CHECK_EVENTUALLY (selftest_fds () == fds);
        zsock_t *dies = s_socket (ZMQ_DEALER, backend, NULL, 1000);
        /* Once the first frame is taken, so are the others.                 */
        for (int j = 0; j < 20; j++)
            for (int k = 1; k <= DYING_FRAMES; k++)
                if (zmq_send (zsock_resolve (client), "x", 1,
                              k < DYING_FRAMES ? ZMQ_DONTWAIT | ZMQ_SNDMORE
                                               : ZMQ_DONTWAIT) < 0) {
                    CHECK_INT (k, 1);
                    break;
                }
        zsock_destroy (&dies);
        zsock_set_rcvtimeo (stays, 0);
        zmsg_t *message;
        while ((message = zmsg_recv (stays))) {
            CHECK_INT (zmsg_size (message), DYING_FRAMES + 1);
            zmsg_destroy (&message);
        }
    }
    zsock_destroy (&client);
    zsock_destroy (&stays);
    CHECK_INT (dividere_stop (&actor, SELFTEST_DEADLINE), 0);
}

/*  What is no subscription does not reach publishers, where it would be kept
 *  without a limit; one that is far too long ends the connection.           */
void
test_proxy_bad_subscriptions (void)
{
    proxy_t proxy = s_proxy_new ("xsub-xpub", "1000");
    zsock_t *raw = s_socket (ZMQ_XSUB, proxy.backend, NULL, 1000);
    zsock_t *publisher = s_socket (ZMQ_XPUB, proxy.frontend, NULL, 1000);
    CHECK_INT (zstr_send (raw, "hello"), 0);
    CHECK_INT (zstr_sendx (raw, "x", "\1two frames", NULL), 0);
    CHECK_INT (zstr_send (raw, ""), 0);
    CHECK_INT (zstr_send (raw, "\1good"), 0);
    char *text = zstr_recv (publisher);
    CHECK_STR (text, "\1good");
    free (text);
    CHECK_INT (s_stat (&proxy, "frontend_sent"), 1);
    CHECK (s_stat (&proxy, "malformed") >= 1);
    char *topic = (char *) malloc (1000000);
    memset (topic, 2, 1000000);
    CHECK (zmq_send (zsock_resolve (raw), topic, 1000000, 0) > 0);
    free (topic);
    CHECK_INT (zstr_send (raw, "\1after"), 0);
    /* It comes back by itself, with what it had subscribed.                 */
    zsock_t *other = s_socket (ZMQ_XSUB, proxy.backend, NULL, 1000);
    CHECK_INT (zstr_send (other, "\1last"), 0);
    do {
        text = zstr_recv (publisher);
        CHECK (text && strlen (text) < 10);
        bool last = streq (text, "\1last");
        free (text);
        if (last)
            break;
    }
    while (true);
    zsock_destroy (&other);
    zsock_destroy (&raw);
    zsock_destroy (&publisher);
    s_proxy_stop (&proxy);
}

/*  Sends, without room only as much as there is, and answers what arrives.  */
static void
s_flood (zsock_t *client, zsock_t *worker)
{
    for (int i = 0; i < 300; i++)
        zmq_send (zsock_resolve (client), "flood", 5, ZMQ_DONTWAIT);
    zmsg_t *message;
    while ((message = zmsg_recv (worker)))
        zmsg_destroy (&message);
}

/*  Replies that were kept for a client go out while another floods.         */
void
test_proxy_flood_and_backlog (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "1000");
    s_set (&proxy, "reply_age", "1000000");
    s_set (&proxy, "reply_bytes", "100000000");
    s_set (&proxy, "reply_total", "100000000");
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 1000);
    zsock_t *client = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 10);
    uint32_t count = 0, got = 0;
    while (s_stat (&proxy, "waiting") < 50) {
        s_send_number (client, count++, 20000);
        CHECK_INT (s_echo (worker, 0), 1);
    }
    zsock_t *flood = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 1000);
    zsock_set_rcvtimeo (worker, 0);
    int64_t end = selftest_now_ms () + SELFTEST_DEADLINE;
    while (got < count && selftest_now_ms () < end) {
        s_flood (flood, worker);
        uint32_t number;
        while ((number = s_recv_number (client, ZMQ_DONTWAIT)) != UINT32_MAX)
            CHECK_INT (number, got++);
    }
    CHECK_INT (got, count);
    zsock_destroy (&flood);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    s_proxy_stop (&proxy);
}

#define STUCK 200

/*  One that reads does not wait behind many that do not.                    */
void
test_proxy_many_stuck (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "1");
    s_set (&proxy, "reply_age", "1000000");
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 1000);
    const char *inproc = selftest_inproc ();
    CHECK_INT (dividere_call (proxy.actor, NULL, -1, "BIND", "frontend", inproc,
                              NULL),
               0);
    zsock_t *stuck[STUCK];
    for (int i = 0; i < STUCK; i++) {
        stuck[i] = s_socket (ZMQ_DEALER, inproc, NULL, 1);
        s_send_number (stuck[i], 0, 4);
        zmsg_t *request = zmsg_recv (worker);
        CHECK (request);
        for (int j = 0; j < 10; j++) {
            zmsg_t *reply = zmsg_dup (request);
            CHECK_INT (zmsg_send (&reply, worker), 0);
        }
        zmsg_destroy (&request);
    }
    CHECK_EVENTUALLY (s_stat (&proxy, "waiting_clients") == STUCK);
    zsock_t *client = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 1000);
    for (uint32_t i = 0; i < 20; i++) {
        s_send_number (client, i, 4);
        CHECK_INT (s_echo (worker, 0), 1);
    }
    for (uint32_t i = 0; i < 20; i++)
        CHECK_INT (s_recv_number (client, 0), i);
    zsock_destroy (&client);
    for (int i = 0; i < STUCK; i++)
        zsock_destroy (&stuck[i]);
    zsock_destroy (&worker);
    s_proxy_stop (&proxy);
}

/*  While a request is held for lack of room, replies are captured.          */
void
test_proxy_capture_held (void)
{
    proxy_t proxy = s_proxy_new ("router-dealer", "10");
    zsock_t *reader = zsock_new (ZMQ_PULL);
    zsock_set_rcvtimeo (reader, SELFTEST_DEADLINE);
    int port = zsock_bind (reader, "tcp://127.0.0.1:*");
    CHECK (port > 0);
    zsock_t *client = s_socket (ZMQ_DEALER, proxy.frontend, NULL, 10);
    zsock_t *worker = s_socket (ZMQ_DEALER, proxy.backend, NULL, 10);
    s_exchange (client, worker, 1);
    s_send_number (client, 0, 4);
    zmsg_t *request = zmsg_recv (worker);
    CHECK (request);
    CHECK_INT (dividere_call (proxy.actor, NULL, -1, "CAPTURE",
                              zsock_endpoint (reader), NULL),
               0);
    /* Until the worker's queue is full, and one is held.                    */
    char body[50000] = "";
    int64_t end = selftest_now_ms () + SELFTEST_DEADLINE;
    do
        zmq_send (zsock_resolve (client), body, sizeof (body), ZMQ_DONTWAIT);
    while (s_stat (&proxy, "frontend_received") ==
               s_stat (&proxy, "backend_sent") &&
           selftest_now_ms () < end);
    zframe_reset (zmsg_last (request), "reply", 5);
    /* A copy that finds no room is dropped: then another reply is sent.     */
    zsock_set_rcvtimeo (reader, 100);
    end = selftest_now_ms () + SELFTEST_DEADLINE;
    bool found = false;
    while (!found) {
        zmsg_t *reply = zmsg_dup (request), *copy;
        CHECK_INT (zmsg_send (&reply, worker), 0);
        while (!found && (copy = zmsg_recv (reader))) {
            found = zframe_streq (zmsg_last (copy), "reply");
            zmsg_destroy (&copy);
        }
        CHECK (found || selftest_now_ms () < end);
    }
    zmsg_destroy (&request);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    zsock_destroy (&reader);
    s_proxy_stop (&proxy);
}
