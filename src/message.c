/* SPDX-License-Identifier: Apache-2.0 */

/*  A received message: its frames as libzmq gave them, and the object that was
 *  unpacked from the last. Received into again and again, it allocates nothing:
 *  frames are moved in, the object lives in an arena.                       */

#include <assert.h>
#include <errno.h>
#include <czmq.h>
#include <dividere/envelope.h>
#include "envelope_internal.h"
#include "frame.h"
#include "handover.h"
#include "message_internal.h"
#include "unpack.h"

dividere_message_t *
dividere_message_new (void)
{
    dividere_message_t *self = (dividere_message_t *) zmalloc (sizeof (*self));
    zmq_msg_init (&self->payload);
    self->arena = dividere_arena_new ();
    return self;
}

void
dividere_message_destroy (dividere_message_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    dividere_message_t *self = *self_p;
    dividere_route_clear (&self->route);
    zmq_msg_close (&self->payload);
    dividere_arena_destroy (&self->arena);
    free (self);
    *self_p = NULL;
}

static void
s_clear_content (dividere_message_t *self)
{
    zmq_msg_close (&self->payload);
    zmq_msg_init (&self->payload);
    self->object = NULL;
    self->epoch = 0;
    self->sequence = 0;
}

void
dividere_message_clear (dividere_message_t *self)
{
    dividere_route_clear (&self->route);
    s_clear_content (self);
}

int
dividere_message_recv_frames (dividere_message_t *self, void *handle, int flags)
{
    self->object = NULL;
    self->epoch = 0;
    self->sequence = 0;
    dividere_route_clear (&self->route);
    bool fits = true;
    while (true) {
        if (dividere_frame_recv (&self->payload, handle, flags) < 0) {
            int error = errno;
            dividere_message_clear (self);
            errno = error;
            return -1;
        }
        if (!zmq_msg_more (&self->payload))
            break;
        if (dividere_route_take (&self->route, &self->payload) < 0)
            fits = false;
    }
    if (fits)
        return 0;
    dividere_message_clear (self);
    errno = EPROTO;
    return -1;
}

static int
s_unpack (dividere_message_t *self, const dividere_envelope_t *envelope,
          const dividere_limits_t *limits)
{
    const ProtobufCMessageDescriptor *type = self->entry->type;
    size_t budget = dividere_limits_budget (limits, envelope->value_size);
    self->object =
        dividere_unpack_judged (type, envelope->value, envelope->value_size,
                                limits->depth_max, budget, self->arena);
    if (!self->object)
        return -1;
    self->epoch = envelope->epoch;
    self->sequence = envelope->sequence;
    return 0;
}

/*  An object that another thread has handed over.                           */
static bool
s_take_over (dividere_message_t *self)
{
    dividere_handover_t what;
    if (!dividere_handover_find (&self->payload, &what))
        return false;
    self->entry = what.type;
    self->object = what.object;
    self->epoch = what.epoch;
    self->sequence = what.sequence;
    return true;
}

static int
s_decode (dividere_message_t *self)
{
    dividere_limits_t limits;
    dividere_limits_get (&limits);
    size_t size = zmq_msg_size (&self->payload);
    if (size > limits.size_max) {
        errno = EMSGSIZE;
        return -1;
    }
    const void *data = zmq_msg_data (&self->payload);
    dividere_envelope_t envelope;
    /* Most often it is the type of the message before.                      */
    if (!self->entry ||
        !dividere_envelope_expect (data, size, self->entry, &envelope)) {
        if (s_take_over (self))
            return 0;
        if (dividere_envelope_parse (data, size, limits.depth_max, &envelope) <
            0)
            return -1;
        const dividere_type_t *entry = dividere_envelope_type (&envelope);
        if (!entry)
            return -1;
        self->entry = entry;
    }
    return s_unpack (self, &envelope, &limits);
}

int
dividere_message_decode (dividere_message_t *self)
{
    if (s_decode (self) == 0)
        return 0;
    int error = errno;
    s_clear_content (self);
    errno = error;
    return -1;
}

int
dividere_envelope_decode (const void *data, size_t size,
                          dividere_message_t *message)
{
    assert (message && (data || !size));
    dividere_message_clear (message);
    zmq_msg_t frame;
    if (zmq_msg_init_size (&frame, size) < 0)
        return -1;
    if (size)
        memcpy (zmq_msg_data (&frame), data, size);
    zmq_msg_move (&message->payload, &frame);
    zmq_msg_close (&frame);
    return dividere_message_decode (message);
}

const void *
dividere_message_as (const dividere_message_t *self,
                     const ProtobufCMessageDescriptor *type)
{
    assert (self);
    return self->object && self->entry->type == type ? self->object : NULL;
}

const ProtobufCMessage *
dividere_message_object (const dividere_message_t *self)
{
    assert (self);
    return self->object;
}

const ProtobufCMessageDescriptor *
dividere_message_type (const dividere_message_t *self)
{
    assert (self);
    return self->object ? self->entry->type : NULL;
}

const char *
dividere_message_name (const dividere_message_t *self)
{
    assert (self);
    return self->object ? self->entry->type->name : NULL;
}

const void *
dividere_message_data (const dividere_message_t *self)
{
    assert (self);
    return zmq_msg_data ((zmq_msg_t *) &self->payload);
}

size_t
dividere_message_size (const dividere_message_t *self)
{
    assert (self);
    return zmq_msg_size ((zmq_msg_t *) &self->payload);
}

const dividere_route_t *
dividere_message_route (const dividere_message_t *self)
{
    assert (self);
    return &self->route;
}

const char *
dividere_message_property (const dividere_message_t *self, const char *name)
{
    assert (self);
    assert (name);
    return zmq_msg_gets ((zmq_msg_t *) &self->payload, name);
}

uint64_t
dividere_message_sequence (const dividere_message_t *self)
{
    assert (self);
    return self->sequence;
}

uint64_t
dividere_message_epoch (const dividere_message_t *self)
{
    assert (self);
    return self->epoch;
}
