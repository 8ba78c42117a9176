/* SPDX-License-Identifier: Apache-2.0 */

/*  Measuring a row. The child is forked before this process has any thread, and
 *  pinned before it makes one, since threads inherit the cores they may use. */

#include "bench.h"
#include <malloc.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "selftest.h"

#define WARM_UP      0.1 /* of a window                                      */
#define HANG_FACTOR  10  /* of the time planned, then the child is ended     */
#define HANG_SECONDS 30  /* ... at least                                     */

static uint64_t s_looks;
static bool s_stepping;

double
bench_now (void)
{
    struct timespec now;
    if (s_stepping)
        return (double) ++s_looks;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/*  A side that tells a rate has looked once more at its end.                */
double
bench_step (const bench_row_t *row, int steps)
{
    s_stepping = true;
    double figure = row->ours.run (row->ours.args, steps);
    return row->kind == BENCH_RATE ? figure * (steps + 1) : steps / figure;
}

size_t
bench_allocated (void)
{
    struct mallinfo2 info = mallinfo2 ();
    return info.uordblks + info.hblkhd;
}

static int
s_compare (const void *left, const void *right)
{
    double a = *(const double *) left;
    double b = *(const double *) right;
    return (a > b) - (a < b);
}

double
bench_median (double *values, size_t count)
{
    qsort (values, count, sizeof (*values), s_compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/*  To the first of the cores that the process may use.                      */
static void
s_pin (void)
{
    cpu_set_t all, one;
    CHECK_INT (sched_getaffinity (0, sizeof (all), &all), 0);
    int core = 0;
    while (!CPU_ISSET (core, &all))
        core++;
    CPU_ZERO (&one);
    CPU_SET (core, &one);
    CHECK_INT (sched_setaffinity (0, sizeof (one), &one), 0);
}

static double
s_run (const bench_side_t *side, double seconds)
{
    return side->run ? side->run (side->args, seconds) : 0;
}

static bench_result_t
s_measure (const bench_row_t *row, int windows, double seconds)
{
    double references[BENCH_WINDOWS_MAX];
    double ours[BENCH_WINDOWS_MAX];
    double ratios[BENCH_WINDOWS_MAX];
    s_run (&row->reference, seconds * WARM_UP);
    s_run (&row->ours, seconds * WARM_UP);
    for (int i = 0; i < windows; i++) {
        references[i] = s_run (&row->reference, seconds);
        ours[i] = s_run (&row->ours, seconds);
        ratios[i] = row->reference.run ? ours[i] / references[i] : ours[i];
    }
    bench_result_t result = { bench_median (references, (size_t) windows),
                              bench_median (ours, (size_t) windows),
                              bench_median (ratios, (size_t) windows) };
    result.ratio_min = ratios[0];
    result.ratio_max = ratios[windows - 1];
    return result;
}

bool
bench_measure (const bench_row_t *row, const bench_plan_t *plan, bool pinned,
               bench_result_t *ret_result)
{
    int windows = pinned ? plan->windows : plan->free_windows;
    int ends[2];
    CHECK_INT (pipe (ends), 0);
    fflush (NULL);
    pid_t child = fork ();
    CHECK (child >= 0);
    if (child == 0) {
        alarm (HANG_SECONDS +
               (unsigned) (HANG_FACTOR * 2 * windows * plan->seconds));
        if (pinned)
            s_pin ();
        bench_result_t result = s_measure (row, windows, plan->seconds);
        /* Nothing is left to do that exit handlers would wait for.         */
        _exit (write (ends[1], &result, sizeof (result)) < 0);
    }
    close (ends[1]);
    bench_result_t result;
    bool complete = read (ends[0], &result, sizeof (result)) == sizeof (result);
    close (ends[0]);
    CHECK_INT (waitpid (child, NULL, 0), child);
    if (complete)
        *ret_result = result;
    return complete;
}
