/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_RESTART_H
#define DIVIDERE_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  When to start again what has ended: after a pause that doubles each time up
 *  to a limit, and not more often than so many times within a period. Without a
 *  clock: now_ms is passed in, by zclock_mono.                              */

typedef struct {
    int64_t backoff_ms;     /* the first pause                              */
    int64_t backoff_max_ms; /* ... doubles up to this                       */
    size_t intensity;       /* restarts that are allowed ...                */
    int64_t period_ms;      /* ... within this                              */
} dividere_restart_limits_t;

typedef struct dividere_restart_t dividere_restart_t;

dividere_restart_t *dividere_restart_new (
    const dividere_restart_limits_t *limits);
void dividere_restart_destroy (dividere_restart_t **self_p);

/*  It has started and works.                                                */
void dividere_restart_ready (dividere_restart_t *self, int64_t now_ms);

/*  It has ended, or could not be started. Returns the pause in ms before the
 *  restart, which counts from now on; or -1: too many, give up. The pause
 *  starts anew if it had worked for backoff_max_ms.                        */
int64_t dividere_restart_ended (dividere_restart_t *self, int64_t now_ms);

/*  Restarts so far.                                                         */
uint32_t dividere_restart_count (const dividere_restart_t *self);

#endif
