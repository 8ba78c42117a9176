/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SCANNED_H
#define DIVIDERE_SCANNED_H

#include "arena.h"
#include "pack.h"
#include "scan.h"
#include "selftest.h"
#include "unpack.h"

#define SCANNED_DEPTH  100
#define SCANNED_BUDGET (64 << 20)

/*  Judges the bytes while it unpacks them: the same must come of it as what the
 *  scanner said, which is error, but that memory is counted more exactly.    */
static inline void
scanned_check_judged (const ProtobufCMessageDescriptor *type, const void *data,
                      size_t size, unsigned depth_max, size_t budget, int error)
{
    static dividere_arena_t *s_arena = NULL;
    if (!s_arena) {
        s_arena = dividere_arena_new ();
        dividere_arena_reset (s_arena, SCANNED_BUDGET);
        CHECK (dividere_arena_alloc (s_arena, 60000));
    }
    errno = 0;
    bool taken = dividere_unpack_judged (type, data, size, depth_max, budget,
                                         s_arena) != NULL;
    CHECK (taken ? !error || error == ENOBUFS : errno == error);
}

/*  Scans, and unpacks into an arena that has no more than the scanner said.
 *  NULL with the errno of the scanner.                                      */
static inline ProtobufCMessage *
scanned_unpack (const ProtobufCMessageDescriptor *type, const void *data,
                size_t size, dividere_arena_t *arena)
{
    size_t need;
    int rc =
        dividere_scan (type, data, size, SCANNED_DEPTH, SCANNED_BUDGET, &need);
    int error = rc < 0 ? errno : 0;
    scanned_check_judged (type, data, size, SCANNED_DEPTH, SCANNED_BUDGET,
                          error);
    errno = error;
    if (rc < 0)
        return NULL;
    dividere_arena_reset (arena, need);
    ProtobufCMessage *message = dividere_unpack (type, data, size, arena);
    CHECK (message);
    return message;
}

/*  Packs a message into so much room; gives its size.                       */
static inline size_t
scanned_pack (const ProtobufCMessage *message, uint8_t *packed, size_t room)
{
    size_t size;
    CHECK_INT (dividere_pack_size (message, SCANNED_DEPTH, &size), 0);
    CHECK (size <= room);
    uint8_t *slack = (uint8_t *) malloc (DIVIDERE_PACKER_SLACK + size);
    uint8_t *at =
        dividere_pack (dividere_packer_message, message, SCANNED_DEPTH, slack,
                       slack + DIVIDERE_PACKER_SLACK + size);
    CHECK (at == slack + DIVIDERE_PACKER_SLACK);
    memcpy (packed, at, size);
    free (slack);
    return size;
}

#endif
