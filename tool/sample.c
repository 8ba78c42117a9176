/* SPDX-License-Identifier: Apache-2.0 */

#include "sample.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <czmq.h>
#include <dividere/builtin.pb-c.h>
#include <dividere/introspection.pb-c.h>
#include "print.h"

/*  Which figures add up to a column; of one kind, or (NULL) of any.          */
static const struct {
    const char *kind;
    const char *name;
    column_t column;
} s_parts[] = {
    { NULL, "received", COLUMN_IN },
    { "proxy", "frontend_received", COLUMN_IN },
    { "proxy", "backend_received", COLUMN_IN },
    { "nameserver", "lookups", COLUMN_IN },
    { "nameserver", "registered", COLUMN_IN },
    { "nameserver", "renewed", COLUMN_IN },
    { "nameserver", "unregistered", COLUMN_IN },
    { "broker", "replied", COLUMN_OUT },
    { "proxy", "frontend_sent", COLUMN_OUT },
    { "proxy", "backend_sent", COLUMN_OUT },
    { "nameserver", "pushed", COLUMN_OUT },
    { "reactor", "handled", COLUMN_OUT },
    { "worker", "handled", COLUMN_OUT },
    { "service", "handled", COLUMN_OUT },
    { "recorder", "written", COLUMN_OUT },
    { NULL, "pending", COLUMN_QUEUE },
    { NULL, "waiting", COLUMN_QUEUE },
    { NULL, "dropped", COLUMN_DROPPED },
    { NULL, "overflowed", COLUMN_DROPPED },
    { NULL, "reply_expired", COLUMN_DROPPED },
    { NULL, "unroutable", COLUMN_DROPPED },
    { NULL, "events_dropped", COLUMN_DROPPED },
    { NULL, "traffic_dropped", COLUMN_DROPPED },
    { NULL, "malformed", COLUMN_DROPPED },
    { NULL, "unhandled", COLUMN_DROPPED },
    { "broker", "busy_errors", COLUMN_DROPPED },
    { "broker", "expired", COLUMN_DROPPED },
    { "broker", "no_worker", COLUMN_DROPPED },
    { "broker", "worker_lost", COLUMN_DROPPED },
    { "broker", "outcome_unknown", COLUMN_DROPPED },
    { "broker", "refused", COLUMN_DROPPED },
    { "broker", "frontend_malformed", COLUMN_DROPPED },
    { "broker", "backend_malformed", COLUMN_DROPPED },
    { "proxy", "lost", COLUMN_DROPPED },
    { "proxy", "passed_over", COLUMN_DROPPED },
    { "reactor", "unknown_type", COLUMN_DROPPED },
    { "worker", "expired", COLUMN_DROPPED },
    { "worker", "refused", COLUMN_DROPPED },
    { "service", "refused", COLUMN_DROPPED },
    { "nameserver", "push_dropped", COLUMN_DROPPED },
    { "nameserver", "reply_dropped", COLUMN_DROPPED },
    { NULL, "latency_p50", COLUMN_P50 },
    { NULL, "latency_p99", COLUMN_P99 },
};

static const char *const s_gauges[] = {
    "workers",         "ready",       "busy",        "pending",
    "in_flight",       "bytes",       "waiting",     "waiting_bytes",
    "waiting_clients", "names",       "instances",   "leased",
    "revision",        "watchers",    "watches",     "brokers",
    "registered",      "threads",     "running",     "window",
    "window_bytes",    "sources",     "children",    "left",
    "segments",        "error",       "latency_p50", "latency_p90",
    "latency_p99",     "latency_max", "nameservers", "watched",
};

bool
sample_is_gauge (const char *name)
{
    for (size_t i = 0; i < sizeof (s_gauges) / sizeof (s_gauges[0]); i++)
        if (streq (s_gauges[i], name))
            return true;
    return false;
}

void
sample_term (sample_t *self)
{
    freen (self->figures);
    self->count = 0;
}

/*  What has no room is cut off between two letters of UTF-8.                */
static void
s_copy (char *to, size_t room, const char *from)
{
    size_t size = strlen (from);
    if (size >= room)
        for (size = room - 1;
             size && ((unsigned char) from[size] & 0xC0) == 0x80;)
            size--;
    memcpy (to, from, size);
    to[size] = 0;
}

static void
s_add (sample_t *self, const char *name, const char *type, uint64_t value)
{
    if (self->count == SAMPLE_FIGURES)
        return;
    figure_t *figure = &self->figures[self->count++];
    s_copy (figure->name, sizeof (figure->name), name);
    s_copy (figure->type, sizeof (figure->type), type);
    figure->value = value;
}

static void
s_begin (sample_t *self, uint64_t uptime_ms, int64_t now_ms)
{
    if (!self->figures)
        self->figures =
            (figure_t *) zmalloc (SAMPLE_FIGURES * sizeof (figure_t));
    /* One that has started anew counts from 0 again.                        */
    bool same = self->time_ms && uptime_ms >= self->uptime_ms;
    self->span_ms = same ? now_ms - self->time_ms : 0;
    self->time_ms = now_ms;
    self->uptime_ms = uptime_ms;
    self->count = 0;
    memcpy (self->before, self->sums, sizeof (self->sums));
}

static void
s_sum (sample_t *self)
{
    memset (self->sums, 0, sizeof (self->sums));
    memset (self->has, 0, sizeof (self->has));
    for (size_t i = 0; i < self->count; i++)
        for (size_t k = 0; k < sizeof (s_parts) / sizeof (s_parts[0]); k++)
            if ((!s_parts[k].kind || streq (s_parts[k].kind, self->kind)) &&
                streq (s_parts[k].name, self->figures[i].name)) {
                self->sums[s_parts[k].column] += self->figures[i].value;
                self->has[s_parts[k].column] = true;
            }
}

static void
s_take_info (sample_t *self, const Dividere__ActorInfo *info)
{
    s_copy (self->kind, sizeof (self->kind), info->kind);
    s_copy (self->name, sizeof (self->name), info->name);
    s_copy (self->library, sizeof (self->library), info->library);
    s_copy (self->host, sizeof (self->host), info->host);
    self->pid = info->pid;
}

static void
s_take_stats (sample_t *self, const Dividere__ActorStats *stats, int64_t now_ms)
{
    s_begin (self, stats->uptime_ms, now_ms);
    for (size_t i = 0; i < stats->n_values; i++)
        s_add (self, stats->values[i]->name, "", stats->values[i]->value);
    s_sum (self);
}

/*  The upper end of the bucket that has this share of all calls.            */
static uint64_t
s_percentile (const uint64_t *counts, size_t size, uint64_t permille)
{
    uint64_t total = 0, sum = 0;
    for (size_t i = 0; i < size; i++)
        total += counts[i];
    for (size_t i = 0; i < size && i < 63; i++)
        if ((sum += counts[i]) && sum * 1000 >= total * permille)
            return UINT64_C (1) << i;
    return 0;
}

static void
s_take_service (sample_t *self, const Dividere__ServiceStatistics *stats,
                int64_t now_ms)
{
    uint64_t histogram[64] = { 0 }, max = 0, count = 0;
    s_begin (self, stats->uptime_ms, now_ms);
    s_add (self, "received", "", stats->received);
    s_add (self, "unhandled", "", stats->unhandled);
    s_add (self, "refused", "", stats->refused);
    s_add (self, "waiting", "", stats->waiting);
    s_add (self, "running", "", stats->running);
    for (size_t i = 0; i < stats->n_types; i++) {
        const Dividere__ServiceStatistics__OfType *type = stats->types[i];
        s_add (self, "handled", type->type, type->handled);
        s_add (self, "failed", type->type, type->failed);
        count += type->handled;
        max = type->max_us > max ? type->max_us : max;
        for (size_t k = 0; k < type->n_histogram && k < 64; k++)
            histogram[k] += type->histogram[k];
    }
    s_add (self, "latency_count", "", count);
    s_add (self, "latency_p50", "", s_percentile (histogram, 64, 500));
    s_add (self, "latency_p90", "", s_percentile (histogram, 64, 900));
    s_add (self, "latency_p99", "", s_percentile (histogram, 64, 990));
    s_add (self, "latency_max", "", max);
    s_sum (self);
}

bool
sample_take (sample_t *self, const dividere_message_t *answer, int64_t now_ms)
{
    const ProtobufCMessage *object = dividere_message_object (answer);
    const ProtobufCMessageDescriptor *type = dividere_message_type (answer);
    if (type == &dividere__actor_info__descriptor)
        s_take_info (self, (const Dividere__ActorInfo *) object);
    else if (type == &dividere__actor_stats__descriptor)
        s_take_stats (self, (const Dividere__ActorStats *) object, now_ms);
    else if (type == &dividere__service_statistics__descriptor)
        s_take_service (self, (const Dividere__ServiceStatistics *) object,
                        now_ms);
    else if (type == &dividere__service_info__descriptor) {
        const Dividere__ServiceInfo *info =
            (const Dividere__ServiceInfo *) object;
        s_copy (self->kind, sizeof (self->kind), "service");
        s_copy (self->name, sizeof (self->name), info->name);
        s_copy (self->library, sizeof (self->library), info->library);
    }
    else
        return false;
    return true;
}

double
sample_rate (const sample_t *self, column_t column)
{
    if (self->span_ms <= 0 || self->sums[column] < self->before[column])
        return 0;
    return (double) (self->sums[column] - self->before[column]) * 1000 /
           (double) self->span_ms;
}

static void
s_print_member (FILE *out, const char *name, const char *text)
{
    fprintf (out, ", \"%s\": ", name);
    print_string_to (out, text);
}

/*  Figures of types are an object by type.                                  */
static void
s_print_figures (const sample_t *self, FILE *out)
{
    bool first = true;
    for (size_t i = 0; i < self->count; i++) {
        const figure_t *figure = &self->figures[i];
        if (*figure->type)
            continue;
        fprintf (out, "%s", first ? "" : ", ");
        print_string_to (out, figure->name);
        fprintf (out, ": %" PRIu64, figure->value);
        first = false;
    }
}

static void
s_print_types (const sample_t *self, FILE *out)
{
    const char *type = NULL;
    for (size_t i = 0; i < self->count; i++) {
        const figure_t *figure = &self->figures[i];
        if (!*figure->type)
            continue;
        bool same = type && streq (type, figure->type);
        if (!same) {
            fprintf (out, "%s", type ? "}, " : "");
            print_string_to (out, figure->type);
            fprintf (out, ": {");
        }
        else
            fprintf (out, ", ");
        print_string_to (out, figure->name);
        fprintf (out, ": %" PRIu64, figure->value);
        type = figure->type;
    }
    fprintf (out, "%s", type ? "}" : "");
}

void
sample_print_json (const sample_t *self, FILE *out)
{
    s_print_member (out, "kind", self->kind);
    s_print_member (out, "name", self->name);
    s_print_member (out, "host", self->host);
    s_print_member (out, "library", self->library);
    fprintf (out, ", \"pid\": %" PRIu32 ", \"uptimeMs\": %" PRIu64, self->pid,
             self->uptime_ms);
    fprintf (out,
             ", \"inPerSecond\": %.1f, \"outPerSecond\": %.1f"
             ", \"queue\": %" PRIu64 ", \"dropped\": %" PRIu64
             ", \"p50Us\": %" PRIu64 ", \"p99Us\": %" PRIu64 ", \"stats\": {",
             sample_rate (self, COLUMN_IN), sample_rate (self, COLUMN_OUT),
             self->sums[COLUMN_QUEUE], self->sums[COLUMN_DROPPED],
             self->sums[COLUMN_P50], self->sums[COLUMN_P99]);
    s_print_figures (self, out);
    fprintf (out, "}, \"types\": {");
    s_print_types (self, out);
    fprintf (out, "}");
}
