/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_PROCESS_INTERNAL_H
#define DIVIDERE_PROCESS_INTERNAL_H

#include <dividere/event.pb-c.h>
#include <dividere/process.h>
#include "actor_internal.h"
#include "events.h"
#include "restart.h"
#include "spawned.h"

typedef enum {
    DIVIDERE_PROCESS_NEW,
    DIVIDERE_PROCESS_STARTING,
    DIVIDERE_PROCESS_READY,
    DIVIDERE_PROCESS_STOPPING,
    DIVIDERE_PROCESS_TERMINATING,
    DIVIDERE_PROCESS_KILLING,
    DIVIDERE_PROCESS_WAITING,
    DIVIDERE_PROCESS_STOPPED,
    DIVIDERE_PROCESS_GAVE_UP
} dividere_process_state_t;

typedef enum {
    DIVIDERE_RESTART_NEVER,
    DIVIDERE_RESTART_ON_FAILURE,
    DIVIDERE_RESTART_ALWAYS
} dividere_restart_policy_t;

/*  What SET sets; times in ms.                                              */
typedef struct {
    dividere_restart_policy_t policy;
    int64_t backoff;
    int64_t backoff_max;
    int64_t intensity;
    int64_t period;
    int64_t ready_limit;
    int64_t stop_limit;
} dividere_process_settings_t;

/*  A source that the child makes.                                           */
typedef struct {
    zmsg_t *types;   /* after KIND and ENDPOINTS; ours                      */
    char *kind;      /* as given to ADD; ours                               */
    char *wanted;    /* endpoints as given to ADD; ours                     */
    char *name;      /* given by the child; NULL until then; ours           */
    char *endpoints; /* as really bound, likewise                           */
} dividere_process_source_t;

typedef struct {
    dividere_actor_t *actor; /* the kit                                     */
    char *reactor;           /* of the configuration; ours                  */
    char *executable;        /* likewise; NULL: this program                */
    dividere_process_settings_t settings;
    zlistx_t *sources;           /* of dividere_process_source_t, ours      */
    dividere_restart_t *restart; /* since START; NULL before                */
    dividere_process_state_t state;
    int timer;                /* of the state; -1: none                     */
    dividere_spawned_t child; /* pid 0: there is none                       */
    dividere_process_source_t *making; /* by the child now; NULL: it starts */
    bool asking;   /* the child for its statistics                          */
    bool unwanted; /* its end is what STOP or $TERM asked for               */
    bool ending;   /* the actor, when the child has ended                   */
    int error;     /* why this child is stopped; 0: nothing                 */
    char *reason;  /* for people; ours; NULL: none yet                      */
    dividere_answer_t start;
    dividere_answer_t stop;
    dividere_answer_t stats;
    dividere_events_t events;
    uint64_t exits;
    uint32_t restarts;
} dividere_process_t;

/*  The child (process_child.c). Starts it: 0 or an errno of dividere_spawn. */
int dividere_process_launch (dividere_process_t *self);

/*  Ends it, or the wait for the next. True if one has still to end.         */
bool dividere_process_stop (dividere_process_t *self);

/*  Asks it for its statistics; it is ready.                                 */
void dividere_process_ask (dividere_process_t *self);

const char *dividere_process_state_name (dividere_process_state_t state);

/*  Gives the reply to STATS, with the values of the child (NULL: none).     */
void dividere_process_answer_stats (dividere_process_t *self, zmsg_t *values);

/*  Tells an event to the log and the events endpoint (process_tell.c). The
 *  caller sets what only this kind of event has.                            */
void dividere_process_tell (dividere_process_t *self,
                            Dividere__ProcessEvent *event);

/*  Notes why there is no child, or not for long, and logs it. Returns error. */
int dividere_process_fail (dividere_process_t *self, int error,
                           const char *format, ...) DIVIDERE_FORMAT (3, 4);

/*  What is set before START (process_settings.c): the commands SET and ADD. */
extern const dividere_process_settings_t dividere_process_defaults;
int dividere_process_set (dividere_process_settings_t *self, const char *name,
                          const char *value);
int dividere_process_add (dividere_process_t *self, char **args, size_t count);
void dividere_process_remove_all (dividere_process_t *self);

/*  The command by which a child makes the source; what "*" was bound to before
 *  is bound again.                                                          */
zmsg_t *dividere_process_source_command (
    const dividere_process_source_t *source);

/*  What the sources were bound to is not asked for again.                   */
void dividere_process_forget_bound (dividere_process_t *self);

/*  True once main has called dividere_process_main (process_host.c).        */
bool dividere_child_main_called (void);

#endif
