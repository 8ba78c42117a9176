/* SPDX-License-Identifier: Apache-2.0                                       */

/*  dividere_network_switch NAMESPACE...
 *
 *  A switch of Ethernet in user space, for kernels that have no netem: it makes
 *  an interface eth0 in each of these network namespaces (/proc/PID/ns/net), as
 *  the only one there, and carries frames between them. The one that it makes
 *  in the Nth has the address 02:00:00:00:00:N, in hex, from 1 on.
 *
 *  When all are made it prints "ready". A line on stdin says what is done to
 *  frames that one sends ("out") or is sent ("in"):
 *
 *      N in|out DELAY_US JITTER_US LOSS_PERMILLE
 *
 *  and is answered by "done". Frames with a jitter overtake each other, as with
 *  netem. The switch ends at the end of stdin.                              */

#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "selftest.h"

#define PORTS_MAX   64
#define FRAME_MAX   2048
#define DELAYED_MAX 20000 /* what comes beyond is lost                       */
#define TURN        64    /* frames of one port, then the next one           */
#define LOSS_WHOLE  1000

enum { IN, OUT };

/*  What is done to frames in one direction.                                 */
typedef struct {
    int64_t delay_us;
    int64_t jitter_us; /* more or less                                       */
    unsigned loss;     /* permille                                           */
} way_t;

typedef struct {
    int fd;
    way_t ways[2];
} port_t;

typedef struct {
    int64_t due_us;
    size_t port; /* that it goes to                                          */
    size_t size;
    uint8_t data[];
} frame_t;

typedef struct {
    port_t ports[PORTS_MAX];
    size_t ports_count;
    frame_t *delayed[DELAYED_MAX]; /* a heap: the first is due first         */
    size_t delayed_count;
    uint64_t random;
} self_t;

static int64_t
s_now_us (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/*  ---- Frames that wait ----                                               */

static void
s_push (self_t *self, frame_t *frame)
{
    size_t at = self->delayed_count++;
    while (at && self->delayed[(at - 1) / 2]->due_us > frame->due_us) {
        self->delayed[at] = self->delayed[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    self->delayed[at] = frame;
}

static frame_t *
s_pop (self_t *self)
{
    frame_t *first = self->delayed[0];
    frame_t *last = self->delayed[--self->delayed_count];
    size_t at = 0, next = 1;
    while (next < self->delayed_count) {
        if (next + 1 < self->delayed_count &&
            self->delayed[next + 1]->due_us < self->delayed[next]->due_us)
            next++;
        if (last->due_us <= self->delayed[next]->due_us)
            break;
        self->delayed[at] = self->delayed[next];
        at = next;
        next = 2 * at + 1;
    }
    self->delayed[at] = last;
    return first;
}

/*  An interface that is down, or full, takes nothing: so are networks.      */
static void
s_write (self_t *self, size_t port, const void *data, size_t size)
{
    ssize_t rc = write (self->ports[port].fd, data, size);
    (void) rc;
}

static void
s_deliver (self_t *self)
{
    int64_t now_us = s_now_us ();
    while (self->delayed_count && self->delayed[0]->due_us <= now_us) {
        frame_t *frame = s_pop (self);
        s_write (self, frame->port, frame->data, frame->size);
        free (frame);
    }
}

/*  ---- The way of a frame ----                                             */

static bool
s_lost (self_t *self, const way_t *way)
{
    return way->loss &&
           selftest_random (&self->random) % LOSS_WHOLE < way->loss;
}

static int64_t
s_delay_us (self_t *self, const way_t *way)
{
    int64_t delay_us = way->delay_us;
    if (way->jitter_us)
        delay_us += (int64_t) (selftest_random (&self->random) %
                               (uint64_t) (2 * way->jitter_us)) -
                    way->jitter_us;
    return delay_us > 0 ? delay_us : 0;
}

static void
s_carry (self_t *self, size_t from, size_t to, const void *data, size_t size)
{
    const way_t *out = &self->ports[from].ways[OUT];
    const way_t *in = &self->ports[to].ways[IN];
    if (s_lost (self, out) || s_lost (self, in))
        return;
    int64_t delay_us = s_delay_us (self, out) + s_delay_us (self, in);
    if (delay_us == 0) {
        s_write (self, to, data, size);
        return;
    }
    if (self->delayed_count == DELAYED_MAX)
        return;
    frame_t *frame = (frame_t *) malloc (sizeof (*frame) + size);
    CHECK (frame);
    *frame = (frame_t){ s_now_us () + delay_us, to, size };
    memcpy (frame->data, data, size);
    s_push (self, frame);
}

/*  By the last byte of the address that it is for; one for many goes to all. */
static void
s_switch (self_t *self, size_t from, const uint8_t *data, size_t size)
{
    if (size < 14)
        return;
    bool all = data[0] & 1;
    for (size_t to = 0; to < self->ports_count; to++)
        if (to != from && (all || data[5] == to + 1))
            s_carry (self, from, to, data, size);
}

static void
s_read (self_t *self, size_t port)
{
    uint8_t data[FRAME_MAX];
    for (int i = 0; i < TURN; i++) {
        ssize_t size = read (self->ports[port].fd, data, sizeof (data));
        if (size <= 0)
            return;
        s_switch (self, port, data, (size_t) size);
    }
}

/*  ---- Orders ----                                                         */

static void
s_obey (self_t *self, const char *line)
{
    size_t number;
    char side[4];
    way_t way;
    if (sscanf (line, "%zu %3s %" SCNd64 " %" SCNd64 " %u", &number, side,
                &way.delay_us, &way.jitter_us, &way.loss) != 5 ||
        number < 1 || number > self->ports_count)
        selftest_fail (__FILE__, __LINE__, "no order: %s", line);
    self->ports[number - 1].ways[strcmp (side, "out") == 0 ? OUT : IN] = way;
    printf ("done\n");
    fflush (stdout);
}

/*  False at the end of stdin. The other side waits for each answer, so lines
 *  come whole.                                                              */
static bool
s_listen (self_t *self)
{
    char text[256];
    ssize_t size = read (STDIN_FILENO, text, sizeof (text) - 1);
    if (size <= 0)
        return false;
    text[size] = 0;
    s_obey (self, text);
    return true;
}

/*  ---- The whole ----                                                      */

static void
s_add_port (self_t *self, const char *namespace)
{
    int file = open (namespace, O_RDONLY | O_CLOEXEC);
    CHECK (file >= 0);
    CHECK_INT (setns (file, CLONE_NEWNET), 0);
    close (file);
    CHECK (self->ports_count < PORTS_MAX);
    port_t *port = &self->ports[self->ports_count++];
    port->fd = open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (port->fd < 0)
        selftest_skip ("/dev/net/tun cannot be opened");
    struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    snprintf (request.ifr_name, sizeof (request.ifr_name), "eth0");
    CHECK_INT (ioctl (port->fd, TUNSETIFF, &request), 0);
    request.ifr_hwaddr.sa_family = 1; /* Ethernet                            */
    memcpy (request.ifr_hwaddr.sa_data, "\2\0\0\0\0", 5);
    request.ifr_hwaddr.sa_data[5] = (char) self->ports_count;
    CHECK_INT (ioctl (port->fd, SIOCSIFHWADDR, &request), 0);
}

static void
s_run (self_t *self)
{
    struct pollfd items[1 + PORTS_MAX] = { { STDIN_FILENO, POLLIN, 0 } };
    for (size_t i = 0; i < self->ports_count; i++)
        items[1 + i] = (struct pollfd){ self->ports[i].fd, POLLIN, 0 };
    while (true) {
        struct timespec pause = { 0 };
        int64_t left_us =
            self->delayed_count ? self->delayed[0]->due_us - s_now_us () : 0;
        if (left_us > 0) {
            pause.tv_sec = left_us / 1000000;
            pause.tv_nsec = left_us % 1000000 * 1000;
        }
        CHECK (ppoll (items, 1 + self->ports_count,
                      self->delayed_count ? &pause : NULL, NULL) >= 0);
        s_deliver (self);
        for (size_t i = 0; i < self->ports_count; i++)
            if (items[1 + i].revents)
                s_read (self, i);
        if (items[0].revents && !s_listen (self))
            return;
    }
}

int
main (int argc, char **argv)
{
    static self_t s_self = { .random = 1 };
    for (int i = 1; i < argc; i++)
        s_add_port (&s_self, argv[i]);
    printf ("ready\n");
    fflush (stdout);
    s_run (&s_self);
    while (s_self.delayed_count)
        free (s_pop (&s_self));
    return EXIT_SUCCESS;
}
