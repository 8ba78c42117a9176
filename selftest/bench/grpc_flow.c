/* SPDX-License-Identifier: Apache-2.0 */

/*  One way over gRPC: a call whose client sends messages without end.        */

#include "flow.h"
#include "grpc_ends.h"
#include "selftest.h"
#include "two_step.h"

/*  Does one thing and waits until it is done.                               */
static void
s_do (grpc_completion_queue *queue, grpc_call *call, const grpc_op *op)
{
    CHECK_INT (grpc_call_start_batch (call, op, 1, (void *) op, NULL),
               GRPC_CALL_OK);
    grpc_event event = grpc_completion_queue_next (queue, GRPC_FOREVER, NULL);
    CHECK (event.type == GRPC_OP_COMPLETE && event.success);
}

typedef struct {
    grpc_client_end_t end;
    grpc_call *call;
} sender_t;

/*  It may collect messages until one that may not wait.                     */
static void
s_send (const load_t *load, void *sender, bool mark)
{
    sender_t *self = (sender_t *) sender;
    grpc_byte_buffer *message =
        mark ? grpc_ends_pack (&load->mark.base, TWO_STEP_URL ("MyServiceReq"))
             : grpc_ends_pack (&load->message.base, TWO_STEP_URL ("Msg01"));
    grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };
    op.flags = mark ? 0 : GRPC_WRITE_BUFFER_HINT;
    op.data.send_message.send_message = message;
    s_do (self->end.queue, self->call, &op);
    grpc_byte_buffer_destroy (message);
}

/*  The call that the client has made.                                       */
static grpc_call *
s_accept (grpc_server_end_t *server)
{
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_call_details_init (&details);
    grpc_metadata_array_init (&metadata);
    CHECK_INT (grpc_server_request_call (server->server, &call, &details,
                                         &metadata, server->queue,
                                         server->queue, server),
               GRPC_CALL_OK);
    grpc_event event =
        grpc_completion_queue_next (server->queue, GRPC_FOREVER, NULL);
    CHECK (event.type == GRPC_OP_COMPLETE && event.success);
    grpc_call_details_destroy (&details);
    grpc_metadata_array_destroy (&metadata);
    return call;
}

static void *
s_receive (void *args)
{
    flow_t *self = (flow_t *) args;
    grpc_server_end_t *server = (grpc_server_end_t *) self->receiver;
    grpc_call *call = s_accept (server);
    grpc_byte_buffer *message;
    grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };
    op.data.recv_message.recv_message = &message;
    ProtobufCMessage *object;
    do {
        s_do (server->queue, call, &op);
        object = grpc_ends_unpack (message);
        grpc_byte_buffer_destroy (message);
        if (object)
            protobuf_c_message_free_unpacked (object, NULL);
    }
    while (object || flow_take_mark (self));
    grpc_call_unref (call);
    return NULL;
}

static void
s_stop (grpc_server_end_t *self)
{
    grpc_server_shutdown_and_notify (self->server, self->queue, NULL);
    grpc_server_cancel_all_calls (self->server);
    CHECK_INT (
        grpc_completion_queue_next (self->queue, GRPC_FOREVER, NULL).type,
        GRPC_OP_COMPLETE);
    grpc_completion_queue_shutdown (self->queue);
    CHECK_INT (
        grpc_completion_queue_next (self->queue, GRPC_FOREVER, NULL).type,
        GRPC_QUEUE_SHUTDOWN);
}

double
grpc_flow_side (const void *args, double seconds)
{
    grpc_server_end_t server;
    sender_t sender;
    flow_t self;
    flow_init (&self, (const stream_t *) args);
    grpc_ends_init (&server, &sender.end);
    sender.call = grpc_ends_call (&sender.end, "/bench.Flow/Send");
    self.receiver = &server;
    self.sender = &sender;
    self.send = s_send;
    grpc_op op = { .op = GRPC_OP_SEND_INITIAL_METADATA };
    s_do (sender.end.queue, sender.call, &op);
    double rate = flow_pump_into (&self, s_receive, seconds);
    grpc_call_cancel (sender.call, NULL);
    grpc_call_unref (sender.call);
    s_stop (&server);
    grpc_ends_term (&server, &sender.end);
    flow_term (&self);
    return rate;
}
