/* SPDX-License-Identifier: Apache-2.0 */

/*  The same work over nng, with objects that protobuf-c packs and unpacks.   */

#include "bench.h"
#include <semaphore.h>
#include <stdatomic.h>
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include "asker.h"
#include "flow.h"
#include "selftest.h"
#include "two_step.h"

#define QUEUE       1000   /* messages at either end                        */
#define FLIGHT_MAX  100    /* requests                                      */
#define SAMPLES_MAX 100000 /* of one window                                 */

/*  Two sockets that are connected over tcp.                                  */
static void
s_connect (nng_socket listener, nng_socket dialer)
{
    nng_listener at;
    nng_sockaddr address;
    char url[64];
    CHECK_INT (nng_listener_create (&at, listener, "tcp://127.0.0.1:0"), 0);
    CHECK_INT (nng_listener_start (at, 0), 0);
    CHECK_INT (nng_listener_get_addr (at, NNG_OPT_LOCADDR, &address), 0);
    snprintf (url, sizeof (url), "tcp://127.0.0.1:%u",
              (unsigned) ntohs (address.s_in.sa_port));
    CHECK_INT (nng_dial (dialer, url, NULL, 0), 0);
}

static nng_msg *
s_pack (const ProtobufCMessage *message, const char *url)
{
    zmq_msg_t frame;
    nng_msg *packed;
    two_step_encode (message, url, &frame);
    CHECK_INT (nng_msg_alloc (&packed, 0), 0);
    CHECK_INT (nng_msg_append (packed, zmq_msg_data (&frame),
                               zmq_msg_size (&frame)),
               0);
    zmq_msg_close (&frame);
    return packed;
}

/*  NULL: another type.                                                       */
static ProtobufCMessage *
s_unpack (nng_msg *message)
{
    return two_step_decode (nng_msg_body (message), nng_msg_len (message),
                            &msg01__descriptor);
}

static void
s_send (const load_t *load, void *sender, bool mark)
{
    nng_msg *message =
        mark ? s_pack (&load->mark.base, TWO_STEP_URL ("MyServiceReq"))
             : s_pack (&load->message.base, TWO_STEP_URL ("Msg01"));
    CHECK_INT (nng_sendmsg (*(nng_socket *) sender, message, 0), 0);
}

static void *
s_receive (void *args)
{
    flow_t *self = (flow_t *) args;
    ProtobufCMessage *object;
    do {
        nng_msg *message;
        CHECK_INT (nng_recvmsg (*(nng_socket *) self->receiver, &message, 0),
                   0);
        object = s_unpack (message);
        nng_msg_free (message);
        if (object)
            protobuf_c_message_free_unpacked (object, NULL);
    }
    while (object || flow_take_mark (self));
    return NULL;
}

/*  Of its patterns, pair is the fastest that loses nothing.                  */
static double
s_flow_side (const void *args, double seconds)
{
    nng_socket out, in;
    flow_t self;
    flow_init (&self, (const stream_t *) args);
    CHECK_INT (nng_pair0_open (&in), 0);
    CHECK_INT (nng_pair0_open (&out), 0);
    CHECK_INT (nng_socket_set_int (out, NNG_OPT_SENDBUF, QUEUE), 0);
    CHECK_INT (nng_socket_set_int (in, NNG_OPT_RECVBUF, QUEUE), 0);
    s_connect (in, out);
    self.receiver = &in;
    self.sender = &out;
    self.send = s_send;
    double rate = flow_pump_into (&self, s_receive, seconds);
    nng_close (out);
    nng_close (in);
    flow_term (&self);
    return rate;
}

/*  ---- Requests ----
 *
 *  Each under way has a context at either end, whose callbacks take the next
 *  step: nng is several times faster so than with threads that wait.         */

typedef struct asking_t asking_t;

typedef struct {
    nng_ctx context;
    nng_aio *aio;
    bool receives; /* what is under way, else a message is sent              */
    double start;  /* of the request                                         */
    asking_t *asking; /* at the end that asks                                */
} turn_t;

struct asking_t {
    load_t load;
    double end;          /* when no more is asked                            */
    atomic_size_t count; /* answers                                          */
    double *samples;     /* or NULL                                          */
    sem_t over;          /* posted once for each turn                        */
};

static void
s_turn_init (turn_t *self, nng_socket socket, void (*step) (void *))
{
    CHECK_INT (nng_aio_alloc (&self->aio, step, self), 0);
    CHECK_INT (nng_ctx_open (&self->context, socket), 0);
}

static void
s_turn_term (turn_t *self)
{
    nng_aio_stop (self->aio);
    nng_ctx_close (self->context);
    nng_aio_free (self->aio);
}

static void
s_turn_receive (turn_t *self)
{
    self->receives = true;
    nng_ctx_recv (self->context, self->aio);
}

static void
s_turn_send (turn_t *self, const ProtobufCMessage *object)
{
    self->receives = false;
    nng_aio_set_msg (self->aio, s_pack (object, TWO_STEP_URL ("Msg01")));
    nng_ctx_send (self->context, self->aio);
}

/*  What the turn has received; the caller frees it.                          */
static ProtobufCMessage *
s_turn_take (turn_t *self)
{
    nng_msg *message = nng_aio_get_msg (self->aio);
    ProtobufCMessage *object = s_unpack (message);
    CHECK (object);
    nng_msg_free (message);
    return object;
}

/*  Until its turn is ended.                                               */
static void
s_serve (void *args)
{
    turn_t *self = (turn_t *) args;
    if (nng_aio_result (self->aio) != 0) {
        if (!self->receives)
            nng_msg_free (nng_aio_get_msg (self->aio));
    }
    else if (self->receives) {
        ProtobufCMessage *object = s_turn_take (self);
        s_turn_send (self, object);
        protobuf_c_message_free_unpacked (object, NULL);
    }
    else
        s_turn_receive (self);
}

static void
s_ask (turn_t *self)
{
    self->start = bench_now ();
    s_turn_send (self, &self->asking->load.message.base);
}

static void
s_take_answer (turn_t *self)
{
    asking_t *asking = self->asking;
    protobuf_c_message_free_unpacked (s_turn_take (self), NULL);
    double now = bench_now ();
    size_t count = atomic_fetch_add (&asking->count, 1);
    if (asking->samples && count < SAMPLES_MAX)
        asking->samples[count] = now - self->start;
    if (now < asking->end)
        s_ask (self);
    else
        sem_post (&asking->over);
}

static void
s_on_asked (void *args)
{
    turn_t *self = (turn_t *) args;
    CHECK_INT (nng_aio_result (self->aio), 0);
    if (self->receives)
        s_take_answer (self);
    else
        s_turn_receive (self);
}

/*  Requests per second, or for one in flight the median of the time of each. */
static double
s_measure (nng_socket req, int in_flight, double seconds)
{
    static turn_t turns[FLIGHT_MAX];
    static double samples[SAMPLES_MAX];
    asking_t self = { .samples = in_flight == 1 ? samples : NULL };
    load_init (&self.load, ASKER_PAYLOAD);
    CHECK_INT (sem_init (&self.over, 0, 0), 0);
    double start = bench_now ();
    self.end = start + seconds;
    for (int i = 0; i < in_flight; i++) {
        s_turn_init (&turns[i], req, s_on_asked);
        turns[i].asking = &self;
        s_ask (&turns[i]);
    }
    for (int i = 0; i < in_flight; i++)
        while (sem_wait (&self.over) < 0)
            CHECK_INT (errno, EINTR);
    double end = bench_now ();
    for (int i = 0; i < in_flight; i++)
        s_turn_term (&turns[i]);
    sem_destroy (&self.over);
    load_term (&self.load);
    size_t count = atomic_load (&self.count);
    if (!self.samples)
        return (double) count / (end - start);
    return bench_median (samples, count < SAMPLES_MAX ? count : SAMPLES_MAX);
}

static double
s_asker_side (const void *args, double seconds)
{
    static turn_t served[FLIGHT_MAX];
    const asker_shape_t *shape = (const asker_shape_t *) args;
    nng_socket rep, req;
    CHECK (shape->in_flight <= FLIGHT_MAX);
    CHECK_INT (nng_rep0_open (&rep), 0);
    CHECK_INT (nng_req0_open (&req), 0);
    s_connect (rep, req);
    for (int i = 0; i < shape->in_flight; i++) {
        s_turn_init (&served[i], rep, s_serve);
        s_turn_receive (&served[i]);
    }
    double figure = s_measure (req, shape->in_flight, seconds);
    for (int i = 0; i < shape->in_flight; i++)
        s_turn_term (&served[i]);
    nng_close (req);
    nng_close (rep);
    return figure;
}

static const stream_t s_tcp_16 = { false, 16 };
static const asker_shape_t s_pipelined = { 100, 1 };
static const asker_shape_t s_lock_step = { 1, 1 };

const bench_row_t bench_nng_rows[] = {
    { "one way, 16 B, tcp, beside nng",
      "nng pair, protobuf-c",
      BENCH_RATE,
      { s_flow_side, &s_tcp_16 },
      { flow_typed_side, &s_tcp_16 } },
    { "requests, 100 in flight, beside nng",
      "nng req/rep, protobuf-c",
      BENCH_RATE,
      { s_asker_side, &s_pipelined },
      { asker_reactor_side, &s_pipelined } },
    { "round trip, p50, beside nng",
      "nng req/rep, protobuf-c",
      BENCH_TIME,
      { s_asker_side, &s_lock_step },
      { asker_reactor_side, &s_lock_step } },
    BENCH_END,
};
