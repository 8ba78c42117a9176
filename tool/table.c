/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "screen.h"

#define WIDTHS "%-10.10s %-20.20s %-18.18s %8s %8s %8s %7s %7s %8s %8s  %.100s"

/*  Everything that a terminal would not print as one column is a "?".        */
static void
s_clean (char *line)
{
    for (; *line; line++)
        if (*line < ' ' || *line > '~')
            *line = '?';
}

/*  1234567 is 1.23M.                                                        */
static const char *
s_short (double value, char *text, size_t room)
{
    static const char s_units[] = " kMGTPE";
    int unit = 0;
    for (; value >= 999.5 && s_units[unit + 1]; unit++)
        value /= 1000;
    if (unit == 0)
        snprintf (text, room, value > 0 && value < 9.95 ? "%.1f" : "%.0f",
                  value);
    else
        snprintf (text, room, "%.*f%c", value < 9.995 ? 2 : value < 99.95,
                  value, s_units[unit]);
    return text;
}

static const char *
s_duration (uint64_t us, char *text, size_t room)
{
    if (us < 1000)
        snprintf (text, room, "%" PRIu64 "us", us);
    else if (us < 1000000)
        snprintf (text, room, "%.1fms", (double) us / 1e3);
    else
        snprintf (text, room, "%.1fs", (double) us / 1e6);
    return text;
}

static const char *
s_uptime (uint64_t ms, char *text, size_t room)
{
    uint64_t s = ms / 1000;
    if (s < 3600)
        snprintf (text, room, "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
    else if (s < 86400)
        snprintf (text, room, "%" PRIu64 "h%02" PRIu64, s / 3600, s / 60 % 60);
    else
        snprintf (text, room, "%" PRIu64 "d%02" PRIu64 "h", s / 86400,
                  s / 3600 % 24);
    return text;
}

void
table_summary (sampler_t *sampler, char *ret_line)
{
    size_t instances, silent = 0, count = sampler_count (sampler);
    const char *trouble;
    const char *servers = sampler_servers (sampler, &instances, &trouble);
    for (size_t i = 0; i < count; i++) {
        sampled_t sampled;
        sampler_at (sampler, i, &sampled);
        silent += *sampled.trouble != 0;
    }
    snprintf (ret_line, TABLE_LINE, "%zu shown, %zu with trouble%s%s", count,
              silent, *servers ? "; name servers " : "", servers);
    size_t used = strlen (ret_line);
    if (*trouble)
        snprintf (ret_line + used, TABLE_LINE - used, ": %s", trouble);
    else if (*servers)
        snprintf (ret_line + used, TABLE_LINE - used, ": %zu instances",
                  instances);
    s_clean (ret_line);
}

void
table_head (char *ret_line)
{
    snprintf (ret_line, TABLE_LINE, WIDTHS, "KIND", "NAME", "HOST:PID", "UP",
              "IN/S", "OUT/S", "QUEUE", "DROPS", "P50", "P99", "WHERE");
}

/*  What it is, and in the place of figures, which would be old, what is wrong
 *  with it.                                                                 */
static void
s_trouble_line (const sampled_t *sampled, char *ret_line)
{
    const sample_t *sample = sampled->sample;
    snprintf (ret_line, TABLE_LINE, "%-10.10s %-20.20s %.100s: %.100s",
              *sample->kind ? sample->kind : "?", sample->name, sampled->where,
              sampled->trouble);
    s_clean (ret_line);
}

void
table_line (const sampled_t *sampled, char *ret_line)
{
    const sample_t *sample = sampled->sample;
    char place[40] = "", up[20], text[COLUMNS][20] = { "" };
    bool known = sample->time_ms != 0;
    if (*sampled->trouble) {
        s_trouble_line (sampled, ret_line);
        return;
    }
    if (*sample->host)
        snprintf (place, sizeof (place), "%.10s:%" PRIu32, sample->host,
                  sample->pid);
    for (int i = COLUMN_IN; i < COLUMNS; i++) {
        if (!known || !sample->has[i])
            continue;
        if (i <= COLUMN_OUT)
            s_short (sample_rate (sample, (column_t) i), text[i],
                     sizeof (text[i]));
        else if (i <= COLUMN_DROPPED)
            s_short ((double) sample->sums[i], text[i], sizeof (text[i]));
        else
            s_duration (sample->sums[i], text[i], sizeof (text[i]));
    }
    snprintf (ret_line, TABLE_LINE, WIDTHS, *sample->kind ? sample->kind : "?",
              sample->name, place,
              known ? s_uptime (sample->uptime_ms, up, sizeof (up)) : "",
              text[COLUMN_IN], text[COLUMN_OUT], text[COLUMN_QUEUE],
              text[COLUMN_DROPPED], text[COLUMN_P50], text[COLUMN_P99],
              sampled->where);
    s_clean (ret_line);
}

void
table_print (sampler_t *sampler)
{
    char line[TABLE_LINE];
    table_summary (sampler, line);
    printf ("%s\n", line);
    table_head (line);
    printf ("%s\n", line);
    for (size_t i = 0; i < sampler_count (sampler); i++) {
        sampled_t sampled;
        sampler_at (sampler, i, &sampled);
        table_line (&sampled, line);
        printf ("%s\n", line);
    }
}
