/* SPDX-License-Identifier: Apache-2.0 */

/*  The way of a request through the worker. Each is a task in the list of its
 *  link, held until its answer is known, then ready until that was sent.
 *
 *  A request that comes again joins the one at work: its task waits behind that
 *  one and gets a copy of the answer. Of one broker only the last waits, since
 *  it has lost sight of those before.                                       */

#include <assert.h>
#include <errno.h>
#include "worker_internal.h"

#define IN_HAND_MORE 100

void
dividere_tasks_append (dividere_tasks_t *self, dividere_task_t *task)
{
    task->next = NULL;
    task->previous = self->last;
    *(self->last ? &self->last->next : &self->first) = task;
    self->last = task;
    self->count++;
}

void
dividere_tasks_remove (dividere_tasks_t *self, dividere_task_t *task)
{
    *(task->previous ? &task->previous->next : &self->first) = task->next;
    *(task->next ? &task->next->previous : &self->last) = task->previous;
    self->count--;
}

dividere_task_t *
dividere_task_new (dividere_worker_t *worker)
{
    dividere_task_t *task = worker->spare;
    if (task) {
        worker->spare = task->next;
        worker->spare_count--;
        return task;
    }
    task = (dividere_task_t *) zmalloc (sizeof (*task));
    task->message = dividere_message_new ();
    zmq_msg_init (&task->answer);
    return task;
}

/*  What was received, which the answer has no need of.                      */
static void
s_forget_payload (dividere_task_t *task)
{
    zmq_msg_close (&task->message->payload);
    zmq_msg_init (&task->message->payload);
    task->message->object = NULL;
}

static void
s_destroy (dividere_task_t *task)
{
    dividere_message_destroy (&task->message);
    zmq_msg_close (&task->answer);
    freen (task);
}

void
dividere_task_free (dividere_worker_t *worker, dividere_task_t *task)
{
    dividere_message_clear (task->message);
    zmq_msg_close (&task->answer);
    zmq_msg_init (&task->answer);
    if (worker->spare_count < DIVIDERE_WORKER_CREDIT_MAX) {
        task->next = worker->spare;
        worker->spare = task;
        worker->spare_count++;
        return;
    }
    s_destroy (task);
}

void
dividere_tasks_term (dividere_worker_t *worker)
{
    dividere_task_t *task;
    while ((task = worker->spare)) {
        worker->spare = task->next;
        s_destroy (task);
    }
}

/*  Towards a worker a broker of this library puts a frame of its own in front
 *  for a client that sent none.                                             */
static int
s_find_extension (const dividere_link_t *link, const dividere_route_t *route,
                  dividere_extension_t *ret_extension)
{
    size_t size;
    const void *first = dividere_route_frame (route, 0, &size);
    if (link->c && dividere_extension_parse (first, size, ret_extension))
        return 0;
    return dividere_context_extension (route, ret_extension);
}

static void
s_describe (dividere_link_t *link, dividere_task_t *task, int64_t now_ms)
{
    dividere_extension_t extension;
    task->link = link;
    task->joined = NULL;
    task->replied = task->handled = task->strict = false;
    task->error = 0;
    task->status = DIVIDERE_STATUS_OK;
    task->deadline_ms = -1;
    task->extension =
        s_find_extension (link, &task->message->route, &extension);
    if (task->extension < 0)
        return;
    task->id = extension.id;
    task->attempt = extension.attempt;
    task->strict = extension.flags & DIVIDERE_EXTENSION_STRICT;
    if (extension.left_ms != DIVIDERE_EXTENSION_NO_DEADLINE)
        task->deadline_ms = now_ms + extension.left_ms;
}

/*  In bytes of its own: those of the request may be shared with its sender. */
static void
s_set_status (dividere_task_t *task)
{
    zmq_msg_t *frame = &task->message->route.frames[task->extension];
    zmq_msg_t answer;
    int rc = zmq_msg_init_size (&answer, zmq_msg_size (frame));
    assert (rc == 0);
    memcpy (zmq_msg_data (&answer), zmq_msg_data (frame), zmq_msg_size (frame));
    dividere_extension_set_status (zmq_msg_data (&answer), task->status, 0);
    zmq_msg_move (frame, &answer);
    zmq_msg_close (&answer);
}

/*  Whether the broker can be told how it ended. One that is not of this library
 *  gives nothing to another worker; and without the extension frame there is no
 *  place for an error.                                                      */
static bool
s_tellable (const dividere_task_t *task)
{
    return task->status == DIVIDERE_STATUS_OK ||
           (task->extension >= 0 &&
            (task->status != DIVIDERE_STATUS_RETURNED || task->link->c));
}

/*  The answer is there: it is to be sent, at the next flush of the link.    */
static void
s_settle (dividere_worker_t *self, dividere_task_t *task)
{
    dividere_link_t *link = task->link;
    s_forget_payload (task);
    if (!link) {
        dividere_task_free (self, task);
        return;
    }
    dividere_tasks_remove (&link->held, task);
    if (s_tellable (task)) {
        if (task->extension >= 0)
            s_set_status (task);
        dividere_tasks_append (&link->ready, task);
        return;
    }
    self->counts.dropped += task->status == DIVIDERE_STATUS_RETURNED;
    /* By this the broker sees that the worker is free again.                */
    link->sign_due = true;
    dividere_task_free (self, task);
}

/*  Those that joined get the same answer.                                   */
static void
s_settle_all (dividere_worker_t *self, dividere_task_t *task)
{
    dividere_task_t *joined;
    while ((joined = task->joined)) {
        task->joined = joined->joined;
        joined->status = task->status;
        zmq_msg_copy (&joined->answer, &task->answer);
        s_settle (self, joined);
    }
    s_settle (self, task);
}

/*  The broker has asked again: what it asked before is not waited for.      */
static void
s_supersede (dividere_worker_t *self, dividere_task_t *working,
             const dividere_link_t *link)
{
    if (working->link == link) {
        dividere_tasks_remove (&working->link->held, working);
        working->link = NULL;
    }
    dividere_task_t *before = working;
    for (dividere_task_t *at; (at = before->joined); before = at)
        if (at->link == link) {
            before->joined = at->joined;
            dividere_tasks_remove (&at->link->held, at);
            dividere_task_free (self, at);
            break;
        }
}

static void
s_join (dividere_worker_t *self, dividere_task_t *working,
        dividere_task_t *task)
{
    self->counts.joined++;
    s_supersede (self, working, task->link);
    s_forget_payload (task);
    task->joined = working->joined;
    working->joined = task;
    dividere_tasks_append (&task->link->held, task);
}

/*  True if the task is to be executed.                                      */
static bool
s_is_new (dividere_worker_t *self, dividere_task_t *task, int64_t now_ms)
{
    void *working;
    switch (dividere_duplicates_begin (self->duplicates, &task->id, task,
                                       now_ms, &working, &task->status,
                                       &task->answer)) {
    case DIVIDERE_DUPLICATE_AT_WORK:
        s_join (self, (dividere_task_t *) working, task);
        return false;
    case DIVIDERE_DUPLICATE_ANSWERED:
        self->counts.repeated++;
        dividere_tasks_append (&task->link->held, task);
        s_settle (self, task);
        return false;
    default: return true;
    }
}

/*  Of one broker: what it may have, with what it has lost sight of.         */
static size_t
s_in_hand_max (const dividere_worker_t *self)
{
    return 2 * dividere_worker_credit (self) + IN_HAND_MORE;
}

void
dividere_task_received (dividere_link_t *link, dividere_task_t *task)
{
    dividere_worker_t *self = link->worker;
    int64_t now_ms = zclock_mono ();
    self->counts.received++;
    if (link->held.count + link->ready.count >= s_in_hand_max (self)) {
        self->counts.dropped++;
        dividere_task_free (self, task);
        return;
    }
    s_describe (link, task, now_ms);
    if (task->extension >= 0 && !s_is_new (self, task, now_ms))
        return;
    dividere_tasks_append (&link->held, task);
    if (self->state == DIVIDERE_WORKER_ENDING)
        dividere_task_return (self, task);
    else
        dividere_pool_submit (self->pool, &task->job);
}

static void
s_count_refusal (dividere_worker_counts_t *counts, int error)
{
    counts->refused++;
    switch (error) {
    case ENOENT: counts->unknown_type++; break;
    case EMSGSIZE: counts->too_large++; break;
    case ELOOP: counts->too_deep++; break;
    case EILSEQ: counts->bad_text++; break;
    case ENOBUFS: counts->over_budget++; break;
    default: counts->malformed++; break;
    }
}

static void
s_count (dividere_worker_counts_t *counts, const dividere_task_t *task)
{
    counts->handled += task->handled;
    switch (task->status) {
    case DIVIDERE_STATUS_FAILED: counts->failed++; break;
    case DIVIDERE_STATUS_UNANSWERED: counts->unanswered++; break;
    case DIVIDERE_STATUS_UNHANDLED: counts->unhandled++; break;
    case DIVIDERE_STATUS_EXPIRED: counts->expired++; break;
    case DIVIDERE_STATUS_RETURNED: counts->returned++; break;
    case DIVIDERE_STATUS_REFUSED: s_count_refusal (counts, task->error); break;
    default: break;
    }
}

void
dividere_task_done (dividere_worker_t *self, dividere_task_t *task)
{
    bool executed = task->status != DIVIDERE_STATUS_EXPIRED &&
                    task->status != DIVIDERE_STATUS_RETURNED;
    s_count (&self->counts, task);
    if (task->extension >= 0 && executed)
        dividere_duplicates_answer (self->duplicates, &task->id, task->status,
                                    &task->answer, zclock_mono ());
    else if (task->extension >= 0)
        dividere_duplicates_forget (self->duplicates, &task->id);
    s_settle_all (self, task);
}

void
dividere_task_return (dividere_worker_t *self, dividere_task_t *task)
{
    task->status = DIVIDERE_STATUS_RETURNED;
    dividere_task_done (self, task);
}

void
dividere_task_sent (dividere_link_t *link)
{
    dividere_task_t *task = link->ready.first;
    link->worker->counts.replied += task->status == DIVIDERE_STATUS_OK;
    dividere_tasks_remove (&link->ready, task);
    dividere_task_free (link->worker, task);
}

void
dividere_task_drop (dividere_link_t *link)
{
    dividere_task_t *task = link->ready.first;
    link->worker->counts.dropped++;
    dividere_tasks_remove (&link->ready, task);
    dividere_task_free (link->worker, task);
}
