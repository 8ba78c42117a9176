/* SPDX-License-Identifier: Apache-2.0 */

/*  The commands of a broker and its statistics.                             */

#include <assert.h>
#include <errno.h>
#include "attach.h"
#include "broker_internal.h"
#include "setting.h"
#include "utf8.h"

static const char *const s_sides[] = { "frontend", "backend", NULL };

#define SETTING(member) offsetof (dividere_broker_settings_t, member)

static const dividere_setting_t s_settings[] = {
    { "hwm", SETTING (hwm), 1, INT_MAX, 10000, true },
    { "linger", SETTING (linger_ms), 0, INT_MAX, 1000, true },
    { "heartbeat", SETTING (heartbeat_ms), 10, 3600000, 3000, false },
    { "requeues", SETTING (requeues), 0, 200, 3, false },
    { "pending_max", SETTING (pending_max), 0, UINT32_MAX, 10000, false },
    { "bytes_max", SETTING (bytes_max), 0, INT64_MAX / 2, 256 << 20, false },
    { "pending_age", SETTING (pending_age_ms), 1, INT64_MAX / 4, 30000, false },
    { "workers_max", SETTING (workers_max), 0, UINT32_MAX, 100000, false },
    { "reply_bytes", SETTING (reply_bytes), 0, INT64_MAX / 2, 1 << 20, false },
    { "reply_age", SETTING (reply_age_ms), 0, INT64_MAX / 4, 10000, false },
    { "reply_total", SETTING (reply_total), 0, INT64_MAX / 2, 64 << 20, false },
    { NULL, 0, 0, 0, 0, false },
};

static void
s_apply (dividere_broker_t *self)
{
    const dividere_broker_settings_t *settings = &self->settings;
    dividere_dispatcher_limits_t limits = {
        .heartbeat_ms = settings->heartbeat_ms,
        .requeues = (unsigned) settings->requeues,
        .workers_max = (size_t) settings->workers_max,
        .requests = { .pending_max = (size_t) settings->pending_max,
                      .bytes_max = (size_t) settings->bytes_max,
                      .age_max_ms = settings->pending_age_ms },
    };
    dividere_backlog_limits_t replies = {
        .bytes_max = (size_t) settings->reply_bytes,
        .total_max = (size_t) settings->reply_total,
        .age_max_ms = settings->reply_age_ms,
    };
    dividere_dispatcher_limit (self->dispatcher, &limits);
    dividere_backlog_limit (self->outlet.backlog, &replies);
}

void
dividere_broker_defaults (dividere_broker_t *self)
{
    dividere_settings_default (s_settings, &self->settings);
    s_apply (self);
}

static int
s_command_set (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_broker_t *self = (dividere_broker_t *) arg;
    int error = dividere_settings_set (s_settings, &self->settings, args[0],
                                       args[1], self->drive != NULL);
    if (error)
        return error;
    s_apply (self);
    dividere_broker_turn (self);
    return 0;
}

/*  Clients have no limit of their own.                                      */
static void
s_judge (dividere_broker_t *self, const dividere_endpoint_t *endpoint)
{
    const dividere_broker_settings_t *settings = &self->settings;
    const dividere_demand_t demand = {
        .who = dividere_actor_name (self->actor),
        .peers_name = "workers_max",
        .peers = (uint64_t) settings->workers_max,
        .bytes_name = "bytes_max",
        .bytes = (uint64_t) settings->bytes_max,
        .replies_name = "reply_total",
        .replies = (uint64_t) settings->reply_total,
    };
    dividere_vacancy_judge (&self->vacancy, endpoint, &demand);
}

static int
s_attach (dividere_broker_t *self, char **args, bool bound, zmsg_t *values)
{
    int side = dividere_setting_word (s_sides, args[0]);
    dividere_endpoint_t endpoint;
    char address[DIVIDERE_ADDRESS_MAX];
    if (side < 0)
        return EINVAL;
    if (dividere_endpoint_bare (args[1], &endpoint) < 0)
        return errno;
    bool first = !self->drive;
    if (dividere_broker_open (self) < 0)
        return errno;
    int error = 0;
    const dividere_access_t access = { side == DIVIDERE_BROKER_FRONTEND
                                           ? DIVIDERE_ACCESS (REQUEST)
                                           : DIVIDERE_ACCESS (SERVE),
                                       NULL };
    if (dividere_attach (self->sides[side].handle,
                         dividere_actor_name (self->actor), &endpoint, bound,
                         &access, address) < 0)
        error = errno;
    if (error && first) {
        dividere_broker_close (self);
        return error;
    }
    dividere_poller_touch (&self->sides[side].polled);
    dividere_broker_turn (self);
    if (error)
        return error;
    s_judge (self, &endpoint);
    zmsg_addstr (values, address);
    return 0;
}

static int
s_command_bind (void *arg, char **args, size_t count, zmsg_t *values)
{
    return s_attach ((dividere_broker_t *) arg, args, true, values);
}

static int
s_command_connect (void *arg, char **args, size_t count, zmsg_t *values)
{
    return s_attach ((dividere_broker_t *) arg, args, false, values);
}

static int
s_pause (dividere_broker_t *self, bool paused)
{
    dividere_dispatcher_pause (self->dispatcher, paused, zclock_usecs ());
    dividere_broker_turn (self);
    return 0;
}

static int
s_command_pause (void *arg, char **args, size_t count, zmsg_t *values)
{
    return s_pause ((dividere_broker_t *) arg, true);
}

static int
s_command_resume (void *arg, char **args, size_t count, zmsg_t *values)
{
    return s_pause ((dividere_broker_t *) arg, false);
}

/*  The routing id that a name of WORKERS stands for; the caller frees it. NULL:
 *  none.                                                                    */
static uint8_t *
s_worker_id (const char *name, size_t *ret_size)
{
    size_t size = strlen (name);
    if (strncmp (name, "0x", 2) != 0) {
        *ret_size = size;
        return (uint8_t *) strdup (name);
    }
    uint8_t *id = (uint8_t *) zmalloc (size);
    size_t bytes = 0;
    for (const char *at = name + 2; *at; at += 2) {
        unsigned byte;
        if (!at[1] || sscanf (at, "%2x", &byte) != 1) {
            free (id);
            return NULL;
        }
        id[bytes++] = (uint8_t) byte;
    }
    *ret_size = bytes;
    return id;
}

static int
s_command_drain (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_broker_t *self = (dividere_broker_t *) arg;
    if (count == 1) {
        size_t size;
        uint8_t *id = s_worker_id (args[0], &size);
        int rc =
            id ? dividere_dispatcher_drain_worker (self->dispatcher, id, size)
               : -1;
        free (id);
        return rc < 0 ? ENOENT : 0;
    }
    if (self->draining)
        return EALREADY;
    self->draining = true;
    dividere_dispatcher_drain (self->dispatcher);
    if (dividere_dispatcher_left (self->dispatcher) == 0)
        return 0;
    dividere_actor_defer (self->actor, &self->drained);
    return DIVIDERE_LATER;
}

static void
s_add_name (zmsg_t *values, zmq_msg_t *id)
{
    const uint8_t *data = (const uint8_t *) zmq_msg_data (id);
    size_t size = zmq_msg_size (id);
    if (dividere_utf8_valid (data, size) &&
        strncmp ((const char *) data, "0x", size < 2 ? size : 2) != 0)
        zmsg_addmem (values, data, size);
    else {
        char text[2 + 2 * 255 + 1] = "0x";
        for (size_t i = 0; i < size && i < 255; i++)
            snprintf (text + 2 + 2 * i, 3, "%02x", data[i]);
        zmsg_addstr (values, text);
    }
}

static void
s_add_number (zmsg_t *values, uint64_t number)
{
    zmsg_addstrf (values, "%llu", (unsigned long long) number);
}

static int
s_command_workers (void *arg, char **args, size_t count, zmsg_t *values)
{
    static const char *const s_dialects[] = { "bytes", "typed", "c" };
    dividere_broker_t *self = (dividere_broker_t *) arg;
    const dividere_workers_t *workers =
        dividere_dispatcher_workers (self->dispatcher);
    dividere_worker_entry_t *worker = NULL;
    while ((worker = dividere_workers_each (workers, worker))) {
        const dividere_lane_t *lane =
            (const dividere_lane_t *) worker->crew->owner;
        s_add_name (values, &worker->id);
        zmsg_addstr (values, lane->name);
        zmsg_addstr (values, s_dialects[worker->dialect]);
        zmsg_addstr (values, worker->draining ? "draining"
                             : worker->among  ? "ready"
                                              : "busy");
        s_add_number (values, worker->credit);
        s_add_number (values, worker->requests.count);
        s_add_number (values, worker->handed);
        s_add_number (values, worker->replied);
        s_add_number (values, worker->lost);
    }
    return 0;
}

static int
s_command_services (void *arg, char **args, size_t count, zmsg_t *values)
{
    dividere_broker_t *self = (dividere_broker_t *) arg;
    const dividere_lane_t *lane = dividere_dispatcher_lanes (self->dispatcher);
    dividere_dispatcher_tally (self->dispatcher);
    for (; lane; lane = lane->next) {
        zmsg_addmem (values, lane->name, lane->name_size);
        s_add_number (values, lane->crew.workers);
        s_add_number (values, lane->waiting.count);
        s_add_number (values, lane->in_flight);
    }
    return 0;
}

const dividere_command_t dividere_broker_commands[] = {
    { "SET", 2, 2, s_command_set },
    { "BIND", 2, 2, s_command_bind },
    { "CONNECT", 2, 2, s_command_connect },
    { "PAUSE", 0, 0, s_command_pause },
    { "RESUME", 0, 0, s_command_resume },
    { "DRAIN", 0, 1, s_command_drain },
    { "WORKERS", 0, 0, s_command_workers },
    { "SERVICES", 0, 0, s_command_services },
    { NULL, 0, 0, NULL }
};
