/* SPDX-License-Identifier: Apache-2.0 */

#include "trace.h"
#include <string.h>
#include <time.h>
#include "extension.h"
#include "little.h"

#define HEAD 24
#define HOP  16

enum { AT_ROOM, AT_COUNT, AT_ID = 8 };

const char *
dividere_hop_name (dividere_hop_kind_t kind)
{
    static const char *const s_names[] = {
        [DIVIDERE_HOP_SENT] = "sent",
        [DIVIDERE_HOP_QUEUED] = "queued",
        [DIVIDERE_HOP_HANDED] = "handed",
        [DIVIDERE_HOP_RECEIVED] = "received",
        [DIVIDERE_HOP_BEGUN] = "begun",
        [DIVIDERE_HOP_ENDED] = "ended",
        [DIVIDERE_HOP_REPLIED] = "replied",
        [DIVIDERE_HOP_ANSWERED] = "answered",
    };
    return kind >= DIVIDERE_HOP_SENT && kind <= DIVIDERE_HOP_ANSWERED
               ? s_names[kind]
               : "?";
}

int64_t
dividere_trace_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

bool
dividere_trace_is_whole (const uint8_t *bytes, size_t size)
{
    return size >= HEAD && bytes[AT_COUNT] <= bytes[AT_ROOM] &&
           bytes[AT_ROOM] <= (size - HEAD) / HOP;
}

void
dividere_trace_write (const uint8_t *id, uint8_t *bytes)
{
    memset (bytes, 0, DIVIDERE_TRACE_SIZE);
    bytes[AT_ROOM] = DIVIDERE_HOPS_MAX;
    memcpy (bytes + AT_ID, id, 16);
}

/*  Where it is in an extension frame; NULL: there is none.                   */
static uint8_t *
s_find (const void *extension, size_t size)
{
    dividere_extension_t parsed;
    return dividere_extension_parse (extension, size, &parsed)
               ? (uint8_t *) parsed.trace
               : NULL;
}

void
dividere_trace_add (void *extension, size_t size, dividere_hop_kind_t kind,
                    uint64_t who, int64_t time_ns)
{
    uint8_t *trace = s_find (extension, size);
    if (!trace || trace[AT_COUNT] == trace[AT_ROOM])
        return;
    uint8_t *hop = trace + HEAD + trace[AT_COUNT]++ * HOP;
    dividere_little_write64 (hop, who);
    hop[7] = (uint8_t) kind;
    dividere_little_write64 (hop + 8, (uint64_t) time_ns);
}

void
dividere_trace_adopt (void *extension, size_t size, const void *from,
                      size_t from_size)
{
    uint8_t *trace = s_find (extension, size);
    const uint8_t *other = s_find (from, from_size);
    if (!trace || !other || trace[AT_ROOM] != other[AT_ROOM] ||
        other[AT_COUNT] < trace[AT_COUNT] ||
        memcmp (trace + AT_ID, other + AT_ID, 16) != 0)
        return;
    memcpy (trace + HEAD, other + HEAD, (size_t) other[AT_COUNT] * HOP);
    trace[AT_COUNT] = other[AT_COUNT];
}

bool
dividere_trace_read (const void *extension, size_t size,
                     dividere_trace_t *ret_trace)
{
    const uint8_t *trace = s_find (extension, size);
    if (!trace)
        return false;
    size_t count = trace[AT_COUNT];
    ret_trace->count = count < DIVIDERE_HOPS_MAX ? count : DIVIDERE_HOPS_MAX;
    memcpy (ret_trace->id, trace + AT_ID, sizeof (ret_trace->id));
    for (size_t i = 0; i < ret_trace->count; i++) {
        const uint8_t *hop = trace + HEAD + i * HOP;
        uint64_t who = dividere_little_read64 (hop);
        ret_trace->hops[i] = (dividere_hop_t){
            .kind = (dividere_hop_kind_t) hop[7],
            .who = who & (UINT64_MAX >> 8),
            .time_ns = (int64_t) dividere_little_read64 (hop + 8),
        };
    }
    return true;
}
