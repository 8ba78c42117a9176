/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SUPERVISION_H
#define DIVIDERE_SUPERVISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "restart.h"

/*  Which child of a supervisor to start or to stop next, and when. It is told
 *  what has become of the children, which it knows by their numbers, and asked
 *  for the next step. Without threads and clock: now_ms is passed in.        */

typedef enum {
    DIVIDERE_CHILD_STOPPED, /* by us, or never started, or it ended for good */
    DIVIDERE_CHILD_WAITING, /* for its turn or its time to start            */
    DIVIDERE_CHILD_STARTING,
    DIVIDERE_CHILD_RUNNING,
    DIVIDERE_CHILD_STOPPING
} dividere_child_state_t;

typedef enum {
    DIVIDERE_STEP_NONE,
    DIVIDERE_STEP_START, /* start it and set it up, then say up or down      */
    DIVIDERE_STEP_FAIL,  /* it takes too long to be set up: say down         */
    DIVIDERE_STEP_STOP,  /* tell it to end, then say stopped                 */
    DIVIDERE_STEP_LEAVE  /* it does not end, and counts as stopped           */
} dividere_step_t;

/*  What follows from a child that is down.                                  */
typedef enum {
    DIVIDERE_VERDICT_NONE,    /* it was temporary, or all are to stop anyway */
    DIVIDERE_VERDICT_RESTART, /* after a delay                              */
    DIVIDERE_VERDICT_FAIL,    /* the start fails: all stop                  */
    DIVIDERE_VERDICT_GIVE_UP  /* too many restarts: all stop                */
} dividere_verdict_t;

typedef struct {
    size_t count; /* of children                                            */
    bool all;     /* one for all, not one for one                           */
    int64_t setup_limit_ms;
    int64_t stop_limit_ms;
    dividere_restart_limits_t restart;
} dividere_supervision_limits_t;

typedef struct dividere_supervision_t dividere_supervision_t;

dividere_supervision_t *dividere_supervision_new (
    const dividere_supervision_limits_t *limits);
void dividere_supervision_destroy (dividere_supervision_t **self_p);

/*  This child is never started again.                                       */
void dividere_supervision_temporary (dividere_supervision_t *self,
                                     size_t child);

/*  All are to run, in order. Returns 0, EALREADY, or EAGAIN (they still
 *  stop).                                                                    */
int dividere_supervision_start (dividere_supervision_t *self);

/*  All are to stop, in reverse order. Returns 0, or EINVAL if halted.       */
int dividere_supervision_stop (dividere_supervision_t *self);

/*  A child that was to start is set up.                                     */
void dividere_supervision_up (dividere_supervision_t *self, size_t child);

/*  A child has ended without being told to, or its setup has failed and its
 *  actor, alive, is being told to end: stopped is to follow. *ret_delay_ms is
 *  set for a restart only.                                                  */
dividere_verdict_t dividere_supervision_down (dividere_supervision_t *self,
                                              size_t child, bool alive,
                                              int64_t now_ms,
                                              int64_t *ret_delay_ms);

/*  A child that was told to end has ended.                                  */
void dividere_supervision_stopped (dividere_supervision_t *self, size_t child);

/*  What is to be done now, again and again until it is nothing; *ret_child is
 *  set for all else.                                                        */
dividere_step_t dividere_supervision_next (dividere_supervision_t *self,
                                           int64_t now_ms, size_t *ret_child);

/*  When to ask for the next step if nothing happens before, or -1.          */
int64_t dividere_supervision_due (const dividere_supervision_t *self);

/*  All have been started, at least once since dividere_supervision_start.   */
bool dividere_supervision_started (const dividere_supervision_t *self);

/*  None runs and none is to.                                                */
bool dividere_supervision_halted (const dividere_supervision_t *self);

dividere_child_state_t dividere_supervision_state (
    const dividere_supervision_t *self, size_t child);

/*  Restarts so far, by the child that was the cause, and of all.            */
uint32_t dividere_supervision_child_restarts (
    const dividere_supervision_t *self, size_t child);
uint32_t dividere_supervision_restarts (const dividere_supervision_t *self);

#endif
