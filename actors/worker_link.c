/* SPDX-License-Identifier: Apache-2.0 */

/*  The link to one broker: a DEALER, and the sink in which libzmq tells when it
 *  is connected. A broker that is gone is left to libzmq, which connects again
 *  by itself; one that is there and silent is connected to anew.
 *
 *  state      after                        sends
 *  closed     opening failed, silence      nothing
 *  open       opening                      nothing
 *  connected  the handshake                signs of life, answers           */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sodium.h>
#include "attach.h"
#include "connector_internal.h"
#include "frame.h"
#include "handshake.h"
#include "log_internal.h"
#include "retry.h"
#include "socket.h"
#include "worker_internal.h"

#define HWM              10000
#define LINGER_MS        200
#define RECONNECT_MS     50 /* libzmq's first pause                           */
#define RECONNECT_MAX_MS 1000
#define RETRY_MS         50 /* after finding no room                          */

static const dividere_retry_t s_backoff = { { .backoff_ms = 100,
                                              .backoff_max_ms = 5000 } };

static dividere_ear_fn s_serve_socket, s_serve_sink;

dividere_link_t *
dividere_link_new (dividere_worker_t *worker, const char *address)
{
    dividere_link_t *self = (dividere_link_t *) zmalloc (sizeof (*self));
    self->worker = worker;
    self->desk.executor = &worker->executor;
    self->address = strdup (address);
    assert (self->address);
    self->inproc = strncmp (address, "inproc:", 7) == 0;
    self->socket = (dividere_ear_t){ .link = self, .serve = s_serve_socket };
    self->sink = (dividere_ear_t){ .link = self, .serve = s_serve_sink };
    self->socket.polled.owner = &self->socket;
    self->sink.polled.owner = &self->sink;
    self->retry_ms = self->reopen_ms = DIVIDERE_NEVER;
    return self;
}

/*  The sink must outlive the telling.                                       */
static void
s_close (dividere_link_t *self, int linger_ms)
{
    void *handle = self->socket.polled.handle;
    dividere_poller_remove (&self->socket.polled);
    dividere_poller_remove (&self->sink.polled);
    if (self->sink.polled.handle) {
        zmq_socket_monitor (handle, NULL, 0);
        zsys_close (self->sink.polled.handle, NULL, 0);
    }
    if (handle) {
        dividere_socket_set (handle, ZMQ_LINGER, linger_ms);
        zsys_close (handle, NULL, 0);
    }
    self->socket.polled.handle = self->sink.polled.handle = NULL;
}

void
dividere_link_destroy (dividere_link_t **self_p)
{
    dividere_link_t *self = *self_p;
    while (self->desk.ready.first)
        dividere_task_drop (&self->desk);
    assert (!self->desk.held.count);
    s_close (self, LINGER_MS);
    freen (self->address);
    freen (self);
    *self_p = NULL;
}

static void
s_disconnected (dividere_link_t *self)
{
    if (self->told)
        self->was_c = self->desk.c;
    self->connected = self->told = self->desk.c = false;
    dividere_link_flush (self);
}

static void
s_connected (dividere_link_t *self)
{
    if (self->connected)
        s_disconnected (self);
    self->worker->counts.reconnects += self->before;
    self->connected = self->before = self->sign_due = true;
    self->refusal = 0;
    self->doubts = 0;
    self->heard = self->farewell = false;
    self->sign_number = 0;
    self->interval_ms = 0;
    self->sent_ms = self->heard_ms = zclock_mono ();
    dividere_link_flush (self);
}

static int
s_open (dividere_link_t *self)
{
    dividere_worker_t *worker = self->worker;
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = options.recv_hwm = HWM;
    options.linger_ms = LINGER_MS;
    options.reconnect_ms = RECONNECT_MS;
    options.reconnect_max_ms = RECONNECT_MAX_MS;
    void *handle = zsys_socket (ZMQ_DEALER, NULL, 0);
    self->socket.polled.handle = handle;
    if (!handle || dividere_socket_configure (handle, &options) < 0 ||
        zmq_setsockopt (handle, ZMQ_ROUTING_ID, worker->identity,
                        strlen (worker->identity)) < 0)
        return -1;
    self->sink.polled.handle =
        dividere_sink_new (handle, ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                                       ZMQ_EVENT_DISCONNECTED |
                                       DIVIDERE_HANDSHAKE_FAILURES);
    if (!self->sink.polled.handle ||
        dividere_drive_add (worker->drive, &self->socket.polled) < 0 ||
        dividere_drive_add (worker->drive, &self->sink.polled) < 0)
        return -1;
    return dividere_connect (handle, self->address);
}

/*  Tries again, later and later.                                            */
static void
s_reopen_later (dividere_link_t *self)
{
    self->failures++;
    self->reopen_ms =
        zclock_mono () + dividere_retry_pause (&s_backoff, self->failures,
                                               randombytes_random ());
}

int
dividere_link_open (dividere_link_t *self)
{
    self->reopen_ms = DIVIDERE_NEVER;
    if (s_open (self) < 0) {
        int error = errno;
        s_close (self, 0);
        s_reopen_later (self);
        errno = error;
        return -1;
    }
    /* There is no handshake, and nothing is ever lost.                      */
    if (self->inproc)
        s_connected (self);
    return 0;
}

/*  Sending without waiting says that there is no room by what libzmq knew up to
 *  a millisecond ago.                                                       */
static int
s_send_answer (dividere_link_t *self)
{
    dividere_task_t *task = self->desk.ready.first;
    dividere_route_t *route = &task->message->route;
    void *handle = self->socket.polled.handle;
    const int more = ZMQ_SNDMORE | ZMQ_DONTWAIT;
    if (dividere_frame_send (&route->frames[0], handle, more) < 0) {
        dividere_socket_events (handle);
        if (dividere_frame_send (&route->frames[0], handle, more) < 0)
            return -1;
    }
    for (size_t i = 1; i < route->count; i++)
        dividere_frame_send (&route->frames[i], handle, more);
    dividere_frame_send (&task->answer, handle, ZMQ_DONTWAIT);
    dividere_task_sent (&self->desk);
    /* From here on the broker may say something again.                      */
    if (!self->desk.c)
        self->heard_ms = zclock_mono ();
    return 0;
}

/*  True if there is nothing more to say now.                                */
static bool
s_flush_sign (dividere_link_t *self)
{
    if (self->leaving && !self->desk.c)
        self->sign_due = false;
    return !self->sign_due || !dividere_sign_allowed (self) ||
           dividere_sign_send (self) == 0;
}

static bool
s_flush_answers (dividere_link_t *self)
{
    while (self->desk.ready.first) {
        if (s_send_answer (self) < 0)
            return false;
        /* Otherwise the bytes broker of the Python package forgets it.      */
        if (self->worker->bytes)
            self->sign_due = true;
    }
    return true;
}

void
dividere_link_flush (dividere_link_t *self)
{
    self->retry_ms = DIVIDERE_NEVER;
    if (!self->connected) {
        while (self->leaving && self->desk.ready.first)
            dividere_task_drop (&self->desk);
        return;
    }
    if (!self->sign_due && !self->desk.ready.first)
        return;
    /* A sign of life that has to wait for the answers comes after them.     */
    bool flushed =
        s_flush_sign (self) && s_flush_answers (self) && s_flush_sign (self);
    int64_t now_ms = zclock_mono ();
    self->sent_ms = now_ms;
    if (!flushed)
        self->retry_ms = now_ms + RETRY_MS;
    dividere_poller_touch (&self->socket.polled);
}

static void
s_received (dividere_link_t *self, dividere_task_t *task)
{
    const dividere_message_t *message = task->message;
    if (message->route.count) {
        dividere_task_received (&self->desk, task);
        return;
    }
    dividere_sign_received (self, dividere_message_data (message),
                            dividere_message_size (message));
    dividere_task_free (self->desk.executor, task);
}

/*  What is sent in passing can swallow what the descriptor had to tell.     */
static dividere_served_t
s_look_again (dividere_link_t *self)
{
    if (!self->sign_due && !self->desk.ready.first)
        return DIVIDERE_SERVED_ALL;
    dividere_link_flush (self);
    return dividere_socket_events (self->socket.polled.handle) & ZMQ_POLLIN
               ? DIVIDERE_SERVED_SOME
               : DIVIDERE_SERVED_ALL;
}

static dividere_served_t
s_serve_socket (dividere_link_t *self, dividere_turn_t *turn)
{
    dividere_worker_t *worker = self->worker;
    void *handle = self->socket.polled.handle;
    do {
        dividere_task_t *task = dividere_task_new (&worker->executor);
        if (dividere_message_recv_frames (task->message, handle,
                                          ZMQ_DONTWAIT) == 0)
            s_received (self, task);
        else {
            int error = errno;
            dividere_task_free (&worker->executor, task);
            if (error != EPROTO)
                return s_look_again (self);
            worker->executor.counts.malformed++;
        }
        self->heard = true;
        self->heard_ms = zclock_mono ();
        self->failures = 0;
    }
    while (dividere_turn_spend (turn));
    dividere_link_flush (self);
    return DIVIDERE_SERVED_SOME;
}

/*  Two frames: event and value as packed integers, then the endpoint.       */
/*  The broker refuses the connection. True: libzmq has given it up, and it is
 *  closed until it is tried again.                                          */
static bool
s_refused (dividere_link_t *self, const uint8_t *data, size_t size)
{
    dividere_handshake_t why =
        dividere_handshake_failure (data, size, dividere_security_here ());
    if (!why.error ||
        (!why.final && ++self->doubts < DIVIDERE_HANDSHAKE_DOUBTS))
        return false;
    self->refusal = why.error;
    dividere_log (DIVIDERE_LOG_WARNING, "%s: broker %s: %s",
                  dividere_actor_name (self->worker->actor), self->address,
                  why.text);
    if (!why.final)
        return false;
    s_close (self, 0);
    s_reopen_later (self);
    return true;
}

static dividere_served_t
s_serve_sink (dividere_link_t *self, dividere_turn_t *turn)
{
    void *sink = self->sink.polled.handle;
    do {
        uint8_t numbers[6] = { 0 };
        uint16_t event;
        if (zmq_recv (sink, numbers, sizeof (numbers), ZMQ_DONTWAIT) < 0)
            return DIVIDERE_SERVED_ALL;
        zmq_recv (sink, NULL, 0, ZMQ_DONTWAIT);
        memcpy (&event, numbers, sizeof (event));
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            s_connected (self);
        else if (event == ZMQ_EVENT_DISCONNECTED)
            s_disconnected (self);
        else if (s_refused (self, numbers, sizeof (numbers)))
            return DIVIDERE_SERVED_ALL;
    }
    while (dividere_turn_spend (turn));
    return DIVIDERE_SERVED_SOME;
}

void
dividere_link_leave (dividere_link_t *self)
{
    self->leaving = self->sign_due = true;
    self->reopen_ms = DIVIDERE_NEVER;
    dividere_link_flush (self);
}

bool
dividere_link_idle (const dividere_link_t *self)
{
    return dividere_desk_count (&self->desk) == 0 &&
           (!self->connected || !self->desk.c || self->farewell);
}

int64_t
dividere_link_next (const dividere_link_t *self)
{
    if (!self->socket.polled.handle)
        return self->reopen_ms;
    if (!self->connected)
        return DIVIDERE_NEVER;
    int64_t next_ms = dividere_sign_silent_at (self);
    if (dividere_sign_at (self) < next_ms)
        next_ms = dividere_sign_at (self);
    return self->retry_ms < next_ms ? self->retry_ms : next_ms;
}

void
dividere_link_tick (dividere_link_t *self, int64_t now_ms)
{
    if (dividere_link_next (self) > now_ms)
        return;
    if (!self->socket.polled.handle) {
        dividere_link_open (self);
        return;
    }
    if (dividere_sign_silent_at (self) <= now_ms) {
        s_close (self, 0);
        s_disconnected (self);
        if (!self->leaving)
            s_reopen_later (self);
        return;
    }
    if (dividere_sign_at (self) <= now_ms)
        self->sign_due = true;
    dividere_link_flush (self);
}

const char *
dividere_link_state (const dividere_link_t *self)
{
    return self->desk.c    ? "c"
           : self->told    ? "registered"
           : self->refusal ? "refused"
                           : "connecting";
}
