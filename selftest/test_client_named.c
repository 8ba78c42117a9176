/* SPDX-License-Identifier: Apache-2.0 */

/*  A client by name: instances that come and go, as a registry would tell; the
 *  name server itself is out of reach.                                      */

#include "selftest.h"
#include <poll.h>
#include <czmq.h>
#include <dividere.h>
#include <dividere/builtin.pb-c.h>
#include "answering.h"
#include "client_internal.h"

void test_named_options (void);
void test_named_spreads (void);
void test_named_killed (void);
void test_named_strict (void);
void test_named_back (void);
void test_named_unknown (void);
void test_named_dead (void);
void test_named_changed (void);
void test_named_retired (void);
void test_named_plain (void);
void test_named_builtin (void);
void test_named_descriptor (void);
void test_named_outstanding (void);
void test_named_hostile (void);

/*  Nobody listens there.                                                    */
#define NOBODY "ipc://@dividere-selftest-a|ipc://@dividere-selftest-b"

static dividere_client_t *
s_client (int deadline_ms)
{
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = deadline_ms;
    dividere_client_t *client =
        dividere_client_new_named ("clock", NOBODY, &options);
    CHECK (client);
    return client;
}

static void
s_feed (dividere_client_t *client, dividere_registry_kind_t kind,
        const dividere_instance_t *instance)
{
    dividere_registry_event_t event = { .kind = kind, .instance = instance };
    dividere_client_named_tell (client->named, &event);
}

static void
s_tell (dividere_client_t *client, dividere_registry_kind_t kind,
        const answering_t *one, uint64_t number)
{
    dividere_instance_t instance = { .name = "clock" };
    if (one) {
        instance.server = "127.0.0.1";
        instance.port = one->port;
        instance.instance = number;
        instance.native = one->native;
    }
    s_feed (client, kind, &instance);
}

static void
s_join (dividere_client_t *client, const answering_t *one)
{
    s_tell (client, DIVIDERE_REGISTRY_ADDED, one, 7);
}

static void
s_part (dividere_client_t *client, const answering_t *one)
{
    s_tell (client, DIVIDERE_REGISTRY_REMOVED, one, 7);
}

static uint64_t
s_send (dividere_client_t *client, const dividere_request_options_t *options)
{
    uint64_t number;
    CHECK_INT (dividere_client_send_bytes (client, "hello", 5, options,
                                           &number),
               0);
    return number;
}

/*  The next result.                                                         */
static dividere_result_t
s_recv (dividere_client_t *client)
{
    dividere_message_t *reply = dividere_message_new ();
    dividere_result_t result;
    CHECK_INT (dividere_client_recv (client, reply, &result, SELFTEST_DEADLINE),
               0);
    dividere_message_destroy (&reply);
    return result;
}

static void
s_call (dividere_client_t *client, int error)
{
    uint64_t number = s_send (client, NULL);
    dividere_result_t result = s_recv (client);
    CHECK_INT (result.number, number);
    CHECK_INT (result.error, error);
}

/*  Calls until an instance has got some.                                    */
static void
s_reach (dividere_client_t *client, const answering_t *one)
{
    int before = one->received;
    CHECK_EVENTUALLY ((s_call (client, 0), one->received > before));
}

void
test_named_options (void)
{
    CHECK_FAILS (dividere_client_new_named ("", NOBODY, NULL), EINVAL);
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.retries = -1;
    CHECK_FAILS (dividere_client_new_named ("clock", NOBODY, &options), EINVAL);
}

/*  All that are there get the same, and nobody else gets anything.          */
void
test_named_spreads (void)
{
    answering_t ones[4];
    dividere_client_t *client = s_client (60000);
    for (int i = 0; i < 4; i++)
        answering_start (&ones[i], true);
    for (int i = 0; i < 3; i++)
        s_join (client, &ones[i]);
    for (int i = 0; i < 3; i++)
        s_reach (client, &ones[i]);
    int before[4];
    for (int i = 0; i < 4; i++)
        before[i] = ones[i].received;
    for (int i = 0; i < 300; i++)
        s_call (client, 0);
    for (int i = 0; i < 3; i++)
        CHECK_INT (ones[i].received - before[i], 100);
    CHECK_INT (ones[3].received, 0);
    s_join (client, &ones[3]);
    s_part (client, &ones[0]);
    s_reach (client, &ones[3]);
    for (int i = 0; i < 4; i++)
        before[i] = ones[i].received;
    for (int i = 0; i < 300; i++)
        s_call (client, 0);
    CHECK_INT (ones[0].received, before[0]);
    for (int i = 1; i < 4; i++)
        CHECK_INT (ones[i].received - before[i], 100);
    dividere_client_destroy (&client);
    for (int i = 0; i < 4; i++) {
        CHECK_INT (ones[i].malformed, 0);
        answering_stop (&ones[i]);
    }
}

/*  What one had when it died another answers, long before the deadline.     */
void
test_named_killed (void)
{
    answering_t ones[2];
    dividere_client_t *client = s_client (60000);
    for (int i = 0; i < 2; i++) {
        answering_start (&ones[i], true);
        s_join (client, &ones[i]);
    }
    for (int i = 0; i < 2; i++)
        s_reach (client, &ones[i]);
    ones[0].mute = true;
    int before = ones[0].received;
    for (int i = 0; i < 10; i++)
        s_send (client, NULL);
    for (int i = 0; i < 5; i++)
        CHECK_INT (s_recv (client).error, 0);
    CHECK_EVENTUALLY (ones[0].received - before == 5);
    answering_kill (&ones[0]);
    for (int i = 0; i < 5; i++) {
        dividere_result_t result = s_recv (client);
        CHECK_INT (result.error, 0);
        CHECK_INT (result.attempts, 2);
        CHECK (result.elapsed_us < 4000000);
    }
    /* It is back, and nobody had noticed that it was away.                  */
    ones[0].mute = false;
    answering_restart (&ones[0]);
    s_reach (client, &ones[0]);
    dividere_client_destroy (&client);
    for (int i = 0; i < 2; i++)
        answering_stop (&ones[i]);
}

void
test_named_strict (void)
{
    answering_t ones[2];
    dividere_client_t *client = s_client (60000);
    dividere_request_options_t strict = DIVIDERE_REQUEST_OPTIONS_INIT;
    strict.strict = true;
    for (int i = 0; i < 2; i++) {
        answering_start (&ones[i], true);
        s_join (client, &ones[i]);
    }
    for (int i = 0; i < 2; i++)
        s_reach (client, &ones[i]);
    int before = ones[0].received;
    ones[0].mute = true;
    uint64_t first = s_send (client, &strict);
    uint64_t second = s_send (client, &strict);
    CHECK_INT (s_recv (client).error, 0);
    CHECK_EVENTUALLY (ones[0].received == before + 1);
    answering_kill (&ones[0]);
    dividere_result_t result = s_recv (client);
    CHECK (result.number == first || result.number == second);
    CHECK_INT (result.error, ENOTRECOVERABLE);
    CHECK_INT (result.attempts, 1);
    dividere_client_destroy (&client);
    for (int i = 0; i < 2; i++)
        answering_stop (&ones[i]);
}

/*  All go; a request waits for one that comes.                              */
void
test_named_back (void)
{
    answering_t one;
    dividere_client_t *client = s_client (60000);
    dividere_request_options_t soon = DIVIDERE_REQUEST_OPTIONS_INIT;
    soon.deadline_ms = 50;
    answering_start (&one, true);
    s_join (client, &one);
    s_tell (client, DIVIDERE_REGISTRY_FRESH, NULL, 0);
    s_call (client, 0);
    answering_kill (&one);
    s_send (client, &soon);
    int error = s_recv (client).error;
    CHECK (error == ENOTCONN || error == ETIMEDOUT);
    s_part (client, &one);
    CHECK_EVENTUALLY ((s_tell (client, DIVIDERE_REGISTRY_FRESH, NULL, 0),
                       s_send (client, &soon),
                       s_recv (client).error == EHOSTUNREACH));
    s_send (client, NULL);
    dividere_client_process (client);
    answering_restart (&one);
    s_join (client, &one);
    CHECK_INT (s_recv (client).error, 0);
    dividere_client_destroy (&client);
    answering_stop (&one);
}

/*  Nobody has the name; or nobody can be asked.                             */
void
test_named_unknown (void)
{
    dividere_client_t *client = s_client (30);
    s_call (client, ENOTCONN);
    CHECK_EVENTUALLY ((s_tell (client, DIVIDERE_REGISTRY_FRESH, NULL, 0),
                       s_send (client, NULL),
                       s_recv (client).error == EHOSTUNREACH));
    CHECK_FAILS (dividere_client_wait_connected (client, 10), EAGAIN);
    s_tell (client, DIVIDERE_REGISTRY_STALE, NULL, 0);
    s_call (client, ENOTCONN);
    dividere_client_destroy (&client);
}

/*  Who is registered and not there holds nobody up.                         */
void
test_named_dead (void)
{
    answering_t ones[2];
    dividere_client_t *client = s_client (30);
    for (int i = 0; i < 2; i++)
        answering_start (&ones[i], true);
    answering_kill (&ones[0]);
    s_join (client, &ones[0]);
    s_tell (client, DIVIDERE_REGISTRY_FRESH, NULL, 0);
    s_call (client, ENOTCONN);
    dividere_client_destroy (&client);
    client = s_client (60000);
    for (int i = 0; i < 2; i++)
        s_join (client, &ones[i]);
    CHECK_INT (dividere_client_wait_connected (client, SELFTEST_DEADLINE), 0);
    for (int i = 0; i < 200; i++)
        s_call (client, 0);
    dividere_client_stats_t stats;
    dividere_client_stats (client, &stats);
    CHECK_INT (stats.retried, 0);
    dividere_client_destroy (&client);
    for (int i = 0; i < 2; i++)
        answering_stop (&ones[i]);
}

/*  Another one is in its place: the one that was there is gone, even if that is
 *  not heard of its connection. Other metadata do not matter.               */
void
test_named_changed (void)
{
    answering_t one;
    dividere_client_t *client = s_client (60000);
    answering_start (&one, true);
    s_join (client, &one);
    s_call (client, 0);
    one.mute = true;
    int before = one.received;
    s_send (client, NULL);
    CHECK_EVENTUALLY (one.received == before + 1);
    s_tell (client, DIVIDERE_REGISTRY_CHANGED, &one, 7);
    dividere_client_process (client);
    CHECK_INT (one.received, before + 1);
    one.mute = false;
    s_tell (client, DIVIDERE_REGISTRY_CHANGED, &one, 8);
    dividere_result_t result = s_recv (client);
    CHECK_INT (result.error, 0);
    CHECK_INT (result.attempts, 2);
    dividere_client_destroy (&client);
    answering_stop (&one);
}

/*  One that leaves finishes what it has, gets no more while another is there,
 *  and all when it is the last that can be reached.                         */
void
test_named_retired (void)
{
    answering_t ones[2];
    dividere_client_t *client = s_client (60000);
    for (int i = 0; i < 2; i++) {
        answering_start (&ones[i], true);
        s_join (client, &ones[i]);
    }
    for (int i = 0; i < 2; i++)
        s_reach (client, &ones[i]);
    s_part (client, &ones[0]);
    int before = ones[0].received;
    for (int i = 0; i < 50; i++)
        s_call (client, 0);
    CHECK (ones[0].received <= before + 1);
    answering_kill (&ones[1]);
    s_part (client, &ones[1]);
    before = ones[0].received;
    for (int i = 0; i < 50; i++)
        s_call (client, 0);
    CHECK (ones[0].received >= before + 50);
    /* It returns as it was.                                                 */
    s_join (client, &ones[0]);
    s_call (client, 0);
    answering_kill (&ones[0]);
    answering_restart (&ones[0]);
    s_call (client, 0);
    dividere_client_destroy (&client);
    for (int i = 0; i < 2; i++)
        answering_stop (&ones[i]);
}

/*  Those of the Python package get one at a time.                           */
void
test_named_plain (void)
{
    answering_t ones[2];
    dividere_client_t *client = s_client (60000);
    for (int i = 0; i < 2; i++) {
        answering_start (&ones[i], false);
        s_join (client, &ones[i]);
    }
    for (int i = 0; i < 500; i++)
        s_send (client, NULL);
    for (int i = 0; i < 500; i++)
        CHECK_INT (s_recv (client).error, 0);
    CHECK_INT (ones[0].received + ones[1].received, 500);
    for (int i = 0; i < 2; i++) {
        CHECK (ones[i].received > 50);
        CHECK_INT (ones[i].crowded, 0);
        CHECK_INT (ones[i].malformed, 0);
    }
    dividere_client_destroy (&client);
    for (int i = 0; i < 2; i++)
        answering_stop (&ones[i]);
}

/*  What they would die of they never get.                                   */
void
test_named_builtin (void)
{
    answering_t plain, native;
    dividere_client_t *client = s_client (60000);
    dividere_message_t *reply = dividere_message_new ();
    Dividere__Ping ping = DIVIDERE__PING__INIT;
    dividere_types_register (&dividere__ping__descriptor);
    answering_start (&plain, false);
    answering_start (&native, true);
    s_join (client, &plain);
    CHECK_FAILS (dividere_client_request (client, &ping.base, NULL, reply),
                 EOPNOTSUPP);
    s_join (client, &native);
    for (int i = 0; i < 10; i++)
        CHECK_INT (dividere_client_request (client, &ping.base, NULL, reply),
                   0);
    CHECK_INT (plain.received, 0);
    CHECK_INT (native.received, 10);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    answering_stop (&plain);
    answering_stop (&native);
}

/*  In a poll loop nothing is done but what the descriptor asks for.         */
void
test_named_descriptor (void)
{
    answering_t ones[2];
    dividere_client_t *client = s_client (60000);
    struct pollfd item = { dividere_client_fd (client), POLLIN, 0 };
    CHECK (item.fd >= 0);
    for (int i = 0; i < 2; i++)
        answering_start (&ones[i], true);
    s_join (client, &ones[0]);
    s_send (client, NULL);
    for (int done = 0; done < 200;) {
        CHECK_INT (poll (&item, 1, SELFTEST_DEADLINE), 1);
        for (size_t left = dividere_client_process (client); left > 0; left--) {
            CHECK_INT (s_recv (client).error, 0);
            if (++done == 100)
                s_join (client, &ones[1]);
            s_send (client, NULL);
        }
    }
    CHECK (ones[1].received > 20);
    dividere_client_destroy (&client);
    for (int i = 0; i < 2; i++)
        answering_stop (&ones[i]);
}

void
test_named_outstanding (void)
{
    answering_t ones[2];
    size_t fds = selftest_fds ();
    dividere_client_t *client = s_client (60000);
    for (int i = 0; i < 2; i++) {
        answering_start (&ones[i], true);
        s_join (client, &ones[i]);
    }
    s_reach (client, &ones[0]);
    s_reach (client, &ones[1]);
    ones[0].mute = true;
    for (int i = 0; i < 100; i++)
        s_send (client, NULL);
    s_part (client, &ones[0]);
    dividere_client_process (client);
    dividere_client_destroy (&client);
    dividere_client_destroy (&client);
    for (int i = 0; i < 2; i++)
        answering_stop (&ones[i]);
    /* Those of libzmq's threads stay.                                       */
    CHECK_EVENTUALLY (selftest_fds () <= fds + 20);
}

/*  Whoever registers what.                                                  */
void
test_named_hostile (void)
{
    static const char *const servers[] = { "*",
                                           "127.0.0.1;127.0.0.1",
                                           "a,tcp://127.0.0.1",
                                           "@127.0.0.1",
                                           "[::1",
                                           "::1]",
                                           "",
                                           "127.0.0.1:1",
                                           "%s%s%n",
                                           "eth0:*",
                                           "no.such.host.invalid" };
    answering_t one;
    dividere_client_t *client = s_client (60000);
    answering_start (&one, true);
    dividere_instance_t told = { .name = "clock", .port = 1, .native = true };
    for (size_t i = 0; i < sizeof (servers) / sizeof (servers[0]); i++) {
        told.server = servers[i];
        s_feed (client, DIVIDERE_REGISTRY_ADDED, &told);
        s_feed (client, DIVIDERE_REGISTRY_ADDED, &told);
    }
    char longest[256] = { 0 };
    memset (longest, 'a', 255);
    told.server = longest;
    s_feed (client, DIVIDERE_REGISTRY_ADDED, &told);
    s_join (client, &one);
    for (int i = 0; i < 10; i++)
        s_call (client, 0);
    /* More than there are links for.                                        */
    told.server = "127.0.0.1";
    for (told.port = 1; told.port <= 500; told.port++)
        s_feed (client, DIVIDERE_REGISTRY_ADDED, &told);
    for (int i = 0; i < 10; i++)
        s_call (client, 0);
    CHECK (selftest_fds () < 600);
    /* It goes, and comes again when there is room.                          */
    answering_kill (&one);
    s_part (client, &one);
    answering_restart (&one);
    s_join (client, &one);
    for (told.port = 1; told.port <= 500; told.port++)
        s_feed (client, DIVIDERE_REGISTRY_REMOVED, &told);
    s_call (client, 0);
    for (size_t i = 0; i < 4; i++) {
        told.server = servers[i];
        s_feed (client, DIVIDERE_REGISTRY_REMOVED, &told);
        s_feed (client, DIVIDERE_REGISTRY_REMOVED, &told);
    }
    s_call (client, 0);
    dividere_client_destroy (&client);
    answering_stop (&one);
}
