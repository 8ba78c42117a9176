/* SPDX-License-Identifier: Apache-2.0 */

/*  The registry, with name servers that do not behave, and an application that
 *  does not receive.                                                        */

#include "selftest.h"
#include <poll.h>
#include <czmq.h>
#include <dividere.h>
#include "extension.h"
#include "named.h"
#include "registry_parts.h"

void test_registry_unreceived (void);
void test_registry_nonsense (void);
void test_registry_hostile (void);

#define LIMIT_MS 10000
#define EPOCH    5

static dividere_registry_t *
s_registry (const named_t *names)
{
    char servers[600];
    snprintf (servers, sizeof (servers), "%s|%s", names->requests,
              names->publish);
    dividere_registry_t *registry = dividere_registry_new (servers);
    CHECK (registry);
    return registry;
}

/*  What the application does not receive does not grow for ever, and once it
 *  does, it learns how things are.                                          */
void
test_registry_unreceived (void)
{
    named_t names;
    named_peer_t peer;
    named_start (&names, NAMED_TCP, NULL);
    named_connect (&peer, ZMQ_REQ, names.requests);
    dividere_registry_t *registry = s_registry (&names);
    registry->events_max = 100;
    CHECK_INT (dividere_registry_watch (registry, NULL), 0);
    dividere_registry_event_t event;
    CHECK_INT (dividere_registry_recv (registry, &event, LIMIT_MS), 0);
    CHECK_INT (event.kind, DIVIDERE_REGISTRY_FRESH);
    while (named_stat (&names, "watchers") == 0)
        dividere_registry_process (registry);
    for (int i = 0; i < 500; i++) {
        CHECK (named_register (&peer, "clock", 7000));
        CHECK (named_unregister (&peer, "clock", 7000));
        CHECK (dividere_registry_process (registry) <= 100);
    }
    CHECK (named_register (&peer, "clock", 7001));
    CHECK_EVENTUALLY (dividere_registry_process (registry) == 100);
    bool there[2] = { false };
    while (!there[1] || there[0]) {
        CHECK_INT (dividere_registry_recv (registry, &event, LIMIT_MS), 0);
        CHECK (dividere_registry_process (registry) <= 100);
        if (event.kind == DIVIDERE_REGISTRY_ADDED ||
            event.kind == DIVIDERE_REGISTRY_REMOVED)
            there[event.instance->port - 7000] =
                event.kind == DIVIDERE_REGISTRY_ADDED;
    }
    dividere_registry_destroy (&registry);
    named_disconnect (&peer);
    named_stop (&names);
}

/*  A peer that answers, but not as a name server.                           */
void
test_registry_nonsense (void)
{
    zsock_t *server = zsock_new_rep ("@tcp://127.0.0.1:*");
    CHECK (server);
    dividere_registry_t *registry =
        dividere_registry_new (zsock_endpoint (server));
    CHECK (registry);
    CHECK_INT (dividere_registry_watch (registry, "clock"), 0);
    struct pollfd item = { dividere_registry_fd (registry), POLLIN, 0 };
    for (int i = 0; i < 3; i++) {
        while (!(zsock_events (server) & ZMQ_POLLIN)) {
            dividere_registry_process (registry);
            poll (&item, 1, 1);
        }
        zmsg_t *request = zmsg_recv (server);
        zmsg_destroy (&request);
        zstr_send (server, "nonsense");
    }
    dividere_registry_event_t event;
    CHECK_INT (dividere_registry_recv (registry, &event, LIMIT_MS), 0);
    CHECK_INT (event.kind, DIVIDERE_REGISTRY_STALE);
    dividere_registry_destroy (&registry);
    zsock_destroy (&server);
}

typedef struct {
    dividere_registry_t *registry;
    zsock_t *server;
    zsock_t *pusher; /* its watch endpoint                                   */
    zmsg_t *watcher; /* the route to it                                      */
    unsigned answers;
} hostile_t;

/*  The messages of a name server have no const.                             */
static char *
s_text (const char *text)
{
    return (char *) (uintptr_t) text;
}

static char *
s_long (void)
{
    static char s_name[1000];
    memset (s_name, 'n', sizeof (s_name) - 1);
    return s_name;
}

/*  Instances that cannot be, all in one list.                               */
static void
s_nonsense_list (zmq_msg_t *frame, const char *watch, uint32_t version,
                 uint32_t error, bool more)
{
    named_one_t ones[6];
    named_one_t *all[6];
    char *tags[200];
    named_found_t found = DIVIDERE__WIRE__SERVICE_LOOKUP_REP__INIT;
    for (int i = 0; i < 200; i++)
        tags[i] = s_text ("tag");
    for (int i = 0; i < 6; i++) {
        ones[i] =
            (named_one_t) DIVIDERE__WIRE__SERVICE_LOOKUP_REP__INSTANCE__INIT;
        ones[i].servicename = s_text ("name");
        ones[i].server = s_text ("server");
        ones[i].port = 1;
        all[i] = &ones[i];
    }
    ones[0].port = 0;
    ones[1].port = 65536;
    ones[2].servicename = s_text ("");
    ones[3].servicename = s_long ();
    ones[4].server = s_long ();
    ones[5].server = s_text ("");
    ones[5].tags = tags;
    ones[5].n_tags = 200;
    found.version = version;
    found.error = error;
    found.epoch = EPOCH;
    found.revision = 1;
    found.more = more;
    found.watch = s_text (watch);
    found.instances = all;
    found.n_instances = error ? 0 : 6;
    CHECK_INT (dividere_control_write (&found.base, frame), 0);
}

/*  Whatever it is asked; the last kind of answer is taken for a list.       */
static void
s_answer (hostile_t *self)
{
    zmsg_t *request = zmsg_recv (self->server);
    zframe_t *payload = zmsg_last (request);
    zmsg_remove (request, payload);
    zframe_destroy (&payload);
    zmq_msg_t frame;
    switch (self->answers++) {
    case 0: zmq_msg_init (&frame); break;
    case 1: s_nonsense_list (&frame, "", 0, 0, true); break;
    case 2: s_nonsense_list (&frame, "nonsense", 1, 99, false); break;
    case 3: s_nonsense_list (&frame, "tcp://*:", 1, 0, false); break;
    default:
        s_nonsense_list (&frame, zsock_endpoint (self->pusher), 1, 0, true);
    }
    zmsg_addmem (request, zmq_msg_data (&frame), zmq_msg_size (&frame));
    zmq_msg_close (&frame);
    zmsg_send (&request, self->server);
}

static void
s_push (hostile_t *self, const void *data, size_t size)
{
    zframe_t *route = zmsg_first (self->watcher);
    zframe_send (&route, self->pusher, ZFRAME_MORE + ZFRAME_REUSE);
    zmq_send (zsock_resolve (self->pusher), data, size, 0);
}

static void
s_push_change (hostile_t *self, int kind, uint64_t epoch, const char *name,
               uint32_t port)
{
    named_changed_t changed = DIVIDERE__WIRE__NAME_CHANGED__INIT;
    zmq_msg_t frame;
    changed.epoch = epoch;
    changed.revision = kind == DIVIDERE_REGISTRY_REMOVED ? 7 : 2;
    changed.kind = (Dividere__Wire__NameChanged__Kind) kind;
    changed.name = s_text (name);
    changed.server = s_text ("server");
    changed.port = port;
    CHECK_INT (dividere_control_write (&changed.base, &frame), 0);
    s_push (self, zmq_msg_data (&frame), zmq_msg_size (&frame));
    zmq_msg_close (&frame);
}

static void
s_push_nonsense (hostile_t *self)
{
    static const char s_zeros[100000];
    s_push (self, "", 0);
    s_push (self, "nonsense", 8);
    s_push (self, s_zeros, sizeof (s_zeros));
    s_push_change (self, 0, EPOCH, "bad", 1);
    s_push_change (self, 9, EPOCH, "bad", 1);
    s_push_change (self, DIVIDERE_REGISTRY_ADDED, EPOCH, "bad", 0);
    s_push_change (self, DIVIDERE_REGISTRY_ADDED, EPOCH, "bad", 65536);
    s_push_change (self, DIVIDERE_REGISTRY_ADDED, EPOCH, "", 1);
    s_push_change (self, DIVIDERE_REGISTRY_CHANGED, EPOCH, s_long (), 1);
    s_push_change (self, DIVIDERE_REGISTRY_ADDED, EPOCH + 1, "other", 1);
    s_push_change (self, DIVIDERE_REGISTRY_REMOVED, EPOCH, "unknown", 1);
}

/*  One turn of all that are there.                                          */
static void
s_turn (hostile_t *self)
{
    struct pollfd item = { dividere_registry_fd (self->registry), POLLIN, 0 };
    dividere_registry_process (self->registry);
    if (zsock_events (self->server) & ZMQ_POLLIN)
        s_answer (self);
    if (zsock_events (self->pusher) & ZMQ_POLLIN) {
        zmsg_destroy (&self->watcher);
        self->watcher = zmsg_recv (self->pusher);
    }
    poll (&item, 1, 1);
}

/*  A name server that pushes what it likes, and answers with what makes no
 *  sense: nothing of that is told, and what does is.                        */
void
test_registry_hostile (void)
{
    hostile_t self = { .server = zsock_new (ZMQ_ROUTER),
                       .pusher = zsock_new (ZMQ_ROUTER) };
    CHECK (zsock_bind (self.server, "%s", selftest_tcp ()) > 0);
    CHECK (zsock_bind (self.pusher, "%s", selftest_tcp ()) > 0);
    self.registry = dividere_registry_new (zsock_endpoint (self.server));
    CHECK_INT (dividere_registry_watch (self.registry, NULL), 0);
    CHECK_EVENTUALLY ((s_turn (&self), self.watcher));
    for (int i = 0; i < 3; i++) {
        s_push_nonsense (&self);
        s_turn (&self);
    }
    dividere_registry_event_t event = { .kind = DIVIDERE_REGISTRY_STALE };
    while (event.kind != DIVIDERE_REGISTRY_ADDED) {
        s_push_change (&self, DIVIDERE_REGISTRY_ADDED, EPOCH, "good", 1);
        s_turn (&self);
        if (dividere_registry_recv (self.registry, &event, 0) < 0)
            continue;
        CHECK (event.kind != DIVIDERE_REGISTRY_REMOVED);
        CHECK (event.kind != DIVIDERE_REGISTRY_CHANGED);
    }
    CHECK_STR (event.instance->name, "good");
    zmsg_destroy (&self.watcher);
    dividere_registry_destroy (&self.registry);
    zsock_destroy (&self.server);
    zsock_destroy (&self.pusher);
}
