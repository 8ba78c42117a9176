/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_LOOKUP_H
#define DIVIDERE_LOOKUP_H

#include "fields.h"

/*  How the scanner and the unpacker go from a tag to its field. Writers go
 *  through the fields of a type in order, so the bytes of the tag of the next
 *  one are what is expected.                                                */

/*  The tag of one value, which is not the tag of a packed list.             */
DIVIDERE_INLINE uint32_t
dividere_lookup_tag (const ProtobufCFieldDescriptor *descriptor)
{
    return descriptor->id << 3 | dividere_fields_wire (descriptor->type);
}

/*  A field of which the tag has been read.                                  */
typedef struct {
    const ProtobufCFieldDescriptor *descriptor; /* NULL: none that fits      */
    const uint8_t *value;                       /* behind the tag            */
} dividere_lookup_t;

/*  For a tag that was not expected.                                         */
static __attribute__ ((noinline)) dividere_lookup_t
dividere_lookup_other (const ProtobufCMessageDescriptor *type,
                       const uint8_t *at, const uint8_t *end)
{
    uint32_t tag;
    const uint8_t *value = dividere_wire_tag (at, end, &tag);
    if (!value)
        return (dividere_lookup_t){ NULL, NULL };
    const ProtobufCFieldDescriptor *descriptor =
        protobuf_c_message_descriptor_get_field (type, tag >> 3);
    if (dividere_fields_fit (descriptor, tag) == DIVIDERE_FIELDS_OTHER)
        descriptor = NULL;
    return (dividere_lookup_t){ descriptor, value };
}

/*  Finds the field that begins at at, which is before end. The expected one is
 *  of the type, or last, the end of its fields.                             */
DIVIDERE_INLINE dividere_lookup_t
dividere_lookup (const ProtobufCMessageDescriptor *type, const uint8_t *at,
                 const uint8_t *end, const ProtobufCFieldDescriptor *expected,
                 const ProtobufCFieldDescriptor *last)
{
    if (expected != last) {
        uint32_t tag = dividere_lookup_tag (expected);
        if (at[0] < 128) {
            if (at[0] == tag)
                return (dividere_lookup_t){ expected, at + 1 };
        }
        else if (end - at > 1 && at[0] == (uint8_t) (tag | 128) &&
                 at[1] < 128 && at[1] == tag >> 7)
            return (dividere_lookup_t){ expected, at + 2 };
    }
    return dividere_lookup_other (type, at, end);
}

/*  Goes over a field that is not of the type, or is no field at all.        */
static __attribute__ ((noinline)) const uint8_t *
dividere_lookup_skip (const uint8_t *at, const uint8_t *end,
                      unsigned depth_left)
{
    dividere_field_t field;
    return dividere_wire_field (at, end, depth_left, &field);
}

#endif
