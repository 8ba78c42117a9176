/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include "entries.h"

/*  "some_name" is the field of "SomeNameEntry".                             */
static bool
s_is_named (const char *field, const char *type)
{
    bool upper = true;
    for (; *field; field++) {
        if (*field == '_') {
            upper = true;
            continue;
        }
        if ((upper ? toupper (*field) : *field) != *type++)
            return false;
        upper = false;
    }
    return strcmp (type, "Entry") == 0;
}

const ProtobufCMessageDescriptor *
dividere_entries (const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED ||
        field->type != PROTOBUF_C_TYPE_MESSAGE)
        return NULL;
    const ProtobufCMessageDescriptor *type =
        (const ProtobufCMessageDescriptor *) field->descriptor;
    const char *dot = strrchr (type->name, '.');
    return type->n_fields == 2 && type->fields[0].id == 1 &&
                   type->fields[1].id == 2 &&
                   strcmp (type->fields[0].name, "key") == 0 &&
                   strcmp (type->fields[1].name, "value") == 0 && dot &&
                   s_is_named (field->name, dot + 1)
               ? type
               : NULL;
}
