/* SPDX-License-Identifier: Apache-2.0 */

/*  A packer for each message: what the library's own finds out from descriptors
 *  for each object, the compiler knows here.                                 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "generator.h"

#define LABEL_REQUIRED 2
#define LABEL_REPEATED 3
#define TYPE_STRING    9
#define TYPE_MESSAGE   11
#define TYPE_BYTES     12

/*  The numbers of FieldDescriptorProto.Type, but for groups.                */
static const char *const s_types[] = {
    NULL,      "DOUBLE",   "FLOAT",    "INT64",  "UINT64",  "INT32", "FIXED64",
    "FIXED32", "BOOL",     "STRING",   NULL,     "MESSAGE", "BYTES", "UINT32",
    "ENUM",    "SFIXED32", "SFIXED64", "SINT32", "SINT64",
};

typedef void (each_fn) (FILE *out, const file_t *file, const char *full,
                        const message_t *message);

/*  All messages, also those of maps, which have no functions of their own.   */
static void
s_each (FILE *out, const file_t *file, const char *scope,
        message_t *const *messages, size_t count, each_fn *each)
{
    for (size_t i = 0; i < count; i++) {
        char *full =
            text_format ("%s%s%s", scope, *scope ? "." : "", messages[i]->name);
        each (out, file, full, messages[i]);
        s_each (out, file, full, messages[i]->nested_type,
                messages[i]->n_nested_type, each);
    }
}

static bool
s_contains (message_t *const *messages, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen (messages[i]->name);
        if (strncmp (messages[i]->name, name, size) != 0)
            continue;
        if (!name[size] ||
            (name[size] == '.' &&
             s_contains (messages[i]->nested_type, messages[i]->n_nested_type,
                         name + size + 1)))
            return true;
    }
    return false;
}

/*  Whether a message, ".pack.Name", is one of the file.                      */
static bool
s_is_here (const file_t *file, const char *full)
{
    const char *package = file->package ? file->package : "";
    size_t size = strlen (package);
    if (*full++ != '.')
        return false;
    if (size && (strncmp (full, package, size) != 0 || full[size] != '.'))
        return false;
    return s_contains (file->message_type, file->n_message_type,
                       size ? full + size + 1 : full);
}

static const char *
s_label (const file_t *file, const field_t *field)
{
    if (field->label == LABEL_REPEATED)
        return "REPEATED";
    if (field->label == LABEL_REQUIRED)
        return "REQUIRED";
    return file->syntax && strcmp (file->syntax, "proto3") == 0 ? "NONE"
                                                                : "OPTIONAL";
}

static const char *
s_flags (const file_t *file, const field_t *field)
{
    bool packed = field->options && field->options->has_packed
                      ? field->options->packed
                      : file->syntax && strcmp (file->syntax, "proto3") == 0;
    if (field->has_oneof_index)
        return "PROTOBUF_C_FIELD_FLAG_ONEOF";
    return packed && field->label == LABEL_REPEATED &&
                   field->type != TYPE_STRING && field->type != TYPE_BYTES &&
                   field->type != TYPE_MESSAGE
               ? "PROTOBUF_C_FIELD_FLAG_PACKED"
               : "0";
}

static void
s_declare (FILE *out, const file_t *file, const char *full,
           const message_t *message)
{
    fprintf (out, "static dividere_pack_fn s_pack_%s;\n", name_lower (full));
}

/*  What packs the messages of a field.                                       */
static const char *
s_nested (const file_t *file, const field_t *field)
{
    if (field->type != TYPE_MESSAGE)
        return "NULL";
    return s_is_here (file, field->type_name)
               ? text_format ("s_pack_%s", name_lower (field->type_name))
               : "dividere_packer_message";
}

static int
s_order (const void *a, const void *b)
{
    const field_t *left = *(field_t *const *) a, *right = *(field_t *const *) b;
    return (left->number > right->number) - (left->number < right->number);
}

static void
s_define (FILE *out, const file_t *file, const char *full,
          const message_t *message)
{
    size_t count = message->n_field;
    field_t **fields = (field_t **) keep (calloc (count + 1, sizeof (*fields)));
    assert (fields);
    for (size_t i = 0; i < count; i++)
        fields[i] = message->field[i];
    qsort (fields, count, sizeof (*fields), s_order);
    char *lower = name_lower (full);
    fprintf (out,
             "static uint8_t *\n"
             "s_pack_%s (dividere_packer_t *self,\n"
             "    const ProtobufCMessage *message, uint8_t *end)\n"
             "{\n"
             "    if (!self->depth_left || message->n_unknown_fields)\n"
             "        return dividere_packer_message (self, message, end);\n",
             lower);
    if (count)
        fprintf (out,
                 "    const ProtobufCFieldDescriptor *fields = "
                 "%s__descriptor.fields;\n"
                 "    dividere_packer_field_t field;\n"
                 "    self->depth_left--;\n",
                 lower);
    for (size_t i = count; i-- > 0;)
        fprintf (
            out,
            "    field = (dividere_packer_field_t){ %d, "
            "PROTOBUF_C_LABEL_%s, PROTOBUF_C_TYPE_%s, %s, &fields[%zu] };\n"
            "    if (!(end = dividere_packer_field (self, message, field, "
            "%s, end)))\n"
            "        return NULL;\n",
            (int) fields[i]->number, s_label (file, fields[i]),
            s_types[fields[i]->type], s_flags (file, fields[i]), i,
            s_nested (file, fields[i]));
    fprintf (out, "%s    return end;\n}\n\n",
             count ? "    self->depth_left++;\n" : "");
}

static void
s_each_of_file (FILE *out, const file_t *file, each_fn *each)
{
    s_each (out, file, file->package ? file->package : "", file->message_type,
            file->n_message_type, each);
    fputc ('\n', out);
}

void
packers_define (FILE *out, const file_t *file)
{
    s_each_of_file (out, file, s_declare);
    s_each_of_file (out, file, s_define);
}

static char *
s_check (const char *full, const message_t *message)
{
    char *wrong = NULL;
    for (size_t i = 0; i < message->n_field && !wrong; i++) {
        int type = message->field[i]->type;
        if (type < 1 || type >= (int) (sizeof (s_types) / sizeof (*s_types)) ||
            !s_types[type])
            wrong = text_format ("%s.%s is a group, which is not known", full,
                                 message->field[i]->name);
    }
    for (size_t i = 0; i < message->n_nested_type && !wrong; i++)
        wrong =
            s_check (text_format ("%s.%s", full, message->nested_type[i]->name),
                     message->nested_type[i]);
    return wrong;
}

char *
packers_check (const file_t *file)
{
    char *wrong = NULL;
    for (size_t i = 0; i < file->n_message_type && !wrong; i++)
        wrong = s_check (file->message_type[i]->name, file->message_type[i]);
    return wrong;
}
