/* SPDX-License-Identifier: Apache-2.0 */

/*  Types that are made of a schema, held against those that were compiled.   */

#include "selftest.h"
#include <dividere.h>
#include "codec.dividere.h"
#include "legacy.dividere.h"
#include "pack.h"
#include "scanned.h"
#include "scrambled.h"
#include "service.dividere.h"
#include "wire_schema.pb-c.h"

void test_schema_same (void);
void test_schema_foreign (void);
void test_schema_find (void);
void test_schema_register (void);
void test_schema_wrong (void);

static dividere_schema_t *
s_load (const void *data, size_t size)
{
    char *reason = NULL;
    dividere_schema_t *schema = dividere_schema_new (data, size, &reason);
    if (!schema)
        selftest_fail (__FILE__, __LINE__, "%s: %s", strerror (errno), reason);
    CHECK (!reason);
    return schema;
}

/*  The same bytes mean the same to both.                                    */
static void
s_compare (const ProtobufCMessageDescriptor *compiled,
           const ProtobufCMessageDescriptor *made, const scrambled_t *bytes)
{
    static uint8_t s_expected[SCRAMBLED_MAX], s_packed[SCRAMBLED_MAX];
    dividere_arena_t *left = dividere_arena_new ();
    dividere_arena_t *right = dividere_arena_new ();
    const ProtobufCMessage *expected =
        scanned_unpack (compiled, bytes->bytes, bytes->size, left);
    int error = errno;
    const ProtobufCMessage *message =
        scanned_unpack (made, bytes->bytes, bytes->size, right);
    CHECK (!expected == !message);
    if (message) {
        size_t size = scanned_pack (expected, s_expected, SCRAMBLED_MAX);
        CHECK_INT (scanned_pack (message, s_packed, SCRAMBLED_MAX), size);
        CHECK_INT (memcmp (s_packed, s_expected, size), 0);
        char *text = dividere_text (message),
             *wanted = dividere_text (expected);
        CHECK_STR (text, wanted);
        free (text);
        free (wanted);
    }
    else
        CHECK_INT (errno, error);
    dividere_arena_destroy (&left);
    dividere_arena_destroy (&right);
}

void
test_schema_same (void)
{
    static scrambled_t s_bytes = { .seed = 4711 };
    static const ProtobufCMessageDescriptor *const s_types[] = {
        &selftest__everything__descriptor, &selftest__wide__descriptor,
        &selftest__tree__descriptor,
        &selftest__odd_names__httpanswer_v2__descriptor,
        &selftest__legacy__descriptor
    };
    dividere_schema_t *codec =
        s_load (selftest__odd_names__service__schema,
                selftest__odd_names__service__schema_size);
    dividere_schema_t *legacy =
        s_load (selftest__legacy__schema, selftest__legacy__schema_size);
    for (size_t i = 0; i < selftest_scaled (5000); i++) {
        const ProtobufCMessageDescriptor *type = s_types[i % 5];
        const ProtobufCMessageDescriptor *made =
            dividere_schema_find (i % 5 == 4 ? legacy : codec, type->name);
        CHECK (made && made != type);
        s_bytes.size = 0;
        scrambled_fields (&s_bytes, type, 0);
        if (i & 8)
            scrambled_mutate (&s_bytes);
        s_compare (type, made, &s_bytes);
    }
    dividere_schema_destroy (&codec);
    dividere_schema_destroy (&legacy);
}

/*  protobuf-c itself takes such a type, and its lookups find what is there.  */
void
test_schema_foreign (void)
{
    dividere_schema_t *schema =
        s_load (selftest__codec__schema, selftest__codec__schema_size);
    const ProtobufCMessageDescriptor *type =
        dividere_schema_find (schema, "Everything");
    const ProtobufCMessageDescriptor *compiled =
        &selftest__everything__descriptor;
    CHECK_INT (type->n_fields, compiled->n_fields);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &compiled->fields[i];
        const ProtobufCFieldDescriptor *found =
            protobuf_c_message_descriptor_get_field (type, field->id);
        CHECK (found &&
               found == protobuf_c_message_descriptor_get_field_by_name (
                            type, field->name));
        CHECK_STR (found->name, field->name);
        CHECK_INT (found->type, field->type);
        CHECK_INT (found->flags, field->flags);
    }
    CHECK (!protobuf_c_message_descriptor_get_field (type, 34));
    CHECK (!protobuf_c_message_descriptor_get_field_by_name (type, "none"));
    const uint8_t bytes[] = { 0x18, 0x05, 0x72, 0x01, 'x', 0x80, 0x01, 0x07 };
    ProtobufCMessage *message =
        protobuf_c_message_unpack (type, NULL, sizeof (bytes), bytes);
    CHECK (message);
    char *json = dividere_json (message);
    CHECK_STR (json, "{\"anInt32\": 5, \"aString\": \"x\", "
                     "\"aColour\": \"BLUE\"}");
    free (json);
    uint8_t packed[64];
    CHECK_INT (protobuf_c_message_pack (message, packed), sizeof (bytes));
    CHECK_INT (memcmp (packed, bytes, sizeof (bytes)), 0);
    protobuf_c_message_free_unpacked (message, NULL);
    dividere_schema_destroy (&schema);
    dividere_schema_destroy (&schema);
}

void
test_schema_find (void)
{
    dividere_schema_t *schema =
        s_load (selftest__codec__schema, selftest__codec__schema_size);
    CHECK (dividere_schema_find (schema, "selftest.Tree") ==
           dividere_schema_find (schema, "Tree"));
    CHECK_FAILS (dividere_schema_find (schema, "selftest.Colour"), ENOENT);
    CHECK_FAILS (dividere_schema_find (schema, ""), ENOENT);
    bool seen = false;
    for (size_t i = 0; i < dividere_schema_count (schema); i++)
        seen |= strcmp (dividere_schema_at (schema, i)->name,
                        "selftest.Everything.Inner") == 0;
    CHECK (seen);
    dividere_schema_destroy (&schema);

    /* Nothing is a schema of nothing.                                       */
    schema = s_load (NULL, 0);
    CHECK_INT (dividere_schema_count (schema), 0);
    dividere_schema_destroy (&schema);
}

/*  Types of a schema go through sockets as all others.                      */
void
test_schema_register (void)
{
    dividere_schema_t *schema =
        s_load (selftest__codec__schema, selftest__codec__schema_size);
    CHECK_INT (dividere_types_register (&selftest__tree__descriptor), 0);
    CHECK_INT (dividere_schema_register (schema), 0);
    const ProtobufCMessageDescriptor *type =
        dividere_schema_find (schema, "selftest.Wide");
    CHECK (dividere_types_find ("selftest.Wide") == type);
    CHECK (dividere_types_find ("selftest.Tree") ==
           &selftest__tree__descriptor);
    dividere_schema_destroy (&schema);

    char *reason = NULL;
    const char *text = "f01: 7 f12: \"abc\"";
    ProtobufCMessage *message =
        dividere_text_parse (type, text, strlen (text), &reason);
    CHECK (message);
    const char *endpoint = selftest_inproc ();
    char at[200], to[200];
    snprintf (at, sizeof (at), "@%s", endpoint);
    snprintf (to, sizeof (to), ">%s", endpoint);
    dividere_connector_t *left = dividere_dealer_new (at, NULL);
    dividere_connector_t *right = dividere_dealer_new (to, NULL);
    CHECK_INT (dividere_send (left, message), 0);
    dividere_message_t *got = dividere_recv (right);
    CHECK (got && dividere_message_type (got) == type);
    char *shown = dividere_text (dividere_message_object (got));
    CHECK_STR (shown, text);
    free (shown);
    dividere_message_destroy (&got);
    dividere_connector_destroy (&left);
    dividere_connector_destroy (&right);
    protobuf_c_message_free_unpacked (message, NULL);
}

/*  A schema of one file with one message of one field, to be spoilt.        */
typedef struct {
    Dividere__Wire__Field field, second;
    Dividere__Wire__Field *fields[2];
    Dividere__Wire__Enum colour;
    Dividere__Wire__EnumValue red, blue;
    Dividere__Wire__EnumValue *values[2];
    Dividere__Wire__Message message, other;
    Dividere__Wire__Message *messages[2];
    Dividere__Wire__Enum *enums[1];
    Dividere__Wire__File file;
    Dividere__Wire__File *files[1];
    Dividere__Wire__FileSet set;
} small_t;

static void
s_fill (small_t *self)
{
    dividere__wire__field__init (&self->field);
    dividere__wire__field__init (&self->second);
    self->field.name = (char *) "one";
    self->second.name = (char *) "two";
    self->field.number = 1;
    self->second.number = 2;
    self->field.label = self->second.label = 1;
    self->field.type = self->second.type = 5;
    self->field.has_number = self->field.has_label = self->field.has_type = 1;
    self->second.has_number = self->second.has_label = 1;
    self->second.has_type = 1;
    self->fields[0] = &self->field;
    self->fields[1] = &self->second;
    dividere__wire__enum_value__init (&self->red);
    dividere__wire__enum_value__init (&self->blue);
    self->red.name = (char *) "RED";
    self->blue.name = (char *) "BLUE";
    self->blue.number = 7;
    self->red.has_number = self->blue.has_number = 1;
    self->values[0] = &self->red;
    self->values[1] = &self->blue;
    dividere__wire__enum__init (&self->colour);
    self->colour.name = (char *) "Colour";
    self->colour.n_value = 2;
    self->colour.value = self->values;
    dividere__wire__message__init (&self->message);
    dividere__wire__message__init (&self->other);
    self->message.name = (char *) "Message";
    self->other.name = (char *) "Other";
    self->message.n_field = 2;
    self->message.field = self->fields;
    self->messages[0] = &self->message;
    self->messages[1] = &self->other;
    self->enums[0] = &self->colour;
    dividere__wire__file__init (&self->file);
    self->file.name = (char *) "a.proto";
    self->file.package = (char *) "pack.age";
    self->file.n_message_type = 2;
    self->file.message_type = self->messages;
    self->file.n_enum_type = 1;
    self->file.enum_type = self->enums;
    self->files[0] = &self->file;
    dividere__wire__file_set__init (&self->set);
    self->set.n_file = 1;
    self->set.file = self->files;
}

/*  Its bytes; they are taken, or refused with this errno and reason.        */
static void
s_try (small_t *self, int error, const char *reason)
{
    static uint8_t s_bytes[4096];
    size_t size = dividere__wire__file_set__pack (&self->set, s_bytes);
    char *why = NULL;
    dividere_schema_t *schema = dividere_schema_new (s_bytes, size, &why);
    if (error == 0 ? !schema
                   : schema || errno != error || !strstr (why, reason))
        selftest_fail (__FILE__, __LINE__, "%s: %s: %s", reason,
                       strerror (errno), why ? why : "taken");
    free (why);
    dividere_schema_destroy (&schema);
    s_fill (self);
}

static void
s_try_fields (small_t *self)
{
    self->field.name = (char *) "";
    s_try (self, EBADMSG, "pack.age.Message: a field without a name");
    self->field.name = (char *) "one two";
    s_try (self, EBADMSG, "pack.age.Message: a field without a name");
    self->field.number = 0;
    s_try (self, EBADMSG, "pack.age.Message.one is no field");
    self->field.number = 1 << 29;
    s_try (self, EBADMSG, "Message.one is no field");
    self->field.number = 2;
    s_try (self, EEXIST, "pack.age.Message has a field twice");
    self->field.name = (char *) "two";
    s_try (self, EEXIST, "pack.age.Message has a field twice");
    self->field.label = 4;
    s_try (self, EBADMSG, "Message.one is no field");
    self->field.type = 19;
    s_try (self, EBADMSG, "Message.one is no field");
    self->field.type = 10;
    s_try (self, ENOTSUP, "Message.one is a group");
    self->field.type = 11;
    s_try (self, ENOENT, "Message.one is of , which is not there");
    self->field.type = 11;
    self->field.type_name = (char *) ".pack.age.Missing";
    s_try (self, ENOENT, "is of .pack.age.Missing, which is not there");
    self->field.type = 11;
    self->field.type_name = (char *) ".pack.age.Colour";
    s_try (self, EBADMSG, "which is something else");
    self->field.type = 14;
    self->field.type_name = (char *) ".pack.age.Other";
    s_try (self, EBADMSG, "which is something else");
    self->field.has_oneof_index = 1;
    s_try (self, EBADMSG, "Message.one is in no choice");
    self->field.has_oneof_index = 1;
    self->field.oneof_index = -1;
    s_try (self, EBADMSG, "Message.one is in no choice");
}

static void
s_try_defaults (small_t *self)
{
    static const struct {
        int type;
        const char *good, *bad;
    } s_cases[] = {
        { 5, "-2147483648", "2147483648" },
        { 13, "7", "-7" },
        { 4, "18446744073709551615", "x" },
        { 1, "-1.5e3", "1.5.5" },
        { 2, "inf", "" },
        { 8, "true", "yes" },
        { 12, "\\000\\377a", "\\q" },
        { 14, "BLUE", "PINK" },
    };
    for (size_t i = 0; i < sizeof (s_cases) / sizeof (s_cases[0]); i++)
        for (int bad = 0; bad < 2; bad++) {
            self->field.type = s_cases[i].type;
            self->field.type_name = (char *) ".pack.age.Colour";
            self->field.default_value =
                (char *) (bad ? s_cases[i].bad : s_cases[i].good);
            s_try (self, bad ? EBADMSG : 0, bad ? "has a default" : "");
        }
}

void
test_schema_wrong (void)
{
    small_t small;
    s_fill (&small);
    s_try (&small, 0, "");
    s_try_fields (&small);
    s_try_defaults (&small);
    small.message.name = NULL;
    s_try (&small, EBADMSG, "pack.age: a type without a name");
    small.message.name = (char *) "a.b";
    s_try (&small, EBADMSG, "pack.age: a type without a name");
    small.message.name = (char *) "Other";
    s_try (&small, EEXIST, "pack.age.Other is defined twice");
    small.colour.name = (char *) "Other";
    s_try (&small, EEXIST, "pack.age.Other is defined twice");
    small.colour.n_value = 0;
    s_try (&small, EBADMSG, "pack.age.Colour has no values");
    small.red.name = NULL;
    s_try (&small, EBADMSG, "pack.age.Colour: a value without a name");
    small.blue.number = 0; /* An alias.                                      */
    s_try (&small, 0, "");
    small.file.package = (char *) "pack..age";
    s_try (&small, EBADMSG, "a.proto: a package without a name");
    small.file.package = (char *) "pack age";
    s_try (&small, EBADMSG, "a.proto: a package without a name");
    small.file.syntax = (char *) "editions";
    s_try (&small, ENOTSUP, "a.proto: the syntax editions is not known");

    /* Cut short, and something else.                                        */
    for (size_t i = 1; i < selftest__codec__schema_size; i++) {
        char *reason = NULL;
        CHECK_FAILS (dividere_schema_new (selftest__codec__schema, i, &reason),
                     EBADMSG);
        CHECK (strstr (reason, "no FileDescriptorSet"));
        free (reason);
    }
    CHECK_FAILS (dividere_schema_new ("nonsense", 8, NULL), EBADMSG);
}
