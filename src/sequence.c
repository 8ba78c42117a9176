/* SPDX-License-Identifier: Apache-2.0 */

/*  A hash table of streams, threaded on a list from the one that was fed last
 *  to the one that was quiet for longest.                                    */

#include <assert.h>
#include <stdlib.h>
#include "hash.h"
#include "sequence.h"

typedef struct stream_t {
    struct stream_t *chain; /* in its bucket                                */
    struct stream_t *newer;
    struct stream_t *older;
    uint64_t epoch;
    const void *type;
    uint64_t last; /* the highest number so far                             */
} stream_t;

struct dividere_sequence_t {
    dividere_hash_t hash;
    size_t streams_max;
    size_t streams_count;
    size_t buckets_count; /* a power of 2                                   */
    stream_t *newest;
    stream_t *oldest;
    stream_t *buckets[];
};

dividere_sequence_t *
dividere_sequence_new (size_t streams_max)
{
    assert (streams_max > 0);
    size_t buckets = 16;
    while (buckets < streams_max)
        buckets *= 2;
    dividere_sequence_t *self =
        (dividere_sequence_t *) calloc (1, sizeof (*self) +
                                               buckets * sizeof (stream_t *));
    assert (self);
    dividere_hash_init (&self->hash);
    self->streams_max = streams_max;
    self->buckets_count = buckets;
    return self;
}

void
dividere_sequence_destroy (dividere_sequence_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    stream_t *stream = (*self_p)->newest;
    while (stream) {
        stream_t *older = stream->older;
        free (stream);
        stream = older;
    }
    free (*self_p);
    *self_p = NULL;
}

/*  The place of the pointer to a stream, or of the NULL at its bucket's end. */
static stream_t **
s_find (dividere_sequence_t *self, uint64_t epoch, const void *type)
{
    const uint64_t key[2] = { epoch, (uint64_t) (uintptr_t) type };
    uint64_t hash = dividere_hash (&self->hash, key, sizeof (key));
    stream_t **at = &self->buckets[hash & (self->buckets_count - 1)];
    while (*at && ((*at)->epoch != epoch || (*at)->type != type))
        at = &(*at)->chain;
    return at;
}

static void
s_unlink (dividere_sequence_t *self, stream_t *stream)
{
    *(stream->newer ? &stream->newer->older : &self->newest) = stream->older;
    *(stream->older ? &stream->older->newer : &self->oldest) = stream->newer;
}

static void
s_link_newest (dividere_sequence_t *self, stream_t *stream)
{
    stream->newer = NULL;
    stream->older = self->newest;
    *(self->newest ? &self->newest->newer : &self->oldest) = stream;
    self->newest = stream;
}

static void
s_forget (dividere_sequence_t *self, stream_t *stream)
{
    stream_t **at = s_find (self, stream->epoch, stream->type);
    *at = stream->chain;
    s_unlink (self, stream);
    free (stream);
    self->streams_count--;
}

static void
s_begin (dividere_sequence_t *self, uint64_t epoch, const void *type,
         uint64_t sequence)
{
    if (self->streams_count == self->streams_max)
        s_forget (self, self->oldest);
    stream_t *stream = (stream_t *) calloc (1, sizeof (*stream));
    assert (stream);
    stream->epoch = epoch;
    stream->type = type;
    stream->last = sequence;
    *s_find (self, epoch, type) = stream;
    s_link_newest (self, stream);
    self->streams_count++;
}

void
dividere_sequence_forget (dividere_sequence_t *self, const void *type)
{
    assert (self);
    stream_t *stream = self->newest;
    while (stream) {
        stream_t *older = stream->older;
        if (!type || stream->type == type)
            s_forget (self, stream);
        stream = older;
    }
}

uint64_t
dividere_sequence_feed (dividere_sequence_t *self, uint64_t epoch,
                        const void *type, uint64_t sequence)
{
    assert (self);
    stream_t *stream = *s_find (self, epoch, type);
    if (!stream) {
        s_begin (self, epoch, type, sequence);
        return 0;
    }
    s_unlink (self, stream);
    s_link_newest (self, stream);
    if (sequence <= stream->last)
        return 0;
    uint64_t missed = sequence - stream->last - 1;
    stream->last = sequence;
    return missed;
}
