/* SPDX-License-Identifier: Apache-2.0 */

/*  One message, one frame. The headers of a type are ready-made in its registry
 *  entry. Parsing finds the parts where they are.                           */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "envelope_internal.h"
#include "large.h"
#include "pack.h"
#include "wire.h"

#define TAG_NAME     0x0A /* msgEnvelope.msgName                             */
#define TAG_MSG      0x12 /* msgEnvelope.msg                                 */
#define TAG_EPOCH    0x79 /* msgEnvelope.epoch, fixed64                      */
#define TAG_SEQUENCE 0x80 /* msgEnvelope.sequence, on the wire 80 01         */
#define TAG_URL      0x0A /* Any.type_url                                    */
#define TAG_VALUE    0x12 /* Any.value                                       */

#define EPOCH_SIZE 9
#define TRIED      1024 /* values up to nearly this are packed on the stack   */

static uint8_t *
s_write_bytes (uint8_t *at, const void *data, size_t size)
{
    memcpy (at, data, size);
    return at + size;
}

static void
s_write_number (uint8_t *at, uint64_t epoch, uint64_t sequence)
{
    *at++ = TAG_EPOCH;
    for (int i = 0; i < 8; i++)
        *at++ = (uint8_t) (epoch >> (8 * i));
    *at++ = TAG_SEQUENCE;
    *at++ = 0x01;
    dividere_wire_write_varint (at, sequence);
}

/*  The sizes of the parts of a frame.                                       */
typedef struct {
    size_t head; /* all before the value                                     */
    size_t any;
    size_t value;
    size_t frame;
} sizes_t;

/*  0, or -1 with EMSGSIZE. The value of an empty message is left out, as proto3
 *  does.                                                                    */
static int
s_measure (const dividere_type_t *entry, size_t value, uint64_t sequence,
           size_t size_max, sizes_t *ret_sizes)
{
    size_t tag = value ? 1 + dividere_wire_varint_size (value) : 0;
    size_t any = entry->url_size + tag + value;
    size_t head = entry->topic_size + 1 + dividere_wire_varint_size (any) +
                  entry->url_size + tag;
    size_t frame = head + value;
    if (sequence)
        frame += EPOCH_SIZE + 2 + dividere_wire_varint_size (sequence);
    if (frame > size_max) {
        errno = EMSGSIZE;
        return -1;
    }
    *ret_sizes = (sizes_t){ head, any, value, frame };
    return 0;
}

static void
s_write_head (uint8_t *at, const dividere_type_t *entry, const sizes_t *sizes)
{
    at = s_write_bytes (at, entry->topic, entry->topic_size);
    *at++ = TAG_MSG;
    at = dividere_wire_write_varint (at, sizes->any);
    at = s_write_bytes (at, entry->url, entry->url_size);
    if (sizes->value) {
        *at++ = TAG_VALUE;
        dividere_wire_write_varint (at, sizes->value);
    }
}

/*  Packs a value that was too large for the stack where it belongs. The head,
 *  which is longer than the slack of a packer, is not written yet.          */
static int
s_pack_in_place (const dividere_type_t *entry, const ProtobufCMessage *message,
                 unsigned depth_max, const sizes_t *sizes, uint8_t *start)
{
    uint8_t *place = start + sizes->head;
    uint8_t *at = dividere_pack (entry->pack, message, depth_max, start,
                                 place + sizes->value);
    if (at == place)
        return 0;
    /* It has changed since it was measured.                                 */
    if (at || errno == ENOBUFS)
        errno = EINVAL;
    return -1;
}

/*  A message that is judged, and measured.                                  */
typedef struct {
    const dividere_type_t *entry;
    const ProtobufCMessage *message;
    unsigned depth_max;
    uint64_t epoch;
    uint64_t sequence;
    sizes_t sizes;
    const uint8_t *value; /* packed already, within tried; NULL: too large   */
    uint8_t tried[TRIED];
} encoding_t;

/*  Most objects are small: they are packed and judged in one walk, on the
 *  stack, and only then is it known how large the frame must be.            */
static inline int
s_begin (encoding_t *self, const dividere_type_t *entry,
         const ProtobufCMessage *message, uint64_t epoch, uint64_t sequence)
{
    dividere_limits_t limits;
    dividere_limits_get (&limits);
    self->entry = entry;
    self->message = message;
    self->epoch = epoch;
    self->sequence = sequence;
    uint8_t *end = self->tried + sizeof (self->tried);
    self->depth_max = limits.depth_max;
    self->value = dividere_pack (self->entry->pack, self->message,
                                 limits.depth_max, self->tried, end);
    size_t size = self->value ? (size_t) (end - self->value) : 0;
    if (!self->value &&
        (errno != ENOBUFS ||
         dividere_pack_size (self->message, limits.depth_max, &size) < 0))
        return -1;
    return s_measure (self->entry, size, self->sequence, limits.size_max,
                      &self->sizes);
}

/*  Writes sizes.frame bytes.                                                */
static int
s_finish (const encoding_t *self, uint8_t *start)
{
    const sizes_t *sizes = &self->sizes;
    uint8_t *value = start + sizes->head;
    if (self->value)
        memcpy (value, self->value, sizes->value);
    else if (s_pack_in_place (self->entry, self->message, self->depth_max,
                              sizes, start) < 0)
        return -1;
    s_write_head (start, self->entry, sizes);
    if (self->sequence)
        s_write_number (value + sizes->value, self->epoch, self->sequence);
    return 0;
}

int
dividere_envelope_encode_as (const dividere_type_t *entry,
                             const ProtobufCMessage *message, uint64_t epoch,
                             uint64_t sequence, zmq_msg_t *ret_frame)
{
    encoding_t self;
    if (s_begin (&self, entry, message, epoch, sequence) < 0)
        return -1;
    dividere_large_init (ret_frame, self.sizes.frame);
    if (s_finish (&self, (uint8_t *) zmq_msg_data (ret_frame)) == 0) {
        dividere_large_written (ret_frame);
        return 0;
    }
    int error = errno;
    zmq_msg_close (ret_frame);
    errno = error;
    return -1;
}

size_t
dividere_envelope_encode_into (const dividere_type_t *entry,
                               const ProtobufCMessage *message, uint64_t epoch,
                               uint64_t sequence, uint8_t *room, size_t size)
{
    encoding_t self;
    if (s_begin (&self, entry, message, epoch, sequence) < 0)
        return 0;
    size_t frame = self.sizes.frame;
    size_t length = dividere_wire_varint_size (frame);
    if (frame > size || length > size - frame) {
        errno = ENOBUFS;
        return 0;
    }
    room = dividere_wire_write_varint (room, frame);
    return s_finish (&self, room) == 0 ? length + frame : 0;
}

int
dividere_envelope_encode_numbered (const ProtobufCMessage *message,
                                   uint64_t epoch, uint64_t sequence,
                                   zmq_msg_t *ret_frame)
{
    assert (message);
    assert (ret_frame);
    const dividere_type_t *entry = dividere_types_entry (message->descriptor);
    return entry ? dividere_envelope_encode_as (entry, message, epoch, sequence,
                                                ret_frame)
                 : -1;
}

int
dividere_envelope_encode (const ProtobufCMessage *message, zmq_msg_t *ret_frame)
{
    return dividere_envelope_encode_numbered (message, 0, 0, ret_frame);
}

/*  What is not protobuf at all is not an envelope.                          */
static int
s_fail (void)
{
    if (errno == EBADMSG)
        errno = EPROTO;
    return -1;
}

/*  Reads the fields of an Any over what an earlier Any of the same envelope
 *  has set: repeated occurrences of a message field are merged.             */
static int
s_parse_any (const uint8_t *at, const uint8_t *end, unsigned depth_max,
             dividere_envelope_t *envelope)
{
    while (at < end) {
        dividere_field_t field;
        at = dividere_wire_field (at, end, depth_max, &field);
        if (!at)
            return s_fail ();
        if (field.tag == TAG_URL) {
            envelope->url = field.data;
            envelope->url_size = field.size;
        }
        else if (field.tag == TAG_VALUE) {
            envelope->value = field.data;
            envelope->value_size = field.size;
        }
    }
    return 0;
}

/*  Passes over bytes that must be these; NULL if they are others.           */
static const uint8_t *
s_pass (const uint8_t *at, const uint8_t *end, const uint8_t *bytes,
        size_t size)
{
    return (size_t) (end - at) >= size && memcmp (at, bytes, size) == 0
               ? at + size
               : NULL;
}

/*  Passes over a tag of one byte and the length that follows it, which must
 *  reach just to the end.                                                   */
static const uint8_t *
s_pass_last (const uint8_t *at, const uint8_t *end, uint8_t tag)
{
    uint64_t size;
    if (at == end || *at != tag)
        return NULL;
    at = dividere_wire_varint (at + 1, end, &size);
    return at && size == (size_t) (end - at) ? at : NULL;
}

bool
dividere_envelope_expect (const void *data, size_t size,
                          const dividere_type_t *type,
                          dividere_envelope_t *ret_envelope)
{
    const uint8_t *at = (const uint8_t *) data;
    const uint8_t *end = at + size;
    if (!(at = s_pass (at, end, type->topic, type->topic_size)) ||
        !(at = s_pass_last (at, end, TAG_MSG)) ||
        !(at = s_pass (at, end, type->url, type->url_size)))
        return false;
    if (at < end && !(at = s_pass_last (at, end, TAG_VALUE)))
        return false;
    *ret_envelope =
        (dividere_envelope_t){ .value = at, .value_size = (size_t) (end - at) };
    return true;
}

int
dividere_envelope_parse (const void *data, size_t size, unsigned depth_max,
                         dividere_envelope_t *ret_envelope)
{
    dividere_envelope_t envelope = { .value = (const uint8_t *) "" };
    const uint8_t *at = (const uint8_t *) data;
    const uint8_t *end = at + size;
    while (at < end) {
        dividere_field_t field;
        at = dividere_wire_field (at, end, depth_max, &field);
        if (!at)
            return s_fail ();
        if (field.tag == TAG_NAME) {
            envelope.name = field.data;
            envelope.name_size = field.size;
        }
        else if (field.tag == TAG_MSG) {
            if (s_parse_any (field.data, field.data + field.size, depth_max,
                             &envelope) < 0)
                return -1;
        }
        else if (field.tag == TAG_EPOCH)
            envelope.epoch = field.number;
        else if (field.tag == TAG_SEQUENCE)
            envelope.sequence = field.number;
    }
    *ret_envelope = envelope;
    return 0;
}

static bool
s_same (const uint8_t *data, size_t size, const char *text, size_t text_size)
{
    return size == text_size && memcmp (data, text, size) == 0;
}

static bool
s_name_fits (const dividere_envelope_t *self, const dividere_type_t *entry)
{
    return s_same (self->name, self->name_size, entry->type->name,
                   entry->name_size) ||
           s_same (self->name, self->name_size, entry->short_name,
                   entry->short_name_size);
}

static const dividere_type_t *
s_type_by_name (const dividere_envelope_t *self)
{
    const char *name = (const char *) self->name;
    const dividere_type_t *entry = NULL;
    if (!self->name_size)
        errno = EPROTO;
    else if (memchr (name, '.', self->name_size))
        entry = dividere_types_entry_named (name, self->name_size);
    else
        entry = dividere_types_entry_short (name, self->name_size);
    if (!entry && errno == ENOTUNIQ)
        errno = ENOENT;
    return entry;
}

const dividere_type_t *
dividere_envelope_type (const dividere_envelope_t *self)
{
    if (!self->url_size)
        return s_type_by_name (self);
    const char *slash = memrchr (self->url, '/', self->url_size);
    const char *name = slash ? slash + 1 : (const char *) self->url;
    size_t size = self->url_size - (size_t) (name - (const char *) self->url);
    const dividere_type_t *entry = dividere_types_entry_named (name, size);
    if (entry && !s_name_fits (self, entry)) {
        errno = EPROTOTYPE;
        return NULL;
    }
    return entry;
}
