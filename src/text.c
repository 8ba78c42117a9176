/* SPDX-License-Identifier: Apache-2.0 */

/*  Walks a message by its descriptor and writes each field that is set, into a
 *  text that grows.                                                         */

#include <assert.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dividere/text.h>
#include "fields.h"

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

/*  A float as the double of the fewest digits, but at least six, that reads
 *  back as the same float: Python writes that number, not the exact value.  */
static double
s_short_float (float value)
{
    char digits[40];
    double number = (double) value;
    for (int precision = 6; precision <= 9; precision++) {
        snprintf (digits, sizeof (digits), "%.*e", precision - 1,
                  (double) value);
        number = strtod (digits, NULL);
        if ((float) number == value)
            break;
    }
    return number;
}

/*  The shortest digits that read back as the same number, as Python writes it
 *  (of a few powers of two Python finds one digit less).                    */
static void
s_write_real (text_t *self, double value)
{
    char digits[40];
    if (!isfinite (value)) {
        fputs (isnan (value) ? "nan" : value < 0 ? "-inf" : "inf", self->out);
        return;
    }
    for (int precision = 1; precision <= 17; precision++) {
        snprintf (digits, sizeof (digits), "%.*e", precision - 1, value);
        if (strtod (digits, NULL) == value)
            break;
    }
    char *exponent_at = strchr (digits, 'e');
    int exponent = (int) strtol (exponent_at + 1, NULL, 10);
    int count = (int) (exponent_at - digits) - (signbit (value) != 0);
    count -= count > 1; /* The point.                                        */
    if (exponent >= -4 && exponent < 16) {
        int places = count - 1 - exponent;
        fprintf (self->out, "%.*f", places > 0 ? places : 1, value);
        return;
    }
    *exponent_at = 0;
    fprintf (self->out, "%se%c%02d", digits, exponent < 0 ? '-' : '+',
             abs (exponent));
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
        s_write_real (self, s_short_float (*(const float *) place));
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

static bool
s_is_zero (const void *place, size_t size)
{
    static const uint8_t s_zeros[sizeof (ProtobufCBinaryData)];
    return memcmp (place, s_zeros, size) == 0;
}

/*  Whether a single field is set: by its choice, its quantifier, or by not
 *  being what proto3 leaves out.                                             */
static bool
s_is_set (const ProtobufCMessage *message,
          const ProtobufCFieldDescriptor *field)
{
    const void *quantifier =
        (const uint8_t *) message + field->quantifier_offset;
    const void *place = (const uint8_t *) message + field->offset;
    bool pointer = field->type == PROTOBUF_C_TYPE_STRING ||
                   field->type == PROTOBUF_C_TYPE_MESSAGE;
    const void *target = pointer ? *(const void *const *) place : NULL;
    if (pointer && !target)
        return false;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(const uint32_t *) quantifier == field->id;
    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL)
        return pointer ? target != field->default_value
                       : *(const protobuf_c_boolean *) quantifier;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return *(const char *) target != 0;
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *) place)->len > 0;
    return pointer || !s_is_zero (place, dividere_fields_size (field->type));
}

static void
s_write_field (text_t *self, const ProtobufCMessage *message,
               const ProtobufCFieldDescriptor *field, unsigned depth)
{
    const uint8_t *place = (const uint8_t *) message + field->offset;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        if (s_is_set (message, field))
            s_write_value (self, field, place, depth);
        return;
    }
    size_t count = *(const size_t *) ((const uint8_t *) message +
                                      field->quantifier_offset);
    const uint8_t *list = *(const uint8_t *const *) place;
    size_t size = dividere_fields_size (field->type);
    for (size_t i = 0; i < count; i++)
        s_write_value (self, field, list + i * size, depth);
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
    locale_t plain = newlocale (LC_ALL_MASK, "C", (locale_t) 0);
    assert (plain);
    locale_t before = uselocale (plain);
    s_write_message (&self, message, 1);
    uselocale (before);
    freelocale (plain);
    fclose (self.out);
    assert (text);
    return text;
}
