/* SPDX-License-Identifier: Apache-2.0 */

/*  What a hostile peer sends to a live reactor, by raw sockets: any bytes, any
 *  number of frames. It lives, answers whoever is honest, counts, and its
 *  memory stays flat.                                                        */

#include "selftest.h"
#include <unistd.h>
#include <czmq.h>
#include <dividere.h>
#include "codec.pb-c.h"
#include "connector_internal.h"
#include "test.pb-c.h"

void test_hostile_frames (void);
void test_hostile_counts (void);
void test_hostile_subscriptions (void);
void test_hostile_connectors (void);

static int
s_on_msg01 (dividere_context_t *context, const TestMsg01 *message)
{
    TestMsg01 reply = TEST_MSG01__INIT;
    reply.field2 = message->field2;
    dividere_context_reply (context, &reply.base);
    return 0;
}

static int
s_on_everything (dividere_context_t *context,
                 const Selftest__Everything *message)
{
    /* Reads all of it.                                                      */
    free (dividere_text (&message->base));
    return 0;
}

static int
s_on_tree (dividere_context_t *context, const Selftest__Tree *message)
{
    free (dividere_text (&message->base));
    return 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_msg01),
    DIVIDERE_HANDLER (Selftest__Everything, selftest__everything,
                      s_on_everything),
    DIVIDERE_HANDLER (Selftest__Tree, selftest__tree, s_on_tree),
    DIVIDERE_HANDLER_END
};

static uint64_t s_seed = 4711;

static size_t
s_pick (size_t limit)
{
    return (size_t) (selftest_random (&s_seed) % limit);
}

/*  Resident memory of this process, in pages.                               */
static long
s_resident (void)
{
    long total, resident = 0;
    FILE *file = fopen ("/proc/self/statm", "r");
    CHECK (file);
    CHECK_INT (fscanf (file, "%ld %ld", &total, &resident), 2);
    fclose (file);
    return resident;
}

static zactor_t *
s_reactor (const char *kind, char *endpoint)
{
    dividere_reactor_config_t config = { .handlers = s_handlers };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (reactor, &reply, -1, "ADD", kind,
                              "tcp://127.0.0.1:*", NULL),
               0);
    free (zmsg_popstr (reply));
    char *bound = zmsg_popstr (reply);
    snprintf (endpoint, 300, "%s", bound + 1);
    free (bound);
    zmsg_destroy (&reply);
    CHECK_INT (dividere_call (reactor, NULL, -1, "START", NULL), 0);
    return reactor;
}

/*  A valid frame of a random type, to be mutated.                           */
static void
s_valid_frame (zmsg_t *message)
{
    TestMsg01 msg = TEST_MSG01__INIT;
    msg.field1 = "some text";
    Selftest__Everything all = SELFTEST__EVERYTHING__INIT;
    Selftest__Everything__Inner inner = SELFTEST__EVERYTHING__INNER__INIT;
    inner.text = "inner";
    int32_t numbers[3] = { 1, 2, 300 };
    all.an_inner = &inner;
    all.int32s = numbers;
    all.n_int32s = 3;
    all.a_string = "d\xC4\xAB";
    Selftest__Tree tree = SELFTEST__TREE__INIT, leaf = SELFTEST__TREE__INIT;
    tree.left = &leaf;
    leaf.name = "leaf";
    const ProtobufCMessage *objects[] = { &msg.base, &all.base, &tree.base };
    zmq_msg_t frame;
    CHECK_INT (dividere_envelope_encode (objects[s_pick (3)], &frame), 0);
    zmsg_addmem (message, zmq_msg_data (&frame), zmq_msg_size (&frame));
    zmq_msg_close (&frame);
}

/*  Flips, cuts, doubles or replaces some of the bytes of the last frame.    */
static void
s_mutate (zmsg_t *message)
{
    zframe_t *frame = zmsg_last (message);
    size_t size = zframe_size (frame), extra = s_pick (30);
    uint8_t *bytes = (uint8_t *) zmalloc (size + extra);
    memcpy (bytes, zframe_data (frame), size);
    for (size_t i = 0; i < extra; i++)
        bytes[size + i] = (uint8_t) s_pick (256);
    for (size_t hits = s_pick (6); hits > 0; hits--)
        bytes[s_pick (size)] = (uint8_t) s_pick (256);
    size_t cut = s_pick (4) ? size : s_pick (size + 1);
    zframe_reset (frame, bytes, s_pick (4) ? cut : size + extra);
    free (bytes);
}

/*  An honest requester is answered whatever the others do.                  */
static void
s_check_alive (const char *endpoint)
{
    dividere_connector_t *honest = dividere_request_new (endpoint, NULL);
    dividere_message_t *message = dividere_message_new ();
    TestMsg01 msg = TEST_MSG01__INIT;
    msg.field2 = 7;
    CHECK_INT (dividere_send (honest, &msg.base), 0);
    CHECK_INT (dividere_recv_into (honest, message, SELFTEST_DEADLINE), 0);
    CHECK_INT (DIVIDERE_MESSAGE_AS (message, TestMsg01, test_msg01)->field2, 7);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&honest);
}

void
test_hostile_frames (void)
{
    char endpoint[300];
    zactor_t *reactor = s_reactor ("response", endpoint);
    zsock_t *dealer = zsock_new (ZMQ_DEALER);
    CHECK_INT (zsock_connect (dealer, "%s", endpoint), 0);
    size_t rounds = selftest_scaled (20000);
    long warm = 0;
    for (size_t i = 0; i < rounds; i++) {
        zmsg_t *message = zmsg_new ();
        /* Seven of eight have the delimiter of an honest request.           */
        if (s_pick (8))
            zmsg_addmem (message, NULL, 0);
        s_valid_frame (message);
        s_mutate (message);
        CHECK_INT (zmsg_send (&message, dealer), 0);
        while (zsock_events (dealer) & ZMQ_POLLIN) {
            message = zmsg_recv (dealer);
            zmsg_destroy (&message);
        }
        if (i == rounds / 2) {
            s_check_alive (endpoint);
            warm = s_resident ();
        }
    }
    s_check_alive (endpoint);
    long grown = s_resident () - warm;
    selftest_note ("%ld pages more after half", grown);
    /* AddressSanitizer keeps what was freed.                                */
    if (!SELFTEST_ASAN)
        CHECK (grown * sysconf (_SC_PAGESIZE) < 16 << 20);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    zsock_destroy (&dealer);
}

/*  From no frame that counts to a thousand, empty, huge and deep ones, at each
 *  kind of source that a peer can send to.                                  */
static void
s_send_odd (zsock_t *sock, size_t frames, size_t size)
{
    zmsg_t *message = zmsg_new ();
    uint8_t *bytes = (uint8_t *) zmalloc (size + 1);
    memset (bytes, 0x0A, size);
    for (size_t i = 0; i < frames; i++)
        zmsg_addmem (message, bytes, i % 3 ? size : 0);
    zmsg_addmem (message, bytes, size);
    free (bytes);
    CHECK_INT (zmsg_send (&message, sock), 0);
}

static uint64_t
s_malformed (zactor_t *reactor)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (reactor, &reply, -1, "STATS", NULL), 0);
    uint64_t value = 0;
    while (zmsg_size (reply)) {
        char *name = zmsg_popstr (reply), *text = zmsg_popstr (reply);
        if (strcmp (name, "malformed") == 0)
            value = strtoull (text, NULL, 10);
        free (name);
        free (text);
    }
    zmsg_destroy (&reply);
    return value;
}

void
test_hostile_counts (void)
{
    static const size_t s_frames[] = { 0, 1, 2, 3, 15, 16, 17, 100, 1000 };
    static const char *const s_kinds[] = { "response", "dealer" };
    for (size_t kind = 0; kind < 2; kind++) {
        char endpoint[300];
        zactor_t *reactor = s_reactor (s_kinds[kind], endpoint);
        zsock_t *sock = zsock_new (ZMQ_DEALER);
        CHECK_INT (zsock_connect (sock, "%s", endpoint), 0);
        size_t sent = 0;
        for (size_t i = 0; i < sizeof (s_frames) / sizeof (size_t); i++)
            for (size_t size = 0; size <= 100000; size += 50000, sent++)
                s_send_odd (sock, s_frames[i], size);
        CHECK_EVENTUALLY (s_malformed (reactor) == sent);
        if (kind == 0)
            s_check_alive (endpoint);
        /* Over the limit: libzmq ends the connection by itself.             */
        s_send_odd (sock, 0, (16 << 20) + 1);
        CHECK_INT (dividere_call (reactor, NULL, -1, "PING", NULL), 0);
        if (kind == 0)
            s_check_alive (endpoint);
        CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
        zsock_destroy (&sock);
    }
}

/*  A publisher to whom a peer sends what is no subscription, and more of them
 *  than anybody needs.                                                      */
void
test_hostile_subscriptions (void)
{
    dividere_connector_t *out =
        dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    zsock_t *xsub = zsock_new (ZMQ_XSUB);
    zsock_set_sndhwm (xsub, 0);
    CHECK_INT (zsock_connect (xsub, "%s", dividere_connector_endpoint (out)),
               0);
    char topic[64] = "\x01";
    for (int i = 0; i < 2000; i++) {
        int size = snprintf (topic + 1, sizeof (topic) - 1, "%d", i);
        CHECK (zmq_send (zsock_resolve (xsub), topic, (size_t) size + 1, 0) >
               0);
        CHECK (zmq_send (zsock_resolve (xsub), "garbage", 7, 0) > 0);
    }
    CHECK (zmq_send (zsock_resolve (xsub), "\x01wanted", 7, 0) > 0);
    CHECK_INT (dividere_connector_wait_subscribers (out, "wanted", 6, 1,
                                                    SELFTEST_DEADLINE),
               0);
    dividere_connector_stats_t stats;
    dividere_connector_stats (out, &stats);
    CHECK_INT (stats.subscribers, 2001);
    CHECK_INT (stats.malformed, 2000);
    CHECK_INT (dividere_connector_send (out, "wanted", 6), 0);
    zsock_destroy (&xsub);
    dividere_connector_destroy (&out);
}

/*  A request and a subscriber whose peer sends too many frames, or none that
 *  fits: passed over, counted, and the next good one is taken.              */
void
test_hostile_connectors (void)
{
    zsock_t *router = zsock_new (ZMQ_ROUTER), *pub = zsock_new (ZMQ_XPUB);
    CHECK (zsock_bind (router, "tcp://127.0.0.1:*") > 0);
    CHECK (zsock_bind (pub, "tcp://127.0.0.1:*") > 0);
    dividere_connector_t *request =
        dividere_request_new (zsock_endpoint (router), NULL);
    dividere_connector_t *subscriber =
        dividere_subscriber_new (zsock_endpoint (pub), NULL);
    CHECK_INT (dividere_connector_subscribe (subscriber, "", 0), 0);
    zmsg_t *subscription = zmsg_recv (pub);
    zmsg_destroy (&subscription);
    dividere_message_t *message = dividere_message_new ();

    CHECK_INT (dividere_connector_send (request, "x", 1), 0);
    zmsg_t *asked = zmsg_recv (router);
    zframe_t *id = zmsg_first (asked);
    zsock_send (router, "fs", id, "no delimiter");
    zsock_send (router, "fz", id);
    zsock_send (router, "fzss", id, "two", "parts");
    zsock_send (router, "fszs", id, "number", "that nobody gave");
    zsock_send (router, "fzs", id, "good");
    zsock_send (router, "fzs", id, "twice");
    CHECK_INT (dividere_connector_recv_into (request, message,
                                             SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_message_size (message), 4);
    CHECK_INT (dividere_route_count (dividere_message_route (message)), 0);
    dividere_connector_stats_t stats;
    dividere_connector_stats (request, &stats);
    CHECK_INT (stats.malformed, 4);
    /* A second answer is never taken for that of the next request.          */
    CHECK_INT (dividere_socket_wait (dividere_connector_handle (request),
                                     ZMQ_POLLIN, -1),
               0);
    CHECK_INT (dividere_connector_send (request, "again", 5), 0);
    zmsg_destroy (&asked);
    asked = zmsg_recv (router);
    CHECK_INT (zmsg_size (asked), 4);
    CHECK_INT (zmsg_send (&asked, router), 0);
    CHECK_INT (dividere_connector_recv_into (request, message,
                                             SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_message_size (message), 5);

    zsock_send (pub, "ss", "two", "frames");
    for (int i = 0; i < 50; i++)
        zstr_sendm (pub, "many");
    zstr_send (pub, "frames");
    zstr_send (pub, "good");
    CHECK_INT (dividere_connector_recv_into (subscriber, message,
                                             SELFTEST_DEADLINE),
               0);
    CHECK_INT (dividere_message_size (message), 4);
    dividere_connector_stats (subscriber, &stats);
    CHECK_INT (stats.malformed, 2);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&request);
    dividere_connector_destroy (&subscriber);
    zsock_destroy (&router);
    zsock_destroy (&pub);
}
