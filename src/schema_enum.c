/* SPDX-License-Identifier: Apache-2.0 */

/*  Enums of a schema: their values by number, each number once, and by name. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "schema_internal.h"

/*  A value as it is written in the schema.                                  */
typedef struct {
    const char *name;
    int number;
    size_t place; /* in the schema: of two with one number the first counts  */
} written_t;

static int
s_order_number (const void *a, const void *b)
{
    const written_t *left = (const written_t *) a;
    const written_t *right = (const written_t *) b;
    return left->number != right->number
               ? (left->number > right->number) * 2 - 1
               : (left->place > right->place) - (left->place < right->place);
}

static int
s_order_name (const void *a, const void *b)
{
    return strcmp (((const ProtobufCEnumValueIndex *) a)->name,
                   ((const ProtobufCEnumValueIndex *) b)->name);
}

/*  The values in order of their numbers. NULL, said.                        */
static written_t *
s_sorted (dividere_schema_t *self, const dividere_schema_enum_t *source,
          const char *name)
{
    written_t *sorted =
        (written_t *) dividere_schema_alloc (self, source->n_value,
                                             sizeof (*sorted));
    for (size_t i = 0; i < source->n_value && sorted; i++) {
        const Dividere__Wire__EnumValue *value = source->value[i];
        if (!value->name || !dividere_schema_is_identifier (value->name)) {
            dividere_schema_fail (self, EBADMSG,
                                  "%.250s: a value without a name", name);
            return NULL;
        }
        sorted[i] = (written_t){ value->name, value->number, i };
    }
    if (sorted)
        qsort (sorted, source->n_value, sizeof (*sorted), s_order_number);
    return sorted;
}

static int
s_fill (dividere_schema_t *self, const written_t *sorted, unsigned count,
        ProtobufCEnumDescriptor *type)
{
    ProtobufCEnumValue *values =
        (ProtobufCEnumValue *) dividere_schema_alloc (self, count,
                                                      sizeof (*values));
    ProtobufCEnumValueIndex *names =
        (ProtobufCEnumValueIndex *) dividere_schema_alloc (self, count,
                                                           sizeof (*names));
    int *numbers = (int *) dividere_schema_alloc (self, count, sizeof (int));
    if (!values || !names || !numbers)
        return -1;
    unsigned used = 0;
    for (unsigned i = 0; i < count; i++) {
        if (i == 0 || sorted[i].number != sorted[i - 1].number) {
            values[used] = (ProtobufCEnumValue){ sorted[i].name, sorted[i].name,
                                                 sorted[i].number };
            numbers[used++] = sorted[i].number;
        }
        names[i] = (ProtobufCEnumValueIndex){ sorted[i].name, used - 1 };
    }
    qsort (names, count, sizeof (*names), s_order_name);
    type->n_values = used;
    type->values = values;
    type->n_value_names = count;
    type->values_by_name = names;
    type->value_ranges =
        dividere_schema_ranges (self, numbers, used, &type->n_value_ranges);
    return type->value_ranges ? 0 : -1;
}

int
dividere_schema_make_enum (dividere_schema_t *self,
                           dividere_schema_entry_t *entry)
{
    ProtobufCEnumDescriptor *type = entry->enumeration;
    const dividere_schema_enum_t *source = entry->enum_source;
    type->magic = PROTOBUF_C__ENUM_DESCRIPTOR_MAGIC;
    type->name = entry->name;
    type->short_name = type->c_name = entry->short_name;
    type->package_name = entry->package;
    if (!source->n_value)
        return dividere_schema_fail (self, EBADMSG, "%.250s has no values",
                                     entry->name);
    const written_t *sorted = s_sorted (self, source, entry->name);
    return sorted ? s_fill (self, sorted, (unsigned) source->n_value, type)
                  : -1;
}
