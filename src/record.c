/* SPDX-License-Identifier: Apache-2.0 */

#include "record.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include "little.h"

static const uint8_t s_head_magic[8] = { 0x93, 'D',  'V',  'D',
                                         '\r', '\n', 0x1A, '\n' };
static const uint8_t s_block_magic[3] = { 0xB1, 'D', 'V' };

static uint64_t
s_sum (const void *data, size_t size)
{
    static const uint8_t s_key[crypto_shorthash_KEYBYTES] = { 0 };
    static const uint8_t s_nothing[1];
    uint8_t sum[crypto_shorthash_BYTES];
    crypto_shorthash (sum, size ? (const uint8_t *) data : s_nothing, size,
                      s_key);
    return dividere_little_read64 (sum);
}

void
dividere_record_write_head (const dividere_record_head_t *head, uint8_t *bytes)
{
    memset (bytes, 0, DIVIDERE_RECORD_HEAD);
    memcpy (bytes, s_head_magic, sizeof (s_head_magic));
    dividere_little_write32 (bytes + 8, head->version);
    dividere_little_write32 (bytes + 12, head->segment);
    dividere_little_write64 (bytes + 16, head->recording);
    dividere_little_write64 (bytes + 24, head->first);
    dividere_little_write64 (bytes + 32, (uint64_t) head->time_ns);
    dividere_little_write64 (bytes + 56, s_sum (bytes, 56));
}

bool
dividere_record_read_head (const uint8_t *bytes,
                           dividere_record_head_t *ret_head)
{
    if (memcmp (bytes, s_head_magic, sizeof (s_head_magic)) != 0 ||
        dividere_little_read64 (bytes + 56) != s_sum (bytes, 56))
        return false;
    *ret_head = (dividere_record_head_t){
        .version = dividere_little_read32 (bytes + 8),
        .segment = dividere_little_read32 (bytes + 12),
        .recording = dividere_little_read64 (bytes + 16),
        .first = dividere_little_read64 (bytes + 24),
        .time_ns = (int64_t) dividere_little_read64 (bytes + 32),
    };
    return true;
}

void
dividere_record_write_block (const dividere_block_t *block, const void *body,
                             uint8_t *bytes)
{
    uint8_t *to = bytes + DIVIDERE_RECORD_BLOCK;
    memcpy (bytes, s_block_magic, sizeof (s_block_magic));
    bytes[3] = (uint8_t) block->kind;
    dividere_little_write32 (bytes + 4, block->size);
    dividere_little_write64 (bytes + 8, (uint64_t) block->time_ns);
    dividere_little_write64 (bytes + 16, block->number);
    dividere_little_write64 (bytes + 24, s_sum (body, block->size));
    dividere_little_write64 (bytes + 32, s_sum (bytes, 32));
    if (block->size)
        memcpy (to, body, block->size);
    memset (to + block->size, 0, (8 - block->size % 8) % 8);
}

bool
dividere_record_read_block (const uint8_t *bytes, dividere_block_t *ret_block)
{
    if (memcmp (bytes, s_block_magic, sizeof (s_block_magic)) != 0 ||
        dividere_little_read64 (bytes + 32) != s_sum (bytes, 32) ||
        dividere_little_read32 (bytes + 4) > DIVIDERE_RECORD_BODY)
        return false;
    *ret_block = (dividere_block_t){
        .kind = (dividere_block_kind_t) bytes[3],
        .size = dividere_little_read32 (bytes + 4),
        .time_ns = (int64_t) dividere_little_read64 (bytes + 8),
        .number = dividere_little_read64 (bytes + 16),
        .sum = dividere_little_read64 (bytes + 24),
    };
    return true;
}

/*  What fills up the body is zeros, so that no byte of a segment can change
 *  unseen.                                                                  */
bool
dividere_record_check (const dividere_block_t *block, const uint8_t *body)
{
    uint64_t end = dividere_record_room (block->size) - DIVIDERE_RECORD_BLOCK;
    for (uint64_t i = block->size; i < end; i++)
        if (body[i])
            return false;
    return s_sum (body, block->size) == block->sum;
}

void
dividere_record_write_entry (const dividere_record_entry_t *entry,
                             uint8_t *bytes)
{
    dividere_little_write64 (bytes, (uint64_t) entry->time_ns);
    dividere_little_write64 (bytes + 8, entry->offset);
    dividere_little_write64 (bytes + 16, entry->number);
}

void
dividere_record_read_entry (const uint8_t *bytes,
                            dividere_record_entry_t *ret_entry)
{
    *ret_entry = (dividere_record_entry_t){
        .time_ns = (int64_t) dividere_little_read64 (bytes),
        .offset = dividere_little_read64 (bytes + 8),
        .number = dividere_little_read64 (bytes + 16),
    };
}

void
dividere_record_write_end (const dividere_record_end_t *end, uint8_t *bytes)
{
    memset (bytes, 0, DIVIDERE_RECORD_LAST);
    dividere_little_write64 (bytes, end->index);
    dividere_little_write64 (bytes + 8, end->messages);
    dividere_little_write64 (bytes + 16, end->dropped);
    dividere_little_write64 (bytes + 24, (uint64_t) end->first_ns);
    dividere_little_write64 (bytes + 32, (uint64_t) end->last_ns);
}

void
dividere_record_read_end (const uint8_t *bytes, dividere_record_end_t *ret_end)
{
    *ret_end = (dividere_record_end_t){
        .index = dividere_little_read64 (bytes),
        .messages = dividere_little_read64 (bytes + 8),
        .dropped = dividere_little_read64 (bytes + 16),
        .first_ns = (int64_t) dividere_little_read64 (bytes + 24),
        .last_ns = (int64_t) dividere_little_read64 (bytes + 32),
    };
}

uint64_t
dividere_record_read_count (const uint8_t *bytes)
{
    return dividere_little_read64 (bytes);
}

void
dividere_record_write_count (uint64_t count, uint8_t *bytes)
{
    dividere_little_write64 (bytes, count);
}

void
dividere_record_name (uint32_t segment, char *ret_name)
{
    snprintf (ret_name, DIVIDERE_RECORD_NAME, "%08" PRIu32 ".rec", segment);
}

uint32_t
dividere_record_number (const char *name)
{
    char same[DIVIDERE_RECORD_NAME];
    unsigned long long number = strtoull (name, NULL, 10);
    if (number == 0 || number > UINT32_MAX)
        return 0;
    dividere_record_name ((uint32_t) number, same);
    return strcmp (name, same) == 0 ? (uint32_t) number : 0;
}
