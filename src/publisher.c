/* SPDX-License-Identifier: Apache-2.0 */

/*  What only a publisher does: knowing its subscribers, and not forgetting the
 *  slow ones silently. The socket is an XPUB that refuses a message rather than
 *  lose it for some; to drop, that is lifted for the one message.           */

#include <assert.h>
#include <errno.h>
#include <czmq.h>
#include "connector_internal.h"
#include "frame.h"
#include "topic.h"
#include "types_internal.h"

#define UNREAD_MAX 64    /* sends between two looks at the subscriptions      */
#define READ_MAX   10000 /* subscriptions taken in one look                   */
#define BEHIND     1000  /* sends after a drop that look for room first       */

/*  Reads what is there, up to READ_MAX. 0, or -1 with EAGAIN when there is no
 *  more.                                                                    */
static int
s_read_some (dividere_connector_t *self)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    int rc = 0;
    for (int i = 0; i < READ_MAX && rc == 0; i++) {
        rc = dividere_frame_recv (&frame, self->handle, ZMQ_DONTWAIT);
        if (rc == 0 && dividere_subscriptions_feed (self->subscriptions,
                                                    zmq_msg_data (&frame),
                                                    zmq_msg_size (&frame)) < 0)
            self->stats.malformed++;
        self->heard += rc == 0;
    }
    int error = errno;
    zmq_msg_close (&frame);
    errno = error;
    return rc;
}

int
dividere_publisher_read (dividere_connector_t *self)
{
    dividere_connector_check_sinks (self);
    dividere_poller_touch (&self->polled);
    int rc = s_read_some (self);
    /* What is left is read at the next send.                                */
    self->unread = rc == 0 ? UNREAD_MAX : 0;
    return rc;
}

int
dividere_publisher_send (dividere_connector_t *self, zmq_msg_t *frame)
{
    if (++self->unread >= UNREAD_MAX)
        dividere_publisher_read (self);
    /* A subscriber that was passed over may be taking part again.           */
    if (self->behind && self->behind--)
        dividere_socket_events (self->handle);
    if (dividere_frame_send (frame, self->handle, ZMQ_DONTWAIT) == 0)
        return 0;
    if (errno == EAGAIN) {
        dividere_socket_events (self->handle);
        if (dividere_frame_send (frame, self->handle, ZMQ_DONTWAIT) == 0)
            return 0;
    }
    if (errno != EAGAIN || self->options.overflow == DIVIDERE_OVERFLOW_TELL)
        return -1;
    if (dividere_socket_publish (self->handle, frame, 0) < 0)
        return -1;
    self->stats.dropped++;
    self->behind = BEHIND;
    return 0;
}

/*  True if everybody who wants a type takes batches of it. Who wants everything
 *  has not been asked.                                                      */
static bool
s_may_batch (dividere_connector_t *self, const dividere_type_t *type)
{
    if (self->asked == type && self->asked_heard == self->heard)
        return self->batched;
    const dividere_subscriptions_t *all = self->subscriptions;
    uint8_t topic[1 + DIVIDERE_TOPIC_MAX];
    size_t size = 1 + type->topic_size;
    dividere_batch_topic (type->topic, type->topic_size, topic);
    size_t wanted =
        dividere_subscriptions_match (all, type->topic, type->topic_size);
    self->batched = size <= DIVIDERE_TOPIC_MAX && wanted > 0 &&
                    !dividere_subscriptions_match (all, "", 0) &&
                    dividere_subscriptions_match (all, topic, size) == wanted;
    self->asked = type;
    self->asked_heard = self->heard;
    return self->batched;
}

/*  Sends a frame that count messages are in.                                */
static int
s_send_counted (dividere_connector_t *self, zmq_msg_t *frame, size_t count)
{
    uint64_t dropped = self->stats.dropped;
    if (dividere_publisher_send (self, frame) < 0) {
        int error = errno;
        zmq_msg_close (frame);
        errno = error;
        return -1;
    }
    self->stats.sent += count;
    self->stats.dropped += (self->stats.dropped - dropped) * (count - 1);
    return 0;
}

/*  Somebody may have come meanwhile who has not agreed.                     */
int
dividere_publisher_flush (dividere_connector_t *self)
{
    dividere_batch_t *batch = &self->batch;
    zmq_msg_t frame;
    if (!batch->type)
        return 0;
    dividere_publisher_read (self);
    if (s_may_batch (self, batch->type)) {
        dividere_batch_frame (batch, &frame);
        if (s_send_counted (self, &frame, batch->count) < 0)
            return -1;
        dividere_batch_clear (batch);
    }
    while (batch->type) {
        dividere_batch_first (batch, &frame);
        if (s_send_counted (self, &frame, 1) < 0)
            return -1;
        dividere_batch_shift (batch);
    }
    return 0;
}

int
dividere_publisher_batch (dividere_connector_t *self,
                          const ProtobufCMessage *message, uint64_t sequence)
{
    const dividere_type_t *type = dividere_types_entry (message->descriptor);
    dividere_batch_t *batch = &self->batch;
    if (!type)
        return -1;
    bool fits = s_may_batch (self, type);
    if ((!fits || (batch->type && batch->type != type)) &&
        dividere_publisher_flush (self) < 0)
        return -1;
    if (!fits)
        return 0;
    for (int i = 0; i < 2; i++) {
        if (dividere_batch_add (batch, type, message, self->epoch, sequence) ==
            0)
            return 1;
        if (errno != ENOBUFS)
            return -1;
        if (!batch->type)
            return 0; /* larger than a batch                                 */
        if (dividere_publisher_flush (self) < 0)
            return -1;
    }
    return 0;
}

int
dividere_connector_flush (dividere_connector_t *self)
{
    assert (self);
    if (self->kind != DIVIDERE_PUBLISHER) {
        errno = ENOTSUP;
        return -1;
    }
    dividere_connector_check_sinks (self);
    dividere_poller_touch (&self->polled);
    return dividere_publisher_flush (self);
}

uint64_t
dividere_connector_number (dividere_connector_t *self,
                           const ProtobufCMessageDescriptor *type)
{
    if (self->kind != DIVIDERE_PUBLISHER || !self->options.sequenced)
        return 0;
    const dividere_type_t *entry = dividere_types_entry (type);
    if (!entry)
        return 0;
    if (entry->id >= self->sequences_size) {
        size_t size = (size_t) entry->id + 16;
        self->sequences =
            (uint64_t *) realloc (self->sequences,
                                  size * sizeof (*self->sequences));
        assert (self->sequences);
        memset (self->sequences + self->sequences_size, 0,
                (size - self->sequences_size) * sizeof (*self->sequences));
        self->sequences_size = size;
    }
    return ++self->sequences[entry->id];
}

void
dividere_connector_unnumber (dividere_connector_t *self,
                             const ProtobufCMessageDescriptor *type)
{
    const dividere_type_t *entry = dividere_types_entry (type);
    if (entry && entry->id < self->sequences_size)
        self->sequences[entry->id]--;
}

int
dividere_connector_wait_subscribers (dividere_connector_t *self,
                                     const void *topic, size_t size,
                                     size_t count, int timeout_ms)
{
    assert (self);
    assert (topic || !size);
    if (self->kind != DIVIDERE_PUBLISHER) {
        errno = ENOTSUP;
        return -1;
    }
    int64_t deadline = dividere_deadline (timeout_ms);
    while (true) {
        bool more = dividere_publisher_read (self) == 0;
        if (!more && errno != EAGAIN)
            return -1;
        if (dividere_subscriptions_match (self->subscriptions, topic, size) >=
            count)
            return 0;
        if (dividere_socket_wait (self->handle, ZMQ_POLLIN, deadline) < 0)
            return -1;
        if (deadline >= 0 && zclock_mono () > deadline) {
            errno = EAGAIN;
            return -1;
        }
    }
}

int
dividere_wait_subscribers (dividere_connector_t *self,
                           const ProtobufCMessageDescriptor *type, size_t count,
                           int timeout_ms)
{
    const dividere_type_t *entry = dividere_types_entry (type);
    return entry ? dividere_connector_wait_subscribers (self, entry->topic,
                                                        entry->topic_size,
                                                        count, timeout_ms)
                 : -1;
}
