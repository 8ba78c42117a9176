/* SPDX-License-Identifier: Apache-2.0 */

/*  Sums of limits. What is not limited is UINT64_MAX, and no sum goes beyond
 *  that.                                                                    */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include "room.h"

static uint64_t
s_add (uint64_t left, uint64_t right)
{
    return left > UINT64_MAX - right ? UINT64_MAX : left + right;
}

static uint64_t
s_times (uint64_t left, uint64_t right)
{
    return left > UINT64_MAX / right ? UINT64_MAX : left * right;
}

static uint64_t
s_left (uint64_t limit, uint64_t used)
{
    if (limit == UINT64_MAX)
        return UINT64_MAX;
    return limit > used ? limit - used : 0;
}

uint64_t
dividere_room_by_descriptors (const dividere_room_t *self)
{
    return s_left (self->descriptors,
                   s_add (self->descriptors_open, DIVIDERE_ROOM_RESERVE));
}

uint64_t
dividere_room_by_memory (const dividere_room_t *self)
{
    uint64_t left = s_left (self->memory, self->memory_used);
    return left == UINT64_MAX ? left : left / DIVIDERE_ROOM_PEER;
}

/*  The line as it grows.                                                    */
typedef struct {
    char *text;
    size_t length;
} line_t;

static void DIVIDERE_FORMAT (2, 3) s_say (line_t *line, const char *format, ...)
{
    size_t room = DIVIDERE_ROOM_TEXT - line->length;
    va_list args;
    va_start (args, format);
    int length = vsnprintf (line->text + line->length, room, format, args);
    va_end (args);
    line->length += length < 0                ? 0
                    : (size_t) length >= room ? room - 1
                                              : (size_t) length;
}

static uint64_t
s_mib (uint64_t bytes)
{
    return bytes / (1 << 20) + (bytes % (1 << 20) ? 1 : 0);
}

static void
s_say_descriptors (line_t *line, const dividere_room_t *self,
                   const dividere_demand_t *demand)
{
    s_say (line,
           "%" PRIu64 " descriptors (RLIMIT_NOFILE) are room for about %" PRIu64
           " peers; \"%s\" is %" PRIu64 ", for which it takes %" PRIu64
           ": raise it with ulimit -n or LimitNOFILE=",
           self->descriptors, dividere_room_by_descriptors (self),
           demand->peers_name, demand->peers,
           s_add (demand->peers,
                  s_add (self->descriptors_open, DIVIDERE_ROOM_RESERVE)));
}

static uint64_t
s_bytes (const dividere_demand_t *demand)
{
    return s_add (s_times (demand->peers, DIVIDERE_ROOM_PEER),
                  s_add (demand->bytes, demand->replies));
}

static void
s_say_memory (line_t *line, const dividere_room_t *self,
              const dividere_demand_t *demand)
{
    const char *sign = "; ";
    s_say (line, "%" PRIu64 " MiB of memory (%s) are room",
           s_mib (self->memory), self->memory_limit);
    s_say (line, " for about %" PRIu64 " peers, or %" PRIu64 " MiB",
           dividere_room_by_memory (self),
           s_left (self->memory, self->memory_used) >> 20);
    const struct {
        const char *name;
        uint64_t value;
        bool bytes;
    } settings[] = { { demand->peers_name, demand->peers, false },
                     { demand->bytes_name, demand->bytes, true },
                     { demand->replies_name, demand->replies, true } };
    for (size_t i = 0; i < sizeof (settings) / sizeof (settings[0]); i++)
        if (settings[i].name) {
            uint64_t value = settings[i].value;
            s_say (line, "%s\"%s\" is %" PRIu64 "%s", sign, settings[i].name,
                   settings[i].bytes ? s_mib (value) : value,
                   settings[i].bytes ? " MiB" : "");
            sign = ", ";
        }
    s_say (line,
           ", for which it takes %" PRIu64
           " MiB: raise it with ulimit or MemoryMax=, or set less",
           s_mib (s_add (self->memory_used, s_bytes (demand))));
}

static void
s_say_enough (line_t *line, const dividere_room_t *self)
{
    s_say (line, "room for about %" PRIu64 " peers: ", self->peers);
    s_say (line, "%" PRIu64 " descriptors", self->descriptors);
    if (self->memory_limit)
        s_say (line, ", %" PRIu64 " MiB of memory (%s)", s_mib (self->memory),
               self->memory_limit);
    else
        s_say (line, ", no limit of memory");
}

bool
dividere_room_judge (const dividere_room_t *self,
                     const dividere_demand_t *demand, char *ret_text)
{
    line_t line = { ret_text, 0 };
    bool connects = demand->peers <= dividere_room_by_descriptors (self);
    bool holds = s_bytes (demand) <= s_left (self->memory, self->memory_used) ||
                 !self->memory_limit;
    s_say (&line, "%s: ", demand->who);
    if (!connects && demand->peers_name)
        s_say_descriptors (&line, self, demand);
    if (!connects && !holds)
        s_say (&line, "; ");
    if (!holds)
        s_say_memory (&line, self, demand);
    if (connects && holds)
        s_say_enough (&line, self);
    return connects && holds;
}
