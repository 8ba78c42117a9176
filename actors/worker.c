/* SPDX-License-Identifier: Apache-2.0 */

/*  The worker's thread: reads the sockets of all its links, hands requests to
 *  the executor and sends what comes back, and does what is due by time.
 *
 *  state     links
 *  running   open
 *  draining  leaving
 *  ending    leaving  the end of all threads, and of what is in hand: it ends
 *  others    closed                                                         */

#include <assert.h>
#include <errno.h>
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
    return self->end_ms >= 0 &&
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

void
dividere_worker_turn (dividere_worker_t *self)
{
    if (self->end_ms < 0 && dividere_executor_ended (&self->executor))
        self->end_ms = zclock_mono () + FAREWELL_MS;
    if (self->drive)
        dividere_drive_turn (self->drive);
    s_settle (self);
    dividere_alarm_set (&self->alarm, s_next (self));
}

/*  First what has arrived: who has not been read is not silent.             */
static int
s_on_due (zloop_t *loop, int timer, void *arg)
{
    dividere_worker_t *self = (dividere_worker_t *) arg;
    dividere_alarm_rang (&self->alarm, timer);
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
    dividere_executor_flush (&self->executor);
    dividere_alarm_set (&self->alarm, s_next (self));
    return served;
}

static void
s_began (void *owner)
{
    dividere_worker_t *self = (dividere_worker_t *) owner;
    dividere_link_t *link = (dividere_link_t *) zlistx_first (self->links);
    for (; link; link = (dividere_link_t *) zlistx_next (self->links))
        dividere_link_open (link);
}

static void
s_flush (void *owner)
{
    dividere_worker_t *self = (dividere_worker_t *) owner;
    dividere_link_t *link = (dividere_link_t *) zlistx_first (self->links);
    for (; link; link = (dividere_link_t *) zlistx_next (self->links))
        dividere_link_flush (link);
}

static void
s_turn (void *owner)
{
    dividere_worker_turn ((dividere_worker_t *) owner);
}

/*  By a sign of life the broker sees that the worker is free again.         */
static void
s_untold (dividere_desk_t *desk)
{
    ((dividere_link_t *) desk)->sign_due = true;
}

static const dividere_executor_class_t s_class = {
    .began = s_began, .flush = s_flush, .turn = s_turn, .untold = s_untold
};

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
    if (!self->executor.pool)
        return true;
    if (self->executor.state == DIVIDERE_EXECUTOR_ENDING)
        return false;
    self->executor.state = DIVIDERE_EXECUTOR_ENDING;
    dividere_executor_withdraw (&self->executor);
    dividere_worker_leave (self);
    dividere_executor_end (&self->executor);
    dividere_worker_turn (self);
    return false;
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
    dividere_actor_answer (self->actor, &self->drained, ECANCELED, NULL);
    dividere_executor_join (&self->executor);
    s_end_links (self);
    dividere_executor_term (&self->executor);
    dividere_drive_destroy (&self->drive);
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
    dividere_worker_config_t config = { NULL };
    if (args)
        config = *(const dividere_worker_config_t *) args;
    dividere_executor_hooks_t hooks = { config.handlers, config.on_bytes,
                                        config.user, config.on_init,
                                        config.on_exit };
    self->actor =
        dividere_actor_new (pipe, "worker", config.name, self,
                            dividere_worker_commands, dividere_worker_stats);
    dividere_executor_init (&self->executor, &s_class, self, self->actor,
                            &hooks);
    self->executor.unbegun = DIVIDERE_STATUS_RETURNED;
    dividere_actor_on_term (self->actor, s_on_term);
    dividere_alarm_init (&self->alarm, dividere_actor_loop (self->actor),
                         s_on_due, self);
    self->end_ms = -1;
    self->links = zlistx_new ();
    dividere_worker_defaults (self);
    self->drive =
        dividere_drive_new (dividere_actor_loop (self->actor), s_serve, self);
    if (self->drive)
        dividere_drive_read (self->drive, true);
    dividere_actor_run (self->actor);
    s_destroy (&self);
}
