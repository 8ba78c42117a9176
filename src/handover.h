/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_HANDOVER_H
#define DIVIDERE_HANDOVER_H

#include <zmq.h>
#include "types_internal.h"

/*  Objects that change hands within the process instead of being packed. Their
 *  frame is the topic of the type, and a tag that no envelope can have; what it
 *  stands for is known by where its bytes are, which only this process knows.
 *  A copy of the bytes, wherever it comes from, is not an envelope and nothing
 *  else.                                                                     */

typedef struct {
    const dividere_type_t *type;
    ProtobufCMessage *object; /* ends with the last frame that stands for it */
    uint64_t epoch;
    uint64_t sequence;
} dividere_handover_t;

/*  Initializes a frame that stands for the object, whose end it now is.      */
void dividere_handover_init (zmq_msg_t *frame, const dividere_handover_t *what);

/*  Takes the object out of a frame that was not sent, which is closed then.  */
void dividere_handover_withdraw (zmq_msg_t *frame);

/*  False if the frame stands for nothing. The object is valid while the frame
 *  is, and others may be reading it.                                        */
bool dividere_handover_find (zmq_msg_t *frame, dividere_handover_t *ret_what);

#endif
