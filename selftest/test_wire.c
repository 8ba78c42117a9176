/* SPDX-License-Identifier: Apache-2.0 */

/*  What the codec stands on: text, varints, the arena.                      */

#include "selftest.h"
#include "arena.h"
#include "large.h"
#include "utf8.h"
#include "wire.h"

void test_utf8 (void);
void test_utf8_copy (void);
void test_large (void);
void test_varints (void);
void test_arena (void);

/*  Of every length, also longer than need be, with every number of bytes behind
 *  them up to those that are read at once.                                  */
void
test_varints (void)
{
    uint64_t seed = 31337;
    for (size_t i = 0; i < 20000; i++) {
        uint8_t bytes[32];
        size_t length = 1 + i % 12, behind = i / 12 % 12;
        uint64_t expected = 0, value = 0;
        for (size_t k = 0; k < length + behind; k++) {
            bytes[k] = (uint8_t) selftest_random (&seed);
            if (k < length)
                bytes[k] = k + 1 < length ? bytes[k] | 128 : bytes[k] & 127;
            if (k < length && k < 10)
                expected |= (uint64_t) (bytes[k] & 127) << (7 * k);
        }
        /* Of its own size, so that nothing behind it can be read.           */
        uint8_t *exact = (uint8_t *) malloc (length + behind);
        memcpy (exact, bytes, length + behind);
        const uint8_t *at =
            dividere_wire_varint (exact, exact + length + behind, &value);
        CHECK (length > 10 ? !at : at == exact + length);
        CHECK (!at || value == expected);
        CHECK (!dividere_wire_varint (exact, exact + length - 1, &value));
        free (exact);
    }
}

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

/*  Characters of several bytes across every place where a part of a long text
 *  can end, whole and cut short.                                            */
void
test_utf8_copy (void)
{
    static char s_text[20000], s_copy[20000];
    static const char *const s_characters[] = { "\xC3\xA9", "\xE2\x82\xAC",
                                                "\xF0\x9F\x98\x80" };
    for (size_t i = 0; i < 3; i++)
        for (size_t at = 8180; at < 8200; at++) {
            size_t length = strlen (s_characters[i]);
            memset (s_text, 'x', sizeof (s_text));
            memcpy (s_text + at, s_characters[i], length);
            memcpy (s_text + 2 * at, s_characters[i], length);
            memset (s_copy, 0, sizeof (s_copy));
            CHECK (dividere_utf8_copy (s_copy, s_text, sizeof (s_text)));
            CHECK (memcmp (s_copy, s_text, sizeof (s_text)) == 0);
            CHECK (dividere_utf8_copy (s_copy, s_text, at + length));
            CHECK (!dividere_utf8_copy (s_copy, s_text, at + length - 1));
            s_text[at + length - 1] = 'x';
            CHECK (!dividere_utf8_copy (s_copy, s_text, sizeof (s_text)));
        }
    CHECK (dividere_utf8_copy (s_copy, "", 0));
}

/*  What libzmq is done with is used again, unless it is far too large or there
 *  is too much of it.                                                       */
void
test_large (void)
{
    zmq_msg_t frame, others[40];
    dividere_large_init (&frame, DIVIDERE_LARGE - 1);
    CHECK_INT (zmq_msg_size (&frame), DIVIDERE_LARGE - 1);
    zmq_msg_close (&frame);
    CHECK_INT (dividere_large_kept (), 0);
    dividere_large_init (&frame, 4 * DIVIDERE_LARGE);
    const void *data = zmq_msg_data (&frame);
    memset (zmq_msg_data (&frame), 'x', 4 * DIVIDERE_LARGE);
    CHECK ((uintptr_t) data % 8 == 0);
    CHECK_INT (dividere_large_kept (), 0);
    zmq_msg_close (&frame);
    CHECK_INT (dividere_large_kept (), 4 * DIVIDERE_LARGE);
    dividere_large_init (&frame, 4 * DIVIDERE_LARGE + 1);
    CHECK (zmq_msg_data (&frame) != data);
    zmq_msg_close (&frame);
    dividere_large_init (&frame, DIVIDERE_LARGE);
    CHECK (zmq_msg_data (&frame) == data);
    CHECK_INT (zmq_msg_size (&frame), DIVIDERE_LARGE);
    zmq_msg_close (&frame);
    for (size_t i = 0; i < 40; i++) {
        dividere_large_init (&others[i], (i + 10) * 100000);
        memset (zmq_msg_data (&others[i]), 'x', (i + 10) * 100000);
    }
    for (size_t i = 0; i < 40; i++) {
        zmq_msg_close (&others[i]);
        CHECK (dividere_large_kept () <= DIVIDERE_LARGE_KEPT);
    }
    CHECK (dividere_large_kept () > 0);
}
