/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <stdio.h>
#include <czmq.h>
#include "peers.h"
#include "relay.h"
#include "selftest.h"

#define ADDRESS 64
#define PACE    3000 /* connections in a second                             */

size_t
peers_name (const peers_t *self, size_t index, char *name)
{
    return (size_t) snprintf (name, PEERS_NAME, "%c%zu.%u.%u", self->kind,
                              index, self->rank, self->lives[index]);
}

static void
s_address (const peers_t *self, size_t index, char *address)
{
    size_t host = index + 1;
    snprintf (address, ADDRESS, "tcp://127.%zu.%zu.%zu:0;127.0.0.1:%s",
              1 + (host >> 16) % 200, (host >> 8) % 256, host % 256,
              self->port);
}

void
peers_init (peers_t *self, char kind, const char *port, unsigned rank,
            size_t count, uint64_t seed)
{
    *self = (peers_t){ .port = port,
                       .kind = kind,
                       .rank = rank,
                       .count = count,
                       .start_ms = selftest_now_ms (),
                       .random = seed * 1000 + rank + 1 };
    self->lives = (uint32_t *) zmalloc (count * sizeof (*self->lives) + 1);
    self->socket = relay_socket (zsys_init (), ZMQ_ROUTER);
}

void
peers_term (peers_t *self)
{
    zmq_close (self->socket);
    free (self->lives);
}

static void
s_connect (peers_t *self, size_t index)
{
    char name[PEERS_NAME], address[ADDRESS];
    size_t size = peers_name (self, index, name);
    s_address (self, index, address);
    CHECK_INT (zmq_setsockopt (self->socket, ZMQ_ROUTING_ID, name, size), 0);
    CHECK_INT (zmq_setsockopt (self->socket, ZMQ_CONNECT_ROUTING_ID, name,
                               size),
               0);
    CHECK_INT (zmq_connect (self->socket, address), 0);
}

void
peers_replace (peers_t *self, size_t index)
{
    char address[ADDRESS];
    s_address (self, index, address);
    CHECK_INT (zmq_disconnect (self->socket, address), 0);
    self->lives[index]++;
    self->killed++;
    s_connect (self, index);
}

bool
peers_come (peers_t *self, size_t *ret_index)
{
    int64_t passed_ms = selftest_now_ms () - self->start_ms;
    if (self->connected >= self->count ||
        self->connected >= (uint64_t) passed_ms * PACE / 1000)
        return false;
    *ret_index = self->connected++;
    s_connect (self, *ret_index);
    return true;
}

size_t
peers_due (peers_t *self, uint64_t permille, double seconds)
{
    self->owed += (double) (self->count * permille) / 1000 * seconds;
    size_t due = (size_t) self->owed;
    self->owed -= (double) due;
    return due;
}

void
peers_send_name (peers_t *self, size_t index)
{
    char name[PEERS_NAME];
    size_t size = peers_name (self, index, name);
    CHECK_INT (zmq_send (self->socket, name, size, ZMQ_SNDMORE), size);
}

/*  What was for an earlier life is gone with its connection.                 */
bool
peers_recv_name (peers_t *self, size_t *ret_index)
{
    char name[PEERS_NAME];
    int size = zmq_recv (self->socket, name, sizeof (name) - 1, ZMQ_DONTWAIT);
    if (size < 0)
        return false;
    CHECK (size > 1 && size < (int) sizeof (name));
    name[size] = 0;
    *ret_index = strtoul (name + 1, NULL, 10);
    CHECK (*name == self->kind && *ret_index < self->count);
    return true;
}

size_t
peers_any (peers_t *self)
{
    return selftest_random (&self->random) % self->count;
}
