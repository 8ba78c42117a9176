/* SPDX-License-Identifier: Apache-2.0 */

/*  How long it takes until actors are gone. A window makes and stops one after
 *  another; the longest counts.                                             */

#include "bench.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <dividere.h>
#include "load.h"
#include "relay.h"
#include "selftest.h"

#define PAYLOAD      16
#define BATCH        100
#define FLOODED_FROM 10000 /* messages handled                              */
#define PATIENCE_MS  1     /* of a sender that finds no room                */
#define ANY_PORT     "tcp://127.0.0.1:*"
#define NOWHERE      "tcp://127.0.0.1:9"

typedef struct {
    zactor_t *actor;
    char *frontend; /* where it receives                                    */
    char *backend;  /* of a proxy                                           */
    size_t handled;
    sem_t flooded;
    atomic_bool ended;
} stop_t;

static void
s_call (zactor_t *actor, const char *command, const char *first,
        const char *second)
{
    CHECK_INT (dividere_call (actor, NULL, SELFTEST_DEADLINE, command, first,
                              second, NULL),
               0);
}

static void
s_handled (stop_t *self)
{
    if (++self->handled == FLOODED_FROM)
        sem_post (&self->flooded);
}

static int
on_message (dividere_context_t *context, const Msg01 *message)
{
    stop_t *self = (stop_t *) dividere_context_user (context);
    if (self)
        s_handled (self);
    return 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Msg01, msg01, on_message),
    DIVIDERE_HANDLER_END,
};

static void
s_start_reactor (stop_t *self)
{
    dividere_reactor_config_t config = { .handlers = s_handlers, .user = self };
    self->actor = zactor_new (dividere_reactor, &config);
    self->frontend = load_add_source (self->actor, "dealer", "@" ANY_PORT);
    s_call (self->actor, "START", NULL, NULL);
}

static void
s_start_pattern (stop_t *self, const char *pattern)
{
    self->actor = zactor_new (dividere_proxy, NULL);
    s_call (self->actor, "SET", "pattern", pattern);
    self->frontend = relay_bind (self->actor, "frontend", ANY_PORT);
    self->backend = relay_bind (self->actor, "backend", ANY_PORT);
}

static void
s_start_router_dealer (stop_t *self)
{
    s_start_pattern (self, "router-dealer");
}

static void
s_start_xsub_xpub (stop_t *self)
{
    s_start_pattern (self, "xsub-xpub");
}

static void
s_start_pull_push (stop_t *self)
{
    s_start_pattern (self, "pull-push");
}

static void
s_start_monitor (stop_t *self)
{
    self->actor = zactor_new (dividere_monitor, NULL);
    s_call (self->actor, "PING", NULL, NULL);
}

static const dividere_reactor_config_t s_child = { .handlers = s_handlers };

const dividere_process_reactor_t bench_children[] = { { "child", &s_child },
                                                      { NULL, NULL } };

static void
s_start_supervisor (stop_t *self)
{
    static const char *const setup[] = { "ADD dealer @" ANY_PORT, "START",
                                         NULL };
    static const dividere_child_t children[] = {
        { .name = "child",
          .actor = dividere_reactor,
          .args = (void *) &s_child,
          .setup = setup },
        { NULL },
    };
    dividere_supervisor_config_t config = { .children = children };
    self->actor = zactor_new (dividere_supervisor, &config);
    s_call (self->actor, "START", NULL, NULL);
}

static void
s_start_process (stop_t *self)
{
    dividere_process_config_t config = { .reactor = "child" };
    self->actor = zactor_new (dividere_process, &config);
    s_call (self->actor, "ADD", "dealer", "@" ANY_PORT);
    s_call (self->actor, "START", NULL, NULL);
}

static void
s_start_broker (stop_t *self)
{
    self->actor = zactor_new (dividere_broker, NULL);
    self->frontend = relay_bind (self->actor, "frontend", ANY_PORT);
    self->backend = relay_bind (self->actor, "backend", ANY_PORT);
}

/*  Of a broker that is not there.                                           */
static void
s_start_worker (stop_t *self)
{
    static const dividere_worker_config_t config = { .handlers = s_handlers };
    self->actor = zactor_new (dividere_worker, (void *) &config);
    s_call (self->actor, "CONNECT", NOWHERE, NULL);
    s_call (self->actor, "START", NULL, NULL);
}

static void
s_start_name_server (stop_t *self)
{
    self->actor = zactor_new (dividere_nameserver, NULL);
    self->frontend = relay_bind (self->actor, "requests", ANY_PORT);
    self->backend = relay_bind (self->actor, "publish", ANY_PORT);
}

static void
s_start_service (stop_t *self)
{
    static const dividere_service_config_t config = { .handlers = s_handlers };
    self->actor = zactor_new (dividere_service, (void *) &config);
    s_call (self->actor, "SET", "name", "service");
    s_call (self->actor, "CONNECT", NOWHERE, NULL);
    s_call (self->actor, "BIND", ANY_PORT, NULL);
    s_call (self->actor, "START", NULL, NULL);
}

static double
s_stop (stop_t *self)
{
    double start = bench_now ();
    CHECK_INT (dividere_stop (&self->actor, SELFTEST_DEADLINE), 0);
    return bench_now () - start;
}

static void
s_init (stop_t *self)
{
    memset (self, 0, sizeof (*self));
    CHECK_INT (sem_init (&self->flooded, 0, 0), 0);
}

static void
s_term (stop_t *self)
{
    sem_destroy (&self->flooded);
    free (self->frontend);
    free (self->backend);
}

static void *
s_flood_reactor (void *args)
{
    stop_t *self = (stop_t *) args;
    load_t load;
    load_init (&load, PAYLOAD);
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.linger_ms = 0;
    dividere_connector_t *sender =
        dividere_dealer_new (self->frontend, &options);
    CHECK (sender);
    while (!self->ended)
        if (dividere_send_to (sender, NULL, &load.message.base, PATIENCE_MS) <
            0)
            CHECK_INT (errno, EAGAIN);
    dividere_connector_destroy (&sender);
    load_term (&load);
    return NULL;
}

static zsock_t *
s_dealer (const char *endpoint)
{
    zsock_t *dealer = zsock_new (ZMQ_DEALER);
    CHECK (dealer);
    zsock_set_linger (dealer, 0);
    zsock_set_sndtimeo (dealer, PATIENCE_MS);
    CHECK_INT (zsock_connect (dealer, "%s", endpoint), 0);
    return dealer;
}

/*  A worker takes what comes through the proxy.                             */
static void *
s_flood_proxy (void *args)
{
    stop_t *self = (stop_t *) args;
    zsock_t *client = s_dealer (self->frontend);
    zsock_t *worker = s_dealer (self->backend);
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    while (!self->ended) {
        int i = 0;
        while (i < BATCH && zmq_send (zsock_resolve (client), "", 0, 0) == 0)
            i++;
        while (zmq_msg_recv (&frame, zsock_resolve (worker), ZMQ_DONTWAIT) >= 0)
            if (!zmq_msg_more (&frame))
                s_handled (self);
    }
    zmq_msg_close (&frame);
    zsock_destroy (&worker);
    zsock_destroy (&client);
    return NULL;
}

typedef struct {
    void (*start) (stop_t *self);
    void *(*flood) (void *self); /* in a thread of its own; NULL: idle       */
} stopping_t;

static double
s_stop_one (const stopping_t *stopping)
{
    stop_t self;
    s_init (&self);
    stopping->start (&self);
    pthread_t thread;
    if (stopping->flood) {
        CHECK_INT (pthread_create (&thread, NULL, stopping->flood, &self), 0);
        while (sem_wait (&self.flooded) < 0)
            CHECK_INT (errno, EINTR);
    }
    double took = s_stop (&self);
    self.ended = true;
    if (stopping->flood)
        pthread_join (thread, NULL);
    s_term (&self);
    return took;
}

static double
s_longest (const void *args, double seconds)
{
    double end = bench_now () + seconds;
    double longest = 0;
    do {
        double took = s_stop_one ((const stopping_t *) args);
        if (took > longest)
            longest = took;
    }
    while (bench_now () < end);
    return longest;
}

static const struct {
    void (*start) (stop_t *self);
    int count;
} s_kinds[] = {
    { s_start_reactor, 20 },  { s_start_router_dealer, 8 },
    { s_start_xsub_xpub, 8 }, { s_start_pull_push, 8 },
    { s_start_monitor, 12 },  { s_start_supervisor, 8 },
    { s_start_process, 8 },   { s_start_broker, 7 },
    { s_start_worker, 7 },    { s_start_name_server, 7 },
    { s_start_service, 7 },
};
#define KIND_COUNT (sizeof (s_kinds) / sizeof (*s_kinds))
#define ACTORS     100

/*  All of them, one after another.                                          */
static double
s_stop_many (const void *args, double seconds)
{
    static stop_t actors[ACTORS];
    size_t count = 0;
    for (size_t i = 0; i < KIND_COUNT; i++)
        for (int j = 0; j < s_kinds[i].count; j++) {
            CHECK (count < ACTORS);
            s_init (&actors[count]);
            s_kinds[i].start (&actors[count++]);
        }
    double took = 0;
    for (size_t i = 0; i < count; i++)
        took += s_stop (&actors[i]);
    for (size_t i = 0; i < count; i++)
        s_term (&actors[i]);
    return took;
}

static const stopping_t s_idle_reactor = { s_start_reactor, NULL };
static const stopping_t s_flooded_reactor = { s_start_reactor,
                                              s_flood_reactor };
static const stopping_t s_idle_proxy = { s_start_router_dealer, NULL };
static const stopping_t s_flooded_proxy = { s_start_router_dealer,
                                            s_flood_proxy };

#define ROW(work, run, args, required, goal)                                \
    {                                                                       \
        work, "(absolute)", BENCH_LIMIT, { NULL }, { run, args }, required, \
            goal                                                            \
    }

const bench_row_t bench_stop_rows[] = {
    ROW ("stop of an idle reactor, longest", s_longest, &s_idle_reactor, 10e-3,
         1e-3),
    ROW ("stop of a flooded reactor, longest", s_longest, &s_flooded_reactor,
         50e-3, 10e-3),
    ROW ("stop of an idle proxy, longest", s_longest, &s_idle_proxy, 10e-3,
         1e-3),
    ROW ("stop of a flooded proxy, longest", s_longest, &s_flooded_proxy, 50e-3,
         10e-3),
    ROW ("stop of 100 actors of all kinds in a row", s_stop_many, NULL, 1, 0.1),
    BENCH_END,
};
