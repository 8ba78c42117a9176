/* SPDX-License-Identifier: Apache-2.0 */

/*  What is registered, with each name server:
 *
 *  state        on                          then
 *  connecting   time: it is asked           registering
 *  registering  ok                          registered
 *  registering  another answer              refused
 *  registering  none                        connecting
 *  registered   a third of the lease        registering, as a renewal
 *  refused      a second                    registering
 *  any          RediscoverReq               registering                     */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include "attach.h"
#include "frame.h"
#include "registry_parts.h"
#include "socket.h"

#define AGAIN_MS   100  /* after no answer                                    */
#define REFUSED_MS 1000 /* after another                                      */
#define TRY_MS     5000 /* until one is given up                              */
#define LEAVE_MS   1000
#define NO_LEASE   UINT32_MAX /* on the wire                                  */

/*  With one name server.                                                    */
typedef struct {
    dividere_standing_state_t state;
    int error;
    int64_t due_ms;
    bool asked;
    bool before; /* it was registered there                                  */
} stand_t;

struct dividere_standing_t {
    void *place;                   /* in the list of the registry           */
    dividere_instance_t *instance; /* ours                                  */
    bool local;                    /* at the address of this host           */
    stand_t stands[];              /* one for each name server               */
};

const char *
dividere_standing_state_name (dividere_standing_state_t state)
{
    static const char *const s_names[DIVIDERE_STANDINGS] = {
        "connecting", "registering", "registered", "refused"
    };
    return s_names[state];
}

static void
s_remove (dividere_registry_t *self, dividere_standing_t *standing)
{
    dividere_servers_forget (self, standing);
    zlistx_detach (self->standings, standing->place);
    free (standing->instance);
    free (standing);
}

void
dividere_standing_remove (dividere_registry_t *self,
                          dividere_standing_t **self_p)
{
    s_remove (self, *self_p);
    *self_p = NULL;
}

void
dividere_standings_close (dividere_registry_t *self)
{
    dividere_standing_t *standing;
    while ((standing = (dividere_standing_t *) zlistx_first (self->standings)))
        s_remove (self, standing);
    zlistx_destroy (&self->standings);
}

dividere_standing_t *
dividere_standings_find (const dividere_registry_t *self, const char *name,
                         int port)
{
    dividere_standing_t *at =
        (dividere_standing_t *) zlistx_first (self->standings);
    while (at &&
           (at->instance->port != port || !streq (at->instance->name, name)))
        at = (dividere_standing_t *) zlistx_next (self->standings);
    return at;
}

const char *
dividere_standing_server (const dividere_standing_t *self)
{
    return self->local ? NULL : self->instance->server;
}

/*  Every subscriber is told of what is published from here on.              */
static void
s_listen (dividere_registry_t *self, dividere_server_t *server)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.linger_ms = 0;
    options.reconnect_max_ms = 1000;
    if (server->sub || !server->publish)
        return;
    server->sub = zsys_socket (ZMQ_SUB, NULL, 0);
    if (!server->sub)
        return;
    server->heard.handle = server->sub;
    server->heard.owner = server;
    dividere_security_t *before = dividere_security_use_here (self->security);
    bool good =
        dividere_socket_configure (server->sub, &options) == 0 &&
        zmq_setsockopt (server->sub, ZMQ_SUBSCRIBE, "", 0) == 0 &&
        dividere_connect (server->sub,
                          server->publish + (*server->publish == '>')) == 0 &&
        dividere_poller_add (self->poller, &server->heard) == 0;
    dividere_security_use_here (before);
    if (!good) {
        zsys_close (server->sub, NULL, 0);
        server->sub = NULL;
    }
}

static bool
s_addable (const dividere_instance_t *instance)
{
    dividere_instance_t checked = *instance;
    if (!checked.server)
        checked.server = "local";
    return checked.lease_ms >= -1 && checked.name &&
           dividere_instance_valid (&checked);
}

int
dividere_registry_add (dividere_registry_t *self,
                       const dividere_instance_t *instance)
{
    if (!s_addable (instance)) {
        errno = EINVAL;
        return -1;
    }
    if (dividere_standings_find (self, instance->name, instance->port)) {
        errno = EALREADY;
        return -1;
    }
    dividere_instance_t copied = *instance;
    if (!copied.instance)
        randombytes_buf (&copied.instance, sizeof (copied.instance));
    if (!copied.server)
        copied.server = "local";
    dividere_standing_t *standing = (dividere_standing_t *) zmalloc (
        sizeof (*standing) + self->servers_count * sizeof (stand_t));
    size_t size;
    standing->instance = dividere_instance_copy (&copied, &size);
    standing->local = !instance->server;
    standing->place = zlistx_add_end (self->standings, standing);
    for (size_t i = 0; i < self->servers_count; i++)
        s_listen (self, &self->servers[i]);
    return 0;
}

static stand_t *
s_stand (dividere_registry_t *self, dividere_standing_t *standing,
         const dividere_server_t *server)
{
    return &standing->stands[server - self->servers];
}

static void
s_later (stand_t *stand, dividere_standing_state_t state, int error, int ms)
{
    stand->state = state;
    stand->error = error;
    stand->due_ms = zclock_mono () + ms;
}

/*  Who is not of this library knows no lease, and calls when it forgets.    */
static void
s_registered (dividere_server_t *server, stand_t *stand,
              const Dividere__Wire__Ack *ack)
{
    stand->state = DIVIDERE_STANDING_REGISTERED;
    stand->error = 0;
    server->renewals += stand->before;
    stand->before = true;
    stand->due_ms = ack->version && ack->lease_ms
                        ? zclock_mono () + ack->lease_ms / 3 + 1
                        : DIVIDERE_REGISTRY_NEVER;
}

static void
s_on_ack (dividere_registry_t *self, dividere_asked_t *asked,
          const ProtobufCMessage *reply, int error)
{
    stand_t *stand =
        s_stand (self, (dividere_standing_t *) asked->target, asked->server);
    const Dividere__Wire__Ack *ack = (const Dividere__Wire__Ack *) reply;
    stand->asked = false;
    if (error)
        s_later (stand, DIVIDERE_STANDING_CONNECTING, error, AGAIN_MS);
    else if (reply->descriptor != &dividere__wire__ack__descriptor)
        s_later (stand, DIVIDERE_STANDING_REFUSED, EPROTO, REFUSED_MS);
    else if (ack->ok)
        s_registered (asked->server, stand, ack);
    else
        s_later (stand, DIVIDERE_STANDING_REFUSED,
                 ack->error ? dividere_servers_errno (ack->error) : EPROTO,
                 REFUSED_MS);
    if (stand->error)
        asked->server->error = stand->error;
}

/*  By the answer the address is known.                                      */
static void
s_on_probed (dividere_registry_t *self, dividere_asked_t *asked,
             const ProtobufCMessage *reply, int error)
{
    stand_t *stand =
        s_stand (self, (dividere_standing_t *) asked->target, asked->server);
    stand->asked = false;
    s_later (stand, DIVIDERE_STANDING_CONNECTING, error,
             error || !*asked->server->host ? AGAIN_MS : 0);
}

static void
s_register (dividere_registry_t *self, dividere_server_t *server,
            dividere_standing_t *standing, stand_t *stand)
{
    const dividere_instance_t *instance = standing->instance;
    int64_t deadline_ms = zclock_mono () + TRY_MS;
    char local[64];
    stand->asked = true;
    if (standing->local &&
        !dividere_servers_local (server, local, sizeof (local))) {
        Dividere__Wire__ServiceLookupReq probe;
        dividere_servers_lookup (&probe, instance->name, 0);
        if (dividere_servers_ask (self, server, &probe.base, deadline_ms,
                                  s_on_probed, standing) == 0)
            return;
    }
    else {
        Dividere__Wire__RegisterService request =
            DIVIDERE__WIRE__REGISTER_SERVICE__INIT;
        request.servicename = (char *) instance->name;
        request.server = standing->local ? local : (char *) instance->server;
        request.port = (uint32_t) instance->port;
        request.version = 1;
        request.instance = instance->instance;
        request.lease_ms =
            instance->lease_ms < 0 ? NO_LEASE : (uint32_t) instance->lease_ms;
        request.renewal = stand->before;
        request.release = (char *) instance->release;
        request.tags = (char **) instance->tags;
        while (instance->tags && instance->tags[request.n_tags])
            request.n_tags++;
        if (dividere_servers_ask (self, server, &request.base, deadline_ms,
                                  s_on_ack, standing) == 0) {
            if (stand->state != DIVIDERE_STANDING_REGISTERED)
                stand->state = DIVIDERE_STANDING_REGISTERING;
            return;
        }
    }
    stand->asked = false;
    s_later (stand, DIVIDERE_STANDING_CONNECTING, errno, REFUSED_MS);
}

void
dividere_standings_tick (dividere_registry_t *self, int64_t now_ms)
{
    dividere_standing_t *at =
        (dividere_standing_t *) zlistx_first (self->standings);
    for (; at; at = (dividere_standing_t *) zlistx_next (self->standings))
        for (size_t i = 0; i < self->servers_count; i++)
            if (!at->stands[i].asked && at->stands[i].due_ms <= now_ms)
                s_register (self, &self->servers[i], at, &at->stands[i]);
}

int64_t
dividere_standings_next (const dividere_registry_t *self)
{
    int64_t next_ms = DIVIDERE_REGISTRY_NEVER;
    dividere_standing_t *at =
        (dividere_standing_t *) zlistx_first (self->standings);
    for (; at; at = (dividere_standing_t *) zlistx_next (self->standings))
        for (size_t i = 0; i < self->servers_count; i++)
            if (!at->stands[i].asked && at->stands[i].due_ms < next_ms)
                next_ms = at->stands[i].due_ms;
    return next_ms;
}

/*  All are due at a name server.                                            */
static void
s_again (dividere_registry_t *self, dividere_server_t *server)
{
    dividere_standing_t *at =
        (dividere_standing_t *) zlistx_first (self->standings);
    for (; at; at = (dividere_standing_t *) zlistx_next (self->standings))
        s_stand (self, at, server)->due_ms = 0;
}

void
dividere_standings_hear (dividere_registry_t *self, dividere_server_t *server,
                         size_t *left)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    for (; *left > 0 &&
           dividere_frame_recv (&frame, server->sub, ZMQ_DONTWAIT) >= 0;
         --*left) {
        const ProtobufCMessage *message =
            dividere_control_read (&self->control, zmq_msg_data (&frame),
                                   zmq_msg_size (&frame));
        if (!message ||
            message->descriptor != &dividere__wire__rediscover_req__descriptor)
            continue;
        server->rediscovered++;
        s_again (self, server);
    }
    zmq_msg_close (&frame);
}

/*  A refusal says more than that one of them could not be asked.            */
bool
dividere_standing_stands (const dividere_registry_t *self,
                          const dividere_standing_t *standing, int *ret_error)
{
    int error = 0;
    for (size_t i = 0; i < self->servers_count; i++) {
        const stand_t *stand = &standing->stands[i];
        if (stand->state == DIVIDERE_STANDING_REGISTERED)
            return true;
        if (!error || stand->state == DIVIDERE_STANDING_REFUSED)
            error = stand->error;
    }
    *ret_error = error;
    return false;
}

static dividere_standing_state_t
s_worst (const dividere_registry_t *self, size_t index)
{
    dividere_standing_state_t state = DIVIDERE_STANDING_REGISTERED;
    dividere_standing_t *at =
        (dividere_standing_t *) zlistx_first (self->standings);
    for (; at; at = (dividere_standing_t *) zlistx_next (self->standings)) {
        if (at->stands[index].state == DIVIDERE_STANDING_REFUSED)
            return DIVIDERE_STANDING_REFUSED;
        if (at->stands[index].state < state)
            state = at->stands[index].state;
    }
    return zlistx_size (self->standings) ? state : DIVIDERE_STANDING_CONNECTING;
}

bool
dividere_registry_server (const dividere_registry_t *self, size_t index,
                          dividere_registry_server_t *ret)
{
    if (index >= self->servers_count)
        return false;
    const dividere_server_t *server = &self->servers[index];
    dividere_standing_state_t state = s_worst (self, index);
    *ret = (dividere_registry_server_t){
        .endpoint = server->endpoint,
        .state = state,
        .error = state == DIVIDERE_STANDING_REGISTERED ? 0 : server->error,
        .renewals = server->renewals,
        .rediscovered = server->rediscovered,
    };
    return true;
}

static void
s_on_left (dividere_registry_t *self, dividere_asked_t *asked,
           const ProtobufCMessage *reply, int error)
{
    self->leaving--;
}

static void
s_leave (dividere_registry_t *self, dividere_server_t *server,
         const dividere_standing_t *standing)
{
    const dividere_instance_t *instance = standing->instance;
    char local[64];
    Dividere__Wire__UnregisterService leave =
        DIVIDERE__WIRE__UNREGISTER_SERVICE__INIT;
    if (standing->local &&
        !dividere_servers_local (server, local, sizeof (local)))
        return;
    leave.servicename = (char *) instance->name;
    leave.server = standing->local ? local : (char *) instance->server;
    leave.port = (uint32_t) instance->port;
    leave.version = 1;
    leave.instance =
        server->native && instance->lease_ms >= 0 ? instance->instance : 0;
    if (dividere_servers_ask (self, server, &leave.base,
                              zclock_mono () + LEAVE_MS, s_on_left, self) == 0)
        self->leaving++;
}

void
dividere_registry_withdraw (dividere_registry_t *self)
{
    dividere_standing_t *at;
    while ((at = (dividere_standing_t *) zlistx_first (self->standings))) {
        for (size_t i = 0; i < self->servers_count; i++)
            if (at->stands[i].before)
                s_leave (self, &self->servers[i], at);
        s_remove (self, at);
    }
}

size_t
dividere_registry_withdrawn (const dividere_registry_t *self)
{
    return self->leaving;
}
