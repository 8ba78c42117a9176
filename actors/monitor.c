/* SPDX-License-Identifier: Apache-2.0 */

/*  The monitor's thread: reads the sinks of all watched connectors, each a pair
 *  of sockets inside libzmq, and tells what it reads to the log and to whoever
 *  is connected to the events endpoint.                                     */

#include <assert.h>
#include <errno.h>
#include <dividere/event.pb-c.h>
#include <dividere/monitor.h>
#include "actor_internal.h"
#include "connector_internal.h"
#include "drive.h"
#include "events.h"
#include "log_internal.h"

typedef Dividere__SocketEvent event_t;

/*  The narrow mask: what a peer can cause without end, as libzmq reports each
 *  failed accept, is left out.                                              */
#define MASK                                                                   \
    (ZMQ_EVENT_LISTENING | ZMQ_EVENT_BIND_FAILED | ZMQ_EVENT_CONNECTED |       \
     ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECT_RETRIED |                   \
     ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_MONITOR_STOPPED | \
     ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |    \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

static const struct {
    int event;
    Dividere__SocketEvent__Kind kind;
} s_kinds[] = {
    { ZMQ_EVENT_LISTENING, DIVIDERE__SOCKET_EVENT__KIND__LISTENING },
    { ZMQ_EVENT_BIND_FAILED, DIVIDERE__SOCKET_EVENT__KIND__BIND_FAILED },
    { ZMQ_EVENT_CONNECTED, DIVIDERE__SOCKET_EVENT__KIND__CONNECTED },
    { ZMQ_EVENT_CONNECT_DELAYED,
      DIVIDERE__SOCKET_EVENT__KIND__CONNECT_DELAYED },
    { ZMQ_EVENT_CONNECT_RETRIED,
      DIVIDERE__SOCKET_EVENT__KIND__CONNECT_RETRIED },
    { ZMQ_EVENT_ACCEPTED, DIVIDERE__SOCKET_EVENT__KIND__ACCEPTED },
    { ZMQ_EVENT_DISCONNECTED, DIVIDERE__SOCKET_EVENT__KIND__DISCONNECTED },
    { ZMQ_EVENT_HANDSHAKE_SUCCEEDED,
      DIVIDERE__SOCKET_EVENT__KIND__HANDSHAKE_SUCCEEDED },
    { ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
      DIVIDERE__SOCKET_EVENT__KIND__HANDSHAKE_FAILED },
    { ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
      DIVIDERE__SOCKET_EVENT__KIND__HANDSHAKE_FAILED },
    { ZMQ_EVENT_HANDSHAKE_FAILED_AUTH,
      DIVIDERE__SOCKET_EVENT__KIND__HANDSHAKE_FAILED },
    { ZMQ_EVENT_MONITOR_STOPPED,
      DIVIDERE__SOCKET_EVENT__KIND__MONITOR_STOPPED },
};

/*  Why a handshake failed: codes of libzmq, the first that fits.            */
static const struct {
    uint32_t value;
    const char *reason;
} s_protocol_reasons[] = {
    { ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH,
      "one side wants security and the other does not" },
    { ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, "the keys do not fit" },
    { ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED, "the authenticator failed" },
};

typedef struct {
    dividere_watch_t *watch; /* our side of it                              */
    dividere_polled_t polled;
    void *place; /* in the list of the monitor                  */
} watched_t;

typedef struct {
    dividere_actor_t *actor; /* the kit                                     */
    dividere_drive_t *drive; /* over all sinks; NULL: no descriptors        */
    zlistx_t *watched;       /* of watched_t, ours                          */
    dividere_events_t events;
} self_t;

static void
s_forget (self_t *self, watched_t *watched)
{
    dividere_poller_remove (&watched->polled);
    dividere_watch_leave (&watched->watch);
    zlistx_detach (self->watched, watched->place);
    freen (watched);
}

static const char *
s_reason (int event, uint32_t value)
{
    static const char *const s_auth[] = { "not allowed, for now", "not allowed",
                                          "the authenticator failed" };
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        return s_auth[value == 300 ? 0 : value == 400 ? 1 : 2];
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
        return "the peer broke off";
    if (event == ZMQ_EVENT_BIND_FAILED)
        return zmq_strerror ((int) value);
    if (event != ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        return "";
    for (size_t i = 0;
         i < sizeof (s_protocol_reasons) / sizeof (s_protocol_reasons[0]); i++)
        if (s_protocol_reasons[i].value == value)
            return s_protocol_reasons[i].reason;
    return "the peer does not speak ZMTP as agreed";
}

static void
s_tell (self_t *self, event_t *event)
{
    const char *kind =
        protobuf_c_enum_descriptor_get_value (
            &dividere__socket_event__kind__descriptor, (int) event->kind)
            ->name;
    dividere_log (DIVIDERE_LOG_INFO, "%s: %s %s %s %u%s%s",
                  dividere_actor_name (self->actor), event->name, kind,
                  event->endpoint, event->value, *event->reason ? ": " : "",
                  event->reason);
    dividere_events_tell (&self->events, &event->base);
}

/*  Two frames: event and value as packed integers, then the endpoint. False if
 *  there is nothing to read.                                                */
static bool
s_read_event (void *sink, uint16_t *ret_event, uint32_t *ret_value,
              char *endpoint, size_t size)
{
    uint8_t numbers[6] = { 0 };
    if (zmq_recv (sink, numbers, sizeof (numbers), ZMQ_DONTWAIT) < 0)
        return false;
    memcpy (ret_event, numbers, sizeof (*ret_event));
    memcpy (ret_value, numbers + sizeof (*ret_event), sizeof (*ret_value));
    int length = zmq_recv (sink, endpoint, size - 1, ZMQ_DONTWAIT);
    if (length < 0)
        length = 0;
    endpoint[(size_t) length < size ? (size_t) length : size - 1] = 0;
    return true;
}

static void
s_handle_event (self_t *self, watched_t *watched, int code, uint32_t value,
                char *endpoint)
{
    event_t event = DIVIDERE__SOCKET_EVENT__INIT;
    for (size_t i = 0; i < sizeof (s_kinds) / sizeof (s_kinds[0]); i++)
        if (s_kinds[i].event == code)
            event.kind = s_kinds[i].kind;
    event.name = (char *) dividere_watch_name (watched->watch);
    event.endpoint = endpoint;
    event.value = value;
    event.reason = (char *) s_reason (code, value);
    s_tell (self, &event);
}

static dividere_served_t
s_serve (void *arg, void *owner, dividere_turn_t *turn)
{
    self_t *self = (self_t *) arg;
    watched_t *watched = (watched_t *) owner;
    uint16_t code;
    uint32_t value;
    char endpoint[512];
    do {
        if (!s_read_event (dividere_watch_sink (watched->watch), &code, &value,
                           endpoint, sizeof (endpoint)))
            return DIVIDERE_SERVED_ALL;
        s_handle_event (self, watched, code, value, endpoint);
        if (code == ZMQ_EVENT_MONITOR_STOPPED) {
            s_forget (self, watched);
            return DIVIDERE_SERVED_LAST;
        }
    }
    while (dividere_turn_spend (turn));
    return DIVIDERE_SERVED_SOME;
}

static int
s_command_bind (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    return dividere_events_bind (&self->events, args, values);
}

/*  The address of a watch of this process: what dividere_monitor_watch
 *  sends.                                                                    */
static int
s_command_watch (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    if (!self->drive)
        return EMFILE;
    watched_t *watched = (watched_t *) zmalloc (sizeof (*watched));
    watched->watch =
        (dividere_watch_t *) (uintptr_t) strtoull (args[0], NULL, 16);
    watched->polled.handle = dividere_watch_sink (watched->watch);
    watched->polled.owner = watched;
    if (dividere_drive_add (self->drive, &watched->polled) < 0) {
        freen (watched);
        return errno;
    }
    watched->place = zlistx_add_end (self->watched, watched);
    dividere_drive_turn (self->drive);
    return 0;
}

static int
s_command_list (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    watched_t *at = (watched_t *) zlistx_first (self->watched);
    for (; at; at = (watched_t *) zlistx_next (self->watched))
        zmsg_addstr (values, dividere_watch_name (at->watch));
    return 0;
}

static const dividere_command_t s_commands[] = {
    { "BIND", 2, 2, s_command_bind },
    { "WATCH", 1, 1, s_command_watch },
    { "LIST", 0, 0, s_command_list },
    { NULL, 0, 0, NULL }
};

static void
s_stats (void *arg, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    dividere_actor_stat (values, "watched", zlistx_size (self->watched));
    dividere_actor_stat (values, "events", self->events.told);
    dividere_actor_stat (values, "events_dropped", self->events.dropped);
}

void
dividere_monitor (zsock_t *pipe, void *args)
{
    self_t *self = (self_t *) zmalloc (sizeof (*self));
    self->actor =
        dividere_actor_new (pipe, "monitor", NULL, self, s_commands, s_stats);
    self->watched = zlistx_new ();
    self->drive =
        dividere_drive_new (dividere_actor_loop (self->actor), s_serve, self);
    if (self->drive)
        dividere_drive_read (self->drive, true);
    dividere_actor_run (self->actor);

    watched_t *watched;
    while ((watched = (watched_t *) zlistx_first (self->watched)))
        s_forget (self, watched);
    zlistx_destroy (&self->watched);
    dividere_events_close (&self->events);
    dividere_drive_destroy (&self->drive);
    dividere_actor_destroy (&self->actor);
    freen (self);
}

int
dividere_monitor_watch (zactor_t *monitor, dividere_connector_t *connector,
                        const char *name, int timeout_ms)
{
    assert (monitor);
    assert (connector);
    assert (name);
    dividere_watch_t *watch = dividere_connector_watch (connector, name, MASK);
    if (!watch)
        return -1;
    zmsg_t *frames = zmsg_new ();
    zmsg_addstr (frames, "WATCH");
    zmsg_addstrf (frames, "%llx", (unsigned long long) (uintptr_t) watch);
    if (dividere_actor_call (monitor, NULL, timeout_ms, frames) == 0)
        return 0;
    int error = errno;
    /* After a time-out the monitor will still take its side, and leave it.  */
    if (error != ETIMEDOUT)
        dividere_watch_leave (&watch);
    dividere_connector_unwatch (connector);
    errno = error;
    return -1;
}

void
dividere_monitor_unwatch (dividere_connector_t *connector)
{
    assert (connector);
    dividere_connector_unwatch (connector);
}
