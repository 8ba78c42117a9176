/* SPDX-License-Identifier: Apache-2.0 */

/*  A client by name: who is asked, as instances come and go.                */

#include "selftest.h"
#include <dividere/builtin.pb-c.h>
#include "serving.h"

void test_client_called_options (void);
void test_client_called_spread (void);
void test_client_called_follows (void);
void test_client_called_last_resort (void);
void test_client_called_replaced (void);
void test_client_called_python (void);
void test_client_called_guard (void);
void test_client_called_bad_entries (void);

void
test_client_called_options (void)
{
    CHECK_FAILS (dividere_client_new_named ("", "tcp://127.0.0.1:5000", NULL),
                 EINVAL);
    CHECK_FAILS (dividere_client_new_named ("clock", "", NULL), EINVAL);
    CHECK_FAILS (dividere_client_new_named ("clock", "udp://a:1", NULL),
                 EPROTONOSUPPORT);
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.attempt_ms = 0;
    CHECK_FAILS (dividere_client_new_named ("clock", "tcp://127.0.0.1:5000",
                                            &options),
                 EINVAL);
}

/*  Each instance gets its share.                                            */
void
test_client_called_spread (void)
{
    enum { COUNT = 3, EACH = 50 };
    named_t names;
    serving_t servings[COUNT];
    named_start (&names, NAMED_TCP, NULL);
    for (int i = 0; i < COUNT; i++) {
        serving_start (&servings[i], 100 + (uint64_t) i, 0);
        serving_register (&servings[i], &names);
    }
    dividere_client_t *client = serving_client (&names, 0);
    serving_reach (client, servings, COUNT);
    int before[COUNT];
    for (int i = 0; i < COUNT; i++)
        before[i] = servings[i].received;
    for (int i = 0; i < COUNT * EACH; i++)
        CHECK (serving_ask (client, -1) > 0);
    for (int i = 0; i < COUNT; i++)
        CHECK_INT (servings[i].received - before[i], EACH);
    dividere_client_destroy (&client);
    for (int i = 0; i < COUNT; i++)
        serving_kill (&servings[i]);
    named_stop (&names);
}

/*  True once so many requests in a row have passed it by.                   */
static bool
s_passed_by (dividere_client_t *client, const serving_t *serving)
{
    int before = serving->received;
    for (int i = 0; i < 10; i++)
        CHECK (serving_ask (client, -1) > 0);
    return serving->received == before;
}

void
test_client_called_follows (void)
{
    named_t names;
    serving_t servings[2];
    named_start (&names, NAMED_TCP, NULL);
    for (int i = 0; i < 2; i++)
        serving_start (&servings[i], 100 + (uint64_t) i, 0);
    dividere_client_t *client = serving_client (&names, 0);
    serving_register (&servings[0], &names);
    CHECK_INT (serving_ask (client, -1), servings[0].port);
    for (int round = 0; round < 3; round++) {
        serving_register (&servings[1], &names);
        serving_reach (client, servings, 2);
        serving_unregister (&servings[round % 2], &names);
        CHECK_EVENTUALLY (s_passed_by (client, &servings[round % 2]));
        serving_register (&servings[round % 2], &names);
        serving_reach (client, servings, 2);
        serving_unregister (&servings[1], &names);
        CHECK_EVENTUALLY (s_passed_by (client, &servings[1]));
    }
    dividere_client_stats_t stats;
    dividere_client_stats (client, &stats);
    CHECK_INT (stats.failed, 0);
    CHECK_INT (stats.retried, 0);
    dividere_client_destroy (&client);
    for (int i = 0; i < 2; i++)
        serving_kill (&servings[i]);
    named_stop (&names);
}

/*  Who has left the name server and is still there serves until another one
 *  is; what it has it keeps.                                                */
void
test_client_called_last_resort (void)
{
    named_t names;
    serving_t servings[2];
    named_start (&names, NAMED_TCP, NULL);
    for (int i = 0; i < 2; i++) {
        serving_start (&servings[i], 100 + (uint64_t) i, 0);
        serving_register (&servings[i], &names);
    }
    dividere_client_t *client = serving_client (&names, 0);
    serving_reach (client, servings, 2);
    serving_unregister (&servings[0], &names);
    CHECK_EVENTUALLY (s_passed_by (client, &servings[0]));
    serving_kill (&servings[1]);
    serving_unregister (&servings[1], &names);
    for (int i = 0; i < 10; i++)
        CHECK_INT (serving_ask (client, -1), servings[0].port);
    serving_start (&servings[1], 102, 0);
    serving_register (&servings[1], &names);
    CHECK_EVENTUALLY (s_passed_by (client, &servings[0]));
    /* And when it goes nothing is lost.                                     */
    serving_kill (&servings[0]);
    for (int i = 0; i < 10; i++)
        CHECK_INT (serving_ask (client, -1), servings[1].port);
    dividere_client_destroy (&client);
    serving_kill (&servings[1]);
    named_stop (&names);
}

/*  Another one at the same port, that says at once who it is.               */
void
test_client_called_replaced (void)
{
    named_t names;
    serving_t serving;
    named_start (&names, NAMED_TCP, NULL);
    serving_start (&serving, 100, 0);
    serving_register (&serving, &names);
    dividere_client_t *client = serving_client (&names, 0);
    for (uint64_t i = 101; i < 105; i++) {
        CHECK_INT (serving_ask (client, -1), serving.port);
        serving_kill (&serving);
        serving_start (&serving, i, serving.port);
        serving_register (&serving, &names);
    }
    CHECK_INT (serving_ask (client, -1), serving.port);
    dividere_client_destroy (&client);
    serving_kill (&serving);
    named_stop (&names);
}

/*  Instances that know nothing of this library have one request at a time.  */
void
test_client_called_python (void)
{
    enum { ASKED = 60 };
    named_t names;
    serving_t servings[2];
    named_start (&names, NAMED_TCP, NULL);
    for (int i = 0; i < 2; i++) {
        serving_start (&servings[i], 0, 0);
        serving_register (&servings[i], &names);
    }
    dividere_client_t *client = serving_client (&names, 0);
    serving_reach (client, servings, 2);
    for (int i = 0; i < ASKED; i++)
        CHECK_INT (dividere_client_send_bytes (client, "ask", 3, NULL, NULL),
                   0);
    dividere_message_t *reply = dividere_message_new ();
    dividere_result_t result;
    for (int i = 0; i < ASKED; i++) {
        CHECK_INT (dividere_client_recv (client, reply, &result,
                                         SELFTEST_DEADLINE),
                   0);
        CHECK_INT (result.error, 0);
    }
    dividere_message_destroy (&reply);
    for (int i = 0; i < 2; i++) {
        CHECK_INT (servings[i].crowded, 0);
        CHECK (servings[i].received > ASKED / 4);
    }
    dividere_client_destroy (&client);
    for (int i = 0; i < 2; i++)
        serving_kill (&servings[i]);
    named_stop (&names);
}

/*  What ends a service of the Python package is never sent to one.          */
void
test_client_called_guard (void)
{
    named_t names;
    serving_t python, native;
    Dividere__Ping ping = DIVIDERE__PING__INIT;
    dividere_message_t *reply = dividere_message_new ();
    named_start (&names, NAMED_TCP, NULL);
    serving_start (&python, 0, 0);
    serving_start (&native, 100, 0);
    serving_register (&python, &names);
    dividere_client_t *client = serving_client (&names, 0);
    serving_reach (client, &python, 1);
    int before = python.received;
    CHECK_FAILS (dividere_client_request (client, &ping.base, NULL, reply),
                 EOPNOTSUPP);
    serving_register (&native, &names);
    serving_reach (client, &native, 1);
    int mine = native.received;
    int others = python.received;
    CHECK (others >= before);
    for (int i = 0; i < 10; i++)
        /* It answers with what is no message.                               */
        CHECK_FAILS (dividere_client_request (client, &ping.base, NULL, reply),
                     EPROTO);
    CHECK_INT (native.received, mine + 10);
    CHECK_INT (python.received, others);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    serving_kill (&python);
    serving_kill (&native);
    named_stop (&names);
}

/*  What cannot be connected to, or is not there, is in nobody's way.        */
void
test_client_called_bad_entries (void)
{
    static const char *const s_hosts[] = {
        "127.0.0.1;127.0.0.1", "no host", "*", "[::1", "::::", "@", "",
        "no.such.host.invalid"
    };
    named_t names;
    serving_t serving;
    named_peer_t peer;
    named_start (&names, NAMED_TCP, NULL);
    named_connect (&peer, ZMQ_REQ, names.requests);
    for (size_t i = 0; i < sizeof (s_hosts) / sizeof (s_hosts[0]); i++) {
        named_register_t request = DIVIDERE__WIRE__REGISTER_SERVICE__INIT;
        request.servicename = (char *) SERVING_NAME;
        request.server = (char *) s_hosts[i];
        request.port = 1;
        named_say (&peer, &request.base);
        NAMED_HEAR (&peer, Ack, ack);
    }
    /* Nobody is there, and nobody else comes there.                         */
    named_register_t nobody = DIVIDERE__WIRE__REGISTER_SERVICE__INIT;
    nobody.servicename = (char *) SERVING_NAME;
    nobody.server = (char *) "127.0.0.1";
    nobody.port =
        (uint32_t) strtoul (strrchr (selftest_tcp (), ':') + 1, NULL, 10);
    named_say (&peer, &nobody.base);
    NAMED_HEAR (&peer, Ack, ack);
    named_disconnect (&peer);
    serving_start (&serving, 100, 0);
    serving_register (&serving, &names);
    dividere_client_t *client = serving_client (&names, 0);
    for (int i = 0; i < 20; i++)
        CHECK_INT (serving_ask (client, -1), serving.port);
    dividere_client_stats_t stats;
    dividere_client_stats (client, &stats);
    CHECK_INT (stats.retried, 0);
    dividere_client_destroy (&client);
    serving_kill (&serving);
    named_stop (&names);
}
