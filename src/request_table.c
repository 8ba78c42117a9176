/* SPDX-License-Identifier: Apache-2.0 */

/*  A request is one piece of memory: a broker may have very many of them.   */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "request_table.h"

#define LENGTH_SIZE 2 /* bytes in front of each frame of a route             */

void
dividere_requests_init (dividere_requests_t *self)
{
    memset (self, 0, sizeof (*self));
    dividere_table_init (&self->table);
    dividere_hash_init (&self->hash);
    dividere_deadlines_init (&self->deadlines);
}

void
dividere_requests_term (dividere_requests_t *self)
{
    assert (self->table.count == 0);
    dividere_table_term (&self->table);
    dividere_deadlines_term (&self->deadlines);
}

void
dividere_requests_limit (dividere_requests_t *self,
                         const dividere_request_limits_t *limits)
{
    self->limits = *limits;
}

/*  SIZE_MAX: too long.                                                      */
static size_t
s_route_size (zmq_msg_t *frames, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count && size <= DIVIDERE_REQUEST_ROUTE; i++)
        size += LENGTH_SIZE + zmq_msg_size (&frames[i]);
    return count > DIVIDERE_REQUEST_FRAMES || size > DIVIDERE_REQUEST_ROUTE
               ? SIZE_MAX
               : size;
}

static void
s_pack (dividere_request_t *self, zmq_msg_t *frames, int extension)
{
    uint8_t *at = self->route;
    for (int i = 0; i < self->frames; i++) {
        uint16_t size = (uint16_t) zmq_msg_size (&frames[i]);
        if (i == extension)
            self->extension = (uint16_t) (at - self->route);
        memcpy (at, &size, sizeof (size));
        memcpy (at + LENGTH_SIZE, zmq_msg_data (&frames[i]), size);
        at += LENGTH_SIZE + size;
    }
}

dividere_request_t *
dividere_requests_add (dividere_requests_t *self,
                       const dividere_correlation_t *id, zmq_msg_t *frames,
                       size_t count, int extension)
{
    assert (count > 0 && extension != 0);
    size_t route_size = s_route_size (frames, count - 1);
    if (route_size == SIZE_MAX) {
        errno = EPROTO;
        return NULL;
    }
    size_t size = sizeof (dividere_request_t) + route_size;
    dividere_request_t *request = (dividere_request_t *) malloc (size);
    assert (request);
    memset (request, 0, sizeof (*request));
    request->id = *id;
    request->client_deadline_ms = -1;
    request->frames = (uint8_t) (count - 1);
    request->route_size = (uint16_t) route_size;
    s_pack (request, frames, extension);
    zmq_msg_init (&request->payload);
    zmq_msg_move (&request->payload, &frames[count - 1]);
    request->bytes = (uint32_t) (size + zmq_msg_size (&request->payload));
    dividere_table_add (&self->table, &request->entry,
                        dividere_hash (&self->hash, id, sizeof (*id)));
    return request;
}

dividere_request_t *
dividere_requests_find (const dividere_requests_t *self,
                        const dividere_correlation_t *id)
{
    dividere_entry_t *entry =
        dividere_table_first (&self->table,
                              dividere_hash (&self->hash, id, sizeof (*id)));
    for (; entry; entry = dividere_table_next (entry)) {
        dividere_request_t *request = (dividere_request_t *) entry;
        if (request->id.client == id->client &&
            request->id.number == id->number)
            return request;
    }
    return NULL;
}

bool
dividere_requests_room (const dividere_requests_t *self, size_t bytes)
{
    return self->bytes + bytes <= self->limits.bytes_max;
}

bool
dividere_requests_may_wait (const dividere_requests_t *self, bool served)
{
    return self->pending < (served ? self->limits.pending_max
                                   : (self->limits.pending_max + 1) / 2);
}

static void
s_leave (dividere_requests_t *self, dividere_request_t *request)
{
    dividere_request_list_t *list = request->list;
    if (!list)
        return;
    if (request->previous)
        request->previous->next = request->next;
    else
        list->first = request->next;
    if (request->next)
        request->next->previous = request->previous;
    else
        list->last = request->previous;
    list->count--;
    if (list->waiting)
        self->pending--;
    else
        self->in_flight--;
    self->bytes -= request->bytes;
    request->list = NULL;
    request->previous = request->next = NULL;
}

/*  Behind another one of the list, or in front of all (NULL).               */
static void
s_enter (dividere_requests_t *self, dividere_request_t *request,
         dividere_request_list_t *list, dividere_request_t *previous)
{
    request->list = list;
    request->previous = previous;
    request->next = previous ? previous->next : list->first;
    if (request->next)
        request->next->previous = request;
    else
        list->last = request;
    if (previous)
        previous->next = request;
    else
        list->first = request;
    list->count++;
    if (list->waiting)
        self->pending++;
    else
        self->in_flight++;
    self->bytes += request->bytes;
}

/*  Frames share the buffers that they were received in, which may be far more:
 *  what waits has memory of its own.                                        */
static void
s_own_payload (dividere_request_t *self)
{
    zmq_msg_t own;
    size_t size = zmq_msg_size (&self->payload);
    int rc = zmq_msg_init_size (&own, size);
    assert (rc == 0);
    memcpy (zmq_msg_data (&own), zmq_msg_data (&self->payload), size);
    zmq_msg_move (&self->payload, &own);
    zmq_msg_close (&own);
}

/*  The nearer of the two, where it waits.                                   */
static void
s_set_deadline (dividere_requests_t *self, dividere_request_t *request,
                int64_t age_ms)
{
    int64_t at_ms = request->client_deadline_ms;
    if (request->list && request->list->waiting &&
        (at_ms < 0 || at_ms > age_ms))
        at_ms = age_ms;
    dividere_deadlines_set (&self->deadlines, &request->deadline, at_ms);
}

void
dividere_requests_move (dividere_requests_t *self, dividere_request_t *request,
                        dividere_request_list_t *list, bool front,
                        int64_t now_ms)
{
    s_leave (self, request);
    s_enter (self, request, list, front ? NULL : list->last);
    if (list->waiting)
        s_own_payload (request);
    s_set_deadline (self, request, now_ms + self->limits.age_max_ms);
}

void
dividere_requests_extend (dividere_requests_t *self,
                          dividere_request_t *request,
                          int64_t client_deadline_ms, int64_t now_ms)
{
    /* Asking again does not make it younger.                                */
    int64_t age_ms = request->deadline.at_ms;
    if (!request->deadline.index || age_ms == request->client_deadline_ms)
        age_ms = now_ms + self->limits.age_max_ms;
    request->client_deadline_ms = client_deadline_ms;
    request->abandoned = false;
    s_set_deadline (self, request, age_ms);
}

void
dividere_requests_abandon (dividere_requests_t *self,
                           dividere_request_t *request)
{
    request->abandoned = true;
    dividere_deadlines_remove (&self->deadlines, &request->deadline);
}

void
dividere_requests_reroute (dividere_requests_t *self,
                           dividere_request_t *request, zmq_msg_t *frames,
                           size_t count, int extension)
{
    dividere_request_t *now =
        dividere_requests_add (self, &request->id, frames, count, extension);
    if (!now)
        return;
    now->client_deadline_ms = request->client_deadline_ms;
    now->since_us = request->since_us;
    now->beat = request->beat;
    now->requeues = request->requeues;
    now->requeues_max = request->requeues_max;
    now->strict = request->strict;
    now->traced = request->traced;
    /* The payload that was counted against the limits stays.                */
    now->bytes -= (uint32_t) zmq_msg_size (&now->payload);
    zmq_msg_move (&now->payload, &request->payload);
    now->bytes += (uint32_t) zmq_msg_size (&now->payload);
    s_enter (self, now, request->list, request);
    if (request->deadline.index)
        dividere_deadlines_set (&self->deadlines, &now->deadline,
                                request->deadline.at_ms);
    dividere_requests_remove (self, &request);
}

void
dividere_requests_remove (dividere_requests_t *self,
                          dividere_request_t **request_p)
{
    dividere_request_t *request = *request_p;
    s_leave (self, request);
    dividere_deadlines_remove (&self->deadlines, &request->deadline);
    dividere_table_remove (&self->table, &request->entry);
    zmq_msg_close (&request->payload);
    free (request);
    *request_p = NULL;
}

dividere_request_t *
dividere_requests_due (dividere_requests_t *self, int64_t now_ms)
{
    dividere_deadline_t *deadline =
        dividere_deadlines_due (&self->deadlines, now_ms);
    return deadline ? (dividere_request_t *) ((char *) deadline -
                                              offsetof (dividere_request_t,
                                                        deadline))
                    : NULL;
}

void *
dividere_request_extension (dividere_request_t *self, size_t *ret_size)
{
    uint16_t size;
    if (!self->extension)
        return NULL;
    memcpy (&size, self->route + self->extension, sizeof (size));
    *ret_size = size;
    return self->route + self->extension + LENGTH_SIZE;
}

size_t
dividere_request_frames (const dividere_request_t *self, zmq_msg_t *frames)
{
    const uint8_t *at = self->route;
    for (size_t i = 0; i < self->frames; i++) {
        uint16_t size;
        memcpy (&size, at, sizeof (size));
        int rc = zmq_msg_init_size (&frames[i], size);
        assert (rc == 0);
        if (size)
            memcpy (zmq_msg_data (&frames[i]), at + LENGTH_SIZE, size);
        at += LENGTH_SIZE + size;
    }
    return self->frames;
}

static bool
s_routed (const dividere_request_t *self, zmq_msg_t *frames, size_t count,
          bool whole)
{
    if (count != self->frames)
        return false;
    const uint8_t *at = self->route;
    for (size_t i = 0; i < count; i++) {
        uint16_t size;
        memcpy (&size, at, sizeof (size));
        bool extension = self->extension && at == self->route + self->extension;
        if (zmq_msg_size (&frames[i]) != size ||
            ((whole || !extension) &&
             memcmp (zmq_msg_data (&frames[i]), at + LENGTH_SIZE, size) != 0))
            return false;
        at += LENGTH_SIZE + size;
    }
    return true;
}

bool
dividere_request_same_way (const dividere_request_t *self, zmq_msg_t *frames,
                           size_t count)
{
    return s_routed (self, frames, count, false);
}

bool
dividere_request_routed (const dividere_request_t *self, zmq_msg_t *frames,
                         size_t count)
{
    return s_routed (self, frames, count, true);
}
