/* SPDX-License-Identifier: Apache-2.0 */

/*  What is done with a request: handed out, given back, ended.              */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "dispatcher_internal.h"

static const char *const s_texts[DIVIDERE_STATUSES] = {
    [DIVIDERE_STATUS_BUSY] = "the broker has no room for more requests",
    [DIVIDERE_STATUS_EXPIRED] = "the deadline has passed",
    [DIVIDERE_STATUS_NO_WORKER] = "nobody serves this service",
    [DIVIDERE_STATUS_WORKER_LOST] = "the worker was lost with it",
    [DIVIDERE_STATUS_OUTCOME_UNKNOWN] = "the worker was lost with it, and it "
                                        "may have been executed",
    [DIVIDERE_STATUS_UNANSWERED] = "the handler gave no reply",
    [DIVIDERE_STATUS_DENIED] = "there is no right to this service",
};

void
dividere_frames_close (zmq_msg_t *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        zmq_msg_close (&frames[i]);
}

int
dividere_frames_extension (zmq_msg_t *frames, size_t count,
                           dividere_extension_t *ret_extension)
{
    return count >= 4 && zmq_msg_size (&frames[count - 2]) == 0 &&
                   dividere_extension_parse (zmq_msg_data (&frames[count - 3]),
                                             zmq_msg_size (&frames[count - 3]),
                                             ret_extension)
               ? (int) count - 3
               : -1;
}

static void
s_init_text (zmq_msg_t *frame, const char *text)
{
    int rc = zmq_msg_init_size (frame, strlen (text));
    assert (rc == 0);
    memcpy (zmq_msg_data (frame), text, strlen (text));
}

/*  In bytes of its own: those that were received may be shared with whoever
 *  sent them.                                                                */
static void
s_set_status (zmq_msg_t *frame, dividere_status_t status)
{
    zmq_msg_t own;
    int rc = zmq_msg_init_size (&own, zmq_msg_size (frame));
    assert (rc == 0);
    memcpy (zmq_msg_data (&own), zmq_msg_data (frame), zmq_msg_size (frame));
    dividere_extension_set_status (zmq_msg_data (&own), status,
                                   DIVIDERE_EXTENSION_BROKER);
    zmq_msg_move (frame, &own);
    zmq_msg_close (&own);
}

void
dividere_frames_refuse (dividere_dispatcher_t *self, zmq_msg_t *frames,
                        size_t count, int extension, dividere_status_t status)
{
    self->counts.errors[status]++;
    if (extension < 0) {
        self->counts.silent++;
        dividere_frames_close (frames, count);
        return;
    }
    s_set_status (&frames[extension], status);
    zmq_msg_close (&frames[count - 1]);
    s_init_text (&frames[count - 1], s_texts[status]);
    self->class.to_client (self->arg, frames, count);
}

void
dividere_request_trace (dividere_dispatcher_t *self,
                        dividere_request_t *request, dividere_hop_kind_t kind)
{
    if (!request->traced)
        return;
    size_t size;
    void *extension = dividere_request_extension (request, &size);
    if (extension)
        dividere_trace_add (extension, size, kind, self->client >> 8,
                            self->class.now_ns ());
}

void
dividere_request_tell (dividere_dispatcher_t *self, dividere_request_t *request,
                       dividere_status_t status, zmq_msg_t *payload)
{
    zmq_msg_t frames[DIVIDERE_REQUEST_FRAMES + 1];
    if (status != DIVIDERE_STATUS_OK)
        self->counts.errors[status]++;
    if (status != DIVIDERE_STATUS_OK && !request->extension) {
        self->counts.silent++;
        if (payload)
            zmq_msg_close (payload);
        return;
    }
    dividere_request_trace (self, request, DIVIDERE_HOP_REPLIED);
    size_t count = dividere_request_frames (request, frames);
    /* In what is sent, not in what is kept: it may still be handed out.     */
    if (request->extension)
        dividere_extension_set_status (zmq_msg_data (&frames[count - 2]),
                                       status, DIVIDERE_EXTENSION_BROKER);
    if (!payload)
        s_init_text (&frames[count], s_texts[status]);
    else {
        zmq_msg_init (&frames[count]);
        zmq_msg_move (&frames[count], payload);
        zmq_msg_close (payload);
    }
    self->class.to_client (self->arg, frames, count + 1);
}

static void
s_remove (dividere_dispatcher_t *self, dividere_request_t *request)
{
    self->abandoned -= request->abandoned;
    dividere_requests_remove (&self->requests, &request);
}

void
dividere_request_end (dividere_dispatcher_t *self, dividere_request_t *request,
                      dividere_status_t status, zmq_msg_t *payload)
{
    if (!request->abandoned)
        dividere_request_tell (self, request, status, payload);
    else if (payload)
        zmq_msg_close (payload);
    s_remove (self, request);
}

void
dividere_request_requeue (dividere_dispatcher_t *self,
                          dividere_request_t *request, bool executed,
                          int64_t now_us)
{
    dividere_worker_entry_t *worker =
        (dividere_worker_entry_t *) request->list->owner;
    dividere_lane_t *lane = (dividere_lane_t *) worker->crew->owner;
    if (request->abandoned)
        s_remove (self, request);
    else if (executed && request->strict)
        dividere_request_end (self, request, DIVIDERE_STATUS_OUTCOME_UNKNOWN,
                              NULL);
    else if (executed && request->requeues >= request->requeues_max)
        dividere_request_end (self, request, DIVIDERE_STATUS_WORKER_LOST, NULL);
    else {
        request->requeues += executed;
        self->counts.requeued++;
        dividere_requests_move (&self->requests, request, &lane->waiting, true,
                                now_us / 1000);
    }
}

/*  To a worker of this library every request has an extension frame, its
 *  client's or, in front, one of the broker.                                */
static size_t
s_frames_for (dividere_dispatcher_t *self, dividere_request_t *request,
              const dividere_worker_entry_t *worker, zmq_msg_t *frames,
              int64_t now_ms)
{
    uint32_t left_ms =
        dividere_extension_left (request->client_deadline_ms, now_ms);
    bool own = !request->extension && worker->dialect == DIVIDERE_DIALECT_C;
    size_t count = 1 + own;
    zmq_msg_init (&frames[0]);
    zmq_msg_copy (&frames[0], (zmq_msg_t *) &worker->id);
    if (own) {
        dividere_extension_t ours = { .id = request->id,
                                      .flags = DIVIDERE_EXTENSION_BROKER,
                                      .attempt =
                                          (uint8_t) (1 + request->requeues),
                                      .left_ms = left_ms };
        int rc =
            zmq_msg_init_size (&frames[1], dividere_extension_size (&ours));
        assert (rc == 0);
        dividere_extension_write (&ours, zmq_msg_data (&frames[1]));
    }
    if (request->extension) {
        size_t size;
        void *extension = dividere_request_extension (request, &size);
        dividere_extension_set_left (extension, left_ms);
        dividere_request_trace (self, request, DIVIDERE_HOP_HANDED);
    }
    count += dividere_request_frames (request, frames + count);
    zmq_msg_init (&frames[count]);
    zmq_msg_copy (&frames[count], &request->payload);
    return count + 1;
}

/*  Hands a request to a worker that can take it. Returns 0; or -1, and then the
 *  worker is out of the queue, and the request is where it was.             */
static int
s_hand (dividere_dispatcher_t *self, dividere_request_t *request,
        dividere_worker_entry_t *worker, int64_t now_us)
{
    zmq_msg_t frames[DIVIDERE_DISPATCHER_FRAMES];
    size_t count = s_frames_for (self, request, worker, frames, now_us / 1000);
    if (self->class.to_worker (self->arg, frames, count) < 0) {
        int error = errno;
        dividere_frames_close (frames, count);
        worker->stuck = true;
        dividere_workers_rank (worker, false);
        if (error == EHOSTUNREACH)
            dividere_worker_lose (self, worker, now_us);
        return -1;
    }
    request->beat = (uint32_t) worker->beat;
    worker->handed++;
    worker->behind = worker->unanswered;
    worker->unproven = DIVIDERE_UNPROVEN_SIGNS;
    worker->suspect_ms = now_us / 1000;
    self->counts.handed++;
    dividere_requests_move (&self->requests, request, &worker->requests, false,
                            now_us / 1000);
    dividere_workers_rank (worker, true);
    return 0;
}

void
dividere_lane_pump (dividere_dispatcher_t *self, dividere_lane_t *lane,
                    int64_t now_us)
{
    dividere_worker_entry_t *worker;
    dividere_request_t *request;
    while (!self->paused && (request = lane->waiting.first) &&
           (worker = dividere_crew_next (&lane->crew)) != NULL)
        if (request->client_deadline_ms >= 0 &&
            request->client_deadline_ms <= now_us / 1000)
            dividere_request_end (self, request, DIVIDERE_STATUS_EXPIRED, NULL);
        else
            s_hand (self, request, worker, now_us);
    dividere_lane_leave (self, lane);
}

void
dividere_request_place (dividere_dispatcher_t *self, dividere_lane_t *lane,
                        dividere_request_t *request, int64_t now_us)
{
    dividere_worker_entry_t *worker;
    while (!self->paused && !lane->waiting.first &&
           (worker = dividere_crew_next (&lane->crew)) != NULL)
        if (s_hand (self, request, worker, now_us) == 0)
            return;
    dividere_requests_move (&self->requests, request, &lane->waiting, false,
                            now_us / 1000);
    dividere_lane_pump (self, lane, now_us);
}
