/* SPDX-License-Identifier: Apache-2.0 */

/*  Bytes into an object in an arena, by the descriptor. Lists are doubled as
 *  they grow: their room follows from their count, 4, 8, 16 ... so nothing
 *  needs to remember it.                                                     */

#include <assert.h>
#include <errno.h>
#include "fields.h"
#include "unpack.h"

#define LIST_MIN 4

typedef protobuf_c_boolean boolean_t;

static int s_unpack_into (ProtobufCMessage *message, const uint8_t *at,
                          const uint8_t *end, dividere_arena_t *arena);

static void *
s_member (ProtobufCMessage *message, unsigned offset)
{
    return (uint8_t *) message + offset;
}

static int64_t
s_unzigzag (uint64_t value)
{
    return (int64_t) (value >> 1) ^ -(int64_t) (value & 1);
}

/*  A number as it is on the wire into its place in the object.              */
static inline void
s_store (ProtobufCType type, uint64_t number, void *place)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL: *(boolean_t *) place = number != 0; return;
    case PROTOBUF_C_TYPE_SINT32:
        *(int32_t *) place = (int32_t) s_unzigzag ((uint32_t) number);
        return;
    case PROTOBUF_C_TYPE_SINT64:
        *(int64_t *) place = s_unzigzag (number);
        return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: memcpy (place, &number, 8); return;
    default: {
        uint32_t half = (uint32_t) number;
        memcpy (place, &half, 4);
    }
    }
}

static int
s_store_string (const dividere_field_t *field, char **place,
                dividere_arena_t *arena)
{
    char *text = (char *) dividere_arena_alloc (arena, field->size + 1);
    if (!text)
        return -1;
    memcpy (text, field->data, field->size);
    text[field->size] = 0;
    *place = text;
    return 0;
}

static int
s_store_bytes (const dividere_field_t *field, ProtobufCBinaryData *place,
               dividere_arena_t *arena)
{
    uint8_t *data = NULL;
    if (field->size) {
        data = (uint8_t *) dividere_arena_alloc (arena, field->size);
        if (!data)
            return -1;
        memcpy (data, field->data, field->size);
    }
    place->data = data;
    place->len = field->size;
    return 0;
}

static ProtobufCMessage *
s_new_message (const ProtobufCMessageDescriptor *type, dividere_arena_t *arena)
{
    ProtobufCMessage *message =
        (ProtobufCMessage *) dividere_arena_alloc (arena, type->sizeof_message);
    if (message)
        protobuf_c_message_init (type, message);
    return message;
}

/*  Into the message that is there already, or into a new one.               */
static int
s_store_message (const ProtobufCFieldDescriptor *descriptor,
                 const dividere_field_t *field, ProtobufCMessage **place,
                 dividere_arena_t *arena)
{
    if (!*place)
        *place = s_new_message (
            (const ProtobufCMessageDescriptor *) descriptor->descriptor, arena);
    return *place ? s_unpack_into (*place, field->data,
                                   field->data + field->size, arena)
                  : -1;
}

static int
s_store_one (const ProtobufCFieldDescriptor *descriptor,
             const dividere_field_t *field, void *place,
             dividere_arena_t *arena)
{
    switch (descriptor->type) {
    case PROTOBUF_C_TYPE_STRING:
        return s_store_string (field, (char **) place, arena);
    case PROTOBUF_C_TYPE_BYTES:
        return s_store_bytes (field, (ProtobufCBinaryData *) place, arena);
    case PROTOBUF_C_TYPE_MESSAGE:
        return s_store_message (descriptor, field, (ProtobufCMessage **) place,
                                arena);
    default: s_store (descriptor->type, field->number, place); return 0;
    }
}

/*  The room that a list of count elements has.                              */
static size_t
s_room (size_t count)
{
    size_t room = LIST_MIN;
    while (room < count)
        room *= 2;
    return count ? room : 0;
}

/*  Makes room for extra elements; gives the place of the first of them.     */
static uint8_t *
s_extend (ProtobufCMessage *message, const ProtobufCFieldDescriptor *descriptor,
          size_t extra, dividere_arena_t *arena)
{
    size_t size = dividere_fields_size (descriptor->type);
    size_t count =
        *(size_t *) s_member (message, descriptor->quantifier_offset);
    uint8_t **list_p = (uint8_t **) s_member (message, descriptor->offset);
    if (count + extra > s_room (count)) {
        uint8_t *list =
            (uint8_t *) dividere_arena_alloc (arena,
                                              s_room (count + extra) * size);
        if (!list)
            return NULL;
        if (count)
            memcpy (list, *list_p, count * size);
        *list_p = list;
    }
    return *list_p + count * size;
}

static int
s_append_one (ProtobufCMessage *message,
              const ProtobufCFieldDescriptor *descriptor,
              const dividere_field_t *field, dividere_arena_t *arena)
{
    uint8_t *place = s_extend (message, descriptor, 1, arena);
    if (!place)
        return -1;
    memset (place, 0, dividere_fields_size (descriptor->type));
    if (s_store_one (descriptor, field, place, arena) < 0)
        return -1;
    ++*(size_t *) s_member (message, descriptor->quantifier_offset);
    return 0;
}

static size_t
s_count_packed (const dividere_field_t *field, unsigned wire)
{
    if (wire != DIVIDERE_WIRE_VARINT)
        return field->size / (wire == DIVIDERE_WIRE_FIXED32 ? 4 : 8);
    size_t count = 0;
    for (size_t i = 0; i < field->size; i++)
        count += field->data[i] < 128;
    return count;
}

static int
s_append_packed (ProtobufCMessage *message,
                 const ProtobufCFieldDescriptor *descriptor,
                 const dividere_field_t *field, dividere_arena_t *arena)
{
    unsigned wire = dividere_fields_wire (descriptor->type);
    size_t extra = s_count_packed (field, wire);
    if (!extra)
        return 0;
    uint8_t *place = s_extend (message, descriptor, extra, arena);
    if (!place)
        return -1;
    size_t size = dividere_fields_size (descriptor->type);
    const uint8_t *at = field->data, *end = at + field->size;
    for (size_t i = 0; i < extra; i++, place += size) {
        uint64_t number;
        at = dividere_wire_number (at, end, wire, &number);
        if (!at)
            return -1;
        s_store (descriptor->type, number, place);
    }
    *(size_t *) s_member (message, descriptor->quantifier_offset) += extra;
    return 0;
}

/*  Only one member of a choice is set. Whatever was in their common place is
 *  forgotten when another one comes.                                        */
static void
s_choose (ProtobufCMessage *message, const ProtobufCFieldDescriptor *descriptor)
{
    uint32_t *chosen =
        (uint32_t *) s_member (message, descriptor->quantifier_offset);
    if (*chosen == descriptor->id)
        return;
    *chosen = descriptor->id;
    memset (s_member (message, descriptor->offset), 0,
            dividere_fields_size (descriptor->type));
}

static int
s_set_one (ProtobufCMessage *message,
           const ProtobufCFieldDescriptor *descriptor,
           const dividere_field_t *field, dividere_arena_t *arena)
{
    if (descriptor->label == PROTOBUF_C_LABEL_REPEATED)
        return s_append_one (message, descriptor, field, arena);
    if (descriptor->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        s_choose (message, descriptor);
    else if (descriptor->label == PROTOBUF_C_LABEL_OPTIONAL &&
             descriptor->type != PROTOBUF_C_TYPE_STRING &&
             descriptor->type != PROTOBUF_C_TYPE_MESSAGE)
        *(boolean_t *) s_member (message, descriptor->quantifier_offset) = 1;
    return s_store_one (descriptor, field,
                        s_member (message, descriptor->offset), arena);
}

/*  The caller has bounded the depth.                                        */
static int
s_unpack_into (ProtobufCMessage *message, const uint8_t *at, const uint8_t *end,
               dividere_arena_t *arena)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    unsigned next = 0;
    while (at < end) {
        dividere_field_t field;
        at = dividere_wire_field (at, end, UINT32_MAX, &field);
        if (!at)
            return -1;
        const ProtobufCFieldDescriptor *descriptor =
            dividere_fields_find (type, field.tag, &next);
        dividere_fields_fit_t fit = dividere_fields_fit (descriptor, field.tag);
        int rc = 0;
        if (fit == DIVIDERE_FIELDS_ONE)
            rc = s_set_one (message, descriptor, &field, arena);
        else if (fit == DIVIDERE_FIELDS_PACKED)
            rc = s_append_packed (message, descriptor, &field, arena);
        if (rc < 0)
            return -1;
    }
    return 0;
}

ProtobufCMessage *
dividere_unpack (const ProtobufCMessageDescriptor *type, const void *data,
                 size_t size, dividere_arena_t *arena)
{
    ProtobufCMessage *message = s_new_message (type, arena);
    const uint8_t *at = (const uint8_t *) data;
    if (!message || s_unpack_into (message, at, at + size, arena) < 0)
        return NULL;
    return message;
}
