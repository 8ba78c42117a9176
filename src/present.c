/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>
#include "present.h"

static bool
s_all_zero (const void *place, size_t size)
{
    static const uint8_t s_zeros[sizeof (ProtobufCBinaryData)];
    return memcmp (place, s_zeros, size) == 0;
}

bool
dividere_present_zero (ProtobufCType type, const void *place)
{
    if (type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *) place)->len == 0;
    if (type != PROTOBUF_C_TYPE_STRING)
        return s_all_zero (place, dividere_fields_size (type));
    const char *text = *(const char *const *) place;
    return !text || !*text;
}

bool
dividere_present (const ProtobufCMessage *message,
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
    return !dividere_present_zero (field->type, place);
}

const void *
dividere_present_values (const ProtobufCMessage *message,
                         const ProtobufCFieldDescriptor *field,
                         size_t *ret_count)
{
    const uint8_t *place = (const uint8_t *) message + field->offset;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        *ret_count = dividere_present (message, field);
        return place;
    }
    *ret_count = *(const size_t *) ((const uint8_t *) message +
                                    field->quantifier_offset);
    return *(const void *const *) place;
}
