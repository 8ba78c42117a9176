/* SPDX-License-Identifier: Apache-2.0 */

/*  Connectors with bytes: every kind over every transport, who binds, whose
 *  turn it is, what happens at limits.                                       */

#include "selftest.h"
#include <unistd.h>
#include <czmq.h>
#include <dividere.h>

void test_connector_kinds (void);
void test_connector_roles (void);
void test_connector_errors (void);
void test_connector_turns (void);
void test_connector_stale_reply (void);
void test_connector_dealer_routes (void);
void test_connector_options (void);
void test_connector_ipc_taken (void);
void test_publisher_wait (void);
void test_publisher_overflow (void);
void test_subscriber_topics (void);
void test_subscriber_keep_last (void);
void test_connector_await (void);
void test_connector_linger (void);
void test_connector_context_closed (void);
void test_connector_timed_send (void);
void test_connector_second_answer (void);
void test_connector_abandon (void);
void test_connector_later_endpoint (void);
void test_connector_returning_peer (void);
void test_subscriber_many_topics (void);
void test_subscriber_keep_last_frames (void);

static void
s_expect (dividere_connector_t *connector, const char *text)
{
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_connector_recv_into (connector, message,
                                             SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_message_size (message), strlen (text));
    CHECK_INT (memcmp (dividere_message_data (message), text, strlen (text)),
               0);
    dividere_message_destroy (&message);
}

static void
s_send (dividere_connector_t *connector, const char *text)
{
    CHECK_INT (dividere_connector_send (connector, text, strlen (text)), 0);
}

static void
s_check_publish (const char *endpoint)
{
    dividere_connector_t *out = dividere_publisher_new (endpoint, NULL);
    CHECK (out);
    dividere_connector_t *in =
        dividere_subscriber_new (dividere_connector_endpoint (out), NULL);
    CHECK (in);
    CHECK_INT (dividere_connector_subscribe (in, "a", 1), 0);
    CHECK_INT (dividere_connector_wait_subscribers (out, "abc", 3, 1,
                                                    SELFTEST_DEADLINE),
               0);
    s_send (out, "not wanted");
    s_send (out, "abc");
    s_send (out, "a");
    s_expect (in, "abc");
    s_expect (in, "a");
    dividere_connector_stats_t stats;
    dividere_connector_stats (out, &stats);
    CHECK_INT (stats.sent, 3);
    CHECK_INT (stats.subscribers, 1);
    dividere_connector_stats (in, &stats);
    CHECK_INT (stats.received, 2);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
    CHECK (!out);
    dividere_connector_destroy (&out);
}

static void
s_check_request (const char *endpoint)
{
    dividere_connector_t *response = dividere_response_new (endpoint, NULL);
    CHECK (response);
    dividere_connector_t *request =
        dividere_request_new (dividere_connector_endpoint (response), NULL);
    CHECK (request);
    for (int i = 0; i < 3; i++) {
        s_send (request, "question");
        CHECK_INT (dividere_connector_wait (response, SELFTEST_DEADLINE), 0);
        s_expect (response, "question");
        s_send (response, "answer");
        s_expect (request, "answer");
    }
    dividere_connector_destroy (&request);
    dividere_connector_destroy (&response);
}

static void
s_check_dealers (const char *endpoint)
{
    dividere_connector_t *left = dividere_dealer_new (endpoint, NULL);
    CHECK (left);
    dividere_connector_t *right =
        dividere_dealer_new (dividere_connector_endpoint (left), NULL);
    CHECK (right);
    s_send (right, "1");
    s_send (left, "2");
    s_send (right, "");
    s_expect (left, "1");
    s_expect (right, "2");
    s_expect (left, "");
    dividere_connector_destroy (&right);
    dividere_connector_destroy (&left);
}

/*  A fresh endpoint to bind for each: a closed one may be taken for a moment.*/
static const char *
s_bound (int transport)
{
    static char endpoint[300];
    snprintf (endpoint, sizeof (endpoint), "@%s",
              transport == 0   ? "tcp://127.0.0.1:*"
              : transport == 1 ? selftest_ipc ()
                               : selftest_inproc ());
    selftest_note ("%s", endpoint);
    return endpoint;
}

void
test_connector_kinds (void)
{
    for (int transport = 0; transport < 3; transport++) {
        s_check_publish (s_bound (transport));
        s_check_request (s_bound (transport));
        s_check_dealers (s_bound (transport));
    }
}

/*  Without "@" or ">" the kind decides; several endpoints; later ones.      */
void
test_connector_roles (void)
{
    dividere_connector_t *out =
        dividere_publisher_new ("tcp://127.0.0.1:*, tcp://127.0.0.1:*", NULL);
    CHECK (out);
    const char *all = dividere_connector_endpoints (out);
    CHECK (all[0] == '@' && strstr (all, ",@tcp://127.0.0.1:"));
    CHECK (!strchr (all, '*'));
    dividere_connector_t *in =
        dividere_subscriber_new (strrchr (all, ',') + 2, NULL);
    CHECK (in);
    CHECK (dividere_connector_endpoints (in)[0] == '>');
    dividere_connector_t *in2 =
        dividere_subscriber_new ("@tcp://127.0.0.1:*", NULL);
    CHECK_INT (dividere_connector_connect (out,
                                           dividere_connector_endpoint (in2)),
               0);
    CHECK_INT (dividere_connector_subscribe (in, "", 0), 0);
    CHECK_INT (dividere_connector_subscribe (in2, "", 0), 0);
    /* A subscriber that binds sees who has connected when it is called.      */
    CHECK_EVENTUALLY (
        dividere_connector_wait (in2, 0) < 0 &&
        dividere_connector_wait_subscribers (out, "x", 1, 2, 10) == 0);
    s_send (out, "both");
    s_expect (in, "both");
    s_expect (in2, "both");
    dividere_connector_destroy (&in2);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);

    /* A dealer and a response connect where nothing says bind.              */
    dividere_connector_t *dealer =
        dividere_dealer_new ("tcp://127.0.0.1:1", NULL);
    CHECK (dealer);
    CHECK_STR (dividere_connector_endpoints (dealer), ">tcp://127.0.0.1:1");
    CHECK_INT (dividere_connector_kind (dealer), DIVIDERE_DEALER);
    dividere_connector_destroy (&dealer);
}

static void
s_refuses (const char *endpoint, int error)
{
    errno = 0;
    dividere_connector_t *dealer = dividere_dealer_new (endpoint, NULL);
    if (dealer || errno != error)
        selftest_fail (__FILE__, __LINE__, "\"%.80s\" gives %s, not %s",
                       endpoint, strerror (errno), strerror (error));
}

void
test_connector_errors (void)
{
    s_refuses ("", EINVAL);
    s_refuses ("nonsense", EINVAL);
    s_refuses ("@tcp://127.0.0.1", EINVAL);
    s_refuses ("@tcp://127.0.0.1:99999", EINVAL);
    s_refuses (">tcp://*:5555", EINVAL);
    s_refuses ("tcp://127.0.0.1:1,", EINVAL);
    s_refuses ("udp://127.0.0.1:5555", EPROTONOSUPPORT);
    s_refuses ("@tcp://192.0.2.1:5555", EADDRNOTAVAIL);
    s_refuses ("@ipc:///nonexistent/folder/socket", ENOENT);
    char *huge = (char *) zmalloc (1 << 20);
    memset (huge, 'x', (1 << 20) - 1);
    s_refuses (huge, EINVAL);
    free (huge);

    dividere_connector_t *first =
        dividere_response_new ("@tcp://127.0.0.1:*", NULL);
    char *taken = zsys_sprintf ("@%s", dividere_connector_endpoint (first));
    s_refuses (taken, EADDRINUSE);
    free (taken);
    dividere_connector_destroy (&first);

    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = 0;
    CHECK_FAILS (dividere_dealer_new ("tcp://127.0.0.1:1", &options), EINVAL);
}

/*  Request and response are in lock-step; kinds that only send or receive.  */
void
test_connector_turns (void)
{
    dividere_connector_t *response =
        dividere_response_new ("tcp://127.0.0.1:*", NULL);
    dividere_connector_t *request =
        dividere_request_new (dividere_connector_endpoint (response), NULL);
    dividere_message_t *message = dividere_message_new ();
    CHECK_FAILS (dividere_connector_recv (request), EFSM);
    CHECK_FAILS (dividere_connector_send (response, "x", 1), EFSM);
    CHECK_FAILS (dividere_connector_recv_into (response, message, 0), EAGAIN);
    s_send (request, "1");
    CHECK_FAILS (dividere_connector_send (request, "2", 1), EFSM);
    s_expect (response, "1");
    CHECK_FAILS (dividere_connector_recv_into (response, message, 0), EFSM);
    s_send (response, "one");
    CHECK_FAILS (dividere_connector_send (response, "again", 5), EFSM);
    s_expect (request, "one");

    /* A requester that is gone: told, and the next one is served.           */
    dividere_connector_t *leaving =
        dividere_request_new (dividere_connector_endpoint (response), NULL);
    s_send (leaving, "2");
    s_expect (response, "2");
    dividere_connector_destroy (&leaving);
    CHECK_EVENTUALLY (dividere_connector_send (response, "two", 3) < 0);
    s_send (request, "3");
    dividere_connector_destroy (&request);
    dividere_connector_destroy (&response);

    dividere_connector_t *out =
        dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    dividere_connector_t *in =
        dividere_subscriber_new (dividere_connector_endpoint (out), NULL);
    CHECK_FAILS (dividere_connector_recv (out), ENOTSUP);
    CHECK_FAILS (dividere_connector_wait (out, 0), ENOTSUP);
    CHECK_FAILS (dividere_connector_send (in, "x", 1), ENOTSUP);
    CHECK_FAILS (dividere_connector_subscribe (out, "x", 1), ENOTSUP);
    CHECK_FAILS (dividere_connector_wait_subscribers (in, "x", 1, 1, 0),
                 ENOTSUP);
    CHECK_FAILS (dividere_connector_wait_subscribers (out, "x", 1, 1, 10),
                 EAGAIN);
    CHECK_FAILS (dividere_connector_wait_connected (in, 0), ENOTSUP);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
    dividere_message_destroy (&message);
}

/*  After a time-out the request can be used again, and the late answer to the
 *  first question is never taken for the answer to the second. The peer is a
 *  plain ROUTER that answers when it likes.                                 */
void
test_connector_stale_reply (void)
{
    zsock_t *router = zsock_new (ZMQ_ROUTER);
    CHECK (zsock_bind (router, "tcp://127.0.0.1:*") > 0);
    dividere_connector_t *request =
        dividere_request_new (zsock_endpoint (router), NULL);
    dividere_message_t *message = dividere_message_new ();
    for (int round = 0; round < 3; round++) {
        s_send (request, "first");
        zmsg_t *first = zmsg_recv (router);
        /* Until a wait was in vain, exactly the frames of a plain REQ.      */
        if (round == 0)
            CHECK_INT (zmsg_size (first), 3);
        CHECK_FAILS (dividere_connector_recv_into (request, message, 1),
                     EAGAIN);
        s_send (request, "second");
        zmsg_t *second = zmsg_recv (router);
        zmsg_send (&first, router);
        zmsg_send (&second, router);
        s_expect (request, "second");
    }
    dividere_message_destroy (&message);
    dividere_connector_destroy (&request);
    zsock_destroy (&router);
}

void
test_connector_dealer_routes (void)
{
    dividere_connector_t *left =
        dividere_dealer_new ("tcp://127.0.0.1:*", NULL);
    dividere_connector_t *right =
        dividere_dealer_new (dividere_connector_endpoint (left), NULL);
    dividere_route_t *route = dividere_route_new ();
    CHECK_INT (dividere_route_append (route, "client-1", 8), 0);
    CHECK_INT (dividere_route_append (route, "", 0), 0);
    CHECK_INT (dividere_connector_send_to (right, route, "x", 1, -1), 0);
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_connector_recv_into (left, message, SELFTEST_DEADLINE),
               0);
    const dividere_route_t *came = dividere_message_route (message);
    CHECK_INT (dividere_route_count (came), 2);
    size_t size;
    const void *frame = dividere_route_frame (came, 0, &size);
    CHECK (size == 8 && memcmp (frame, "client-1", 8) == 0);
    CHECK (dividere_route_frame (came, 1, &size) && size == 0);
    CHECK (!dividere_route_frame (came, 2, &size));
    /* The way back, as often as one likes.                                  */
    CHECK_INT (dividere_connector_send_to (left, came, "y", 1, -1), 0);
    CHECK_INT (dividere_connector_send_to (left, came, "z", 1, -1), 0);
    CHECK_INT (dividere_connector_recv_into (right, message, SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_route_count (dividere_message_route (message)), 2);
    while (dividere_route_append (route, "more", 4) == 0)
        ;
    CHECK_INT (errno, ENOBUFS);
    CHECK_INT (dividere_route_count (route), DIVIDERE_ROUTE_MAX);
    CHECK_INT (dividere_connector_send_to (right, route, "full", 4, -1), 0);
    CHECK_INT (dividere_connector_recv_into (left, message, SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_route_count (dividere_message_route (message)),
               DIVIDERE_ROUTE_MAX);
    dividere_message_destroy (&message);
    dividere_route_destroy (&route);
    dividere_connector_destroy (&right);
    dividere_connector_destroy (&left);
}

static int
s_int_option (dividere_connector_t *connector, int option)
{
    int value;
    size_t size = sizeof (value);
    CHECK_INT (zmq_getsockopt (dividere_connector_handle (connector), option,
                               &value, &size),
               0);
    return value;
}

void
test_connector_options (void)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = 17;
    options.recv_hwm = 18;
    options.linger_ms = 29;
    options.ipv6 = true;
    options.keepalive_ms = 7000;
    options.reconnect_ms = 20;
    options.reconnect_max_ms = 21;
    options.send_timeout_ms = 1;
    options.recv_timeout_ms = 1;
    dividere_connector_t *dealer =
        dividere_dealer_new ("tcp://127.0.0.1:1", &options);
    CHECK (dealer);
    CHECK_INT (s_int_option (dealer, ZMQ_SNDHWM), 17);
    CHECK_INT (s_int_option (dealer, ZMQ_RCVHWM), 18);
    CHECK_INT (s_int_option (dealer, ZMQ_LINGER), 29);
    CHECK_INT (s_int_option (dealer, ZMQ_IPV6), 1);
    CHECK_INT (s_int_option (dealer, ZMQ_TCP_KEEPALIVE), 1);
    CHECK_INT (s_int_option (dealer, ZMQ_TCP_KEEPALIVE_IDLE), 7);
    /* With it libzmq 4.3.4 aborts when a peer vanishes that had to wait.    */
    CHECK_INT (s_int_option (dealer, ZMQ_HEARTBEAT_IVL), 0);
    CHECK_INT (s_int_option (dealer, ZMQ_RECONNECT_IVL), 20);
    CHECK_INT (s_int_option (dealer, ZMQ_RECONNECT_IVL_MAX), 21);
    /* Nobody is there: the queue takes 17, then the time-out counts.        */
    for (int i = 0; i < 17; i++)
        s_send (dealer, "x");
    CHECK_FAILS (dividere_connector_send (dealer, "x", 1), EAGAIN);
    CHECK_FAILS (dividere_connector_recv (dealer), EAGAIN);
    dividere_connector_stats_t stats;
    dividere_connector_stats (dealer, &stats);
    CHECK_INT (stats.sent, 17);
    CHECK_INT (stats.refused, 1);
    options.linger_ms = 0;
    dividere_connector_destroy (&dealer);

    dividere_limits_t limits, small;
    dividere_limits_get (&limits);
    small = limits;
    small.size_max = 100;
    CHECK_INT (dividere_limits_set (&small), 0);
    dealer = dividere_dealer_new ("tcp://127.0.0.1:1", &options);
    /* Without any, libzmq can abort while both sides close.                 */
    CHECK (s_int_option (dealer, ZMQ_LINGER) > 0);
    char data[101] = "";
    CHECK_INT (dividere_connector_send (dealer, data, 100), 0);
    CHECK_FAILS (dividere_connector_send (dealer, data, 101), EMSGSIZE);
    dividere_connector_destroy (&dealer);
    small.depth_max = 0;
    CHECK_FAILS (dividere_limits_set (&small), EINVAL);
    CHECK_INT (dividere_limits_set (&limits), 0);
}

/*  libzmq would unlink the socket of somebody who still listens.            */
void
test_connector_ipc_taken (void)
{
    char *folder = selftest_folder ();
    char *endpoint = zsys_sprintf ("@ipc://%s/socket", folder);
    dividere_connector_t *first = dividere_response_new (endpoint, NULL);
    CHECK (first);
    CHECK_FAILS (dividere_response_new (endpoint, NULL), EADDRINUSE);
    dividere_connector_t *request = dividere_request_new (endpoint + 1, NULL);
    s_send (request, "still there");
    s_expect (first, "still there");
    dividere_connector_destroy (&request);
    dividere_connector_destroy (&first);
    /* A socket that was left behind is taken over.                          */
    CHECK_EVENTUALLY ((first = dividere_response_new (endpoint, NULL)));
    dividere_connector_destroy (&first);
    CHECK_EVENTUALLY (unlink (endpoint + 7) == 0 || errno == ENOENT);
    CHECK_EVENTUALLY (rmdir (folder) == 0);
    free (folder);
    free (endpoint);
}

static uint64_t
s_subscribers (dividere_connector_t *publisher)
{
    dividere_connector_stats_t stats;
    dividere_connector_stats (publisher, &stats);
    return stats.subscribers;
}

/*  Counting subscriptions, of plain SUB sockets too, and down again.        */
void
test_publisher_wait (void)
{
    dividere_connector_t *out =
        dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    zsock_t *subs[3];
    for (int i = 0; i < 3; i++) {
        subs[i] = zsock_new (ZMQ_SUB);
        CHECK_INT (zsock_connect (subs[i], "%s",
                                  dividere_connector_endpoint (out)),
                   0);
        zsock_set_subscribe (subs[i], i == 0 ? "" : "topic");
    }
    CHECK_INT (dividere_connector_wait_subscribers (out, "topic/a", 7, 3,
                                                    SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_connector_wait_subscribers (out, "other", 5, 1,
                                                    SELFTEST_DEADLINE),
               0);
    CHECK_FAILS (dividere_connector_wait_subscribers (out, "other", 5, 2, 1),
                 EAGAIN);
    zsock_destroy (&subs[1]);
    CHECK_EVENTUALLY (s_subscribers (out) == 2);
    CHECK_FAILS (dividere_connector_wait_subscribers (out, "topic/a", 7, 3, 1),
                 EAGAIN);
    zsock_destroy (&subs[0]);
    zsock_destroy (&subs[2]);
    CHECK_EVENTUALLY (s_subscribers (out) == 0);
    dividere_connector_destroy (&out);
}

/*  A subscriber that does not read: dropped and counted, or told.           */
static void
s_check_overflow (dividere_overflow_t overflow)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = 10;
    options.recv_hwm = 10;
    options.overflow = overflow;
    dividere_connector_t *out =
        dividere_publisher_new (selftest_inproc (), &options);
    dividere_connector_t *slow =
        dividere_subscriber_new (dividere_connector_endpoint (out), &options);
    dividere_connector_t *fast =
        dividere_subscriber_new (dividere_connector_endpoint (out), &options);
    CHECK_INT (dividere_connector_subscribe (slow, "", 0), 0);
    CHECK_INT (dividere_connector_subscribe (fast, "", 0), 0);
    CHECK_INT (dividere_connector_wait_subscribers (out, "x", 1, 2,
                                                    SELFTEST_DEADLINE),
               0);
    uint64_t told = 0, fast_got = 0, slow_got = 0;
    dividere_message_t *message = dividere_message_new ();
    for (int i = 0; i < 200; i++) {
        int rc = dividere_connector_send (out, "x", 1);
        told += rc < 0;
        CHECK (rc == 0 || errno == EAGAIN);
        while (dividere_connector_recv_into (fast, message, 0) == 0)
            fast_got++;
    }
    while (dividere_connector_recv_into (slow, message, 0) == 0)
        slow_got++;
    dividere_connector_stats_t stats;
    dividere_connector_stats (out, &stats);
    selftest_note ("sent %d dropped %d told %d fast %d slow %d",
                   (int) stats.sent, (int) stats.dropped, (int) told,
                   (int) fast_got, (int) slow_got);
    CHECK_INT (stats.sent + told, 200);
    CHECK_INT (stats.refused, told);
    CHECK_INT (fast_got, stats.sent);
    /* While it is full, libzmq passes a subscriber over without a word.     */
    CHECK (slow_got <= stats.sent - stats.dropped);
    CHECK (overflow == DIVIDERE_OVERFLOW_TELL ? told > 0 && !stats.dropped
                                              : !told && stats.dropped > 0);
    /* With room again, everybody gets the next one.                         */
    s_send (out, "next");
    s_expect (slow, "next");
    s_expect (fast, "next");
    dividere_message_destroy (&message);
    dividere_connector_destroy (&slow);
    dividere_connector_destroy (&fast);
    dividere_connector_destroy (&out);
}

void
test_publisher_overflow (void)
{
    s_check_overflow (DIVIDERE_OVERFLOW_DROP);
    s_check_overflow (DIVIDERE_OVERFLOW_TELL);
}

void
test_subscriber_topics (void)
{
    dividere_connector_t *out =
        dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    dividere_connector_t *in =
        dividere_subscriber_new (dividere_connector_endpoint (out), NULL);
    char topic[246];
    memset (topic, 't', sizeof (topic));
    CHECK_FAILS (dividere_connector_subscribe (in, topic, 246), EMSGSIZE);
    CHECK_FAILS (dividere_connector_unsubscribe (in, "none", 4), ENOENT);
    CHECK_INT (dividere_connector_subscribe (in, topic, 245), 0);
    CHECK_INT (dividere_connector_subscribe (in, "b", 1), 0);
    CHECK_INT (dividere_connector_subscribe (in, "c", 1), 0);
    CHECK_INT (dividere_connector_wait_subscribers (out, topic, 245, 1,
                                                    SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_connector_wait_subscribers (out, "c", 1, 1,
                                                    SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_connector_unsubscribe (in, "b", 1), 0);
    CHECK_EVENTUALLY (s_subscribers (out) == 2);
    s_send (out, "b");
    s_send (out, "c");
    s_expect (in, "c");
    CHECK_INT (dividere_connector_send (out, topic, 246), 0);
    dividere_message_t *message = dividere_connector_recv (in);
    CHECK_INT (dividere_message_size (message), 246);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
}

void
test_subscriber_keep_last (void)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.keep_last = true;
    dividere_connector_t *out =
        dividere_publisher_new (selftest_inproc (), NULL);
    dividere_connector_t *in =
        dividere_subscriber_new (dividere_connector_endpoint (out), &options);
    CHECK_INT (dividere_connector_subscribe (in, "", 0), 0);
    CHECK_FAILS (dividere_connector_subscribe (in, "x", 1), EBUSY);
    CHECK_INT (dividere_connector_wait_subscribers (out, "x", 1, 1,
                                                    SELFTEST_DEADLINE),
               0);
    char text[16];
    for (int i = 0; i < 100; i++) {
        snprintf (text, sizeof (text), "%d", i);
        s_send (out, text);
    }
    s_expect (in, "99");
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
}

void
test_connector_await (void)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.await_connection = true;
    dividere_connector_t *response =
        dividere_response_new ("tcp://127.0.0.1:*", NULL);
    char *endpoint = strdup (dividere_connector_endpoint (response));
    dividere_connector_t *request = dividere_request_new (endpoint, &options);
    CHECK (request);
    CHECK_INT (dividere_connector_wait_connected (request, SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_connector_wait_connected (request, 0), 0);
    dividere_connector_destroy (&request);
    dividere_connector_destroy (&response);
    free (endpoint);
    /* Nobody is there, and it is destroyed while it still awaits.           */
    request = dividere_request_new ("tcp://127.0.0.1:1", &options);
    CHECK_FAILS (dividere_connector_wait_connected (request, 10), EAGAIN);
    dividere_connector_destroy (&request);
    response = dividere_response_new (s_bound (2), NULL);
    CHECK (response);
    CHECK_INT (dividere_connector_wait_connected (response, 0), 0);
    dividere_connector_destroy (&response);
}

/*  What was sent just before destroy arrives.                               */
void
test_connector_linger (void)
{
    dividere_connector_t *in = dividere_dealer_new ("tcp://127.0.0.1:*", NULL);
    dividere_connector_t *out =
        dividere_dealer_new (dividere_connector_endpoint (in), NULL);
    for (int i = 0; i < 500; i++)
        s_send (out, "last words");
    dividere_connector_destroy (&out);
    for (int i = 0; i < 500; i++)
        s_expect (in, "last words");
    dividere_connector_destroy (&in);
}

/*  The application ends the context under us: errors, no abort, no hang.    */
void
test_connector_context_closed (void)
{
    dividere_connector_t *dealer =
        dividere_dealer_new ("tcp://127.0.0.1:*", NULL);
    dividere_connector_t *publisher =
        dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    zactor_t *reactor = zactor_new (dividere_reactor, NULL);
    CHECK_INT (zmq_ctx_shutdown (zsys_init ()), 0);
    CHECK_FAILS (dividere_dealer_new ("tcp://127.0.0.1:*", NULL), ETERM);
    CHECK_FAILS (dividere_connector_send (dealer, "x", 1), ETERM);
    CHECK_FAILS (dividere_connector_recv (dealer), ETERM);
    CHECK_FAILS (dividere_connector_wait (dealer, -1), ETERM);
    CHECK_FAILS (dividere_connector_send (publisher, "x", 1), ETERM);
    CHECK_FAILS (dividere_connector_wait_subscribers (publisher, "x", 1, 1, -1),
                 ETERM);
    CHECK_FAILS (dividere_connector_bind (dealer, "tcp://127.0.0.1:*"), ETERM);
    dividere_connector_destroy (&dealer);
    dividere_connector_destroy (&publisher);
    CHECK (dividere_call (reactor, NULL, -1, "PING", NULL) < 0);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
}

/*  A response to a requester that does not read, while another does: the time
 *  limit holds, though the socket has room.                                 */
void
test_connector_timed_send (void)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = options.recv_hwm = 1;
    dividere_connector_t *response =
        dividere_response_new (s_bound (2), &options);
    zsock_t *slow = zsock_new (ZMQ_DEALER), *healthy = zsock_new (ZMQ_DEALER);
    zsock_set_rcvhwm (slow, 1);
    const char *endpoint = dividere_connector_endpoint (response);
    CHECK_INT (zsock_connect (slow, "%s", endpoint), 0);
    CHECK_INT (zsock_connect (healthy, "%s", endpoint), 0);
    CHECK_INT (zsock_send (healthy, "zs", "x"), 0);
    s_expect (response, "x");
    CHECK_INT (dividere_connector_send (response, "y", 1), 0);
    CHECK_INT (zsock_send (slow, "zs", "x"), 0);
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_connector_recv_into (response, message,
                                             SELFTEST_DEADLINE),
               0);
    const dividere_route_t *route = dividere_message_route (message);
    int rc = 0;
    for (int i = 0; i < 100 && rc == 0; i++)
        rc = dividere_connector_send_to (response, route, "y", 1, 5);
    CHECK_INT (rc, -1);
    CHECK_INT (errno, EAGAIN);
    CHECK_FAILS (dividere_connector_send_to (response, route, "y", 1, 0),
                 EAGAIN);
    dividere_message_destroy (&message);
    zsock_destroy (&slow);
    zsock_destroy (&healthy);
    dividere_connector_destroy (&response);
}

/*  Of two servers that are asked in turn, one answers twice.                */
void
test_connector_second_answer (void)
{
    zsock_t *servers[2];
    for (int i = 0; i < 2; i++) {
        servers[i] = zsock_new (ZMQ_ROUTER);
        zsock_set_rcvtimeo (servers[i], SELFTEST_DEADLINE);
        CHECK (zsock_bind (servers[i], "tcp://127.0.0.1:*") > 0);
    }
    char *both = zsys_sprintf ("%s,%s", zsock_endpoint (servers[0]),
                               zsock_endpoint (servers[1]));
    dividere_connector_t *request = dividere_request_new (both, NULL);
    CHECK (request);
    char text[16];
    for (int i = 0; i < 10; i++) {
        snprintf (text, sizeof (text), "%d", i);
        s_send (request, text);
        zpoller_t *poller = zpoller_new (servers[0], servers[1], NULL);
        zsock_t *asked = (zsock_t *) zpoller_wait (poller, SELFTEST_DEADLINE);
        CHECK (asked);
        zmsg_t *question = zmsg_recv (asked);
        zmsg_t *again = zmsg_dup (question);
        CHECK_INT (zmsg_send (&question, asked), 0);
        CHECK_INT (zmsg_send (&again, asked), 0);
        s_expect (request, text);
        zpoller_destroy (&poller);
    }
    dividere_connector_destroy (&request);
    free (both);
    zsock_destroy (&servers[0]);
    zsock_destroy (&servers[1]);
}

/*  Who only ever looks whether the answer is there can give it up.          */
void
test_connector_abandon (void)
{
    zsock_t *router = zsock_new (ZMQ_ROUTER);
    CHECK (zsock_bind (router, "tcp://127.0.0.1:*") > 0);
    dividere_connector_t *request =
        dividere_request_new (zsock_endpoint (router), NULL);
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_connector_abandon (request), 0);
    s_send (request, "first");
    zmsg_t *first = zmsg_recv (router);
    CHECK_FAILS (dividere_connector_recv_into (request, message, 0), EAGAIN);
    CHECK_FAILS (dividere_connector_send (request, "second", 6), EFSM);
    CHECK_INT (dividere_connector_abandon (request), 0);
    s_send (request, "second");
    zmsg_t *second = zmsg_recv (router);
    CHECK_INT (zmsg_send (&first, router), 0);
    CHECK_INT (zmsg_send (&second, router), 0);
    s_expect (request, "second");
    dividere_message_destroy (&message);
    dividere_connector_destroy (&request);
    zsock_destroy (&router);
}

/*  More topics than a queue holds, on connecting and at once.               */
void
test_subscriber_many_topics (void)
{
    dividere_connector_t *out =
        dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    dividere_connector_t *in =
        dividere_subscriber_new (dividere_connector_endpoint (out), NULL);
    char topic[16];
    for (int i = 0; i < 5000; i++) {
        snprintf (topic, sizeof (topic), "%05d", i);
        CHECK_INT (dividere_connector_subscribe (in, topic, 5), 0);
    }
    CHECK_INT (dividere_connector_wait_subscribers (out, "04999", 5, 1,
                                                    SELFTEST_DEADLINE),
               0);
    CHECK_EVENTUALLY (s_subscribers (out) == 5000);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
}

/*  A publisher that sends what keep_last did not ask for.                   */
void
test_subscriber_keep_last_frames (void)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.keep_last = true;
    zsock_t *pub = zsock_new (ZMQ_XPUB);
    CHECK (zsock_bind (pub, "tcp://127.0.0.1:*") > 0);
    dividere_connector_t *in =
        dividere_subscriber_new (zsock_endpoint (pub), &options);
    CHECK_INT (dividere_connector_subscribe (in, "", 0), 0);
    free (zstr_recv (pub));
    zstr_sendx (pub, "two", "frames", NULL);
    zstr_send (pub, "good");
    s_expect (in, "good");
    zstr_send (pub, "older");
    zstr_sendx (pub, "two", "frames", NULL);
    zstr_send (pub, "newest");
    zstr_sendx (pub, "two", "frames", NULL);
    dividere_message_t *message = dividere_message_new ();
    do
        CHECK_INT (dividere_connector_recv_into (in, message,
                                                 SELFTEST_DEADLINE),
                   0);
    while (dividere_message_size (message) != strlen ("newest"));
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    zsock_destroy (&pub);
}

/*  The answer to a request that was sent before the connector got a second
 *  endpoint, and began to number, has no number.                            */
void
test_connector_later_endpoint (void)
{
    zsock_t *router = zsock_new (ZMQ_ROUTER);
    CHECK (zsock_bind (router, "tcp://127.0.0.1:*") > 0);
    dividere_connector_t *request =
        dividere_request_new (zsock_endpoint (router), NULL);
    s_send (request, "first");
    zmsg_t *first = zmsg_recv (router);
    CHECK_INT (dividere_connector_connect (request, "tcp://127.0.0.1:1"), 0);
    CHECK_INT (zmsg_send (&first, router), 0);
    s_expect (request, "first");
    dividere_connector_destroy (&request);
    zsock_destroy (&router);
}

/*  A peer that comes back under its name while its old connection still counts,
 *  as when that broke without a word.                                       */
void
test_connector_returning_peer (void)
{
    dividere_connector_t *response =
        dividere_response_new ("tcp://127.0.0.1:*", NULL);
    zsock_t *peers[2];
    for (int i = 0; i < 2; i++) {
        peers[i] = zsock_new (ZMQ_DEALER);
        zsock_set_identity (peers[i], "peer");
        zsock_set_rcvtimeo (peers[i], SELFTEST_DEADLINE);
        CHECK_INT (zsock_connect (peers[i], "%s",
                                  dividere_connector_endpoint (response)),
                   0);
        CHECK_INT (zstr_sendx (peers[i], "", "question", NULL), 0);
        s_expect (response, "question");
        s_send (response, "answer");
        zmsg_t *answer = zmsg_recv (peers[i]);
        CHECK (answer && zframe_streq (zmsg_last (answer), "answer"));
        zmsg_destroy (&answer);
    }
    zsock_destroy (&peers[0]);
    zsock_destroy (&peers[1]);
    dividere_connector_destroy (&response);
}
