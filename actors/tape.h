/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TAPE_H
#define DIVIDERE_TAPE_H

#include <zmq.h>
#include "actor_internal.h"
#include "alarm.h"
#include "pool.h"
#include "record_writer.h"

/*  What a recorder does with what it has received: a thread of a pool writes.
 *  Two batches change places between it and the actor's thread, so that neither
 *  waits for the other; what finds them full is dropped and counted.
 *
 *  state    event                                     then
 *  new      dividere_tape_open                        opening
 *  opening  the folder is there, or could not be made running, new
 *  running  dividere_tape_end                         ending
 *  ending   all is written                            (the actor ends)      */

typedef enum {
    DIVIDERE_TAPE_NEW,
    DIVIDERE_TAPE_OPENING,
    DIVIDERE_TAPE_RUNNING,
    DIVIDERE_TAPE_ENDING
} dividere_tape_state_t;

typedef struct {
    zmq_msg_t frame;
    int64_t time_ns;
} dividere_received_t;

/*  What the writer is given at once.                                        */
typedef struct {
    dividere_job_t job;
    dividere_received_t *messages; /* ours                                   */
    size_t count;
    size_t room;
    size_t bytes;
    uint64_t dropped; /* behind the messages                                 */
} dividere_batch_t;

typedef struct {
    const char *folder; /* not ours                                          */
    dividere_record_options_t record;
    size_t queue_bytes;
    int64_t interval_ms;
} dividere_tape_options_t;

typedef struct {
    dividere_actor_t *actor; /* not ours                                     */
    dividere_tape_options_t options;
    dividere_tape_state_t state;
    dividere_answer_t opening;
    dividere_answer_t flushing;
    int lost;        /* errno of the first failure since the last FLUSH      */
    bool flush_next; /* the batch at work is not the one FLUSH waits for     */
    void (*on_open) (void *arg);
    void *arg;
    dividere_alarm_t alarm;
    dividere_pool_t *pool; /* ours; one thread                               */
    dividere_batch_t batches[2];
    dividere_batch_t *filling;
    dividere_batch_t *writing; /* NULL: nothing is at work                   */
    int64_t clock_ns; /* from 1970 to the start of the monotonic clock       */
    dividere_record_counts_t counts; /* as of the last batch                 */
    bool troubled;                   /* so the log was told                  */
    int64_t told_ms;                 /* when                                 */

    /*  Of the pool's thread, while it has work.                             */
    dividere_record_writer_t *writer;
    dividere_record_counts_t written;
    int failure; /* of the batch at work; an errno                           */
} dividere_tape_t;

void dividere_tape_init (dividere_tape_t *self, dividere_actor_t *actor);

/*  Last of all. Waits for the thread.                                       */
void dividere_tape_term (dividere_tape_t *self);

/*  Begins to open, in the actor's command START: its reply comes when that has
 *  succeeded, after a call of on_open, or not. DIVIDERE_LATER, EALREADY, or an
 *  errno of dividere_pool_new.                                              */
int dividere_tape_open (dividere_tape_t *self,
                        const dividere_tape_options_t *options,
                        void (*on_open) (void *arg), void *arg);

/*  Takes a frame that has just been received.                               */
void dividere_tape_keep (dividere_tape_t *self, zmq_msg_t *frame);

/*  After some of them.                                                      */
void dividere_tape_turn (dividere_tape_t *self);

/*  In the actor's command FLUSH: its reply comes when all is in the file.
 *  DIVIDERE_LATER, EINVAL (it is not open), EBUSY (another waits).          */
int dividere_tape_flush (dividere_tape_t *self);

/*  True if the actor can end now; else it will be ended when all is written. */
bool dividere_tape_end (dividere_tape_t *self);

/*  Messages, and bytes, that wait.                                          */
size_t dividere_tape_waiting (const dividere_tape_t *self, size_t *ret_bytes);

/*  All that is not in the recording.                                        */
uint64_t dividere_tape_dropped (const dividere_tape_t *self);

#endif
