/* SPDX-License-Identifier: Apache-2.0 */

/*  Messages as text.                                                        */

#include "selftest.h"
#include <locale.h>
#include <math.h>
#include <dividere.h>
#include "codec.pb-c.h"
#include "legacy.pb-c.h"
#include "test.pb-c.h"

void test_text_kinds (void);
void test_text_reals (void);
void test_text_deep (void);

static void
s_expect (const ProtobufCMessage *message, const char *expected)
{
    char *text = dividere_text (message);
    CHECK_STR (text, expected);
    free (text);
}

void
test_text_kinds (void)
{
    Selftest__Everything all = SELFTEST__EVERYTHING__INIT;
    s_expect (&all.base, "");
    Selftest__Everything__Inner inner = SELFTEST__EVERYTHING__INNER__INIT;
    Selftest__Everything__Inner *inners[] = { &inner, &inner };
    int32_t numbers[] = { 1, 0, -1 };
    char *strings[] = { "a", "" };
    Selftest__Colour colours[] = { SELFTEST__COLOUR__BLUE,
                                   (Selftest__Colour) 5 };
    all.an_int32 = -3;
    all.a_uint64 = UINT64_MAX;
    all.a_sint64 = INT64_MIN;
    all.a_bool = 1;
    all.a_string = "tab\t quote\" apostrophe' back\\ \x01 \x7f";
    all.a_bytes.data = (uint8_t *) "\xFF";
    all.a_bytes.len = 1;
    all.a_colour = SELFTEST__COLOUR__GREEN;
    inner.number = 7;
    all.an_inner = &inner;
    all.n_int32s = 3;
    all.int32s = numbers;
    all.n_strings = 2;
    all.strings = strings;
    all.n_colours = 2;
    all.colours = colours;
    all.n_inners = 2;
    all.inners = inners;
    all.choice_case = SELFTEST__EVERYTHING__CHOICE_CHOICE_NUMBER;
    all.choice_number = 0;
    s_expect (&all.base,
              "an_int32: -3 a_uint64: 18446744073709551615 "
              "a_sint64: -9223372036854775808 a_bool: true "
              "a_string: \"tab\\t quote\\\" apostrophe\\' back\\\\ \\001 "
              "\\177\" a_bytes: \"\\377\" a_colour: GREEN "
              "an_inner { number: 7 } int32s: 1 int32s: 0 int32s: -1 "
              "strings: \"a\" strings: \"\" colours: BLUE colours: 5 "
              "inners { number: 7 } inners { number: 7 } choice_number: 0");

    Selftest__Legacy legacy = SELFTEST__LEGACY__INIT;
    legacy.label = "";
    s_expect (&legacy.base, "id: 0 label: \"\"");
    legacy.has_count = 1;
    legacy.count = 0;
    s_expect (&legacy.base, "id: 0 count: 0 label: \"\"");
}

/*  As Python writes them: the fewest digits, at least six, that are the same
 *  float, whatever the exact value.                                         */
static void
s_check_floats (void)
{
    static const struct {
        uint32_t bits;
        const char *text;
    } s_floats[] = {
        { 0x3DCCCCCD, "0.1" },
        { 0x4B800000, "16777216.0" },
        { 0x00000001, "1.4013e-45" },
        { 0x7F7FFFFF, "3.4028235e+38" },
        { 0x00800000, "1.1754944e-38" },
        { 0x00001000, "5.73972e-42" },
        { 0x5456F27A, "3692764300000.0" },
        { 0xD8F16DDF, "-2123633600000000.0" },
        { 0x501502F9, "10000000000.0" },
        { 0x5A0E1BCA, "1e+16" },
        { 0x5A0E1BC9, "9999999000000000.0" },
        { 0x38D1B717, "0.0001" },
        { 0x3727C5AC, "1e-05" },
        { 0x3EAAAAAB, "0.33333334" },
        { 0x42F6E979, "123.456" },
        { 0x42F79A18, "123.800964" },
        { 0x7149F2CA, "1e+30" },
        { 0xC8F1205A, "-493826.8" },
        { 0x80000000, "-0.0" },
        { 0x7F800000, "inf" },
        { 0xFF800000, "-inf" },
        { 0x7FC00000, "nan" },
    };
    char expected[64];
    for (size_t i = 0; i < sizeof (s_floats) / sizeof (s_floats[0]); i++) {
        TestDtMsg02 message = TEST_DT_MSG02__INIT;
        memcpy (&message.field1, &s_floats[i].bits, sizeof (float));
        snprintf (expected, sizeof (expected), "field1: %s", s_floats[i].text);
        s_expect (&message.base, expected);
    }
}

/*  As Python's repr, also where the locale writes a comma.                  */
void
test_text_reals (void)
{
    static const struct {
        double value;
        const char *text;
    } s_doubles[] = {
        { 1, "1.0" },
        { 0.1, "0.1" },
        { -2.5, "-2.5" },
        { 1e15, "1000000000000000.0" },
        { 1e16, "1e+16" },
        { 1.5e16, "1.5e+16" },
        { 123456, "123456.0" },
        { 0.0001, "0.0001" },
        { 0.00001, "1e-05" },
        { 1e100, "1e+100" },
        { 1.0 / 3, "0.3333333333333333" },
        { 5e-324, "5e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { INFINITY, "inf" },
        { -INFINITY, "-inf" },
        { NAN, "nan" },
        { -0.0, "-0.0" },
    };
    if (!setlocale (LC_ALL, "de_DE.UTF-8"))
        selftest_note ("no locale with a decimal comma on this machine");
    char expected[64];
    for (size_t i = 0; i < sizeof (s_doubles) / sizeof (s_doubles[0]); i++) {
        TestDtMsg01 message = TEST_DT_MSG01__INIT;
        message.field1 = s_doubles[i].value;
        snprintf (expected, sizeof (expected), "field1: %s", s_doubles[i].text);
        s_expect (&message.base, expected);
    }
    s_check_floats ();
}

void
test_text_deep (void)
{
    /* A hundred levels, and what stands for the next.                       */
    const size_t length = 100 * strlen (" left { }") + strlen (" ...") - 1;
    static Selftest__Tree trees[200];
    for (int i = 0; i < 200; i++) {
        selftest__tree__init (&trees[i]);
        trees[i].left = i < 199 ? &trees[i + 1] : NULL;
    }
    char *text = dividere_text (&trees[0].base);
    CHECK (strstr (text, "{ left { ... } }"));
    CHECK_INT (strlen (text), length);
    free (text);
    /* A cycle ends there, too.                                              */
    trees[199].left = &trees[0];
    text = dividere_text (&trees[0].base);
    CHECK_INT (strlen (text), length);
    free (text);
}
