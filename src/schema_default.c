/* SPDX-License-Identifier: Apache-2.0 */

/*  Defaults of proto2, which a schema has as text.                          */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "build.h"
#include "plain.h"
#include "schema_internal.h"
#include "text_lexer.h"
#include "utf8.h"

static int
s_number (ProtobufCType type, const char *text, void *place)
{
    char *end;
    bool negative = *text == '-';
    errno = 0;
    uint64_t magnitude = strtoull (text + negative, &end, 10);
    if (end > text + negative && !*end && !errno)
        return dividere_build_integer (type, place, negative, magnitude);
    dividere_plain_t plain = dividere_plain_enter ();
    double real = strtod (text, &end);
    dividere_plain_leave (&plain);
    return end > text && !*end ? dividere_build_real (type, place, real) : -1;
}

static int
s_enum (const ProtobufCFieldDescriptor *field, const char *text, void *place)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value_by_name (
            (const ProtobufCEnumDescriptor *) field->descriptor, text);
    if (!value)
        return -1;
    *(int *) place = value->value;
    return 0;
}

static int
s_bool (const char *text, void *place)
{
    *(protobuf_c_boolean *) place = strcmp (text, "true") == 0;
    return *text == 't' || strcmp (text, "false") == 0 ? 0 : -1;
}

/*  With the escapes of C in it. The unescaper wants quotes around it.       */
static int
s_bytes (dividere_schema_t *self, const char *text, ProtobufCBinaryData *place)
{
    size_t size = strlen (text);
    char *quoted = (char *) dividere_schema_alloc (self, size + 2, 1);
    uint8_t *data = (uint8_t *) dividere_schema_alloc (self, size, 1);
    if (!quoted || !data)
        return -1;
    memcpy (quoted + 1, text, size);
    long used = dividere_text_unescape (quoted, size + 2, data);
    *place = (ProtobufCBinaryData){ used > 0 ? (size_t) used : 0, data };
    return used < 0 ? -1 : 0;
}

int
dividere_schema_default (dividere_schema_t *self, const char *message,
                         const dividere_schema_field_t *source,
                         const ProtobufCFieldDescriptor *field,
                         const void **ret_value)
{
    const char *text = source->default_value;
    if (!text || field->type == PROTOBUF_C_TYPE_MESSAGE)
        return 0;
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        *ret_value = text;
        return 0;
    }
    void *place = dividere_schema_alloc (self, 1, sizeof (ProtobufCBinaryData));
    int rc = !place ? -1
             : field->type == PROTOBUF_C_TYPE_BYTES
                 ? s_bytes (self, text, (ProtobufCBinaryData *) place)
             : field->type == PROTOBUF_C_TYPE_ENUM ? s_enum (field, text, place)
             : field->type == PROTOBUF_C_TYPE_BOOL
                 ? s_bool (text, place)
                 : s_number (field->type, text, place);
    if (rc < 0)
        return dividere_schema_fail (self, EBADMSG,
                                     "%.250s.%.100s has a default that makes "
                                     "no sense",
                                     message, source->name);
    *ret_value = place;
    return 0;
}
