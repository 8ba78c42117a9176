/* SPDX-License-Identifier: Apache-2.0 */

/*  The commands of a worker and its statistics.                             */

#include <assert.h>
#include <errno.h>
#include "endpoint.h"
#include "extension.h"
#include "setting.h"
#include "utf8.h"
#include "worker_internal.h"

#define IDENTITY_MAX 200 /* bytes                                             */
#define IN_HAND_MORE 100 /* tasks of a broker beyond twice the credit         */

static const char *const s_dialects[] = { "typed", "bytes", NULL };

#define SETTING(member) offsetof (dividere_worker_settings_t, member)

static const dividere_setting_t s_settings[] = {
    { "threads", SETTING (threads), 1, DIVIDERE_EXECUTOR_THREADS_MAX, 1, true },
    { "credit", SETTING (credit), 0, DIVIDERE_EXECUTOR_THREADS_MAX, 0, true },
    { "heartbeat", SETTING (heartbeat_ms), 10, 3600000, 3000, false },
    { "window", SETTING (window), 0, UINT32_MAX, 10000, false },
    { "window_bytes", SETTING (window_bytes), 0, INT64_MAX / 2, 16 << 20,
      false },
    { "window_age", SETTING (window_age_ms), 0, INT64_MAX / 4, 60000, false },
    { NULL, 0, 0, 0, 0, false },
};

static void
s_apply (dividere_worker_t *self)
{
    dividere_executor_remember (&self->executor, self->settings.window,
                                self->settings.window_bytes,
                                self->settings.window_age_ms);
}

static void
s_set_text (char **text_p, const char *value)
{
    freen (*text_p);
    *text_p = strdup (value);
    assert (*text_p);
}

void
dividere_worker_defaults (dividere_worker_t *self)
{
    dividere_settings_default (s_settings, &self->settings);
    s_apply (self);
    zuuid_t *uuid = zuuid_new ();
    s_set_text (&self->identity, zuuid_str_canonical (uuid));
    zuuid_destroy (&uuid);
    s_set_text (&self->service, "");
}

size_t
dividere_worker_credit (const dividere_worker_t *self)
{
    return (size_t) (self->settings.credit ? self->settings.credit
                                           : self->settings.threads);
}

size_t
dividere_worker_parallel (const dividere_worker_t *self)
{
    size_t credit = dividere_worker_credit (self);
    size_t threads = (size_t) self->settings.threads;
    return threads < credit ? threads : credit;
}

static int
s_set_name (char **text_p, const char *value, size_t size_min, size_t size_max)
{
    size_t size = strlen (value);
    if (size < size_min || size > size_max ||
        !dividere_utf8_valid (value, size))
        return EINVAL;
    s_set_text (text_p, value);
    return 0;
}

/*  What is said in the registration. ENOENT: it is something else.          */
static int
s_set_early (dividere_worker_t *self, const char *name, const char *value)
{
    bool started = self->executor.state != DIVIDERE_EXECUTOR_NEW;
    if (streq (name, "service"))
        return started ? EBUSY
                       : s_set_name (&self->service, value, 0,
                                     DIVIDERE_EXTENSION_SERVICE);
    if (streq (name, "identity"))
        return started ? EBUSY
                       : s_set_name (&self->identity, value, 1, IDENTITY_MAX);
    if (!streq (name, "dialect"))
        return ENOENT;
    int dialect = dividere_setting_word (s_dialects, value);
    if (started || dialect < 0)
        return started ? EBUSY : EINVAL;
    self->bytes = dialect;
    return 0;
}

static int
s_command_set (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_worker_t *self = (dividere_worker_t *) arg;
    int error =
        dividere_settings_set (s_settings, &self->settings, args[0], args[1],
                               self->executor.state != DIVIDERE_EXECUTOR_NEW);
    if (error == ENOENT)
        return s_set_early (self, args[0], args[1]);
    if (error)
        return error;
    s_apply (self);
    dividere_worker_turn (self);
    return 0;
}

static dividere_link_t *
s_find (dividere_worker_t *self, const char *address)
{
    dividere_link_t *link = (dividere_link_t *) zlistx_first (self->links);
    while (link && !streq (link->address, address))
        link = (dividere_link_t *) zlistx_next (self->links);
    return link;
}

/*  Of an endpoint to connect to. 0, or an errno.                            */
static int
s_read_endpoint (const char *text, dividere_endpoint_t *ret_endpoint)
{
    if (dividere_endpoint_one (text, ret_endpoint) < 0 ||
        dividere_endpoint_check (ret_endpoint, false) < 0)
        return errno;
    return ret_endpoint->role == DIVIDERE_ENDPOINT_BIND ? EINVAL : 0;
}

static int
s_command_connect (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_worker_t *self = (dividere_worker_t *) arg;
    dividere_endpoint_t endpoint;
    int error = s_read_endpoint (args[0], &endpoint);
    if (!error && s_find (self, endpoint.address))
        error = EEXIST;
    if (!error && self->executor.state > DIVIDERE_EXECUTOR_RUNNING)
        error = EBUSY;
    if (error)
        return error;
    dividere_link_t *link = dividere_link_new (self, endpoint.address);
    if (self->executor.state == DIVIDERE_EXECUTOR_RUNNING &&
        dividere_link_open (link) < 0) {
        error = errno;
        dividere_link_destroy (&link);
        return error;
    }
    link->place = zlistx_add_end (self->links, link);
    zmsg_addstr (values, link->address);
    dividere_worker_turn (self);
    return 0;
}

static int
s_command_disconnect (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_worker_t *self = (dividere_worker_t *) arg;
    dividere_endpoint_t endpoint;
    dividere_link_t *link = NULL;
    if (s_read_endpoint (args[0], &endpoint) == 0)
        link = s_find (self, endpoint.address);
    if (!link)
        return ENOENT;
    if (link->left.due)
        return EALREADY;
    dividere_link_leave (link);
    dividere_actor_defer (self->actor, &link->left);
    dividere_worker_turn (self);
    return DIVIDERE_LATER;
}

static int
s_command_brokers (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_worker_t *self = (dividere_worker_t *) arg;
    dividere_link_t *link = (dividere_link_t *) zlistx_first (self->links);
    for (; link; link = (dividere_link_t *) zlistx_next (self->links)) {
        zmsg_addstr (values, link->address);
        zmsg_addstr (values, dividere_link_state (link));
        zmsg_addstrf (values, "%zu", dividere_desk_count (&link->desk));
    }
    return 0;
}

static int
s_command_start (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_worker_t *self = (dividere_worker_t *) arg;
    if (self->executor.state != DIVIDERE_EXECUTOR_NEW)
        return EALREADY;
    if (!self->drive)
        return EMFILE;
    /* What a broker may have here, with what it has lost sight of.          */
    self->executor.in_hand_max =
        2 * dividere_worker_credit (self) + IN_HAND_MORE;
    int error = dividere_executor_start (&self->executor,
                                         (size_t) self->settings.threads);
    if (error)
        return error;
    dividere_actor_defer (self->actor, &self->executor.started);
    return DIVIDERE_LATER;
}

static int
s_command_drain (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_worker_t *self = (dividere_worker_t *) arg;
    if (self->executor.state != DIVIDERE_EXECUTOR_RUNNING)
        return self->executor.state > DIVIDERE_EXECUTOR_RUNNING ? EALREADY
                                                                : EINVAL;
    self->executor.state = DIVIDERE_EXECUTOR_DRAINING;
    dividere_worker_leave (self);
    dividere_actor_defer (self->actor, &self->drained);
    dividere_worker_turn (self);
    return DIVIDERE_LATER;
}

const dividere_command_t dividere_worker_commands[] = {
    { "SET", 2, 2, s_command_set },
    { "CONNECT", 1, 1, s_command_connect },
    { "DISCONNECT", 1, 1, s_command_disconnect },
    { "BROKERS", 0, 0, s_command_brokers },
    { "START", 0, 0, s_command_start },
    { "DRAIN", 0, 0, s_command_drain },
    { NULL, 0, 0, NULL }
};

static size_t
s_registered (dividere_worker_t *self)
{
    size_t count = 0;
    dividere_link_t *link = (dividere_link_t *) zlistx_first (self->links);
    for (; link; link = (dividere_link_t *) zlistx_next (self->links))
        count += link->told;
    return count;
}

void
dividere_worker_stats (void *arg, zmsg_t *values)
{
    dividere_worker_t *self = (dividere_worker_t *) arg;
    const dividere_worker_counts_t *counts = &self->counts;
    dividere_actor_stat (values, "brokers", zlistx_size (self->links));
    dividere_actor_stat (values, "registered", s_registered (self));
    dividere_actor_stat (values, "threads", (uint64_t) self->settings.threads);
    dividere_executor_stats (&self->executor, values);
    dividere_actor_stat (values, "returned", self->executor.counts.returned);
    dividere_actor_stat (values, "heartbeats_sent", counts->heartbeats_sent);
    dividere_actor_stat (values, "heartbeats_received",
                         counts->heartbeats_received);
    dividere_actor_stat (values, "reconnects", counts->reconnects);
}
