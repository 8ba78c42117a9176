/* SPDX-License-Identifier: Apache-2.0 */

/*  A name table as bytes, and back.                                         */

#include "selftest.h"
#include <sodium.h>
#include "name_snapshot.h"

void test_snapshot_round (void);
void test_snapshot_broken (void);
void test_snapshot_sealed (void);
void test_snapshot_while (void);

#define COUNT 100

static dividere_names_t *
s_names (size_t instances_max)
{
    dividere_names_limits_t limits = { .instances_max = instances_max,
                                       .name_max = 1000,
                                       .owner_max = COUNT / 2,
                                       .metadata_max = 1000,
                                       .bytes_max = 1 << 24,
                                       .lease_ms = 500,
                                       .lease_max_ms = 10000,
                                       .rounds = 3 };
    dividere_names_t *names = dividere_names_new (NULL, NULL);
    dividere_names_limit (names, &limits);
    return names;
}

/*  Number i: of 50 names and three owners, every third one of the Python
 *  package.                                                                 */
static void
s_add (dividere_names_t *names, int i)
{
    char name[20];
    snprintf (name, sizeof (name), "name-%d", i % 50);
    const char *tags[] = { "first", "", "third=3", NULL };
    dividere_instance_t instance = {
        .name = name,
        .server = "10.0.0.1",
        .port = i + 1,
        .instance = i % 3 ? (uint64_t) i : 0,
        .lease_ms = i % 2 ? -1 : 100 + i,
        .release = i % 5 ? "1.0" : "",
        .tags = i % 4 ? tags : NULL,
        .native = i % 3,
    };
    static const char *const s_owners[] = { "a", "b", "c" };
    CHECK_INT (dividere_names_register (names, &instance, false,
                                        s_owners[i % 3], 0, NULL, NULL),
               DIVIDERE_NAME_OK);
}

static dividere_snapshot_t *
s_written (dividere_names_t *names)
{
    dividere_snapshot_t *snapshot = dividere_snapshot_new (names);
    while (!dividere_snapshot_write (snapshot, 7))
        ;
    return snapshot;
}

/*  All that is known of all, as text that the caller frees.                 */
static char *
s_text (const dividere_names_t *names)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream (&text, &size);
    dividere_name_t *name = NULL;
    while ((name = dividere_names_each (names, name))) {
        const dividere_named_t *named = NULL;
        while ((named = dividere_name_each (name, named))) {
            const char *tags[DIVIDERE_NAME_TAGS + 1];
            dividere_instance_t got;
            dividere_named_get (named, tags, &got, NULL);
            fprintf (out, "%s %s %d %d %d %d %s", got.name, got.server,
                     got.port, (int) got.instance, got.lease_ms, got.native,
                     got.release);
            for (const char *const *tag = got.tags; *tag; tag++)
                fprintf (out, " '%s'", *tag);
            fprintf (out, "\n");
        }
    }
    fclose (out);
    return text;
}

void
test_snapshot_round (void)
{
    dividere_names_t *names = s_names (1000);
    for (int i = 0; i < COUNT; i++)
        s_add (names, i);
    dividere_snapshot_t *snapshot = s_written (names);
    size_t size, count, refused;
    const void *data = dividere_snapshot_data (snapshot, &size);

    dividere_names_t *copy = s_names (1000);
    CHECK_INT (dividere_snapshot_load (data, size, copy, 0, &count, &refused),
               0);
    CHECK_INT (count, COUNT);
    CHECK_INT (refused, 0);
    char *before = s_text (names), *after = s_text (copy);
    CHECK_STR (after, before);
    free (before);
    free (after);
    dividere_names_destroy (&copy);

    /* What is over a limit is left out.                                     */
    copy = s_names (30);
    CHECK_INT (dividere_snapshot_load (data, size, copy, 0, &count, &refused),
               0);
    CHECK_INT (count, 30);
    CHECK_INT (refused, COUNT - 30);
    dividere_names_destroy (&copy);
    dividere_snapshot_destroy (&snapshot);
    dividere_names_destroy (&names);
}

static void
s_check_broken (const uint8_t *data, size_t size)
{
    dividere_names_t *names = s_names (1000);
    size_t count, refused;
    CHECK_FAILS (dividere_snapshot_load (data, size, names, 0, &count,
                                         &refused),
                 EBADMSG);
    CHECK (!dividere_names_each (names, NULL));
    dividere_names_destroy (&names);
}

/*  Every byte counts.                                                       */
void
test_snapshot_broken (void)
{
    dividere_names_t *names = s_names (1000);
    for (int i = 0; i < 3; i++)
        s_add (names, i);
    dividere_snapshot_t *snapshot = s_written (names);
    size_t size;
    const void *data = dividere_snapshot_data (snapshot, &size);
    uint8_t *copy = (uint8_t *) malloc (size + 1);
    CHECK (copy);
    memcpy (copy, data, size);
    copy[size] = 0;
    s_check_broken (copy, size + 1);
    for (size_t i = 0; i < size; i++) {
        uint8_t *cut = (uint8_t *) malloc (i ? i : 1);
        CHECK (cut);
        memcpy (cut, data, i);
        s_check_broken (cut, i);
        free (cut);
        for (int bit = 0; bit < 8; bit++) {
            copy[i] ^= (uint8_t) (1 << bit);
            s_check_broken (copy, size);
            copy[i] ^= (uint8_t) (1 << bit);
        }
    }
    free (copy);
    dividere_snapshot_destroy (&snapshot);
    dividere_names_destroy (&names);
}

/*  With the right checksum, whatever it is.                                 */
static void
s_check_sealed (const char *text, size_t size)
{
    uint8_t data[200] = { 0 };
    CHECK (size + crypto_generichash_BYTES <= sizeof (data));
    memcpy (data, text, size);
    crypto_generichash (data + size, crypto_generichash_BYTES, data, size, NULL,
                        0);
    s_check_broken (data, size + crypto_generichash_BYTES);
}

#define CHECK_SEALED(text) s_check_sealed (text, sizeof (text) - 1)

/*  Nothing of it is registered, not even what was good before the rest.     */
void
test_snapshot_sealed (void)
{
#define HEAD  "dividere names 1\n"
#define GOOD  "\x08\0\0\0\x0a\1n\x12\1s\x18\1"
#define CLOSE "\0\0\0\0"
    CHECK_SEALED ("");
    CHECK_SEALED (HEAD);
    CHECK_SEALED ("dividere names 2\n" GOOD CLOSE);
    CHECK_SEALED (HEAD GOOD);
    CHECK_SEALED (HEAD GOOD "\0\0\0");
    CHECK_SEALED (HEAD GOOD CLOSE "\0");
    CHECK_SEALED (HEAD GOOD CLOSE GOOD CLOSE);
    CHECK_SEALED (HEAD GOOD "\x09" GOOD CLOSE);
    CHECK_SEALED (HEAD GOOD "\xff\xff\xff\xff" CLOSE);
    CHECK_SEALED (HEAD GOOD "\3\0\0\0\x0a\2n" CLOSE);
    CHECK_SEALED (HEAD GOOD "\3\0\0\0\x0a\1\xff" CLOSE);

    /* As GOOD is.                                                           */
    uint8_t data[sizeof (HEAD GOOD CLOSE) - 1 + crypto_generichash_BYTES] = {
        0
    };
    size_t size = sizeof (HEAD GOOD CLOSE) - 1, count, refused;
    memcpy (data, HEAD GOOD CLOSE, size);
    crypto_generichash (data + size, crypto_generichash_BYTES, data, size, NULL,
                        0);
    dividere_names_t *names = s_names (1000);
    CHECK_INT (dividere_snapshot_load (data, sizeof (data), names, 0, &count,
                                       &refused),
               0);
    CHECK_INT (count, 1);
    CHECK (dividere_names_lookup (names, "n"));
    dividere_names_destroy (&names);
}

/*  Written while names come and go; and given up in between.                */
void
test_snapshot_while (void)
{
    dividere_names_t *names = s_names (1000);
    for (int i = 0; i < COUNT; i++)
        s_add (names, i);
    dividere_snapshot_t *given_up = dividere_snapshot_new (names);
    dividere_snapshot_write (given_up, 10);
    dividere_snapshot_t *snapshot = dividere_snapshot_new (names);
    CHECK (!dividere_snapshot_write (snapshot, 10));
    for (int i = 0; i < 50; i += 2) {
        char name[20];
        snprintf (name, sizeof (name), "name-%d", i);
        CHECK_INT (dividere_names_remove (names, name), 2);
    }
    s_add (names, 200);
    while (!dividere_snapshot_write (snapshot, 1))
        ;
    dividere_snapshot_destroy (&given_up);
    size_t size, count, refused;
    const void *data = dividere_snapshot_data (snapshot, &size);
    dividere_names_t *copy = s_names (1000);
    CHECK_INT (dividere_snapshot_load (data, size, copy, 0, &count, &refused),
               0);
    for (int i = 1; i < 50; i += 2) {
        char name[20];
        snprintf (name, sizeof (name), "name-%d", i);
        dividere_name_t *found = dividere_names_lookup (copy, name);
        CHECK (found);
        CHECK_INT (dividere_name_count (found), 2);
    }
    CHECK (dividere_names_lookup (copy, "name-0"));
    CHECK (count < COUNT);
    dividere_names_destroy (&copy);
    dividere_snapshot_destroy (&snapshot);
    dividere_names_destroy (&names);
}
