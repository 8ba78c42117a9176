/* SPDX-License-Identifier: Apache-2.0 */

/*  The statistics of a broker.                                              */

#include "broker_internal.h"

/*  How it is now.                                                           */
static void
s_add_gauges (const dividere_broker_t *self, zmsg_t *values)
{
    const dividere_workers_t *workers =
        dividere_dispatcher_workers (self->dispatcher);
    const dividere_requests_t *requests =
        dividere_dispatcher_requests (self->dispatcher);
    uint64_t ready = 0, busy = 0;
    dividere_worker_entry_t *worker = NULL;
    while ((worker = dividere_workers_each (workers, worker))) {
        ready += worker->among != NULL;
        busy += dividere_worker_busy (worker);
    }
    const dividere_stat_t stats[] = {
        { "workers", workers->table.count },
        { "ready", ready },
        { "busy", busy },
        { "pending", requests->pending },
        { "in_flight",
          dividere_dispatcher_left (self->dispatcher) - requests->pending },
        { "bytes", requests->bytes },
    };
    DIVIDERE_ADD_STATS (values, stats);
}

static void
s_add_counts (const dividere_broker_t *self, zmsg_t *values)
{
    const dividere_dispatcher_counts_t *counts =
        dividere_dispatcher_counts (self->dispatcher);
    const uint64_t *errors = counts->errors;
    const dividere_stat_t stats[] = {
        { "received", counts->received },
        { "handed", counts->handed },
        { "replied", counts->replied },
        { "requeued", counts->requeued },
        { "joined", counts->joined },
        { "busy_errors", errors[DIVIDERE_STATUS_BUSY] },
        { "expired", errors[DIVIDERE_STATUS_EXPIRED] },
        { "no_worker", errors[DIVIDERE_STATUS_NO_WORKER] },
        { "worker_lost", errors[DIVIDERE_STATUS_WORKER_LOST] },
        { "outcome_unknown", errors[DIVIDERE_STATUS_OUTCOME_UNKNOWN] },
        { "unhandled", errors[DIVIDERE_STATUS_UNHANDLED] },
        { "refused", errors[DIVIDERE_STATUS_REFUSED] },
        { "failed", errors[DIVIDERE_STATUS_FAILED] },
        { "unanswered", errors[DIVIDERE_STATUS_UNANSWERED] },
        { "denied", errors[DIVIDERE_STATUS_DENIED] },
        { "workers_denied", counts->workers_denied },
        { "silent", counts->silent },
        { "stray", counts->stray },
        { "frontend_malformed", counts->frontend_malformed },
        { "backend_malformed", counts->backend_malformed },
        { "workers_refused", counts->workers_refused },
        { "heartbeats_sent", counts->heartbeats_sent },
        { "heartbeats_received", counts->heartbeats_received },
        { "workers_lost", counts->workers_lost },
        { "unroutable", self->outlet.unroutable },
        { "overflowed", self->outlet.overflowed },
        { "reply_expired", self->outlet.expired },
        { "waiting", dividere_backlog_parcels (self->outlet.backlog) },
    };
    DIVIDERE_ADD_STATS (values, stats);
}

static void
s_add_latency (const dividere_histogram_t *latency, zmsg_t *values)
{
    const dividere_stat_t stats[] = {
        { "latency_count", latency->total },
        { "latency_p50", dividere_histogram_percentile (latency, 500) },
        { "latency_p90", dividere_histogram_percentile (latency, 900) },
        { "latency_p99", dividere_histogram_percentile (latency, 990) },
        { "latency_max", latency->max },
    };
    DIVIDERE_ADD_STATS (values, stats);
    uint64_t sum = 0;
    for (int i = 0; i < DIVIDERE_HISTOGRAM_BUCKETS; i++) {
        if (!latency->counts[i])
            continue;
        char name[40];
        snprintf (name, sizeof (name), "latency_le_%llu", 1ULL << i);
        sum += latency->counts[i];
        dividere_actor_stat (values, name, sum);
    }
}

void
dividere_broker_stats (void *arg, zmsg_t *values)
{
    const dividere_broker_t *self = (const dividere_broker_t *) arg;
    s_add_gauges (self, values);
    s_add_counts (self, values);
    s_add_latency (&dividere_dispatcher_counts (self->dispatcher)->latency,
                   values);
}
