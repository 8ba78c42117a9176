/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <czmq.h>
#include "build.h"
#include "unpack.h"
#include "utf8.h"

dividere_build_t
dividere_build_begin (const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message =
        (ProtobufCMessage *) zmalloc (type->sizeof_message);
    dividere_unpack_init (type, message);
    return (dividere_build_t){ message, (bool *) zmalloc (type->n_fields + 1) };
}

const ProtobufCFieldDescriptor *
dividere_build_end (dividere_build_t *self)
{
    const ProtobufCMessageDescriptor *type = self->message->descriptor;
    const ProtobufCFieldDescriptor *missing = NULL;
    for (unsigned i = 0; i < type->n_fields && !missing; i++)
        if (type->fields[i].label == PROTOBUF_C_LABEL_REQUIRED &&
            !self->seen[i])
            missing = &type->fields[i];
    freen (self->seen);
    return missing;
}

/*  A list grows by doubling: it is full where its count is a power of two.   */
static void *
s_append (void **list, size_t *count, size_t size)
{
    size_t used = *count;
    if ((used & (used - 1)) == 0) {
        *list = realloc (*list, (used ? used * 2 : 1) * size);
        assert (*list);
    }
    *count = used + 1;
    return memset ((uint8_t *) *list + used * size, 0, size);
}

void *
dividere_build_place (dividere_build_t *self,
                      const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *type = self->message->descriptor;
    uint8_t *place = (uint8_t *) self->message + field->offset;
    void *quantifier = (uint8_t *) self->message + field->quantifier_offset;
    size_t size = dividere_fields_size (field->type);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return s_append ((void **) place, (size_t *) quantifier, size);
    bool *seen = &self->seen[field - type->fields];
    bool choice = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (*seen || (choice && *(uint32_t *) quantifier)) {
        errno = EEXIST;
        return NULL;
    }
    *seen = true;
    if (choice)
        *(uint32_t *) quantifier = field->id;
    else if (field->label == PROTOBUF_C_LABEL_OPTIONAL &&
             field->type != PROTOBUF_C_TYPE_STRING &&
             field->type != PROTOBUF_C_TYPE_MESSAGE)
        *(protobuf_c_boolean *) quantifier = true;
    return memset (place, 0, size);
}

static int
s_out_of_range (void)
{
    errno = ERANGE;
    return -1;
}

/*  The largest magnitude that a type of integers holds, of either sign.     */
static uint64_t
s_limit (ProtobufCType type, bool negative)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_ENUM: return (uint64_t) INT32_MAX + negative;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: return (uint64_t) INT64_MAX + negative;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32: return negative ? 0 : UINT32_MAX;
    default: return negative ? 0 : UINT64_MAX;
    }
}

int
dividere_build_integer (ProtobufCType type, void *place, bool negative,
                        uint64_t magnitude)
{
    if (type == PROTOBUF_C_TYPE_DOUBLE || type == PROTOBUF_C_TYPE_FLOAT)
        return dividere_build_real (type, place,
                                    negative ? -(double) magnitude
                                             : (double) magnitude);
    if (magnitude > s_limit (type, negative))
        return s_out_of_range ();
    uint64_t bits = negative ? 0 - magnitude : magnitude;
    uint32_t half = (uint32_t) bits;
    if (dividere_fields_size (type) == sizeof (half))
        memcpy (place, &half, sizeof (half));
    else
        memcpy (place, &bits, sizeof (bits));
    return 0;
}

int
dividere_build_real (ProtobufCType type, void *place, double value)
{
    if (type == PROTOBUF_C_TYPE_DOUBLE)
        *(double *) place = value;
    else if (type == PROTOBUF_C_TYPE_FLOAT) {
        float single = (float) value;
        if (isinf (single) && !isinf (value))
            return s_out_of_range ();
        *(float *) place = single;
    }
    else if (!(fabs (value) < 0x1p64) || value != trunc (value))
        return s_out_of_range ();
    else
        return dividere_build_integer (type, place, value < 0,
                                       (uint64_t) fabs (value));
    return 0;
}

int
dividere_build_text (ProtobufCType type, void *place, const void *data,
                     size_t size)
{
    bool string = type == PROTOBUF_C_TYPE_STRING;
    if (string && !dividere_utf8_valid (data, size)) {
        errno = EILSEQ;
        return -1;
    }
    uint8_t *copy = size || string ? (uint8_t *) zmalloc (size + 1) : NULL;
    if (size)
        memcpy (copy, data, size);
    if (string)
        *(char **) place = (char *) copy;
    else
        *(ProtobufCBinaryData *) place = (ProtobufCBinaryData){ size, copy };
    return 0;
}
