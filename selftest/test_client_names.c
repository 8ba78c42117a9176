/* SPDX-License-Identifier: Apache-2.0 */

/*  A client by name, with name servers.                                     */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include <dividere/builtin.pb-c.h>
#include "answering.h"
#include "named.h"

void test_names_followed (void);
void test_names_unknown (void);
void test_names_server_down (void);
void test_names_one_of_two (void);
void test_names_plain (void);

#define SERVERS   2
#define INSTANCES 3

/*  Name servers, instances, who registers these, and a client by name.      */
typedef struct {
    named_t servers[SERVERS];
    answering_t instances[INSTANCES];
    size_t servers_count;
    dividere_registry_t *registrar;
    dividere_client_t *client;
    dividere_message_t *reply;
} street_t;

static void
s_start (street_t *self, size_t servers, int deadline_ms)
{
    *self = (street_t){ .servers_count = servers };
    char list[1000] = "";
    for (size_t i = 0; i < servers; i++) {
        named_start (&self->servers[i], NAMED_TCP, NULL);
        size_t used = strlen (list);
        snprintf (list + used, sizeof (list) - used, "%s%s|%s", i ? "," : "",
                  self->servers[i].requests, self->servers[i].publish);
    }
    for (int i = 0; i < INSTANCES; i++)
        answering_start (&self->instances[i], true);
    self->registrar = dividere_registry_new (list);
    CHECK (self->registrar);
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = deadline_ms;
    self->client = dividere_client_new_named ("clock", list, &options);
    CHECK (self->client);
    self->reply = dividere_message_new ();
}

static void
s_stop (street_t *self)
{
    dividere_message_destroy (&self->reply);
    dividere_client_destroy (&self->client);
    dividere_registry_destroy (&self->registrar);
    for (int i = 0; i < INSTANCES; i++)
        answering_stop (&self->instances[i]);
    for (size_t i = 0; i < self->servers_count; i++)
        if (self->servers[i].actor)
            named_stop (&self->servers[i]);
}

/*  With all name servers.                                                   */
static void
s_register (street_t *self, int instance)
{
    uint64_t before[SERVERS];
    for (size_t i = 0; i < self->servers_count; i++)
        before[i] = named_stat (&self->servers[i], "instances");
    dividere_instance_t what = { .name = "clock",
                                 .server = "127.0.0.1",
                                 .port = self->instances[instance].port,
                                 .lease_ms = -1 };
    CHECK_INT (dividere_registry_register (self->registrar, &what,
                                           SELFTEST_DEADLINE),
               0);
    for (size_t i = 0; i < self->servers_count; i++)
        CHECK_EVENTUALLY (
            (dividere_registry_process (self->registrar),
             named_stat (&self->servers[i], "instances") > before[i]));
}

static void
s_unregister (street_t *self, int instance)
{
    CHECK_INT (dividere_registry_unregister (self->registrar, "clock",
                                             "127.0.0.1",
                                             self->instances[instance].port,
                                             SELFTEST_DEADLINE),
               0);
}

static int
s_call (street_t *self)
{
    return dividere_client_request_bytes (self->client, "hello", 5, NULL,
                                          self->reply);
}

/*  Calls until an instance has got some.                                    */
static void
s_reach (street_t *self, int instance)
{
    int before = self->instances[instance].received;
    CHECK_EVENTUALLY (s_call (self) == 0 &&
                      self->instances[instance].received > before);
}

void
test_names_followed (void)
{
    street_t self;
    s_start (&self, 1, 60000);
    s_register (&self, 0);
    CHECK_INT (s_call (&self), 0);
    s_register (&self, 1);
    s_register (&self, 2);
    for (int i = 0; i < INSTANCES; i++)
        s_reach (&self, i);
    int before = self.instances[0].received;
    for (int i = 0; i < 300; i++)
        CHECK_INT (s_call (&self), 0);
    CHECK_INT (self.instances[0].received, before + 100);
    /* One leaves, and dies of it; one only dies.                            */
    s_unregister (&self, 0);
    answering_kill (&self.instances[0]);
    answering_kill (&self.instances[1]);
    for (int i = 0; i < 300; i++)
        CHECK_INT (s_call (&self), 0);
    answering_restart (&self.instances[1]);
    s_reach (&self, 1);
    s_stop (&self);
}

void
test_names_unknown (void)
{
    street_t self;
    s_start (&self, 1, 200);
    /* It may take longer than the first deadline to hear that.              */
    CHECK_EVENTUALLY (s_call (&self) < 0 && errno == EHOSTUNREACH);
    s_register (&self, 0);
    CHECK_EVENTUALLY (s_call (&self) == 0);
    s_unregister (&self, 0);
    answering_kill (&self.instances[0]);
    CHECK_EVENTUALLY (s_call (&self) < 0 && errno == EHOSTUNREACH);
    s_stop (&self);
}

/*  What is known is known, whoever is gone.                                 */
void
test_names_server_down (void)
{
    street_t self;
    s_start (&self, 1, 60000);
    for (int i = 0; i < INSTANCES; i++)
        s_register (&self, i);
    for (int i = 0; i < INSTANCES; i++)
        s_reach (&self, i);
    named_stop (&self.servers[0]);
    answering_kill (&self.instances[2]);
    int before = self.instances[0].received;
    for (int i = 0; i < 1000; i++)
        CHECK_INT (s_call (&self), 0);
    CHECK (self.instances[0].received > before + 400);
    s_stop (&self);
}

/*  One of two name servers goes in the middle, then an instance, and no call
 *  fails; and what comes after that is heard of.                            */
void
test_names_one_of_two (void)
{
    street_t self;
    s_start (&self, 2, 60000);
    s_register (&self, 0);
    s_register (&self, 1);
    int sent = 0, received = 0;
    while (received < 10000) {
        for (; sent < 10000 && sent - received < 100; sent++)
            CHECK_INT (dividere_client_send_bytes (self.client, "hello", 5,
                                                   NULL, NULL),
                       0);
        dividere_result_t result;
        CHECK_INT (dividere_client_recv (self.client, self.reply, &result,
                                         SELFTEST_DEADLINE),
                   0);
        CHECK_INT (result.error, 0);
        received++;
        if (received == 5000)
            named_stop (&self.servers[0]);
        if (received == 7000)
            answering_kill (&self.instances[1]);
    }
    dividere_instance_t what = { .name = "clock",
                                 .server = "127.0.0.1",
                                 .port = self.instances[2].port,
                                 .lease_ms = -1 };
    CHECK_INT (dividere_registry_register (self.registrar, &what,
                                           SELFTEST_DEADLINE),
               0);
    s_reach (&self, 2);
    s_stop (&self);
}

/*  A service of the Python package.                                         */
void
test_names_plain (void)
{
    street_t self;
    named_peer_t python;
    s_start (&self, 1, 60000);
    self.instances[0].native = false;
    named_connect (&python, ZMQ_REQ, self.servers[0].requests);
    CHECK (named_register (&python, "clock", self.instances[0].port));
    for (int i = 0; i < 100; i++)
        CHECK_INT (dividere_client_send_bytes (self.client, "hello", 5, NULL,
                                               NULL),
                   0);
    for (int i = 0; i < 100; i++) {
        dividere_result_t result;
        CHECK_INT (dividere_client_recv (self.client, self.reply, &result,
                                         SELFTEST_DEADLINE),
                   0);
        CHECK_INT (result.error, 0);
    }
    CHECK_INT (self.instances[0].crowded, 0);
    Dividere__Ping ping = DIVIDERE__PING__INIT;
    CHECK_FAILS (dividere_client_request (self.client, &ping.base, NULL,
                                          self.reply),
                 EOPNOTSUPP);
    CHECK_INT (self.instances[0].received, 100);
    named_disconnect (&python);
    s_stop (&self);
}
