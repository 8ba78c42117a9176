/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_MESSAGE_INTERNAL_H
#define DIVIDERE_MESSAGE_INTERNAL_H

#include <dividere/message.h>
#include "arena.h"
#include "route_internal.h"
#include "types_internal.h"

struct dividere_message_t {
    zmq_msg_t payload; /* always initialized                      */
    dividere_route_t route;
    dividere_arena_t *arena;      /* where object lives, unless the payload  */
                                  /* stands for it (handover.h)              */
    const dividere_type_t *entry; /* of the last decoded message            */
    ProtobufCMessage *object;     /* NULL: empty, or received as bytes       */
    uint64_t epoch;
    uint64_t sequence;
};

/*  Forgets what it holds and keeps its memory.                              */
void dividere_message_clear (dividere_message_t *self);

/*  Receives all frames of the next message of a libzmq socket: the last is the
 *  payload, those before it the route. Returns 0, or -1 with an errno of
 *  zmq_msg_recv, or EPROTO: there were more than DIVIDERE_ROUTE_MAX + 1.    */
int dividere_message_recv_frames (dividere_message_t *self, void *handle,
                                  int flags);

/*  Turns the payload into an object. Returns 0, or -1 with a refusal of
 *  dividere_recv; then only the route is left.                              */
int dividere_message_decode (dividere_message_t *self);

#endif
