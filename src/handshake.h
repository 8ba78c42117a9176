/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_HANDSHAKE_H
#define DIVIDERE_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>

/*  Why a peer could not be connected, as libzmq's events tell.              */

#define DIVIDERE_HANDSHAKE_FAILURES         \
    (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

typedef struct {
    int error;        /* 0: it is none of these                              */
    const char *text; /* for people                                         */
    bool final;       /* libzmq does not try again by itself                 */
} dividere_handshake_t;

/*  One that is not final may also be a peer that ends just now: it counts after
 *  so many in a row.                                                        */
#define DIVIDERE_HANDSHAKE_DOUBTS 3

/*  Of the first frame of an event. secure: this side wants security.
 *    EACCES           the peer does not let this key in
 *    EPROTONOSUPPORT  one side wants security, and the other does not (where
 *                     this one does not: perhaps)
 *    EKEYREJECTED     the peer has another key than it is known by          */
dividere_handshake_t dividere_handshake_failure (const void *data, size_t size,
                                                 bool secure);

#endif
