/* SPDX-License-Identifier: Apache-2.0 */

/*  The services of a broker. A lane is made when a worker or a client first
 *  names it, and goes when nobody uses it, so that names cost nothing in the
 *  long run.                                                                */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "dispatcher_internal.h"

#define LANES_MAX 10000 /* of which clients alone can fill half              */

static dividere_lane_t *
s_find (const dividere_dispatcher_t *self, const char *name, size_t size,
        uint64_t hash)
{
    dividere_entry_t *entry = dividere_table_first (&self->lanes, hash);
    for (; entry; entry = dividere_table_next (entry)) {
        dividere_lane_t *lane = (dividere_lane_t *) entry;
        if (lane->name_size == size && memcmp (lane->name, name, size) == 0)
            return lane;
    }
    return NULL;
}

static dividere_lane_t *
s_make (dividere_dispatcher_t *self, const char *name, size_t size,
        uint64_t hash)
{
    dividere_lane_t *lane =
        (dividere_lane_t *) calloc (1, sizeof (*lane) + size + 1);
    assert (lane);
    dividere_crew_init (&lane->crew, lane);
    lane->waiting.owner = lane;
    lane->waiting.waiting = true;
    lane->name_size = size;
    memcpy (lane->name, name, size);
    /* Behind the default one, which is the first.                           */
    lane->link = self->common ? &self->common->next : &self->first;
    lane->next = *lane->link;
    *lane->link = lane;
    if (lane->next)
        lane->next->link = &lane->next;
    dividere_table_add (&self->lanes, &lane->entry, hash);
    return lane;
}

dividere_lane_t *
dividere_lane_of (dividere_dispatcher_t *self, const char *name, size_t size,
                  bool served)
{
    if (!size && self->common)
        return self->common;
    uint64_t hash = dividere_hash (&self->hash, name, size);
    dividere_lane_t *lane = s_find (self, name, size, hash);
    if (!lane && self->lanes.count < (served ? LANES_MAX : LANES_MAX / 2))
        lane = s_make (self, name, size, hash);
    return lane;
}

void
dividere_lane_leave (dividere_dispatcher_t *self, dividere_lane_t *lane)
{
    if (lane == self->common || lane->crew.workers || lane->waiting.count)
        return;
    *lane->link = lane->next;
    if (lane->next)
        lane->next->link = lane->link;
    dividere_table_remove (&self->lanes, &lane->entry);
    free (lane);
}

const dividere_lane_t *
dividere_dispatcher_lanes (const dividere_dispatcher_t *self)
{
    return self->first;
}

void
dividere_dispatcher_tally (dividere_dispatcher_t *self)
{
    for (dividere_lane_t *lane = self->first; lane; lane = lane->next)
        lane->in_flight = 0;
    dividere_worker_entry_t *worker = NULL;
    while ((worker = dividere_workers_each (&self->workers, worker)))
        ((dividere_lane_t *) worker->crew->owner)->in_flight +=
            worker->requests.count;
}
