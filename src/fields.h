/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_FIELDS_H
#define DIVIDERE_FIELDS_H

#include <stdbool.h>
#include <protobuf-c/protobuf-c.h>
#include "wire.h"

/*  What the scanner and the unpacker must see alike in a descriptor.        */

/*  The wire type of one value of a field.                                   */
DIVIDERE_INLINE unsigned
dividere_fields_wire (ProtobufCType type)
{
    static const uint8_t s_wires[] = {
        [PROTOBUF_C_TYPE_SFIXED32] = DIVIDERE_WIRE_FIXED32,
        [PROTOBUF_C_TYPE_FIXED32] = DIVIDERE_WIRE_FIXED32,
        [PROTOBUF_C_TYPE_FLOAT] = DIVIDERE_WIRE_FIXED32,
        [PROTOBUF_C_TYPE_SFIXED64] = DIVIDERE_WIRE_FIXED64,
        [PROTOBUF_C_TYPE_FIXED64] = DIVIDERE_WIRE_FIXED64,
        [PROTOBUF_C_TYPE_DOUBLE] = DIVIDERE_WIRE_FIXED64,
        [PROTOBUF_C_TYPE_STRING] = DIVIDERE_WIRE_BYTES,
        [PROTOBUF_C_TYPE_BYTES] = DIVIDERE_WIRE_BYTES,
        [PROTOBUF_C_TYPE_MESSAGE] = DIVIDERE_WIRE_BYTES,
    };
    return s_wires[type];
}

/*  The size of one value of a field in the object.                          */
DIVIDERE_INLINE size_t
dividere_fields_size (ProtobufCType type)
{
    static const uint8_t s_sizes[] = {
        [PROTOBUF_C_TYPE_INT32] = 4,
        [PROTOBUF_C_TYPE_SINT32] = 4,
        [PROTOBUF_C_TYPE_SFIXED32] = 4,
        [PROTOBUF_C_TYPE_UINT32] = 4,
        [PROTOBUF_C_TYPE_FIXED32] = 4,
        [PROTOBUF_C_TYPE_FLOAT] = 4,
        [PROTOBUF_C_TYPE_ENUM] = 4,
        [PROTOBUF_C_TYPE_INT64] = 8,
        [PROTOBUF_C_TYPE_SINT64] = 8,
        [PROTOBUF_C_TYPE_SFIXED64] = 8,
        [PROTOBUF_C_TYPE_UINT64] = 8,
        [PROTOBUF_C_TYPE_FIXED64] = 8,
        [PROTOBUF_C_TYPE_DOUBLE] = 8,
        [PROTOBUF_C_TYPE_BOOL] = sizeof (protobuf_c_boolean),
        [PROTOBUF_C_TYPE_STRING] = sizeof (char *),
        [PROTOBUF_C_TYPE_BYTES] = sizeof (ProtobufCBinaryData),
        [PROTOBUF_C_TYPE_MESSAGE] = sizeof (ProtobufCMessage *),
    };
    return s_sizes[type];
}

typedef enum {
    DIVIDERE_FIELDS_OTHER, /* not of the type, or not in its wire type      */
    DIVIDERE_FIELDS_ONE,   /* one value                                     */
    DIVIDERE_FIELDS_PACKED /* a list of numbers in one field                */
} dividere_fields_fit_t;

DIVIDERE_INLINE dividere_fields_fit_t
dividere_fields_fit (const ProtobufCFieldDescriptor *field, uint32_t tag)
{
    if (!field)
        return DIVIDERE_FIELDS_OTHER;
    unsigned wire = dividere_fields_wire (field->type);
    if (wire == (tag & 7))
        return DIVIDERE_FIELDS_ONE;
    return (tag & 7) == DIVIDERE_WIRE_BYTES &&
                   field->label == PROTOBUF_C_LABEL_REPEATED
               ? DIVIDERE_FIELDS_PACKED
               : DIVIDERE_FIELDS_OTHER;
}

#endif
