/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BENCH_FLOW_H
#define DIVIDERE_BENCH_FLOW_H

#include <stdbool.h>
#include <semaphore.h>
#include "load.h"

/*  A stream of messages from the thread that measures to another one.       */

typedef struct {
    bool inproc;  /* else tcp                                                */
    size_t size;  /* of the string in the message                            */
    bool secure;  /* with CURVE                                              */
    bool given;   /* objects are handed over                                 */
    size_t batch; /* of a publisher                                         */
} stream_t;

typedef void (flow_send_fn) (const load_t *load, void *sender, bool mark);

typedef struct {
    load_t load;
    char *address; /* for the receiver to bind                              */
    void *sender;  /* a socket of the kind that send takes; its owner's     */
    void *receiver;
    flow_send_fn *send;
    sem_t marked; /* posted by the receiver                                 */
    int marks;    /* the receiver's                                         */
} flow_t;

void flow_init (flow_t *self, const stream_t *stream);
void flow_term (flow_t *self);

/*  Sends for so many seconds, until the receiver has it all. Returns the
 *  messages per second, received as well as sent.                           */
double flow_pump (flow_t *self, double seconds);

/*  The same into a thread that is made for it and ends at the last mark.    */
double flow_pump_into (flow_t *self, void *(*receive) (void *), double seconds);

/*  A side of a row: typed messages; takes a stream_t.                       */
double flow_typed_side (const void *args, double seconds);

/*  The same from a publisher to a subscriber.                               */
double flow_published_side (const void *args, double seconds);

/*  For the receiver, at each mark. Returns false at the last.               */
bool flow_take_mark (flow_t *self);

#endif
