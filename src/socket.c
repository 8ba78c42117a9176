/* SPDX-License-Identifier: Apache-2.0 */

/*  What libzmq's sockets need around them.                                  */

#include <errno.h>
#include <czmq.h>
#include "frame.h"
#include "socket.h"

int
dividere_socket_set (void *handle, int option, int value)
{
    return zmq_setsockopt (handle, option, &value, sizeof (value));
}

int64_t
dividere_deadline (int timeout_ms)
{
    return timeout_ms < 0 ? -1 : zclock_mono () + timeout_ms;
}

int
dividere_socket_wait (void *handle, short events, int64_t deadline)
{
    zmq_pollitem_t item = { handle, 0, events, 0 };
    while (true) {
        int64_t left = deadline < 0 ? -1 : deadline - zclock_mono ();
        if (deadline >= 0 && left < 0)
            left = 0;
        int rc = zmq_poll (&item, 1, (long) left);
        if (rc != 0)
            return rc < 0 ? -1 : 0;
        if (left == 0) {
            errno = EAGAIN;
            return -1;
        }
    }
}

void
dividere_socket_refresh (void *handle)
{
    int events;
    size_t size = sizeof (events);
    zmq_getsockopt (handle, ZMQ_EVENTS, &events, &size);
}

/*  One message, by the flags and the send time-out of the socket.           */
static int
s_send_once (void *handle, const dividere_route_t *route, zmq_msg_t *frame,
             int flags)
{
    if (route && dividere_route_send (route, handle, flags) < 0)
        return -1;
    return dividere_frame_send (frame, handle, flags);
}

/*  Waiting for room is left to libzmq: a ROUTER that has room for one peer says
 *  that it has room, also when it is full for the peer that is meant.       */
static int
s_send_timed (void *handle, const dividere_route_t *route, zmq_msg_t *frame,
              int timeout_ms)
{
    int before;
    size_t size = sizeof (before);
    if (zmq_getsockopt (handle, ZMQ_SNDTIMEO, &before, &size) < 0 ||
        dividere_socket_set (handle, ZMQ_SNDTIMEO, timeout_ms) < 0)
        return -1;
    int rc = s_send_once (handle, route, frame, 0);
    int error = errno;
    dividere_socket_set (handle, ZMQ_SNDTIMEO, before);
    errno = error;
    return rc;
}

int
dividere_socket_send (void *handle, const dividere_route_t *route,
                      zmq_msg_t *frame, int timeout_ms)
{
    if (s_send_once (handle, route, frame, ZMQ_DONTWAIT) == 0)
        return 0;
    if (errno != EAGAIN)
        return -1;
    if (timeout_ms != 0)
        return s_send_timed (handle, route, frame, timeout_ms);
    dividere_socket_refresh (handle);
    return s_send_once (handle, route, frame, ZMQ_DONTWAIT);
}
