/* SPDX-License-Identifier: Apache-2.0 */

/*  The sources of a reactor and its commands.                               */

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <dividere/types.h>
#include "kind.h"
#include "reactor_internal.h"

dividere_source_t *
dividere_reactor_source (dividere_reactor_t *self, const char *name)
{
    dividere_source_t *source =
        (dividere_source_t *) zlistx_first (self->sources);
    while (source && !streq (source->name, name))
        source = (dividere_source_t *) zlistx_next (self->sources);
    return source;
}

/*  What a source counted stays in the sums when it is gone.                 */
static void
s_add_stats (dividere_connector_stats_t *sum, dividere_source_t *source)
{
    dividere_connector_stats_t stats;
    dividere_connector_stats (source->connector, &stats);
    sum->received += stats.received;
    sum->sent += stats.sent;
    sum->dropped += stats.dropped;
    sum->refused += stats.refused;
    sum->malformed += stats.malformed;
    sum->unknown_type += stats.unknown_type;
    sum->too_large += stats.too_large;
    sum->too_deep += stats.too_deep;
    sum->bad_text += stats.bad_text;
    sum->over_budget += stats.over_budget;
    sum->missed += stats.missed;
}

static bool
s_is_batching (const dividere_connector_t *connector)
{
    return connector->kind == DIVIDERE_PUBLISHER && connector->options.batch;
}

static void
s_remove (dividere_reactor_t *self, dividere_source_t *source)
{
    self->batching -= s_is_batching (source->connector);
    s_add_stats (&self->gone, source);
    zlistx_detach (self->sources, source->place);
    dividere_connector_destroy (&source->connector);
    freen (source->name);
    freen (source);
}

void
dividere_reactor_remove_all (dividere_reactor_t *self)
{
    dividere_source_t *source;
    while ((source = (dividere_source_t *) zlistx_first (self->sources)))
        s_remove (self, source);
}

/*  The reactor's connectors never block it, and answer in any order.        */
static int
s_adopt (dividere_reactor_t *self, dividere_connector_t *connector,
         const char *name, zmsg_t *values)
{
    char number[32];
    if (name && *name) {
        if (dividere_reactor_source (self, name))
            return EEXIST;
    }
    else {
        do
            snprintf (number, sizeof (number), "source-%u", ++self->named);
        while (dividere_reactor_source (self, number));
        name = number;
    }
    if (!self->drive)
        return EMFILE;
    if (dividere_drive_add (self->drive, &connector->polled) < 0)
        return errno;
    dividere_source_t *source =
        (dividere_source_t *) zmalloc (sizeof (*source));
    source->name = strdup (name);
    assert (source->name);
    source->connector = connector;
    connector->polled.owner = source;
    connector->options.send_timeout_ms = 0;
    connector->options.recv_timeout_ms = 0;
    connector->asynchronous = true;
    self->batching += s_is_batching (connector);
    source->place = zlistx_add_end (self->sources, source);
    zmsg_addstr (values, name);
    zmsg_addstr (values, dividere_connector_endpoints (connector));
    dividere_drive_turn (self->drive);
    return 0;
}

static int
s_subscribe (dividere_reactor_t *self, dividere_connector_t *connector,
             char **types, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const ProtobufCMessageDescriptor *type = dividere_types_find (types[i]);
        if (!type)
            type = dividere_types_find_short (types[i]);
        if (!type)
            return ENOENT;
        if (dividere_subscribe (connector, type) < 0)
            return errno;
    }
    const dividere_handler_t *at = self->config.handlers;
    for (; !count && at && at->type; at++)
        if (dividere_subscribe (connector, at->type) < 0)
            return errno;
    return 0;
}

static int
s_command_add (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_reactor_t *self = (dividere_reactor_t *) arg;
    dividere_kind_t kind;
    const char *name;
    int error = dividere_handlers_add (&self->handlers, self->config.handlers);
    if (!error && dividere_kind_parse (args[0], &kind, &name) < 0)
        error = errno;
    if (!error && count > 2 && kind != DIVIDERE_SUBSCRIBER)
        error = EINVAL;
    if (error)
        return error;
    dividere_connector_t *connector =
        dividere_connector_new (kind, args[1], NULL);
    if (!connector)
        return errno;
    if (kind == DIVIDERE_SUBSCRIBER)
        error = s_subscribe (self, connector, args + 2, count - 2);
    if (!error)
        error = s_adopt (self, connector, name, values);
    if (error)
        dividere_connector_destroy (&connector);
    return error;
}

/*  A connector on its way to the reactor. Whoever changes the state first has
 *  decided: the reactor takes it, or the caller, out of patience, keeps it.  */
typedef struct {
    _Atomic int state;
    _Atomic int holders;             /* the last of the two frees it         */
    dividere_connector_t *connector; /* whose it is says the state           */
} offer_t;

enum { OFFERED, TAKEN, WITHDRAWN };

static void
s_offer_leave (offer_t *offer)
{
    if (--offer->holders == 0)
        freen (offer);
}

/*  The address of an offer in this process: what dividere_reactor_add sends. */
static int
s_command_adopt (void *arg, char **args, size_t count, zmsg_t *values)
{
    offer_t *offer = (offer_t *) (uintptr_t) strtoull (args[0], NULL, 16);
    int state = OFFERED;
    int error = ECANCELED;
    if (atomic_compare_exchange_strong (&offer->state, &state, TAKEN)) {
        error = s_adopt ((dividere_reactor_t *) arg, offer->connector, args[1],
                         values);
        if (error)
            offer->state = WITHDRAWN;
    }
    s_offer_leave (offer);
    return error;
}

static int
s_command_remove (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_reactor_t *self = (dividere_reactor_t *) arg;
    dividere_source_t *source = dividere_reactor_source (self, args[0]);
    if (!source)
        return ENOENT;
    s_remove (self, source);
    return 0;
}

static int
s_command_list (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_reactor_t *self = (dividere_reactor_t *) arg;
    dividere_source_t *source =
        (dividere_source_t *) zlistx_first (self->sources);
    while (source) {
        zmsg_addstr (values, source->name);
        zmsg_addstr (values, dividere_kind_name (source->connector->kind));
        zmsg_addstr (values, dividere_connector_endpoints (source->connector));
        source = (dividere_source_t *) zlistx_next (self->sources);
    }
    return 0;
}

static int
s_command_start (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_reactor_t *self = (dividere_reactor_t *) arg;
    if (self->state != DIVIDERE_REACTOR_NEW)
        return EALREADY;
    if (!self->drive)
        return EMFILE;
    int error = dividere_handlers_add (&self->handlers, self->config.handlers);
    if (!error && self->config.on_init)
        error = dividere_reactor_init (self);
    if (error)
        return error;
    self->state = DIVIDERE_REACTOR_RUNNING;
    dividere_reactor_arm (self);
    dividere_drive_read (self->drive, true);
    return 0;
}

static int
s_command_pause (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_reactor_t *self = (dividere_reactor_t *) arg;
    if (self->state == DIVIDERE_REACTOR_NEW)
        return EINVAL;
    if (self->state == DIVIDERE_REACTOR_RUNNING)
        dividere_drive_read (self->drive, false);
    self->state = DIVIDERE_REACTOR_PAUSED;
    return 0;
}

static int
s_command_resume (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_reactor_t *self = (dividere_reactor_t *) arg;
    if (self->state == DIVIDERE_REACTOR_NEW)
        return EINVAL;
    if (self->state == DIVIDERE_REACTOR_PAUSED) {
        self->state = DIVIDERE_REACTOR_RUNNING;
        dividere_drive_read (self->drive, true);
    }
    return 0;
}

const dividere_command_t dividere_reactor_commands[] = {
    { "ADD", 2, DIVIDERE_ARGS_MANY, s_command_add },
    { "ADOPT", 2, 2, s_command_adopt },
    { "REMOVE", 1, 1, s_command_remove },
    { "LIST", 0, 0, s_command_list },
    { "START", 0, 0, s_command_start },
    { "PAUSE", 0, 0, s_command_pause },
    { "RESUME", 0, 0, s_command_resume },
    { NULL, 0, 0, NULL }
};

void
dividere_reactor_stats (void *arg, zmsg_t *values)
{
    dividere_reactor_t *self = (dividere_reactor_t *) arg;
    dividere_connector_stats_t sum = self->gone;
    dividere_source_t *source =
        (dividere_source_t *) zlistx_first (self->sources);
    for (; source; source = (dividere_source_t *) zlistx_next (self->sources))
        s_add_stats (&sum, source);
    dividere_actor_stat (values, "sources", zlistx_size (self->sources));
    dividere_actor_stat (values, "received", sum.received);
    dividere_actor_stat (values, "sent", sum.sent);
    dividere_actor_stat (values, "handled", self->counts.handled);
    dividere_actor_stat (values, "failed", self->counts.failed);
    dividere_actor_stat (values, "replied", self->counts.replied);
    dividere_actor_stat (values, "unhandled", self->counts.unhandled);
    dividere_actor_stat (values, "unknown_type", sum.unknown_type);
    dividere_actor_stat (values, "malformed", sum.malformed);
    dividere_actor_stat (values, "too_large", sum.too_large);
    dividere_actor_stat (values, "too_deep", sum.too_deep);
    dividere_actor_stat (values, "bad_text", sum.bad_text);
    dividere_actor_stat (values, "over_budget", sum.over_budget);
    dividere_actor_stat (values, "missed", sum.missed);
    dividere_actor_stat (values, "dropped", sum.dropped);
    dividere_actor_stat (values, "refused", sum.refused);
    dividere_actor_stat (values, "wakeups",
                         self->drive ? dividere_drive_turns (self->drive) : 0);
}

int
dividere_reactor_add (zactor_t *reactor, dividere_connector_t **connector_p,
                      const char *name, int timeout_ms)
{
    assert (reactor);
    assert (connector_p && *connector_p);
    offer_t *offer = (offer_t *) zmalloc (sizeof (*offer));
    offer->holders = 2;
    offer->connector = *connector_p;
    zmsg_t *frames = zmsg_new ();
    zmsg_addstr (frames, "ADOPT");
    zmsg_addstrf (frames, "%llx", (unsigned long long) (uintptr_t) offer);
    zmsg_addstr (frames, name ? name : "");
    int rc = dividere_actor_call (reactor, NULL, timeout_ms, frames);
    int error = errno;
    int state = OFFERED;
    if (rc < 0 &&
        !atomic_compare_exchange_strong (&offer->state, &state, WITHDRAWN) &&
        state == TAKEN)
        rc = 0;
    if (rc == 0)
        *connector_p = NULL;
    /* A command that was never sent has no other side.                      */
    if (rc < 0 && (error == EAGAIN || error == ESRCH))
        s_offer_leave (offer);
    s_offer_leave (offer);
    errno = error;
    return rc;
}
