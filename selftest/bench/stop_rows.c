/* SPDX-License-Identifier: Apache-2.0 */

/*  How long it takes until a reactor is gone. A window makes and stops one
 *  after another; the longest counts.                                       */

#include "bench.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <dividere.h>
#include "load.h"
#include "selftest.h"

#define PAYLOAD      16
#define FLOODED_FROM 10000 /* messages handled                              */
#define PATIENCE_MS  1     /* of a sender that finds no room                */

typedef struct {
    zactor_t *reactor;
    char *endpoint;
    size_t handled;
    sem_t flooded;
    atomic_bool ended;
} stop_t;

static int
on_message (dividere_context_t *context, const Msg01 *message)
{
    stop_t *self = (stop_t *) dividere_context_user (context);
    if (++self->handled == FLOODED_FROM)
        sem_post (&self->flooded);
    return 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Msg01, msg01, on_message),
    DIVIDERE_HANDLER_END,
};

static void
s_start (stop_t *self)
{
    memset (self, 0, sizeof (*self));
    CHECK_INT (sem_init (&self->flooded, 0, 0), 0);
    dividere_reactor_config_t config = { .handlers = s_handlers, .user = self };
    self->reactor = zactor_new (dividere_reactor, &config);
    self->endpoint =
        load_add_source (self->reactor, "dealer", "@tcp://127.0.0.1:*");
    CHECK_INT (dividere_call (self->reactor, NULL, -1, "START", NULL), 0);
}

static double
s_stop (stop_t *self)
{
    double start = bench_now ();
    CHECK_INT (dividere_stop (&self->reactor, SELFTEST_DEADLINE), 0);
    return bench_now () - start;
}

static void
s_term (stop_t *self)
{
    sem_destroy (&self->flooded);
    free (self->endpoint);
}

static double
s_stop_idle (void)
{
    stop_t self;
    s_start (&self);
    double took = s_stop (&self);
    s_term (&self);
    return took;
}

static void *
s_flood (void *args)
{
    stop_t *self = (stop_t *) args;
    load_t load;
    load_init (&load, PAYLOAD);
    dividere_options_t options = DIVIDERE_OPTIONS_INIT;
    options.linger_ms = 0;
    dividere_connector_t *sender =
        dividere_dealer_new (self->endpoint, &options);
    CHECK (sender);
    while (!self->ended)
        if (dividere_send_to (sender, NULL, &load.message.base, PATIENCE_MS) <
            0)
            CHECK_INT (errno, EAGAIN);
    dividere_connector_destroy (&sender);
    load_term (&load);
    return NULL;
}

static double
s_stop_flooded (void)
{
    stop_t self;
    s_start (&self);
    pthread_t thread;
    CHECK_INT (pthread_create (&thread, NULL, s_flood, &self), 0);
    while (sem_wait (&self.flooded) < 0)
        CHECK_INT (errno, EINTR);
    double took = s_stop (&self);
    self.ended = true;
    pthread_join (thread, NULL);
    s_term (&self);
    return took;
}

typedef double (stop_fn) (void);

typedef struct {
    stop_fn *once;
} stopping_t;

static double
s_longest (const void *args, double seconds)
{
    const stopping_t *stopping = (const stopping_t *) args;
    double end = bench_now () + seconds;
    double longest = 0;
    do {
        double took = stopping->once ();
        if (took > longest)
            longest = took;
    }
    while (bench_now () < end);
    return longest;
}

static const stopping_t s_idle = { s_stop_idle };
static const stopping_t s_flooded = { s_stop_flooded };

const bench_row_t bench_stop_rows[] = {
    { "stop of an idle reactor, longest",
      "(absolute)",
      BENCH_LIMIT,
      { NULL },
      { s_longest, &s_idle },
      10e-3,
      1e-3 },
    { "stop of a flooded reactor, longest",
      "(absolute)",
      BENCH_LIMIT,
      { NULL },
      { s_longest, &s_flooded },
      50e-3,
      10e-3 },
    BENCH_END,
};
