/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ROUTE_INTERNAL_H
#define DIVIDERE_ROUTE_INTERNAL_H

#include <dividere/route.h>

/*  Frames below count are initialized, the others are not. A route of zeros is
 *  an empty one.                                                            */
struct dividere_route_t {
    size_t count;
    zmq_msg_t frames[DIVIDERE_ROUTE_MAX];
};

/*  Moves a frame to the end; it is left initialized and empty. ENOBUFS.     */
int dividere_route_take (dividere_route_t *self, zmq_msg_t *frame);

/*  Sends the frames, more to follow. On failure of the first nothing was sent;
 *  libzmq never fails a later frame for want of room.                       */
int dividere_route_send (const dividere_route_t *self, void *handle, int flags);

#endif
