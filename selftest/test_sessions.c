/* SPDX-License-Identifier: Apache-2.0 */

/*  The sessions that were recorded: a plain socket sees from each connector
 *  exactly these frames, and the connector accepts them. Identities are random
 *  and left aside.                                                          */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include "session.h"
#include "sessions.h"
#include "test.pb-c.h"

void test_sessions (void);

#define SESSIONS (sizeof (s_sessions) / sizeof (s_sessions[0]))
#define ANY_PORT "tcp://127.0.0.1:*"

/*  The only recorded session of a scene.                                    */
static const session_t *
s_session (const char *scene)
{
    for (size_t i = 0; i < SESSIONS; i++)
        if (strcmp (s_sessions[i].scene, scene) == 0)
            return &s_sessions[i];
    selftest_fail (__FILE__, __LINE__, "no scene %s", scene);
}

static zsock_t *
s_bound (int type)
{
    zsock_t *raw = zsock_new (type);
    CHECK (raw);
    zsock_set_rcvtimeo (raw, SELFTEST_DEADLINE);
    CHECK (zsock_bind (raw, ANY_PORT) > 0);
    return raw;
}

static zsock_t *
s_connected (int type, const dividere_connector_t *connector)
{
    zsock_t *raw = zsock_new (type);
    CHECK (raw);
    zsock_set_rcvtimeo (raw, SELFTEST_DEADLINE);
    CHECK_INT (zsock_connect (raw, "%s",
                              dividere_connector_endpoint (connector)),
               0);
    return raw;
}

/*  The plain socket sends the frames of a session from number first on.     */
static void
s_raw_send (zsock_t *raw, const session_t *session, size_t first)
{
    zmsg_t *message = zmsg_new ();
    for (size_t i = first; i < session->count; i++)
        zmsg_addmem (message, session->frames[i].data, session->frames[i].size);
    CHECK_INT (zmsg_send (&message, raw), 0);
}

/*  It sees exactly the frames from number first on. With an identity in front,
 *  which may differ, that is left in the message.                           */
static zmsg_t *
s_raw_recv (zsock_t *raw, const session_t *session, size_t first,
            bool identified)
{
    zmsg_t *message = zmsg_recv (raw);
    CHECK (message);
    CHECK_INT (zmsg_size (message), session->count - first + identified);
    zframe_t *frame = zmsg_first (message);
    if (identified)
        frame = zmsg_next (message);
    for (size_t i = first; i < session->count; i++) {
        CHECK_INT (zframe_size (frame), session->frames[i].size);
        CHECK_INT (memcmp (zframe_data (frame), session->frames[i].data,
                           session->frames[i].size),
                   0);
        frame = zmsg_next (message);
    }
    return message;
}

static void
s_raw_expect (zsock_t *raw, const session_t *session, size_t first)
{
    zmsg_t *message = s_raw_recv (raw, session, first, false);
    zmsg_destroy (&message);
}

static void
s_hello (dividere_connector_t *connector, const dividere_route_t *route)
{
    char content[] = "hello";
    Msg01 hello = MSG01__INIT;
    hello.content = content;
    CHECK_INT (dividere_send_to (connector, route, &hello.base,
                                 SELFTEST_DEADLINE),
               0);
}

/*  The connector accepts it, with a route of so many frames; the caller owns
 *  the message.                                                             */
static dividere_message_t *
s_accept (dividere_connector_t *connector, size_t route_count)
{
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_recv_into (connector, message, SELFTEST_DEADLINE), 0);
    const Msg01 *hello = DIVIDERE_MESSAGE_AS (message, Msg01, msg01);
    CHECK (hello);
    CHECK_STR (hello->content, "hello");
    CHECK_INT (dividere_route_count (dividere_message_route (message)),
               route_count);
    return message;
}

static void
s_check_publisher (const session_t *session)
{
    dividere_connector_t *out = dividere_publisher_new (ANY_PORT, NULL);
    zsock_t *raw = s_connected (ZMQ_SUB, out);
    zsock_set_subscribe (raw, "");
    CHECK_INT (dividere_wait_subscribers (out, &msg01__descriptor, 1,
                                          SELFTEST_DEADLINE),
               0);
    s_hello (out, NULL);
    s_raw_expect (raw, session, 0);
    zsock_destroy (&raw);
    dividere_connector_destroy (&out);
}

/*  What a plain XPUB sees of a subscription, all of it.                     */
static void
s_expect_subscription (zsock_t *raw, const void *data, size_t size)
{
    zframe_t *frame = zframe_recv (raw);
    CHECK (frame);
    CHECK_INT (zframe_size (frame), size);
    CHECK_INT (memcmp (zframe_data (frame), data, size), 0);
    zframe_destroy (&frame);
}

static void
s_check_subscriber (const session_t *session)
{
    zsock_t *raw = s_bound (ZMQ_XPUB);
    dividere_connector_t *in =
        dividere_subscriber_new (zsock_endpoint (raw), NULL);
    CHECK_INT (dividere_subscribe (in, &msg01__descriptor), 0);
    s_expect_subscription (raw, "\x01\x0a\x05Msg01", 8);
    s_raw_send (raw, session, 0);
    dividere_message_t *message = s_accept (in, 0);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    zsock_destroy (&raw);
}

/*  The recorded peer writes 8 as the length of every name: its subscription to
 *  MyServiceReq is one to something else, here as there. As bytes it is sent
 *  and counted like any other; that of the type has the true length.        */
static void
s_check_subscription (const session_t *session)
{
    const frame_t *asked = &session->frames[0];
    size_t size;
    const char *topic =
        (const char *) dividere_types_topic (&my_service_req__descriptor,
                                             &size);
    CHECK_INT (asked->size, 1 + size);
    CHECK_INT (memcmp (asked->data, "\x01\x0A\x08", 3), 0);
    CHECK_INT (memcmp (asked->data + 3, topic + 2, size - 2), 0);
    zsock_t *raw = s_bound (ZMQ_XPUB);
    dividere_connector_t *in =
        dividere_subscriber_new (zsock_endpoint (raw), NULL);
    CHECK_INT (dividere_connector_subscribe (in, asked->data + 1,
                                             asked->size - 1),
               0);
    s_expect_subscription (raw, asked->data, asked->size);
    CHECK_INT (dividere_subscribe (in, &my_service_req__descriptor), 0);
    s_expect_subscription (raw, "\x01\x0a\x0cMyServiceReq", 15);
    dividere_connector_destroy (&in);
    zsock_destroy (&raw);

    dividere_connector_t *out = dividere_publisher_new (ANY_PORT, NULL);
    raw = s_connected (ZMQ_XSUB, out);
    s_raw_send (raw, session, 0);
    CHECK_INT (dividere_connector_wait_subscribers (out, asked->data + 1,
                                                    asked->size - 1, 1,
                                                    SELFTEST_DEADLINE),
               0);
    CHECK_FAILS (dividere_wait_subscribers (out, &my_service_req__descriptor, 1,
                                            0),
                 EAGAIN);
    zsock_destroy (&raw);
    dividere_connector_destroy (&out);
}

/*  A ROUTER sees the session, and what it sends back the same way arrives.  */
static void
s_check_request (const session_t *session)
{
    zsock_t *raw = s_bound (ZMQ_ROUTER);
    dividere_connector_t *request =
        dividere_request_new (zsock_endpoint (raw), NULL);
    s_hello (request, NULL);
    zmsg_t *seen = s_raw_recv (raw, session, 1, true);
    CHECK_INT (zmsg_send (&seen, raw), 0);
    dividere_message_t *reply = s_accept (request, 0);
    dividere_message_destroy (&reply);
    dividere_connector_destroy (&request);
    zsock_destroy (&raw);
}

static void
s_check_response (const session_t *session)
{
    dividere_connector_t *response = dividere_response_new (ANY_PORT, NULL);
    zsock_t *raw = s_connected (ZMQ_DEALER, response);
    s_raw_send (raw, session, 1);
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_recv_into (response, message, SELFTEST_DEADLINE), 0);
    CHECK_STR (dividere_message_name (message), "Msg01");
    s_hello (response, dividere_message_route (message));
    s_raw_expect (raw, session, 1);
    dividere_message_destroy (&message);
    zsock_destroy (&raw);
    dividere_connector_destroy (&response);
}

/*  Sent along what stands between the identity and the envelope. The identity
 *  is a UUID in text, as recorded.                                          */
static void
s_check_dealer (const session_t *session)
{
    zsock_t *raw = s_bound (ZMQ_ROUTER);
    dividere_connector_t *dealer =
        dividere_dealer_new (zsock_endpoint (raw), NULL);
    dividere_route_t *route = dividere_route_new ();
    for (size_t i = 1; i + 1 < session->count; i++)
        CHECK_INT (dividere_route_append (route, session->frames[i].data,
                                          session->frames[i].size),
                   0);
    s_hello (dealer, route);
    zmsg_t *seen = s_raw_recv (raw, session, 1, true);
    CHECK_INT (zframe_size (zmsg_first (seen)), session->frames[0].size);
    CHECK_INT (zmsg_send (&seen, raw), 0);
    dividere_message_t *message = s_accept (dealer, session->count - 2);
    for (size_t i = 1; i + 1 < session->count; i++) {
        size_t size;
        const void *data =
            dividere_route_frame (dividere_message_route (message), i - 1,
                                  &size);
        CHECK_INT (size, session->frames[i].size);
        CHECK_INT (memcmp (data, session->frames[i].data, size), 0);
    }
    dividere_message_destroy (&message);
    dividere_route_destroy (&route);
    dividere_connector_destroy (&dealer);
    zsock_destroy (&raw);
}

void
test_sessions (void)
{
    CHECK_INT (dividere_types_register (&msg01__descriptor), 0);
    s_check_publisher (s_session ("publish"));
    s_check_subscriber (s_session ("publish"));
    s_check_subscription (s_session ("subscribe"));
    s_check_request (s_session ("request"));
    s_check_response (s_session ("request"));
    size_t dealers = 0;
    for (size_t i = 0; i < SESSIONS; i++)
        if (strcmp (s_sessions[i].scene, "dealer") == 0) {
            s_check_dealer (&s_sessions[i]);
            dealers++;
        }
    CHECK_INT (dealers, 3);
}
