/* SPDX-License-Identifier: Apache-2.0 */

/*  Pauses that double, and a ring of the last restarts: when the oldest of them
 *  is still within the period, there have been too many.                    */

#include <assert.h>
#include <czmq.h>
#include "restart.h"

struct dividere_restart_t {
    dividere_restart_limits_t limits;
    int64_t *times;      /* of the last restarts, a ring of intensity; ours */
    uint32_t count;      /* restarts so far                                 */
    int64_t pause_ms;    /* before the next one                             */
    int64_t ready_at_ms; /* -1: not ready since the last restart            */
};

/*  The first pause may not be longer than the longest.                      */
static int64_t
s_first_pause (const dividere_restart_limits_t *limits)
{
    return limits->backoff_ms < limits->backoff_max_ms ? limits->backoff_ms
                                                       : limits->backoff_max_ms;
}

dividere_restart_t *
dividere_restart_new (const dividere_restart_limits_t *limits)
{
    assert (limits);
    assert (limits->backoff_ms >= 0 && limits->backoff_max_ms >= 0);
    dividere_restart_t *self = (dividere_restart_t *) zmalloc (sizeof (*self));
    self->limits = *limits;
    self->times =
        (int64_t *) zmalloc ((limits->intensity + 1) * sizeof (int64_t));
    self->pause_ms = s_first_pause (limits);
    self->ready_at_ms = -1;
    return self;
}

void
dividere_restart_destroy (dividere_restart_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    freen ((*self_p)->times);
    freen (*self_p);
}

void
dividere_restart_ready (dividere_restart_t *self, int64_t now_ms)
{
    self->ready_at_ms = now_ms;
}

static bool
s_is_too_often (const dividere_restart_t *self, int64_t now_ms)
{
    size_t allowed = self->limits.intensity;
    if (self->count < allowed)
        return false;
    return allowed == 0 ||
           now_ms - self->times[self->count % allowed] < self->limits.period_ms;
}

int64_t
dividere_restart_ended (dividere_restart_t *self, int64_t now_ms)
{
    int64_t longest = self->limits.backoff_max_ms;
    if (s_is_too_often (self, now_ms))
        return -1;
    if (self->ready_at_ms >= 0 && now_ms - self->ready_at_ms >= longest)
        self->pause_ms = s_first_pause (&self->limits);
    self->ready_at_ms = -1;
    self->times[self->count++ % self->limits.intensity] = now_ms;
    int64_t pause = self->pause_ms;
    self->pause_ms = pause > longest / 2 ? longest : pause * 2;
    return pause;
}

uint32_t
dividere_restart_count (const dividere_restart_t *self)
{
    return self->count;
}
