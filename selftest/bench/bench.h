/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BENCH_H
#define DIVIDERE_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <dividere/process.h>

/*  A benchmark compares two sides that do the same work: a reference and ours.
 *  Figures differ by 2 x between machines and between hours, so what is judged
 *  is their ratio: the sides run in turn, one short window each, and the median
 *  over the pairs is what counts. Each row runs in a process of its own, on one
 *  core; beside it stands, without a mark, what all cores give.             */

/*  Sets the work up, does it for so many seconds, takes it down. Returns the
 *  figure that the kind of the row says.                                    */
typedef double (bench_side_fn) (const void *args, double seconds);

typedef struct {
    bench_side_fn *run;
    const void *args;
} bench_side_t;

typedef enum {
    BENCH_TIME,  /* seconds for each; the ratio is at most required          */
    BENCH_RATE,  /* how many per second; the ratio is at least required      */
    BENCH_LIMIT, /* no reference; our seconds are at most required          */
    BENCH_BYTES  /* no reference; our bytes are at most required            */
} bench_kind_t;

typedef struct {
    const char *work;
    const char *against;
    bench_kind_t kind;
    bench_side_t reference;
    bench_side_t ours;
    double required; /* 0: the row has no bound and gets no mark             */
    double goal;
} bench_row_t;

/*  The tables, each ended by BENCH_END.                                     */
#define BENCH_END \
    {             \
        NULL      \
    }
extern const bench_row_t bench_codec_rows[];
extern const bench_row_t bench_flow_rows[];
extern const bench_row_t bench_request_rows[];
extern const bench_row_t bench_proxy_rows[];
extern const bench_row_t bench_broker_rows[];
extern const bench_row_t bench_crowd_rows[];
extern const bench_row_t bench_core_rows[];
extern const bench_row_t bench_names_rows[];
extern const bench_row_t bench_stop_rows[];
extern const bench_row_t bench_view_rows[];

/*  Beside other systems, where the program was built with them.             */
extern const bench_row_t bench_nng_rows[];
extern const bench_row_t bench_grpc_rows[];
extern const bench_row_t bench_nats_rows[];

/*  Whether its server is installed; else a line says that it is not.        */
bool bench_nats_is_there (void);

/*  The tables of those that are there, then NULL; a line for each other.     */
const bench_row_t *const *bench_peers (void);

/*  For the pictures, not for the table: the same work over size, and over the
 *  number of peers.                                                         */
extern const bench_row_t bench_flow_sweep[];
extern const bench_row_t bench_crowd_sweep[];

/*  What the processes among the actors of bench_stop_rows are.              */
extern const dividere_process_reactor_t bench_children[];

/*  How long and how often.                                                  */
typedef struct {
    int windows;      /* pairs on one core                                   */
    int free_windows; /* pairs on all cores; 0: none                         */
    double seconds;   /* of one window                                       */
} bench_plan_t;

/*  Medians over the windows; without a reference the ratio is our figure.   */
typedef struct {
    double reference;
    double ours;
    double ratio;
    double ratio_min;
    double ratio_max;
} bench_result_t;

#define BENCH_WINDOWS_MAX 99

/*  Measures a row in a child process. Returns false if that died.           */
bool bench_measure (const bench_row_t *row, const bench_plan_t *plan,
                    bool pinned, bench_result_t *ret_result);

/*  A row with its results.                                                  */
typedef struct {
    const bench_row_t *row;
    bool measured;
    bench_result_t pinned;
    bool free_measured;
    bench_result_t free;
} bench_line_t;

void bench_print_head (FILE *file);
void bench_print_line (FILE *file, const bench_line_t *line);
void bench_write_json (FILE *file, const bench_plan_t *plan,
                       const bench_line_t *lines, size_t count);

/*  False also for a row that could not be measured.                         */
bool bench_is_good (const bench_line_t *line);

/*  Our side of a row alone, for so many looks at the clock, which then shows
 *  how often it was looked at: the same work each time, for who counts
 *  instructions. Returns how often the work was done.                       */
double bench_step (const bench_row_t *row, int steps);

/*  For the sides: seconds on a clock that only goes forward, and the median,
 *  which sorts the values.                                                  */
double bench_now (void);
double bench_median (double *values, size_t count);

/*  Bytes that are allocated now.                                            */
size_t bench_allocated (void);

#endif
