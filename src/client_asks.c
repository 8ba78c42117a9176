/* SPDX-License-Identifier: Apache-2.0 */

/*  Every request is in one list, or rests, and leaves by s_end.             */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "client_asks.h"

#define OF(deadline_, member)                                            \
    ((dividere_ask_t *) ((char *) (deadline_) -offsetof (dividere_ask_t, \
                                                         member)))

/*  What a status means to the caller.                                       */
static const struct {
    int error;
    bool refused; /* it was not executed, or lost: it may be tried again     */
} s_statuses[DIVIDERE_STATUSES] = {
    [DIVIDERE_STATUS_OK] = { 0, false },
    [DIVIDERE_STATUS_BUSY] = { EBUSY, true },
    [DIVIDERE_STATUS_EXPIRED] = { ETIMEDOUT, false },
    [DIVIDERE_STATUS_NO_WORKER] = { EHOSTUNREACH, true },
    [DIVIDERE_STATUS_WORKER_LOST] = { ECONNRESET, true },
    [DIVIDERE_STATUS_OUTCOME_UNKNOWN] = { ENOTRECOVERABLE, false },
    [DIVIDERE_STATUS_UNHANDLED] = { EOPNOTSUPP, false },
    [DIVIDERE_STATUS_REFUSED] = { EINVAL, false },
    [DIVIDERE_STATUS_FAILED] = { EREMOTEIO, false },
    [DIVIDERE_STATUS_UNANSWERED] = { EREMOTEIO, false },
    [DIVIDERE_STATUS_RETURNED] = { EPROTO, false },
    [DIVIDERE_STATUS_DENIED] = { EACCES, false },
};

void
dividere_asks_init (dividere_asks_t *self, bool spread,
                    const dividere_retry_limits_t *limits, int64_t attempt_ms,
                    uint64_t seed)
{
    memset (self, 0, sizeof (*self));
    dividere_table_init (&self->table);
    dividere_deadlines_init (&self->deadlines);
    dividere_deadlines_init (&self->dues);
    dividere_retry_init (&self->retry, limits);
    dividere_ask_links_init (&self->links, spread);
    self->absent = ENOTCONN;
    self->attempt_ms = attempt_ms;
    self->seed = seed | 1;
}

static void
s_leave (dividere_asks_t *self, dividere_ask_t *ask)
{
    dividere_ask_list_t *list = ask->list;
    dividere_deadlines_remove (&self->dues, &ask->due);
    if (!list)
        return;
    if (ask->previous)
        ask->previous->next = ask->next;
    else
        list->first = ask->next;
    if (ask->next)
        ask->next->previous = ask->previous;
    else
        list->last = ask->previous;
    ask->list = NULL;
    ask->previous = ask->next = NULL;
    list->count--;
    if (list->link)
        dividere_ask_links_left (&self->links, list->link);
}

static void
s_enter (dividere_asks_t *self, dividere_ask_t *ask, dividere_ask_list_t *list)
{
    s_leave (self, ask);
    ask->list = list;
    ask->previous = list->last;
    if (list->last)
        list->last->next = ask;
    else
        list->first = ask;
    list->last = ask;
    list->count++;
}

static void
s_wait (dividere_asks_t *self, dividere_ask_t *ask)
{
    s_enter (self, ask, ask->native ? &self->choosy : &self->waiting);
}

void
dividere_asks_release (dividere_asks_t *self, dividere_ask_t **ask_p)
{
    dividere_ask_t *ask = *ask_p;
    s_leave (self, ask);
    dividere_deadlines_remove (&self->deadlines, &ask->deadline);
    self->bytes -= ask->bytes;
    zmq_msg_close (&ask->payload);
    free (ask->service);
    free (ask->trace);
    free (ask);
    *ask_p = NULL;
}

void
dividere_asks_term (dividere_asks_t *self)
{
    dividere_entry_t *entry;
    while ((entry = dividere_table_any (&self->table))) {
        dividere_ask_t *ask = (dividere_ask_t *) entry;
        dividere_table_remove (&self->table, entry);
        dividere_asks_release (self, &ask);
    }
    while (self->done.first) {
        dividere_ask_t *ask = self->done.first;
        dividere_asks_release (self, &ask);
    }
    dividere_table_term (&self->table);
    dividere_deadlines_term (&self->deadlines);
    dividere_deadlines_term (&self->dues);
    dividere_ask_links_term (&self->links);
}

static dividere_ask_link_t *
s_link (const dividere_asks_t *self, size_t link)
{
    assert (link < self->links.slots_count && self->links.slots[link]);
    return self->links.slots[link];
}

size_t
dividere_asks_add_link (dividere_asks_t *self, bool native)
{
    self->refusal = 0;
    return dividere_ask_links_add (&self->links, native)->index;
}

void
dividere_asks_retire_link (dividere_asks_t *self, size_t link, bool retired)
{
    dividere_ask_links_retire (&self->links, s_link (self, link), retired);
}

void
dividere_asks_remove_link (dividere_asks_t *self, size_t link, int64_t now_us)
{
    dividere_asks_full (self, link);
    dividere_asks_lost (self, link, now_us);
    dividere_ask_links_remove (&self->links, s_link (self, link));
    self->refusal = dividere_ask_links_refusal (&self->links);
}

void
dividere_asks_refuse (dividere_asks_t *self, size_t link, int error)
{
    s_link (self, link)->refused = error;
    self->refusal = dividere_ask_links_refusal (&self->links);
}

void
dividere_asks_set_absent (dividere_asks_t *self, int error)
{
    self->absent = error;
}

/*  Ends it with an error, or 0 and a payload, which is taken.               */
static void
s_end (dividere_asks_t *self, dividere_ask_t *ask, int error,
       zmq_msg_t *payload, int64_t now_us)
{
    dividere_table_remove (&self->table, &ask->entry);
    dividere_deadlines_remove (&self->deadlines, &ask->deadline);
    s_enter (self, ask, &self->done);
    ask->ended = true;
    ask->error = error;
    ask->elapsed_us = now_us - ask->begun_us;
    if (error)
        self->counts.failed++;
    else
        self->counts.answered++;
    if (payload)
        zmq_msg_move (&ask->payload, payload);
}

dividere_ask_t *
dividere_asks_add (dividere_asks_t *self, zmq_msg_t *payload,
                   int64_t deadline_ms, int64_t now_us)
{
    dividere_ask_t *ask = (dividere_ask_t *) calloc (1, sizeof (*ask));
    assert (ask);
    ask->number = ++self->numbers;
    ask->begun_us = now_us;
    ask->deadline_ms = deadline_ms;
    ask->link = dividere_ask_links_first (&self->links);
    ask->requeues = DIVIDERE_EXTENSION_ANY_REQUEUE;
    ask->error = ENOTCONN;
    zmq_msg_init (&ask->payload);
    zmq_msg_move (&ask->payload, payload);
    ask->bytes = zmq_msg_size (&ask->payload);
    self->bytes += ask->bytes;
    self->counts.sent++;
    dividere_retry_request (&self->retry);
    dividere_table_add (&self->table, &ask->entry, ask->number);
    dividere_deadlines_set (&self->deadlines, &ask->deadline, deadline_ms);
    s_wait (self, ask);
    return ask;
}

void
dividere_asks_choosy (dividere_asks_t *self, dividere_ask_t *ask)
{
    ask->native = true;
    s_wait (self, ask);
}

/*  Some wait to be sent.                                                    */
static bool
s_some_wait (const dividere_asks_t *self)
{
    return self->waiting.first || self->choosy.first;
}

/*  Where the first cannot go the others cannot go either.                   */
dividere_ask_t *
dividere_asks_next (dividere_asks_t *self, int64_t now_ms, size_t *ret_link)
{
    dividere_ask_t *asks[] = { self->choosy.first, self->waiting.first };
    for (size_t i = 0; i < 2; i++) {
        if (!asks[i])
            continue;
        const dividere_ask_link_t *link =
            dividere_ask_links_next (&self->links, asks[i]->link,
                                     asks[i]->native, now_ms);
        if (!link)
            continue;
        *ret_link = link->index;
        return asks[i];
    }
    return NULL;
}

void
dividere_asks_sent (dividere_asks_t *self, dividere_ask_t *ask, size_t index,
                    int64_t now_ms)
{
    dividere_ask_link_t *link = s_link (self, index);
    if (ask->attempts++)
        self->counts.retried++;
    s_enter (self, ask, &link->sent);
    ask->link = index;
    ask->error = ask->strict ? ENOTRECOVERABLE : ETIMEDOUT;
    dividere_ask_links_sent (&self->links, link, ask->number, now_ms);
    if (!ask->strict)
        dividere_deadlines_set (&self->dues, &ask->due,
                                now_ms + self->attempt_ms);
}

void
dividere_asks_full (dividere_asks_t *self, size_t link)
{
    dividere_ask_links_full (&self->links, s_link (self, link));
}

void
dividere_asks_room (dividere_asks_t *self, size_t link)
{
    dividere_ask_links_room (&self->links, s_link (self, link));
}

/*  How it would end now.                                                    */
static int
s_outcome (const dividere_asks_t *self, const dividere_ask_t *ask)
{
    return ask->error == ENOTCONN && !self->links.count ? self->absent
                                                        : ask->error;
}

/*  Tries it again from the next link on, after a pause (0: none); or ends it as
 *  it would end now.                                                        */
static void
s_retry (dividere_asks_t *self, dividere_ask_t *ask, int64_t pause_ms,
         int64_t now_us)
{
    bool denied;
    if (!dividere_retry_allowed (&self->retry, ask->attempts, &denied)) {
        self->counts.retries_denied += denied;
        s_end (self, ask, s_outcome (self, ask), NULL, now_us);
        return;
    }
    size_t next = dividere_ask_links_after (&self->links, ask->link);
    if (pause_ms > 0) {
        s_leave (self, ask);
        dividere_deadlines_set (&self->dues, &ask->due,
                                now_us / 1000 + pause_ms);
    }
    else
        s_wait (self, ask);
    ask->link = next;
}

static uint64_t
s_random (dividere_asks_t *self)
{
    self->seed ^= self->seed << 13;
    self->seed ^= self->seed >> 7;
    self->seed ^= self->seed << 17;
    return self->seed;
}

/*  "ERRNO TEXT"                                                             */
static int
s_remote_error (zmq_msg_t *payload)
{
    const char *text = (const char *) zmq_msg_data (payload);
    size_t size = zmq_msg_size (payload);
    int error = 0;
    for (size_t i = 0; i < size && i < 6 && text[i] >= '0' && text[i] <= '9';
         i++)
        error = error * 10 + text[i] - '0';
    return error;
}

/*  Among instances of a service another one may have room: it is asked at once,
 *  and only who is refused there, too, comes back later.                    */
static int64_t
s_refused_pause (dividere_asks_t *self, dividere_ask_t *ask)
{
    int64_t pause_ms =
        dividere_retry_pause (&self->retry, ++ask->refusals, s_random (self));
    bool elsewhere = self->links.spread && self->links.open > 1;
    return elsewhere && ask->refusals == 1 ? 0 : pause_ms;
}

static void
s_answered (dividere_asks_t *self, dividere_ask_t *ask, size_t link,
            uint8_t status, zmq_msg_t *payload, int64_t now_us)
{
    int error = status < DIVIDERE_STATUSES ? s_statuses[status].error : EPROTO;
    if (error == 0) {
        s_end (self, ask, 0, payload, now_us);
        return;
    }
    /* What an earlier try ran into does not matter any more.                */
    bool current = ask->list == &s_link (self, link)->sent;
    bool refused = status < DIVIDERE_STATUSES && s_statuses[status].refused;
    if (refused && !current) {
        self->counts.stale++;
        return;
    }
    if (status == DIVIDERE_STATUS_FAILED)
        ask->remote_error = s_remote_error (payload);
    ask->error = error;
    if (!refused || (ask->strict && error == ECONNRESET))
        s_end (self, ask, error, NULL, now_us);
    else
        s_retry (self, ask, s_refused_pause (self, ask), now_us);
}

dividere_ask_t *
dividere_asks_find (const dividere_asks_t *self, uint64_t number)
{
    return (dividere_ask_t *) dividere_table_first (&self->table, number);
}

void
dividere_asks_answer (dividere_asks_t *self, size_t index,
                      const dividere_extension_t *extension, zmq_msg_t *payload,
                      int64_t now_us)
{
    dividere_ask_links_answered (&self->links, s_link (self, index),
                                 extension->id.number,
                                 extension->flags & DIVIDERE_EXTENSION_BROKER);
    dividere_ask_t *ask = dividere_asks_find (self, extension->id.number);
    if (ask)
        s_answered (self, ask, index, extension->status, payload, now_us);
    else
        self->counts.stale++;
    zmq_msg_close (payload);
}

void
dividere_asks_lost (dividere_asks_t *self, size_t index, int64_t now_us)
{
    dividere_ask_link_t *link = s_link (self, index);
    dividere_ask_links_lost (&self->links, link);
    while (link->sent.first) {
        dividere_ask_t *ask = link->sent.first;
        if (ask->strict)
            s_end (self, ask, ENOTRECOVERABLE, NULL, now_us);
        else {
            ask->error = ENOTCONN;
            s_retry (self, ask, 0, now_us);
        }
    }
}

int
dividere_asks_cancel (dividere_asks_t *self, uint64_t number, int64_t now_us)
{
    dividere_ask_t *ask = dividere_asks_find (self, number);
    if (!ask) {
        errno = ENOENT;
        return -1;
    }
    s_end (self, ask, ECANCELED, NULL, now_us);
    return 0;
}

/*  A try was in vain, or a pause is over.                                   */
static void
s_on_due (dividere_asks_t *self, dividere_ask_t *ask, int64_t now_us)
{
    if (!ask->list) {
        s_wait (self, ask);
        return;
    }
    ask->refusals = 0;
    dividere_ask_links_silent (&self->links, ask->list->link, now_us / 1000);
    s_retry (self, ask, 0, now_us);
}

/*  What wants a native link waits while there are others only.              */
static bool
s_hopeless (const dividere_asks_t *self)
{
    return self->choosy.first && self->links.count && !self->links.natives;
}

static dividere_ask_t *
s_refused (const dividere_asks_t *self)
{
    if (!self->refusal)
        return NULL;
    return self->waiting.first ? self->waiting.first : self->choosy.first;
}

void
dividere_asks_tick (dividere_asks_t *self, int64_t now_us)
{
    dividere_deadline_t *due;
    while ((due = dividere_deadlines_due (&self->deadlines, now_us / 1000))) {
        dividere_ask_t *ask = OF (due, deadline);
        s_end (self, ask, s_outcome (self, ask), NULL, now_us);
    }
    while ((due = dividere_deadlines_due (&self->dues, now_us / 1000)))
        s_on_due (self, OF (due, due), now_us);
    while (s_refused (self))
        s_end (self, s_refused (self), self->refusal, NULL, now_us);
    while (s_hopeless (self))
        s_end (self, self->choosy.first, EOPNOTSUPP, NULL, now_us);
}

static int64_t
s_sooner (int64_t a_ms, int64_t b_ms)
{
    return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

int64_t
dividere_asks_due (const dividere_asks_t *self)
{
    if (s_hopeless (self) || s_refused (self))
        return 0;
    int64_t next_ms = s_sooner (dividere_deadlines_next (&self->deadlines),
                                dividere_deadlines_next (&self->dues));
    if (s_some_wait (self))
        next_ms = s_sooner (next_ms, dividere_ask_links_due (&self->links));
    return next_ms;
}

dividere_ask_t *
dividere_asks_done (dividere_asks_t *self)
{
    dividere_ask_t *ask = self->done.first;
    if (ask)
        s_leave (self, ask);
    return ask;
}

void
dividere_asks_take (dividere_asks_t *self, dividere_ask_t *ask)
{
    assert (ask->ended);
    s_leave (self, ask);
}

size_t
dividere_asks_outstanding (const dividere_asks_t *self)
{
    return self->table.count;
}
