/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BACKLOG_H
#define DIVIDERE_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

/*  What could not be sent yet, kept for each peer in order, within limits of
 *  bytes and age, so that a peer that does not read costs the others nothing.
 *  Without sockets, and without a clock: now_ms is passed in.               */

/*  One message with all its frames, of which the first is the address of the
 *  peer. Frames are copied out of the buffers that they were received in: those
 *  are shared by many messages, and may be far larger.                      */
typedef struct dividere_parcel_t {
    size_t count;
    size_t capacity;
    size_t bytes; /* what it costs to keep                                  */
    int64_t since_ms;
    struct dividere_parcel_t *next; /* of the same peer                     */
    zmq_msg_t *frames;
} dividere_parcel_t;

dividere_parcel_t *dividere_parcel_new (void);
void dividere_parcel_destroy (dividere_parcel_t **self_p);

/*  Takes the frame, which is left empty.                                    */
void dividere_parcel_add (dividere_parcel_t *self, zmq_msg_t *frame);

typedef struct {
    size_t bytes_max; /* for one peer                                       */
    size_t total_max; /* for all                                            */
    int64_t age_max_ms;
} dividere_backlog_limits_t;

typedef struct dividere_backlog_t dividere_backlog_t;

dividere_backlog_t *dividere_backlog_new (void);
void dividere_backlog_destroy (dividere_backlog_t **self_p);

/*  For what is put from here on; of what is there only the age.             */
void dividere_backlog_limit (dividere_backlog_t *self,
                             const dividere_backlog_limits_t *limits);

/*  True if something is kept for this address: what follows must be put, too,
 *  to keep the order.                                                       */
bool dividere_backlog_holds (const dividere_backlog_t *self,
                             const void *address, size_t size);

/*  Takes a parcel of at least one frame. 0, or -1 with ENOBUFS: over a limit,
 *  and the parcel is destroyed.                                             */
int dividere_backlog_put (dividere_backlog_t *self,
                          dividere_parcel_t **parcel_p, int64_t now_ms);

/*  The oldest parcel of the peer whose turn it is; NULL if there is none. It is
 *  to be followed by one of
 *    _sent     it was sent (its frames are gone); the turn stays
 *    _pass     the peer has no room; the turn goes to the next
 *    _forget   the peer is gone: returns how many parcels were dropped      */
dividere_parcel_t *dividere_backlog_next (dividere_backlog_t *self);
void dividere_backlog_sent (dividere_backlog_t *self);
void dividere_backlog_pass (dividere_backlog_t *self);
size_t dividere_backlog_forget (dividere_backlog_t *self);

/*  Drops what is too old. Returns how many parcels.                         */
size_t dividere_backlog_expire (dividere_backlog_t *self, int64_t now_ms);

size_t dividere_backlog_peers (const dividere_backlog_t *self);
size_t dividere_backlog_parcels (const dividere_backlog_t *self);
size_t dividere_backlog_bytes (const dividere_backlog_t *self);

#endif
