/* SPDX-License-Identifier: Apache-2.0 */

/*  Workers: they send back what comes, at once but for some, answer signs of
 *  life, and die, rather often while they hold a request.                   */

#include <string.h>
#include <czmq.h>
#include "heartbeat.h"
#include "peers.h"
#include "selftest.h"
#include "soak.h"

#define FRAMES_MAX 8
#define TURN       1000
#define SILENT_US  4500000 /* without a sign of the broker                    */
#define LOOKS      100
#define HELD_MAX   1000
#define HOLD_EACH  1000 /* one request in so many is held ...                 */
#define HOLD_US    200000
#define HIT_EACH   50 /* one victim in so many is who holds one               */

typedef struct {
    size_t worker;
    uint32_t life;
    int64_t until_us;
    dividere_correlation_t id;
    zmq_msg_t frames[FRAMES_MAX];
    size_t count;
} held_t;

typedef struct {
    const soak_part_t *part;
    peers_t peers;
    soak_report_t report;
    held_t held[HELD_MAX]; /* a ring, in the order of their times             */
    size_t held_first;
    size_t held_count;
    int64_t *heard_us; /* by worker: from the broker                         */
    size_t looked;     /* at who has not heard from it                      */
    bool loaded; /* they come and go                                         */
    int64_t last_us;
} self_t;

static held_t *
s_held (self_t *self, size_t index)
{
    return &self->held[(self->held_first + index) % HELD_MAX];
}

static void
s_send_sign (self_t *self, size_t worker, uint64_t number, bool fresh)
{
    char name[PEERS_NAME];
    dividere_correlation_t holding[HELD_MAX];
    dividere_heartbeat_t heartbeat = {
        .id = name,
        .id_size = peers_name (&self->peers, worker, name),
        .version = DIVIDERE_HEARTBEAT_VERSION,
        .parallel = 1,
        .credit = 2,
        .fresh = fresh,
        .number = number,
    };
    for (size_t i = 0; i < self->held_count; i++)
        if (s_held (self, i)->worker == worker)
            holding[heartbeat.holding_count++] = s_held (self, i)->id;
    zmq_msg_t frame;
    dividere_heartbeat_encode (&heartbeat, holding, &frame);
    peers_send_name (&self->peers, worker);
    CHECK (zmq_msg_send (&frame, self->peers.socket, 0) > 0);
}

static void
s_begin (self_t *self, size_t worker)
{
    s_send_sign (self, worker, 0, true);
    self->heard_us[worker] = zclock_usecs ();
}

/*  Its first sign is lost where the connection was not made at once.        */
static void
s_look (self_t *self, int64_t now_us)
{
    for (int i = 0; i < LOOKS && self->peers.connected; i++) {
        size_t worker = self->looked++ % self->peers.connected;
        if (now_us - self->heard_us[worker] < SILENT_US)
            continue;
        s_send_sign (self, worker, 0, false);
        self->heard_us[worker] = now_us;
    }
}

/*  With all that it holds.                                                  */
static void
s_kill (self_t *self, size_t worker)
{
    size_t kept = 0, count = self->held_count;
    for (size_t i = 0; i < count; i++) {
        held_t *held = s_held (self, i);
        if (held->worker != worker) {
            *s_held (self, kept++) = *held;
            continue;
        }
        for (size_t j = 0; j < held->count; j++)
            zmq_msg_close (&held->frames[j]);
        self->report.lost++;
    }
    self->held_count = kept;
    peers_replace (&self->peers, worker);
    s_begin (self, worker);
}

static void
s_answer (self_t *self, size_t worker, zmq_msg_t *frames, size_t count)
{
    peers_send_name (&self->peers, worker);
    for (size_t i = 0; i < count; i++)
        CHECK (zmq_msg_send (&frames[i], self->peers.socket,
                             i + 1 < count ? ZMQ_SNDMORE : 0) >= 0);
}

static bool
s_hold (self_t *self, size_t worker, zmq_msg_t *frames, size_t count)
{
    dividere_extension_t extension;
    if (self->held_count == HELD_MAX ||
        selftest_random (&self->peers.random) % HOLD_EACH)
        return false;
    for (size_t i = 0; i + 2 < count; i++)
        if (dividere_extension_parse (zmq_msg_data (&frames[i]),
                                      zmq_msg_size (&frames[i]), &extension)) {
            held_t *held = s_held (self, self->held_count++);
            *held = (held_t){ .worker = worker,
                              .until_us = zclock_usecs () + HOLD_US,
                              .id = extension.id,
                              .count = count };
            memcpy (held->frames, frames, count * sizeof (*frames));
            return true;
        }
    return false;
}

static void
s_take (self_t *self, size_t worker)
{
    zmq_msg_t frames[FRAMES_MAX];
    size_t count = 0;
    do {
        CHECK (count < FRAMES_MAX);
        zmq_msg_init (&frames[count]);
        CHECK (zmq_msg_recv (&frames[count], self->peers.socket, 0) >= 0);
    }
    while (zmq_msg_more (&frames[count++]));
    self->heard_us[worker] = zclock_usecs ();
    if (count == 1) {
        dividere_heartbeat_t sign;
        CHECK_INT (dividere_heartbeat_parse (zmq_msg_data (&frames[0]),
                                             zmq_msg_size (&frames[0]), &sign),
                   0);
        s_send_sign (self, worker, sign.number, false);
        zmq_msg_close (&frames[0]);
    }
    else if (!s_hold (self, worker, frames, count))
        s_answer (self, worker, frames, count);
}

static void
s_let_go (self_t *self, int64_t now_us)
{
    while (self->held_count && s_held (self, 0)->until_us <= now_us) {
        held_t *held = s_held (self, 0);
        s_answer (self, held->worker, held->frames, held->count);
        self->held_first = (self->held_first + 1) % HELD_MAX;
        self->held_count--;
    }
}

static void
s_churn (self_t *self, double seconds)
{
    size_t due = peers_due (&self->peers, self->part->plan.churn, seconds);
    for (; due; due--) {
        bool hit = self->held_count &&
                   selftest_random (&self->peers.random) % HIT_EACH == 0;
        s_kill (self,
                hit ? s_held (self, 0)->worker : peers_any (&self->peers));
    }
    self->report.workers_killed = self->peers.killed;
}

static void
s_turn (self_t *self)
{
    size_t worker;
    while (peers_come (&self->peers, &worker))
        s_begin (self, worker);
    for (int i = 0; i < TURN && peers_recv_name (&self->peers, &worker); i++)
        s_take (self, worker);
    int64_t now_us = zclock_usecs ();
    s_let_go (self, now_us);
    s_look (self, now_us);
    if (self->loaded)
        s_churn (self, (double) (now_us - self->last_us) * 1e-6);
    self->last_us = now_us;
}

void
soak_workers (const soak_part_t *part)
{
    static self_t s_self;
    self_t *self = &s_self;
    self->part = part;
    peers_init (&self->peers, 'w', part->where, part->rank, part->plan.workers,
                part->plan.seed);
    self->heard_us =
        (int64_t *) zmalloc (part->plan.workers * sizeof (int64_t));
    int order;
    while ((order = soak_wait (self->peers.socket, 5)) >= 0) {
        if (order == SOAK_TELL) {
            if (soak_tell (&self->report) < 0)
                break;
        }
        else if (order)
            self->loaded = order == SOAK_BEGIN;
        s_turn (self);
    }
    while (self->held_count)
        s_let_go (self, INT64_MAX);
    peers_term (&self->peers);
    free (self->heard_us);
}
