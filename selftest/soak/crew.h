/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SOAK_CREW_H
#define DIVIDERE_SOAK_CREW_H

#include <sys/types.h>
#include "soak.h"

/*  The other processes, as the first one has them.                          */

#define CREW_WORD "--part"
#define CREW_MAX  200

typedef struct {
    pid_t pids[CREW_MAX];
    int ends[CREW_MAX]; /* of their standard inputs                          */
    size_t count;       /* the first of them is the broker                   */
} crew_t;

/*  As many as it takes with so many descriptors each.                       */
void crew_start (crew_t *self, const soak_plan_t *plan, uint64_t limit);

/*  Until all are connected and registered.                                  */
void crew_gather (crew_t *self, const soak_plan_t *plan);

void crew_order (crew_t *self, soak_order_t order);

/*  The sum of what all are now.                                             */
void crew_ask (crew_t *self, soak_report_t *ret_report);

/*  Until then; fails if one ends.                                           */
void crew_wait (crew_t *self, int64_t until_ms);

void crew_stop (crew_t *self);

#endif
