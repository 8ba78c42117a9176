/* SPDX-License-Identifier: Apache-2.0 */

/*  What only a subscriber does: choosing topics.                            */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <zmq.h>
#include "connector_internal.h"
#include "topic.h"
#include "types_internal.h"

/*  What both ways of naming a topic must hold to.                           */
static int
s_may_subscribe (const dividere_connector_t *self)
{
    if (self->kind != DIVIDERE_SUBSCRIBER)
        errno = ENOTSUP;
    else if (self->options.keep_last &&
             dividere_subscriptions_total (self->topics) > 0)
        errno = EBUSY;
    else
        return 0;
    return -1;
}

static int
s_may_unsubscribe (const dividere_connector_t *self)
{
    if (self->kind == DIVIDERE_SUBSCRIBER)
        return 0;
    errno = ENOTSUP;
    return -1;
}

/*  libzmq takes an end of what never began for good, so a book is kept of what
 *  was subscribed to, in the frames that it sends to publishers.            */
static int
s_set_one (dividere_connector_t *self, int option, const void *topic,
           size_t size)
{
    uint8_t frame[1 + DIVIDERE_TOPIC_MAX] = { option == ZMQ_SUBSCRIBE };
    if (size > DIVIDERE_TOPIC_MAX) {
        errno = EMSGSIZE;
        return -1;
    }
    if (size)
        memcpy (frame + 1, topic, size);
    if (dividere_subscriptions_feed (self->topics, frame, 1 + size) < 0)
        return -1;
    return zmq_setsockopt (self->handle, option, topic, size);
}

/*  The topic, and where batches are taken, the batch topic. First the one that
 *  keeps a publisher from batching when it has heard only of that.          */
static int
s_set (dividere_connector_t *self, int option, const void *topic, size_t size)
{
    uint8_t batch[1 + DIVIDERE_TOPIC_MAX];
    int rc = s_set_one (self, option, topic, size);
    if (rc < 0 || !self->options.batch || !size || size == DIVIDERE_TOPIC_MAX)
        return rc;
    dividere_batch_topic (topic, size, batch);
    return s_set_one (self, option, batch, 1 + size);
}

/*  The topics of a type: of its full name and, where that has a package, of
 *  its short name.                                                          */
static int
s_set_type (dividere_connector_t *self, int option,
            const ProtobufCMessageDescriptor *type)
{
    const dividere_type_t *entry = dividere_types_entry (type);
    if (!entry || s_set (self, option, entry->topic, entry->topic_size) < 0)
        return -1;
    if (entry->short_name_size == entry->name_size)
        return 0;
    uint8_t topic[DIVIDERE_TOPIC_MAX];
    size_t size = dividere_topic_write (entry->short_name, topic);
    if (s_set (self, option, topic, size) == 0)
        return 0;
    /* Both or none.                                                         */
    int error = errno;
    s_set (self, option == ZMQ_SUBSCRIBE ? ZMQ_UNSUBSCRIBE : ZMQ_SUBSCRIBE,
           entry->topic, entry->topic_size);
    errno = error;
    return -1;
}

/*  What is missed from here on is not missed.                               */
static int
s_forget (dividere_connector_t *self, const void *type, int rc)
{
    if (rc == 0 && self->sequence)
        dividere_sequence_forget (self->sequence, type);
    return rc;
}

int
dividere_connector_subscribe (dividere_connector_t *self, const void *topic,
                              size_t size)
{
    assert (self);
    assert (topic || !size);
    return s_may_subscribe (self) < 0
               ? -1
               : s_set (self, ZMQ_SUBSCRIBE, topic, size);
}

int
dividere_connector_unsubscribe (dividere_connector_t *self, const void *topic,
                                size_t size)
{
    assert (self);
    assert (topic || !size);
    if (s_may_unsubscribe (self) < 0)
        return -1;
    return s_forget (self, NULL, s_set (self, ZMQ_UNSUBSCRIBE, topic, size));
}

int
dividere_subscribe (dividere_connector_t *self,
                    const ProtobufCMessageDescriptor *type)
{
    assert (self);
    assert (type);
    return s_may_subscribe (self) < 0 ? -1
                                      : s_set_type (self, ZMQ_SUBSCRIBE, type);
}

int
dividere_unsubscribe (dividere_connector_t *self,
                      const ProtobufCMessageDescriptor *type)
{
    assert (self);
    assert (type);
    if (s_may_unsubscribe (self) < 0)
        return -1;
    return s_forget (self, dividere_types_entry (type),
                     s_set_type (self, ZMQ_UNSUBSCRIBE, type));
}
