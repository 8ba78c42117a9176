/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BENCH_RELAY_H
#define DIVIDERE_BENCH_RELAY_H

#include <pthread.h>
#include <czmq.h>

/*  What stands between clients and workers: an actor with a frontend and a
 *  backend, or as the reference libzmq's own proxy. And sockets of the peers.
 *                                                                            */

#define RELAY_HWM           100000 /* no queue is ever full: that would drop  */
#define RELAY_ENDPOINT_SIZE 64

/*  Of libzmq, in a context of its own, since only the end of that ends it.  */
typedef struct {
    void *context;
    void *sockets[2]; /* frontend, backend                                 */
    char frontend[RELAY_ENDPOINT_SIZE];
    char backend[RELAY_ENDPOINT_SIZE];
    pthread_t thread;
} relay_t;

void relay_start (relay_t *self, int frontend, int backend);

/*  Ends with ETERM what other threads do with sockets of the context, which
 *  they must then close.                                                     */
void relay_stop (relay_t *self);

/*  Sockets that wait for messages as long as a test does.                   */
void *relay_socket (void *context, int type);
void *relay_connect (void *context, int type, const char *endpoint);

/*  Commands to an actor. The caller frees the endpoint that was bound.      */
void relay_set (zactor_t *actor, const char *name, int value);
char *relay_bind (zactor_t *actor, const char *side, const char *endpoint);

#endif
