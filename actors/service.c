/* SPDX-License-Identifier: Apache-2.0 */

/*  The service's thread: reads the door, hands requests to the executor and
 *  sends what comes back, and does what is due by time.
 *
 *  state     door        name servers
 *  running   open        registered
 *  draining  all BUSY    left
 *  ending    all BUSY    left          the end of all threads, and a word of
 *                                      the name servers: it ends
 *  others    not read    not told                                           */

#include <assert.h>
#include <errno.h>
#include <dividere/log.h>
#include <sodium.h>
#include "log_internal.h"
#include "service_internal.h"
#include "socket.h"

#define LEAVE_MS 50   /* for name servers to say that it is gone             */
#define TEND_MS  1000 /* between two looks at a socket that may be idle      */

/*  Name servers know that it is gone, or had the time to say so.            */
static bool
s_has_left (const dividere_service_t *self)
{
    return self->left_ms >= 0 &&
           (dividere_names_left (self) || zclock_mono () >= self->left_ms);
}

static bool
s_is_drained (const dividere_service_t *self)
{
    return self->drained.due && s_has_left (self) &&
           dividere_desk_count (&self->door.desk) == 0;
}

static bool
s_can_end (const dividere_service_t *self)
{
    return dividere_executor_ended (&self->executor) && s_has_left (self);
}

static int64_t
s_next (const dividere_service_t *self)
{
    int64_t next_ms = DIVIDERE_NEVER;
    if (self->left_ms >= 0 && !s_has_left (self))
        next_ms = self->left_ms;
    if (dividere_door_next (self) < next_ms)
        next_ms = dividere_door_next (self);
    if (dividere_traffic_next (self) < next_ms)
        next_ms = dividere_traffic_next (self);
    return next_ms;
}

void
dividere_service_turn (dividere_service_t *self)
{
    if (self->drive)
        dividere_drive_turn (self->drive);
    if (s_is_drained (self))
        dividere_actor_answer (self->actor, &self->drained, 0, NULL);
    if (s_can_end (self))
        dividere_actor_end (self->actor);
    dividere_alarm_set (&self->alarm, s_next (self));
}

static int
s_on_due (zloop_t *loop, int timer, void *arg)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    int64_t now_ms = zclock_mono ();
    dividere_alarm_rang (&self->alarm, timer);
    dividere_traffic_tick (self, now_ms);
    dividere_door_tick (self, now_ms);
    dividere_service_turn (self);
    return 0;
}

/*  libzmq takes in what has happened at a socket only when that is called.  */
static int
s_on_tend (zloop_t *loop, int timer, void *arg)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    dividere_polled_t *all[] = { &self->door.polled, &self->traffic.polled };
    for (size_t i = 0; i < sizeof (all) / sizeof (all[0]); i++)
        if (all[i]->handle) {
            dividere_socket_events (all[i]->handle);
            dividere_poller_touch (all[i]);
        }
    dividere_service_turn (self);
    zloop_timer (loop, TEND_MS, 1, s_on_tend, self);
    return 0;
}

/*  Each can make something ready for the door.                              */
static dividere_served_t
s_serve (void *arg, void *owner, dividere_turn_t *turn)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    dividere_served_t served;
    if (owner == &self->traffic) {
        served = dividere_traffic_serve (self, turn);
        dividere_door_flush (self);
    }
    else
        served = dividere_door_serve (self, turn);
    dividere_executor_flush (&self->executor);
    dividere_alarm_set (&self->alarm, s_next (self));
    return served;
}

static void
s_began (void *owner)
{
    dividere_service_t *self = (dividere_service_t *) owner;
    zmsg_t *values = zmsg_new ();
    zmsg_addstr (values, self->door.tcp);
    dividere_drive_read (self->drive, true);
    dividere_names_enter (self);
    dividere_actor_answer (self->actor, &self->executor.started, 0, values);
}

static void
s_flush (void *owner)
{
    dividere_door_flush ((dividere_service_t *) owner);
}

static void
s_turn (void *owner)
{
    dividere_service_turn ((dividere_service_t *) owner);
}

/*  A client without an extension frame waits until it gives up.             */
static void
s_untold (dividere_desk_t *desk)
{
}

static const dividere_executor_class_t s_class = {
    .began = s_began,
    .flush = s_flush,
    .turn = s_turn,
    .untold = s_untold,
    .executed = dividere_builtin_count,
};

static const dividere_executor_class_t s_traffic_class = {
    .began = s_began,
    .flush = s_flush,
    .turn = s_turn,
    .untold = s_untold,
    .execute = dividere_traffic_execute,
};

int
dividere_service_start (dividere_service_t *self)
{
    bool traffic = self->traffic.polled.handle;
    if (!self->drive)
        return EMFILE;
    self->executor.class = traffic ? &s_traffic_class : &s_class;
    dividere_builtin_start (self);
    return dividere_executor_start (&self->executor,
                                    traffic ? 1
                                            : (size_t) self->settings.threads);
}

void
dividere_service_leave (dividere_service_t *self)
{
    if (self->left_ms >= 0)
        return;
    self->left_ms = zclock_mono () + LEAVE_MS;
    dividere_names_leave (self);
}

static bool
s_on_term (void *arg)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    if (!self->executor.pool)
        return true;
    if (self->executor.state == DIVIDERE_EXECUTOR_ENDING)
        return false;
    self->executor.state = DIVIDERE_EXECUTOR_ENDING;
    dividere_service_leave (self);
    dividere_executor_withdraw (&self->executor);
    dividere_traffic_end (self);
    dividere_door_flush (self);
    dividere_executor_end (&self->executor);
    dividere_service_turn (self);
    return false;
}

static void
s_term_card (dividere_service_card_t *card)
{
    freen (card->name);
    freen (card->advertise);
    freen (card->release);
    for (size_t i = 0; i < card->tags_count; i++)
        freen (card->tags[i]);
}

static void
s_destroy (dividere_service_t **self_p)
{
    dividere_service_t *self = *self_p;
    dividere_actor_answer (self->actor, &self->drained, ECANCELED, NULL);
    dividere_executor_join (&self->executor);
    dividere_traffic_end (self);
    dividere_door_flush (self);
    dividere_names_term (self);
    dividere_traffic_term (self);
    dividere_door_term (self);
    dividere_executor_term (&self->executor);
    dividere_builtin_term (self);
    dividere_drive_destroy (&self->drive);
    s_term_card (&self->card);
    dividere_actor_destroy (&self->actor);
    freen (self);
    *self_p = NULL;
}

static void
s_init (dividere_service_t *self)
{
    const dividere_service_config_t *config = &self->config;
    dividere_executor_hooks_t hooks = { config->handlers, config->on_bytes,
                                        config->user, config->on_init,
                                        config->on_exit };
    dividere_executor_init (&self->executor, &s_class, self, self->actor,
                            &hooks);
    self->executor.unbegun = DIVIDERE_STATUS_BUSY;
    self->executor.timed = true;
    randombytes_buf (&self->card.instance, sizeof (self->card.instance));
    dividere_alarm_init (&self->alarm, dividere_actor_loop (self->actor),
                         s_on_due, self);
    self->left_ms = -1;
    self->names = zlistx_new ();
    dividere_door_init (self);
    dividere_builtin_init (self);
    dividere_traffic_init (self);
    dividere_service_defaults (self);
    self->drive =
        dividere_drive_new (dividere_actor_loop (self->actor), s_serve, self);
}

void
dividere_service (zsock_t *pipe, void *args)
{
    dividere_service_t *self = (dividere_service_t *) zmalloc (sizeof (*self));
    if (args)
        self->config = *(const dividere_service_config_t *) args;
    self->actor =
        dividere_actor_new (pipe, "service", self->config.actor, self,
                            dividere_service_commands, dividere_service_stats);
    dividere_actor_on_term (self->actor, s_on_term);
    s_init (self);
    zloop_timer (dividere_actor_loop (self->actor), TEND_MS, 1, s_on_tend,
                 self);
    dividere_actor_run (self->actor);
    s_destroy (&self);
}
