/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>
#include "files.h"

/*  Of what is opened, not of what may be there a moment later. Returns how much
 *  there may be to read, or -1.                                             */
static ssize_t
s_check (int fd, size_t size_max, bool secret)
{
    struct stat status;
    if (fstat (fd, &status) < 0)
        return -1;
    bool regular = S_ISREG (status.st_mode);
    if (S_ISDIR (status.st_mode))
        errno = EISDIR;
    else if (secret && (!regular || (status.st_mode & 077)))
        errno = EPERM;
    else if (regular && status.st_size > (off_t) size_max)
        errno = EFBIG;
    else
        return regular ? (ssize_t) status.st_size : (ssize_t) size_max;
    return -1;
}

/*  Up to size bytes; less at its end.                                       */
static ssize_t
s_read (int fd, char *text, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t count = read (fd, text + done, size - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        done += (size_t) count;
    }
    return (ssize_t) done;
}

char *
dividere_file_read (const char *path, size_t size_max, bool secret,
                    size_t *ret_size)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return NULL;
    char *text = NULL;
    ssize_t room = s_check (fd, size_max, secret);
    ssize_t size = room;
    if (room >= 0) {
        text = (char *) sodium_malloc ((size_t) room + 2);
        assert (text);
        size = s_read (fd, text, (size_t) room + 1);
    }
    int error = size > room ? EFBIG : errno;
    close (fd);
    if (size < 0 || size > room) {
        sodium_free (text);
        errno = error;
        return NULL;
    }
    text[size] = 0;
    *ret_size = (size_t) size;
    return text;
}

void
dividere_file_free (char *text)
{
    sodium_free (text);
}

static int
s_write (int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t count = write (fd, data, size);
        if (count < 0 && errno != EINTR)
            return -1;
        if (count > 0) {
            data += count;
            size -= (size_t) count;
        }
    }
    return fsync (fd);
}

/*  Unlike a rename, a link does not replace what somebody else has made.    */
int
dividere_file_create (const char *path, const void *data, size_t size,
                      mode_t mode)
{
    char draft[PATH_MAX];
    if ((size_t) snprintf (draft, sizeof (draft), "%s.XXXXXX", path) >=
        sizeof (draft)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp (draft, O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = s_write (fd, (const char *) data, size);
    if (rc == 0)
        rc = fchmod (fd, mode);
    if (rc == 0)
        rc = link (draft, path);
    int error = errno;
    unlink (draft);
    close (fd);
    errno = error;
    return rc;
}
