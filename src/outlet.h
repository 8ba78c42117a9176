/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_OUTLET_H
#define DIVIDERE_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>
#include "backlog.h"

/*  What goes out by a ROUTER: one peer may have no room while the others do, so
 *  its messages are kept in a backlog and tried again, and only its.        */

typedef struct {
    void *handle;                /* the caller's                            */
    dividere_backlog_t *backlog; /* ours                                    */
    int64_t flushed_ms;          /* when it was last tried in passing       */
    uint64_t sent;
    uint64_t unroutable; /* the peer is gone                                */
    uint64_t overflowed; /* over a limit of the backlog                     */
    uint64_t expired;    /* too long in it                                  */
} dividere_outlet_t;

void dividere_outlet_init (dividere_outlet_t *self);
void dividere_outlet_term (dividere_outlet_t *self);

/*  Sends a message of frames at once, the first of which decides. 0 and the
 *  frames are taken; or -1 with an errno of zmq_msg_send, and none is.      */
int dividere_outlet_try (void *handle, zmq_msg_t *frames, size_t count);

/*  Sends a message or keeps it, behind what is kept for the same peer; what is
 *  dropped is counted. Takes the frames.                                    */
void dividere_outlet_send (dividere_outlet_t *self, zmq_msg_t *frames,
                           size_t count, int64_t now_ms);

/*  Tries what is kept for so many peers, until one has no room, for a
 *  millisecond at most. Returns how many were not tried, for lack of time.  */
size_t dividere_outlet_flush (dividere_outlet_t *self, size_t peers);

/*  The same for a few, not more often than once a millisecond. True if the
 *  socket was called.                                                       */
bool dividere_outlet_flush_some (dividere_outlet_t *self);

#endif
