/* SPDX-License-Identifier: Apache-2.0 */

/*  The proxy beside libzmq's own, between the same peers. One thread plays all
 *  of these, so that the peers cost both sides the same and little: it keeps a
 *  number of messages under way and replaces each that has arrived.         */

#include "bench.h"
#include <sys/epoll.h>
#include <unistd.h>
#include <dividere.h>
#include "load.h"
#include "relay.h"
#include "selftest.h"

#define PAYLOAD     16
#define PEERS_MAX   10
#define SAMPLES_MAX 100000 /* of one window                                 */

typedef struct {
    const char *pattern; /* of our proxy                                     */
    int frontend;        /* sockets of libzmq's                              */
    int backend;
    int client;
    int worker;
    bool answered; /* workers send back what they receive                    */
    int peers;     /* clients, and as many workers                           */
    int in_flight; /* from each client                                       */
} shape_t;

typedef struct {
    const shape_t *shape;
    load_t load;
    void *clients[PEERS_MAX];
    void *workers[PEERS_MAX];
    int poll;               /* over all that receive                        */
    bool served[PEERS_MAX]; /* the workers that had a message               */
    size_t arrived;
} traffic_t;

static void
s_watch (traffic_t *self, void *socket, int index)
{
    int fd;
    size_t size = sizeof (fd);
    CHECK_INT (zmq_getsockopt (socket, ZMQ_FD, &fd, &size), 0);
    struct epoll_event event = { EPOLLIN, { .u32 = (uint32_t) index } };
    CHECK_INT (epoll_ctl (self->poll, EPOLL_CTL_ADD, fd, &event), 0);
}

/*  A client that publishes begins when it knows the subscription.           */
static void
s_init (traffic_t *self, const shape_t *shape, void *context,
        const char *frontend, const char *backend)
{
    memset (self, 0, sizeof (*self));
    self->shape = shape;
    load_init (&self->load, PAYLOAD);
    self->poll = epoll_create1 (EPOLL_CLOEXEC);
    CHECK (self->poll >= 0);
    for (int i = 0; i < shape->peers; i++) {
        self->workers[i] = relay_connect (context, shape->worker, backend);
        self->clients[i] = relay_connect (context, shape->client, frontend);
        s_watch (self, self->workers[i], i);
        if (shape->answered)
            s_watch (self, self->clients[i], PEERS_MAX + i);
        char byte;
        if (shape->client == ZMQ_XPUB)
            CHECK_INT (zmq_recv (self->clients[i], &byte, 1, 0), 1);
    }
}

static void
s_term (traffic_t *self)
{
    for (int i = 0; i < self->shape->peers; i++) {
        zmq_close (self->clients[i]);
        zmq_close (self->workers[i]);
    }
    close (self->poll);
    load_term (&self->load);
}

static void
s_ask (traffic_t *self, int client, size_t count)
{
    for (size_t i = 0; i < count; i++)
        load_send_raw (&self->load, self->clients[client], false);
}

/*  Receives what there is, and sends it back where that is wanted.          */
static size_t
s_drain (void *socket, int flags, bool answered)
{
    size_t count = 0;
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    while (zmq_msg_recv (&frame, socket, flags) >= 0) {
        bool more = zmq_msg_more (&frame);
        if (answered)
            CHECK (zmq_msg_send (&frame, socket, more ? ZMQ_SNDMORE : 0) >= 0);
        count += !more;
        flags = ZMQ_DONTWAIT;
    }
    CHECK_INT (errno, EAGAIN);
    zmq_msg_close (&frame);
    return count;
}

static void
s_serve_worker (traffic_t *self, int index)
{
    bool answered = self->shape->answered;
    size_t count = s_drain (self->workers[index], ZMQ_DONTWAIT, answered);
    self->served[index] |= count > 0;
    if (answered)
        return;
    s_ask (self, index, count);
    self->arrived += count;
}

/*  What a send finds to be readable is not told again: it ends with a receive
 *  that finds nothing.                                                      */
static void
s_serve_client (traffic_t *self, int index)
{
    size_t count;
    while ((count = s_drain (self->clients[index], ZMQ_DONTWAIT, false))) {
        s_ask (self, index, count);
        self->arrived += count;
    }
}

/*  Waits for whoever has something to do, and serves them.                  */
static void
s_turn (traffic_t *self)
{
    struct epoll_event events[2 * PEERS_MAX];
    int count =
        epoll_wait (self->poll, events, 2 * PEERS_MAX, SELFTEST_DEADLINE);
    CHECK (count > 0);
    for (int i = 0; i < count; i++) {
        int index = (int) events[i].data.u32;
        if (index < PEERS_MAX)
            s_serve_worker (self, index);
        else
            s_serve_client (self, index - PEERS_MAX);
    }
}

static bool
s_all_served (const traffic_t *self)
{
    for (int i = 0; i < self->shape->peers; i++)
        if (!self->served[i])
            return false;
    return true;
}

/*  Messages per second that have arrived, once every peer takes part.       */
static double
s_rate (traffic_t *self, double seconds)
{
    for (int i = 0; i < self->shape->peers; i++) {
        s_ask (self, i, (size_t) self->shape->in_flight);
        if (self->shape->answered)
            s_serve_client (self, i);
    }
    for (int i = 0; i < self->shape->peers; i++)
        s_serve_worker (self, i);
    while (!s_all_served (self))
        s_turn (self);
    self->arrived = 0;
    double start = bench_now ();
    double now;
    do {
        s_turn (self);
        now = bench_now ();
    }
    while (now - start < seconds);
    return (double) self->arrived / (now - start);
}

static void
s_exchange (traffic_t *self)
{
    s_ask (self, 0, 1);
    CHECK_INT (s_drain (self->workers[0], 0, true), 1);
    CHECK_INT (s_drain (self->clients[0], 0, false), 1);
}

/*  The median time of one, one at a time.                                   */
static double
s_round_trip (traffic_t *self, double seconds)
{
    static double samples[SAMPLES_MAX];
    s_exchange (self);
    size_t count = 0;
    double end = bench_now () + seconds;
    double now = 0;
    while (now < end && count < SAMPLES_MAX) {
        double start = bench_now ();
        s_exchange (self);
        now = bench_now ();
        samples[count++] = now - start;
    }
    return bench_median (samples, count);
}

static double
s_measure (const shape_t *shape, void *context, const char *frontend,
           const char *backend, double seconds)
{
    traffic_t self;
    s_init (&self, shape, context, frontend, backend);
    double figure = shape->in_flight > 1 ? s_rate (&self, seconds)
                                         : s_round_trip (&self, seconds);
    s_term (&self);
    return figure;
}

static double
s_libzmq_side (const void *args, double seconds)
{
    const shape_t *shape = (const shape_t *) args;
    relay_t relay;
    relay_start (&relay, shape->frontend, shape->backend);
    double figure = s_measure (shape, relay.context, relay.frontend,
                               relay.backend, seconds);
    relay_stop (&relay);
    return figure;
}

static double
s_dividere_side (const void *args, double seconds)
{
    const shape_t *shape = (const shape_t *) args;
    zactor_t *proxy = zactor_new (dividere_proxy, NULL);
    CHECK_INT (dividere_call (proxy, NULL, SELFTEST_DEADLINE, "SET", "pattern",
                              shape->pattern, NULL),
               0);
    relay_set (proxy, "hwm", RELAY_HWM);
    char *frontend = relay_bind (proxy, "frontend", "tcp://127.0.0.1:*");
    char *backend = relay_bind (proxy, "backend", "tcp://127.0.0.1:*");
    double figure = s_measure (shape, zsys_init (), frontend, backend, seconds);
    CHECK_INT (dividere_stop (&proxy, SELFTEST_DEADLINE), 0);
    free (frontend);
    free (backend);
    return figure;
}

#define ROUTER_DEALER \
    "router-dealer", ZMQ_ROUTER, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER, true

static const shape_t s_10_dealers = { ROUTER_DEALER, 10, 100 };
static const shape_t s_10_dealers_few = { ROUTER_DEALER, 10, 10 };
static const shape_t s_1_dealer = { ROUTER_DEALER, 1, 100 };
static const shape_t s_lock_step = { ROUTER_DEALER, 1, 1 };
static const shape_t s_publisher = { "xsub-xpub", ZMQ_XSUB, ZMQ_XPUB, ZMQ_XPUB,
                                     ZMQ_SUB,     false,    1,        500 };
static const shape_t s_pipeline = { "pull-push", ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH,
                                    ZMQ_PULL,    false,    1,        500 };

#define ROW(work, kind, shape, required, goal)             \
    {                                                      \
        work, "zmq_proxy", kind, { s_libzmq_side, shape }, \
            { s_dividere_side, shape }, required, goal     \
    }

const bench_row_t bench_proxy_rows[] = {
    ROW ("proxy, 10 dealers, tcp, 100 in flight each", BENCH_RATE,
         &s_10_dealers, 0.95, 1.20),
    ROW ("proxy, 10 dealers, tcp, 10 in flight each", BENCH_RATE,
         &s_10_dealers_few, 0.95, 1.20),
    ROW ("proxy, 1 dealer, tcp, 100 in flight", BENCH_RATE, &s_1_dealer, 0.90,
         1.05),
    ROW ("round trip through a proxy, tcp, p50", BENCH_TIME, &s_lock_step, 1.10,
         1.00),
    ROW ("proxy, publisher to subscriber, tcp", BENCH_RATE, &s_publisher, 0.90,
         1.00),
    ROW ("proxy, PUSH to PULL, tcp", BENCH_RATE, &s_pipeline, 0.90, 1.00),
    BENCH_END,
};
