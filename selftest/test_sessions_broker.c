/* SPDX-License-Identifier: Apache-2.0 */

/*  The sessions that were recorded of brokers and a server: bare sockets in the
 *  place of the recorded peers see from the broker, the worker and the client
 *  of this library exactly these frames, and are understood. Identities that
 *  were random may be others of the same size.                              */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include "brokered.h"
#include "envelope_internal.h"
#include "extension.h"
#include "session.h"
#include "sessions.h"
#include "test.pb-c.h"

void test_sessions_broker_bytes (void);
void test_sessions_broker_typed (void);
void test_sessions_server (void);
void test_sessions_client (void);

#define SESSIONS (sizeof (s_sessions) / sizeof (s_sessions[0]))
#define TCP      "tcp://127.0.0.1:*"

static const char *const s_quick[] = { "heartbeat", "50", NULL };

/*  One step of a scene.                                                     */
static const session_t *
s_session (const char *scene, size_t step)
{
    for (size_t i = 0; i < SESSIONS; i++)
        if (streq (s_sessions[i].scene, scene) && step-- == 0)
            return &s_sessions[i];
    selftest_fail (__FILE__, __LINE__, "no such step of %s", scene);
}

/*  A bare socket at an endpoint, with an identity or NULL.                  */
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
s_send (zsock_t *raw, const frame_t *frame)
{
    CHECK_INT (zsock_send (raw, "b", frame->data, frame->size), 0);
}

static void
s_check_frame (zframe_t *actual, const frame_t *expected)
{
    CHECK (actual);
    CHECK_INT (zframe_size (actual), expected->size);
    CHECK_INT (memcmp (zframe_data (actual), expected->data, expected->size),
               0);
}

/*  The next message that is no sign of life.                                */
static zmsg_t *
s_recv_routed (zsock_t *raw, size_t signs)
{
    zmsg_t *message = zmsg_recv (raw);
    while (message && zmsg_size (message) == signs) {
        zmsg_destroy (&message);
        message = zmsg_recv (raw);
    }
    CHECK (message);
    return message;
}

/*  Its frames are those of the session; the first only if it is named.      */
static void
s_check_message (zmsg_t *message, const session_t *session, bool named)
{
    CHECK_INT (zmsg_size (message), session->count);
    zframe_t *frame = zmsg_first (message);
    CHECK_INT (zframe_size (frame), session->frames[0].size);
    for (size_t i = 0; i < session->count; i++) {
        if (i > 0 || named)
            s_check_frame (frame, &session->frames[i]);
        frame = zmsg_next (message);
    }
}

static void
s_expect (zsock_t *raw, const session_t *session)
{
    zmsg_t *message = zmsg_recv (raw);
    CHECK (message);
    s_check_message (message, session, true);
    zmsg_destroy (&message);
}

/*  The heartbeat of the bytes dialect was not recorded, but told.           */
void
test_sessions_broker_bytes (void)
{
    static const session_t alive = { "", 1, { { "\x02", 1 } } };
    const session_t *request = s_session ("broker (bytes)", 0);
    const session_t *reply = s_session ("broker (bytes)", 1);
    brokered_t broker;
    brokered_start (&broker, TCP, s_quick);
    zsock_t *worker = s_raw (ZMQ_DEALER, broker.backend, NULL);
    zsock_t *client = s_raw (ZMQ_REQ, broker.frontend, NULL);
    s_send (worker, &(frame_t){ "\x01", 1 });
    s_send (client, &request->frames[2]);
    zmsg_t *seen = s_recv_routed (worker, 1);
    s_check_message (seen, request, false);
    CHECK_INT (*zframe_data (zmsg_first (seen)), 0);
    CHECK_INT (zmsg_send (&seen, worker), 0);
    s_expect (client, reply);
    s_expect (worker, &alive);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    brokered_stop (&broker);
}

/*  The worker's name is the one that the recorded heartbeat was for.        */
void
test_sessions_broker_typed (void)
{
    static const frame_t name = { "worker-2", 8 };
    CHECK_INT (dividere_types_register (&msg01__descriptor), 0);
    const session_t *request = s_session ("broker (typed)", 0);
    const session_t *understood = s_session ("broker (typed)", 1);
    const session_t *alive = s_session ("broker (typed)", 2);
    brokered_t broker;
    brokered_start (&broker, TCP, s_quick);
    zsock_t *worker = s_raw (ZMQ_DEALER, broker.backend, &name);
    zsock_t *client = s_raw (ZMQ_DEALER, broker.frontend, &request->frames[0]);
    s_send (worker, &alive->frames[0]);
    s_send (client, &request->frames[1]);
    zmsg_t *seen = s_recv_routed (worker, 1);
    s_check_message (seen, request, true);
    CHECK_INT (zmsg_send (&seen, worker), 0);
    dividere_message_t *reply = dividere_message_new ();
    CHECK_INT (dividere_recv_into (client, reply, SELFTEST_DEADLINE), 0);
    CHECK_INT (dividere_route_count (dividere_message_route (reply)), 0);
    char *text = dividere_text (dividere_message_object (reply));
    CHECK_INT (understood->frames[0].size, strlen (text) + 1);
    CHECK_INT (memcmp (understood->frames[0].data, text, strlen (text)), 0);
    free (text);
    s_expect (worker, alive);
    dividere_message_destroy (&reply);
    zsock_destroy (&client);
    zsock_destroy (&worker);
    brokered_stop (&broker);
}

static void
s_parse (const void *data, size_t size, dividere_envelope_t *ret_envelope)
{
    CHECK_INT (dividere_envelope_parse (data, size, 100, ret_envelope), 0);
}

/*  A heartbeat is the recorded one with more fields behind. To a reader that
 *  knows only the first, a string, as Msg01 does, it is the same.           */
static void
s_check_heartbeat (zmsg_t *message, const session_t *session)
{
    CHECK_INT (zmsg_size (message), session->count);
    s_check_frame (zmsg_first (message), &session->frames[0]);
    zframe_t *frame = zmsg_next (message);
    dividere_envelope_t actual, expected;
    s_parse (zframe_data (frame), zframe_size (frame), &actual);
    s_parse (session->frames[1].data, session->frames[1].size, &expected);
    CHECK_INT (actual.name_size, expected.name_size);
    CHECK_INT (memcmp (actual.name, expected.name, expected.name_size), 0);
    CHECK_INT (actual.url_size, expected.url_size);
    CHECK_INT (memcmp (actual.url, expected.url, expected.url_size), 0);
    CHECK (actual.value_size > expected.value_size);
    CHECK_INT (memcmp (actual.value, expected.value, expected.value_size), 0);
    Msg01 *read = msg01__unpack (NULL, actual.value_size, actual.value);
    CHECK (read);
    CHECK_INT (strlen (read->content), session->frames[0].size);
    CHECK_INT (memcmp (read->content, session->frames[0].data,
                       session->frames[0].size),
               0);
    msg01__free_unpacked (read, NULL);
}

static int
s_echo (dividere_context_t *context, const Msg01 *message)
{
    return dividere_context_reply (context, &message->base);
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Msg01, msg01, s_echo), DIVIDERE_HANDLER_END
};

static void
s_call (zactor_t *actor, const char *command, const char *a, const char *b)
{
    CHECK_INT (dividere_call (actor, NULL, SELFTEST_DEADLINE, command, a, b,
                              NULL),
               0);
}

/*  A worker of ours in the server's place, under its name.                  */
static zactor_t *
s_worker (const char *endpoint, const frame_t *name)
{
    static const dividere_worker_config_t config = { .handlers = s_handlers };
    char identity[64];
    CHECK (name->size < sizeof (identity));
    memcpy (identity, name->data, name->size);
    identity[name->size] = 0;
    zactor_t *worker = zactor_new (dividere_worker, (void *) &config);
    s_call (worker, "SET", "identity", identity);
    s_call (worker, "SET", "heartbeat", "200");
    s_call (worker, "CONNECT", endpoint, NULL);
    s_call (worker, "START", NULL, NULL);
    return worker;
}

void
test_sessions_server (void)
{
    const session_t *registers = s_session ("server (typed)", 0);
    const session_t *replies = s_session ("server (typed)", 1);
    const session_t *alive = s_session ("server (typed)", 2);
    zsock_t *broker = s_raw (ZMQ_ROUTER, "@" TCP, NULL);
    zactor_t *worker = s_worker (zsock_endpoint (broker), &alive->frames[0]);
    zmsg_t *message = zmsg_recv (broker);
    CHECK (message);
    s_check_heartbeat (message, registers);
    zmsg_destroy (&message);
    message = zmsg_recv (broker);
    CHECK (message);
    s_check_heartbeat (message, alive);
    zmsg_destroy (&message);
    message = zmsg_new ();
    for (size_t i = 0; i < replies->count; i++)
        zmsg_addmem (message, replies->frames[i].data, replies->frames[i].size);
    CHECK_INT (zmsg_send (&message, broker), 0);
    message = s_recv_routed (broker, 2);
    s_check_message (message, replies, true);
    zmsg_destroy (&message);
    CHECK_INT (dividere_stop (&worker, SELFTEST_DEADLINE), 0);
    zsock_destroy (&broker);
}

/*  What our client adds in front of the request of a recorded one is a frame
 *  that peers send back as it is.                                           */
void
test_sessions_client (void)
{
    CHECK_INT (dividere_types_register (&msg01__descriptor), 0);
    const frame_t *envelope = &s_session ("broker (typed)", 0)->frames[1];
    zsock_t *broker = s_raw (ZMQ_ROUTER, "@" TCP, NULL);
    dividere_client_t *client =
        dividere_client_new (zsock_endpoint (broker), NULL);
    CHECK (client);
    char content[] = "hello";
    Msg01 hello = MSG01__INIT;
    hello.content = content;
    uint64_t number;
    CHECK_INT (dividere_client_send (client, &hello.base, NULL, &number), 0);
    CHECK_INT (dividere_client_wait_connected (client, SELFTEST_DEADLINE), 0);
    dividere_client_process (client);
    zmsg_t *seen = zmsg_recv (broker);
    CHECK (seen);
    CHECK_INT (zmsg_size (seen), 4);
    CHECK (zframe_size (zmsg_first (seen)) > 0);
    zframe_t *frame = zmsg_next (seen);
    dividere_extension_t extension;
    CHECK (dividere_extension_parse (zframe_data (frame), zframe_size (frame),
                                     &extension));
    CHECK_INT (extension.id.number, number);
    CHECK_INT (zframe_size (zmsg_next (seen)), 0);
    s_check_frame (zmsg_next (seen), envelope);
    CHECK_INT (zmsg_send (&seen, broker), 0);
    dividere_message_t *reply = dividere_message_new ();
    dividere_result_t result;
    CHECK_INT (dividere_client_recv (client, reply, &result, SELFTEST_DEADLINE),
               0);
    CHECK_INT (result.error, 0);
    CHECK_INT (result.number, number);
    const Msg01 *same = DIVIDERE_MESSAGE_AS (reply, Msg01, msg01);
    CHECK (same);
    CHECK_STR (same->content, content);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    zsock_destroy (&broker);
}
