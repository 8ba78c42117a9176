/* SPDX-License-Identifier: Apache-2.0 */

#include "selftest.h"
#include "answering.h"
#include "extension.h"

static bool
s_pending (zsock_t *sock)
{
    zmq_pollitem_t item = { zsock_resolve (sock), 0, ZMQ_POLLIN, 0 };
    return zmq_poll (&item, 1, 0) > 0;
}

/*  The route, an extension frame, an empty one, the payload.                */
static void
s_answer (answering_t *self, zsock_t *sock)
{
    zmsg_t *message = zmsg_recv (sock);
    zmsg_first (message);
    zframe_t *frame = zmsg_next (message);
    dividere_extension_t extension;
    if (zmsg_size (message) != 4 ||
        !dividere_extension_parse (zframe_data (frame), zframe_size (frame),
                                   &extension) ||
        zframe_size (zmsg_next (message)) > 0) {
        self->malformed++;
        zmsg_destroy (&message);
        return;
    }
    self->received++;
    if (s_pending (sock))
        self->crowded++;
    if (self->native) {
        extension.flags |= DIVIDERE_EXTENSION_BROKER;
        dividere_extension_write (&extension, zframe_data (frame));
    }
    if (self->mute)
        zmsg_destroy (&message);
    else
        CHECK_INT (zmsg_send (&message, sock), 0);
}

static void
s_run (zsock_t *pipe, void *arg)
{
    answering_t *self = (answering_t *) arg;
    zsock_t *sock = zsock_new (ZMQ_ROUTER);
    /* One that was just closed may still be bound.                          */
    CHECK_EVENTUALLY (zsock_bind (sock, "%s", self->endpoint) >= 0);
    free (self->endpoint);
    self->endpoint = strdup (zsock_endpoint (sock));
    self->bound = true;
    zsock_signal (pipe, 0);
    zmq_pollitem_t items[] = { { zsock_resolve (pipe), 0, ZMQ_POLLIN, 0 },
                               { zsock_resolve (sock), 0, ZMQ_POLLIN, 0 } };
    while (zmq_poll (items, 2, -1) >= 0 && !items[0].revents)
        s_answer (self, sock);
    zsock_destroy (&sock);
}

void
answering_restart (answering_t *self)
{
    self->bound = false;
    self->actor = zactor_new (s_run, self);
    CHECK (self->actor && self->bound);
    self->port = (int) strtol (strrchr (self->endpoint, ':') + 1, NULL, 10);
}

void
answering_start (answering_t *self, bool native)
{
    memset (self, 0, sizeof (*self));
    self->native = native;
    self->endpoint = strdup (selftest_tcp ());
    answering_restart (self);
}

void
answering_kill (answering_t *self)
{
    zactor_destroy (&self->actor);
}

void
answering_stop (answering_t *self)
{
    zactor_destroy (&self->actor);
    free (self->endpoint);
    self->endpoint = NULL;
}
