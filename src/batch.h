/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BATCH_H
#define DIVIDERE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>
#include "types_internal.h"

/*  Many envelopes in one frame: the batch topic, then each behind its length as
 *  a varint. The batch topic is a byte 0, which begins no envelope, and the
 *  topic of the type that they all are of.                                  */

#define DIVIDERE_BATCH_MAX (1u << 20) /* bytes of a frame                    */

/*  Fills a frame.                                                           */
typedef struct {
    const dividere_type_t *type; /* NULL: nothing is in it                   */
    uint8_t *data;               /* ours                                     */
    size_t size;
    size_t room;
    size_t first; /* where the first envelope is, with its length            */
    size_t count; /* of envelopes                                            */
} dividere_batch_t;

/*  Frames of up to room bytes.                                              */
void dividere_batch_init (dividere_batch_t *self, size_t room);
void dividere_batch_term (dividere_batch_t *self);

/*  Encodes a message behind the others, which must be of its type. Returns 0,
 *  or -1 with ENOBUFS (it does not fit: the batch is as it was), or an errno of
 *  dividere_envelope_encode.                                                */
int dividere_batch_add (dividere_batch_t *self, const dividere_type_t *type,
                        const ProtobufCMessage *message, uint64_t epoch,
                        uint64_t sequence);

/*  A frame with all that is in it, which stays in it until it is cleared.   */
void dividere_batch_frame (const dividere_batch_t *self, zmq_msg_t *ret_frame);
void dividere_batch_clear (dividere_batch_t *self);

/*  The first envelope as a frame of its own; and it goes.                   */
void dividere_batch_first (const dividere_batch_t *self, zmq_msg_t *ret_frame);
void dividere_batch_shift (dividere_batch_t *self);

/*  The batch topic of a topic: one byte longer.                             */
void dividere_batch_topic (const void *topic, size_t size, uint8_t *ret_topic);

/*  Takes a frame apart.                                                     */
typedef struct {
    zmq_msg_t frame;
    size_t at; /* where the next envelope is; 0: there is none              */
} dividere_batch_rest_t;

/*  Whether a frame is a batch. Then it is taken, and left empty.            */
bool dividere_batch_open (dividere_batch_rest_t *self, zmq_msg_t *frame);

/*  The next envelope as a frame of its own, which the caller closes. False when
 *  there is no more, or what follows is not as agreed: then malformed is set.
 *  Afterwards the rest is closed.                                           */
bool dividere_batch_next (dividere_batch_rest_t *self, zmq_msg_t *ret_frame,
                          bool *ret_malformed);

void dividere_batch_close (dividere_batch_rest_t *self);

#endif
