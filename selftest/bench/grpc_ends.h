/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BENCH_GRPC_ENDS_H
#define DIVIDERE_BENCH_GRPC_ENDS_H

#include <grpc/grpc.h>
#include <grpc/support/time.h>
#include <protobuf-c/protobuf-c.h>

/*  What a stream and requests over gRPC have in common: a server and a client
 *  of its core over tcp, and messages that protobuf-c packs and unpacks.    */

#define GRPC_FOREVER gpr_inf_future (GPR_CLOCK_REALTIME)

typedef struct {
    grpc_completion_queue *queue;
    grpc_server *server;
    int port;
} grpc_server_end_t;

typedef struct {
    grpc_completion_queue *queue;
    grpc_channel *channel;
} grpc_client_end_t;

/*  The client is connected to the server. Both end before they are ended here:
 *  the server's queue is shut down by who reads it.                         */
void grpc_ends_init (grpc_server_end_t *server, grpc_client_end_t *client);
void grpc_ends_term (grpc_server_end_t *server, grpc_client_end_t *client);

/*  The caller releases it.                                                  */
grpc_call *grpc_ends_call (grpc_client_end_t *client, const char *method);

/*  The url is that of the type.                                             */
grpc_byte_buffer *grpc_ends_pack (const ProtobufCMessage *object,
                                  const char *url);

/*  A Msg01, which the caller frees; NULL: another type.                     */
ProtobufCMessage *grpc_ends_unpack (grpc_byte_buffer *packed);

/*  A side of a row: messages in one stream; takes a stream_t.               */
double grpc_flow_side (const void *args, double seconds);

#endif
