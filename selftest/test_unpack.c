/* SPDX-License-Identifier: Apache-2.0 */

/*  The scanner and the unpacker as one: kinds of fields, lists in pieces, what
 *  is taken of the arena, bytes that were never scanned.                    */

#include "selftest.h"
#include "arena.h"
#include "codec.pb-c.h"
#include "legacy.pb-c.h"
#include "pack.h"
#include "scan.h"
#include "scanned.h"
#include "test.pb-c.h"
#include "unpack.h"
#include "wire.h"

void test_arena_budget (void);
void test_unpack_kinds (void);
void test_unpack_pieces (void);
void test_unpack_need (void);
void test_unpack_unscanned (void);
void test_unpack_without_init (void);

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

#define CHECK_KIND(Type, type, bytes, expected)                        \
    do {                                                               \
        const Type *kind_ =                                            \
            (const Type *) scanned_unpack (&type##__descriptor, bytes, \
                                           sizeof (bytes) - 1, arena); \
        CHECK (kind_);                                                 \
        CHECK (kind_->field1 == (expected));                           \
    }                                                                  \
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
    far_type.message_init = NULL;
    const TestDtMsg03 *number =
        (const TestDtMsg03 *) scanned_unpack (&far_type, "\x80\x80\x01\x07", 4,
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
        (const TestDtMsg15 *) scanned_unpack (&test_dt_msg15__descriptor,
                                              "\x0A\x03\0\xFF\0", 5, arena);
    CHECK_INT (blob->field1.len, 3);
    CHECK_INT (memcmp (blob->field1.data, "\0\xFF\0", 3), 0);
    const Selftest__Everything *all = (const Selftest__Everything *)
        scanned_unpack (&selftest__everything__descriptor,
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
    Selftest__Everything *all = (Selftest__Everything *) scanned_unpack (
        &selftest__everything__descriptor, bytes, (size_t) (at - bytes), arena);
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

/*  A varint of length bytes among others of one byte, at every place to the
 *  eight bytes that are counted at once.                                    */
static void
s_check_long_varint (size_t before, size_t length, size_t after,
                     dividere_arena_t *arena)
{
    uint8_t bytes[64];
    size_t size = before + length + after;
    uint8_t *at = dividere_wire_write_varint (bytes, 26 << 3 | 2);
    at = dividere_wire_write_varint (at, size);
    memset (at, 2, size);
    memset (at + before, 0x80, length - 1);
    at[before + length - 1] = 0;
    const Selftest__Everything *all = (const Selftest__Everything *)
        scanned_unpack (&selftest__everything__descriptor, bytes,
                        (size_t) (at - bytes) + size, arena);
    CHECK ((all != NULL) == (length <= 10));
    if (!all)
        return;
    CHECK_INT (all->n_sint64s, before + 1 + after);
    for (size_t i = 0; i < all->n_sint64s; i++)
        CHECK_INT (all->sint64s[i], i != before);
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
    for (size_t before = 0; before < 10; before++)
        for (size_t length = 1; length < 20; length++)
            for (size_t after = 0; after < 10; after++)
                s_check_long_varint (before, length, after, arena);
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
    CHECK_INT (dividere_scan (type, bytes, size, SCANNED_DEPTH, SCANNED_BUDGET,
                              &need),
               0);
    CHECK (need >= COUNT * 8);
    CHECK (need < COUNT * 8 + 1024);
    CHECK_FAILS (dividere_scan (type, bytes, size, SCANNED_DEPTH, need - 1,
                                &need),
                 ENOBUFS);

    /* Two lists in turn, an element at a time.                              */
    at = bytes;
    for (size_t i = 0; i < COUNT; i++) {
        at = dividere_wire_write_varint (at, (i & 1 ? 18 : 26) << 3);
        *at++ = 1;
    }
    dividere_arena_t *arena = dividere_arena_new ();
    Selftest__Everything *all =
        (Selftest__Everything *) scanned_unpack (type, bytes,
                                                 (size_t) (at - bytes), arena);
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
    all =
        (Selftest__Everything *) scanned_unpack (type, bytes,
                                                 (size_t) (at - bytes), arena);
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
    dividere_arena_reset (arena, SCANNED_BUDGET);
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
    dividere_arena_reset (arena, SCANNED_BUDGET);
    /* Over what others have left in the arena.                              */
    memset (dividere_arena_alloc (arena, 10000), 0xAA, 10000);
    dividere_arena_reset (arena, SCANNED_BUDGET);
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
    CHECK_INT (dividere_pack_size (&made->base, SCANNED_DEPTH, &size), 0);
    CHECK_INT (size, 0);
    dividere_arena_destroy (&arena);
}
