/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <dividere/recording.h>
#include "record_folder.h"
#include "segment.h"
#include "wire.h"

struct dividere_recording_t {
    dividere_folder_t folder;
    dividere_segment_t *segment; /* that is read; ours                       */
    size_t index;                /* its place in the folder                  */
    int64_t from_ns;             /* what is before is passed over            */
    uint64_t skipped;            /* of the segments before                   */
    uint64_t dropped;
    uint64_t untold; /* drops before the next message                       */
};

/*  0, or -1 with an errno of open, EPROTONOSUPPORT.                         */
static int
s_open (dividere_recording_t *self, size_t index)
{
    int fd = dividere_folder_open (&self->folder, index);
    dividere_segment_t *segment = fd < 0 ? NULL : dividere_segment_new (fd);
    if (!segment)
        return -1;
    const dividere_record_head_t *head = dividere_segment_head (segment);
    if (head && head->version != DIVIDERE_RECORD_VERSION) {
        dividere_segment_destroy (&segment);
        errno = EPROTONOSUPPORT;
        return -1;
    }
    if (self->segment)
        self->skipped += dividere_segment_skipped (self->segment);
    dividere_segment_destroy (&self->segment);
    self->segment = segment;
    self->index = index;
    return 0;
}

dividere_recording_t *
dividere_recording_new (const char *folder)
{
    assert (folder);
    dividere_recording_t *self =
        (dividere_recording_t *) calloc (1, sizeof (*self));
    assert (self);
    self->from_ns = INT64_MIN;
    int error = dividere_folder_init (&self->folder, folder) < 0 ? errno : 0;
    if (!error && !self->folder.count)
        error = ENOENT;
    if (!error && s_open (self, 0) < 0)
        error = errno;
    if (error) {
        dividere_recording_destroy (&self);
        errno = error;
    }
    return self;
}

void
dividere_recording_destroy (dividere_recording_t **self_p)
{
    assert (self_p);
    dividere_recording_t *self = *self_p;
    if (!self)
        return;
    dividere_segment_destroy (&self->segment);
    dividere_folder_term (&self->folder);
    free (self);
    *self_p = NULL;
}

/*  Segments that were begun since the folder was read. True if there are.   */
static bool
s_look_again (dividere_recording_t *self)
{
    uint32_t number =
        self->folder.entries[self->folder.first + self->index].number;
    dividere_folder_t fresh;
    if (dividere_folder_init (&fresh, self->folder.path) < 0)
        return false;
    size_t index = 0;
    while (index < fresh.count &&
           fresh.entries[fresh.first + index].number < number)
        index++;
    bool same = index < fresh.count &&
                fresh.entries[fresh.first + index].number == number;
    bool more = index + same < fresh.count;
    if (same || more) {
        dividere_folder_term (&self->folder);
        self->folder = fresh;
        /* Of one that was deleted the next takes the place.                 */
        self->index = same ? index : index - 1;
    }
    else
        dividere_folder_term (&fresh);
    return more;
}

/*  The next block of any segment.                                           */
static int
s_next (dividere_recording_t *self, dividere_block_t *ret_block,
        const uint8_t **ret_body)
{
    while (dividere_segment_next (self->segment, ret_block, ret_body) < 0) {
        if (errno != ENOENT)
            return -1;
        if (self->index + 1 == self->folder.count && !s_look_again (self)) {
            errno = ENOENT;
            return -1;
        }
        /* The quota may have taken it meanwhile.                            */
        while (s_open (self, self->index + 1) < 0) {
            if (errno != ENOENT || self->index + 2 >= self->folder.count)
                return -1;
            self->index++;
        }
    }
    return 0;
}

int
dividere_recording_next (dividere_recording_t *self,
                         dividere_record_t *ret_record)
{
    dividere_block_t block;
    const uint8_t *body;
    while (s_next (self, &block, &body) == 0) {
        if (block.kind == DIVIDERE_BLOCK_DROPPED && block.size >= 8) {
            uint64_t count = dividere_record_read_count (body);
            self->dropped += count;
            self->untold += count;
        }
        if (block.time_ns < self->from_ns) {
            self->untold = 0;
            continue;
        }
        if (block.kind != DIVIDERE_BLOCK_MESSAGE)
            continue;
        *ret_record = (dividere_record_t){ block.time_ns, block.number,
                                           self->untold, body, block.size };
        self->untold = 0;
        return 0;
    }
    return -1;
}

/*  The last segment that was begun before that time, or the first.          */
int
dividere_recording_seek (dividere_recording_t *self, int64_t time_ns)
{
    size_t low = 0, high = self->folder.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s_open (self, middle) < 0)
            return -1;
        const dividere_record_head_t *head =
            dividere_segment_head (self->segment);
        if (head && head->time_ns < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    if (s_open (self, low ? low - 1 : 0) < 0)
        return -1;
    dividere_segment_seek (self->segment, time_ns);
    self->from_ns = time_ns;
    self->untold = 0;
    return 0;
}

void
dividere_recording_stats (const dividere_recording_t *self,
                          dividere_recording_stats_t *ret_stats)
{
    *ret_stats = (dividere_recording_stats_t){
        .segments = self->folder.count,
        .bytes = self->folder.bytes,
        .skipped = self->skipped + dividere_segment_skipped (self->segment),
        .dropped = self->dropped,
    };
}

const char *
dividere_record_type (const dividere_record_t *record, size_t *ret_size)
{
    const uint8_t *data = (const uint8_t *) record->data;
    const uint8_t *end = data + record->size;
    uint64_t size;
    if (data == end || *data != 0x0A ||
        !(data = dividere_wire_varint (data + 1, end, &size)) ||
        size > (uint64_t) (end - data))
        return NULL;
    *ret_size = (size_t) size;
    return (const char *) data;
}
