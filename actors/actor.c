/* SPDX-License-Identifier: Apache-2.0 */

/*  The inside of every actor: one loop, one table of commands, one reply to
 *  each. The list of running actors is what dividere_stop looks at, from
 *  outside, when one does not end.                                          */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include "actor_internal.h"
#include "auth.h"
#include "frame.h"
#include "introspection.h"
#include "library_internal.h"
#include "log_internal.h"
#include "running.h"

#define ROOM_MS      1000 /* for the creator to read replies at the end      */
#define COMMANDS_MAX 16   /* in one turn of the loop                         */

char dividere_actor_pipes = 0;

struct dividere_actor_t {
    zsock_t *pipe; /* CZMQ's                           */
    zloop_t *loop; /* ours                             */
    char *name;
    void *self;                         /* of the actor's class             */
    const dividere_command_t *commands; /* of the actor's class             */
    dividere_stats_fn *stats;           /* of the actor's class             */
    dividere_ending_fn *ending;         /* of the actor's class, or NULL    */
    const char *kind;
    int64_t since_ms; /* of zclock_mono                  */
    dividere_introspection_t *introspection; /* ours, NULL: nobody asked     */
    const char *tag; /* of the command that is handled; NULL: none          */
    bool verbose;
    bool socketless;             /* it has nothing that could be secured     */
    bool looking;                /* the timer that looks at the pipe is there */
    dividere_running_t *running; /* in the list of running actors    */
};

static void
s_mask_signals (void)
{
    sigset_t all;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, NULL);
}

static int
s_command_ping (dividere_actor_t *self, char **args, zmsg_t *values)
{
    zmsg_addstr (values, self->name);
    return 0;
}

static int
s_command_stats (dividere_actor_t *self, char **args, zmsg_t *values)
{
    self->stats (self->self, values);
    return 0;
}

static int
s_command_verbose (dividere_actor_t *self, char **args, zmsg_t *values)
{
    if (!streq (args[0], "0") && !streq (args[0], "1"))
        return EINVAL;
    self->verbose = streq (args[0], "1");
    return 0;
}

static const struct {
    const char *name;
    size_t args;
    int (*handler) (dividere_actor_t *self, char **args, zmsg_t *values);
} s_common[] = {
    { "PING", 0, s_command_ping },
    { "STATS", 0, s_command_stats },
    { "VERBOSE", 1, s_command_verbose },
};

/*  SET security FOLDER, or "none": for the sockets of this actor, as long as it
 *  has none.                                                                */
static int
s_set_security (const dividere_actor_t *self, const char *folder)
{
    if (self->socketless)
        return ENOTSUP;
    if (dividere_security_attached_here ())
        return EBUSY;
    if (streq (folder, "none")) {
        dividere_security_use_here (DIVIDERE_SECURITY_PLAIN);
        return 0;
    }
    dividere_security_t *security = dividere_auth_load (folder);
    if (!security)
        return errno;
    dividere_security_use_here (security);
    return 0;
}

static void
s_collect_stats (void *arg, zmsg_t *values)
{
    dividere_actor_t *self = (dividere_actor_t *) arg;
    self->stats (self->self, values);
}

/*  BIND introspection ENDPOINT.                                             */
static int
s_bind_introspection (dividere_actor_t *self, const char *text, zmsg_t *values)
{
    if (!self->introspection)
        self->introspection =
            dividere_introspection_new (self->loop, self->kind, self->name,
                                        self->since_ms, s_collect_stats, self);
    return self->introspection
               ? dividere_introspection_bind (self->introspection, text, values)
               : errno;
}

static int
s_dispatch (dividere_actor_t *self, const char *name, char **args, size_t count,
            zmsg_t *values)
{
    if (streq (name, "SET") && count == 2 && streq (args[0], "security"))
        return s_set_security (self, args[1]);
    if (streq (name, "BIND") && count == 2 && streq (args[0], "introspection"))
        return s_bind_introspection (self, args[1], values);
    for (const dividere_command_t *at = self->commands; at->name; at++)
        if (streq (at->name, name))
            return count < at->args_min || count > at->args_max
                       ? EINVAL
                       : at->handler (self->self, args, count, values);
    for (size_t i = 0; i < sizeof (s_common) / sizeof (s_common[0]); i++)
        if (streq (s_common[i].name, name))
            return count != s_common[i].args
                       ? EINVAL
                       : s_common[i].handler (self, args, values);
    if (streq (name, "SET") && count == 2)
        return ENOENT;
    return streq (name, "SET") || streq (name, "BIND") ? EINVAL : ENOSYS;
}

/*  The reply: the caller's tag if there was one, the status, the values.    */
static void
s_reply (dividere_actor_t *self, const char *tag, int status, zmsg_t *values)
{
    char text[16];
    snprintf (text, sizeof (text), "%d", status);
    if (status) {
        zmsg_destroy (&values);
        values = zmsg_new ();
    }
    zmsg_pushstr (values, text);
    if (tag)
        zmsg_pushstr (values, tag);
    DIVIDERE_HAND_OVER (&dividere_actor_pipes);
    if (zmsg_send (&values, self->pipe) < 0) {
        dividere_log (DIVIDERE_LOG_ERROR,
                      "%s: nobody reads the replies to its commands",
                      self->name);
        zmsg_destroy (&values);
    }
}

static void
s_execute (dividere_actor_t *self, zmsg_t *request)
{
    size_t count = zmsg_size (request);
    char **texts = (char **) zmalloc ((count + 2) * sizeof (char *));
    for (size_t i = 0; i < count; i++)
        texts[i] = zmsg_popstr (request);
    bool tagged = count && texts[0][0] == '#';
    size_t first = tagged ? 1 : 0;
    const char *name = count > first ? texts[first] : "";
    size_t args = count > first ? count - first - 1 : 0;
    zmsg_t *values = zmsg_new ();
    self->tag = tagged ? texts[0] : NULL;
    int status = s_dispatch (self, name, texts + first + 1, args, values);
    dividere_log (self->verbose ? DIVIDERE_LOG_INFO : DIVIDERE_LOG_DEBUG,
                  "%s: %.64s%s%.200s: %s", self->name, name, args ? " " : "",
                  args ? texts[first + 1] : "",
                  status == DIVIDERE_LATER ? "under way" : strerror (status));
    if (status == DIVIDERE_LATER)
        zmsg_destroy (&values);
    else
        s_reply (self, self->tag, status, values);
    for (size_t i = 0; i < count; i++)
        freen (texts[i]);
    freen (texts);
}

/*  -1 if the actor is to end, 0 if there was no command, else 1.            */
static int
s_take_command (dividere_actor_t *self)
{
    zmsg_t *request = zmsg_recv (self->pipe);
    if (!request)
        return errno == ETERM ? -1 : 0;
    DIVIDERE_TAKE_OVER (&dividere_actor_pipes);
    zframe_t *first = zmsg_first (request);
    bool ending = first && zframe_streq (first, "$TERM");
    if (!ending)
        s_execute (self, request);
    else if (self->ending)
        ending = self->ending (self->self);
    zmsg_destroy (&request);
    return ending ? -1 : 1;
}

static zloop_timer_fn s_on_look;

/*  Any call on the pipe can swallow what its descriptor had to tell.        */
static void
s_look_again (dividere_actor_t *self)
{
    if (!self->looking)
        zloop_timer (self->loop, 0, 1, s_on_look, self);
    self->looking = true;
}

static int
s_take_commands (dividere_actor_t *self)
{
    int rc = 1;
    for (int i = 0; i < COMMANDS_MAX && rc > 0; i++)
        rc = s_take_command (self);
    if (rc > 0)
        s_look_again (self);
    return rc < 0 ? -1 : 0;
}

static int
s_handle_pipe (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    return s_take_commands ((dividere_actor_t *) arg);
}

static int
s_on_look (zloop_t *loop, int timer, void *arg)
{
    dividere_actor_t *self = (dividere_actor_t *) arg;
    self->looking = false;
    return s_take_commands (self);
}

void
dividere_actor_defer (dividere_actor_t *self, dividere_answer_t *answer)
{
    assert (!answer->due);
    answer->due = true;
    answer->tag = self->tag ? strdup (self->tag) : NULL;
}

void
dividere_actor_answer (dividere_actor_t *self, dividere_answer_t *answer,
                       int status, zmsg_t *values)
{
    if (!answer->due) {
        zmsg_destroy (&values);
        return;
    }
    answer->due = false;
    s_reply (self, answer->tag, status, values ? values : zmsg_new ());
    freen (answer->tag);
    s_look_again (self);
}

void
dividere_actor_on_term (dividere_actor_t *self, dividere_ending_fn *ending)
{
    self->ending = ending;
}

static int
s_on_end (zloop_t *loop, int timer, void *arg)
{
    return -1;
}

void
dividere_actor_end (dividere_actor_t *self)
{
    zloop_timer (self->loop, 0, 1, s_on_end, NULL);
}

/*  By its descriptor: CZMQ would ask the socket itself, twice in each turn of
 *  the loop, which costs more than all else in the turn.                    */
static void
s_read_pipe (dividere_actor_t *self)
{
    zmq_pollitem_t item = { NULL, zsock_fd (self->pipe), ZMQ_POLLIN, 0 };
    zloop_poller (self->loop, &item, s_handle_pipe, self);
    zloop_poller_set_tolerant (self->loop, &item);
    s_look_again (self);
}

dividere_actor_t *
dividere_actor_new (zsock_t *pipe, const char *kind, const char *name,
                    void *class_self, const dividere_command_t *commands,
                    dividere_stats_fn *stats)
{
    s_mask_signals ();
    dividere_library_linked ();
    dividere_actor_t *self = (dividere_actor_t *) zmalloc (sizeof (*self));
    self->pipe = pipe;
    self->self = class_self;
    self->commands = commands;
    self->stats = stats;
    self->kind = kind;
    self->since_ms = zclock_mono ();
    self->name = strdup (name ? name : kind);
    self->loop = zloop_new ();
    assert (self->name && self->loop);
    zloop_set_nonstop (self->loop, true);
    zsock_set_sndtimeo (pipe, 0);
    zsock_set_rcvtimeo (pipe, 0);
    s_read_pipe (self);
    self->running = dividere_running_add (pipe, self->name);
    return self;
}

void
dividere_actor_no_sockets (dividere_actor_t *self)
{
    self->socketless = true;
}

void
dividere_actor_run (dividere_actor_t *self)
{
    /* As things were when it was made, whatever is loaded later.            */
    dividere_security_use_here (dividere_security_keep ());
    DIVIDERE_HAND_OVER (&dividere_actor_pipes);
    zsock_signal (self->pipe, 0);
    zloop_start (self->loop);
}

/*  CZMQ tells the end once, and not at all where the pipe is full of replies
 *  that nobody has read yet: whoever waits for the end reads them.           */
static void
s_make_room (dividere_actor_t *self)
{
    zmq_pollitem_t item = { zsock_resolve (self->pipe), 0, ZMQ_POLLOUT, 0 };
    zmq_poll (&item, 1, ROOM_MS);
}

void
dividere_actor_destroy (dividere_actor_t **self_p)
{
    dividere_actor_t *self = *self_p;
    s_make_room (self);
    dividere_introspection_destroy (&self->introspection);
    zloop_destroy (&self->loop);
    dividere_running_remove (self->running);
    DIVIDERE_HAND_OVER (&dividere_actor_pipes);
    freen (self->name);
    freen (self);
    *self_p = NULL;
}

zloop_t *
dividere_actor_loop (dividere_actor_t *self)
{
    return self->loop;
}

const char *
dividere_actor_name (const dividere_actor_t *self)
{
    return self->name;
}

void
dividere_actor_busy (dividere_actor_t *self, const char *activity)
{
    atomic_store_explicit (&self->running->activity, activity,
                           memory_order_relaxed);
}

void
dividere_actor_stat (zmsg_t *values, const char *name, uint64_t value)
{
    zmsg_addstr (values, name);
    zmsg_addstrf (values, "%llu", (unsigned long long) value);
}

void
dividere_actor_stats (zmsg_t *values, const dividere_stat_t *stats,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        dividere_actor_stat (values, stats[i].name, stats[i].value);
}
