/* SPDX-License-Identifier: Apache-2.0 */

/*  Client, name server and service, each in C or in Python (peers/names_*.py,
 *  which share no code with this library, and end with an error where what
 *  comes is more than the Python package survives).                         */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include "employed.h"
#include "named.h"
#include "peer.h"
#include "test.pb-c.h"
#include "vectors.h"

void test_names_matrix (void);
void test_names_matrix_python (void);
void test_names_mute (void);
void test_names_rediscovered (void);
void test_names_unknown_python (void);

#define LIMIT_MS 10000
#define REQUESTS 20
#define VECTOR   (&s_vectors[0])

/*  The name server.                                                         */
typedef struct {
    named_t c;
    peer_t *python;
    char requests[100];
    char publish[100];
    char servers[201]; /* for a registry                                     */
} names_t;

static void
s_names_start (names_t *self, bool python, const char *const *settings)
{
    memset (self, 0, sizeof (*self));
    if (python) {
        self->python = peer_new ("names_server.py", (const char *[]){ NULL });
        CHECK_INT (sscanf (peer_endpoint (self->python), "%99s %99s",
                           self->requests, self->publish),
                   2);
    }
    else {
        named_start (&self->c, NAMED_TCP, settings);
        snprintf (self->requests, 100, "%s", self->c.requests);
        snprintf (self->publish, 100, "%s", self->c.publish);
    }
    snprintf (self->servers, sizeof (self->servers), "%s|%s", self->requests,
              self->publish);
}

/*  A name server in Python tells what it was asked, which is not read.      */
static void
s_names_stop (names_t *self)
{
    if (self->python) {
        peer_close (self->python);
        while (peer_line (self->python))
            ;
        peer_destroy (&self->python);
    }
    else
        named_stop (&self->c);
}

static int
s_on_message (dividere_context_t *context, const void *message)
{
    return dividere_context_reply (context,
                                   dividere_message_object (
                                       dividere_context_message (context)));
}

typedef struct {
    zactor_t *c;
    peer_t *python;
} service_t;

static void
s_service_start (service_t *self, bool python, const names_t *names)
{
    static dividere_handler_t s_handlers[2];
    static dividere_service_config_t s_config = { .handlers = s_handlers };
    memset (self, 0, sizeof (*self));
    if (python) {
        self->python = peer_new ("names_service.py",
                                 (const char *[]){ "clock", names->requests,
                                                   names->publish, NULL });
        CHECK_STR (peer_line (self->python), "registered 1");
        return;
    }
    s_handlers[0] = (dividere_handler_t){ dividere_types_find (VECTOR->type),
                                          s_on_message, "s_on_message" };
    self->c = zactor_new (dividere_service, &s_config);
    CHECK_INT (dividere_call (self->c, NULL, LIMIT_MS, "SET", "name", "clock",
                              NULL),
               0);
    CHECK_INT (dividere_call (self->c, NULL, LIMIT_MS, "BIND", NAMED_TCP, NULL),
               0);
    CHECK_INT (dividere_call (self->c, NULL, LIMIT_MS, "CONNECT",
                              names->requests, names->publish, NULL),
               0);
    CHECK_INT (dividere_call (self->c, NULL, LIMIT_MS, "START", NULL), 0);
    while (employed_stat (self->c, "registered") < 1)
        ;
}

static void
s_service_stop (service_t *self)
{
    if (self->c) {
        CHECK_INT (dividere_stop (&self->c, LIMIT_MS), 0);
        return;
    }
    peer_close (self->python);
    bool left = false;
    for (const char *line; (line = peer_line (self->python));)
        left |= streq (line, "left");
    CHECK (left);
    peer_destroy (&self->python);
}

static void
s_ask_from_python (const names_t *names)
{
    peer_t *client =
        peer_new ("names_client.py", (const char *[]){ names->requests, NULL });
    for (int i = 0; i < REQUESTS; i++) {
        peer_send (client, VECTOR, "clock");
        peer_expect (client, VECTOR);
    }
    peer_tell (client, "nobody");
    CHECK_STR (peer_line (client), "unavailable");
    peer_close (client);
    peer_destroy (&client);
}

static void
s_ask_from_c (const names_t *names)
{
    dividere_client_t *client =
        dividere_client_new_named ("clock", names->servers, NULL);
    CHECK (client);
    dividere_message_t *reply = dividere_message_new ();
    size_t size;
    uint8_t *payload = vector_payload (VECTOR, &size);
    ProtobufCMessage *request =
        protobuf_c_message_unpack (dividere_types_find (VECTOR->type), NULL,
                                   size, payload);
    CHECK (request);
    for (int i = 0; i < REQUESTS; i++) {
        CHECK_INT (dividere_client_request (client, request, NULL, reply), 0);
        CHECK (vector_matches (VECTOR, dividere_message_data (reply),
                               dividere_message_size (reply)));
    }
    protobuf_c_message_free_unpacked (request, NULL);
    free (payload);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
}

static void
s_check_cast (bool names_python, bool service_python, bool client_python)
{
    selftest_note ("name server in %s, service in %s, client in %s",
                   names_python ? "Python" : "C",
                   service_python ? "Python" : "C",
                   client_python ? "Python" : "C");
    names_t names;
    service_t service;
    s_names_start (&names, names_python, NULL);
    s_service_start (&service, service_python, &names);
    (client_python ? s_ask_from_python : s_ask_from_c) (&names);
    s_service_stop (&service);
    s_names_stop (&names);
}

void
test_names_matrix (void)
{
    vector_register_types ();
    for (int i = 0; i < 4; i++)
        s_check_cast (false, i & 1, i & 2);
}

void
test_names_matrix_python (void)
{
    vector_register_types ();
    for (int i = 0; i < 4; i++)
        s_check_cast (true, i & 1, i & 2);
}

/*  One that does not register again is gone after three rounds, one that does
 *  is not; nor is one that was killed.                                      */
void
test_names_mute (void)
{
    const char *const settings[] = { "rediscover", "100", NULL };
    names_t names;
    s_names_start (&names, false, settings);
    service_t alive;
    s_service_start (&alive, true, &names);
    peer_t *mute = peer_new ("names_service.py",
                             (const char *[]){ "mute", names.requests,
                                               names.publish, "mute", NULL });
    peer_t *killed = peer_new ("names_service.py",
                               (const char *[]){ "killed", names.requests,
                                                 names.publish, NULL });
    while (named_stat (&names.c, "instances") < 3)
        ;
    peer_kill (&killed);
    while (named_stat (&names.c, "instances") > 1)
        ;
    CHECK_INT (named_stat (&names.c, "expired"), 2);
    CHECK_INT (named_command (&names.c, "LIST", "clock", NULL), 0);
    CHECK_FAILS (named_command (&names.c, "LIST", "killed", NULL), ENOENT);
    peer_kill (&mute);
    s_service_stop (&alive);
    CHECK_INT (named_stat (&names.c, "instances"), 0);
    s_names_stop (&names);
}

/*  A service in Python finds its way back into a name server that has started
 *  anew, long before the next round.                                        */
void
test_names_rediscovered (void)
{
    const char *const settings[] = { "rediscover", "3600000", NULL };
    names_t names;
    s_names_start (&names, false, settings);
    service_t service;
    s_service_start (&service, true, &names);
    /* It is called at once; with a request under way it would not survive.  */
    CHECK_STR (peer_line (service.python), "registered 2");
    named_restart (&names.c, settings);
    while (named_stat (&names.c, "instances") < 1)
        ;
    s_service_stop (&service);
    s_names_stop (&names);
}

/*  One in Python ends at an unregistration of what it does not know.        */
void
test_names_unknown_python (void)
{
    names_t names;
    s_names_start (&names, true, NULL);
    dividere_registry_t *registry = dividere_registry_new (names.servers);
    CHECK (registry);
    CHECK_FAILS (dividere_registry_lookup (registry, "clock", LIMIT_MS),
                 ENOENT);
    CHECK_FAILS (dividere_registry_unregister (registry, "clock", "127.0.0.1",
                                               7000, LIMIT_MS),
                 ENOENT);
    CHECK_FAILS (dividere_registry_list (registry, LIMIT_MS), ENOTSUP);
    dividere_instance_t instance = { .name = "clock", .port = 7000 };
    CHECK_INT (dividere_registry_register (registry, &instance, LIMIT_MS), 0);
    CHECK_INT (dividere_registry_watch (registry, "clock"), 0);
    dividere_registry_event_t event;
    CHECK_INT (dividere_registry_recv (registry, &event, LIMIT_MS), 0);
    CHECK_INT (event.kind, DIVIDERE_REGISTRY_ADDED);
    CHECK_INT (event.instance->port, 7000);
    CHECK (!event.instance->native);
    CHECK_INT (dividere_registry_unregister (registry, "clock", NULL, 7000,
                                             LIMIT_MS),
               0);
    do
        CHECK_INT (dividere_registry_recv (registry, &event, LIMIT_MS), 0);
    while (event.kind != DIVIDERE_REGISTRY_REMOVED);
    dividere_registry_destroy (&registry);
    s_names_stop (&names);
}
