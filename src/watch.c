/* SPDX-License-Identifier: Apache-2.0 */

/*  Two references, counted down; what the one thread did to the sink is visible
 *  to the other through the count.                                          */

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <czmq.h>
#include "connector_internal.h"

struct dividere_watch_t {
    _Atomic int holders;
    void *sink; /* PAIR, closed by the last holder                          */
    char *name; /* of the connector, for people                             */
};

dividere_watch_t *
dividere_connector_watch (dividere_connector_t *self, const char *name,
                          int mask)
{
    if (self->await_sink) {
        errno = EBUSY;
        return NULL;
    }
    dividere_connector_unwatch (self);
    void *sink = dividere_sink_new (self->handle, mask);
    if (!sink)
        return NULL;
    dividere_watch_t *watch = (dividere_watch_t *) zmalloc (sizeof (*watch));
    watch->holders = 2;
    watch->sink = sink;
    watch->name = strdup (name);
    assert (watch->name);
    return self->watch = watch;
}

void
dividere_connector_unwatch (dividere_connector_t *self)
{
    if (!self->watch)
        return;
    zmq_socket_monitor (self->handle, NULL, 0);
    dividere_watch_leave (&self->watch);
}

void
dividere_watch_leave (dividere_watch_t **self_p)
{
    dividere_watch_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (atomic_fetch_sub (&self->holders, 1) > 1)
        return;
    zsys_close (self->sink, NULL, 0);
    free (self->name);
    free (self);
}

void *
dividere_watch_sink (dividere_watch_t *self)
{
    return self->sink;
}

const char *
dividere_watch_name (const dividere_watch_t *self)
{
    return self->name;
}

bool
dividere_watch_abandoned (const dividere_watch_t *self)
{
    return self->holders < 2;
}
