/* SPDX-License-Identifier: Apache-2.0 */

/*  The pool and the states of its owner: started, ended, and between them
 *  collected whenever it tells that something is done.                      */

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sodium.h>
#include "executor.h"

void
dividere_executor_init (dividere_executor_t *self,
                        const dividere_executor_class_t *class, void *owner,
                        dividere_actor_t *actor,
                        const dividere_executor_hooks_t *hooks)
{
    self->class = class;
    self->owner = owner;
    self->actor = actor;
    self->hooks = *hooks;
    self->in_hand_max = self->pending_max = self->bytes_max = SIZE_MAX;
    self->duplicates = dividere_duplicates_new ();
    randombytes_buf (&self->who, sizeof (self->who));
    self->who >>= 8;
}

void
dividere_executor_remember (dividere_executor_t *self, int64_t count,
                            int64_t bytes, int64_t age_ms)
{
    dividere_duplicates_limits_t limits = { .count_max = (size_t) count,
                                            .bytes_max = (size_t) bytes,
                                            .age_max_ms = age_ms };
    dividere_duplicates_limit (self->duplicates, &limits, zclock_mono ());
}

/*  Looked up again until it is what was told: a thread may have begun
 *  meanwhile.                                                               */
static void
s_tell_activity (dividere_executor_t *self)
{
    const char *activity;
    do {
        activity = dividere_executor_activity (self);
        dividere_actor_busy (self->actor, activity);
    }
    while (dividere_executor_activity (self) != activity);
}

static void
s_collect (dividere_executor_t *self)
{
    dividere_job_t *job;
    dividere_pool_collect (self->pool);
    while ((job = dividere_pool_done (self->pool)))
        dividere_task_done (self, (dividere_task_t *) job);
}

static zloop_fn s_handle_pool;

static void
s_watch_pool (dividere_executor_t *self, bool watched)
{
    zloop_t *loop = dividere_actor_loop (self->actor);
    zmq_pollitem_t item = { NULL, dividere_pool_fd (self->pool), ZMQ_POLLIN,
                            0 };
    if (!watched) {
        zloop_poller_end (loop, &item);
        return;
    }
    zloop_poller (loop, &item, s_handle_pool, self);
    zloop_poller_set_tolerant (loop, &item);
}

static void
s_handle_started (dividere_executor_t *self, int error)
{
    self->start_error = error;
    if (error) {
        self->state = DIVIDERE_EXECUTOR_REFUSED;
        dividere_pool_end (self->pool);
        return;
    }
    self->state = DIVIDERE_EXECUTOR_RUNNING;
    self->class->began (self->owner);
    dividere_actor_answer (self->actor, &self->started, 0, NULL);
}

static void
s_handle_refused (dividere_executor_t *self)
{
    s_watch_pool (self, false);
    dividere_pool_destroy (&self->pool);
    self->state = DIVIDERE_EXECUTOR_NEW;
    dividere_actor_answer (self->actor, &self->started, self->start_error,
                           NULL);
}

static int
s_handle_pool (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    dividere_executor_t *self = (dividere_executor_t *) arg;
    int error;
    s_collect (self);
    self->class->flush (self->owner);
    s_tell_activity (self);
    if (self->state == DIVIDERE_EXECUTOR_STARTING &&
        dividere_pool_started (self->pool, &error))
        s_handle_started (self, error);
    if (self->state == DIVIDERE_EXECUTOR_REFUSED &&
        dividere_pool_ended (self->pool))
        s_handle_refused (self);
    self->class->turn (self->owner);
    return 0;
}

int
dividere_executor_start (dividere_executor_t *self, size_t threads)
{
    int error = dividere_handlers_add (&self->handlers, self->hooks.handlers);
    if (error)
        return error;
    freen (self->activities);
    self->activities = (_Atomic (const char *) *) zmalloc (
        threads * sizeof (*self->activities));
    self->threads = threads;
    self->pool = dividere_pool_new (&dividere_executor_threads, self, threads);
    if (!self->pool)
        return errno;
    s_watch_pool (self, true);
    self->state = DIVIDERE_EXECUTOR_STARTING;
    return 0;
}

void
dividere_executor_withdraw (dividere_executor_t *self)
{
    dividere_job_t *job;
    self->closed = true;
    while ((job = dividere_pool_withdraw (self->pool)))
        dividere_task_return (self, (dividere_task_t *) job);
}

void
dividere_executor_end (dividere_executor_t *self)
{
    dividere_pool_end (self->pool);
    s_tell_activity (self);
}

bool
dividere_executor_ended (const dividere_executor_t *self)
{
    return self->state == DIVIDERE_EXECUTOR_ENDING &&
           dividere_pool_ended (self->pool);
}

void
dividere_executor_flush (dividere_executor_t *self)
{
    dividere_pool_flush (self->pool);
}

void
dividere_executor_join (dividere_executor_t *self)
{
    dividere_actor_answer (self->actor, &self->started, ECANCELED, NULL);
    if (!self->pool)
        return;
    struct pollfd item = { .fd = dividere_pool_fd (self->pool),
                           .events = POLLIN };
    dividere_executor_withdraw (self);
    dividere_pool_end (self->pool);
    for (s_collect (self); !dividere_pool_ended (self->pool); s_collect (self))
        poll (&item, 1, -1);
    dividere_pool_destroy (&self->pool);
}

void
dividere_executor_term (dividere_executor_t *self)
{
    dividere_tasks_term (self);
    dividere_duplicates_destroy (&self->duplicates);
    dividere_handlers_term (&self->handlers);
    freen (self->activities);
}

size_t
dividere_executor_running (const dividere_executor_t *self)
{
    return self->pool ? dividere_pool_running (self->pool) : 0;
}

size_t
dividere_executor_waiting (const dividere_executor_t *self)
{
    return self->pool ? dividere_pool_waiting (self->pool) : 0;
}

#define COUNT(name)                                       \
    {                                                     \
#name, offsetof(dividere_executor_counts_t, name) \
    }

static const struct {
    const char *name;
    size_t offset;
} s_counts[] = {
    COUNT (received),    COUNT (handled),      COUNT (replied),
    COUNT (failed),      COUNT (unanswered),   COUNT (unhandled),
    COUNT (refused),     COUNT (unknown_type), COUNT (malformed),
    COUNT (too_large),   COUNT (too_deep),     COUNT (bad_text),
    COUNT (over_budget), COUNT (repeated),     COUNT (joined),
    COUNT (expired),     COUNT (dropped),
};

void
dividere_executor_stats (const dividere_executor_t *self, zmsg_t *values)
{
    dividere_actor_stat (values, "running", dividere_executor_running (self));
    dividere_actor_stat (values, "waiting", dividere_executor_waiting (self));
    for (size_t i = 0; i < sizeof (s_counts) / sizeof (s_counts[0]); i++)
        dividere_actor_stat (values, s_counts[i].name,
                             *(const uint64_t *) ((const char *) &self->counts +
                                                  s_counts[i].offset));
    dividere_actor_stat (values, "window",
                         dividere_duplicates_count (self->duplicates));
    dividere_actor_stat (values, "window_bytes",
                         dividere_duplicates_bytes (self->duplicates));
}
