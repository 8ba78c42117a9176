/* SPDX-License-Identifier: Apache-2.0 */

/*  How messages move, frame by frame: none is looked into or waited for.     */

#include <errno.h>
#include "flow.h"
#include "frame.h"
#include "socket.h"

#define FRAMES_MAX 64  /* of one message, between two looks at the turn      */
#define TOPIC_MAX  245 /* longer ones break a connection of libzmq 4.3.4     */

/*  As often as not there is room that libzmq has not seen yet. An XPUB refuses
 *  what one of its subscribers has no room for. A frame behind the first that
 *  is refused belongs to a peer that is gone: tried again, it would begin a
 *  message to another.                                                      */
static int
s_send (dividere_flow_t *self, bool more)
{
    int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
    void *handle = self->to->handle;
    if (dividere_frame_send (&self->frame, handle, flags) == 0)
        return 0;
    if (errno != EAGAIN || (self->inside && !self->to->publishing))
        return -1;
    dividere_socket_events (handle);
    if (dividere_frame_send (&self->frame, handle, flags) == 0)
        return 0;
    if (errno != EAGAIN || !self->to->publishing)
        return -1;
    self->passed_over = true;
    return dividere_socket_publish (handle, &self->frame, flags);
}

/*  To a DEALER or PUSH, which chooses a peer that has room.                 */
static dividere_fate_t
s_open_any (dividere_forward_t *forward, dividere_flow_t *self, bool more)
{
    if (s_send (self, more) == 0)
        return DIVIDERE_FATE_PASS;
    return errno == EAGAIN ? DIVIDERE_FATE_HOLD : DIVIDERE_FATE_DISCARD;
}

static dividere_fate_t
s_open_publish (dividere_forward_t *forward, dividere_flow_t *self, bool more)
{
    return s_send (self, more) == 0 ? DIVIDERE_FATE_PASS
                                    : DIVIDERE_FATE_DISCARD;
}

/*  To a ROUTER: the first frame is the address.                             */
static dividere_fate_t
s_open_route (dividere_forward_t *forward, dividere_flow_t *self, bool more)
{
    if (!more) {
        forward->counts.malformed++;
        return DIVIDERE_FATE_DISCARD;
    }
    if (!dividere_backlog_holds (forward->outlet.backlog,
                                 zmq_msg_data (&self->frame),
                                 zmq_msg_size (&self->frame))) {
        if (s_send (self, true) == 0)
            return DIVIDERE_FATE_PASS;
        if (errno != EAGAIN) {
            forward->outlet.unroutable += errno == EHOSTUNREACH;
            return DIVIDERE_FATE_DISCARD;
        }
    }
    self->parcel = dividere_parcel_new ();
    return DIVIDERE_FATE_KEEP;
}

/*  To an XSUB, which has no limit to its queues: one subscription of a length
 *  that a publisher can take, and nothing else.                             */
static dividere_fate_t
s_open_subscribe (dividere_forward_t *forward, dividere_flow_t *self, bool more)
{
    const uint8_t *data = (const uint8_t *) zmq_msg_data (&self->frame);
    size_t size = zmq_msg_size (&self->frame);
    if (more || size == 0 || size > TOPIC_MAX + 1 || data[0] > 1) {
        forward->counts.malformed++;
        return DIVIDERE_FATE_DISCARD;
    }
    return s_send (self, more) == 0 ? DIVIDERE_FATE_PASS
                                    : DIVIDERE_FATE_DISCARD;
}

/*  The copy that was made of a frame before it was sent on. A reader of copies
 *  that has no room misses whole messages; so does one that would get frames
 *  of two messages mixed.                                                   */
static void
s_capture (dividere_forward_t *forward, dividere_flow_t *self, bool more)
{
    if (!self->inside)
        self->copying = !forward->copying;
    if (self->copying)
        self->copying = dividere_frame_send (&forward->copy, forward->capture,
                                             more ? ZMQ_DONTWAIT | ZMQ_SNDMORE
                                                  : ZMQ_DONTWAIT) == 0;
    if (self->copying && more)
        forward->copying = self;
    else if (forward->copying == self)
        forward->copying = NULL;
    if (!more && self->copying)
        forward->counts.captured++;
    else if (!more)
        forward->counts.capture_dropped++;
}

static void
s_keep (dividere_forward_t *forward, dividere_flow_t *self)
{
    dividere_parcel_add (self->parcel, &self->frame);
    if (self->parcel->bytes <= forward->limits.bytes_max)
        return;
    dividere_parcel_destroy (&self->parcel);
    forward->outlet.overflowed++;
    self->fate = DIVIDERE_FATE_DISCARD;
}

/*  The last frame is gone.                                                  */
static void
s_close_message (dividere_forward_t *forward, dividere_flow_t *self)
{
    forward->counts.passed_over += self->passed_over;
    self->passed_over = false;
    switch (self->fate) {
    case DIVIDERE_FATE_PASS:
        forward->counts.sent[self->to - forward->sides]++;
        break;
    case DIVIDERE_FATE_LOST: forward->counts.lost++; break;
    case DIVIDERE_FATE_KEEP:
        if (dividere_backlog_put (forward->outlet.backlog, &self->parcel,
                                  zclock_mono ()) < 0)
            forward->outlet.overflowed++;
        break;
    default: break;
    }
}

/*  One frame that was received. After a frame that failed libzmq expects the
 *  rest of the message, and drops it.                                       */
static void
s_forward (dividere_forward_t *forward, dividere_flow_t *self)
{
    bool more = zmq_msg_more (&self->frame);
    if (forward->capture)
        zmq_msg_copy (&forward->copy, &self->frame);
    if (!self->inside) {
        forward->counts.received[self->from - forward->sides]++;
        self->fate = self->open (forward, self, more);
    }
    else if ((self->fate == DIVIDERE_FATE_PASS ||
              self->fate == DIVIDERE_FATE_LOST) &&
             s_send (self, more) < 0)
        self->fate = DIVIDERE_FATE_LOST;
    if (self->fate == DIVIDERE_FATE_HOLD)
        return;
    if (forward->capture)
        s_capture (forward, self, more);
    if (self->fate == DIVIDERE_FATE_KEEP)
        s_keep (forward, self);
    self->inside = more;
    if (!more)
        s_close_message (forward, self);
}

dividere_served_t
dividere_flow_drain (dividere_forward_t *forward, dividere_flow_t *self,
                     dividere_turn_t *turn)
{
    dividere_served_t served = DIVIDERE_SERVED_SOME;
    unsigned frames = 0;
    do {
        if (dividere_frame_recv (&self->frame, self->from->handle,
                                 ZMQ_DONTWAIT) < 0) {
            served = DIVIDERE_SERVED_ALL;
            break;
        }
        frames++;
        s_forward (forward, self);
        if (self->fate == DIVIDERE_FATE_HOLD) {
            served = DIVIDERE_SERVED_ALL;
            break;
        }
    }
    while ((self->inside && frames % FRAMES_MAX) || dividere_turn_spend (turn));
    if (frames > 0)
        dividere_poller_touch (&self->to->polled);
    return served;
}

void
dividere_flow_release (dividere_forward_t *forward, dividere_flow_t *self)
{
    bool more = zmq_msg_more (&self->frame);
    if (forward->capture)
        zmq_msg_copy (&forward->copy, &self->frame);
    if (s_send (self, more) < 0)
        return;
    self->fate = DIVIDERE_FATE_PASS;
    if (forward->capture)
        s_capture (forward, self, more);
    self->inside = more;
    if (!more)
        s_close_message (forward, self);
    dividere_poller_touch (&self->from->polled);
}

void
dividere_flow_init (dividere_flow_t *self, dividere_side_t *from,
                    dividere_side_t *to, int to_type)
{
    self->from = from;
    self->to = to;
    from->in = self;
    to->out = self;
    zmq_msg_init (&self->frame);
    self->open = to_type == ZMQ_ROUTER ? s_open_route
                 : to_type == ZMQ_XPUB ? s_open_publish
                 : to_type == ZMQ_XSUB ? s_open_subscribe
                                       : s_open_any;
}

void
dividere_flow_clear (dividere_flow_t *self)
{
    if (self->from)
        zmq_msg_close (&self->frame);
    dividere_parcel_destroy (&self->parcel);
}

bool
dividere_flow_routed (const dividere_flow_t *self)
{
    return self->open == s_open_route;
}
