/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_DRIVE_H
#define DIVIDERE_DRIVE_H

#include <czmq.h>
#include "poller.h"

/*  Joins a poller to an actor's loop: one descriptor for all sockets. When some
 *  are readable they are served in turn, each a bounded number of messages, all
 *  together for a bounded time, so that commands, timers and the other sockets
 *  are served whatever one of them sends.                                   */

typedef struct dividere_drive_t dividere_drive_t;

/*  What one turn may still do.                                              */
typedef struct {
    int64_t end_ns;
    int64_t coarse_ns; /* when it began, by the clock that costs nothing     */
    int left;          /* messages of the turn                                */
    int socket_left;   /* messages of the socket that is served               */
} dividere_turn_t;

typedef enum {
    DIVIDERE_SERVED_ALL,  /* nothing is left to receive                     */
    DIVIDERE_SERVED_SOME, /* the turn said no: there may be more            */
    DIVIDERE_SERVED_LAST  /* the owner, and with it the socket, is gone     */
} dividere_served_t;

/*  Takes messages from the socket that belongs to owner until there are none,
 *  or until dividere_turn_spend says no.                                    */
typedef dividere_served_t (dividere_serve_fn) (void *self, void *owner,
                                               dividere_turn_t *turn);

/*  One message was taken; false if no other may be.                         */
bool dividere_turn_spend (dividere_turn_t *turn);

/*  Reads nothing yet. NULL with EMFILE.                                     */
dividere_drive_t *dividere_drive_new (zloop_t *loop, dividere_serve_fn *serve,
                                      void *self);
void dividere_drive_destroy (dividere_drive_t **self_p);

/*  polled->owner is what serve is given. 0, or -1 with ENOSPC, ENOMEM. End it
 *  with dividere_poller_remove.                                             */
int dividere_drive_add (dividere_drive_t *self, dividere_polled_t *polled);

/*  Starts or ends reading.                                                  */
void dividere_drive_read (dividere_drive_t *self, bool reading);

/*  Serves what was queued meanwhile, as after sending outside of serve. Does
 *  nothing while not reading; not to be called from serve.                  */
void dividere_drive_turn (dividere_drive_t *self);

/*  Turns so far, and when (zclock_mono) one last took a message.            */
uint64_t dividere_drive_turns (const dividere_drive_t *self);
int64_t dividere_drive_last_active (const dividere_drive_t *self);

#endif
