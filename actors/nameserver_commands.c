/* SPDX-License-Identifier: Apache-2.0 */

/*  The commands of a name server.                                           */

#include <assert.h>
#include <errno.h>
#include "attach.h"
#include "nameserver_internal.h"
#include "setting.h"

#define LIST_MAX    10000 /* instances of one reply                          */
#define REPLY_BYTES (1 << 20)
#define TOTAL_BYTES (64 << 20)
#define KEEP_MS     10000 /* for who does not read                           */

#define ASKING                                               \
    (DIVIDERE_ACCESS (REGISTER) | DIVIDERE_ACCESS (LOOKUP) | \
     DIVIDERE_ACCESS (WATCH))

static const struct {
    const char *name;
    const char *endpoint; /* where none is given                             */
    unsigned rights;      /* one of which a peer must have                   */
} s_sides[DIVIDERE_NAMESERVER_SIDES] = {
    [DIVIDERE_NAMESERVER_REQUESTS] = { "requests", "tcp://*:5000", ASKING },
    [DIVIDERE_NAMESERVER_PUBLISH] = { "publish", "tcp://*:5001", ASKING },
    [DIVIDERE_NAMESERVER_WATCH] = { "watch", "tcp://*:5002",
                                    DIVIDERE_ACCESS (WATCH) },
};

#define SETTING(member) offsetof (dividere_nameserver_settings_t, member)

#define DAY_MS 86400000

static const dividere_setting_t s_settings[] = {
    { "rediscover", SETTING (rediscover_ms), 10, DAY_MS, 5000, false },
    { "rounds", SETTING (rounds), 0, 1000000, 3, false },
    { "lease", SETTING (lease_ms), 10, DAY_MS, 5000, false },
    { "lease_max", SETTING (lease_max_ms), 10, INT_MAX, 3600000, false },
    { "watch_interval", SETTING (watch_interval_ms), 10, DAY_MS, 3000, false },
    { "snapshot_interval", SETTING (snapshot_interval_ms), 1, DAY_MS, 1000,
      false },
    { "instances_max", SETTING (instances_max), 0, UINT32_MAX / 2, 1100000,
      false },
    { "name_max", SETTING (name_max), 0, 10000, 1000, false },
    { "host_max", SETTING (host_max), 0, UINT32_MAX / 2, 1000000, false },
    { "metadata_max", SETTING (metadata_max), 0, 1024, 1024, false },
    { "bytes_max", SETTING (bytes_max), 0, INT64_MAX / 2, 512 << 20, false },
    { "watchers_max", SETTING (watchers_max), 0, UINT32_MAX / 2, 10000, false },
    { "watches_max", SETTING (watches_max), 0, 10000, 1000, false },
    { "watches_total", SETTING (watches_total), 0, UINT32_MAX / 2, 1000000,
      false },
    { "watcher_bytes", SETTING (watcher_bytes), 0, INT64_MAX / 2, 1 << 20,
      false },
    { NULL, 0, 0, 0, 0, false },
};

static void
s_apply (dividere_nameserver_t *self)
{
    const dividere_nameserver_settings_t *settings = &self->settings;
    const dividere_registrar_limits_t limits = {
        .names = { .instances_max = (size_t) settings->instances_max,
                   .name_max = (size_t) settings->name_max,
                   .owner_max = (size_t) settings->host_max,
                   .metadata_max = (size_t) settings->metadata_max,
                   .bytes_max = (size_t) settings->bytes_max,
                   .lease_ms = settings->lease_ms,
                   .lease_max_ms = settings->lease_max_ms,
                   .rounds = (unsigned) settings->rounds },
        .watchers = { .watchers_max = (size_t) settings->watchers_max,
                      .watches_max = (size_t) settings->watches_max,
                      .total_max = (size_t) settings->watches_total,
                      .interval_ms = settings->watch_interval_ms },
    };
    dividere_backlog_limits_t kept = { .bytes_max = REPLY_BYTES,
                                       .total_max = TOTAL_BYTES,
                                       .age_max_ms = KEEP_MS };
    dividere_registrar_limit (self->registrar, &limits);
    dividere_backlog_limit (
        self->sides[DIVIDERE_NAMESERVER_REQUESTS].outlet.backlog, &kept);
    kept.bytes_max = (size_t) settings->watcher_bytes;
    dividere_backlog_limit (
        self->sides[DIVIDERE_NAMESERVER_WATCH].outlet.backlog, &kept);
}

void
dividere_nameserver_defaults (dividere_nameserver_t *self)
{
    dividere_settings_default (s_settings, &self->settings);
    s_apply (self);
}

static int
s_command_set (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    bool started = self->drive != NULL;
    if (streq (args[0], "snapshot"))
        return started ? EBUSY : dividere_store_open (self, args[1]);
    int error = dividere_settings_set (s_settings, &self->settings, args[0],
                                       args[1], started);
    if (error)
        return error;
    s_apply (self);
    if (streq (args[0], "rediscover"))
        dividere_nameserver_pace (self);
    dividere_nameserver_turn (self);
    return 0;
}

/*  A watcher has a connection; many instances may have one.                 */
static void
s_judge (dividere_nameserver_t *self, const dividere_endpoint_t *endpoint)
{
    const dividere_demand_t demand = {
        .who = dividere_actor_name (self->actor),
        .peers_name = "watchers_max",
        .peers = (uint64_t) self->settings.watchers_max,
        .bytes_name = "bytes_max",
        .bytes = (uint64_t) self->settings.bytes_max,
        .replies = 2 * TOTAL_BYTES,
    };
    dividere_vacancy_judge (&self->vacancy, endpoint, &demand);
}

static int
s_bind (dividere_nameserver_t *self, int side, const char *text, char *address)
{
    dividere_endpoint_t endpoint;
    if (dividere_endpoint_bare (text, &endpoint) < 0)
        return errno;
    bool first = !self->drive;
    if (dividere_nameserver_open (self) < 0)
        return errno;
    const dividere_access_t access = { s_sides[side].rights, NULL };
    if (dividere_attach (self->sides[side].handle,
                         dividere_actor_name (self->actor), &endpoint, true,
                         &access, address) < 0) {
        int error = errno;
        if (first)
            dividere_nameserver_close (self);
        return error;
    }
    s_judge (self, &endpoint);
    return 0;
}

static int
s_command_bind (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    char address[DIVIDERE_ADDRESS_MAX];
    int side = 0;
    while (side < DIVIDERE_NAMESERVER_SIDES &&
           !streq (s_sides[side].name, args[0]))
        side++;
    if (side == DIVIDERE_NAMESERVER_SIDES)
        return EINVAL;
    int error = s_bind (self, side,
                        count > 1 ? args[1] : s_sides[side].endpoint, address);
    if (!error) {
        dividere_nameserver_bound (self, (dividere_nameserver_name_t) side,
                                   address);
        zmsg_addstr (values, address);
    }
    dividere_nameserver_turn (self);
    return error;
}

static void
s_add (zmsg_t *values, const dividere_named_t *named)
{
    const char *tags[DIVIDERE_NAME_TAGS + 1];
    dividere_instance_t instance;
    int64_t heard_ms;
    dividere_named_get (named, tags, &instance, &heard_ms);
    zmsg_addstr (values, instance.name);
    zmsg_addstr (values, instance.server);
    zmsg_addstrf (values, "%d", instance.port);
    zmsg_addstrf (values, "%llx", (unsigned long long) instance.instance);
    zmsg_addstrf (values, "%d", instance.lease_ms);
    zmsg_addstr (values, instance.release ? instance.release : "");
    zmsg_addstrf (values, "%lld", (long long) (zclock_mono () - heard_ms));
}

static void
s_add_all (zmsg_t *values, const dividere_name_t *name)
{
    const dividere_named_t *named = NULL;
    while ((named = dividere_name_each (name, named)))
        s_add (values, named);
}

static int
s_command_list (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    dividere_names_t *names = dividere_registrar_names (self->registrar);
    dividere_name_t *name = NULL;
    if (count > 0) {
        name = dividere_names_lookup (names, args[0]);
        if (!name)
            return ENOENT;
        s_add_all (values, name);
        return 0;
    }
    dividere_names_size_t size;
    dividere_names_size (names, &size);
    if (size.instances > LIST_MAX)
        return E2BIG;
    while ((name = dividere_names_each (names, name)))
        s_add_all (values, name);
    return 0;
}

static int
s_command_remove (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    dividere_names_t *names = dividere_registrar_names (self->registrar);
    int error = 0;
    if (count == 1)
        error = dividere_names_remove (names, args[0]) ? 0 : ENOENT;
    else {
        int64_t port;
        if (count != 3 ||
            dividere_setting_number (args[2], 1, UINT16_MAX, &port))
            return EINVAL;
        if (dividere_names_unregister (names, args[0], args[1], (int) port, 0))
            error = ENOENT;
    }
    dividere_nameserver_turn (self);
    return error;
}

static int
s_command_rediscover (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    if (!self->sides[DIVIDERE_NAMESERVER_PUBLISH].bound)
        return EINVAL;
    dividere_nameserver_call (self);
    dividere_nameserver_turn (self);
    return 0;
}

static int
s_command_snapshot (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_nameserver_t *self = (dividere_nameserver_t *) arg;
    if (!self->store.path)
        return EINVAL;
    if (self->store.waiting.due)
        return EALREADY;
    dividere_actor_defer (self->actor, &self->store.waiting);
    dividere_store_force (self);
    dividere_nameserver_turn (self);
    return DIVIDERE_LATER;
}

const dividere_command_t dividere_nameserver_commands[] = {
    { "SET", 2, 2, s_command_set },
    { "BIND", 1, 2, s_command_bind },
    { "LIST", 0, 1, s_command_list },
    { "REMOVE", 1, 3, s_command_remove },
    { "REDISCOVER", 0, 0, s_command_rediscover },
    { "SNAPSHOT", 0, 0, s_command_snapshot },
    { NULL, 0, 0, NULL }
};
