/* SPDX-License-Identifier: Apache-2.0 */

/*  The guards of the codec: what the scanner accepts, unpacks within what it
 *  said, and what was unpacked can be packed and is accepted again. What it
 *  refuses does no harm. Judged while it is unpacked it is the same.         */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

/*  What the scanner has refused must still do no harm.                      */
static void
s_unpack_refused (const ProtobufCMessageDescriptor *type, const uint8_t *data,
                  size_t size)
{
    dividere_arena_t *arena = dividere_arena_new ();
    dividere_arena_reset (arena, BUDGET);
    (void) dividere_unpack (type, data, size, arena);
    dividere_arena_destroy (&arena);
}

/*  Packs; the bytes are the caller's.                                       */
static uint8_t *
s_pack (const ProtobufCMessage *message, size_t *ret_size)
{
    size_t size;
    int rc = dividere_pack_size (message, DEPTH, &size);
    assert (rc == 0);
    uint8_t *room = (uint8_t *) malloc (DIVIDERE_PACKER_SLACK + size);
    assert (room);
    uint8_t *end = room + DIVIDERE_PACKER_SLACK + size;
    uint8_t *start =
        dividere_pack (dividere_packer_message, message, DEPTH, room, end);
    assert (start == room + DIVIDERE_PACKER_SLACK);
    memmove (room, start, size);
    *ret_size = size;
    return room;
}

/*  What was packed is unpacked again, and then packs as before.             */
static void
s_check_packed (const ProtobufCMessageDescriptor *type, const uint8_t *packed,
                size_t size)
{
    size_t need, again_size;
    int rc = dividere_scan (type, packed, size, DEPTH, BUDGET, &need);
    assert (rc == 0);
    dividere_arena_t *arena = dividere_arena_new ();
    dividere_arena_reset (arena, need);
    ProtobufCMessage *message = dividere_unpack (type, packed, size, arena);
    assert (message);
    uint8_t *again = s_pack (message, &again_size);
    assert (again_size == size && memcmp (again, packed, size) == 0);
    free (again);
    dividere_arena_destroy (&arena);
}

/*  error is what the scanner said; packed is what it must be again. Only the
 *  memory that it may take is counted more exactly than by the scanner.      */
static void
s_check_judged (const ProtobufCMessageDescriptor *type, const uint8_t *data,
                size_t size, int error, const uint8_t *packed,
                size_t packed_size)
{
    dividere_arena_t *arena = dividere_arena_new ();
    dividere_arena_reset (arena, 2 * BUDGET);
    memset (dividere_arena_alloc (arena, BUDGET), 0xAA, BUDGET);
    errno = 0;
    ProtobufCMessage *message =
        dividere_unpack_judged (type, data, size, DEPTH, BUDGET, arena);
    assert (message ? !error || error == ENOBUFS : errno == error);
    if (message && !error) {
        size_t again_size;
        uint8_t *again = s_pack (message, &again_size);
        assert (again_size == packed_size &&
                memcmp (again, packed, packed_size) == 0);
        free (again);
    }
    dividere_arena_destroy (&arena);
}

void
fuzz_scan (const uint8_t *data, size_t size)
{
    if (size == 0)
        return;
    const ProtobufCMessageDescriptor *type =
        s_types[data[0] % (sizeof (s_types) / sizeof (s_types[0]))];
    size_t need, packed_size;
    data++;
    size--;
    if (dividere_scan (type, data, size, DEPTH, BUDGET, &need) < 0) {
        int error = errno;
        s_unpack_refused (type, data, size);
        s_check_judged (type, data, size, error, NULL, 0);
        return;
    }
    assert (need <= BUDGET);
    dividere_arena_t *arena = dividere_arena_new ();
    dividere_arena_reset (arena, need);
    ProtobufCMessage *message = dividere_unpack (type, data, size, arena);
    assert (message);
    uint8_t *packed = s_pack (message, &packed_size);
    s_check_packed (type, packed, packed_size);
    s_check_judged (type, data, size, 0, packed, packed_size);
    free (packed);
    dividere_arena_destroy (&arena);
}
