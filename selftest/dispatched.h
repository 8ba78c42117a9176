/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_DISPATCHED_H
#define DIVIDERE_SELFTEST_DISPATCHED_H

#include "dispatcher.h"
#include "heartbeat.h"

/*  A dispatcher whose clients and workers are words and whose time is a number.
 *  Messages are written as words too:
 *      -          an empty frame
 *      <7>        an extension frame of request 7
 *      <7:BUSY>   ... that tells a status
 *      <+1>       one that the broker has given a number
 *      01, 02     the signs of life of the bytes dialect
 *      alive      a Heartbeat; alive:3 of this library, number 3;
 *      leave:3    the same, draining
 *  and every other word is a frame of these bytes.                          */

#define DISPATCHED_CLIENT 77 /* in the extension frames of clients            */

typedef struct dispatched_t dispatched_t;

dispatched_t *dispatched_new (void);

/*  Returns what dividere_dispatcher_destroy does.                           */
size_t dispatched_destroy (dispatched_t **self_p);

dividere_dispatcher_t *dispatched_dispatcher (dispatched_t *self);
const dividere_dispatcher_counts_t *dispatched_counts (dispatched_t *self);

/*  Changes a limit: call before with what _limits gives.                    */
dividere_dispatcher_limits_t *dispatched_limits (dispatched_t *self);

/*  A request of a client that knows nothing of extension frames.            */
void dispatched_ask (dispatched_t *self, const char *client,
                     const char *payload);

/*  Request number of a client of this library, as said by the extension frame
 *  (NULL: nothing out of the ordinary).                                     */
void dispatched_ask_extended (dispatched_t *self, const char *client,
                              uint64_t number, const char *payload,
                              const dividere_extension_t *extension);

/*  What is sent by a worker: a single frame, or the words of a message.     */
void dispatched_sign (dispatched_t *self, const char *worker, const char *word);
void dispatched_beat (dispatched_t *self, const char *worker,
                      const dividere_heartbeat_t *heartbeat,
                      const uint64_t *holding, size_t holding_count);
void dispatched_reply (dispatched_t *self, const char *worker,
                       const char *words);

/*  A worker of this library registers.                                      */
void dispatched_register (dispatched_t *self, const char *worker,
                          unsigned parallel, unsigned credit,
                          const char *service);

/*  Frames as they are; takes them.                                          */
void dispatched_frames (dispatched_t *self, bool worker, zmq_msg_t *frames,
                        size_t count);

/*  From here on this worker cannot be reached (error EHOSTUNREACH), or has no
 *  room (EAGAIN); 0: it can.                                                */
void dispatched_cut (dispatched_t *self, const char *worker, int error);

/*  Time passes, and what is due is done.                                    */
void dispatched_pass (dispatched_t *self, int64_t ms);

/*  Time passes without anybody noticing, and then what is due is done once.  */
void dispatched_stall (dispatched_t *self, int64_t ms);

/*  The next message that was sent to a worker, or a client, as words with the
 *  name of the peer first; "" if there is none. Until the next call.        */
const char *dispatched_to_worker (dispatched_t *self);
const char *dispatched_to_client (dispatched_t *self);

/*  Forgets what was sent so far.                                            */
void dispatched_forget (dispatched_t *self);

#endif
