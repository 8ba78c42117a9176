/* SPDX-License-Identifier: Apache-2.0 */

/*  A file of a recording: of any bytes, and of any blocks with the right
 *  checksums, rubbish between them. What is read is within it, and not more
 *  than there is; a seek finds its way back.                                */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz.h"
#include "segment.h"

#define FILE_MAX 65536

static uint8_t s_file[FILE_MAX];

/*  Each block is made of: kind, size of the body, time, the body. Any other
 *  kind is so many bytes as they are. Returns the size of the file.         */
static size_t
s_build (const uint8_t *data, size_t size)
{
    const dividere_record_head_t head = { DIVIDERE_RECORD_VERSION, 1, 2, 3, 4 };
    size_t used = DIVIDERE_RECORD_HEAD;
    uint64_t number = 0;
    dividere_record_write_head (&head, s_file);
    while (size >= 3) {
        size_t body = data[1] < size - 3 ? data[1] : size - 3;
        if (used + dividere_record_room (body) > FILE_MAX)
            break;
        if (memchr ("MDIE", data[0], 4)) {
            const dividere_block_t block = { (dividere_block_kind_t) data[0],
                                             (uint32_t) body, data[2], number++,
                                             0 };
            dividere_record_write_block (&block, data + 3, s_file + used);
            used += (size_t) dividere_record_room (body);
        }
        else {
            memcpy (s_file + used, data + 3, body);
            used += body;
        }
        data += 3 + body;
        size -= 3 + body;
    }
    return used;
}

static size_t
s_read_all (dividere_segment_t *segment)
{
    dividere_block_t block;
    const uint8_t *body;
    size_t bytes = 0;
    volatile uint8_t sum = 0;
    while (dividere_segment_next (segment, &block, &body) == 0) {
        bytes += (size_t) dividere_record_room (block.size);
        for (uint32_t i = 0; i < block.size; i++)
            sum = (uint8_t) (sum + body[i]);
    }
    assert (errno == ENOENT);
    return bytes;
}

static void
s_check (const uint8_t *data, size_t size)
{
    int fd = memfd_create ("segment", MFD_CLOEXEC);
    assert (fd >= 0);
    ssize_t written = write (fd, data, size);
    assert (written == (ssize_t) size);
    dividere_segment_t *segment = dividere_segment_new (fd);
    assert (segment);
    assert (dividere_segment_bytes (segment) == size);
    size_t bytes = s_read_all (segment);
    size_t head = dividere_segment_head (segment) ? DIVIDERE_RECORD_HEAD : 0;
    assert (head + bytes + dividere_segment_skipped (segment) == size);
    for (int64_t time_ns = 0; time_ns < 256; time_ns += 51) {
        dividere_segment_seek (segment, time_ns);
        s_read_all (segment);
    }
    dividere_segment_seek (segment, INT64_MIN);
    assert (s_read_all (segment) == bytes);
    dividere_segment_destroy (&segment);
}

void
fuzz_segment (const uint8_t *data, size_t size)
{
    if (size < 1)
        return;
    if (*data & 1)
        s_check (s_file, s_build (data + 1, size - 1));
    else
        s_check (data + 1, size - 1);
}
