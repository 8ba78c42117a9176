/* SPDX-License-Identifier: Apache-2.0 */

/*  The commands of a service and its statistics.                            */

#include <assert.h>
#include <errno.h>
#include "name_rules.h"
#include "service_internal.h"
#include "setting.h"

#define SETTING(member) offsetof (dividere_service_settings_t, member)

static const dividere_setting_t s_settings[] = {
    { "lease", SETTING (lease_ms), 10, 3600000, 3000, true },
    { "threads", SETTING (threads), 1, DIVIDERE_EXECUTOR_THREADS_MAX, 1, true },
    { "hwm", SETTING (hwm), 1, INT_MAX, 10000, true },
    { "pending_max", SETTING (pending_max), 0, UINT32_MAX, 10000, false },
    { "bytes_max", SETTING (bytes_max), 0, INT64_MAX / 2, 256 << 20, false },
    { "reply_bytes", SETTING (reply_bytes), 0, INT64_MAX / 2, 1 << 20, false },
    { "reply_age", SETTING (reply_age_ms), 0, INT64_MAX / 4, 10000, false },
    { "reply_total", SETTING (reply_total), 0, INT64_MAX / 2, 64 << 20, false },
    { "window", SETTING (window), 0, UINT32_MAX, 10000, false },
    { "window_bytes", SETTING (window_bytes), 0, INT64_MAX / 2, 16 << 20,
      false },
    { "window_age", SETTING (window_age_ms), 0, INT64_MAX / 4, 60000, false },
    { NULL, 0, 0, 0, 0, false },
};

static void
s_apply (dividere_service_t *self)
{
    const dividere_service_settings_t *settings = &self->settings;
    dividere_backlog_limits_t replies = {
        .bytes_max = (size_t) settings->reply_bytes,
        .total_max = (size_t) settings->reply_total,
        .age_max_ms = settings->reply_age_ms,
    };
    dividere_executor_remember (&self->executor, settings->window,
                                settings->window_bytes,
                                settings->window_age_ms);
    self->executor.pending_max = (size_t) settings->pending_max;
    self->executor.bytes_max = (size_t) settings->bytes_max;
    dividere_backlog_limit (self->door.outlet.backlog, &replies);
}

static void
s_set_text (char **text_p, const char *value)
{
    freen (*text_p);
    *text_p = strdup (value);
    assert (*text_p);
}

void
dividere_service_defaults (dividere_service_t *self)
{
    dividere_settings_default (s_settings, &self->settings);
    s_set_text (&self->card.release, "");
    /* A client may have as many under way as there is room for.             */
    self->executor.in_hand_max = SIZE_MAX;
    s_apply (self);
}

static bool
s_started (const dividere_service_t *self)
{
    return self->executor.state != DIVIDERE_EXECUTOR_NEW;
}

/*  Whether it could be registered with this in place of what it has.        */
static bool
s_can_be (const dividere_service_card_t *card)
{
    dividere_instance_t instance = {
        .name = card->name ? card->name : "name",
        .server = card->advertise ? card->advertise : "host",
        .port = 1,
        .release = card->release,
        .tags = (const char *const *) card->tags,
    };
    return dividere_name_check_instance (&instance, DIVIDERE_NAME_METADATA,
                                         NULL) == DIVIDERE_NAME_OK;
}

static int
s_set_card (dividere_service_t *self, const char *name, const char *value)
{
    dividere_service_card_t *card = &self->card;
    dividere_service_card_t wanted = *card;
    bool tag = streq (name, "tag");
    char **place = streq (name, "name")        ? &card->name
                   : streq (name, "advertise") ? &card->advertise
                   : streq (name, "release")   ? &card->release
                   : tag                       ? &card->tags[card->tags_count]
                                               : NULL;
    if (!place)
        return ENOENT;
    if (s_started (self))
        return EBUSY;
    if (tag && card->tags_count >= DIVIDERE_NAME_TAGS)
        return EINVAL;
    *(char **) ((char *) &wanted + ((char *) place - (char *) card)) =
        (char *) value;
    if (!s_can_be (&wanted))
        return EINVAL;
    s_set_text (place, value);
    card->tags_count += tag;
    return 0;
}

static int
s_command_set (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    int error = dividere_settings_set (s_settings, &self->settings, args[0],
                                       args[1], s_started (self));
    if (error == ENOENT)
        return s_set_card (self, args[0], args[1]);
    if (error)
        return error;
    s_apply (self);
    dividere_service_turn (self);
    return 0;
}

static int
s_command_connect (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    if (s_started (self))
        return EBUSY;
    return dividere_names_connect (self, args[0], count > 1 ? args[1] : NULL);
}

/*  Of an endpoint to bind. 0, or an errno.                                  */
static int
s_read_endpoint (const char *text, dividere_endpoint_t *ret_endpoint)
{
    if (dividere_endpoint_one (text, ret_endpoint) < 0)
        return errno;
    return ret_endpoint->role == DIVIDERE_ENDPOINT_CONNECT ? EINVAL : 0;
}

static int
s_command_bind (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    dividere_endpoint_t endpoint;
    char address[DIVIDERE_ADDRESS_MAX];
    int error = s_read_endpoint (args[0], &endpoint);
    if (!error)
        error = dividere_door_bind (self, &endpoint, address);
    if (error)
        return error;
    zmsg_addstr (values, address);
    dividere_service_turn (self);
    return 0;
}

static int
s_command_traffic (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    dividere_endpoint_t endpoint;
    char address[DIVIDERE_ADDRESS_MAX];
    if (s_started (self) || self->config.handlers || self->config.on_bytes)
        return EBUSY;
    int error = s_read_endpoint (args[0], &endpoint);
    if (!error)
        error = dividere_traffic_bind (self, &endpoint, address);
    if (!error)
        zmsg_addstr (values, address);
    return error;
}

static int
s_command_start (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    if (s_started (self))
        return EALREADY;
    if (!self->card.name)
        return EINVAL;
    int error = self->door.tcp[0] ? 0 : dividere_door_bind_free (self);
    if (!error)
        error = dividere_service_start (self);
    if (error)
        return error;
    dividere_actor_defer (self->actor, &self->executor.started);
    return DIVIDERE_LATER;
}

static int
s_command_nameservers (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_names_list ((dividere_service_t *) arg, values);
    return 0;
}

static int
s_command_drain (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    if (self->executor.state != DIVIDERE_EXECUTOR_RUNNING)
        return self->executor.state > DIVIDERE_EXECUTOR_RUNNING ? EALREADY
                                                                : EINVAL;
    self->executor.state = DIVIDERE_EXECUTOR_DRAINING;
    self->executor.closed = true;
    dividere_service_leave (self);
    dividere_actor_defer (self->actor, &self->drained);
    dividere_service_turn (self);
    return DIVIDERE_LATER;
}

const dividere_command_t dividere_service_commands[] = {
    { "SET", 2, 2, s_command_set },
    { "CONNECT", 1, 2, s_command_connect },
    { "BIND", 1, 1, s_command_bind },
    { "TRAFFIC", 1, 1, s_command_traffic },
    { "START", 0, 0, s_command_start },
    { "NAMESERVERS", 0, 0, s_command_nameservers },
    { "DRAIN", 0, 0, s_command_drain },
    { NULL, 0, 0, NULL }
};

void
dividere_service_stats (void *arg, zmsg_t *values)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    const dividere_outlet_t *outlet = &self->door.outlet;
    dividere_names_stats (self, values);
    dividere_executor_stats (&self->executor, values);
    dividere_actor_stat (values, "builtin", self->builtin.count);
    dividere_actor_stat (values, "denied", self->denied);
    dividere_actor_stat (values, "busy", self->executor.counts.busy);
    dividere_actor_stat (values, "unroutable", outlet->unroutable);
    dividere_actor_stat (values, "overflowed", outlet->overflowed);
    dividere_actor_stat (values, "reply_expired", outlet->expired);
    dividere_actor_stat (values, "traffic_out", self->traffic.out);
    dividere_actor_stat (values, "traffic_in", self->traffic.in);
    dividere_actor_stat (values, "traffic_dropped", self->traffic.dropped);
}
