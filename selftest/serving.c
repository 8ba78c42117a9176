/* SPDX-License-Identifier: Apache-2.0 */

#include "serving.h"
#include "extension.h"
#include "selftest.h"

#define LONG_MS 60000

static void
s_send (zsock_t *sock, zmsg_t **request_p, const char *payload)
{
    zframe_t *last = zmsg_last (*request_p);
    zframe_reset (last, payload, strlen (payload));
    zmsg_send (request_p, sock);
}

/*  A client without an extension frame is asked nothing here.               */
static void
s_mark (const serving_t *self, zmsg_t *request, dividere_status_t status)
{
    zmsg_first (request);
    zframe_t *extension = zmsg_next (request);
    dividere_extension_t parsed;
    if (self->number &&
        dividere_extension_parse (zframe_data (extension),
                                  zframe_size (extension), &parsed))
        dividere_extension_set_status (zframe_data (extension), status,
                                       DIVIDERE_EXTENSION_BROKER);
}

static void
s_lie (zsock_t *sock, zmsg_t **request_p)
{
    zframe_t *route = zmsg_pop (*request_p);
    static const size_t s_sizes[] = { 0, 1, 31, 32, 600 };
    uint8_t junk[600] = { 0xd1, 0x7e };
    for (size_t i = 0; i < 5; i++) {
        zmsg_t *message = zmsg_new ();
        zframe_t *copy = zframe_dup (route);
        zmsg_append (message, &copy);
        for (size_t j = 0; j <= i; j++)
            zmsg_addmem (message, junk, s_sizes[(i + j) % 5]);
        zmsg_send (&message, sock);
    }
    zframe_destroy (&route);
    zmsg_destroy (request_p);
}

static void
s_serve (serving_t *self, zsock_t *sock)
{
    char text[20];
    snprintf (text, sizeof (text), "%d", self->port);
    zmsg_t *request = zmsg_recv (sock);
    CHECK (request);
    self->received++;
    int mode = self->mode;
    if (!self->number) {
        zmq_pollitem_t item = { zsock_resolve (sock), 0, ZMQ_POLLIN, 0 };
        self->crowded += zmq_poll (&item, 1, 2) > 0;
    }
    if (mode == SERVING_ANSWERS) {
        s_mark (self, request, DIVIDERE_STATUS_OK);
        s_send (sock, &request, text);
    }
    else if (mode == SERVING_BUSY) {
        s_mark (self, request, DIVIDERE_STATUS_BUSY);
        s_send (sock, &request, "");
    }
    else if (mode == SERVING_LIES)
        s_lie (sock, &request);
    zmsg_destroy (&request);
}

static void
s_actor (zsock_t *pipe, void *args)
{
    serving_t *self = (serving_t *) args;
    zsock_t *sock = zsock_new (ZMQ_ROUTER);
    zsock_set_sndhwm (sock, 0);
    zsock_set_rcvhwm (sock, 0);
    char endpoint[64];
    if (self->port)
        snprintf (endpoint, sizeof (endpoint), "tcp://127.0.0.1:%d",
                  self->port);
    else
        snprintf (endpoint, sizeof (endpoint), "%s", selftest_tcp ());
    /* One that was just closed may still be bound.                          */
    int port = -1;
    CHECK_EVENTUALLY ((port = zsock_bind (sock, "%s", endpoint)) > 0);
    self->port = port;
    zpoller_t *poller = zpoller_new (pipe, sock, NULL);
    zsock_signal (pipe, 0);
    while (zpoller_wait (poller, -1) == sock)
        s_serve (self, sock);
    zpoller_destroy (&poller);
    zsock_destroy (&sock);
}

void
serving_start (serving_t *self, uint64_t number, int port)
{
    memset (self, 0, sizeof (*self));
    self->number = number;
    self->port = port;
    self->actor = zactor_new (s_actor, self);
    CHECK (self->actor);
}

void
serving_kill (serving_t *self)
{
    zactor_destroy (&self->actor);
}

void
serving_register (const serving_t *self, const named_t *names)
{
    named_peer_t peer;
    named_connect (&peer, ZMQ_REQ, names->requests);
    if (self->number)
        CHECK_INT (named_native (&peer, SERVING_NAME, self->port, self->number,
                                 3600000, false),
                   0);
    else
        CHECK (named_register (&peer, SERVING_NAME, self->port));
    named_disconnect (&peer);
}

void
serving_unregister (const serving_t *self, const named_t *names)
{
    named_peer_t peer;
    named_connect (&peer, ZMQ_REQ, names->requests);
    CHECK (named_unregister (&peer, SERVING_NAME, self->port));
    named_disconnect (&peer);
}

char *
serving_nameservers (const named_t *first, const named_t *second)
{
    return second
               ? zsys_sprintf ("%s|%s,%s|%s", first->requests, first->publish,
                               second->requests, second->publish)
               : zsys_sprintf ("%s|%s", first->requests, first->publish);
}

dividere_client_t *
serving_client (const named_t *names, int attempt_ms)
{
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.attempt_ms = attempt_ms ? attempt_ms : LONG_MS;
    options.deadline_ms = LONG_MS;
    char *servers = serving_nameservers (names, NULL);
    dividere_client_t *client =
        dividere_client_new_named (SERVING_NAME, servers, &options);
    CHECK (client);
    freen (servers);
    return client;
}

int
serving_ask (dividere_client_t *client, int deadline_ms)
{
    dividere_request_options_t options = DIVIDERE_REQUEST_OPTIONS_INIT;
    options.deadline_ms = deadline_ms;
    dividere_message_t *reply = dividere_message_new ();
    int rc = dividere_client_request_bytes (client, "ask", 3, &options, reply);
    int error = errno;
    char text[20] = "";
    if (rc == 0 && dividere_message_size (reply) < sizeof (text))
        memcpy (text, dividere_message_data (reply),
                dividere_message_size (reply));
    dividere_message_destroy (&reply);
    errno = error;
    return rc < 0 ? -1 : (int) strtol (text, NULL, 10);
}

static bool
s_reached (dividere_client_t *client, serving_t *serving, int before)
{
    CHECK (serving_ask (client, -1) > 0);
    return serving->received > before;
}

void
serving_reach (dividere_client_t *client, serving_t *servings, int count)
{
    for (int i = 0; i < count; i++) {
        int before = servings[i].received;
        CHECK_EVENTUALLY (s_reached (client, &servings[i], before));
    }
}
