/* SPDX-License-Identifier: Apache-2.0 */

/*  Between two marks, each confirmed by the receiver, lie the messages that
 *  count.                                                                   */

#include "flow.h"
#include <pthread.h>
#include "bench.h"
#include "selftest.h"

#define BATCH 64 /* sent between two looks at the clock                     */
#define MARKS 2

void
flow_init (flow_t *self, const stream_t *stream)
{
    memset (self, 0, sizeof (*self));
    load_init (&self->load, stream->size);
    self->address = zsys_sprintf ("@%s", stream->inproc ? selftest_inproc ()
                                                        : "tcp://127.0.0.1:*");
    CHECK_INT (sem_init (&self->marked, 0, 0), 0);
}

void
flow_term (flow_t *self)
{
    sem_destroy (&self->marked);
    free (self->address);
    load_term (&self->load);
}

static void
s_send_mark (flow_t *self)
{
    self->send (&self->load, self->sender, true);
    while (sem_wait (&self->marked) < 0)
        CHECK_INT (errno, EINTR);
}

double
flow_pump (flow_t *self, double seconds)
{
    s_send_mark (self);
    double start = bench_now ();
    size_t count = 0;
    do {
        for (int i = 0; i < BATCH; i++)
            self->send (&self->load, self->sender, false);
        count += BATCH;
    }
    while (bench_now () - start < seconds);
    s_send_mark (self);
    return (double) count / (bench_now () - start);
}

double
flow_pump_into (flow_t *self, void *(*receive) (void *), double seconds)
{
    pthread_t thread;
    CHECK_INT (pthread_create (&thread, NULL, receive, self), 0);
    double rate = flow_pump (self, seconds);
    pthread_join (thread, NULL);
    return rate;
}

bool
flow_take_mark (flow_t *self)
{
    self->marks++;
    sem_post (&self->marked);
    return self->marks < MARKS;
}
