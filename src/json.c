/* SPDX-License-Identifier: Apache-2.0 */

/*  Walks a message by its descriptor and writes each field that is set.      */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include <dividere/json.h>
#include "digits.h"
#include "entries.h"
#include "plain.h"
#include "present.h"
#include "utf8.h"

#define DEPTH_MAX 100

typedef struct {
    FILE *out;
    unsigned depth;
} json_t;

static int s_write_message (json_t *self, const ProtobufCMessage *message);

static int
s_fail (int error)
{
    errno = error;
    return -1;
}

/*  U+0080 to U+009F, which a terminal may obey.                              */
static bool
s_is_control (const char *text)
{
    const uint8_t *at = (const uint8_t *) text;
    return at[0] == 0xC2 && at[1] < 0xA0;
}

static int
s_write_string (json_t *self, const char *text)
{
    static const char s_from[] = "\n\r\t\b\f\"\\", s_to[] = "nrtbf\"\\";
    if (!text)
        return s_fail (EINVAL);
    if (!dividere_utf8_valid (text, strlen (text)))
        return s_fail (EILSEQ);
    fputc ('"', self->out);
    for (; *text; text++) {
        const char *special = strchr (s_from, *text);
        if (special)
            fprintf (self->out, "\\%c", s_to[special - s_from]);
        else if ((unsigned char) *text < 32 || *text == 127)
            fprintf (self->out, "\\u%04x", (unsigned) *text);
        else if (s_is_control (text))
            fprintf (self->out, "\\u%04x", (unsigned) (uint8_t) * ++text);
        else
            fputc (*text, self->out);
    }
    fputc ('"', self->out);
    return 0;
}

static int
s_write_bytes (json_t *self, const ProtobufCBinaryData *bytes)
{
    if (bytes->len && !bytes->data)
        return s_fail (EINVAL);
    size_t size =
        sodium_base64_ENCODED_LEN (bytes->len, sodium_base64_VARIANT_ORIGINAL);
    char *text = (char *) malloc (size);
    assert (text);
    sodium_bin2base64 (text, size, bytes->data, bytes->len,
                       sodium_base64_VARIANT_ORIGINAL);
    fprintf (self->out, "\"%s\"", text);
    free (text);
    return 0;
}

static int
s_write_enum (json_t *self, const ProtobufCFieldDescriptor *field, int value)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value (
        (const ProtobufCEnumDescriptor *) field->descriptor, value);
    if (known)
        fprintf (self->out, "\"%s\"", known->name);
    else
        fprintf (self->out, "%d", value);
    return 0;
}

static int
s_write_real (json_t *self, double value, const char *digits)
{
    if (isfinite (value))
        fputs (digits, self->out);
    else
        fprintf (self->out, "\"%s\"",
                 isnan (value) ? "NaN"
                 : value < 0   ? "-Infinity"
                               : "Infinity");
    return 0;
}

static int
s_write_scalar (json_t *self, const ProtobufCFieldDescriptor *field,
                const void *place)
{
    char digits[DIVIDERE_DIGITS_MAX];
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        fprintf (self->out, "%" PRId32, *(const int32_t *) place);
        return 0;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        fprintf (self->out, "\"%" PRId64 "\"", *(const int64_t *) place);
        return 0;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        fprintf (self->out, "%" PRIu32, *(const uint32_t *) place);
        return 0;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        fprintf (self->out, "\"%" PRIu64 "\"", *(const uint64_t *) place);
        return 0;
    case PROTOBUF_C_TYPE_FLOAT:
        return s_write_real (self, (double) *(const float *) place,
                             dividere_digits_float (*(const float *) place,
                                                    digits));
    case PROTOBUF_C_TYPE_DOUBLE:
        return s_write_real (self, *(const double *) place,
                             dividere_digits (*(const double *) place, digits));
    case PROTOBUF_C_TYPE_BOOL:
        fputs (*(const protobuf_c_boolean *) place ? "true" : "false",
               self->out);
        return 0;
    default: return s_write_enum (self, field, *(const int *) place);
    }
}

static int
s_write_value (json_t *self, const ProtobufCFieldDescriptor *field,
               const void *place)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return s_write_string (self, *(const char *const *) place);
    case PROTOBUF_C_TYPE_BYTES:
        return s_write_bytes (self, (const ProtobufCBinaryData *) place);
    case PROTOBUF_C_TYPE_MESSAGE:
        return s_write_message (self, *(const ProtobufCMessage *const *) place);
    default: return s_write_scalar (self, field, place);
    }
}

/*  The key of a map is always a string, and what is not set is the default.  */
static int
s_write_entry (json_t *self, const ProtobufCMessage *entry)
{
    if (!entry)
        return s_fail (EINVAL);
    const ProtobufCFieldDescriptor *key = &entry->descriptor->fields[0];
    const ProtobufCFieldDescriptor *value = &entry->descriptor->fields[1];
    const void *place = (const uint8_t *) entry + key->offset;
    bool text = key->type == PROTOBUF_C_TYPE_STRING;
    bool quoted = text || (dividere_fields_size (key->type) == 8);
    fputs (quoted ? "" : "\"", self->out);
    if (text && !*(const char *const *) place)
        fputs ("\"\"", self->out);
    else if (s_write_value (self, key, place) < 0)
        return -1;
    fputs (quoted ? ": " : "\": ", self->out);
    place = (const uint8_t *) entry + value->offset;
    bool pointer = value->type == PROTOBUF_C_TYPE_MESSAGE ||
                   value->type == PROTOBUF_C_TYPE_STRING;
    if (!pointer || *(const void *const *) place)
        return s_write_value (self, value, place);
    fputs (value->type == PROTOBUF_C_TYPE_STRING ? "\"\"" : "{}", self->out);
    return 0;
}

static void
s_write_name (json_t *self, const char *name)
{
    fputc ('"', self->out);
    for (bool upper = false; *name; name++) {
        if (*name != '_')
            fputc (upper && *name >= 'a' && *name <= 'z' ? *name - 32 : *name,
                   self->out);
        upper = *name == '_';
    }
    fputs ("\": ", self->out);
}

static int
s_write_list (json_t *self, const ProtobufCFieldDescriptor *field,
              const uint8_t *values, size_t count)
{
    bool map = dividere_entries (field) != NULL;
    size_t size = dividere_fields_size (field->type);
    fputc (map ? '{' : '[', self->out);
    for (size_t i = 0; i < count; i++) {
        const void *place = values + i * size;
        fputs (i ? ", " : "", self->out);
        if ((map ? s_write_entry (self, *(ProtobufCMessage *const *) place)
                 : s_write_value (self, field, place)) < 0)
            return -1;
    }
    fputc (map ? '}' : ']', self->out);
    return 0;
}

static int
s_write_message (json_t *self, const ProtobufCMessage *message)
{
    if (!message)
        return s_fail (EINVAL);
    if (++self->depth > DEPTH_MAX)
        return s_fail (ELOOP);
    fputc ('{', self->out);
    bool begun = false;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        size_t count;
        const uint8_t *values =
            (const uint8_t *) dividere_present_values (message, field, &count);
        if (!count)
            continue;
        if (!values)
            return s_fail (EINVAL);
        fputs (begun ? ", " : "", self->out);
        begun = true;
        s_write_name (self, field->name);
        if ((field->label == PROTOBUF_C_LABEL_REPEATED
                 ? s_write_list (self, field, values, count)
                 : s_write_value (self, field, values)) < 0)
            return -1;
    }
    fputc ('}', self->out);
    self->depth--;
    return 0;
}

char *
dividere_json (const ProtobufCMessage *message)
{
    assert (message);
    char *text = NULL;
    size_t size = 0;
    json_t self = { open_memstream (&text, &size), 0 };
    assert (self.out);
    dividere_plain_t plain = dividere_plain_enter ();
    int rc = s_write_message (&self, message);
    int error = errno;
    dividere_plain_leave (&plain);
    fclose (self.out);
    if (rc == 0)
        return text;
    free (text);
    errno = error;
    return NULL;
}
