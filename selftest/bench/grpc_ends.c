/* SPDX-License-Identifier: Apache-2.0 */

#include "grpc_ends.h"
#include <stdio.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include "selftest.h"
#include "test.pb-c.h"
#include "two_step.h"

static void
s_server_init (grpc_server_end_t *self)
{
    grpc_server_credentials *plain = grpc_insecure_server_credentials_create ();
    self->queue = grpc_completion_queue_create_for_next (NULL);
    self->server = grpc_server_create (NULL, NULL);
    grpc_server_register_completion_queue (self->server, self->queue, NULL);
    self->port =
        grpc_server_add_http2_port (self->server, "127.0.0.1:0", plain);
    CHECK (self->port > 0);
    grpc_server_credentials_release (plain);
    grpc_server_start (self->server);
}

void
grpc_ends_init (grpc_server_end_t *server, grpc_client_end_t *client)
{
    char target[32];
    grpc_init ();
    s_server_init (server);
    snprintf (target, sizeof (target), "127.0.0.1:%d", server->port);
    grpc_channel_credentials *plain = grpc_insecure_credentials_create ();
    client->queue = grpc_completion_queue_create_for_next (NULL);
    client->channel = grpc_channel_create (target, plain, NULL);
    grpc_channel_credentials_release (plain);
}

void
grpc_ends_term (grpc_server_end_t *server, grpc_client_end_t *client)
{
    grpc_server_destroy (server->server);
    grpc_completion_queue_destroy (server->queue);
    grpc_channel_destroy (client->channel);
    grpc_completion_queue_shutdown (client->queue);
    while (
        grpc_completion_queue_next (client->queue, GRPC_FOREVER, NULL).type !=
        GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy (client->queue);
}

grpc_call *
grpc_ends_call (grpc_client_end_t *client, const char *method)
{
    return grpc_channel_create_call (client->channel, NULL,
                                     GRPC_PROPAGATE_DEFAULTS, client->queue,
                                     grpc_slice_from_static_string (method),
                                     NULL, GRPC_FOREVER, NULL);
}

grpc_byte_buffer *
grpc_ends_pack (const ProtobufCMessage *object, const char *url)
{
    zmq_msg_t frame;
    two_step_encode (object, url, &frame);
    grpc_slice slice = grpc_slice_from_copied_buffer (zmq_msg_data (&frame),
                                                      zmq_msg_size (&frame));
    grpc_byte_buffer *packed = grpc_raw_byte_buffer_create (&slice, 1);
    grpc_slice_unref (slice);
    zmq_msg_close (&frame);
    return packed;
}

ProtobufCMessage *
grpc_ends_unpack (grpc_byte_buffer *packed)
{
    grpc_byte_buffer_reader reader;
    CHECK (packed && grpc_byte_buffer_reader_init (&reader, packed));
    grpc_slice slice = grpc_byte_buffer_reader_readall (&reader);
    ProtobufCMessage *object =
        two_step_decode (GRPC_SLICE_START_PTR (slice),
                         GRPC_SLICE_LENGTH (slice), &msg01__descriptor);
    grpc_slice_unref (slice);
    grpc_byte_buffer_reader_destroy (&reader);
    return object;
}
