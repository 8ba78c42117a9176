/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BENCH_ASKER_H
#define DIVIDERE_BENCH_ASKER_H

#include "load.h"
#include <dividere/message.h>

/*  Who asks, over whatever: so many requests are under way at a time, and each
 *  answer is followed by the next; or one at a time.                        */

#define ASKER_PAYLOAD 16 /* bytes of text in a request                        */

typedef struct {
    int in_flight;
    int sources; /* of the reactor; the first is asked                      */
} asker_shape_t;

typedef struct asker_t asker_t;
struct asker_t {
    load_t load;
    void *socket; /* of the kind that ask and answer take                   */
    void (*ask) (asker_t *self);
    void (*take_answer) (asker_t *self);
    dividere_route_t *route; /* one empty frame, as a request has            */
    dividere_message_t *answer;
};

/*  Requests per second, or for one in flight the median of the time of each. */
double asker_measure (asker_t *self, int in_flight, double seconds);

/*  A side of a row: typed requests to a reactor; takes an asker_shape_t.     */
double asker_reactor_side (const void *args, double seconds);

#endif
