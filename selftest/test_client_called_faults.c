/* SPDX-License-Identifier: Apache-2.0 */

/*  A client by name: what happens when instances and name servers fail.     */

#include "selftest.h"
#include <poll.h>
#include "serving.h"

void test_client_called_killed (void);
void test_client_called_strict (void);
void test_client_called_all_gone (void);
void test_client_called_unknown (void);
void test_client_called_silent (void);
void test_client_called_busy (void);
void test_client_called_hostile (void);
void test_client_called_no_names (void);
void test_client_called_two_names (void);
void test_client_called_descriptor (void);
void test_client_called_destroy (void);

typedef struct {
    named_t names;
    serving_t servings[2];
    dividere_client_t *client;
} setup_t;

/*  Both are there, and asked.                                               */
static void
s_start (setup_t *self, int attempt_ms)
{
    named_start (&self->names, NAMED_TCP, NULL);
    for (int i = 0; i < 2; i++) {
        serving_start (&self->servings[i], 100 + (uint64_t) i, 0);
        serving_register (&self->servings[i], &self->names);
    }
    self->client = serving_client (&self->names, attempt_ms);
    serving_reach (self->client, self->servings, 2);
}

static void
s_stop (setup_t *self)
{
    dividere_client_destroy (&self->client);
    for (int i = 0; i < 2; i++)
        serving_kill (&self->servings[i]);
    if (self->names.actor)
        named_stop (&self->names);
}

static void
s_send (dividere_client_t *client, int count,
        const dividere_request_options_t *options)
{
    for (int i = 0; i < count; i++)
        CHECK_INT (dividere_client_send_bytes (client, "ask", 3, options, NULL),
                   0);
}

/*  The next so many results; returns how many of them have this error.      */
static int
s_recv (dividere_client_t *client, int count, int error)
{
    int found = 0;
    dividere_message_t *reply = dividere_message_new ();
    dividere_result_t result;
    for (int i = 0; i < count; i++) {
        CHECK_INT (dividere_client_recv (client, reply, &result,
                                         SELFTEST_DEADLINE),
                   0);
        found += result.error == error;
    }
    dividere_message_destroy (&reply);
    return found;
}

/*  What it had is answered by the other one.                                */
void
test_client_called_killed (void)
{
    setup_t self;
    s_start (&self, 0);
    serving_t *first = &self.servings[0];
    int before = first->received;
    first->mode = SERVING_HOLDS;
    s_send (self.client, 10, NULL);
    CHECK_EVENTUALLY (
        (dividere_client_process (self.client), first->received == before + 5));
    serving_kill (first);
    CHECK_INT (s_recv (self.client, 10, 0), 10);
    dividere_client_stats_t stats;
    dividere_client_stats (self.client, &stats);
    CHECK_INT (stats.retried, 5);
    CHECK_INT (stats.failed, 0);
    s_stop (&self);
}

/*  ... unless it is not to be executed twice.                               */
void
test_client_called_strict (void)
{
    setup_t self;
    dividere_request_options_t options = DIVIDERE_REQUEST_OPTIONS_INIT;
    options.strict = true;
    s_start (&self, 0);
    int before[2] = { self.servings[0].received, self.servings[1].received };
    self.servings[0].mode = SERVING_HOLDS;
    s_send (self.client, 10, &options);
    CHECK_EVENTUALLY ((dividere_client_process (self.client),
                       self.servings[0].received == before[0] + 5));
    serving_kill (&self.servings[0]);
    CHECK_INT (s_recv (self.client, 10, ENOTRECOVERABLE), 5);
    CHECK_INT (self.servings[1].received, before[1] + 5);
    s_stop (&self);
}

/*  The error tells whether there is nobody, or nobody to be reached.        */
void
test_client_called_all_gone (void)
{
    setup_t self;
    s_start (&self, 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2; i++)
            serving_kill (&self.servings[i]);
        CHECK_EVENTUALLY (serving_ask (self.client, 20) < 0 &&
                          errno == ENOTCONN);
        for (int i = 0; i < 2; i++)
            serving_unregister (&self.servings[i], &self.names);
        CHECK_EVENTUALLY (serving_ask (self.client, 20) < 0 &&
                          errno == EHOSTUNREACH);
        s_send (self.client, 10, NULL);
        for (int i = 0; i < 2; i++) {
            serving_start (&self.servings[i], 200 + (uint64_t) i, 0);
            serving_register (&self.servings[i], &self.names);
        }
        CHECK_INT (s_recv (self.client, 10, 0), 10);
        serving_reach (self.client, self.servings, 2);
    }
    s_stop (&self);
}

void
test_client_called_unknown (void)
{
    named_t names;
    named_start (&names, NAMED_TCP, NULL);
    dividere_client_t *client = serving_client (&names, 0);
    CHECK_EVENTUALLY (serving_ask (client, 20) < 0 && errno == EHOSTUNREACH);
    CHECK_INT (dividere_client_wait_connected (client, 0), -1);
    dividere_client_destroy (&client);
    /* Nobody to ask who that is.                                            */
    char *servers = serving_nameservers (&names, NULL);
    named_stop (&names);
    client = dividere_client_new_named (SERVING_NAME, servers, NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_INT (serving_ask (client, 50), -1);
        CHECK_INT (errno, ENOTCONN);
    }
    freen (servers);
    dividere_client_destroy (&client);
}

/*  One that does not answer costs one try now and then, not every other one. */
void
test_client_called_silent (void)
{
    setup_t self;
    s_start (&self, 100);
    int before = self.servings[0].received;
    self.servings[0].mode = SERVING_HOLDS;
    for (int i = 0; i < 100; i++)
        CHECK_INT (serving_ask (self.client, -1), self.servings[1].port);
    CHECK (self.servings[0].received > before);
    CHECK (self.servings[0].received < before + 25);
    self.servings[0].mode = SERVING_ANSWERS;
    serving_reach (self.client, self.servings, 2);
    s_stop (&self);
}

/*  What one is too busy for the other one gets.                             */
void
test_client_called_busy (void)
{
    setup_t self;
    s_start (&self, 0);
    self.servings[0].mode = SERVING_BUSY;
    for (int i = 0; i < 50; i++)
        CHECK_INT (serving_ask (self.client, -1), self.servings[1].port);
    s_send (self.client, 50, NULL);
    CHECK_INT (s_recv (self.client, 50, 0), 50);
    s_stop (&self);
}

void
test_client_called_hostile (void)
{
    setup_t self;
    s_start (&self, 100);
    self.servings[0].mode = SERVING_LIES;
    for (int i = 0; i < 20; i++)
        CHECK_INT (serving_ask (self.client, -1), self.servings[1].port);
    dividere_client_stats_t stats;
    dividere_client_stats (self.client, &stats);
    CHECK (stats.malformed > 0);
    CHECK_INT (stats.failed, 0);
    s_stop (&self);
}

/*  It goes on with those that it knows.                                     */
void
test_client_called_no_names (void)
{
    setup_t self;
    s_start (&self, 0);
    named_stop (&self.names);
    serving_reach (self.client, self.servings, 2);
    serving_kill (&self.servings[0]);
    for (int i = 0; i < 50; i++)
        CHECK_INT (serving_ask (self.client, -1), self.servings[1].port);
    serving_kill (&self.servings[1]);
    CHECK_INT (serving_ask (self.client, 50), -1);
    CHECK_INT (errno, ENOTCONN);
    /* And with one that is back.                                            */
    serving_start (&self.servings[1], 101, self.servings[1].port);
    CHECK_INT (serving_ask (self.client, -1), self.servings[1].port);
    s_stop (&self);
}

/*  Of two name servers one ends in the midst of calls: none of them fails.
 *  Then an instance comes that only the other one knows, and takes over.    */
void
test_client_called_two_names (void)
{
    enum { AT_A_TIME = 50 };
    named_t names[2];
    serving_t servings[2];
    for (int i = 0; i < 2; i++)
        named_start (&names[i], NAMED_TCP, NULL);
    for (int i = 0; i < 2; i++)
        serving_start (&servings[i], 100 + (uint64_t) i, 0);
    for (int i = 0; i < 2; i++)
        serving_register (&servings[0], &names[i]);
    char *servers = serving_nameservers (&names[0], &names[1]);
    dividere_client_t *client =
        dividere_client_new_named (SERVING_NAME, servers, NULL);
    CHECK (client);
    freen (servers);
    int calls = (int) selftest_scaled (10000) / AT_A_TIME * AT_A_TIME;
    for (int done = 0; done < calls; done += AT_A_TIME) {
        s_send (client, AT_A_TIME, NULL);
        CHECK_INT (s_recv (client, AT_A_TIME, 0), AT_A_TIME);
        if (done == calls / 2 / AT_A_TIME * AT_A_TIME)
            named_stop (&names[0]);
    }
    serving_register (&servings[1], &names[1]);
    serving_reach (client, servings, 2);
    serving_kill (&servings[0]);
    for (int i = 0; i < 50; i++)
        CHECK_INT (serving_ask (client, -1), servings[1].port);
    dividere_client_destroy (&client);
    serving_kill (&servings[1]);
    named_stop (&names[1]);
}

static size_t
s_poll (dividere_client_t *client)
{
    struct pollfd item = { dividere_client_fd (client), POLLIN, 0 };
    CHECK_INT (poll (&item, 1, SELFTEST_DEADLINE), 1);
    return dividere_client_process (client);
}

/*  A poll loop is told of all there is to do.                               */
void
test_client_called_descriptor (void)
{
    named_t names;
    serving_t serving;
    named_start (&names, NAMED_TCP, NULL);
    serving_start (&serving, 100, 0);
    dividere_client_t *client = serving_client (&names, 0);
    CHECK (dividere_client_fd (client) >= 0);
    for (int round = 0; round < 10; round++) {
        s_send (client, 5, NULL);
        if (round == 0)
            serving_register (&serving, &names);
        while (s_poll (client) < 5)
            ;
        CHECK_INT (s_recv (client, 5, 0), 5);
    }
    serving_kill (&serving);
    serving_start (&serving, 101, 0);
    serving_register (&serving, &names);
    s_send (client, 5, NULL);
    while (s_poll (client) < 5)
        ;
    CHECK_INT (s_recv (client, 5, 0), 5);
    dividere_client_destroy (&client);
    serving_kill (&serving);
    named_stop (&names);
}

/*  In whatever state it is.                                                 */
void
test_client_called_destroy (void)
{
    setup_t self;
    s_start (&self, 0);
    for (int i = 0; i < 2; i++)
        self.servings[i].mode = SERVING_HOLDS;
    s_send (self.client, 20, NULL);
    for (int i = 0; i < 20; i++) {
        dividere_client_t *client = serving_client (&self.names, 0);
        s_send (client, 20, NULL);
        for (int j = 0; j < i; j++)
            dividere_client_process (client);
        dividere_client_destroy (&client);
        CHECK (!client);
    }
    serving_unregister (&self.servings[0], &self.names);
    s_stop (&self);
}
