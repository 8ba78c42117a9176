/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_MONITOR_H
#define DIVIDERE_MONITOR_H

#include <czmq.h>
#include <dividere/actor.h>
#include <dividere/connector.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  Tells what happens at sockets: connected, accepted, disconnected, retried,
 *  handshake failed and why. One actor serves any number of connectors; one
 *  that is not watched costs nothing. Events go to the log (level info) and, as
 *  typed messages (dividere.SocketEvent, dividere/event.pb-c.h), to whoever
 *  connects a dealer or a PAIR to its events endpoint.
 *
 *      zactor_t *monitor = zactor_new (dividere_monitor, NULL);
 *      dividere_monitor_watch (monitor, publisher, "prices", -1);
 *
 *  command  arguments           values          errors
 *  BIND     events ENDPOINT     endpoint bound  EINVAL, EBUSY (bound already),
 *                                               those of zmq_bind
 *  LIST                         name ...
 *  and those of every actor (dividere/actor.h). STATS: watched, events,
 *  events_dropped (nobody connected to the events endpoint, or its queue of
 *  1,000 was full).
 *  Source: the monitor thread of connection.Connector.                      */
DIVIDERE_EXPORT void dividere_monitor (zsock_t *pipe, void *args);

/*  Watches a connector from here on, under a name for people. Call it in the
 *  connector's thread. A connector is watched until it is destroyed, unwatched,
 *  or watched by another; the monitor may be stopped first. Blocks up to
 *  timeout_ms (-1: no limit). Returns 0, or -1 with an errno of dividere_call,
 *  or EBUSY (the connector still awaits its connection), EMFILE.            */
DIVIDERE_EXPORT int dividere_monitor_watch (zactor_t *monitor,
                                            dividere_connector_t *connector,
                                            const char *name, int timeout_ms);
DIVIDERE_EXPORT void dividere_monitor_unwatch (dividere_connector_t *connector);

#ifdef __cplusplus
}
#endif

#endif
