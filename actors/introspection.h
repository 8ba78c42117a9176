/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_INTROSPECTION_H
#define DIVIDERE_INTROSPECTION_H

#include <czmq.h>

/*  What an actor tells of itself to other processes, at a socket that is for
 *  nothing else (proto/dividere/introspection.proto). Questions never wait for
 *  anything, answers that an asker has no room for are dropped.             */

typedef struct dividere_introspection_t dividere_introspection_t;

/*  Appends names and values in turn, as the command STATS tells them.       */
typedef void (dividere_introspect_fn) (void *arg, zmsg_t *values);

/*  In the thread of the actor, which is there since then (zclock_mono). kind
 *  and name must outlive it. NULL with EMFILE.                              */
dividere_introspection_t *dividere_introspection_new (
    zloop_t *loop, const char *kind, const char *name, int64_t since_ms,
    dividere_introspect_fn *introspect, void *arg);
void dividere_introspection_destroy (dividere_introspection_t **self_p);

/*  Appends the endpoint that was bound to values. 0, or an errno of
 *  dividere_endpoint_one, dividere_attach.                                  */
int dividere_introspection_bind (dividere_introspection_t *self,
                                 const char *text, zmsg_t *values);

#endif
