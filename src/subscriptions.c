/* SPDX-License-Identifier: Apache-2.0 */

/*  A chained hash table from topic to count, and the number of topics of each
 *  length, so that matching looks only for lengths that exist.              */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "hash.h"
#include "subscriptions.h"

#define TOPIC_MAX   1024 /* longer ones come from no sane subscriber         */
#define BUCKETS_MIN 64

typedef struct topic_t {
    struct topic_t *next; /* in its bucket                                  */
    uint64_t hash;
    uint64_t count;
    size_t size;
    uint8_t data[];
} topic_t;

struct dividere_subscriptions_t {
    dividere_hash_t hash;
    topic_t **buckets;
    size_t buckets_count; /* a power of 2                                   */
    size_t topics_count;
    size_t topics_max;
    uint64_t total;
    uint32_t of_size[TOPIC_MAX + 1]; /* topics of each length              */
};

dividere_subscriptions_t *
dividere_subscriptions_new (size_t topics_max)
{
    dividere_subscriptions_t *self =
        (dividere_subscriptions_t *) calloc (1, sizeof (*self));
    assert (self);
    dividere_hash_init (&self->hash);
    self->topics_max = topics_max;
    self->buckets_count = BUCKETS_MIN;
    self->buckets = (topic_t **) calloc (BUCKETS_MIN, sizeof (topic_t *));
    assert (self->buckets);
    return self;
}

void
dividere_subscriptions_destroy (dividere_subscriptions_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    dividere_subscriptions_t *self = *self_p;
    for (size_t i = 0; i < self->buckets_count; i++)
        while (self->buckets[i]) {
            topic_t *topic = self->buckets[i];
            self->buckets[i] = topic->next;
            free (topic);
        }
    free (self->buckets);
    free (self);
    *self_p = NULL;
}

/*  The place of the pointer to a topic, or of the NULL at its bucket's end. */
static topic_t **
s_find (const dividere_subscriptions_t *self, uint64_t hash, const void *data,
        size_t size)
{
    topic_t **at = &self->buckets[hash & (self->buckets_count - 1)];
    while (*at && ((*at)->hash != hash || (*at)->size != size ||
                   (size > 0 && memcmp ((*at)->data, data, size) != 0)))
        at = &(*at)->next;
    return at;
}

static void
s_grow (dividere_subscriptions_t *self)
{
    size_t count = self->buckets_count * 2;
    topic_t **buckets = (topic_t **) calloc (count, sizeof (topic_t *));
    assert (buckets);
    for (size_t i = 0; i < self->buckets_count; i++)
        while (self->buckets[i]) {
            topic_t *topic = self->buckets[i];
            self->buckets[i] = topic->next;
            topic->next = buckets[topic->hash & (count - 1)];
            buckets[topic->hash & (count - 1)] = topic;
        }
    free (self->buckets);
    self->buckets = buckets;
    self->buckets_count = count;
}

static int
s_add (dividere_subscriptions_t *self, topic_t **at, uint64_t hash,
       const void *data, size_t size)
{
    if (!*at) {
        if (self->topics_count >= self->topics_max) {
            errno = ENOBUFS;
            return -1;
        }
        topic_t *topic = (topic_t *) calloc (1, sizeof (*topic) + size);
        assert (topic);
        topic->hash = hash;
        topic->size = size;
        memcpy (topic->data, data, size);
        *at = topic;
        self->of_size[size]++;
        self->topics_count++;
    }
    (*at)->count++;
    self->total++;
    if (self->topics_count > self->buckets_count)
        s_grow (self);
    return 0;
}

static int
s_drop (dividere_subscriptions_t *self, topic_t **at)
{
    topic_t *topic = *at;
    if (!topic) {
        errno = ENOENT;
        return -1;
    }
    self->total--;
    if (--topic->count > 0)
        return 0;
    *at = topic->next;
    self->of_size[topic->size]--;
    self->topics_count--;
    free (topic);
    return 0;
}

int
dividere_subscriptions_feed (dividere_subscriptions_t *self, const void *frame,
                             size_t size)
{
    assert (self);
    const uint8_t *bytes = (const uint8_t *) frame;
    if (size == 0 || bytes[0] > 1 || size - 1 > TOPIC_MAX) {
        errno = EPROTO;
        return -1;
    }
    uint64_t hash = dividere_hash (&self->hash, bytes + 1, size - 1);
    topic_t **at = s_find (self, hash, bytes + 1, size - 1);
    return bytes[0] ? s_add (self, at, hash, bytes + 1, size - 1)
                    : s_drop (self, at);
}

size_t
dividere_subscriptions_match (const dividere_subscriptions_t *self,
                              const void *topic, size_t size)
{
    assert (self);
    assert (topic || !size);
    size_t matches = 0;
    size_t longest = size < TOPIC_MAX ? size : TOPIC_MAX;
    for (size_t i = 0; i <= longest; i++) {
        if (!self->of_size[i])
            continue;
        uint64_t hash = dividere_hash (&self->hash, topic, i);
        topic_t **at = s_find (self, hash, topic, i);
        matches += *at ? (*at)->count : 0;
    }
    return matches;
}

uint64_t
dividere_subscriptions_total (const dividere_subscriptions_t *self)
{
    assert (self);
    return self->total;
}
