/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_WORKER_INTERNAL_H
#define DIVIDERE_WORKER_INTERNAL_H

#include <dividere/worker.h>
#include "alarm.h"
#include "drive.h"
#include "executor.h"

/*  What the files of the worker share: worker.c has its life and its timer,
 *  worker_commands.c its commands, worker_link.c the socket towards a broker,
 *  worker_sign.c the signs of life on it. What becomes of requests is up to its
 *  executor.                                                                */

typedef struct dividere_worker_t dividere_worker_t;
typedef struct dividere_link_t dividere_link_t;

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
    dividere_desk_t desk; /* requests of the broker; first of all            */
    dividere_worker_t *worker;
    void *place; /* in the list of the worker                               */
    char *address;
    bool inproc; /* that has no handshake                                   */
    dividere_ear_t socket; /* a DEALER; without a handle while it is closed */
    dividere_ear_t sink;   /* libzmq's events of it                         */
    unsigned doubts; /* handshakes that failed, in a row                    */
    int refusal; /* why the broker does not let it in; 0: it does           */
    bool connected;
    bool before;   /* ... it has been                                         */
    bool told;     /* registered, since it is connected                      */
    bool was_c;    /* it was of this library, the last time                  */
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
    dividere_answer_t left; /* of DISCONNECT                                 */
};

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
    uint64_t heartbeats_sent;
    uint64_t heartbeats_received;
    uint64_t reconnects;
} dividere_worker_counts_t;

struct dividere_worker_t {
    dividere_worker_settings_t settings;
    bool bytes;     /* the dialect                                          */
    char *service;  /* ours                                                 */
    char *identity; /* ours                                                 */
    dividere_actor_t *actor;
    dividere_drive_t *drive; /* over all sockets; NULL: no descriptors       */
    zlistx_t *links;         /* of dividere_link_t, ours                     */
    dividere_executor_t executor;
    dividere_answer_t drained; /* of DRAIN                          */
    int64_t end_ms; /* when it ends without a farewell; -1: threads run      */
    dividere_alarm_t alarm; /* of what is due next                          */
    dividere_worker_counts_t counts;
};

/*  worker.c. After anything has happened outside of a turn of the drive: serves
 *  what has arrived meanwhile, and looks at what is due.                    */
void dividere_worker_turn (dividere_worker_t *self);

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

#endif
