/* SPDX-License-Identifier: Apache-2.0 */

/*  The worker's thread: reads the sockets of all its links, hands requests to
 *  the pool of threads and takes them back, and does what is due by time.
 *
 *  state     links    on
 *  new       closed   START -> starting
 *  starting  closed   the outcome of on_init in all threads -> running, refused
 *  refused   closed   the end of all threads -> new
 *  running   open     DRAIN -> draining
 *  draining  leaving
 *  ending    leaving  the end of all threads, and of what is in hand: it ends
 *  $TERM in any state but new -> ending                                     */

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include "worker_internal.h"

#define FAREWELL_MS 100 /* for brokers to say it, once all else is done       */

static bool
s_all_idle (const dividere_worker_t *self)
{
    dividere_link_t *link = (dividere_link_t *) zlistx_first (self->links);
    while (link && dividere_link_idle (link))
        link = (dividere_link_t *) zlistx_next (self->links);
    return !link;
}

/*  A link whose DISCONNECT can be answered.                                 */
static dividere_link_t *
s_left (const dividere_worker_t *self)
{
    dividere_link_t *link = (dividere_link_t *) zlistx_first (self->links);
    while (link && !(link->left.due && dividere_link_idle (link)))
        link = (dividere_link_t *) zlistx_next (self->links);
    return link;
}

static bool
s_can_end (const dividere_worker_t *self)
{
    return self->state == DIVIDERE_WORKER_ENDING && self->end_ms >= 0 &&
           (s_all_idle (self) || zclock_mono () >= self->end_ms);
}

static bool
s_can_settle (const dividere_worker_t *self)
{
    return s_left (self) || (self->drained.due && s_all_idle (self)) ||
           s_can_end (self);
}

/*  Not within a turn of the drive, since links go.                          */
static void
s_settle (dividere_worker_t *self)
{
    dividere_link_t *link;
    while ((link = s_left (self))) {
        dividere_actor_answer (self->actor, &link->left, 0, NULL);
        zlistx_detach (self->links, link->place);
        dividere_link_destroy (&link);
    }
    if (self->drained.due && s_all_idle (self))
        dividere_actor_answer (self->actor, &self->drained, 0, NULL);
    if (s_can_end (self))
        dividere_actor_end (self->actor);
}

static int64_t
s_next (const dividere_worker_t *self)
{
    if (s_can_settle (self))
        return 0;
    int64_t next_ms = self->end_ms >= 0 ? self->end_ms : DIVIDERE_NEVER;
    dividere_link_t *link = (dividere_link_t *) zlistx_first (self->links);
    for (; link; link = (dividere_link_t *) zlistx_next (self->links))
        if (dividere_link_next (link) < next_ms)
            next_ms = dividere_link_next (link);
    return next_ms;
}

static zloop_timer_fn s_on_due;

/*  One timer for all that is due. One that comes too early does no harm.    */
static void
s_arm (dividere_worker_t *self)
{
    int64_t next_ms = s_next (self);
    if (next_ms == DIVIDERE_NEVER ||
        (self->timer >= 0 && self->timer_ms <= next_ms))
        return;
    zloop_t *loop = dividere_actor_loop (self->actor);
    int64_t delay_ms = next_ms - zclock_mono ();
    if (self->timer >= 0)
        zloop_timer_end (loop, self->timer);
    self->timer_ms = next_ms;
    self->timer = zloop_timer (loop, delay_ms > 0 ? (size_t) delay_ms : 0, 1,
                               s_on_due, self);
}

void
dividere_worker_turn (dividere_worker_t *self)
{
    if (self->drive)
        dividere_drive_turn (self->drive);
    s_settle (self);
    s_arm (self);
}

/*  First what has arrived: who has not been read is not silent.             */
static int
s_on_due (zloop_t *loop, int timer, void *arg)
{
    dividere_worker_t *self = (dividere_worker_t *) arg;
    if (timer == self->timer)
        self->timer = -1;
    if (self->drive)
        dividere_drive_turn (self->drive);
    int64_t now_ms = zclock_mono ();
    dividere_link_t *link = (dividere_link_t *) zlistx_first (self->links);
    for (; link; link = (dividere_link_t *) zlistx_next (self->links))
        dividere_link_tick (link, now_ms);
    dividere_worker_turn (self);
    return 0;
}

static dividere_served_t
s_serve (void *arg, void *owner, dividere_turn_t *turn)
{
    dividere_worker_t *self = (dividere_worker_t *) arg;
    dividere_ear_t *ear = (dividere_ear_t *) owner;
    dividere_served_t served = ear->serve (ear->link, turn);
    dividere_pool_flush (self->pool);
    s_arm (self);
    return served;
}

/*  Looked up again until it is what was told: a thread may have begun
 *  meanwhile.                                                               */
static void
s_tell_activity (dividere_worker_t *self)
{
    const char *activity;
    do {
        activity = dividere_worker_activity (self);
        dividere_actor_busy (self->actor, activity);
    }
    while (dividere_worker_activity (self) != activity);
}

static void
s_collect (dividere_worker_t *self)
{
    dividere_job_t *job;
    dividere_pool_collect (self->pool);
    while ((job = dividere_pool_done (self->pool)))
        dividere_task_done (self, (dividere_task_t *) job);
}

static zloop_fn s_handle_pool;

static void
s_watch_pool (dividere_worker_t *self, bool watched)
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
s_handle_started (dividere_worker_t *self, int error)
{
    self->start_error = error;
    if (error) {
        self->state = DIVIDERE_WORKER_REFUSED;
        dividere_pool_end (self->pool);
        return;
    }
    self->state = DIVIDERE_WORKER_RUNNING;
    dividere_link_t *link = (dividere_link_t *) zlistx_first (self->links);
    for (; link; link = (dividere_link_t *) zlistx_next (self->links))
        dividere_link_open (link);
    dividere_actor_answer (self->actor, &self->started, 0, NULL);
}

static void
s_handle_ended (dividere_worker_t *self)
{
    if (self->state == DIVIDERE_WORKER_ENDING && self->end_ms < 0)
        self->end_ms = zclock_mono () + FAREWELL_MS;
    if (self->state != DIVIDERE_WORKER_REFUSED)
        return;
    s_watch_pool (self, false);
    dividere_pool_destroy (&self->pool);
    self->state = DIVIDERE_WORKER_NEW;
    dividere_actor_answer (self->actor, &self->started, self->start_error,
                           NULL);
}

static int
s_handle_pool (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    dividere_worker_t *self = (dividere_worker_t *) arg;
    int error;
    s_collect (self);
    dividere_link_t *link = (dividere_link_t *) zlistx_first (self->links);
    for (; link; link = (dividere_link_t *) zlistx_next (self->links))
        dividere_link_flush (link);
    s_tell_activity (self);
    if (self->state == DIVIDERE_WORKER_STARTING &&
        dividere_pool_started (self->pool, &error))
        s_handle_started (self, error);
    if (dividere_pool_ended (self->pool))
        s_handle_ended (self);
    dividere_worker_turn (self);
    return 0;
}

int
dividere_worker_start (dividere_worker_t *self)
{
    size_t threads = (size_t) self->settings.threads;
    if (!self->drive)
        return EMFILE;
    int error = dividere_handlers_add (&self->handlers, self->config.handlers);
    if (error)
        return error;
    freen (self->activities);
    self->activities = (_Atomic (const char *) *) zmalloc (
        threads * sizeof (*self->activities));
    self->pool = dividere_pool_new (&dividere_worker_threads, self, threads);
    if (!self->pool)
        return errno;
    s_watch_pool (self, true);
    self->state = DIVIDERE_WORKER_STARTING;
    return 0;
}

void
dividere_worker_leave (dividere_worker_t *self)
{
    dividere_link_t *link = (dividere_link_t *) zlistx_first (self->links);
    for (; link; link = (dividere_link_t *) zlistx_next (self->links))
        dividere_link_leave (link);
}

/*  The goodbye goes before what is given back, so that none of it comes here
 *  again.                                                                   */
static bool
s_on_term (void *arg)
{
    dividere_worker_t *self = (dividere_worker_t *) arg;
    if (!self->pool)
        return true;
    if (self->state == DIVIDERE_WORKER_ENDING)
        return false;
    self->state = DIVIDERE_WORKER_ENDING;
    dividere_job_t *job;
    while ((job = dividere_pool_withdraw (self->pool)))
        dividere_task_return (self, (dividere_task_t *) job);
    dividere_worker_leave (self);
    dividere_pool_end (self->pool);
    s_tell_activity (self);
    dividere_worker_turn (self);
    return false;
}

/*  They have ended, unless the context was closed under the actor.          */
static void
s_end_threads (dividere_worker_t *self)
{
    if (!self->pool)
        return;
    dividere_job_t *job;
    struct pollfd item = { .fd = dividere_pool_fd (self->pool),
                           .events = POLLIN };
    while ((job = dividere_pool_withdraw (self->pool)))
        dividere_task_return (self, (dividere_task_t *) job);
    dividere_pool_end (self->pool);
    for (s_collect (self); !dividere_pool_ended (self->pool); s_collect (self))
        poll (&item, 1, -1);
    dividere_pool_destroy (&self->pool);
}

static void
s_end_links (dividere_worker_t *self)
{
    dividere_link_t *link;
    while ((link = (dividere_link_t *) zlistx_detach (self->links, NULL))) {
        dividere_actor_answer (self->actor, &link->left, ECANCELED, NULL);
        dividere_link_destroy (&link);
    }
    zlistx_destroy (&self->links);
}

static void
s_destroy (dividere_worker_t **self_p)
{
    dividere_worker_t *self = *self_p;
    dividere_actor_answer (self->actor, &self->started, ECANCELED, NULL);
    dividere_actor_answer (self->actor, &self->drained, ECANCELED, NULL);
    s_end_threads (self);
    s_end_links (self);
    dividere_tasks_term (self);
    dividere_drive_destroy (&self->drive);
    dividere_duplicates_destroy (&self->duplicates);
    dividere_handlers_term (&self->handlers);
    freen (self->activities);
    freen (self->service);
    freen (self->identity);
    dividere_actor_destroy (&self->actor);
    freen (self);
    *self_p = NULL;
}

void
dividere_worker (zsock_t *pipe, void *args)
{
    dividere_worker_t *self = (dividere_worker_t *) zmalloc (sizeof (*self));
    if (args)
        self->config = *(const dividere_worker_config_t *) args;
    self->actor =
        dividere_actor_new (pipe, "worker", self->config.name, self,
                            dividere_worker_commands, dividere_worker_stats);
    dividere_actor_on_term (self->actor, s_on_term);
    self->timer = -1;
    self->end_ms = -1;
    self->links = zlistx_new ();
    self->duplicates = dividere_duplicates_new ();
    dividere_worker_defaults (self);
    self->drive =
        dividere_drive_new (dividere_actor_loop (self->actor), s_serve, self);
    if (self->drive)
        dividere_drive_read (self->drive, true);
    dividere_actor_run (self->actor);
    s_destroy (&self);
}
