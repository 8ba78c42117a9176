/* SPDX-License-Identifier: Apache-2.0 */

/*  The broker's thread: its two sockets, its commands and its timers. What is
 *  done with a message is decided by src/dispatcher.c.                      */

#include <assert.h>
#include <errno.h>
#include <dividere/broker.h>
#include "broker_internal.h"
#include "trace.h"
#include "frame.h"
#include "log_internal.h"
#include "security.h"
#include "socket.h"

#define RETRY_MS 50   /* between two rounds of the backlog                   */
#define TEND_MS  1000 /* between two looks at sockets that may be idle       */

static int64_t
s_now_us (void)
{
    return zclock_usecs ();
}

/*  Workers, too, are reached through a ROUTER, but have a limit of their own:
 *  their credit.                                                            */
static int
s_to_worker (void *arg, zmq_msg_t *frames, size_t count)
{
    dividere_broker_t *self = (dividere_broker_t *) arg;
    dividere_broker_side_t *side = &self->sides[DIVIDERE_BROKER_BACKEND];
    dividere_poller_touch (&side->polled);
    return dividere_outlet_try (side->handle, frames, count);
}

static zloop_timer_fn s_on_retry;

static void
s_arm_retry (dividere_broker_t *self, size_t delay_ms)
{
    if (self->retry_armed || !dividere_backlog_peers (self->outlet.backlog))
        return;
    self->retry_armed = true;
    zloop_timer (dividere_actor_loop (self->actor), delay_ms, 1, s_on_retry,
                 self);
}

static void
s_to_client (void *arg, zmq_msg_t *frames, size_t count)
{
    dividere_broker_t *self = (dividere_broker_t *) arg;
    dividere_poller_touch (&self->sides[DIVIDERE_BROKER_FRONTEND].polled);
    dividere_outlet_send (&self->outlet, frames, count, zclock_mono ());
    s_arm_retry (self, RETRY_MS);
}

static int
s_on_retry (zloop_t *loop, int timer, void *arg)
{
    dividere_broker_t *self = (dividere_broker_t *) arg;
    self->retry_armed = false;
    self->outlet.expired +=
        dividere_backlog_expire (self->outlet.backlog, zclock_mono ());
    size_t left =
        dividere_outlet_flush (&self->outlet,
                               dividere_backlog_peers (self->outlet.backlog));
    s_arm_retry (self, left ? 1 : RETRY_MS);
    dividere_poller_touch (&self->sides[DIVIDERE_BROKER_FRONTEND].polled);
    dividere_broker_turn (self);
    return 0;
}

/*  A DRAIN is answered once nobody waits for anything.                      */
static void
s_look_ahead (dividere_broker_t *self)
{
    dividere_alarm_set (&self->alarm,
                        dividere_dispatcher_next (self->dispatcher));
    if (self->drained.due && dividere_dispatcher_left (self->dispatcher) == 0)
        dividere_actor_answer (self->actor, &self->drained, 0, NULL);
}

static int
s_on_due (zloop_t *loop, int timer, void *arg)
{
    dividere_broker_t *self = (dividere_broker_t *) arg;
    dividere_alarm_rang (&self->alarm, timer);
    dividere_dispatcher_tick (self->dispatcher, s_now_us ());
    dividere_broker_turn (self);
    return 0;
}

/*  libzmq takes in what has happened at a socket only when that is called.   */
static int
s_on_tend (zloop_t *loop, int timer, void *arg)
{
    dividere_broker_t *self = (dividere_broker_t *) arg;
    for (int i = 0; i < 2 && self->drive; i++) {
        dividere_socket_events (self->sides[i].handle);
        dividere_poller_touch (&self->sides[i].polled);
    }
    dividere_broker_turn (self);
    dividere_vacancy_look (&self->vacancy, dividere_actor_name (self->actor));
    zloop_timer (loop, TEND_MS, 1, s_on_tend, self);
    return 0;
}

void
dividere_broker_turn (dividere_broker_t *self)
{
    if (self->drive)
        dividere_drive_turn (self->drive);
    s_look_ahead (self);
}

static void
s_dispatch (dividere_broker_t *self, bool worker, zmq_msg_t *frames,
            size_t count)
{
    if (count > DIVIDERE_DISPATCHER_FRAMES)
        dividere_dispatcher_refuse (self->dispatcher, worker);
    else if (worker)
        dividere_dispatcher_from_worker (self->dispatcher, frames, count,
                                         s_now_us ());
    else
        dividere_dispatcher_from_client (self->dispatcher, frames, count,
                                         s_now_us ());
}

static dividere_served_t
s_drain (dividere_broker_t *self, dividere_broker_side_t *side,
         dividere_turn_t *turn)
{
    bool worker = side == &self->sides[DIVIDERE_BROKER_BACKEND];
    zmq_msg_t frames[DIVIDERE_DISPATCHER_FRAMES];
    do {
        size_t count = dividere_socket_recv_all (side->handle, frames,
                                                 DIVIDERE_DISPATCHER_FRAMES);
        if (!count)
            return DIVIDERE_SERVED_ALL;
        s_dispatch (self, worker, frames, count);
    }
    while (dividere_turn_spend (turn));
    return DIVIDERE_SERVED_SOME;
}

static dividere_served_t
s_serve (void *arg, void *owner, dividere_turn_t *turn)
{
    dividere_broker_t *self = (dividere_broker_t *) arg;
    dividere_broker_side_t *side = (dividere_broker_side_t *) owner;
    if (side == &self->sides[DIVIDERE_BROKER_FRONTEND])
        dividere_outlet_flush_some (&self->outlet);
    dividere_served_t served = s_drain (self, side, turn);
    s_look_ahead (self);
    return served;
}

static int
s_open_side (dividere_broker_t *self, dividere_broker_side_t *side)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = options.recv_hwm = self->settings.hwm;
    options.linger_ms = self->settings.linger_ms;
    side->handle = zsys_socket (ZMQ_ROUTER, NULL, 0);
    if (!side->handle ||
        dividere_socket_configure (side->handle, &options) < 0 ||
        dividere_socket_set_router (side->handle) < 0)
        return -1;
    side->polled.handle = side->handle;
    side->polled.owner = side;
    return dividere_drive_add (self->drive, &side->polled);
}

int
dividere_broker_open (dividere_broker_t *self)
{
    if (self->drive)
        return 0;
    self->drive =
        dividere_drive_new (dividere_actor_loop (self->actor), s_serve, self);
    for (int i = 0; i < 2; i++)
        if (!self->drive || s_open_side (self, &self->sides[i]) < 0) {
            int error = errno;
            dividere_broker_close (self);
            errno = error;
            return -1;
        }
    self->outlet.handle = self->sides[DIVIDERE_BROKER_FRONTEND].handle;
    dividere_drive_read (self->drive, true);
    return 0;
}

void
dividere_broker_close (dividere_broker_t *self)
{
    for (int i = 0; i < 2; i++) {
        dividere_poller_remove (&self->sides[i].polled);
        if (self->sides[i].handle)
            zsys_close (self->sides[i].handle, NULL, 0);
        self->sides[i].handle = NULL;
    }
    dividere_drive_destroy (&self->drive);
}

static bool
s_allowed (void *arg, zmq_msg_t *frame, bool worker, const char *service,
           size_t size)
{
    dividere_security_t *security = dividere_security_here ();
    char text[256];
    if (!security)
        return true;
    snprintf (text, sizeof (text), "%.*s", (int) size, service);
    return size < sizeof (text) &&
           dividere_security_allows (security, dividere_security_key (frame),
                                     worker ? DIVIDERE_RIGHT_SERVE
                                            : DIVIDERE_RIGHT_REQUEST,
                                     text);
}

void
dividere_broker (zsock_t *pipe, void *args)
{
    static const dividere_dispatcher_class_t s_class = {
        s_to_worker, s_to_client, s_allowed, dividere_trace_now_ns
    };
    dividere_broker_t *self = (dividere_broker_t *) zmalloc (sizeof (*self));
    self->actor =
        dividere_actor_new (pipe, "broker", (const char *) args, self,
                            dividere_broker_commands, dividere_broker_stats);
    dividere_alarm_init (&self->alarm, dividere_actor_loop (self->actor),
                         s_on_due, self);
    self->dispatcher = dividere_dispatcher_new (&s_class, self);
    dividere_outlet_init (&self->outlet);
    dividere_broker_defaults (self);
    zloop_timer (dividere_actor_loop (self->actor), TEND_MS, 1, s_on_tend,
                 self);
    dividere_actor_run (self->actor);

    dividere_actor_answer (self->actor, &self->drained, ECANCELED, NULL);
    size_t left = dividere_dispatcher_destroy (&self->dispatcher);
    left += dividere_backlog_parcels (self->outlet.backlog);
    dividere_outlet_term (&self->outlet);
    if (left)
        dividere_log (DIVIDERE_LOG_WARNING,
                      "%s: ends with %zu requests that nobody could be told of",
                      dividere_actor_name (self->actor), left);
    dividere_broker_close (self);
    dividere_actor_destroy (&self->actor);
    freen (self);
}
