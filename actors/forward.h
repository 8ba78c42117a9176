/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_FORWARD_H
#define DIVIDERE_FORWARD_H

#include <czmq.h>
#include "drive.h"
#include "outlet.h"

/*  Moves messages between two sockets, frame by frame, without looking into
 *  them: two sides, and a flow for each direction.
 *
 *  A flow that finds no room holds one frame and stops reading, until the far
 *  side has room again. Towards a ROUTER there is no such thing as room: one
 *  client may have none while the others do, so its messages go to a backlog
 *  and reading goes on.                                                     */

typedef struct dividere_forward_t dividere_forward_t;

typedef enum {
    DIVIDERE_ROUTER_DEALER,
    DIVIDERE_XSUB_XPUB,
    DIVIDERE_PULL_PUSH
} dividere_pattern_t;

typedef enum { DIVIDERE_FRONTEND, DIVIDERE_BACKEND } dividere_side_name_t;

/*  In messages, beside those of the outlet.                                 */
typedef struct {
    uint64_t received[2]; /* from the peers of each side                    */
    uint64_t sent[2];     /* at once to the peers of each side              */
    uint64_t malformed;
    uint64_t lost;        /* the peer went away in the midst of it           */
    uint64_t passed_over; /* found a subscriber's queue full                */
    uint64_t captured;
    uint64_t capture_dropped;
} dividere_forward_counts_t;

typedef struct {
    dividere_pattern_t pattern;
    int hwm;
    int linger_ms;
    dividere_backlog_limits_t backlog;
} dividere_forward_options_t;

/*  Paused at first. NULL with EMFILE.                                       */
dividere_forward_t *dividere_forward_new (
    zloop_t *loop, const dividere_forward_options_t *options);

/*  Counts what was received and not sent, and returns it in messages.       */
size_t dividere_forward_destroy (dividere_forward_t **self_p);

void *dividere_forward_handle (dividere_forward_t *self,
                               dividere_side_name_t side);

/*  The socket of a side was bound or connected outside of a turn.           */
void dividere_forward_touch (dividere_forward_t *self,
                             dividere_side_name_t side);

/*  Now and then, so that what peers do at sockets that are not read or written
 *  does not pile up.                                                        */
void dividere_forward_tend (dividere_forward_t *self);

void dividere_forward_pause (dividere_forward_t *self, bool paused);

/*  From here on copies go to a PUSH socket, which stays the caller's; NULL:
 *  none.                                                                    */
void dividere_forward_capture (dividere_forward_t *self, void *push);

void dividere_forward_limit (dividere_forward_t *self,
                             const dividere_backlog_limits_t *limits);
const dividere_forward_counts_t *dividere_forward_counts (
    const dividere_forward_t *self);
const dividere_outlet_t *dividere_forward_outlet (
    const dividere_forward_t *self);

#endif
