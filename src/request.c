/* SPDX-License-Identifier: Apache-2.0 */

/*  A request is a DEALER that keeps REQ's rules: an empty frame, the payload,
 *  and one answer of the same form. libzmq's own REQ loses its connection for
 *  good when a peer answers out of form.
 *
 *  As long as all goes well with one peer the frames are exactly those of REQ.
 *  Where several peers can answer, and once an answer is overdue or something
 *  came that nobody asked for, a number goes in front of each request; every
 *  peer sends it back with the answer, and what carries another number, or
 *  none, is the answer to something else.                                    */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <zmq.h>
#include "connector_internal.h"

/*  What waits here before a request is sent cannot be its answer, nor can what
 *  comes after it: from here on numbers tell.                               */
static void
s_look_for_unasked (dividere_connector_t *self)
{
    if (!self->correlated &&
        dividere_socket_wait (self->handle, ZMQ_POLLIN, 0) == 0)
        self->correlated = true;
}

int
dividere_request_send (dividere_connector_t *self, zmq_msg_t *frame,
                       int timeout_ms)
{
    if (self->awaiting && !self->overdue && !self->asynchronous) {
        errno = EFSM;
        return -1;
    }
    if (self->awaiting)
        self->correlated = true;
    s_look_for_unasked (self);
    dividere_route_t route = { .count = 0 };
    uint32_t number = self->correlation + 1;
    if (self->correlated)
        dividere_route_append (&route, &number, sizeof (number));
    dividere_route_append (&route, NULL, 0);
    int rc = dividere_socket_send (self->handle, &route, frame, timeout_ms);
    int error = errno;
    dividere_route_clear (&route);
    errno = error;
    if (rc < 0)
        return -1;
    self->correlation = number;
    self->numbered = self->correlated;
    self->awaiting = true;
    self->overdue = false;
    return 0;
}

int
dividere_connector_abandon (dividere_connector_t *self)
{
    assert (self);
    if (self->kind != DIVIDERE_REQUEST) {
        errno = ENOTSUP;
        return -1;
    }
    self->overdue = self->awaiting;
    return 0;
}

static bool
s_is (const dividere_route_t *route, size_t index, const void *data,
      size_t size)
{
    zmq_msg_t *frame = (zmq_msg_t *) &route->frames[index];
    return zmq_msg_size (frame) == size &&
           (!size || memcmp (zmq_msg_data (frame), data, size) == 0);
}

bool
dividere_request_accepts (dividere_connector_t *self,
                          dividere_message_t *message)
{
    const dividere_route_t *route = &message->route;
    size_t frames = self->numbered ? 2 : 1;
    if (route->count != frames || !s_is (route, frames - 1, NULL, 0) ||
        (self->numbered &&
         !s_is (route, 0, &self->correlation, sizeof (self->correlation))))
        return false;
    dividere_route_clear (&message->route);
    return true;
}
