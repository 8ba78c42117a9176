/* SPDX-License-Identifier: Apache-2.0 */

/*  Requests over gRPC, by its core and its completion queues, with objects
 *  that protobuf-c packs and unpacks.                                        */

#include "bench.h"
#include <pthread.h>
#include "asker.h"
#include "flow.h"
#include "grpc_ends.h"
#include "selftest.h"
#include "two_step.h"

#define EXPECTED 128 /* calls, more than are under way                       */

/*  ---- The server ----                                                     */

typedef enum { REQUESTED, READ, ANSWERED } step_t;

typedef struct {
    step_t step; /* that comes next                                          */
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_byte_buffer *request;
    int cancelled;
} served_t;

static void
s_expect (grpc_server_end_t *self)
{
    served_t *served = (served_t *) calloc (1, sizeof (*served));
    CHECK (served);
    grpc_call_details_init (&served->details);
    grpc_metadata_array_init (&served->metadata);
    CHECK_INT (grpc_server_request_call (self->server, &served->call,
                                         &served->details, &served->metadata,
                                         self->queue, self->queue, served),
               GRPC_CALL_OK);
}

static void
s_forget (served_t *served)
{
    if (served->call)
        grpc_call_unref (served->call);
    if (served->request)
        grpc_byte_buffer_destroy (served->request);
    grpc_call_details_destroy (&served->details);
    grpc_metadata_array_destroy (&served->metadata);
    free (served);
}

static void
s_read (served_t *served)
{
    grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };
    op.data.recv_message.recv_message = &served->request;
    served->step = READ;
    CHECK_INT (grpc_call_start_batch (served->call, &op, 1, served, NULL),
               GRPC_CALL_OK);
}

static void
s_answer (served_t *served)
{
    ProtobufCMessage *object = grpc_ends_unpack (served->request);
    CHECK (object);
    grpc_byte_buffer *reply = grpc_ends_pack (object, TWO_STEP_URL ("Msg01"));
    protobuf_c_message_free_unpacked (object, NULL);
    grpc_op ops[4] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
                       { .op = GRPC_OP_SEND_MESSAGE },
                       { .op = GRPC_OP_SEND_STATUS_FROM_SERVER },
                       { .op = GRPC_OP_RECV_CLOSE_ON_SERVER } };
    ops[1].data.send_message.send_message = reply;
    ops[2].data.send_status_from_server.status = GRPC_STATUS_OK;
    ops[3].data.recv_close_on_server.cancelled = &served->cancelled;
    served->step = ANSWERED;
    CHECK_INT (grpc_call_start_batch (served->call, ops, 4, served, NULL),
               GRPC_CALL_OK);
    grpc_byte_buffer_destroy (reply);
}

/*  Until it is shut down, which comes as an event of nobody.                */
static void *
s_serve (void *args)
{
    grpc_server_end_t *self = (grpc_server_end_t *) args;
    grpc_event event;
    for (int i = 0; i < EXPECTED; i++)
        s_expect (self);
    while (
        (event = grpc_completion_queue_next (self->queue, GRPC_FOREVER, NULL))
            .type == GRPC_OP_COMPLETE) {
        served_t *served = (served_t *) event.tag;
        if (!served)
            grpc_completion_queue_shutdown (self->queue);
        else if (!event.success || served->step == ANSWERED)
            s_forget (served);
        else if (served->step == READ)
            s_answer (served);
        else {
            s_expect (self);
            s_read (served);
        }
    }
    return NULL;
}

/*  ---- The client ----                                                     */

typedef struct {
    grpc_call *call;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_byte_buffer *reply;
    grpc_status_code status;
    grpc_slice details;
} asked_t;

static void
s_ask (asker_t *self)
{
    grpc_client_end_t *client = (grpc_client_end_t *) self->socket;
    asked_t *asked = (asked_t *) calloc (1, sizeof (*asked));
    CHECK (asked);
    grpc_metadata_array_init (&asked->initial);
    grpc_metadata_array_init (&asked->trailing);
    asked->call = grpc_ends_call (client, "/bench.Echo/Ask");
    grpc_byte_buffer *request =
        grpc_ends_pack (&self->load.message.base, TWO_STEP_URL ("Msg01"));
    grpc_op ops[6] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
                       { .op = GRPC_OP_SEND_MESSAGE },
                       { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
                       { .op = GRPC_OP_RECV_INITIAL_METADATA },
                       { .op = GRPC_OP_RECV_MESSAGE },
                       { .op = GRPC_OP_RECV_STATUS_ON_CLIENT } };
    ops[1].data.send_message.send_message = request;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &asked->initial;
    ops[4].data.recv_message.recv_message = &asked->reply;
    ops[5].data.recv_status_on_client.trailing_metadata = &asked->trailing;
    ops[5].data.recv_status_on_client.status = &asked->status;
    ops[5].data.recv_status_on_client.status_details = &asked->details;
    CHECK_INT (grpc_call_start_batch (asked->call, ops, 6, asked, NULL),
               GRPC_CALL_OK);
    grpc_byte_buffer_destroy (request);
}

static void
s_take_answer (asker_t *self)
{
    grpc_client_end_t *client = (grpc_client_end_t *) self->socket;
    grpc_event event =
        grpc_completion_queue_next (client->queue, GRPC_FOREVER, NULL);
    asked_t *asked = (asked_t *) event.tag;
    CHECK (event.type == GRPC_OP_COMPLETE && event.success);
    CHECK_INT (asked->status, GRPC_STATUS_OK);
    ProtobufCMessage *object = grpc_ends_unpack (asked->reply);
    CHECK (object);
    protobuf_c_message_free_unpacked (object, NULL);
    grpc_byte_buffer_destroy (asked->reply);
    grpc_metadata_array_destroy (&asked->initial);
    grpc_metadata_array_destroy (&asked->trailing);
    grpc_slice_unref (asked->details);
    grpc_call_unref (asked->call);
    free (asked);
}

static double
s_asker_side (const void *args, double seconds)
{
    const asker_shape_t *shape = (const asker_shape_t *) args;
    grpc_server_end_t server;
    grpc_client_end_t client;
    pthread_t thread;
    grpc_ends_init (&server, &client);
    CHECK_INT (pthread_create (&thread, NULL, s_serve, &server), 0);
    asker_t self = { .ask = s_ask, .take_answer = s_take_answer };
    load_init (&self.load, ASKER_PAYLOAD);
    self.socket = &client;
    double figure = asker_measure (&self, shape->in_flight, seconds);
    grpc_server_shutdown_and_notify (server.server, server.queue, NULL);
    pthread_join (thread, NULL);
    grpc_ends_term (&server, &client);
    load_term (&self.load);
    return figure;
}

static const stream_t s_tcp_16 = { false, 16 };
static const asker_shape_t s_pipelined = { 100, 1 };
static const asker_shape_t s_lock_step = { 1, 1 };

const bench_row_t bench_grpc_rows[] = {
    { "one way, 16 B, tcp, beside gRPC",
      "gRPC core, a stream, protobuf-c",
      BENCH_RATE,
      { grpc_flow_side, &s_tcp_16 },
      { flow_typed_side, &s_tcp_16 } },
    { "requests, 100 in flight, beside gRPC",
      "gRPC core, protobuf-c",
      BENCH_RATE,
      { s_asker_side, &s_pipelined },
      { asker_reactor_side, &s_pipelined } },
    { "round trip, p50, beside gRPC",
      "gRPC core, protobuf-c",
      BENCH_TIME,
      { s_asker_side, &s_lock_step },
      { asker_reactor_side, &s_lock_step } },
    BENCH_END,
};
