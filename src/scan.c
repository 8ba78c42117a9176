/* SPDX-License-Identifier: Apache-2.0 */

/*  One pass over the bytes as the unpacker will read them, adding up what it
 *  will take. Lists grow by doubling there, so an element counts four times:
 *  twice for the room it has, twice for the smaller rooms before.           */

#include <errno.h>
#include "fields.h"
#include "scan.h"
#include "utf8.h"

#define LIST_SHARE 4

typedef struct {
    unsigned depth_max;
    size_t budget;
    size_t need;
} scan_t;

static int
s_take (scan_t *self, size_t size)
{
    size = (size + 7) & ~(size_t) 7;
    if (size > self->budget - self->need) {
        errno = ENOBUFS;
        return -1;
    }
    self->need += size;
    return 0;
}

static int
s_scan_packed (scan_t *self, const ProtobufCFieldDescriptor *descriptor,
               const dividere_field_t *field)
{
    unsigned wire = dividere_fields_wire (descriptor->type);
    const uint8_t *at = field->data, *end = at + field->size;
    size_t count = 0;
    for (; at < end; count++) {
        uint64_t number;
        at = dividere_wire_number (at, end, wire, &number);
        if (!at)
            return -1;
    }
    /* A count is at most a size that is within the limit: no overflow.      */
    return s_take (self, count * LIST_SHARE *
                             dividere_fields_size (descriptor->type));
}

static int s_scan_message (scan_t *self, const ProtobufCMessageDescriptor *type,
                           const uint8_t *at, const uint8_t *end,
                           unsigned depth);

static int
s_scan_one (scan_t *self, const ProtobufCFieldDescriptor *descriptor,
            const dividere_field_t *field, unsigned depth)
{
    if (descriptor->label == PROTOBUF_C_LABEL_REPEATED &&
        s_take (self, LIST_SHARE * dividere_fields_size (descriptor->type)) < 0)
        return -1;
    switch (descriptor->type) {
    case PROTOBUF_C_TYPE_STRING:
        if (!dividere_utf8_valid (field->data, field->size)) {
            errno = EILSEQ;
            return -1;
        }
        return s_take (self, field->size + 1);
    case PROTOBUF_C_TYPE_BYTES: return s_take (self, field->size);
    case PROTOBUF_C_TYPE_MESSAGE:
        return s_scan_message (
            self, (const ProtobufCMessageDescriptor *) descriptor->descriptor,
            field->data, field->data + field->size, depth + 1);
    default: return 0;
    }
}

static bool
s_contains (const uint8_t *at, const uint8_t *end, unsigned depth_max,
            const ProtobufCFieldDescriptor *descriptor)
{
    dividere_field_t field;
    while (at < end && (at = dividere_wire_field (at, end, depth_max, &field)))
        if (field.tag >> 3 == descriptor->id &&
            dividere_fields_fit (descriptor, field.tag) == DIVIDERE_FIELDS_ONE)
            return true;
    return false;
}

/*  Only proto2 has required fields; there, a second look is worth its price. */
static int
s_check_required (const scan_t *self, const ProtobufCMessageDescriptor *type,
                  const uint8_t *at, const uint8_t *end)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (type->fields[i].label == PROTOBUF_C_LABEL_NONE)
            return 0;
        if (type->fields[i].label == PROTOBUF_C_LABEL_REQUIRED &&
            !s_contains (at, end, self->depth_max, &type->fields[i])) {
            errno = EBADMSG;
            return -1;
        }
    }
    return 0;
}

static int
s_scan_message (scan_t *self, const ProtobufCMessageDescriptor *type,
                const uint8_t *at, const uint8_t *end, unsigned depth)
{
    if (depth > self->depth_max) {
        errno = ELOOP;
        return -1;
    }
    if (s_take (self, type->sizeof_message) < 0)
        return -1;
    const uint8_t *start = at;
    unsigned next = 0;
    while (at < end) {
        dividere_field_t field;
        at = dividere_wire_field (at, end, self->depth_max - depth, &field);
        if (!at)
            return -1;
        const ProtobufCFieldDescriptor *descriptor =
            dividere_fields_find (type, field.tag, &next);
        dividere_fields_fit_t fit = dividere_fields_fit (descriptor, field.tag);
        int rc = 0;
        if (fit == DIVIDERE_FIELDS_ONE)
            rc = s_scan_one (self, descriptor, &field, depth);
        else if (fit == DIVIDERE_FIELDS_PACKED)
            rc = s_scan_packed (self, descriptor, &field);
        if (rc < 0)
            return -1;
    }
    return s_check_required (self, type, start, end);
}

int
dividere_scan (const ProtobufCMessageDescriptor *type, const void *data,
               size_t size, unsigned depth_max, size_t budget, size_t *ret_need)
{
    scan_t self = { depth_max, budget, 0 };
    const uint8_t *at = (const uint8_t *) data;
    if (s_scan_message (&self, type, at, at + size, 1) < 0)
        return -1;
    *ret_need = self.need;
    return 0;
}
