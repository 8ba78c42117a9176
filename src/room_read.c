/* SPDX-License-Identifier: Apache-2.0 */

/*  What the kernel tells about this process.                                */

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <czmq.h>
#include "room.h"

#define GROUPS "/sys/fs/cgroup"

static uint64_t
s_limit (rlim_t limit)
{
    return limit == RLIM_INFINITY ? UINT64_MAX : (uint64_t) limit;
}

static uint64_t
s_soft (int resource)
{
    struct rlimit limit;
    return getrlimit (resource, &limit) < 0 ? UINT64_MAX
                                            : s_limit (limit.rlim_cur);
}

static void
s_read_descriptors (dividere_room_t *room)
{
    struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
    getrlimit (RLIMIT_NOFILE, &limit);
    room->descriptors = s_limit (limit.rlim_cur);
    room->descriptors_max = s_limit (limit.rlim_max);
    DIR *folder = opendir ("/proc/self/fd");
    if (!folder)
        return;
    /* It is itself one of them.                                             */
    const struct dirent *entry;
    while ((entry = readdir (folder)))
        room->descriptors_open += entry->d_name[0] != '.';
    room->descriptors_open--;
    closedir (folder);
}

/*  Leaves as it is what is no tighter.                                      */
static void
s_tighten (dividere_room_t *room, const char *name, uint64_t limit,
           uint64_t used)
{
    if (limit == UINT64_MAX)
        return;
    uint64_t left = limit > used ? limit - used : 0;
    if (room->memory_limit && left >= room->memory - room->memory_used)
        return;
    room->memory_limit = name;
    room->memory = limit;
    room->memory_used = limit - left;
}

/*  One of a control group; UINT64_MAX where there is none.                  */
static uint64_t
s_read_group (const char *path)
{
    char name[PATH_MAX + 40];
    uint64_t limit;
    snprintf (name, sizeof (name), GROUPS "%s/memory.max", path);
    FILE *file = fopen (name, "r");
    if (!file)
        return UINT64_MAX;
    if (fscanf (file, "%" SCNu64, &limit) != 1)
        limit = UINT64_MAX;
    fclose (file);
    return limit;
}

/*  The least of the group that this process is in, and of those that this is
 *  in. What others of these use is not counted: much of it is files' pages,
 *  which go when somebody needs the room.                                    */
static uint64_t
s_group_limit (void)
{
    char path[PATH_MAX] = "";
    FILE *file = fopen ("/proc/self/cgroup", "r");
    if (!file)
        return UINT64_MAX;
    char line[PATH_MAX];
    while (fgets (line, sizeof (line), file))
        if (strncmp (line, "0::", 3) == 0)
            snprintf (path, sizeof (path), "%.*s",
                      (int) strcspn (line + 3, "\n"), line + 3);
    fclose (file);
    uint64_t limit = s_read_group ("");
    for (char *end; (end = strrchr (path, '/')); *end = 0) {
        uint64_t of_group = s_read_group (path);
        if (of_group < limit)
            limit = of_group;
    }
    return limit;
}

static void
s_read_memory (dividere_room_t *room)
{
    uint64_t size = 0, resident = 0, data = 0;
    uint64_t page = (uint64_t) sysconf (_SC_PAGESIZE);
    FILE *file = fopen ("/proc/self/statm", "r");
    if (file && fscanf (file, "%" SCNu64 " %" SCNu64 " %*u %*u %*u %" SCNu64,
                        &size, &resident, &data) != 3)
        size = resident = data = 0;
    if (file)
        fclose (file);
    room->memory = UINT64_MAX;
    s_tighten (room, "RLIMIT_AS", s_soft (RLIMIT_AS), size * page);
    s_tighten (room, "RLIMIT_DATA", s_soft (RLIMIT_DATA), data * page);
    s_tighten (room, "memory.max", s_group_limit (), resident * page);
}

void
dividere_room_get (dividere_room_t *ret_room)
{
    dividere_room_t room = { 0 };
    s_read_descriptors (&room);
    s_read_memory (&room);
    room.sockets = (uint64_t) zmq_ctx_get (zsys_init (), ZMQ_MAX_SOCKETS);
    uint64_t by_memory = dividere_room_by_memory (&room);
    room.peers = dividere_room_by_descriptors (&room);
    if (by_memory < room.peers)
        room.peers = by_memory;
    *ret_room = room;
}
