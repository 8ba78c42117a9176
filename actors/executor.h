/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_EXECUTOR_H
#define DIVIDERE_EXECUTOR_H

#include <stdatomic.h>
#include "actor_internal.h"
#include "context_internal.h"
#include "duplicates.h"
#include "pool.h"

/*  What executes requests, for a worker and a service alike: handlers in a pool
 *  of threads, and what is remembered of requests that come again. It is a part
 *  of its owner, and all but the handlers is done in the owner's thread.
 *
 *  A request comes in at a desk, a part of the link to a broker or of the door
 *  of a service. There it is a task, held until its answer is known, then ready
 *  until the owner has sent that.
 *
 *  state     on
 *  new       START -> starting
 *  starting  the outcome of on_init in all threads -> running, refused
 *  refused   the end of all threads -> new
 *  running   DRAIN -> draining
 *  $TERM in any state but new -> ending                                     */

#define DIVIDERE_EXECUTOR_THREADS_MAX 1000
#define DIVIDERE_NEVER                INT64_MAX

typedef struct dividere_executor_t dividere_executor_t;
typedef struct dividere_desk_t dividere_desk_t;
typedef struct dividere_task_t dividere_task_t;

/*  One request, from receiving it to sending the answer.                    */
struct dividere_task_t {
    dividere_job_t job;        /* in the pool, or where else it is executed */
    dividere_task_t *next;     /* in a list of its desk, or of the free ones */
    dividere_task_t *previous; /* in a list of its desk                     */
    dividere_task_t *joined;   /* the next that gets the same answer        */
    dividere_desk_t
        *desk; /* where the answer is waited for; NULL: nowhere any more    */
    dividere_message_t *message; /* ours                                    */
    int extension; /* the index of its frame in the route; -1: none         */
    dividere_correlation_t id; /* what that says                            */
    uint8_t attempt;
    bool strict;
    int64_t deadline_ms; /* -1: none                                        */
    bool traced; /* the next are noted, in ns since 1970; 0: not yet   */
    int64_t received_ns;
    int64_t begun_ns;
    int64_t ended_ns;
    bool begun;   /* it counts as being executed                            */
    size_t bytes; /* of the request, then                                   */

    /*  The outcome, by the handler thread.                                  */
    bool replied; /* the handler has given an answer                        */
    bool handled; /* it was called                                          */
    int error;    /* FAILED, REFUSED                                        */
    dividere_status_t status;
    zmq_msg_t answer; /* always initialized                                 */
    const dividere_handler_t *handler; /* NULL: none, or on_bytes           */
    int64_t us;                        /* that it took, if timed            */
};

/*  In order of arrival.                                                     */
typedef struct {
    dividere_task_t *first;
    dividere_task_t *last;
    size_t count;
} dividere_tasks_t;

struct dividere_desk_t {
    dividere_executor_t *executor;
    bool c;        /* the broker has shown that it is of this library        */
    uint8_t flags; /* for the extension frame of answers                     */
    dividere_tasks_t held;  /* without an answer yet                         */
    dividere_tasks_t ready; /* with one that is to be sent                   */
};

/*  What the owner does; all are given it. execute may be NULL.              */
typedef struct {
    /*  All threads are ready.                                               */
    void (*began) (void *owner);

    /*  There are answers to be sent.                                        */
    void (*flush) (void *owner);

    /*  After anything has happened here.                                    */
    void (*turn) (void *owner);

    /*  A task is over, and its peer cannot be told how.                     */
    void (*untold) (dividere_desk_t *desk);

    /*  A task has been executed.                                            */
    void (*executed) (void *owner, const dividere_task_t *task);

    /*  Executes a task in place of the pool; ends with dividere_task_done.  */
    void (*execute) (void *owner, dividere_task_t *task);
} dividere_executor_class_t;

/*  As in dividere_worker_config_t.                                          */
typedef struct {
    const dividere_handler_t *handlers;
    int (*on_bytes) (dividere_context_t *context, const void *data,
                     size_t size);
    void *user;
    int (*on_init) (dividere_context_t *context);
    void (*on_exit) (dividere_context_t *context);
} dividere_executor_hooks_t;

typedef enum {
    DIVIDERE_EXECUTOR_NEW,
    DIVIDERE_EXECUTOR_STARTING, /* threads are in on_init                    */
    DIVIDERE_EXECUTOR_REFUSED,  /* on_init said no: threads end              */
    DIVIDERE_EXECUTOR_RUNNING,
    DIVIDERE_EXECUTOR_DRAINING,
    DIVIDERE_EXECUTOR_ENDING /* has seen $TERM                               */
} dividere_executor_state_t;

typedef struct {
    uint64_t received;
    uint64_t handled;
    uint64_t replied;
    uint64_t failed;
    uint64_t unanswered;
    uint64_t unhandled;
    uint64_t refused;
    uint64_t unknown_type;
    uint64_t malformed;
    uint64_t too_large;
    uint64_t too_deep;
    uint64_t bad_text;
    uint64_t over_budget;
    uint64_t repeated;
    uint64_t joined;
    uint64_t returned;
    uint64_t busy;
    uint64_t expired;
    uint64_t dropped;
} dividere_executor_counts_t;

struct dividere_executor_t {
    const dividere_executor_class_t *class;
    void *owner;
    dividere_actor_t *actor; /* the owner's                                 */
    dividere_executor_hooks_t hooks;
    dividere_executor_state_t state;
    dividere_status_t unbegun; /* what a request is told that is not        */
                               /* executed: RETURNED or BUSY                */
    bool closed;        /* what comes is not begun                         */
    bool timed;         /* how long handlers take is of interest           */
    size_t threads;     /* as it was started                               */
    size_t in_hand_max; /* tasks at a desk; more are dropped               */
    size_t pending_max; /* tasks that wait for a thread                    */
    size_t bytes_max;   /* ... with those that are executed                */
    size_t executing;   /* tasks in the pool                               */
    size_t bytes;       /* of their requests                               */
    dividere_handlers_t handlers;
    dividere_pool_t *pool; /* NULL: not started                             */
    dividere_duplicates_t *duplicates;
    uint64_t who; /* in traces; random                                       */
    dividere_task_t *spare; /* to be used again, a list                     */
    size_t spare_count;
    _Atomic (const char *) *activities; /* what each thread is calling; ours */
    dividere_answer_t started;          /* of START                         */
    int start_error;                    /* of on_init                       */
    dividere_executor_counts_t counts;
};

/*  executor.c. In memory of zeros; without limits.                          */
void dividere_executor_init (dividere_executor_t *self,
                             const dividere_executor_class_t *class,
                             void *owner, dividere_actor_t *actor,
                             const dividere_executor_hooks_t *hooks);

/*  Waits for the threads: they have ended, unless the context was closed under
 *  the actor. What they had is ready then at its desks, which must be emptied
 *  before dividere_executor_term.                                           */
void dividere_executor_join (dividere_executor_t *self);
void dividere_executor_term (dividere_executor_t *self);

/*  How many answers are remembered, how many bytes of them, and how long.   */
void dividere_executor_remember (dividere_executor_t *self, int64_t count,
                                 int64_t bytes, int64_t age_ms);

/*  For START, whose answer is to be deferred. 0, or an errno.               */
int dividere_executor_start (dividere_executor_t *self, size_t threads);

/*  What waits is not begun, nor is what still comes. (All of it is ready then
 *  at its desks.)                                                           */
void dividere_executor_withdraw (dividere_executor_t *self);

/*  Tells the threads to end. True, later, once all have.                    */
void dividere_executor_end (dividere_executor_t *self);
bool dividere_executor_ended (const dividere_executor_t *self);

/*  To be called when tasks were received.                                   */
void dividere_executor_flush (dividere_executor_t *self);

size_t dividere_executor_running (const dividere_executor_t *self);
size_t dividere_executor_waiting (const dividere_executor_t *self);
void dividere_executor_stats (const dividere_executor_t *self, zmsg_t *values);

/*  executor_tasks.c                                                         */
dividere_task_t *dividere_task_new (dividere_executor_t *self);
void dividere_task_free (dividere_executor_t *self, dividere_task_t *task);

/*  Frees what is spare.                                                     */
void dividere_tasks_term (dividere_executor_t *self);

/*  A request has been received into a task.                                 */
void dividere_task_received (dividere_desk_t *desk, dividere_task_t *task);

/*  The same for one that the owner answers itself, at once: it sets the outcome
 *  between the two.                                                         */
void dividere_task_accepted (dividere_desk_t *desk, dividere_task_t *task);
void dividere_task_answered (dividere_task_t *task);

/*  Its outcome is known.                                                    */
void dividere_task_done (dividere_executor_t *self, dividere_task_t *task);

/*  It has not been begun, and will not be.                                  */
void dividere_task_return (dividere_executor_t *self, dividere_task_t *task);

/*  The outcome is an error, with a text for people.                         */
void dividere_task_fail (dividere_task_t *task, dividere_status_t status,
                         const char *what, const char *detail);

/*  The next answer of a desk has been sent, or can never be.                */
void dividere_task_sent (dividere_desk_t *desk);
void dividere_task_drop (dividere_desk_t *desk);

/*  Tasks at a desk.                                                         */
static inline size_t
dividere_desk_count (const dividere_desk_t *self)
{
    return self->held.count + self->ready.count;
}

/*  executor_handlers.c                                                      */
extern const dividere_pool_class_t dividere_executor_threads;

/*  What any thread is calling; NULL: nothing.                               */
const char *dividere_executor_activity (const dividere_executor_t *self);

#endif
