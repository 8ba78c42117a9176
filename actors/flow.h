/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_FLOW_H
#define DIVIDERE_FLOW_H

#include "forward.h"

/*  One direction of a forwarder. What a flow does with a message is decided at
 *  its first frame, by the kind of socket at the far side; the others follow.
 *
 *  fate     first frame                  the others
 *  PASS     was sent                     are sent
 *  HOLD     found no room; it is kept    stay where they are
 *  KEEP     goes to the backlog          likewise
 *  DISCARD  has nowhere to go            likewise
 *  LOST     was sent                     are sent, but the peer is gone      */

typedef enum {
    DIVIDERE_FATE_PASS,
    DIVIDERE_FATE_HOLD,
    DIVIDERE_FATE_KEEP,
    DIVIDERE_FATE_DISCARD,
    DIVIDERE_FATE_LOST
} dividere_fate_t;

typedef struct dividere_side_t dividere_side_t;
typedef struct dividere_flow_t dividere_flow_t;

/*  Sends the first frame of a message, or says what else becomes of it.     */
typedef dividere_fate_t (dividere_open_fn) (dividere_forward_t *self,
                                            dividere_flow_t *flow, bool more);

struct dividere_side_t {
    void *handle; /* ours                                                   */
    dividere_polled_t polled;
    bool publishing; /* an XPUB                                             */
    dividere_flow_t
        *in; /* what its peers send; NULL: nothing                      */
    dividere_flow_t
        *out; /* what is sent to them; NULL: nothing                     */
};

struct dividere_flow_t {
    dividere_side_t *from;
    dividere_side_t *to;
    dividere_open_fn *open;
    zmq_msg_t frame; /* under way, or held                                 */
    dividere_fate_t
        fate;         /* of the message under way                           */
    bool inside;      /* more frames of it are to come                      */
    bool copying;     /* it is captured                                     */
    bool passed_over; /* a subscriber had no room for it                    */
    dividere_parcel_t
        *parcel; /* DIVIDERE_FATE_KEEP: what there is of it                 */
};

struct dividere_forward_t {
    zloop_t *loop; /* the actor's                                           */
    dividere_drive_t *drive; /* over both sides                         */
    dividere_side_t sides[2];
    dividere_flow_t flows[2]; /* from the side of the same index         */
    dividere_outlet_t outlet; /* of the frontend                             */
    bool retry_armed;         /* the timer of the backlog is there       */
    void *capture;            /* a PUSH, the caller's; NULL: none        */
    zmq_msg_t copy;           /* for it, of the frame under way          */
    dividere_flow_t *copying; /* is in the midst of a copy; NULL: none   */
    dividere_backlog_limits_t limits;
    dividere_forward_counts_t counts;
};

/*  Prepares a flow from one socket to another of this type (ZMQ_ROUTER ...). */
void dividere_flow_init (dividere_flow_t *self, dividere_side_t *from,
                         dividere_side_t *to, int to_type);
void dividere_flow_clear (dividere_flow_t *self);

/*  True if its messages have an address, and may go to the backlog.         */
bool dividere_flow_routed (const dividere_flow_t *self);

/*  Receives until there is nothing, or no room for it, or the turn says no.
 *  What is sent touches the far side's socket: that is looked at again.     */
dividere_served_t dividere_flow_drain (dividere_forward_t *forward,
                                       dividere_flow_t *self,
                                       dividere_turn_t *turn);

/*  There may be room again: sends the frame that is held, and touches the
 *  socket that the rest is to be read from.                                 */
void dividere_flow_release (dividere_forward_t *forward, dividere_flow_t *self);

#endif
