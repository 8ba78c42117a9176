/* SPDX-License-Identifier: Apache-2.0 */

/*  Signs of life of workers, and to them.
 *
 *  A worker of this library names the requests that it holds wherever it
 *  answers a heartbeat. Messages between two peers keep their order, so what it
 *  was handed before that heartbeat and neither names nor has answered was lost
 *  on the way, and so was the answer to what it has finished.
 *
 *  A worker of the Python package says nothing while it works. A sign of life
 *  that it sends after a request has reached it therefore tells that the
 *  handler ended without a reply; which sign that is cannot be seen. But who
 *  has ended answers each heartbeat, whereas one that the request has not
 *  reached, since the link stands still, hears none: it sends signs of its own,
 *  which are fewer, so that it falls behind. Those that were sent while the way
 *  back stood still come all at once, and count as one. Some are forgiven.  */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "dispatcher_internal.h"
#include "heartbeat.h"

#define CREDIT_MAX     1000 /* requests of one worker                        */
#define UNANSWERED_MAX 1000

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

int
dividere_worker_tell (dividere_dispatcher_t *self,
                      dividere_worker_entry_t *worker, int64_t now_us)
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
        dividere_worker_replace (self, worker, now_us);
        return -1;
    }
    return 0;
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
}

/*  A busy worker of the Python package gives a sign of life.                */
static void
s_suspect (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
           int64_t now_us)
{
    if (worker->unanswered)
        worker->unanswered--;
    if (!dividere_worker_busy (worker) || worker->unanswered > worker->behind)
        return;
    worker->behind = worker->unanswered;
    int64_t apart_ms = now_us / 1000 - worker->suspect_ms;
    if (apart_ms < self->limits.heartbeat_ms / 2)
        return;
    worker->suspect_ms += apart_ms;
    if (--worker->unproven == 0)
        dividere_request_end (self, worker->requests.first,
                              DIVIDERE_STATUS_UNANSWERED, NULL);
}

static dividere_worker_entry_t *
s_register (dividere_dispatcher_t *self, zmq_msg_t *id,
            dividere_dialect_t dialect, int64_t now_us)
{
    if (self->workers.table.count >= self->limits.workers_max) {
        self->counts.workers_refused++;
        return NULL;
    }
    dividere_worker_entry_t *worker =
        dividere_workers_add (&self->workers, zmq_msg_data (id),
                              zmq_msg_size (id), &self->common->crew,
                              now_us / 1000);
    worker->dialect = dialect;
    /* Nobody was looked at while there was nobody.                          */
    if (self->workers.table.count == 1)
        self->ticked_ms = now_us / 1000;
    /* Answers to what one of this name was sent before must not pass for
       answers to what this one will be sent.                                */
    worker->beat = self->beats;
    return worker;
}

static void
s_sign_byte (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
             zmq_msg_t *id, uint8_t sign, int64_t now_us)
{
    bool begins = sign == DIVIDERE_HEARTBEAT_REGISTER;
    if (worker && worker->dialect != DIVIDERE_DIALECT_BYTES && !begins) {
        self->counts.backend_malformed++;
        return;
    }
    self->counts.heartbeats_received++;
    /* What one of this name had is lost.                                    */
    if (worker && begins) {
        dividere_worker_replace (self, worker, now_us);
        worker = NULL;
    }
    if (!worker)
        worker = s_register (self, id, DIVIDERE_DIALECT_BYTES, now_us);
    if (!worker)
        return;
    s_suspect (self, worker, now_us);
    dividere_worker_release (self, worker, now_us);
}

static uint32_t
s_within (uint32_t value, uint32_t min, uint32_t max)
{
    return value < min ? min : value > max ? max : value;
}

/*  A worker of this library says what it wants.                             */
static void
s_describe (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
            const dividere_heartbeat_t *heartbeat, dividere_lane_t *lane,
            int64_t now_us)
{
    worker->parallel = s_within (heartbeat->parallel, 1, CREDIT_MAX);
    worker->credit = s_within (heartbeat->credit, worker->parallel, CREDIT_MAX);
    if (heartbeat->fresh)
        worker->draining = worker->leaving = false;
    if (heartbeat->draining)
        worker->draining = worker->leaving = true;
    dividere_lane_t *before = dividere_worker_lane (worker);
    if (lane == before)
        return;
    /* What it has belongs to the service that it was asked for.             */
    if (dividere_worker_busy (worker)) {
        dividere_lane_leave (self, lane);
        return;
    }
    dividere_workers_assign (worker, &lane->crew);
    dividere_lane_pump (self, before, now_us);
}

/*  What it was handed before the heartbeat that it answers, or ever. A number
 *  that it was never sent tells nothing.                                    */
static uint64_t
s_answered_number (const dividere_worker_entry_t *worker,
                   const dividere_heartbeat_t *heartbeat)
{
    if (heartbeat->fresh)
        return UINT64_MAX;
    return heartbeat->number <= worker->beat ? heartbeat->number : 0;
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
    dividere_lane_t *lane = dividere_lane_of (self, heartbeat->service,
                                              heartbeat->service_size, true);
    if (!lane) {
        self->counts.workers_refused++;
        return;
    }
    if (!worker)
        worker = s_register (self, id, DIVIDERE_DIALECT_C, now_us);
    if (!worker) {
        dividere_lane_leave (self, lane);
        return;
    }
    s_reconcile (self, worker, heartbeat, s_answered_number (worker, heartbeat),
                 now_us);
    s_describe (self, worker, heartbeat, lane, now_us);
    if (news && dividere_worker_tell (self, worker, now_us) < 0)
        return;
    dividere_worker_release (self, worker, now_us);
}

static void
s_sign_envelope (dividere_dispatcher_t *self, dividere_worker_entry_t *worker,
                 zmq_msg_t *id, const dividere_heartbeat_t *heartbeat,
                 int64_t now_us)
{
    /* Who forges another's name is not heard.                               */
    if (heartbeat->id_size != zmq_msg_size (id) ||
        memcmp (heartbeat->id, zmq_msg_data (id), heartbeat->id_size) != 0) {
        self->counts.backend_malformed++;
        return;
    }
    self->counts.heartbeats_received++;
    dividere_dialect_t dialect =
        heartbeat->version ? DIVIDERE_DIALECT_C : DIVIDERE_DIALECT_TYPED;
    /* It is another of this name.                                           */
    if (worker && worker->dialect != dialect) {
        dividere_worker_replace (self, worker, now_us);
        worker = NULL;
    }
    if (heartbeat->version) {
        s_sign_extended (self, worker, id, heartbeat, now_us);
        return;
    }
    if (!worker)
        worker = s_register (self, id, dialect, now_us);
    if (!worker)
        return;
    s_suspect (self, worker, now_us);
    dividere_worker_release (self, worker, now_us);
}

/*  Whose right has been taken away falls silent, and is lost.               */
static bool
s_denied (dividere_dispatcher_t *self, zmq_msg_t *frame,
          const dividere_heartbeat_t *heartbeat)
{
    const char *service = heartbeat ? heartbeat->service : NULL;
    if (!self->class.allowed ||
        self->class.allowed (self->arg, frame, true, service ? service : "",
                             service ? heartbeat->service_size : 0))
        return false;
    self->counts.workers_denied++;
    return true;
}

void
dividere_worker_sign (dividere_dispatcher_t *self,
                      dividere_worker_entry_t *worker, zmq_msg_t *frames,
                      int64_t now_us)
{
    const uint8_t *data = (const uint8_t *) zmq_msg_data (&frames[1]);
    size_t size = zmq_msg_size (&frames[1]);
    dividere_heartbeat_t heartbeat;
    bool byte = size == 1 && (*data == DIVIDERE_HEARTBEAT_REGISTER ||
                              *data == DIVIDERE_HEARTBEAT_ALIVE);
    bool envelope =
        !byte && dividere_heartbeat_parse (data, size, &heartbeat) == 0;
    if (s_denied (self, &frames[1], envelope ? &heartbeat : NULL))
        return;
    if (worker)
        dividere_worker_heard (self, worker, now_us);
    if (byte)
        s_sign_byte (self, worker, &frames[0], *data, now_us);
    else if (envelope)
        s_sign_envelope (self, worker, &frames[0], &heartbeat, now_us);
    else
        self->counts.backend_malformed++;
}
