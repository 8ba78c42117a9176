/* SPDX-License-Identifier: Apache-2.0 */

/*  Typed messages over any socket. A connector has rules and counters of its
 *  own; of a zsock_t or zactor_t only the frames are used: those before the
 *  last are the route.                                                      */

#include <assert.h>
#include <errno.h>
#include <czmq.h>
#include <dividere/text.h>
#include "connector_internal.h"
#include "envelope_internal.h"
#include "frame.h"
#include "handover.h"
#include "log_internal.h"

static void
s_log (const char *direction, void *sock, const ProtobufCMessage *object)
{
    const char *endpoint = "";
    if (dividere_connector_is (sock))
        endpoint = dividere_connector_endpoint ((dividere_connector_t *) sock);
    else if (zsock_is (sock))
        endpoint = zsock_endpoint ((zsock_t *) sock);
    char *text = dividere_text (object);
    dividere_log (DIVIDERE_LOG_DEBUG, "%s %s %s { %s }", direction,
                  endpoint ? endpoint : "", object->descriptor->name, text);
    free (text);
}

/*  Without a limit the socket's own counts.                                 */
static int
s_send_foreign (void *sock, const dividere_route_t *route, zmq_msg_t *frame,
                bool limited, int timeout_ms)
{
    void *handle = zsock_resolve (sock);
    if (limited)
        return dividere_socket_send (handle, route, frame, timeout_ms);
    if (route && dividere_route_send (route, handle, 0) < 0)
        return -1;
    return dividere_frame_send (frame, handle, 0);
}

static int
s_recv_foreign (void *sock, dividere_message_t *message, bool limited,
                int timeout_ms)
{
    void *handle = zsock_resolve (sock);
    int64_t deadline = dividere_deadline (timeout_ms);
    int flags = limited && timeout_ms >= 0 ? ZMQ_DONTWAIT : 0;
    while (dividere_message_recv_frames (message, handle, flags) < 0)
        if (errno != EAGAIN || !flags || timeout_ms == 0 ||
            dividere_socket_wait (handle, ZMQ_POLLIN, deadline) < 0)
            return -1;
    return dividere_message_decode (message);
}

static int
s_send_connector (dividere_connector_t *self, const dividere_route_t *route,
                  const ProtobufCMessage *message, int timeout_ms)
{
    zmq_msg_t frame;
    uint64_t number = dividere_connector_number (self, message->descriptor);
    int rc = 0;
    if (self->batch.room && self->kind == DIVIDERE_PUBLISHER &&
        !(route && route->count)) {
        rc = dividere_publisher_batch (self, message, number);
        if (rc > 0)
            return 0;
    }
    if (rc == 0)
        rc = dividere_envelope_encode_numbered (message, self->epoch, number,
                                                &frame);
    if (rc < 0)
        self->stats.refused++;
    else {
        rc = dividere_connector_send_frame (self, route, &frame, timeout_ms);
        if (rc < 0) {
            int error = errno;
            zmq_msg_close (&frame);
            errno = error;
        }
    }
    if (rc < 0 && number) {
        int error = errno;
        dividere_connector_unnumber (self, message->descriptor);
        errno = error;
    }
    return rc;
}

/*  The object is the frame's from the start: once it is sent, a receiver may
 *  have freed it.                                                           */
static int
s_hand_over (dividere_connector_t *self, const dividere_route_t *route,
             ProtobufCMessage *message, int timeout_ms)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    dividere_handover_t what = { dividere_types_entry (descriptor), message,
                                 self->epoch, 0 };
    if (!what.type) {
        self->stats.refused++;
        return -1;
    }
    what.sequence = dividere_connector_number (self, descriptor);
    zmq_msg_t frame;
    dividere_handover_init (&frame, &what);
    if (dividere_connector_send_frame (self, route, &frame, timeout_ms) == 0)
        return 0;
    int error = errno;
    dividere_handover_withdraw (&frame);
    if (what.sequence)
        dividere_connector_unnumber (self, descriptor);
    errno = error;
    return -1;
}

static int
s_send (void *sock, const dividere_route_t *route,
        const ProtobufCMessage *message, bool limited, int timeout_ms)
{
    assert (sock);
    assert (message);
    int rc;
    if (dividere_connector_is (sock)) {
        dividere_connector_t *connector = (dividere_connector_t *) sock;
        if (!limited)
            timeout_ms = connector->options.send_timeout_ms;
        rc = s_send_connector (connector, route, message, timeout_ms);
    }
    else {
        zmq_msg_t frame;
        rc = dividere_envelope_encode (message, &frame);
        if (rc < 0)
            return -1;
        rc = s_send_foreign (sock, route, &frame, limited, timeout_ms);
        if (rc < 0) {
            int error = errno;
            zmq_msg_close (&frame);
            errno = error;
        }
    }
    if (rc == 0 && dividere_log_enabled (DIVIDERE_LOG_DEBUG))
        s_log ("sent", sock, message);
    return rc;
}

static int
s_recv (void *sock, dividere_message_t *message, bool limited, int timeout_ms)
{
    assert (sock);
    assert (message);
    int rc;
    if (dividere_connector_is (sock)) {
        dividere_connector_t *connector = (dividere_connector_t *) sock;
        if (!limited)
            timeout_ms = connector->options.recv_timeout_ms;
        rc = dividere_connector_recv_typed (connector, message, timeout_ms);
    }
    else
        rc = s_recv_foreign (sock, message, limited, timeout_ms);
    if (rc == 0 && dividere_log_enabled (DIVIDERE_LOG_DEBUG))
        s_log ("received", sock, message->object);
    return rc;
}

int
dividere_send (void *sock, const ProtobufCMessage *message)
{
    return s_send (sock, NULL, message, false, -1);
}

int
dividere_send_to (void *sock, const dividere_route_t *route,
                  const ProtobufCMessage *message, int timeout_ms)
{
    return s_send (sock, route, message, true, timeout_ms);
}

int
dividere_send_owned (void *sock, const dividere_route_t *route,
                     ProtobufCMessage **message_p, int timeout_ms)
{
    assert (sock);
    assert (message_p && *message_p);
    ProtobufCMessage *message = *message_p;
    if (dividere_log_enabled (DIVIDERE_LOG_DEBUG))
        s_log ("giving", sock, message);
    if (dividere_connector_is (sock) &&
        ((dividere_connector_t *) sock)->options.handover) {
        if (s_hand_over ((dividere_connector_t *) sock, route, message,
                         timeout_ms) < 0)
            return -1;
    }
    else {
        if (s_send (sock, route, message, true, timeout_ms) < 0)
            return -1;
        protobuf_c_message_free_unpacked (message, NULL);
    }
    *message_p = NULL;
    return 0;
}

dividere_message_t *
dividere_recv (void *sock)
{
    dividere_message_t *message = dividere_message_new ();
    if (s_recv (sock, message, false, -1) < 0) {
        int error = errno;
        dividere_message_destroy (&message);
        errno = error;
    }
    return message;
}

int
dividere_recv_into (void *sock, dividere_message_t *message, int timeout_ms)
{
    return s_recv (sock, message, true, timeout_ms);
}

int
dividere_wait (void *sock, int timeout_ms)
{
    assert (sock);
    if (dividere_connector_is (sock))
        return dividere_connector_wait ((dividere_connector_t *) sock,
                                        timeout_ms);
    return dividere_socket_wait (zsock_resolve (sock), ZMQ_POLLIN,
                                 dividere_deadline (timeout_ms));
}
