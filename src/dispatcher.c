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
 *  any        it comes again (same id)       stays, with its new deadline    */

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "dispatcher_internal.h"

#define DUE_BATCH 1000 /* deadlines in one tick                              */

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
    self->common = dividere_lane_of (self, "", 0, true);
    randombytes_buf (&self->client, sizeof (self->client));
    return self;
}

void
dividere_dispatcher_limit (dividere_dispatcher_t *self,
                           const dividere_dispatcher_limits_t *limits)
{
    self->grace |= limits->heartbeat_ms < self->limits.heartbeat_ms;
    self->limits = *limits;
    dividere_requests_limit (&self->requests, &limits->requests);
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
    request->traced = extension->trace && self->class.now_ns;
    dividere_request_trace (self, request, DIVIDERE_HOP_QUEUED);
    if (extension->requeues != DIVIDERE_EXTENSION_ANY_REQUEUE)
        request->requeues_max = extension->requeues;
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
    dividere_lane_t *lane =
        extension ? dividere_lane_of (self, extension->service,
                                      extension->service_size, false)
                  : self->common;
    if (!lane)
        return DIVIDERE_STATUS_NO_WORKER;
    bool waits = self->paused || lane->waiting.first ||
                 !dividere_crew_next (&lane->crew);
    if (!dividere_requests_room (&self->requests, s_bytes (frames, count)) ||
        (waits &&
         !dividere_requests_may_wait (&self->requests, lane->crew.workers))) {
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
        self->counts.frontend_malformed++;
        dividere_lane_leave (self, lane);
    }
    dividere_frames_close (frames, count);
    if (!request)
        return DIVIDERE_STATUS_OK;
    s_describe (self, request, extension, now_us);
    dividere_request_place (self, lane, request, now_us);
    return DIVIDERE_STATUS_OK;
}

static bool
s_denied (dividere_dispatcher_t *self, zmq_msg_t *payload,
          const dividere_extension_t *extension)
{
    return self->class.allowed &&
           !self->class.allowed (self->arg, payload, false,
                                 extension ? extension->service : "",
                                 extension ? extension->service_size : 0);
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
        self->counts.frontend_malformed++;
        dividere_frames_close (frames, count);
        return;
    }
    if (s_denied (self, &frames[count - 1], index < 0 ? NULL : &extension)) {
        dividere_frames_refuse (self, frames, count, index,
                                DIVIDERE_STATUS_DENIED);
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
        dividere_frames_refuse (self, frames, count, index, status);
}

void
dividere_dispatcher_refuse (dividere_dispatcher_t *self, bool worker)
{
    if (worker)
        self->counts.backend_malformed++;
    else
        self->counts.frontend_malformed++;
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
        dividere_request_tell (self, request,
                               request->strict ? DIVIDERE_STATUS_OUTCOME_UNKNOWN
                                               : DIVIDERE_STATUS_EXPIRED,
                               NULL);
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
