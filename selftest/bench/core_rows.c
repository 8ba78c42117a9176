/* SPDX-License-Identifier: Apache-2.0 */

/*  The broker's own part without any socket: what a request costs it among
 *  thousands of workers and clients, and what memory each of them takes.    */

#include "bench.h"
#include "dialogue.h"
#include "dispatcher.h"
#include "extension.h"
#include "heartbeat.h"
#include "selftest.h"

#define CROWD        10000
#define IN_FLIGHT    100
#define HEARTBEAT_MS 60000 /* time stands still here                        */
#define NAME_SIZE    36    /* as that of a worker that was given none       */
#define FRAMES       5     /* of a request to a worker                      */

typedef struct {
    zmq_msg_t frames[FRAMES];
    size_t count;
} message_t;

/*  A broker; and, where they work, what its workers have been given.        */
typedef struct {
    dividere_dispatcher_t *dispatcher;
    bool working;
    message_t given[IN_FLIGHT];
    size_t count;
} core_t;

static void
s_close (zmq_msg_t *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        zmq_msg_close (&frames[i]);
}

static int
s_to_worker (void *arg, zmq_msg_t *frames, size_t count)
{
    core_t *self = (core_t *) arg;
    if (!self->working || count <= 2) {
        s_close (frames, count);
        return 0;
    }
    CHECK (self->count < IN_FLIGHT && count <= FRAMES);
    message_t *message = &self->given[self->count++];
    memcpy (message->frames, frames, count * sizeof (*frames));
    message->count = count;
    return 0;
}

static void
s_to_client (void *arg, zmq_msg_t *frames, size_t count)
{
    s_close (frames, count);
}

static void
s_init (core_t *self, bool working)
{
    static const dividere_dispatcher_class_t class = { s_to_worker,
                                                       s_to_client };
    static const dividere_dispatcher_limits_t limits = {
        .heartbeat_ms = HEARTBEAT_MS,
        .workers_max = CROWD,
        .requests = { 2 * CROWD, SIZE_MAX, HEARTBEAT_MS },
    };
    self->working = working;
    self->count = 0;
    self->dispatcher = dividere_dispatcher_new (&class, self);
    dividere_dispatcher_limit (self->dispatcher, &limits);
}

static void
s_fill (zmq_msg_t *frame, const void *data, size_t size)
{
    zmq_msg_init_size (frame, size);
    memcpy (zmq_msg_data (frame), data, size);
}

static void
s_add_worker (core_t *self, uint64_t number)
{
    char name[NAME_SIZE + 1];
    snprintf (name, sizeof (name), "%036" PRIu64, number);
    dividere_heartbeat_t heartbeat = {
        .id = name,
        .id_size = NAME_SIZE,
        .version = DIVIDERE_HEARTBEAT_VERSION,
        .parallel = 1,
        .credit = DIALOGUE_CREDIT,
        .fresh = true,
    };
    zmq_msg_t frames[2];
    s_fill (&frames[0], name, NAME_SIZE);
    dividere_heartbeat_encode (&heartbeat, NULL, &frames[1]);
    dividere_dispatcher_from_worker (self->dispatcher, frames, 2, 0);
}

/*  Of a client, as libzmq names them.                                       */
static void
s_ask (core_t *self, uint64_t client, uint64_t number)
{
    dividere_extension_t extension = {
        .id = { client, number },
        .attempt = 1,
        .requeues = DIVIDERE_EXTENSION_ANY_REQUEUE,
        .left_ms = HEARTBEAT_MS,
    };
    char bytes[DIVIDERE_EXTENSION_MAX], id[5] = { 0 };
    dividere_extension_write (&extension, bytes);
    memcpy (id + 1, &client, 4);
    zmq_msg_t frames[4];
    s_fill (&frames[0], id, sizeof (id));
    s_fill (&frames[1], bytes, dividere_extension_size (&extension));
    s_fill (&frames[2], "", 0);
    s_fill (&frames[3], bytes, 16);
    dividere_dispatcher_from_client (self->dispatcher, frames, 4, 0);
}

static void
s_ask_once (core_t *self, uint64_t client)
{
    s_ask (self, client, 1);
}

/*  Every worker that has been given something sends it back.                */
static void
s_answer (core_t *self)
{
    message_t given[IN_FLIGHT];
    size_t count = self->count;
    memcpy (given, self->given, sizeof (given));
    self->count = 0;
    for (size_t i = 0; i < count; i++)
        dividere_dispatcher_from_worker (self->dispatcher, given[i].frames,
                                         given[i].count, 0);
}

/*  The time of one request, among so many clients and workers.              */
static double
s_request_time (const void *args, double seconds)
{
    uint64_t crowd = *(const uint64_t *) args, number = 0;
    core_t self;
    s_init (&self, true);
    for (uint64_t i = 0; i < crowd; i++)
        s_add_worker (&self, i);
    double start = bench_now ();
    double now;
    do {
        for (int i = 0; i < IN_FLIGHT; i++, number++)
            s_ask (&self, number % crowd, number);
        s_answer (&self);
        now = bench_now ();
    }
    while (now - start < seconds);
    CHECK_INT (dividere_dispatcher_counts (self.dispatcher)->replied, number);
    dividere_dispatcher_destroy (&self.dispatcher);
    return (now - start) / (double) number;
}

/*  What one of so many takes.                                               */
static double
s_memory (core_t *self, void (*add) (core_t *, uint64_t))
{
    size_t before = bench_allocated ();
    for (uint64_t i = 0; i < CROWD; i++)
        add (self, i);
    return (double) (bench_allocated () - before) / CROWD;
}

static double
s_worker_bytes (const void *args, double seconds)
{
    core_t self;
    s_init (&self, false);
    double bytes = s_memory (&self, s_add_worker);
    CHECK_INT (
        dividere_dispatcher_counts (self.dispatcher)->heartbeats_received,
        CROWD);
    dividere_dispatcher_destroy (&self.dispatcher);
    return bytes;
}

/*  With so many workers.                                                    */
static double
s_request_bytes (const void *args, double seconds)
{
    uint64_t workers = *(const uint64_t *) args;
    core_t self;
    s_init (&self, false);
    for (uint64_t i = 0; i < workers; i++)
        s_add_worker (&self, i);
    double bytes = s_memory (&self, s_ask_once);
    CHECK_INT (dividere_dispatcher_left (self.dispatcher), CROWD);
    CHECK_INT (dividere_dispatcher_counts (self.dispatcher)->handed,
               workers ? CROWD : 0);
    dividere_dispatcher_destroy (&self.dispatcher);
    return bytes;
}

static const uint64_t s_few = 10, s_many = CROWD;
static const uint64_t s_enough = CROWD / DIALOGUE_CREDIT + 1, s_none = 0;

#define MEMORY(work, run, args, required)                               \
    {                                                                   \
        work, "(absolute)", BENCH_BYTES, { NULL, NULL }, { run, args }, \
            required, (required) / 2.0                                  \
    }

const bench_row_t bench_core_rows[] = {
    { "broker without sockets, 10,000 workers",
      "with 10",
      BENCH_TIME,
      { s_request_time, &s_few },
      { s_request_time, &s_many },
      1.30,
      1.10 },
    MEMORY ("memory of an idle worker", s_worker_bytes, NULL, 512),
    MEMORY ("memory of a request that waits, 16 B", s_request_bytes, &s_none,
            256),
    MEMORY ("memory of a request in flight, 16 B", s_request_bytes, &s_enough,
            256),
    BENCH_END,
};
