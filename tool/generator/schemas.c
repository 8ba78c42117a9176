/* SPDX-License-Identifier: Apache-2.0 */

/*  The schema of a file, embedded.                                          */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "generator.h"

#define COMMENTS_FIELD 9 /* FileDescriptorProto.source_code_info             */

typedef struct {
    FILE *out;
    size_t count;
} bytes_t;

static void
s_put (bytes_t *self, uint8_t byte)
{
    fprintf (self->out, "%s%u,", self->count++ % 20 ? "" : "\n    ", byte);
}

static void
s_put_varint (bytes_t *self, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        s_put (self, (uint8_t) (value | 128));
    s_put (self, (uint8_t) value);
}

/*  Marks a file and what it imports.                                        */
static void
s_mark (const file_t *file, file_t *const *files, size_t count, bool *marked)
{
    for (size_t i = 0; i < count; i++) {
        if (marked[i])
            continue;
        marked[i] = files[i] == file;
        for (size_t j = 0; j < file->n_dependency && !marked[i]; j++)
            if (strcmp (files[i]->name, file->dependency[j]) == 0)
                s_mark (files[i], files, count, marked);
    }
}

static uint64_t
s_varint (const uint8_t *data, size_t size, size_t *at)
{
    uint64_t value = 0;
    for (unsigned shift = 0; *at < size; shift += 7) {
        uint8_t byte = data[(*at)++];
        value |= (uint64_t) (byte & 127) << (shift & 63);
        if (byte < 128)
            break;
    }
    return value;
}

/*  Behind the field that begins at at: protoc has no groups here.           */
static size_t
s_skip (const uint8_t *data, size_t size, size_t at, unsigned *ret_number)
{
    uint64_t tag = s_varint (data, size, &at);
    *ret_number = (unsigned) (tag >> 3);
    switch (tag & 7) {
    case 0: s_varint (data, size, &at); break;
    case 1: at += 8; break;
    case 2: {
        uint64_t length = s_varint (data, size, &at);
        at += length <= size ? (size_t) length : size;
        break;
    }
    default: at += 4;
    }
    return at < size ? at : size;
}

/*  A file without comments: its size, and its bytes where there is an out.   */
static size_t
s_put_file (bytes_t *self, const ProtobufCBinaryData *file)
{
    size_t kept = 0;
    for (size_t at = 0; at < file->len;) {
        unsigned number;
        size_t next = s_skip (file->data, file->len, at, &number);
        for (; at < next; at++)
            if (number != COMMENTS_FIELD) {
                kept++;
                if (self)
                    s_put (self, file->data[at]);
            }
    }
    return kept;
}

void
schema_define (FILE *out, const char *name,
               const Dividere__Plugin__Request *request, file_t **files,
               const file_t *file)
{
    size_t count = request->n_proto_file;
    bool *marked = (bool *) calloc (count, sizeof (bool));
    assert (marked);
    s_mark (file, files, count, marked);
    bytes_t self = { out, 0 };
    fprintf (out, "const unsigned char %s__schema[] = {", name);
    for (size_t i = 0; i < count; i++) {
        if (!marked[i])
            continue;
        s_put (&self, 0x0A); /* FileDescriptorSet.file                       */
        s_put_varint (&self, s_put_file (NULL, &request->proto_file[i]));
        s_put_file (&self, &request->proto_file[i]);
    }
    free (marked);
    fprintf (out,
             "\n};\n\n"
             "const size_t %s__schema_size = sizeof (%s__schema);\n",
             name, name);
}
