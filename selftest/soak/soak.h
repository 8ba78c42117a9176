/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SOAK_H
#define DIVIDERE_SOAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>
#include "extension.h"

/*  A broker among thousands of clients and workers that come and go, each in
 *  one of several processes: the main one starts the others, and asks each over
 *  its standard input, a socket, how it is.                                 */

typedef struct {
    int seconds;
    uint64_t clients;
    uint64_t workers;
    uint64_t rate;  /* requests per second                                   */
    uint64_t churn; /* permille of clients, and of workers, per second       */
    uint64_t seed;
} soak_plan_t;

/*  Round trips in microseconds, to an eighth.                               */
#define SOAK_BUCKETS (40 * 8)

typedef struct {
    uint64_t counts[SOAK_BUCKETS];
    uint64_t total;
} soak_times_t;

void soak_times_add (soak_times_t *self, int64_t us);
uint64_t soak_times_percentile (const soak_times_t *self, unsigned percent);

/*  How a process is; each kind fills in what it knows, so that sums of all are
 *  those of the whole. A request ends once: answered, failed by what the broker
 *  says, gone with its client, or unanswered within its time and that of who
 *  should have said so.                                                     */
typedef struct {
    uint64_t sent;
    uint64_t answered;
    uint64_t failed[DIVIDERE_STATUSES];
    uint64_t gone;
    uint64_t unanswered;
    uint64_t open;
    uint64_t stray; /* replies to what has ended                             */
    uint64_t clients_killed;
    uint64_t workers_killed;
    uint64_t lost; /* requests that a worker held when it was killed          */
    soak_times_t times; /* since the last report                             */
    /* Of the broker.                                                        */
    uint64_t cpu_us;   /* that its process has used                          */
    uint64_t resident; /* bytes                                              */
    uint64_t allocated;
    uint64_t connections;
    uint64_t workers;
    uint64_t requests; /* waiting or handed out                              */
    uint64_t received;
    uint64_t requeued;
} soak_report_t;

void soak_report_add (soak_report_t *self, const soak_report_t *other);
uint64_t soak_report_failed (const soak_report_t *self);

/*  What is asked: one byte.                                                 */
typedef enum {
    SOAK_TELL = 't',  /* for a report                                        */
    SOAK_BEGIN = 'b', /* load, and coming and going                          */
    SOAK_CEASE = 'c'  /* no more of that; what is open may end               */
} soak_order_t;

/*  What the other processes are; they return when the first one lets go.    */
typedef struct {
    soak_plan_t plan;  /* of this process                                    */
    const char *where; /* a port of 127.0.0.1                                */
    unsigned rank;     /* another for each process                           */
} soak_part_t;

void soak_broker (const soak_part_t *part);
void soak_clients (const soak_part_t *part);
void soak_workers (const soak_part_t *part);

/*  Waits up to timeout_ms for the first process, and for a message to a socket
 *  (or NULL). Returns what is ordered, 0: nothing, or -1: it has let go.     */
int soak_wait (void *socket, long timeout_ms);

/*  The answer to SOAK_TELL; its times begin anew. 0, or -1: it has let go.   */
int soak_tell (soak_report_t *report);

/*  A descriptor is a peer. Raises the limit to so many, or as far as it goes;
 *  returns what it is then.                                                 */
uint64_t soak_raise (uint64_t descriptors);
#define SOAK_FDS_OTHER 100

#endif
