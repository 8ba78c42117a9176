/* SPDX-License-Identifier: Apache-2.0 */

/*  One pass over the bytes as the unpacker will read them, adding up what it
 *  will take. What a list takes is known where it comes in one piece, in a
 *  message that comes once, as all writers do it. As soon as anything comes
 *  again the message is irregular: lists may then move to larger rooms, and all
 *  of them, also those before, count as if they did.                        */

#include "lookup.h"
#include "scan.h"
#include "unpack.h"
#include "utf8.h"

typedef struct {
    unsigned depth_left;
    bool irregular;
    size_t budget;
    size_t need;
    size_t elements; /* the part of need that is elements of lists           */
} scan_t;

static int s_scan_message (scan_t *self, const ProtobufCMessageDescriptor *type,
                           const uint8_t *at, const uint8_t *end);

static int
s_fail (int error)
{
    errno = error;
    return -1;
}

static inline int
s_take (scan_t *self, size_t size)
{
    if (size > self->budget - self->need)
        return s_fail (ENOBUFS);
    self->need += size;
    return 0;
}

static int
s_take_elements (scan_t *self, size_t count, size_t size)
{
    if (self->irregular)
        size *= DIVIDERE_UNPACK_MOVED;
    if (__builtin_mul_overflow (count, size, &size))
        return s_fail (ENOBUFS);
    self->elements += size;
    return s_take (self, size);
}

static int
s_expect_moves (scan_t *self)
{
    if (self->irregular)
        return 0;
    self->irregular = true;
    return s_take (self, self->elements * (DIVIDERE_UNPACK_MOVED - 1));
}

/*  Notes that a piece of a list, or a message, has come in a field. Fields that
 *  share a bit of seen are taken for the same, at a price but no harm.      */
static inline int
s_note (scan_t *self, const ProtobufCMessageDescriptor *type,
        const ProtobufCFieldDescriptor *descriptor, uint64_t *seen_p)
{
    uint64_t bit = (uint64_t) 1 << ((descriptor - type->fields) & 63);
    if ((*seen_p & bit) && s_expect_moves (self) < 0)
        return -1;
    *seen_p |= bit;
    return 0;
}

static inline int
s_scan_data (scan_t *self, const ProtobufCFieldDescriptor *descriptor,
             const uint8_t *data, size_t size)
{
    if (descriptor->type == PROTOBUF_C_TYPE_STRING)
        return dividere_utf8_valid (data, size)
                   ? s_take (self, dividere_arena_rounded (size + 1))
                   : s_fail (EILSEQ);
    if (descriptor->type == PROTOBUF_C_TYPE_BYTES)
        return s_take (self, dividere_arena_rounded (size));
    return s_scan_message (
        self, (const ProtobufCMessageDescriptor *) descriptor->descriptor, data,
        data + size);
}

DIVIDERE_INLINE const uint8_t *
s_scan_value (scan_t *self, const ProtobufCFieldDescriptor *descriptor,
              const uint8_t *at, const uint8_t *end)
{
    unsigned wire = dividere_fields_wire (descriptor->type);
    if (wire != DIVIDERE_WIRE_BYTES) {
        uint64_t number;
        return dividere_wire_number (at, end, wire, &number);
    }
    size_t size;
    at = dividere_wire_length (at, end, &size);
    return at && s_scan_data (self, descriptor, at, size) == 0 ? at + size
                                                               : NULL;
}

/*  Elements one after the other; the tag of the first has been read.        */
static const uint8_t *
s_scan_piece (scan_t *self, const ProtobufCFieldDescriptor *descriptor,
              const uint8_t *at, const uint8_t *end)
{
    uint32_t tag = dividere_lookup_tag (descriptor);
    size_t size = dividere_fields_size (descriptor->type);
    for (const uint8_t *next = at; next;
         next = dividere_wire_again (at, end, tag)) {
        if (s_take_elements (self, 1, size) < 0)
            return NULL;
        at = s_scan_value (self, descriptor, next, end);
        if (!at)
            return NULL;
    }
    return at;
}

static const uint8_t *
s_scan_packed (scan_t *self, const ProtobufCFieldDescriptor *descriptor,
               const uint8_t *at, const uint8_t *end)
{
    size_t size, element = dividere_fields_size (descriptor->type);
    at = dividere_wire_length (at, end, &size);
    if (!at)
        return NULL;
    size_t count = size / element;
    if (dividere_fields_wire (descriptor->type) == DIVIDERE_WIRE_VARINT) {
        if (dividere_wire_count (at, at + size, &count) < 0)
            return NULL;
    }
    else if (size % element)
        return dividere_wire_bad ();
    return s_take_elements (self, count, element) == 0 ? at + size : NULL;
}

static bool
s_contains (const uint8_t *at, const uint8_t *end, unsigned depth_left,
            const ProtobufCFieldDescriptor *descriptor)
{
    dividere_field_t field;
    while (at < end && (at = dividere_wire_field (at, end, depth_left, &field)))
        if (field.tag == dividere_lookup_tag (descriptor))
            return true;
    return false;
}

/*  Only proto2 has required fields; there, a second look is worth its price. */
int
dividere_scan_required (const ProtobufCMessageDescriptor *type,
                        const uint8_t *at, const uint8_t *end,
                        unsigned depth_left)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (type->fields[i].label == PROTOBUF_C_LABEL_NONE)
            return 0;
        if (type->fields[i].label == PROTOBUF_C_LABEL_REQUIRED &&
            !s_contains (at, end, depth_left, &type->fields[i]))
            return s_fail (EBADMSG);
    }
    return 0;
}

/*  The field that was found at at.                                          */
DIVIDERE_INLINE const uint8_t *
s_scan_field (scan_t *self, const ProtobufCMessageDescriptor *type,
              dividere_lookup_t found, const uint8_t *at, const uint8_t *end,
              uint64_t *seen_p)
{
    const ProtobufCFieldDescriptor *descriptor = found.descriptor;
    bool list = descriptor->label == PROTOBUF_C_LABEL_REPEATED;
    if ((list || descriptor->type == PROTOBUF_C_TYPE_MESSAGE) &&
        s_note (self, type, descriptor, seen_p) < 0)
        return NULL;
    if (!list)
        return s_scan_value (self, descriptor, found.value, end);
    if (s_take (self, DIVIDERE_UNPACK_LIST) < 0)
        return NULL;
    return (*at & 7) == dividere_fields_wire (descriptor->type)
               ? s_scan_piece (self, descriptor, found.value, end)
               : s_scan_packed (self, descriptor, found.value, end);
}

static int
s_scan_message (scan_t *self, const ProtobufCMessageDescriptor *type,
                const uint8_t *at, const uint8_t *end)
{
    if (!self->depth_left)
        return s_fail (ELOOP);
    self->depth_left--;
    if (s_take (self, dividere_arena_rounded (type->sizeof_message)) < 0)
        return -1;
    const uint8_t *start = at;
    const ProtobufCFieldDescriptor *next = type->fields;
    const ProtobufCFieldDescriptor *last = next + type->n_fields;
    uint64_t seen = 0;
    while (at < end) {
        dividere_lookup_t found = dividere_lookup (type, at, end, next, last);
        if (found.descriptor) {
            next = found.descriptor + 1;
            at = s_scan_field (self, type, found, at, end, &seen);
        }
        else
            at = dividere_lookup_skip (at, end, self->depth_left);
        if (!at)
            return -1;
    }
    int rc = dividere_scan_required (type, start, end, self->depth_left);
    self->depth_left++;
    return rc;
}

int
dividere_scan (const ProtobufCMessageDescriptor *type, const void *data,
               size_t size, unsigned depth_max, size_t budget, size_t *ret_need)
{
    /* A part of the address space: what is counted several times for a list
       cannot overflow.                                                      */
    size_t budget_max = SIZE_MAX / DIVIDERE_UNPACK_MOVED;
    scan_t self = { .depth_left = depth_max,
                    .budget = budget < budget_max ? budget : budget_max };
    const uint8_t *at = (const uint8_t *) data;
    if (s_scan_message (&self, type, at, size ? at + size : at) < 0)
        return -1;
    *ret_need = self.need;
    return 0;
}
