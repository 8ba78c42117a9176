/* SPDX-License-Identifier: Apache-2.0 */

/*  The reactor's thread: receives, finds the handler, calls it.
 *
 *  state     sources are read   on
 *  new       no                 START -> running (if on_init succeeds)
 *  running   yes                PAUSE -> paused
 *  paused    no                 RESUME -> running                          */

#include <assert.h>
#include <errno.h>
#include "log_internal.h"
#include "reactor_internal.h"

static dividere_handler_fn *
s_find_handler (dividere_reactor_t *self, const dividere_type_t *type,
                const char **ret_name)
{
    const dividere_handler_t *handler =
        type->id < self->by_type_size ? self->by_type[type->id] : NULL;
    if (!handler)
        return NULL;
    *ret_name = handler->name;
    return handler->handler;
}

static void
s_handle_message (dividere_reactor_t *self, dividere_context_t *context)
{
    const char *name = NULL;
    dividere_handler_fn *handler =
        s_find_handler (self, context->message->entry, &name);
    if (!handler) {
        self->counts.unhandled++;
        if (self->config.on_unhandled) {
            dividere_actor_busy (self->actor, "on_unhandled");
            self->config.on_unhandled (context);
        }
        return;
    }
    dividere_actor_busy (self->actor, name);
    int error = handler (context, context->message->object);
    self->counts.handled++;
    if (error == 0)
        return;
    self->counts.failed++;
    dividere_log (DIVIDERE_LOG_DEBUG, "%s: %s failed: %s",
                  dividere_actor_name (self->actor), name, strerror (error));
    if (self->config.on_failed)
        self->config.on_failed (context, error);
}

static void
s_handle_refusal (dividere_reactor_t *self, dividere_context_t *context,
                  int error)
{
    dividere_log (DIVIDERE_LOG_DEBUG, "%s: refused a message: %s",
                  dividere_actor_name (self->actor), strerror (error));
    if (self->config.on_refused) {
        dividere_actor_busy (self->actor, "on_refused");
        self->config.on_refused (context, error);
    }
}

/*  A publisher receives nothing but subscriptions.                          */
static dividere_served_t
s_serve_publisher (dividere_connector_t *connector, dividere_turn_t *turn)
{
    dividere_turn_spend (turn);
    return dividere_publisher_read (connector) < 0 ? DIVIDERE_SERVED_ALL
                                                   : DIVIDERE_SERVED_SOME;
}

static dividere_served_t
s_serve (void *arg, void *owner, dividere_turn_t *turn)
{
    dividere_reactor_t *self = (dividere_reactor_t *) arg;
    dividere_source_t *source = (dividere_source_t *) owner;
    if (source->connector->kind == DIVIDERE_PUBLISHER)
        return s_serve_publisher (source->connector, turn);
    dividere_context_t context = { self, source, self->message };
    bool empty = false;
    do {
        if (dividere_recv_into (source->connector, self->message, 0) == 0)
            s_handle_message (self, &context);
        else if (errno == EFSM || errno == ETERM) {
            /* It was not asked, so its descriptor stays readable.           */
            dividere_socket_events (source->connector->handle);
            empty = true;
        }
        else if (errno != EAGAIN)
            s_handle_refusal (self, &context, errno);
        else
            empty = !source->connector->crowded;
    }
    while (!empty && dividere_turn_spend (turn));
    dividere_actor_busy (self->actor, NULL);
    return empty ? DIVIDERE_SERVED_ALL : DIVIDERE_SERVED_SOME;
}

/*  A hook may have sent on sources, whose events are then to be looked at.  */
static void
s_call_hook (dividere_reactor_t *self, const char *name,
             void (*hook) (dividere_context_t *context))
{
    dividere_context_t context = { self, NULL, NULL };
    dividere_actor_busy (self->actor, name);
    hook (&context);
    dividere_actor_busy (self->actor, NULL);
    dividere_drive_turn (self->drive);
}

static int
s_on_timer (zloop_t *loop, int timer, void *arg)
{
    dividere_reactor_t *self = (dividere_reactor_t *) arg;
    if (self->state == DIVIDERE_REACTOR_RUNNING)
        s_call_hook (self, "on_timer", self->config.on_timer);
    zloop_timer (loop, (size_t) self->config.timer_ms, 1, s_on_timer, self);
    return 0;
}

/*  Looks again when the reactor would have been idle for long enough.       */
static int
s_on_idle (zloop_t *loop, int timer, void *arg)
{
    dividere_reactor_t *self = (dividere_reactor_t *) arg;
    int64_t since = dividere_drive_last_active (self->drive);
    if (since < self->last_idle)
        since = self->last_idle;
    int64_t quiet = zclock_mono () - since;
    if (quiet >= self->config.idle_ms) {
        if (self->state == DIVIDERE_REACTOR_RUNNING)
            s_call_hook (self, "on_idle", self->config.on_idle);
        self->last_idle = zclock_mono ();
        quiet = 0;
    }
    zloop_timer (loop, (size_t) (self->config.idle_ms - quiet), 1, s_on_idle,
                 self);
    return 0;
}

void
dividere_reactor_arm (dividere_reactor_t *self)
{
    zloop_t *loop = dividere_actor_loop (self->actor);
    if (self->config.on_timer && self->config.timer_ms > 0)
        zloop_timer (loop, (size_t) self->config.timer_ms, 1, s_on_timer, self);
    if (self->config.on_idle && self->config.idle_ms > 0)
        zloop_timer (loop, (size_t) self->config.idle_ms, 1, s_on_idle, self);
}

void
dividere_reactor (zsock_t *pipe, void *args)
{
    dividere_reactor_t *self = (dividere_reactor_t *) zmalloc (sizeof (*self));
    if (args)
        self->config = *(const dividere_reactor_config_t *) args;
    self->actor =
        dividere_actor_new (pipe, "reactor", self->config.name, self,
                            dividere_reactor_commands, dividere_reactor_stats);
    self->message = dividere_message_new ();
    self->sources = zlistx_new ();
    self->drive =
        dividere_drive_new (dividere_actor_loop (self->actor), s_serve, self);
    dividere_actor_run (self->actor);

    if (self->state != DIVIDERE_REACTOR_NEW && self->config.on_exit) {
        dividere_context_t context = { self, NULL, NULL };
        dividere_actor_busy (self->actor, "on_exit");
        self->config.on_exit (&context);
    }
    dividere_reactor_remove_all (self);
    zlistx_destroy (&self->sources);
    dividere_drive_destroy (&self->drive);
    dividere_message_destroy (&self->message);
    freen (self->by_type);
    dividere_actor_destroy (&self->actor);
    freen (self);
}
