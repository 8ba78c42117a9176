/* SPDX-License-Identifier: Apache-2.0 */

/*  The reference between clients and workers, and those beside it.          */

#include "relay.h"
#include <dividere/actor.h>
#include "selftest.h"

static void
s_set (void *socket, int option, int value)
{
    CHECK_INT (zmq_setsockopt (socket, option, &value, sizeof (value)), 0);
}

void *
relay_socket (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    CHECK (socket);
    s_set (socket, ZMQ_LINGER, 0);
    s_set (socket, ZMQ_SNDHWM, RELAY_HWM);
    s_set (socket, ZMQ_RCVHWM, RELAY_HWM);
    s_set (socket, ZMQ_RCVTIMEO, SELFTEST_DEADLINE);
    s_set (socket, ZMQ_SNDTIMEO, SELFTEST_DEADLINE);
    if (type == ZMQ_SUB)
        CHECK_INT (zmq_setsockopt (socket, ZMQ_SUBSCRIBE, "", 0), 0);
    return socket;
}

void *
relay_connect (void *context, int type, const char *endpoint)
{
    void *socket = relay_socket (context, type);
    CHECK_INT (zmq_connect (socket, endpoint), 0);
    return socket;
}

static void *
s_bind (void *context, int type, char *ret_endpoint)
{
    void *socket = relay_socket (context, type);
    CHECK_INT (zmq_bind (socket, "tcp://127.0.0.1:*"), 0);
    size_t size = RELAY_ENDPOINT_SIZE;
    CHECK_INT (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, ret_endpoint, &size),
               0);
    return socket;
}

static void *
s_run (void *args)
{
    relay_t *self = (relay_t *) args;
    CHECK_FAILS (zmq_proxy (self->sockets[0], self->sockets[1], NULL), ETERM);
    zmq_close (self->sockets[0]);
    zmq_close (self->sockets[1]);
    return NULL;
}

void
relay_start (relay_t *self, int frontend, int backend)
{
    self->context = zmq_ctx_new ();
    self->sockets[0] = s_bind (self->context, frontend, self->frontend);
    self->sockets[1] = s_bind (self->context, backend, self->backend);
    CHECK_INT (pthread_create (&self->thread, NULL, s_run, self), 0);
}

void
relay_stop (relay_t *self)
{
    CHECK_INT (zmq_ctx_shutdown (self->context), 0);
    pthread_join (self->thread, NULL);
    CHECK_INT (zmq_ctx_term (self->context), 0);
}

void
relay_set (zactor_t *actor, const char *name, int value)
{
    char text[20];
    snprintf (text, sizeof (text), "%d", value);
    CHECK_INT (dividere_call (actor, NULL, SELFTEST_DEADLINE, "SET", name, text,
                              NULL),
               0);
}

char *
relay_bind (zactor_t *actor, const char *side, const char *endpoint)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (actor, &reply, SELFTEST_DEADLINE, "BIND", side,
                              endpoint, NULL),
               0);
    char *bound = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return bound;
}
