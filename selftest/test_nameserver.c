/* SPDX-License-Identifier: Apache-2.0 */

/*  The name server as an actor: commands, sockets, timers.                  */

#include "selftest.h"
#include <stdatomic.h>
#include "name_error.h"
#include "named.h"

void test_nameserver_sides (void);
void test_nameserver_commands (void);
void test_nameserver_list (void);
void test_nameserver_port_taken (void);
void test_nameserver_leases (void);
void test_nameserver_stalled (void);
void test_nameserver_rounds (void);
void test_nameserver_early_call (void);
void test_nameserver_restart (void);
void test_nameserver_watch (void);
void test_nameserver_vanished (void);
void test_nameserver_many (void);

#define CALL     SELFTEST_DEADLINE
#define LEASE_MS 250

/*  A REQ of Python, a DEALER of this library, a watcher and a subscriber.   */
void
test_nameserver_sides (void)
{
    named_t names;
    named_peer_t python, native, watcher, service;
    named_start (&names, NAMED_TCP, NULL);
    named_connect (&python, ZMQ_REQ, names.requests);
    named_connect (&native, ZMQ_DEALER, names.requests);
    named_connect (&watcher, ZMQ_DEALER, names.watch);
    named_connect (&service, ZMQ_SUB, names.publish);
    CHECK (named_register (&python, "clock", 5101));
    CHECK_INT (named_lookup (&python, "clock"), 5101);
    CHECK_INT (named_lookup (&python, "nobody"), 0);
    named_lookup_t lookup = DIVIDERE__WIRE__SERVICE_LOOKUP_REQ__INIT;
    lookup.servicename = (char *) (uintptr_t) "clock";
    lookup.version = 1;
    for (uint64_t i = 0; i < 100; i++)
        named_ask (&native, i, &lookup.base);
    for (int i = 0; i < 100; i++) {
        const named_found_t *found =
            NAMED_HEAR (&native, ServiceLookupRep, service_lookup_rep);
        CHECK (native.status == 0 && found->port == 5101);
        CHECK_STR (found->watch, names.watch);
    }
    CHECK_INT (named_watches (&watcher, "clock", NULL)->states[0]->revision, 1);
    CHECK (!named_unregister (&python, "clock", 5102));
    CHECK (!named_unregister (&python, "nobody", 5101));
    CHECK (named_unregister (&python, "clock", 5101));
    CHECK_INT (NAMED_HEAR (&watcher, NameChanged, name_changed)->kind,
               DIVIDERE__WIRE__NAME_CHANGED__KIND__REMOVED);
    NAMED_HEAR (&service, RediscoverReq, rediscover_req);
    CHECK_INT (named_stat (&names, "lookups"), 102);
    CHECK_INT (named_stat (&names, "unknown"), 1);
    CHECK_INT (named_stat (&names, "instances"), 0);
    named_disconnect (&python);
    named_disconnect (&native);
    named_disconnect (&watcher);
    named_disconnect (&service);
    named_stop (&names);
}

void
test_nameserver_commands (void)
{
    named_t names = { zactor_new (dividere_nameserver, (void *) "five"), 0 };
    static const char *const s_wrong[][2] = {
        { "rediscover", "0" },    { "rediscover", "-1" },
        { "lease", "0" },         { "lease_max", "x" },
        { "name_max", "10001" },  { "metadata_max", "1025" },
        { "watch_interval", "" },
    };
    for (size_t i = 0; i < sizeof (s_wrong) / sizeof (s_wrong[0]); i++)
        CHECK_FAILS (named_command (&names, "SET", s_wrong[i][0],
                                    s_wrong[i][1]),
                     EINVAL);
    CHECK_FAILS (named_command (&names, "SET", "nothing", "1"), ENOENT);
    CHECK_FAILS (named_command (&names, "BIND", "front", NAMED_TCP), EINVAL);
    CHECK_FAILS (named_command (&names, "BIND", "watch", "nonsense"), EINVAL);
    CHECK_FAILS (named_command (&names, "BIND", "watch", "@" NAMED_TCP),
                 EINVAL);
    CHECK_FAILS (named_command (&names, "BIND", "watch", "udp://1.1.1.1:1"),
                 EPROTONOSUPPORT);
    CHECK_FAILS (named_command (&names, "BIND", NULL, NULL), EINVAL);
    CHECK_FAILS (named_command (&names, "REDISCOVER", NULL, NULL), EINVAL);
    CHECK_FAILS (named_command (&names, "SNAPSHOT", NULL, NULL), EINVAL);
    CHECK_FAILS (named_command (&names, "CONNECT", "watch", NAMED_TCP), ENOSYS);
    CHECK_FAILS (named_command (&names, "LIST", "nobody", NULL), ENOENT);
    CHECK_FAILS (named_command (&names, "REMOVE", "nobody", NULL), ENOENT);
    CHECK_FAILS (named_command (&names, "REMOVE", "nobody", "1.1.1.1"), EINVAL);
    CHECK_INT (named_command (&names, "LIST", NULL, NULL), 0);
    CHECK_INT (named_command (&names, "SET", "snapshot", ""), 0);
    CHECK_INT (named_command (&names, "BIND", "publish", NAMED_TCP), 0);
    CHECK_FAILS (named_command (&names, "SET", "snapshot", ""), EBUSY);
    CHECK_INT (named_command (&names, "SET", "rounds", "0"), 0);
    CHECK_INT (named_command (&names, "REDISCOVER", NULL, NULL), 0);
    CHECK_INT (named_stat (&names, "rediscovered"), 1);
    CHECK_INT (named_stat (&names, "snapshots"), 0);
    named_stop (&names);
}

static void
s_expect (zmsg_t *reply, const char *const *row)
{
    for (; *row; row++) {
        char *text = zmsg_popstr (reply);
        if (**row != '?')
            CHECK_STR (text, *row);
        freen (text);
    }
}

void
test_nameserver_list (void)
{
    static const char *const s_native[] = { "b",    "127.0.0.1", "2", "abc",
                                            "5000", "",          "?", NULL };
    static const char *const s_python[] = { "a", "127.0.0.1", "1", "0",
                                            "0", "",          "?", NULL };
    named_t names;
    named_peer_t peer;
    named_start (&names, NAMED_TCP, NULL);
    named_connect (&peer, ZMQ_REQ, names.requests);
    CHECK (named_register (&peer, "a", 1));
    CHECK_INT (named_native (&peer, "b", 2, 0xabc, 0, false), 0);
    CHECK (named_register (&peer, "c", 3));
    CHECK (named_register (&peer, "c", 4));
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (names.actor, &reply, CALL, "LIST", NULL), 0);
    CHECK_INT (zmsg_size (reply), 4 * 7);
    s_expect (reply, s_python);
    s_expect (reply, s_native);
    zmsg_destroy (&reply);
    CHECK_INT (dividere_call (names.actor, &reply, CALL, "LIST", "c", NULL), 0);
    CHECK_INT (zmsg_size (reply), 2 * 7);
    zmsg_destroy (&reply);
    CHECK_INT (dividere_call (names.actor, NULL, CALL, "REMOVE", "c",
                              "127.0.0.1", "3", NULL),
               0);
    CHECK_INT (named_lookup (&peer, "c"), 4);
    CHECK_FAILS (dividere_call (names.actor, NULL, CALL, "REMOVE", "c",
                                "127.0.0.1", "3", NULL),
                 ENOENT);
    CHECK_FAILS (dividere_call (names.actor, NULL, CALL, "REMOVE", "c",
                                "127.0.0.1", "65536", NULL),
                 EINVAL);
    CHECK_INT (named_command (&names, "REMOVE", "c", NULL), 0);
    CHECK_INT (named_lookup (&peer, "c"), 0);
    CHECK_INT (named_stat (&names, "unregistered"), 2);
    named_disconnect (&peer);
    named_stop (&names);
}

void
test_nameserver_port_taken (void)
{
    named_t names, other = { zactor_new (dividere_nameserver, NULL), 0 };
    named_peer_t peer;
    named_start (&names, NAMED_TCP, NULL);
    CHECK_FAILS (named_command (&other, "BIND", "requests", names.requests),
                 EADDRINUSE);
    CHECK_INT (named_command (&other, "SET", "snapshot", ""), 0);
    CHECK_INT (named_command (&other, "BIND", "requests", NAMED_TCP), 0);
    CHECK_FAILS (named_command (&other, "BIND", "publish", names.requests),
                 EADDRINUSE);
    named_connect (&peer, ZMQ_REQ, names.requests);
    CHECK (named_register (&peer, "a", 1));
    named_disconnect (&peer);
    named_stop (&other);
    named_stop (&names);
}

/*  Who renews stays, who does not is gone within two leases.                */
void
test_nameserver_leases (void)
{
    static const char *const s_settings[] = { "lease_max", "20000", NULL };
    named_t names;
    named_peer_t peer, watcher;
    named_start (&names, NAMED_TCP, s_settings);
    named_connect (&peer, ZMQ_REQ, names.requests);
    named_connect (&watcher, ZMQ_DEALER, names.watch);
    named_watches (&watcher, "", NULL);
    CHECK_INT (named_native (&peer, "stays", 1, 1, 365u * 86400 * 1000, false),
               0);
    NAMED_HEAR (&watcher, NameChanged, name_changed);
    CHECK_INT (named_list (&peer, "stays", 1)->instances[0]->lease_ms, 20000);
    CHECK_INT (named_native (&peer, "goes", 2, 2, 300, false), 0);
    int64_t start_ms = zclock_mono ();
    NAMED_HEAR (&watcher, NameChanged, name_changed);
    const named_changed_t *change =
        NAMED_HEAR (&watcher, NameChanged, name_changed);
    int64_t took_ms = zclock_mono () - start_ms;
    CHECK_INT (change->kind, DIVIDERE__WIRE__NAME_CHANGED__KIND__REMOVED);
    CHECK_STR (change->name, "goes");
    CHECK (change->revision == 3 && change->previous == 2);
    CHECK (took_ms >= 250);
    CHECK_INT (named_list (&peer, "goes", 0)->error, DIVIDERE_NAME_UNKNOWN);
    CHECK_INT (named_stat (&names, "expired"), 1);
    CHECK_INT (named_stat (&names, "leased"), 1);
    /* A renewal is as good as a registration.                               */
    CHECK_INT (named_native (&peer, "goes", 2, 2, 300, true), 0);
    CHECK_INT (named_native (&peer, "goes", 2, 3, 300, true),
               DIVIDERE_NAME_CONFLICT);
    CHECK_INT (named_stat (&names, "conflicts"), 1);
    named_disconnect (&peer);
    named_disconnect (&watcher);
    named_stop (&names);
}

static atomic_bool s_holding = false;
static atomic_bool s_held = false;

/*  In the actor's thread.                                                   */
static void
s_hold (dividere_log_level_t level, const char *line, void *arg)
{
    while (s_holding) {
        s_held = true;
        selftest_pause ();
    }
}

/*  Registers two, and holds the actor. Returns when their leases began, or a
 *  little before that.                                                      */
static int64_t
s_stall (named_t *names, named_peer_t *peer, uint64_t *ret_registered)
{
    int64_t start_ms = zclock_mono ();
    CHECK_INT (named_native (peer, "a", 1, 1, LEASE_MS, false), 0);
    CHECK_INT (named_native (peer, "b", 2, 2, LEASE_MS, false), 0);
    *ret_registered = named_stat (names, "registered");
    s_held = false;
    s_holding = true;
    dividere_log_set (DIVIDERE_LOG_DEBUG, s_hold, NULL);
    CHECK_INT (zstr_sendx (names->actor, "PING", NULL), 0);
    CHECK_EVENTUALLY (s_held);
    return start_ms;
}

static void
s_go_on (named_t *names)
{
    s_holding = false;
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    zmsg_t *reply = zmsg_recv (names->actor);
    CHECK (reply);
    zmsg_destroy (&reply);
}

/*  A name server that did not run does not take for silent who has renewed
 *  meanwhile, but who was silent then as well.                              */
void
test_nameserver_stalled (void)
{
    named_t names;
    named_peer_t peer;
    named_start (&names, NAMED_TCP, NULL);
    named_connect (&peer, ZMQ_REQ, names.requests);
    uint64_t registered;
    int64_t start_ms = s_stall (&names, &peer, &registered);
    while (zclock_mono () > start_ms + LEASE_MS) {
        s_go_on (&names);
        start_ms = s_stall (&names, &peer, &registered);
    }
    named_register_t renewal = DIVIDERE__WIRE__REGISTER_SERVICE__INIT;
    renewal.servicename = (char *) (uintptr_t) "a";
    renewal.server = (char *) (uintptr_t) "127.0.0.1";
    renewal.port = 1;
    renewal.version = 1;
    renewal.instance = 1;
    renewal.lease_ms = 20000;
    renewal.renewal = true;
    named_say (&peer, &renewal.base);
    CHECK_EVENTUALLY (zclock_mono () > start_ms + LEASE_MS + 550);
    s_go_on (&names);
    CHECK (NAMED_HEAR (&peer, Ack, ack)->ok);
    CHECK_EVENTUALLY (named_lookup (&peer, "b") == 0);
    CHECK_INT (named_lookup (&peer, "a"), 1);
    CHECK_INT (named_stat (&names, "registered"), registered);
    CHECK_INT (named_stat (&names, "instances"), 1);
    named_disconnect (&peer);
    named_stop (&names);
}

/*  A service of Python that answers each call stays; one that does not goes. */
void
test_nameserver_rounds (void)
{
    static const char *const s_settings[] = { "rediscover", "150", NULL };
    named_t names;
    named_peer_t peer, service;
    named_start (&names, NAMED_TCP, s_settings);
    named_connect (&peer, ZMQ_REQ, names.requests);
    named_connect (&service, ZMQ_SUB, names.publish);
    CHECK (named_register (&peer, "stays", 1));
    CHECK (named_register (&peer, "goes", 2));
    int calls = 0;
    for (; named_lookup (&peer, "goes"); calls++) {
        NAMED_HEAR (&service, RediscoverReq, rediscover_req);
        CHECK (named_register (&peer, "stays", 1));
    }
    CHECK (calls >= 3);
    CHECK_INT (named_lookup (&peer, "stays"), 1);
    CHECK_INT (named_stat (&names, "expired"), 1);
    /* Rounds of 0: who cannot hear stays for ever.                          */
    named_set (&names, "rounds", "0");
    CHECK (named_register (&peer, "deaf", 3));
    uint64_t called = named_stat (&names, "rediscovered");
    CHECK_EVENTUALLY (named_stat (&names, "rediscovered") > called + 5);
    CHECK_INT (named_lookup (&peer, "deaf"), 3);
    named_disconnect (&peer);
    named_disconnect (&service);
    named_stop (&names);
}

/*  As soon as somebody listens, also the second of them, but not too often; and
 *  these calls are no rounds.                                               */
void
test_nameserver_early_call (void)
{
    static const char *const s_settings[] = { "rediscover", "60000", "rounds",
                                              "1", NULL };
    enum { SERVICES = 5 };
    named_t names;
    named_peer_t peer, services[SERVICES];
    named_start (&names, NAMED_TCP, s_settings);
    named_connect (&peer, ZMQ_REQ, names.requests);
    CHECK (named_register (&peer, "deaf", 1));
    for (int i = 0; i < SERVICES; i++) {
        named_connect (&services[i], ZMQ_SUB, names.publish);
        NAMED_HEAR (&services[i], RediscoverReq, rediscover_req);
    }
    CHECK_INT (named_stat (&names, "rediscovered"), SERVICES);
    int64_t start_ms = zclock_mono ();
    for (int i = 0; i < SERVICES; i++)
        named_disconnect (&services[i]);
    for (int i = 0; i < SERVICES; i++)
        named_connect (&services[i], ZMQ_SUB, names.publish);
    for (int i = 0; i < SERVICES; i++)
        NAMED_HEAR (&services[i], RediscoverReq, rediscover_req);
    uint64_t calls = named_stat (&names, "rediscovered") - SERVICES;
    uint64_t took_ms = (uint64_t) (zclock_mono () - start_ms);
    CHECK (calls >= 1 && calls <= 2 + took_ms / 100);
    CHECK_INT (named_lookup (&peer, "deaf"), 1);
    for (int i = 0; i < SERVICES; i++)
        named_disconnect (&services[i]);
    named_disconnect (&peer);
    named_stop (&names);
}

/*  Who listens stays; the name server is another one, with nothing in it.   */
void
test_nameserver_restart (void)
{
    static const char *const s_settings[] = { "rediscover", "60000", NULL };
    named_t names;
    named_peer_t peer, service;
    named_start (&names, NAMED_TCP, s_settings);
    named_connect (&peer, ZMQ_REQ, names.requests);
    named_connect (&service, ZMQ_SUB, names.publish);
    NAMED_HEAR (&service, RediscoverReq, rediscover_req);
    CHECK (named_register (&peer, "a", 1));
    uint64_t epoch = named_list (&peer, "a", 0)->epoch;
    named_restart (&names, s_settings);
    NAMED_HEAR (&service, RediscoverReq, rediscover_req);
    /* A REQ never learns that what it sent along the old connection is lost. */
    named_disconnect (&peer);
    named_connect (&peer, ZMQ_REQ, names.requests);
    CHECK_INT (named_lookup (&peer, "a"), 0);
    CHECK (named_register (&peer, "a", 1));
    CHECK_INT (named_lookup (&peer, "a"), 1);
    CHECK (named_list (&peer, "a", 0)->epoch != epoch);
    named_disconnect (&peer);
    named_disconnect (&service);
    named_stop (&names);
}

/*  One that watches a name sees which change it has missed; one that is silent
 *  is forgotten.                                                            */
void
test_nameserver_watch (void)
{
    static const char *const s_settings[] = { "watch_interval", "200",
                                              "watches_max", "2", NULL };
    named_t names;
    named_peer_t peer, one, all;
    named_start (&names, NAMED_TCP, s_settings);
    named_connect (&peer, ZMQ_REQ, names.requests);
    named_connect (&one, ZMQ_DEALER, names.watch);
    named_connect (&all, ZMQ_DEALER, names.watch);
    const named_watched_t *states = named_watches (&one, "a", "b", "c", NULL);
    CHECK (states->n_states == 3 && states->interval_ms == 200);
    CHECK_INT (states->states[1]->error, 0);
    CHECK_INT (states->states[2]->error, DIVIDERE_NAME_FULL);
    named_watches (&all, "", NULL);
    CHECK_INT (named_stat (&names, "watches"), 3);
    CHECK_INT (named_native (&peer, "x", 1, 1, 0, false), 0);
    CHECK_INT (named_native (&peer, "a", 1, 1, 0, false), 0);
    CHECK_INT (named_native (&peer, "a", 1, 2, 0, false), 0);
    const named_changed_t *change =
        NAMED_HEAR (&one, NameChanged, name_changed);
    CHECK (change->revision == 2 && !change->previous && change->port == 1);
    change = NAMED_HEAR (&one, NameChanged, name_changed);
    CHECK (change->revision == 3 && change->previous == 2);
    CHECK_INT (change->kind, DIVIDERE__WIRE__NAME_CHANGED__KIND__CHANGED);
    CHECK_INT (change->instance, 2);
    for (uint64_t revision = 1; revision <= 3; revision++)
        CHECK_INT (NAMED_HEAR (&all, NameChanged, name_changed)->revision,
                   revision);
    CHECK_INT (named_watches (&one, "a", NULL)->states[0]->revision, 3);
    CHECK_INT (named_stat (&names, "watches"), 2);
    CHECK_EVENTUALLY (named_stat (&names, "watchers") == 0);
    CHECK (named_register (&peer, "a", 7));
    CHECK (named_silent (&one, 100));
    CHECK_INT (named_watches (&one, "a", NULL)->states[0]->revision, 4);
    named_disconnect (&peer);
    named_disconnect (&one);
    named_disconnect (&all);
    named_stop (&names);
}

/*  Clients that are gone when they are answered cost the others nothing.    */
void
test_nameserver_vanished (void)
{
    named_t names;
    named_peer_t peer, gone;
    named_start (&names, NAMED_TCP, NULL);
    named_connect (&peer, ZMQ_REQ, names.requests);
    named_lookup_t lookup = DIVIDERE__WIRE__SERVICE_LOOKUP_REQ__INIT;
    lookup.servicename = (char *) (uintptr_t) "a";
    for (int i = 0; i < 50; i++) {
        named_connect (&gone, ZMQ_REQ, names.requests);
        zsock_set_linger (gone.sock, 1000);
        named_say (&gone, &lookup.base);
        named_disconnect (&gone);
    }
    CHECK (named_register (&peer, "a", 1));
    CHECK_INT (named_lookup (&peer, "a"), 1);
    CHECK_INT (named_stat (&names, "malformed"), 0);
    named_disconnect (&peer);
    named_stop (&names);
}

/*  Many clients at once, each its own name and all a common one, in turn.   */
void
test_nameserver_many (void)
{
    enum { PEERS = 60 };
    named_t names;
    named_peer_t peers[PEERS];
    int found[PEERS] = { 0 };
    named_start (&names, NAMED_TCP, NULL);
    for (int i = 0; i < PEERS; i++) {
        char name[20];
        snprintf (name, sizeof (name), "own%d", i);
        named_connect (&peers[i], ZMQ_REQ, names.requests);
        CHECK (named_register (&peers[i], name, i + 1));
        CHECK (named_register (&peers[i], "common", i + 1));
    }
    for (int i = 0; i < PEERS; i++) {
        char name[20];
        snprintf (name, sizeof (name), "own%d", PEERS - 1 - i);
        CHECK_INT (named_lookup (&peers[i], name), PEERS - i);
        int port = named_lookup (&peers[i], "common");
        CHECK (port >= 1 && port <= PEERS);
        found[port - 1]++;
    }
    for (int i = 0; i < PEERS; i++) {
        CHECK_INT (found[i], 1);
        named_disconnect (&peers[i]);
    }
    CHECK_INT (named_stat (&names, "instances"), 2 * PEERS);
    named_stop (&names);
}
