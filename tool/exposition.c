/* SPDX-License-Identifier: Apache-2.0 */

#include "exposition.h"
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/*  Of a series: which it is, and how its values are written.                */
typedef struct {
    const char *figure; /* as STATS has it                                   */
    const char *series; /* NULL: as the figure is called                     */
    const char *labels; /* more of them                                      */
    bool seconds;       /* the figure is microseconds                        */
} series_t;

/*  What is not called as its figure is.                                     */
static const series_t s_series[] = {
    { "latency_p50", "latency_seconds", ",quantile=\"0.5\"", true },
    { "latency_p90", "latency_seconds", ",quantile=\"0.9\"", true },
    { "latency_p99", "latency_seconds", ",quantile=\"0.99\"", true },
    { "latency_count", "latency_seconds_count", "", false },
    { "latency_max", "latency_max_seconds", "", true },
};

#define SERIES (sizeof (s_series) / sizeof (s_series[0]))

static void
s_print_value (FILE *out, const char *text)
{
    for (; *text; text++)
        if (*text == '\\' || *text == '"')
            fprintf (out, "\\%c", *text);
        else
            fprintf (out, *text == '\n' ? "\\n" : "%c", *text);
}

static void
s_print_label (FILE *out, const char *name, const char *value)
{
    fprintf (out, "%s=\"", name);
    s_print_value (out, value);
    fprintf (out, "\"");
}

static void
s_print_labels (FILE *out, const sampled_t *sampled)
{
    const sample_t *sample = sampled->sample;
    s_print_label (out, "kind", sample->kind);
    s_print_label (out, ",name", sample->name);
    s_print_label (out, ",where", sampled->where);
    if (*sample->host)
        s_print_label (out, ",host", sample->host);
}

/*  Letters, digits and underscores.                                         */
static void
s_print_name (FILE *out, const char *name)
{
    for (; *name; name++)
        putc (isascii (*name) && isalnum (*name) ? *name : '_', out);
}

static const series_t *
s_find_series (const char *figure)
{
    for (size_t i = 0; i < SERIES; i++)
        if (streq (s_series[i].figure, figure))
            return &s_series[i];
    return NULL;
}

/*  Cumulative buckets are told by their percentiles.                        */
static bool
s_is_bucket (const char *figure)
{
    return strncmp (figure, "latency_le_", 11) == 0;
}

static void
s_print_figure (FILE *out, const sampled_t *sampled, const figure_t *figure)
{
    const series_t *series = s_find_series (figure->name);
    fprintf (out, "dividere_");
    s_print_name (out, series ? series->series : figure->name);
    fprintf (out, "%s{",
             series || sample_is_gauge (figure->name) ? "" : "_total");
    s_print_labels (out, sampled);
    if (*figure->type)
        s_print_label (out, ",type", figure->type);
    fprintf (out, "%s} ", series ? series->labels : "");
    if (series && series->seconds)
        fprintf (out, "%.6f\n", (double) figure->value / 1e6);
    else
        fprintf (out, "%" PRIu64 "\n", figure->value);
}

/*  All of one name, of all who have it. They must stand together.            */
static void
s_print_all (FILE *out, sampler_t *sampler, const char *name)
{
    for (size_t i = 0; i < sampler_count (sampler); i++) {
        sampled_t sampled;
        sampler_at (sampler, i, &sampled);
        for (size_t k = 0; k < sampled.sample->count && !*sampled.trouble; k++)
            if (streq (sampled.sample->figures[k].name, name))
                s_print_figure (out, &sampled, &sampled.sample->figures[k]);
    }
}

static void
s_print_up (FILE *out, sampler_t *sampler)
{
    fprintf (out, "# HELP dividere_up 1: it answers.\n"
                  "# TYPE dividere_up gauge\n");
    for (size_t i = 0; i < sampler_count (sampler); i++) {
        sampled_t sampled;
        sampler_at (sampler, i, &sampled);
        fprintf (out, "dividere_up{");
        s_print_labels (out, &sampled);
        fprintf (out, "} %d\n",
                 !*sampled.trouble && sampled.sample->time_ms != 0);
    }
    fprintf (out, "# TYPE dividere_uptime_seconds gauge\n");
    for (size_t i = 0; i < sampler_count (sampler); i++) {
        sampled_t sampled;
        sampler_at (sampler, i, &sampled);
        if (*sampled.trouble || !sampled.sample->time_ms)
            continue;
        fprintf (out, "dividere_uptime_seconds{");
        s_print_labels (out, &sampled);
        fprintf (out, "} %.3f\n", (double) sampled.sample->uptime_ms / 1e3);
    }
}

static void
s_print_latency (FILE *out, sampler_t *sampler)
{
    fprintf (out, "# TYPE dividere_latency_seconds summary\n");
    for (size_t i = 0; i < SERIES - 1; i++)
        s_print_all (out, sampler, s_series[i].figure);
    fprintf (out, "# TYPE dividere_latency_max_seconds gauge\n");
    s_print_all (out, sampler, s_series[SERIES - 1].figure);
}

void
exposition_print (sampler_t *sampler, FILE *out)
{
    s_print_up (out, sampler);
    s_print_latency (out, sampler);
    zhash_t *printed = zhash_new ();
    for (size_t i = 0; i < sampler_count (sampler); i++) {
        sampled_t sampled;
        sampler_at (sampler, i, &sampled);
        for (size_t k = 0; k < sampled.sample->count && !*sampled.trouble;
             k++) {
            const char *name = sampled.sample->figures[k].name;
            if (s_is_bucket (name) || s_find_series (name) ||
                zhash_insert (printed, name, printed) < 0)
                continue;
            bool gauge = sample_is_gauge (name);
            fprintf (out, "# TYPE dividere_");
            s_print_name (out, name);
            fprintf (out, gauge ? " gauge\n" : "_total counter\n");
            s_print_all (out, sampler, name);
        }
    }
    zhash_destroy (&printed);
    size_t instances;
    const char *trouble;
    if (*sampler_servers (sampler, &instances, &trouble))
        fprintf (out,
                 "# HELP dividere_known_instances That name servers know.\n"
                 "# TYPE dividere_known_instances gauge\n"
                 "dividere_known_instances %zu\n",
                 instances);
}
