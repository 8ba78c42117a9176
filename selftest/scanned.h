/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SCANNED_H
#define DIVIDERE_SCANNED_H

#include "arena.h"
#include "scan.h"
#include "selftest.h"
#include "unpack.h"

#define SCANNED_DEPTH  100
#define SCANNED_BUDGET (64 << 20)

/*  Scans, and unpacks into an arena that has no more than the scanner said.
 *  NULL with the errno of the scanner.                                      */
static inline ProtobufCMessage *
scanned_unpack (const ProtobufCMessageDescriptor *type, const void *data,
                size_t size, dividere_arena_t *arena)
{
    size_t need;
    if (dividere_scan (type, data, size, SCANNED_DEPTH, SCANNED_BUDGET, &need) <
        0)
        return NULL;
    dividere_arena_reset (arena, need);
    ProtobufCMessage *message = dividere_unpack (type, data, size, arena);
    CHECK (message);
    return message;
}

#endif
