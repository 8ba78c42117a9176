/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_VACANCY_H
#define DIVIDERE_VACANCY_H

#include "endpoint.h"
#include "room.h"

/*  What an actor with many peers says to the log about the room for them: once
 *  at its start, and when descriptors run out. All 0 is a new one.          */

typedef struct {
    bool judged;
    bool full;       /* none was there, and it was said                      */
    int64_t full_ms; /* since when                                          */
    unsigned clear;  /* looks since then that found one                     */
} dividere_vacancy_t;

/*  After something was attached. The first time at an endpoint whose peers take
 *  descriptors it compares the demand with what this process may have.      */
void dividere_vacancy_judge (dividere_vacancy_t *self,
                             const dividere_endpoint_t *endpoint,
                             const dividere_demand_t *demand);

/*  From time to time, say each second: is there a descriptor?               */
void dividere_vacancy_look (dividere_vacancy_t *self, const char *who);

#endif
