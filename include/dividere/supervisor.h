/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SUPERVISOR_H
#define DIVIDERE_SUPERVISOR_H

#include <stdbool.h>
#include <czmq.h>
#include <dividere/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  The parent of other actors: it starts them in order, starts again those that
 *  end by themselves, and stops them in reverse order.
 *
 *      static const dividere_child_t children [] = {
 *          { .name = "proxy", .actor = dividere_proxy, .setup = proxy_setup },
 *          { .name = "primes", .actor = dividere_process, .args = &primes,
 *            .setup = primes_setup },
 *          { NULL }
 *      };
 *      dividere_supervisor_config_t config = { .children = children };
 *      zactor_t *supervisor = zactor_new (dividere_supervisor, &config);
 *      dividere_call (supervisor, NULL, -1, "START", NULL);
 *
 *  command  arguments              values             errors
 *  START                                              EALREADY, EAGAIN (still
 *                                                     stopping), see below
 *  STOP                                               EINVAL (not started)
 *  LIST                            name, state, restarts ... (triples)
 *  CALL     CHILD COMMAND [ARG...] those of the child ENOENT, EAGAIN (it is not
 *                                                     running, or has another
 *                                                     CALL), ECANCELED (it
 *                                                     ended), EPROTO, its own
 *  BIND     events ENDPOINT        endpoint bound     EINVAL, EBUSY, those of
 *                                                     zmq_bind
 *  and those of every actor (dividere/actor.h). States: stopped, waiting (for
 *  its turn, or the end of the pause), starting, running, stopping; restarts
 *  are those of which it was the cause. STATS: children, running, restarts,
 *  left, events_dropped.
 *
 *  START is answered when all run. It fails, and what has been started is
 *  stopped, with the errno of the first setup command that is refused, or
 *  ETIMEDOUT (setup_limit_ms), ECANCELED (a child ended, or STOP came); until
 *  it has succeeded nothing is started again. STOP is answered when all have
 *  stopped.
 *
 *  A child is down when its actor ended without being told to, or when its
 *  setup failed after a restart. One for one starts that child again; one for
 *  all stops all the others, in reverse order, and starts all in order. The
 *  pause before that grows from backoff_ms to backoff_max_ms, and is short
 *  again when all have run for backoff_max_ms. More than intensity restarts
 *  within period_ms, and the supervisor gives up: it stops all, tells GAVE_UP
 *  and ends, so that a supervisor above it sees it as down.
 *
 *  A child that does not stop within stop_limit_ms is named in the log and left
 *  alone: it keeps its thread, for its handler cannot be taken from it, and
 *  counts as "left" until it ends after all. It may have to end without a
 *  supervisor: whoever writes an actor lets no reply of it wait for a reader. A
 *  supervisor below another needs a longer stop_limit_ms there than its own.
 *
 *  Events (dividere.SupervisorEvent, dividere/event.pb-c.h): STARTED, DOWN,
 *  STOPPED, RESTARTING, GAVE_UP; with a reason where something is wrong.    */
DIVIDERE_EXPORT void dividere_supervisor (zsock_t *pipe, void *args);

/*  One child: any actor that is steered as dividere/actor.h says, tags
 *  included, and is ready before it ends. What is pointed to must outlive the
 *  supervisor.                                                              */
typedef struct {
    const char *name;
    zactor_fn *actor;
    void *args;               /* given to it at each start                  */
    const char *const *setup; /* commands after each start, words separated by
                                 spaces, ended by NULL; NULL: none          */
    bool temporary;           /* is not started again, but by START          */
} dividere_child_t;

typedef enum {
    DIVIDERE_ONE_FOR_ONE, /* only the child that is down                    */
    DIVIDERE_ONE_FOR_ALL  /* all of them                                    */
} dividere_strategy_t;

/*  Copied when the actor starts, but not the children. 0 is the default, given
 *  in brackets; times in ms.                                                */
typedef struct {
    const char *name;                 /* for log and events ("supervisor")  */
    const dividere_child_t *children; /* ended by a NULL name               */
    dividere_strategy_t strategy;
    int intensity;      /* restarts allowed (5) ...                         */
    int period_ms;      /* ... within this (10000)                          */
    int backoff_ms;     /* before the first restart (100)                   */
    int backoff_max_ms; /* (5000)                                           */
    int setup_limit_ms; /* for all setup commands of a child (10000)        */
    int stop_limit_ms;  /* for a child to end (5000)                        */
} dividere_supervisor_config_t;

#ifdef __cplusplus
}
#endif

#endif
