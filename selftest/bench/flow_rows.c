/* SPDX-License-Identifier: Apache-2.0 */

/*  One way: one thread sends as fast as it can, another receives.           */

#include "bench.h"
#include <poll.h>
#include <dividere.h>
#include "flow.h"
#include "secured.h"
#include "selftest.h"
#include "two_step.h"

static void
s_send_raw (const load_t *load, void *sender, bool mark)
{
    load_send_raw (load, sender, mark);
}

static void *
s_receive_raw (void *args)
{
    flow_t *self = (flow_t *) args;
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    do {
        CHECK (zmq_msg_recv (&frame, self->receiver, 0) >= 0);
    }
    while (zmq_msg_size (&frame) > 0 || flow_take_mark (self));
    zmq_msg_close (&frame);
    return NULL;
}

/*  As CURVE is used without dividere: nobody is asked about keys.           */
static void
s_secure_raw (zsock_t *receiver, zsock_t *sender)
{
    zcert_t *server = zcert_new ();
    zcert_t *client = zcert_new ();
    zcert_apply (server, receiver);
    zsock_set_curve_server (receiver, 1);
    zcert_apply (client, sender);
    zsock_set_curve_serverkey (sender, zcert_public_txt (server));
    zcert_destroy (&server);
    zcert_destroy (&client);
}

/*  Bare: the sockets are given as those of libzmq, not of CZMQ.             */
static double
s_pump_czmq (const stream_t *stream, bool bare, flow_send_fn *send,
             void *(*receive) (void *), double seconds)
{
    flow_t self;
    flow_init (&self, stream);
    zsock_t *receiver = zsock_new (ZMQ_DEALER);
    zsock_t *sender = zsock_new (ZMQ_DEALER);
    if (stream->secure)
        s_secure_raw (receiver, sender);
    CHECK (zsock_bind (receiver, "%s", self.address + 1) >= 0);
    CHECK_INT (zsock_connect (sender, "%s", zsock_endpoint (receiver)), 0);
    self.receiver = bare ? zsock_resolve (receiver) : receiver;
    self.sender = bare ? zsock_resolve (sender) : sender;
    self.send = send;
    double rate = flow_pump_into (&self, receive, seconds);
    zsock_destroy (&sender);
    zsock_destroy (&receiver);
    flow_term (&self);
    return rate;
}

static double
s_raw_side (const void *args, double seconds)
{
    return s_pump_czmq ((const stream_t *) args, true, s_send_raw,
                        s_receive_raw, seconds);
}

static void
s_send_zmsg (const load_t *load, void *sender, bool mark)
{
    zmq_msg_t frame;
    if (mark)
        two_step_encode (&load->mark.base, TWO_STEP_URL ("MyServiceReq"),
                         &frame);
    else
        two_step_encode (&load->message.base, TWO_STEP_URL ("Msg01"), &frame);
    zmsg_t *message = zmsg_new ();
    zmsg_addmem (message, zmq_msg_data (&frame), zmq_msg_size (&frame));
    zmq_msg_close (&frame);
    CHECK_INT (zmsg_send (&message, sender), 0);
}

static int
s_handle_zmsg (zloop_t *loop, zsock_t *reader, void *args)
{
    flow_t *self = (flow_t *) args;
    zmsg_t *message = zmsg_recv (reader);
    CHECK (message);
    zframe_t *frame = zmsg_first (message);
    ProtobufCMessage *object =
        two_step_decode (zframe_data (frame), zframe_size (frame),
                         &msg01__descriptor);
    bool more = object || flow_take_mark (self);
    if (object)
        protobuf_c_message_free_unpacked (object, NULL);
    zmsg_destroy (&message);
    return more ? 0 : -1;
}

static void *
s_receive_zmsg (void *args)
{
    flow_t *self = (flow_t *) args;
    zloop_t *loop = zloop_new ();
    zloop_reader (loop, (zsock_t *) self->receiver, s_handle_zmsg, self);
    zloop_start (loop);
    zloop_destroy (&loop);
    return NULL;
}

static double
s_zmsg_side (const void *args, double seconds)
{
    return s_pump_czmq ((const stream_t *) args, false, s_send_zmsg,
                        s_receive_zmsg, seconds);
}

static void
s_send_typed (const load_t *load, void *sender, bool mark)
{
    CHECK_INT (dividere_send (sender,
                              mark ? &load->mark.base : &load->message.base),
               0);
}

/*  An object as large, whose text nobody has written.                       */
static void
s_send_given (const load_t *load, void *sender, bool mark)
{
    if (mark) {
        s_send_typed (load, sender, true);
        return;
    }
    size_t size = strlen (load->message.content);
    Msg01 *message = (Msg01 *) malloc (sizeof (*message));
    msg01__init (message);
    message->content = (char *) malloc (size + 1);
    message->content[0] = message->content[size] = 0;
    ProtobufCMessage *given = &message->base;
    CHECK_INT (dividere_send_owned (sender, NULL, &given, -1), 0);
}

static void *
s_receive_typed (void *args)
{
    flow_t *self = (flow_t *) args;
    dividere_message_t *message = dividere_message_new ();
    do {
        CHECK_INT (dividere_recv_into (self->receiver, message, -1), 0);
    }
    while (DIVIDERE_MESSAGE_AS (message, Msg01, msg01) ||
           flow_take_mark (self));
    dividere_message_destroy (&message);
    return NULL;
}

/*  Who answers for it would refuse the reference, which has no rights: it is
 *  there for one window.                                                    */
static void
s_secure (void)
{
    secured_t folder;
    secured_open (&folder, NULL);
    secured_rights (&folder, "allow * *\n", &folder, NULL);
    CHECK_INT (dividere_security_load (folder.folder), 0);
    secured_close (&folder);
}

double
flow_typed_side (const void *args, double seconds)
{
    const stream_t *stream = (const stream_t *) args;
    flow_t self;
    if (stream->secure)
        s_secure ();
    flow_init (&self, stream);
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.handover = stream->given;
    dividere_connector_t *receiver =
        dividere_dealer_new (self.address, &options);
    CHECK (receiver);
    dividere_connector_t *sender =
        dividere_dealer_new (dividere_connector_endpoint (receiver), &options);
    CHECK (sender);
    self.receiver = receiver;
    self.sender = sender;
    self.send = stream->given ? s_send_given : s_send_typed;
    double rate = flow_pump_into (&self, s_receive_typed, seconds);
    dividere_connector_destroy (&sender);
    dividere_connector_destroy (&receiver);
    dividere_security_unload ();
    flow_term (&self);
    return rate;
}

/*  Room for a publisher comes with a command of libzmq's, which its descriptor
 *  tells; ZMQ_POLLOUT would say that there is room at any time.              */
static void
s_await_room (dividere_connector_t *publisher)
{
    struct pollfd item = { .events = POLLIN };
    size_t size = sizeof (item.fd);
    CHECK_INT (zmq_getsockopt (dividere_connector_handle (publisher), ZMQ_FD,
                               &item.fd, &size),
               0);
    while (poll (&item, 1, -1) < 0)
        CHECK_INT (errno, EINTR);
}

/*  A publisher that loses nothing: it waits until the subscriber has room.  */
static void
s_send_published (const load_t *load, void *sender, bool mark)
{
    dividere_connector_t *publisher = (dividere_connector_t *) sender;
    const ProtobufCMessage *message =
        mark ? &load->mark.base : &load->message.base;
    while (dividere_send (publisher, message) < 0) {
        CHECK_INT (errno, EAGAIN);
        s_await_room (publisher);
    }
    while (mark && dividere_connector_flush (publisher) < 0)
        s_await_room (publisher);
}

double
flow_published_side (const void *args, double seconds)
{
    const stream_t *stream = (const stream_t *) args;
    flow_t self;
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.batch = stream->batch;
    options.overflow = DIVIDERE_OVERFLOW_TELL;
    flow_init (&self, stream);
    dividere_connector_t *sender =
        dividere_publisher_new (self.address, &options);
    CHECK (sender);
    dividere_connector_t *receiver =
        dividere_subscriber_new (dividere_connector_endpoint (sender),
                                 &options);
    CHECK (receiver);
    CHECK_INT (dividere_subscribe (receiver, &msg01__descriptor), 0);
    CHECK_INT (dividere_subscribe (receiver, &my_service_req__descriptor), 0);
    CHECK_INT (dividere_wait_subscribers (sender, &my_service_req__descriptor,
                                          1, SELFTEST_DEADLINE),
               0);
    self.receiver = receiver;
    self.sender = sender;
    self.send = s_send_published;
    double rate = flow_pump_into (&self, s_receive_typed, seconds);
    dividere_connector_destroy (&sender);
    dividere_connector_destroy (&receiver);
    flow_term (&self);
    return rate;
}

static int
on_message (dividere_context_t *context, const Msg01 *message)
{
    return 0;
}

static int
on_mark (dividere_context_t *context, const MyServiceReq *mark)
{
    flow_take_mark ((flow_t *) dividere_context_user (context));
    return 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Msg01, msg01, on_message),
    DIVIDERE_HANDLER (MyServiceReq, my_service_req, on_mark),
    DIVIDERE_HANDLER_END,
};

static double
s_reactor_side (const void *args, double seconds)
{
    flow_t self;
    flow_init (&self, (const stream_t *) args);
    dividere_reactor_config_t config = { .handlers = s_handlers,
                                         .user = &self };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    char *endpoint = load_add_source (reactor, "dealer", self.address);
    CHECK_INT (dividere_call (reactor, NULL, -1, "START", NULL), 0);
    dividere_connector_t *sender = dividere_dealer_new (endpoint, NULL);
    CHECK (sender);
    self.sender = sender;
    self.send = s_send_typed;
    double rate = flow_pump (&self, seconds);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    dividere_connector_destroy (&sender);
    free (endpoint);
    flow_term (&self);
    return rate;
}

static const stream_t s_tcp_16 = { false, 16 };
static const stream_t s_inproc_16 = { true, 16 };
static const stream_t s_inproc_65536 = { true, 65536 };
static const stream_t s_given_65536 = { true, 65536, .given = true };
static const stream_t s_batched_16 = { false, 16, .batch = 8192 };
static const stream_t s_tcp_256 = { false, 256 };
static const stream_t s_tcp_4096 = { false, 4096 };
static const stream_t s_curve_256 = { false, 256, true };
static const stream_t s_curve_4096 = { false, 4096, true };

#define ROW(work, against, reference, ours, stream, required, goal)         \
    {                                                                       \
        work, against, BENCH_RATE, { reference, stream }, { ours, stream }, \
            required, goal                                                  \
    }
#define ROW_TYPED(work, stream, required, goal)                           \
    ROW (work, "libzmq, same bytes", s_raw_side, flow_typed_side, stream, \
         required, goal)
/*  At least nine tenths of what libzmq reaches, with CURVE on both sides, is at
 *  least nine tenths of what is reached without.                            */
#define ROW_CURVE(work, stream)                                              \
    ROW (work, "libzmq with CURVE, same bytes", s_raw_side, flow_typed_side, \
         stream, 0.90, 1.0)
#define ROW_REACTOR(work, stream, required, goal)                           \
    ROW (work, "libzmq, same bytes, bare recv", s_raw_side, s_reactor_side, \
         stream, required, goal)

#define SWEEP(size)                                                     \
    {                                                                   \
        "one way, " #size " B, tcp", "libzmq, same bytes", BENCH_RATE,  \
            { s_raw_side, &(const stream_t){ false, size } },           \
            { flow_typed_side, &(const stream_t){ false, size } }, 0, 1 \
    }

const bench_row_t bench_flow_sweep[] = {
    SWEEP (16),    SWEEP (64),    SWEEP (256),    SWEEP (1024),    SWEEP (4096),
    SWEEP (16384), SWEEP (65536), SWEEP (262144), SWEEP (1048576), BENCH_END,
};

const bench_row_t bench_flow_rows[] = {
    ROW_TYPED ("one way, 16 B, tcp", &s_tcp_16, 0.65, 0.85),
    ROW_TYPED ("one way, 16 B, inproc", &s_inproc_16, 0.55, 0.75),
    ROW_TYPED ("one way, 256 B, tcp", &s_tcp_256, 0.75, 0.95),
    ROW_TYPED ("one way, 4 KiB, tcp", &s_tcp_4096, 0.85, 1.0),
    ROW_REACTOR ("one way into a reactor, 16 B, tcp", &s_tcp_16, 0.60, 0.80),
    ROW_REACTOR ("one way into a reactor, 4 KiB, tcp", &s_tcp_4096, 0.80, 0.95),
    ROW ("typed into a reactor, 16 B, tcp",
         "zloop, zmsg, protobuf-c in two steps", s_zmsg_side, s_reactor_side,
         &s_tcp_16, 4, 6),
    ROW ("published, 16 B, tcp, batched", "libzmq, same bytes, one by one",
         s_raw_side, flow_published_side, &s_batched_16, 1.0, 2.5),
    { "one way, 64 KiB, inproc, handed over",
      "the same packed",
      BENCH_RATE,
      { flow_typed_side, &s_inproc_65536 },
      { flow_typed_side, &s_given_65536 },
      3,
      50 },
    ROW_CURVE ("one way, CURVE, 256 B, tcp", &s_curve_256),
    ROW_CURVE ("one way, CURVE, 4 KiB, tcp", &s_curve_4096),
    BENCH_END,
};
