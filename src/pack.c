/* SPDX-License-Identifier: Apache-2.0 */

/*  The packer that goes by descriptors, and the walk that only adds up.     */

#include "pack.h"
#include "utf8.h"
#include "wire.h"

uint8_t *
dividere_packer_text (dividere_packer_t *self, const char *text, uint8_t *end)
{
    if (!text)
        return dividere_packer_fail (EINVAL);
    if (!dividere_packer_fits (self, end, 0))
        return dividere_packer_fail (ENOBUFS);
    /* A long one need not be read to its end to see that it does not fit.   */
    size_t room = (size_t) (end - self->start) - DIVIDERE_PACKER_SLACK;
    size_t size = strnlen (text, room + 1);
    if (size > room)
        return dividere_packer_fail (ENOBUFS);
    end -= size;
    if (!dividere_utf8_copy (end, text, size))
        return dividere_packer_fail (EILSEQ);
    return dividere_packer_varint (size, end);
}

/*  What an older reader did not know, it hands on.                          */
static uint8_t *
s_put_unknown (dividere_packer_t *self, const ProtobufCMessage *message,
               uint8_t *end)
{
    for (unsigned i = message->n_unknown_fields; i-- > 0;) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        if (!dividere_packer_fits (self, end, field->len))
            return dividere_packer_fail (ENOBUFS);
        end -= field->len;
        if (field->len)
            memcpy (end, field->data, field->len);
        end = dividere_packer_tag (field->tag, field->wire_type, end);
    }
    return end;
}

uint8_t *
dividere_packer_message (dividere_packer_t *self,
                         const ProtobufCMessage *message, uint8_t *end)
{
    if (!self->depth_left)
        return dividere_packer_fail (ELOOP);
    self->depth_left--;
    const ProtobufCMessageDescriptor *type = message->descriptor;
    if (message->n_unknown_fields)
        end = s_put_unknown (self, message, end);
    for (unsigned i = type->n_fields; end && i-- > 0;)
        end =
            dividere_packer_field (self, message,
                                   dividere_packer_described (&type->fields[i]),
                                   dividere_packer_message, end);
    self->depth_left++;
    return end;
}

static int s_size_message (const ProtobufCMessage *message, unsigned left,
                           size_t *size_p);

static int
s_fail (int error)
{
    errno = error;
    return -1;
}

static size_t
s_tag_size (uint32_t number)
{
    return dividere_wire_varint_size ((uint64_t) number << 3);
}

static size_t
s_number_size (ProtobufCType type, const void *place)
{
    switch (dividere_packer_wire (type)) {
    case DIVIDERE_WIRE_FIXED32: return 4;
    case DIVIDERE_WIRE_FIXED64: return 8;
    default:
        return dividere_wire_varint_size (dividere_packer_value (type, place));
    }
}

/*  Adds the size of one value with its length, without its tag.             */
static int
s_size_value (ProtobufCType type, const void *place, unsigned left,
              size_t *size_p)
{
    size_t size = 0;
    if (dividere_packer_wire (type) != DIVIDERE_WIRE_BYTES) {
        *size_p += s_number_size (type, place);
        return 0;
    }
    if (type == PROTOBUF_C_TYPE_BYTES)
        size = ((const ProtobufCBinaryData *) place)->len;
    else if (!*(const void *const *) place)
        return s_fail (EINVAL);
    else if (type == PROTOBUF_C_TYPE_STRING)
        size = strlen (*(const char *const *) place);
    else if (s_size_message (*(const ProtobufCMessage *const *) place, left,
                             &size) < 0)
        return -1;
    *size_p += dividere_wire_varint_size (size) + size;
    return 0;
}

static int
s_size_list (const ProtobufCMessage *message,
             const ProtobufCFieldDescriptor *field, unsigned left,
             size_t *size_p)
{
    size_t count =
        *(const size_t *) dividere_packer_member (message,
                                                  field->quantifier_offset);
    const uint8_t *list = *(
        const uint8_t *const *) dividere_packer_member (message, field->offset);
    size_t element = dividere_packer_element (field->type), size = 0;
    if (!count)
        return 0;
    if (!list)
        return s_fail (EINVAL);
    for (size_t i = 0; i < count; i++)
        if (s_size_value (field->type, list + i * element, left, &size) < 0)
            return -1;
    *size_p +=
        size + (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED
                    ? s_tag_size (field->id) + dividere_wire_varint_size (size)
                    : count * s_tag_size (field->id));
    return 0;
}

static int
s_size_message (const ProtobufCMessage *message, unsigned left, size_t *size_p)
{
    if (!left)
        return s_fail (ELOOP);
    const ProtobufCMessageDescriptor *type = message->descriptor;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            if (s_size_list (message, field, left - 1, size_p) < 0)
                return -1;
        }
        else if (dividere_packer_is_set (message,
                                         dividere_packer_described (field))) {
            *size_p += s_tag_size (field->id);
            if (s_size_value (field->type,
                              dividere_packer_member (message, field->offset),
                              left - 1, size_p) < 0)
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
                    size_t *ret_size)
{
    *ret_size = 0;
    return s_size_message (message, depth_max, ret_size);
}
