/* SPDX-License-Identifier: Apache-2.0 */

/*  The dispatcher beside a model of it that is as simple as can be: arrays that
 *  are searched. Both are given the same random events, and must send the same
 *  messages to the same peers in the same order.                            */

#include "selftest.h"
#include "dispatcher.h"
#include "heartbeat.h"

void test_dispatcher_random (void);

#define EVENTS   1000000
#define WORKERS  12
#define REQUESTS 300 /* that the model has at a time                         */
#define WAITING  40  /* that may wait                                        */
#define CLIENT   5
#define SENT_MAX 2000

typedef struct {
    uint64_t number;
    bool strict;
    bool abandoned;
    int requeues;
    int requeues_max;
    int64_t deadline_ms; /* -1: none                                        */
    int64_t waits_ms;    /* since when it waits                              */
    int worker;          /* -1: it waits                                     */
} request_t;

typedef struct {
    bool known;
    bool cut;   /* it cannot be reached                                      */
    bool stuck; /* it has given one back, and said nothing since            */
    int parallel;
    int credit;
    int among; /* 0: in no list, 1: idle, 2: spare                          */
    uint64_t since; /* when it came into that                             */
} worker_t;

/*  What is sent: to a worker, or to a client with a status.                 */
typedef struct {
    int worker; /* -1: to a client                                          */
    uint64_t number;
    int status;
} sent_t;

typedef struct {
    sent_t items[SENT_MAX];
    size_t count;
} record_t;

typedef struct {
    uint64_t seed;
    dividere_dispatcher_t *dispatcher;
    int64_t now_ms;
    uint64_t numbers;
    request_t requests[REQUESTS]; /* those that wait in order, and others    */
    size_t count;
    worker_t workers[WORKERS];
    uint64_t stamps;
    record_t real;
    record_t model;
    uint64_t ended; /* requests whose client was told                       */
} random_t;

static const dividere_dispatcher_limits_t s_limits = {
    .heartbeat_ms = 1000000000,
    .requeues = 2,
    .workers_max = 1000,
    .requests = { .pending_max = WAITING,
                  .bytes_max = 1000000,
                  .age_max_ms = 300 },
};

static void
s_record (record_t *self, int worker, uint64_t number, int status)
{
    CHECK (self->count < SENT_MAX);
    self->items[self->count++] = (sent_t){ worker, number, status };
}

static unsigned
s_pick (random_t *self, unsigned below)
{
    return (unsigned) (selftest_random (&self->seed) % below);
}

/*  The real one: its sink.                                                  */

static void
s_close (zmq_msg_t *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        zmq_msg_close (&frames[i]);
}

static int
s_to_worker (void *arg, zmq_msg_t *frames, size_t count)
{
    random_t *self = (random_t *) arg;
    int worker = *(const char *) zmq_msg_data (&frames[0]) - 'a';
    CHECK (worker >= 0 && worker < WORKERS);
    if (self->workers[worker].cut) {
        errno = EHOSTUNREACH;
        return -1;
    }
    dividere_extension_t extension;
    if (count > 2) {
        CHECK_INT (count, 5);
        CHECK (dividere_extension_parse (zmq_msg_data (&frames[2]),
                                         zmq_msg_size (&frames[2]),
                                         &extension));
        s_record (&self->real, worker, extension.id.number, 0);
    }
    s_close (frames, count);
    return 0;
}

static void
s_to_client (void *arg, zmq_msg_t *frames, size_t count)
{
    random_t *self = (random_t *) arg;
    dividere_extension_t extension;
    CHECK_INT (count, 4);
    CHECK (dividere_extension_parse (zmq_msg_data (&frames[1]),
                                     zmq_msg_size (&frames[1]), &extension));
    s_record (&self->real, -1, extension.id.number, extension.status);
    s_close (frames, count);
}

/*  The model.                                                               */

static void
s_remove (random_t *self, size_t index)
{
    memmove (&self->requests[index], &self->requests[index + 1],
             (--self->count - index) * sizeof (self->requests[0]));
}

static void
s_end (random_t *self, size_t index, int status)
{
    if (!self->requests[index].abandoned) {
        s_record (&self->model, -1, self->requests[index].number, status);
        self->ended++;
    }
    s_remove (self, index);
}

static int
s_held (const random_t *self, int worker)
{
    int held = 0;
    for (size_t i = 0; i < self->count; i++)
        held += self->requests[i].worker == worker;
    return held;
}

static void
s_rank (random_t *self, int index, bool used)
{
    worker_t *worker = &self->workers[index];
    int held = s_held (self, index);
    int among = worker->stuck || held >= worker->credit ? 0
                : held < worker->parallel               ? 1
                                                        : 2;
    if (among != worker->among || used)
        worker->since = ++self->stamps;
    worker->among = among;
}

static int
s_next (const random_t *self)
{
    int best = -1;
    for (int i = 0; i < WORKERS; i++) {
        const worker_t *worker = &self->workers[i];
        if (worker->known && worker->among &&
            (best < 0 || worker->among < self->workers[best].among ||
             (worker->among == self->workers[best].among &&
              worker->since < self->workers[best].since)))
            best = i;
    }
    return best;
}

/*  The first that waits, in the order of the array; REQUESTS: none.         */
static size_t
s_first (const random_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->requests[i].worker < 0)
            return i;
    return REQUESTS;
}

/*  Puts it at the end or in front of all.                                   */
static void
s_place (random_t *self, request_t request, bool front)
{
    CHECK (self->count < REQUESTS);
    memmove (&self->requests[front], &self->requests[0],
             front ? self->count * sizeof (request) : 0);
    self->requests[front ? 0 : self->count] = request;
    self->count++;
}

/*  What a worker had, from the last to the first.                           */
static void
s_requeue_all (random_t *self, int worker)
{
    for (size_t i = self->count; i-- > 0;) {
        request_t request = self->requests[i];
        if (request.worker != worker)
            continue;
        if (request.abandoned || request.strict ||
            request.requeues >= request.requeues_max) {
            s_end (self, i,
                   request.strict ? DIVIDERE_STATUS_OUTCOME_UNKNOWN
                                  : DIVIDERE_STATUS_WORKER_LOST);
            continue;
        }
        s_remove (self, i);
        request.requeues++;
        request.worker = -1;
        request.waits_ms = self->now_ms;
        s_place (self, request, true);
        i++; /* what was before it has moved                                */
    }
}

static bool
s_hand (random_t *self, size_t index, int worker)
{
    request_t request = self->requests[index];
    if (self->workers[worker].cut) {
        self->workers[worker].known = false;
        s_requeue_all (self, worker);
        return false;
    }
    s_record (&self->model, worker, request.number, 0);
    s_remove (self, index);
    request.worker = worker;
    s_place (self, request, false);
    s_rank (self, worker, true);
    return true;
}

static void
s_pump (random_t *self)
{
    int worker;
    while (s_first (self) < REQUESTS && (worker = s_next (self)) >= 0)
        s_hand (self, s_first (self), worker);
}

static size_t
s_waiting (const random_t *self)
{
    size_t waiting = 0;
    for (size_t i = 0; i < self->count; i++)
        waiting += self->requests[i].worker < 0;
    return waiting;
}

/*  The events.                                                              */

static void
s_give (random_t *self, bool worker, zmq_msg_t *frames, size_t count)
{
    if (worker)
        dividere_dispatcher_from_worker (self->dispatcher, frames, count,
                                         self->now_ms * 1000);
    else
        dividere_dispatcher_from_client (self->dispatcher, frames, count,
                                         self->now_ms * 1000);
}

static void
s_init (zmq_msg_t *frame, const void *data, size_t size)
{
    CHECK_INT (zmq_msg_init_size (frame, size), 0);
    memcpy (zmq_msg_data (frame), data, size);
}

static void
s_init_extension (zmq_msg_t *frame, const dividere_extension_t *extension)
{
    uint8_t bytes[DIVIDERE_EXTENSION_MAX];
    dividere_extension_write (extension, bytes);
    s_init (frame, bytes, dividere_extension_size (extension));
}

static void
s_give_message (random_t *self, int worker,
                const dividere_extension_t *extension)
{
    zmq_msg_t frames[5];
    size_t count = 0;
    char name = (char) ('a' + worker);
    if (worker >= 0)
        s_init (&frames[count++], &name, 1);
    s_init (&frames[count++], "client", 6);
    s_init_extension (&frames[count++], extension);
    s_init (&frames[count++], "", 0);
    s_init (&frames[count++], "payload", 7);
    s_give (self, worker >= 0, frames, count);
}

/*  Where there is nobody at all there is half of it.                        */
static size_t
s_room (const random_t *self)
{
    for (int i = 0; i < WORKERS; i++)
        if (self->workers[i].known)
            return WAITING;
    return (WAITING + 1) / 2;
}

static void
s_ask (random_t *self)
{
    request_t request = { .number = ++self->numbers,
                          .strict = s_pick (self, 4) == 0,
                          .deadline_ms = -1,
                          .waits_ms = self->now_ms,
                          .worker = -1 };
    dividere_extension_t extension = {
        .id = { CLIENT, request.number },
        .flags = request.strict ? DIVIDERE_EXTENSION_STRICT : 0,
        .attempt = 1,
        .left_ms = s_pick (self, 2) ? DIVIDERE_EXTENSION_NO_DEADLINE
                                    : 1 + s_pick (self, 500),
        .requeues = (uint8_t) (s_pick (self, 3) ? DIVIDERE_EXTENSION_ANY_REQUEUE
                                                : s_pick (self, 3)),
    };
    if (extension.left_ms != DIVIDERE_EXTENSION_NO_DEADLINE)
        request.deadline_ms = self->now_ms + extension.left_ms;
    request.requeues_max = extension.requeues == DIVIDERE_EXTENSION_ANY_REQUEUE
                               ? (int) s_limits.requeues
                               : extension.requeues;
    s_give_message (self, -1, &extension);
    bool waits = s_waiting (self) > 0 || s_next (self) < 0;
    if (waits && s_waiting (self) >= s_room (self)) {
        s_record (&self->model, -1, request.number, DIVIDERE_STATUS_BUSY);
        self->ended++;
        return;
    }
    s_place (self, request, false);
    s_pump (self);
}

static void
s_reply (random_t *self)
{
    if (!self->count)
        return;
    size_t index = s_pick (self, (unsigned) self->count);
    request_t request = self->requests[index];
    int worker = request.worker;
    if (worker < 0 || self->workers[worker].cut)
        return;
    bool returned = s_pick (self, 10) == 0;
    self->workers[worker].stuck = returned;
    dividere_extension_t extension = {
        .id = { CLIENT, request.number },
        .attempt = 1,
        .status = returned ? DIVIDERE_STATUS_RETURNED : DIVIDERE_STATUS_OK,
    };
    s_give_message (self, worker, &extension);
    if (returned && !request.abandoned) {
        s_remove (self, index);
        request.worker = -1;
        request.waits_ms = self->now_ms;
        s_place (self, request, true);
    }
    else
        s_end (self, index, DIVIDERE_STATUS_OK);
    s_rank (self, worker, false);
    s_pump (self);
}

/*  A new worker, or one that comes back with empty hands.                   */
static void
s_register (random_t *self)
{
    int index = (int) s_pick (self, WORKERS);
    worker_t *worker = &self->workers[index];
    char name = (char) ('a' + index);
    worker->cut = worker->stuck = false;
    bool known = worker->known;
    worker->parallel = 1 + (int) s_pick (self, 3);
    worker->credit = worker->parallel + (int) s_pick (self, 3);
    dividere_heartbeat_t heartbeat = { .id = &name,
                                       .id_size = 1,
                                       .version = 1,
                                       .parallel = (uint32_t) worker->parallel,
                                       .credit = (uint32_t) worker->credit,
                                       .service = "",
                                       .fresh = true };
    zmq_msg_t frames[2];
    s_init (&frames[0], &name, 1);
    dividere_heartbeat_encode (&heartbeat, NULL, &frames[1]);
    s_give (self, true, frames, 2);
    if (known)
        s_requeue_all (self, index);
    else {
        worker->known = true;
        worker->among = 1;
        worker->since = ++self->stamps;
    }
    s_rank (self, index, false);
    s_pump (self);
}

static int
s_by_number (const void *a, const void *b)
{
    const sent_t *left = (const sent_t *) a, *right = (const sent_t *) b;
    return left->number < right->number   ? -1
           : left->number > right->number ? 1
                                          : 0;
}

/*  What is due at one time may come in any order.                           */
static void
s_pass (random_t *self)
{
    self->now_ms += s_pick (self, 20);
    dividere_dispatcher_tick (self->dispatcher, self->now_ms * 1000);
    bool workers = false;
    for (int i = 0; i < WORKERS; i++)
        workers |= self->workers[i].known;
    for (size_t i = 0; i < self->count; i++) {
        request_t *request = &self->requests[i];
        bool over =
            request->deadline_ms >= 0 && request->deadline_ms <= self->now_ms;
        if (request->abandoned)
            continue;
        if (request->worker < 0) {
            bool old = request->waits_ms + s_limits.requests.age_max_ms <=
                       self->now_ms;
            if (over || old)
                s_end (self, i--,
                       over      ? DIVIDERE_STATUS_EXPIRED
                       : workers ? DIVIDERE_STATUS_BUSY
                                 : DIVIDERE_STATUS_NO_WORKER);
        }
        else if (over) {
            s_record (&self->model, -1, request->number,
                      request->strict ? DIVIDERE_STATUS_OUTCOME_UNKNOWN
                                      : DIVIDERE_STATUS_EXPIRED);
            self->ended++;
            request->abandoned = true;
        }
    }
    qsort (self->real.items, self->real.count, sizeof (sent_t), s_by_number);
    qsort (self->model.items, self->model.count, sizeof (sent_t), s_by_number);
}

static void
s_compare (random_t *self)
{
    CHECK_INT (self->real.count, self->model.count);
    for (size_t i = 0; i < self->real.count; i++) {
        const sent_t *real = &self->real.items[i];
        const sent_t *model = &self->model.items[i];
        CHECK_INT (real->worker, model->worker);
        CHECK_INT (real->number, model->number);
        CHECK_INT (real->status, model->status);
    }
    self->real.count = self->model.count = 0;
    size_t abandoned = 0;
    for (size_t i = 0; i < self->count; i++)
        abandoned += self->requests[i].abandoned;
    CHECK_INT (dividere_dispatcher_left (self->dispatcher),
               self->count - abandoned);
    CHECK_INT (dividere_dispatcher_requests (self->dispatcher)->pending,
               s_waiting (self));
}

/*  Before there is any worker.                                              */
static void
s_begin (random_t *self)
{
    for (int i = 0; i < 100; i++) {
        s_ask (self);
        s_compare (self);
        s_pass (self);
        s_compare (self);
    }
}

void
test_dispatcher_random (void)
{
    static const dividere_dispatcher_class_t s_class = { s_to_worker,
                                                         s_to_client };
    static random_t self = { .seed = 20230917 };
    self.dispatcher = dividere_dispatcher_new (&s_class, &self);
    dividere_dispatcher_limit (self.dispatcher, &s_limits);
    s_begin (&self);
    for (size_t i = selftest_scaled (EVENTS); i > 0; i--) {
        unsigned event = s_pick (&self, 100);
        if (event < 45)
            s_ask (&self);
        else if (event < 85)
            s_reply (&self);
        else if (event < 90)
            s_register (&self);
        else if (event < 92)
            self.workers[s_pick (&self, WORKERS)].cut = true;
        else
            s_pass (&self);
        s_compare (&self);
    }
    const dividere_dispatcher_counts_t *counts =
        dividere_dispatcher_counts (self.dispatcher);
    selftest_note ("received %llu, handed %llu, requeued %llu, replied %llu",
                   (unsigned long long) counts->received,
                   (unsigned long long) counts->handed,
                   (unsigned long long) counts->requeued,
                   (unsigned long long) counts->replied);
    for (int i = 0; i < DIVIDERE_STATUSES; i++)
        selftest_note ("status %d: %llu", i,
                       (unsigned long long) counts->errors[i]);
    for (int i = DIVIDERE_STATUS_BUSY; i <= DIVIDERE_STATUS_OUTCOME_UNKNOWN;
         i++)
        CHECK (counts->errors[i] > 0 || selftest_scaled (EVENTS) < 100000);
    CHECK_INT (self.ended + dividere_dispatcher_left (self.dispatcher),
               self.numbers);
    dividere_dispatcher_destroy (&self.dispatcher);
}
