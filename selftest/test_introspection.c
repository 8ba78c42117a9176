/* SPDX-License-Identifier: Apache-2.0 */

/*  What actors of every kind tell at their introspection endpoints.         */

#include "selftest.h"
#include <dividere.h>
#include <dividere/builtin.pb-c.h>
#include <dividere/introspection.pb-c.h>
#include "secured.h"

void test_introspection_kinds (void);
void test_introspection_refused (void);
void test_introspection_flood (void);
void test_introspection_secured (void);

static const dividere_child_t s_children[] = { { NULL } };

static const struct {
    const char *kind;
    zactor_fn *actor;
    void *args;
} s_kinds[] = {
    { "broker", dividere_broker, NULL },
    { "monitor", dividere_monitor, NULL },
    { "nameserver", dividere_nameserver, NULL },
    { "proxy", dividere_proxy, NULL },
    { "reactor", dividere_reactor, NULL },
    { "recorder", dividere_recorder, NULL },
    { "service", dividere_service, NULL },
    { "supervisor", dividere_supervisor,
      &(dividere_supervisor_config_t){ .name = "top",
                                       .children = s_children } },
    { "worker", dividere_worker, NULL },
};

static char *
s_bind (zactor_t *actor, const char *endpoint)
{
    zmsg_t *values = NULL;
    CHECK_INT (dividere_call (actor, &values, SELFTEST_DEADLINE, "BIND",
                              "introspection", endpoint, NULL),
               0);
    char *bound = zmsg_popstr (values);
    CHECK (!zmsg_size (values));
    zmsg_destroy (&values);
    return bound;
}

static void
s_register (void)
{
    CHECK_INT (dividere_types_register (&dividere__actor_info__descriptor), 0);
    CHECK_INT (dividere_types_register (&dividere__actor_stats__descriptor), 0);
}

/*  Asks what it is.                                                         */
static void
s_check_info (dividere_client_t *client, const char *kind, const char *name)
{
    Dividere__ActorInfoReq ask = DIVIDERE__ACTOR_INFO_REQ__INIT;
    dividere_message_t *reply = dividere_message_new ();
    CHECK_INT (dividere_client_request (client, &ask.base, NULL, reply), 0);
    const Dividere__ActorInfo *info =
        DIVIDERE_MESSAGE_AS (reply, Dividere__ActorInfo, dividere__actor_info);
    CHECK (info);
    CHECK_STR (info->kind, kind);
    CHECK_STR (info->name, name);
    CHECK_INT (info->pid, getpid ());
    CHECK (*info->host && *info->library);
    CHECK (info->uptime_ms < 1000000);
    dividere_message_destroy (&reply);
}

/*  The same names as the command tells, in their order.                     */
static void
s_check_stats (dividere_client_t *client, zactor_t *actor)
{
    Dividere__ActorStatsReq ask = DIVIDERE__ACTOR_STATS_REQ__INIT;
    dividere_message_t *reply = dividere_message_new ();
    CHECK_INT (dividere_client_request (client, &ask.base, NULL, reply), 0);
    const Dividere__ActorStats *stats =
        DIVIDERE_MESSAGE_AS (reply, Dividere__ActorStats,
                             dividere__actor_stats);
    CHECK (stats);
    zmsg_t *values = NULL;
    CHECK_INT (dividere_call (actor, &values, SELFTEST_DEADLINE, "STATS", NULL),
               0);
    CHECK_INT (stats->n_values * 2, zmsg_size (values));
    CHECK (stats->n_values > 0);
    for (size_t i = 0; i < stats->n_values; i++) {
        char *name = zmsg_popstr (values), *value = zmsg_popstr (values);
        CHECK_STR (stats->values[i]->name, name);
        freen (name);
        freen (value);
    }
    zmsg_destroy (&values);
    dividere_message_destroy (&reply);
}

void
test_introspection_kinds (void)
{
    s_register ();
    for (size_t i = 0; i < sizeof (s_kinds) / sizeof (s_kinds[0]); i++) {
        zactor_t *actor = zactor_new (s_kinds[i].actor, s_kinds[i].args);
        char *endpoint = s_bind (actor, "tcp://127.0.0.1:*");
        char *second = s_bind (actor, selftest_ipc ());
        dividere_client_t *client = dividere_client_new (endpoint, NULL);
        bool named = streq (s_kinds[i].kind, "supervisor");
        s_check_info (client, s_kinds[i].kind, named ? "top" : s_kinds[i].kind);
        s_check_stats (client, actor);
        dividere_client_destroy (&client);
        client = dividere_client_new (second, NULL);
        s_check_stats (client, actor);
        dividere_client_destroy (&client);
        CHECK_INT (dividere_stop (&actor, SELFTEST_DEADLINE), 0);
        freen (endpoint);
        freen (second);
    }
}

void
test_introspection_refused (void)
{
    zactor_t *actor = zactor_new (dividere_reactor, NULL);
    static const struct {
        const char *endpoint;
        int error;
    } s_cases[] = { { "nonsense", EINVAL },
                    { "", EINVAL },
                    { ">tcp://127.0.0.1:5555", EINVAL },
                    { "tcp://127.0.0.1:99999", EINVAL },
                    { "foo://bar", EPROTONOSUPPORT } };
    for (size_t i = 0; i < sizeof (s_cases) / sizeof (s_cases[0]); i++)
        CHECK_FAILS (dividere_call (actor, NULL, SELFTEST_DEADLINE, "BIND",
                                    "introspection", s_cases[i].endpoint, NULL),
                     s_cases[i].error);
    char *endpoint = s_bind (actor, "@tcp://127.0.0.1:*");
    CHECK_FAILS (dividere_call (actor, NULL, SELFTEST_DEADLINE, "BIND",
                                "introspection", endpoint, NULL),
                 EADDRINUSE);
    /* A reactor has no other BIND.                                          */
    CHECK_FAILS (dividere_call (actor, NULL, SELFTEST_DEADLINE, "BIND",
                                "elsewhere", endpoint, NULL),
                 EINVAL);
    CHECK_INT (dividere_stop (&actor, SELFTEST_DEADLINE), 0);
    freen (endpoint);
}

/*  What is no question is not answered, and what is one is answered all the
 *  same; nobody who does not read holds it up.                              */
void
test_introspection_flood (void)
{
    s_register ();
    zactor_t *actor = zactor_new (dividere_broker, NULL);
    char *endpoint = s_bind (actor, "tcp://127.0.0.1:*");
    zsock_t *peer = zsock_new (ZMQ_DEALER);
    zsock_set_rcvhwm (peer, 1);
    CHECK_INT (zsock_connect (peer, "%s", endpoint), 0);
    Dividere__ActorStatsReq ask = DIVIDERE__ACTOR_STATS_REQ__INIT;
    Dividere__Ping other = DIVIDERE__PING__INIT;
    for (size_t i = 0; i < selftest_scaled (2000); i++) {
        zstr_send (peer, "nonsense");
        zstr_sendx (peer, "", "", "\x0A\xFF", NULL);
        CHECK_INT (dividere_send (peer, &other.base), 0);
        CHECK_INT (dividere_send (peer, &ask.base), 0);
    }
    for (int i = 0; i < 200; i++)
        zstr_sendm (peer, "frame");
    zstr_send (peer, "last");
    dividere_client_t *client = dividere_client_new (endpoint, NULL);
    s_check_stats (client, actor);
    dividere_client_destroy (&client);
    CHECK_INT (dividere_stop (&actor, SELFTEST_DEADLINE), 0);
    zsock_destroy (&peer);
    freen (endpoint);
}

static int
s_ask_as (const secured_t *folder, const char *endpoint)
{
    CHECK_INT (dividere_security_load (folder->folder), 0);
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = SELFTEST_DEADLINE;
    dividere_client_t *client = dividere_client_new (endpoint, &options);
    Dividere__ActorInfoReq ask = DIVIDERE__ACTOR_INFO_REQ__INIT;
    dividere_message_t *reply = dividere_message_new ();
    int error = 0;
    if (dividere_client_request (client, &ask.base, NULL, reply) < 0)
        error = errno;
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    return error;
}

/*  It is for who has the right to statistics of this endpoint.              */
void
test_introspection_secured (void)
{
    s_register ();
    secured_t server, good, bad;
    secured_open (&server, NULL);
    secured_open (&good, &server);
    secured_open (&bad, &server);
    secured_rights (&server,
                    "allow peer0 stats tcp://127.0.0.1:*\n"
                    "allow peer1 request\nallow peer1 stats clock\n",
                    &good, &bad, NULL);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    zactor_t *actor = zactor_new (dividere_proxy, NULL);
    CHECK_INT (dividere_call (actor, NULL, SELFTEST_DEADLINE, "SET", "security",
                              server.folder, NULL),
               0);
    char *endpoint = s_bind (actor, "tcp://127.0.0.1:*");
    CHECK_FAILS (dividere_call (actor, NULL, SELFTEST_DEADLINE, "SET",
                                "security", server.folder, NULL),
                 EBUSY);
    CHECK_INT (s_ask_as (&good, endpoint), 0);
    CHECK_INT (s_ask_as (&bad, endpoint), EACCES);
    CHECK_INT (dividere_stop (&actor, SELFTEST_DEADLINE), 0);
    freen (endpoint);
    dividere_security_unload ();
    secured_close (&server);
    secured_close (&good);
    secured_close (&bad);
}
