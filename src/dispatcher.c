/* SPDX-License-Identifier: Apache-2.0 */

/*  The life of a request.
 *
 *  state      event                          then
 *  (none)     it comes, a worker is free     handed out
 *  (none)     it comes, none is, room        waits
 *  (none)     it comes, no room              its client is told, gone
 *  waits      a worker is free               handed out
 *  waits      its deadline, or too old       its client is told, gone
 *  handed out its worker replies             its client is told, gone
 *  handed out its worker is gone             waits, in front; or its client is
 *                                            told, gone
 *  handed out its worker gives it back       waits, in front
 *  handed out its deadline                   its client is told, abandoned
 *  abandoned  its worker replies or is gone  gone
 *  any        it comes again (same id)       as it is, with its new deadline  */

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "dispatcher_internal.h"

#define DUE_BATCH 1000 /* deadlines in one tick                              */

static const char *const s_texts[DIVIDERE_STATUSES] = {
    [DIVIDERE_STATUS_BUSY] = "the broker has no room for more requests",
    [DIVIDERE_STATUS_EXPIRED] = "the deadline has passed",
    [DIVIDERE_STATUS_NO_WORKER] = "nobody serves this service",
    [DIVIDERE_STATUS_WORKER_LOST] = "the worker was lost with it",
    [DIVIDERE_STATUS_OUTCOME_UNKNOWN] = "the worker was lost with it, and it "
                                        "may have been executed",
    [DIVIDERE_STATUS_UNANSWERED] = "the handler gave no reply",
};

dividere_dispatcher_t *
dividere_dispatcher_new (const dividere_dispatcher_class_t *class, void *arg)
{
    dividere_dispatcher_t *self =
        (dividere_dispatcher_t *) calloc (1, sizeof (*self));
    assert (self);
    self->class = *class;
    self->arg = arg;
    dividere_requests_init (&self->requests);
    dividere_workers_init (&self->workers);
    dividere_table_init (&self->lanes);
    dividere_hash_init (&self->hash);
    self->common = dividere_lane_of (self, "", 0);
    randombytes_buf (&self->client, sizeof (self->client));
    return self;
}

void
dividere_dispatcher_limit (dividere_dispatcher_t *self,
                           const dividere_dispatcher_limits_t *limits)
{
    self->limits = *limits;
    dividere_requests_limit (&self->requests, &limits->requests);
}

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

/*  Answers frames that have not become a request, in place.                 */
static void
s_refuse (dividere_dispatcher_t *self, zmq_msg_t *frames, size_t count,
          int extension, dividere_status_t status)
{
    self->counts.errors[status]++;
    if (extension < 0) {
        self->counts.silent++;
        dividere_frames_close (frames, count);
        return;
    }
    dividere_extension_set_status (zmq_msg_data (&frames[extension]), status,
                                   DIVIDERE_EXTENSION_BROKER);
    zmq_msg_close (&frames[count - 1]);
    s_init_text (&frames[count - 1], s_texts[status]);
    self->class.to_client (self->arg, frames, count);
}

/*  Tells the client; takes payload.                                         */
static void
s_tell (dividere_dispatcher_t *self, dividere_request_t *request,
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
    if (request->extension)
        dividere_extension_set_status (dividere_request_extension (request),
                                       status, DIVIDERE_EXTENSION_BROKER);
    size_t count = dividere_request_frames (request, frames);
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
        s_tell (self, request, status, payload);
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
    if (request->extension)
        dividere_extension_set_left (dividere_request_extension (request),
                                     left_ms);
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
    request->beat = worker->beat;
    worker->handed++;
    worker->unproven = worker->unanswered + DIVIDERE_UNPROVEN_SIGNS;
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
    while (!self->paused && lane->waiting.first &&
           (worker = dividere_crew_next (&lane->crew)) != NULL)
        s_hand (self, lane->waiting.first, worker, now_us);
    dividere_lane_leave (self, lane);
}

static int64_t
s_deadline (const dividere_extension_t *extension, int64_t now_us)
{
    return extension->left_ms == DIVIDERE_EXTENSION_NO_DEADLINE
               ? -1
               : now_us / 1000 + extension->left_ms;
}

/*  The client asks again for what is here already.                          */
static void
s_join (dividere_dispatcher_t *self, dividere_request_t *request,
        const dividere_extension_t *extension, zmq_msg_t *frames, size_t count,
        int index, int64_t now_us)
{
    self->counts.joined++;
    self->abandoned -= request->abandoned;
    dividere_requests_extend (&self->requests, request,
                              s_deadline (extension, now_us), now_us / 1000);
    if (!dividere_request_same_way (request, frames, count - 1))
        dividere_requests_reroute (&self->requests, request, frames, count,
                                   index);
    dividere_frames_close (frames, count);
}

static size_t
s_bytes (zmq_msg_t *frames, size_t count)
{
    size_t bytes = sizeof (dividere_request_t);
    for (size_t i = 0; i < count; i++)
        bytes += zmq_msg_size (&frames[i]);
    return bytes;
}

/*  What the request says of itself; a client that says nothing is one that was
 *  given a number by the broker.                                            */
static void
s_describe (dividere_dispatcher_t *self, dividere_request_t *request,
            const dividere_extension_t *extension, int64_t now_us)
{
    request->since_us = now_us;
    request->requeues_max = (uint8_t) self->limits.requeues;
    if (!extension)
        return;
    request->client_deadline_ms = s_deadline (extension, now_us);
    request->strict = extension->flags & DIVIDERE_EXTENSION_STRICT;
    if (extension->requeues != DIVIDERE_EXTENSION_ANY_REQUEUE)
        request->requeues_max = extension->requeues;
}

/*  Hands it out at once or lets it wait.                                    */
static void
s_place (dividere_dispatcher_t *self, dividere_lane_t *lane,
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

/*  A new request. Returns the status that it is refused with, or OK; the frames
 *  are taken then.                                                          */
static dividere_status_t
s_accept (dividere_dispatcher_t *self, zmq_msg_t *frames, size_t count,
          int index, const dividere_extension_t *extension, int64_t now_us)
{
    if (extension && extension->left_ms == 0)
        return DIVIDERE_STATUS_EXPIRED;
    if (self->draining)
        return DIVIDERE_STATUS_BUSY;
    dividere_lane_t *lane = extension
                                ? dividere_lane_of (self, extension->service,
                                                    extension->service_size)
                                : self->common;
    if (!lane)
        return DIVIDERE_STATUS_NO_WORKER;
    bool waits = self->paused || lane->waiting.first ||
                 !dividere_crew_next (&lane->crew);
    if (waits &&
        !dividere_requests_room (&self->requests, s_bytes (frames, count))) {
        dividere_lane_leave (self, lane);
        return DIVIDERE_STATUS_BUSY;
    }
    dividere_correlation_t id = { self->client, 0 };
    if (extension)
        id = extension->id;
    else
        id.number = ++self->number;
    dividere_request_t *request =
        dividere_requests_add (&self->requests, &id, frames, count, index);
    if (!request) {
        self->counts.malformed_frontend++;
        dividere_lane_leave (self, lane);
    }
    dividere_frames_close (frames, count);
    if (!request)
        return DIVIDERE_STATUS_OK;
    s_describe (self, request, extension, now_us);
    s_place (self, lane, request, now_us);
    return DIVIDERE_STATUS_OK;
}

void
dividere_dispatcher_from_client (dividere_dispatcher_t *self, zmq_msg_t *frames,
                                 size_t count, int64_t now_us)
{
    dividere_extension_t extension;
    int index = dividere_frames_extension (frames, count, &extension);
    self->counts.received++;
    if (count < 2 || (index >= 0 && (extension.status != DIVIDERE_STATUS_OK ||
                                     extension.id.client == self->client))) {
        self->counts.malformed_frontend++;
        dividere_frames_close (frames, count);
        return;
    }
    dividere_request_t *request =
        index < 0 ? NULL
                  : dividere_requests_find (&self->requests, &extension.id);
    if (request) {
        s_join (self, request, &extension, frames, count, index, now_us);
        return;
    }
    dividere_status_t status = s_accept (self, frames, count, index,
                                         index < 0 ? NULL : &extension, now_us);
    if (status != DIVIDERE_STATUS_OK)
        s_refuse (self, frames, count, index, status);
}

void
dividere_dispatcher_refuse (dividere_dispatcher_t *self, bool worker)
{
    if (worker)
        self->counts.malformed_backend++;
    else
        self->counts.malformed_frontend++;
}

/*  The broker ends.                                                         */
static void
s_give_up (dividere_dispatcher_t *self, dividere_request_t *request)
{
    dividere_request_end (self, request,
                          request->list->waiting ? DIVIDERE_STATUS_BUSY
                          : request->strict ? DIVIDERE_STATUS_OUTCOME_UNKNOWN
                                            : DIVIDERE_STATUS_WORKER_LOST,
                          NULL);
}

size_t
dividere_dispatcher_destroy (dividere_dispatcher_t **self_p)
{
    assert (self_p);
    dividere_dispatcher_t *self = *self_p;
    if (!self)
        return 0;
    uint64_t silent = self->counts.silent;
    dividere_entry_t *entry;
    while ((entry = dividere_table_any (&self->requests.table)))
        s_give_up (self, (dividere_request_t *) entry);
    size_t left = (size_t) (self->counts.silent - silent);
    while ((entry = dividere_table_any (&self->workers.table))) {
        dividere_worker_entry_t *worker = (dividere_worker_entry_t *) entry;
        dividere_workers_remove (&self->workers, &worker);
    }
    while (self->common->next)
        dividere_lane_leave (self, self->common->next);
    free (self->common);
    dividere_requests_term (&self->requests);
    dividere_workers_term (&self->workers);
    dividere_table_term (&self->lanes);
    free (self);
    *self_p = NULL;
    return left;
}

static void
s_expire (dividere_dispatcher_t *self, dividere_request_t *request,
          int64_t now_us)
{
    bool over = request->client_deadline_ms >= 0 &&
                request->client_deadline_ms <= now_us / 1000;
    if (!request->list->waiting) {
        s_tell (self, request, DIVIDERE_STATUS_EXPIRED, NULL);
        self->abandoned++;
        dividere_requests_abandon (&self->requests, request);
        return;
    }
    dividere_lane_t *lane = (dividere_lane_t *) request->list->owner;
    dividere_status_t status = over                 ? DIVIDERE_STATUS_EXPIRED
                               : lane->crew.workers ? DIVIDERE_STATUS_BUSY
                                                    : DIVIDERE_STATUS_NO_WORKER;
    dividere_request_end (self, request, status, NULL);
    dividere_lane_leave (self, lane);
}

int64_t
dividere_dispatcher_tick (dividere_dispatcher_t *self, int64_t now_us)
{
    dividere_request_t *request = NULL;
    for (int i = 0; i < DUE_BATCH; i++) {
        request = dividere_requests_due (&self->requests, now_us / 1000);
        if (!request)
            break;
        s_expire (self, request, now_us);
    }
    bool more = dividere_workers_tick (self, now_us);
    return request || more ? now_us / 1000 : dividere_dispatcher_next (self);
}

void
dividere_dispatcher_pause (dividere_dispatcher_t *self, bool paused,
                           int64_t now_us)
{
    self->paused = paused;
    for (dividere_lane_t *lane = self->first, *next; lane; lane = next) {
        next = lane->next;
        dividere_lane_pump (self, lane, now_us);
    }
}

void
dividere_dispatcher_drain (dividere_dispatcher_t *self)
{
    self->draining = true;
}

size_t
dividere_dispatcher_left (const dividere_dispatcher_t *self)
{
    return self->requests.pending + self->requests.in_flight - self->abandoned;
}

const dividere_dispatcher_counts_t *
dividere_dispatcher_counts (const dividere_dispatcher_t *self)
{
    return &self->counts;
}

const dividere_requests_t *
dividere_dispatcher_requests (const dividere_dispatcher_t *self)
{
    return &self->requests;
}

const dividere_workers_t *
dividere_dispatcher_workers (const dividere_dispatcher_t *self)
{
    return &self->workers;
}
