/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_WORKER_INTERNAL_H
#define DIVIDERE_WORKER_INTERNAL_H

#include <stdatomic.h>
#include <dividere/worker.h>
#include "actor_internal.h"
#include "context_internal.h"
#include "drive.h"
#include "duplicates.h"
#include "pool.h"

/*  What the files of the worker share: worker.c has its states and timer,
 *  worker_commands.c its commands, worker_link.c the socket towards a broker,
 *  worker_sign.c the signs of life on it, worker_tasks.c the way of a request
 *  through it, and worker_handlers.c what its threads do.                   */

#define DIVIDERE_WORKER_CREDIT_MAX 1000 /* requests at a time, and threads    */
#define DIVIDERE_NEVER             INT64_MAX

typedef struct dividere_worker_t dividere_worker_t;
typedef struct dividere_link_t dividere_link_t;
typedef struct dividere_task_t dividere_task_t;

/*  One request, from receiving it to sending the answer.                    */
struct dividere_task_t {
    dividere_job_t job;        /* in the pool                               */
    dividere_task_t *next;     /* in a list of its link, or of the free ones */
    dividere_task_t *previous; /* in a list of its link                     */
    dividere_task_t *joined;   /* the next that gets the same answer        */
    dividere_link_t
        *link; /* the broker that waits for it; NULL: none any more */
    dividere_message_t *message; /* ours                                    */
    int extension; /* the index of its frame in the route; -1: none         */
    dividere_correlation_t id; /* what that says                            */
    uint8_t attempt;
    bool strict;
    int64_t deadline_ms; /* -1: none                                        */

    /*  The outcome, by the handler thread.                                  */
    bool replied; /* the handler has given an answer                        */
    bool handled; /* it was called                                          */
    int error;    /* FAILED, REFUSED                                        */
    dividere_status_t status;
    zmq_msg_t answer; /* always initialized                                 */
};

/*  In order of arrival.                                                     */
typedef struct {
    dividere_task_t *first;
    dividere_task_t *last;
    size_t count;
} dividere_tasks_t;

typedef dividere_served_t (dividere_ear_fn) (dividere_link_t *link,
                                             dividere_turn_t *turn);

/*  A socket in the drive of the worker, and who reads it.                   */
typedef struct {
    dividere_polled_t polled;
    dividere_link_t *link;
    dividere_ear_fn *serve;
} dividere_ear_t;

/*  The link to one broker.                                                  */
struct dividere_link_t {
    dividere_worker_t *worker;
    void *place; /* in the list of the worker                               */
    char *address;
    bool inproc; /* that has no handshake                                   */
    dividere_ear_t socket; /* a DEALER; without a handle while it is closed */
    dividere_ear_t sink;   /* libzmq's events of it                         */
    bool connected;
    bool before;   /* ... it has been                                         */
    bool told;     /* registered, since it is connected                      */
    bool c;        /* the broker has shown that it is of this library        */
    bool was_c;    /* ... the last time                                      */
    bool heard;    /* anything, since it is connected                        */
    bool leaving;  /* no more requests, please                               */
    bool farewell; /* ... the broker has agreed                              */
    bool sign_due; /* a sign of life is to be sent                           */
    uint64_t sign_number; /* of the one that it answers                      */
    uint32_t interval_ms; /* between signs of life; 0: the worker's own      */
    int64_t sent_ms;
    int64_t heard_ms;
    int64_t reopen_ms; /* while closed                                      */
    int64_t retry_ms;  /* what found no room                                */
    unsigned failures; /* to keep it open, in a row                         */
    dividere_tasks_t held;  /* without an answer yet                         */
    dividere_tasks_t ready; /* with one that is to be sent                   */
    dividere_answer_t left; /* of DISCONNECT                                 */
};

typedef enum {
    DIVIDERE_WORKER_NEW,
    DIVIDERE_WORKER_STARTING, /* threads are in on_init                      */
    DIVIDERE_WORKER_REFUSED,  /* on_init said no: threads end                */
    DIVIDERE_WORKER_RUNNING,
    DIVIDERE_WORKER_DRAINING,
    DIVIDERE_WORKER_ENDING /* has seen $TERM                                 */
} dividere_worker_state_t;

/*  All int64_t, for SET.                                                    */
typedef struct {
    int64_t threads;
    int64_t credit; /* 0: as many as threads                                */
    int64_t heartbeat_ms;
    int64_t window;
    int64_t window_bytes;
    int64_t window_age_ms;
} dividere_worker_settings_t;

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
    uint64_t expired;
    uint64_t dropped;
    uint64_t heartbeats_sent;
    uint64_t heartbeats_received;
    uint64_t reconnects;
} dividere_worker_counts_t;

struct dividere_worker_t {
    dividere_worker_config_t config;
    dividere_worker_settings_t settings;
    bool bytes;     /* the dialect                                          */
    char *service;  /* ours                                                 */
    char *identity; /* ours                                                 */
    dividere_actor_t *actor;
    dividere_worker_state_t state;
    dividere_drive_t *drive; /* over all sockets; NULL: no descriptors       */
    zlistx_t *links;         /* of dividere_link_t, ours                     */
    dividere_handlers_t handlers;
    dividere_pool_t *pool; /* NULL: not started                             */
    dividere_duplicates_t *duplicates;
    dividere_task_t *spare; /* to be used again, a list                      */
    size_t spare_count;
    _Atomic (const char *) *activities; /* what each thread is calling; ours */
    dividere_answer_t started;          /* of START                          */
    int start_error;                    /* of on_init                        */
    dividere_answer_t drained;          /* of DRAIN                          */
    int64_t end_ms; /* when it ends without a farewell; -1: threads run      */
    int timer;      /* of the loop; -1: none                               */
    int64_t timer_ms; /* when it fires                                       */
    dividere_worker_counts_t counts;
};

/*  worker.c. After anything has happened outside of a turn of the drive: serves
 *  what has arrived meanwhile, and looks at what is due.                    */
void dividere_worker_turn (dividere_worker_t *self);

/*  Makes the threads. 0, or an errno.                                       */
int dividere_worker_start (dividere_worker_t *self);

/*  Says goodbye to all brokers.                                             */
void dividere_worker_leave (dividere_worker_t *self);

/*  worker_commands.c                                                        */
extern const dividere_command_t dividere_worker_commands[];

void dividere_worker_defaults (dividere_worker_t *self);
void dividere_worker_stats (void *self, zmsg_t *values);

/*  Requests that it handles, and that it takes, at a time.                  */
size_t dividere_worker_parallel (const dividere_worker_t *self);
size_t dividere_worker_credit (const dividere_worker_t *self);

/*  worker_link.c. A link is closed at first.                                */
dividere_link_t *dividere_link_new (dividere_worker_t *worker,
                                    const char *address);
void dividere_link_destroy (dividere_link_t **self_p);

/*  0, or -1 with EMFILE or an errno of zmq_connect.                         */
int dividere_link_open (dividere_link_t *self);

/*  Asks for no more requests; what is in hand is still answered.            */
void dividere_link_leave (dividere_link_t *self);

/*  True if nothing is in hand, and nothing can come after it has left.      */
bool dividere_link_idle (const dividere_link_t *self);

/*  Sends what is due: signs of life, answers.                               */
void dividere_link_flush (dividere_link_t *self);

/*  Does what is due by time; when something will be.                        */
void dividere_link_tick (dividere_link_t *self, int64_t now_ms);
int64_t dividere_link_next (const dividere_link_t *self);

/*  "connecting", "registered", "c".                                         */
const char *dividere_link_state (const dividere_link_t *self);

/*  worker_sign.c. Reads a frame, which may be none.                         */
void dividere_sign_received (dividere_link_t *link, const void *data,
                             size_t size);

/*  Whether the broker may be told anything now: one that is not of this library
 *  would take it for the end of the request in hand.                        */
bool dividere_sign_allowed (const dividere_link_t *link);

/*  When the next is due, and when the broker is found silent. One that is not
 *  of this library need not say anything while it waits for an answer; and who
 *  binds an inproc address may come any time later.                         */
int64_t dividere_sign_at (const dividere_link_t *link);
int64_t dividere_sign_silent_at (const dividere_link_t *link);

/*  Sends one; the first since it is connected is the registration. 0, or -1
 *  with EAGAIN.                                                             */
int dividere_sign_send (dividere_link_t *link);

/*  worker_tasks.c                                                           */
dividere_task_t *dividere_task_new (dividere_worker_t *worker);
void dividere_task_free (dividere_worker_t *worker, dividere_task_t *task);

void dividere_tasks_term (dividere_worker_t *worker);

/*  A request has been received into a task.                                 */
void dividere_task_received (dividere_link_t *link, dividere_task_t *task);

/*  Its outcome is known.                                                    */
void dividere_task_done (dividere_worker_t *worker, dividere_task_t *task);

/*  It was not begun, and the worker ends.                                   */
void dividere_task_return (dividere_worker_t *worker, dividere_task_t *task);

/*  The next answer of a link has been sent, or can never be.                */
void dividere_task_sent (dividere_link_t *link);
void dividere_task_drop (dividere_link_t *link);

void dividere_tasks_append (dividere_tasks_t *self, dividere_task_t *task);
void dividere_tasks_remove (dividere_tasks_t *self, dividere_task_t *task);

/*  worker_handlers.c                                                        */
extern const dividere_pool_class_t dividere_worker_threads;

/*  What any thread is calling; NULL: nothing.                               */
const char *dividere_worker_activity (const dividere_worker_t *self);

#endif
