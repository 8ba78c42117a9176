/* SPDX-License-Identifier: Apache-2.0 */

/*  Waiting for the first handshake. libzmq cannot be asked whether a socket is
 *  connected, it only tells when it happens: so the sink is there before the
 *  first connect, and gone once it has told.                                */

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <czmq.h>
#include "connector_internal.h"
#include "handshake.h"
#include "log_internal.h"
#include "security.h"

void *
dividere_sink_new (void *handle, int mask)
{
    static _Atomic unsigned s_serial = 0;
    char address[64];
    snprintf (address, sizeof (address), "inproc://dividere-events-%u",
              s_serial++);
    void *sink = zsys_socket (ZMQ_PAIR, NULL, 0);
    if (!sink)
        return NULL;
    dividere_socket_set (sink, ZMQ_RCVHWM, 0);
    dividere_socket_set (sink, ZMQ_LINGER, 0);
    if (zmq_connect (sink, address) == 0 &&
        zmq_socket_monitor (handle, address, mask) == 0)
        return sink;
    int error = errno;
    zsys_close (sink, NULL, 0);
    errno = error;
    return NULL;
}

int
dividere_await_start (dividere_connector_t *self)
{
    self->await_sink =
        dividere_sink_new (self->handle, ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                                             DIVIDERE_HANDSHAKE_FAILURES);
    return self->await_sink ? 0 : -1;
}

void
dividere_await_stop (dividere_connector_t *self)
{
    if (!self->await_sink)
        return;
    zmq_socket_monitor (self->handle, NULL, 0);
    zsys_close (self->await_sink, NULL, 0);
    self->await_sink = NULL;
}

/*  Takes one event; false: there is none. What went wrong is in ret_error, 0:
 *  nothing that is worth telling.                                           */
static bool
s_take (dividere_connector_t *self, int *ret_error)
{
    uint8_t data[6];
    int size = zmq_recv (self->await_sink, data, sizeof (data), ZMQ_DONTWAIT);
    if (size < 0)
        return false;
    char address[256] = "";
    zmq_recv (self->await_sink, address, sizeof (address) - 1, 0);
    uint16_t event = 0;
    if (size >= (int) sizeof (event))
        memcpy (&event, data, sizeof (event));
    self->connected = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    dividere_handshake_t why = dividere_handshake_failure (
        data, (size_t) size < sizeof (data) ? (size_t) size : sizeof (data),
        self->security != DIVIDERE_SECURITY_PLAIN);
    if (why.error && !why.final && ++self->doubts < DIVIDERE_HANDSHAKE_DOUBTS)
        why.error = 0;
    if (why.error)
        dividere_log (DIVIDERE_LOG_WARNING, "%s: %s", address, why.text);
    *ret_error = why.error;
    return true;
}

/*  What went wrong last stays until it is well.                             */
static void
s_check (dividere_connector_t *self)
{
    int error;
    while (!self->connected && s_take (self, &error))
        if (error)
            self->refusal = error;
    if (self->connected)
        dividere_await_stop (self);
}

void
dividere_await_check (dividere_connector_t *self)
{
    if (dividere_socket_wait (self->await_sink, ZMQ_POLLIN, 0) == 0)
        s_check (self);
}

int
dividere_connector_wait_connected (dividere_connector_t *self, int timeout_ms)
{
    assert (self);
    if (self->connected || strncmp (self->endpoint, "inproc:", 7) == 0)
        return 0;
    if (!self->await_sink) {
        errno = ENOTSUP;
        return -1;
    }
    int64_t deadline_ms = dividere_deadline (timeout_ms);
    dividere_await_check (self);
    while (!self->connected) {
        if (self->refusal) {
            errno = self->refusal;
            return -1;
        }
        if (dividere_socket_wait (self->await_sink, ZMQ_POLLIN, deadline_ms) <
            0)
            return -1;
        s_check (self);
    }
    return 0;
}
