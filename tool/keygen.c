/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere keygen: a folder of dividere/security.h.                        */

#include "options.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dividere/security.h>

static const char s_servers[] =
    "# Who must be where this process connects: ENDPOINT KEY\n"
    "# tcp://192.0.2.7:* Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\n";

static const char s_rights[] =
    "# Who may do what with what this process binds.\n"
    "# key NAME KEY\n"
    "# group NAME MEMBER ...\n"
    "# allow WHO ACTION [OBJECT]\n";

static int
s_fail (const char *path)
{
    fprintf (stderr, "dividere keygen: %s: %s\n", path, strerror (errno));
    return COMMAND_FAILED;
}

/*  What is there is left alone.                                             */
static int
s_write (const char *folder, const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf (path, sizeof (path), "%s/%s", folder, name);
    int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno == EEXIST ? 0 : s_fail (path);
    ssize_t size = write (fd, text, strlen (text));
    if (size == (ssize_t) strlen (text) && close (fd) == 0)
        return 0;
    return s_fail (path);
}

static int
s_make (const char *folder)
{
    char path[PATH_MAX];
    if (strlen (folder) + 20 >= sizeof (path)) {
        errno = ENAMETOOLONG;
        return s_fail (folder);
    }
    if (mkdir (folder, 0755) < 0 && errno != EEXIST)
        return s_fail (folder);
    snprintf (path, sizeof (path), "%s/own", folder);
    dividere_keys_t *keys = dividere_keys_new ();
    int status = dividere_keys_save (keys, path) < 0 ? s_fail (path) : 0;
    if (!status)
        status = s_write (folder, "servers", s_servers);
    if (!status)
        status = s_write (folder, "rights", s_rights);
    if (!status)
        printf ("%s\n", dividere_keys_public (keys));
    dividere_keys_destroy (&keys);
    return status;
}

static int
s_run (int argc, char **argv)
{
    static const option_t s_options[] = { { NULL } };
    static const usage_t s_usage = {
        &command_keygen,
        "FOLDER",
        1,
        1,
        s_options,
        "It has own (the public key, to be given to others), own_secret (to be "
        "given to\nnobody), servers and rights, which are to be written. The "
        "public key is printed."
    };
    int status;
    return options_parse (&s_usage, NULL, argc, argv, &status) < 0
               ? status
               : s_make (argv[0]);
}

const command_t command_keygen = { "keygen", "make keys for --security",
                                   s_run };
