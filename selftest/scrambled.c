/* SPDX-License-Identifier: Apache-2.0 */

#include "scrambled.h"
#include "legacy.pb-c.h"
#include "selftest.h"
#include "wire.h"

size_t
scrambled_pick (scrambled_t *self, size_t limit)
{
    return (size_t) (selftest_random (&self->seed) % limit);
}

void
scrambled_write (scrambled_t *self, const void *data, size_t size)
{
    if (size > SCRAMBLED_MAX - self->size) {
        self->full = true;
        return;
    }
    memcpy (self->bytes + self->size, data, size);
    self->size += size;
}

static void
s_write_varint (scrambled_t *self, uint64_t value)
{
    uint8_t bytes[10];
    uint8_t *end = dividere_wire_write_varint (bytes, value);
    scrambled_write (self, bytes, (size_t) (end - bytes));
}

static unsigned
s_wire_of (const ProtobufCFieldDescriptor *field)
{
    return field->type >= PROTOBUF_C_TYPE_STRING     ? 2
           : field->type == PROTOBUF_C_TYPE_FLOAT    ? 5
           : field->type == PROTOBUF_C_TYPE_FIXED32  ? 5
           : field->type == PROTOBUF_C_TYPE_SFIXED32 ? 5
           : field->type == PROTOBUF_C_TYPE_DOUBLE   ? 1
           : field->type == PROTOBUF_C_TYPE_FIXED64  ? 1
           : field->type == PROTOBUF_C_TYPE_SFIXED64 ? 1
                                                     : 0;
}

static void
s_write_number (scrambled_t *self, unsigned wire)
{
    uint64_t value = selftest_random (&self->seed);
    value >>= scrambled_pick (self, 64);
    if (wire == 0)
        s_write_varint (self, scrambled_pick (self, 4) ? value : ~value);
    else
        scrambled_write (self, &value, wire == 1 ? 8 : 4);
}

/*  What comes after the tag of a field of length.                           */
static void
s_write_data (scrambled_t *self, const ProtobufCFieldDescriptor *field,
              unsigned depth)
{
    scrambled_t inner;
    inner.seed = selftest_random (&self->seed);
    inner.size = 0;
    inner.full = false;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        scrambled_fields (
            &inner, (const ProtobufCMessageDescriptor *) field->descriptor,
            depth + 1);
    else if (field->type == PROTOBUF_C_TYPE_STRING)
        scrambled_write (&inner, "d\xC4\xAB videre, a text",
                         scrambled_pick (self, 2) * 18);
    else if (field->type == PROTOBUF_C_TYPE_BYTES)
        scrambled_write (&inner, "\0\1\2\3\4\5\6", scrambled_pick (self, 8));
    else
        for (size_t i = scrambled_pick (self, 12); i > 0; i--)
            s_write_number (&inner, s_wire_of (field));
    s_write_varint (self, inner.size);
    scrambled_write (self, inner.bytes, inner.size);
}

/*  A whole field, or nothing where it does not fit.                         */
static void
s_write_field (scrambled_t *self, const ProtobufCFieldDescriptor *field,
               unsigned depth)
{
    size_t start = self->size;
    bool packed = s_wire_of (field) != 2 &&
                  field->label == PROTOBUF_C_LABEL_REPEATED &&
                  scrambled_pick (self, 2);
    unsigned wire = packed ? 2 : s_wire_of (field);
    s_write_varint (self, (uint64_t) field->id << 3 | wire);
    if (wire == 2)
        s_write_data (self, field, depth);
    else
        s_write_number (self, wire);
    if (self->full)
        self->size = start;
    self->full = false;
}

void
scrambled_fields (scrambled_t *self, const ProtobufCMessageDescriptor *type,
                  unsigned depth)
{
    if (type == &selftest__legacy__descriptor)
        scrambled_write (self, "\x08\x05\x22\x01x", 5);
    for (size_t i = scrambled_pick (self, depth < 4 ? 8 : 1); i > 0; i--) {
        const ProtobufCFieldDescriptor *field =
            &type->fields[scrambled_pick (self, type->n_fields)];
        for (size_t times = 1 + scrambled_pick (self, 4); times > 0; times--)
            s_write_field (self, field, depth);
        if (!scrambled_pick (self, 8))
            scrambled_write (self, "\xA3\x06\x0A\x01y\xAB\x06\xAC\x06\xA4\x06",
                             11);
    }
}

void
scrambled_mutate (scrambled_t *self)
{
    for (size_t hits = scrambled_pick (self, 3); hits > 0 && self->size > 0;
         hits--)
        self->bytes[scrambled_pick (self, self->size)] =
            (uint8_t) scrambled_pick (self, 256);
    if (!scrambled_pick (self, 4))
        self->size = scrambled_pick (self, self->size + 1);
}
