/* SPDX-License-Identifier: Apache-2.0 */

/*  The scanner and the unpacker as one: kinds of fields, lists in pieces, what
 *  is taken of the arena, bytes that were never scanned, and random messages of
 *  which everything may come several times.                                 */

#include "selftest.h"
#include "arena.h"
#include "codec.pb-c.h"
#include "legacy.pb-c.h"
#include "pack.h"
#include "scan.h"
#include "test.pb-c.h"
#include "unpack.h"
#include "wire.h"

void test_arena_budget (void);
void test_unpack_kinds (void);
void test_unpack_pieces (void);
void test_unpack_need (void);
void test_unpack_unscanned (void);
void test_unpack_without_init (void);
void test_unpack_random (void);

#define DEPTH  100
#define BUDGET (64 << 20)

/*  Whatever is asked for in whatever order, a budget holds; a piece counts as a
 *  multiple of 8.                                                           */
void
test_arena_budget (void)
{
    dividere_arena_t *arena = dividere_arena_new ();
    uint64_t seed = 9;
    for (size_t budget = 0; budget < 3000; budget += 7) {
        dividere_arena_reset (arena, budget);
        size_t given = 0;
        for (int i = 0; i < 100; i++) {
            size_t size = 1 + (size_t) (selftest_random (&seed) % 90);
            if (dividere_arena_alloc (arena, size))
                given += (size + 7) / 8 * 8;
            CHECK (given <= (budget + 7) / 8 * 8);
        }
        CHECK (given + 90 > budget || given > 100 * 40);
    }
    dividere_arena_reset (arena, 9);
    CHECK (dividere_arena_alloc (arena, 9));
    CHECK_FAILS (dividere_arena_alloc (arena, 1), ENOBUFS);
    CHECK_FAILS (dividere_arena_alloc (arena, 1 << 20), ENOBUFS);
    dividere_arena_reset (arena, SIZE_MAX);
    CHECK_FAILS (dividere_arena_alloc (arena, SIZE_MAX), ENOBUFS);
    CHECK (dividere_arena_alloc (arena, 100));
    dividere_arena_destroy (&arena);
}

/*  Scans and unpacks within exactly what the scanner said; into arena.      */
static ProtobufCMessage *
s_unpack (const ProtobufCMessageDescriptor *type, const void *data, size_t size,
          dividere_arena_t *arena)
{
    size_t need;
    if (dividere_scan (type, data, size, DEPTH, BUDGET, &need) < 0)
        return NULL;
    dividere_arena_reset (arena, need);
    ProtobufCMessage *message = dividere_unpack (type, data, size, arena);
    CHECK (message);
    return message;
}

#define CHECK_KIND(Type, type, bytes, expected)                  \
    do {                                                         \
        const Type *kind_ =                                      \
            (const Type *) s_unpack (&type##__descriptor, bytes, \
                                     sizeof (bytes) - 1, arena); \
        CHECK (kind_);                                           \
        CHECK (kind_->field1 == (expected));                     \
    }                                                            \
    while (0)

#define MINUS_ONE "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"

static void
s_check_numbers (dividere_arena_t *arena)
{
    CHECK_KIND (TestDtMsg01, test_dt_msg01, "\x09\0\0\0\0\0\0\xF8\xBF", -1.5);
    CHECK_KIND (TestDtMsg02, test_dt_msg02, "\x0D\0\0\xC0\x3F", 1.5f);
    CHECK_KIND (TestDtMsg03, test_dt_msg03, "\x08" MINUS_ONE, -1);
    /* Of 64 bits the low 32.                                                */
    CHECK_KIND (TestDtMsg03, test_dt_msg03, "\x08\x85\x80\x80\x80\x10", 5);
    CHECK_KIND (TestDtMsg04, test_dt_msg04, "\x08" MINUS_ONE, -1);
    CHECK_KIND (TestDtMsg04, test_dt_msg04,
                "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x40", 1LL << 62);
    CHECK_KIND (TestDtMsg05, test_dt_msg05, "\x08" MINUS_ONE, UINT32_MAX);
    CHECK_KIND (TestDtMsg06, test_dt_msg06, "\x08" MINUS_ONE, UINT64_MAX);
    CHECK_KIND (TestDtMsg07, test_dt_msg07, "\x08\x03", -2);
    CHECK_KIND (TestDtMsg07, test_dt_msg07, "\x08" MINUS_ONE, INT32_MIN);
    CHECK_KIND (TestDtMsg08, test_dt_msg08, "\x08" MINUS_ONE, INT64_MIN);
    CHECK_KIND (TestDtMsg09, test_dt_msg09, "\x0D\x01\x02\x03\x84", 0x84030201);
    CHECK_KIND (TestDtMsg10, test_dt_msg10, "\x09\x01\0\0\0\0\0\0\x80",
                0x8000000000000001);
    CHECK_KIND (TestDtMsg11, test_dt_msg11, "\x0D\xFE\xFF\xFF\xFF", -2);
    CHECK_KIND (TestDtMsg12, test_dt_msg12,
                "\x09\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF", -2);
    /* True whatever it is, also above 32 bits.                              */
    CHECK_KIND (TestDtMsg13, test_dt_msg13, "\x08\x80\x80\x80\x80\x10", 1);
    CHECK_KIND (TestDtMsg13, test_dt_msg13, "\x08\x80\x00", 0);
    /* A tag may be longer than it must.                                     */
    CHECK_KIND (TestDtMsg03, test_dt_msg03, "\x88\x80\x00\x07", 7);
}

/*  A field whose tag takes three bytes.                                     */
static void
s_check_far (dividere_arena_t *arena)
{
    ProtobufCFieldDescriptor far = test_dt_msg03__descriptor.fields[0];
    static const ProtobufCIntRange s_far[] = { { 2048, 0 }, { 0, 1 } };
    ProtobufCMessageDescriptor far_type = test_dt_msg03__descriptor;
    far.id = 2048;
    far_type.fields = &far;
    far_type.field_ranges = s_far;
    const TestDtMsg03 *number =
        (const TestDtMsg03 *) s_unpack (&far_type, "\x80\x80\x01\x07", 4,
                                        arena);
    CHECK_INT (number->field1, 7);
}

void
test_unpack_kinds (void)
{
    dividere_arena_t *arena = dividere_arena_new ();
    s_check_numbers (arena);
    s_check_far (arena);
    const TestDtMsg15 *blob =
        (const TestDtMsg15 *) s_unpack (&test_dt_msg15__descriptor,
                                        "\x0A\x03\0\xFF\0", 5, arena);
    CHECK_INT (blob->field1.len, 3);
    CHECK_INT (memcmp (blob->field1.data, "\0\xFF\0", 3), 0);
    const Selftest__Everything *all = (const Selftest__Everything *)
        s_unpack (&selftest__everything__descriptor,
                  "\x80\x01\x63\xF8\xFF\xFF\xFF\x0F\x01", 9, arena);
    CHECK_INT (all->a_colour, 99);
    CHECK (all->far_field);
    CHECK (all->a_string == protobuf_c_empty_string);
    dividere_arena_destroy (&arena);
}

/*  Every list that can be packed, of every number of elements, cut at every
 *  place into a packed and an unpacked piece.                               */
static void
s_check_pieces (unsigned index, size_t count, size_t cut,
                dividere_arena_t *arena)
{
    const ProtobufCFieldDescriptor *field =
        &selftest__everything__descriptor.fields[index];
    bool is_double = field->type == PROTOBUF_C_TYPE_DOUBLE;
    bool is_fixed = field->type == PROTOBUF_C_TYPE_FIXED32;
    uint8_t bytes[1024];
    uint8_t *at = dividere_wire_write_varint (bytes, field->id << 3 | 2);
    size_t width = is_double ? 8 : is_fixed ? 4 : 1;
    at = dividere_wire_write_varint (at, cut * width);
    for (size_t i = 0; i < count; i++) {
        if (i >= cut)
            at = dividere_wire_write_varint (at,
                                             field->id << 3 | (is_double  ? 1
                                                               : is_fixed ? 5
                                                                          : 0));
        memset (at, 0, width);
        at[0] = (uint8_t) (i & 1);
        at += width;
    }
    Selftest__Everything *all =
        (Selftest__Everything *) s_unpack (&selftest__everything__descriptor,
                                           bytes, (size_t) (at - bytes), arena);
    CHECK (all);
    CHECK_INT (*(size_t *) ((uint8_t *) all + field->quantifier_offset), count);
    uint8_t *list = *(uint8_t **) ((uint8_t *) all + field->offset);
    size_t size = is_double || field->type == PROTOBUF_C_TYPE_SINT64 ? 8 : 4;
    for (size_t i = 0; i < count; i++) {
        int64_t value = 0;
        memcpy (&value, list + i * size, size);
        CHECK_INT (value, !(i & 1)                                ? 0
                          : field->type == PROTOBUF_C_TYPE_SINT64 ? -1
                                                                  : 1);
    }
}

void
test_unpack_pieces (void)
{
    dividere_arena_t *arena = dividere_arena_new ();
    const ProtobufCMessageDescriptor *type = &selftest__everything__descriptor;
    size_t lists = 0;
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (type->fields[i].label != PROTOBUF_C_LABEL_REPEATED ||
            type->fields[i].type >= PROTOBUF_C_TYPE_STRING)
            continue;
        lists++;
        for (size_t count = 0; count < 20; count++)
            for (size_t cut = 0; cut <= count; cut++)
                s_check_pieces (i, count, cut, arena);
    }
    CHECK_INT (lists, 7);
    dividere_arena_destroy (&arena);
}

/*  A message as writers make it needs what it is, not a multiple; the same cut
 *  into small pieces stays within what the scanner said.                    */
void
test_unpack_need (void)
{
    enum { COUNT = 100000 };
    const ProtobufCMessageDescriptor *type = &selftest__everything__descriptor;
    uint8_t *bytes = (uint8_t *) malloc (COUNT * 12);
    CHECK (bytes);
    uint8_t *at = dividere_wire_write_varint (bytes, 20 << 3 | 2);
    at = dividere_wire_write_varint (at, COUNT * 8);
    memset (at, 0, COUNT * 8);
    size_t size = (size_t) (at - bytes) + COUNT * 8, need;
    CHECK_INT (dividere_scan (type, bytes, size, DEPTH, BUDGET, &need), 0);
    CHECK (need >= COUNT * 8);
    CHECK (need < COUNT * 8 + 1024);
    CHECK_FAILS (dividere_scan (type, bytes, size, DEPTH, need - 1, &need),
                 ENOBUFS);

    /* Two lists in turn, an element at a time.                              */
    at = bytes;
    for (size_t i = 0; i < COUNT; i++) {
        at = dividere_wire_write_varint (at, (i & 1 ? 18 : 26) << 3);
        *at++ = 1;
    }
    dividere_arena_t *arena = dividere_arena_new ();
    Selftest__Everything *all =
        (Selftest__Everything *) s_unpack (type, bytes, (size_t) (at - bytes),
                                           arena);
    CHECK (all);
    CHECK_INT (all->n_int32s, COUNT / 2);
    CHECK_INT (all->n_sint64s, COUNT / 2);
    /* A message that comes twice, each time with a list.                    */
    at = bytes;
    for (int i = 0; i < 2; i++) {
        at = dividere_wire_write_varint (at, 17 << 3 | 2);
        at = dividere_wire_write_varint (at, i == 0 ? 2000 : 2);
        for (int k = i == 0 ? 1000 : 1; k > 0; k--) {
            *at++ = 3 << 3 | 2;
            *at++ = 0;
        }
    }
    all = (Selftest__Everything *) s_unpack (type, bytes, (size_t) (at - bytes),
                                             arena);
    CHECK (all);
    CHECK_INT (all->an_inner->n_more, 1001);
    dividere_arena_destroy (&arena);
    free (bytes);
}

/*  Bytes that no scanner has seen: as deep as can be, and any.              */
void
test_unpack_unscanned (void)
{
    enum { LEVELS = 20000 };
    uint8_t *bytes = (uint8_t *) malloc (LEVELS * 10);
    CHECK (bytes);
    uint8_t *end = bytes + LEVELS * 10, *at = end;
    for (int i = 0; i < LEVELS; i++) {
        uint8_t length[10];
        size_t size =
            (size_t) (dividere_wire_write_varint (length,
                                                  (uint64_t) (end - at)) -
                      length);
        at -= size;
        memcpy (at, length, size);
        *--at = 0x0A;
    }
    dividere_arena_t *arena = dividere_arena_new ();
    dividere_arena_reset (arena, BUDGET);
    CHECK_FAILS (dividere_unpack (&selftest__tree__descriptor, at,
                                  (size_t) (end - at), arena),
                 ELOOP);
    memset (bytes, 0x7B, LEVELS);
    CHECK_FAILS (dividere_unpack (&selftest__tree__descriptor, bytes, LEVELS,
                                  arena),
                 ELOOP);
    uint64_t seed = 3;
    for (size_t i = selftest_scaled (20000); i > 0; i--) {
        size_t size = (size_t) (selftest_random (&seed) % 40);
        /* A copy of its own size, so that nothing beside it can be read.    */
        uint8_t *exact = (uint8_t *) malloc (size + !size);
        for (size_t k = 0; k < size; k++)
            exact[k] = (uint8_t) selftest_random (&seed) & 0x9F;
        dividere_arena_reset (arena, 4096);
        (void) dividere_unpack (&selftest__everything__descriptor, exact, size,
                                arena);
        free (exact);
    }
    dividere_arena_destroy (&arena);
    free (bytes);
}

/*  protoc-c can leave the functions out of generated code.                  */
void
test_unpack_without_init (void)
{
    ProtobufCMessageDescriptor legacy = selftest__legacy__descriptor;
    ProtobufCMessageDescriptor all = selftest__everything__descriptor;
    legacy.message_init = NULL;
    all.message_init = NULL;
    dividere_arena_t *arena = dividere_arena_new ();
    dividere_arena_reset (arena, BUDGET);
    /* Over what others have left in the arena.                              */
    memset (dividere_arena_alloc (arena, 10000), 0xAA, 10000);
    dividere_arena_reset (arena, BUDGET);
    const Selftest__Legacy *old =
        (const Selftest__Legacy *) dividere_unpack (&legacy, "", 0, arena);
    CHECK (old->base.descriptor == &legacy);
    CHECK_STR (old->name, "nobody");
    CHECK (old->count == 42 && !old->has_count);
    CHECK (!old->label && !old->next && !old->n_plain && !old->plain);
    CHECK (!old->has_blob && !old->blob.data && !old->blob.len);
    const Selftest__Everything *made =
        (const Selftest__Everything *) dividere_unpack (&all, "", 0, arena);
    CHECK (made->a_string == protobuf_c_empty_string);
    CHECK (!made->choice_text && !made->choice_case && !made->an_inner);
    size_t size;
    CHECK_INT (dividere_pack_size (&made->base, DEPTH, &size), 0);
    CHECK_INT (size, 0);
    dividere_arena_destroy (&arena);
}

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
    CHECK_INT (dividere_pack_size (message, DEPTH, &packed->size), 0);
    CHECK (packed->size <= BYTES_MAX);
    CHECK (dividere_pack_before (message, packed->bytes + packed->size) ==
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
        s_unpack (type, both.bytes, both.size, arena);
    CHECK (message);
    s_pack (message, &expected);

    message = s_unpack (type, first->bytes, first->size, arena);
    s_pack (message, &both);
    s_write (&both, second->bytes, second->size);
    if (both.full)
        return;
    message = s_unpack (type, both.bytes, both.size, arena);
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
        bool good = s_unpack (type, s_first.bytes, s_first.size, arena) &&
                    s_unpack (type, s_second.bytes, s_second.size, arena);
        CHECK (good || i & 4);
        if (good)
            s_check_merge (type, &s_first, &s_second, arena);
        merged += good;
    }
    selftest_note ("%zu of %zu merged", merged, rounds);
    CHECK (merged > rounds / 2);
    dividere_arena_destroy (&arena);
}
