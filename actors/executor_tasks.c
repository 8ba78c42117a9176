/* SPDX-License-Identifier: Apache-2.0 */

/*  The way of a request: a task in the list of its desk, held until its answer
 *  is known, then ready until that was sent.
 *
 *  A request that comes again joins the one at work: its task waits behind that
 *  one and gets a copy of the answer. At one desk only the last waits, since
 *  whoever asked has lost sight of those before.                            */

#include <assert.h>
#include <errno.h>
#include "executor.h"
#include "trace.h"

static void
s_append (dividere_tasks_t *self, dividere_task_t *task)
{
    task->next = NULL;
    task->previous = self->last;
    *(self->last ? &self->last->next : &self->first) = task;
    self->last = task;
    self->count++;
}

static void
s_remove (dividere_tasks_t *self, dividere_task_t *task)
{
    *(task->previous ? &task->previous->next : &self->first) = task->next;
    *(task->next ? &task->next->previous : &self->last) = task->previous;
    self->count--;
}

dividere_task_t *
dividere_task_new (dividere_executor_t *self)
{
    dividere_task_t *task = self->spare;
    if (task) {
        self->spare = task->next;
        self->spare_count--;
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
dividere_task_free (dividere_executor_t *self, dividere_task_t *task)
{
    dividere_message_clear (task->message);
    zmq_msg_close (&task->answer);
    zmq_msg_init (&task->answer);
    if (self->spare_count < DIVIDERE_EXECUTOR_THREADS_MAX) {
        task->next = self->spare;
        self->spare = task;
        self->spare_count++;
        return;
    }
    s_destroy (task);
}

void
dividere_tasks_term (dividere_executor_t *self)
{
    dividere_task_t *task;
    while ((task = self->spare)) {
        self->spare = task->next;
        s_destroy (task);
    }
}

/*  Towards a worker a broker of this library puts a frame of its own in front
 *  for a client that sent none.                                             */
static int
s_find_extension (const dividere_desk_t *desk, const dividere_route_t *route,
                  dividere_extension_t *ret_extension)
{
    size_t size;
    const void *first = dividere_route_frame (route, 0, &size);
    if (desk->c && dividere_extension_parse (first, size, ret_extension))
        return 0;
    return dividere_context_extension (route, ret_extension);
}

static void
s_describe (dividere_desk_t *desk, dividere_task_t *task, int64_t now_ms)
{
    dividere_extension_t extension;
    task->desk = desk;
    task->joined = NULL;
    task->replied = task->handled = task->strict = task->begun = false;
    task->handler = NULL;
    task->error = 0;
    task->status = DIVIDERE_STATUS_OK;
    task->deadline_ms = -1;
    task->traced = false;
    task->received_ns = task->begun_ns = task->ended_ns = 0;
    task->extension =
        s_find_extension (desk, &task->message->route, &extension);
    if (task->extension < 0)
        return;
    task->id = extension.id;
    task->attempt = extension.attempt;
    task->strict = extension.flags & DIVIDERE_EXTENSION_STRICT;
    task->traced = extension.trace != NULL;
    if (task->traced)
        task->received_ns = dividere_trace_now_ns ();
    if (extension.left_ms != DIVIDERE_EXTENSION_NO_DEADLINE)
        task->deadline_ms = now_ms + extension.left_ms;
}

static void
s_trace (const dividere_task_t *task, void *extension, size_t size)
{
    const struct {
        dividere_hop_kind_t kind;
        int64_t time_ns;
    } hops[] = { { DIVIDERE_HOP_RECEIVED, task->received_ns },
                 { DIVIDERE_HOP_BEGUN, task->begun_ns },
                 { DIVIDERE_HOP_ENDED, task->ended_ns } };
    for (size_t i = 0; i < sizeof (hops) / sizeof (hops[0]); i++)
        if (hops[i].time_ns)
            dividere_trace_add (extension, size, hops[i].kind,
                                task->desk->executor->who, hops[i].time_ns);
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
    dividere_extension_set_status (zmq_msg_data (&answer), task->status,
                                   task->desk->flags);
    if (task->traced)
        s_trace (task, zmq_msg_data (&answer), zmq_msg_size (&answer));
    zmq_msg_move (frame, &answer);
    zmq_msg_close (&answer);
}

/*  Whether the peer can be told how it ended. A broker that is not of this
 *  library gives nothing to another worker; and without the extension frame
 *  there is no place for an error.                                          */
static bool
s_tellable (const dividere_task_t *task)
{
    return task->status == DIVIDERE_STATUS_OK ||
           (task->extension >= 0 &&
            (task->status != DIVIDERE_STATUS_RETURNED || task->desk->c));
}

/*  The answer is there: it is to be sent, at the next flush of the link.    */
static void
s_settle (dividere_executor_t *self, dividere_task_t *task)
{
    dividere_desk_t *desk = task->desk;
    s_forget_payload (task);
    if (!desk) {
        dividere_task_free (self, task);
        return;
    }
    s_remove (&desk->held, task);
    if (s_tellable (task)) {
        if (task->extension >= 0)
            s_set_status (task);
        s_append (&desk->ready, task);
        return;
    }
    self->counts.dropped += task->status == self->unbegun;
    self->class->untold (desk);
    dividere_task_free (self, task);
}

/*  Those that joined get the same answer.                                   */
static void
s_settle_all (dividere_executor_t *self, dividere_task_t *task)
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

/*  Who has asked again does not wait for what it asked before.              */
static void
s_supersede (dividere_executor_t *self, dividere_task_t *working,
             const dividere_desk_t *desk)
{
    if (working->desk == desk) {
        s_remove (&working->desk->held, working);
        working->desk = NULL;
    }
    dividere_task_t *before = working;
    for (dividere_task_t *at; (at = before->joined); before = at)
        if (at->desk == desk) {
            before->joined = at->joined;
            s_remove (&at->desk->held, at);
            dividere_task_free (self, at);
            break;
        }
}

static void
s_join (dividere_executor_t *self, dividere_task_t *working,
        dividere_task_t *task)
{
    self->counts.joined++;
    s_supersede (self, working, task->desk);
    s_forget_payload (task);
    task->joined = working->joined;
    working->joined = task;
    s_append (&task->desk->held, task);
}

/*  True if the task is to be executed.                                      */
static bool
s_is_new (dividere_executor_t *self, dividere_task_t *task, int64_t now_ms)
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
        s_append (&task->desk->held, task);
        s_settle (self, task);
        return false;
    default: return true;
    }
}

/*  The threads take what is done from the count of what waits, so that only one
 *  that seems too much is worth the lock.                                   */
static bool
s_is_full (const dividere_executor_t *self, size_t bytes)
{
    if (bytes > self->bytes_max || self->bytes > self->bytes_max - bytes)
        return true;
    if (self->executing < self->pending_max)
        return false;
    size_t left = self->class->execute ? self->executing
                                       : dividere_pool_running (self->pool) +
                                             dividere_pool_waiting (self->pool);
    size_t threads = self->class->execute ? 0 : self->threads;
    return left >= threads && left - threads >= self->pending_max;
}

static void
s_execute (dividere_executor_t *self, dividere_task_t *task)
{
    task->bytes = zmq_msg_size (&task->message->payload);
    if (self->closed || s_is_full (self, task->bytes)) {
        task->bytes = 0;
        dividere_task_return (self, task);
        return;
    }
    task->begun = true;
    self->executing++;
    self->bytes += task->bytes;
    if (self->class->execute)
        self->class->execute (self->owner, task);
    else
        dividere_pool_submit (self->pool, &task->job);
}

void
dividere_task_received (dividere_desk_t *desk, dividere_task_t *task)
{
    dividere_executor_t *self = desk->executor;
    int64_t now_ms = zclock_mono ();
    self->counts.received++;
    if (dividere_desk_count (desk) >= self->in_hand_max) {
        self->counts.dropped++;
        dividere_task_free (self, task);
        return;
    }
    s_describe (desk, task, now_ms);
    if (task->extension >= 0 && !s_is_new (self, task, now_ms))
        return;
    s_append (&desk->held, task);
    s_execute (self, task);
}

void
dividere_task_accepted (dividere_desk_t *desk, dividere_task_t *task)
{
    desk->executor->counts.received++;
    s_describe (desk, task, zclock_mono ());
    s_append (&desk->held, task);
}

void
dividere_task_answered (dividere_task_t *task)
{
    s_settle (task->desk->executor, task);
}

static void
s_count_refusal (dividere_executor_counts_t *counts, int error)
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
s_count (dividere_executor_counts_t *counts, const dividere_task_t *task)
{
    counts->handled += task->handled;
    switch (task->status) {
    case DIVIDERE_STATUS_FAILED: counts->failed++; break;
    case DIVIDERE_STATUS_UNANSWERED: counts->unanswered++; break;
    case DIVIDERE_STATUS_UNHANDLED: counts->unhandled++; break;
    case DIVIDERE_STATUS_EXPIRED: counts->expired++; break;
    case DIVIDERE_STATUS_RETURNED: counts->returned++; break;
    case DIVIDERE_STATUS_BUSY: counts->busy++; break;
    case DIVIDERE_STATUS_REFUSED: s_count_refusal (counts, task->error); break;
    default: break;
    }
}

static bool
s_was_executed (const dividere_task_t *task)
{
    return task->status != DIVIDERE_STATUS_EXPIRED &&
           task->status != DIVIDERE_STATUS_RETURNED &&
           task->status != DIVIDERE_STATUS_BUSY;
}

void
dividere_task_done (dividere_executor_t *self, dividere_task_t *task)
{
    if (task->begun) {
        self->executing--;
        self->bytes -= task->bytes;
    }
    s_count (&self->counts, task);
    if (task->handled && self->class->executed)
        self->class->executed (self->owner, task);
    if (task->extension >= 0 && s_was_executed (task))
        dividere_duplicates_answer (self->duplicates, &task->id, task->status,
                                    &task->answer, zclock_mono ());
    else if (task->extension >= 0)
        dividere_duplicates_forget (self->duplicates, &task->id);
    s_settle_all (self, task);
}

/*  Nobody needs a text with RETURNED.                                       */
void
dividere_task_return (dividere_executor_t *self, dividere_task_t *task)
{
    dividere_status_t status = self->unbegun;
    task->status = status;
    if (status == DIVIDERE_STATUS_BUSY)
        dividere_task_fail (task, status,
                            self->closed ? "it ends" : "too many wait", "");
    dividere_task_done (self, task);
}

static void
s_forget_ready (dividere_desk_t *desk)
{
    dividere_task_t *task = desk->ready.first;
    s_remove (&desk->ready, task);
    dividere_task_free (desk->executor, task);
}

void
dividere_task_sent (dividere_desk_t *desk)
{
    desk->executor->counts.replied +=
        desk->ready.first->status == DIVIDERE_STATUS_OK;
    s_forget_ready (desk);
}

void
dividere_task_drop (dividere_desk_t *desk)
{
    desk->executor->counts.dropped++;
    s_forget_ready (desk);
}
