/* SPDX-License-Identifier: Apache-2.0 */

/*  What the handler threads do: decode a request, call its handler, encode
 *  the answer. A task belongs to the thread while it is at it, but for its
 *  links.                                                                   */

#include <assert.h>
#include <errno.h>
#include <dividere/envelope.h>
#include "executor.h"
#include "log_internal.h"
#include "trace.h"

typedef struct {
    dividere_context_t base;
    dividere_task_t *task; /* NULL in a hook                                */
} context_t;

static dividere_connector_t *
s_source (dividere_context_t *base)
{
    errno = ENOENT;
    return NULL;
}

static dividere_connector_t *
s_find (dividere_context_t *base, const char *name)
{
    errno = ENOENT;
    return NULL;
}

/*  The task that may be answered. NULL with ENOTSUP, EALREADY.              */
static dividere_task_t *
s_answerable (dividere_context_t *base)
{
    dividere_task_t *task = ((context_t *) base)->task;
    if (task && !task->replied)
        return task;
    errno = task ? EALREADY : ENOTSUP;
    return NULL;
}

static int
s_reply (dividere_context_t *base, const ProtobufCMessage *reply)
{
    dividere_task_t *task = s_answerable (base);
    if (!task || dividere_envelope_encode (reply, &task->answer) < 0)
        return -1;
    task->replied = true;
    return 0;
}

static void
s_answer (dividere_task_t *task, const void *data, size_t size)
{
    zmq_msg_close (&task->answer);
    int rc = zmq_msg_init_size (&task->answer, size);
    assert (rc == 0);
    if (size)
        memcpy (zmq_msg_data (&task->answer), data, size);
}

static int
s_reply_bytes (dividere_context_t *base, const void *data, size_t size)
{
    dividere_task_t *task = s_answerable (base);
    dividere_limits_t limits;
    if (!task)
        return -1;
    dividere_limits_get (&limits);
    if (size > limits.size_max) {
        errno = EMSGSIZE;
        return -1;
    }
    s_answer (task, data, size);
    task->replied = true;
    return 0;
}

static int
s_request (dividere_context_t *base, dividere_request_info_t *ret_info)
{
    dividere_task_t *task = ((context_t *) base)->task;
    if (!task || task->extension < 0) {
        errno = ENOENT;
        return -1;
    }
    int64_t remaining_ms = -1;
    if (task->deadline_ms >= 0) {
        remaining_ms = task->deadline_ms - zclock_mono ();
        if (remaining_ms < 0)
            remaining_ms = 0;
    }
    *ret_info = (dividere_request_info_t){ .client = task->id.client,
                                           .number = task->id.number,
                                           .attempt = task->attempt,
                                           .remaining_ms = remaining_ms,
                                           .strict = task->strict };
    return 0;
}

static const dividere_context_class_t s_class = { s_source, s_find, s_reply,
                                                  s_reply_bytes, s_request };

/*  Who is back does not hide what the others are calling: the actor looks that
 *  up when it collects the job.                                             */
static void
s_busy (dividere_executor_t *self, size_t thread, const char *activity)
{
    self->activities[thread] = activity;
    if (activity)
        dividere_actor_busy (self->actor, activity);
}

const char *
dividere_executor_activity (const dividere_executor_t *self)
{
    const char *activity = NULL;
    for (size_t i = 0; i < self->threads && !activity; i++)
        activity = self->activities[i];
    return activity;
}

void
dividere_task_fail (dividere_task_t *task, dividere_status_t status,
                    const char *what, const char *detail)
{
    char text[256];
    snprintf (text, sizeof (text), "%s%s", what, detail);
    task->status = status;
    s_answer (task, text, strlen (text));
}

static void
s_judge (dividere_executor_t *self, dividere_task_t *task, const char *name,
         int error)
{
    task->handled = true;
    task->error = error;
    if (error) {
        dividere_log (DIVIDERE_LOG_DEBUG, "%s: %s failed: %s",
                      dividere_actor_name (self->actor), name,
                      strerror (error));
        char number[16];
        snprintf (number, sizeof (number), "%d ", error);
        dividere_task_fail (task, DIVIDERE_STATUS_FAILED, number,
                            strerror (error));
    }
    else if (!task->replied)
        dividere_task_fail (task, DIVIDERE_STATUS_UNANSWERED, "no reply by ",
                            name);
}

/*  A handler is about to be called, and is back.                            */
static int64_t
s_begin (dividere_executor_t *self, size_t thread, dividere_task_t *task,
         const char *activity)
{
    s_busy (self, thread, activity);
    if (task->traced)
        task->begun_ns = dividere_trace_now_ns ();
    return self->timed ? zclock_usecs () : 0;
}

static void
s_finish (dividere_executor_t *self, dividere_task_t *task, int64_t began_us)
{
    task->us = self->timed ? zclock_usecs () - began_us : 0;
    if (task->traced)
        task->ended_ns = dividere_trace_now_ns ();
}

static void
s_handle_bytes (dividere_executor_t *self, size_t thread, context_t *context)
{
    const dividere_message_t *message = context->base.message;
    int64_t began_us = s_begin (self, thread, context->task, "on_bytes");
    int error =
        self->hooks.on_bytes (&context->base, dividere_message_data (message),
                              dividere_message_size (message));
    s_finish (self, context->task, began_us);
    s_judge (self, context->task, "on_bytes", error);
}

static void
s_handle_typed (dividere_executor_t *self, size_t thread, context_t *context)
{
    dividere_task_t *task = context->task;
    if (dividere_message_decode (task->message) < 0) {
        task->error = errno;
        dividere_task_fail (task, DIVIDERE_STATUS_REFUSED,
                            "cannot be read: ", strerror (task->error));
        return;
    }
    const dividere_handler_t *handler =
        dividere_handlers_find (&self->handlers, task->message->entry);
    if (!handler) {
        dividere_task_fail (task, DIVIDERE_STATUS_UNHANDLED, "no handler for ",
                            dividere_message_name (task->message));
        return;
    }
    task->handler = handler;
    int64_t began_us = s_begin (self, thread, task, handler->name);
    int error = handler->handler (&context->base, task->message->object);
    s_finish (self, task, began_us);
    s_judge (self, task, handler->name, error);
}

static void
s_run (void *arg, size_t thread, dividere_job_t *job)
{
    dividere_executor_t *self = (dividere_executor_t *) arg;
    dividere_task_t *task = (dividere_task_t *) job;
    context_t context = { { &s_class, self->hooks.user, task->message }, task };
    if (task->deadline_ms >= 0 && zclock_mono () >= task->deadline_ms)
        dividere_task_fail (task, DIVIDERE_STATUS_EXPIRED, "its time was over",
                            "");
    else if (self->hooks.on_bytes)
        s_handle_bytes (self, thread, &context);
    else
        s_handle_typed (self, thread, &context);
    s_busy (self, thread, NULL);
}

static int
s_init (void *arg, size_t thread)
{
    dividere_executor_t *self = (dividere_executor_t *) arg;
    if (!self->hooks.on_init)
        return 0;
    context_t context = { { &s_class, self->hooks.user, NULL }, NULL };
    s_busy (self, thread, "on_init");
    int error = self->hooks.on_init (&context.base);
    s_busy (self, thread, NULL);
    return error;
}

static void
s_exit (void *arg, size_t thread)
{
    dividere_executor_t *self = (dividere_executor_t *) arg;
    if (!self->hooks.on_exit)
        return;
    context_t context = { { &s_class, self->hooks.user, NULL }, NULL };
    s_busy (self, thread, "on_exit");
    self->hooks.on_exit (&context.base);
    s_busy (self, thread, NULL);
}

const dividere_pool_class_t dividere_executor_threads = { s_init, s_run,
                                                          s_exit };
