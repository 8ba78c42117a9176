/* SPDX-License-Identifier: Apache-2.0 */

/*  Objects that are given from thread to thread as they are.                */

#include "selftest.h"
#include <stdatomic.h>
#include <dividere.h>
#include "handover.h"
#include "test.pb-c.h"

void test_handover_same (void);
void test_handover_subscribers (void);
void test_handover_reactor (void);
void test_handover_unsent (void);
void test_handover_packed (void);
void test_handover_refused (void);
void test_handover_forged (void);
void test_handover_bytes (void);

/*  As protobuf-c would have unpacked it.                                    */
static ProtobufCMessage *
s_object (const char *text)
{
    Msg01 *message = (Msg01 *) malloc (sizeof (*message));
    msg01__init (message);
    message->content = strdup (text);
    return &message->base;
}

static dividere_connector_t *
s_new (dividere_kind_t kind, char role, const char *endpoint,
       dividere_connector_options_t *options)
{
    char *text = zsys_sprintf ("%c%s", role, endpoint);
    options->handover = true;
    dividere_connector_t *self = dividere_connector_new (kind, text, options);
    CHECK (self);
    free (text);
    return self;
}

static const char *
s_content (const dividere_message_t *message)
{
    const Msg01 *object = DIVIDERE_MESSAGE_AS (message, Msg01, msg01);
    CHECK (object);
    return object->content;
}

void
test_handover_same (void)
{
    const char *endpoint = selftest_inproc ();
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    dividere_connector_t *left =
        s_new (DIVIDERE_DEALER, '@', endpoint, &options);
    dividere_connector_t *right =
        s_new (DIVIDERE_DEALER, '>', endpoint, &options);
    dividere_message_t *message = dividere_message_new ();
    for (int i = 0; i < 100; i++) {
        ProtobufCMessage *given = s_object ("one"), *kept = given;
        Msg01 packed = MSG01__INIT;
        packed.content = (char *) "two";
        CHECK_INT (dividere_send_owned (left, NULL, &given, -1), 0);
        CHECK (!given);
        CHECK_INT (dividere_send (left, &packed.base), 0);
        CHECK_INT (dividere_recv_into (right, message, SELFTEST_DEADLINE), 0);
        CHECK (dividere_message_object (message) == kept);
        CHECK_STR (dividere_message_name (message), "Msg01");
        CHECK_STR (s_content (message), "one");
        CHECK_INT (dividere_recv_into (right, message, SELFTEST_DEADLINE), 0);
        CHECK_STR (s_content (message), "two");
    }
    dividere_message_destroy (&message);
    dividere_connector_destroy (&left);
    dividere_connector_destroy (&right);
}

/*  All of them have it, each until it has read the next.                    */
void
test_handover_subscribers (void)
{
    const char *endpoint = selftest_inproc ();
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.sequenced = true;
    dividere_connector_t *out =
        s_new (DIVIDERE_PUBLISHER, '@', endpoint, &options);
    dividere_connector_t *in[3];
    dividere_message_t *messages[3];
    for (int i = 0; i < 3; i++) {
        in[i] = s_new (DIVIDERE_SUBSCRIBER, '>', endpoint, &options);
        CHECK_INT (dividere_subscribe (in[i], &msg01__descriptor), 0);
        messages[i] = dividere_message_new ();
    }
    CHECK_INT (dividere_wait_subscribers (out, &msg01__descriptor, 3,
                                          SELFTEST_DEADLINE),
               0);
    for (int i = 0; i < 10; i++) {
        ProtobufCMessage *given = s_object ("to all"), *kept = given;
        CHECK_INT (dividere_send_owned (out, NULL, &given, -1), 0);
        for (int k = 0; k < 3; k++) {
            CHECK_INT (dividere_recv_into (in[k], messages[k],
                                           SELFTEST_DEADLINE),
                       0);
            CHECK (dividere_message_object (messages[k]) == kept);
            CHECK_INT (dividere_message_sequence (messages[k]), i + 1);
        }
        dividere_message_t *first = dividere_message_new ();
        dividere_message_destroy (&messages[0]);
        messages[0] = first;
        CHECK_STR (s_content (messages[1]), "to all");
    }
    for (int i = 0; i < 3; i++) {
        dividere_message_destroy (&messages[i]);
        dividere_connector_destroy (&in[i]);
    }
    dividere_connector_destroy (&out);
}

static int
s_on_message (dividere_context_t *context, const void *message)
{
    const Msg01 *request = (const Msg01 *) message;
    Msg01 reply = MSG01__INIT;
    reply.content = request->content;
    return dividere_context_reply (context, &reply.base) < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    { &msg01__descriptor, s_on_message, "on_message" }, DIVIDERE_HANDLER_END
};

void
test_handover_reactor (void)
{
    dividere_reactor_config_t config = { .handlers = s_handlers };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    const char *endpoint = selftest_inproc ();
    char *at = zsys_sprintf ("@%s", endpoint);
    CHECK_INT (dividere_call (reactor, NULL, SELFTEST_DEADLINE, "ADD",
                              "response", at, NULL),
               0);
    CHECK_INT (dividere_call (reactor, NULL, SELFTEST_DEADLINE, "START", NULL),
               0);
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    dividere_connector_t *asks =
        s_new (DIVIDERE_REQUEST, '>', endpoint, &options);
    dividere_message_t *message = dividere_message_new ();
    for (int i = 0; i < 100; i++) {
        ProtobufCMessage *given = s_object ("echo");
        CHECK_INT (dividere_send_owned (asks, NULL, &given, -1), 0);
        CHECK_INT (dividere_recv_into (asks, message, SELFTEST_DEADLINE), 0);
        CHECK_STR (s_content (message), "echo");
    }
    dividere_message_destroy (&message);
    dividere_connector_destroy (&asks);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    free (at);
}

/*  What could not be sent is the caller's; what nobody reads is freed.      */
void
test_handover_unsent (void)
{
    const char *endpoint = selftest_inproc ();
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = options.recv_hwm = 5;
    options.linger_ms = 0;
    dividere_connector_t *left =
        s_new (DIVIDERE_DEALER, '@', endpoint, &options);
    dividere_connector_t *right =
        s_new (DIVIDERE_DEALER, '>', endpoint, &options);
    ProtobufCMessage *given = NULL;
    int sent = -1;
    do {
        given = given ? given : s_object ("many");
        sent++;
    }
    while (dividere_send_owned (left, NULL, &given, 0) == 0);
    CHECK_INT (errno, EAGAIN);
    CHECK_INT (sent, 10);
    CHECK (given);
    CHECK_STR (((Msg01 *) given)->content, "many");
    dividere_connector_destroy (&left);
    CHECK_FAILS (dividere_send_owned (right, NULL, &given, 0), EAGAIN);
    protobuf_c_message_free_unpacked (given, NULL);
    dividere_connector_destroy (&right);
}

/*  Without the option, and by sockets that know nothing of it.              */
void
test_handover_packed (void)
{
    zsock_t *left = zsock_new_pair ("@tcp://127.0.0.1:*");
    CHECK (left);
    zsock_t *right = zsock_new_pair (zsock_endpoint (left));
    ProtobufCMessage *given = s_object ("packed");
    CHECK_INT (dividere_send_owned (right, NULL, &given, -1), 0);
    CHECK (!given);
    dividere_message_t *message = dividere_recv (left);
    CHECK (message);
    CHECK_STR (s_content (message), "packed");
    dividere_message_destroy (&message);
    zsock_destroy (&left);
    zsock_destroy (&right);
    dividere_connector_t *alone =
        dividere_dealer_new ("@tcp://127.0.0.1:*", NULL);
    given = s_object ("\xFF");
    CHECK_FAILS (dividere_send_owned (alone, NULL, &given, 0), EILSEQ);
    CHECK (given);
    protobuf_c_message_free_unpacked (given, NULL);
    dividere_connector_destroy (&alone);
}

void
test_handover_refused (void)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.handover = true;
    CHECK (!dividere_dealer_new ("@tcp://127.0.0.1:*", &options));
    CHECK_INT (errno, EPROTONOSUPPORT);
    dividere_connector_t *self =
        s_new (DIVIDERE_DEALER, '@', selftest_inproc (), &options);
    CHECK_FAILS (dividere_connector_connect (self, "tcp://127.0.0.1:1"),
                 EPROTONOSUPPORT);
    CHECK_FAILS (dividere_connector_bind (self, "ipc://@nowhere"),
                 EPROTONOSUPPORT);
    dividere_connector_destroy (&self);
}

/*  The bytes of a frame that stands for an object, sent by somebody else.   */
void
test_handover_forged (void)
{
    const char *endpoint = selftest_inproc ();
    char *at = zsys_sprintf ("@%s", endpoint);
    zsock_t *forger = zsock_new_dealer (at);
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    dividere_connector_t *in = s_new (DIVIDERE_DEALER, '>', endpoint, &options);
    dividere_handover_t what = { dividere_types_entry (&msg01__descriptor),
                                 s_object ("mine"), 0, 0 };
    dividere_connector_stats_t stats;
    zmq_msg_t frame;
    dividere_handover_init (&frame, &what);
    CHECK_INT (zmq_send (zsock_resolve (forger), zmq_msg_data (&frame),
                         zmq_msg_size (&frame), 0),
               zmq_msg_size (&frame));
    dividere_message_t *message = dividere_message_new ();
    CHECK_FAILS (dividere_recv_into (in, message, SELFTEST_DEADLINE), EPROTO);
    dividere_connector_stats (in, &stats);
    CHECK_INT (stats.malformed, 1);
    zmq_msg_close (&frame);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    zsock_destroy (&forger);
    free (at);
}

static void
s_on_release (void *data, void *arg)
{
    atomic_fetch_add ((atomic_int *) arg, 1);
    free (data);
}

/*  Bytes that are lent: given back once each, or never taken.               */
void
test_handover_bytes (void)
{
    enum { SIZE = 1 << 20 };
    static atomic_int s_released;
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = options.recv_hwm = 2;
    options.linger_ms = 0;
    dividere_connector_t *in =
        dividere_dealer_new ("@tcp://127.0.0.1:*", &options);
    dividere_connector_t *out =
        dividere_dealer_new (dividere_connector_endpoint (in), &options);
    dividere_message_t *message = dividere_message_new ();
    for (int i = 0; i < 10; i++) {
        void *data = malloc (SIZE);
        memset (data, i, SIZE);
        CHECK_INT (dividere_connector_send_owned (out, NULL, data, SIZE,
                                                  s_on_release, &s_released,
                                                  SELFTEST_DEADLINE),
                   0);
        CHECK_INT (dividere_connector_recv_into (in, message,
                                                 SELFTEST_DEADLINE),
                   0);
        CHECK_INT (dividere_message_size (message), SIZE);
        CHECK_INT (
            ((const uint8_t *) dividere_message_data (message))[SIZE - 1], i);
    }
    CHECK_EVENTUALLY (s_released == 10);
    /* Too large, and no room: it stays here.                                */
    void *data = malloc (SIZE);
    CHECK_FAILS (dividere_connector_send_owned (out, NULL, data,
                                                (size_t) 1 << 30, s_on_release,
                                                &s_released, 0),
                 EMSGSIZE);
    CHECK_INT (s_released, 10);
    int sent = 0;
    while (dividere_connector_send_owned (out, NULL, data, SIZE, s_on_release,
                                          &s_released, 0) == 0) {
        data = malloc (SIZE);
        sent++;
    }
    CHECK_INT (errno, EAGAIN);
    free (data);
    dividere_connector_destroy (&in);
    dividere_connector_destroy (&out);
    CHECK_EVENTUALLY (s_released == 10 + sent);
    dividere_message_destroy (&message);
}
