/* SPDX-License-Identifier: Apache-2.0 */

/*  One descriptor over the clients, the sockets and the timer of a registry.
 *  Whatever is due is done in dividere_registry_process, which all calls that
 *  wait go through.                                                         */

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "registry_parts.h"
#include "socket.h"

#define SERVED     1000   /* messages in one call                            */
#define EVENTS_MAX 100000 /* that wait for the application                   */

/*  An event that waits.                                                     */
typedef struct {
    dividere_registry_event_t event;
    dividere_instance_t *instance; /* ours                                  */
} told_t;

static void
s_told_free (void **told_p)
{
    told_t *told = (told_t *) *told_p;
    if (told)
        free (told->instance);
    free (told);
    *told_p = NULL;
}

static int
s_watch (int poll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN };
    return fd < 0 ? -1 : epoll_ctl (poll, EPOLL_CTL_ADD, fd, &event);
}

static int
s_open (dividere_registry_t *self, const char *servers)
{
    self->poll = epoll_create1 (EPOLL_CLOEXEC);
    self->timer = timerfd_create (CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    self->poller = dividere_poller_new ();
    if (self->poll < 0 || !self->poller ||
        s_watch (self->poll, self->timer) < 0 ||
        s_watch (self->poll, dividere_poller_fd (self->poller)) < 0 ||
        dividere_servers_open (self, servers) < 0)
        return -1;
    for (size_t i = 0; i < self->servers_count; i++)
        if (s_watch (self->poll, dividere_client_fd (self->servers[i].client)) <
            0)
            return -1;
    return 0;
}

dividere_registry_t *
dividere_registry_new (const char *servers)
{
    assert (servers);
    dividere_registry_t *self =
        (dividere_registry_t *) zmalloc (sizeof (*self));
    dividere_control_init (&self->control);
    self->scratch = dividere_message_new ();
    self->security = dividere_security_keep ();
    self->timer_ms = self->look_ms = DIVIDERE_REGISTRY_NEVER;
    self->standings = zlistx_new ();
    self->mirrors = zlistx_new ();
    self->events = zlistx_new ();
    self->events_max = EVENTS_MAX;
    zlistx_set_destructor (self->events, s_told_free);
    if (s_open (self, servers) < 0) {
        int error = errno;
        dividere_registry_destroy (&self);
        errno = error;
    }
    return self;
}

void
dividere_registry_destroy (dividere_registry_t **self_p)
{
    assert (self_p);
    dividere_registry_t *self = *self_p;
    if (!self)
        return;
    dividere_standings_close (self);
    dividere_watching_close (self);
    dividere_servers_close (self);
    dividere_poller_destroy (&self->poller);
    if (self->poll >= 0)
        close (self->poll);
    if (self->timer >= 0)
        close (self->timer);
    zlistx_destroy (&self->events);
    s_told_free (&self->last);
    dividere_message_destroy (&self->scratch);
    dividere_control_term (&self->control);
    free (self);
    *self_p = NULL;
}

void
dividere_registry_tell (dividere_registry_t *self,
                        dividere_registry_kind_t kind, uint64_t revision,
                        const dividere_instance_t *instance)
{
    size_t size;
    told_t *told = (told_t *) zmalloc (sizeof (*told));
    told->instance = dividere_instance_copy (instance, &size);
    told->event = (dividere_registry_event_t){ kind, revision, told->instance };
    zlistx_add_end (self->events, told);
}

static int64_t
s_due (const dividere_registry_t *self)
{
    if (dividere_poller_pending (self->poller))
        return 0;
    int64_t next_ms = dividere_standings_next (self);
    int64_t other_ms = dividere_watching_next (self);
    return other_ms < next_ms ? other_ms : next_ms;
}

/*  One that fires too early does no harm.                                   */
static void
s_arm (dividere_registry_t *self)
{
    uint64_t times;
    if (self->timer_ms <= zclock_mono () &&
        read (self->timer, &times, sizeof (times)) == sizeof (times))
        self->timer_ms = DIVIDERE_REGISTRY_NEVER;
    int64_t due_ms = s_due (self);
    if (due_ms >= self->timer_ms)
        return;
    self->timer_ms = due_ms;
    struct itimerspec at = { .it_value = { .tv_sec = due_ms / 1000,
                                           .tv_nsec = due_ms % 1000 * 1000000 +
                                                      (due_ms == 0) } };
    timerfd_settime (self->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/*  The watch may close its sockets meanwhile, which are then in no queue.   */
static void
s_serve (dividere_registry_t *self)
{
    size_t left = SERVED;
    dividere_polled_t *polled;
    while (left > 0 && dividere_poller_collect (self->poller))
        while (left > 0 && (polled = dividere_poller_next (self->poller))) {
            dividere_poller_done (polled);
            if (polled->owner)
                dividere_standings_hear (self,
                                         (dividere_server_t *) polled->owner,
                                         &left);
            else
                dividere_watching_receive (self, polled, &left);
            if (left == 0)
                dividere_poller_touch (polled);
        }
}

size_t
dividere_registry_process (dividere_registry_t *self)
{
    assert (self);
    dividere_servers_receive (self);
    s_serve (self);
    int64_t now_ms = zclock_mono ();
    dividere_standings_tick (self, now_ms);
    dividere_watching_tick (self, now_ms);
    s_arm (self);
    return zlistx_size (self->events);
}

int
dividere_registry_fd (dividere_registry_t *self)
{
    assert (self);
    s_arm (self);
    return self->poll;
}

int
dividere_registry_wait (dividere_registry_t *self, int64_t deadline_ms)
{
    int64_t now_ms = zclock_mono ();
    if (self->ended) {
        errno = ETERM;
        return -1;
    }
    if (deadline_ms >= 0 && deadline_ms <= now_ms) {
        errno = EAGAIN;
        return -1;
    }
    int64_t left_ms = deadline_ms < 0 ? -1 : deadline_ms - now_ms;
    s_arm (self);
    struct pollfd item = { self->poll, POLLIN, 0 };
    int rc = poll (&item, 1, left_ms > INT_MAX ? INT_MAX : (int) left_ms);
    return rc < 0 ? -1 : 0;
}

int
dividere_registry_recv (dividere_registry_t *self,
                        dividere_registry_event_t *ret_event, int timeout_ms)
{
    assert (self);
    assert (ret_event);
    int64_t deadline_ms = dividere_deadline (timeout_ms);
    while (!zlistx_size (self->events) && !dividere_registry_process (self))
        if (dividere_registry_wait (self, deadline_ms) < 0)
            return -1;
    s_told_free (&self->last);
    self->last = zlistx_detach (self->events, NULL);
    *ret_event = ((told_t *) self->last)->event;
    if (self->resting)
        dividere_watching_tick (self, zclock_mono ());
    return 0;
}
