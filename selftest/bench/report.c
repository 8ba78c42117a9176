/* SPDX-License-Identifier: Apache-2.0 */

/*  The results as a table for people and as JSON for programs.              */

#include "bench.h"
#include <dividere/version.h>
#include <unistd.h>
#include <zmq.h>

#define TEXT_MAX 40

bool
bench_is_good (const bench_line_t *line)
{
    if (!line->measured)
        return false;
    double required = line->row->required;
    if (required == 0)
        return true;
    return line->row->kind == BENCH_RATE ? line->pinned.ratio >= required
                                         : line->pinned.ratio <= required;
}

/*  A figure in SI units with the prefix that fits: 4.07e6 as "4.07 M/s".    */
static void
s_figure (char *text, bench_kind_t kind, double value)
{
    if (kind == BENCH_BYTES) {
        snprintf (text, TEXT_MAX, "%.0f B", value);
        return;
    }
    static const struct {
        double unit;
        const char *rate;
        const char *time;
    } scales[] = {
        { 1e6, "M/s", "" }, { 1e3, "k/s", "" }, { 1, "/s", "s" },
        { 1e-3, "", "ms" }, { 1e-6, "", "us" }, { 1e-9, "", "ns" },
    };
    size_t first = kind == BENCH_RATE ? 0 : 2;
    size_t last = kind == BENCH_RATE ? 2 : 5;
    size_t i = first;
    while (i < last && value < scales[i].unit)
        i++;
    snprintf (text, TEXT_MAX, "%.3g %s", value / scales[i].unit,
              kind == BENCH_RATE ? scales[i].rate : scales[i].time);
}

/*  Without a reference: the figure.                                         */
static void
s_ratio (char *text, const bench_row_t *row, double value)
{
    if (!row->reference.run)
        s_figure (text, row->kind, value);
    else
        snprintf (text, TEXT_MAX, "%.2f", value);
}

/*  What the ratio must be; or that nothing is asked of it.                  */
static void
s_bound (const bench_row_t *row, char *required, char *goal)
{
    if (row->required == 0) {
        snprintf (required, TEXT_MAX, "-");
        snprintf (goal, TEXT_MAX, "-");
        return;
    }
    char ratio[TEXT_MAX - 3];
    s_ratio (ratio, row, row->required);
    snprintf (required, TEXT_MAX, "%s %s",
              row->kind == BENCH_RATE ? ">=" : "<=", ratio);
    s_ratio (goal, row, row->goal);
}

static const char *
s_mark (const bench_line_t *line)
{
    if (line->row->required == 0)
        return line->measured ? "-" : "BELOW";
    return bench_is_good (line) ? "ok" : "BELOW";
}

#define ROW_FORMAT "%-42s %-36s %9s %9s %8s %-18s %9s %11s %8s  %s\n"

void
bench_print_head (FILE *file)
{
    fprintf (file, ROW_FORMAT, "work", "against", "reference", "ours", "ratio",
             "range", "all cores", "required", "goal", "mark");
}

void
bench_print_line (FILE *file, const bench_line_t *line)
{
    const bench_row_t *row = line->row;
    const bench_result_t *result = &line->pinned;
    if (!line->measured) {
        fprintf (file, "%-42s could not be measured\n", row->work);
        return;
    }
    char reference[TEXT_MAX] = "", ours[TEXT_MAX], ratio[TEXT_MAX];
    char low[TEXT_MAX], high[TEXT_MAX], range[2 * TEXT_MAX + 2];
    char cores[TEXT_MAX] = "-", required[TEXT_MAX], goal[TEXT_MAX];
    if (row->reference.run)
        s_figure (reference, row->kind, result->reference);
    s_figure (ours, row->kind, result->ours);
    s_ratio (ratio, row, result->ratio);
    s_ratio (low, row, result->ratio_min);
    s_ratio (high, row, result->ratio_max);
    snprintf (range, sizeof (range), "%s..%s", low, high);
    if (line->free_measured)
        s_ratio (cores, row, line->free.ratio);
    s_bound (row, required, goal);
    fprintf (file, ROW_FORMAT, row->work, row->against, reference, ours, ratio,
             range, cores, required, goal, s_mark (line));
    fflush (file);
}

static void
s_write_result (FILE *file, const char *name, const bench_result_t *result)
{
    fprintf (file,
             ",\n      \"%s\": {\"reference\": %.6g, \"ours\": %.6g, "
             "\"ratio\": %.4g, \"ratio_min\": %.4g, \"ratio_max\": %.4g}",
             name, result->reference, result->ours, result->ratio,
             result->ratio_min, result->ratio_max);
}

static const char *
s_unit (bench_kind_t kind)
{
    switch (kind) {
    case BENCH_RATE: return "1/s";
    case BENCH_BYTES: return "bytes";
    default: return "s";
    }
}

static void
s_write_row (FILE *file, const bench_line_t *line)
{
    const bench_row_t *row = line->row;
    fprintf (file,
             "    { \"work\": \"%s\",\n      \"against\": \"%s\",\n"
             "      \"unit\": \"%s\", \"bound\": \"%s\", "
             "\"required\": %g, \"goal\": %g",
             row->work, row->against, s_unit (row->kind),
             row->kind == BENCH_RATE ? "at least" : "at most", row->required,
             row->goal);
    if (line->measured)
        s_write_result (file, "one_core", &line->pinned);
    if (line->free_measured)
        s_write_result (file, "all_cores", &line->free);
    fprintf (file, ",\n      \"mark\": \"%s\" }", s_mark (line));
}

void
bench_write_json (FILE *file, const bench_plan_t *plan,
                  const bench_line_t *lines, size_t count)
{
    int major, minor, patch;
    zmq_version (&major, &minor, &patch);
    fprintf (file,
             "{ \"dividere\": \"%d.%d.%d\", \"libzmq\": \"%d.%d.%d\",\n"
             "  \"cores\": %ld, \"windows\": %d, \"window_seconds\": %g,\n"
             "  \"rows\": [\n",
             DIVIDERE_VERSION_MAJOR, DIVIDERE_VERSION_MINOR,
             DIVIDERE_VERSION_PATCH, major, minor, patch,
             sysconf (_SC_NPROCESSORS_ONLN), plan->windows, plan->seconds);
    for (size_t i = 0; i < count; i++) {
        s_write_row (file, &lines[i]);
        fputs (i + 1 < count ? ",\n" : "\n", file);
    }
    fputs ("  ]\n}\n", file);
}
