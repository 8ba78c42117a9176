/* SPDX-License-Identifier: Apache-2.0 */

/*  Which other systems there are to compare with: those that the program was
 *  built with, and whose server, if there is one, is installed.              */

#include "bench.h"

#ifdef DIVIDERE_BENCH_NNG
#define NNG_ROWS bench_nng_rows
#else
#define NNG_ROWS NULL
#endif
#ifdef DIVIDERE_BENCH_GRPC
#define GRPC_ROWS bench_grpc_rows
#else
#define GRPC_ROWS NULL
#endif
#ifdef DIVIDERE_BENCH_NATS
#define NATS_ROWS       bench_nats_rows
#define NATS_IS_THERE() bench_nats_is_there ()
#else
#define NATS_ROWS       NULL
#define NATS_IS_THERE() true
#endif

#define PEERS 3

static size_t
s_add (const bench_row_t **tables, size_t count, const bench_row_t *rows,
       const char *name)
{
    if (rows)
        tables[count++] = rows;
    else
        fprintf (stderr, "built without %s: no rows beside it\n", name);
    return count;
}

const bench_row_t *const *
bench_peers (void)
{
    static const bench_row_t *tables[PEERS + 1];
    size_t count = s_add (tables, 0, NNG_ROWS, "nng");
    count = s_add (tables, count, GRPC_ROWS, "gRPC");
    if (NATS_IS_THERE ())
        count = s_add (tables, count, NATS_ROWS, "NATS");
    tables[count] = NULL;
    return tables;
}
