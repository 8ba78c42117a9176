/* SPDX-License-Identifier: Apache-2.0 */

#include "batch.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "envelope_internal.h"
#include "large.h"
#include "wire.h"

void
dividere_batch_init (dividere_batch_t *self, size_t room)
{
    *self = (dividere_batch_t){ .room = room };
}

void
dividere_batch_term (dividere_batch_t *self)
{
    free (self->data);
    *self = (dividere_batch_t){ .room = self->room };
}

void
dividere_batch_topic (const void *topic, size_t size, uint8_t *ret_topic)
{
    *ret_topic = 0;
    if (size)
        memcpy (ret_topic + 1, topic, size);
}

int
dividere_batch_add (dividere_batch_t *self, const dividere_type_t *type,
                    const ProtobufCMessage *message, uint64_t epoch,
                    uint64_t sequence)
{
    assert (!self->type || self->type == type);
    size_t used = 1 + type->topic_size + self->size;
    if (!self->data) {
        self->data = (uint8_t *) malloc (self->room);
        assert (self->data);
    }
    size_t left = used < self->room ? self->room - used : 0;
    size_t size = dividere_envelope_encode_into (type, message, epoch, sequence,
                                                 self->data + self->size, left);
    if (!size)
        return -1;
    self->type = type;
    self->size += size;
    self->count++;
    return 0;
}

void
dividere_batch_frame (const dividere_batch_t *self, zmq_msg_t *ret_frame)
{
    assert (self->type);
    size_t head = 1 + self->type->topic_size, size = self->size - self->first;
    int rc = zmq_msg_init_size (ret_frame, head + size);
    assert (rc == 0);
    uint8_t *at = (uint8_t *) zmq_msg_data (ret_frame);
    dividere_batch_topic (self->type->topic, self->type->topic_size, at);
    memcpy (at + head, self->data + self->first, size);
}

void
dividere_batch_clear (dividere_batch_t *self)
{
    self->type = NULL;
    self->size = self->first = self->count = 0;
}

/*  Where it begins, behind its length.                                      */
static const uint8_t *
s_first (const dividere_batch_t *self, size_t *ret_size)
{
    assert (self->type);
    const uint8_t *at =
        dividere_wire_length (self->data + self->first, self->data + self->size,
                              ret_size);
    assert (at);
    return at;
}

void
dividere_batch_first (const dividere_batch_t *self, zmq_msg_t *ret_frame)
{
    size_t size;
    const uint8_t *at = s_first (self, &size);
    dividere_large_init (ret_frame, size);
    memcpy (zmq_msg_data (ret_frame), at, size);
    dividere_large_written (ret_frame);
}

void
dividere_batch_shift (dividere_batch_t *self)
{
    size_t size;
    const uint8_t *at = s_first (self, &size);
    self->first = (size_t) (at + size - self->data);
    if (--self->count == 0)
        dividere_batch_clear (self);
}

bool
dividere_batch_open (dividere_batch_rest_t *self, zmq_msg_t *frame)
{
    const uint8_t *data = (const uint8_t *) zmq_msg_data (frame);
    const uint8_t *end = data + zmq_msg_size (frame);
    dividere_field_t name;
    if (end - data < 2 || data[0] != 0 || data[1] != 0x0A)
        return false;
    const uint8_t *at = dividere_wire_field (data + 1, end, 0, &name);
    if (!at || at == end)
        return false;
    self->at = (size_t) (at - data);
    zmq_msg_init (&self->frame);
    zmq_msg_move (&self->frame, frame);
    return true;
}

void
dividere_batch_close (dividere_batch_rest_t *self)
{
    if (self->at)
        zmq_msg_close (&self->frame);
    self->at = 0;
}

bool
dividere_batch_next (dividere_batch_rest_t *self, zmq_msg_t *ret_frame,
                     bool *ret_malformed)
{
    *ret_malformed = false;
    if (!self->at)
        return false;
    const uint8_t *data = (const uint8_t *) zmq_msg_data (&self->frame);
    const uint8_t *end = data + zmq_msg_size (&self->frame);
    size_t size;
    const uint8_t *at = dividere_wire_length (data + self->at, end, &size);
    if (!at || size == 0) {
        *ret_malformed = true;
        dividere_batch_close (self);
        return false;
    }
    int rc = zmq_msg_init_size (ret_frame, size);
    assert (rc == 0);
    memcpy (zmq_msg_data (ret_frame), at, size);
    self->at = (size_t) (at + size - data);
    if (at + size == end)
        dividere_batch_close (self);
    return true;
}
