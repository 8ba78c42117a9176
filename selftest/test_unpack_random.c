/* SPDX-License-Identifier: Apache-2.0 */

/*  Random messages of which everything may come several times, in any order and
 *  in pieces, whole and damaged.                                            */

#include "selftest.h"
#include "codec.pb-c.h"
#include "legacy.pb-c.h"
#include "pack.h"
#include "scanned.h"
#include "scrambled.h"

void test_unpack_random (void);

static void
s_pack (const ProtobufCMessage *message, scrambled_t *packed)
{
    packed->size = scanned_pack (message, packed->bytes, SCRAMBLED_MAX);
}

/*  One message after another is both merged. So it is the same if the first was
 *  unpacked and packed before.                                              */
static void
s_check_merge (const ProtobufCMessageDescriptor *type, const scrambled_t *first,
               const scrambled_t *second, dividere_arena_t *arena)
{
    scrambled_t both = *first, packed, expected;
    scrambled_write (&both, second->bytes, second->size);
    if (both.full)
        return;
    const ProtobufCMessage *message =
        scanned_unpack (type, both.bytes, both.size, arena);
    CHECK (message);
    s_pack (message, &expected);

    message = scanned_unpack (type, first->bytes, first->size, arena);
    s_pack (message, &both);
    scrambled_write (&both, second->bytes, second->size);
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
    static scrambled_t s_first = { .seed = 2022 }, s_second = { .seed = 11 };
    dividere_arena_t *arena = dividere_arena_new ();
    size_t rounds = selftest_scaled (10000), merged = 0;
    for (size_t i = 0; i < rounds; i++) {
        const ProtobufCMessageDescriptor *type = s_types[i % 4];
        s_first.size = s_second.size = 0;
        scrambled_fields (&s_first, type, 0);
        scrambled_fields (&s_second, type, 0);
        if (i & 4)
            scrambled_mutate (&s_second);
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
