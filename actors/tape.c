/* SPDX-License-Identifier: Apache-2.0 */

#include "tape.h"
#include <assert.h>
#include <errno.h>
#include <time.h>
#include "log_internal.h"

#define FULL     (256u << 10) /* bytes of a batch that waits no longer        */
#define QUIET_MS 1000 /* between two lines of the log                  */

static int64_t
s_clock_ns (clockid_t clock)
{
    struct timespec now;
    clock_gettime (clock, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

/*  The next three in the thread of the pool.                                */
static int
s_open (void *arg, size_t thread)
{
    dividere_tape_t *self = (dividere_tape_t *) arg;
    self->writer = dividere_record_writer_new (self->options.folder,
                                               &self->options.record);
    return self->writer ? 0 : errno;
}

static void
s_write (void *arg, size_t thread, dividere_job_t *job)
{
    dividere_tape_t *self = (dividere_tape_t *) arg;
    dividere_batch_t *batch = (dividere_batch_t *) job;
    for (size_t i = 0; i < batch->count; i++) {
        dividere_received_t *one = &batch->messages[i];
        dividere_record_writer_put (self->writer, one->time_ns,
                                    zmq_msg_data (&one->frame),
                                    zmq_msg_size (&one->frame));
        zmq_msg_close (&one->frame);
    }
    dividere_record_writer_drop (self->writer, batch->dropped);
    self->failure = dividere_record_writer_flush (self->writer);
    dividere_record_writer_counts (self->writer, &self->written);
}

static void
s_close (void *arg, size_t thread)
{
    dividere_tape_t *self = (dividere_tape_t *) arg;
    dividere_record_writer_destroy (&self->writer);
}

static const dividere_pool_class_t s_pool = { s_open, s_write, s_close };

/*  Gives the batch to the writer, if that has nothing else to do.           */
static void
s_submit (dividere_tape_t *self)
{
    dividere_batch_t *batch = self->filling;
    if (self->writing || !(batch->count || batch->dropped || self->flush_next))
        return;
    self->writing = batch;
    self->flush_next = false;
    self->filling = &self->batches[batch == self->batches];
    dividere_alarm_set (&self->alarm, -1);
    dividere_pool_submit (self->pool, &batch->job);
    dividere_pool_flush (self->pool);
}

static int
s_on_alarm (zloop_t *loop, int timer, void *arg)
{
    dividere_tape_t *self = (dividere_tape_t *) arg;
    dividere_alarm_rang (&self->alarm, timer);
    s_submit (self);
    return 0;
}

void
dividere_tape_init (dividere_tape_t *self, dividere_actor_t *actor)
{
    *self = (dividere_tape_t){ .actor = actor };
    self->filling = self->batches;
    dividere_alarm_init (&self->alarm, dividere_actor_loop (actor), s_on_alarm,
                         self);
}

static void
s_empty (dividere_batch_t *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        zmq_msg_close (&batch->messages[i].frame);
    freen (batch->messages);
}

void
dividere_tape_term (dividere_tape_t *self)
{
    if (self->pool) {
        /* Not asked to end: the context is closed.                          */
        if (self->state == DIVIDERE_TAPE_RUNNING)
            s_submit (self);
        dividere_pool_destroy (&self->pool);
    }
    if (self->writing)
        self->writing->count = 0;
    for (int i = 0; i < 2; i++)
        s_empty (&self->batches[i]);
}

void
dividere_tape_keep (dividere_tape_t *self, zmq_msg_t *frame)
{
    dividere_batch_t *batch = self->filling;
    size_t size = zmq_msg_size (frame) + sizeof (dividere_received_t);
    size_t used = batch->bytes + (self->writing ? self->writing->bytes : 0);
    /* Once there is a gap, what follows is on the other side of it.         */
    if (batch->dropped || size + used > self->options.queue_bytes) {
        batch->dropped++;
        zmq_msg_close (frame);
        return;
    }
    if (batch->count == batch->room) {
        batch->room = batch->room ? 2 * batch->room : 1024;
        batch->messages = (dividere_received_t *)
            realloc (batch->messages, batch->room * sizeof (*batch->messages));
        assert (batch->messages);
    }
    dividere_received_t *one = &batch->messages[batch->count++];
    zmq_msg_init (&one->frame);
    zmq_msg_move (&one->frame, frame);
    one->time_ns = self->clock_ns + s_clock_ns (CLOCK_MONOTONIC);
    batch->bytes += size;
}

void
dividere_tape_turn (dividere_tape_t *self)
{
    const dividere_batch_t *batch = self->filling;
    if (self->writing || !(batch->count || batch->dropped))
        return;
    if (batch->bytes >= FULL || batch->dropped ||
        self->state == DIVIDERE_TAPE_ENDING || self->flush_next)
        s_submit (self);
    else if (self->alarm.at_ms < 0)
        dividere_alarm_set (&self->alarm,
                            zclock_mono () + self->options.interval_ms);
}

/*  A full disk is one line, and one when it is over.                        */
static void
s_tell_trouble (dividere_tape_t *self, uint64_t dropped_before)
{
    const dividere_record_counts_t *counts = &self->counts;
    bool troubled = counts->error || counts->dropped > dropped_before;
    int64_t now_ms = zclock_mono ();
    if (troubled == self->troubled ||
        (self->told_ms && now_ms < self->told_ms + QUIET_MS))
        return;
    self->troubled = troubled;
    self->told_ms = now_ms;
    const char *reason = counts->error ? strerror (counts->error)
                                       : "it comes faster than it is written";
    dividere_log (DIVIDERE_LOG_WARNING, "%s: %s: %s%s; %llu dropped so far",
                  dividere_actor_name (self->actor), self->options.folder,
                  troubled ? "messages are dropped: " : "it is written again",
                  troubled ? reason : "", (unsigned long long) counts->dropped);
}

static void
s_take_back (dividere_tape_t *self, dividere_batch_t *batch)
{
    uint64_t dropped = self->counts.dropped;
    assert (batch == self->writing);
    batch->count = batch->bytes = 0;
    batch->dropped = 0;
    self->writing = NULL;
    self->counts = self->written;
    s_tell_trouble (self, dropped);
    if (!self->lost)
        self->lost = self->failure;
    if (self->flush_next)
        s_submit (self);
    else if (self->flushing.due) {
        dividere_actor_answer (self->actor, &self->flushing, self->lost, NULL);
        self->lost = 0;
    }
    dividere_tape_turn (self);
}

static int s_handle_pool (zloop_t *loop, zmq_pollitem_t *item, void *arg);

static void
s_watch_pool (dividere_tape_t *self, bool watched)
{
    zloop_t *loop = dividere_actor_loop (self->actor);
    zmq_pollitem_t item = { NULL, dividere_pool_fd (self->pool), ZMQ_POLLIN,
                            0 };
    if (!watched) {
        zloop_poller_end (loop, &item);
        return;
    }
    zloop_poller (loop, &item, s_handle_pool, self);
    zloop_poller_set_tolerant (loop, &item);
}

static void
s_opened (dividere_tape_t *self, int error)
{
    if (error) {
        s_watch_pool (self, false);
        dividere_pool_destroy (&self->pool);
        self->state = DIVIDERE_TAPE_NEW;
    }
    else {
        self->state = DIVIDERE_TAPE_RUNNING;
        self->clock_ns =
            s_clock_ns (CLOCK_REALTIME) - s_clock_ns (CLOCK_MONOTONIC);
        self->on_open (self->arg);
    }
    dividere_actor_answer (self->actor, &self->opening, error, NULL);
}

static int
s_handle_pool (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    dividere_tape_t *self = (dividere_tape_t *) arg;
    dividere_job_t *job;
    int error;
    dividere_pool_collect (self->pool);
    if (self->state == DIVIDERE_TAPE_OPENING) {
        if (dividere_pool_started (self->pool, &error))
            s_opened (self, error);
        return 0;
    }
    while ((job = dividere_pool_done (self->pool)))
        s_take_back (self, (dividere_batch_t *) job);
    if (self->state == DIVIDERE_TAPE_ENDING && !self->writing)
        dividere_pool_end (self->pool);
    if (dividere_pool_ended (self->pool))
        dividere_actor_end (self->actor);
    return 0;
}

int
dividere_tape_open (dividere_tape_t *self,
                    const dividere_tape_options_t *options,
                    void (*on_open) (void *arg), void *arg)
{
    if (self->state != DIVIDERE_TAPE_NEW)
        return EALREADY;
    self->options = *options;
    self->on_open = on_open;
    self->arg = arg;
    self->pool = dividere_pool_new (&s_pool, self, 1);
    if (!self->pool)
        return errno;
    self->state = DIVIDERE_TAPE_OPENING;
    s_watch_pool (self, true);
    dividere_actor_defer (self->actor, &self->opening);
    return DIVIDERE_LATER;
}

int
dividere_tape_flush (dividere_tape_t *self)
{
    if (self->state != DIVIDERE_TAPE_RUNNING)
        return EINVAL;
    if (self->flushing.due)
        return EBUSY;
    self->flush_next = true;
    dividere_actor_defer (self->actor, &self->flushing);
    s_submit (self);
    return DIVIDERE_LATER;
}

bool
dividere_tape_end (dividere_tape_t *self)
{
    if (self->state == DIVIDERE_TAPE_NEW)
        return true;
    if (self->state == DIVIDERE_TAPE_OPENING) {
        dividere_actor_answer (self->actor, &self->opening, ECANCELED, NULL);
        s_watch_pool (self, false);
        return true;
    }
    if (self->state == DIVIDERE_TAPE_ENDING)
        return false;
    self->state = DIVIDERE_TAPE_ENDING;
    dividere_actor_busy (self->actor, "the disk");
    s_submit (self);
    if (!self->writing)
        dividere_pool_end (self->pool);
    return false;
}

size_t
dividere_tape_waiting (const dividere_tape_t *self, size_t *ret_bytes)
{
    const dividere_batch_t *writing = self->writing;
    *ret_bytes = self->filling->bytes + (writing ? writing->bytes : 0);
    return self->filling->count + (writing ? writing->count : 0);
}

uint64_t
dividere_tape_dropped (const dividere_tape_t *self)
{
    const dividere_batch_t *writing = self->writing;
    return self->counts.dropped + self->filling->dropped +
           (writing ? writing->dropped : 0);
}
