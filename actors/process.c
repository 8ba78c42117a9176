/* SPDX-License-Identifier: Apache-2.0 */

/*  The parent's side of a reactor in a child process.
 *
 *  state        child  on
 *  new          no     START -> starting
 *  starting     yes    replies of the child -> ready, stopping (an errno);
 *                      ready_limit -> killing; end of the channel, but not
 *                      soon of the child -> terminating
 *  ready        yes    STOP, end of the channel -> stopping
 *  stopping     yes    stop_limit -> terminating
 *  terminating  yes    stop_limit -> killing
 *  killing      yes
 *  waiting      no     back-off is over -> starting; STOP -> stopped
 *  stopped      no     START -> starting
 *  gave up      no     the actor ends
 *
 *  Whatever the state, the end of the child leads to waiting, stopped or gave
 *  up. $TERM does as STOP, and ends the actor when the child has ended.     */

#include <assert.h>
#include <errno.h>
#include "log_internal.h"
#include "process_internal.h"

typedef dividere_process_t self_t;

static bool
s_is_idle (const self_t *self)
{
    return self->state == DIVIDERE_PROCESS_NEW ||
           self->state == DIVIDERE_PROCESS_STOPPED;
}

static int
s_command_set (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    return s_is_idle (self)
               ? dividere_process_set (&self->settings, args[0], args[1])
               : EBUSY;
}

static int
s_command_add (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    return s_is_idle (self) ? dividere_process_add (self, args, count) : EBUSY;
}

static int
s_command_bind (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    return dividere_events_bind (&self->events, args, values);
}

/*  A program that lacks the call would start itself for ever: as its own child,
 *  or as the executable that its child names.                               */
static bool
s_is_endless (const self_t *self)
{
    return !dividere_child_main_called () &&
           (!self->executable || dividere_spawn_is_child ());
}

static void
s_renew_restart (self_t *self)
{
    dividere_restart_limits_t limits = {
        .backoff_ms = self->settings.backoff,
        .backoff_max_ms = self->settings.backoff_max,
        .intensity = (size_t) self->settings.intensity,
        .period_ms = self->settings.period,
    };
    dividere_restart_destroy (&self->restart);
    self->restart = dividere_restart_new (&limits);
}

static int
s_command_start (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    if (!s_is_idle (self))
        return EALREADY;
    if (!self->reactor)
        return EINVAL;
    if (s_is_endless (self))
        return dividere_process_fail (
            self, ENOTSUP, "main must call dividere_process_main first");
    freen (self->reason);
    s_renew_restart (self);
    dividere_process_forget_bound (self);
    int error = dividere_process_launch (self);
    if (error)
        return error;
    dividere_actor_defer (self->actor, &self->start);
    return DIVIDERE_LATER;
}

/*  One that asks again has given up waiting for the answer before.          */
static int
s_command_stop (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    if (s_is_idle (self))
        return EINVAL;
    dividere_actor_answer (self->actor, &self->stop, ECANCELED, NULL);
    if (!dividere_process_stop (self))
        return 0;
    dividere_actor_defer (self->actor, &self->stop);
    return DIVIDERE_LATER;
}

static int
s_command_status (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    zmsg_addstr (values, dividere_process_state_name (self->state));
    zmsg_addstrf (values, "%d", (int) self->child.pid);
    zmsg_addstrf (values, "%u", self->restarts);
    zmsg_addstr (values, self->reason ? self->reason : "");
    return 0;
}

static void
s_stats (void *arg, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    dividere_actor_stat (values, "exits", self->exits);
    dividere_actor_stat (values, "restarts", self->restarts);
    dividere_actor_stat (values, "events_dropped", self->events.dropped);
}

void
dividere_process_answer_stats (dividere_process_t *self, zmsg_t *values)
{
    if (!self->stats.due)
        return;
    zmsg_t *all = zmsg_new ();
    s_stats (self, all);
    while (values && zmsg_size (values) > 1) {
        char *name = zmsg_popstr (values);
        char *value = zmsg_popstr (values);
        zmsg_addstrf (all, "child.%s", name);
        zmsg_addstr (all, value);
        freen (name);
        freen (value);
    }
    dividere_actor_answer (self->actor, &self->stats, 0, all);
}

static int
s_command_stats (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    if (self->state != DIVIDERE_PROCESS_READY) {
        s_stats (self, values);
        return 0;
    }
    dividere_process_answer_stats (self, NULL);
    dividere_actor_defer (self->actor, &self->stats);
    dividere_process_ask (self);
    return DIVIDERE_LATER;
}

static const dividere_command_t s_commands[] = {
    { "SET", 2, 2, s_command_set },
    { "ADD", 2, DIVIDERE_ARGS_MANY, s_command_add },
    { "BIND", 2, 2, s_command_bind },
    { "START", 0, 0, s_command_start },
    { "STOP", 0, 0, s_command_stop },
    { "STATUS", 0, 0, s_command_status },
    { "STATS", 0, 0, s_command_stats },
    { NULL, 0, 0, NULL }
};

static bool
s_handle_term (void *arg)
{
    self_t *self = (self_t *) arg;
    self->ending = true;
    return !dividere_process_stop (self);
}

static char *
s_copy (const char *text)
{
    char *copy = text ? strdup (text) : NULL;
    assert (copy || !text);
    return copy;
}

void
dividere_process (zsock_t *pipe, void *args)
{
    self_t *self = (self_t *) zmalloc (sizeof (*self));
    dividere_process_config_t config = { NULL };
    if (args)
        config = *(const dividere_process_config_t *) args;
    self->actor =
        dividere_actor_new (pipe, "process",
                            config.name ? config.name : config.reactor, self,
                            s_commands, s_stats);
    dividere_actor_on_term (self->actor, s_handle_term);
    self->reactor = s_copy (config.reactor);
    self->executable = s_copy (config.executable);
    self->settings = dividere_process_defaults;
    self->sources = zlistx_new ();
    self->timer = -1;
    dividere_actor_run (self->actor);

    /* Only if the context was closed is there still a child.                */
    if (self->child.pid)
        dividere_spawned_close (&self->child);
    dividere_actor_answer (self->actor, &self->start, ECANCELED, NULL);
    dividere_actor_answer (self->actor, &self->stop, 0, NULL);
    dividere_process_answer_stats (self, NULL);
    dividere_process_remove_all (self);
    zlistx_destroy (&self->sources);
    dividere_restart_destroy (&self->restart);
    dividere_events_close (&self->events);
    dividere_actor_destroy (&self->actor);
    freen (self->reactor);
    freen (self->executable);
    freen (self->reason);
    freen (self);
}
