/* SPDX-License-Identifier: Apache-2.0 */

#include "config.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 1000

/*  The file of the last --config, which is taken out of the command line.    */
static const char *
s_take_path (int *argc_p, char **argv)
{
    const char *path = NULL;
    int kept = 0;
    for (int i = 0; i < *argc_p; i++)
        if (strcmp (argv[i], "--config") == 0 && i + 1 < *argc_p)
            path = argv[++i];
        else if (strncmp (argv[i], "--config=", 9) == 0)
            path = argv[i] + 9;
        else
            argv[kept++] = argv[i];
    *argc_p = kept;
    argv[kept] = NULL;
    return path;
}

static char *
s_trim (char *text)
{
    text += strspn (text, " \t\r\n");
    size_t size = strlen (text);
    while (size && isspace ((unsigned char) text[size - 1]))
        text[--size] = 0;
    return text;
}

/*  An option, or NULL for a line that has none; false: it is wrong.          */
static bool
s_read_line (char *line, char **ret_option)
{
    *ret_option = NULL;
    line = s_trim (line);
    if (!*line || *line == '#')
        return true;
    char *equals = strchr (line, '=');
    char *value = equals ? s_trim (equals + 1) : NULL;
    if (equals)
        *equals = 0;
    char *name = s_trim (line);
    if (!*name || *name == '-' || name[strcspn (name, " \t")])
        return false;
    *ret_option = value ? zsys_sprintf ("--%s=%s", name, value)
                        : zsys_sprintf ("--%s", name);
    return true;
}

/*  The number of options, which go behind the name of the command; -1, told. */
static int
s_read (const command_t *command, const char *path, char **options)
{
    FILE *file = fopen (path, "r");
    if (!file) {
        command_fail (command, "--config %s: %s", path, strerror (errno));
        return -1;
    }
    char *line = NULL;
    size_t room = 0;
    int count = 0, number = 0;
    bool good = true;
    while (good && count < LINES_MAX && getline (&line, &room, file) >= 0) {
        number++;
        good = s_read_line (line, &options[count]);
        count += options[count] != NULL;
    }
    free (line);
    if (good && ferror (file)) {
        command_fail (command, "--config %s: it cannot be read", path);
        count = -1;
    }
    else if (!good || !feof (file)) {
        command_fail (command, "--config %s: line %d is not \"name = value\"",
                      path, number);
        count = -1;
    }
    fclose (file);
    return count;
}

char **
config_expand (const command_t *command, int *argc_p, char **argv)
{
    static char *s_options[LINES_MAX + 1];
    static char **s_expanded = NULL;
    const char *path = s_take_path (argc_p, argv);
    if (!path)
        return argv;
    int count = s_read (command, path, s_options);
    if (count < 0)
        return NULL;
    s_expanded =
        (char **) zmalloc ((size_t) (*argc_p + count + 1) * sizeof (char *));
    s_expanded[0] = argv[0];
    memcpy (s_expanded + 1, s_options, (size_t) count * sizeof (char *));
    memcpy (s_expanded + 1 + count, argv + 1,
            (size_t) (*argc_p - 1) * sizeof (char *));
    *argc_p += count;
    return s_expanded;
}
