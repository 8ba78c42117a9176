/* SPDX-License-Identifier: Apache-2.0 */

/*  The broker beside libzmq's proxy, which knows nothing of workers, between
 *  one client and workers that each have a thread. All peers of both are
 *  connected by tcp, and the client's frames are the same.                   */

#include "bench.h"
#include <stdatomic.h>
#include <dividere.h>
#include "dialogue.h"
#include "relay.h"
#include "selftest.h"

#define WORKERS_MAX  4
#define BATCH        16     /* between two looks at the clock               */
#define SAMPLES_MAX  100000 /* of one window                                */
#define HEARTBEAT_MS 60000  /* none within a window                         */

typedef struct {
    int workers;
    int in_flight;
    bool actors; /* our workers are dividere_worker, else bare sockets       */
} shape_t;

typedef struct {
    char identity[20];
    void *socket;    /* a bare one, or ...                                  */
    zactor_t *actor; /* ... ours                                            */
    pthread_t thread;
    atomic_bool served;
} worker_t;

/*  Bare sockets are in a context of their own, whose end ends the threads.  */
typedef struct {
    const shape_t *shape;
    void *context;
    worker_t workers[WORKERS_MAX];
    void *client;
    uint64_t asked;
} peers_t;

static void *
s_echo (void *args)
{
    worker_t *self = (worker_t *) args;
    while (dialogue_echo (self->socket, 0, 1))
        self->served = true;
    CHECK_INT (errno, ETERM);
    zmq_close (self->socket);
    return NULL;
}

static int
on_bytes (dividere_context_t *context, const void *data, size_t size)
{
    worker_t *self = (worker_t *) dividere_context_user (context);
    self->served = true;
    return dividere_context_reply_bytes (context, data, size) < 0 ? errno : 0;
}

static void
s_start_actor (worker_t *self, const char *backend)
{
    dividere_worker_config_t config = { .on_bytes = on_bytes, .user = self };
    self->actor = zactor_new (dividere_worker, &config);
    relay_set (self->actor, "credit", DIALOGUE_CREDIT);
    CHECK_INT (dividere_call (self->actor, NULL, SELFTEST_DEADLINE, "CONNECT",
                              backend, NULL),
               0);
    CHECK_INT (dividere_call (self->actor, NULL, SELFTEST_DEADLINE, "START",
                              NULL),
               0);
}

static void
s_start_bare (worker_t *self, void *context, const char *backend,
              bool registered)
{
    self->socket = relay_socket (context, ZMQ_DEALER);
    CHECK_INT (zmq_setsockopt (self->socket, ZMQ_ROUTING_ID, self->identity,
                               strlen (self->identity)),
               0);
    int forever = -1;
    CHECK_INT (zmq_setsockopt (self->socket, ZMQ_RCVTIMEO, &forever,
                               sizeof (forever)),
               0);
    CHECK_INT (zmq_connect (self->socket, backend), 0);
    if (registered)
        dialogue_register (self->socket, self->identity);
    CHECK_INT (pthread_create (&self->thread, NULL, s_echo, self), 0);
}

static void
s_ask (peers_t *self)
{
    dialogue_ask (self->client, ++self->asked);
}

static bool
s_all_served (const peers_t *self)
{
    for (int i = 0; i < self->shape->workers; i++)
        if (!self->workers[i].served)
            return false;
    return true;
}

/*  Ends when every worker takes part.                                       */
static void
s_start (peers_t *self, const shape_t *shape, const char *frontend,
         const char *backend, bool registered)
{
    memset (self, 0, sizeof (*self));
    self->shape = shape;
    self->context = zmq_ctx_new ();
    for (int i = 0; i < shape->workers; i++) {
        worker_t *worker = &self->workers[i];
        snprintf (worker->identity, sizeof (worker->identity), "worker-%d", i);
        if (registered && shape->actors)
            s_start_actor (worker, backend);
        else
            s_start_bare (worker, self->context, backend, registered);
    }
    self->client = relay_connect (self->context, ZMQ_DEALER, frontend);
    do {
        s_ask (self);
        dialogue_take (self->client);
    }
    while (!s_all_served (self));
}

static void
s_stop (peers_t *self)
{
    zmq_close (self->client);
    CHECK_INT (zmq_ctx_term (self->context), 0);
    for (int i = 0; i < self->shape->workers; i++)
        if (self->workers[i].actor)
            CHECK_INT (dividere_stop (&self->workers[i].actor,
                                      SELFTEST_DEADLINE),
                       0);
        else
            pthread_join (self->workers[i].thread, NULL);
}

static double
s_rate (peers_t *self, double seconds)
{
    int in_flight = self->shape->in_flight;
    for (int i = 0; i < in_flight; i++)
        s_ask (self);
    size_t count = 0;
    double start = bench_now ();
    double now;
    do {
        for (int i = 0; i < BATCH; i++) {
            dialogue_take (self->client);
            s_ask (self);
        }
        count += BATCH;
        now = bench_now ();
    }
    while (now - start < seconds);
    for (int i = 0; i < in_flight; i++)
        dialogue_take (self->client);
    return (double) count / (now - start);
}

/*  The median time of one, one at a time.                                   */
static double
s_round_trip (peers_t *self, double seconds)
{
    static double samples[SAMPLES_MAX];
    size_t count = 0;
    double end = bench_now () + seconds;
    double now;
    do {
        double start = bench_now ();
        s_ask (self);
        dialogue_take (self->client);
        now = bench_now ();
        samples[count++] = now - start;
    }
    while (now < end && count < SAMPLES_MAX);
    return bench_median (samples, count);
}

static double
s_measure (const shape_t *shape, const char *frontend, const char *backend,
           bool registered, double seconds)
{
    peers_t self;
    s_start (&self, shape, frontend, backend, registered);
    double figure = shape->in_flight > 1 ? s_rate (&self, seconds)
                                         : s_round_trip (&self, seconds);
    s_stop (&self);
    return figure;
}

static double
s_libzmq_side (const void *args, double seconds)
{
    relay_t relay;
    relay_start (&relay, ZMQ_ROUTER, ZMQ_DEALER);
    double figure = s_measure ((const shape_t *) args, relay.frontend,
                               relay.backend, false, seconds);
    relay_stop (&relay);
    return figure;
}

static double
s_dividere_side (const void *args, double seconds)
{
    zactor_t *broker = zactor_new (dividere_broker, NULL);
    relay_set (broker, "heartbeat", HEARTBEAT_MS);
    char *frontend = relay_bind (broker, "frontend", "tcp://127.0.0.1:*");
    char *backend = relay_bind (broker, "backend", "tcp://127.0.0.1:*");
    double figure =
        s_measure ((const shape_t *) args, frontend, backend, true, seconds);
    CHECK_INT (dividere_stop (&broker, SELFTEST_DEADLINE), 0);
    free (frontend);
    free (backend);
    return figure;
}

static const shape_t s_4_actors = { 4, 100, true };
static const shape_t s_4_bare = { 4, 100, false };
static const shape_t s_lock_step = { 1, 1, false };
static const shape_t s_lock_step_actor = { 1, 1, true };

#define ROW(work, against, kind, shape, required, goal) \
    {                                                   \
        work, against, kind, { s_libzmq_side, shape },  \
            { s_dividere_side, shape }, required, goal  \
    }

const bench_row_t bench_broker_rows[] = {
    ROW ("broker, 4 C workers, tcp, 100 in flight", "zmq_proxy, 4 echo threads",
         BENCH_RATE, &s_4_actors, 0.55, 0.95),
    ROW ("broker, 4 bare workers, tcp, 100 in flight",
         "zmq_proxy, 4 echo threads", BENCH_RATE, &s_4_bare, 0.55, 0.95),
    ROW ("round trip through a broker, tcp, p50", "zmq_proxy, 1 echo thread",
         BENCH_TIME, &s_lock_step, 1.25, 1.05),
    ROW ("round trip, broker and worker, tcp, p50", "zmq_proxy, 1 echo thread",
         BENCH_TIME, &s_lock_step_actor, 2.00, 1.50),
    BENCH_END,
};
