/* SPDX-License-Identifier: Apache-2.0 */

/*  The two sides, and whose turn it is; what moves between them is in flow.c.*/

#include <assert.h>
#include <errno.h>
#include "flow.h"
#include "frame.h"
#include "socket.h"

#define RETRY_MS 50 /* between two rounds of all                         */

static const struct {
    int types[2];
    bool backwards; /* the backend sends, too                               */
} s_patterns[] = {
    [DIVIDERE_ROUTER_DEALER] = { { ZMQ_ROUTER, ZMQ_DEALER }, true },
    [DIVIDERE_XSUB_XPUB] = { { ZMQ_XSUB, ZMQ_XPUB }, true },
    [DIVIDERE_PULL_PUSH] = { { ZMQ_PULL, ZMQ_PUSH }, false },
};

static zloop_timer_fn s_on_retry;

static void
s_arm_retry (dividere_forward_t *self, size_t delay_ms)
{
    if (self->retry_armed || dividere_backlog_peers (self->outlet.backlog) == 0)
        return;
    self->retry_armed = true;
    zloop_timer (self->loop, delay_ms, 1, s_on_retry, self);
}

/*  Not in the midst of a message to the same socket.                        */
static bool
s_flushable (const dividere_flow_t *flow)
{
    return !flow->inside || flow->fate == DIVIDERE_FATE_KEEP;
}

/*  In passing, so that a flood of requests does not hold back replies; but not
 *  all the time, so that those who do not read cost the others nothing. True if
 *  the socket was called.                                                   */
static bool
s_flush_some (dividere_forward_t *self, dividere_side_t *side)
{
    if (!side->out || !dividere_flow_routed (side->out) ||
        !s_flushable (side->out))
        return false;
    s_arm_retry (self, RETRY_MS);
    return dividere_outlet_flush_some (&self->outlet);
}

/*  What its peers have read makes room at a side; and where nothing is received
 *  its descriptor stays readable until libzmq was asked.                    */
static dividere_served_t
s_look (dividere_forward_t *self, dividere_side_t *side)
{
    int events = dividere_socket_events (side->handle);
    if (side->out && side->out->fate == DIVIDERE_FATE_HOLD &&
        (events & ZMQ_POLLOUT)) {
        dividere_flow_release (self, side->out);
        return DIVIDERE_SERVED_SOME;
    }
    if (s_flush_some (self, side))
        events = dividere_socket_events (side->handle);
    return side->in && side->in->fate != DIVIDERE_FATE_HOLD &&
                   (events & ZMQ_POLLIN)
               ? DIVIDERE_SERVED_SOME
               : DIVIDERE_SERVED_ALL;
}

static dividere_served_t
s_serve (void *arg, void *owner, dividere_turn_t *turn)
{
    dividere_forward_t *self = (dividere_forward_t *) arg;
    dividere_side_t *side = (dividere_side_t *) owner;
    if (side->in && side->in->fate != DIVIDERE_FATE_HOLD &&
        dividere_flow_drain (self, side->in, turn) == DIVIDERE_SERVED_SOME) {
        s_flush_some (self, side);
        return DIVIDERE_SERVED_SOME;
    }
    if (!side->in || side->in->fate == DIVIDERE_FATE_HOLD ||
        (side->out && side->out->fate == DIVIDERE_FATE_HOLD))
        return s_look (self, side);
    s_arm_retry (self, RETRY_MS);
    return s_flush_some (self, side) &&
                   (dividere_socket_events (side->handle) & ZMQ_POLLIN)
               ? DIVIDERE_SERVED_SOME
               : DIVIDERE_SERVED_ALL;
}

/*  Also while paused: these replies have been taken already.                */
static int
s_on_retry (zloop_t *loop, int timer, void *arg)
{
    dividere_forward_t *self = (dividere_forward_t *) arg;
    self->retry_armed = false;
    self->outlet.expired +=
        dividere_backlog_expire (self->outlet.backlog, zclock_mono ());
    size_t left = dividere_backlog_peers (self->outlet.backlog);
    if (s_flushable (&self->flows[DIVIDERE_BACKEND]))
        left = dividere_outlet_flush (&self->outlet, left);
    s_arm_retry (self, left ? 1 : RETRY_MS);
    dividere_forward_touch (self, DIVIDERE_FRONTEND);
    return 0;
}

static int
s_open_side (dividere_forward_t *self, dividere_side_t *side, int type,
             const dividere_connector_options_t *options)
{
    side->handle = zsys_socket (type, NULL, 0);
    if (!side->handle || dividere_socket_configure (side->handle, options) < 0)
        return -1;
    side->publishing = type == ZMQ_XPUB;
    side->polled.handle = side->handle;
    side->polled.owner = side;
    int rc = 0;
    if (type == ZMQ_ROUTER)
        rc = dividere_socket_set_router (side->handle);
    /* Subscriptions are dropped, without a word, where a queue is full.     */
    if (type == ZMQ_XSUB)
        rc = dividere_socket_set (side->handle, ZMQ_SNDHWM, 0);
    if (type == ZMQ_XPUB)
        rc = dividere_socket_set_publisher (side->handle);
    return rc == 0 ? dividere_drive_add (self->drive, &side->polled) : -1;
}

dividere_forward_t *
dividere_forward_new (zloop_t *loop, const dividere_forward_options_t *options)
{
    dividere_forward_t *self = (dividere_forward_t *) zmalloc (sizeof (*self));
    self->loop = loop;
    zmq_msg_init (&self->copy);
    dividere_outlet_init (&self->outlet);
    dividere_forward_limit (self, &options->backlog);
    const int *types = s_patterns[options->pattern].types;
    int flows = s_patterns[options->pattern].backwards ? 2 : 1;
    for (int i = 0; i < flows; i++)
        dividere_flow_init (&self->flows[i], &self->sides[i],
                            &self->sides[1 - i], types[1 - i]);
    dividere_connector_options_t common = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    common.send_hwm = common.recv_hwm = options->hwm;
    common.linger_ms = options->linger_ms;
    self->drive = dividere_drive_new (loop, s_serve, self);
    for (int i = 0; i < 2; i++)
        if (!self->drive ||
            s_open_side (self, &self->sides[i], types[i], &common) < 0) {
            int error = errno;
            dividere_forward_destroy (&self);
            errno = error;
            return NULL;
        }
    self->outlet.handle = self->sides[DIVIDERE_FRONTEND].handle;
    return self;
}

size_t
dividere_forward_destroy (dividere_forward_t **self_p)
{
    assert (self_p);
    dividere_forward_t *self = *self_p;
    if (!self)
        return 0;
    size_t left = dividere_backlog_parcels (self->outlet.backlog);
    for (int i = 0; i < 2; i++) {
        left += self->flows[i].fate == DIVIDERE_FATE_HOLD;
        dividere_flow_clear (&self->flows[i]);
        dividere_poller_remove (&self->sides[i].polled);
        if (self->sides[i].handle)
            zsys_close (self->sides[i].handle, NULL, 0);
    }
    zmq_msg_close (&self->copy);
    dividere_drive_destroy (&self->drive);
    dividere_outlet_term (&self->outlet);
    freen (self);
    *self_p = NULL;
    return left;
}

void *
dividere_forward_handle (dividere_forward_t *self, dividere_side_name_t side)
{
    return self->sides[side].handle;
}

void
dividere_forward_touch (dividere_forward_t *self, dividere_side_name_t side)
{
    dividere_poller_touch (&self->sides[side].polled);
    dividere_drive_turn (self->drive);
}

void
dividere_forward_pause (dividere_forward_t *self, bool paused)
{
    dividere_drive_read (self->drive, !paused);
}

/*  libzmq takes in what has happened at a socket only when that is called.   */
void
dividere_forward_tend (dividere_forward_t *self)
{
    for (int i = 0; i < 2; i++) {
        dividere_socket_events (self->sides[i].handle);
        dividere_poller_touch (&self->sides[i].polled);
    }
    if (self->capture)
        dividere_socket_events (self->capture);
    dividere_drive_turn (self->drive);
}

void
dividere_forward_capture (dividere_forward_t *self, void *push)
{
    self->capture = push;
    self->copying = NULL;
    for (int i = 0; i < 2; i++)
        self->flows[i].copying = false;
}

void
dividere_forward_limit (dividere_forward_t *self,
                        const dividere_backlog_limits_t *limits)
{
    self->limits = *limits;
    dividere_backlog_limit (self->outlet.backlog, limits);
}

const dividere_forward_counts_t *
dividere_forward_counts (const dividere_forward_t *self)
{
    return &self->counts;
}

const dividere_outlet_t *
dividere_forward_outlet (const dividere_forward_t *self)
{
    return &self->outlet;
}
