/* SPDX-License-Identifier: Apache-2.0 */

/*  The guards of the codec: what the scanner accepts, unpacks within what it
 *  said, and what was unpacked can be packed and is accepted again.         */

#include <assert.h>
#include <stdlib.h>
#include "arena.h"
#include "codec.pb-c.h"
#include "fuzz.h"
#include "legacy.pb-c.h"
#include "pack.h"
#include "scan.h"
#include "test.pb-c.h"
#include "unpack.h"

#define DEPTH  20
#define BUDGET (1 << 20)

/*  The first byte chooses the type.                                         */
static const ProtobufCMessageDescriptor *const s_types[] = {
    &selftest__everything__descriptor, &selftest__tree__descriptor,
    &selftest__ping__descriptor,       &selftest__legacy__descriptor,
    &selftest__wide__descriptor,       &test_msg01__descriptor,
};

void
fuzz_scan (const uint8_t *data, size_t size)
{
    if (size == 0)
        return;
    const ProtobufCMessageDescriptor *type =
        s_types[data[0] % (sizeof (s_types) / sizeof (s_types[0]))];
    size_t need, packed_size;
    if (dividere_scan (type, data + 1, size - 1, DEPTH, BUDGET, &need) < 0)
        return;
    assert (need <= BUDGET);
    dividere_arena_t *arena = dividere_arena_new ();
    dividere_arena_reset (arena, need);
    ProtobufCMessage *message =
        dividere_unpack (type, data + 1, size - 1, arena);
    assert (message);
    int rc = dividere_pack_size (message, DEPTH, &packed_size);
    assert (rc == 0);
    uint8_t *packed = (uint8_t *) malloc (packed_size + 1);
    assert (packed);
    uint8_t *start = dividere_pack_before (message, packed + packed_size);
    assert (start == packed);
    rc = dividere_scan (type, packed, packed_size, DEPTH, BUDGET, &need);
    assert (rc == 0);
    free (packed);
    dividere_arena_destroy (&arena);
}
