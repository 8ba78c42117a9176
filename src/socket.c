/* SPDX-License-Identifier: Apache-2.0 */

/*  What libzmq's sockets need around them.                                  */

#include <errno.h>
#include <czmq.h>
#include <dividere/envelope.h>
#include "frame.h"
#include "socket.h"

/*  The kernel asks an address that does not answer after 1, 2, 4 ... s: a host
 *  that is back would be found after as long as it was away. A new try asks at
 *  once.                                                                    */
#define CONNECT_MS   3000
#define HANDSHAKE_MS 3000
#define PROBES       3

/*  A socket that is closed without any linger takes its messages back at once,
 *  and libzmq 4.3.4 aborts the process where the connection breaks in just that
 *  moment with some frames of a message sent and others not. Both sides of a
 *  system that is shut down close in the same moment. With a little linger the
 *  message goes on until the end of either.                                 */
#define LINGER_MIN_MS 20

/*  libzmq takes a hundred times the length of a subscription.               */
#define SUBSCRIPTION_MAX 1024
#define BACKLOG          1024

int
dividere_socket_set (void *handle, int option, int value)
{
    return zmq_setsockopt (handle, option, &value, sizeof (value));
}

int
dividere_socket_configure (void *handle,
                           const dividere_connector_options_t *options)
{
    dividere_limits_t limits;
    dividere_limits_get (&limits);
    int64_t size_max = (int64_t) limits.size_max;
    int linger_ms = options->linger_ms;
    if (linger_ms >= 0 && linger_ms < LINGER_MIN_MS)
        linger_ms = LINGER_MIN_MS;
    int keepalive_s =
        options->keepalive_ms / 1000 + (options->keepalive_ms % 1000 ? 1 : 0);
    const struct {
        int option;
        int value;
    } settings[] = {
        { ZMQ_SNDHWM, options->send_hwm },
        { ZMQ_RCVHWM, options->recv_hwm },
        { ZMQ_LINGER, linger_ms },
        { ZMQ_IPV6, options->ipv6 },
        { ZMQ_TCP_KEEPALIVE, keepalive_s > 0 },
        { ZMQ_TCP_KEEPALIVE_IDLE, keepalive_s > 0 ? keepalive_s : -1 },
        { ZMQ_TCP_KEEPALIVE_INTVL, keepalive_s > 0 ? keepalive_s : -1 },
        { ZMQ_TCP_KEEPALIVE_CNT, keepalive_s > 0 ? PROBES : -1 },
        { ZMQ_RECONNECT_IVL, options->reconnect_ms },
        { ZMQ_RECONNECT_IVL_MAX, options->reconnect_max_ms },
        { ZMQ_CONNECT_TIMEOUT, CONNECT_MS },
        { ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS },
        { ZMQ_BACKLOG, BACKLOG },
    };
    for (size_t i = 0; i < sizeof (settings) / sizeof (settings[0]); i++)
        if (dividere_socket_set (handle, settings[i].option,
                                 settings[i].value) < 0)
            return -1;
    return zmq_setsockopt (handle, ZMQ_MAXMSGSIZE, &size_max,
                           sizeof (size_max));
}

int
dividere_socket_set_publisher (void *handle)
{
    int64_t size_max = SUBSCRIPTION_MAX;
    if (dividere_socket_set (handle, ZMQ_XPUB_NODROP, 1) < 0)
        return -1;
    return zmq_setsockopt (handle, ZMQ_MAXMSGSIZE, &size_max,
                           sizeof (size_max));
}

int
dividere_socket_set_router (void *handle)
{
    if (dividere_socket_set (handle, ZMQ_ROUTER_MANDATORY, 1) < 0)
        return -1;
    return dividere_socket_set (handle, ZMQ_ROUTER_HANDOVER, 1);
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

int
dividere_socket_events (void *handle)
{
    int events = 0;
    size_t size = sizeof (events);
    zmq_getsockopt (handle, ZMQ_EVENTS, &events, &size);
    return events;
}

int
dividere_socket_publish (void *handle, zmq_msg_t *frame, int flags)
{
    dividere_socket_set (handle, ZMQ_XPUB_NODROP, 0);
    int rc = dividere_frame_send (frame, handle, flags | ZMQ_DONTWAIT);
    int error = errno;
    dividere_socket_set (handle, ZMQ_XPUB_NODROP, 1);
    errno = error;
    return rc;
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
    dividere_socket_events (handle);
    return s_send_once (handle, route, frame, ZMQ_DONTWAIT);
}

size_t
dividere_socket_recv_all (void *handle, zmq_msg_t *frames, size_t room)
{
    size_t count = 0;
    bool more = true;
    while (more) {
        zmq_msg_t extra;
        zmq_msg_t *frame = count < room ? &frames[count] : &extra;
        zmq_msg_init (frame);
        if (dividere_frame_recv (frame, handle, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close (frame);
            break;
        }
        more = zmq_msg_more (frame);
        if (frame == &extra)
            zmq_msg_close (frame);
        count++;
    }
    if (count > room || more)
        for (size_t i = 0; i < count && i < room; i++)
            zmq_msg_close (&frames[i]);
    return more ? 0 : count;
}
