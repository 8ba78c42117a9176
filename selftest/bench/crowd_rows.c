/* SPDX-License-Identifier: Apache-2.0 */

/*  A broker among thousands of workers and clients, beside two bare ROUTERs
 *  that hand requests on to the next worker of as many and know nothing else:
 *  what ROUTERs cost that have so many peers, both pay. What the broker
 *  itself costs is in core_rows.c.                                           */

#include "bench.h"
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <dividere.h>
#include "dialogue.h"
#include "relay.h"
#include "selftest.h"

#define IN_FLIGHT    100
#define BATCH        1000  /* messages of one ROUTER before the other's turn */
#define HEARTBEAT_MS 60000 /* none within a window                          */
#define NAME_SIZE    20

/*  Each side of the crowd is one ROUTER that is connected so many times, each
 *  time by another name, and so takes no descriptor for each.               */
typedef struct {
    int count; /* of clients, and of workers                                */
    void *clients;
    void *workers;
    uint64_t asked;
} crowd_t;

static size_t
s_name (char *name, const char *what, uint64_t number)
{
    return (size_t) snprintf (name, NAME_SIZE, "%s-%" PRIu64, what, number);
}

static void *
s_connect (void *context, const char *endpoint, const char *what, int count)
{
    void *socket = relay_socket (context, ZMQ_ROUTER);
    for (int i = 0; i < count; i++) {
        char name[NAME_SIZE];
        size_t size = s_name (name, what, (uint64_t) i);
        CHECK_INT (zmq_setsockopt (socket, ZMQ_ROUTING_ID, name, size), 0);
        CHECK_INT (zmq_setsockopt (socket, ZMQ_CONNECT_ROUTING_ID, name, size),
                   0);
        CHECK_INT (zmq_connect (socket, endpoint), 0);
    }
    return socket;
}

/*  What is sent next is to, or from, the one of this number.                */
static void
s_send_name (void *socket, const char *what, uint64_t number)
{
    char name[NAME_SIZE];
    size_t size = s_name (name, what, number);
    CHECK_INT (zmq_send (socket, name, size, ZMQ_SNDMORE), size);
}

static void
s_gather (crowd_t *self, void *context, int count, const char *frontend,
          const char *backend)
{
    *self = (crowd_t){ .count = count };
    self->clients = s_connect (context, frontend, "client", count);
    self->workers = s_connect (context, backend, "worker", count);
}

/*  The clients take turns.                                                  */
static void
s_ask (crowd_t *self)
{
    s_send_name (self->clients, "client",
                 self->asked++ % (uint64_t) self->count);
    dialogue_ask (self->clients, self->asked);
}

/*  Workers answer what has come, and clients ask again.                     */
static size_t
s_turn (crowd_t *self)
{
    zmq_pollitem_t items[] = { { self->clients, 0, ZMQ_POLLIN, 0 },
                               { self->workers, 0, ZMQ_POLLIN, 0 } };
    CHECK (zmq_poll (items, 2, SELFTEST_DEADLINE) > 0);
    while (dialogue_echo (self->workers, ZMQ_DONTWAIT, 2))
        continue;
    size_t count = 0;
    char name[NAME_SIZE];
    while (zmq_recv (self->clients, name, NAME_SIZE, ZMQ_DONTWAIT) > 0) {
        dialogue_take (self->clients);
        s_ask (self);
        count++;
    }
    return count;
}

static double
s_clock (clockid_t clock)
{
    struct timespec now;
    CHECK_INT (clock_gettime (clock, &now), 0);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/*  What others than this thread, which plays the crowd, have worked.        */
static double
s_worked (void)
{
    return s_clock (CLOCK_PROCESS_CPUTIME_ID) -
           s_clock (CLOCK_THREAD_CPUTIME_ID);
}

/*  What a request costs whoever is between clients and workers. It begins when
 *  each of these had one. */
static double
s_measure (crowd_t *self, double seconds)
{
    for (int i = 0; i < IN_FLIGHT; i++)
        s_ask (self);
    for (size_t warm = 0; warm < (size_t) self->count;)
        warm += s_turn (self);
    size_t count = 0;
    double end = bench_now () + seconds;
    double worked = s_worked ();
    while (bench_now () < end)
        count += s_turn (self);
    return (s_worked () - worked) / (double) count;
}

static void
s_disperse (crowd_t *self)
{
    zmq_close (self->clients);
    zmq_close (self->workers);
}

/*  On one core, the crowd and the other thread each work until nothing is left
 *  for them, and do not interrupt each other: so that there is as much to do at
 *  a time in each window.                                                   */
static void
s_take_turns (void)
{
    struct sched_param none = { 0 };
    CHECK_INT (sched_setscheduler (0, SCHED_BATCH, &none), 0);
}

static long
s_stat (zactor_t *broker, const char *wanted)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (broker, &reply, SELFTEST_DEADLINE, "STATS", NULL),
               0);
    long value = -1;
    while (value < 0) {
        char *name = zmsg_popstr (reply), *number = zmsg_popstr (reply);
        CHECK (name && number);
        if (streq (name, wanted))
            value = strtol (number, NULL, 10);
        free (name);
        free (number);
    }
    zmsg_destroy (&reply);
    return value;
}

static double
s_broker_side (const void *args, double seconds)
{
    crowd_t self;
    s_take_turns ();
    zactor_t *broker = zactor_new (dividere_broker, NULL);
    relay_set (broker, "heartbeat", HEARTBEAT_MS);
    char *frontend = relay_bind (broker, "frontend", selftest_inproc ());
    char *backend = relay_bind (broker, "backend", selftest_inproc ());
    s_gather (&self, zsys_init (), *(const int *) args, frontend, backend);
    for (int i = 0; i < self.count; i++) {
        char name[NAME_SIZE];
        s_name (name, "worker", (uint64_t) i);
        s_send_name (self.workers, "worker", (uint64_t) i);
        dialogue_register (self.workers, name);
    }
    CHECK_EVENTUALLY (s_stat (broker, "workers") == self.count);
    double cost = s_measure (&self, seconds);
    s_disperse (&self);
    CHECK_INT (dividere_stop (&broker, SELFTEST_DEADLINE), 0);
    free (frontend);
    free (backend);
    return cost;
}

typedef struct {
    void *frontend;
    void *backend;
    uint64_t workers;
    uint64_t handed;
} routers_t;

/*  The rest of a message. False: the context is closed, as it may be in the
 *  midst of one.                                                            */
static bool
s_pass_on (zmq_msg_t *frame, void *from, void *to)
{
    for (int more = ZMQ_SNDMORE; more;) {
        if (zmq_msg_recv (frame, from, 0) < 0)
            return false;
        more = zmq_msg_more (frame) ? ZMQ_SNDMORE : 0;
        if (zmq_msg_send (frame, to, more) < 0)
            return false;
    }
    return true;
}

/*  All that has come to one, to where it belongs.                           */
static void
s_hand_on (routers_t *self, bool request)
{
    void *from = request ? self->frontend : self->backend;
    void *to = request ? self->backend : self->frontend;
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    for (int i = 0; i < BATCH && zmq_msg_recv (&frame, from, ZMQ_DONTWAIT) >= 0;
         i++) {
        if (request) {
            s_send_name (to, "worker", self->handed++ % self->workers);
            CHECK (zmq_msg_send (&frame, to, ZMQ_SNDMORE) >= 0);
        }
        if (!s_pass_on (&frame, from, to)) {
            CHECK_INT (errno, ETERM);
            break;
        }
    }
    zmq_msg_close (&frame);
}

static void *
s_run_routers (void *args)
{
    routers_t *self = (routers_t *) args;
    zmq_pollitem_t items[] = { { self->frontend, 0, ZMQ_POLLIN, 0 },
                               { self->backend, 0, ZMQ_POLLIN, 0 } };
    while (zmq_poll (items, 2, -1) > 0) {
        s_hand_on (self, true);
        s_hand_on (self, false);
    }
    CHECK_INT (errno, ETERM);
    zmq_close (self->frontend);
    zmq_close (self->backend);
    return NULL;
}

static double
s_libzmq_side (const void *args, double seconds)
{
    crowd_t self;
    s_take_turns ();
    void *context = zmq_ctx_new ();
    routers_t routers = { relay_socket (context, ZMQ_ROUTER),
                          relay_socket (context, ZMQ_ROUTER),
                          (uint64_t) * (const int *) args };
    const char *frontend = "inproc://frontend", *backend = "inproc://backend";
    CHECK_INT (zmq_bind (routers.frontend, frontend), 0);
    CHECK_INT (zmq_bind (routers.backend, backend), 0);
    pthread_t thread;
    CHECK_INT (pthread_create (&thread, NULL, s_run_routers, &routers), 0);
    s_gather (&self, context, *(const int *) args, frontend, backend);
    double cost = s_measure (&self, seconds);
    s_disperse (&self);
    CHECK_INT (zmq_ctx_term (context), 0);
    pthread_join (thread, NULL);
    return cost;
}

static const int s_crowd = 10000;

#define SWEEP(count)                                           \
    {                                                          \
        "broker, " #count " workers, " #count " clients",      \
            "2 ROUTERs, the same peers", BENCH_TIME,           \
            { s_libzmq_side, &(const int){ count } },          \
            { s_broker_side, &(const int){ count } }, 10, 1.10 \
    }

const bench_row_t bench_crowd_sweep[] = {
    SWEEP (10), SWEEP (100), SWEEP (1000), SWEEP (10000), BENCH_END,
};

const bench_row_t bench_crowd_rows[] = {
    { "broker, 10,000 workers, 10,000 clients",
      "2 ROUTERs, the same peers",
      BENCH_TIME,
      { s_libzmq_side, &s_crowd },
      { s_broker_side, &s_crowd },
      1.30,
      1.10 },
    BENCH_END,
};
