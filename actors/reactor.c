/* SPDX-License-Identifier: Apache-2.0 */

/*  The reactor's thread: receives, finds the handler, calls it.
 *
 *  state     sources are read   on
 *  new       no                 START -> running (if on_init succeeds)
 *  running   yes                PAUSE -> paused
 *  paused    no                 RESUME -> running                          */

#include <assert.h>
#include <errno.h>
#include <time.h>
#include "log_internal.h"
#include "reactor_internal.h"

static dividere_connector_t *
s_source (dividere_context_t *base)
{
    dividere_reactor_context_t *self = (dividere_reactor_context_t *) base;
    if (!self->source)
        errno = ENOENT;
    return self->source ? self->source->connector : NULL;
}

static dividere_connector_t *
s_find (dividere_context_t *base, const char *name)
{
    dividere_reactor_context_t *self = (dividere_reactor_context_t *) base;
    dividere_source_t *source = dividere_reactor_source (self->reactor, name);
    if (!source)
        errno = ENOENT;
    return source ? source->connector : NULL;
}

/*  The source, if it can carry a reply. NULL with ENOTSUP.                  */
static dividere_connector_t *
s_way_back (const dividere_reactor_context_t *self)
{
    dividere_connector_t *connector =
        self->source ? self->source->connector : NULL;
    if (connector && (connector->kind == DIVIDERE_RESPONSE ||
                      connector->kind == DIVIDERE_DEALER))
        return connector;
    errno = ENOTSUP;
    return NULL;
}

static int
s_reply (dividere_context_t *base, const ProtobufCMessage *reply)
{
    dividere_reactor_context_t *self = (dividere_reactor_context_t *) base;
    dividere_connector_t *connector = s_way_back (self);
    if (!connector ||
        dividere_send_to (connector, &base->message->route, reply, 0) < 0)
        return -1;
    self->reactor->counts.replied++;
    return 0;
}

static int
s_reply_bytes (dividere_context_t *base, const void *data, size_t size)
{
    dividere_reactor_context_t *self = (dividere_reactor_context_t *) base;
    dividere_connector_t *connector = s_way_back (self);
    if (!connector ||
        dividere_connector_send_to (connector, &base->message->route, data,
                                    size, 0) < 0)
        return -1;
    self->reactor->counts.replied++;
    return 0;
}

/*  Since the turn began, which ends soon after a handler that takes long. By
 *  the clock that costs nothing, so that nobody pays who does not ask.      */
static int64_t
s_elapsed_ms (const dividere_turn_t *turn)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC_COARSE, &now);
    return ((int64_t) now.tv_sec * 1000000000 + now.tv_nsec - turn->coarse_ns) /
           1000000;
}

static int
s_request (dividere_context_t *base, dividere_request_info_t *ret_info)
{
    dividere_reactor_context_t *self = (dividere_reactor_context_t *) base;
    dividere_extension_t extension;
    if (!base->message ||
        dividere_context_extension (&base->message->route, &extension) < 0) {
        errno = ENOENT;
        return -1;
    }
    int64_t remaining_ms = -1;
    if (extension.left_ms != DIVIDERE_EXTENSION_NO_DEADLINE) {
        remaining_ms = extension.left_ms - s_elapsed_ms (self->turn);
        if (remaining_ms < 0)
            remaining_ms = 0;
    }
    *ret_info = (dividere_request_info_t){
        .client = extension.id.client,
        .number = extension.id.number,
        .attempt = extension.attempt,
        .remaining_ms = remaining_ms,
        .strict = extension.flags & DIVIDERE_EXTENSION_STRICT,
    };
    return 0;
}

static const dividere_context_class_t s_class = { s_source, s_find, s_reply,
                                                  s_reply_bytes, s_request };

static void
s_handle_message (dividere_reactor_t *self, dividere_context_t *context)
{
    const dividere_handler_t *handler =
        dividere_handlers_find (&self->handlers, context->message->entry);
    if (!handler) {
        self->counts.unhandled++;
        if (self->config.on_unhandled) {
            dividere_actor_busy (self->actor, "on_unhandled");
            self->config.on_unhandled (context);
        }
        return;
    }
    dividere_actor_busy (self->actor, handler->name);
    int error = handler->handler (context, context->message->object);
    self->counts.handled++;
    if (error == 0)
        return;
    self->counts.failed++;
    dividere_log (DIVIDERE_LOG_DEBUG, "%s: %s failed: %s",
                  dividere_actor_name (self->actor), handler->name,
                  strerror (error));
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

/*  What handlers have published does not wait for more once their turn is over.
 *  What is not taken then is counted there, and tried again.                */
static void
s_flush (dividere_reactor_t *self)
{
    dividere_source_t *source =
        (dividere_source_t *) zlistx_first (self->sources);
    for (; source; source = (dividere_source_t *) zlistx_next (self->sources))
        if (source->connector->batch.type)
            dividere_connector_flush (source->connector);
}

static dividere_served_t
s_serve (void *arg, void *owner, dividere_turn_t *turn)
{
    dividere_reactor_t *self = (dividere_reactor_t *) arg;
    dividere_source_t *source = (dividere_source_t *) owner;
    if (source->connector->kind == DIVIDERE_PUBLISHER)
        return s_serve_publisher (source->connector, turn);
    dividere_reactor_context_t context = {
        { &s_class, self->config.user, self->message }, self, source, turn
    };
    bool empty = false;
    do {
        if (dividere_recv_into (source->connector, self->message, 0) == 0)
            s_handle_message (self, &context.base);
        else if (errno == EFSM || errno == ETERM) {
            /* It was not asked, so its descriptor stays readable.           */
            dividere_socket_events (source->connector->handle);
            empty = true;
        }
        else if (errno != EAGAIN)
            s_handle_refusal (self, &context.base, errno);
        else
            empty = !source->connector->crowded;
    }
    while (!empty && dividere_turn_spend (turn));
    dividere_actor_busy (self->actor, NULL);
    if (self->batching)
        s_flush (self);
    return empty ? DIVIDERE_SERVED_ALL : DIVIDERE_SERVED_SOME;
}

static dividere_reactor_context_t
s_hook_context (dividere_reactor_t *self)
{
    return (dividere_reactor_context_t){
        { &s_class, self->config.user, NULL }, self, NULL, NULL
    };
}

int
dividere_reactor_init (dividere_reactor_t *self)
{
    dividere_reactor_context_t context = s_hook_context (self);
    dividere_actor_busy (self->actor, "on_init");
    int error = self->config.on_init (&context.base);
    dividere_actor_busy (self->actor, NULL);
    return error;
}

/*  A hook may have sent on sources, whose events are then to be looked at.  */
static void
s_call_hook (dividere_reactor_t *self, const char *name,
             void (*hook) (dividere_context_t *context))
{
    dividere_reactor_context_t context = s_hook_context (self);
    dividere_actor_busy (self->actor, name);
    hook (&context.base);
    dividere_actor_busy (self->actor, NULL);
    if (self->batching)
        s_flush (self);
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
        dividere_reactor_context_t context = s_hook_context (self);
        dividere_actor_busy (self->actor, "on_exit");
        self->config.on_exit (&context.base);
    }
    dividere_reactor_remove_all (self);
    zlistx_destroy (&self->sources);
    dividere_drive_destroy (&self->drive);
    dividere_message_destroy (&self->message);
    dividere_handlers_term (&self->handlers);
    dividere_actor_destroy (&self->actor);
    freen (self);
}
