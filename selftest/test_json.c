/* SPDX-License-Identifier: Apache-2.0 */

/*  Messages as JSON and as text, and back.                                  */

#include "selftest.h"
#include <locale.h>
#include <dividere.h>
#include "codec.pb-c.h"
#include "legacy.pb-c.h"
#include "scanned.h"
#include "scrambled.h"
#include "service.pb-c.h"
#include "vector.h"
#include "vectors.h"

void test_json_vectors (void);
void test_json_kinds (void);
void test_json_wrong (void);
void test_json_maps (void);
void test_json_refused (void);
void test_json_random (void);
void test_text_parse (void);
void test_text_wrong (void);

#define VECTORS (sizeof (s_vectors) / sizeof (s_vectors[0]))

typedef ProtobufCMessage *(parse_fn) (const ProtobufCMessageDescriptor *type,
                                      const char *text, size_t size,
                                      char **ret_reason);

/*  From a copy that ends where the text does.                               */
static ProtobufCMessage *
s_parse (parse_fn *parse, const ProtobufCMessageDescriptor *type,
         const char *text, char **ret_reason)
{
    size_t size = strlen (text);
    char *copy = (char *) malloc (size + 1);
    memcpy (copy, text, size + 1);
    copy = (char *) realloc (copy, size ? size : 1);
    ProtobufCMessage *message = parse (type, copy, size, ret_reason);
    int error = errno;
    free (copy);
    errno = error;
    return message;
}

static ProtobufCMessage *
s_parse_json (const ProtobufCMessageDescriptor *type, const char *text)
{
    char *reason = NULL;
    ProtobufCMessage *message =
        s_parse (dividere_json_parse, type, text, &reason);
    if (!message && errno == ENOTSUP)
        selftest_skip ("built without JSON");
    if (!message)
        selftest_fail (__FILE__, __LINE__, "%s: %s", text, reason);
    CHECK (!reason);
    return message;
}

static void
s_expect (const ProtobufCMessage *message, const char *expected)
{
    char *json = dividere_json (message);
    CHECK_STR (json, expected);
    free (json);
}

void
test_json_vectors (void)
{
    vector_register_types ();
    for (size_t i = 0; i < VECTORS; i++) {
        if (!s_vectors[i].json)
            continue;
        ProtobufCMessage *object = vector_object (&s_vectors[i]);
        s_expect (object, s_vectors[i].json);
        ProtobufCMessage *again =
            s_parse_json (object->descriptor, s_vectors[i].json);
        uint8_t packed[4096];
        CHECK_INT (protobuf_c_message_get_packed_size (again),
                   protobuf_c_message_get_packed_size (object));
        CHECK_INT (protobuf_c_message_pack (again, packed),
                   protobuf_c_message_get_packed_size (object));
        s_expect (again, s_vectors[i].json);
        protobuf_c_message_free_unpacked (again, NULL);
        protobuf_c_message_free_unpacked (object, NULL);
    }
}

/*  What is read, and how it is written.                                     */
static void
s_rewrite (const ProtobufCMessageDescriptor *type, const char *text,
           const char *expected)
{
    ProtobufCMessage *message = s_parse_json (type, text);
    s_expect (message, expected);
    protobuf_c_message_free_unpacked (message, NULL);
}

void
test_json_kinds (void)
{
    static const char *const s_cases[][2] = {
        { "{}", "{}" },
        { " {\n}\t", "{}" },
        { "{\"an_int32\": 5, \"anInt64\": 6}",
          "{\"anInt32\": 5, \"anInt64\": \"6\"}" },
        { "{\"anInt32\": \"-2147483648\", \"anInt64\": -1e3}",
          "{\"anInt32\": -2147483648, \"anInt64\": \"-1000\"}" },
        { "{\"aUint64\": \"18446744073709551615\", \"aUint32\": 4294967295}",
          "{\"aUint32\": 4294967295, \"aUint64\": \"18446744073709551615\"}" },
        { "{\"aDouble\": \"NaN\", \"aFloat\": \"-Infinity\"}",
          "{\"aDouble\": \"NaN\", \"aFloat\": \"-Infinity\"}" },
        { "{\"aDouble\": -0.0, \"aFloat\": 0.1, \"doubles\": [1, \"2.5\"]}",
          "{\"aDouble\": -0.0, \"aFloat\": 0.1, \"doubles\": [1.0, 2.5]}" },
        { "{\"aString\": \"\\u00e9\\n\\\"\\ud83d\\ude00\"}",
          "{\"aString\": \"\xC3\xA9\\n\\\"\xF0\x9F\x98\x80\"}" },
        { "{\"aString\": \"\\u007f\\u009b\\u00a0\"}",
          "{\"aString\": \"\\u007f\\u009b\xC2\xA0\"}" },
        { "{\"aBytes\": \"-_8\", \"blobs\": [\"\", \"+/8=\", \"AA\"]}",
          "{\"aBytes\": \"+/8=\", \"blobs\": [\"\", \"+/8=\", \"AA==\"]}" },
        { "{\"aColour\": \"BLUE\", \"colours\": [0, \"GREEN\", 9]}",
          "{\"aColour\": \"BLUE\", \"colours\": [\"RED\", \"GREEN\", 9]}" },
        { "{\"aBool\": null, \"aString\": null, \"anInner\": null}", "{}" },
        { "{\"aBool\": false, \"anInner\": {}, \"choiceNumber\": 0}",
          "{\"anInner\": {}, \"choiceNumber\": \"0\"}" },
        { "{\"choiceInner\": {\"more\": [{}, {\"number\": 1}]}}",
          "{\"choiceInner\": {\"more\": [{}, {\"number\": 1}]}}" },
    };
    for (size_t i = 0; i < sizeof (s_cases) / sizeof (s_cases[0]); i++)
        s_rewrite (&selftest__everything__descriptor, s_cases[i][0],
                   s_cases[i][1]);
    s_rewrite (&selftest__legacy__descriptor, "{\"id\": 0, \"label\": \"\"}",
               "{\"id\": 0, \"label\": \"\"}");
    s_rewrite (&selftest__legacy__descriptor,
               "{\"id\": 1, \"label\": \"x\", \"count\": 42, \"blob\": \"\"}",
               "{\"id\": 1, \"count\": \"42\", \"label\": \"x\", "
               "\"blob\": \"\"}");
}

typedef struct {
    const char *text;
    int error;
    const char *reason; /* in it                                             */
} wrong_t;

static void
s_refuse (parse_fn *parse, const ProtobufCMessageDescriptor *type,
          const wrong_t *wrong)
{
    char *reason = NULL;
    errno = 0;
    ProtobufCMessage *message = s_parse (parse, type, wrong->text, &reason);
    if (!message && errno == ENOTSUP)
        selftest_skip ("built without JSON");
    if (message || errno != wrong->error || !strstr (reason, wrong->reason))
        selftest_fail (__FILE__, __LINE__, "%s: %s: %s", wrong->text,
                       strerror (errno), reason ? reason : "taken");
    free (reason);
    CHECK (!s_parse (parse, type, wrong->text, NULL));
}

void
test_json_wrong (void)
{
    static const wrong_t s_cases[] = {
        { "", EINVAL, "no JSON" },
        { "{", EINVAL, "at offset 1" },
        { "{\"anInt32\": }", EINVAL, "at offset 13" },
        { "{\"anInt32\": 1, \"anInt32\": 2}", EINVAL, "duplicate" },
        { "[]", EINVAL, "the message: an array is no message" },
        { "{\"nothing\": 1}", ENOENT,
          "field nothing: selftest.Everything has" },
        { "{\"anInt32\": 1, \"an_int32\": 2}", EEXIST, "an_int32: is there" },
        { "{\"choiceText\": \"\", \"choiceNumber\": 1}", EEXIST,
          "field choiceNumber: " },
        { "{\"anInt32\": 2147483648}", ERANGE, "does not fit into int32" },
        { "{\"anInt32\": 1.5}", ERANGE, "does not fit" },
        { "{\"aUint32\": -1}", ERANGE, "uint32, at offset 12" },
        { "{\"aUint64\": \"18446744073709551616\"}", ERANGE, "uint64" },
        { "{\"aFloat\": 1e300}", ERANGE, "float" },
        { "{\"anInt32\": \"1x\"}", EINVAL, "a string is no int32" },
        { "{\"anInt32\": \"0x10\"}", EINVAL, "a string is no int32" },
        { "{\"anInt32\": true}", EINVAL, "true is no int32" },
        { "{\"anInt32\": \"NaN\"}", EINVAL, "no int32" },
        { "{\"aBool\": 1}", EINVAL, "a number is no bool" },
        { "{\"aString\": 1}", EINVAL, "a number is no string" },
        { "{\"aString\": \"a\\u0000b\"}", EILSEQ, "NUL" },
        { "{\"aBytes\": \"*\"}", EINVAL, "base64" },
        { "{\"aColour\": \"PINK\"}", ENOENT,
          "enum selftest.Colour has no value PINK" },
        { "{\"strings\": \"a\"}", EINVAL, "no list of string" },
        { "{\"strings\": [null]}", EINVAL, "null is no string" },
        { "{\"anInner\": []}", EINVAL, "an array is no message" },
        { "{ \"strings\": [ \"a,]\\\"\", 7 ] }", EINVAL,
          "field strings[1]: a number is no string, at offset 24" },
        { "{\"a_bool\":true,\"an_inner\":{\"more\":[{},{\"text\":{}}]}}",
          EINVAL,
          "field an_inner.more[1].text: an object is no string, at "
          "offset 46" },
    };
    for (size_t i = 0; i < sizeof (s_cases) / sizeof (s_cases[0]); i++)
        s_refuse (dividere_json_parse, &selftest__everything__descriptor,
                  &s_cases[i]);
    s_refuse (dividere_json_parse, &selftest__legacy__descriptor,
              &(wrong_t){ "{\"id\": 1}", EINVAL, "required field label" });

    char deep[2000] = "";
    size_t size = 0;
    for (int i = 0; i < 120; i++)
        size +=
            (size_t) snprintf (deep + size, sizeof (deep) - size, "{\"left\":");
    size += (size_t) snprintf (deep + size, sizeof (deep) - size, "{");
    memset (deep + size, '}', 121);
    s_refuse (dividere_json_parse, &selftest__tree__descriptor,
              &(wrong_t){ deep, ELOOP, "too deep" });
}

void
test_json_maps (void)
{
    const ProtobufCMessageDescriptor *type =
        &selftest__odd_names__httpanswer_v2__descriptor;
    const char *text =
        "{\"byName\": {\"\": \"0\", \"b\": \"-1\"}, "
        "\"ByNumber\": {\"-5\": {}, \"7\": {\"deep\": {\"on\": true}}}, "
        "\"flags\": {\"false\": \"\", \"true\": \"yes\"}, "
        "\"large\": {\"18446744073709551615\": 0.5}}";
    s_rewrite (type, text, text);
    static const wrong_t s_cases[] = {
        { "{\"byName\": []}", EINVAL, "an array is no map" },
        { "{\"byName\": {\"a\": \"b\"}}", EINVAL,
          "field byName.a: a string is no int64, at offset 17" },
        { "{\"flags\": {\"yes\": \"\"}}", EINVAL, "a string is no bool" },
        { "{\"ByNumber\": {\"x\": {}}}", EINVAL, "a string is no int32" },
    };
    for (size_t i = 0; i < sizeof (s_cases) / sizeof (s_cases[0]); i++)
        s_refuse (dividere_json_parse, type, &s_cases[i]);
}

/*  Objects that are not fit to be written.                                  */
void
test_json_refused (void)
{
    Selftest__Everything all = SELFTEST__EVERYTHING__INIT;
    char *none[] = { NULL };
    all.n_strings = 1;
    all.strings = none;
    CHECK_FAILS (dividere_json (&all.base), EINVAL);
    none[0] = (char *) "\xFF";
    CHECK_FAILS (dividere_json (&all.base), EILSEQ);
    all.strings = NULL;
    CHECK_FAILS (dividere_json (&all.base), EINVAL);
    Selftest__Tree tree = SELFTEST__TREE__INIT;
    tree.left = &tree;
    CHECK_FAILS (dividere_json (&tree.base), ELOOP);
}

/*  Through a text and back it is the same, byte for byte but for what a NaN has
 *  in it.                                                                   */
static void
s_check_round (parse_fn *parse, const ProtobufCMessage *message, char *text)
{
    char *reason = NULL;
    ProtobufCMessage *again =
        s_parse (parse, message->descriptor, text, &reason);
    if (!again)
        selftest_fail (__FILE__, __LINE__, "%s: %s", text, reason);
    zmq_msg_t before, after;
    CHECK_INT (dividere_envelope_encode (message, &before), 0);
    CHECK_INT (dividere_envelope_encode (again, &after), 0);
    CHECK_INT (zmq_msg_size (&after), zmq_msg_size (&before));
    if (!strcasestr (text, "nan"))
        CHECK_INT (memcmp (zmq_msg_data (&after), zmq_msg_data (&before),
                           zmq_msg_size (&after)),
                   0);
    zmq_msg_close (&before);
    zmq_msg_close (&after);
    protobuf_c_message_free_unpacked (again, NULL);
    free (text);
}

void
test_json_random (void)
{
    static const ProtobufCMessageDescriptor *const s_types[] = {
        &selftest__everything__descriptor, &selftest__wide__descriptor,
        &selftest__tree__descriptor, &selftest__legacy__descriptor
    };
    static scrambled_t s_bytes = { .seed = 31337 };
    protobuf_c_message_free_unpacked (s_parse_json (&selftest__tree__descriptor,
                                                    "{}"),
                                      NULL);
    /* Whatever a point is in the user's language.                           */
    setlocale (LC_ALL, "de_DE.UTF-8");
    dividere_arena_t *arena = dividere_arena_new ();
    for (size_t i = 0; i < selftest_scaled (5000); i++) {
        const ProtobufCMessageDescriptor *type = s_types[i % 4];
        s_bytes.size = 0;
        scrambled_fields (&s_bytes, type, 0);
        const ProtobufCMessage *message =
            scanned_unpack (type, s_bytes.bytes, s_bytes.size, arena);
        CHECK (message);
        s_check_round (dividere_json_parse, message, dividere_json (message));
        s_check_round (dividere_text_parse, message, dividere_text (message));
    }
    dividere_arena_destroy (&arena);
}

void
test_text_parse (void)
{
    static const char *const s_cases[][2] = {
        { "", "" },
        { " # nothing\n", "" },
        { "an_int32: -5, an_int64: 0x10; a_uint32: 010",
          "an_int32: -5 an_int64: 16 a_uint32: 8" },
        { "a_double: 1.5e-3 a_float: -inf doubles: [nan, 2f, .5]",
          "a_double: 0.0015 a_float: -inf doubles: nan doubles: 2.0 "
          "doubles: 0.5" },
        { "a_bool: t bools: [True, false, 0]",
          "a_bool: true bools: true bools: false bools: false" },
        { "a_string: 'it''s' \"\\x41\\102\\n\\u00e9\\\"\"",
          "a_string: \"itsAB\\n\\303\\251\\\"\"" },
        { "a_bytes: \"\\0\\377\" blobs: [\"\"]",
          "a_bytes: \"\\000\\377\" blobs: \"\"" },
        { "a_colour: BLUE colours: [RED, 9, -1]",
          "a_colour: BLUE colours: RED colours: 9 colours: -1" },
        { "an_inner < text: 'a' more: [{}, { number: 1 }] >",
          "an_inner { text: \"a\" more { } more { number: 1 } }" },
    };
    for (size_t i = 0; i < sizeof (s_cases) / sizeof (s_cases[0]); i++) {
        char *reason = NULL;
        ProtobufCMessage *message =
            s_parse (dividere_text_parse, &selftest__everything__descriptor,
                     s_cases[i][0], &reason);
        if (!message)
            selftest_fail (__FILE__, __LINE__, "%s: %s", s_cases[i][0], reason);
        char *text = dividere_text (message);
        CHECK_STR (text, s_cases[i][1]);
        free (text);
        protobuf_c_message_free_unpacked (message, NULL);
    }
}

void
test_text_wrong (void)
{
    static const wrong_t s_cases[] = {
        { "an_int32", EINVAL, "field an_int32: : is missing, at offset 8" },
        { "an_int32: ", EINVAL, "a number is missing" },
        { "an_int32: \"a\"", EINVAL, "a number is expected, not \"a\"" },
        { "an_int32: 1x", EINVAL, "a number is expected, not 1x" },
        { "an_int32: 1.5", ERANGE, "1.5 does not fit" },
        { "an_int32: 2147483648", ERANGE, "at offset 10" },
        { "a_uint32: -1", ERANGE, "-1 does not fit" },
        { "an_int32: 1 an_int32: 2", EEXIST, "twice" },
        { "choice_text: '' choice_number: 1", EEXIST, "of its choice" },
        { "nothing: 1", ENOENT, "has no field nothing" },
        { "a_colour: PINK", ENOENT, "has no value PINK" },
        { "a_bool: maybe", EINVAL, "true or false" },
        { "a_string: 'abc", EINVAL, "a string is expected" },
        { "a_string: \"\\q\"", EINVAL, "no such escape" },
        { "a_string: \"\\400\"", EINVAL, "no such escape" },
        { "a_string: \"\\377\"", EILSEQ, "UTF-8" },
        { "a_string: \"\\0\"", EILSEQ, "NUL" },
        { "int32s: [1 2]", EINVAL, "] is expected, not 2" },
        { "an_inner { number: 1", EINVAL, "the name of a field is missing" },
        { "an_inner { number: 1 >", EINVAL, "not >" },
        { "an_inner: 5", EINVAL, "{ is expected, not 5" },
        { "}", EINVAL, "not }, at offset 0" },
    };
    for (size_t i = 0; i < sizeof (s_cases) / sizeof (s_cases[0]); i++)
        s_refuse (dividere_text_parse, &selftest__everything__descriptor,
                  &s_cases[i]);
    s_refuse (dividere_text_parse, &selftest__legacy__descriptor,
              &(wrong_t){ "next { id: 1 label: 'a' } id: 1", EINVAL,
                          "selftest.Legacy needs its field label" });
    char deep[2000] = "";
    for (int i = 0; i < 120; i++)
        memcpy (deep + 5 * i, "left{", 5);
    s_refuse (dividere_text_parse, &selftest__tree__descriptor,
              &(wrong_t){ deep, ELOOP, "too deep" });
}
