/* SPDX-License-Identifier: Apache-2.0 */

/*  Sending and receiving. Each kind has its rules for frames; whose turn it is
 *  at a request and a response is kept here, not in libzmq's REQ and REP: those
 *  are out of step for ever after one bad frame or one lost reply.          */

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <czmq.h>
#include <dividere/envelope.h>
#include "connector_internal.h"
#include "large.h"

#define PASS_OVER_MAX 64 /* frames that break the rules, in one call          */

void
dividere_connector_check_sinks (dividere_connector_t *self)
{
    if (self->watch && dividere_watch_abandoned (self->watch))
        dividere_connector_unwatch (self);
    if (self->await_sink)
        dividere_await_check (self);
}

static int
s_send_response (dividere_connector_t *self, const dividere_route_t *route,
                 zmq_msg_t *frame, int timeout_ms)
{
    if (route && !route->count) {
        errno = EINVAL;
        return -1;
    }
    if (!route && !self->owing) {
        errno = EFSM;
        return -1;
    }
    int rc = dividere_socket_send (self->handle, route ? route : &self->debtor,
                                   frame, timeout_ms);
    /* A requester that is gone needs no answer: the turn is over.           */
    if (rc == 0 || errno == EHOSTUNREACH)
        self->owing = false;
    return rc;
}

static int
s_send (dividere_connector_t *self, const dividere_route_t *route,
        zmq_msg_t *frame, int timeout_ms)
{
    switch (self->kind) {
    case DIVIDERE_DEALER:
        return dividere_socket_send (self->handle, route, frame, timeout_ms);
    case DIVIDERE_RESPONSE:
        return s_send_response (self, route, frame, timeout_ms);
    case DIVIDERE_SUBSCRIBER: errno = ENOTSUP; return -1;
    default: break;
    }
    if (route && route->count) {
        errno = EINVAL;
        return -1;
    }
    return self->kind == DIVIDERE_PUBLISHER
               ? dividere_publisher_send (self, frame)
               : dividere_request_send (self, frame, timeout_ms);
}

int
dividere_connector_send_frame (dividere_connector_t *self,
                               const dividere_route_t *route, zmq_msg_t *frame,
                               int timeout_ms)
{
    dividere_connector_check_sinks (self);
    int rc = dividere_publisher_flush (self);
    if (rc == 0)
        rc = s_send (self, route, frame, timeout_ms);
    if (rc == 0)
        self->stats.sent++;
    else
        self->stats.refused++;
    dividere_poller_touch (&self->polled);
    return rc;
}

/*  0, or -1 with EMSGSIZE.                                                  */
static int
s_check_size (dividere_connector_t *self, size_t size)
{
    dividere_limits_t limits;
    dividere_limits_get (&limits);
    if (size <= limits.size_max)
        return 0;
    self->stats.refused++;
    errno = EMSGSIZE;
    return -1;
}

int
dividere_connector_send_to (dividere_connector_t *self,
                            const dividere_route_t *route, const void *data,
                            size_t size, int timeout_ms)
{
    assert (self);
    assert (data || !size);
    if (s_check_size (self, size) < 0)
        return -1;
    zmq_msg_t frame;
    dividere_large_init (&frame, size);
    if (size)
        memcpy (zmq_msg_data (&frame), data, size);
    dividere_large_written (&frame);
    int rc = dividere_connector_send_frame (self, route, &frame, timeout_ms);
    if (rc < 0) {
        int error = errno;
        zmq_msg_close (&frame);
        errno = error;
    }
    return rc;
}

/*  Bytes that libzmq gives back, in another thread.                         */
typedef struct {
    _Atomic (dividere_release_fn *) release; /* NULL: it never had them      */
    void *arg;
} lent_t;

static void
s_release (void *data, void *hint)
{
    lent_t *lent = (lent_t *) hint;
    dividere_release_fn *release = lent->release;
    if (release)
        release (data, lent->arg);
    free (lent);
}

int
dividere_connector_send_owned (dividere_connector_t *self,
                               const dividere_route_t *route, void *data,
                               size_t size, dividere_release_fn *release,
                               void *arg, int timeout_ms)
{
    assert (self);
    assert (data);
    assert (release);
    if (s_check_size (self, size) < 0)
        return -1;
    lent_t *lent = (lent_t *) malloc (sizeof (*lent));
    assert (lent);
    lent->arg = arg;
    lent->release = release;
    zmq_msg_t frame;
    int rc = zmq_msg_init_data (&frame, data, size, s_release, lent);
    assert (rc == 0);
    rc = dividere_connector_send_frame (self, route, &frame, timeout_ms);
    if (rc < 0) {
        int error = errno;
        lent->release = NULL;
        zmq_msg_close (&frame);
        errno = error;
    }
    return rc;
}

int
dividere_connector_send (dividere_connector_t *self, const void *data,
                         size_t size)
{
    assert (self);
    return dividere_connector_send_to (self, NULL, data, size,
                                       self->options.send_timeout_ms);
}

/*  REP's rule: routing frames, one empty frame, then the one payload.       */
static bool
s_is_request (const dividere_message_t *message)
{
    const dividere_route_t *route = &message->route;
    size_t i = 0;
    while (i < route->count &&
           zmq_msg_size ((zmq_msg_t *) &route->frames[i]) > 0)
        i++;
    return i > 0 && i + 1 == route->count;
}

static bool
s_well_formed (dividere_connector_t *self, dividere_message_t *message)
{
    switch (self->kind) {
    case DIVIDERE_DEALER: return true;
    case DIVIDERE_RESPONSE: return s_is_request (message);
    case DIVIDERE_REQUEST: return dividere_request_accepts (self, message);
    default: return message->route.count == 0;
    }
}

static int
s_in_turn (dividere_connector_t *self)
{
    if (self->kind == DIVIDERE_PUBLISHER)
        errno = ENOTSUP;
    else if ((self->kind == DIVIDERE_REQUEST && !self->awaiting) ||
             (self->owing && !self->asynchronous))
        errno = EFSM;
    else
        return 0;
    return -1;
}

/*  What a subscriber with keep_last has not read yet is passed over but for the
 *  newest. libzmq's own option for that aborts when a frame promises
 *  another.                                                                  */
static void
s_skip_to_newest (dividere_connector_t *self, dividere_message_t *message)
{
    for (int i = 0; i < self->options.recv_hwm; i++) {
        if (dividere_message_recv_frames (self->newer, self->handle,
                                          ZMQ_DONTWAIT) < 0) {
            if (errno != EPROTO)
                return;
            self->stats.malformed++;
        }
        else if (s_well_formed (self, self->newer))
            zmq_msg_move (&message->payload, &self->newer->payload);
        else
            self->stats.malformed++;
    }
}

/*  The next of a batch, if there is one. What it is said to be is for the
 *  decoder to find out.                                                     */
static bool
s_take_batched (dividere_connector_t *self, dividere_message_t *message)
{
    zmq_msg_t frame;
    bool malformed;
    if (!self->rest.at)
        return false;
    if (!dividere_batch_next (&self->rest, &frame, &malformed)) {
        self->stats.malformed += malformed;
        return false;
    }
    dividere_message_clear (message);
    zmq_msg_move (&message->payload, &frame);
    zmq_msg_close (&frame);
    return true;
}

/*  Receives until something keeps the rules of the kind, or passes over so many
 *  frames that do not that others should have their turn.                   */
static int
s_recv_some (dividere_connector_t *self, dividere_message_t *message, int flags)
{
    self->crowded = false;
    for (int i = 0; i < PASS_OVER_MAX; i++) {
        if (s_take_batched (self, message))
            return 0;
        if (dividere_message_recv_frames (message, self->handle, flags) < 0) {
            if (errno != EPROTO)
                return -1;
        }
        else if (s_well_formed (self, message)) {
            if (self->options.batch &&
                dividere_batch_open (&self->rest, &message->payload))
                continue;
            if (self->newer)
                s_skip_to_newest (self, message);
            return 0;
        }
        self->stats.malformed++;
    }
    self->crowded = true;
    errno = EAGAIN;
    return -1;
}

static int
s_recv (dividere_connector_t *self, dividere_message_t *message, int timeout_ms)
{
    int64_t deadline = dividere_deadline (timeout_ms);
    int flags = timeout_ms < 0 ? 0 : ZMQ_DONTWAIT;
    while (s_recv_some (self, message, flags) < 0) {
        if (errno != EAGAIN || timeout_ms == 0 ||
            (timeout_ms > 0 && zclock_mono () >= deadline))
            return -1;
        if (!self->crowded &&
            dividere_socket_wait (self->handle, ZMQ_POLLIN, deadline) < 0)
            return -1;
    }
    return 0;
}

int
dividere_connector_recv_into (dividere_connector_t *self,
                              dividere_message_t *message, int timeout_ms)
{
    assert (self);
    assert (message);
    dividere_connector_check_sinks (self);
    dividere_poller_touch (&self->polled);
    if (s_in_turn (self) < 0 || s_recv (self, message, timeout_ms) < 0) {
        if (errno == EAGAIN && timeout_ms > 0)
            self->overdue = self->awaiting;
        int error = errno;
        dividere_message_clear (message);
        errno = error;
        return -1;
    }
    self->stats.received++;
    self->awaiting = false;
    if (self->kind == DIVIDERE_RESPONSE && !self->asynchronous) {
        dividere_route_copy (&message->route, &self->debtor);
        self->owing = true;
    }
    return 0;
}

dividere_message_t *
dividere_connector_recv (dividere_connector_t *self)
{
    assert (self);
    dividere_message_t *message = dividere_message_new ();
    if (dividere_connector_recv_into (self, message,
                                      self->options.recv_timeout_ms) < 0) {
        int error = errno;
        dividere_message_destroy (&message);
        errno = error;
    }
    return message;
}

int
dividere_connector_wait (dividere_connector_t *self, int timeout_ms)
{
    assert (self);
    dividere_connector_check_sinks (self);
    if (self->kind == DIVIDERE_PUBLISHER) {
        errno = ENOTSUP;
        return -1;
    }
    if (self->rest.at)
        return 0;
    dividere_poller_touch (&self->polled);
    int rc = dividere_socket_wait (self->handle, ZMQ_POLLIN,
                                   dividere_deadline (timeout_ms));
    if (rc < 0 && errno == EAGAIN && timeout_ms > 0)
        self->overdue = self->awaiting;
    return rc;
}

static uint64_t *
s_refusal_counter (dividere_connector_stats_t *stats, int error)
{
    switch (error) {
    case ENOENT: return &stats->unknown_type;
    case EMSGSIZE: return &stats->too_large;
    case ELOOP: return &stats->too_deep;
    case EILSEQ: return &stats->bad_text;
    case ENOBUFS: return &stats->over_budget;
    default: return &stats->malformed;
    }
}

int
dividere_connector_recv_typed (dividere_connector_t *self,
                               dividere_message_t *message, int timeout_ms)
{
    if (dividere_connector_recv_into (self, message, timeout_ms) < 0)
        return -1;
    if (dividere_message_decode (message) < 0) {
        int error = errno;
        (*s_refusal_counter (&self->stats, error))++;
        self->stats.received--;
        self->owing = false;
        errno = error;
        return -1;
    }
    if (self->sequence && message->sequence)
        self->stats.missed +=
            dividere_sequence_feed (self->sequence, message->epoch,
                                    message->entry, message->sequence);
    return 0;
}

void
dividere_connector_stats (dividere_connector_t *self,
                          dividere_connector_stats_t *ret_stats)
{
    assert (self);
    assert (ret_stats);
    if (self->kind == DIVIDERE_PUBLISHER) {
        dividere_publisher_read (self);
        self->stats.subscribers =
            dividere_subscriptions_total (self->subscriptions);
    }
    *ret_stats = self->stats;
}
