/* SPDX-License-Identifier: Apache-2.0 */

/*  The pieces of the codec, without sockets: UTF-8, arena, scanner, unpacker,
 *  packer. protobuf-c is the reference where it is right.                   */

#include "selftest.h"
#include <dividere.h>
#include "codec.dividere.h"
#include "legacy.dividere.h"
#include "pack.h"
#include "scanned.h"
#include "test.pb-c.h"
#include "types_internal.h"
#include "wire.h"

void test_scan_guards (void);
void test_scan_deep (void);
void test_unpack_merge (void);
void test_unpack_packed (void);
void test_unpack_unknown (void);
void test_unpack_required (void);
void test_codec_random (void);

#define DEPTH  100
#define BUDGET (64 << 20)

static int
s_scan (const ProtobufCMessageDescriptor *type, const char *data, size_t size)
{
    size_t need;
    int rc = dividere_scan (type, data, size, DEPTH, BUDGET, &need);
    int error = rc < 0 ? errno : 0;
    scanned_check_judged (type, data, size, DEPTH, BUDGET, error);
    errno = error;
    return rc;
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
    int rc = dividere_scan (type, data, size, DEPTH, BUDGET, &need);
    scanned_check_judged (type, data, size, DEPTH, BUDGET, rc < 0 ? errno : 0);
    if (rc < 0)
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
s_check_pack (const ProtobufCMessage *ours, const ProtobufCMessage *theirs,
              dividere_pack_fn *made)
{
    uint8_t expected[16384], packed[DIVIDERE_PACKER_SLACK + 16384];
    size_t size = protobuf_c_message_pack (theirs, expected);
    CHECK (size <= sizeof (expected));
    size_t our_size;
    CHECK_INT (dividere_pack_size (ours, DEPTH, &our_size), 0);
    CHECK_INT (our_size, size);
    dividere_pack_fn *const s_packs[] = { dividere_packer_message, made };
    for (int i = 0; i < 2; i++) {
        uint8_t *end = packed + DIVIDERE_PACKER_SLACK + size;
        uint8_t *start = dividere_pack (s_packs[i], ours, DEPTH, packed, end);
        CHECK (start == packed + DIVIDERE_PACKER_SLACK);
        CHECK_INT (memcmp (start, expected, size), 0);
        CHECK (!size ||
               !dividere_pack (s_packs[i], ours, DEPTH,
                               packed + DIVIDERE_PACKER_SLACK + 1, end));
    }
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
    CHECK_INT (selftest__codec__register (), 0);
    CHECK_INT (selftest__legacy__register (), 0);
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
        CHECK (dividere_types_entry (type)->pack != dividere_packer_message);
        if (ours)
            s_check_pack (ours, theirs, dividere_types_entry (type)->pack);
        if (theirs)
            protobuf_c_message_free_unpacked (theirs, NULL);
    }
    selftest_note ("%zu of %zu accepted", accepted, rounds);
    CHECK (accepted > rounds / 4);
}
