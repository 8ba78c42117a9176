/* SPDX-License-Identifier: Apache-2.0 */

/*  Rings with a head of their own: a worker leaves one and joins another
 *  without anybody having to look for it.                                   */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "worker_queue.h"

#define OF(rank_, member)           \
    ((dividere_worker_entry_t *) (( \
        char *) (rank_) -offsetof (dividere_worker_entry_t, member)))

static void
s_ring (dividere_rank_t *head)
{
    head->previous = head->next = head;
}

static void
s_leave (dividere_rank_t *rank)
{
    rank->previous->next = rank->next;
    rank->next->previous = rank->previous;
    s_ring (rank);
}

static void
s_join (dividere_rank_t *rank, dividere_rank_t *head)
{
    s_leave (rank);
    rank->previous = head->previous;
    rank->next = head;
    head->previous->next = rank;
    head->previous = rank;
}

void
dividere_workers_init (dividere_workers_t *self)
{
    dividere_table_init (&self->table);
    dividere_hash_init (&self->hash);
    s_ring (&self->heard);
    s_ring (&self->told);
}

void
dividere_workers_term (dividere_workers_t *self)
{
    assert (self->table.count == 0);
    dividere_table_term (&self->table);
}

void
dividere_crew_init (dividere_crew_t *self, void *owner)
{
    s_ring (&self->idle);
    s_ring (&self->spare);
    self->workers = 0;
    self->owner = owner;
}

dividere_worker_entry_t *
dividere_workers_add (dividere_workers_t *self, const void *id, size_t size,
                      dividere_crew_t *crew, int64_t now_ms)
{
    dividere_worker_entry_t *worker =
        (dividere_worker_entry_t *) calloc (1, sizeof (*worker));
    assert (worker);
    int rc = zmq_msg_init_size (&worker->id, size);
    assert (rc == 0);
    memcpy (zmq_msg_data (&worker->id), id, size);
    s_ring (&worker->ready);
    s_ring (&worker->heard);
    s_ring (&worker->told);
    worker->requests.owner = worker;
    worker->parallel = worker->credit = 1;
    worker->crew = crew;
    crew->workers++;
    dividere_table_add (&self->table, &worker->entry,
                        dividere_hash (&self->hash, id, size));
    dividere_workers_heard (self, worker, now_ms);
    dividere_workers_told (self, worker, now_ms);
    dividere_workers_rank (worker, false);
    return worker;
}

void
dividere_workers_remove (dividere_workers_t *self,
                         dividere_worker_entry_t **worker_p)
{
    dividere_worker_entry_t *worker = *worker_p;
    assert (worker->requests.count == 0);
    dividere_table_remove (&self->table, &worker->entry);
    s_leave (&worker->ready);
    s_leave (&worker->heard);
    s_leave (&worker->told);
    worker->crew->workers--;
    zmq_msg_close (&worker->id);
    free (worker);
    *worker_p = NULL;
}

dividere_worker_entry_t *
dividere_workers_find (const dividere_workers_t *self, const void *id,
                       size_t size)
{
    dividere_entry_t *entry =
        dividere_table_first (&self->table,
                              dividere_hash (&self->hash, id, size));
    for (; entry; entry = dividere_table_next (entry)) {
        dividere_worker_entry_t *worker = (dividere_worker_entry_t *) entry;
        if (zmq_msg_size (&worker->id) == size &&
            memcmp (zmq_msg_data (&worker->id), id, size) == 0)
            return worker;
    }
    return NULL;
}

void
dividere_workers_assign (dividere_worker_entry_t *worker, dividere_crew_t *crew)
{
    worker->crew->workers--;
    worker->crew = crew;
    crew->workers++;
    dividere_workers_rank (worker, false);
}

void
dividere_workers_rank (dividere_worker_entry_t *worker, bool used)
{
    size_t requests = worker->requests.count;
    dividere_rank_t *among = NULL;
    if (!worker->draining && !worker->stuck && requests < worker->credit)
        among = requests < worker->parallel ? &worker->crew->idle
                                            : &worker->crew->spare;
    if (among == worker->among && !used)
        return;
    worker->among = among;
    if (among)
        s_join (&worker->ready, among);
    else
        s_leave (&worker->ready);
}

dividere_worker_entry_t *
dividere_crew_next (const dividere_crew_t *crew)
{
    if (crew->idle.next != &crew->idle)
        return OF (crew->idle.next, ready);
    if (crew->spare.next != &crew->spare)
        return OF (crew->spare.next, ready);
    return NULL;
}

bool
dividere_worker_busy (const dividere_worker_entry_t *worker)
{
    return worker->requests.count > 0;
}

void
dividere_workers_heard (dividere_workers_t *self,
                        dividere_worker_entry_t *worker, int64_t now_ms)
{
    worker->heard_ms = now_ms;
    s_join (&worker->heard, &self->heard);
}

void
dividere_workers_told (dividere_workers_t *self,
                       dividere_worker_entry_t *worker, int64_t now_ms)
{
    worker->told_ms = now_ms;
    s_join (&worker->told, &self->told);
}

dividere_worker_entry_t *
dividere_workers_silent (const dividere_workers_t *self)
{
    return self->heard.next != &self->heard ? OF (self->heard.next, heard)
                                            : NULL;
}

dividere_worker_entry_t *
dividere_workers_untold (const dividere_workers_t *self)
{
    return self->told.next != &self->told ? OF (self->told.next, told) : NULL;
}

dividere_worker_entry_t *
dividere_workers_each (const dividere_workers_t *self,
                       const dividere_worker_entry_t *before)
{
    const dividere_rank_t *next = before ? before->told.next : self->told.next;
    return next != &self->told ? OF (next, told) : NULL;
}
