/* SPDX-License-Identifier: Apache-2.0 */

/*  What workers send: replies and signs of life.
 *
 *  A worker of this library names the requests that it holds wherever it
 *  answers a heartbeat. Messages between two peers keep their order, so what it
 *  was handed before that heartbeat and neither names nor has answered was lost
 *  on the way, and so was the answer to what it has finished.
 *
 *  A worker of the Python package says nothing while it works. A sign of life
 *  that it sends after a request has reached it therefore tells that the
 *  handler ended without a reply; which sign that is cannot be seen, but no
 *  more than so many can have left it before.                               */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "dispatcher_internal.h"
#include "heartbeat.h"

#define SILENCE_MAX    3    /* intervals                                     */
#define CREDIT_MAX     1000 /* requests of one worker                        */
#define TICK_BATCH     500  /* workers in one tick                           */
#define UNANSWERED_MAX 1000

static dividere_lane_t *
s_lane (const dividere_worker_entry_t *worker)
{
    return (dividere_lane_t *) worker->crew->owner;
}

void
dividere_worker_lose (dividere_dispatcher_t *self,
                      dividere_worker_entry_t *worker, int64_t now_us)
{
    if (!worker->leaving || worker->requests.count)
        self->counts.workers_lost++;
    /* Backwards, each to the front: so their order stays.                   */
    while (worker->requests.last)
        dividere_request_requeue (self, worker->requests.last, true, now_us);
    dividere_workers_remove (&self->workers, &worker);
}

/*  ... and others have what it had.                                         */
static void
s_replace (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
           int64_t now_us)
{
    dividere_lane_t *lane = s_lane (worker);
    dividere_worker_lose (self, worker, now_us);
    dividere_lane_pump (self, lane, now_us);
}

/*  A message of one frame. 0, or -1 with the errno of to_worker.            */
static int
s_send (dividere_dispatcher_t *self, zmq_msg_t *id, zmq_msg_t *sign)
{
    zmq_msg_t frames[2];
    zmq_msg_init (&frames[0]);
    zmq_msg_copy (&frames[0], id);
    zmq_msg_init (&frames[1]);
    zmq_msg_move (&frames[1], sign);
    zmq_msg_close (sign);
    int rc = self->class.to_worker (self->arg, frames, 2);
    if (rc < 0) {
        int error = errno;
        dividere_frames_close (frames, 2);
        errno = error;
        return -1;
    }
    self->counts.heartbeats_sent++;
    return 0;
}

/*  Envelopes say more to a peer of this library.                            */
static int
s_send_envelope (dividere_dispatcher_t *self, zmq_msg_t *id, bool extended,
                 uint64_t number, bool draining)
{
    dividere_heartbeat_t heartbeat = {
        .id = (const char *) zmq_msg_data (id),
        .id_size = zmq_msg_size (id),
        .version = extended ? DIVIDERE_HEARTBEAT_VERSION : 0,
        .draining = draining,
        .interval_ms = (uint32_t) self->limits.heartbeat_ms,
        .number = number,
    };
    zmq_msg_t frame;
    dividere_heartbeat_encode (&heartbeat, NULL, &frame);
    return s_send (self, id, &frame);
}

static int
s_send_byte (dividere_dispatcher_t *self, zmq_msg_t *id)
{
    zmq_msg_t frame;
    int rc = zmq_msg_init_size (&frame, 1);
    assert (rc == 0);
    *(uint8_t *) zmq_msg_data (&frame) = DIVIDERE_HEARTBEAT_ALIVE;
    return s_send (self, id, &frame);
}

/*  A sign of life in the worker's own dialect. 0, or -1: the worker is gone. */
static int
s_tell (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
        int64_t now_us)
{
    dividere_workers_told (&self->workers, worker, now_us / 1000);
    int rc = worker->dialect == DIVIDERE_DIALECT_BYTES
                 ? s_send_byte (self, &worker->id)
                 : s_send_envelope (self, &worker->id,
                                    worker->dialect == DIVIDERE_DIALECT_C,
                                    worker->beat + 1, worker->leaving);
    if (rc == 0) {
        worker->beat++;
        if (worker->unanswered < UNANSWERED_MAX)
            worker->unanswered++;
    }
    else if (errno == EHOSTUNREACH) {
        s_replace (self, worker, now_us);
        return -1;
    }
    return 0;
}

/*  It may be able to take a request now. It may be gone then.               */
static void
s_release (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
           int64_t now_us)
{
    dividere_lane_t *lane = s_lane (worker);
    dividere_workers_rank (worker, false);
    dividere_lane_pump (self, lane, now_us);
}

/*  What it was handed before heartbeat number, and does not hold.           */
static void
s_reconcile (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
             const dividere_heartbeat_t *heartbeat, uint64_t number,
             int64_t now_us)
{
    for (size_t i = 0; i < heartbeat->holding_count; i++) {
        dividere_correlation_t id = dividere_heartbeat_held (heartbeat, i);
        dividere_request_t *request =
            dividere_requests_find (&self->requests, &id);
        if (request && request->list == &worker->requests)
            request->seen = true;
    }
    dividere_request_t *request = worker->requests.last;
    while (request) {
        dividere_request_t *previous = request->previous;
        if (!request->seen && request->beat < number) {
            worker->lost++;
            dividere_request_requeue (self, request, true, now_us);
        }
        else
            request->seen = false;
        request = previous;
    }
    s_release (self, worker, now_us);
}

/*  A busy worker of the Python package gives a sign of life.                */
static void
s_suspect (dividere_dispatcher_t *self, dividere_worker_entry_t *worker)
{
    if (worker->unanswered)
        worker->unanswered--;
    if (dividere_worker_busy (worker) && --worker->unproven == 0)
        dividere_request_end (self, worker->requests.first,
                              DIVIDERE_STATUS_UNANSWERED, NULL);
}

static dividere_worker_entry_t *
s_register (dividere_dispatcher_t *self, zmq_msg_t *id,
            dividere_dialect_t dialect, int64_t now_us)
{
    if (self->workers.table.count >= self->limits.workers_max) {
        self->counts.refused_workers++;
        return NULL;
    }
    dividere_worker_entry_t *worker =
        dividere_workers_add (&self->workers, zmq_msg_data (id),
                              zmq_msg_size (id), &self->common->crew,
                              now_us / 1000);
    worker->dialect = dialect;
    return worker;
}

static void
s_sign_byte (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
             zmq_msg_t *id, uint8_t sign, int64_t now_us)
{
    if (worker && worker->dialect != DIVIDERE_DIALECT_BYTES) {
        self->counts.malformed_backend++;
        return;
    }
    self->counts.heartbeats_received++;
    if (!worker)
        worker = s_register (self, id, DIVIDERE_DIALECT_BYTES, now_us);
    if (!worker)
        return;
    if (sign == DIVIDERE_HEARTBEAT_REGISTER)
        worker->draining = false;
    s_suspect (self, worker);
    s_release (self, worker, now_us);
}

static uint32_t
s_within (uint32_t value, uint32_t min, uint32_t max)
{
    return value < min ? min : value > max ? max : value;
}

/*  A worker of this library says what it wants. False: it has left, or there is
 *  no room for its service.                                                 */
static bool
s_describe (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
            const dividere_heartbeat_t *heartbeat)
{
    dividere_lane_t *lane =
        dividere_lane_of (self, heartbeat->service, heartbeat->service_size);
    if (!lane)
        return false;
    worker->parallel = s_within (heartbeat->parallel, 1, CREDIT_MAX);
    worker->credit = s_within (heartbeat->credit, worker->parallel, CREDIT_MAX);
    if (heartbeat->fresh)
        worker->draining = worker->leaving = false;
    if (heartbeat->draining)
        worker->draining = worker->leaving = true;
    dividere_lane_t *before = s_lane (worker);
    if (lane != before) {
        dividere_workers_assign (worker, &lane->crew);
        dividere_lane_leave (self, before);
    }
    return true;
}

static void
s_sign_extended (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
                 zmq_msg_t *id, const dividere_heartbeat_t *heartbeat,
                 int64_t now_us)
{
    bool news = !worker || heartbeat->fresh ||
                (heartbeat->draining && !worker->leaving);
    if (!worker && heartbeat->draining) {
        s_send_envelope (self, id, true, 0, true);
        return;
    }
    if (!worker)
        worker = s_register (self, id, DIVIDERE_DIALECT_C, now_us);
    if (!worker)
        return;
    worker->dialect = DIVIDERE_DIALECT_C;
    if (!s_describe (self, worker, heartbeat)) {
        self->counts.refused_workers++;
        s_replace (self, worker, now_us);
        return;
    }
    if (news && s_tell (self, worker, now_us) < 0)
        return;
    uint64_t number = heartbeat->fresh ? UINT64_MAX : heartbeat->number;
    s_reconcile (self, worker, heartbeat, number, now_us);
}

static void
s_sign_envelope (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
                 zmq_msg_t *id, const dividere_heartbeat_t *heartbeat,
                 int64_t now_us)
{
    /* Who forges another's name, or is of two minds, is not heard.          */
    if (heartbeat->id_size != zmq_msg_size (id) ||
        memcmp (heartbeat->id, zmq_msg_data (id), heartbeat->id_size) != 0 ||
        (worker && worker->dialect == DIVIDERE_DIALECT_C &&
         !heartbeat->version)) {
        self->counts.malformed_backend++;
        return;
    }
    self->counts.heartbeats_received++;
    if (heartbeat->version) {
        s_sign_extended (self, worker, id, heartbeat, now_us);
        return;
    }
    if (!worker)
        worker = s_register (self, id, DIVIDERE_DIALECT_TYPED, now_us);
    if (!worker)
        return;
    worker->dialect = DIVIDERE_DIALECT_TYPED;
    s_suspect (self, worker);
    s_release (self, worker, now_us);
}

static void
s_sign (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
        zmq_msg_t *frames, int64_t now_us)
{
    const uint8_t *data = (const uint8_t *) zmq_msg_data (&frames[1]);
    size_t size = zmq_msg_size (&frames[1]);
    dividere_heartbeat_t heartbeat;
    if (size == 1 && (*data == DIVIDERE_HEARTBEAT_REGISTER ||
                      *data == DIVIDERE_HEARTBEAT_ALIVE))
        s_sign_byte (self, worker, &frames[0], *data, now_us);
    else if (dividere_heartbeat_parse (data, size, &heartbeat) == 0)
        s_sign_envelope (self, worker, &frames[0], &heartbeat, now_us);
    else
        self->counts.malformed_backend++;
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
    return request && dividere_request_routed (request, frames + 1, count - 2)
               ? request
               : NULL;
}

/*  A reply to nothing, a second one, or one that comes too late.            */
static void
s_stray (dividere_dispatcher_t *self, zmq_msg_t *frames, size_t count)
{
    self->counts.stray++;
    dividere_frames_close (frames, count);
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
    if (!request || extension.status >= DIVIDERE_STATUSES) {
        s_stray (self, frames, count);
        return;
    }
    if (worker->dialect != DIVIDERE_DIALECT_C)
        extension.status = DIVIDERE_STATUS_OK;
    if (extension.status == DIVIDERE_STATUS_RETURNED) {
        dividere_request_requeue (self, request, false, now_us);
        dividere_frames_close (frames, count);
    }
    else {
        self->counts.stray += request->abandoned;
        self->counts.replied += !request->abandoned;
        worker->replied++;
        if (!request->abandoned)
            dividere_histogram_add (&self->counts.latency,
                                    now_us - request->since_us);
        dividere_request_end (self, request,
                              (dividere_status_t) extension.status,
                              &frames[count - 1]);
        dividere_frames_close (frames, count - 1);
    }
    s_release (self, worker, now_us);
}

void
dividere_dispatcher_from_worker (dividere_dispatcher_t *self, zmq_msg_t *frames,
                                 size_t count, int64_t now_us)
{
    if (count < 2) {
        self->counts.malformed_backend++;
        dividere_frames_close (frames, count);
        return;
    }
    dividere_worker_entry_t *worker =
        dividere_workers_find (&self->workers, zmq_msg_data (&frames[0]),
                               zmq_msg_size (&frames[0]));
    if (worker) {
        worker->stuck = false;
        dividere_workers_heard (&self->workers, worker, now_us / 1000);
    }
    if (count > 2 && worker)
        s_reply (self, worker, frames, count, now_us);
    else if (count > 2)
        s_stray (self, frames, count);
    else {
        s_sign (self, worker, frames, now_us);
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

bool
dividere_workers_tick (dividere_dispatcher_t *self, int64_t now_us)
{
    int64_t now_ms = now_us / 1000;
    int64_t interval_ms = self->limits.heartbeat_ms;
    dividere_worker_entry_t *worker;
    int left = TICK_BATCH;
    while ((worker = dividere_workers_silent (&self->workers)) &&
           worker->heard_ms + SILENCE_MAX * interval_ms <= now_ms &&
           left-- > 0) {
        if (s_excused (worker))
            dividere_workers_heard (&self->workers, worker, now_ms);
        else
            s_replace (self, worker, now_us);
    }
    while ((worker = dividere_workers_untold (&self->workers)) &&
           worker->told_ms + interval_ms <= now_ms && left-- > 0)
        s_tell (self, worker, now_us);
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
    at_ms = silent->heard_ms + SILENCE_MAX * interval_ms;
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
