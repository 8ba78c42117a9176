/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_PACKER_H
#define DIVIDERE_PACKER_H

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <protobuf-c/protobuf-c.h>
#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  What packers are made of: those that protoc-gen-dividere makes, in which the
 *  compiler knows each field, and the one in the library that goes by any
 *  descriptor. Both give the same bytes: those of protobuf-c, but for -0.0,
 *  which protobuf-c leaves out as if it were 0. Nothing here is called by hand.
 *
 *  A packer writes from the end to the start, so that the length of what is
 *  nested is known when its turn comes, and judges on its way.              */

/*  As much stays free at the start of the room.                             */
#define DIVIDERE_PACKER_SLACK 24

typedef struct {
    uint8_t *start;      /* of the room                                      */
    unsigned depth_left; /* of messages within messages                      */
} dividere_packer_t;

/*  Packs a message so that its last byte is the one before end. Gives the place
 *  of the first, or NULL with
 *    ENOBUFS  not enough room
 *    EILSEQ   a string is not UTF-8
 *    EINVAL   a required string or message, an element of a list, a list or
 *             bytes with a length are NULL
 *    ELOOP    nested too deep (or a cycle)                                  */
typedef uint8_t *(dividere_pack_fn) (dividere_packer_t *self,
                                     const ProtobufCMessage *message,
                                     uint8_t *end);

/*  Registers types, as dividere_types_register_all does, each with the packer
 *  that was made for it; NULL: it goes by its descriptor. Ends with a type of
 *  NULL. What is sent from then on is packed by it, in any thread. Returns 0,
 *  or -1 with the errno of the first type that was refused; the others are
 *  registered all the same.                                                 */
typedef struct {
    const ProtobufCMessageDescriptor *type;
    dividere_pack_fn *pack;
} dividere_packed_t;

DIVIDERE_EXPORT int dividere_packer_register (const dividere_packed_t *types);

/*  A message by its descriptor, and a string with its length.               */
DIVIDERE_EXPORT uint8_t *dividere_packer_message (
    dividere_packer_t *self, const ProtobufCMessage *message, uint8_t *end);
DIVIDERE_EXPORT uint8_t *dividere_packer_text (dividere_packer_t *self,
                                               const char *text, uint8_t *end);

/*  A field: what a made packer knows of it, and its descriptor, which knows
 *  where it is.                                                             */
typedef struct {
    uint32_t id;
    ProtobufCLabel label;
    ProtobufCType type;
    uint32_t flags;
    const ProtobufCFieldDescriptor *descriptor;
} dividere_packer_field_t;

/*  All that follows becomes a few instructions where the field is constant. */
#define DIVIDERE_PACKER_INLINE static inline __attribute__ ((always_inline))

/*  The wire type of one value of a field, and its size in the object.       */
DIVIDERE_PACKER_INLINE unsigned
dividere_packer_wire (ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT: return 5;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 1;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: return 2;
    default: return 0;
    }
}

DIVIDERE_PACKER_INLINE size_t
dividere_packer_element (ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    case PROTOBUF_C_TYPE_STRING: return sizeof (char *);
    case PROTOBUF_C_TYPE_BYTES: return sizeof (ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof (ProtobufCMessage *);
    default: return 4;
    }
}

DIVIDERE_PACKER_INLINE uint8_t *
dividere_packer_fail (int error)
{
    errno = error;
    return NULL;
}

DIVIDERE_PACKER_INLINE bool
dividere_packer_fits (const dividere_packer_t *self, const uint8_t *end,
                      size_t size)
{
    size_t room = (size_t) (end - self->start);
    return room >= DIVIDERE_PACKER_SLACK &&
           room - DIVIDERE_PACKER_SLACK >= size;
}

DIVIDERE_PACKER_INLINE const void *
dividere_packer_member (const ProtobufCMessage *message, unsigned offset)
{
    return (const uint8_t *) message + offset;
}

DIVIDERE_PACKER_INLINE uint8_t *
dividere_packer_varint (uint64_t value, uint8_t *end)
{
    if (value < 128) {
        *--end = (uint8_t) value;
        return end;
    }
    if (value < 16384) {
        *--end = (uint8_t) (value >> 7);
        *--end = (uint8_t) (value | 128);
        return end;
    }
    /* A byte for each 7 bits: 9/64 in place of 1/7 is exact up to 64 bits.  */
    end -= ((size_t) (63 - __builtin_clzll (value)) * 9 + 73) / 64;
    for (uint8_t *at = end; value; value >>= 7)
        *at++ = (uint8_t) (value > 127 ? value | 128 : value);
    return end;
}

DIVIDERE_PACKER_INLINE uint8_t *
dividere_packer_tag (uint32_t number, unsigned wire, uint8_t *end)
{
    return dividere_packer_varint ((uint64_t) number << 3 | wire, end);
}

/*  A number of an object as it is on the wire.                              */
DIVIDERE_PACKER_INLINE uint64_t
dividere_packer_value (ProtobufCType type, const void *place)
{
    uint32_t half;
    uint64_t whole;
    if (dividere_packer_element (type) == 8)
        memcpy (&whole, place, sizeof (whole));
    else {
        memcpy (&half, place, sizeof (half));
        whole = half;
    }
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL: return whole != 0;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM: return (uint64_t) (int64_t) (int32_t) whole;
    case PROTOBUF_C_TYPE_SINT32:
        return (uint32_t) (whole << 1) ^ (whole >> 31 ? UINT32_MAX : 0);
    case PROTOBUF_C_TYPE_SINT64:
        return whole << 1 ^ (whole >> 63 ? UINT64_MAX : 0);
    default: return whole;
    }
}

DIVIDERE_PACKER_INLINE uint8_t *
dividere_packer_number (ProtobufCType type, const void *place, uint8_t *end)
{
    uint64_t value = dividere_packer_value (type, place);
    uint32_t half = htole32 ((uint32_t) value);
    switch (dividere_packer_wire (type)) {
    case 0: return dividere_packer_varint (value, end);
    case 1:
        value = htole64 (value);
        end -= sizeof (value);
        memcpy (end, &value, sizeof (value));
        return end;
    default:
        end -= sizeof (half);
        memcpy (end, &half, sizeof (half));
        return end;
    }
}

DIVIDERE_PACKER_INLINE uint8_t *
dividere_packer_bytes (dividere_packer_t *self,
                       const ProtobufCBinaryData *bytes, uint8_t *end)
{
    if (bytes->len && !bytes->data)
        return dividere_packer_fail (EINVAL);
    if (!dividere_packer_fits (self, end, bytes->len))
        return dividere_packer_fail (ENOBUFS);
    end -= bytes->len;
    if (bytes->len)
        memcpy (end, bytes->data, bytes->len);
    return dividere_packer_varint (bytes->len, end);
}

DIVIDERE_PACKER_INLINE uint8_t *
dividere_packer_nested (dividere_packer_t *self,
                        const ProtobufCMessage *message,
                        dividere_pack_fn *nested, uint8_t *end)
{
    if (!message)
        return dividere_packer_fail (EINVAL);
    uint8_t *start = nested (self, message, end);
    if (!start)
        return NULL;
    /* One with nothing in it has not looked.                                */
    if (!dividere_packer_fits (self, start, 0))
        return dividere_packer_fail (ENOBUFS);
    return dividere_packer_varint ((uint64_t) (end - start), start);
}

/*  One value with its length, without its tag.                              */
DIVIDERE_PACKER_INLINE uint8_t *
dividere_packer_one (dividere_packer_t *self, ProtobufCType type,
                     dividere_pack_fn *nested, const void *place, uint8_t *end)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
        return dividere_packer_text (self, *(const char *const *) place, end);
    case PROTOBUF_C_TYPE_BYTES:
        return dividere_packer_bytes (self, (const ProtobufCBinaryData *) place,
                                      end);
    case PROTOBUF_C_TYPE_MESSAGE:
        return dividere_packer_nested (self,
                                       *(const ProtobufCMessage *const *) place,
                                       nested, end);
    default:
        return dividere_packer_fits (self, end, 0)
                   ? dividere_packer_number (type, place, end)
                   : dividere_packer_fail (ENOBUFS);
    }
}

/*  Whether a single field is there. Of proto3 all are but the default, which is
 *  when every bit is 0: -0.0 is there.                                      */
DIVIDERE_PACKER_INLINE bool
dividere_packer_is_set (const ProtobufCMessage *message,
                        dividere_packer_field_t field)
{
    const void *place =
        dividere_packer_member (message, field.descriptor->offset);
    const void *quantifier =
        dividere_packer_member (message, field.descriptor->quantifier_offset);
    bool pointer = field.type == PROTOBUF_C_TYPE_STRING ||
                   field.type == PROTOBUF_C_TYPE_MESSAGE;
    const char *target = pointer ? *(const char *const *) place : "";
    if (field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(const uint32_t *) quantifier == field.id && target;
    if (field.label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    if (field.label == PROTOBUF_C_LABEL_OPTIONAL)
        return pointer ? target && target != field.descriptor->default_value
                       : *(const protobuf_c_boolean *) quantifier != 0;
    if (pointer)
        return target && (field.type == PROTOBUF_C_TYPE_MESSAGE || *target);
    return dividere_packer_element (field.type) == 4
               ? *(const uint32_t *) place != 0
               : *(const uint64_t *) place != 0; /* of bytes: the length      */
}

DIVIDERE_PACKER_INLINE uint8_t *
dividere_packer_packed (dividere_packer_t *self, dividere_packer_field_t field,
                        const uint8_t *list, size_t count, uint8_t *end)
{
    size_t size = dividere_packer_element (field.type);
    uint8_t *at = end;
    for (size_t i = count; i-- > 0;) {
        if (!dividere_packer_fits (self, at, 0))
            return dividere_packer_fail (ENOBUFS);
        at = dividere_packer_number (field.type, list + i * size, at);
    }
    at = dividere_packer_varint ((uint64_t) (end - at), at);
    return dividere_packer_tag (field.id, 2, at);
}

DIVIDERE_PACKER_INLINE uint8_t *
dividere_packer_list (dividere_packer_t *self, const ProtobufCMessage *message,
                      dividere_packer_field_t field, dividere_pack_fn *nested,
                      uint8_t *end)
{
    size_t count = *(const size_t *) dividere_packer_member (
        message, field.descriptor->quantifier_offset);
    const uint8_t *list = *(const uint8_t *const *) dividere_packer_member (
        message, field.descriptor->offset);
    size_t size = dividere_packer_element (field.type);
    if (!count)
        return end;
    if (!list)
        return dividere_packer_fail (EINVAL);
    if (field.flags & PROTOBUF_C_FIELD_FLAG_PACKED)
        return dividere_packer_packed (self, field, list, count, end);
    for (size_t i = count; i-- > 0;) {
        end = dividere_packer_one (self, field.type, nested, list + i * size,
                                   end);
        if (!end)
            return NULL;
        end = dividere_packer_tag (field.id, dividere_packer_wire (field.type),
                                   end);
    }
    return end;
}

/*  A field that is known by its descriptor alone.                           */
DIVIDERE_PACKER_INLINE dividere_packer_field_t
dividere_packer_described (const ProtobufCFieldDescriptor *descriptor)
{
    dividere_packer_field_t field = { descriptor->id, descriptor->label,
                                      descriptor->type, descriptor->flags,
                                      descriptor };
    return field;
}

/*  A field with its tag, if it is set. What is nested is packed by nested.  */
DIVIDERE_PACKER_INLINE uint8_t *
dividere_packer_field (dividere_packer_t *self, const ProtobufCMessage *message,
                       dividere_packer_field_t field, dividere_pack_fn *nested,
                       uint8_t *end)
{
    if (field.label == PROTOBUF_C_LABEL_REPEATED)
        return dividere_packer_list (self, message, field, nested, end);
    if (!dividere_packer_is_set (message, field))
        return end;
    end =
        dividere_packer_one (self, field.type, nested,
                             dividere_packer_member (message,
                                                     field.descriptor->offset),
                             end);
    return end ? dividere_packer_tag (field.id,
                                      dividere_packer_wire (field.type), end)
               : NULL;
}

#ifdef __cplusplus
}
#endif

#endif
