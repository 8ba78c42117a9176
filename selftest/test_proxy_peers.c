/* SPDX-License-Identifier: Apache-2.0 */

/*  The proxy between peers that know nothing of it: plain sockets that replay
 *  the recorded sessions, and clients and workers in C and in Python.       */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include "peer.h"
#include "proxied.h"
#include "session.h"
#include "sessions.h"
#include "test.pb-c.h"
#include "vector.h"
#include "vectors.h"

void test_proxy_sessions (void);
void test_proxy_peers (void);

#define SESSIONS (sizeof (s_sessions) / sizeof (s_sessions[0]))
#define VECTORS  (sizeof (s_vectors) / sizeof (s_vectors[0]))

/*  A plain socket at the proxy; an identity, or NULL.                       */
static zsock_t *
s_raw (int type, const char *endpoint, const frame_t *identity)
{
    zsock_t *raw = zsock_new (type);
    CHECK (raw);
    zsock_set_rcvtimeo (raw, SELFTEST_DEADLINE);
    if (identity)
        CHECK_INT (zmq_setsockopt (zsock_resolve (raw), ZMQ_ROUTING_ID,
                                   identity->data, identity->size),
                   0);
    CHECK_INT (zsock_attach (raw, endpoint, false), 0);
    return raw;
}

static void
s_raw_send (zsock_t *raw, const session_t *session, size_t first)
{
    zmsg_t *message = zmsg_new ();
    for (size_t i = first; i < session->count; i++)
        zmsg_addmem (message, session->frames[i].data, session->frames[i].size);
    CHECK_INT (zmsg_send (&message, raw), 0);
}

/*  What comes is the session from a frame on: of as many frames, and the same
 *  bytes in those behind the identity, which may be another.                */
static zmsg_t *
s_raw_expect (zsock_t *raw, const session_t *session, size_t first)
{
    zmsg_t *message = zmsg_recv (raw);
    CHECK (message);
    CHECK_INT (zmsg_size (message), session->count - first);
    zframe_t *frame = zmsg_first (message);
    for (size_t i = first; i < session->count; i++) {
        CHECK_INT (zframe_size (frame), session->frames[i].size);
        if (i > 0)
            CHECK_INT (memcmp (zframe_data (frame), session->frames[i].data,
                               session->frames[i].size),
                       0);
        frame = zmsg_next (message);
    }
    return message;
}

/*  The client sends the session; the worker sees all of it and returns it. An
 *  identity of the client's own reaches the worker as it is; otherwise it is
 *  one that the proxy made.                                                 */
static void
s_replay (const session_t *session, int type, bool identified)
{
    proxied_t proxy;
    proxied_open (&proxy);
    size_t first = type == ZMQ_REQ ? 2 : 1;
    const frame_t *identity = &session->frames[0];
    zsock_t *client =
        s_raw (type, proxy.frontend, identified ? identity : NULL);
    zsock_t *worker = s_raw (ZMQ_DEALER, proxy.backend, NULL);
    s_raw_send (client, session, first);
    zmsg_t *message = s_raw_expect (worker, session, 0);
    const byte *seen = zframe_data (zmsg_first (message));
    CHECK (identified ? memcmp (seen, identity->data, identity->size) == 0
                      : *seen == 0);
    CHECK_INT (zmsg_send (&message, worker), 0);
    message = s_raw_expect (client, session, first);
    zmsg_destroy (&message);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    proxied_close (&proxy);
}

/*  A client of ours sends what the recorded one sent; what the worker returns
 *  it understands as recorded.                                              */
static void
s_check_client (const session_t *session, const session_t *understood)
{
    proxied_t proxy;
    proxied_open (&proxy);
    zsock_t *worker = s_raw (ZMQ_DEALER, proxy.backend, NULL);
    dividere_connector_t *client = dividere_dealer_new (proxy.frontend, NULL);
    char content[] = "hello";
    Msg01 hello = MSG01__INIT;
    hello.content = content;
    CHECK_INT (dividere_send (client, &hello.base), 0);
    zmsg_t *seen = s_raw_expect (worker, session, 0);
    CHECK_INT (zmsg_send (&seen, worker), 0);
    dividere_message_t *reply = dividere_message_new ();
    CHECK_INT (dividere_recv_into (client, reply, SELFTEST_DEADLINE), 0);
    char *text = dividere_text (dividere_message_object (reply));
    CHECK_INT (understood->frames[0].size, strlen (text) + 1);
    CHECK_INT (memcmp (understood->frames[0].data, text, strlen (text)), 0);
    CHECK_INT (understood->frames[0].data[strlen (text)], '\n');
    free (text);
    dividere_message_destroy (&reply);
    dividere_connector_destroy (&client);
    zsock_destroy (&worker);
    proxied_close (&proxy);
}

void
test_proxy_sessions (void)
{
    size_t requests = 0, dealers = 0, proxies = 0;
    for (size_t i = 0; i < SESSIONS; i++) {
        const session_t *session = &s_sessions[i];
        if (streq (session->scene, "request")) {
            s_replay (session, ZMQ_REQ, false);
            requests++;
        }
        else if (streq (session->scene, "dealer")) {
            s_replay (session, ZMQ_DEALER, true);
            dealers++;
        }
        else if (streq (session->scene, "proxy") && session->count == 2) {
            s_replay (session, ZMQ_DEALER, true);
            CHECK (i + 1 < SESSIONS);
            s_check_client (session, session + 1);
            proxies++;
        }
    }
    CHECK_INT (requests, 1);
    CHECK_INT (dealers, 3);
    CHECK_INT (proxies, 1);
}

/*  A client or a worker, in either language.                                */
typedef struct {
    peer_t *peer;                    /* in Python, or                       */
    dividere_connector_t *connector; /* in C                                */
    dividere_message_t *message;     /* the last that came, if in C         */
    const char *route;               /* that of it, if in Python            */
} end_t;

static void
s_end_open (end_t *self, bool python, dividere_kind_t kind,
            const char *endpoint)
{
    *self = (end_t){ NULL };
    if (python) {
        const char *words[] = { dividere_kind_name (kind), endpoint, "0",
                                NULL };
        self->peer = peer_new ("peer.py", words);
        return;
    }
    self->connector = dividere_connector_new (kind, endpoint, NULL);
    CHECK (self->connector);
    self->message = dividere_message_new ();
}

/*  Sends a vector: along the route of what came last, where it is a reply.  */
static void
s_end_send (end_t *self, const vector_t *vector, bool reply)
{
    if (self->peer) {
        peer_send (self->peer, vector, reply ? self->route : "");
        return;
    }
    ProtobufCMessage *object = vector_object (vector);
    CHECK_INT (dividere_send_to (self->connector,
                                 reply ? dividere_message_route (self->message)
                                       : NULL,
                                 object, SELFTEST_DEADLINE),
               0);
    protobuf_c_message_free_unpacked (object, NULL);
}

static void
s_end_expect (end_t *self, const vector_t *vector)
{
    if (self->peer) {
        self->route = peer_expect (self->peer, vector);
        return;
    }
    CHECK_INT (dividere_recv_into (self->connector, self->message,
                                   SELFTEST_DEADLINE),
               0);
    CHECK_STR (dividere_message_name (self->message), vector->type);
    CHECK (vector_matches (vector, dividere_message_data (self->message),
                           dividere_message_size (self->message)));
}

/*  What came last brought no routing frames.                                */
static void
s_end_check_unrouted (const end_t *self)
{
    if (self->peer)
        CHECK_STR (self->route, "");
    else
        CHECK_INT (dividere_route_count (
                       dividere_message_route (self->message)),
                   0);
}

static void
s_end_close (end_t *self)
{
    if (self->peer) {
        peer_close (self->peer);
        peer_destroy (&self->peer);
        return;
    }
    dividere_message_destroy (&self->message);
    dividere_connector_destroy (&self->connector);
}

static void
s_check_pair (bool python_client, dividere_kind_t client_kind,
              bool python_worker, dividere_kind_t worker_kind)
{
    selftest_note ("%s in %s, %s in %s", dividere_kind_name (client_kind),
                   python_client ? "Python" : "C",
                   dividere_kind_name (worker_kind),
                   python_worker ? "Python" : "C");
    proxied_t proxy;
    end_t client, worker;
    proxied_open (&proxy);
    s_end_open (&client, python_client, client_kind, proxy.frontend);
    s_end_open (&worker, python_worker, worker_kind, proxy.backend);
    for (size_t i = 0; i < VECTORS; i++) {
        const vector_t *request = &s_vectors[i];
        const vector_t *reply = &s_vectors[VECTORS - 1 - i];
        s_end_send (&client, request, false);
        s_end_expect (&worker, request);
        s_end_send (&worker, reply, true);
        s_end_expect (&client, reply);
        s_end_check_unrouted (&client);
    }
    s_end_close (&client);
    s_end_close (&worker);
    CHECK_INT (proxied_stat (&proxy, "frontend_received"), VECTORS);
    CHECK_INT (proxied_stat (&proxy, "frontend_sent"), VECTORS);
    proxied_close (&proxy);
}

void
test_proxy_peers (void)
{
    vector_register_types ();
    for (int i = 0; i < 4; i++) {
        s_check_pair (i & 1, DIVIDERE_REQUEST, i & 2, DIVIDERE_RESPONSE);
        s_check_pair (i & 1, DIVIDERE_DEALER, i & 2, DIVIDERE_DEALER);
    }
}
