/* SPDX-License-Identifier: Apache-2.0 */

/*  The sockets of a client. What goes to a broker that is not connected would
 *  wait in libzmq, where nobody can take it back; so it waits here, until
 *  libzmq has told that there is a connection. (ZMQ_IMMEDIATE is no help:
 *  with it libzmq 4.3.4 ends the pipe of a broken connection in the midst of
 *  a message, and aborts, "!_more".)                                         */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <czmq.h>
#include <sodium.h>
#include "attach.h"
#include "client_internal.h"
#include "connector_internal.h"
#include "frame.h"
#include "handshake.h"
#include "log_internal.h"
#include "message_internal.h"
#include "socket.h"

#define HWM      10000
#define RECEIVED 1000 /* messages in one call                                */
#define AGAIN_MS 1000 /* after a peer has refused the connection              */
#define EVENTS                                                \
    (ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | \
     DIVIDERE_HANDSHAKE_FAILURES)

static int
s_configure (const dividere_client_t *self, void *handle)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.send_hwm = options.recv_hwm = HWM;
    options.linger_ms = 0;
    return dividere_socket_configure (handle, &options);
}

static int
s_watch (dividere_client_t *self, dividere_polled_t *polled, void *handle,
         dividere_client_link_t *link)
{
    polled->handle = handle;
    polled->owner = link;
    return dividere_poller_add (self->poller, polled);
}

static int
s_open (dividere_client_t *self, dividere_client_link_t *link,
        const dividere_endpoint_t *endpoint)
{
    char address[DIVIDERE_ADDRESS_MAX];
    bool bound = endpoint->role == DIVIDERE_ENDPOINT_BIND;
    link->secure = self->security != DIVIDERE_SECURITY_PLAIN;
    /* Inproc tells nothing; and of several peers one may stay.              */
    link->tracked = !bound && strncmp (endpoint->address, "inproc:", 7) != 0;
    link->connected = !link->tracked;
    link->handle = zsys_socket (ZMQ_DEALER, NULL, 0);
    if (!link->handle || s_configure (self, link->handle) < 0 ||
        s_watch (self, &link->polled, link->handle, link) < 0)
        return -1;
    link->sink = dividere_sink_new (link->handle, EVENTS);
    if (!link->sink || s_watch (self, &link->told, link->sink, link) < 0)
        return -1;
    if (dividere_attach (link->handle, "client", endpoint, bound, NULL,
                         address) < 0)
        return -1;
    link->address = bound ? NULL : strdup (address);
    return 0;
}

/*  Into the slot of its index.                                              */
static void
s_keep (dividere_client_t *self, dividere_client_link_t *link)
{
    if (self->links_count < self->asks.links.slots_count) {
        self->links = (dividere_client_link_t **) realloc (
            self->links, self->asks.links.slots_count * sizeof (*self->links));
        assert (self->links);
    }
    while (self->links_count < self->asks.links.slots_count)
        self->links[self->links_count++] = NULL;
    self->links[link->index] = link;
}

dividere_client_link_t *
dividere_client_open_link (dividere_client_t *self,
                           const dividere_endpoint_t *endpoint, bool native)
{
    dividere_client_link_t *link =
        (dividere_client_link_t *) zmalloc (sizeof (*link));
    link->index = dividere_asks_add_link (&self->asks, native);
    s_keep (self, link);
    dividere_security_t *before = dividere_security_use_here (self->security);
    int rc = s_open (self, link, endpoint);
    int error = errno;
    dividere_security_use_here (before);
    if (rc == 0)
        return link;
    dividere_client_close_link (self, &link);
    errno = error;
    return NULL;
}

int
dividere_client_open (dividere_client_t *self, const char *brokers)
{
    dividere_endpoint_t endpoint;
    const char *rest = brokers;
    int rc;
    size_t count = 0;
    while ((rc = dividere_endpoint_next (&rest, &endpoint)) > 0)
        count++;
    if (rc == 0 && count == 0)
        errno = EINVAL;
    if (rc < 0 || count == 0)
        return -1;
    rest = brokers;
    while (dividere_endpoint_next (&rest, &endpoint) > 0)
        if (!dividere_client_open_link (self, &endpoint, false))
            return -1;
    return 0;
}

void
dividere_client_close_link (dividere_client_t *self,
                            dividere_client_link_t **link_p)
{
    dividere_client_link_t *link = *link_p;
    *link_p = NULL;
    self->links[link->index] = NULL;
    dividere_poller_remove (&link->polled);
    dividere_poller_remove (&link->told);
    if (link->sink)
        zmq_socket_monitor (link->handle, NULL, 0);
    if (link->handle)
        zsys_close (link->handle, NULL, 0);
    if (link->sink)
        zsys_close (link->sink, NULL, 0);
    dividere_asks_remove_link (&self->asks, link->index, zclock_usecs ());
    self->given_up -= link->again_ms > 0;
    free (link->address);
    freen (link);
}

void
dividere_client_close (dividere_client_t *self)
{
    for (size_t i = 0; i < self->links_count; i++)
        if (self->links[i])
            dividere_client_close_link (self, &self->links[i]);
    free (self->links);
}

/*  What came back, if it is of this trace.                                  */
static void
s_trace_answered (const dividere_client_t *self, dividere_trace_t *trace,
                  const void *extension, size_t size)
{
    dividere_trace_t told;
    if (!dividere_trace_read (extension, size, &told) ||
        memcmp (told.id, trace->id, sizeof (told.id)) != 0)
        return;
    *trace = told;
    if (trace->count < DIVIDERE_HOPS_MAX)
        trace->hops[trace->count++] =
            (dividere_hop_t){ DIVIDERE_HOP_ANSWERED, self->id >> 8,
                              dividere_trace_now_ns () };
}

/*  True if it was an answer: an extension frame of this client, an empty one, a
 *  payload.                                                                 */
static bool
s_take (dividere_client_t *self, dividere_client_link_t *link)
{
    const dividere_route_t *route = &self->scratch->route;
    dividere_extension_t extension;
    size_t size, empty;
    const void *data = dividere_route_frame (route, 0, &size);
    if (dividere_route_count (route) != 2 ||
        !dividere_route_frame (route, 1, &empty) || empty > 0 ||
        !dividere_extension_parse (data, size, &extension) ||
        extension.id.client != self->id)
        return false;
    dividere_ask_t *ask =
        extension.trace ? dividere_asks_find (&self->asks, extension.id.number)
                        : NULL;
    if (ask && ask->trace)
        s_trace_answered (self, ask->trace, data, size);
    dividere_asks_answer (&self->asks, link->index, &extension,
                          &self->scratch->payload, zclock_usecs ());
    zmq_msg_init (&self->scratch->payload);
    return true;
}

/*  False: there is no more.                                                 */
static bool
s_receive_one (dividere_client_t *self, dividere_client_link_t *link)
{
    if (dividere_message_recv_frames (self->scratch, link->handle,
                                      ZMQ_DONTWAIT) == 0) {
        self->malformed += !s_take (self, link);
        return true;
    }
    if (errno == EPROTO) {
        self->malformed++;
        return true;
    }
    self->ended |= errno == ETERM;
    return false;
}

/*  Answers that came before the connection broke count.                     */
static void
s_disconnected (dividere_client_t *self, dividere_client_link_t *link)
{
    for (int left = HWM; left > 0 && s_receive_one (self, link); left--)
        ;
    dividere_asks_lost (&self->asks, link->index, zclock_usecs ());
    if (link->tracked) {
        link->connected = false;
        dividere_asks_full (&self->asks, link->index);
    }
    if (self->named)
        dividere_client_named_lost (self->named, link);
}

static void
s_connected (dividere_client_t *self, dividere_client_link_t *link)
{
    link->connected = true;
    link->doubts = 0;
    dividere_asks_refuse (&self->asks, link->index, 0);
}

/*  What libzmq has given up is tried again: somebody may mend it.           */
static void
s_refused (dividere_client_t *self, dividere_client_link_t *link,
           const dividere_handshake_t *why)
{
    if (!why->final && ++link->doubts < DIVIDERE_HANDSHAKE_DOUBTS)
        return;
    dividere_log (DIVIDERE_LOG_WARNING, "client: %s: %s",
                  link->address ? link->address : "a peer", why->text);
    if (!link->address)
        return;
    dividere_asks_refuse (&self->asks, link->index, why->error);
    if (!why->final || link->again_ms > 0)
        return;
    link->again_ms = zclock_mono () + AGAIN_MS;
    self->given_up++;
}

int64_t
dividere_client_again_due (const dividere_client_t *self)
{
    int64_t due_ms = -1;
    for (size_t i = 0; self->given_up && i < self->links_count; i++) {
        const dividere_client_link_t *link = self->links[i];
        if (link && link->again_ms > 0 &&
            (due_ms < 0 || link->again_ms < due_ms))
            due_ms = link->again_ms;
    }
    return due_ms;
}

static void
s_connect_again (dividere_client_t *self)
{
    int64_t due_ms = dividere_client_again_due (self);
    if (due_ms < 0 || due_ms > zclock_mono ())
        return;
    for (size_t i = 0; i < self->links_count; i++) {
        dividere_client_link_t *link = self->links[i];
        if (!link || link->again_ms != due_ms)
            continue;
        link->again_ms = 0;
        self->given_up--;
        dividere_security_t *before =
            dividere_security_use_here (self->security);
        zmq_disconnect (link->handle, link->address);
        dividere_connect (link->handle, link->address);
        dividere_security_use_here (before);
        dividere_poller_touch (&link->polled);
    }
}

/*  An event is two frames, of which the first begins with its number.       */
static bool
s_receive_event (dividere_client_t *self, dividere_client_link_t *link)
{
    if (dividere_message_recv_frames (self->scratch, link->sink, ZMQ_DONTWAIT) <
        0)
        return false;
    size_t size;
    uint16_t event = 0;
    const void *data = dividere_route_frame (&self->scratch->route, 0, &size);
    if (data && size >= sizeof (event))
        memcpy (&event, data, sizeof (event));
    const dividere_handshake_t why =
        dividere_handshake_failure (data, data ? size : 0, link->secure);
    if (why.error)
        s_refused (self, link, &why);
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        s_connected (self, link);
    else if (event == ZMQ_EVENT_DISCONNECTED)
        s_disconnected (self, link);
    return true;
}

/*  Asking for events can swallow what the descriptor had to tell of a message:
 *  so it goes on for as long as they tell of one.                           */
static bool
s_serve (dividere_client_t *self, dividere_polled_t *polled, size_t *left)
{
    dividere_client_link_t *link = (dividere_client_link_t *) polled->owner;
    if (!link)
        return dividere_client_named_serve (self->named, left);
    if (polled == &link->told) {
        while (s_receive_event (self, link))
            ;
        dividere_poller_touch (&link->polled);
        return true;
    }
    int events = ZMQ_POLLIN;
    while (events & ZMQ_POLLIN) {
        while (*left > 0 && s_receive_one (self, link))
            --*left;
        if (*left == 0)
            return false;
        events = dividere_socket_events (link->handle);
    }
    if (link->connected && (events & ZMQ_POLLOUT))
        dividere_asks_room (&self->asks, link->index);
    return true;
}

void
dividere_client_receive (dividere_client_t *self)
{
    size_t left = RECEIVED;
    dividere_polled_t *polled;
    while (left > 0 && dividere_poller_collect (self->poller))
        while (left > 0 && (polled = dividere_poller_next (self->poller))) {
            if (s_serve (self, polled, &left))
                dividere_poller_done (polled);
            else
                dividere_poller_requeue (polled);
        }
    s_connect_again (self);
    if (self->named)
        dividere_client_named_sweep (self->named);
}

/*  In what is sent, and, in case that nothing comes back, in what is kept.   */
static void
s_trace_sent (const dividere_client_t *self, dividere_trace_t *trace,
              uint8_t *extension, size_t size)
{
    const dividere_hop_t sent = { DIVIDERE_HOP_SENT, self->id >> 8,
                                  dividere_trace_now_ns () };
    dividere_trace_add (extension, size, sent.kind, sent.who, sent.time_ns);
    if (trace->count < DIVIDERE_HOPS_MAX)
        trace->hops[trace->count++] = sent;
}

static int
s_send (dividere_client_t *self, dividere_ask_t *ask,
        const dividere_client_link_t *link)
{
    const char *service = ask->service ? ask->service : self->service;
    dividere_extension_t extension = {
        .id = { self->id, ask->number },
        .flags = ask->strict ? DIVIDERE_EXTENSION_STRICT : 0,
        .attempt = ask->attempts < 255 ? (uint8_t) (ask->attempts + 1) : 255,
        .requeues = ask->requeues,
        .left_ms = dividere_extension_left (ask->deadline_ms, zclock_mono ()),
        .service = service,
        .service_size = service ? strlen (service) : 0,
        .trace = ask->trace ? ask->trace->id : NULL,
    };
    uint8_t bytes[DIVIDERE_EXTENSION_MAX];
    size_t size = dividere_extension_size (&extension);
    dividere_extension_write (&extension, bytes);
    if (ask->trace)
        s_trace_sent (self, ask->trace, bytes, size);
    dividere_route_t route = { .count = 0 };
    dividere_route_append (&route, bytes, size);
    dividere_route_append (&route, NULL, 0);
    zmq_msg_t payload;
    zmq_msg_init (&payload);
    zmq_msg_copy (&payload, &ask->payload);
    int rc = dividere_socket_send (link->handle, &route, &payload, 0);
    if (rc < 0)
        zmq_msg_close (&payload);
    dividere_route_clear (&route);
    return rc;
}

/*  What is sent now goes along a connection that was made after those that
 *  broke until now: these are heard of first, or it would pass for lost with
 *  them. True if there was anything to hear of.                             */
static bool
s_hear_of_losses (dividere_client_t *self, dividere_client_link_t *link)
{
    if (link->heard == self->flushes)
        return false;
    link->heard = self->flushes;
    if (!(dividere_socket_events (link->sink) & ZMQ_POLLIN))
        return false;
    while (s_receive_event (self, link))
        ;
    dividere_poller_touch (&link->polled);
    return true;
}

void
dividere_client_flush (dividere_client_t *self)
{
    dividere_ask_t *ask;
    size_t index;
    self->flushes++;
    int64_t now_ms = zclock_mono ();
    while ((ask = dividere_asks_next (&self->asks, now_ms, &index))) {
        dividere_client_link_t *link = self->links[index];
        if (s_hear_of_losses (self, link))
            continue;
        dividere_poller_touch (&link->polled);
        if (s_send (self, ask, link) == 0)
            dividere_asks_sent (&self->asks, ask, index, now_ms);
        else
            dividere_asks_full (&self->asks, index);
    }
}
