/* SPDX-License-Identifier: Apache-2.0 */

/*  The recorder's thread and its commands; what is done with messages that were
 *  received is in tape.c.                                                   */

#include <assert.h>
#include <errno.h>
#include <dividere/recorder.h>
#include "attach.h"
#include "drive.h"
#include "setting.h"
#include "socket.h"
#include "tape.h"
#include "topic.h"

typedef struct {
    int64_t segment;
    int64_t quota;
    int64_t append;
    int64_t queue;
    int64_t interval_ms;
    int64_t hwm;
} settings_t;

typedef struct {
    dividere_actor_t *actor; /* the kit                                     */
    settings_t settings;
    char *folder;             /* ours                                        */
    dividere_drive_t *drive;  /* ours; NULL until there is a source          */
    dividere_polled_t source; /* a SUB, ours                                 */
    dividere_tape_t tape;
    uint64_t received;
    uint64_t malformed;
} self_t;

#define SETTING(member) offsetof (settings_t, member)

static const dividere_setting_t s_settings[] = {
    { "segment", SETTING (segment), 64 << 10, (int64_t) 1 << 50, 64 << 20,
      true },
    { "quota", SETTING (quota), 0, (int64_t) 1 << 60, 0, true },
    { "append", SETTING (append), 0, 1, 0, true },
    { "queue", SETTING (queue), 1, (int64_t) 1 << 40, 64 << 20, true },
    { "interval", SETTING (interval_ms), 1, 60000, 100, true },
    { "hwm", SETTING (hwm), 1, INT_MAX, 10000, true },
    { NULL }
};

static int
s_command_set (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    bool started = self->tape.state != DIVIDERE_TAPE_NEW;
    if (streq (args[0], "hwm") && self->drive)
        return EBUSY;
    if (!streq (args[0], "folder"))
        return dividere_settings_set (s_settings, &self->settings, args[0],
                                      args[1], started);
    if (started)
        return EBUSY;
    if (!*args[1])
        return EINVAL;
    freen (self->folder);
    self->folder = strdup (args[1]);
    assert (self->folder);
    return 0;
}

static dividere_served_t
s_serve (void *arg, void *owner, dividere_turn_t *turn)
{
    self_t *self = (self_t *) arg;
    dividere_served_t served = DIVIDERE_SERVED_SOME;
    zmq_msg_t frame;
    while (dividere_turn_spend (turn)) {
        size_t count =
            dividere_socket_recv_all (self->source.handle, &frame, 1);
        if (count == 0) {
            served = DIVIDERE_SERVED_ALL;
            break;
        }
        self->received++;
        if (count == 1)
            dividere_tape_keep (&self->tape, &frame);
        else
            self->malformed++;
    }
    dividere_tape_turn (&self->tape);
    return served;
}

static void
s_close_source (self_t *self)
{
    dividere_poller_remove (&self->source);
    if (self->source.handle)
        zsys_close (self->source.handle, NULL, 0);
    self->source.handle = NULL;
    dividere_drive_destroy (&self->drive);
}

/*  0 or an errno.                                                           */
static int
s_open_source (self_t *self)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.recv_hwm = (int) self->settings.hwm;
    options.linger_ms = 0;
    if (self->drive)
        return 0;
    self->drive =
        dividere_drive_new (dividere_actor_loop (self->actor), s_serve, self);
    self->source.handle = zsys_socket (ZMQ_SUB, NULL, 0);
    int error = 0;
    if (!self->drive || !self->source.handle ||
        dividere_socket_configure (self->source.handle, &options) < 0 ||
        dividere_drive_add (self->drive, &self->source) < 0)
        error = errno;
    if (error)
        s_close_source (self);
    else
        dividere_drive_read (self->drive,
                             self->tape.state == DIVIDERE_TAPE_RUNNING);
    return error;
}

static int
s_attach (self_t *self, char **args, bool bound, zmsg_t *values)
{
    dividere_endpoint_t endpoint;
    char address[DIVIDERE_ADDRESS_MAX];
    if (!streq (args[0], "source"))
        return EINVAL;
    if (dividere_endpoint_bare (args[1], &endpoint) < 0)
        return errno;
    int error = s_open_source (self);
    if (error)
        return error;
    if (dividere_attach (self->source.handle, dividere_actor_name (self->actor),
                         &endpoint, bound, NULL, address) < 0)
        return errno;
    dividere_poller_touch (&self->source);
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

/*  The topics of a type: of its full name, and of its short one, which older
 *  peers send.                                                              */
static int
s_command_subscribe (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    uint8_t topic[DIVIDERE_TOPIC_MAX];
    int error = s_open_source (self);
    for (const char *name = args[0]; name && !error;) {
        size_t size = 0;
        if (*name && (size = dividere_topic_write (name, topic)) == 0)
            return EMSGSIZE;
        if (zmq_setsockopt (self->source.handle, ZMQ_SUBSCRIBE, topic, size) <
            0)
            error = errno;
        const char *dot = strrchr (name, '.');
        name = dot ? dot + 1 : NULL;
    }
    if (!error)
        dividere_poller_touch (&self->source);
    return error;
}

static void
s_on_open (void *arg)
{
    self_t *self = (self_t *) arg;
    if (self->drive)
        dividere_drive_read (self->drive, true);
}

static int
s_command_start (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    const settings_t *settings = &self->settings;
    const dividere_tape_options_t options = {
        .folder = self->folder,
        .record = { .segment_max = (uint64_t) settings->segment,
                    .quota = (uint64_t) settings->quota,
                    .append = settings->append != 0 },
        .queue_bytes = (size_t) settings->queue,
        .interval_ms = settings->interval_ms,
    };
    return self->folder
               ? dividere_tape_open (&self->tape, &options, s_on_open, self)
               : EINVAL;
}

static int
s_command_flush (void *arg, char **args, size_t count, zmsg_t *values)
{
    return dividere_tape_flush (&((self_t *) arg)->tape);
}

static const dividere_command_t s_commands[] = {
    { "SET", 2, 2, s_command_set },
    { "BIND", 2, 2, s_command_bind },
    { "CONNECT", 2, 2, s_command_connect },
    { "SUBSCRIBE", 1, 1, s_command_subscribe },
    { "START", 0, 0, s_command_start },
    { "FLUSH", 0, 0, s_command_flush },
    { NULL, 0, 0, NULL }
};

static void
s_stats (void *arg, zmsg_t *values)
{
    const self_t *self = (const self_t *) arg;
    const dividere_record_counts_t *counts = &self->tape.counts;
    size_t bytes;
    size_t waiting = dividere_tape_waiting (&self->tape, &bytes);
    const dividere_stat_t stats[] = {
        { "received", self->received },
        { "written", counts->messages },
        { "dropped", dividere_tape_dropped (&self->tape) },
        { "malformed", self->malformed },
        { "waiting", waiting },
        { "waiting_bytes", bytes },
        { "segments", counts->segments },
        { "bytes", counts->bytes },
        { "deleted", counts->deleted },
        { "error", (uint64_t) counts->error },
    };
    DIVIDERE_ADD_STATS (values, stats);
}

/*  What comes from here on is not recorded any more.                        */
static bool
s_on_term (void *arg)
{
    self_t *self = (self_t *) arg;
    s_close_source (self);
    return dividere_tape_end (&self->tape);
}

void
dividere_recorder (zsock_t *pipe, void *args)
{
    self_t *self = (self_t *) zmalloc (sizeof (*self));
    self->actor = dividere_actor_new (pipe, "recorder", (const char *) args,
                                      self, s_commands, s_stats);
    dividere_actor_on_term (self->actor, s_on_term);
    dividere_settings_default (s_settings, &self->settings);
    dividere_tape_init (&self->tape, self->actor);
    dividere_actor_run (self->actor);

    s_close_source (self);
    dividere_tape_term (&self->tape);
    freen (self->folder);
    dividere_actor_destroy (&self->actor);
    freen (self);
}
