/* SPDX-License-Identifier: Apache-2.0 */

/*  A route is a short array of libzmq frames: they are moved in on receiving
 *  and sent as copies that share their bytes.                               */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <czmq.h>
#include "frame.h"
#include "route_internal.h"

dividere_route_t *
dividere_route_new (void)
{
    return (dividere_route_t *) zmalloc (sizeof (dividere_route_t));
}

void
dividere_route_destroy (dividere_route_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    dividere_route_clear (*self_p);
    free (*self_p);
    *self_p = NULL;
}

void
dividere_route_clear (dividere_route_t *self)
{
    assert (self);
    while (self->count)
        zmq_msg_close (&self->frames[--self->count]);
}

int
dividere_route_append (dividere_route_t *self, const void *data, size_t size)
{
    assert (self);
    assert (data || !size);
    if (self->count == DIVIDERE_ROUTE_MAX) {
        errno = ENOBUFS;
        return -1;
    }
    zmq_msg_t *frame = &self->frames[self->count];
    int rc = zmq_msg_init_size (frame, size);
    assert (rc == 0);
    if (size)
        memcpy (zmq_msg_data (frame), data, size);
    self->count++;
    return 0;
}

int
dividere_route_take (dividere_route_t *self, zmq_msg_t *frame)
{
    if (self->count == DIVIDERE_ROUTE_MAX) {
        errno = ENOBUFS;
        return -1;
    }
    zmq_msg_t *slot = &self->frames[self->count++];
    zmq_msg_init (slot);
    zmq_msg_move (slot, frame);
    return 0;
}

void
dividere_route_copy (const dividere_route_t *self, dividere_route_t *ret_route)
{
    assert (self);
    assert (ret_route);
    if (self == ret_route)
        return;
    dividere_route_clear (ret_route);
    for (size_t i = 0; i < self->count; i++) {
        zmq_msg_init (&ret_route->frames[i]);
        /* libzmq only touches the reference count of the source.            */
        zmq_msg_copy (&ret_route->frames[i], (zmq_msg_t *) &self->frames[i]);
    }
    ret_route->count = self->count;
}

size_t
dividere_route_count (const dividere_route_t *self)
{
    assert (self);
    return self->count;
}

const void *
dividere_route_frame (const dividere_route_t *self, size_t index,
                      size_t *ret_size)
{
    assert (self);
    if (index >= self->count)
        return NULL;
    zmq_msg_t *frame = (zmq_msg_t *) &self->frames[index];
    if (ret_size)
        *ret_size = zmq_msg_size (frame);
    return zmq_msg_data (frame);
}

int
dividere_route_send (const dividere_route_t *self, void *handle, int flags)
{
    for (size_t i = 0; i < self->count; i++) {
        zmq_msg_t frame;
        zmq_msg_init (&frame);
        zmq_msg_copy (&frame, (zmq_msg_t *) &self->frames[i]);
        if (dividere_frame_send (&frame, handle, flags | ZMQ_SNDMORE) < 0) {
            zmq_msg_close (&frame);
            return -1;
        }
    }
    return 0;
}
