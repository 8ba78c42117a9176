/* SPDX-License-Identifier: Apache-2.0 */

/*  Actors with security: who may do what, and what is refused.              */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include <dividere/builtin.pb-c.h>
#include "employed.h"
#include "secured.h"
#include "test.pb-c.h"

void test_security_command (void);
void test_security_broker (void);
void test_security_names (void);
void test_security_watch (void);
void test_security_service (void);
void test_security_proxy (void);
void test_security_reload (void);
void test_security_reactor (void);

/*  A server with its folder, and peers that know it.                        */
typedef struct {
    secured_t server;
    secured_t good; /* peer0                                                 */
    secured_t bad;  /* peer1: it is known, and may do nothing                */
} town_t;

static void
s_open (town_t *self, const char *rights)
{
    secured_open (&self->server, NULL);
    secured_open (&self->good, &self->server);
    secured_open (&self->bad, &self->server);
    secured_rights (&self->server, rights, &self->good, &self->bad,
                    &self->server, NULL);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
}

static void
s_close (town_t *self)
{
    dividere_security_unload ();
    secured_close (&self->server);
    secured_close (&self->good);
    secured_close (&self->bad);
}

static int
s_try (zactor_t *actor, const char *a, const char *b, const char *c)
{
    return dividere_call (actor, NULL, SELFTEST_DEADLINE, a, b, c, NULL);
}

static void
s_call (zactor_t *actor, const char *a, const char *b, const char *c)
{
    CHECK_INT (s_try (actor, a, b, c), 0);
}

static zactor_t *
s_actor (zactor_fn *fn, const void *args, const secured_t *folder)
{
    zactor_t *actor = zactor_new (fn, (void *) (uintptr_t) args);
    s_call (actor, "SET", "security", folder->folder);
    return actor;
}

static int
s_ask (dividere_client_t *client, const char *payload)
{
    dividere_message_t *reply = dividere_message_new ();
    int rc = dividere_client_request_bytes (client, payload, strlen (payload),
                                            NULL, reply);
    int error = rc < 0 ? errno : 0;
    dividere_message_destroy (&reply);
    return error;
}

/*  A client with the keys of a folder.                                      */
static dividere_client_t *
s_client (const secured_t *folder, const char *endpoint, const char *service,
          int deadline_ms)
{
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = deadline_ms;
    options.service = service;
    CHECK_INT (dividere_security_load (folder->folder), 0);
    dividere_client_t *client = dividere_client_new (endpoint, &options);
    CHECK (client);
    return client;
}

static int
s_ask_as (const secured_t *folder, const char *endpoint, const char *service,
          int deadline_ms)
{
    dividere_client_t *client =
        s_client (folder, endpoint, service, deadline_ms);
    int error = s_ask (client, "hello");
    dividere_client_destroy (&client);
    return error;
}

/*  SET security is for the sockets of one actor, before it has any.         */
void
test_security_command (void)
{
    town_t town;
    s_open (&town, "allow peer0 request\n");
    zactor_t *broker = zactor_new (dividere_broker, NULL);
    CHECK_FAILS (s_try (broker, "SET", "security", "/nowhere"), ENOENT);
    s_call (broker, "SET", "security", town.server.folder);
    const char *frontend = selftest_tcp ();
    s_call (broker, "BIND", "frontend", frontend);
    CHECK_FAILS (s_try (broker, "SET", "security", town.server.folder), EBUSY);
    CHECK_FAILS (s_try (broker, "SET", "security", "none"), EBUSY);
    static const dividere_child_t s_none[] = { { NULL } };
    dividere_supervisor_config_t nobody = { .children = s_none };
    zactor_t *supervisor = zactor_new (dividere_supervisor, &nobody);
    CHECK_FAILS (s_try (supervisor, "SET", "security", town.server.folder),
                 ENOTSUP);
    CHECK_INT (dividere_stop (&supervisor, SELFTEST_DEADLINE), 0);
    /* Others are as they were.                                              */
    zactor_t *plain = zactor_new (dividere_broker, NULL);
    const char *open = selftest_tcp ();
    s_call (plain, "BIND", "frontend", open);
    zsock_t *dealer = zsock_new_dealer (open);
    CHECK (dealer);
    CHECK_INT (zstr_sendx (dealer, "", "hello", NULL), 0);
    CHECK_EVENTUALLY (employed_stat (plain, "received") == 1);
    zsock_destroy (&dealer);
    CHECK_INT (dividere_stop (&plain, SELFTEST_DEADLINE), 0);
    CHECK_INT (dividere_stop (&broker, SELFTEST_DEADLINE), 0);
    s_close (&town);
}

/*  Whoever may request and serve does; the others are told, or unheard.     */
void
test_security_broker (void)
{
    town_t town;
    s_open (&town, "allow peer0 request jobs\nallow peer0 serve jobs\n"
                   "allow peer1 request other\nallow peer1 serve other\n");
    const char *frontend = selftest_tcp (), *backend = selftest_tcp ();
    zactor_t *broker = s_actor (dividere_broker, NULL, &town.server);
    s_call (broker, "SET", "heartbeat", "50");
    s_call (broker, "BIND", "frontend", frontend);
    s_call (broker, "BIND", "backend", backend);
    employed_work_t work;
    employed_work_init (&work);
    dividere_worker_config_t config = { .on_bytes = employed_on_bytes,
                                        .user = &work };
    zactor_t *workers[2];
    const secured_t *folders[] = { &town.good, &town.bad };
    for (int i = 0; i < 2; i++) {
        workers[i] = s_actor (dividere_worker, &config, folders[i]);
        s_call (workers[i], "SET", "service", "jobs");
        s_call (workers[i], "CONNECT", backend, NULL);
        s_call (workers[i], "START", NULL, NULL);
    }
    CHECK_EVENTUALLY (employed_stat (broker, "workers_denied") > 0);
    CHECK_EVENTUALLY (employed_stat (broker, "workers") == 1);
    CHECK_INT (s_ask_as (&town.good, frontend, "jobs", 20000), 0);
    CHECK_INT (s_ask_as (&town.good, frontend, "other", 20000), EACCES);
    CHECK_INT (s_ask_as (&town.good, frontend, NULL, 20000), EACCES);
    CHECK_INT (s_ask_as (&town.bad, frontend, "jobs", 20000), EACCES);
    CHECK_INT (employed_stat (broker, "denied"), 3);
    CHECK_INT (work.calls, 1);
    for (int i = 0; i < 2; i++)
        CHECK_INT (dividere_stop (&workers[i], SELFTEST_DEADLINE), 0);
    CHECK_INT (dividere_stop (&broker, SELFTEST_DEADLINE), 0);
    employed_work_term (&work);
    s_close (&town);
}

static dividere_registry_t *
s_registry (const secured_t *folder, const char *requests, const char *publish)
{
    char servers[300];
    snprintf (servers, sizeof (servers), "%s|%s", requests, publish);
    CHECK_INT (dividere_security_load (folder->folder), 0);
    dividere_registry_t *registry = dividere_registry_new (servers);
    CHECK (registry);
    return registry;
}

/*  Names belong to the key that has registered them.                        */
void
test_security_names (void)
{
    town_t town;
    s_open (&town, "allow peer0 register clock\nallow peer0 lookup\n"
                   "allow peer0 watch clock\nallow peer1 register clock\n"
                   "allow peer1 lookup other\nallow peer1 watch other\n");
    const char *requests = selftest_tcp (), *publish = selftest_tcp ();
    zactor_t *names = s_actor (dividere_nameserver, NULL, &town.server);
    s_call (names, "BIND", "requests", requests);
    s_call (names, "BIND", "publish", publish);
    s_call (names, "BIND", "watch", selftest_tcp ());
    dividere_registry_t *good = s_registry (&town.good, requests, publish);
    dividere_registry_t *bad = s_registry (&town.bad, requests, publish);
    dividere_instance_t clock = { .name = "clock",
                                  .server = "127.0.0.1",
                                  .port = 7000 };
    CHECK_INT (dividere_registry_register (good, &clock, SELFTEST_DEADLINE), 0);
    CHECK_FAILS (dividere_registry_register (bad, &clock, SELFTEST_DEADLINE),
                 EACCES);
    CHECK_FAILS (dividere_registry_unregister (bad, "clock", "127.0.0.1", 7000,
                                               SELFTEST_DEADLINE),
                 EACCES);
    clock.port = 7001;
    CHECK_INT (dividere_registry_register (bad, &clock, SELFTEST_DEADLINE), 0);
    clock.name = "other";
    CHECK_FAILS (dividere_registry_register (good, &clock, SELFTEST_DEADLINE),
                 EACCES);
    dividere_instances_t *found =
        dividere_registry_lookup_all (good, "clock", SELFTEST_DEADLINE);
    CHECK (found);
    CHECK_INT (dividere_instances_count (found), 2);
    dividere_instances_destroy (&found);
    found = dividere_registry_list (good, SELFTEST_DEADLINE);
    CHECK (found);
    dividere_instances_destroy (&found);
    CHECK_FAILS (dividere_registry_lookup (bad, "clock", SELFTEST_DEADLINE),
                 EACCES);
    CHECK_FAILS (dividere_registry_list (bad, SELFTEST_DEADLINE), EACCES);
    CHECK_INT (dividere_registry_unregister (good, "clock", NULL, 7000,
                                             SELFTEST_DEADLINE),
               0);
    dividere_registry_destroy (&good);
    dividere_registry_destroy (&bad);
    CHECK_INT (dividere_stop (&names, SELFTEST_DEADLINE), 0);
    s_close (&town);
}

/*  How a watcher learns of a service that comes: true if it was pushed.     */
static bool
s_is_pushed (zactor_t *names, dividere_registry_t *watcher,
             dividere_registry_t *registrar, int port)
{
    uint64_t pushed = employed_stat (names, "pushed");
    dividere_registry_event_t event;
    dividere_instance_t clock = { .name = "clock",
                                  .server = "127.0.0.1",
                                  .port = port };
    CHECK_INT (dividere_registry_register (registrar, &clock,
                                           SELFTEST_DEADLINE),
               0);
    do
        CHECK_INT (dividere_registry_recv (watcher, &event, SELFTEST_DEADLINE),
                   0);
    while (event.kind != DIVIDERE_REGISTRY_ADDED);
    CHECK_INT (event.instance->port, port);
    return employed_stat (names, "pushed") > pushed;
}

/*  Who may watch is told of changes; who may only look up finds out itself; and
 *  who has no name can do nothing.                                          */
void
test_security_watch (void)
{
    town_t town;
    secured_t stranger;
    s_open (&town, "allow peer0 register\nallow peer0 lookup\n"
                   "allow peer0 watch clock\nallow peer1 lookup clock\n"
                   "allow peer1 watch other\n");
    secured_open (&stranger, &town.server);
    const char *requests = selftest_tcp (), *publish = selftest_tcp ();
    zactor_t *names = s_actor (dividere_nameserver, NULL, &town.server);
    s_call (names, "BIND", "requests", requests);
    s_call (names, "BIND", "publish", publish);
    s_call (names, "BIND", "watch", selftest_tcp ());
    dividere_registry_t *good = s_registry (&town.good, requests, publish);
    dividere_registry_t *bad = s_registry (&town.bad, requests, publish);
    CHECK_INT (dividere_registry_watch (good, "clock"), 0);
    dividere_registry_event_t event;
    CHECK_INT (dividere_registry_recv (good, &event, SELFTEST_DEADLINE), 0);
    CHECK_INT (event.kind, DIVIDERE_REGISTRY_FRESH);
    CHECK_EVENTUALLY ((dividere_registry_process (good),
                       employed_stat (names, "watchers") == 1));
    CHECK (s_is_pushed (names, good, good, 7000));
    CHECK_INT (dividere_registry_unwatch (good, "clock"), 0);
    CHECK_EVENTUALLY ((dividere_registry_process (good),
                       employed_stat (names, "watchers") == 0));
    CHECK_INT (dividere_registry_watch (bad, "clock"), 0);
    CHECK_INT (dividere_registry_recv (bad, &event, SELFTEST_DEADLINE), 0);
    CHECK_INT (event.instance->port, 7000);
    CHECK (!s_is_pushed (names, bad, good, 7001));
    dividere_registry_t *none = s_registry (&stranger, requests, publish);
    dividere_instance_t clock = { .name = "clock",
                                  .server = "127.0.0.1",
                                  .port = 7002 };
    CHECK_FAILS (dividere_registry_register (none, &clock, SELFTEST_DEADLINE),
                 EACCES);
    CHECK_FAILS (dividere_registry_lookup (none, "clock", SELFTEST_DEADLINE),
                 EACCES);
    dividere_registry_destroy (&none);
    dividere_registry_destroy (&good);
    dividere_registry_destroy (&bad);
    CHECK_INT (dividere_stop (&names, SELFTEST_DEADLINE), 0);
    secured_close (&stranger);
    s_close (&town);
}

static char s_key[100];

static int
s_on_bytes (dividere_context_t *context, const void *data, size_t size)
{
    const char *key =
        dividere_message_property (dividere_context_message (context),
                                   "User-Id");
    snprintf (s_key, sizeof (s_key), "%s", key ? key : "");
    return dividere_context_reply_bytes (context, data, size) < 0 ? errno : 0;
}

/*  A handler knows who asks; statistics are for who has that right.         */
void
test_security_service (void)
{
    town_t town;
    s_open (&town, "allow peer0 request clock\nallow peer1 stats clock\n");
    static const dividere_service_config_t s_config = { .on_bytes =
                                                            s_on_bytes };
    const char *endpoint = selftest_tcp ();
    zactor_t *service = s_actor (dividere_service, &s_config, &town.server);
    s_call (service, "SET", "name", "clock");
    s_call (service, "BIND", endpoint, NULL);
    s_call (service, "START", NULL, NULL);
    CHECK_INT (s_ask_as (&town.good, endpoint, NULL, 20000), 0);
    CHECK_STR (s_key, dividere_keys_public (town.good.own));
    CHECK_INT (s_ask_as (&town.bad, endpoint, NULL, 20000), EACCES);
    CHECK_INT (dividere_types_register (
                   &dividere__service_statistics__descriptor),
               0);
    Dividere__ServiceStatisticsReq ask = DIVIDERE__SERVICE_STATISTICS_REQ__INIT;
    dividere_message_t *reply = dividere_message_new ();
    dividere_client_t *client = s_client (&town.bad, endpoint, NULL, 20000);
    CHECK_INT (dividere_client_request (client, &ask.base, NULL, reply), 0);
    dividere_client_destroy (&client);
    client = s_client (&town.good, endpoint, NULL, 20000);
    CHECK_FAILS (dividere_client_request (client, &ask.base, NULL, reply),
                 EACCES);
    dividere_client_destroy (&client);
    dividere_message_destroy (&reply);
    CHECK_INT (employed_stat (service, "denied"), 2);
    CHECK_INT (dividere_stop (&service, SELFTEST_DEADLINE), 0);
    s_close (&town);
}

/*  Who may publish at a proxy, and who may subscribe.                       */
void
test_security_proxy (void)
{
    town_t town;
    const char *frontend = selftest_tcp (), *backend = selftest_tcp ();
    char rights[300];
    snprintf (rights, sizeof (rights),
              "allow peer0 publish %s\nallow peer0 subscribe %s\n"
              "allow peer1 subscribe %s\n",
              frontend, backend, frontend);
    s_open (&town, rights);
    zactor_t *proxy = s_actor (dividere_proxy, NULL, &town.server);
    s_call (proxy, "SET", "pattern", "xsub-xpub");
    s_call (proxy, "BIND", "frontend", frontend);
    s_call (proxy, "BIND", "backend", backend);
    char connect[300];
    snprintf (connect, sizeof (connect), ">%s", frontend);
    CHECK_INT (dividere_security_load (town.good.folder), 0);
    dividere_connector_t *publisher = dividere_publisher_new (connect, NULL);
    dividere_connector_t *subscriber = dividere_subscriber_new (backend, NULL);
    CHECK (publisher && subscriber);
    CHECK_INT (dividere_subscribe (subscriber, &test_msg01__descriptor), 0);
    CHECK_INT (dividere_security_load (town.bad.folder), 0);
    dividere_connector_t *liar = dividere_publisher_new (connect, NULL);
    dividere_connector_t *listener = dividere_subscriber_new (backend, NULL);
    CHECK_INT (dividere_subscribe (listener, &test_msg01__descriptor), 0);
    dividere_security_stats_t stats;
    CHECK_EVENTUALLY ((dividere_security_stats (&stats), stats.denied == 2));
    TestMsg01 hello = TEST_MSG01__INIT;
    dividere_message_t *message = dividere_message_new ();
    hello.field1 = (char *) (uintptr_t) "good";
    TestMsg01 lie = TEST_MSG01__INIT;
    lie.field1 = (char *) (uintptr_t) "bad";
    do {
        dividere_send (liar, &lie.base);
        CHECK_INT (dividere_send (publisher, &hello.base), 0);
    }
    while (dividere_recv_into (subscriber, message, 10) < 0);
    const TestMsg01 *got = DIVIDERE_MESSAGE_AS (message, TestMsg01, test_msg01);
    CHECK_STR (got->field1, "good");
    CHECK_FAILS (dividere_recv_into (listener, message, 10), EAGAIN);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&publisher);
    dividere_connector_destroy (&subscriber);
    dividere_connector_destroy (&liar);
    dividere_connector_destroy (&listener);
    CHECK_INT (dividere_stop (&proxy, SELFTEST_DEADLINE), 0);
    s_close (&town);
}

/*  A file that has changed is read again; one that cannot be read changes
 *  nothing.                                                                 */
void
test_security_reload (void)
{
    town_t town;
    s_open (&town, "allow peer0 request\n");
    static const dividere_service_config_t s_config = { .on_bytes =
                                                            s_on_bytes };
    const char *endpoint = selftest_tcp ();
    zactor_t *service = s_actor (dividere_service, &s_config, &town.server);
    s_call (service, "SET", "name", "clock");
    s_call (service, "BIND", endpoint, NULL);
    s_call (service, "START", NULL, NULL);
    dividere_client_t *client = s_client (&town.good, endpoint, NULL, 20000);
    CHECK_INT (s_ask (client, "hello"), 0);
    secured_write (&town.server, "rights", "nonsense");
    CHECK_INT (s_ask (client, "hello"), 0);
    secured_rights (&town.server, "", &town.good, NULL);
    CHECK_EVENTUALLY (s_ask (client, "hello") == EACCES);
    secured_rights (&town.server, "allow peer0 request clock\n", &town.good,
                    NULL);
    CHECK_EVENTUALLY (s_ask (client, "hello") == 0);
    dividere_client_destroy (&client);
    CHECK_INT (dividere_stop (&service, SELFTEST_DEADLINE), 0);
    s_close (&town);
}

/*  A reactor's sources, as all connectors.                                  */
void
test_security_reactor (void)
{
    town_t town;
    s_open (&town, "allow peer0 request\n");
    static const dividere_reactor_config_t s_config = { .idle_ms = 0 };
    const char *endpoint = selftest_tcp ();
    char bound[300];
    snprintf (bound, sizeof (bound), "@%s", endpoint);
    zactor_t *reactor = s_actor (dividere_reactor, &s_config, &town.server);
    s_call (reactor, "ADD", "response", bound);
    s_call (reactor, "START", NULL, NULL);
    CHECK_INT (dividere_security_load (town.good.folder), 0);
    dividere_connector_t *good = dividere_request_new (endpoint, NULL);
    CHECK_INT (dividere_security_load (town.bad.folder), 0);
    dividere_connector_t *bad = dividere_request_new (endpoint, NULL);
    TestMsg01 hello = TEST_MSG01__INIT;
    CHECK_INT (dividere_send (good, &hello.base), 0);
    CHECK_INT (dividere_send (bad, &hello.base), 0);
    CHECK_EVENTUALLY (employed_stat (reactor, "received") == 1);
    dividere_security_stats_t stats;
    CHECK_EVENTUALLY ((dividere_security_stats (&stats), stats.denied == 1));
    CHECK_INT (employed_stat (reactor, "received"), 1);
    dividere_connector_destroy (&good);
    dividere_connector_destroy (&bad);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    s_close (&town);
}
