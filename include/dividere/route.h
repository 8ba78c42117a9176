/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ROUTE_H
#define DIVIDERE_ROUTE_H

#include <stddef.h>
#include <zmq.h>
#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  The routing frames in front of a payload: whom it came through, and the way
 *  back. A reply travels with the route of its request.                     */

typedef struct dividere_route_t dividere_route_t;

/*  A message with more routing frames than this is dropped as malformed.    */
#define DIVIDERE_ROUTE_MAX 16

DIVIDERE_EXPORT dividere_route_t *dividere_route_new (void);
DIVIDERE_EXPORT void dividere_route_destroy (dividere_route_t **self_p);

/*  Appends a copy of size bytes, which may be 0: an empty frame. Returns 0, or
 *  -1 with ENOBUFS at DIVIDERE_ROUTE_MAX.                                   */
DIVIDERE_EXPORT int dividere_route_append (dividere_route_t *self,
                                           const void *data, size_t size);

/*  The copy shares the bytes of long frames; both routes then live on their
 *  own. What ret_route held is forgotten.                                   */
DIVIDERE_EXPORT void dividere_route_copy (const dividere_route_t *self,
                                          dividere_route_t *ret_route);

DIVIDERE_EXPORT void dividere_route_clear (dividere_route_t *self);
DIVIDERE_EXPORT size_t dividere_route_count (const dividere_route_t *self);

/*  Frame number index, from 0; NULL past the end. Valid until the route
 *  changes.                                                                 */
DIVIDERE_EXPORT const void *dividere_route_frame (const dividere_route_t *self,
                                                  size_t index,
                                                  size_t *ret_size);

#ifdef __cplusplus
}
#endif

#endif
