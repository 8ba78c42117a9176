/* SPDX-License-Identifier: Apache-2.0 */

#include "secured.h"
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "selftest.h"

#define TEXT_MAX 10000

static void
s_path (const secured_t *self, const char *name, char ret_path[1000])
{
    snprintf (ret_path, 1000, "%s/%s", self->folder, name);
}

void
secured_write (secured_t *self, const char *name, const char *text)
{
    char path[1000], draft[1000];
    s_path (self, name, path);
    s_path (self, "draft", draft);
    if (!text) {
        CHECK_INT (unlink (path), 0);
        return;
    }
    FILE *file = fopen (draft, "w");
    CHECK (file && fputs (text, file) >= 0 && fclose (file) == 0);
    CHECK_INT (rename (draft, path), 0);
}

void
secured_open (secured_t *self, const secured_t *server)
{
    char path[1000], text[TEXT_MAX];
    self->folder = selftest_folder ();
    self->own = dividere_keys_new ();
    s_path (self, "own", path);
    CHECK_INT (dividere_keys_save (self->own, path), 0);
    snprintf (text, sizeof (text), "* %s\n",
              dividere_keys_public (server ? server->own : self->own));
    secured_write (self, "servers", text);
    secured_write (self, "rights", "");
}

void
secured_close (secured_t *self)
{
    static const char *const s_names[] = { "own", "own_secret", "servers",
                                           "rights" };
    char path[1000];
    for (int i = 0; i < 4; i++) {
        s_path (self, s_names[i], path);
        unlink (path);
    }
    CHECK_INT (rmdir (self->folder), 0);
    free (self->folder);
    dividere_keys_destroy (&self->own);
}

void
secured_rights (secured_t *self, const char *lines, ...)
{
    char text[TEXT_MAX];
    size_t used = 0;
    int number = 0;
    va_list args;
    va_start (args, lines);
    for (const secured_t *peer; (peer = va_arg (args, const secured_t *));)
        used += (size_t) snprintf (text + used, sizeof (text) - used,
                                   "key peer%d %s\n", number++,
                                   dividere_keys_public (peer->own));
    va_end (args);
    snprintf (text + used, sizeof (text) - used, "%s", lines);
    secured_write (self, "rights", text);
}
