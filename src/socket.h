/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SOCKET_H
#define DIVIDERE_SOCKET_H

#include <stdint.h>
#include <dividere/connector.h>
#include "route_internal.h"

/*  Waits for libzmq events until a deadline (-1: none) of zclock_mono. 0, or
 *  -1 with EAGAIN, EINTR, ETERM.                                            */
int dividere_socket_wait (void *handle, short events, int64_t deadline);

/*  Makes libzmq look at what peers have done meanwhile, and returns what it
 *  sees, ZMQ_POLLIN and ZMQ_POLLOUT: sending without waiting says EAGAIN by
 *  what it knew up to a millisecond ago.                                    */
int dividere_socket_events (void *handle);

/*  Sends by an XPUB with NODROP although some subscriber has no room: it is
 *  passed over. 0, or -1 with the errno of libzmq.                          */
int dividere_socket_publish (void *handle, zmq_msg_t *frame, int flags);

/*  now + timeout_ms, or -1.                                                 */
int64_t dividere_deadline (int timeout_ms);

/*  Sends route (or NULL) and frame as one message, waiting for room up to
 *  timeout_ms (-1: no limit). On failure nothing was sent.                  */
int dividere_socket_send (void *handle, const dividere_route_t *route,
                          zmq_msg_t *frame, int timeout_ms);

/*  All frames of the next message, without waiting. Returns how many there
 *  were, of which the first room are kept if that is all of them, else none; 0:
 *  there is no message.                                                     */
size_t dividere_socket_recv_all (void *handle, zmq_msg_t *frames, size_t room);

/*  Sets what all kinds of sockets have in common, and the limit on the size of
 *  a frame. 0 or -1 with the errno of libzmq.                               */
int dividere_socket_configure (void *handle,
                               const dividere_connector_options_t *options);

/*  Sets an int option. 0 or -1 with the errno of libzmq.                    */
int dividere_socket_set (void *handle, int option, int value);

/*  A ROUTER that tells when it cannot send, and where a peer whose connection
 *  broke without a word can come back under its name. 0 or -1 likewise.     */
int dividere_socket_set_router (void *handle);

/*  An XPUB that refuses what a subscriber has no room for, and ends connections
 *  that send what is too long for a subscription. 0 or -1 likewise.         */
int dividere_socket_set_publisher (void *handle);

#endif
