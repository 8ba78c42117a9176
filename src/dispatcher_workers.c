/* SPDX-License-Identifier: Apache-2.0 */

/*  Workers: their replies, and when they are gone.                          */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "dispatcher_internal.h"

#define SILENCE_MAX 3   /* intervals                                         */
#define TICK_BATCH  500 /* workers in one tick                               */

void
dividere_worker_lose (dividere_dispatcher_t *self,
                      dividere_worker_entry_t *worker, int64_t now_us)
{
    if (!worker->leaving || worker->requests.count)
        self->counts.workers_lost++;
    /* Backwards, each to the front: so their order stays.                   */
    while (worker->requests.last)
        dividere_request_requeue (self, worker->requests.last, true, now_us);
    if (worker->beat > self->beats)
        self->beats = worker->beat;
    dividere_workers_remove (&self->workers, &worker);
}

void
dividere_worker_replace (dividere_dispatcher_t *self,
                         dividere_worker_entry_t *worker, int64_t now_us)
{
    dividere_lane_t *lane = dividere_worker_lane (worker);
    dividere_worker_lose (self, worker, now_us);
    dividere_lane_pump (self, lane, now_us);
}

void
dividere_worker_release (dividere_dispatcher_t *self,
                         dividere_worker_entry_t *worker, int64_t now_us)
{
    dividere_lane_t *lane = dividere_worker_lane (worker);
    dividere_workers_rank (worker, false);
    dividere_lane_pump (self, lane, now_us);
}

/*  The request that a reply answers, by the extension frame that every request
 *  to a worker of this library has. NULL: the worker does not have it.      */
static dividere_request_t *
s_match_extended (dividere_dispatcher_t *self,
                  const dividere_worker_entry_t *worker, zmq_msg_t *frames,
                  size_t count, dividere_extension_t *ret_extension)
{
    bool ours =
        dividere_extension_parse (zmq_msg_data (&frames[1]),
                                  zmq_msg_size (&frames[1]), ret_extension) &&
        ret_extension->id.client == self->client;
    if (!ours && dividere_frames_extension (frames, count, ret_extension) < 0)
        return NULL;
    dividere_request_t *request =
        dividere_requests_find (&self->requests, &ret_extension->id);
    return request && request->list == &worker->requests ? request : NULL;
}

static dividere_request_t *
s_match (const dividere_worker_entry_t *worker, zmq_msg_t *frames, size_t count)
{
    dividere_request_t *request = worker->requests.first;
    dividere_extension_t extension;
    if (!request)
        return NULL;
    /* By its id, where it has one: its client may have moved since.         */
    bool matches =
        request->extension
            ? dividere_frames_extension (frames, count, &extension) >= 0 &&
                  extension.id.client == request->id.client &&
                  extension.id.number == request->id.number
            : dividere_request_routed (request, frames + 1, count - 2);
    return matches ? request : NULL;
}

/*  A reply to nothing, a second one, or one that comes too late.            */
static void
s_stray (dividere_dispatcher_t *self, zmq_msg_t *frames, size_t count)
{
    self->counts.stray++;
    dividere_frames_close (frames, count);
}

/*  Of what a worker may say: the rest is for brokers to say.                */
static dividere_status_t
s_status (uint8_t status)
{
    switch (status) {
    case DIVIDERE_STATUS_OK:
    case DIVIDERE_STATUS_EXPIRED:
    case DIVIDERE_STATUS_UNHANDLED:
    case DIVIDERE_STATUS_REFUSED:
    case DIVIDERE_STATUS_FAILED:
    case DIVIDERE_STATUS_RETURNED: return (dividere_status_t) status;
    default: return DIVIDERE_STATUS_UNANSWERED;
    }
}

/*  What the worker has added to it.                                         */
static void
s_adopt_trace (dividere_request_t *request, zmq_msg_t *frames, size_t count)
{
    size_t size;
    if (!request->traced || count < 4)
        return;
    void *extension = dividere_request_extension (request, &size);
    if (extension)
        dividere_trace_adopt (extension, size,
                              zmq_msg_data (&frames[count - 3]),
                              zmq_msg_size (&frames[count - 3]));
}

static void
s_reply (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
         zmq_msg_t *frames, size_t count, int64_t now_us)
{
    dividere_extension_t extension = { .status = DIVIDERE_STATUS_OK };
    dividere_request_t *request =
        worker->dialect == DIVIDERE_DIALECT_C
            ? s_match_extended (self, worker, frames, count, &extension)
            : s_match (worker, frames, count);
    if (!request) {
        s_stray (self, frames, count);
        return;
    }
    dividere_status_t status = worker->dialect == DIVIDERE_DIALECT_C
                                   ? s_status (extension.status)
                                   : DIVIDERE_STATUS_OK;
    if (status == DIVIDERE_STATUS_RETURNED) {
        dividere_request_requeue (self, request, false, now_us);
        dividere_frames_close (frames, count);
        /* It gets no other before it has said something else.               */
        worker->stuck = true;
    }
    else {
        self->counts.stray += request->abandoned;
        self->counts.replied += !request->abandoned;
        worker->replied++;
        if (!request->abandoned)
            dividere_histogram_add (&self->counts.latency,
                                    now_us - request->since_us);
        s_adopt_trace (request, frames, count);
        dividere_request_end (self, request, status, &frames[count - 1]);
        dividere_frames_close (frames, count - 1);
    }
    dividere_worker_release (self, worker, now_us);
}

void
dividere_worker_heard (dividere_dispatcher_t *self,
                       dividere_worker_entry_t *worker, int64_t now_us)
{
    worker->stuck = false;
    dividere_workers_heard (&self->workers, worker, now_us / 1000);
}

void
dividere_dispatcher_from_worker (dividere_dispatcher_t *self, zmq_msg_t *frames,
                                 size_t count, int64_t now_us)
{
    if (count < 2) {
        self->counts.backend_malformed++;
        dividere_frames_close (frames, count);
        return;
    }
    dividere_worker_entry_t *worker =
        dividere_workers_find (&self->workers, zmq_msg_data (&frames[0]),
                               zmq_msg_size (&frames[0]));
    if (count > 2 && worker) {
        dividere_worker_heard (self, worker, now_us);
        s_reply (self, worker, frames, count, now_us);
    }
    else if (count > 2)
        s_stray (self, frames, count);
    else {
        dividere_worker_sign (self, worker, frames, now_us);
        dividere_frames_close (frames, count);
    }
}

/*  A worker that says nothing while it works is judged by whether it can be
 *  reached.                                                                 */
static bool
s_excused (const dividere_worker_entry_t *worker)
{
    return worker->dialect != DIVIDERE_DIALECT_C &&
           dividere_worker_busy (worker);
}

/*  When a worker is gone that was heard then. Nobody is while the broker itself
 *  did not listen.                                                          */
static int64_t
s_gone_ms (const dividere_dispatcher_t *self,
           const dividere_worker_entry_t *worker)
{
    int64_t since_ms =
        worker->heard_ms > self->grace_ms ? worker->heard_ms : self->grace_ms;
    return since_ms + SILENCE_MAX * self->limits.heartbeat_ms;
}

bool
dividere_workers_tick (dividere_dispatcher_t *self, int64_t now_us)
{
    int64_t now_ms = now_us / 1000;
    int64_t interval_ms = self->limits.heartbeat_ms;
    dividere_worker_entry_t *worker;
    int left = TICK_BATCH;
    if (self->grace || now_ms - self->ticked_ms > interval_ms + interval_ms / 2)
        self->grace_ms = now_ms;
    self->grace = false;
    self->ticked_ms = now_ms;
    while ((worker = dividere_workers_silent (&self->workers)) &&
           s_gone_ms (self, worker) <= now_ms && left-- > 0) {
        if (s_excused (worker))
            dividere_workers_heard (&self->workers, worker, now_ms);
        else
            dividere_worker_replace (self, worker, now_us);
    }
    while ((worker = dividere_workers_untold (&self->workers)) &&
           worker->told_ms + interval_ms <= now_ms && left-- > 0)
        dividere_worker_tell (self, worker, now_us);
    return left < 0;
}

int64_t
dividere_dispatcher_next (const dividere_dispatcher_t *self)
{
    int64_t next_ms = dividere_deadlines_next (&self->requests.deadlines);
    const dividere_worker_entry_t *silent =
        dividere_workers_silent (&self->workers);
    if (!silent)
        return next_ms;
    int64_t interval_ms = self->limits.heartbeat_ms;
    int64_t at_ms =
        dividere_workers_untold (&self->workers)->told_ms + interval_ms;
    if (next_ms < 0 || at_ms < next_ms)
        next_ms = at_ms;
    at_ms = s_gone_ms (self, silent);
    return at_ms < next_ms ? at_ms : next_ms;
}

int
dividere_dispatcher_drain_worker (dividere_dispatcher_t *self, const void *id,
                                  size_t size)
{
    dividere_worker_entry_t *worker =
        dividere_workers_find (&self->workers, id, size);
    if (!worker) {
        errno = ENOENT;
        return -1;
    }
    worker->draining = true;
    dividere_workers_rank (worker, false);
    return 0;
}
