/* SPDX-License-Identifier: Apache-2.0 */

#include "handover.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "topic.h"

#define STRIPES 64 /* tables, each with a lock                               */
#define BUCKETS 64 /* of a table                                             */

typedef struct block_t {
    struct block_t *next; /* in its bucket                                   */
    dividere_handover_t what;
    uint8_t bytes[];
} block_t;

typedef struct {
    pthread_mutex_t mutex;
    block_t *buckets[BUCKETS];
} stripe_t;

static stripe_t s_stripes[STRIPES] = {
    [0 ... STRIPES - 1] = { .mutex = PTHREAD_MUTEX_INITIALIZER }
};

/*  Locks the stripe of the bucket.                                          */
static block_t **
s_lock (const void *bytes, stripe_t **ret_stripe)
{
    uint64_t hash = (uintptr_t) bytes * 0x9E3779B97F4A7C15ULL;
    *ret_stripe = &s_stripes[hash >> 32 & (STRIPES - 1)];
    pthread_mutex_lock (&(*ret_stripe)->mutex);
    return &(*ret_stripe)->buckets[hash >> 48 & (BUCKETS - 1)];
}

static void
s_release (void *data, void *hint)
{
    block_t *block = (block_t *) hint;
    stripe_t *stripe;
    block_t **at = s_lock (data, &stripe);
    while (*at != block)
        at = &(*at)->next;
    *at = block->next;
    pthread_mutex_unlock (&stripe->mutex);
    if (block->what.object)
        protobuf_c_message_free_unpacked (block->what.object, NULL);
    free (block);
}

void
dividere_handover_init (zmq_msg_t *frame, const dividere_handover_t *what)
{
    size_t size = what->type->topic_size;
    block_t *block = (block_t *) malloc (sizeof (*block) + size + 1);
    assert (block);
    block->what = *what;
    memcpy (block->bytes, what->type->topic, size);
    block->bytes[size] = 0;
    stripe_t *stripe;
    block_t **bucket = s_lock (block->bytes, &stripe);
    block->next = *bucket;
    *bucket = block;
    pthread_mutex_unlock (&stripe->mutex);
    int rc =
        zmq_msg_init_data (frame, block->bytes, size + 1, s_release, block);
    assert (rc == 0);
}

/*  NULL, or where it is in the table, whose stripe is locked.               */
static block_t *
s_find (zmq_msg_t *frame, stripe_t **ret_stripe)
{
    const uint8_t *bytes = (const uint8_t *) zmq_msg_data (frame);
    size_t size = zmq_msg_size (frame);
    if (!size || size > DIVIDERE_TOPIC_MAX + 1 || bytes[size - 1])
        return NULL;
    block_t *block = *s_lock (bytes, ret_stripe);
    while (block && block->bytes != bytes)
        block = block->next;
    if (!block)
        pthread_mutex_unlock (&(*ret_stripe)->mutex);
    return block;
}

void
dividere_handover_withdraw (zmq_msg_t *frame)
{
    stripe_t *stripe;
    block_t *block = s_find (frame, &stripe);
    assert (block);
    block->what.object = NULL;
    pthread_mutex_unlock (&stripe->mutex);
    zmq_msg_close (frame);
}

bool
dividere_handover_find (zmq_msg_t *frame, dividere_handover_t *ret_what)
{
    stripe_t *stripe;
    block_t *block = s_find (frame, &stripe);
    if (!block)
        return false;
    *ret_what = block->what;
    pthread_mutex_unlock (&stripe->mutex);
    return true;
}
