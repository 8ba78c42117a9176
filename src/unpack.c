/* SPDX-License-Identifier: Apache-2.0 */

/*  Bytes into an object in an arena, by the descriptor, judging them where the
 *  scanner has not: in every check the two must agree. A list gets the room of
 *  its first piece: a packed field, or one element after the other. When more
 *  comes it moves; its room stands in front of its elements.                */

#include "lookup.h"
#include "scan.h"
#include "unpack.h"
#include "utf8.h"

#define DEPTH_MAX 1000 /* what dividere_scan can have been told              */

typedef protobuf_c_boolean boolean_t;

typedef struct {
    dividere_arena_t *arena;
    unsigned depth_left;
    bool judging; /* nobody has scanned the bytes                            */
} unpack_t;

static int s_unpack_into (unpack_t *self, ProtobufCMessage *message,
                          const uint8_t *at, const uint8_t *end);

static inline void *
s_member (ProtobufCMessage *message, unsigned offset)
{
    return (uint8_t *) message + offset;
}

static inline size_t *
s_count_of (ProtobufCMessage *message,
            const ProtobufCFieldDescriptor *descriptor)
{
    return (size_t *) s_member (message, descriptor->quantifier_offset);
}

static inline int64_t
s_unzigzag (uint64_t value)
{
    return (int64_t) (value >> 1) ^ -(int64_t) (value & 1);
}

/*  A number as it is on the wire into its place in the object.              */
DIVIDERE_INLINE void
s_store_number (ProtobufCType type, uint64_t number, void *place)
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
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: memcpy (place, &number, 8); return;
    default: {
        uint32_t half = (uint32_t) number;
        memcpy (place, &half, 4);
    }
    }
}

/*  Sets fields to their defaults as generated code does it, for types that were
 *  generated without it.                                                    */
static void
s_init_fields (const ProtobufCMessageDescriptor *type,
               ProtobufCMessage *message)
{
    memset (message, 0, type->sizeof_message);
    message->descriptor = type;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        void *place = s_member (message, field->offset);
        if (!field->default_value ||
            (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
            continue;
        if (field->type == PROTOBUF_C_TYPE_STRING)
            *(const void **) place = field->default_value;
        else
            memcpy (place, field->default_value,
                    dividere_fields_size (field->type));
    }
}

void
dividere_unpack_init (const ProtobufCMessageDescriptor *type,
                      ProtobufCMessage *message)
{
    if (type->message_init)
        type->message_init (message);
    else
        s_init_fields (type, message);
}

static inline ProtobufCMessage *
s_new_message (unpack_t *self, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message =
        (ProtobufCMessage *) dividere_arena_alloc (self->arena,
                                                   type->sizeof_message);
    if (!message)
        return NULL;
    dividere_unpack_init (type, message);
    return message;
}

/*  Into the message that is there already, or into a new one.               */
static int
s_store_message (unpack_t *self, const ProtobufCFieldDescriptor *descriptor,
                 const uint8_t *data, size_t size, ProtobufCMessage **place)
{
    if (!*place)
        *place = s_new_message (self, (const ProtobufCMessageDescriptor *)
                                          descriptor->descriptor);
    return *place ? s_unpack_into (self, *place, data, data + size) : -1;
}

static inline int
s_store_string (unpack_t *self, const uint8_t *data, size_t size, char **place)
{
    char *text = (char *) dividere_arena_alloc (self->arena, size + 1);
    if (!text)
        return -1;
    if (!self->judging)
        memcpy (text, data, size);
    else if (!dividere_utf8_copy (text, data, size)) {
        errno = EILSEQ;
        return -1;
    }
    text[size] = 0;
    *place = text;
    return 0;
}

static inline int
s_store_bytes (unpack_t *self, const uint8_t *data, size_t size,
               ProtobufCBinaryData *place)
{
    uint8_t *copy = NULL;
    if (size) {
        copy = (uint8_t *) dividere_arena_alloc (self->arena, size);
        if (!copy)
            return -1;
        memcpy (copy, data, size);
    }
    place->data = copy;
    place->len = size;
    return 0;
}

DIVIDERE_INLINE const uint8_t *
s_read_value (unpack_t *self, const ProtobufCFieldDescriptor *descriptor,
              const uint8_t *at, const uint8_t *end, void *place)
{
    unsigned wire = dividere_fields_wire (descriptor->type);
    if (wire != DIVIDERE_WIRE_BYTES) {
        uint64_t number;
        at = dividere_wire_number (at, end, wire, &number);
        if (at)
            s_store_number (descriptor->type, number, place);
        return at;
    }
    size_t size;
    at = dividere_wire_length (at, end, &size);
    if (!at)
        return NULL;
    int rc;
    if (descriptor->type == PROTOBUF_C_TYPE_STRING)
        rc = s_store_string (self, at, size, (char **) place);
    else if (descriptor->type == PROTOBUF_C_TYPE_BYTES)
        rc = s_store_bytes (self, at, size, (ProtobufCBinaryData *) place);
    else
        rc = s_store_message (self, descriptor, at, size,
                              (ProtobufCMessage **) place);
    return rc == 0 ? at + size : NULL;
}

/*  Makes room for more elements; gives the place of the first of them.      */
static uint8_t *
s_extend (unpack_t *self, ProtobufCMessage *message,
          const ProtobufCFieldDescriptor *descriptor, size_t more)
{
    size_t size = dividere_fields_size (descriptor->type);
    size_t count = *s_count_of (message, descriptor);
    uint8_t **list_p = (uint8_t **) s_member (message, descriptor->offset);
    size_t room = count ? (size_t) ((const uint64_t *) *list_p)[-1] : 0;
    if (more > room - count) {
        room = count + more > 2 * room ? count + more : 2 * room;
        uint64_t *head =
            (uint64_t *) dividere_arena_alloc (self->arena,
                                               sizeof (*head) + room * size);
        if (!head)
            return NULL;
        *head = room;
        if (count)
            memcpy (head + 1, *list_p, count * size);
        *list_p = (uint8_t *) (head + 1);
    }
    return *list_p + count * size;
}

/*  How many elements follow one after the other, the first tag being read.  */
static size_t
s_count_piece (const uint8_t *at, const uint8_t *end, uint32_t tag)
{
    size_t count = 0;
    for (; at; count++) {
        uint64_t number;
        size_t size;
        if ((tag & 7) != DIVIDERE_WIRE_BYTES)
            at = dividere_wire_number (at, end, tag & 7, &number);
        else if ((at = dividere_wire_length (at, end, &size)))
            at += size;
        if (at)
            at = dividere_wire_again (at, end, tag);
    }
    return count;
}

static const uint8_t *
s_append_piece (unpack_t *self, ProtobufCMessage *message,
                const ProtobufCFieldDescriptor *descriptor, const uint8_t *at,
                const uint8_t *end)
{
    uint32_t tag = dividere_lookup_tag (descriptor);
    size_t more = s_count_piece (at, end, tag);
    uint8_t *place = s_extend (self, message, descriptor, more);
    if (!place)
        return NULL;
    size_t size = dividere_fields_size (descriptor->type);
    size_t *count_p = s_count_of (message, descriptor);
    for (const uint8_t *next = at; more > 0; more--) {
        if (descriptor->type == PROTOBUF_C_TYPE_MESSAGE)
            *(ProtobufCMessage **) place = NULL;
        at = s_read_value (self, descriptor, next, end, place);
        if (!at)
            return NULL;
        next = dividere_wire_again (at, end, tag);
        place += size;
        ++*count_p;
    }
    return at;
}

DIVIDERE_INLINE void
s_fill_as (ProtobufCType type, const uint8_t *at, const uint8_t *end,
           uint8_t *place)
{
    for (; at < end; place += dividere_fields_size (type)) {
        uint64_t number;
        at = dividere_wire_counted (at, &number);
        s_store_number (type, number, place);
    }
}

/*  Varints that were counted; a loop for each way to store them.            */
static void
s_fill_varints (ProtobufCType type, const uint8_t *at, const uint8_t *end,
                uint8_t *place)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL:
        s_fill_as (PROTOBUF_C_TYPE_BOOL, at, end, place);
        return;
    case PROTOBUF_C_TYPE_SINT32:
        s_fill_as (PROTOBUF_C_TYPE_SINT32, at, end, place);
        return;
    case PROTOBUF_C_TYPE_SINT64:
        s_fill_as (PROTOBUF_C_TYPE_SINT64, at, end, place);
        return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        s_fill_as (PROTOBUF_C_TYPE_UINT64, at, end, place);
        return;
    default: s_fill_as (PROTOBUF_C_TYPE_UINT32, at, end, place);
    }
}

/*  A copy where memory has the byte order of the wire.                      */
static void
s_fill_fixed (ProtobufCType type, const uint8_t *at, size_t size,
              uint8_t *place)
{
#if __BYTE_ORDER == __LITTLE_ENDIAN
    memcpy (place, at, size);
#else
    size_t element = dividere_fields_size (type);
    for (const uint8_t *end = at + size; at < end; place += element) {
        uint64_t number = 0;
        at = dividere_wire_number (at, end, dividere_fields_wire (type),
                                   &number);
        s_store_number (type, number, place);
    }
#endif
}

static const uint8_t *
s_append_packed (unpack_t *self, ProtobufCMessage *message,
                 const ProtobufCFieldDescriptor *descriptor, const uint8_t *at,
                 const uint8_t *end)
{
    size_t size, element = dividere_fields_size (descriptor->type);
    at = dividere_wire_length (at, end, &size);
    if (!at)
        return NULL;
    bool varints =
        dividere_fields_wire (descriptor->type) == DIVIDERE_WIRE_VARINT;
    size_t more = size / element;
    if (!varints && size % element)
        return dividere_wire_bad ();
    if (varints && dividere_wire_count (at, at + size, &more) < 0)
        return NULL;
    if (!more)
        return at + size;
    uint8_t *place = s_extend (self, message, descriptor, more);
    if (!place)
        return NULL;
    if (varints)
        s_fill_varints (descriptor->type, at, at + size, place);
    else
        s_fill_fixed (descriptor->type, at, more * element, place);
    *s_count_of (message, descriptor) += more;
    return at + size;
}

/*  Only one member of a choice is set. Whatever was in their common place is
 *  forgotten when another one comes.                                        */
static void
s_qualify (ProtobufCMessage *message,
           const ProtobufCFieldDescriptor *descriptor)
{
    void *quantifier = s_member (message, descriptor->quantifier_offset);
    if (!(descriptor->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
        *(boolean_t *) quantifier = 1;
    else if (*(uint32_t *) quantifier != descriptor->id) {
        *(uint32_t *) quantifier = descriptor->id;
        memset (s_member (message, descriptor->offset), 0,
                dividere_fields_size (descriptor->type));
    }
}

/*  The field that was found at at.                                          */
DIVIDERE_INLINE const uint8_t *
s_unpack_field (unpack_t *self, ProtobufCMessage *message,
                dividere_lookup_t found, const uint8_t *at, const uint8_t *end)
{
    const ProtobufCFieldDescriptor *descriptor = found.descriptor;
    if (descriptor->label == PROTOBUF_C_LABEL_REPEATED)
        return (*at & 7) == dividere_fields_wire (descriptor->type)
                   ? s_append_piece (self, message, descriptor, found.value,
                                     end)
                   : s_append_packed (self, message, descriptor, found.value,
                                      end);
    if (descriptor->quantifier_offset)
        s_qualify (message, descriptor);
    return s_read_value (self, descriptor, found.value, end,
                         s_member (message, descriptor->offset));
}

static int
s_unpack_into (unpack_t *self, ProtobufCMessage *message, const uint8_t *at,
               const uint8_t *end)
{
    if (!self->depth_left) {
        errno = ELOOP;
        return -1;
    }
    self->depth_left--;
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const ProtobufCFieldDescriptor *next = type->fields;
    const ProtobufCFieldDescriptor *last = next + type->n_fields;
    const uint8_t *start = at;
    while (at < end) {
        dividere_lookup_t found = dividere_lookup (type, at, end, next, last);
        if (found.descriptor) {
            next = found.descriptor + 1;
            at = s_unpack_field (self, message, found, at, end);
        }
        else
            at = dividere_lookup_skip (at, end, self->depth_left);
        if (!at)
            return -1;
    }
    int rc = self->judging
                 ? dividere_scan_required (type, start, end, self->depth_left)
                 : 0;
    self->depth_left++;
    return rc;
}

static ProtobufCMessage *
s_unpack (unpack_t *self, const ProtobufCMessageDescriptor *type,
          const void *data, size_t size)
{
    ProtobufCMessage *message = s_new_message (self, type);
    const uint8_t *at = (const uint8_t *) data;
    const uint8_t *end = size ? at + size : at;
    return message && s_unpack_into (self, message, at, end) == 0 ? message
                                                                  : NULL;
}

ProtobufCMessage *
dividere_unpack (const ProtobufCMessageDescriptor *type, const void *data,
                 size_t size, dividere_arena_t *arena)
{
    unpack_t self = { arena, DEPTH_MAX, false };
    return s_unpack (&self, type, data, size);
}

ProtobufCMessage *
dividere_unpack_judged (const ProtobufCMessageDescriptor *type,
                        const void *data, size_t size, unsigned depth_max,
                        size_t budget, dividere_arena_t *arena)
{
    unpack_t self = { arena, depth_max, true };
    dividere_arena_reset_kept (arena, budget);
    ProtobufCMessage *message = s_unpack (&self, type, data, size);
    size_t need;
    if (message || errno != ENOBUFS)
        return message;
    if (dividere_scan (type, data, size, depth_max, budget, &need) < 0)
        return NULL;
    dividere_arena_reset (arena, need);
    return dividere_unpack (type, data, size, arena);
}
