/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_REGISTRY_INTERNAL_H
#define DIVIDERE_REGISTRY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <dividere/registry.h>

/*  What an actor needs of a registry beside the public calls: nothing here
 *  waits. It goes on in dividere_registry_process.                          */

typedef enum {
    DIVIDERE_STANDING_CONNECTING,
    DIVIDERE_STANDING_REGISTERING,
    DIVIDERE_STANDING_REGISTERED,
    DIVIDERE_STANDING_REFUSED, /* and it tries again by and by              */
    DIVIDERE_STANDINGS
} dividere_standing_state_t;

/*  "connecting" and so on.                                                  */
const char *dividere_standing_state_name (dividere_standing_state_t state);

/*  How what is registered stands with one name server.                      */
typedef struct {
    const char *endpoint;            /* the registry's                      */
    dividere_standing_state_t state; /* the worst of all that is registered */
    int error;             /* of the last that failed; 0: none since then    */
    uint64_t renewals;     /* confirmed, after the first                     */
    uint64_t rediscovered; /* times it has called to register again          */
} dividere_registry_server_t;

/*  False: there are not so many.                                            */
bool dividere_registry_server (const dividere_registry_t *self, size_t index,
                               dividere_registry_server_t *ret);

/*  Keeps an instance registered from here on, which is copied. 0, or -1 with
 *  EINVAL, EALREADY.                                                        */
int dividere_registry_add (dividere_registry_t *self,
                           const dividere_instance_t *instance);

/*  Forgets all that it keeps registered, and takes it out of the name servers
 *  where it is; of these so many have not answered yet.                     */
void dividere_registry_withdraw (dividere_registry_t *self);
size_t dividere_registry_withdrawn (const dividere_registry_t *self);

#endif
