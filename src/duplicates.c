/* SPDX-License-Identifier: Apache-2.0 */

/*  A hash table of requests, each in one of two lists by age: those at work and
 *  those with an answer, which alone are subject to the limits.             */

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "duplicates.h"
#include "hash.h"
#include "table.h"

#define COST (sizeof (known_t) + 64) /* of an answer beside its bytes         */

typedef struct known_t {
    dividere_entry_t entry;
    struct known_t *older;
    struct known_t *newer;
    dividere_correlation_t id;
    bool answered;
    void *job; /* the caller's, of one at work                              */
    dividere_status_t status;
    int64_t since_ms;  /* when it was answered                              */
    zmq_msg_t payload; /* in memory of its own                              */
} known_t;

typedef struct {
    known_t *oldest;
    known_t *newest;
} list_t;

struct dividere_duplicates_t {
    dividere_duplicates_limits_t limits;
    dividere_hash_t hash;
    dividere_table_t table;
    list_t at_work;
    list_t answered;
    size_t count; /* of answered                                            */
    size_t bytes;
};

dividere_duplicates_t *
dividere_duplicates_new (void)
{
    dividere_duplicates_t *self =
        (dividere_duplicates_t *) calloc (1, sizeof (*self));
    assert (self);
    dividere_hash_init (&self->hash);
    dividere_table_init (&self->table);
    return self;
}

static void
s_append (list_t *list, known_t *known)
{
    known->newer = NULL;
    known->older = list->newest;
    *(list->newest ? &list->newest->newer : &list->oldest) = known;
    list->newest = known;
}

static void
s_unlink (list_t *list, known_t *known)
{
    *(known->newer ? &known->newer->older : &list->newest) = known->older;
    *(known->older ? &known->older->newer : &list->oldest) = known->newer;
}

static void
s_forget (dividere_duplicates_t *self, known_t *known)
{
    if (known->answered) {
        s_unlink (&self->answered, known);
        self->count--;
        self->bytes -= COST + zmq_msg_size (&known->payload);
        zmq_msg_close (&known->payload);
    }
    else
        s_unlink (&self->at_work, known);
    dividere_table_remove (&self->table, &known->entry);
    free (known);
}

void
dividere_duplicates_destroy (dividere_duplicates_t **self_p)
{
    assert (self_p);
    dividere_duplicates_t *self = *self_p;
    if (!self)
        return;
    while (self->at_work.oldest)
        s_forget (self, self->at_work.oldest);
    while (self->answered.oldest)
        s_forget (self, self->answered.oldest);
    dividere_table_term (&self->table);
    free (self);
    *self_p = NULL;
}

static void
s_keep_limits (dividere_duplicates_t *self, int64_t now_ms)
{
    for (known_t *oldest; (oldest = self->answered.oldest);
         s_forget (self, oldest))
        if (self->count <= self->limits.count_max &&
            self->bytes <= self->limits.bytes_max &&
            now_ms - oldest->since_ms <= self->limits.age_max_ms)
            break;
}

void
dividere_duplicates_limit (dividere_duplicates_t *self,
                           const dividere_duplicates_limits_t *limits,
                           int64_t now_ms)
{
    self->limits = *limits;
    s_keep_limits (self, now_ms);
}

static uint64_t
s_hash (const dividere_duplicates_t *self, const dividere_correlation_t *id)
{
    return dividere_hash (&self->hash, id, sizeof (*id));
}

static known_t *
s_find (const dividere_duplicates_t *self, const dividere_correlation_t *id,
        uint64_t hash)
{
    dividere_entry_t *at = dividere_table_first (&self->table, hash);
    for (; at; at = dividere_table_next (at)) {
        known_t *known = (known_t *) at;
        if (known->id.client == id->client && known->id.number == id->number)
            return known;
    }
    return NULL;
}

static void
s_add (dividere_duplicates_t *self, const dividere_correlation_t *id,
       uint64_t hash, void *job)
{
    known_t *known = (known_t *) calloc (1, sizeof (*known));
    assert (known);
    known->id = *id;
    known->job = job;
    s_append (&self->at_work, known);
    dividere_table_add (&self->table, &known->entry, hash);
}

dividere_duplicate_t
dividere_duplicates_begin (dividere_duplicates_t *self,
                           const dividere_correlation_t *id, void *job,
                           int64_t now_ms, void **ret_job,
                           dividere_status_t *ret_status,
                           zmq_msg_t *ret_payload)
{
    s_keep_limits (self, now_ms);
    uint64_t hash = s_hash (self, id);
    known_t *known = s_find (self, id, hash);
    if (!known) {
        s_add (self, id, hash, job);
        return DIVIDERE_DUPLICATE_NEW;
    }
    if (!known->answered) {
        *ret_job = known->job;
        return DIVIDERE_DUPLICATE_AT_WORK;
    }
    *ret_status = known->status;
    zmq_msg_init (ret_payload);
    zmq_msg_copy (ret_payload, &known->payload);
    return DIVIDERE_DUPLICATE_ANSWERED;
}

/*  Frames share the buffers that they were received in, which may be far more:
 *  what is kept has memory of its own.                                      */
static void
s_keep (dividere_duplicates_t *self, known_t *known, const void *data,
        size_t size)
{
    int rc = zmq_msg_init_size (&known->payload, size);
    assert (rc == 0);
    if (size)
        memcpy (zmq_msg_data (&known->payload), data, size);
    known->answered = true;
    s_unlink (&self->at_work, known);
    s_append (&self->answered, known);
    self->count++;
    self->bytes += COST + size;
}

void
dividere_duplicates_answer (dividere_duplicates_t *self,
                            const dividere_correlation_t *id,
                            dividere_status_t status, const zmq_msg_t *payload,
                            int64_t now_ms)
{
    known_t *known = s_find (self, id, s_hash (self, id));
    if (!known || known->answered)
        return;
    size_t size = zmq_msg_size (payload);
    /* One too large must not drive out the others and then go, too.         */
    if (!self->limits.count_max || COST + size > self->limits.bytes_max) {
        s_forget (self, known);
        return;
    }
    known->status = status;
    known->since_ms = now_ms;
    s_keep (self, known, zmq_msg_data ((zmq_msg_t *) payload), size);
    s_keep_limits (self, now_ms);
}

void
dividere_duplicates_forget (dividere_duplicates_t *self,
                            const dividere_correlation_t *id)
{
    known_t *known = s_find (self, id, s_hash (self, id));
    if (known)
        s_forget (self, known);
}

size_t
dividere_duplicates_count (const dividere_duplicates_t *self)
{
    return self->count;
}

size_t
dividere_duplicates_bytes (const dividere_duplicates_t *self)
{
    return self->bytes;
}
