/* SPDX-License-Identifier: Apache-2.0 */

/*  Messages of a schema: fields by number, each with its place in the object,
 *  laid out as a compiler would do it with what protoc-c generates.          */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "fields.h"
#include "schema_internal.h"

#define LABEL_REQUIRED 2
#define LABEL_REPEATED 3
#define TYPE_GROUP     10
#define TYPES          19
#define NUMBER_MAX     ((1 << 29) - 1)
#define ALIGNMENT      8  /* of every member                                  */
#define CHOICE_SIZE    16 /* of the largest member of a union                */

/*  The numbers of FieldDescriptorProto.Type.                                */
static const ProtobufCType s_types[TYPES] = {
    [1] = PROTOBUF_C_TYPE_DOUBLE,    [2] = PROTOBUF_C_TYPE_FLOAT,
    [3] = PROTOBUF_C_TYPE_INT64,     [4] = PROTOBUF_C_TYPE_UINT64,
    [5] = PROTOBUF_C_TYPE_INT32,     [6] = PROTOBUF_C_TYPE_FIXED64,
    [7] = PROTOBUF_C_TYPE_FIXED32,   [8] = PROTOBUF_C_TYPE_BOOL,
    [9] = PROTOBUF_C_TYPE_STRING,    [11] = PROTOBUF_C_TYPE_MESSAGE,
    [12] = PROTOBUF_C_TYPE_BYTES,    [13] = PROTOBUF_C_TYPE_UINT32,
    [14] = PROTOBUF_C_TYPE_ENUM,     [15] = PROTOBUF_C_TYPE_SFIXED32,
    [16] = PROTOBUF_C_TYPE_SFIXED64, [17] = PROTOBUF_C_TYPE_SINT32,
    [18] = PROTOBUF_C_TYPE_SINT64,
};

/*  The object of a type while its members get their places.                 */
typedef struct {
    size_t size;
    unsigned *cases;   /* of each choice: where the number of the field is,  */
    unsigned *members; /* and the field; 0: it has no place yet              */
} layout_t;

static unsigned
s_place (layout_t *layout, size_t size)
{
    size_t at = layout->size;
    layout->size += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return (unsigned) at;
}

static int
s_check_field (dividere_schema_t *self, const dividere_schema_entry_t *entry,
               const dividere_schema_field_t *source)
{
    if (!source->name || !dividere_schema_is_identifier (source->name))
        return dividere_schema_fail (self, EBADMSG,
                                     "%.250s: a field without a name",
                                     entry->name);
    if (source->type == TYPE_GROUP)
        return dividere_schema_fail (self, ENOTSUP,
                                     "%.250s.%.100s is a group, which is not "
                                     "known",
                                     entry->name, source->name);
    if (source->number < 1 || source->number > NUMBER_MAX ||
        source->label < 1 || source->label > LABEL_REPEATED ||
        source->type < 1 || source->type >= TYPES)
        return dividere_schema_fail (self, EBADMSG,
                                     "%.250s.%.100s is no field that can be",
                                     entry->name, source->name);
    if (source->has_oneof_index && !source->proto3_optional &&
        (source->oneof_index < 0 || source->label != 1 ||
         (size_t) source->oneof_index >= entry->source->n_oneof_decl))
        return dividere_schema_fail (self, EBADMSG,
                                     "%.250s.%.100s is in no choice",
                                     entry->name, source->name);
    return 0;
}

/*  The type of a field of messages or enums.                                */
static int
s_resolve (dividere_schema_t *self, const dividere_schema_entry_t *entry,
           const dividere_schema_field_t *source,
           ProtobufCFieldDescriptor *field)
{
    bool message = field->type == PROTOBUF_C_TYPE_MESSAGE;
    if (!message && field->type != PROTOBUF_C_TYPE_ENUM)
        return 0;
    const char *name = source->type_name ? source->type_name : "";
    const dividere_schema_entry_t *target = dividere_schema_entry (self, name);
    if (!target)
        return dividere_schema_fail (
            self, ENOENT, "%.250s.%.100s is of %.250s, which is not there",
            entry->name, source->name, name);
    field->descriptor = message ? (const void *) target->message
                                : (const void *) target->enumeration;
    if (!field->descriptor)
        return dividere_schema_fail (self, EBADMSG,
                                     "%.250s.%.100s is of %.250s, which is "
                                     "something else",
                                     entry->name, source->name, name);
    return 0;
}

static bool
s_is_number (ProtobufCType type)
{
    return type != PROTOBUF_C_TYPE_STRING && type != PROTOBUF_C_TYPE_BYTES &&
           type != PROTOBUF_C_TYPE_MESSAGE;
}

static void
s_place_choice (layout_t *layout, int index, ProtobufCFieldDescriptor *field)
{
    if (!layout->cases[index]) {
        layout->cases[index] = s_place (layout, sizeof (uint32_t));
        layout->members[index] = s_place (layout, CHOICE_SIZE);
    }
    field->flags |= PROTOBUF_C_FIELD_FLAG_ONEOF;
    field->label = PROTOBUF_C_LABEL_OPTIONAL;
    field->quantifier_offset = layout->cases[index];
    field->offset = layout->members[index];
}

/*  Its label, its flags, and where it is.                                   */
static void
s_place_field (const dividere_schema_entry_t *entry,
               const dividere_schema_field_t *source, layout_t *layout,
               ProtobufCFieldDescriptor *field)
{
    if (source->has_oneof_index && !source->proto3_optional) {
        s_place_choice (layout, source->oneof_index, field);
        return;
    }
    bool pointer = field->type == PROTOBUF_C_TYPE_STRING ||
                   field->type == PROTOBUF_C_TYPE_MESSAGE;
    if (source->label == LABEL_REPEATED) {
        bool packed = source->options && source->options->has_packed
                          ? source->options->packed
                          : entry->proto3;
        field->label = PROTOBUF_C_LABEL_REPEATED;
        if (packed && s_is_number (field->type))
            field->flags |= PROTOBUF_C_FIELD_FLAG_PACKED;
        field->quantifier_offset = s_place (layout, sizeof (size_t));
        field->offset = s_place (layout, sizeof (void *));
        return;
    }
    field->label = source->label == LABEL_REQUIRED ? PROTOBUF_C_LABEL_REQUIRED
                   : entry->proto3 && !source->proto3_optional
                       ? PROTOBUF_C_LABEL_NONE
                       : PROTOBUF_C_LABEL_OPTIONAL;
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !pointer)
        field->quantifier_offset =
            s_place (layout, sizeof (protobuf_c_boolean));
    field->offset = s_place (layout, dividere_fields_size (field->type));
}

static int
s_fill_field (dividere_schema_t *self, const dividere_schema_entry_t *entry,
              const dividere_schema_field_t *source, layout_t *layout,
              ProtobufCFieldDescriptor *field)
{
    if (s_check_field (self, entry, source) < 0)
        return -1;
    field->name = source->name;
    field->id = (uint32_t) source->number;
    field->type = s_types[source->type];
    s_place_field (entry, source, layout, field);
    if (field->label == PROTOBUF_C_LABEL_NONE &&
        field->type == PROTOBUF_C_TYPE_STRING)
        field->default_value = protobuf_c_empty_string;
    if (s_resolve (self, entry, source, field) < 0)
        return -1;
    return entry->proto3 || field->label == PROTOBUF_C_LABEL_REPEATED
               ? 0
               : dividere_schema_default (self, entry->name, source, field,
                                          &field->default_value);
}

static int
s_order_number (const void *a, const void *b)
{
    uint32_t left = ((const ProtobufCFieldDescriptor *) a)->id;
    uint32_t right = ((const ProtobufCFieldDescriptor *) b)->id;
    return (left > right) - (left < right);
}

/*  For qsort, which has no argument of its own.                             */
typedef struct {
    const char *name;
    unsigned index;
} named_t;

static int
s_order_name (const void *a, const void *b)
{
    return strcmp (((const named_t *) a)->name, ((const named_t *) b)->name);
}

/*  What protobuf-c searches: by number, and by name.                        */
static int
s_index (dividere_schema_t *self, ProtobufCMessageDescriptor *type)
{
    unsigned count = type->n_fields;
    int *numbers = (int *) dividere_schema_alloc (self, count, sizeof (int));
    named_t *names =
        (named_t *) dividere_schema_alloc (self, count, sizeof (*names));
    unsigned *order =
        (unsigned *) dividere_schema_alloc (self, count, sizeof (*order));
    if (!numbers || !names || !order)
        return -1;
    for (unsigned i = 0; i < count; i++) {
        numbers[i] = (int) type->fields[i].id;
        names[i] = (named_t){ type->fields[i].name, i };
    }
    qsort (names, count, sizeof (*names), s_order_name);
    for (unsigned i = 0; i < count; i++) {
        order[i] = names[i].index;
        if (i && (numbers[i] == numbers[i - 1] ||
                  strcmp (names[i].name, names[i - 1].name) == 0))
            return dividere_schema_fail (self, EEXIST,
                                         "%.250s has a field twice",
                                         type->name);
    }
    type->fields_sorted_by_name = order;
    type->field_ranges =
        dividere_schema_ranges (self, numbers, count, &type->n_field_ranges);
    return type->field_ranges ? 0 : -1;
}

int
dividere_schema_make_message (dividere_schema_t *self,
                              dividere_schema_entry_t *entry)
{
    ProtobufCMessageDescriptor *type = entry->message;
    const dividere_schema_message_t *source = entry->source;
    type->magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC;
    type->name = entry->name;
    type->short_name = type->c_name = entry->short_name;
    type->package_name = entry->package;
    type->n_fields = (unsigned) source->n_field;
    ProtobufCFieldDescriptor *fields =
        (ProtobufCFieldDescriptor *) dividere_schema_alloc (self,
                                                            source->n_field,
                                                            sizeof (*fields));
    layout_t layout = {
        sizeof (ProtobufCMessage),
        (unsigned *) dividere_schema_alloc (self, source->n_oneof_decl,
                                            sizeof (unsigned)),
        (unsigned *) dividere_schema_alloc (self, source->n_oneof_decl,
                                            sizeof (unsigned))
    };
    if (!fields || !layout.cases || !layout.members)
        return -1;
    type->fields = fields;
    for (size_t i = 0; i < source->n_field; i++)
        if (s_fill_field (self, entry, source->field[i], &layout, &fields[i]) <
            0)
            return -1;
    qsort (fields, source->n_field, sizeof (*fields), s_order_number);
    type->sizeof_message = layout.size;
    return s_index (self, type);
}
