/* SPDX-License-Identifier: Apache-2.0 */

/*  There and back: requests to a reactor that answers each with what it was
 *  asked, beside a bare echo of the same frames.                            */

#include "bench.h"
#include <pthread.h>
#include <dividere.h>
#include "load.h"
#include "selftest.h"

#define PAYLOAD     16
#define BATCH       16     /* between two looks at the clock               */
#define SAMPLES_MAX 100000 /* of one window                                 */

typedef struct {
    int in_flight;
    int sources; /* of the reactor; the first is asked                      */
} shape_t;

/*  Who asks.                                                                */
typedef struct client_t client_t;
struct client_t {
    load_t load;
    void *socket; /* of the kind that ask and answer take                   */
    void (*ask) (client_t *self);
    void (*take_answer) (client_t *self);
    dividere_route_t *route; /* one empty frame, as a request has            */
    dividere_message_t *answer;
};

static double
s_rate (client_t *self, int in_flight, double seconds)
{
    for (int i = 0; i < in_flight; i++)
        self->ask (self);
    self->take_answer (self);
    self->ask (self);
    size_t count = 0;
    double start = bench_now ();
    double now;
    do {
        for (int i = 0; i < BATCH; i++) {
            self->take_answer (self);
            self->ask (self);
        }
        count += BATCH;
        now = bench_now ();
    }
    while (now - start < seconds);
    for (int i = 0; i < in_flight; i++)
        self->take_answer (self);
    return (double) count / (now - start);
}

/*  The median time of one, one at a time.                                   */
static double
s_round_trip (client_t *self, double seconds)
{
    static double samples[SAMPLES_MAX];
    self->ask (self);
    self->take_answer (self);
    size_t count = 0;
    double end = bench_now () + seconds;
    double now = 0;
    while (now < end && count < SAMPLES_MAX) {
        double start = bench_now ();
        self->ask (self);
        self->take_answer (self);
        now = bench_now ();
        samples[count++] = now - start;
    }
    return bench_median (samples, count);
}

static double
s_measure (client_t *self, int in_flight, double seconds)
{
    return in_flight > 1 ? s_rate (self, in_flight, seconds)
                         : s_round_trip (self, seconds);
}

static void
s_ask_raw (client_t *self)
{
    CHECK_INT (zmq_send (self->socket, "", 0, ZMQ_SNDMORE), 0);
    load_send_raw (&self->load, self->socket, false);
}

static void
s_take_raw (client_t *self)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    do {
        CHECK (zmq_msg_recv (&frame, self->socket, 0) >= 0);
    }
    while (zmq_msg_more (&frame));
    zmq_msg_close (&frame);
}

/*  Sends each frame back as it comes, until a mark came.                    */
static void *
s_echo (void *args)
{
    void *handle = zsock_resolve (args);
    bool marked = false;
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    while (!marked) {
        CHECK (zmq_msg_recv (&frame, handle, 0) >= 0);
        int more = zmq_msg_more (&frame);
        marked = !more && zmq_msg_size (&frame) == 0;
        CHECK (zmq_msg_send (&frame, handle, more ? ZMQ_SNDMORE : 0) >= 0);
    }
    zmq_msg_close (&frame);
    return NULL;
}

static double
s_raw_side (const void *args, double seconds)
{
    const shape_t *shape = (const shape_t *) args;
    client_t self = { .ask = s_ask_raw, .take_answer = s_take_raw };
    load_init (&self.load, PAYLOAD);
    zsock_t *router = zsock_new_router ("@tcp://127.0.0.1:*");
    CHECK (router);
    zsock_t *dealer = zsock_new_dealer (zsock_endpoint (router));
    CHECK (dealer);
    self.socket = zsock_resolve (dealer);
    pthread_t thread;
    CHECK_INT (pthread_create (&thread, NULL, s_echo, router), 0);
    double figure = s_measure (&self, shape->in_flight, seconds);
    CHECK_INT (zmq_send (self.socket, "", 0, ZMQ_SNDMORE), 0);
    load_send_raw (&self.load, self.socket, true);
    pthread_join (thread, NULL);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
    load_term (&self.load);
    return figure;
}

static void
s_ask_typed (client_t *self)
{
    CHECK_INT (dividere_send_to (self->socket, self->route,
                                 &self->load.message.base, -1),
               0);
}

static void
s_take_typed (client_t *self)
{
    CHECK_INT (dividere_recv_into (self->socket, self->answer, -1), 0);
}

static int
on_request (dividere_context_t *context, const Msg01 *message)
{
    return dividere_context_reply (context, &message->base) < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Msg01, msg01, on_request),
    DIVIDERE_HANDLER_END,
};

/*  A reactor that runs; the caller frees the endpoint of its first source.  */
static zactor_t *
s_reactor_new (int sources, char **ret_endpoint)
{
    dividere_reactor_config_t config = { .handlers = s_handlers };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    char *endpoint = load_add_source (reactor, "response", "tcp://127.0.0.1:*");
    for (int i = 1; i < sources; i++)
        free (load_add_source (reactor, "response", "tcp://127.0.0.1:*"));
    CHECK_INT (dividere_call (reactor, NULL, -1, "START", NULL), 0);
    *ret_endpoint = endpoint;
    return reactor;
}

static double
s_reactor_side (const void *args, double seconds)
{
    const shape_t *shape = (const shape_t *) args;
    char *endpoint;
    zactor_t *reactor = s_reactor_new (shape->sources, &endpoint);
    client_t self = { .ask = s_ask_typed, .take_answer = s_take_typed };
    load_init (&self.load, PAYLOAD);
    self.route = dividere_route_new ();
    CHECK_INT (dividere_route_append (self.route, "", 0), 0);
    self.answer = dividere_message_new ();
    dividere_connector_t *dealer = dividere_dealer_new (endpoint, NULL);
    CHECK (dealer);
    self.socket = dealer;
    double figure = s_measure (&self, shape->in_flight, seconds);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    dividere_connector_destroy (&dealer);
    dividere_message_destroy (&self.answer);
    dividere_route_destroy (&self.route);
    load_term (&self.load);
    free (endpoint);
    return figure;
}

static const shape_t s_pipelined = { 100, 1 };
static const shape_t s_lock_step = { 1, 1 };
static const shape_t s_lock_step_50 = { 1, 50 };
static const shape_t s_lock_step_100 = { 1, 100 };

const bench_row_t bench_request_rows[] = {
    { "requests to a reactor, 100 in flight, tcp",
      "libzmq, DEALER/ROUTER echo",
      BENCH_RATE,
      { s_raw_side, &s_pipelined },
      { s_reactor_side, &s_pipelined },
      0.60,
      0.80 },
    { "round trip through a reactor, tcp, p50",
      "libzmq, DEALER/ROUTER echo",
      BENCH_TIME,
      { s_raw_side, &s_lock_step },
      { s_reactor_side, &s_lock_step },
      1.20,
      1.05 },
    { "reactor with 50 sources, one active, p50",
      "reactor with 1 source",
      BENCH_TIME,
      { s_reactor_side, &s_lock_step },
      { s_reactor_side, &s_lock_step_50 },
      1.50,
      1.10 },
    { "reactor with 100 sources, one active, p50",
      "reactor with 1 source",
      BENCH_TIME,
      { s_reactor_side, &s_lock_step },
      { s_reactor_side, &s_lock_step_100 },
      1.50,
      1.10 },
    BENCH_END,
};
