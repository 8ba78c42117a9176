/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "generator.h"

typedef struct {
    Dividere__Plugin__Request *request;
    file_t **files; /* those of the request, unpacked                        */
    Dividere__Plugin__Response response;
} self_t;

static uint8_t *
s_read_all (FILE *in, size_t *ret_size)
{
    uint8_t *data = NULL;
    size_t size = 0, room = 0, more;
    do {
        if (size == room) {
            room = room ? room * 2 : 1 << 16;
            data = (uint8_t *) realloc (data, room);
            assert (data);
        }
        more = fread (data + size, 1, room - size, in);
        size += more;
    }
    while (more);
    *ret_size = size;
    return (uint8_t *) keep (data);
}

static const file_t *
s_find (const self_t *self, const char *name)
{
    for (size_t i = 0; i < self->request->n_proto_file; i++)
        if (strcmp (self->files[i]->name, name) == 0)
            return self->files[i];
    return NULL;
}

/*  A new file of the response.                                              */
static Dividere__Plugin__Response__File *
s_add (self_t *self, const char *stem, const char *suffix)
{
    Dividere__Plugin__Response__File *file =
        (Dividere__Plugin__Response__File *) calloc (1, sizeof (*file));
    assert (file);
    keep (file);
    dividere__plugin__response__file__init (file);
    file->name = text_format ("%s%s", stem, suffix);
    self->response.file[self->response.n_file++] = file;
    return file;
}

static void
s_write_head (FILE *out, const file_t *file)
{
    fprintf (out,
             "/*  Made by protoc-gen-dividere of %s: changes are lost. */\n",
             file->name);
}

static void
s_write_header (self_t *self, const file_t *file)
{
    char *stem = name_stem (file->name), *name = name_of_file (file);
    const char *package = file->package ? file->package : "";
    Dividere__Plugin__Response__File *header =
        s_add (self, stem, ".dividere.h");
    size_t size;
    FILE *out = open_memstream (&header->content, &size);
    assert (out);
    s_write_head (out, file);
    fprintf (out,
             "#ifndef %s__DIVIDERE_H\n#define %s__DIVIDERE_H\n\n"
             "#include <errno.h>\n"
             "#include <stddef.h>\n"
             "#include <stdint.h>\n"
             "#include <dividere/client.h>\n"
             "#include <dividere/handler.h>\n"
             "#include <dividere/message.h>\n"
             "#include <dividere/types.h>\n"
             "#include \"%s.pb-c.h\"\n\n"
             "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
             name_upper (name), name_upper (name), stem);
    fprintf (out,
             "int %s__register (void);\n"
             "extern const unsigned char %s__schema[];\n"
             "extern const size_t %s__schema_size;\n\n",
             name, name, name);
    each_message (out, file, message_declare);
    for (size_t i = 0; i < file->n_service; i++)
        service_declare (out, package, file->service[i]);
    fprintf (out, "#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    fclose (out);
}

static void
s_write_register (FILE *out, const char *full)
{
    char *lower = name_lower (full);
    fprintf (out, "        { &%s__descriptor, s_pack_%s },\n", lower, lower);
}

static void
s_write_source (self_t *self, const file_t *file)
{
    char *stem = name_stem (file->name), *name = name_of_file (file);
    Dividere__Plugin__Response__File *source =
        s_add (self, stem, ".dividere.c");
    size_t size;
    FILE *out = open_memstream (&source->content, &size);
    assert (out);
    s_write_head (out, file);
    fprintf (out,
             "\n#include \"%s.dividere.h\"\n"
             "#include <dividere/packer.h>\n\n",
             stem);
    packers_define (out, file);
    fprintf (out,
             "int\n"
             "%s__register (void)\n"
             "{\n"
             "    static const dividere_packed_t types[] = {\n",
             name);
    each_message (out, file, s_write_register);
    fprintf (out, "        { NULL, NULL }\n    };\n"
                  "    return dividere_packer_register (types);\n}\n\n");
    schema_define (out, name, self->request, self->files, file);
    fclose (out);
}

/*  What cannot be made, or NULL.                                            */
static char *
s_generate (self_t *self, const file_t *file)
{
    for (size_t i = 0; i < file->n_service; i++) {
        char *wrong = service_check (file->package ? file->package : "",
                                     file->service[i]);
        if (wrong)
            return text_format ("%s: %s", file->name, wrong);
    }
    char *wrong = packers_check (file);
    if (wrong)
        return text_format ("%s: %s", file->name, wrong);
    s_write_header (self, file);
    s_write_source (self, file);
    return NULL;
}

/*  Unpacks the files. Other fields of them are of no use here.              */
static bool
s_unpack_files (self_t *self)
{
    size_t count = self->request->n_proto_file;
    self->files = (file_t **) calloc (count + 1, sizeof (file_t *));
    self->response.file = (Dividere__Plugin__Response__File **)
        calloc (2 * self->request->n_file_to_generate + 1, sizeof (void *));
    keep (self->files);
    keep (self->response.file);
    assert (self->files && self->response.file);
    for (size_t i = 0; i < count; i++) {
        const ProtobufCBinaryData *bytes = &self->request->proto_file[i];
        self->files[i] =
            dividere__wire__file__unpack (NULL, bytes->len, bytes->data);
        keep (self->files[i]);
        if (!self->files[i] || !self->files[i]->name)
            return false;
    }
    return true;
}

static char *
s_generate_all (self_t *self)
{
    const Dividere__Plugin__Request *request = self->request;
    if (request->parameter && *request->parameter)
        return text_format ("--dividere_opt: there is no option %s",
                            request->parameter);
    if (!s_unpack_files (self))
        return text_format ("a file that cannot be read");
    char *wrong = NULL;
    for (size_t i = 0; i < request->n_file_to_generate && !wrong; i++) {
        const file_t *file = s_find (self, request->file_to_generate[i]);
        wrong = file ? s_generate (self, file)
                     : text_format ("%s: it is not there",
                                    request->file_to_generate[i]);
    }
    return wrong;
}

int
main (int argc, char **argv)
{
    if (argc > 1 || isatty (STDIN_FILENO)) {
        fprintf (stderr, "protoc-gen-dividere is a plugin: "
                         "protoc --c_out=DIR --dividere_out=DIR FILE.proto\n");
        return 2;
    }
    self_t self = { .response = DIVIDERE__PLUGIN__RESPONSE__INIT };
    size_t size;
    uint8_t *data = s_read_all (stdin, &size);
    self.request = dividere__plugin__request__unpack (NULL, size, data);
    keep (self.request);
    if (!self.request) {
        fprintf (stderr, "protoc-gen-dividere: that is not protoc\n");
        return 1;
    }
    self.response.error = s_generate_all (&self);
    if (self.response.error)
        self.response.n_file = 0;
    self.response.has_supported_features = true;
    self.response.supported_features = 1;
    size = dividere__plugin__response__get_packed_size (&self.response);
    data = (uint8_t *) keep (malloc (size + 1));
    assert (data);
    dividere__plugin__response__pack (&self.response, data);
    bool written = fwrite (data, 1, size, stdout) == size;
    return written && fflush (stdout) == 0 ? 0 : 1;
}
