/* SPDX-License-Identifier: Apache-2.0 */

/*  What only a publisher does: knowing its subscribers, and not forgetting the
 *  slow ones silently. The socket is an XPUB that refuses a message rather than
 *  lose it for some; to drop, that is lifted for the one message.           */

#include <assert.h>
#include <errno.h>
#include <czmq.h>
#include "connector_internal.h"
#include "frame.h"
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
