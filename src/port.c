/* SPDX-License-Identifier: Apache-2.0 */

/*  A held port is a bound socket that does not listen. Bound without
 *  SO_REUSEADDR, it keeps every other plain socket away; set afterwards, that
 *  option lets libzmq, which sets it before binding, take the port over. That
 *  moment is covered by a lock among holders: an abstract unix socket named
 *  after the number, in the same network namespace as the port, gone with the
 *  process.                                                                 */

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <dividere/port.h>

#define TRIES 100 /* of the system's choice, when others hold its numbers    */

struct dividere_port_t {
    int number;
    int holder; /* the bound socket                                         */
    int lock;   /* the unix socket                                          */
};

/*  Closes a descriptor that failed, keeping errno.                          */
static int
s_fail (int fd)
{
    int error = errno;
    close (fd);
    errno = error;
    return -1;
}

static int
s_lock (int number)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int length = snprintf (name.sun_path + 1, sizeof (name.sun_path) - 1,
                           "dividere-port-%d", number);
    socklen_t size = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + 1 +
                                  (size_t) length);
    int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    return bind (fd, (struct sockaddr *) &name, size) < 0 ? s_fail (fd) : fd;
}

/*  number 0: of the system's choice, told in *ret_number.                   */
static int
s_hold (int number, int *ret_number)
{
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_port = htons ((uint16_t) number),
                                .sin_addr.s_addr = htonl (INADDR_ANY) };
    socklen_t size = sizeof (name);
    int yes = 1;
    if (bind (fd, (struct sockaddr *) &name, size) < 0 ||
        setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof (yes)) < 0 ||
        getsockname (fd, (struct sockaddr *) &name, &size) < 0)
        return s_fail (fd);
    *ret_number = ntohs (name.sin_port);
    return fd;
}

static dividere_port_t *
s_take (int number)
{
    dividere_port_t port = { .number = number };
    port.holder = s_hold (number, &port.number);
    if (port.holder < 0)
        return NULL;
    port.lock = s_lock (port.number);
    if (port.lock < 0) {
        s_fail (port.holder);
        return NULL;
    }
    dividere_port_t *self = (dividere_port_t *) malloc (sizeof (*self));
    assert (self);
    *self = port;
    return self;
}

dividere_port_t *
dividere_port_new (int first, int last)
{
    bool any = first == 0 && last == 0;
    if (!any && (first < 1 || last > 65535 || last < first)) {
        errno = EINVAL;
        return NULL;
    }
    int tries = any ? TRIES : last - first + 1;
    for (int i = 0; i < tries; i++) {
        dividere_port_t *self = s_take (any ? 0 : first + i);
        if (self || errno != EADDRINUSE)
            return self;
    }
    return NULL;
}

void
dividere_port_destroy (dividere_port_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    /* In this order, whoever can bind the port can lock it too.             */
    close ((*self_p)->lock);
    close ((*self_p)->holder);
    free (*self_p);
    *self_p = NULL;
}

int
dividere_port_number (const dividere_port_t *self)
{
    assert (self);
    return self->number;
}
