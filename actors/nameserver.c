/* SPDX-License-Identifier: Apache-2.0 */

/*  The name server's thread: its three sockets and its timers. What is done
 *  with a message is decided by src/registrar.c.                            */

#include <assert.h>
#include <errno.h>
#include <dividere/nameserver.h>
#include "control.h"
#include "frame.h"
#include "log_internal.h"
#include "nameserver_internal.h"
#include "security.h"
#include "socket.h"

#define HWM         1000
#define LINGER_MS   500
#define RETRY_MS    50   /* between two rounds of a backlog                  */
#define TEND_MS     1000 /* between two looks at sockets that may be idle    */
#define CALL_MS     100  /* between two calls to register again, at least    */
#define EARLY_CALLS 3    /* intervals in which somebody who listens is called */
#define STALL_MS    500 /* so late we were not running: nor was who is silent */
#define GRACE_MS    1000 /* until they are heard then                        */

#define BATCH 16 /* messages that are looked at together                      */

#define REQUESTS DIVIDERE_NAMESERVER_REQUESTS
#define PUBLISH  DIVIDERE_NAMESERVER_PUBLISH
#define WATCH    DIVIDERE_NAMESERVER_WATCH
#define SIDES    DIVIDERE_NAMESERVER_SIDES

typedef struct {
    zmq_msg_t frames[DIVIDERE_REGISTRAR_FRAMES];
    size_t count; /* more than that: they are gone                          */
} message_t;

static zloop_timer_fn s_on_retry;

static void
s_arm_retry (dividere_nameserver_t *self, size_t delay_ms)
{
    if (self->retry_armed ||
        (!dividere_backlog_peers (self->sides[REQUESTS].outlet.backlog) &&
         !dividere_backlog_peers (self->sides[WATCH].outlet.backlog)))
        return;
    self->retry_armed = true;
    zloop_timer (dividere_actor_loop (self->actor), delay_ms, 1, s_on_retry,
                 self);
}

static void
s_send (dividere_nameserver_t *self, dividere_nameserver_side_t *side,
        zmq_msg_t *frames, size_t count)
{
    dividere_poller_touch (&side->polled);
    dividere_outlet_send (&side->outlet, frames, count, zclock_mono ());
    s_arm_retry (self, RETRY_MS);
}

static void
s_to_client (void *arg, zmq_msg_t *frames, size_t count)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    s_send (self, &self->sides[REQUESTS], frames, count);
}

static void
s_to_watcher (void *arg, zmq_msg_t *frames, size_t count)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    s_send (self, &self->sides[WATCH], frames, count);
}

/*  With security a key says more than an address.                           */
static const char *
s_host (void *arg, zmq_msg_t *payload)
{
    const char *host = dividere_security_here ()
                           ? dividere_security_key (payload)
                           : zmq_msg_gets (payload, "Peer-Address");
    return host ? host : "";
}

static bool
s_allowed (void *arg, zmq_msg_t *payload, dividere_right_t right,
           const char *name)
{
    return dividere_security_allows (dividere_security_here (),
                                     dividere_security_key (payload), right,
                                     name);
}

/*  What a peer chose must not look like a line of ours.                     */
static void
s_show (const char *text, char *shown, size_t size)
{
    snprintf (shown, size, "%s", text);
    for (char *at = shown; *at; at++)
        if ((unsigned char) *at < ' ' || *at == 0x7f)
            *at = '?';
}

static void
s_expired (void *arg, const dividere_instance_t *instance)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    if (!dividere_log_enabled (DIVIDERE_LOG_INFO))
        return;
    char name[256], server[256];
    s_show (instance->name, name, sizeof (name));
    s_show (instance->server, server, sizeof (server));
    if (instance->lease_ms > 0)
        dividere_log (DIVIDERE_LOG_INFO,
                      "%s: \"%s\" at %s:%d is gone: its lease of %d ms was not "
                      "renewed",
                      dividere_actor_name (self->actor), name, server,
                      instance->port, instance->lease_ms);
    else
        dividere_log (DIVIDERE_LOG_INFO,
                      "%s: \"%s\" at %s:%d is gone: it did not register again "
                      "in %lld rounds",
                      dividere_actor_name (self->actor), name, server,
                      instance->port, (long long) self->settings.rounds);
}

static size_t
s_flush (dividere_outlet_t *outlet)
{
    outlet->expired +=
        dividere_backlog_expire (outlet->backlog, zclock_mono ());
    return dividere_outlet_flush (outlet,
                                  dividere_backlog_peers (outlet->backlog));
}

static int
s_on_retry (zloop_t *loop, int timer, void *arg)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    self->retry_armed = false;
    size_t left = s_flush (&self->sides[REQUESTS].outlet);
    left += s_flush (&self->sides[WATCH].outlet);
    s_arm_retry (self, left ? 1 : RETRY_MS);
    dividere_poller_touch (&self->sides[REQUESTS].polled);
    dividere_poller_touch (&self->sides[WATCH].polled);
    dividere_nameserver_turn (self);
    return 0;
}

static int64_t
s_sooner (int64_t one_ms, int64_t other_ms)
{
    return one_ms < 0 || (other_ms >= 0 && other_ms < one_ms) ? other_ms
                                                              : one_ms;
}

static void
s_look_ahead (dividere_nameserver_t *self)
{
    int64_t next_ms =
        dividere_registrar_tick (self->registrar, self->ticked_ms);
    next_ms = s_sooner (next_ms, self->round_ms);
    next_ms = s_sooner (next_ms, self->wanted ? self->called_ms + CALL_MS : -1);
    if (next_ms >= 0 && next_ms < self->grace_ms)
        next_ms = self->grace_ms;
    next_ms = s_sooner (next_ms, dividere_store_due (self));
    dividere_alarm_set (&self->alarm, next_ms);
}

void
dividere_nameserver_call (dividere_nameserver_t *self)
{
    const Dividere__Wire__RediscoverReq call =
        DIVIDERE__WIRE__REDISCOVER_REQ__INIT;
    zmq_msg_t frame;
    int rc = dividere_control_write (&call.base, &frame);
    assert (rc == 0);
    dividere_nameserver_side_t *side = &self->sides[PUBLISH];
    if (dividere_socket_publish (side->handle, &frame, 0) < 0)
        zmq_msg_close (&frame);
    dividere_poller_touch (&side->polled);
    self->called_ms = zclock_mono ();
    self->wanted = false;
    self->called++;
}

void
dividere_nameserver_pace (dividere_nameserver_t *self)
{
    if (self->round_ms >= 0)
        self->round_ms = zclock_mono () + self->settings.rediscover_ms;
}

/*  Only the calls at their regular times are rounds: those between are for who
 *  has just come, and leave the others no time to answer.                   */
static void
s_do_due (dividere_nameserver_t *self, int64_t now_ms)
{
    if (self->round_ms >= 0 && now_ms >= self->round_ms) {
        dividere_names_round (dividere_registrar_names (self->registrar));
        dividere_nameserver_call (self);
        self->round_ms = now_ms + self->settings.rediscover_ms;
    }
    if (self->wanted && now_ms >= self->called_ms + CALL_MS)
        dividere_nameserver_call (self);
    self->ticked_ms = now_ms;
    dividere_registrar_tick (self->registrar, now_ms);
}

static int
s_on_due (zloop_t *loop, int timer, void *arg)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    int64_t now_ms = zclock_mono ();
    if (self->alarm.at_ms >= 0 && now_ms > self->alarm.at_ms + STALL_MS)
        self->grace_ms = now_ms + GRACE_MS;
    dividere_alarm_rang (&self->alarm, timer);
    if (now_ms >= self->grace_ms)
        s_do_due (self, now_ms);
    dividere_store_tick (self, now_ms);
    dividere_nameserver_turn (self);
    return 0;
}

/*  libzmq takes in what has happened at a socket only when that is called.   */
static int
s_on_tend (zloop_t *loop, int timer, void *arg)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    for (int i = 0; i < SIDES && self->drive; i++) {
        dividere_socket_events (self->sides[i].handle);
        dividere_poller_touch (&self->sides[i].polled);
    }
    dividere_nameserver_turn (self);
    dividere_vacancy_look (&self->vacancy, dividere_actor_name (self->actor));
    zloop_timer (loop, TEND_MS, 1, s_on_tend, self);
    return 0;
}

void
dividere_nameserver_turn (dividere_nameserver_t *self)
{
    if (self->drive)
        dividere_drive_turn (self->drive);
    s_look_ahead (self);
}

/*  Any subscription: whoever it is, it can be told once.                    */
static void
s_subscribed (dividere_nameserver_t *self, zmq_msg_t *frame, int64_t now_ms)
{
    const uint8_t *data = (const uint8_t *) zmq_msg_data (frame);
    if (zmq_msg_size (frame) > 0 && *data == 1 && now_ms < self->early_ms)
        self->wanted = true;
}

static void
s_dispatch (dividere_nameserver_t *self, dividere_nameserver_side_t *side,
            zmq_msg_t *frames, size_t count, int64_t now_ms)
{
    if (count > DIVIDERE_REGISTRAR_FRAMES)
        dividere_registrar_refuse (self->registrar);
    else if (side == &self->sides[REQUESTS])
        dividere_registrar_request (self->registrar, frames, count, now_ms);
    else if (side == &self->sides[WATCH])
        dividere_registrar_watch (self->registrar, frames, count, now_ms);
    else {
        s_subscribed (self, &frames[0], now_ms);
        for (size_t i = 0; i < count; i++)
            zmq_msg_close (&frames[i]);
    }
}

/*  Takes up to BATCH messages. Returns how many.                            */
static size_t
s_recv_batch (dividere_nameserver_side_t *side, message_t *messages)
{
    size_t count = 0;
    while (count < BATCH &&
           (messages[count].count =
                dividere_socket_recv_all (side->handle, messages[count].frames,
                                          DIVIDERE_REGISTRAR_FRAMES)))
        count++;
    return count;
}

static void
s_foresee (dividere_nameserver_t *self, message_t *messages, size_t count)
{
    zmq_msg_t *payloads[BATCH];
    size_t payloads_count = 0;
    for (size_t i = 0; i < count; i++)
        if (messages[i].count <= DIVIDERE_REGISTRAR_FRAMES)
            payloads[payloads_count++] =
                &messages[i].frames[messages[i].count - 1];
    dividere_registrar_foresee (self->registrar, payloads, payloads_count);
}

/*  Until there is nothing after the last that was sent: sending, too, can
 *  swallow what the descriptor had to tell.                                 */
static dividere_served_t
s_drain (dividere_nameserver_t *self, dividere_nameserver_side_t *side,
         dividere_turn_t *turn)
{
    int64_t now_ms = zclock_mono ();
    message_t messages[BATCH];
    bool more = true;
    while (more) {
        size_t count = s_recv_batch (side, messages);
        if (!count)
            return DIVIDERE_SERVED_ALL;
        if (count > 1 && side == &self->sides[REQUESTS])
            s_foresee (self, messages, count);
        for (size_t i = 0; i < count; i++) {
            s_dispatch (self, side, messages[i].frames, messages[i].count,
                        now_ms);
            more = dividere_turn_spend (turn) && more;
        }
    }
    return DIVIDERE_SERVED_SOME;
}

static dividere_served_t
s_serve (void *arg, void *owner, dividere_turn_t *turn)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    dividere_nameserver_side_t *side = (dividere_nameserver_side_t *) owner;
    if (side->outlet.backlog)
        dividere_outlet_flush_some (&side->outlet);
    dividere_served_t served = s_drain (self, side, turn);
    s_look_ahead (self);
    return served;
}

static int
s_open_side (dividere_nameserver_t *self, dividere_nameserver_side_t *side)
{
    bool publishes = side == &self->sides[PUBLISH];
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = options.recv_hwm = HWM;
    options.linger_ms = LINGER_MS;
    side->handle = zsys_socket (publishes ? ZMQ_XPUB : ZMQ_ROUTER, NULL, 0);
    if (!side->handle || dividere_socket_configure (side->handle, &options) < 0)
        return -1;
    if (publishes
            ? dividere_socket_set_publisher (side->handle) < 0 ||
                  dividere_socket_set (side->handle, ZMQ_XPUB_VERBOSE, 1) < 0
            : dividere_socket_set_router (side->handle) < 0)
        return -1;
    side->outlet.handle = side->handle;
    side->polled.handle = side->handle;
    side->polled.owner = side;
    return dividere_drive_add (self->drive, &side->polled);
}

int
dividere_nameserver_open (dividere_nameserver_t *self)
{
    if (self->drive)
        return 0;
    self->drive =
        dividere_drive_new (dividere_actor_loop (self->actor), s_serve, self);
    for (int i = 0; i < SIDES; i++)
        if (!self->drive || s_open_side (self, &self->sides[i]) < 0) {
            int error = errno;
            dividere_nameserver_close (self);
            errno = error;
            return -1;
        }
    dividere_drive_read (self->drive, true);
    if (dividere_security_here ())
        dividere_registrar_guard (self->registrar);
    return 0;
}

void
dividere_nameserver_close (dividere_nameserver_t *self)
{
    for (int i = 0; i < SIDES; i++) {
        dividere_poller_remove (&self->sides[i].polled);
        if (self->sides[i].handle)
            zsys_close (self->sides[i].handle, NULL, 0);
        self->sides[i].handle = NULL;
    }
    dividere_drive_destroy (&self->drive);
}

void
dividere_nameserver_bound (dividere_nameserver_t *self,
                           dividere_nameserver_name_t side, const char *address)
{
    bool first = !self->sides[side].bound;
    self->sides[side].bound = true;
    if (side == WATCH)
        dividere_registrar_tell_watch (self->registrar, address);
    if (side == PUBLISH && first) {
        int64_t now_ms = zclock_mono ();
        self->round_ms = now_ms + self->settings.rediscover_ms;
        self->early_ms = now_ms + EARLY_CALLS * self->settings.rediscover_ms;
    }
    dividere_poller_touch (&self->sides[side].polled);
}

void
dividere_nameserver (zsock_t *pipe, void *args)
{
    static const dividere_registrar_class_t s_class = { s_to_client,
                                                        s_to_watcher, s_host,
                                                        s_expired, s_allowed };
    dividere_nameserver_t *self =
        (dividere_nameserver_t *) zmalloc (sizeof (*self));
    self->actor = dividere_actor_new (pipe, "nameserver", (const char *) args,
                                      self, dividere_nameserver_commands,
                                      dividere_nameserver_stats);
    dividere_alarm_init (&self->alarm, dividere_actor_loop (self->actor),
                         s_on_due, self);
    self->round_ms = -1;
    self->ticked_ms = zclock_mono ();
    self->called_ms = self->ticked_ms - CALL_MS;
    self->registrar = dividere_registrar_new (&s_class, self);
    dividere_outlet_init (&self->sides[REQUESTS].outlet);
    dividere_outlet_init (&self->sides[WATCH].outlet);
    dividere_nameserver_defaults (self);
    zloop_timer (dividere_actor_loop (self->actor), TEND_MS, 1, s_on_tend,
                 self);
    dividere_actor_run (self->actor);

    dividere_store_close (self);
    dividere_registrar_destroy (&self->registrar);
    dividere_outlet_term (&self->sides[REQUESTS].outlet);
    dividere_outlet_term (&self->sides[WATCH].outlet);
    dividere_nameserver_close (self);
    dividere_actor_destroy (&self->actor);
    freen (self);
}
