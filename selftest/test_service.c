/* SPDX-License-Identifier: Apache-2.0 */

/*  The service: its clients, its commands, and its place in name servers.   */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include <dividere/builtin.pb-c.h>
#include "employed.h"
#include "named.h"
#include "test.pb-c.h"

void test_service_commands (void);
void test_service_clients (void);
void test_service_builtin (void);
void test_service_busy (void);
void test_service_traffic (void);
void test_service_stop (void);
void test_service_hostile (void);
void test_service_names (void);
void test_service_restarts (void);
void test_service_conflict (void);

#define LIMIT_MS 10000

static int
s_on_msg01 (dividere_context_t *context, const TestMsg01 *message)
{
    TestMsg01 reply = TEST_MSG01__INIT;
    reply.field1 = message->field1;
    return dividere_context_reply (context, &reply.base);
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_msg01), DIVIDERE_HANDLER_END
};

static int
s_set (zactor_t *service, const char *name, const char *value)
{
    return dividere_call (service, NULL, LIMIT_MS, "SET", name, value, NULL);
}

static int
s_port (const char *endpoint)
{
    return (int) strtol (strrchr (endpoint, ':') + 1, NULL, 10);
}

/*  A value of its reply; the caller frees it.                               */
static char *
s_started (zactor_t *service)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (service, &reply, LIMIT_MS, "START", NULL), 0);
    char *endpoint = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    CHECK (endpoint);
    return endpoint;
}

/*  Named "clock", at a port of its own; the caller frees the endpoint.      */
static zactor_t *
s_service (const dividere_service_config_t *config, const named_t *names,
           char **ret_endpoint)
{
    zactor_t *service =
        zactor_new (dividere_service, (void *) (uintptr_t) config);
    CHECK (service);
    CHECK_INT (s_set (service, "name", "clock"), 0);
    CHECK_INT (dividere_call (service, NULL, LIMIT_MS, "BIND", NAMED_TCP, NULL),
               0);
    if (names)
        CHECK_INT (dividere_call (service, NULL, LIMIT_MS, "CONNECT",
                                  names->requests, names->publish, NULL),
                   0);
    *ret_endpoint = s_started (service);
    return service;
}

static zactor_t *
s_echo (char **ret_endpoint)
{
    static const dividere_service_config_t s_config = { .handlers =
                                                            s_handlers };
    return s_service (&s_config, NULL, ret_endpoint);
}

void
test_service_commands (void)
{
    zactor_t *service = zactor_new (dividere_service, NULL);
    CHECK (service);
    char large[300];
    memset (large, 'x', sizeof (large) - 1);
    large[sizeof (large) - 1] = 0;
    CHECK_FAILS (dividere_call (service, NULL, LIMIT_MS, "START", NULL),
                 EINVAL);
    CHECK_FAILS (dividere_call (service, NULL, LIMIT_MS, "DRAIN", NULL),
                 EINVAL);
    CHECK_FAILS (s_set (service, "name", ""), EINVAL);
    CHECK_FAILS (s_set (service, "name", large), EINVAL);
    CHECK_FAILS (s_set (service, "advertise", "a b"), EINVAL);
    CHECK_FAILS (s_set (service, "lease", "5"), EINVAL);
    CHECK_FAILS (s_set (service, "nothing", "5"), ENOENT);
    CHECK_INT (s_set (service, "name", "clock"), 0);
    CHECK_INT (s_set (service, "tag", "a=b"), 0);
    CHECK_FAILS (dividere_call (service, NULL, LIMIT_MS, "BIND", "nonsense",
                                NULL),
                 EINVAL);
    CHECK_FAILS (dividere_call (service, NULL, LIMIT_MS, "CONNECT", "nonsense",
                                NULL),
                 EINVAL);
    CHECK_INT (dividere_call (service, NULL, LIMIT_MS, "CONNECT",
                              "tcp://127.0.0.1:9", NULL),
               0);
    CHECK_FAILS (dividere_call (service, NULL, LIMIT_MS, "CONNECT",
                                "tcp://127.0.0.1:9", NULL),
                 EEXIST);
    /* The first free port.                                                  */
    char *endpoint = s_started (service);
    int port = s_port (endpoint);
    CHECK (port >= 5101 && port <= 6000);
    free (endpoint);
    CHECK_FAILS (dividere_call (service, NULL, LIMIT_MS, "START", NULL),
                 EALREADY);
    CHECK_FAILS (s_set (service, "name", "other"), EBUSY);
    CHECK_FAILS (dividere_call (service, NULL, LIMIT_MS, "CONNECT",
                                "tcp://127.0.0.1:10", NULL),
                 EBUSY);
    zactor_t *other = zactor_new (dividere_service, NULL);
    char taken[40];
    snprintf (taken, sizeof (taken), "tcp://*:%d", port);
    CHECK_FAILS (dividere_call (other, NULL, LIMIT_MS, "BIND", taken, NULL),
                 EADDRINUSE);
    CHECK_INT (s_set (other, "name", "clock"), 0);
    endpoint = s_started (other);
    CHECK (s_port (endpoint) != port);
    free (endpoint);
    CHECK_INT (dividere_call (other, NULL, LIMIT_MS, "DRAIN", NULL), 0);
    CHECK_INT (dividere_stop (&other, LIMIT_MS), 0);
    CHECK_INT (dividere_stop (&service, LIMIT_MS), 0);
}

/*  Whoever can ask a response can ask a service.                            */
void
test_service_clients (void)
{
    char *endpoint;
    zactor_t *service = s_echo (&endpoint);
    dividere_message_t *reply = dividere_message_new ();
    TestMsg01 hello = TEST_MSG01__INIT;
    hello.field1 = "hello";

    dividere_client_t *client = dividere_client_new (endpoint, NULL);
    for (int i = 0; i < 100; i++) {
        CHECK_INT (dividere_client_request (client, &hello.base, NULL, reply),
                   0);
        const TestMsg01 *got =
            DIVIDERE_MESSAGE_AS (reply, TestMsg01, test_msg01);
        CHECK (got);
        CHECK_STR (got->field1, "hello");
    }
    TestDtMsg01 other = TEST_DT_MSG01__INIT;
    CHECK_FAILS (dividere_client_request (client, &other.base, NULL, reply),
                 EOPNOTSUPP);
    CHECK_INT (employed_stat (service, "unhandled"), 1);
    dividere_client_destroy (&client);

    dividere_connector_t *request = dividere_request_new (endpoint, 0);
    CHECK_INT (dividere_send (request, &hello.base), 0);
    CHECK_INT (dividere_recv_into (request, reply, LIMIT_MS), 0);
    CHECK (DIVIDERE_MESSAGE_AS (reply, TestMsg01, test_msg01));
    dividere_connector_destroy (&request);

    dividere_connector_t *dealer = dividere_dealer_new (endpoint, 0);
    CHECK_INT (dividere_send (dealer, &hello.base), 0);
    CHECK_INT (dividere_recv_into (dealer, reply, LIMIT_MS), 0);
    CHECK (DIVIDERE_MESSAGE_AS (reply, TestMsg01, test_msg01));
    dividere_connector_destroy (&dealer);
    dividere_message_destroy (&reply);
    CHECK_INT (employed_stat (service, "replied"), 102);
    CHECK_INT (dividere_stop (&service, LIMIT_MS), 0);
    free (endpoint);
}

/*  Also while its only thread is in a handler.                              */
void
test_service_builtin (void)
{
    employed_work_t work;
    employed_work_init (&work);
    dividere_service_config_t config = { .on_bytes = employed_on_bytes,
                                         .user = &work,
                                         .schema = "schema",
                                         .schema_size = 6 };
    char *endpoint;
    zactor_t *service = s_service (&config, NULL, &endpoint);
    dividere_client_t *client = dividere_client_new (endpoint, NULL);
    dividere_message_t *reply = dividere_message_new ();
    CHECK_INT (dividere_client_request_bytes (client, "fail", 4, NULL, reply),
               -1);
    CHECK_INT (errno, EREMOTEIO);
    CHECK_INT (dividere_client_send_bytes (client, "wait", 4, NULL, NULL), 0);
    employed_await (&work);
    CHECK_INT (dividere_types_register (&dividere__pong__descriptor), 0);
    CHECK_INT (dividere_types_register (&dividere__service_info__descriptor),
               0);
    CHECK_INT (dividere_types_register (
                   &dividere__service_statistics__descriptor),
               0);
    Dividere__Ping ping = DIVIDERE__PING__INIT;
    ping.payload.data = (uint8_t *) "ping";
    ping.payload.len = 4;
    CHECK_INT (dividere_client_request (client, &ping.base, NULL, reply), 0);
    const Dividere__Pong *pong =
        DIVIDERE_MESSAGE_AS (reply, Dividere__Pong, dividere__pong);
    CHECK (pong && pong->payload.len == 4 &&
           memcmp (pong->payload.data, "ping", 4) == 0);
    Dividere__ServiceInfoReq ask = DIVIDERE__SERVICE_INFO_REQ__INIT;
    ask.schema = true;
    CHECK_INT (dividere_client_request (client, &ask.base, NULL, reply), 0);
    const Dividere__ServiceInfo *info =
        DIVIDERE_MESSAGE_AS (reply, Dividere__ServiceInfo,
                             dividere__service_info);
    CHECK (info && info->schema.len == 6);
    CHECK_STR (info->name, "clock");
    Dividere__ServiceStatisticsReq count =
        DIVIDERE__SERVICE_STATISTICS_REQ__INIT;
    CHECK_INT (dividere_client_request (client, &count.base, NULL, reply), 0);
    const Dividere__ServiceStatistics *statistics =
        DIVIDERE_MESSAGE_AS (reply, Dividere__ServiceStatistics,
                             dividere__service_statistics);
    CHECK (statistics);
    CHECK_INT (statistics->n_types, 1);
    CHECK_INT (statistics->types[0]->handled, 1);
    CHECK_INT (statistics->types[0]->failed, 1);
    CHECK_INT (statistics->running, 1);
    CHECK_INT (employed_stat (service, "builtin"), 3);
    sem_post (&work.gate);
    dividere_result_t result;
    CHECK_INT (dividere_client_recv (client, reply, &result, LIMIT_MS), 0);
    CHECK_INT (result.error, 0);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    CHECK_INT (dividere_stop (&service, LIMIT_MS), 0);
    employed_work_term (&work);
    free (endpoint);
}

/*  What waits has a limit; who comes again joins; and the end is told.      */
void
test_service_busy (void)
{
    employed_work_t work;
    employed_work_init (&work);
    dividere_service_config_t config = { .on_bytes = employed_on_bytes,
                                         .user = &work };
    char *endpoint;
    zactor_t *service = s_service (&config, NULL, &endpoint);
    CHECK_INT (s_set (service, "pending_max", "1"), 0);
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.retries = 0;
    dividere_client_t *client = dividere_client_new (endpoint, &options);
    dividere_message_t *reply = dividere_message_new ();
    dividere_result_t result;
    CHECK_INT (dividere_client_request_bytes (client, "x", 1, NULL, reply), 0);
    for (int i = 0; i < 3; i++)
        CHECK_INT (dividere_client_send_bytes (client, "wait", 4, NULL, NULL),
                   0);
    CHECK_INT (dividere_client_recv (client, reply, &result, LIMIT_MS), 0);
    CHECK_INT (result.error, EBUSY);
    CHECK_INT (result.number, 4);
    sem_post (&work.gate);
    sem_post (&work.gate);
    for (int i = 0; i < 2; i++) {
        CHECK_INT (dividere_client_recv (client, reply, &result, LIMIT_MS), 0);
        CHECK_INT (result.error, 0);
        CHECK_INT (result.number, 2 + i);
    }
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    CHECK_INT (dividere_stop (&service, LIMIT_MS), 0);
    employed_work_term (&work);
    free (endpoint);
}

/*  An application that has no handlers.                                     */
void
test_service_traffic (void)
{
    zactor_t *service = zactor_new (dividere_service, NULL);
    CHECK_INT (s_set (service, "name", "clock"), 0);
    CHECK_INT (dividere_call (service, NULL, LIMIT_MS, "BIND", NAMED_TCP, NULL),
               0);
    CHECK_INT (dividere_call (service, NULL, LIMIT_MS, "TRAFFIC",
                              "inproc://traffic", NULL),
               0);
    char *endpoint = s_started (service);
    dividere_connector_t *dealer = dividere_dealer_new (">inproc://traffic", 0);
    CHECK (dealer);
    dividere_client_t *client = dividere_client_new (endpoint, NULL);
    dividere_message_t *message = dividere_message_new ();
    TestMsg01 hello = TEST_MSG01__INIT;
    hello.field1 = "hello";
    for (int i = 0; i < 3; i++)
        CHECK_INT (dividere_client_send (client, &hello.base, NULL, NULL), 0);
    dividere_result_t result;
    for (int i = 0; i < 3; i++) {
        while (dividere_recv_into (dealer, message, 10) < 0)
            dividere_client_process (client);
        CHECK (DIVIDERE_MESSAGE_AS (message, TestMsg01, test_msg01));
        CHECK_INT (dividere_send_to (dealer, dividere_message_route (message),
                                     &hello.base, LIMIT_MS),
                   0);
    }
    for (int i = 0; i < 3; i++) {
        CHECK_INT (dividere_client_recv (client, message, &result, LIMIT_MS),
                   0);
        CHECK_INT (result.error, 0);
    }
    dividere_message_destroy (&message);
    dividere_client_destroy (&client);
    dividere_connector_destroy (&dealer);
    CHECK_INT (dividere_stop (&service, LIMIT_MS), 0);
    free (endpoint);
}

/*  What runs is finished, what waits is told; one that is stuck is named.   */
void
test_service_stop (void)
{
    employed_work_t work;
    employed_work_init (&work);
    dividere_service_config_t config = { .on_bytes = employed_on_bytes,
                                         .user = &work };
    char *endpoint;
    zactor_t *service = s_service (&config, NULL, &endpoint);
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.retries = 0;
    dividere_client_t *client = dividere_client_new (endpoint, &options);
    dividere_message_t *reply = dividere_message_new ();
    dividere_result_t result;
    CHECK_INT (dividere_client_request_bytes (client, "x", 1, NULL, reply), 0);
    for (int i = 0; i < 2; i++)
        CHECK_INT (dividere_client_send_bytes (client, "wait", 4, NULL, NULL),
                   0);
    employed_await (&work);
    while (employed_stat (service, "waiting") < 1)
        dividere_client_process (client);
    CHECK_FAILS (dividere_stop (&service, 20), ETIMEDOUT);
    CHECK_INT (dividere_client_recv (client, reply, &result, LIMIT_MS), 0);
    CHECK_INT (result.error, EBUSY);
    sem_post (&work.gate);
    CHECK_INT (dividere_client_recv (client, reply, &result, LIMIT_MS), 0);
    CHECK_INT (result.error, 0);
    CHECK_INT (dividere_stop (&service, LIMIT_MS), 0);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    employed_work_term (&work);
    free (endpoint);
}

/*  Counted, and harmless.                                                   */
void
test_service_hostile (void)
{
    char *endpoint;
    zactor_t *service = s_echo (&endpoint);
    zsock_t *hostile = zsock_new_dealer (endpoint);
    CHECK (hostile);
    zmsg_t *many = zmsg_new ();
    for (int i = 0; i < 1000; i++)
        zmsg_addstr (many, "frame");
    zmsg_send (&many, hostile);
    zstr_send (hostile, "");
    zstr_send (hostile, "\x0a\x7fnonsense");
    zstr_sendx (hostile, "", "", NULL);
    zframe_t *huge = zframe_new (NULL, 16 << 20);
    memset (zframe_data (huge), 0x0a, zframe_size (huge));
    zframe_send (&huge, hostile, 0);
    for (uint64_t i = 1; i <= 3; i++)
        while (employed_stat (service, "malformed") < i)
            ;
    char *second;
    zactor_t *other = s_echo (&second);
    dividere_client_t *client = dividere_client_new (endpoint, NULL);
    dividere_message_t *reply = dividere_message_new ();
    TestMsg01 hello = TEST_MSG01__INIT;
    hello.field1 = "hello";
    CHECK_INT (dividere_client_request (client, &hello.base, NULL, reply), 0);
    zsock_destroy (&hostile);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    CHECK_INT (dividere_stop (&service, LIMIT_MS), 0);
    CHECK_INT (dividere_stop (&other, LIMIT_MS), 0);
    free (endpoint);
    free (second);
}

static void
s_await (named_t *names, const char *name, uint64_t value)
{
    while (named_stat (names, name) != value)
        ;
}

void
test_service_names (void)
{
    named_t names;
    named_start (&names, NAMED_TCP, NULL);
    static const dividere_service_config_t s_config = { .handlers =
                                                            s_handlers };
    char *endpoint[2];
    zactor_t *service[2];
    for (int i = 0; i < 2; i++)
        service[i] = s_service (&s_config, &names, &endpoint[i]);
    s_await (&names, "instances", 2);
    char servers[600];
    snprintf (servers, sizeof (servers), "%s|%s", names.requests,
              names.publish);
    dividere_client_t *client =
        dividere_client_new_named ("clock", servers, NULL);
    CHECK (client);
    dividere_message_t *reply = dividere_message_new ();
    TestMsg01 hello = TEST_MSG01__INIT;
    hello.field1 = "hello";
    for (int i = 0; i < 100 || !employed_stat (service[1], "replied") ||
                    !employed_stat (service[0], "replied");
         i++)
        CHECK_INT (dividere_client_request (client, &hello.base, NULL, reply),
                   0);
    /* It leaves, and nobody notices.                                        */
    CHECK_INT (dividere_stop (&service[0], LIMIT_MS), 0);
    s_await (&names, "instances", 1);
    CHECK_INT (named_stat (&names, "unregistered"), 1);
    for (int i = 0; i < 100; i++)
        CHECK_INT (dividere_client_request (client, &hello.base, NULL, reply),
                   0);
    CHECK_INT (dividere_stop (&service[1], LIMIT_MS), 0);
    s_await (&names, "instances", 0);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    free (endpoint[0]);
    free (endpoint[1]);
    named_stop (&names);
}

/*  It is there again after the name server has started anew, keeps its lease,
 *  and waits for one that is not there yet.                                 */
void
test_service_restarts (void)
{
    named_t names;
    named_start (&names, NAMED_TCP, NULL);
    zactor_t *service = zactor_new (dividere_service, NULL);
    CHECK_INT (s_set (service, "name", "clock"), 0);
    CHECK_INT (s_set (service, "lease", "150"), 0);
    CHECK_INT (dividere_call (service, NULL, LIMIT_MS, "BIND", NAMED_TCP, NULL),
               0);
    CHECK_INT (dividere_call (service, NULL, LIMIT_MS, "CONNECT",
                              names.requests, names.publish, NULL),
               0);
    free (s_started (service));
    s_await (&names, "instances", 1);
    while (named_stat (&names, "renewed") < 5)
        ;
    CHECK_INT (named_stat (&names, "expired"), 0);
    named_restart (&names, NULL);
    s_await (&names, "instances", 1);
    CHECK_INT (dividere_stop (&service, LIMIT_MS), 0);
    s_await (&names, "instances", 0);
    named_stop (&names);
}

/*  Two services that say that they are at one place.                        */
void
test_service_conflict (void)
{
    named_t names;
    named_start (&names, NAMED_TCP, NULL);
    named_peer_t peer;
    named_connect (&peer, ZMQ_REQ, names.requests);
    zactor_t *service = zactor_new (dividere_service, NULL);
    CHECK_INT (s_set (service, "name", "clock"), 0);
    CHECK_INT (s_set (service, "lease", "60"), 0);
    CHECK_INT (dividere_call (service, NULL, LIMIT_MS, "BIND", NAMED_TCP, NULL),
               0);
    CHECK_INT (dividere_call (service, NULL, LIMIT_MS, "CONNECT",
                              names.requests, names.publish, NULL),
               0);
    char *endpoint = s_started (service);
    s_await (&names, "instances", 1);
    CHECK_INT (named_native (&peer, "clock", s_port (endpoint), 99, 60000,
                             false),
               0);
    zmsg_t *reply = NULL;
    char *state = NULL;
    do {
        free (state);
        CHECK_INT (dividere_call (service, &reply, LIMIT_MS, "NAMESERVERS",
                                  NULL),
                   0);
        free (zmsg_popstr (reply));
        state = zmsg_popstr (reply);
        char *error = zmsg_popstr (reply);
        if (streq (state, "refused"))
            CHECK_INT ((int) strtol (error, NULL, 10), EADDRINUSE);
        free (error);
        zmsg_destroy (&reply);
    }
    while (!streq (state, "refused"));
    free (state);
    free (endpoint);
    named_disconnect (&peer);
    CHECK_INT (dividere_stop (&service, LIMIT_MS), 0);
    CHECK_INT (named_stat (&names, "instances"), 1);
    named_stop (&names);
}
