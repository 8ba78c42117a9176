/* SPDX-License-Identifier: Apache-2.0 */

/*  The supervisor's thread: makes the actors of its children, reads what they
 *  say and tells them to end. What comes next is decided by the supervision;
 *  here it is done, and never waited for in place.                          */

#include <assert.h>
#include <errno.h>
#include <dividere/event.pb-c.h>
#include <dividere/supervisor.h>
#include "actor_internal.h"
#include "events.h"
#include "frame.h"
#include "log_internal.h"
#include "supervision.h"
#include "ward.h"

#define TEXT_MAX 256

typedef Dividere__SupervisorEvent event_t;

#define KIND(name) DIVIDERE__SUPERVISOR_EVENT__KIND__##name

typedef struct self_t self_t;

typedef struct {
    self_t *self;
    dividere_ward_t ward;
} child_t;

struct self_t {
    dividere_actor_t *actor; /* the kit                                     */
    dividere_supervision_t *supervision;
    child_t *children;
    size_t count;
    zlistx_t *left; /* of zactor_t, ours: did not end in time               */
    dividere_events_t events;
    dividere_answer_t start; /* due: who waits for it                       */
    dividere_answer_t stop;
    int start_error; /* of START, should it fail                            */
    int timer;       /* of the loop, for the next step; 0: none             */
    bool giving_up;
    bool ending;
};

/*  Whatever has a reason is bad news.                                       */
static void
s_tell (self_t *self, int kind, const child_t *child, int64_t delay_ms,
        const char *reason)
{
    event_t event = DIVIDERE__SUPERVISOR_EVENT__INIT;
    event.name = (char *) dividere_actor_name (self->actor);
    event.kind = (Dividere__SupervisorEvent__Kind) kind;
    event.child = (char *) (child ? child->ward.child->name : "");
    event.delay_ms = delay_ms;
    event.restarts = dividere_supervision_restarts (self->supervision);
    event.reason = (char *) reason;
    const char *text = protobuf_c_enum_descriptor_get_value (
                           &dividere__supervisor_event__kind__descriptor, kind)
                           ->name;
    dividere_log (*reason ? DIVIDERE_LOG_ERROR : DIVIDERE_LOG_INFO,
                  "%s: %s%s%s%s%s", event.name, event.child, child ? " " : "",
                  text, *reason ? ": " : "", reason);
    dividere_events_tell (&self->events, &event.base);
}

static size_t
s_index (const child_t *child)
{
    return (size_t) (child - child->self->children);
}

static dividere_child_state_t
s_state (const child_t *child)
{
    return dividere_supervision_state (child->self->supervision,
                                       s_index (child));
}

/*  Down with its actor gone, or alive: then that is told to end.            */
static void
s_down (child_t *child, bool alive, int error)
{
    self_t *self = child->self;
    const char *line = dividere_ward_line (&child->ward);
    char reason[TEXT_MAX] = "ended";
    if (line)
        snprintf (reason, sizeof (reason), "%s: %s", line, strerror (error));
    s_tell (self, KIND (DOWN), child, 0, reason);
    int64_t delay_ms = 0;
    dividere_verdict_t verdict =
        dividere_supervision_down (self->supervision, s_index (child), alive,
                                   zclock_mono (), &delay_ms);
    if (verdict == DIVIDERE_VERDICT_RESTART)
        s_tell (self, KIND (RESTARTING), child, delay_ms, "");
    else if (verdict == DIVIDERE_VERDICT_FAIL)
        self->start_error = error;
    else if (verdict == DIVIDERE_VERDICT_GIVE_UP)
        self->giving_up = true;
    if (alive)
        dividere_ward_term (&child->ward);
}

static zactor_t *
s_part (child_t *child)
{
    zloop_reader_end (dividere_actor_loop (child->self->actor),
                      zactor_sock (child->ward.actor));
    return dividere_ward_part (&child->ward);
}

static void
s_ended (child_t *child)
{
    self_t *self = child->self;
    zactor_t *actor = s_part (child);
    dividere_actor_let_go (&actor);
    if (s_state (child) != DIVIDERE_CHILD_STOPPING) {
        s_down (child, false, ECANCELED);
        return;
    }
    dividere_supervision_stopped (self->supervision, s_index (child));
    s_tell (self, KIND (STOPPED), child, 0, "");
}

static void
s_take (child_t *child, dividere_outcome_t outcome)
{
    if (outcome == DIVIDERE_WARD_UP) {
        dividere_supervision_up (child->self->supervision, s_index (child));
        s_tell (child->self, KIND (STARTED), child, 0, "");
    }
    else if (outcome == DIVIDERE_WARD_FAILED)
        s_down (child, true, child->ward.error);
    else if (outcome == DIVIDERE_WARD_ENDED)
        s_ended (child);
}

static void s_advance (self_t *self);

static int
s_handle_child (zloop_t *loop, zsock_t *pipe, void *arg)
{
    child_t *child = (child_t *) arg;
    s_take (child, dividere_ward_read (&child->ward));
    s_advance (child->self);
    return 0;
}

/*  An actor that was left ends after all.                                   */
static int
s_handle_left (zloop_t *loop, zsock_t *pipe, void *arg)
{
    self_t *self = (self_t *) arg;
    zmsg_t *message = zmsg_recv (pipe);
    DIVIDERE_TAKE_OVER (&dividere_actor_pipes);
    bool ended = message && zmsg_signal (message) >= 0;
    zmsg_destroy (&message);
    if (!ended)
        return 0;
    zactor_t *actor = (zactor_t *) zlistx_first (self->left);
    while (zactor_sock (actor) != pipe)
        actor = (zactor_t *) zlistx_next (self->left);
    zlistx_detach_cur (self->left);
    zloop_reader_end (loop, pipe);
    dividere_actor_let_go (&actor);
    return 0;
}

static void
s_start (child_t *child)
{
    dividere_outcome_t outcome = dividere_ward_start (&child->ward);
    zloop_reader (dividere_actor_loop (child->self->actor),
                  zactor_sock (child->ward.actor), s_handle_child, child);
    s_take (child, outcome);
}

/*  It goes on in a thread that nobody can take it from.                     */
static void
s_leave (child_t *child)
{
    self_t *self = child->self;
    char activity[TEXT_MAX] = "unknown";
    dividere_actor_activity (child->ward.actor, activity, sizeof (activity));
    char reason[TEXT_MAX + 50];
    snprintf (reason, sizeof (reason), "does not stop in time, left alone: %s",
              activity);
    zactor_t *actor = s_part (child);
    zlistx_add_end (self->left, actor);
    zloop_reader (dividere_actor_loop (self->actor), zactor_sock (actor),
                  s_handle_left, self);
    s_tell (self, KIND (STOPPED), child, 0, reason);
}

static void
s_do (child_t *child, dividere_step_t step)
{
    if (step == DIVIDERE_STEP_START)
        s_start (child);
    else if (step == DIVIDERE_STEP_FAIL)
        s_down (child, true, ETIMEDOUT);
    else if (step == DIVIDERE_STEP_STOP)
        dividere_ward_term (&child->ward);
    else
        s_leave (child);
}

static void
s_halted (self_t *self)
{
    dividere_actor_answer (self->actor, &self->start, self->start_error, NULL);
    dividere_actor_answer (self->actor, &self->stop, 0, NULL);
    if (self->giving_up) {
        s_tell (self, KIND (GAVE_UP), NULL, 0, "too many restarts");
        self->giving_up = false;
        self->ending = true;
    }
    if (self->ending)
        dividere_actor_end (self->actor);
}

/*  A timer that was replaced may still be called.                           */
static int
s_on_due (zloop_t *loop, int timer, void *arg)
{
    self_t *self = (self_t *) arg;
    if (timer == self->timer) {
        self->timer = 0;
        s_advance (self);
    }
    return 0;
}

static void
s_set_timer (self_t *self)
{
    zloop_t *loop = dividere_actor_loop (self->actor);
    if (self->timer)
        zloop_timer_end (loop, self->timer);
    self->timer = 0;
    int64_t due = dividere_supervision_due (self->supervision);
    int64_t delay = due - zclock_mono ();
    if (due >= 0)
        self->timer = zloop_timer (loop, delay > 0 ? (size_t) delay : 0, 1,
                                   s_on_due, self);
}

/*  Does what is to be done now, whatever has happened.                      */
static void
s_advance (self_t *self)
{
    size_t index;
    dividere_step_t step;
    while ((step = dividere_supervision_next (self->supervision, zclock_mono (),
                                              &index)) != DIVIDERE_STEP_NONE)
        s_do (&self->children[index], step);
    if (dividere_supervision_started (self->supervision))
        dividere_actor_answer (self->actor, &self->start, 0, NULL);
    else if (dividere_supervision_halted (self->supervision))
        s_halted (self);
    s_set_timer (self);
}

static int
s_command_start (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    int error = dividere_supervision_start (self->supervision);
    if (error)
        return error;
    self->start_error = ECANCELED;
    dividere_actor_defer (self->actor, &self->start);
    s_advance (self);
    return DIVIDERE_LATER;
}

/*  A caller that gave up may ask again: who asked before is answered first. */
static int
s_command_stop (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    int error = dividere_supervision_stop (self->supervision);
    if (error)
        return error;
    dividere_answer_t before = self->stop;
    self->stop = (dividere_answer_t){ 0 };
    dividere_actor_answer (self->actor, &before, ECANCELED, NULL);
    dividere_actor_defer (self->actor, &self->stop);
    s_advance (self);
    return DIVIDERE_LATER;
}

static int
s_command_list (void *arg, char **args, size_t count, zmsg_t *values)
{
    static const char *const s_states[] = {
        [DIVIDERE_CHILD_STOPPED] = "stopped",
        [DIVIDERE_CHILD_WAITING] = "waiting",
        [DIVIDERE_CHILD_STARTING] = "starting",
        [DIVIDERE_CHILD_RUNNING] = "running",
        [DIVIDERE_CHILD_STOPPING] = "stopping",
    };
    self_t *self = (self_t *) arg;
    for (size_t i = 0; i < self->count; i++) {
        zmsg_addstr (values, self->children[i].ward.child->name);
        zmsg_addstr (values, s_states[s_state (&self->children[i])]);
        zmsg_addstrf (values, "%u",
                      dividere_supervision_child_restarts (self->supervision,
                                                           i));
    }
    return 0;
}

static child_t *
s_find (self_t *self, const char *name)
{
    for (size_t i = 0; i < self->count; i++)
        if (streq (self->children[i].ward.child->name, name))
            return &self->children[i];
    return NULL;
}

static int
s_command_call (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    child_t *child = s_find (self, args[0]);
    if (!child)
        return ENOENT;
    if (s_state (child) != DIVIDERE_CHILD_RUNNING)
        return EAGAIN;
    int error = dividere_ward_call (&child->ward, args + 1, count - 1);
    return error ? error : DIVIDERE_LATER;
}

static int
s_command_bind (void *arg, char **args, size_t count, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    return dividere_events_bind (&self->events, args, values);
}

static const dividere_command_t s_commands[] = {
    { "START", 0, 0, s_command_start },
    { "STOP", 0, 0, s_command_stop },
    { "LIST", 0, 0, s_command_list },
    { "CALL", 2, DIVIDERE_ARGS_MANY, s_command_call },
    { "BIND", 2, 2, s_command_bind },
    { NULL, 0, 0, NULL }
};

static void
s_stats (void *arg, zmsg_t *values)
{
    self_t *self = (self_t *) arg;
    uint64_t running = 0;
    for (size_t i = 0; i < self->count; i++)
        running += s_state (&self->children[i]) == DIVIDERE_CHILD_RUNNING;
    dividere_actor_stat (values, "children", self->count);
    dividere_actor_stat (values, "running", running);
    dividere_actor_stat (values, "restarts",
                         dividere_supervision_restarts (self->supervision));
    dividere_actor_stat (values, "left", zlistx_size (self->left));
    dividere_actor_stat (values, "events_dropped", self->events.dropped);
}

static bool
s_on_term (void *arg)
{
    self_t *self = (self_t *) arg;
    self->ending = true;
    dividere_supervision_stop (self->supervision);
    s_advance (self);
    return false;
}

static int64_t
s_or (int value, int otherwise)
{
    return value > 0 ? value : otherwise;
}

static void
s_configure (self_t *self, const dividere_supervisor_config_t *config)
{
    while (config->children[self->count].name)
        self->count++;
    dividere_supervision_limits_t limits = {
        .count = self->count,
        .all = config->strategy == DIVIDERE_ONE_FOR_ALL,
        .setup_limit_ms = s_or (config->setup_limit_ms, 10000),
        .stop_limit_ms = s_or (config->stop_limit_ms, 5000),
        .restart = {
            .backoff_ms = s_or (config->backoff_ms, 100),
            .backoff_max_ms = s_or (config->backoff_max_ms, 5000),
            .intensity = (size_t) s_or (config->intensity, 5),
            .period_ms = s_or (config->period_ms, 10000),
        },
    };
    self->supervision = dividere_supervision_new (&limits);
    self->children = (child_t *) zmalloc ((self->count + 1) * sizeof (child_t));
    for (size_t i = 0; i < self->count; i++) {
        self->children[i].self = self;
        self->children[i].ward.child = &config->children[i];
        self->children[i].ward.parent = self->actor;
        if (config->children[i].temporary)
            dividere_supervision_temporary (self->supervision, i);
    }
    self->left = zlistx_new ();
}

/*  Children are left here only if the context was closed under all.         */
static void
s_release (self_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->children[i].ward.actor)
            zlistx_add_end (self->left, s_part (&self->children[i]));
    zactor_t *actor;
    while ((actor = (zactor_t *) zlistx_detach (self->left, NULL))) {
        zloop_reader_end (dividere_actor_loop (self->actor),
                          zactor_sock (actor));
        dividere_actor_let_go (&actor);
    }
    zlistx_destroy (&self->left);
    dividere_actor_answer (self->actor, &self->start, ETERM, NULL);
    dividere_actor_answer (self->actor, &self->stop, ETERM, NULL);
    dividere_events_close (&self->events);
    dividere_supervision_destroy (&self->supervision);
    freen (self->children);
}

void
dividere_supervisor (zsock_t *pipe, void *args)
{
    const dividere_supervisor_config_t *config =
        (const dividere_supervisor_config_t *) args;
    assert (config && config->children);
    self_t *self = (self_t *) zmalloc (sizeof (*self));
    self->actor = dividere_actor_new (pipe, "supervisor", config->name, self,
                                      s_commands, s_stats);
    s_configure (self, config);
    dividere_actor_on_term (self->actor, s_on_term);
    dividere_actor_no_sockets (self->actor);
    dividere_actor_run (self->actor);
    s_release (self);
    dividere_actor_destroy (&self->actor);
    freen (self);
}
