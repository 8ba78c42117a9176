/* SPDX-License-Identifier: Apache-2.0 */

/*  An epoll descriptor over the sockets' own descriptors, and a queue.      */

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <czmq.h>
#include "poller.h"

#define EVENTS_MAX 64

struct dividere_poller_t {
    int epoll;
    dividere_polled_t *first; /* the queue                               */
    dividere_polled_t *last;
};

dividere_poller_t *
dividere_poller_new (void)
{
    int epoll = epoll_create1 (EPOLL_CLOEXEC);
    if (epoll < 0)
        return NULL;
    dividere_poller_t *self = (dividere_poller_t *) zmalloc (sizeof (*self));
    self->epoll = epoll;
    return self;
}

void
dividere_poller_destroy (dividere_poller_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    close ((*self_p)->epoll);
    free (*self_p);
    *self_p = NULL;
}

int
dividere_poller_fd (const dividere_poller_t *self)
{
    return self->epoll;
}

static int
s_socket_fd (const dividere_polled_t *polled)
{
    int fd = -1;
    size_t size = sizeof (fd);
    zmq_getsockopt (polled->handle, ZMQ_FD, &fd, &size);
    return fd;
}

static void
s_push (dividere_poller_t *self, dividere_polled_t *polled)
{
    polled->queued = true;
    polled->next = NULL;
    if (self->last)
        self->last->next = polled;
    else
        self->first = polled;
    self->last = polled;
}

int
dividere_poller_add (dividere_poller_t *self, dividere_polled_t *polled)
{
    return dividere_poller_add_fd (self, polled, s_socket_fd (polled));
}

int
dividere_poller_add_fd (dividere_poller_t *self, dividere_polled_t *polled,
                        int fd)
{
    assert (!polled->poller);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = polled };
    if (epoll_ctl (self->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        return -1;
    polled->fd = fd;
    polled->poller = self;
    s_push (self, polled);
    return 0;
}

void
dividere_poller_remove (dividere_polled_t *polled)
{
    dividere_poller_t *self = polled->poller;
    if (!self)
        return;
    epoll_ctl (self->epoll, EPOLL_CTL_DEL, polled->fd, NULL);
    polled->poller = NULL;
    polled->queued = false;
    dividere_polled_t *previous = NULL;
    for (dividere_polled_t *at = self->first; at; at = at->next) {
        if (at != polled) {
            previous = at;
            continue;
        }
        if (previous)
            previous->next = at->next;
        else
            self->first = at->next;
        if (self->last == at)
            self->last = previous;
        break;
    }
}

bool
dividere_poller_collect (dividere_poller_t *self)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait (self->epoll, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++)
        dividere_poller_touch ((dividere_polled_t *) events[i].data.ptr);
    return self->first != NULL;
}

dividere_polled_t *
dividere_poller_next (dividere_poller_t *self)
{
    dividere_polled_t *polled = self->first;
    if (!polled)
        return NULL;
    self->first = polled->next;
    if (!self->first)
        self->last = NULL;
    polled->next = NULL;
    return polled;
}

void
dividere_poller_done (dividere_polled_t *polled)
{
    polled->queued = false;
}

void
dividere_poller_requeue (dividere_polled_t *polled)
{
    if (polled->poller)
        s_push (polled->poller, polled);
}

void
dividere_poller_touch (dividere_polled_t *polled)
{
    if (polled->poller && !polled->queued)
        s_push (polled->poller, polled);
}

bool
dividere_poller_pending (const dividere_poller_t *self)
{
    return self->first != NULL;
}
