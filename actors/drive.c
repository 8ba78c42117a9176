/* SPDX-License-Identifier: Apache-2.0 */

/*  The poller's queue outlives a turn that has used up its bounds; since what
 *  is queued makes no descriptor readable, a timer of no delay goes on with
 *  it.                                                                       */

#include <assert.h>
#include <time.h>
#include "drive.h"

#define SOCKET_BATCH 64      /* messages of one socket, then the next        */
#define TURN_BATCH   1000    /* messages of one turn                         */
#define TURN_NS      1000000 /* ... and its time                             */
#define ROUNDS_MAX   16 /* looks at the descriptors in one turn           */
#define CLOCK_EVERY  8  /* messages between two looks at the clock      */

struct dividere_drive_t {
    zloop_t *loop; /* the actor's                                */
    dividere_poller_t *poller;
    dividere_serve_fn *serve;
    void *self; /* of the actor's class                       */
    bool reading;
    bool more_armed; /* the timer of no delay is there             */
    uint64_t turns;
    int64_t last_active;
};

static int64_t
s_now_ns (clockid_t clock)
{
    struct timespec now;
    clock_gettime (clock, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

bool
dividere_turn_spend (dividere_turn_t *turn)
{
    turn->left--;
    turn->socket_left--;
    /* The coarse clock, which ticks every few ms, finds a slow handler.      */
    if (s_now_ns (CLOCK_MONOTONIC_COARSE) > turn->coarse_ns + TURN_NS ||
        (turn->left % CLOCK_EVERY == 0 &&
         s_now_ns (CLOCK_MONOTONIC) > turn->end_ns))
        turn->left = 0;
    return turn->left > 0 && turn->socket_left > 0;
}

dividere_drive_t *
dividere_drive_new (zloop_t *loop, dividere_serve_fn *serve, void *self)
{
    dividere_poller_t *poller = dividere_poller_new ();
    if (!poller)
        return NULL;
    dividere_drive_t *drive = (dividere_drive_t *) zmalloc (sizeof (*drive));
    drive->loop = loop;
    drive->poller = poller;
    drive->serve = serve;
    drive->self = self;
    return drive;
}

void
dividere_drive_destroy (dividere_drive_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    dividere_drive_read (*self_p, false);
    dividere_poller_destroy (&(*self_p)->poller);
    freen (*self_p);
    *self_p = NULL;
}

int
dividere_drive_add (dividere_drive_t *self, dividere_polled_t *polled)
{
    return dividere_poller_add (self->poller, polled);
}

static int
s_on_more (zloop_t *loop, int timer, void *arg)
{
    dividere_drive_t *self = (dividere_drive_t *) arg;
    self->more_armed = false;
    dividere_drive_turn (self);
    return 0;
}

static void
s_serve_queued (dividere_drive_t *self, dividere_turn_t *turn)
{
    dividere_polled_t *polled;
    while (turn->left > 0 &&
           (polled = dividere_poller_next (self->poller)) != NULL) {
        turn->socket_left = SOCKET_BATCH;
        dividere_served_t served =
            self->serve (self->self, polled->owner, turn);
        if (served == DIVIDERE_SERVED_ALL)
            dividere_poller_done (polled);
        else if (served == DIVIDERE_SERVED_SOME)
            dividere_poller_requeue (polled);
    }
}

void
dividere_drive_turn (dividere_drive_t *self)
{
    if (!self->reading)
        return;
    dividere_turn_t turn = { .end_ns = s_now_ns (CLOCK_MONOTONIC) + TURN_NS,
                             .coarse_ns = s_now_ns (CLOCK_MONOTONIC_COARSE),
                             .left = TURN_BATCH };
    /* What has arrived meanwhile is cheaper to see here than by the loop.    */
    for (int i = 0; i < ROUNDS_MAX && turn.left > 0 &&
                    dividere_poller_collect (self->poller);
         i++)
        s_serve_queued (self, &turn);
    self->turns++;
    if (turn.left < TURN_BATCH)
        self->last_active = zclock_mono ();
    if (dividere_poller_pending (self->poller) && !self->more_armed) {
        self->more_armed = true;
        zloop_timer (self->loop, 0, 1, s_on_more, self);
    }
}

static int
s_handle_ready (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    dividere_drive_turn ((dividere_drive_t *) arg);
    return 0;
}

void
dividere_drive_read (dividere_drive_t *self, bool reading)
{
    if (reading == self->reading)
        return;
    self->reading = reading;
    zmq_pollitem_t item = { NULL, dividere_poller_fd (self->poller), ZMQ_POLLIN,
                            0 };
    if (!reading) {
        zloop_poller_end (self->loop, &item);
        return;
    }
    zloop_poller (self->loop, &item, s_handle_ready, self);
    zloop_poller_set_tolerant (self->loop, &item);
    self->last_active = zclock_mono ();
    dividere_drive_turn (self);
}

uint64_t
dividere_drive_turns (const dividere_drive_t *self)
{
    return self->turns;
}

int64_t
dividere_drive_last_active (const dividere_drive_t *self)
{
    return self->last_active;
}
