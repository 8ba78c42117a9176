/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TOOL_SAMPLE_H
#define DIVIDERE_TOOL_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <dividere/message.h>

/*  What one component has told of itself, and what follows from it.          */

#define SAMPLE_NAME    64
#define SAMPLE_FIGURES 500

typedef struct {
    char name[SAMPLE_NAME]; /* as STATS has it                               */
    char type[SAMPLE_NAME]; /* of messages that it is about; "": all          */
    uint64_t value;
} figure_t;

/*  What all kinds of components have, in their own words.                   */
typedef enum {
    COLUMN_IN,      /* messages received                                     */
    COLUMN_OUT,     /* ... and passed on, handled, answered                  */
    COLUMN_QUEUE,   /* that wait now                                         */
    COLUMN_DROPPED, /* lost, refused, or told an error                       */
    COLUMN_P50,     /* microseconds                                          */
    COLUMN_P99,
    COLUMNS
} column_t;

typedef struct {
    char kind[SAMPLE_NAME]; /* "broker"                                      */
    char name[256];
    char library[SAMPLE_NAME];
    char host[256];
    uint32_t pid;
    uint64_t uptime_ms;
    figure_t *figures; /* ours                                               */
    size_t count;
    int64_t time_ms;        /* of zclock_mono; 0: nothing yet                */
    int64_t span_ms;        /* since the one before; 0: there is none       */
    uint64_t sums[COLUMNS]; /* of these figures                             */
    uint64_t before[COLUMNS];
    bool has[COLUMNS]; /* does this kind have such a figure?                 */
} sample_t;

void sample_term (sample_t *self);

/*  Takes what a component has answered: ActorInfo, ActorStats, ServiceInfo or
 *  ServiceStatistics. False: it is something else.                          */
bool sample_take (sample_t *self, const dividere_message_t *answer,
                  int64_t now_ms);

/*  Per second, between the last two; 0 where there are none.                */
double sample_rate (const sample_t *self, column_t column);

/*  Is it a value that goes up and down, not a count of what has happened?   */
bool sample_is_gauge (const char *name);

/*  The members of an object of JSON.                                        */
void sample_print_json (const sample_t *self, FILE *out);

#endif
