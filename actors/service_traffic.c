/* SPDX-License-Identifier: Apache-2.0 */

/*  Requests that an application takes by a socket of its own, in place of
 *  handlers: each goes out with a number before it, by which its answer is
 *  known. What finds no room, or nobody to take it, waits here.             */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "frame.h"
#include "service_internal.h"
#include "socket.h"

#define PATIENCE_MS 60000 /* with a request that has no deadline             */
#define RETRY_MS    10    /* after finding no room                           */
#define LINGER_MS   0     /* nobody would have use of the answer             */

/*  A request that was sent.                                                 */
typedef struct {
    dividere_entry_t entry; /* its hash is the number                        */
    dividere_deadline_t deadline;
    dividere_task_t *task;
} errand_t;

#define ERRAND(member_p, member) \
    ((errand_t *) ((char *) (member_p) -offsetof (errand_t, member)))

void
dividere_traffic_init (dividere_service_t *self)
{
    dividere_traffic_t *traffic = &self->traffic;
    traffic->polled.owner = traffic;
    traffic->retry_ms = DIVIDERE_NEVER;
    dividere_table_init (&traffic->table);
    dividere_deadlines_init (&traffic->deadlines);
}

static void
s_close (dividere_traffic_t *traffic)
{
    dividere_poller_remove (&traffic->polled);
    if (traffic->polled.handle)
        zsys_close (traffic->polled.handle, NULL, 0);
    traffic->polled.handle = NULL;
}

void
dividere_traffic_term (dividere_service_t *self)
{
    dividere_traffic_t *traffic = &self->traffic;
    assert (!traffic->table.count && !traffic->first);
    dividere_table_term (&traffic->table);
    dividere_deadlines_term (&traffic->deadlines);
    s_close (traffic);
}

int
dividere_traffic_bind (dividere_service_t *self,
                       const dividere_endpoint_t *endpoint, char *ret_address)
{
    dividere_traffic_t *traffic = &self->traffic;
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = options.recv_hwm = (int) self->settings.hwm;
    options.linger_ms = LINGER_MS;
    if (!self->drive)
        return EMFILE;
    traffic->polled.handle = zsys_socket (ZMQ_DEALER, NULL, 0);
    if (!traffic->polled.handle ||
        dividere_socket_configure (traffic->polled.handle, &options) < 0 ||
        dividere_attach (traffic->polled.handle,
                         dividere_actor_name (self->actor), endpoint, true,
                         NULL, ret_address) < 0 ||
        dividere_drive_add (self->drive, &traffic->polled) < 0) {
        int error = errno;
        s_close (traffic);
        return error;
    }
    return 0;
}

static void
s_forget (dividere_traffic_t *traffic, errand_t *errand)
{
    dividere_table_remove (&traffic->table, &errand->entry);
    dividere_deadlines_remove (&traffic->deadlines, &errand->deadline);
    free (errand);
}

static void
s_remember (dividere_traffic_t *traffic, dividere_task_t *task, int64_t now_ms)
{
    errand_t *errand = (errand_t *) zmalloc (sizeof (*errand));
    errand->task = task;
    dividere_table_add (&traffic->table, &errand->entry, traffic->number);
    dividere_deadlines_set (&traffic->deadlines, &errand->deadline,
                            task->deadline_ms >= 0 ? task->deadline_ms
                                                   : now_ms + PATIENCE_MS);
}

static errand_t *
s_find (const dividere_traffic_t *traffic, uint64_t number)
{
    dividere_entry_t *entry = dividere_table_first (&traffic->table, number);
    return entry ? ERRAND (entry, entry) : NULL;
}

/*  False: there is no room.                                                 */
static bool
s_send (dividere_traffic_t *traffic, dividere_task_t *task)
{
    zmq_msg_t frames[2];
    uint64_t number = traffic->number + 1;
    int rc = zmq_msg_init_size (&frames[0], sizeof (number));
    assert (rc == 0);
    memcpy (zmq_msg_data (&frames[0]), &number, sizeof (number));
    zmq_msg_init (&frames[1]);
    zmq_msg_copy (&frames[1], &task->message->payload);
    if (dividere_outlet_try (traffic->polled.handle, frames, 2) < 0) {
        zmq_msg_close (&frames[0]);
        zmq_msg_close (&frames[1]);
        return false;
    }
    traffic->number = number;
    traffic->out++;
    return true;
}

static void
s_expire (dividere_service_t *self, dividere_task_t *task,
          dividere_status_t status)
{
    self->traffic.dropped++;
    dividere_task_fail (task, status,
                        status == DIVIDERE_STATUS_EXPIRED ? "its time was over"
                                                          : "no reply",
                        "");
    dividere_task_done (&self->executor, task);
}

static bool
s_is_late (const dividere_task_t *task, int64_t now_ms)
{
    return task->deadline_ms >= 0 && now_ms >= task->deadline_ms;
}

/*  Sends what waits, in order, as far as there is room.                     */
static void
s_flush (dividere_service_t *self)
{
    dividere_traffic_t *traffic = &self->traffic;
    int64_t now_ms = zclock_mono ();
    traffic->retry_ms = DIVIDERE_NEVER;
    while (traffic->first) {
        dividere_task_t *task = (dividere_task_t *) traffic->first;
        bool late = s_is_late (task, now_ms);
        if (!late && !s_send (traffic, task)) {
            traffic->retry_ms = now_ms + RETRY_MS;
            break;
        }
        traffic->first = task->job.next;
        if (late)
            s_expire (self, task, DIVIDERE_STATUS_EXPIRED);
        else
            s_remember (traffic, task, now_ms);
    }
    dividere_poller_touch (&traffic->polled);
}

void
dividere_traffic_execute (void *arg, dividere_task_t *task)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    dividere_traffic_t *traffic = &self->traffic;
    bool waiting = traffic->first;
    task->job.next = NULL;
    *(waiting ? &traffic->last->next : &traffic->first) = &task->job;
    traffic->last = &task->job;
    /* Otherwise each request would look for room that was not there for the
       one before.                                                           */
    if (!waiting)
        s_flush (self);
}

static void
s_received (dividere_service_t *self, dividere_message_t *message)
{
    dividere_traffic_t *traffic = &self->traffic;
    uint64_t number = 0;
    size_t size;
    const void *data = dividere_route_frame (&message->route, 0, &size);
    if (message->route.count == 1 && size == sizeof (number))
        memcpy (&number, data, sizeof (number));
    errand_t *errand = s_find (traffic, number);
    if (!errand) {
        traffic->dropped++;
        return;
    }
    dividere_task_t *task = errand->task;
    s_forget (traffic, errand);
    traffic->in++;
    task->replied = task->handled = true;
    zmq_msg_move (&task->answer, &message->payload);
    dividere_task_done (&self->executor, task);
}

dividere_served_t
dividere_traffic_serve (dividere_service_t *self, dividere_turn_t *turn)
{
    dividere_traffic_t *traffic = &self->traffic;
    /* It serves as what is received into, too.                              */
    dividere_task_t *scratch = dividere_task_new (&self->executor);
    dividere_served_t served = DIVIDERE_SERVED_SOME;
    do {
        if (dividere_message_recv_frames (scratch->message,
                                          traffic->polled.handle,
                                          ZMQ_DONTWAIT) == 0)
            s_received (self, scratch->message);
        else if (errno == EPROTO)
            traffic->dropped++;
        else
            served = DIVIDERE_SERVED_ALL;
    }
    while (served == DIVIDERE_SERVED_SOME && dividere_turn_spend (turn));
    dividere_task_free (&self->executor, scratch);
    return served;
}

int64_t
dividere_traffic_next (const dividere_service_t *self)
{
    const dividere_traffic_t *traffic = &self->traffic;
    int64_t next_ms = dividere_deadlines_next (&traffic->deadlines);
    return next_ms >= 0 && next_ms < traffic->retry_ms ? next_ms
                                                       : traffic->retry_ms;
}

void
dividere_traffic_tick (dividere_service_t *self, int64_t now_ms)
{
    dividere_traffic_t *traffic = &self->traffic;
    dividere_deadline_t *due;
    while ((due = dividere_deadlines_due (&traffic->deadlines, now_ms))) {
        errand_t *errand = ERRAND (due, deadline);
        dividere_task_t *task = errand->task;
        s_forget (traffic, errand);
        s_expire (self, task,
                  s_is_late (task, now_ms) ? DIVIDERE_STATUS_EXPIRED
                                           : DIVIDERE_STATUS_UNANSWERED);
    }
    if (traffic->retry_ms <= now_ms)
        s_flush (self);
}

/*  What was sent may have been executed: nobody else should do it again
 *  unasked.                                                                 */
void
dividere_traffic_end (dividere_service_t *self)
{
    dividere_traffic_t *traffic = &self->traffic;
    dividere_entry_t *entry;
    dividere_job_t *job;
    traffic->retry_ms = DIVIDERE_NEVER;
    while ((job = traffic->first)) {
        traffic->first = job->next;
        dividere_task_return (&self->executor, (dividere_task_t *) job);
    }
    while ((entry = dividere_table_any (&traffic->table))) {
        errand_t *errand = ERRAND (entry, entry);
        dividere_task_t *task = errand->task;
        s_forget (traffic, errand);
        s_expire (self, task, DIVIDERE_STATUS_UNANSWERED);
    }
}
