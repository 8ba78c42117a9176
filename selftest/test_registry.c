/* SPDX-License-Identifier: Apache-2.0 */

/*  The registry, with name servers of this library and with none.           */

#include "selftest.h"
#include <poll.h>
#include <czmq.h>
#include <dividere.h>
#include "named.h"

void test_registry_calls (void);
void test_registry_errors (void);
void test_registry_list (void);
void test_registry_renews (void);
void test_registry_conflict (void);
void test_registry_failover (void);
void test_registry_watch (void);
void test_registry_watch_all (void);
void test_registry_restart (void);

#define LIMIT_MS 10000

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

static dividere_instance_t
s_instance (const char *name, int port)
{
    return (dividere_instance_t){ .name = name,
                                  .server = "127.0.0.1",
                                  .port = port };
}

static void
s_register (dividere_registry_t *registry, const char *name, int port)
{
    dividere_instance_t instance = s_instance (name, port);
    CHECK_INT (dividere_registry_register (registry, &instance, LIMIT_MS), 0);
}

/*  How many there are of a name; 0: ENOENT.                                 */
static size_t
s_count (dividere_registry_t *registry, const char *name)
{
    dividere_instances_t *found =
        dividere_registry_lookup_all (registry, name, LIMIT_MS);
    if (!found) {
        CHECK_INT (errno, ENOENT);
        return 0;
    }
    size_t count = dividere_instances_count (found);
    dividere_instances_destroy (&found);
    return count;
}

void
test_registry_calls (void)
{
    named_t names;
    named_start (&names, NAMED_TCP, NULL);
    dividere_registry_t *registry = s_registry (&names);
    const char *tags[] = { "a=b", "c", NULL };
    dividere_instance_t instance = s_instance ("clock", 7000);
    instance.release = "1.2";
    instance.tags = tags;
    instance.server = NULL;
    instance.lease_ms = 60000;
    CHECK_INT (dividere_registry_register (registry, &instance, LIMIT_MS), 0);
    CHECK_FAILS (dividere_registry_register (registry, &instance, LIMIT_MS),
                 EALREADY);
    s_register (registry, "clock", 7001);
    CHECK_INT (s_count (registry, "clock"), 2);
    bool seen[2] = { false };
    for (int i = 0; i < 2; i++) {
        dividere_instances_t *found =
            dividere_registry_lookup (registry, "clock", LIMIT_MS);
        CHECK (found);
        CHECK_INT (dividere_instances_count (found), 1);
        const dividere_instance_t *one = dividere_instances_at (found, 0);
        CHECK_STR (one->name, "clock");
        CHECK_STR (one->server, "127.0.0.1");
        CHECK (one->native && one->instance);
        seen[one->port - 7000] = true;
        if (one->port == 7000) {
            CHECK_INT (one->lease_ms, 60000);
            CHECK_STR (one->release, "1.2");
            CHECK_STR (one->tags[0], "a=b");
            CHECK_STR (one->tags[1], "c");
            CHECK (!one->tags[2]);
        }
        dividere_instances_destroy (&found);
    }
    CHECK (seen[0] && seen[1]);
    CHECK_INT (dividere_registry_unregister (registry, "clock", NULL, 7000,
                                             LIMIT_MS),
               0);
    CHECK_FAILS (dividere_registry_unregister (registry, "clock", "127.0.0.1",
                                               7000, LIMIT_MS),
                 ENOENT);
    CHECK_INT (s_count (registry, "clock"), 1);
    CHECK_FAILS (dividere_registry_lookup (registry, "cloc", LIMIT_MS), ENOENT);
    dividere_registry_destroy (&registry);
    CHECK (!registry);
    dividere_registry_destroy (&registry);
    named_stop (&names);
}

void
test_registry_errors (void)
{
    CHECK_FAILS (dividere_registry_new (""), EINVAL);
    CHECK_FAILS (dividere_registry_new ("tcp://127.0.0.1:5000,"), EINVAL);
    CHECK_FAILS (dividere_registry_new ("tcp://127.0.0.1:5000|nonsense"),
                 EINVAL);
    CHECK_FAILS (dividere_registry_new ("udp://127.0.0.1:5000"),
                 EPROTONOSUPPORT);
    dividere_port_t *port = dividere_port_new (0, 0);
    CHECK (port);
    char servers[100];
    snprintf (servers, sizeof (servers), "tcp://127.0.0.1:%d",
              dividere_port_number (port));
    dividere_registry_t *registry = dividere_registry_new (servers);
    CHECK (registry);
    char large[300];
    memset (large, 'x', sizeof (large) - 1);
    large[sizeof (large) - 1] = 0;
    CHECK_FAILS (dividere_registry_lookup (registry, "", 0), EINVAL);
    CHECK_FAILS (dividere_registry_lookup (registry, large, 0), EINVAL);
    CHECK_FAILS (dividere_registry_lookup (registry, "\xff", 0), EINVAL);
    CHECK_FAILS (dividere_registry_lookup (registry, "clock", 50), ENOTCONN);
    CHECK_FAILS (dividere_registry_list (registry, 50), ENOTCONN);
    CHECK_FAILS (dividere_registry_unregister (registry, "clock", "host", 1,
                                               50),
                 ENOTCONN);
    const int ports[] = { 0, -1, 65536 };
    for (int i = 0; i < 3; i++) {
        dividere_instance_t bad = s_instance ("clock", ports[i]);
        CHECK_FAILS (dividere_registry_register (registry, &bad, 0), EINVAL);
        CHECK_FAILS (dividere_registry_unregister (registry, "clock", "host",
                                                   ports[i], 0),
                     EINVAL);
    }
    dividere_instance_t instance = s_instance ("clock", 1);
    instance.lease_ms = -2;
    CHECK_FAILS (dividere_registry_register (registry, &instance, 0), EINVAL);
    instance.lease_ms = 0;
    CHECK_FAILS (dividere_registry_register (registry, &instance, 50),
                 ENOTCONN);
    dividere_registry_event_t event;
    CHECK_FAILS (dividere_registry_recv (registry, &event, 0), EAGAIN);
    CHECK_FAILS (dividere_registry_watch (registry, ""), EINVAL);
    CHECK_FAILS (dividere_registry_unwatch (registry, "clock"), ENOENT);
    dividere_registry_destroy (&registry);
    dividere_port_destroy (&port);
}

/*  More than one page.                                                      */
void
test_registry_list (void)
{
    named_t names;
    named_start (&names, NAMED_TCP, NULL);
    dividere_registry_t *registry = s_registry (&names);
    named_peer_t peer;
    named_connect (&peer, ZMQ_REQ, names.requests);
    for (int i = 0; i < 1203; i++) {
        char name[20];
        snprintf (name, sizeof (name), "name-%d", i);
        CHECK (named_register (&peer, name, i + 1));
    }
    dividere_instances_t *list = dividere_registry_list (registry, LIMIT_MS);
    CHECK (list);
    CHECK_INT (dividere_instances_count (list), 1203);
    for (int i = 0; i < 1203; i++)
        CHECK_INT (dividere_instances_at (list, (size_t) i)->port, i + 1);
    dividere_instances_destroy (&list);
    named_disconnect (&peer);
    dividere_registry_destroy (&registry);
    named_stop (&names);
}

/*  As long as it is called, and no longer.                                  */
void
test_registry_renews (void)
{
    const char *const settings[] = { "lease", "200", NULL };
    named_t names;
    named_start (&names, NAMED_TCP, settings);
    dividere_registry_t *registry = s_registry (&names);
    dividere_registry_t *other = s_registry (&names);
    s_register (registry, "clock", 1);
    struct pollfd item = { dividere_registry_fd (registry), POLLIN, 0 };
    while (named_stat (&names, "renewed") < 10) {
        CHECK (poll (&item, 1, LIMIT_MS) == 1);
        dividere_registry_process (registry);
    }
    CHECK_INT (s_count (other, "clock"), 1);
    while (s_count (other, "clock"))
        ;
    CHECK_INT (named_stat (&names, "expired"), 1);
    dividere_registry_destroy (&registry);
    dividere_registry_destroy (&other);
    named_stop (&names);
}

void
test_registry_conflict (void)
{
    const char *const settings[] = { "lease", "150", NULL };
    named_t names;
    named_start (&names, NAMED_TCP, settings);
    dividere_registry_t *old = s_registry (&names);
    dividere_registry_t *new = s_registry (&names);
    s_register (old, "clock", 1);
    s_register (new, "clock", 1);
    CHECK_INT (named_stat (&names, "replaced"), 1);
    while (!named_stat (&names, "conflicts")) {
        dividere_registry_process (old);
        dividere_registry_process (new);
    }
    CHECK_INT (named_stat (&names, "replaced"), 1);
    CHECK_INT (named_stat (&names, "instances"), 1);
    dividere_registry_destroy (&old);
    dividere_registry_destroy (&new);
    named_stop (&names);
}

/*  Of two name servers one is gone, or does not know the name.              */
void
test_registry_failover (void)
{
    named_t a, b;
    named_start (&a, NAMED_TCP, NULL);
    named_start (&b, NAMED_TCP, NULL);
    char servers[600];
    snprintf (servers, sizeof (servers), "%s|%s, %s|%s", a.requests, a.publish,
              b.requests, b.publish);
    dividere_registry_t *registry = dividere_registry_new (servers);
    CHECK (registry);
    s_register (registry, "clock", 1);
    while (!named_stat (&a, "instances") || !named_stat (&b, "instances"))
        dividere_registry_process (registry);
    CHECK_INT (named_command (&a, "REMOVE", "clock", NULL), 0);
    CHECK_INT (s_count (registry, "clock"), 1);
    named_stop (&a);
    CHECK_INT (s_count (registry, "clock"), 1);
    CHECK_INT (s_count (registry, "unknown"), 0);
    dividere_registry_destroy (&registry);
    named_stop (&b);
}

static void
s_expect (dividere_registry_t *registry, dividere_registry_kind_t kind,
          int port)
{
    dividere_registry_event_t event;
    CHECK_INT (dividere_registry_recv (registry, &event, LIMIT_MS), 0);
    CHECK_INT (event.kind, kind);
    CHECK_STR (event.instance->name, "clock");
    CHECK_INT (event.instance->port, port);
}

void
test_registry_watch (void)
{
    named_t names;
    named_start (&names, NAMED_TCP, NULL);
    dividere_registry_t *registry = s_registry (&names);
    named_peer_t peer;
    named_connect (&peer, ZMQ_REQ, names.requests);
    CHECK (named_register (&peer, "clock", 1));
    CHECK_INT (dividere_registry_watch (registry, "clock"), 0);
    CHECK_FAILS (dividere_registry_watch (registry, "clock"), EALREADY);
    s_expect (registry, DIVIDERE_REGISTRY_ADDED, 1);
    s_expect (registry, DIVIDERE_REGISTRY_FRESH, 0);
    while (!named_stat (&names, "watches"))
        dividere_registry_process (registry);
    uint64_t lookups = named_stat (&names, "lookups");
    CHECK (named_register (&peer, "other", 2));
    CHECK (named_register (&peer, "clock", 2));
    s_expect (registry, DIVIDERE_REGISTRY_ADDED, 2);
    CHECK_INT (named_native (&peer, "clock", 2, 77, 0, false), 0);
    s_expect (registry, DIVIDERE_REGISTRY_CHANGED, 2);
    CHECK (named_unregister (&peer, "clock", 1));
    s_expect (registry, DIVIDERE_REGISTRY_REMOVED, 1);
    CHECK (named_unregister (&peer, "clock", 2));
    s_expect (registry, DIVIDERE_REGISTRY_REMOVED, 2);
    CHECK (named_register (&peer, "clock", 3));
    s_expect (registry, DIVIDERE_REGISTRY_ADDED, 3);
    /* All of this was pushed.                                               */
    CHECK_INT (named_stat (&names, "lookups"), lookups);
    CHECK_INT (dividere_registry_unwatch (registry, "clock"), 0);
    dividere_registry_destroy (&registry);
    named_disconnect (&peer);
    named_stop (&names);
}

void
test_registry_watch_all (void)
{
    named_t names;
    named_start (&names, NAMED_TCP, NULL);
    dividere_registry_t *registry = s_registry (&names);
    named_peer_t peer;
    named_connect (&peer, ZMQ_REQ, names.requests);
    for (int i = 1; i <= 700; i++) {
        char name[20];
        snprintf (name, sizeof (name), "name-%d", i);
        CHECK (named_register (&peer, name, i));
    }
    CHECK_INT (dividere_registry_watch (registry, NULL), 0);
    dividere_registry_event_t event;
    size_t count = 0;
    do {
        CHECK_INT (dividere_registry_recv (registry, &event, LIMIT_MS), 0);
        count += event.kind == DIVIDERE_REGISTRY_ADDED;
    }
    while (event.kind != DIVIDERE_REGISTRY_FRESH);
    CHECK_INT (count, 700);
    CHECK (named_unregister (&peer, "name-9", 9));
    CHECK_INT (dividere_registry_recv (registry, &event, LIMIT_MS), 0);
    CHECK_INT (event.kind, DIVIDERE_REGISTRY_REMOVED);
    CHECK_STR (event.instance->name, "name-9");
    dividere_registry_destroy (&registry);
    named_disconnect (&peer);
    named_stop (&names);
}

/*  What is registered comes back by itself, and so does the watch.          */
void
test_registry_restart (void)
{
    named_t names;
    named_start (&names, NAMED_TCP, NULL);
    dividere_registry_t *registry = s_registry (&names);
    dividere_registry_t *watcher = s_registry (&names);
    s_register (registry, "clock", 1);
    CHECK_INT (dividere_registry_watch (watcher, "clock"), 0);
    s_expect (watcher, DIVIDERE_REGISTRY_ADDED, 1);
    s_expect (watcher, DIVIDERE_REGISTRY_FRESH, 0);
    named_restart (&names, NULL);
    while (!named_stat (&names, "instances")) {
        dividere_registry_process (registry);
        dividere_registry_process (watcher);
    }
    CHECK_INT (s_count (watcher, "clock"), 1);
    while (!named_stat (&names, "watches")) {
        dividere_registry_process (registry);
        dividere_registry_process (watcher);
    }
    dividere_registry_event_t event;
    named_peer_t peer;
    named_connect (&peer, ZMQ_REQ, names.requests);
    CHECK (named_register (&peer, "clock", 2));
    do
        CHECK_INT (dividere_registry_recv (watcher, &event, LIMIT_MS), 0);
    while (event.kind != DIVIDERE_REGISTRY_ADDED || event.instance->port != 2);
    named_disconnect (&peer);
    dividere_registry_destroy (&registry);
    dividere_registry_destroy (&watcher);
    named_stop (&names);
}
