/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_FIELDS_H
#define DIVIDERE_FIELDS_H

#include <stdbool.h>
#include <dividere/packer.h>
#include "wire.h"

/*  What the scanner and the unpacker must see alike in a descriptor.        */

/*  The wire type of one value of a field, and its size in the object.       */
#define dividere_fields_wire dividere_packer_wire
#define dividere_fields_size dividere_packer_element

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
