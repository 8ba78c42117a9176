/* SPDX-License-Identifier: Apache-2.0 */

/*  Clients: each request is in the book until it ends, and ends once.        */

#include <string.h>
#include <czmq.h>
#include "peers.h"
#include "selftest.h"
#include "soak.h"

#define TURN       1000 /* replies, and requests                          */
#define OPEN_MAX   (1 << 18) /* requests in the book                          */
#define LEFT_MS    10000    /* until their deadline                           */
#define GIVE_UP_US 20000000 /* nobody has said anything                       */
#define HIT_EACH   20       /* one victim in so many waits for a reply        */

typedef struct {
    uint64_t number; /* 0: none                                              */
    uint32_t client;
    int64_t sent_us;
} open_t;

typedef struct {
    const soak_part_t *part;
    peers_t peers;
    soak_report_t report;
    open_t book[OPEN_MAX]; /* by number                                      */
    uint64_t oldest;       /* none before it is open                         */
    uint64_t next;
    bool loaded;
    double owed; /* requests                                                 */
    int64_t last_us;
} self_t;

static open_t *
s_entry (self_t *self, uint64_t number)
{
    return &self->book[number % OPEN_MAX];
}

static void
s_ask (self_t *self, size_t client, int64_t now_us)
{
    uint64_t number = self->next++;
    dividere_extension_t extension = {
        .id = { 0x50a4000000000000 + self->part->rank, number },
        .attempt = 1,
        .requeues = DIVIDERE_EXTENSION_ANY_REQUEUE,
        .left_ms = LEFT_MS,
    };
    char frame[DIVIDERE_EXTENSION_MAX];
    size_t size = dividere_extension_size (&extension);
    dividere_extension_write (&extension, frame);
    peers_send_name (&self->peers, client);
    void *socket = self->peers.socket;
    CHECK_INT (zmq_send (socket, frame, size, ZMQ_SNDMORE), size);
    CHECK_INT (zmq_send (socket, "", 0, ZMQ_SNDMORE), 0);
    CHECK_INT (zmq_send (socket, &number, sizeof (number), 0), sizeof (number));
    *s_entry (self, number) = (open_t){ number, (uint32_t) client, now_us };
    self->report.sent++;
    self->report.open++;
}

static void
s_close (self_t *self, open_t *entry, uint64_t *count)
{
    entry->number = 0;
    ++*count;
    self->report.open--;
    while (self->oldest < self->next && !s_entry (self, self->oldest)->number)
        self->oldest++;
}

static void
s_end (self_t *self, size_t client, const dividere_extension_t *extension,
       const char *payload, int size)
{
    uint64_t number = extension->id.number;
    open_t *entry = s_entry (self, number);
    if (entry->number != number || !number) {
        self->report.stray++;
        return;
    }
    CHECK_INT (entry->client, client);
    if (extension->status) {
        CHECK (extension->status < DIVIDERE_STATUSES);
        s_close (self, entry, &self->report.failed[extension->status]);
        return;
    }
    CHECK_INT (size, sizeof (number));
    CHECK (memcmp (payload, &number, sizeof (number)) == 0);
    soak_times_add (&self->report.times, zclock_usecs () - entry->sent_us);
    s_close (self, entry, &self->report.answered);
}

static void
s_take (self_t *self, size_t client)
{
    char frame[DIVIDERE_EXTENSION_MAX], payload[200];
    void *socket = self->peers.socket;
    dividere_extension_t extension;
    int size = zmq_recv (socket, frame, sizeof (frame), 0);
    CHECK (size > 0 &&
           dividere_extension_parse (frame, (size_t) size, &extension));
    CHECK_INT (zmq_recv (socket, payload, sizeof (payload), 0), 0);
    size = zmq_recv (socket, payload, sizeof (payload), 0);
    s_end (self, client, &extension, payload, size);
}

/*  Its requests are answered to nobody.                                     */
static void
s_kill (self_t *self, size_t client)
{
    for (uint64_t i = self->oldest; i < self->next; i++) {
        open_t *entry = s_entry (self, i);
        if (entry->number && entry->client == client)
            s_close (self, entry, &self->report.gone);
    }
    peers_replace (&self->peers, client);
}

static void
s_churn (self_t *self, double seconds)
{
    size_t due = peers_due (&self->peers, self->part->plan.churn, seconds);
    for (; due; due--) {
        bool hit = self->report.open &&
                   selftest_random (&self->peers.random) % HIT_EACH == 0;
        s_kill (self, hit ? s_entry (self, self->next - 1)->client
                          : peers_any (&self->peers));
    }
    self->report.clients_killed = self->peers.killed;
}

static void
s_give_up (self_t *self, int64_t now_us)
{
    open_t *entry = s_entry (self, self->oldest);
    while (self->report.open && entry->sent_us + GIVE_UP_US < now_us) {
        s_close (self, entry, &self->report.unanswered);
        entry = s_entry (self, self->oldest);
    }
}

static void
s_load (self_t *self, double seconds, int64_t now_us)
{
    self->owed += (double) self->part->plan.rate * seconds;
    for (int i = 0; i < TURN && self->owed >= 1; i++) {
        CHECK (self->next - self->oldest < OPEN_MAX);
        s_ask (self, peers_any (&self->peers), now_us);
        self->owed -= 1;
    }
    s_churn (self, seconds);
}

static void
s_turn (self_t *self)
{
    size_t client;
    while (peers_come (&self->peers, &client))
        continue;
    for (int i = 0; i < TURN && peers_recv_name (&self->peers, &client); i++)
        s_take (self, client);
    int64_t now_us = zclock_usecs ();
    if (self->loaded)
        s_load (self, (double) (now_us - self->last_us) * 1e-6, now_us);
    s_give_up (self, now_us);
    self->last_us = now_us;
}

void
soak_clients (const soak_part_t *part)
{
    static self_t s_self;
    self_t *self = &s_self;
    self->part = part;
    self->oldest = self->next = 1;
    peers_init (&self->peers, 'c', part->where, part->rank, part->plan.clients,
                part->plan.seed);
    int order;
    while ((order = soak_wait (self->peers.socket, 1)) >= 0) {
        if (order == SOAK_TELL) {
            if (soak_tell (&self->report) < 0)
                break;
        }
        else if (order)
            self->loaded = order == SOAK_BEGIN;
        s_turn (self);
    }
    peers_term (&self->peers);
}
