/* SPDX-License-Identifier: Apache-2.0 */

/*  The service, with clients and name servers that fail, and when it is killed
 *  itself.                                                                  */

#include "selftest.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <czmq.h>
#include <dividere.h>
#include "employed.h"
#include "extension.h"
#include "named.h"
#include "process_support.h"

void test_service_vanished (void);
void test_service_unread (void);
void test_service_repeated (void);
void test_service_late (void);
void test_service_no_names (void);
void test_process_service_killed (void);
void test_process_service_survived (void);

#define LIMIT_MS 10000
#define LARGE    100000 /* bytes of a request, and of its answer              */

typedef struct {
    employed_work_t work;
    zactor_t *actor;
    char *endpoint;
} service_t;

static void
s_start (service_t *self)
{
    employed_work_init (&self->work);
    dividere_service_config_t config = { .on_bytes = employed_on_bytes,
                                         .user = &self->work };
    self->actor = zactor_new (dividere_service, &config);
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (self->actor, NULL, LIMIT_MS, "SET", "name",
                              "clock", NULL),
               0);
    CHECK_INT (dividere_call (self->actor, NULL, LIMIT_MS, "BIND",
                              "tcp://127.0.0.1:*", NULL),
               0);
    CHECK_INT (dividere_call (self->actor, &reply, LIMIT_MS, "START", NULL), 0);
    self->endpoint = zmsg_popstr (reply);
    zmsg_destroy (&reply);
}

static void
s_stop (service_t *self)
{
    CHECK_INT (dividere_stop (&self->actor, SELFTEST_DEADLINE), 0);
    employed_work_term (&self->work);
    free (self->endpoint);
}

static void
s_await (const service_t *self, const char *name, uint64_t value)
{
    CHECK_EVENTUALLY (employed_stat (self->actor, name) >= value);
}

static void
s_check_serves (const service_t *self)
{
    dividere_client_t *client = dividere_client_new (self->endpoint, NULL);
    dividere_message_t *reply = dividere_message_new ();
    CHECK_INT (dividere_client_request_bytes (client, "hello", 5, NULL, reply),
               0);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
}

static zsock_t *
s_dealer (const service_t *self)
{
    zsock_t *dealer = zsock_new (ZMQ_DEALER);
    zsock_set_rcvhwm (dealer, 1);
    zsock_set_rcvbuf (dealer, 4096);
    zsock_set_rcvtimeo (dealer, SELFTEST_DEADLINE);
    zsock_set_sndtimeo (dealer, SELFTEST_DEADLINE);
    CHECK_INT (zsock_connect (dealer, "%s", self->endpoint), 0);
    return dealer;
}

/*  Like a client of this library.                                           */
static void
s_ask (zsock_t *dealer, uint64_t number, int64_t left_ms, const void *data,
       size_t size)
{
    const dividere_extension_t extension = { .id = { EMPLOYED_CLIENT, number },
                                             .left_ms = left_ms,
                                             .attempt = 1 };
    uint8_t bytes[DIVIDERE_EXTENSION_MAX];
    dividere_extension_write (&extension, bytes);
    void *handle = zsock_resolve (dealer);
    CHECK (zmq_send (handle, bytes, dividere_extension_size (&extension),
                     ZMQ_SNDMORE) >= 0);
    CHECK_INT (zmq_send (handle, "", 0, ZMQ_SNDMORE), 0);
    CHECK_INT (zmq_send (handle, data, size, 0), size);
}

/*  The next answer: its status.                                             */
static int
s_answer (zsock_t *dealer, uint64_t number)
{
    zmsg_t *message = zmsg_recv (dealer);
    CHECK (message);
    CHECK_INT (zmsg_size (message), 3);
    dividere_extension_t extension;
    zframe_t *first = zmsg_first (message);
    CHECK (dividere_extension_parse (zframe_data (first), zframe_size (first),
                                     &extension));
    CHECK_INT (extension.id.number, number);
    zmsg_destroy (&message);
    return extension.status;
}

/*  A client that is gone when its request is done. libzmq may take an answer
 *  for it shortly after.                                                    */
static bool
s_vanish (service_t *self)
{
    zsock_t *dealer = s_dealer (self);
    s_ask (dealer, 1, DIVIDERE_EXTENSION_NO_DEADLINE, "wait", 4);
    employed_await (&self->work);
    zsock_destroy (&dealer);
    sem_post (&self->work.gate);
    s_check_serves (self);
    return employed_stat (self->actor, "unroutable") > 0;
}

void
test_service_vanished (void)
{
    service_t self;
    s_start (&self);
    CHECK_INT (dividere_call (self.actor, NULL, LIMIT_MS, "SET", "window", "0",
                              NULL),
               0);
    CHECK_EVENTUALLY (s_vanish (&self));
    s_stop (&self);
}

/*  One that asks and asks and does not read: what it is owed has a limit, and
 *  others do not feel it.                                                   */
void
test_service_unread (void)
{
    selftest_losing = true;
    service_t self;
    s_start (&self);
    CHECK_INT (dividere_call (self.actor, NULL, LIMIT_MS, "SET", "reply_bytes",
                              "1000000", NULL),
               0);
    zsock_t *dealer = s_dealer (&self);
    char *large = (char *) zmalloc (LARGE);
    for (uint64_t i = 1; employed_stat (self.actor, "overflowed") == 0; i++)
        s_ask (dealer, i, DIVIDERE_EXTENSION_NO_DEADLINE, large, LARGE);
    s_check_serves (&self);
    free (large);
    zsock_destroy (&dealer);
    s_check_serves (&self);
    s_stop (&self);
}

/*  The same request again is executed once.                                 */
void
test_service_repeated (void)
{
    service_t self;
    s_start (&self);
    zsock_t *dealer = s_dealer (&self);
    for (int i = 0; i < 5; i++) {
        s_ask (dealer, 1, DIVIDERE_EXTENSION_NO_DEADLINE, "x", 1);
        CHECK_INT (s_answer (dealer, 1), DIVIDERE_STATUS_OK);
    }
    CHECK_INT (self.work.calls, 1);
    zsock_destroy (&dealer);
    s_stop (&self);
}

/*  What is over when its turn comes is not executed.                        */
void
test_service_late (void)
{
    service_t self;
    s_start (&self);
    zsock_t *dealer = s_dealer (&self);
    s_ask (dealer, 1, DIVIDERE_EXTENSION_NO_DEADLINE, "wait", 4);
    employed_await (&self.work);
    s_ask (dealer, 2, 1, "x", 1);
    s_await (&self, "waiting", 1);
    int64_t then = selftest_now_ms ();
    CHECK_EVENTUALLY (selftest_now_ms () > then + 1);
    sem_post (&self.work.gate);
    CHECK_INT (s_answer (dealer, 1), DIVIDERE_STATUS_OK);
    CHECK_INT (s_answer (dealer, 2), DIVIDERE_STATUS_EXPIRED);
    CHECK_INT (self.work.calls, 1);
    zsock_destroy (&dealer);
    s_stop (&self);
}

/*  It serves while there is no name server, and is found once there is one. */
void
test_service_no_names (void)
{
    const char *requests = selftest_tcp ();
    const char *publish = selftest_tcp ();
    service_t self;
    employed_work_init (&self.work);
    dividere_service_config_t config = { .on_bytes = employed_on_bytes,
                                         .user = &self.work };
    self.actor = zactor_new (dividere_service, &config);
    CHECK_INT (dividere_call (self.actor, NULL, LIMIT_MS, "SET", "name",
                              "clock", NULL),
               0);
    CHECK_INT (dividere_call (self.actor, NULL, LIMIT_MS, "CONNECT", requests,
                              publish, NULL),
               0);
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (self.actor, NULL, LIMIT_MS, "BIND",
                              "tcp://127.0.0.1:*", NULL),
               0);
    CHECK_INT (dividere_call (self.actor, &reply, LIMIT_MS, "START", NULL), 0);
    self.endpoint = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    s_check_serves (&self);
    CHECK_INT (employed_stat (self.actor, "registered"), 0);
    zactor_t *names = zactor_new (dividere_nameserver, NULL);
    CHECK_INT (dividere_call (names, NULL, LIMIT_MS, "BIND", "requests",
                              requests, NULL),
               0);
    CHECK_INT (dividere_call (names, NULL, LIMIT_MS, "BIND", "publish", publish,
                              NULL),
               0);
    s_await (&self, "registered", 1);
    s_stop (&self);
    CHECK_INT (dividere_stop (&names, SELFTEST_DEADLINE), 0);
}

/*  ---- Services in processes of their own ----                             */

typedef struct {
    pid_t pid;
    int output;
} child_t;

static void
s_child_start (child_t *self, const named_t *names, const char *lease)
{
    char *argv[] = { "dividere_selftest", "--test", "service_child", NULL };
    char line[300];
    setenv ("DIVIDERE_SELFTEST_LEASE", lease, 1);
    setenv ("DIVIDERE_SELFTEST_NAMES", names->requests, 1);
    setenv ("DIVIDERE_SELFTEST_PUBLISH", names->publish, 1);
    self->pid = process_spawn (argv, &self->output);
    process_read_line (self->output, line, sizeof (line));
}

static void
s_child_end (child_t *self, bool killed)
{
    int status;
    if (killed)
        CHECK_INT (kill (self->pid, SIGKILL), 0);
    close (self->output);
    CHECK_INT (waitpid (self->pid, &status, 0), self->pid);
    CHECK_INT (status, killed ? SIGKILL : 0);
}

static dividere_registry_event_t
s_event (dividere_registry_t *registry, dividere_registry_kind_t kind)
{
    dividere_registry_event_t event;
    do
        CHECK_INT (dividere_registry_recv (registry, &event, SELFTEST_DEADLINE),
                   0);
    while (event.kind != kind);
    return event;
}

/*  It is gone before something that was registered after its end, with a lease
 *  twice as long; and who watches is told.                                  */
void
test_process_service_killed (void)
{
    named_t names;
    child_t child;
    named_peer_t peer;
    named_start (&names, NAMED_TCP, NULL);
    named_connect (&peer, ZMQ_REQ, names.requests);
    char servers[600];
    snprintf (servers, sizeof (servers), "%s|%s", names.requests,
              names.publish);
    dividere_registry_t *registry = dividere_registry_new (servers);
    CHECK_INT (dividere_registry_watch (registry, NULL), 0);
    s_event (registry, DIVIDERE_REGISTRY_FRESH);
    s_child_start (&child, &names, "500");
    s_event (registry, DIVIDERE_REGISTRY_ADDED);
    CHECK_EVENTUALLY (named_stat (&names, "renewed") >= 3);
    s_child_end (&child, true);
    CHECK_INT (named_native (&peer, "witness", 1, 1, 1000, false), 0);
    s_event (registry, DIVIDERE_REGISTRY_ADDED);
    CHECK_STR (s_event (registry, DIVIDERE_REGISTRY_REMOVED).instance->name,
               "clock");
    CHECK_INT (named_stat (&names, "expired"), 1);
    CHECK_FAILS (dividere_registry_lookup (registry, "clock", LIMIT_MS),
                 ENOENT);
    CHECK_STR (s_event (registry, DIVIDERE_REGISTRY_REMOVED).instance->name,
               "witness");
    dividere_registry_destroy (&registry);
    named_disconnect (&peer);
    named_stop (&names);
}

/*  Two instances, of which one is killed or stopped again and again: a client
 *  by name notices nothing.                                                 */
void
test_process_service_survived (void)
{
    named_t names;
    child_t children[2];
    named_start (&names, NAMED_TCP, NULL);
    for (int i = 0; i < 2; i++)
        s_child_start (&children[i], &names, "300");
    char servers[600];
    snprintf (servers, sizeof (servers), "%s|%s", names.requests,
              names.publish);
    dividere_client_t *client =
        dividere_client_new_named ("clock", servers, NULL);
    dividere_message_t *reply = dividere_message_new ();
    size_t answered = 0;
    for (size_t round = 0; round < selftest_scaled (6); round++) {
        uint64_t registered = named_stat (&names, "registered");
        child_t *child = &children[round % 2];
        for (int i = 0; i < 1000; i++) {
            if (i == 500)
                s_child_end (child, round % 3 != 0);
            CHECK_INT (dividere_client_request_bytes (client, "hello", 5, NULL,
                                                      reply),
                       0);
            answered++;
        }
        s_child_start (child, &names, "300");
        CHECK_EVENTUALLY (named_stat (&names, "registered") > registered);
    }
    dividere_client_stats_t stats;
    dividere_client_stats (client, &stats);
    CHECK_INT (stats.answered, answered);
    CHECK_INT (stats.failed, 0);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    for (int i = 0; i < 2; i++)
        s_child_end (&children[i], false);
    CHECK_EVENTUALLY (named_stat (&names, "instances") == 0);
    named_stop (&names);
}
