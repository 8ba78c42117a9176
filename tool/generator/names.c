/* SPDX-License-Identifier: Apache-2.0 */

/*  How names of the .proto become names in C, as protoc-gen-c does it.       */

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "generator.h"

void *
keep (void *memory)
{
    typedef struct kept_t {
        struct kept_t *next;
        void *memory;
    } kept_t;
    static kept_t *s_kept = NULL;
    kept_t *kept = (kept_t *) malloc (sizeof (*kept));
    assert (kept);
    *kept = (kept_t){ s_kept, memory };
    s_kept = kept;
    return memory;
}

char *
text_format (const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start (args, format);
    int size = vasprintf (&text, format, args);
    va_end (args);
    assert (size >= 0);
    return (char *) keep (text);
}

/*  Points become two underscores; the rest is up to what writes one letter:
 *  given the one before it (a point at the start of each part).             */
static char *
s_convert (const char *full, void (*put) (FILE *out, char letter, char before))
{
    char *name = NULL;
    size_t size;
    FILE *out = open_memstream (&name, &size);
    assert (out);
    char before = '.';
    for (full += *full == '.'; *full; before = *full++)
        if (*full == '.')
            fputs ("__", out);
        else
            put (out, *full, before);
    fclose (out);
    return (char *) keep (name);
}

static void
s_put_camel (FILE *out, char letter, char before)
{
    if (letter != '_')
        fputc (before == '.' || before == '_' ? toupper (letter) : letter, out);
}

static void
s_put_lower (FILE *out, char letter, char before)
{
    if (isupper (letter) && before != '.' && !isupper (before))
        fputc ('_', out);
    fputc (tolower (letter), out);
}

static void
s_put_upper (FILE *out, char letter, char before)
{
    if (isupper (letter) && before != '.' && !isupper (before))
        fputc ('_', out);
    fputc (toupper (letter), out);
}

char *
name_type (const char *full)
{
    return s_convert (full, s_put_camel);
}

char *
name_lower (const char *full)
{
    return s_convert (full, s_put_lower);
}

char *
name_upper (const char *full)
{
    return s_convert (full, s_put_upper);
}

char *
name_stem (const char *path)
{
    const char *end = strrchr (path, '.');
    return end && strcmp (end, ".proto") == 0
               ? text_format ("%.*s", (int) (end - path), path)
               : text_format ("%s", path);
}

char *
name_of_file (const file_t *file)
{
    const char *slash = strrchr (file->name, '/');
    char *stem = name_stem (slash ? slash + 1 : file->name);
    for (char *at = stem; *at; at++)
        *at = isalnum (*at) ? *at : '_';
    return file->package && *file->package
               ? text_format ("%s__%s", name_lower (file->package), stem)
               : text_format ("%s%s", isdigit (*stem) ? "_" : "", stem);
}
