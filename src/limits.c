/* SPDX-License-Identifier: Apache-2.0 */

/*  The limits are read for every message in any thread and set hardly ever:
 *  each value is an atomic of its own.                                      */

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include "envelope_internal.h"

#define DEPTH_MAX 1000

static _Atomic size_t s_size_max = 16 << 20;
static _Atomic unsigned s_depth_max = 100;
static _Atomic size_t s_budget_factor = 64;
static _Atomic size_t s_budget_base = 64 << 10;
static _Atomic size_t s_budget_max = 64 << 20;

#define LOAD(value) atomic_load_explicit (&(value), memory_order_relaxed)

void
dividere_limits_get (dividere_limits_t *ret_limits)
{
    ret_limits->size_max = LOAD (s_size_max);
    ret_limits->depth_max = LOAD (s_depth_max);
    ret_limits->budget_factor = LOAD (s_budget_factor);
    ret_limits->budget_base = LOAD (s_budget_base);
    ret_limits->budget_max = LOAD (s_budget_max);
}

int
dividere_limits_set (const dividere_limits_t *limits)
{
    assert (limits);
    if (!limits->size_max || limits->size_max > INT64_MAX ||
        !limits->budget_max || !limits->depth_max ||
        limits->depth_max > DEPTH_MAX) {
        errno = EINVAL;
        return -1;
    }
    s_size_max = limits->size_max;
    s_depth_max = limits->depth_max;
    s_budget_factor = limits->budget_factor;
    s_budget_base = limits->budget_base;
    s_budget_max = limits->budget_max;
    return 0;
}

size_t
dividere_limits_budget (const dividere_limits_t *self, size_t size)
{
    size_t budget;
    if (__builtin_mul_overflow (self->budget_factor, size, &budget) ||
        __builtin_add_overflow (self->budget_base, budget, &budget) ||
        budget > self->budget_max)
        return self->budget_max;
    return budget;
}
