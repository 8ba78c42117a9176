/* SPDX-License-Identifier: Apache-2.0 */

#include "stoppable.h"
#include "control.h"
#include "process_support.h"
#include "selftest.h"
#include "test.pb-c.h"

#define MESSAGE_SIZE 4000 /* so that queues fill up soon                      */

void
rig_call (rig_t *rig, const char *command, const char *first,
          const char *second)
{
    CHECK_INT (dividere_call (rig->actor, NULL, SELFTEST_DEADLINE, command,
                              first, second, NULL),
               0);
}

atomic_size_t rig_refused;

static int
s_on_request (dividere_context_t *context, const TestMsg01 *message)
{
    if (dividere_context_reply (context, &message->base) < 0) {
        CHECK (errno == EAGAIN || errno == EHOSTUNREACH);
        rig_refused++;
    }
    return 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_request),
    DIVIDERE_HANDLER_END,
};

static const dividere_reactor_config_t s_config = { .handlers = s_handlers };

static void
s_start_reactor (rig_t *rig)
{
    rig->actor = zactor_new (dividere_reactor, (void *) &s_config);
    rig_call (rig, "ADD", "response", rig->frontend);
    rig_call (rig, "START", NULL, NULL);
}

/*  What floods it are the connections at a connector.                       */
static void
s_start_monitor (rig_t *rig)
{
    rig->actor = zactor_new (dividere_monitor, NULL);
    rig->watched = dividere_response_new (rig->frontend, NULL);
    CHECK (rig->watched);
    CHECK_INT (dividere_monitor_watch (rig->actor, rig->watched, "watched",
                                       SELFTEST_DEADLINE),
               0);
    rig_call (rig, "BIND", "events", rig->backend + 1);
}

static void
s_start_proxy (rig_t *rig)
{
    rig->actor = zactor_new (dividere_proxy, NULL);
    rig_call (rig, "SET", "pattern", rig->kind->pattern);
    rig_call (rig, "SET", "linger",
              STOPPABLE_LINGER); /* The default is only longer.  */
    rig_call (rig, "BIND", "frontend", rig->frontend + 1);
    rig_call (rig, "BIND", "backend", rig->backend + 1);
}

static void
s_start_supervisor (rig_t *rig)
{
    snprintf (rig->source, sizeof (rig->source), "ADD response %.200s",
              rig->frontend);
    rig->setup[0] = rig->source;
    rig->setup[1] = "START";
    rig->children[0] = (dividere_child_t){ .name = "child",
                                           .actor = dividere_reactor,
                                           .args = (void *) &s_config,
                                           .setup = rig->setup };
    dividere_supervisor_config_t config = { .children = rig->children };
    rig->actor = zactor_new (dividere_supervisor, &config);
    rig_call (rig, "START", NULL, NULL);
}

static void
s_start_process (rig_t *rig)
{
    rig->actor = process_new ("obedient");
    rig_call (rig, "ADD", "response", rig->frontend);
    process_start (rig->actor, NULL);
}

static void
s_start_broker (rig_t *rig)
{
    rig->actor = zactor_new (dividere_broker, NULL);
    rig_call (rig, "SET", "linger", STOPPABLE_LINGER);
    rig_call (rig, "BIND", "frontend", rig->frontend + 1);
    rig_call (rig, "BIND", "backend", rig->backend + 1);
}

/*  Of a broker that is not there.                                           */
static void
s_start_worker (rig_t *rig)
{
    static const dividere_worker_config_t s_worker = { .handlers = s_handlers };
    rig->actor = zactor_new (dividere_worker, (void *) &s_worker);
    rig_call (rig, "CONNECT", rig->backend + 1, NULL);
    rig_call (rig, "START", NULL, NULL);
}

static void
s_start_name_server (rig_t *rig)
{
    rig->actor = zactor_new (dividere_nameserver, NULL);
    rig_call (rig, "BIND", "requests", rig->frontend + 1);
    rig_call (rig, "BIND", "publish", rig->backend + 1);
}

static void
s_start_service (rig_t *rig)
{
    static const dividere_service_config_t s_service = { .handlers =
                                                             s_handlers };
    rig->actor = zactor_new (dividere_service, (void *) &s_service);
    rig_call (rig, "SET", "name", "service");
    rig_call (rig, "BIND", rig->frontend + 1, NULL);
    rig_call (rig, "CONNECT", rig->backend + 1, "ipc://nowhere");
    rig_call (rig, "START", NULL, NULL);
}

static const kind_t s_kinds[] = {
    { "reactor", s_start_reactor, ZMQ_DEALER, -1, .pausable = true },
    { "monitor", s_start_monitor, -1, ZMQ_DEALER },
    { "router-dealer proxy", s_start_proxy, ZMQ_DEALER, ZMQ_DEALER,
      "router-dealer", .pausable = true, .blocking = true },
    { "xsub-xpub proxy", s_start_proxy, ZMQ_XPUB, ZMQ_SUB, "xsub-xpub",
      .pausable = true },
    { "pull-push proxy", s_start_proxy, ZMQ_PUSH, ZMQ_PULL, "pull-push",
      .pausable = true, .blocking = true },
    { "supervisor", s_start_supervisor, ZMQ_DEALER, -1 },
    { "process", s_start_process, ZMQ_DEALER, -1 },
    { "broker", s_start_broker, ZMQ_DEALER, -1, .pausable = true },
    { "worker", s_start_worker, -1, -1 },
    { "name server", s_start_name_server, ZMQ_DEALER, ZMQ_SUB,
      .lookups = true },
    { "service", s_start_service, ZMQ_DEALER, -1 },
};

const stoppable_share_t stoppable_shares[] = {
    { "reactor", 20 },
    { "monitor", 12 },
    { "router-dealer proxy", 8 },
    { "xsub-xpub proxy", 8 },
    { "pull-push proxy", 8 },
    { "supervisor", 8 },
    { "process", 8 },
    { "broker", 7 },
    { "worker", 7 },
    { "name server", 7 },
    { "service", 7 },
    { NULL, 0 },
};

const kind_t *
stoppable (const char *name)
{
    size_t i = 0;
    while (!streq (s_kinds[i].name, name))
        CHECK (++i < sizeof (s_kinds) / sizeof (*s_kinds));
    return &s_kinds[i];
}

static void
s_address (rig_t *rig, const char *name, char *ret_address)
{
    int length = snprintf (ret_address, sizeof (rig->frontend), "@ipc://%s/%s",
                           rig->folder, name);
    CHECK (length > 0 && (size_t) length < sizeof (rig->frontend));
}

/*  What floods it.                                                          */
static void
s_write (rig_t *self)
{
    char text[MESSAGE_SIZE + 1];
    memset (text, 'x', MESSAGE_SIZE);
    text[MESSAGE_SIZE] = 0;
    if (self->kind->lookups) {
        Dividere__Wire__ServiceLookupReq lookup =
            DIVIDERE__WIRE__SERVICE_LOOKUP_REQ__INIT;
        lookup.servicename = text;
        CHECK_INT (dividere_control_write (&lookup.base, &self->message), 0);
        return;
    }
    TestMsg01 message = TEST_MSG01__INIT;
    message.field1 = text;
    CHECK_INT (dividere_envelope_encode (&message.base, &self->message), 0);
}

void
rig_init (rig_t *self, const char *name)
{
    memset (self, 0, sizeof (*self));
    self->kind = stoppable (name);
    self->threads = selftest_threads ();
    self->fds = selftest_fds ();
    self->folder = selftest_folder ();
    s_address (self, "frontend", self->frontend);
    s_address (self, "backend", self->backend);
    s_address (self, "capture", self->capture);
    s_write (self);
    self->kind->start (self);
}
