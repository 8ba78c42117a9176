/* SPDX-License-Identifier: Apache-2.0 */

/*  A queue for each peer that has something waiting, found by its address in a
 *  hash table, and a ring of those peers that take turns.                   */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "backlog.h"
#include "hash.h"

#define BUCKETS     1024
#define FRAME_COST  (sizeof (zmq_msg_t) + 32) /* beside its bytes            */
#define PARCEL_COST (sizeof (dividere_parcel_t) + 64)

typedef struct peer_t {
    struct peer_t *bucket_next;
    struct peer_t *previous; /* in the ring                                 */
    struct peer_t *next;
    dividere_parcel_t *first; /* never NULL                                 */
    dividere_parcel_t *last;
    size_t bytes;
    uint64_t hash;
    size_t size; /* of the address                                          */
    uint8_t address[];
} peer_t;

struct dividere_backlog_t {
    dividere_backlog_limits_t limits;
    dividere_hash_t hash;
    peer_t *turn; /* in the ring; NULL: nothing is kept                     */
    size_t peers;
    size_t parcels;
    size_t bytes;
    peer_t *buckets[BUCKETS];
};

dividere_parcel_t *
dividere_parcel_new (void)
{
    dividere_parcel_t *self = (dividere_parcel_t *) calloc (1, sizeof (*self));
    assert (self);
    self->bytes = PARCEL_COST;
    return self;
}

void
dividere_parcel_destroy (dividere_parcel_t **self_p)
{
    assert (self_p);
    dividere_parcel_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        zmq_msg_close (&self->frames[i]);
    free (self->frames);
    free (self);
    *self_p = NULL;
}

void
dividere_parcel_add (dividere_parcel_t *self, zmq_msg_t *frame)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 4;
        self->frames =
            (zmq_msg_t *) realloc (self->frames,
                                   self->capacity * sizeof (*self->frames));
        assert (self->frames);
    }
    size_t size = zmq_msg_size (frame);
    zmq_msg_t *copy = &self->frames[self->count++];
    int rc = zmq_msg_init_size (copy, size);
    assert (rc == 0);
    if (size)
        memcpy (zmq_msg_data (copy), zmq_msg_data (frame), size);
    self->bytes += size + FRAME_COST;
    zmq_msg_close (frame);
    zmq_msg_init (frame);
}

dividere_backlog_t *
dividere_backlog_new (void)
{
    dividere_backlog_t *self =
        (dividere_backlog_t *) calloc (1, sizeof (*self));
    assert (self);
    dividere_hash_init (&self->hash);
    return self;
}

void
dividere_backlog_destroy (dividere_backlog_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    while ((*self_p)->turn)
        dividere_backlog_forget (*self_p);
    free (*self_p);
    *self_p = NULL;
}

void
dividere_backlog_limit (dividere_backlog_t *self,
                        const dividere_backlog_limits_t *limits)
{
    self->limits = *limits;
}

static peer_t *
s_find (const dividere_backlog_t *self, uint64_t hash, const void *address,
        size_t size)
{
    peer_t *at = self->buckets[hash % BUCKETS];
    while (at && (at->hash != hash || at->size != size ||
                  memcmp (at->address, address, size) != 0))
        at = at->bucket_next;
    return at;
}

bool
dividere_backlog_holds (const dividere_backlog_t *self, const void *address,
                        size_t size)
{
    return self->turn &&
           s_find (self, dividere_hash (&self->hash, address, size), address,
                   size);
}

/*  The last in the ring, behind all that wait for their turn.               */
static peer_t *
s_add_peer (dividere_backlog_t *self, uint64_t hash, const void *address,
            size_t size)
{
    peer_t *peer = (peer_t *) calloc (1, sizeof (*peer) + size);
    assert (peer);
    peer->hash = hash;
    peer->size = size;
    memcpy (peer->address, address, size);
    peer->bucket_next = self->buckets[hash % BUCKETS];
    self->buckets[hash % BUCKETS] = peer;
    if (!self->turn)
        self->turn = peer->next = peer->previous = peer;
    peer->next = self->turn;
    peer->previous = self->turn->previous;
    peer->previous->next = peer;
    peer->next->previous = peer;
    self->peers++;
    return peer;
}

static void
s_remove_peer (dividere_backlog_t *self, peer_t *peer)
{
    peer_t **at = &self->buckets[peer->hash % BUCKETS];
    while (*at != peer)
        at = &(*at)->bucket_next;
    *at = peer->bucket_next;
    peer->previous->next = peer->next;
    peer->next->previous = peer->previous;
    if (self->turn == peer)
        self->turn = peer->next == peer ? NULL : peer->next;
    self->peers--;
    free (peer);
}

/*  The peer goes with its last parcel.                                      */
static void
s_drop_first (dividere_backlog_t *self, peer_t *peer)
{
    dividere_parcel_t *parcel = peer->first;
    peer->first = parcel->next;
    peer->bytes -= parcel->bytes;
    self->bytes -= parcel->bytes;
    self->parcels--;
    dividere_parcel_destroy (&parcel);
    if (!peer->first)
        s_remove_peer (self, peer);
}

int
dividere_backlog_put (dividere_backlog_t *self, dividere_parcel_t **parcel_p,
                      int64_t now_ms)
{
    dividere_parcel_t *parcel = *parcel_p;
    assert (parcel->count > 0);
    const void *address = zmq_msg_data (&parcel->frames[0]);
    size_t size = zmq_msg_size (&parcel->frames[0]);
    uint64_t hash = dividere_hash (&self->hash, address, size);
    peer_t *peer = s_find (self, hash, address, size);
    if ((peer ? peer->bytes : 0) + parcel->bytes > self->limits.bytes_max ||
        self->bytes + parcel->bytes > self->limits.total_max) {
        dividere_parcel_destroy (parcel_p);
        errno = ENOBUFS;
        return -1;
    }
    if (!peer)
        peer = s_add_peer (self, hash, address, size);
    if (peer->first)
        peer->last->next = parcel;
    else
        peer->first = parcel;
    peer->last = parcel;
    peer->bytes += parcel->bytes;
    self->bytes += parcel->bytes;
    self->parcels++;
    parcel->since_ms = now_ms;
    *parcel_p = NULL;
    return 0;
}

dividere_parcel_t *
dividere_backlog_next (dividere_backlog_t *self)
{
    return self->turn ? self->turn->first : NULL;
}

void
dividere_backlog_sent (dividere_backlog_t *self)
{
    s_drop_first (self, self->turn);
}

void
dividere_backlog_pass (dividere_backlog_t *self)
{
    self->turn = self->turn->next;
}

size_t
dividere_backlog_forget (dividere_backlog_t *self)
{
    size_t before = self->parcels;
    peer_t *peer = self->turn;
    while (peer->first->next)
        s_drop_first (self, peer);
    s_drop_first (self, peer);
    return before - self->parcels;
}

/*  The oldest of each peer comes first.                                     */
size_t
dividere_backlog_expire (dividere_backlog_t *self, int64_t now_ms)
{
    size_t before = self->parcels;
    int64_t limit = now_ms - self->limits.age_max_ms;
    size_t peers = self->peers;
    for (peer_t *peer = self->turn; peers > 0; peers--) {
        peer_t *next = peer->next;
        while (peer->first->since_ms < limit && peer->first->next)
            s_drop_first (self, peer);
        if (peer->first->since_ms < limit)
            s_drop_first (self, peer);
        peer = next;
    }
    return before - self->parcels;
}

size_t
dividere_backlog_peers (const dividere_backlog_t *self)
{
    return self->peers;
}

size_t
dividere_backlog_parcels (const dividere_backlog_t *self)
{
    return self->parcels;
}

size_t
dividere_backlog_bytes (const dividere_backlog_t *self)
{
    return self->bytes;
}
