/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SELFTEST_SERVING_H
#define SELFTEST_SERVING_H

#include <stdbool.h>
#include <czmq.h>
#include <dividere/client.h>
#include "named.h"

/*  A name server, instances of one service that are made of bare sockets, each
 *  in a thread, and a client that asks for it by its name.                  */

#define SERVING_NAME "clock"

typedef enum {
    SERVING_ANSWERS, /* each request with its port                           */
    SERVING_HOLDS,   /* it receives, and does not answer                     */
    SERVING_BUSY,    /* it answers so                                        */
    SERVING_LIES     /* it answers whatever is no answer                     */
} serving_mode_t;

typedef struct {
    zactor_t *actor;
    _Atomic int port;
    uint64_t number; /* 0: it is as one of the Python package                */
    _Atomic int mode;
    _Atomic int received;
    _Atomic int crowded; /* requests that came before others were answered   */
} serving_t;

/*  At a free port, or (port) at this one.                                   */
void serving_start (serving_t *self, uint64_t number, int port);

/*  Its connections break, and what it has is never answered.                */
void serving_kill (serving_t *self);

/*  With a name server.                                                      */
void serving_register (const serving_t *self, const named_t *names);
void serving_unregister (const serving_t *self, const named_t *names);

/*  What a client asks where to find it; the caller's to free.               */
char *serving_nameservers (const named_t *first, const named_t *second);

/*  A client; tries of LONG_MS where attempt_ms is 0.                        */
dividere_client_t *serving_client (const named_t *names, int attempt_ms);

/*  Asks and waits; returns the port of who answered, or -1 with the error.  */
int serving_ask (dividere_client_t *client, int deadline_ms);

/*  Asks until each of these has been asked.                                 */
void serving_reach (dividere_client_t *client, serving_t *servings, int count);

#endif
