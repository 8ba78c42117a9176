/* SPDX-License-Identifier: Apache-2.0 */

/*  What packers refuse: those that were made for a type, the one that goes by
 *  descriptors, and the walk that only measures.                             */

#include "selftest.h"
#include "codec.dividere.h"
#include "legacy.dividere.h"
#include "pack.h"
#include "types_internal.h"

#define DEPTH 20

void test_pack_refuses (void);

static uint8_t *
s_pack (dividere_pack_fn *pack, const ProtobufCMessage *message, uint8_t *room,
        size_t size)
{
    return dividere_pack (pack, message, DEPTH, room, room + size);
}

/*  By both packers, and by measuring, which does not look at text.          */
static void
s_check_refused (const ProtobufCMessage *message, int error)
{
    uint8_t room[200];
    size_t size;
    const dividere_type_t *entry = dividere_types_entry (message->descriptor);
    CHECK_FAILS (s_pack (dividere_packer_message, message, room, 200) ? 0 : -1,
                 error);
    CHECK_FAILS (s_pack (entry->pack, message, room, 200) ? 0 : -1, error);
    int rc = dividere_pack_size (message, DEPTH, &size);
    CHECK (rc == 0 || errno == error);
}

static void
s_check_size (const ProtobufCMessage *message, size_t size)
{
    uint8_t room[200];
    const dividere_type_t *entry = dividere_types_entry (message->descriptor);
    CHECK (s_pack (dividere_packer_message, message, room, 200) ==
           room + 200 - size);
    CHECK (s_pack (entry->pack, message, room, 200) == room + 200 - size);
}

void
test_pack_refuses (void)
{
    CHECK_INT (selftest__codec__register (), 0);
    CHECK_INT (selftest__legacy__register (), 0);
    Selftest__Everything all = SELFTEST__EVERYTHING__INIT;
    all.a_string = "\xFF";
    s_check_refused (&all.base, EILSEQ);
    all.a_string = NULL; /* protobuf-c takes it as unset.                    */
    s_check_size (&all.base, 0);
    all.a_bytes.len = 1;
    s_check_refused (&all.base, EINVAL);
    all.a_bytes.len = 0;
    all.n_int32s = 1;
    s_check_refused (&all.base, EINVAL);
    all.n_int32s = 0;
    char *strings[] = { "a", NULL };
    all.strings = strings;
    all.n_strings = 2;
    s_check_refused (&all.base, EINVAL);
    strings[1] = "\xC0\x80";
    s_check_refused (&all.base, EILSEQ);
    all.n_strings = 0;
    Selftest__Everything__Inner *inners[] = { NULL };
    all.inners = inners;
    all.n_inners = 1;
    s_check_refused (&all.base, EINVAL);

    /* Two bytes each, which nothing in them asks room for.                  */
    Selftest__Everything__Inner inner = SELFTEST__EVERYTHING__INNER__INIT;
    Selftest__Everything__Inner *many[100];
    for (size_t i = 0; i < 100; i++)
        many[i] = &inner;
    all.inners = many;
    all.n_inners = 59;
    s_check_size (&all.base, 59 * 3);
    for (all.n_inners = 60; all.n_inners < 100; all.n_inners++)
        s_check_refused (&all.base, ENOBUFS);

    Selftest__Legacy legacy = SELFTEST__LEGACY__INIT;
    s_check_refused (&legacy.base, EINVAL);
    legacy.label = "";
    s_check_size (&legacy.base, 4);

    Selftest__Tree tree = SELFTEST__TREE__INIT;
    tree.left = &tree;
    s_check_refused (&tree.base, ELOOP);
}
