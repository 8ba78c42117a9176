/* SPDX-License-Identifier: Apache-2.0 */

/*  Walks a message by its descriptor and writes each field that is set, into a
 *  text that grows.                                                         */

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dividere/text.h>
#include "digits.h"
#include "plain.h"
#include "present.h"

#define DEPTH_MAX 100

typedef struct {
    FILE *out;
    bool begun; /* something was written: a space divides it from the next  */
} text_t;

static void s_write_message (text_t *self, const ProtobufCMessage *message,
                             unsigned depth);

static void
s_begin (text_t *self)
{
    if (self->begun)
        fputc (' ', self->out);
    self->begun = true;
}

static void
s_write_escaped (text_t *self, const uint8_t *data, size_t size)
{
    static const char s_from[] = "\n\r\t\"'\\", s_to[] = "nrt\"'\\";
    fputc ('"', self->out);
    for (size_t i = 0; i < size; i++) {
        const char *special = data[i] ? strchr (s_from, data[i]) : NULL;
        if (special)
            fprintf (self->out, "\\%c", s_to[special - s_from]);
        else if (data[i] < 32 || data[i] > 126)
            fprintf (self->out, "\\%03o", data[i]);
        else
            fputc (data[i], self->out);
    }
    fputc ('"', self->out);
}

static void
s_write_real (text_t *self, double value)
{
    char digits[DIVIDERE_DIGITS_MAX];
    fputs (dividere_digits (value, digits), self->out);
}

static void
s_write_float (text_t *self, float value)
{
    char digits[DIVIDERE_DIGITS_MAX];
    fputs (dividere_digits_float (value, digits), self->out);
}

static void
s_write_enum (text_t *self, const ProtobufCEnumDescriptor *type, int value)
{
    const ProtobufCEnumValue *known =
        protobuf_c_enum_descriptor_get_value (type, value);
    if (known)
        fputs (known->name, self->out);
    else
        fprintf (self->out, "%d", value);
}

static void
s_write_scalar (text_t *self, const ProtobufCFieldDescriptor *field,
                const void *place)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        fprintf (self->out, "%" PRId32, *(const int32_t *) place);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        fprintf (self->out, "%" PRId64, *(const int64_t *) place);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        fprintf (self->out, "%" PRIu32, *(const uint32_t *) place);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        fprintf (self->out, "%" PRIu64, *(const uint64_t *) place);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        s_write_float (self, *(const float *) place);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        s_write_real (self, *(const double *) place);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        fputs (*(const protobuf_c_boolean *) place ? "true" : "false",
               self->out);
        break;
    default:
        s_write_enum (self, (const ProtobufCEnumDescriptor *) field->descriptor,
                      *(const int *) place);
    }
}

static void
s_write_value (text_t *self, const ProtobufCFieldDescriptor *field,
               const void *place, unsigned depth)
{
    s_begin (self);
    fputs (field->name, self->out);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        fputs (" {", self->out);
        s_write_message (self, *(ProtobufCMessage *const *) place, depth + 1);
        fputs (" }", self->out);
        return;
    }
    fputs (": ", self->out);
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *) place;
        s_write_escaped (self, (const uint8_t *) text, strlen (text));
    }
    else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *bytes = (const ProtobufCBinaryData *) place;
        s_write_escaped (self, bytes->data, bytes->len);
    }
    else
        s_write_scalar (self, field, place);
}

static void
s_write_field (text_t *self, const ProtobufCMessage *message,
               const ProtobufCFieldDescriptor *field, unsigned depth)
{
    size_t count, size = dividere_fields_size (field->type);
    const uint8_t *values =
        (const uint8_t *) dividere_present_values (message, field, &count);
    for (size_t i = 0; i < count; i++)
        s_write_value (self, field, values + i * size, depth);
}

static void
s_write_message (text_t *self, const ProtobufCMessage *message, unsigned depth)
{
    if (depth > DEPTH_MAX) {
        fputs (" ...", self->out);
        return;
    }
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        s_write_field (self, message, &message->descriptor->fields[i], depth);
}

char *
dividere_text (const ProtobufCMessage *message)
{
    assert (message);
    char *text = NULL;
    size_t size = 0;
    text_t self = { open_memstream (&text, &size), false };
    assert (self.out);
    dividere_plain_t plain = dividere_plain_enter ();
    s_write_message (&self, message, 1);
    dividere_plain_leave (&plain);
    fclose (self.out);
    assert (text);
    return text;
}
