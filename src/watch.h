/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_WATCH_H
#define DIVIDERE_WATCH_H

#include <stdbool.h>

/*  What a watched connector and the monitor actor share: the sink of libzmq's
 *  events. libzmq sends them blocking from its I/O thread, so a sink must never
 *  go away before the socket has stopped telling: the last of the two sides to
 *  leave closes it, and a connector whose monitor is gone stops telling at its
 *  next call.                                                               */

typedef struct dividere_watch_t dividere_watch_t;

/*  One side leaves.                                                         */
void dividere_watch_leave (dividere_watch_t **self_p);

/*  The monitor's side: the socket to read, the connector's name.            */
void *dividere_watch_sink (dividere_watch_t *self);
const char *dividere_watch_name (const dividere_watch_t *self);

/*  True once the other side has left.                                       */
bool dividere_watch_abandoned (const dividere_watch_t *self);

#endif
