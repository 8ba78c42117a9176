/* SPDX-License-Identifier: Apache-2.0 */

/*  Two walks over an object: one forward that judges and adds up, one backward
 *  that writes.                                                             */

#include <errno.h>
#include <stdbool.h>
#include "fields.h"
#include "pack.h"
#include "utf8.h"

static int s_size_message (const ProtobufCMessage *message, unsigned left,
                           dividere_lengths_t *lengths, size_t *size_p);

static int
s_fail (int error)
{
    errno = error;
    return -1;
}

DIVIDERE_INLINE const void *
s_member (const ProtobufCMessage *message, unsigned offset)
{
    return (const uint8_t *) message + offset;
}

DIVIDERE_INLINE void
s_push (dividere_lengths_t *lengths, size_t size)
{
    if (lengths->count < DIVIDERE_PACK_LENGTHS)
        lengths->sizes[lengths->count] = size;
    lengths->count++;
}

/*  The length of a string that was pushed, the last that is left.           */
DIVIDERE_INLINE size_t
s_pop (dividere_lengths_t *lengths, const char *text)
{
    size_t at = --lengths->count;
    return at < DIVIDERE_PACK_LENGTHS ? lengths->sizes[at] : strlen (text);
}

static size_t
s_list_count (const ProtobufCMessage *message,
              const ProtobufCFieldDescriptor *field)
{
    return *(const size_t *) s_member (message, field->quantifier_offset);
}

static bool
s_is_packed (const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0;
}

/*  A number as it goes on the wire.                                         */
DIVIDERE_INLINE uint64_t
s_number (ProtobufCType type, const void *place)
{
    uint32_t half;
    uint64_t whole;
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL: return *(const protobuf_c_boolean *) place != 0;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        return (uint64_t) (int64_t) * (const int32_t *) place;
    case PROTOBUF_C_TYPE_SINT32:
        memcpy (&half, place, sizeof (half));
        return half << 1 ^ (half >> 31 ? UINT32_MAX : 0);
    case PROTOBUF_C_TYPE_SINT64:
        memcpy (&whole, place, sizeof (whole));
        return whole << 1 ^ (whole >> 63 ? UINT64_MAX : 0);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        memcpy (&whole, place, sizeof (whole));
        return whole;
    default: memcpy (&half, place, sizeof (half)); return half;
    }
}

DIVIDERE_INLINE size_t
s_number_size (const ProtobufCFieldDescriptor *field, const void *place)
{
    switch (dividere_fields_wire (field->type)) {
    case DIVIDERE_WIRE_FIXED32: return 4;
    case DIVIDERE_WIRE_FIXED64: return 8;
    default: return dividere_wire_varint_size (s_number (field->type, place));
    }
}

DIVIDERE_INLINE size_t
s_tag_size (uint32_t number)
{
    return dividere_wire_varint_size ((uint64_t) number << 3);
}

/*  What proto3 leaves out: every bit is 0, which -0.0 is not. Of bytes the
 *  length is what counts, and comes first.                                  */
DIVIDERE_INLINE bool
s_is_zero (const ProtobufCFieldDescriptor *field, const void *place)
{
    return dividere_fields_size (field->type) == 4
               ? *(const uint32_t *) place == 0
               : *(const uint64_t *) place == 0;
}

DIVIDERE_INLINE bool
s_is_pointer (ProtobufCType type)
{
    return type == PROTOBUF_C_TYPE_STRING || type == PROTOBUF_C_TYPE_MESSAGE;
}

/*  What proto3 writes of a single field that is not in a choice: all but the
 *  default.                                                                 */
DIVIDERE_INLINE bool
s_is_set_plain (const ProtobufCFieldDescriptor *field, const void *place)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *) place;
        return text && *text;
    }
    return !s_is_zero (field, place);
}

static bool
s_is_set_other (const ProtobufCMessage *message,
                const ProtobufCFieldDescriptor *field, const void *place)
{
    const void *quantifier = s_member (message, field->quantifier_offset);
    const void *target =
        s_is_pointer (field->type) ? *(const void *const *) place : place;
    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(const uint32_t *) quantifier == field->id && target;
    return s_is_pointer (field->type)
               ? target && target != field->default_value
               : *(const protobuf_c_boolean *) quantifier != 0;
}

/*  Whether a field that is no list is packed.                               */
DIVIDERE_INLINE bool
s_is_set (const ProtobufCMessage *message,
          const ProtobufCFieldDescriptor *field)
{
    const void *place = s_member (message, field->offset);
    return field->label == PROTOBUF_C_LABEL_NONE &&
                   !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
               ? s_is_set_plain (field, place)
               : s_is_set_other (message, field, place);
}

DIVIDERE_INLINE int
s_add (size_t *size_p, size_t size)
{
    *size_p += size;
    return 0;
}

/*  Adds the size of one value with its length, without its tag.             */
DIVIDERE_INLINE int
s_size_value (const ProtobufCFieldDescriptor *field, const void *place,
              unsigned left, dividere_lengths_t *lengths, size_t *size_p)
{
    size_t size = 0;
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *bytes = (const ProtobufCBinaryData *) place;
        size = bytes->len;
        if (size && !bytes->data)
            return s_fail (EINVAL);
    }
    else if (!s_is_pointer (field->type))
        return s_add (size_p, s_number_size (field, place));
    else if (!*(const void *const *) place)
        return s_fail (EINVAL);
    else if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *) place;
        size = strlen (text);
        s_push (lengths, size);
        if (!dividere_utf8_valid (text, size))
            return s_fail (EILSEQ);
    }
    else if (s_size_message (*(const ProtobufCMessage *const *) place, left,
                             lengths, &size) < 0)
        return -1;
    return s_add (size_p, dividere_wire_varint_size (size) + size);
}

static size_t
s_packed_list_size (const ProtobufCFieldDescriptor *field, const uint8_t *list,
                    size_t count)
{
    size_t element = dividere_fields_size (field->type), size = 0;
    for (size_t i = 0; i < count; i++)
        size += s_number_size (field, list + i * element);
    return size;
}

static int
s_size_list (const ProtobufCMessage *message,
             const ProtobufCFieldDescriptor *field, unsigned left,
             dividere_lengths_t *lengths, size_t *size_p)
{
    size_t count = s_list_count (message, field);
    const uint8_t *list =
        *(const uint8_t *const *) s_member (message, field->offset);
    if (!count)
        return 0;
    if (!list)
        return s_fail (EINVAL);
    if (s_is_packed (field)) {
        size_t size = s_packed_list_size (field, list, count);
        return s_add (size_p, s_tag_size (field->id) +
                                  dividere_wire_varint_size (size) + size);
    }
    size_t element = dividere_fields_size (field->type);
    for (size_t i = 0; i < count; i++)
        if (s_size_value (field, list + i * element, left, lengths, size_p) < 0)
            return -1;
    return s_add (size_p, count * s_tag_size (field->id));
}

static int
s_size_message (const ProtobufCMessage *message, unsigned left,
                dividere_lengths_t *lengths, size_t *size_p)
{
    if (!left)
        return s_fail (ELOOP);
    const ProtobufCMessageDescriptor *type = message->descriptor;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            if (s_size_list (message, field, left - 1, lengths, size_p) < 0)
                return -1;
        }
        else if (s_is_set (message, field)) {
            *size_p += s_tag_size (field->id);
            if (s_size_value (field, s_member (message, field->offset),
                              left - 1, lengths, size_p) < 0)
                return -1;
        }
    }
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        *size_p += s_tag_size (message->unknown_fields[i].tag) +
                   message->unknown_fields[i].len;
    return 0;
}

int
dividere_pack_size (const ProtobufCMessage *message, unsigned depth_max,
                    dividere_lengths_t *lengths, size_t *ret_size)
{
    size_t size = 0;
    lengths->count = 0;
    if (s_size_message (message, depth_max, lengths, &size) < 0)
        return -1;
    *ret_size = size;
    return 0;
}

DIVIDERE_INLINE uint8_t *
s_put_varint (uint8_t *end, uint64_t value)
{
    if (value < 128) {
        *--end = (uint8_t) value;
        return end;
    }
    end -= dividere_wire_varint_size (value);
    dividere_wire_write_varint (end, value);
    return end;
}

DIVIDERE_INLINE uint8_t *
s_put_bytes (uint8_t *end, const void *data, size_t size)
{
    if (size)
        memcpy (end - size, data, size);
    return end - size;
}

DIVIDERE_INLINE uint8_t *
s_put_tag (uint8_t *end, uint32_t number, unsigned wire)
{
    return s_put_varint (end, (uint64_t) number << 3 | wire);
}

DIVIDERE_INLINE uint8_t *
s_put_number (uint8_t *end, ProtobufCType type, const void *place)
{
    uint64_t number = s_number (type, place);
    switch (dividere_fields_wire (type)) {
    case DIVIDERE_WIRE_FIXED32: {
        uint32_t half = htole32 ((uint32_t) number);
        return s_put_bytes (end, &half, sizeof (half));
    }
    case DIVIDERE_WIRE_FIXED64:
        number = htole64 (number);
        return s_put_bytes (end, &number, sizeof (number));
    default: return s_put_varint (end, number);
    }
}

DIVIDERE_INLINE uint8_t *
s_put_value (uint8_t *end, dividere_lengths_t *lengths,
             const ProtobufCFieldDescriptor *field, const void *place)
{
    uint8_t *start;
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *) place;
        start = s_put_bytes (end, text, s_pop (lengths, text));
    }
    else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *bytes = (const ProtobufCBinaryData *) place;
        start = s_put_bytes (end, bytes->data, bytes->len);
    }
    else if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        start = dividere_pack_before (*(const ProtobufCMessage *const *) place,
                                      lengths, end);
    else
        return s_put_tag (s_put_number (end, field->type, place), field->id,
                          dividere_fields_wire (field->type));
    start = s_put_varint (start, (uint64_t) (end - start));
    return s_put_tag (start, field->id, DIVIDERE_WIRE_BYTES);
}

static uint8_t *
s_put_list (uint8_t *end, dividere_lengths_t *lengths,
            const ProtobufCMessage *message,
            const ProtobufCFieldDescriptor *field)
{
    const uint8_t *list =
        *(const uint8_t *const *) s_member (message, field->offset);
    size_t element = dividere_fields_size (field->type);
    size_t count = s_list_count (message, field);
    uint8_t *at = end;
    for (size_t i = count; i-- > 0;)
        at = s_is_packed (field)
                 ? s_put_number (at, field->type, list + i * element)
                 : s_put_value (at, lengths, field, list + i * element);
    if (!count || !s_is_packed (field))
        return at;
    at = s_put_varint (at, (uint64_t) (end - at));
    return s_put_tag (at, field->id, DIVIDERE_WIRE_BYTES);
}

uint8_t *
dividere_pack_before (const ProtobufCMessage *message,
                      dividere_lengths_t *lengths, uint8_t *end)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    for (unsigned i = message->n_unknown_fields; i-- > 0;) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        end = s_put_bytes (end, field->data, field->len);
        end = s_put_tag (end, field->tag, field->wire_type);
    }
    for (unsigned i = type->n_fields; i-- > 0;) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            end = s_put_list (end, lengths, message, field);
        else if (s_is_set (message, field))
            end = s_put_value (end, lengths, field,
                               s_member (message, field->offset));
    }
    return end;
}
