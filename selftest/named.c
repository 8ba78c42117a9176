/* SPDX-License-Identifier: Apache-2.0 */

#include "named.h"
#include "extension.h"
#include "selftest.h"

#define CLIENT    77
#define NAMES_MAX 32

/*  libzmq may hold a port for a moment after its socket was closed.         */
static char *
s_bind (named_t *self, const char *side, const char *endpoint)
{
    zmsg_t *reply = NULL;
    int64_t deadline_ms = zclock_mono () + SELFTEST_DEADLINE;
    while (dividere_call (self->actor, &reply, SELFTEST_DEADLINE, "BIND", side,
                          endpoint, NULL) < 0) {
        CHECK_INT (errno, EADDRINUSE);
        CHECK (zclock_mono () < deadline_ms);
        selftest_pause ();
    }
    char *bound = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return bound;
}

static void
s_start (named_t *self, const char *const *endpoints,
         const char *const *settings)
{
    self->actor = zactor_new (dividere_nameserver, NULL);
    for (; settings && *settings; settings += 2)
        named_set (self, settings[0], settings[1]);
    self->requests = s_bind (self, "requests", endpoints[0]);
    self->publish = s_bind (self, "publish", endpoints[1]);
    self->watch = s_bind (self, "watch", endpoints[2]);
}

void
named_start (named_t *self, const char *endpoint, const char *const *settings)
{
    const char *endpoints[3];
    for (int i = 0; i < 3; i++)
        endpoints[i] = streq (endpoint, NAMED_TCP) ? selftest_tcp () : endpoint;
    s_start (self, endpoints, settings);
}

void
named_restart (named_t *self, const char *const *settings)
{
    named_t old = *self;
    const char *const endpoints[] = { old.requests, old.publish, old.watch };
    CHECK_INT (dividere_stop (&self->actor, SELFTEST_DEADLINE), 0);
    s_start (self, endpoints, settings);
    freen (old.requests);
    freen (old.publish);
    freen (old.watch);
}

void
named_stop (named_t *self)
{
    CHECK_INT (dividere_stop (&self->actor, SELFTEST_DEADLINE), 0);
    freen (self->requests);
    freen (self->publish);
    freen (self->watch);
}

int
named_command (named_t *self, const char *a, const char *b, const char *c)
{
    return dividere_call (self->actor, NULL, SELFTEST_DEADLINE, a, b, c, NULL);
}

void
named_set (named_t *self, const char *name, const char *value)
{
    CHECK_INT (named_command (self, "SET", name, value), 0);
}

uint64_t
named_stat (named_t *self, const char *name)
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

void
named_connect (named_peer_t *self, int type, const char *endpoint)
{
    memset (self, 0, sizeof (*self));
    self->sock = zsock_new (type);
    CHECK (self->sock);
    zsock_set_sndtimeo (self->sock, SELFTEST_DEADLINE);
    zsock_set_rcvtimeo (self->sock, SELFTEST_DEADLINE);
    if (type == ZMQ_SUB)
        zsock_set_subscribe (self->sock, "");
    dividere_control_init (&self->control);
    CHECK_INT (zsock_connect (self->sock, "%s", endpoint), 0);
}

void
named_disconnect (named_peer_t *self)
{
    zsock_destroy (&self->sock);
    zmsg_destroy (&self->heard);
    dividere_control_term (&self->control);
}

void
named_say (named_peer_t *self, const ProtobufCMessage *message)
{
    zmq_msg_t frame;
    CHECK_INT (dividere_control_write (message, &frame), 0);
    CHECK (zmq_msg_send (&frame, zsock_resolve (self->sock), 0) >= 0);
}

void
named_ask (named_peer_t *self, uint64_t number, const ProtobufCMessage *message)
{
    const dividere_extension_t extension = {
        .id = { CLIENT, number },
        .left_ms = DIVIDERE_EXTENSION_NO_DEADLINE,
        .attempt = 1,
    };
    uint8_t bytes[DIVIDERE_EXTENSION_MAX];
    dividere_extension_write (&extension, bytes);
    void *handle = zsock_resolve (self->sock);
    size_t size = dividere_extension_size (&extension);
    CHECK_INT (zmq_send (handle, bytes, size, ZMQ_SNDMORE), size);
    CHECK_INT (zmq_send (handle, "", 0, ZMQ_SNDMORE), 0);
    named_say (self, message);
}

const ProtobufCMessage *
named_hear (named_peer_t *self, const ProtobufCMessageDescriptor *type)
{
    zmsg_destroy (&self->heard);
    self->heard = zmsg_recv (self->sock);
    CHECK (self->heard);
    dividere_extension_t extension;
    zframe_t *first = zmsg_first (self->heard);
    if (dividere_extension_parse (zframe_data (first), zframe_size (first),
                                  &extension)) {
        CHECK_INT (zmsg_size (self->heard), 3);
        CHECK_INT (extension.id.client, CLIENT);
        CHECK (extension.flags & DIVIDERE_EXTENSION_BROKER);
        self->status = extension.status;
    }
    zframe_t *last = zmsg_last (self->heard);
    const ProtobufCMessage *message =
        dividere_control_read (&self->control, zframe_data (last),
                               zframe_size (last));
    CHECK (message);
    CHECK_STR (message->descriptor->name, type->name);
    return message;
}

bool
named_silent (named_peer_t *self, int timeout_ms)
{
    zmq_pollitem_t item = { zsock_resolve (self->sock), 0, ZMQ_POLLIN, 0 };
    return zmq_poll (&item, 1, timeout_ms) == 0;
}

static char *
s_text (const char *text)
{
    return (char *) (uintptr_t) text;
}

bool
named_register (named_peer_t *self, const char *name, int port)
{
    named_register_t request = DIVIDERE__WIRE__REGISTER_SERVICE__INIT;
    request.servicename = s_text (name);
    request.server = s_text ("127.0.0.1");
    request.port = (uint32_t) port;
    named_say (self, &request.base);
    const named_ack_t *ack = NAMED_HEAR (self, Ack, ack);
    CHECK (!ack->version && !ack->error && !ack->lease_ms);
    return ack->ok;
}

bool
named_unregister (named_peer_t *self, const char *name, int port)
{
    named_unregister_t request = DIVIDERE__WIRE__UNREGISTER_SERVICE__INIT;
    request.servicename = s_text (name);
    request.server = s_text ("127.0.0.1");
    request.port = (uint32_t) port;
    named_say (self, &request.base);
    return NAMED_HEAR (self, Ack, ack)->ok;
}

int
named_lookup (named_peer_t *self, const char *name)
{
    named_lookup_t request = DIVIDERE__WIRE__SERVICE_LOOKUP_REQ__INIT;
    request.servicename = s_text (name);
    named_say (self, &request.base);
    const named_found_t *found =
        NAMED_HEAR (self, ServiceLookupRep, service_lookup_rep);
    CHECK_STR (found->servicename, name);
    CHECK_STR (found->server, found->port ? "127.0.0.1" : "unavailable");
    CHECK (!found->version && !found->n_instances && !*found->watch);
    return (int) found->port;
}

int
named_native (named_peer_t *self, const char *name, int port, uint64_t instance,
              uint32_t lease_ms, bool renewal)
{
    named_register_t request = DIVIDERE__WIRE__REGISTER_SERVICE__INIT;
    request.servicename = s_text (name);
    request.server = s_text ("127.0.0.1");
    request.port = (uint32_t) port;
    request.version = 1;
    request.instance = instance;
    request.lease_ms = lease_ms;
    request.renewal = renewal;
    named_say (self, &request.base);
    const named_ack_t *ack = NAMED_HEAR (self, Ack, ack);
    CHECK_INT (ack->version, 1);
    CHECK_INT (ack->ok, ack->error == 0);
    return (int) ack->error;
}

const named_found_t *
named_list (named_peer_t *self, const char *name, uint32_t scope)
{
    named_lookup_t request = DIVIDERE__WIRE__SERVICE_LOOKUP_REQ__INIT;
    request.servicename = s_text (name);
    request.version = 1;
    request.scope = scope;
    named_say (self, &request.base);
    const named_found_t *found =
        NAMED_HEAR (self, ServiceLookupRep, service_lookup_rep);
    CHECK_INT (found->version, 1);
    return found;
}

const named_watched_t *
named_watches (named_peer_t *self, ...)
{
    char *names[NAMES_MAX];
    named_watch_t request = DIVIDERE__WIRE__WATCH_NAMES__INIT;
    request.version = 1;
    request.names = names;
    va_list args;
    va_start (args, self);
    char *name;
    while ((name = va_arg (args, char *)) && request.n_names < NAMES_MAX)
        names[request.n_names++] = name;
    va_end (args);
    named_say (self, &request.base);
    return NAMED_HEAR (self, NamesWatched, names_watched);
}
