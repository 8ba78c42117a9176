/* SPDX-License-Identifier: Apache-2.0 */

/*  Random messages of which everything may come several times, in any order and
 *  in pieces, whole and damaged.                                            */

#include "selftest.h"
#include "codec.pb-c.h"
#include "legacy.pb-c.h"
#include "pack.h"
#include "scanned.h"
#include "wire.h"

void test_unpack_random (void);

#define BYTES_MAX 4096

typedef struct {
    uint64_t seed;
    uint8_t bytes[BYTES_MAX];
    size_t size;
    bool full; /* something did not fit                                      */
} writer_t;

static size_t
s_pick (writer_t *self, size_t limit)
{
    return (size_t) (selftest_random (&self->seed) % limit);
}

static void
s_write (writer_t *self, const void *data, size_t size)
{
    if (size > BYTES_MAX - self->size) {
        self->full = true;
        return;
    }
    memcpy (self->bytes + self->size, data, size);
    self->size += size;
}

static void
s_write_varint (writer_t *self, uint64_t value)
{
    uint8_t bytes[10];
    uint8_t *end = dividere_wire_write_varint (bytes, value);
    s_write (self, bytes, (size_t) (end - bytes));
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

static void s_write_fields (writer_t *self,
                            const ProtobufCMessageDescriptor *type,
                            unsigned depth);

static void
s_write_number (writer_t *self, unsigned wire)
{
    uint64_t value = selftest_random (&self->seed);
    value >>= s_pick (self, 64);
    if (wire == 0)
        s_write_varint (self, s_pick (self, 4) ? value : ~value);
    else
        s_write (self, &value, wire == 1 ? 8 : 4);
}

/*  What comes after the tag of a field of length.                           */
static void
s_write_data (writer_t *self, const ProtobufCFieldDescriptor *field,
              unsigned depth)
{
    writer_t inner;
    inner.seed = selftest_random (&self->seed);
    inner.size = 0;
    inner.full = false;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        s_write_fields (&inner,
                        (const ProtobufCMessageDescriptor *) field->descriptor,
                        depth + 1);
    else if (field->type == PROTOBUF_C_TYPE_STRING)
        s_write (&inner, "d\xC4\xAB videre, a text", s_pick (self, 2) * 18);
    else if (field->type == PROTOBUF_C_TYPE_BYTES)
        s_write (&inner, "\0\1\2\3\4\5\6", s_pick (self, 8));
    else
        for (size_t i = s_pick (self, 12); i > 0; i--)
            s_write_number (&inner, s_wire_of (field));
    s_write_varint (self, inner.size);
    s_write (self, inner.bytes, inner.size);
}

/*  A whole field, or nothing where it does not fit.                         */
static void
s_write_field (writer_t *self, const ProtobufCFieldDescriptor *field,
               unsigned depth)
{
    size_t start = self->size;
    bool packed = s_wire_of (field) != 2 &&
                  field->label == PROTOBUF_C_LABEL_REPEATED && s_pick (self, 2);
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

/*  Any field any number of times in any order, some of them unknown.        */
static void
s_write_fields (writer_t *self, const ProtobufCMessageDescriptor *type,
                unsigned depth)
{
    if (type == &selftest__legacy__descriptor)
        s_write (self, "\x08\x05\x22\x01x", 5);
    for (size_t i = s_pick (self, depth < 4 ? 8 : 1); i > 0; i--) {
        const ProtobufCFieldDescriptor *field =
            &type->fields[s_pick (self, type->n_fields)];
        for (size_t times = 1 + s_pick (self, 4); times > 0; times--)
            s_write_field (self, field, depth);
        if (!s_pick (self, 8))
            s_write (self, "\xA3\x06\x0A\x01y\xAB\x06\xAC\x06\xA4\x06", 11);
    }
}

static void
s_mutate (writer_t *self)
{
    for (size_t hits = s_pick (self, 3); hits > 0 && self->size > 0; hits--)
        self->bytes[s_pick (self, self->size)] = (uint8_t) s_pick (self, 256);
    if (!s_pick (self, 4))
        self->size = s_pick (self, self->size + 1);
}

static void
s_pack (const ProtobufCMessage *message, writer_t *packed)
{
    dividere_lengths_t lengths;
    CHECK_INT (dividere_pack_size (message, SCANNED_DEPTH, &lengths,
                                   &packed->size),
               0);
    CHECK (packed->size <= BYTES_MAX);
    CHECK (dividere_pack_before (message, &lengths,
                                 packed->bytes + packed->size) ==
           packed->bytes);
}

/*  One message after another is both merged. So it is the same if the first was
 *  unpacked and packed before.                                              */
static void
s_check_merge (const ProtobufCMessageDescriptor *type, const writer_t *first,
               const writer_t *second, dividere_arena_t *arena)
{
    writer_t both = *first, packed, expected;
    s_write (&both, second->bytes, second->size);
    if (both.full)
        return;
    const ProtobufCMessage *message =
        scanned_unpack (type, both.bytes, both.size, arena);
    CHECK (message);
    s_pack (message, &expected);

    message = scanned_unpack (type, first->bytes, first->size, arena);
    s_pack (message, &both);
    s_write (&both, second->bytes, second->size);
    if (both.full)
        return;
    message = scanned_unpack (type, both.bytes, both.size, arena);
    CHECK (message);
    s_pack (message, &packed);
    CHECK_INT (packed.size, expected.size);
    CHECK_INT (memcmp (packed.bytes, expected.bytes, packed.size), 0);
}

void
test_unpack_random (void)
{
    static const ProtobufCMessageDescriptor *const s_types[] = {
        &selftest__everything__descriptor, &selftest__wide__descriptor,
        &selftest__tree__descriptor, &selftest__legacy__descriptor
    };
    static writer_t s_first = { .seed = 2022 }, s_second = { .seed = 11 };
    dividere_arena_t *arena = dividere_arena_new ();
    size_t rounds = selftest_scaled (10000), merged = 0;
    for (size_t i = 0; i < rounds; i++) {
        const ProtobufCMessageDescriptor *type = s_types[i % 4];
        s_first.size = s_second.size = 0;
        s_write_fields (&s_first, type, 0);
        s_write_fields (&s_second, type, 0);
        if (i & 4)
            s_mutate (&s_second);
        bool good = scanned_unpack (type, s_first.bytes, s_first.size, arena) &&
                    scanned_unpack (type, s_second.bytes, s_second.size, arena);
        CHECK (good || i & 4);
        if (good)
            s_check_merge (type, &s_first, &s_second, arena);
        merged += good;
    }
    selftest_note ("%zu of %zu merged", merged, rounds);
    CHECK (merged > rounds / 2);
    dividere_arena_destroy (&arena);
}
