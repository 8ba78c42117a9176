/* SPDX-License-Identifier: Apache-2.0 */

/*  The child of a process reactor, from its start to its end and the next. The
 *  loop reads two descriptors of it, the channel and the pidfd, and there is at
 *  most one timer: of the state it is in (the table is in process.c).       */

#include <errno.h>
#include <signal.h>
#include "channel.h"
#include "log_internal.h"
#include "process_internal.h"
#include "security.h"

#define KIND(name) DIVIDERE__PROCESS_EVENT__KIND__##name

#define MUTE_MS   200  /* from the end of the channel to that of the child   */
#define TRACED_MS 100  /* until one that a tracer holds is looked at again   */
#define DRAIN_MAX 1000 /* packets; its own children may fill the channel     */

typedef dividere_process_t self_t;
typedef Dividere__ProcessEvent event_t;

static void s_on_unready (self_t *self);
static void s_on_unstopped (self_t *self);
static void s_on_unterminated (self_t *self);
static void s_on_pause_over (self_t *self);

static const struct {
    const char *name;
    void (*on_time) (self_t *self); /* its time is over; NULL: has no limit */
} s_states[] = {
    [DIVIDERE_PROCESS_NEW] = { "new", NULL },
    [DIVIDERE_PROCESS_STARTING] = { "starting", s_on_unready },
    [DIVIDERE_PROCESS_READY] = { "ready", NULL },
    [DIVIDERE_PROCESS_STOPPING] = { "stopping", s_on_unstopped },
    [DIVIDERE_PROCESS_TERMINATING] = { "terminating", s_on_unterminated },
    [DIVIDERE_PROCESS_KILLING] = { "killing", NULL },
    [DIVIDERE_PROCESS_WAITING] = { "waiting", s_on_pause_over },
    [DIVIDERE_PROCESS_STOPPED] = { "stopped", NULL },
    [DIVIDERE_PROCESS_GAVE_UP] = { "gave up", NULL },
};

const char *
dividere_process_state_name (dividere_process_state_t state)
{
    return s_states[state].name;
}

/*  A timer that was ended may still fire in the same turn.                  */
static int
s_on_timer (zloop_t *loop, int timer, void *arg)
{
    self_t *self = (self_t *) arg;
    if (timer != self->timer)
        return 0;
    self->timer = -1;
    s_states[self->state].on_time (self);
    return 0;
}

static void
s_enter (self_t *self, dividere_process_state_t state)
{
    if (self->timer >= 0)
        zloop_timer_end (dividere_actor_loop (self->actor), self->timer);
    self->timer = -1;
    self->state = state;
}

static void
s_enter_for (self_t *self, dividere_process_state_t state, int64_t limit_ms)
{
    s_enter (self, state);
    self->timer = zloop_timer (dividere_actor_loop (self->actor),
                               (size_t) limit_ms, 1, s_on_timer, self);
}

/*  What cannot be sent is for a child that is about to end.                 */
static void
s_command (self_t *self, zmsg_t *command)
{
    if (dividere_channel_send (self->child.channel, &command) < 0)
        dividere_log (DIVIDERE_LOG_DEBUG, "%s: the child takes no command: %s",
                      dividere_actor_name (self->actor), strerror (errno));
}

static void
s_command_name (self_t *self, const char *name)
{
    zmsg_t *command = zmsg_new ();
    zmsg_addstr (command, name);
    s_command (self, command);
}

void
dividere_process_ask (dividere_process_t *self)
{
    if (!self->asking)
        s_command_name (self, "STATS");
    self->asking = true;
}

/*  The next source, or all are made: start. What "*" was bound to before is
 *  bound again.                                                             */
static void
s_continue_start (self_t *self)
{
    dividere_process_source_t *source = self->making;
    if (!source) {
        s_command_name (self, "START");
        return;
    }
    s_command (self, dividere_process_source_command (source));
}

static void
s_end_gently (self_t *self)
{
    s_command_name (self, "$TERM");
    s_enter_for (self, DIVIDERE_PROCESS_STOPPING, self->settings.stop_limit);
}

static void
s_kill (self_t *self)
{
    dividere_spawned_signal (&self->child, SIGKILL);
    s_enter (self, DIVIDERE_PROCESS_KILLING);
}

static void
s_on_unready (self_t *self)
{
    if (self->child.channel < 0) {
        dividere_process_fail (self, EPROTO,
                               "closed the channel, or wrote what is none of "
                               "its messages");
        s_on_unstopped (self);
        return;
    }
    dividere_process_fail (self, ETIMEDOUT, "not ready within %lld ms",
                           (long long) self->settings.ready_limit);
    s_kill (self);
}

static void
s_on_unstopped (self_t *self)
{
    dividere_spawned_signal (&self->child, SIGTERM);
    s_enter_for (self, DIVIDERE_PROCESS_TERMINATING, self->settings.stop_limit);
}

static void
s_on_unterminated (self_t *self)
{
    s_kill (self);
}

/*  The child tells an errno of a source or of the start, and perhaps why.   */
static void
s_handle_failure (self_t *self, int error, zmsg_t *values)
{
    char *text = zmsg_popstr (values);
    const char *reason = text ? text : zmq_strerror (error);
    if (self->making)
        dividere_process_fail (self, error, "%s %s: %s", self->making->kind,
                               self->making->wanted, reason);
    else
        dividere_process_fail (self, error, "START: %s", reason);
    freen (text);
    s_end_gently (self);
}

static void
s_handle_ready (self_t *self)
{
    s_enter (self, DIVIDERE_PROCESS_READY);
    dividere_restart_ready (self->restart, zclock_mono ());
    event_t event = DIVIDERE__PROCESS_EVENT__INIT;
    event.kind = KIND (READY);
    event.pid = self->child.pid;
    dividere_process_tell (self, &event);
    zmsg_t *values = zmsg_new ();
    zmsg_addstrf (values, "%d", (int) self->child.pid);
    dividere_process_source_t *source =
        (dividere_process_source_t *) zlistx_first (self->sources);
    while (source) {
        zmsg_addstr (values, source->name);
        zmsg_addstr (values, source->endpoints);
        source = (dividere_process_source_t *) zlistx_next (self->sources);
    }
    dividere_actor_answer (self->actor, &self->start, 0, values);
}

static void
s_handle_start_reply (self_t *self, int status, zmsg_t *values)
{
    dividere_process_source_t *source = self->making;
    if (!status && source && zmsg_size (values) != 2)
        status = EPROTO;
    if (status)
        s_handle_failure (self, status, values);
    else if (source) {
        freen (source->name);
        freen (source->endpoints);
        source->name = zmsg_popstr (values);
        source->endpoints = zmsg_popstr (values);
        self->making =
            (dividere_process_source_t *) zlistx_next (self->sources);
        s_continue_start (self);
    }
    else
        s_handle_ready (self);
}

/*  EPROTO for what is no status.                                            */
static int
s_pop_status (zmsg_t *reply)
{
    char *text = zmsg_popstr (reply);
    char *end;
    long status = strtol (text, &end, 10);
    bool proper = end > text && !*end && status >= 0 && status <= INT_MAX;
    freen (text);
    return proper ? (int) status : EPROTO;
}

static void
s_handle_reply (self_t *self, zmsg_t *reply)
{
    int status = s_pop_status (reply);
    if (self->state == DIVIDERE_PROCESS_STARTING)
        s_handle_start_reply (self, status, reply);
    else if (self->asking) {
        self->asking = false;
        dividere_process_answer_stats (self, status ? NULL : reply);
    }
}

static void
s_unwatch (self_t *self, int fd)
{
    zmq_pollitem_t item = { NULL, fd, ZMQ_POLLIN, 0 };
    zloop_poller_end (dividere_actor_loop (self->actor), &item);
}

/*  Of no use without its channel: one that has started has to end. One that is
 *  starting may just be ending by itself, and how tells more than that it does
 *  not speak. One that is ending has its time limit.                        */
static void
s_lose_channel (self_t *self)
{
    s_unwatch (self, self->child.channel);
    close (self->child.channel);
    self->child.channel = -1;
    if (self->state == DIVIDERE_PROCESS_READY)
        s_end_gently (self);
    else if (self->state == DIVIDERE_PROCESS_STARTING)
        s_enter_for (self, DIVIDERE_PROCESS_STARTING, MUTE_MS);
}

/*  False if there is nothing to read any more.                              */
static bool
s_read_channel (self_t *self)
{
    if (self->child.channel < 0)
        return false;
    zmsg_t *reply = dividere_channel_recv (self->child.channel);
    if (reply)
        s_handle_reply (self, reply);
    else if (errno != EAGAIN)
        s_lose_channel (self);
    bool read = reply != NULL;
    zmsg_destroy (&reply);
    return read;
}

static int
s_handle_channel (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    s_read_channel ((self_t *) arg);
    return 0;
}

/*  Nothing is to be done any more: whoever waits for it is told.            */
static void
s_settle (self_t *self)
{
    s_enter (self, DIVIDERE_PROCESS_STOPPED);
    dividere_actor_answer (self->actor, &self->start,
                           self->error      ? self->error
                           : self->unwanted ? ECANCELED
                                            : ECHILD,
                           NULL);
    dividere_actor_answer (self->actor, &self->stop, 0, NULL);
    if (self->ending)
        dividere_actor_end (self->actor);
}

static void
s_give_up (self_t *self)
{
    s_enter (self, DIVIDERE_PROCESS_GAVE_UP);
    event_t event = DIVIDERE__PROCESS_EVENT__INIT;
    event.kind = KIND (GAVE_UP);
    event.reason = self->reason;
    dividere_process_tell (self, &event);
    dividere_actor_end (self->actor);
}

static void
s_start_again (self_t *self)
{
    int64_t pause = dividere_restart_ended (self->restart, zclock_mono ());
    if (pause < 0) {
        s_give_up (self);
        return;
    }
    self->restarts++;
    s_enter_for (self, DIVIDERE_PROCESS_WAITING, pause);
    event_t event = DIVIDERE__PROCESS_EVENT__INIT;
    event.kind = KIND (RESTARTING);
    event.delay_ms = pause;
    event.reason = self->reason;
    dividere_process_tell (self, &event);
}

/*  There is no child: is there to be another? Not after a first start that
 *  failed.                                                                  */
static void
s_decide (self_t *self, bool failed)
{
    dividere_restart_policy_t policy = self->settings.policy;
    bool wanted = policy == DIVIDERE_RESTART_ALWAYS ||
                  (policy == DIVIDERE_RESTART_ON_FAILURE && failed);
    if (self->unwanted || self->start.due || !wanted)
        s_settle (self);
    else
        s_start_again (self);
}

static void
s_handle_end (self_t *self, const dividere_exit_t *ended)
{
    if (self->child.channel >= 0)
        s_unwatch (self, self->child.channel);
    s_unwatch (self, self->child.pidfd);
    event_t event = DIVIDERE__PROCESS_EVENT__INIT;
    event.kind = KIND (EXITED);
    event.pid = self->child.pid;
    event.status = ended->status;
    event.signal = ended->signal;
    event.reason = (char *) ended->text;
    dividere_spawned_close (&self->child);
    self->exits++;
    dividere_process_tell (self, &event);
    if (!self->error) {
        freen (self->reason);
        self->reason = strdup (ended->text);
    }
    self->asking = false;
    dividere_process_answer_stats (self, NULL);
    s_decide (self,
              self->error || !ended->known || ended->status || ended->signal);
}

static void
s_watch (self_t *self, int fd, zloop_fn *handler)
{
    zloop_t *loop = dividere_actor_loop (self->actor);
    zmq_pollitem_t item = { NULL, fd, ZMQ_POLLIN, 0 };
    zloop_poller (loop, &item, handler, self);
    /* An error would be reported once, then the descriptor dropped.         */
    zloop_poller_set_tolerant (loop, &item);
}

static int s_on_traced (zloop_t *loop, int timer, void *arg);

/*  Why it ended may still be on its way through the channel. A dead child that
 *  a tracer holds cannot be reaped yet, while its pidfd stays readable.     */
static int
s_handle_pidfd (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    self_t *self = (self_t *) arg;
    dividere_exit_t ended;
    if (!dividere_spawned_reap (&self->child, &ended)) {
        s_unwatch (self, self->child.pidfd);
        zloop_timer (loop, TRACED_MS, 1, s_on_traced, self);
        return 0;
    }
    for (int i = 0; i < DRAIN_MAX && s_read_channel (self); i++)
        continue;
    s_handle_end (self, &ended);
    return 0;
}

/*  Nothing else can have ended that child meanwhile.                        */
static int
s_on_traced (zloop_t *loop, int timer, void *arg)
{
    self_t *self = (self_t *) arg;
    s_watch (self, self->child.pidfd, s_handle_pidfd);
    return 0;
}

int
dividere_process_launch (dividere_process_t *self)
{
    dividere_security_t *security = dividere_security_here ();
    if (dividere_spawn (self->executable, self->reactor,
                        security ? dividere_security_folder (security) : NULL,
                        &self->child) < 0)
        return dividere_process_fail (self, errno, "cannot be started: %s",
                                      strerror (errno));
    self->error = 0;
    self->unwanted = false;
    s_watch (self, self->child.channel, s_handle_channel);
    s_watch (self, self->child.pidfd, s_handle_pidfd);
    s_enter_for (self, DIVIDERE_PROCESS_STARTING, self->settings.ready_limit);
    event_t event = DIVIDERE__PROCESS_EVENT__INIT;
    event.kind = KIND (STARTED);
    event.pid = self->child.pid;
    dividere_process_tell (self, &event);
    self->making = (dividere_process_source_t *) zlistx_first (self->sources);
    s_continue_start (self);
    return 0;
}

static void
s_on_pause_over (self_t *self)
{
    if (dividere_process_launch (self))
        s_decide (self, true);
}

bool
dividere_process_stop (dividere_process_t *self)
{
    self->unwanted = true;
    if (self->state == DIVIDERE_PROCESS_STARTING ||
        self->state == DIVIDERE_PROCESS_READY)
        s_end_gently (self);
    else if (!self->child.pid)
        s_enter (self, DIVIDERE_PROCESS_STOPPED);
    return self->child.pid != 0;
}
