/* SPDX-License-Identifier: Apache-2.0 */

#include "alarm.h"

void
dividere_alarm_init (dividere_alarm_t *self, zloop_t *loop,
                     zloop_timer_fn *ring, void *arg)
{
    *self = (dividere_alarm_t){ loop, ring, arg, -1, -1 };
}

void
dividere_alarm_set (dividere_alarm_t *self, int64_t at_ms)
{
    if (at_ms < 0 || at_ms == INT64_MAX ||
        (self->at_ms >= 0 && self->at_ms <= at_ms))
        return;
    if (self->timer >= 0)
        zloop_timer_end (self->loop, self->timer);
    int64_t now_ms = zclock_mono ();
    self->at_ms = at_ms > now_ms ? at_ms : now_ms;
    self->timer = zloop_timer (self->loop, (size_t) (self->at_ms - now_ms), 1,
                               self->ring, self->arg);
}

void
dividere_alarm_rang (dividere_alarm_t *self, int timer)
{
    if (timer == self->timer)
        self->timer = -1;
    self->at_ms = -1;
}
