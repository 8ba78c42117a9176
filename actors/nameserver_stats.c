/* SPDX-License-Identifier: Apache-2.0 */

/*  The statistics of a name server.                                         */

#include "nameserver_internal.h"

static uint64_t
s_dropped (const dividere_outlet_t *outlet)
{
    return outlet->unroutable + outlet->overflowed + outlet->expired;
}

/*  How it is now.                                                           */
static void
s_add_gauges (const dividere_nameserver_t *self, zmsg_t *values)
{
    dividere_names_t *names = dividere_registrar_names (self->registrar);
    const dividere_watchers_t *watchers =
        dividere_registrar_watchers (self->registrar);
    dividere_names_size_t size;
    dividere_names_size (names, &size);
    const dividere_stat_t stats[] = {
        { "names", size.names },
        { "instances", size.instances },
        { "leased", size.leased },
        { "bytes", size.bytes },
        { "revision", dividere_names_revision (names) },
        { "watchers", dividere_watchers_count (watchers) },
        { "watches", dividere_watchers_watches (watchers) },
    };
    DIVIDERE_ADD_STATS (values, stats);
}

void
dividere_nameserver_stats (void *arg, zmsg_t *values)
{
    const dividere_nameserver_t *self = (const dividere_nameserver_t *) arg;
    const dividere_registrar_counts_t *counts =
        dividere_registrar_counts (self->registrar);
    const dividere_nameserver_side_t *sides = self->sides;
    s_add_gauges (self, values);
    const dividere_stat_t stats[] = {
        { "registered", counts->registered },
        { "renewed", counts->renewed },
        { "unregistered", counts->unregistered },
        { "expired", counts->expired },
        { "replaced", counts->replaced },
        { "conflicts", counts->conflicts },
        { "refused", counts->refused },
        { "lookups", counts->lookups },
        { "unknown", counts->unknown },
        { "listed", counts->listed },
        { "malformed", counts->malformed },
        { "rediscovered", self->called },
        { "pushed", counts->pushed },
        { "push_dropped",
          s_dropped (&sides[DIVIDERE_NAMESERVER_WATCH].outlet) },
        { "reply_dropped",
          s_dropped (&sides[DIVIDERE_NAMESERVER_REQUESTS].outlet) },
        { "snapshots", self->store.count },
        { "snapshots_failed", self->store.failed },
    };
    DIVIDERE_ADD_STATS (values, stats);
}
