/* SPDX-License-Identifier: Apache-2.0 */

#include "record_folder.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "record.h"

/*  -1 with ENAMETOOLONG.                                                    */
static int
s_path (const dividere_folder_t *self, uint32_t number, char *ret_path)
{
    char name[DIVIDERE_RECORD_NAME];
    dividere_record_name (number, name);
    if (snprintf (ret_path, PATH_MAX, "%s/%s", self->path, name) < PATH_MAX)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

static int
s_compare (const void *left, const void *right)
{
    uint32_t a = ((const dividere_folder_entry_t *) left)->number;
    uint32_t b = ((const dividere_folder_entry_t *) right)->number;
    return a < b ? -1 : a > b;
}

int
dividere_folder_init (dividere_folder_t *self, const char *path)
{
    DIR *folder = opendir (path);
    if (!folder)
        return -1;
    *self = (dividere_folder_t){ .path = strdup (path) };
    assert (self->path);
    struct dirent *found;
    struct stat about;
    while ((found = readdir (folder))) {
        uint32_t number = dividere_record_number (found->d_name);
        if (!number || fstatat (dirfd (folder), found->d_name, &about, 0) < 0)
            continue;
        dividere_folder_add (self, number);
        dividere_folder_grow (self, (uint64_t) about.st_size);
    }
    closedir (folder);
    if (self->count)
        qsort (self->entries, self->count, sizeof (*self->entries), s_compare);
    return 0;
}

void
dividere_folder_term (dividere_folder_t *self)
{
    free (self->path);
    free (self->entries);
    *self = (dividere_folder_t){ NULL };
}

void
dividere_folder_add (dividere_folder_t *self, uint32_t number)
{
    if (self->first + self->count == self->room) {
        /* What is gone at the front is room at the end.                     */
        if (self->first > self->count) {
            memmove (self->entries, self->entries + self->first,
                     self->count * sizeof (*self->entries));
            self->first = 0;
        }
        else {
            self->room = self->room ? 2 * self->room : 16;
            self->entries = (dividere_folder_entry_t *)
                realloc (self->entries, self->room * sizeof (*self->entries));
            assert (self->entries);
        }
    }
    self->entries[self->first + self->count++] =
        (dividere_folder_entry_t){ number, 0 };
}

void
dividere_folder_grow (dividere_folder_t *self, uint64_t bytes)
{
    assert (self->count);
    self->entries[self->first + self->count - 1].bytes += bytes;
    self->bytes += bytes;
}

void
dividere_folder_withdraw (dividere_folder_t *self)
{
    assert (self->count);
    self->count--;
    self->bytes -= self->entries[self->first + self->count].bytes;
}

int
dividere_folder_shrink (dividere_folder_t *self)
{
    char path[PATH_MAX];
    if (self->count < 2) {
        errno = ENOENT;
        return -1;
    }
    const dividere_folder_entry_t *oldest = &self->entries[self->first];
    if (s_path (self, oldest->number, path) < 0)
        return -1;
    if (unlink (path) < 0 && errno != ENOENT)
        return -1;
    self->bytes -= oldest->bytes;
    self->first++;
    self->count--;
    return 0;
}

int
dividere_folder_open (const dividere_folder_t *self, size_t index)
{
    char path[PATH_MAX];
    if (s_path (self, self->entries[self->first + index].number, path) < 0)
        return -1;
    return open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

int
dividere_folder_create (const dividere_folder_t *self, uint32_t number)
{
    char path[PATH_MAX];
    if (s_path (self, number, path) < 0)
        return -1;
    return open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                 0644);
}
