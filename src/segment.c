/* SPDX-License-Identifier: Apache-2.0 */

#include "segment.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define VIEW (256 * 1024) /* bytes read at a time                             */

struct dividere_segment_t {
    int fd;
    uint64_t size;
    uint64_t at; /* the next block                                          */
    uint64_t skipped;
    uint64_t rest; /* behind the last block, where that was reached         */
    bool headed;
    dividere_record_head_t head;
    uint8_t *view;    /* part of the file; ours                          */
    uint64_t view_at; /* its offset                                      */
    size_t view_size; /* how much of it is there                         */
    size_t view_room; /* how much could be                               */
};

/*  Learns whether the file has grown.                                       */
static int
s_measure (dividere_segment_t *self)
{
    struct stat found;
    if (fstat (self->fd, &found) < 0)
        return -1;
    if (!S_ISREG (found.st_mode)) {
        errno = S_ISDIR (found.st_mode) ? EISDIR : EINVAL;
        return -1;
    }
    self->size = (uint64_t) found.st_size;
    return 0;
}

static int
s_load (dividere_segment_t *self, uint64_t at, size_t size)
{
    if (size > self->view_room) {
        uint8_t *view = (uint8_t *) realloc (self->view, size);
        if (!view) {
            errno = ENOMEM;
            return -1;
        }
        self->view = view;
        self->view_room = size;
    }
    self->view_at = at;
    self->view_size = 0;
    while (self->view_size < self->view_room) {
        ssize_t more = pread (self->fd, self->view + self->view_size,
                              self->view_room - self->view_size,
                              (off_t) (at + self->view_size));
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return -1;
        if (more == 0)
            break;
        self->view_size += (size_t) more;
    }
    return 0;
}

/*  Bytes of the file. NULL with ENOENT where it ends before, ENOMEM, an errno
 *  of pread.                                                                */
static const uint8_t *
s_view (dividere_segment_t *self, uint64_t at, uint64_t size)
{
    if (at > self->size || size > self->size - at) {
        errno = ENOENT;
        return NULL;
    }
    if (at < self->view_at || at + size > self->view_at + self->view_size) {
        if (s_load (self, at, size > VIEW ? (size_t) size : VIEW) < 0)
            return NULL;
        if (size > self->view_size) {
            errno = ENOENT;
            return NULL;
        }
    }
    return self->view + (at - self->view_at);
}

dividere_segment_t *
dividere_segment_new (int fd)
{
    dividere_segment_t *self =
        (dividere_segment_t *) calloc (1, sizeof (*self));
    assert (self);
    self->fd = fd;
    const uint8_t *bytes = NULL;
    if (s_measure (self) < 0 ||
        (!(bytes = s_view (self, 0, DIVIDERE_RECORD_HEAD)) &&
         errno != ENOENT)) {
        int error = errno;
        dividere_segment_destroy (&self);
        errno = error;
        return NULL;
    }
    self->headed = bytes && dividere_record_read_head (bytes, &self->head);
    /* What follows a damaged head is looked for from its beginning.         */
    self->at = self->headed ? DIVIDERE_RECORD_HEAD : 0;
    return self;
}

void
dividere_segment_destroy (dividere_segment_t **self_p)
{
    dividere_segment_t *self = *self_p;
    if (!self)
        return;
    close (self->fd);
    free (self->view);
    free (self);
    *self_p = NULL;
}

const dividere_record_head_t *
dividere_segment_head (const dividere_segment_t *self)
{
    return self->headed ? &self->head : NULL;
}

/*  The block at a place, whole. 0, or -1 with EBADMSG, or as s_view; ret_room
 *  is then what can be passed over.                                         */
static int
s_read (dividere_segment_t *self, uint64_t at, dividere_block_t *ret_block,
        const uint8_t **ret_body, uint64_t *ret_room)
{
    const uint8_t *bytes = s_view (self, at, DIVIDERE_RECORD_BLOCK);
    *ret_room = 8;
    if (!bytes)
        return -1;
    if (!dividere_record_read_block (bytes, ret_block)) {
        errno = EBADMSG;
        return -1;
    }
    uint64_t room = dividere_record_room (ret_block->size);
    if (!(bytes = s_view (self, at, room))) {
        errno = errno == ENOENT ? EBADMSG : errno;
        return -1;
    }
    *ret_room = room;
    *ret_body = bytes + DIVIDERE_RECORD_BLOCK;
    if (dividere_record_check (ret_block, *ret_body))
        return 0;
    errno = EBADMSG;
    return -1;
}

int
dividere_segment_next (dividere_segment_t *self, dividere_block_t *ret_block,
                       const uint8_t **ret_body)
{
    uint64_t start = self->at, room;
    if (s_measure (self) < 0)
        return -1;
    while (s_read (self, self->at, ret_block, ret_body, &room) < 0) {
        if (errno == EBADMSG) {
            self->at += room;
            continue;
        }
        /* A block that is being written may be whole the next time.         */
        if (errno == ENOENT)
            self->rest = self->size - start;
        self->at = start;
        return -1;
    }
    self->rest = 0;
    self->skipped += self->at - start;
    self->at += room;
    return 0;
}

/*  The index of a segment that was ended, and how many entries it has.      */
static const uint8_t *
s_index (dividere_segment_t *self, size_t *ret_count)
{
    dividere_block_t block;
    const uint8_t *body;
    uint64_t room = dividere_record_room (DIVIDERE_RECORD_LAST);
    if (self->size < room ||
        s_read (self, self->size - room, &block, &body, &room) < 0 ||
        block.kind != DIVIDERE_BLOCK_END || block.size < DIVIDERE_RECORD_LAST)
        return NULL;
    dividere_record_end_t end;
    dividere_record_read_end (body, &end);
    if (s_read (self, end.index, &block, &body, &room) < 0 ||
        block.kind != DIVIDERE_BLOCK_INDEX)
        return NULL;
    *ret_count = block.size / DIVIDERE_RECORD_ENTRY;
    return body;
}

void
dividere_segment_seek (dividere_segment_t *self, int64_t time_ns)
{
    size_t low = 0, high = 0;
    dividere_record_entry_t entry;
    self->at = self->headed ? DIVIDERE_RECORD_HEAD : 0;
    const uint8_t *entries = s_index (self, &high);
    if (!entries)
        return;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        dividere_record_read_entry (entries + middle * DIVIDERE_RECORD_ENTRY,
                                    &entry);
        if (entry.time_ns < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return;
    dividere_record_read_entry (entries + (low - 1) * DIVIDERE_RECORD_ENTRY,
                                &entry);
    if (entry.offset < self->size && entry.offset % 8 == 0)
        self->at = entry.offset;
}

uint64_t
dividere_segment_bytes (const dividere_segment_t *self)
{
    return self->size;
}

uint64_t
dividere_segment_skipped (const dividere_segment_t *self)
{
    return self->skipped + self->rest;
}
