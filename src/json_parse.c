/* SPDX-License-Identifier: Apache-2.0 */

/*  The JSON library reads the text, which is then walked with the descriptor in
 *  hand. Where something does not fit, the way that led there gives the name of
 *  the field, and the place in the text.                                    */

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include <sodium.h>
#include <dividere/json.h>
#include "build.h"
#include "entries.h"
#include "json_offset.h"
#include "plain.h"
#include "reason.h"

#define DEPTH_MAX 100

typedef struct {
    const char *text;
    size_t size;
    unsigned depth;
    char **ret_reason;
} parse_t;

typedef dividere_json_step_t step_t;

static int s_read_message (parse_t *self, json_t *json,
                           const ProtobufCMessageDescriptor *type,
                           const step_t *step, ProtobufCMessage **ret);

static void
s_print_way (FILE *out, const step_t *step)
{
    if (!step)
        return;
    s_print_way (out, step->up);
    if (step->name)
        fprintf (out, "%s%s", step->up ? "." : "", step->name);
    else
        fprintf (out, "[%zu]", step->index);
}

/*  Says what is wrong with the value at a step. -1.                         */
static int __attribute__ ((format (printf, 4, 5)))
s_fail (parse_t *self, int error, const step_t *step, const char *format, ...)
{
    char what[400], *way = NULL;
    va_list args;
    va_start (args, format);
    vsnprintf (what, sizeof (what), format, args);
    va_end (args);
    size_t size;
    FILE *out = open_memstream (&way, &size);
    assert (out);
    s_print_way (out, step);
    fclose (out);
    dividere_reason (self->ret_reason, error, "%s%.300s: %s, at offset %zu",
                     step ? "field " : "the message", way, what,
                     dividere_json_offset (self->text, self->size, step));
    free (way);
    errno = error;
    return -1;
}

static const char *
s_kind (json_t *json)
{
    static const char *const s_kinds[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",
        [JSON_STRING] = "a string",  [JSON_INTEGER] = "a number",
        [JSON_REAL] = "a number",    [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null"
    };
    return s_kinds[json_typeof (json)];
}

static const char *
s_type (const ProtobufCFieldDescriptor *field)
{
    static const char *const s_types[] = {
        [PROTOBUF_C_TYPE_INT32] = "int32",
        [PROTOBUF_C_TYPE_SINT32] = "sint32",
        [PROTOBUF_C_TYPE_SFIXED32] = "sfixed32",
        [PROTOBUF_C_TYPE_INT64] = "int64",
        [PROTOBUF_C_TYPE_SINT64] = "sint64",
        [PROTOBUF_C_TYPE_SFIXED64] = "sfixed64",
        [PROTOBUF_C_TYPE_UINT32] = "uint32",
        [PROTOBUF_C_TYPE_FIXED32] = "fixed32",
        [PROTOBUF_C_TYPE_UINT64] = "uint64",
        [PROTOBUF_C_TYPE_FIXED64] = "fixed64",
        [PROTOBUF_C_TYPE_FLOAT] = "float",
        [PROTOBUF_C_TYPE_DOUBLE] = "double",
        [PROTOBUF_C_TYPE_BOOL] = "bool",
        [PROTOBUF_C_TYPE_ENUM] = "enum",
        [PROTOBUF_C_TYPE_STRING] = "string",
        [PROTOBUF_C_TYPE_BYTES] = "bytes",
        [PROTOBUF_C_TYPE_MESSAGE] = "message",
    };
    return s_types[field->type];
}

static int
s_fail_kind (parse_t *self, const step_t *step, json_t *json,
             const ProtobufCFieldDescriptor *field)
{
    return s_fail (self, EINVAL, step, "%s is no %s", s_kind (json),
                   s_type (field));
}

/*  A number in quotes. False: it is none.                                   */
static bool
s_read_digits (ProtobufCType type, const char *text, void *place, int *ret_rc)
{
    bool negative = *text == '-';
    const char *digits = text + negative;
    char *end;
    if (*digits < '0' || *digits > '9')
        return false;
    errno = 0;
    uint64_t magnitude = strtoull (digits, &end, 10);
    if (!*end && !errno) {
        *ret_rc = dividere_build_integer (type, place, negative, magnitude);
        return true;
    }
    double real = strtod (text, &end);
    if (*end || strpbrk (text, "xXpP"))
        return false;
    *ret_rc = isfinite (real) ? dividere_build_real (type, place, real) : -1;
    return true;
}

static bool
s_read_special (ProtobufCType type, const char *text, void *place)
{
    bool real = type == PROTOBUF_C_TYPE_DOUBLE || type == PROTOBUF_C_TYPE_FLOAT;
    double value = strcmp (text, "NaN") == 0         ? (double) NAN
                   : strcmp (text, "Infinity") == 0  ? (double) INFINITY
                   : strcmp (text, "-Infinity") == 0 ? (double) -INFINITY
                                                     : 0;
    return real && value != 0 && dividere_build_real (type, place, value) == 0;
}

static int
s_read_number (parse_t *self, json_t *json,
               const ProtobufCFieldDescriptor *field, const step_t *step,
               void *place)
{
    int rc = 0;
    if (json_is_integer (json)) {
        json_int_t value = json_integer_value (json);
        uint64_t magnitude =
            value < 0 ? 0 - (uint64_t) value : (uint64_t) value;
        rc = dividere_build_integer (field->type, place, value < 0, magnitude);
    }
    else if (json_is_real (json))
        rc = dividere_build_real (field->type, place, json_real_value (json));
    else if (!json_is_string (json) ||
             strlen (json_string_value (json)) != json_string_length (json) ||
             (!s_read_digits (field->type, json_string_value (json), place,
                              &rc) &&
              !s_read_special (field->type, json_string_value (json), place)))
        return s_fail_kind (self, step, json, field);
    return rc == 0 ? 0
                   : s_fail (self, ERANGE, step, "does not fit into %s",
                             s_type (field));
}

static int
s_read_enum (parse_t *self, json_t *json, const ProtobufCFieldDescriptor *field,
             const step_t *step, void *place)
{
    const ProtobufCEnumDescriptor *type =
        (const ProtobufCEnumDescriptor *) field->descriptor;
    if (!json_is_string (json))
        return s_read_number (self, json, field, step, place);
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value_by_name (type,
                                                      json_string_value (json));
    if (!value)
        return s_fail (self, ENOENT, step, "enum %s has no value %.100s",
                       type->name, json_string_value (json));
    return dividere_build_integer (field->type, place, value->value < 0,
                                   (uint64_t) llabs ((long long) value->value));
}

/*  Either alphabet, with or without padding.                                */
static int
s_read_bytes (parse_t *self, json_t *json, const step_t *step,
              ProtobufCBinaryData *place)
{
    size_t size = json_string_length (json), used = 0;
    char *text = strdup (json_string_value (json));
    uint8_t *data = (uint8_t *) malloc (size + 1);
    assert (text && data);
    while (size && text[size - 1] == '=')
        text[--size] = 0;
    for (char *at = text; *at; at++)
        *at = *at == '-' ? '+' : *at == '_' ? '/' : *at;
    int rc = sodium_base642bin (data, size, text, size, NULL, &used, NULL,
                                sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    if (rc == 0)
        dividere_build_text (PROTOBUF_C_TYPE_BYTES, place, data, used);
    free (data);
    free (text);
    return rc == 0 ? 0 : s_fail (self, EINVAL, step, "is no base64");
}

static int
s_read_text (parse_t *self, json_t *json, const ProtobufCFieldDescriptor *field,
             const step_t *step, void *place)
{
    if (!json_is_string (json))
        return s_fail_kind (self, step, json, field);
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return s_read_bytes (self, json, step, (ProtobufCBinaryData *) place);
    if (dividere_build_text (field->type, place, json_string_value (json),
                             json_string_length (json)) == 0)
        return 0;
    return s_fail (self, EILSEQ, step, "a string has no NUL");
}

static int
s_read_bool (parse_t *self, json_t *json, const ProtobufCFieldDescriptor *field,
             const step_t *step, void *place)
{
    if (!json_is_boolean (json))
        return s_fail_kind (self, step, json, field);
    *(protobuf_c_boolean *) place = json_is_true (json);
    return 0;
}

static int
s_read_value (parse_t *self, json_t *json,
              const ProtobufCFieldDescriptor *field, const step_t *step,
              void *place)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return s_read_message (
            self, json, (const ProtobufCMessageDescriptor *) field->descriptor,
            step, (ProtobufCMessage **) place);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        return s_read_text (self, json, field, step, place);
    case PROTOBUF_C_TYPE_BOOL:
        return s_read_bool (self, json, field, step, place);
    case PROTOBUF_C_TYPE_ENUM:
        return s_read_enum (self, json, field, step, place);
    default: return s_read_number (self, json, field, step, place);
    }
}

/*  The key is a string in JSON, whatever it is in the map.                  */
static int
s_read_key (parse_t *self, const char *text,
            const ProtobufCFieldDescriptor *field, const step_t *step,
            void *place)
{
    json_t *json = field->type != PROTOBUF_C_TYPE_BOOL ? json_string (text)
                   : strcmp (text, "true") == 0        ? json_true ()
                   : strcmp (text, "false") == 0       ? json_false ()
                                                       : json_string (text);
    int rc = s_read_value (self, json, field, step, place);
    json_decref (json);
    return rc;
}

static int
s_read_entry (parse_t *self, const char *key, json_t *json,
              const ProtobufCMessageDescriptor *type, const step_t *step,
              ProtobufCMessage **ret)
{
    dividere_build_t build = dividere_build_begin (type);
    *ret = build.message;
    int rc = s_read_key (self, key, &type->fields[0], step,
                         dividere_build_place (&build, &type->fields[0]));
    if (rc == 0)
        rc = s_read_value (self, json, &type->fields[1], step,
                           dividere_build_place (&build, &type->fields[1]));
    dividere_build_end (&build);
    return rc;
}

static int
s_read_map (parse_t *self, json_t *json, dividere_build_t *build,
            const ProtobufCFieldDescriptor *field, const step_t *step)
{
    const char *key;
    json_t *value;
    step_t inner = { step, NULL, 0 };
    if (!json_is_object (json))
        return s_fail (self, EINVAL, step, "%s is no map", s_kind (json));
    json_object_foreach (json, key, value)
    {
        inner.name = key;
        if (s_read_entry (self, key, value, dividere_entries (field), &inner,
                          (ProtobufCMessage **)
                              dividere_build_place (build, field)) < 0)
            return -1;
        inner.index++;
    }
    return 0;
}

static int
s_read_list (parse_t *self, json_t *json, dividere_build_t *build,
             const ProtobufCFieldDescriptor *field, const step_t *step)
{
    if (!json_is_array (json))
        return s_fail (self, EINVAL, step, "%s is no list of %s", s_kind (json),
                       s_type (field));
    step_t inner = { step, NULL, 0 };
    for (; inner.index < json_array_size (json); inner.index++)
        if (s_read_value (self, json_array_get (json, inner.index), field,
                          &inner, dividere_build_place (build, field)) < 0)
            return -1;
    return 0;
}

/*  As in the .proto or in lowerCamelCase: what differs is underscores, and the
 *  case of what follows one.                                                */
static bool
s_is_name (const char *name, const char *field)
{
    if (strcmp (name, field) == 0)
        return true;
    for (bool upper = false; *field; field++) {
        if (*field == '_') {
            upper = true;
            continue;
        }
        char letter = upper && *field >= 'a' && *field <= 'z'
                          ? (char) (*field - 32)
                          : *field;
        if (*name++ != letter)
            return false;
        upper = false;
    }
    return !*name;
}

static const ProtobufCFieldDescriptor *
s_find (const ProtobufCMessageDescriptor *type, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name (type, name);
    for (unsigned i = 0; i < type->n_fields && !field; i++)
        if (s_is_name (name, type->fields[i].name))
            field = &type->fields[i];
    return field;
}

static int
s_read_field (parse_t *self, json_t *json, dividere_build_t *build,
              const step_t *step)
{
    const ProtobufCMessageDescriptor *type = build->message->descriptor;
    const ProtobufCFieldDescriptor *field = s_find (type, step->name);
    if (!field)
        return s_fail (self, ENOENT, step, "%s has no such field", type->name);
    if (json_is_null (json))
        return 0;
    if (dividere_entries (field))
        return s_read_map (self, json, build, field, step);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return s_read_list (self, json, build, field, step);
    void *place = dividere_build_place (build, field);
    if (!place)
        return s_fail (self, EEXIST, step,
                       "is there twice, or with another of its choice");
    return s_read_value (self, json, field, step, place);
}

static int
s_read_fields (parse_t *self, json_t *json, dividere_build_t *build,
               const step_t *step)
{
    const char *name;
    json_t *value;
    step_t inner = { step, NULL, 0 };
    json_object_foreach (json, name, value)
    {
        inner.name = name;
        if (s_read_field (self, value, build, &inner) < 0)
            return -1;
        inner.index++;
    }
    return 0;
}

static int
s_read_message (parse_t *self, json_t *json,
                const ProtobufCMessageDescriptor *type, const step_t *step,
                ProtobufCMessage **ret)
{
    if (!json_is_object (json))
        return s_fail (self, EINVAL, step, "%s is no message %s", s_kind (json),
                       type->name);
    if (self->depth == DEPTH_MAX)
        return s_fail (self, ELOOP, step, "nested too deep");
    self->depth++;
    dividere_build_t build = dividere_build_begin (type);
    *ret = build.message;
    int rc = s_read_fields (self, json, &build, step);
    const ProtobufCFieldDescriptor *missing = dividere_build_end (&build);
    self->depth--;
    if (rc == 0 && missing)
        return s_fail (self, EINVAL, step, "the required field %s is missing",
                       missing->name);
    return rc;
}

static ProtobufCMessage *
s_parse (parse_t *self, const ProtobufCMessageDescriptor *type)
{
    json_error_t error;
    json_t *json =
        json_loadb (self->text, self->size,
                    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL,
                    &error);
    if (!json) {
        dividere_reason (self->ret_reason, EINVAL, "no JSON: %s, at offset %d",
                         error.text, error.position);
        return NULL;
    }
    ProtobufCMessage *message = NULL;
    if (s_read_message (self, json, type, NULL, &message) < 0) {
        int code = errno;
        if (message)
            protobuf_c_message_free_unpacked (message, NULL);
        message = NULL;
        errno = code;
    }
    json_decref (json);
    return message;
}

ProtobufCMessage *
dividere_json_parse (const ProtobufCMessageDescriptor *type, const char *text,
                     size_t size, char **ret_reason)
{
    assert (type);
    assert (text);
    parse_t self = { text, size, 0, ret_reason };
    dividere_plain_t plain = dividere_plain_enter ();
    ProtobufCMessage *message = s_parse (&self, type);
    int error = errno;
    dividere_plain_leave (&plain);
    errno = error;
    return message;
}
