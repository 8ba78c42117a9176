/* SPDX-License-Identifier: Apache-2.0 */

/*  Where clients come in: a bound ROUTER. Whatever frames a client put before
 *  its payload go back before the answer, so that all kinds of sockets can ask:
 *  REQ and what looks like it, a DEALER with frames of its own or without any.
 */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <dividere/connector.h>
#include "service_internal.h"
#include "socket.h"

#define PORT_MIN  5101
#define PORT_MAX  6000
#define LINGER_MS 1000
#define RETRY_MS  50 /* between two rounds of the backlog                    */
#define ASKING    (DIVIDERE_ACCESS (REQUEST) | DIVIDERE_ACCESS (STATS))

void
dividere_door_init (dividere_service_t *self)
{
    dividere_door_t *door = &self->door;
    door->desk.executor = &self->executor;
    /* A client may have any number of requests under way.                   */
    door->desk.flags = DIVIDERE_EXTENSION_BROKER;
    door->polled.owner = door;
    door->retry_ms = DIVIDERE_NEVER;
    dividere_outlet_init (&door->outlet);
}

static void
s_close (dividere_door_t *door)
{
    dividere_poller_remove (&door->polled);
    if (door->polled.handle)
        zsys_close (door->polled.handle, NULL, 0);
    door->polled.handle = door->outlet.handle = NULL;
}

void
dividere_door_term (dividere_service_t *self)
{
    assert (dividere_desk_count (&self->door.desk) == 0);
    dividere_outlet_term (&self->door.outlet);
    s_close (&self->door);
}

static int
s_open (dividere_service_t *self)
{
    dividere_door_t *door = &self->door;
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = options.recv_hwm = (int) self->settings.hwm;
    options.linger_ms = LINGER_MS;
    if (!self->drive)
        return EMFILE;
    door->polled.handle = zsys_socket (ZMQ_ROUTER, NULL, 0);
    if (!door->polled.handle ||
        dividere_socket_configure (door->polled.handle, &options) < 0 ||
        dividere_socket_set_router (door->polled.handle) < 0 ||
        dividere_drive_add (self->drive, &door->polled) < 0) {
        int error = errno;
        s_close (door);
        return error;
    }
    door->outlet.handle = door->polled.handle;
    return 0;
}

static void
s_bound (dividere_door_t *door, const char *address)
{
    if (!door->first[0])
        snprintf (door->first, sizeof (door->first), "%s", address);
    if (!door->tcp[0] && strncmp (address, "tcp:", 4) == 0)
        snprintf (door->tcp, sizeof (door->tcp), "%s", address);
    dividere_poller_touch (&door->polled);
}

/*  A socket that is bound nowhere does not stay.                            */
static int
s_end_binding (dividere_door_t *door, int error)
{
    if (error && !door->first[0])
        s_close (door);
    return error;
}

int
dividere_door_bind (dividere_service_t *self,
                    const dividere_endpoint_t *endpoint, char *ret_address)
{
    dividere_door_t *door = &self->door;
    const dividere_access_t access = { ASKING, self->card.name };
    int error = door->polled.handle ? 0 : s_open (self);
    if (error)
        return error;
    if (dividere_attach (door->polled.handle, dividere_actor_name (self->actor),
                         endpoint, true, &access, ret_address) < 0)
        return s_end_binding (door, errno);
    s_bound (door, ret_address);
    return 0;
}

/*  Ports that are taken are what is expected: not for the log.              */
int
dividere_door_bind_free (dividere_service_t *self)
{
    dividere_door_t *door = &self->door;
    char address[DIVIDERE_ADDRESS_MAX];
    int rc = -1;
    const dividere_access_t access = { ASKING, self->card.name };
    int error = door->polled.handle ? 0 : s_open (self);
    if (error)
        return error;
    for (int port = PORT_MIN; port <= PORT_MAX && rc < 0; port++) {
        snprintf (address, sizeof (address), "tcp://*:%d", port);
        rc = dividere_security_bind (door->polled.handle, address, &access);
        if (rc == 0)
            rc = zmq_bind (door->polled.handle, address);
        if (rc < 0 && errno != EADDRINUSE)
            break;
    }
    if (rc < 0)
        return s_end_binding (door, errno);
    size_t size = sizeof (address);
    zmq_getsockopt (door->polled.handle, ZMQ_LAST_ENDPOINT, address, &size);
    s_bound (door, address);
    return 0;
}

static void
s_send (dividere_door_t *door, dividere_task_t *task, int64_t now_ms)
{
    zmq_msg_t frames[DIVIDERE_ROUTE_MAX + 1];
    dividere_route_t *route = &task->message->route;
    size_t count = route->count;
    for (size_t i = 0; i <= count; i++) {
        zmq_msg_init (&frames[i]);
        zmq_msg_move (&frames[i],
                      i < count ? &route->frames[i] : &task->answer);
    }
    dividere_outlet_send (&door->outlet, frames, count + 1, now_ms);
}

static void
s_arm_retry (dividere_door_t *door, int64_t at_ms)
{
    if (dividere_backlog_peers (door->outlet.backlog) == 0)
        door->retry_ms = DIVIDERE_NEVER;
    else if (door->retry_ms == DIVIDERE_NEVER)
        door->retry_ms = at_ms;
}

void
dividere_door_flush (dividere_service_t *self)
{
    dividere_door_t *door = &self->door;
    if (!door->desk.ready.first)
        return;
    int64_t now_ms = zclock_mono ();
    while (door->desk.ready.first) {
        s_send (door, door->desk.ready.first, now_ms);
        dividere_task_sent (&door->desk);
    }
    s_arm_retry (door, now_ms + RETRY_MS);
    dividere_poller_touch (&door->polled);
}

int64_t
dividere_door_next (const dividere_service_t *self)
{
    return self->door.retry_ms;
}

void
dividere_door_tick (dividere_service_t *self, int64_t now_ms)
{
    dividere_door_t *door = &self->door;
    dividere_door_flush (self);
    if (door->retry_ms > now_ms)
        return;
    dividere_backlog_t *backlog = door->outlet.backlog;
    door->outlet.expired += dividere_backlog_expire (backlog, now_ms);
    size_t left =
        dividere_outlet_flush (&door->outlet, dividere_backlog_peers (backlog));
    door->retry_ms = DIVIDERE_NEVER;
    s_arm_retry (door, now_ms + (left ? 1 : RETRY_MS));
    dividere_poller_touch (&door->polled);
}

/*  What is sent in passing can swallow what the descriptor had to tell.     */
static dividere_served_t
s_look_again (dividere_service_t *self)
{
    if (!self->door.desk.ready.first)
        return DIVIDERE_SERVED_ALL;
    dividere_door_flush (self);
    return dividere_socket_events (self->door.polled.handle) & ZMQ_POLLIN
               ? DIVIDERE_SERVED_SOME
               : DIVIDERE_SERVED_ALL;
}

bool
dividere_service_denied (const dividere_service_t *self, dividere_task_t *task,
                         dividere_right_t right)
{
    dividere_security_t *security = dividere_security_here ();
    return security &&
           !dividere_security_allows (security,
                                      dividere_message_property (task->message,
                                                                 "User-Id"),
                                      right, self->card.name);
}

void
dividere_service_deny (dividere_service_t *self, dividere_task_t *task)
{
    self->denied++;
    dividere_task_accepted (&self->door.desk, task);
    dividere_task_fail (task, DIVIDERE_STATUS_DENIED, "there is no right to it",
                        "");
    dividere_task_answered (task);
}

static void
s_received (dividere_service_t *self, dividere_task_t *task)
{
    if (dividere_service_denied (self, task, DIVIDERE_RIGHT_REQUEST))
        dividere_service_deny (self, task);
    else
        dividere_task_received (&self->door.desk, task);
}

dividere_served_t
dividere_door_serve (dividere_service_t *self, dividere_turn_t *turn)
{
    dividere_door_t *door = &self->door;
    dividere_executor_t *executor = &self->executor;
    dividere_outlet_flush_some (&door->outlet);
    do {
        dividere_task_t *task = dividere_task_new (executor);
        if (dividere_message_recv_frames (task->message, door->polled.handle,
                                          ZMQ_DONTWAIT) < 0) {
            int error = errno;
            dividere_task_free (executor, task);
            if (error != EPROTO)
                return s_look_again (self);
            executor->counts.malformed++;
        }
        else if (!dividere_builtin_answer (self, task))
            s_received (self, task);
    }
    while (dividere_turn_spend (turn));
    dividere_door_flush (self);
    return DIVIDERE_SERVED_SOME;
}
