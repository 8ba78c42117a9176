/* SPDX-License-Identifier: Apache-2.0 */

/*  The extension frame of requests, as bytes: ours, parts of them, and hostile
 *  ones.                                                                    */

#include "selftest.h"
#include "extension.h"

void test_extension_layout (void);
void test_extension_round_trip (void);
void test_extension_hostile (void);
void test_extension_left (void);

/*  A copy of just this size, so that a sanitizer sees its ends.             */
static uint8_t *
s_copy (const void *data, size_t size)
{
    uint8_t *copy = (uint8_t *) malloc (size ? size : 1);
    CHECK (copy);
    if (size)
        memcpy (copy, data, size);
    return copy;
}

static void
s_random_bytes (uint64_t *seed, void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *) data)[i] = (uint8_t) (selftest_random (seed) >> 24);
}

static const uint8_t s_layout[] = {
    0xDF, 'd',  'v',  1,    /* magic, version                               */
    3,    8,    5,    255,  /* flags, status, attempt, requeues             */
    0x10, 0x27, 0,    0,    /* 10,000 ms                                    */
    4,    0,    0,    0,    /* length of the name                           */
    0x88, 0x77, 0x66, 0x55, /* client                                       */
    0x44, 0x33, 0x22, 0x11, /*                                              */
    0xFF, 0xEE, 0xDD, 0xCC, /* number                                       */
    0xBB, 0xAA, 0x99, 0x88, /*                                              */
    'e',  'c',  'h',  'o',  /* name                                         */
};

/*  The bytes that the header promises, and what a forwarder changes in them. */
void
test_extension_layout (void)
{
    dividere_extension_t extension = {
        .id = { 0x1122334455667788, 0x8899AABBCCDDEEFF },
        .flags = DIVIDERE_EXTENSION_STRICT | DIVIDERE_EXTENSION_BROKER,
        .status = DIVIDERE_STATUS_FAILED,
        .attempt = 5,
        .requeues = DIVIDERE_EXTENSION_ANY_REQUEUE,
        .left_ms = 10000,
        .service = "echo",
        .service_size = 4
    };
    uint8_t bytes[sizeof (s_layout)];
    CHECK_INT (dividere_extension_size (&extension), sizeof (s_layout));
    dividere_extension_write (&extension, bytes);
    CHECK (memcmp (bytes, s_layout, sizeof (s_layout)) == 0);

    /* Flags are added, the status takes the place of the one before.        */
    bytes[4] = DIVIDERE_EXTENSION_STRICT;
    dividere_extension_set_status (bytes, DIVIDERE_STATUS_BUSY, 0);
    CHECK_INT (bytes[4], DIVIDERE_EXTENSION_STRICT);
    CHECK_INT (bytes[5], DIVIDERE_STATUS_BUSY);
    dividere_extension_set_status (bytes, DIVIDERE_STATUS_FAILED,
                                   DIVIDERE_EXTENSION_BROKER);
    dividere_extension_set_left (bytes, 0xFFFFFFFE);
    CHECK_INT (bytes[8], 0xFE);
    dividere_extension_set_left (bytes, 10000);
    CHECK (memcmp (bytes, s_layout, sizeof (s_layout)) == 0);
}

static void
s_check_same (const dividere_extension_t *a, const dividere_extension_t *b)
{
    CHECK (a->id.client == b->id.client);
    CHECK (a->id.number == b->id.number);
    CHECK_INT (a->flags, b->flags);
    CHECK_INT (a->status, b->status);
    CHECK_INT (a->attempt, b->attempt);
    CHECK_INT (a->requeues, b->requeues);
    CHECK_INT (a->left_ms, b->left_ms);
    CHECK_INT (a->service_size, b->service_size);
    CHECK (memcmp (a->service, b->service, a->service_size) == 0);
}

/*  Every length of a name, each with every number of bytes: none but the whole
 *  is accepted, and what follows it is passed over.                         */
void
test_extension_round_trip (void)
{
    char name[DIVIDERE_EXTENSION_SERVICE];
    uint8_t bytes[DIVIDERE_EXTENSION_MAX + 1];
    dividere_extension_t read;
    uint64_t seed = 1;
    for (size_t length = 0; length <= sizeof (name); length++) {
        uint64_t random = selftest_random (&seed);
        s_random_bytes (&seed, name, sizeof (name));
        s_random_bytes (&seed, bytes, sizeof (bytes));
        dividere_extension_t extension = { .id = { selftest_random (&seed),
                                                   selftest_random (&seed) },
                                           .flags = (uint8_t) random,
                                           .status = (uint8_t) (random >> 8),
                                           .attempt = (uint8_t) (random >> 16),
                                           .requeues = (uint8_t) (random >> 24),
                                           .left_ms = (uint32_t) (random >> 32),
                                           .service = name,
                                           .service_size = length };
        dividere_extension_write (&extension, bytes);
        for (size_t size = 0; size <= sizeof (bytes); size++) {
            uint8_t *exact = s_copy (bytes, size);
            bool good = size >= dividere_extension_size (&extension) &&
                        size <= DIVIDERE_EXTENSION_MAX;
            CHECK_INT (dividere_extension_parse (exact, size, &read), good);
            if (good)
                s_check_same (&read, &extension);
            free (exact);
        }
    }
    CHECK (!dividere_extension_parse (NULL, 0, &read));
}

/*  What is accepted begins as it must, and its name is within its bytes.    */
static bool
s_check_accepted (const uint8_t *data, size_t size)
{
    dividere_extension_t extension = { .service_size = 12345 };
    if (!dividere_extension_parse (data, size, &extension)) {
        CHECK_INT (extension.service_size, 12345);
        return false;
    }
    CHECK (memcmp (data, s_layout, 4) == 0);
    CHECK ((const uint8_t *) extension.service == data + 32);
    CHECK (extension.service_size <= size - 32);
    CHECK (extension.service_size <= DIVIDERE_EXTENSION_SERVICE);
    uint8_t written[DIVIDERE_EXTENSION_MAX];
    dividere_extension_t again;
    dividere_extension_write (&extension, written);
    CHECK (dividere_extension_parse (written,
                                     dividere_extension_size (&extension),
                                     &again));
    s_check_same (&again, &extension);
    return true;
}

void
test_extension_hostile (void)
{
    dividere_extension_t read;
    /* Magic and version are as they are; a name has its limit.              */
    for (size_t i = 0; i < 4; i++)
        for (unsigned value = 0; value < 256; value++) {
            uint8_t *bytes = s_copy (s_layout, sizeof (s_layout));
            bytes[i] = (uint8_t) value;
            CHECK_INT (dividere_extension_parse (bytes, sizeof (s_layout),
                                                 &read),
                       value == s_layout[i]);
            free (bytes);
        }
    for (unsigned length = 0; length < 256; length++) {
        uint8_t *bytes = (uint8_t *) calloc (1, DIVIDERE_EXTENSION_MAX);
        CHECK (bytes);
        memcpy (bytes, s_layout, sizeof (s_layout));
        bytes[12] = (uint8_t) length;
        CHECK_INT (s_check_accepted (bytes, DIVIDERE_EXTENSION_MAX),
                   length <= DIVIDERE_EXTENSION_SERVICE);
        free (bytes);
    }
    uint64_t seed = 1;
    size_t accepted = 0, events = selftest_scaled (200000);
    for (size_t i = 0; i < events; i++) {
        size_t size = selftest_random (&seed) % 64;
        uint8_t bytes[64];
        s_random_bytes (&seed, bytes, sizeof (bytes));
        memcpy (bytes, s_layout, selftest_random (&seed) % 33);
        uint8_t *exact = s_copy (bytes, size);
        accepted += s_check_accepted (exact, size);
        free (exact);
    }
    selftest_note ("%zu frames, %zu accepted", events, accepted);
    CHECK (events < 1000 || (accepted > 0 && accepted < events / 2));
}

void
test_extension_left (void)
{
    CHECK_INT (dividere_extension_left (-1, 5), DIVIDERE_EXTENSION_NO_DEADLINE);
    CHECK_INT (dividere_extension_left (100, 40), 60);
    CHECK_INT (dividere_extension_left (100, 100), 0);
    CHECK_INT (dividere_extension_left (100, 101), 0);
    CHECK_INT (dividere_extension_left (0, INT64_MAX), 0);
    int64_t most = DIVIDERE_EXTENSION_NO_DEADLINE - 1;
    CHECK_INT (dividere_extension_left (7 + most, 7), most);
    CHECK_INT (dividere_extension_left (8 + most, 7), most);
    CHECK_INT (dividere_extension_left (INT64_MAX, 0), most);
}
