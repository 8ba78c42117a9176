/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_ANSWERING_H
#define DIVIDERE_SELFTEST_ANSWERING_H

#include <stdbool.h>
#include <stdint.h>
#include <czmq.h>

/*  An instance of a service: a bare ROUTER in a thread of its own, that answers
 *  each request with its own payload.                                       */

typedef struct {
    zactor_t *actor;
    char *endpoint;
    int port;
    bool native;           /* it answers as one of this library              */
    _Atomic bool bound;    /* the endpoint is what it says                 */
    _Atomic bool mute;     /* it takes requests, and answers none            */
    _Atomic int received;  /* requests                                       */
    _Atomic int malformed; /* messages that were none                        */
    _Atomic int crowded;   /* came before the one before was answered        */
} answering_t;

/*  At a port of its own, or at the endpoint of one that has stopped.         */
void answering_start (answering_t *self, bool native);
void answering_restart (answering_t *self);

/*  Its connections break.                                                   */
void answering_kill (answering_t *self);

void answering_stop (answering_t *self);

#endif
