/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <dividere/connector.h>
#include <dividere/library.h>
#include "attach.h"
#include "control.h"
#include "drive.h"
#include "introspection.h"
#include "message_internal.h"
#include "socket.h"

#define HWM 100 /* questions, and answers, of one asker                      */

struct dividere_introspection_t {
    const char *kind;
    const char *name;
    dividere_introspect_fn *introspect;
    void *arg;
    int64_t since_ms;
    dividere_drive_t *drive;    /* ours                                      */
    dividere_polled_t polled;   /* a ROUTER, ours                            */
    dividere_control_t control; /* what is asked, and answered               */
    dividere_message_t *message;
};

static uint64_t
s_uptime_ms (const dividere_introspection_t *self)
{
    return (uint64_t) (zclock_mono () - self->since_ms);
}

/*  To who asked, if there is room.                                          */
static void
s_answer (dividere_introspection_t *self, const ProtobufCMessage *answer)
{
    zmq_msg_t frame;
    if (dividere_control_write (answer, &frame) < 0)
        return;
    if (dividere_socket_send (self->polled.handle,
                              dividere_message_route (self->message), &frame,
                              0) < 0)
        zmq_msg_close (&frame);
    dividere_poller_touch (&self->polled);
}

static void
s_answer_info (dividere_introspection_t *self)
{
    char library[40], host[256] = "";
    int major, minor, patch;
    dividere_version (&major, &minor, &patch);
    snprintf (library, sizeof (library), "%d.%d.%d", major, minor, patch);
    gethostname (host, sizeof (host) - 1);
    Dividere__Wire__ActorInfo info = DIVIDERE__WIRE__ACTOR_INFO__INIT;
    info.kind = (char *) self->kind;
    info.name = (char *) self->name;
    info.library = library;
    info.host = host;
    info.pid = (uint32_t) getpid ();
    info.uptime_ms = s_uptime_ms (self);
    s_answer (self, &info.base);
}

static void
s_answer_stats (dividere_introspection_t *self)
{
    typedef Dividere__Wire__ActorStats__Value value_t;
    zmsg_t *pairs = zmsg_new ();
    self->introspect (self->arg, pairs);
    size_t count = zmsg_size (pairs) / 2;
    value_t *values = (value_t *) zmalloc ((count + 1) * sizeof (*values));
    value_t **list = (value_t **) zmalloc ((count + 1) * sizeof (*list));
    for (size_t i = 0; i < count; i++) {
        dividere__wire__actor_stats__value__init (&values[i]);
        values[i].name = zmsg_popstr (pairs);
        char *digits = zmsg_popstr (pairs);
        values[i].value = strtoull (digits, NULL, 10);
        freen (digits);
        list[i] = &values[i];
    }
    Dividere__Wire__ActorStats stats = DIVIDERE__WIRE__ACTOR_STATS__INIT;
    stats.n_values = count;
    stats.values = list;
    stats.uptime_ms = s_uptime_ms (self);
    s_answer (self, &stats.base);
    for (size_t i = 0; i < count; i++)
        freen (values[i].name);
    freen (values);
    freen (list);
    zmsg_destroy (&pairs);
}

/*  What is no question has no answer.                                       */
static void
s_hear (dividere_introspection_t *self)
{
    const ProtobufCMessage *asked =
        dividere_control_read (&self->control,
                               dividere_message_data (self->message),
                               dividere_message_size (self->message));
    if (!asked)
        return;
    if (asked->descriptor == &dividere__wire__actor_info_req__descriptor)
        s_answer_info (self);
    else if (asked->descriptor == &dividere__wire__actor_stats_req__descriptor)
        s_answer_stats (self);
}

static dividere_served_t
s_serve (void *arg, void *owner, dividere_turn_t *turn)
{
    dividere_introspection_t *self = (dividere_introspection_t *) arg;
    while (dividere_turn_spend (turn)) {
        int rc =
            dividere_message_recv_frames (self->message, self->polled.handle,
                                          ZMQ_DONTWAIT);
        if (rc == 0)
            s_hear (self);
        else if (errno != EPROTO)
            return DIVIDERE_SERVED_ALL;
    }
    return DIVIDERE_SERVED_SOME;
}

static int
s_open (dividere_introspection_t *self, zloop_t *loop)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = options.recv_hwm = HWM;
    options.linger_ms = 0;
    self->drive = dividere_drive_new (loop, s_serve, self);
    self->polled.handle = zsys_socket (ZMQ_ROUTER, NULL, 0);
    if (!self->drive || !self->polled.handle ||
        dividere_socket_configure (self->polled.handle, &options) < 0 ||
        dividere_socket_set_router (self->polled.handle) < 0 ||
        dividere_drive_add (self->drive, &self->polled) < 0)
        return -1;
    dividere_drive_read (self->drive, true);
    return 0;
}

dividere_introspection_t *
dividere_introspection_new (zloop_t *loop, const char *kind, const char *name,
                            int64_t since_ms,
                            dividere_introspect_fn *introspect, void *arg)
{
    dividere_introspection_t *self =
        (dividere_introspection_t *) zmalloc (sizeof (*self));
    self->kind = kind;
    self->name = name;
    self->introspect = introspect;
    self->arg = arg;
    self->since_ms = since_ms;
    self->message = dividere_message_new ();
    dividere_control_init (&self->control);
    if (s_open (self, loop) < 0) {
        int error = errno;
        dividere_introspection_destroy (&self);
        errno = error;
    }
    return self;
}

void
dividere_introspection_destroy (dividere_introspection_t **self_p)
{
    dividere_introspection_t *self = *self_p;
    if (!self)
        return;
    dividere_poller_remove (&self->polled);
    if (self->polled.handle)
        zsys_close (self->polled.handle, NULL, 0);
    dividere_drive_destroy (&self->drive);
    dividere_control_term (&self->control);
    dividere_message_destroy (&self->message);
    freen (self);
    *self_p = NULL;
}

int
dividere_introspection_bind (dividere_introspection_t *self, const char *text,
                             zmsg_t *values)
{
    dividere_endpoint_t endpoint;
    char address[DIVIDERE_ADDRESS_MAX];
    if (dividere_endpoint_one (text, &endpoint) < 0)
        return errno;
    if (endpoint.role == DIVIDERE_ENDPOINT_CONNECT)
        return EINVAL;
    const dividere_access_t access = { DIVIDERE_ACCESS (STATS),
                                       endpoint.address };
    if (dividere_attach (self->polled.handle, self->name, &endpoint, true,
                         &access, address) < 0)
        return errno;
    dividere_poller_touch (&self->polled);
    zmsg_addstr (values, address);
    return 0;
}
