/* SPDX-License-Identifier: Apache-2.0 */

/*  The proxy in a crowd of clients and workers in C and in Python: however they
 *  are mixed, each client gets exactly its own replies.                     */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include "peer.h"
#include "proxied.h"
#include "test.pb-c.h"

void test_proxy_routing (void);

/*  Half of the clients and workers in each language, and of those every second
 *  a plain REQ or REP, the others dealers.                                  */
#define CLIENTS        25
#define WORKERS        10
#define AT_ONCE        (4 * WORKERS) /* what a dealer asks at once           */
#define NAME_SIZE      64
#define PYTHON_CLIENTS "25"
#define PYTHON_WORKERS "10"

/*  All workers that were heard of.                                          */
static struct {
    char names[2 * WORKERS][NAME_SIZE];
    size_t count;
} s_known;

static size_t
s_known_index (const char *name)
{
    size_t i = 0;
    while (i < s_known.count && !streq (s_known.names[i], name))
        i++;
    if (i == s_known.count) {
        CHECK (i < 2 * WORKERS);
        snprintf (s_known.names[i], NAME_SIZE, "%s", name);
        s_known.count++;
    }
    return i;
}

/*  A worker: the name of the client and its own, the number negated.        */
static int
s_on_request (dividere_context_t *context, const TestMsg01 *request)
{
    char names[2 * NAME_SIZE];
    snprintf (names, sizeof (names), "%s c-worker-%p", request->field1,
              (void *) dividere_context_source (context));
    TestMsg01 reply = TEST_MSG01__INIT;
    reply.field1 = names;
    reply.field2 = -request->field2;
    return dividere_context_reply (context, &reply.base) < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_request), DIVIDERE_HANDLER_END
};

static zactor_t *
s_workers_new (const char *endpoint)
{
    static const dividere_reactor_config_t s_config = { .handlers =
                                                            s_handlers };
    zactor_t *reactor = zactor_new (dividere_reactor, (void *) &s_config);
    for (size_t i = 0; i < WORKERS; i++)
        CHECK_INT (dividere_call (reactor, NULL, SELFTEST_DEADLINE, "ADD",
                                  i % 2 ? "response" : "dealer", endpoint,
                                  NULL),
                   0);
    CHECK_INT (dividere_call (reactor, NULL, SELFTEST_DEADLINE, "START", NULL),
               0);
    return reactor;
}

typedef struct {
    dividere_connector_t *connector;
    char name[NAME_SIZE];
    int at_once;
    int asked;              /* the last number asked                        */
    bool answered[AT_ONCE]; /* those of the last round                      */
    int last[2 * WORKERS];  /* the last number that each worker answered    */
} client_t;

static void
s_client_open (client_t *self, size_t number, const char *endpoint)
{
    bool plain = number % 2;
    *self = (client_t){ .at_once = plain ? 1 : AT_ONCE };
    snprintf (self->name, NAME_SIZE, "c-client-%zu", number);
    self->connector = plain ? dividere_request_new (endpoint, NULL)
                            : dividere_dealer_new (endpoint, NULL);
    CHECK (self->connector);
}

/*  A dealer makes its requests such as a REP understands.                   */
static void
s_client_ask (client_t *self)
{
    dividere_route_t *empty = dividere_route_new ();
    dividere_route_append (empty, "", 0);
    for (int i = 0; i < self->at_once; i++) {
        TestMsg01 request = TEST_MSG01__INIT;
        request.field1 = self->name;
        request.field2 = ++self->asked;
        CHECK_INT (dividere_send_to (self->connector,
                                     self->at_once > 1 ? empty : NULL,
                                     &request.base, SELFTEST_DEADLINE),
                   0);
        self->answered[i] = false;
    }
    dividere_route_destroy (&empty);
}

/*  One reply: to a request of its own that has none yet, and behind what the
 *  same worker answered before.                                             */
static void
s_client_check (client_t *self, const TestMsg01 *reply)
{
    CHECK (reply);
    char name[2 * NAME_SIZE];
    snprintf (name, sizeof (name), "%s", reply->field1);
    char *worker = name;
    CHECK_STR (strsep (&worker, " "), self->name);
    CHECK (worker);
    int number = -reply->field2, index = self->asked - number;
    CHECK (index >= 0 && index < self->at_once);
    CHECK (!self->answered[index]);
    self->answered[index] = true;
    int *last = &self->last[s_known_index (worker)];
    CHECK (number > *last);
    *last = number;
}

static void
s_client_collect (client_t *self, dividere_message_t *message)
{
    for (int i = 0; i < self->at_once; i++) {
        CHECK_INT (dividere_recv_into (self->connector, message,
                                       SELFTEST_DEADLINE),
                   0);
        s_client_check (self,
                        DIVIDERE_MESSAGE_AS (message, TestMsg01, test_msg01));
        CHECK_INT (dividere_route_count (dividere_message_route (message)),
                   self->at_once > 1);
    }
}

/*  One client asks until all workers are there.                             */
static uint64_t
s_meet_workers (const char *endpoint, dividere_message_t *message)
{
    client_t client;
    s_client_open (&client, 1, endpoint);
    int64_t end = selftest_now_ms () + SELFTEST_DEADLINE;
    while (s_known.count < 2 * WORKERS) {
        CHECK (selftest_now_ms () < end);
        s_client_ask (&client);
        s_client_collect (&client, message);
    }
    dividere_connector_destroy (&client.connector);
    return (uint64_t) client.asked;
}

/*  All clients ask, then collect; the number of requests.                   */
static uint64_t
s_run_clients (const char *endpoint, size_t rounds, dividere_message_t *message)
{
    client_t clients[CLIENTS];
    uint64_t count = 0;
    for (size_t i = 0; i < CLIENTS; i++)
        s_client_open (&clients[i], i, endpoint);
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < CLIENTS; i++)
            s_client_ask (&clients[i]);
        for (size_t i = 0; i < CLIENTS; i++)
            s_client_collect (&clients[i], message);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        count += (uint64_t) clients[i].asked;
        CHECK_FAILS (dividere_recv_into (clients[i].connector, message, 0),
                     clients[i].at_once > 1 ? EAGAIN : EFSM);
        dividere_connector_destroy (&clients[i].connector);
    }
    return count;
}

/*  Every request was forwarded once, and every reply.                       */
static void
s_check_counts (proxied_t *proxy, uint64_t requests)
{
    static const char *const s_all[] = { "frontend_received", "backend_sent",
                                         "backend_received", "frontend_sent" };
    static const char *const s_none[] = { "unroutable", "overflowed",
                                          "reply_expired", "malformed",
                                          "waiting" };
    for (size_t i = 0; i < sizeof (s_all) / sizeof (s_all[0]); i++)
        CHECK_INT (proxied_stat (proxy, s_all[i]), requests);
    for (size_t i = 0; i < sizeof (s_none) / sizeof (s_none[0]); i++)
        CHECK_INT (proxied_stat (proxy, s_none[i]), 0);
}

void
test_proxy_routing (void)
{
    size_t rounds = selftest_scaled (3) + 1;
    size_t each = rounds * AT_ONCE; /* requests of a client in Python       */
    char number[24];
    snprintf (number, sizeof (number), "%zu", each);
    CHECK_INT (dividere_types_register (&test_msg01__descriptor), 0);
    proxied_t proxy;
    proxied_open (&proxy);
    dividere_message_t *message = dividere_message_new ();

    const char *workers[] = { "workers", proxy.backend, PYTHON_WORKERS, "0",
                              NULL };
    peer_t *python_workers = peer_new ("crowd.py", workers);
    zactor_t *c_workers = s_workers_new (proxy.backend);
    uint64_t requests = s_meet_workers (proxy.frontend, message);

    const char *clients[] = { "clients", proxy.frontend, PYTHON_CLIENTS, number,
                              NULL };
    peer_t *python_clients = peer_new ("crowd.py", clients);
    requests += s_run_clients (proxy.frontend, rounds, message);
    CHECK_STR (peer_line (python_clients), "done");
    peer_destroy (&python_clients);
    requests += CLIENTS * each;
    selftest_note ("%llu requests", (unsigned long long) requests);
    s_check_counts (&proxy, requests);

    peer_close (python_workers);
    CHECK_STR (peer_line (python_workers), "done");
    peer_destroy (&python_workers);
    CHECK_INT (dividere_stop (&c_workers, SELFTEST_DEADLINE), 0);
    dividere_message_destroy (&message);
    proxied_close (&proxy);
}
