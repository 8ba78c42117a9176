/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_RECORD_H
#define DIVIDERE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  The bytes of a recording (doc/recording.md). It is a folder of segments,
 *  each a file: a head, then blocks, each at an offset that 8 divides.
 *
 *  head, 64 bytes           block, 40 bytes, then its body, filled up to 8
 *   at  bytes                at  bytes
 *    0  8  magic              0  3  magic
 *    8  4  version            3  1  kind
 *   12  4  segment, from 1    4  4  size of the body
 *   16  8  recording          8  8  time
 *   24  8  first message     16  8  number
 *   32  8  time              24  8  checksum of the body
 *   40 16  0                 32  8  checksum of what is before
 *   56  8  checksum
 *  Numbers are little-endian, times in ns since 1970 (UTC), checksums
 *  SipHash-2-4 with a key of zeros.                                         */

#define DIVIDERE_RECORD_VERSION 1
#define DIVIDERE_RECORD_HEAD    64
#define DIVIDERE_RECORD_BLOCK   40
#define DIVIDERE_RECORD_ENTRY   24 /* of an index                            */
#define DIVIDERE_RECORD_LAST    48 /* the body of an end                     */
#define DIVIDERE_RECORD_BODY    ((uint32_t) 1 << 30)

typedef enum {
    DIVIDERE_BLOCK_MESSAGE = 'M', /* the frame; number: from 0               */
    DIVIDERE_BLOCK_DROPPED = 'D', /* how many are not here; number: of the   */
                                  /* next that is                            */
    DIVIDERE_BLOCK_INDEX = 'I',   /* entries: time, offset, number           */
    DIVIDERE_BLOCK_END = 'E'      /* a dividere_record_end_t                 */
} dividere_block_kind_t;

typedef struct {
    uint32_t version;
    uint32_t segment;
    uint64_t recording; /* drawn at random; the same in all its segments     */
    uint64_t first;     /* number of the first message of the segment        */
    int64_t time_ns;
} dividere_record_head_t;

typedef struct {
    dividere_block_kind_t kind;
    uint32_t size;
    int64_t time_ns;
    uint64_t number;
    uint64_t sum;
} dividere_block_t;

typedef struct {
    int64_t time_ns;
    uint64_t offset;
    uint64_t number;
} dividere_record_entry_t;

/*  What a segment that was ended in order has last.                         */
typedef struct {
    uint64_t index; /* offset of its block                                   */
    uint64_t messages;
    uint64_t dropped;
    int64_t first_ns;
    int64_t last_ns;
} dividere_record_end_t;

/*  Bytes of a block with a body of this size.                               */
static inline uint64_t
dividere_record_room (uint64_t size)
{
    return DIVIDERE_RECORD_BLOCK + (size + 7) / 8 * 8;
}

void dividere_record_write_head (const dividere_record_head_t *head,
                                 uint8_t *bytes);
bool dividere_record_read_head (const uint8_t *bytes,
                                dividere_record_head_t *ret_head);

/*  Writes the block and its body, as many bytes as its room; computes sum.  */
void dividere_record_write_block (const dividere_block_t *block,
                                  const void *body, uint8_t *bytes);

/*  False where there is no block, or it is damaged; its body may be.        */
bool dividere_record_read_block (const uint8_t *bytes,
                                 dividere_block_t *ret_block);
bool dividere_record_check (const dividere_block_t *block, const uint8_t *body);

void dividere_record_write_entry (const dividere_record_entry_t *entry,
                                  uint8_t *bytes);
void dividere_record_read_entry (const uint8_t *bytes,
                                 dividere_record_entry_t *ret_entry);
void dividere_record_write_end (const dividere_record_end_t *end,
                                uint8_t *bytes);
void dividere_record_read_end (const uint8_t *bytes,
                               dividere_record_end_t *ret_end);

/*  The body of a DIVIDERE_BLOCK_DROPPED.                                    */
uint64_t dividere_record_read_count (const uint8_t *bytes);
void dividere_record_write_count (uint64_t count, uint8_t *bytes);

/*  The name of the file of a segment, and back: 0 if it is no such name.    */
#define DIVIDERE_RECORD_NAME 16
void dividere_record_name (uint32_t segment, char *ret_name);
uint32_t dividere_record_number (const char *name);

#endif
