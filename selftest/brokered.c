/* SPDX-License-Identifier: Apache-2.0 */

#include "brokered.h"
#include "extension.h"
#include "selftest.h"

#define CLIENT       99
#define BROKERED_TCP "tcp://127.0.0.1:*"

static char *
s_bind (brokered_t *self, const char *side, const char *endpoint)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (self->actor, &reply, SELFTEST_DEADLINE, "BIND",
                              side, endpoint, NULL),
               0);
    char *bound = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return bound;
}

void
brokered_set (brokered_t *self, const char *name, const char *value)
{
    CHECK_INT (dividere_call (self->actor, NULL, SELFTEST_DEADLINE, "SET", name,
                              value, NULL),
               0);
}

void
brokered_start (brokered_t *self, const char *endpoint,
                const char *const *settings)
{
    self->actor = zactor_new (dividere_broker, NULL);
    for (; settings && *settings; settings += 2)
        brokered_set (self, settings[0], settings[1]);
    bool tcp = streq (endpoint, BROKERED_TCP);
    self->frontend =
        s_bind (self, "frontend", tcp ? selftest_tcp () : endpoint);
    self->backend = s_bind (self, "backend", tcp ? selftest_tcp () : endpoint);
}

void
brokered_stop (brokered_t *self)
{
    CHECK_INT (dividere_stop (&self->actor, SELFTEST_DEADLINE), 0);
    freen (self->frontend);
    freen (self->backend);
}

uint64_t
brokered_stat (brokered_t *self, const char *name)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (self->actor, &reply, SELFTEST_DEADLINE, "STATS",
                              NULL),
               0);
    char *text;
    uint64_t value = UINT64_MAX;
    while ((text = zmsg_popstr (reply))) {
        char *number = zmsg_popstr (reply);
        if (streq (text, name))
            value = strtoull (number, NULL, 10);
        freen (text);
        freen (number);
    }
    zmsg_destroy (&reply);
    return value;
}

zsock_t *
brokered_dealer (const char *endpoint, const char *name)
{
    zsock_t *sock = zsock_new (ZMQ_DEALER);
    CHECK (sock);
    zsock_set_sndtimeo (sock, SELFTEST_DEADLINE);
    zsock_set_rcvtimeo (sock, SELFTEST_DEADLINE);
    if (name)
        zsock_set_identity (sock, name);
    CHECK_INT (zsock_connect (sock, "%s", endpoint), 0);
    return sock;
}

void
brokered_send (zsock_t *sock, ...)
{
    zmsg_t *message = zmsg_new ();
    va_list args;
    va_start (args, sock);
    for (const char *text; (text = va_arg (args, const char *));)
        zmsg_addstr (message, text);
    va_end (args);
    CHECK_INT (zmsg_send (&message, sock), 0);
}

void
brokered_expect (zsock_t *sock, ...)
{
    zmsg_t *message = zmsg_recv (sock);
    CHECK (message);
    va_list args;
    va_start (args, sock);
    for (const char *text; (text = va_arg (args, const char *));) {
        char *frame = zmsg_popstr (message);
        CHECK_STR (frame, text);
        freen (frame);
    }
    va_end (args);
    CHECK_INT (zmsg_size (message), 0);
    zmsg_destroy (&message);
}

void
brokered_ask (zsock_t *client, uint64_t number, const char *payload)
{
    dividere_extension_t extension = {
        .id = { CLIENT, number },
        .left_ms = DIVIDERE_EXTENSION_NO_DEADLINE,
        .requeues = DIVIDERE_EXTENSION_ANY_REQUEUE,
        .attempt = 1,
    };
    uint8_t bytes[DIVIDERE_EXTENSION_MAX];
    dividere_extension_write (&extension, bytes);
    zmsg_t *message = zmsg_new ();
    zmsg_addmem (message, bytes, dividere_extension_size (&extension));
    zmsg_addstr (message, "");
    zmsg_addstr (message, payload);
    CHECK_INT (zmsg_send (&message, client), 0);
}

int
brokered_answer (zsock_t *client, uint64_t number, const char *payload)
{
    zmsg_t *message = zmsg_recv (client);
    CHECK (message);
    CHECK_INT (zmsg_size (message), 3);
    dividere_extension_t extension;
    zframe_t *frame = zmsg_first (message);
    CHECK (dividere_extension_parse (zframe_data (frame), zframe_size (frame),
                                     &extension));
    CHECK_INT (extension.id.client, CLIENT);
    CHECK_INT (extension.id.number, number);
    CHECK (extension.flags & DIVIDERE_EXTENSION_BROKER);
    CHECK_INT (zframe_size (zmsg_next (message)), 0);
    if (payload)
        CHECK (zframe_streq (zmsg_next (message), payload));
    zmsg_destroy (&message);
    return extension.status;
}

static void
s_send_heartbeat (zsock_t *worker, const dividere_heartbeat_t *heartbeat)
{
    zmq_msg_t frame;
    dividere_heartbeat_encode (heartbeat, NULL, &frame);
    CHECK (zmq_msg_send (&frame, zsock_resolve (worker), 0) > 0);
}

void
brokered_register (zsock_t *worker, const char *name, unsigned credit)
{
    dividere_heartbeat_t heartbeat = { .id = name,
                                       .id_size = strlen (name),
                                       .version = 1,
                                       .parallel = 1,
                                       .credit = credit,
                                       .fresh = true };
    s_send_heartbeat (worker, &heartbeat);
    zmsg_t *answer = zmsg_recv (worker);
    CHECK (answer);
    CHECK_INT (zmsg_size (answer), 1);
    zframe_t *frame = zmsg_first (answer);
    dividere_heartbeat_t told;
    CHECK_INT (dividere_heartbeat_parse (zframe_data (frame),
                                         zframe_size (frame), &told),
               0);
    CHECK_INT (told.version, 1);
    CHECK (told.number > 0 && told.interval_ms > 0);
    zmsg_destroy (&answer);
}

/*  A worker that holds nothing says so, which is only true between requests. */
zmsg_t *
brokered_take (zsock_t *worker, const char *name)
{
    while (true) {
        zmsg_t *message = zmsg_recv (worker);
        CHECK (message);
        if (zmsg_size (message) > 1)
            return message;
        zframe_t *frame = zmsg_first (message);
        dividere_heartbeat_t told;
        CHECK_INT (dividere_heartbeat_parse (zframe_data (frame),
                                             zframe_size (frame), &told),
                   0);
        dividere_heartbeat_t answer = { .id = name,
                                        .id_size = strlen (name),
                                        .version = 1,
                                        .parallel = 1,
                                        .credit = 1,
                                        .number = told.number };
        s_send_heartbeat (worker, &answer);
        zmsg_destroy (&message);
    }
}
