/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere_bench [--quick] [--sweep] [--only TEXT] [--json FILE]
 *
 *  Prints one table: what each piece of work costs beside its reference, and
 *  whether the ratio is what it must be. --quick gives rough figures in a few
 *  seconds; --sweep takes other rows, over size and number of peers, for the
 *  pictures of doc/plots.py; --only takes the rows whose name contains TEXT;
 *  --steps N does the same work each time, for instructions.sh.
 *  Ends with 1 if a row could not be measured; one that misses its bound only
 *  gets its mark.                                                           */

#include "bench.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "selftest.h"

static const bench_row_t *const s_tables[] = {
    bench_codec_rows,  bench_flow_rows,  bench_request_rows, bench_proxy_rows,
    bench_broker_rows, bench_crowd_rows, bench_core_rows,    bench_names_rows,
    bench_stop_rows,   bench_view_rows,
};
#define TABLE_COUNT (sizeof (s_tables) / sizeof (*s_tables))

static const bench_row_t *const s_sweeps[] = { bench_flow_sweep,
                                               bench_crowd_sweep };
#define SWEEP_COUNT (sizeof (s_sweeps) / sizeof (*s_sweeps))

#define LINES_MAX 100

static const bench_plan_t s_full_plan = { 7, 2, 0.25 };
static const bench_plan_t s_quick_plan = { 3, 0, 0.05 };

typedef struct {
    bool quick;
    bool sweep;
    int steps; /* 0: measure                                                 */
    const char *only; /* or NULL                                             */
    const char *json; /* or NULL                                             */
} options_t;

static bool
s_parse (int argc, char **argv, options_t *options)
{
    static const struct option known[] = {
        { "quick", no_argument, NULL, 'q' },
        { "sweep", no_argument, NULL, 's' },
        { "steps", required_argument, NULL, 'n' },
        { "only", required_argument, NULL, 'o' },
        { "json", required_argument, NULL, 'j' },
        { NULL },
    };
    int option;
    while ((option = getopt_long (argc, argv, "", known, NULL)) != -1)
        switch (option) {
        case 'q': options->quick = true; break;
        case 'n': options->steps = (int) strtol (optarg, NULL, 10); break;
        case 's': options->sweep = true; break;
        case 'o': options->only = optarg; break;
        case 'j': options->json = optarg; break;
        default: return false;
        }
    return optind == argc;
}

static size_t
s_select_of (const bench_row_t *table, const char *only, bench_line_t *lines,
             size_t count)
{
    for (const bench_row_t *row = table; row->work; row++)
        if (!only || strstr (row->work, only)) {
            CHECK (count < LINES_MAX);
            lines[count++].row = row;
        }
    return count;
}

static size_t
s_select (const options_t *options, bench_line_t *lines)
{
    const bench_row_t *const *tables = options->sweep ? s_sweeps : s_tables;
    size_t count = 0, end = options->sweep ? SWEEP_COUNT : TABLE_COUNT;
    for (size_t i = 0; i < end; i++)
        count = s_select_of (tables[i], options->only, lines, count);
#ifdef DIVIDERE_BENCH_PEERS
    const bench_row_t *const *peers = options->sweep ? NULL : bench_peers ();
    for (; peers && *peers; peers++)
        count = s_select_of (*peers, options->only, lines, count);
#endif
    return count;
}

static int
s_measure (const bench_plan_t *plan, bench_line_t *lines, size_t count)
{
    int status = EXIT_SUCCESS;
    bench_print_head (stdout);
    for (size_t i = 0; i < count; i++) {
        bench_line_t *line = &lines[i];
        line->measured = bench_measure (line->row, plan, true, &line->pinned);
        line->free_measured =
            plan->free_windows &&
            bench_measure (line->row, plan, false, &line->free);
        bench_print_line (stdout, line);
        if (!line->measured)
            status = EXIT_FAILURE;
    }
    return status;
}

int
main (int argc, char **argv)
{
    dividere_process_main (argc, argv, bench_children);
    options_t options = { false };
    if (!s_parse (argc, argv, &options)) {
        fprintf (stderr,
                 "usage: %s [--quick] [--sweep] [--only TEXT] [--json FILE]\n",
                 argv[0]);
        return 2;
    }
    const bench_plan_t *plan = options.quick ? &s_quick_plan : &s_full_plan;
    bench_line_t lines[LINES_MAX] = { { NULL } };
    size_t count = s_select (&options, lines);
    if (count == 0) {
        fprintf (stderr, "no row contains \"%s\"\n", options.only);
        return 2;
    }
    if (options.steps > 0) {
        for (size_t i = 0; i < count; i++)
            printf ("%.0f\n", bench_step (lines[i].row, options.steps));
        return EXIT_SUCCESS;
    }
    int status = s_measure (plan, lines, count);
    if (!options.json)
        return status;
    FILE *file = fopen (options.json, "w");
    if (file)
        bench_write_json (file, plan, lines, count);
    if (!file || fclose (file) != 0) {
        perror (options.json);
        return EXIT_FAILURE;
    }
    return status;
}
