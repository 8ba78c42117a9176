/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_FIELDS_H
#define DIVIDERE_FIELDS_H

#include <stdbool.h>
#include <protobuf-c/protobuf-c.h>
#include "wire.h"

/*  What the scanner and the unpacker must see alike in a descriptor.        */

/*  The wire type of one value of a field.                                   */
static inline unsigned
dividere_fields_wire (ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT: return DIVIDERE_WIRE_FIXED32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return DIVIDERE_WIRE_FIXED64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: return DIVIDERE_WIRE_BYTES;
    default: return DIVIDERE_WIRE_VARINT;
    }
}

/*  The size of one value of a field in the object.                          */
static inline size_t
dividere_fields_size (ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING: return sizeof (char *);
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof (ProtobufCMessage *);
    case PROTOBUF_C_TYPE_BYTES: return sizeof (ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_BOOL: return sizeof (protobuf_c_boolean);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    default: return 4;
    }
}

typedef enum {
    DIVIDERE_FIELDS_OTHER, /* not of the type, or not in its wire type      */
    DIVIDERE_FIELDS_ONE,   /* one value                                     */
    DIVIDERE_FIELDS_PACKED /* a list of numbers in one field                */
} dividere_fields_fit_t;

static inline dividere_fields_fit_t
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

/*  The field of a tag, NULL if there is none. Writers go through the fields in
 *  order, so the one after *next_p, or the same again, is tried first.      */
static inline const ProtobufCFieldDescriptor *
dividere_fields_find (const ProtobufCMessageDescriptor *type, uint32_t tag,
                      unsigned *next_p)
{
    uint32_t number = tag >> 3;
    unsigned next = *next_p;
    if (next < type->n_fields && type->fields[next].id == number) {
        *next_p = next + 1;
        return &type->fields[next];
    }
    if (next > 0 && type->fields[next - 1].id == number)
        return &type->fields[next - 1];
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field (type, number);
    if (field)
        *next_p = (unsigned) (field - type->fields) + 1;
    return field;
}

#endif
