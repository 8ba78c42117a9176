/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SUBSCRIPTIONS_H
#define DIVIDERE_SUBSCRIPTIONS_H

#include <stddef.h>
#include <stdint.h>

/*  What an XPUB has been told by its subscribers: topic -> how many of them
 *  want it. Peers make it grow, so it is bounded.                           */

typedef struct dividere_subscriptions_t dividere_subscriptions_t;

/*  At most topics_max different topics are kept.                            */
dividere_subscriptions_t *dividere_subscriptions_new (size_t topics_max);
void dividere_subscriptions_destroy (dividere_subscriptions_t **self_p);

/*  Takes one frame as XPUB delivers it: 1 or 0, then the topic. Returns 0, or
 *  -1 with EPROTO (not such a frame, or a topic over 1024 bytes), ENOBUFS
 *  (full: not counted), ENOENT (an end of what was not there, as after
 *  ENOBUFS).                                                                */
int dividere_subscriptions_feed (dividere_subscriptions_t *self,
                                 const void *frame, size_t size);

/*  Subscriptions that are a prefix of the topic, the empty one included. The
 *  cost depends on the length of the topic, not on how many there are.      */
size_t dividere_subscriptions_match (const dividere_subscriptions_t *self,
                                     const void *topic, size_t size);

/*  All subscriptions there are.                                             */
uint64_t dividere_subscriptions_total (const dividere_subscriptions_t *self);

#endif
