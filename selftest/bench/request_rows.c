/* SPDX-License-Identifier: Apache-2.0 */

/*  There and back: requests to a reactor that answers each with what it was
 *  asked, beside a bare echo of the same frames.                            */

#include "bench.h"
#include <pthread.h>
#include <dividere.h>
#include "asker.h"
#include "selftest.h"

static void
s_ask_raw (asker_t *self)
{
    CHECK_INT (zmq_send (self->socket, "", 0, ZMQ_SNDMORE), 0);
    load_send_raw (&self->load, self->socket, false);
}

static void
s_take_raw (asker_t *self)
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
    const asker_shape_t *shape = (const asker_shape_t *) args;
    asker_t self = { .ask = s_ask_raw, .take_answer = s_take_raw };
    load_init (&self.load, ASKER_PAYLOAD);
    zsock_t *router = zsock_new_router ("@tcp://127.0.0.1:*");
    CHECK (router);
    zsock_t *dealer = zsock_new_dealer (zsock_endpoint (router));
    CHECK (dealer);
    self.socket = zsock_resolve (dealer);
    pthread_t thread;
    CHECK_INT (pthread_create (&thread, NULL, s_echo, router), 0);
    double figure = asker_measure (&self, shape->in_flight, seconds);
    CHECK_INT (zmq_send (self.socket, "", 0, ZMQ_SNDMORE), 0);
    load_send_raw (&self.load, self.socket, true);
    pthread_join (thread, NULL);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
    load_term (&self.load);
    return figure;
}

static void
s_ask_typed (asker_t *self)
{
    CHECK_INT (dividere_send_to (self->socket, self->route,
                                 &self->load.message.base, -1),
               0);
}

static void
s_take_typed (asker_t *self)
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

double
asker_reactor_side (const void *args, double seconds)
{
    const asker_shape_t *shape = (const asker_shape_t *) args;
    char *endpoint;
    zactor_t *reactor = s_reactor_new (shape->sources, &endpoint);
    asker_t self = { .ask = s_ask_typed, .take_answer = s_take_typed };
    load_init (&self.load, ASKER_PAYLOAD);
    self.route = dividere_route_new ();
    CHECK_INT (dividere_route_append (self.route, "", 0), 0);
    self.answer = dividere_message_new ();
    dividere_connector_t *dealer = dividere_dealer_new (endpoint, NULL);
    CHECK (dealer);
    self.socket = dealer;
    double figure = asker_measure (&self, shape->in_flight, seconds);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    dividere_connector_destroy (&dealer);
    dividere_message_destroy (&self.answer);
    dividere_route_destroy (&self.route);
    load_term (&self.load);
    free (endpoint);
    return figure;
}

static const asker_shape_t s_pipelined = { 100, 1 };
static const asker_shape_t s_lock_step = { 1, 1 };
static const asker_shape_t s_lock_step_50 = { 1, 50 };
static const asker_shape_t s_lock_step_100 = { 1, 100 };

const bench_row_t bench_request_rows[] = {
    { "requests to a reactor, 100 in flight, tcp",
      "libzmq, DEALER/ROUTER echo",
      BENCH_RATE,
      { s_raw_side, &s_pipelined },
      { asker_reactor_side, &s_pipelined },
      0.60,
      0.80 },
    { "round trip through a reactor, tcp, p50",
      "libzmq, DEALER/ROUTER echo",
      BENCH_TIME,
      { s_raw_side, &s_lock_step },
      { asker_reactor_side, &s_lock_step },
      1.20,
      1.05 },
    { "reactor with 50 sources, one active, p50",
      "reactor with 1 source",
      BENCH_TIME,
      { asker_reactor_side, &s_lock_step },
      { asker_reactor_side, &s_lock_step_50 },
      1.50,
      1.10 },
    { "reactor with 100 sources, one active, p50",
      "reactor with 1 source",
      BENCH_TIME,
      { asker_reactor_side, &s_lock_step },
      { asker_reactor_side, &s_lock_step_100 },
      1.50,
      1.10 },
    BENCH_END,
};
