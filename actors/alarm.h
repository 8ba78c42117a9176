/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ALARM_H
#define DIVIDERE_ALARM_H

#include <czmq.h>

/*  One timer of a loop for all that is due at an actor. It may ring too early:
 *  after it, the actor sets it anew.                                        */

typedef struct {
    zloop_t *loop;
    zloop_timer_fn *ring;
    void *arg;
    int timer;     /* of the loop; -1: none                                 */
    int64_t at_ms; /* of zclock_mono; -1: it is not set                     */
} dividere_alarm_t;

void dividere_alarm_init (dividere_alarm_t *self, zloop_t *loop,
                          zloop_timer_fn *ring, void *arg);

/*  It rings at this time at the latest. Less than 0, or INT64_MAX: never.    */
void dividere_alarm_set (dividere_alarm_t *self, int64_t at_ms);

/*  First of all in ring: it is not set any more.                            */
void dividere_alarm_rang (dividere_alarm_t *self, int timer);

#endif
