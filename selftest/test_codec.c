/* SPDX-License-Identifier: Apache-2.0 */

/*  The pieces of the codec, without sockets: UTF-8, arena, scanner, unpacker,
 *  packer. protobuf-c is the reference where it is right.                   */

#include "selftest.h"
#include <dividere.h>
#include "arena.h"
#include "codec.pb-c.h"
#include "legacy.pb-c.h"
#include "pack.h"
#include "scan.h"
#include "test.pb-c.h"
#include "unpack.h"
#include "utf8.h"
#include "wire.h"

void test_utf8 (void);
void test_arena (void);
void test_scan_guards (void);
void test_scan_deep (void);
void test_unpack_merge (void);
void test_unpack_packed (void);
void test_unpack_unknown (void);
void test_unpack_required (void);
void test_codec_random (void);
void test_pack_refuses (void);

#define DEPTH  100
#define BUDGET (64 << 20)

void
test_utf8 (void)
{
    static const char *const s_good[] = { "",
                                          "a",
                                          "plain text longer than eight",
                                          "\xC2\x80",
                                          "\xDF\xBF",
                                          "\xE0\xA0\x80",
                                          "\xED\x9F\xBF",
                                          "\xEE\x80\x80",
                                          "\xEF\xBF\xBF",
                                          "\xF0\x90\x80\x80",
                                          "\xF4\x8F\xBF\xBF",
                                          "1234567\xC3\xA9 12345678" };
    static const char *const s_bad[] = { "\x80",
                                         "\xC0\xAF",
                                         "\xC1\xBF",
                                         "\xC2",
                                         "\xE0\x9F\xBF",
                                         "\xED\xA0\x80",
                                         "\xE2\x82",
                                         "\xF0\x8F\xBF\xBF",
                                         "\xF4\x90\x80\x80",
                                         "\xF5\x80\x80\x80",
                                         "\xFF",
                                         "12345678\xFE",
                                         "\xE2\x28\xA1" };
    for (size_t i = 0; i < sizeof (s_good) / sizeof (s_good[0]); i++)
        CHECK (dividere_utf8_valid (s_good[i], strlen (s_good[i])));
    for (size_t i = 0; i < sizeof (s_bad) / sizeof (s_bad[0]); i++)
        CHECK (!dividere_utf8_valid (s_bad[i], strlen (s_bad[i])));
    /* A NUL or a bad byte at every place of a text.                         */
    char text[24];
    for (size_t size = 1; size < sizeof (text); size++)
        for (size_t at = 0; at < size; at++) {
            memset (text, 'x', size);
            CHECK (dividere_utf8_valid (text, size));
            text[at] = 0;
            CHECK (!dividere_utf8_valid (text, size));
            text[at] = (char) 0xFF;
            CHECK (!dividere_utf8_valid (text, size));
        }
}

void
test_arena (void)
{
    dividere_arena_t *arena = dividere_arena_new ();
    CHECK_FAILS (dividere_arena_alloc (arena, 1), ENOBUFS);
    dividere_arena_reset (arena, 100);
    CHECK (dividere_arena_alloc (arena, 0));
    CHECK (dividere_arena_alloc (arena, 50));
    CHECK_FAILS (dividere_arena_alloc (arena, SIZE_MAX), ENOBUFS);
    CHECK_FAILS (dividere_arena_alloc (arena, 51), ENOBUFS);
    CHECK (dividere_arena_alloc (arena, 40));

    uint64_t seed = 5;
    for (int round = 0; round < 50; round++) {
        dividere_arena_reset (arena, 1 << 20);
        uint8_t *pieces[100];
        size_t sizes[100];
        for (int i = 0; i < 100; i++) {
            sizes[i] = selftest_random (&seed) % 300;
            pieces[i] = (uint8_t *) dividere_arena_alloc (arena, sizes[i]);
            CHECK ((uintptr_t) pieces[i] % 8 == 0);
            memset (pieces[i], i, sizes[i]);
        }
        for (int i = 0; i < 100; i++)
            for (size_t at = 0; at < sizes[i]; at++)
                CHECK_INT (pieces[i][at], i);
    }
    /* It settles; a huge use does not stay for ever.                        */
    size_t held = dividere_arena_held (arena);
    dividere_arena_reset (arena, 1 << 20);
    CHECK (dividere_arena_alloc (arena, 10000));
    CHECK_INT (dividere_arena_held (arena), held);
    dividere_arena_reset (arena, 1 << 24);
    CHECK (dividere_arena_alloc (arena, 1 << 24));
    for (int i = 0; i < 200; i++) {
        dividere_arena_reset (arena, 1 << 20);
        CHECK (dividere_arena_alloc (arena, 100));
    }
    CHECK (dividere_arena_held (arena) < 100000);
    dividere_arena_destroy (&arena);
}

static int
s_scan (const ProtobufCMessageDescriptor *type, const char *data, size_t size)
{
    size_t need;
    return dividere_scan (type, data, size, DEPTH, BUDGET, &need);
}

#define SCAN(type, bytes) s_scan (&type, bytes, sizeof (bytes) - 1)

void
test_scan_guards (void)
{
#define MSG  test_msg01__descriptor
#define TREE selftest__tree__descriptor
    CHECK_INT (SCAN (MSG, ""), 0);
    CHECK_INT (SCAN (MSG, "\x0A\x03"
                          "abc\x10\x01"),
               0);
    CHECK_FAILS (SCAN (MSG, "\x0A\x04"
                            "abc"),
                 EBADMSG);
    CHECK_FAILS (SCAN (MSG, "\x0A"), EBADMSG);
    CHECK_FAILS (SCAN (MSG, "\x10"), EBADMSG);
    CHECK_FAILS (SCAN (MSG, "\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
                 EBADMSG);
    CHECK_FAILS (SCAN (MSG, "\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
                 EBADMSG);
    CHECK_FAILS (SCAN (MSG, "\x00\x00"), EBADMSG);
    CHECK_FAILS (SCAN (MSG, "\x06"), EBADMSG);
    CHECK_FAILS (SCAN (MSG, "\x1F"), EBADMSG);
    CHECK_FAILS (SCAN (MSG, "\x1C"), EBADMSG);
    CHECK_FAILS (SCAN (MSG, "\x1B\x10\x01"), EBADMSG);
    CHECK_INT (SCAN (MSG, "\x1B\x10\x01\x1C"), 0);
    CHECK_FAILS (SCAN (MSG, "\x1B\x24"), EBADMSG);
    CHECK_FAILS (SCAN (MSG, "\x1D\x01\x02\x03"), EBADMSG);
    CHECK_FAILS (SCAN (MSG, "\x19\x01\x02\x03\x04\x05\x06\x07"), EBADMSG);
    CHECK_FAILS (SCAN (MSG, "\x0A\x01\xFF"), EILSEQ);
    CHECK_FAILS (SCAN (MSG, "\x0A\x03"
                            "a\0b"),
                 EILSEQ);
    CHECK_FAILS (SCAN (TREE, "\x0A\x03\x1A\x01\xFF"), EILSEQ);
    CHECK_FAILS (SCAN (TREE, "\x0A\x02\x1A\x01"), EBADMSG);
    /* A known field in another wire type is an unknown field.               */
    CHECK_INT (SCAN (MSG, "\x08\x05\x12\x01\xFF"), 0);
    size_t need;
    CHECK_FAILS (dividere_scan (&MSG,
                                "\x0A\x03"
                                "abc",
                                5, DEPTH, 20, &need),
                 ENOBUFS);
}

/*  levels messages in each other, by a field of bytes whose tag is given, or
 *  groups; written from the inside out.                                     */
static uint8_t *
s_nest (uint8_t *end, const uint8_t *tags, size_t tags_count, int levels)
{
    uint8_t *at = end;
    for (int i = 0; i < levels; i++) {
        uint8_t length[10];
        size_t size =
            (size_t) (dividere_wire_write_varint (length,
                                                  (uint64_t) (end - at)) -
                      length);
        at -= size;
        memcpy (at, length, size);
        *--at = tags[(size_t) i % tags_count];
    }
    return at;
}

static int
s_scan_nested (const ProtobufCMessageDescriptor *type, const char *tags,
               int levels)
{
    static uint8_t s_bytes[1 << 17];
    uint8_t *end = s_bytes + sizeof (s_bytes);
    uint8_t *at = s_nest (end, (const uint8_t *) tags, strlen (tags), levels);
    return s_scan (type, (const char *) at, (size_t) (end - at));
}

static int
s_scan_groups (int levels)
{
    static char s_bytes[20000];
    memset (s_bytes, 0x7B, (size_t) levels);
    memset (s_bytes + levels, 0x7C, (size_t) levels);
    return s_scan (&test_msg01__descriptor, s_bytes, (size_t) levels * 2);
}

void
test_scan_deep (void)
{
    CHECK_INT (s_scan_nested (&selftest__tree__descriptor, "\x0A", 99), 0);
    CHECK_FAILS (s_scan_nested (&selftest__tree__descriptor, "\x0A", 100),
                 ELOOP);
    CHECK_FAILS (s_scan_nested (&selftest__tree__descriptor, "\x0A", 10000),
                 ELOOP);
    CHECK_FAILS (s_scan_nested (&selftest__tree__descriptor, "\x0A\x12", 10000),
                 ELOOP);
    CHECK_FAILS (s_scan_nested (&selftest__ping__descriptor, "\x0A", 10000),
                 ELOOP);
    CHECK_INT (s_scan_nested (&selftest__ping__descriptor, "\x0A", 98), 0);
    CHECK_INT (s_scan_groups (99), 0);
    CHECK_FAILS (s_scan_groups (100), ELOOP);
    CHECK_FAILS (s_scan_groups (10000), ELOOP);
    /* Bytes that only look like messages are not entered.                   */
    CHECK_INT (s_scan_nested (&test_msg01__descriptor, "\x1A", 10000), 0);
}

/*  Scans, unpacks, and gives the object, which lives until the next call.   */
static ProtobufCMessage *
s_unpack (const ProtobufCMessageDescriptor *type, const void *data, size_t size)
{
    static dividere_arena_t *s_arena = NULL;
    if (!s_arena)
        s_arena = dividere_arena_new ();
    size_t need;
    if (dividere_scan (type, data, size, DEPTH, BUDGET, &need) < 0)
        return NULL;
    /* Exactly what the scanner says must do.                                */
    dividere_arena_reset (s_arena, need);
    ProtobufCMessage *message = dividere_unpack (type, data, size, s_arena);
    CHECK (message);
    return message;
}

#define UNPACK(type, bytes) s_unpack (&type, bytes, sizeof (bytes) - 1)

void
test_unpack_merge (void)
{
    /* The last value of a field wins.                                       */
    TestMsg01 *msg =
        (TestMsg01 *) UNPACK (test_msg01__descriptor, "\x10\x01\x0A\x01"
                                                      "a\x0A\x01"
                                                      "b\x10\x02");
    CHECK_STR (msg->field1, "b");
    CHECK_INT (msg->field2, 2);
    /* Two of one message field are merged, lists in them appended.          */
    Selftest__Everything *all = (Selftest__Everything *)
        UNPACK (selftest__everything__descriptor,
                "\x8A\x01\x05\x0A\x01"
                "a\x1A\x00"
                "\x8A\x01\x06\x10\x07\x1A\x02\x10\x08");
    CHECK_STR (all->an_inner->text, "a");
    CHECK_INT (all->an_inner->number, 7);
    CHECK_INT (all->an_inner->n_more, 2);
    CHECK_INT (all->an_inner->more[1]->number, 8);
    /* Of a choice the last one that was set, and only what it was given.    */
    all = (Selftest__Everything *) UNPACK (selftest__everything__descriptor,
                                           "\x82\x02\x03\x0A\x01"
                                           "x\xF8\x01\x05"
                                           "\x82\x02\x02\x10\x09");
    CHECK_INT (all->choice_case, SELFTEST__EVERYTHING__CHOICE_CHOICE_INNER);
    CHECK_INT (all->choice_inner->number, 9);
    CHECK_STR (all->choice_inner->text, "");
    all = (Selftest__Everything *) UNPACK (selftest__everything__descriptor,
                                           "\x82\x02\x03\x0A\x01"
                                           "x\x82\x02\x02\x10\x09");
    CHECK_STR (all->choice_inner->text, "x");
    CHECK_INT (all->choice_inner->number, 9);
}

void
test_unpack_packed (void)
{
    /* A list comes packed, one by one, or mixed, whatever was declared.     */
    static const char s_mixed[] = "\x92\x01\x03\x01\x02\x03\x90\x01\x04"
                                  "\x9A\x01\x02\x05\x06\x98\x01\x07"
                                  "\x92\x01\x00"
                                  "\x92\x01\x02\x96\x01";
    Selftest__Everything *all =
        (Selftest__Everything *) s_unpack (&selftest__everything__descriptor,
                                           s_mixed, sizeof (s_mixed) - 1);
    CHECK_INT (all->n_int32s, 5);
    for (int i = 0; i < 4; i++)
        CHECK_INT (all->int32s[i], i + 1);
    CHECK_INT (all->int32s[4], 150);
    CHECK_INT (all->n_unpacked_int32s, 3);
    CHECK_INT (all->unpacked_int32s[2], 7);
    CHECK_FAILS (UNPACK (selftest__everything__descriptor,
                         "\x92\x01\x02\x01\x80"),
                 EBADMSG);
    CHECK_FAILS (UNPACK (selftest__everything__descriptor,
                         "\xA2\x01\x07\0\0\0\0\0\0\0"),
                 EBADMSG);
}

void
test_unpack_unknown (void)
{
    TestMsg01 *msg = (TestMsg01 *) UNPACK (
        test_msg01__descriptor,
        "\x98\x06\x01\x9B\x06\x0A\x01z\x9C\x06\x10\x05\x0D\x01\x02\x03\x04");
    CHECK_INT (msg->field2, 5);
    CHECK_STR (msg->field1, "");
    CHECK_INT (msg->base.n_unknown_fields, 0);
    TestDtMsg13 *flag =
        (TestDtMsg13 *) UNPACK (test_dt_msg13__descriptor, "\x08\x80\x80\x04");
    CHECK_INT (flag->field1, 1);
}

void
test_unpack_required (void)
{
    CHECK_FAILS (UNPACK (selftest__legacy__descriptor, "\x08\x01"), EBADMSG);
    Selftest__Legacy *legacy =
        (Selftest__Legacy *) UNPACK (selftest__legacy__descriptor,
                                     "\x08\x01\x22\x01x\x3A\x00");
    CHECK (legacy);
    CHECK_STR (legacy->name, "nobody");
    CHECK_INT (legacy->count, 42);
    CHECK (!legacy->has_count);
    CHECK (legacy->has_blob && legacy->blob.len == 0);
    CHECK_FAILS (UNPACK (selftest__legacy__descriptor,
                         "\x08\x01\x22\x01x\x32\x02\x08\x01"),
                 EBADMSG);
}

static uint64_t s_seed = 20221;

static size_t
s_pick (size_t limit)
{
    return (size_t) (selftest_random (&s_seed) % limit);
}

/*  A value that is often near an edge.                                      */
static uint64_t
s_value (void)
{
    uint64_t value = selftest_random (&s_seed) >> s_pick (64);
    return s_pick (4) ? value : ~value;
}

static uint8_t *s_random_message (uint8_t *at,
                                  const ProtobufCMessageDescriptor *type,
                                  int depth);

static uint8_t *
s_random_value (uint8_t *at, const ProtobufCFieldDescriptor *field, int depth)
{
    static const char *const s_texts[] = { "", "abc", "d\xC4\xAB videre",
                                           "a text of some length" };
    uint64_t value = s_value ();
    uint8_t inner[4096];
    size_t size = 0;
    switch (field->type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32: memcpy (at, &value, 4); return at + 4;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64: memcpy (at, &value, 8); return at + 8;
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = s_texts[s_pick (4)];
        size = strlen (text);
        memcpy (inner, text, size);
        break;
    }
    case PROTOBUF_C_TYPE_BYTES:
        size = s_pick (20);
        memset (inner, (int) value, size);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        if (depth < 4)
            size = (size_t) (s_random_message (inner, field->descriptor,
                                               depth + 1) -
                             inner);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        return dividere_wire_write_varint (at, value & 1);
    case PROTOBUF_C_TYPE_ENUM: value &= 7; /* fall through                  */
    default: return dividere_wire_write_varint (at, value);
    }
    at = dividere_wire_write_varint (at, size);
    memcpy (at, inner, size);
    return at + size;
}

/*  A few fields, in any order, lists both packed and not; each single field at
 *  most once, since protobuf-c does not merge.                              */
static uint8_t *
s_random_message (uint8_t *at, const ProtobufCMessageDescriptor *type,
                  int depth)
{
    uint64_t seen = 0;
    bool chosen = false;
    for (size_t count = s_pick (depth == 0 ? 12 : 3); count > 0; count--) {
        size_t i = s_pick (type->n_fields);
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        bool choice = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (field->label != PROTOBUF_C_LABEL_REPEATED &&
            (seen >> i & 1 || (choice && chosen)))
            continue;
        seen |= (uint64_t) 1 << i;
        chosen |= choice;
        uint8_t value[4200];
        uint8_t *end = s_random_value (value, field, depth);
        unsigned wire =
            field->type == PROTOBUF_C_TYPE_STRING ||
                    field->type == PROTOBUF_C_TYPE_BYTES ||
                    field->type == PROTOBUF_C_TYPE_MESSAGE
                ? 2
            : end - value == 8 && (field->type == PROTOBUF_C_TYPE_DOUBLE ||
                                   field->type == PROTOBUF_C_TYPE_FIXED64 ||
                                   field->type == PROTOBUF_C_TYPE_SFIXED64)
                ? 1
            : field->type == PROTOBUF_C_TYPE_FLOAT ||
                    field->type == PROTOBUF_C_TYPE_FIXED32 ||
                    field->type == PROTOBUF_C_TYPE_SFIXED32
                ? 5
                : 0;
        at = dividere_wire_write_varint (at, field->id << 3 | wire);
        memcpy (at, value, (size_t) (end - value));
        at += end - value;
    }
    return at;
}

/*  Packs with both; -0.0 apart, which protobuf-c loses, they agree.         */
static void
s_check_pack (const ProtobufCMessage *ours, const ProtobufCMessage *theirs)
{
    dividere_lengths_t lengths;
    uint8_t expected[16384], packed[16384];
    size_t size = protobuf_c_message_pack (theirs, expected);
    CHECK (size <= sizeof (expected));
    size_t our_size;
    CHECK_INT (dividere_pack_size (ours, DEPTH, &lengths, &our_size), 0);
    CHECK_INT (our_size, size);
    uint8_t *end = packed + sizeof (packed);
    uint8_t *start = dividere_pack_before (ours, &lengths, end);
    CHECK_INT (end - start, size);
    CHECK_INT (memcmp (start, expected, size), 0);
}

/*  Random messages, whole and mutated. What the scanner accepts, unpacks within
 *  what it said; what protobuf-c reads too, packs the same.                 */
void
test_codec_random (void)
{
    static const ProtobufCMessageDescriptor *const s_types[] = {
        &selftest__everything__descriptor, &selftest__wide__descriptor,
        &selftest__tree__descriptor, &selftest__legacy__descriptor
    };
    size_t accepted = 0, rounds = selftest_scaled (20000);
    for (size_t i = 0; i < rounds; i++) {
        const ProtobufCMessageDescriptor *type = s_types[s_pick (4)];
        uint8_t bytes[16384];
        size_t size = (size_t) (s_random_message (bytes, type, 0) - bytes);
        bool whole = s_pick (2);
        for (size_t hits = whole ? 0 : s_pick (4); hits > 0 && size; hits--)
            bytes[s_pick (size)] = (uint8_t) s_value ();
        if (!whole)
            size = s_pick (size + 1);
        ProtobufCMessage *ours = s_unpack (type, bytes, size);
        accepted += ours != NULL;
        if (!whole)
            continue;
        ProtobufCMessage *theirs =
            protobuf_c_message_unpack (type, NULL, size, bytes);
        CHECK ((ours != NULL) == (theirs != NULL));
        if (ours)
            s_check_pack (ours, theirs);
        if (theirs)
            protobuf_c_message_free_unpacked (theirs, NULL);
    }
    selftest_note ("%zu of %zu accepted", accepted, rounds);
    CHECK (accepted > rounds / 4);
}

void
test_pack_refuses (void)
{
    dividere_lengths_t lengths;
    size_t size;
    Selftest__Everything all = SELFTEST__EVERYTHING__INIT;
    all.a_string = "\xFF";
    CHECK_FAILS (dividere_pack_size (&all.base, DEPTH, &lengths, &size),
                 EILSEQ);
    all.a_string = NULL; /* protobuf-c takes it as unset.                    */
    CHECK_INT (dividere_pack_size (&all.base, DEPTH, &lengths, &size), 0);
    CHECK_INT (size, 0);
    all.a_bytes.len = 1;
    CHECK_FAILS (dividere_pack_size (&all.base, DEPTH, &lengths, &size),
                 EINVAL);
    all.a_bytes.len = 0;
    all.n_int32s = 1;
    CHECK_FAILS (dividere_pack_size (&all.base, DEPTH, &lengths, &size),
                 EINVAL);
    all.n_int32s = 0;
    char *strings[] = { "a", NULL };
    all.strings = strings;
    all.n_strings = 2;
    CHECK_FAILS (dividere_pack_size (&all.base, DEPTH, &lengths, &size),
                 EINVAL);
    strings[1] = "\xC0\x80";
    CHECK_FAILS (dividere_pack_size (&all.base, DEPTH, &lengths, &size),
                 EILSEQ);
    all.n_strings = 0;
    Selftest__Everything__Inner *inners[] = { NULL };
    all.inners = inners;
    all.n_inners = 1;
    CHECK_FAILS (dividere_pack_size (&all.base, DEPTH, &lengths, &size),
                 EINVAL);

    Selftest__Legacy legacy = SELFTEST__LEGACY__INIT;
    CHECK_FAILS (dividere_pack_size (&legacy.base, DEPTH, &lengths, &size),
                 EINVAL);
    legacy.label = "";
    CHECK_INT (dividere_pack_size (&legacy.base, DEPTH, &lengths, &size), 0);
    CHECK_INT (size, 4);

    Selftest__Tree tree = SELFTEST__TREE__INIT;
    tree.left = &tree;
    CHECK_FAILS (dividere_pack_size (&tree.base, DEPTH, &lengths, &size),
                 ELOOP);
}
