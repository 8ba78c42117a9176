/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_EVENTS_H
#define DIVIDERE_EVENTS_H

#include <czmq.h>
#include <dividere/connector.h>

/*  What an actor has to tell on its own account goes to a socket of its own,
 *  never to the command pipe: a bound dealer, which sends typed messages to
 *  whoever connects.                                                        */

typedef struct {
    dividere_connector_t *connector; /* NULL until bound                    */
    uint64_t told;
    uint64_t dropped; /* nobody connected, or the queue of 1,000 was full   */
} dividere_events_t;

/*  The command BIND events ENDPOINT: 0, and the endpoint bound in values; or
 *  EINVAL, EBUSY (bound already), an errno of dividere_connector_new.       */
int dividere_events_bind (dividere_events_t *self, char **args, zmsg_t *values);

/*  Never blocks. Counts what it cannot send once there is an endpoint.      */
void dividere_events_tell (dividere_events_t *self,
                           const ProtobufCMessage *event);

void dividere_events_close (dividere_events_t *self);

#endif
