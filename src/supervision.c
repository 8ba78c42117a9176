/* SPDX-License-Identifier: Apache-2.0 */

/*  The supervisor either rises, and starts whatever waits, the first before the
 *  second; or falls, and stops whatever runs, the last before the one before.
 *  One for all is to fall and then to rise again.                           */

#include <assert.h>
#include <errno.h>
#include <czmq.h>
#include "supervision.h"

typedef struct {
    dividere_child_state_t state;
    bool temporary;
    int64_t start_ms; /* not before; -1: not to be started                  */
    int64_t limit_ms; /* STARTING, STOPPING: not after                      */
    uint32_t restarts;
} child_t;

struct dividere_supervision_t {
    dividere_supervision_limits_t limits;
    dividere_restart_t *restart; /* ours                                    */
    child_t *children;           /* ours                                    */
    bool rising;                 /* else falling, or halted                 */
    bool again;                  /* falling: to rise when all have stopped  */
    int64_t again_ms;            /* ... not before                          */
    bool first;                  /* not all have been started yet           */
    bool settled;                /* the restarts know that all run          */
};

dividere_supervision_t *
dividere_supervision_new (const dividere_supervision_limits_t *limits)
{
    dividere_supervision_t *self =
        (dividere_supervision_t *) zmalloc (sizeof (*self));
    self->limits = *limits;
    self->restart = dividere_restart_new (&limits->restart);
    self->children =
        (child_t *) zmalloc ((limits->count + 1) * sizeof (child_t));
    return self;
}

void
dividere_supervision_destroy (dividere_supervision_t **self_p)
{
    dividere_supervision_t *self = *self_p;
    if (!self)
        return;
    dividere_restart_destroy (&self->restart);
    freen (self->children);
    freen (self);
    *self_p = NULL;
}

void
dividere_supervision_temporary (dividere_supervision_t *self, size_t child)
{
    assert (child < self->limits.count);
    self->children[child].temporary = true;
}

static bool
s_any (const dividere_supervision_t *self, dividere_child_state_t state)
{
    for (size_t i = 0; i < self->limits.count; i++)
        if (self->children[i].state == state)
            return true;
    return false;
}

static bool
s_all_stopped (const dividere_supervision_t *self)
{
    for (size_t i = 0; i < self->limits.count; i++)
        if (self->children[i].state != DIVIDERE_CHILD_STOPPED)
            return false;
    return true;
}

/*  None waits any more, nor will when it has stopped.                       */
static void
s_fall (dividere_supervision_t *self)
{
    self->rising = false;
    self->again = false;
    for (size_t i = 0; i < self->limits.count; i++) {
        child_t *child = &self->children[i];
        child->start_ms = -1;
        if (child->state == DIVIDERE_CHILD_WAITING)
            child->state = DIVIDERE_CHILD_STOPPED;
    }
}

static void
s_rise (dividere_supervision_t *self, bool first, int64_t start_ms)
{
    self->rising = true;
    self->again = false;
    self->first = first;
    self->settled = false;
    for (size_t i = 0; i < self->limits.count; i++) {
        child_t *child = &self->children[i];
        if (child->temporary && !first)
            continue;
        child->state = DIVIDERE_CHILD_WAITING;
        child->start_ms = start_ms;
    }
}

int
dividere_supervision_start (dividere_supervision_t *self)
{
    if (self->rising || self->again)
        return EALREADY;
    if (!s_all_stopped (self))
        return EAGAIN;
    s_rise (self, true, 0);
    return 0;
}

int
dividere_supervision_stop (dividere_supervision_t *self)
{
    if (dividere_supervision_halted (self))
        return EINVAL;
    s_fall (self);
    return 0;
}

static child_t *
s_child (const dividere_supervision_t *self, size_t index)
{
    assert (index < self->limits.count);
    return &self->children[index];
}

void
dividere_supervision_up (dividere_supervision_t *self, size_t index)
{
    child_t *child = s_child (self, index);
    assert (child->state == DIVIDERE_CHILD_STARTING);
    child->state = DIVIDERE_CHILD_RUNNING;
}

/*  What is left of a child that has no actor any more.                      */
static void
s_rest (child_t *child)
{
    child->state =
        child->start_ms >= 0 ? DIVIDERE_CHILD_WAITING : DIVIDERE_CHILD_STOPPED;
}

static dividere_verdict_t
s_judge (dividere_supervision_t *self, child_t *child, int64_t now_ms,
         int64_t *ret_delay_ms)
{
    bool was_up = child->state == DIVIDERE_CHILD_RUNNING;
    child->start_ms = -1;
    if (!self->rising || (child->temporary && was_up))
        return DIVIDERE_VERDICT_NONE;
    if (self->first) {
        s_fall (self);
        return DIVIDERE_VERDICT_FAIL;
    }
    int64_t delay = dividere_restart_ended (self->restart, now_ms);
    self->settled = false;
    if (delay < 0) {
        s_fall (self);
        return DIVIDERE_VERDICT_GIVE_UP;
    }
    child->restarts++;
    child->start_ms = now_ms + delay;
    if (self->limits.all) {
        s_fall (self);
        self->again = true;
        self->again_ms = now_ms + delay;
    }
    *ret_delay_ms = delay;
    return DIVIDERE_VERDICT_RESTART;
}

dividere_verdict_t
dividere_supervision_down (dividere_supervision_t *self, size_t index,
                           bool alive, int64_t now_ms, int64_t *ret_delay_ms)
{
    child_t *child = s_child (self, index);
    assert (child->state == DIVIDERE_CHILD_STARTING ||
            child->state == DIVIDERE_CHILD_RUNNING);
    dividere_verdict_t verdict = s_judge (self, child, now_ms, ret_delay_ms);
    if (alive) {
        child->state = DIVIDERE_CHILD_STOPPING;
        child->limit_ms = now_ms + self->limits.stop_limit_ms;
    }
    else
        s_rest (child);
    return verdict;
}

void
dividere_supervision_stopped (dividere_supervision_t *self, size_t index)
{
    child_t *child = s_child (self, index);
    assert (child->state == DIVIDERE_CHILD_STOPPING);
    s_rest (child);
}

static dividere_step_t
s_overdue (dividere_supervision_t *self, int64_t now_ms, size_t *ret_child)
{
    for (size_t i = 0; i < self->limits.count; i++) {
        child_t *child = &self->children[i];
        bool starting = child->state == DIVIDERE_CHILD_STARTING;
        bool stopping = child->state == DIVIDERE_CHILD_STOPPING;
        if ((!starting && !stopping) || child->limit_ms > now_ms)
            continue;
        if (stopping)
            s_rest (child);
        *ret_child = i;
        return stopping ? DIVIDERE_STEP_LEAVE : DIVIDERE_STEP_FAIL;
    }
    return DIVIDERE_STEP_NONE;
}

static void
s_settle (dividere_supervision_t *self, int64_t now_ms)
{
    if (self->settled || s_any (self, DIVIDERE_CHILD_WAITING) ||
        s_any (self, DIVIDERE_CHILD_STOPPING))
        return;
    self->settled = true;
    self->first = false;
    dividere_restart_ready (self->restart, now_ms);
}

static dividere_step_t
s_next_start (dividere_supervision_t *self, int64_t now_ms, size_t *ret_child)
{
    if (s_any (self, DIVIDERE_CHILD_STARTING))
        return DIVIDERE_STEP_NONE;
    for (size_t i = 0; i < self->limits.count; i++) {
        child_t *child = &self->children[i];
        if (child->state != DIVIDERE_CHILD_WAITING || child->start_ms > now_ms)
            continue;
        child->state = DIVIDERE_CHILD_STARTING;
        child->start_ms = -1;
        child->limit_ms = now_ms + self->limits.setup_limit_ms;
        *ret_child = i;
        return DIVIDERE_STEP_START;
    }
    s_settle (self, now_ms);
    return DIVIDERE_STEP_NONE;
}

static dividere_step_t
s_next_stop (dividere_supervision_t *self, int64_t now_ms, size_t *ret_child)
{
    if (s_any (self, DIVIDERE_CHILD_STOPPING))
        return DIVIDERE_STEP_NONE;
    for (size_t i = self->limits.count; i-- > 0;) {
        child_t *child = &self->children[i];
        if (child->state == DIVIDERE_CHILD_STOPPED)
            continue;
        child->state = DIVIDERE_CHILD_STOPPING;
        child->limit_ms = now_ms + self->limits.stop_limit_ms;
        *ret_child = i;
        return DIVIDERE_STEP_STOP;
    }
    return DIVIDERE_STEP_NONE;
}

dividere_step_t
dividere_supervision_next (dividere_supervision_t *self, int64_t now_ms,
                           size_t *ret_child)
{
    dividere_step_t step = s_overdue (self, now_ms, ret_child);
    if (step != DIVIDERE_STEP_NONE)
        return step;
    if (self->again && s_all_stopped (self))
        s_rise (self, false, self->again_ms);
    return self->rising ? s_next_start (self, now_ms, ret_child)
                        : s_next_stop (self, now_ms, ret_child);
}

int64_t
dividere_supervision_due (const dividere_supervision_t *self)
{
    bool starting = s_any (self, DIVIDERE_CHILD_STARTING);
    int64_t due = -1;
    for (size_t i = 0; i < self->limits.count; i++) {
        const child_t *child = &self->children[i];
        if (child->state == DIVIDERE_CHILD_STOPPED ||
            child->state == DIVIDERE_CHILD_RUNNING)
            continue;
        bool waiting = child->state == DIVIDERE_CHILD_WAITING;
        int64_t when = waiting ? child->start_ms : child->limit_ms;
        if ((!waiting || !starting) && (due < 0 || when < due))
            due = when;
    }
    return due;
}

bool
dividere_supervision_started (const dividere_supervision_t *self)
{
    return self->rising && !self->first;
}

bool
dividere_supervision_halted (const dividere_supervision_t *self)
{
    return !self->rising && !self->again && s_all_stopped (self);
}

dividere_child_state_t
dividere_supervision_state (const dividere_supervision_t *self, size_t index)
{
    return s_child (self, index)->state;
}

uint32_t
dividere_supervision_child_restarts (const dividere_supervision_t *self,
                                     size_t index)
{
    return s_child (self, index)->restarts;
}

uint32_t
dividere_supervision_restarts (const dividere_supervision_t *self)
{
    return dividere_restart_count (self->restart);
}
