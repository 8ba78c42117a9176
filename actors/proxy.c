/* SPDX-License-Identifier: Apache-2.0 */

/*  The proxy's thread and its commands; how messages move is in forward.c. The
 *  two sockets are made by the first BIND or CONNECT, since their kinds depend
 *  on the pattern that SET chooses.                                         */

#include <assert.h>
#include <errno.h>
#include <dividere/proxy.h>
#include "actor_internal.h"
#include "attach.h"
#include "forward.h"
#include "log_internal.h"
#include "setting.h"
#include "socket.h"
#include "vacancy.h"

#define TEND_MS 1000 /* between two looks at sockets that may be idle         */

static const char *const s_patterns[] = { "router-dealer", "xsub-xpub",
                                          "pull-push", NULL };
static const char *const s_sides[] = { "frontend", "backend", NULL };

typedef struct {
    dividere_actor_t *actor; /* the kit                                     */
    dividere_forward_options_t options;
    dividere_forward_t *forward; /* NULL until something is attached        */
    bool paused;
    void *capture; /* a PUSH, ours; NULL: none                              */
    dividere_vacancy_t vacancy;
} self_t;

static int
s_set_pattern (self_t *self, const char *value)
{
    int pattern = dividere_setting_word (s_patterns, value);
    if (pattern < 0)
        return EINVAL;
    self->options.pattern = (dividere_pattern_t) pattern;
    return 0;
}

static int
s_set_number (self_t *self, const char *name, const char *value)
{
    dividere_backlog_limits_t *limits = &self->options.backlog;
    bool hwm = streq (name, "hwm");
    int64_t number;
    if (dividere_setting_number (value, hwm ? 1 : 0,
                                 hwm ? INT_MAX : INT64_MAX / 2, &number))
        return EINVAL;
    if (hwm)
        self->options.hwm = (int) number;
    else if (streq (name, "linger"))
        self->options.linger_ms = number > INT_MAX ? INT_MAX : (int) number;
    else if (streq (name, "reply_bytes"))
        limits->bytes_max = (size_t) number;
    else if (streq (name, "reply_total"))
        limits->total_max = (size_t) number;
    else
        limits->age_max_ms = number;
    if (self->forward)
        dividere_forward_limit (self->forward, limits);
    return 0;
}

static int
s_command_set (void *arg, char **args, size_t count, zmsg_t *values)
{
    static const struct {
        const char *name;
        bool early; /* only before there are sockets                        */
    } s_names[] = { { "pattern", true },      { "hwm", true },
                    { "linger", true },       { "reply_bytes", false },
                    { "reply_total", false }, { "reply_age", false } };
    self_t *self = (self_t *) arg;
    for (size_t i = 0; i < sizeof (s_names) / sizeof (s_names[0]); i++) {
        if (!streq (s_names[i].name, args[0]))
            continue;
        if (s_names[i].early && self->forward)
            return EBUSY;
        return i == 0 ? s_set_pattern (self, args[1])
                      : s_set_number (self, args[0], args[1]);
    }
    return ENOENT;
}

/*  Peers of a proxy have no limit of their own.                             */
static void
s_judge (self_t *self, const dividere_endpoint_t *endpoint)
{
    const dividere_demand_t demand = {
        .who = dividere_actor_name (self->actor),
        .replies_name = "reply_total",
        .replies = (uint64_t) self->options.backlog.total_max,
    };
    dividere_vacancy_judge (&self->vacancy, endpoint, &demand);
}

/*  Sockets to which nothing could be attached do not fix the pattern.       */
static int
s_attach (self_t *self, char **args, bool bound, zmsg_t *values)
{
    int side = dividere_setting_word (s_sides, args[0]);
    dividere_endpoint_t endpoint;
    char address[DIVIDERE_ADDRESS_MAX];
    if (side < 0)
        return EINVAL;
    if (dividere_endpoint_bare (args[1], &endpoint) < 0)
        return errno;
    bool first = !self->forward;
    if (first)
        self->forward = dividere_forward_new (dividere_actor_loop (self->actor),
                                              &self->options);
    if (!self->forward)
        return errno;
    void *handle =
        dividere_forward_handle (self->forward, (dividere_side_name_t) side);
    /* Whoever takes requests, instead of asking.                            */
    const dividere_access_t serve = { DIVIDERE_ACCESS (SERVE),
                                      endpoint.address };
    bool worker = side == DIVIDERE_BACKEND &&
                  self->options.pattern == DIVIDERE_ROUTER_DEALER;
    if (dividere_attach (handle, dividere_actor_name (self->actor), &endpoint,
                         bound, worker ? &serve : NULL, address) < 0) {
        int error = errno;
        if (first)
            dividere_forward_destroy (&self->forward);
        else
            dividere_forward_touch (self->forward, (dividere_side_name_t) side);
        return error;
    }
    if (first) {
        dividere_forward_capture (self->forward, self->capture);
        dividere_forward_pause (self->forward, self->paused);
    }
    dividere_forward_touch (self->forward, (dividere_side_name_t) side);
    s_judge (self, &endpoint);
    zmsg_addstr (values, address);
    return 0;
}

static int
s_command_bind (void *arg, char **args, size_t count, zmsg_t *values)
{
    return s_attach ((self_t *) arg, args, true, values);
}

static int
s_command_connect (void *arg, char **args, size_t count, zmsg_t *values)
{
    return s_attach ((self_t *) arg, args, false, values);
}

static int
s_pause (self_t *self, bool paused)
{
    self->paused = paused;
    if (self->forward)
        dividere_forward_pause (self->forward, paused);
    return 0;
}

static int
s_command_pause (void *arg, char **args, size_t count, zmsg_t *values)
{
    return s_pause ((self_t *) arg, true);
}

static int
s_command_resume (void *arg, char **args, size_t count, zmsg_t *values)
{
    return s_pause ((self_t *) arg, false);
}

static void *
s_capture_new (self_t *self, const char *text, char *ret_address)
{
    dividere_endpoint_t endpoint;
    if (dividere_endpoint_one (text, &endpoint) < 0)
        return NULL;
    void *push = zsys_socket (ZMQ_PUSH, NULL, 0);
    if (!push)
        return NULL;
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = self->options.hwm;
    options.linger_ms = self->options.linger_ms;
    if (dividere_socket_configure (push, &options) == 0 &&
        dividere_attach (push, dividere_actor_name (self->actor), &endpoint,
                         endpoint.role == DIVIDERE_ENDPOINT_BIND, NULL,
                         ret_address) == 0)
        return push;
    int error = errno;
    zsys_close (push, NULL, 0);
    errno = error;
    return NULL;
}

static void
s_capture (self_t *self, void *push)
{
    if (self->forward)
        dividere_forward_capture (self->forward, push);
    if (self->capture)
        zsys_close (self->capture, NULL, 0);
    self->capture = push;
}

static int
s_command_capture (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    char address[DIVIDERE_ADDRESS_MAX] = "";
    void *push = NULL;
    if (*args[0] && !(push = s_capture_new (self, args[0], address)))
        return errno;
    s_capture (self, push);
    zmsg_addstr (values, address);
    return 0;
}

static int
s_on_tend (zloop_t *loop, int timer, void *arg)
{
    self_t *self = (self_t *) arg;
    if (self->forward)
        dividere_forward_tend (self->forward);
    dividere_vacancy_look (&self->vacancy, dividere_actor_name (self->actor));
    zloop_timer (loop, TEND_MS, 1, s_on_tend, self);
    return 0;
}

static const dividere_command_t s_commands[] = {
    { "SET", 2, 2, s_command_set },
    { "BIND", 2, 2, s_command_bind },
    { "CONNECT", 2, 2, s_command_connect },
    { "PAUSE", 0, 0, s_command_pause },
    { "RESUME", 0, 0, s_command_resume },
    { "CAPTURE", 1, 1, s_command_capture },
    { NULL, 0, 0, NULL }
};

static void
s_stats (void *arg, zmsg_t *values)
{
    static const dividere_forward_counts_t s_none = { { 0 }, { 0 } };
    self_t *self = (self_t *) arg;
    const dividere_forward_counts_t *counts =
        self->forward ? dividere_forward_counts (self->forward) : &s_none;
    static const dividere_outlet_t s_no_outlet = { 0 };
    const dividere_outlet_t *outlet =
        self->forward ? dividere_forward_outlet (self->forward) : &s_no_outlet;
    const dividere_backlog_t *backlog = outlet->backlog;
    const dividere_stat_t stats[] = {
        { "frontend_received", counts->received[DIVIDERE_FRONTEND] },
        { "backend_sent", counts->sent[DIVIDERE_BACKEND] },
        { "backend_received", counts->received[DIVIDERE_BACKEND] },
        { "frontend_sent", counts->sent[DIVIDERE_FRONTEND] + outlet->sent },
        { "unroutable", outlet->unroutable },
        { "overflowed", outlet->overflowed },
        { "reply_expired", outlet->expired },
        { "malformed", counts->malformed },
        { "lost", counts->lost },
        { "passed_over", counts->passed_over },
        { "waiting", backlog ? dividere_backlog_parcels (backlog) : 0 },
        { "waiting_bytes", backlog ? dividere_backlog_bytes (backlog) : 0 },
        { "waiting_clients", backlog ? dividere_backlog_peers (backlog) : 0 },
        { "captured", counts->captured },
        { "capture_dropped", counts->capture_dropped },
    };
    DIVIDERE_ADD_STATS (values, stats);
}

void
dividere_proxy (zsock_t *pipe, void *args)
{
    self_t *self = (self_t *) zmalloc (sizeof (*self));
    self->options = (dividere_forward_options_t){
        .pattern = DIVIDERE_ROUTER_DEALER,
        .hwm = 1000,
        .linger_ms = 1000,
        .backlog = { .bytes_max = 1 << 20,
                     .total_max = 64 << 20,
                     .age_max_ms = 10000 },
    };
    self->actor = dividere_actor_new (pipe, "proxy", (const char *) args, self,
                                      s_commands, s_stats);
    zloop_timer (dividere_actor_loop (self->actor), TEND_MS, 1, s_on_tend,
                 self);
    dividere_actor_run (self->actor);

    size_t left = dividere_forward_destroy (&self->forward);
    if (left)
        dividere_log (DIVIDERE_LOG_WARNING,
                      "%s: ends with %zu messages that it could not forward",
                      dividere_actor_name (self->actor), left);
    s_capture (self, NULL);
    dividere_actor_destroy (&self->actor);
    freen (self);
}
