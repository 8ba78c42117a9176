/* SPDX-License-Identifier: Apache-2.0 */

/*  Connectors against a peer in another language: peers/peer.py, made of pyzmq
 *  and Google's protobuf, which shares no code with this library. The peer is
 *  told on its stdin what to send and prints what it received; each message
 *  sent and received is one of the wire vectors, compared byte for byte.    */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include <sodium.h>
#include "peer.h"
#include "test.pb-c.h"
#include "vector.h"
#include "vectors.h"

void test_peers_publisher (void);
void test_peers_subscriber (void);
void test_peers_request (void);
void test_peers_response (void);
void test_peers_dealer (void);
void test_peers_all_types (void);
void test_peers_reactor (void);

#define VECTORS   (sizeof (s_vectors) / sizeof (s_vectors[0]))
#define ANY_PORT  "@tcp://127.0.0.1:*"
#define LINE_SIZE 256 /* of the words of a line that are not payloads       */

/*  The one peer that runs.                                                  */
static peer_t *s_peer;

/*  Starts a peer that binds or connects, as endpoint has "@" or ">" in front.
 *  It ends after count messages (0: no limit). A subscriber asks for type, all
 *  others have NULL.                                                        */
static void
s_peer_start (const char *role, const char *endpoint, size_t count,
              const char *type)
{
    char number[24];
    snprintf (number, sizeof (number), "%zu", count);
    const char *words[] = { role, endpoint, number, type, NULL };
    s_peer = peer_new ("peer.py", words);
}

/*  Routing frames, as strings up to a NULL.                                 */
typedef const char *const route_t[3];
static route_t s_unrouted = { NULL };
static route_t s_empty = { "", NULL };
static route_t s_routed = { "client-1", NULL };
static route_t s_routed_empty = { "client-1", "", NULL };

/*  The same as words of a line, until the next call.                        */
static const char *
s_words (route_t route)
{
    static char s_text[LINE_SIZE];
    char *end = s_text;
    for (size_t i = 0; route[i]; i++) {
        size_t size = strlen (route[i]);
        CHECK (end + 2 * size + 3 < s_text + LINE_SIZE);
        if (i)
            *end++ = ' ';
        sodium_bin2hex (end, 2 * size + 1, (const unsigned char *) route[i],
                        size);
        end += 2 * size;
        if (!size)
            *end++ = '-';
    }
    *end = 0;
    return s_text;
}

static void
s_peer_expect (const vector_t *vector, route_t route)
{
    CHECK_STR (peer_expect (s_peer, vector), s_words (route));
}

static void
s_send (dividere_connector_t *connector, const vector_t *vector, route_t route)
{
    dividere_route_t *frames = dividere_route_new ();
    for (size_t i = 0; route[i]; i++)
        CHECK_INT (dividere_route_append (frames, route[i], strlen (route[i])),
                   0);
    ProtobufCMessage *object = vector_object (vector);
    CHECK_INT (dividere_send_to (connector, route[0] ? frames : NULL, object,
                                 SELFTEST_DEADLINE),
               0);
    protobuf_c_message_free_unpacked (object, NULL);
    dividere_route_destroy (&frames);
}

static void
s_check_route (const dividere_route_t *frames, route_t route)
{
    size_t count = 0;
    for (; route[count]; count++) {
        size_t size = 0;
        const void *data = dividere_route_frame (frames, count, &size);
        CHECK (data);
        CHECK_INT (size, strlen (route[count]));
        CHECK_INT (memcmp (data, route[count], size), 0);
    }
    CHECK_INT (dividere_route_count (frames), count);
}

static void
s_expect (dividere_connector_t *connector, const vector_t *vector,
          route_t route)
{
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_recv_into (connector, message, SELFTEST_DEADLINE), 0);
    CHECK_STR (dividere_message_name (message), vector->type);
    CHECK (dividere_message_object (message));
    CHECK (vector_matches (vector, dividere_message_data (message),
                           dividere_message_size (message)));
    s_check_route (dividere_message_route (message), route);
    dividere_message_destroy (&message);
}

/*  The endpoint that connects to an address, until the next call.           */
static const char *
s_connect (const char *address)
{
    static char s_endpoint[LINE_SIZE + 1];
    snprintf (s_endpoint, sizeof (s_endpoint), ">%s", address);
    return s_endpoint;
}

/*  The subscriber gets the one type that it wants and nothing else, and the
 *  peer sees its subscription come and go.                                  */
void
test_peers_publisher (void)
{
    vector_register_types ();
    s_peer_start ("publisher", ANY_PORT, VECTORS, NULL);
    dividere_connector_t *in =
        dividere_subscriber_new (s_connect (peer_endpoint (s_peer)), NULL);
    CHECK (in);
    CHECK_INT (dividere_subscribe (in, &test_msg01__descriptor), 0);
    CHECK_STR (peer_line (s_peer), "subscribed 0a09746573744d73673031");
    for (size_t i = 0; i < VECTORS - 1; i++)
        peer_send (s_peer, &s_vectors[i], "");
    size_t wanted = 0;
    for (size_t i = 0; i < VECTORS; i++)
        if (strcmp (s_vectors[i].type, "testMsg01") == 0) {
            s_expect (in, &s_vectors[i], s_unrouted);
            wanted++;
        }
    CHECK_INT (wanted, 3);
    CHECK_INT (dividere_unsubscribe (in, &test_msg01__descriptor), 0);
    CHECK_STR (peer_line (s_peer), "unsubscribed 0a09746573744d73673031");
    dividere_connector_stats_t stats;
    dividere_connector_stats (in, &stats);
    CHECK_INT (stats.received, wanted);
    dividere_connector_destroy (&in);
    peer_send (s_peer, &s_vectors[VECTORS - 1], "");
    peer_destroy (&s_peer);
}

/*  The peer ends by itself after as many messages as it wants.              */
void
test_peers_subscriber (void)
{
    vector_register_types ();
    dividere_connector_t *out = dividere_publisher_new (ANY_PORT, NULL);
    CHECK (out);
    s_peer_start ("subscriber", s_connect (dividere_connector_endpoint (out)),
                  3, "testMsg01");
    CHECK_INT (dividere_wait_subscribers (out, &test_msg01__descriptor, 1,
                                          SELFTEST_DEADLINE),
               0);
    CHECK_FAILS (dividere_wait_subscribers (out, &msg01__descriptor, 1, 0),
                 EAGAIN);
    for (size_t i = 0; i < VECTORS; i++)
        s_send (out, &s_vectors[i], s_unrouted);
    for (size_t i = 0; i < VECTORS; i++)
        if (strcmp (s_vectors[i].type, "testMsg01") == 0)
            s_peer_expect (&s_vectors[i], s_unrouted);
    peer_destroy (&s_peer);
    dividere_connector_destroy (&out);
}

void
test_peers_request (void)
{
    vector_register_types ();
    dividere_connector_t *response = dividere_response_new (ANY_PORT, NULL);
    CHECK (response);
    s_peer_start ("request", s_connect (dividere_connector_endpoint (response)),
                  2 * VECTORS, NULL);
    for (size_t i = 0; i < VECTORS; i++) {
        const vector_t *answer = &s_vectors[VECTORS - 1 - i];
        peer_send (s_peer, &s_vectors[i], "");
        dividere_message_t *message = dividere_message_new ();
        CHECK_INT (dividere_recv_into (response, message, SELFTEST_DEADLINE),
                   0);
        CHECK (vector_matches (&s_vectors[i], dividere_message_data (message),
                               dividere_message_size (message)));
        ProtobufCMessage *object = vector_object (answer);
        /* In turn, and along the route.                                     */
        CHECK_INT (i % 2 ? dividere_send (response, object)
                         : dividere_send_to (response,
                                             dividere_message_route (message),
                                             object, SELFTEST_DEADLINE),
                   0);
        protobuf_c_message_free_unpacked (object, NULL);
        dividere_message_destroy (&message);
        s_peer_expect (answer, s_unrouted);
    }
    peer_destroy (&s_peer);
    dividere_connector_destroy (&response);
}

/*  A request given up is asked anew, and the late answer to the first is not
 *  taken for one to the second, though the peer knows nothing of that.      */
static void
s_check_late_answer (dividere_connector_t *request)
{
    dividere_message_t *message = dividere_message_new ();
    s_send (request, &s_vectors[0], s_unrouted);
    s_peer_expect (&s_vectors[0], s_unrouted);
    CHECK_FAILS (dividere_recv_into (request, message, 1), EAGAIN);
    s_send (request, &s_vectors[1], s_unrouted);
    peer_send (s_peer, &s_vectors[0], "");
    s_peer_expect (&s_vectors[1], s_unrouted);
    peer_send (s_peer, &s_vectors[1], "");
    s_expect (request, &s_vectors[1], s_unrouted);
    dividere_message_destroy (&message);
}

void
test_peers_response (void)
{
    vector_register_types ();
    s_peer_start ("response", ANY_PORT, 2 * VECTORS + 4, NULL);
    dividere_connector_t *request =
        dividere_request_new (s_connect (peer_endpoint (s_peer)), NULL);
    CHECK (request);
    for (size_t i = 0; i < VECTORS; i++) {
        const vector_t *answer = &s_vectors[VECTORS - 1 - i];
        s_send (request, &s_vectors[i], s_unrouted);
        s_peer_expect (&s_vectors[i], s_unrouted);
        peer_send (s_peer, answer, "");
        s_expect (request, answer, s_unrouted);
    }
    s_check_late_answer (request);
    peer_destroy (&s_peer);
    dividere_connector_destroy (&request);
}

/*  Each side binds once; the peer ends at the end of its stdin.             */
static void
s_check_dealers (bool peer_bound, void (*check) (dividere_connector_t *dealer))
{
    dividere_connector_t *dealer =
        peer_bound ? NULL : dividere_dealer_new (ANY_PORT, NULL);
    s_peer_start ("dealer",
                  dealer ? s_connect (dividere_connector_endpoint (dealer))
                         : ANY_PORT,
                  0, NULL);
    if (peer_bound)
        dealer = dividere_dealer_new (s_connect (peer_endpoint (s_peer)), NULL);
    CHECK (dealer);
    check (dealer);
    peer_close (s_peer);
    peer_destroy (&s_peer);
    dividere_connector_destroy (&dealer);
}

static void
s_check_routes (dividere_connector_t *dealer)
{
    const char *const *routes[] = { s_unrouted, s_empty, s_routed,
                                    s_routed_empty };
    for (size_t i = 0; i < sizeof (routes) / sizeof (routes[0]); i++) {
        s_send (dealer, &s_vectors[1], routes[i]);
        peer_send (s_peer, &s_vectors[2], s_words (routes[i]));
        s_peer_expect (&s_vectors[1], routes[i]);
        s_expect (dealer, &s_vectors[2], routes[i]);
    }
}

void
test_peers_dealer (void)
{
    vector_register_types ();
    s_check_dealers (true, s_check_routes);
    s_check_dealers (false, s_check_routes);
}

static void
s_check_types (dividere_connector_t *dealer)
{
    for (size_t i = 0; i < VECTORS; i++) {
        selftest_note ("%s", s_vectors[i].name);
        s_send (dealer, &s_vectors[i], s_unrouted);
        s_peer_expect (&s_vectors[i], s_unrouted);
        peer_send (s_peer, &s_vectors[i], "");
        s_expect (dealer, &s_vectors[i], s_unrouted);
    }
}

void
test_peers_all_types (void)
{
    vector_register_types ();
    s_check_dealers (true, s_check_types);
}

/*  Sends back what came, and counts what cannot be answered.                */
static int
s_on_any (dividere_context_t *context, const TestMsg01 *message)
{
    if (dividere_context_reply (context, &message->base) < 0) {
        CHECK_INT (errno, ENOTSUP);
        ++*(_Atomic int *) dividere_context_user (context);
    }
    return 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_any), DIVIDERE_HANDLER_END
};

/*  A source of the reactor; where it is.                                    */
static const char *
s_add_source (zactor_t *reactor, const char *kind, const char *endpoint)
{
    static char s_endpoint[LINE_SIZE];
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (reactor, &reply, SELFTEST_DEADLINE, "ADD", kind,
                              endpoint, NULL),
               0);
    char *name = zmsg_popstr (reply), *bound = zmsg_popstr (reply);
    snprintf (s_endpoint, sizeof (s_endpoint), "%s", bound + 1);
    free (name);
    free (bound);
    zmsg_destroy (&reply);
    return s_endpoint;
}

/*  The reactor answers the peer's requests, and gets what it publishes.     */
void
test_peers_reactor (void)
{
    vector_register_types ();
    _Atomic int published = 0;
    dividere_reactor_config_t config = { .handlers = s_handlers,
                                         .user = (void *) &published };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    const char *endpoint = s_add_source (reactor, "response", ANY_PORT);
    CHECK_INT (dividere_call (reactor, NULL, SELFTEST_DEADLINE, "START", NULL),
               0);
    s_peer_start ("request", s_connect (endpoint), 6, NULL);
    for (size_t i = 0; i < 3; i++) {
        CHECK_STR (s_vectors[i].type, "testMsg01");
        peer_send (s_peer, &s_vectors[i], "");
        s_peer_expect (&s_vectors[i], s_unrouted);
    }
    peer_destroy (&s_peer);

    s_peer_start ("publisher", ANY_PORT, VECTORS, NULL);
    s_add_source (reactor, "subscriber", s_connect (peer_endpoint (s_peer)));
    CHECK_STR (peer_line (s_peer), "subscribed 0a09746573744d73673031");
    for (size_t i = 0; i < VECTORS; i++)
        peer_send (s_peer, &s_vectors[i], "");
    CHECK_EVENTUALLY (published == 3);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    while (peer_line (s_peer))
        continue;
    peer_destroy (&s_peer);
}
