/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_POLLER_H
#define DIVIDERE_POLLER_H

#include <stdbool.h>

/*  Watches any number of libzmq sockets through one descriptor, so that idle
 *  ones cost nothing.
 *
 *  The descriptor of a libzmq socket says "something happened" once, and any
 *  call on the socket may swallow that. So a socket is looked at when its
 *  descriptor is readable, and also after each send on it, until receiving says
 *  EAGAIN: dividere_poller_touch puts it into the queue of those to look at. */

typedef struct dividere_poller_t dividere_poller_t;

/*  One socket, a part of the object that it belongs to.                     */
typedef struct dividere_polled_t {
    void *handle;              /* libzmq socket, or NULL                    */
    int fd;                    /* while it is polled                        */
    void *owner;               /* for the poller's user                     */
    dividere_poller_t *poller; /* NULL while nobody polls it                */
    struct dividere_polled_t *next; /* in the queue                         */
    bool queued;
} dividere_polled_t;

/*  NULL with EMFILE, ENFILE.                                                */
dividere_poller_t *dividere_poller_new (void);
void dividere_poller_destroy (dividere_poller_t **self_p);

/*  Readable when dividere_poller_collect has something to do.               */
int dividere_poller_fd (const dividere_poller_t *self);

/*  A new socket is in the queue at once. 0, or -1 with ENOSPC, ENOMEM.   */
int dividere_poller_add (dividere_poller_t *self, dividere_polled_t *polled);

/*  The same with a descriptor of another kind, that stays readable as long as
 *  there is something to do.                                                */
int dividere_poller_add_fd (dividere_poller_t *self, dividere_polled_t *polled,
                            int fd);
void dividere_poller_remove (dividere_polled_t *polled);

/*  Puts into the queue what the descriptors tell. True if the queue holds
 *  anything then.                                                           */
bool dividere_poller_collect (dividere_poller_t *self);

/*  The next of the queue, which stays marked as queued: the caller receives
 *  until EAGAIN, then calls _done; or stops before that and calls _requeue. */
dividere_polled_t *dividere_poller_next (dividere_poller_t *self);
void dividere_poller_done (dividere_polled_t *polled);
void dividere_poller_requeue (dividere_polled_t *polled);

/*  Puts a socket into the queue of its poller, if it has one.               */
void dividere_poller_touch (dividere_polled_t *polled);

bool dividere_poller_pending (const dividere_poller_t *self);

#endif
