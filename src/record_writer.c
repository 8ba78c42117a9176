/* SPDX-License-Identifier: Apache-2.0 */

#include "record_writer.h"
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>
#include "record_folder.h"
#include "segment.h"

#define BUFFER  (256u << 10) /* written at a time                             */
#define STEP    (64u << 10)  /* between two entries of an index               */
#define TAIL    (DIVIDERE_RECORD_BLOCK + 48 + DIVIDERE_RECORD_BLOCK + 8)
#define SEGMENT (64u << 10) /* bytes of the smallest segment                 */

/*  How far a segment has come: what is in the file, and what will be when the
 *  buffer has been written. A write that fails goes back to the former.      */
typedef struct {
    uint64_t bytes;
    uint64_t number;  /* of the next message                                 */
    uint64_t told;    /* drops that are in the recording                     */
    size_t entries;   /* of the index                                        */
    uint64_t indexed; /* offset of the last of them                          */
    dividere_record_end_t end;
} reach_t;

struct dividere_record_writer_t {
    dividere_record_options_t options;
    dividere_folder_t folder;
    uint64_t recording;
    uint32_t segment; /* the last number that was used                       */
    int fd;           /* -1: no segment is open                              */
    bool failed;      /* nothing is tried until the next flush               */
    int error;
    int unflushed;  /* errno of the first failure since the last flush       */
    uint64_t began; /* number of the first message that is ours              */
    uint64_t dropped;
    uint64_t deleted;
    reach_t saved;
    reach_t reached;
    uint8_t *buffer; /* behind saved.bytes; ours                             */
    size_t buffer_room;
    uint8_t *index; /* entries as they are written; ours                     */
    size_t index_room;
};

static int64_t
s_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

static int
s_write (int fd, const uint8_t *data, size_t size, uint64_t at)
{
    while (size > 0) {
        ssize_t done = pwrite (fd, data, size, (off_t) at);
        if (done < 0 && errno != EINTR)
            return -1;
        if (done > 0) {
            data += done;
            size -= (size_t) done;
            at += (size_t) done;
        }
    }
    return 0;
}

static void
s_fail (dividere_record_writer_t *self, int error)
{
    self->error = error;
    if (!self->unflushed)
        self->unflushed = error;
}

/*  What is in the buffer is lost where it cannot be written, and what a part of
 *  it left in the file goes.                                                */
static int
s_save (dividere_record_writer_t *self)
{
    size_t size = (size_t) (self->reached.bytes - self->saved.bytes);
    if (size == 0)
        return 0;
    if (s_write (self->fd, self->buffer, size, self->saved.bytes) == 0) {
        dividere_folder_grow (&self->folder, size);
        self->saved = self->reached;
        self->error = 0;
        return 0;
    }
    s_fail (self, errno);
    self->failed = true;
    if (ftruncate (self->fd, (off_t) self->saved.bytes) < 0)
        s_fail (self, errno);
    self->dropped += self->reached.number - self->saved.number;
    self->reached = self->saved;
    return -1;
}

/*  Room for so many bytes behind what is in the buffer.                     */
static uint8_t *
s_extend (dividere_record_writer_t *self, uint64_t size)
{
    size_t used = (size_t) (self->reached.bytes - self->saved.bytes);
    if (used + size > self->buffer_room) {
        self->buffer_room = used + size > BUFFER ? used + size : BUFFER;
        self->buffer = (uint8_t *) realloc (self->buffer, self->buffer_room);
        assert (self->buffer);
    }
    self->reached.bytes += size;
    return self->buffer + used;
}

static void
s_append (dividere_record_writer_t *self, dividere_block_kind_t kind,
          int64_t time_ns, const void *body, size_t size)
{
    const dividere_block_t block = { kind, (uint32_t) size, time_ns,
                                     self->reached.number, 0 };
    dividere_record_write_block (&block, body,
                                 s_extend (self, dividere_record_room (size)));
}

/*  An entry for the block that comes next, where it is time for one.        */
static void
s_note (dividere_record_writer_t *self, int64_t time_ns)
{
    reach_t *reached = &self->reached;
    if (reached->entries && reached->bytes < reached->indexed + STEP)
        return;
    if (reached->entries == self->index_room) {
        self->index_room = self->index_room ? 2 * self->index_room : 256;
        self->index =
            (uint8_t *) realloc (self->index,
                                 self->index_room * DIVIDERE_RECORD_ENTRY);
        assert (self->index);
    }
    const dividere_record_entry_t entry = { time_ns, reached->bytes,
                                            reached->number };
    dividere_record_write_entry (&entry,
                                 self->index + reached->entries++ *
                                                   DIVIDERE_RECORD_ENTRY);
    reached->indexed = reached->bytes;
}

static void
s_tell_dropped (dividere_record_writer_t *self, int64_t time_ns)
{
    uint8_t count[8];
    uint64_t untold = self->dropped - self->reached.told;
    if (!untold)
        return;
    dividere_record_write_count (untold, count);
    s_append (self, DIVIDERE_BLOCK_DROPPED, time_ns, count, sizeof (count));
    self->reached.told = self->dropped;
    self->reached.end.dropped += untold;
}

/*  With an index and an end, where there is room on the disk.               */
static void
s_close (dividere_record_writer_t *self)
{
    if (self->fd < 0)
        return;
    int64_t now_ns = s_now_ns ();
    uint8_t last[DIVIDERE_RECORD_LAST];
    if (s_save (self) == 0) {
        s_tell_dropped (self, now_ns);
        self->reached.end.index = self->reached.bytes;
        s_append (self, DIVIDERE_BLOCK_INDEX, now_ns, self->index,
                  self->reached.entries * DIVIDERE_RECORD_ENTRY);
        dividere_record_write_end (&self->reached.end, last);
        s_append (self, DIVIDERE_BLOCK_END, now_ns, last, sizeof (last));
        s_save (self);
    }
    if (fdatasync (self->fd) < 0)
        s_fail (self, errno);
    close (self->fd);
    self->fd = -1;
}

/*  Until what is there and so many bytes more are within the quota.         */
static int
s_make_room (dividere_record_writer_t *self, uint64_t size)
{
    if (!self->options.quota)
        return 0;
    if (size > self->options.quota) {
        errno = EFBIG;
        return -1;
    }
    while (self->folder.count &&
           self->folder.bytes + size > self->options.quota) {
        if (dividere_folder_shrink (&self->folder) < 0) {
            /* Only what is being written is left.                           */
            errno = errno == ENOENT ? EFBIG : errno;
            return -1;
        }
        self->deleted++;
    }
    return 0;
}

static int
s_open (dividere_record_writer_t *self, uint64_t size)
{
    if (self->segment == UINT32_MAX) {
        errno = EOVERFLOW;
        return -1;
    }
    uint32_t number = self->segment + 1;
    dividere_folder_add (&self->folder, number);
    int fd = -1;
    if (s_make_room (self, size) < 0 ||
        (fd = dividere_folder_create (&self->folder, number)) < 0) {
        dividere_folder_withdraw (&self->folder);
        return -1;
    }
    self->segment = number;
    self->fd = fd;
    self->saved =
        (reach_t){ .number = self->saved.number, .told = self->saved.told };
    self->reached = self->saved;
    const dividere_record_head_t head = { DIVIDERE_RECORD_VERSION, number,
                                          self->recording, self->saved.number,
                                          s_now_ns () };
    dividere_record_write_head (&head, s_extend (self, DIVIDERE_RECORD_HEAD));
    return 0;
}

/*  A segment that has room for a message of this size, or is new. Behind it
 *  come perhaps a count of what was dropped, an entry, the index, the end.  */
static int
s_prepare (dividere_record_writer_t *self, size_t size)
{
    uint64_t tail = TAIL + dividere_record_room (DIVIDERE_RECORD_LAST) +
                    DIVIDERE_RECORD_ENTRY;
    uint64_t room = dividere_record_room (size) + tail;
    uint64_t index = self->reached.entries * DIVIDERE_RECORD_ENTRY;
    if (self->fd >= 0 &&
        self->reached.bytes + room + index <= self->options.segment_max)
        return 0;
    if (self->fd >= 0 && !self->reached.entries)
        return s_make_room (self, self->reached.bytes + room);
    s_close (self);
    room += DIVIDERE_RECORD_HEAD;
    if (room < self->options.segment_max)
        room = self->options.segment_max;
    return s_open (self, room);
}

/*  0, or why the message has no place.                                      */
static int
s_refuse (dividere_record_writer_t *self, size_t size)
{
    if (self->failed)
        return self->error;
    if (size > DIVIDERE_RECORD_BODY)
        return EMSGSIZE;
    int error = s_prepare (self, size) < 0 ? errno : 0;
    /* One that is larger than the quota says nothing about the next.        */
    self->failed = error && error != EFBIG;
    return error;
}

void
dividere_record_writer_put (dividere_record_writer_t *self, int64_t time_ns,
                            const void *data, size_t size)
{
    int error = s_refuse (self, size);
    if (error) {
        s_fail (self, error);
        self->dropped++;
        return;
    }
    dividere_record_end_t *end = &self->reached.end;
    s_note (self, time_ns);
    s_tell_dropped (self, time_ns);
    s_append (self, DIVIDERE_BLOCK_MESSAGE, time_ns, data, size);
    self->reached.number++;
    if (end->messages++ == 0)
        end->first_ns = time_ns;
    end->last_ns = time_ns;
    if (self->reached.bytes - self->saved.bytes >= BUFFER)
        s_save (self);
}

void
dividere_record_writer_drop (dividere_record_writer_t *self, uint64_t count)
{
    self->dropped += count;
}

int
dividere_record_writer_flush (dividere_record_writer_t *self)
{
    if (self->fd >= 0)
        s_save (self);
    int error = self->unflushed;
    self->unflushed = 0;
    self->failed = false;
    return error;
}

/*  What the last segment that is there says of the recording.               */
static void
s_resume (dividere_record_writer_t *self)
{
    const dividere_folder_t *folder = &self->folder;
    int fd = dividere_folder_open (folder, folder->count - 1);
    dividere_segment_t *last = fd < 0 ? NULL : dividere_segment_new (fd);
    self->segment = folder->entries[folder->first + folder->count - 1].number;
    if (!last)
        return;
    const dividere_record_head_t *head = dividere_segment_head (last);
    if (head) {
        self->recording = head->recording;
        self->saved.number = head->first;
    }
    dividere_block_t block;
    const uint8_t *body;
    while (dividere_segment_next (last, &block, &body) == 0)
        if (block.kind == DIVIDERE_BLOCK_MESSAGE)
            self->saved.number = block.number + 1;
    dividere_segment_destroy (&last);
}

/*  0, or an errno.                                                          */
static int
s_begin (dividere_record_writer_t *self)
{
    if (self->folder.count && !self->options.append)
        return EEXIST;
    randombytes_buf (&self->recording, sizeof (self->recording));
    if (self->folder.count)
        s_resume (self);
    self->reached = self->saved;
    self->began = self->saved.number;
    return s_prepare (self, 0) < 0 || s_save (self) < 0 ? errno : 0;
}

dividere_record_writer_t *
dividere_record_writer_new (const char *folder,
                            const dividere_record_options_t *options)
{
    if (options->segment_max < SEGMENT ||
        options->segment_max > INT64_MAX / 2 ||
        (options->quota && options->quota < 2 * options->segment_max)) {
        errno = EINVAL;
        return NULL;
    }
    if (mkdir (folder, 0755) < 0 && errno != EEXIST)
        return NULL;
    dividere_record_writer_t *self =
        (dividere_record_writer_t *) calloc (1, sizeof (*self));
    assert (self);
    self->options = *options;
    self->fd = -1;
    int error = dividere_folder_init (&self->folder, folder) < 0 ? errno : 0;
    if (error) {
        free (self);
        errno = error;
        return NULL;
    }
    error = s_begin (self);
    if (error) {
        dividere_record_writer_destroy (&self);
        errno = error;
    }
    return self;
}

void
dividere_record_writer_destroy (dividere_record_writer_t **self_p)
{
    dividere_record_writer_t *self = *self_p;
    if (!self)
        return;
    s_close (self);
    dividere_folder_term (&self->folder);
    free (self->buffer);
    free (self->index);
    free (self);
    *self_p = NULL;
}

void
dividere_record_writer_counts (const dividere_record_writer_t *self,
                               dividere_record_counts_t *ret_counts)
{
    *ret_counts = (dividere_record_counts_t){
        .messages = self->reached.number - self->began,
        .dropped = self->dropped,
        .bytes = self->folder.bytes,
        .segments = self->folder.count,
        .deleted = self->deleted,
        .error = self->error,
    };
}
