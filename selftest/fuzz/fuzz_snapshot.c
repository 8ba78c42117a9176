/* SPDX-License-Identifier: Apache-2.0 */

/*  A snapshot file: of any bytes, and of any records with the right checksum.
 *  What is read from it keeps to the limits, and what is written of that is
 *  read back as the same.                                                   */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include "fuzz.h"
#include "name_snapshot.h"

#define MAGIC         "dividere names 1\n"
#define INSTANCES_MAX 20
#define DATA_MAX      65536

static dividere_names_t *
s_names (void)
{
    static const dividere_names_limits_t s_limits = {
        .instances_max = INSTANCES_MAX,
        .name_max = INSTANCES_MAX / 2,
        .owner_max = 1,
        .metadata_max = 1000,
        .bytes_max = 1 << 20,
        .lease_ms = 500,
        .lease_max_ms = 50000,
    };
    dividere_names_t *names = dividere_names_new (NULL, NULL);
    dividere_names_limit (names, &s_limits);
    return names;
}

static void
s_check_limits (const dividere_names_t *names, size_t count)
{
    dividere_names_size_t size;
    dividere_names_size (names, &size);
    assert (size.instances <= INSTANCES_MAX);
    assert (size.instances <= count);
    const dividere_name_t *name = NULL;
    size_t met = 0;
    while ((name = dividere_names_each (names, name))) {
        assert (dividere_name_count (name) <= INSTANCES_MAX / 2);
        met += dividere_name_count (name);
    }
    assert (met == size.instances);
}

static void
s_load (const uint8_t *data, size_t size, bool again)
{
    size_t count = 0, refused = 0;
    dividere_names_t *names = s_names ();
    if (dividere_snapshot_load (data, size, names, 0, &count, &refused) == 0) {
        s_check_limits (names, count);
        assert (!again || !refused);
        dividere_snapshot_t *snapshot = dividere_snapshot_new (names);
        while (!dividere_snapshot_write (snapshot, 3))
            continue;
        size_t written;
        const uint8_t *bytes =
            (const uint8_t *) dividere_snapshot_data (snapshot, &written);
        if (again)
            assert (written == size && memcmp (bytes, data, size) == 0);
        else
            s_load (bytes, written, true);
        dividere_snapshot_destroy (&snapshot);
    }
    else {
        assert (!again);
        s_check_limits (names, 0);
    }
    dividere_names_destroy (&names);
}

void
fuzz_snapshot (const uint8_t *data, size_t size)
{
    static const uint8_t s_end[4] = { 0 };
    if (size > DATA_MAX)
        return;
    s_load (data, size, false);
    size_t magic = sizeof (MAGIC) - 1;
    size_t whole = magic + size + sizeof (s_end);
    uint8_t *sealed = (uint8_t *) malloc (whole + crypto_generichash_BYTES);
    assert (sealed);
    memcpy (sealed, MAGIC, magic);
    if (size)
        memcpy (sealed + magic, data, size);
    memcpy (sealed + magic + size, s_end, sizeof (s_end));
    crypto_generichash (sealed + whole, crypto_generichash_BYTES, sealed, whole,
                        NULL, 0);
    s_load (sealed, whole + crypto_generichash_BYTES, false);
    free (sealed);
}
