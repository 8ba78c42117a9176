/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_INSTANCES_H
#define DIVIDERE_INSTANCES_H

#include <stdbool.h>
#include <stddef.h>
#include <dividere/registry.h>
#include "name_rules.h"

/*  Instances as values: checked, compared, copied, and lists of them.       */

#define DIVIDERE_INSTANCE_LEASE_MAX  (24 * 60 * 60 * 1000)
#define DIVIDERE_INSTANCE_METADATA   65536 /* release and tags              */
#define DIVIDERE_INSTANCES_MAX       2000000
#define DIVIDERE_INSTANCES_BYTES_MAX ((size_t) 1 << 30)

/*  1 to 255 bytes of UTF-8.                                                 */
bool dividere_name_valid (const char *name);

/*  Name, server, port and metadata can be.                                  */
bool dividere_instance_valid (const dividere_instance_t *instance);

/*  They are the same but for name, server and port.                         */
bool dividere_instance_alike (const dividere_instance_t *one,
                              const dividere_instance_t *other);

/*  A copy in one piece of memory, for free (). Of NULL, release is "", and tags
 *  are none.                                                                */
dividere_instance_t *dividere_instance_copy (
    const dividere_instance_t *instance, size_t *ret_size);

dividere_instances_t *dividere_instances_new (void);

/*  Adds a copy. -1 with ENOBUFS: it would be more than DIVIDERE_INSTANCES_MAX,
 *  or DIVIDERE_INSTANCES_BYTES_MAX.                                         */
int dividere_instances_add (dividere_instances_t *self,
                            const dividere_instance_t *instance);

/*  Makes one the caller's, for free (); the list has NULL in its place.     */
dividere_instance_t *dividere_instances_take (dividere_instances_t *self,
                                              size_t index);

/*  Moves all of another list behind those of this one, and destroys it. -1 with
 *  ENOBUFS: it would be too many, and both are as they were.                */
int dividere_instances_append (dividere_instances_t *self,
                               dividere_instances_t **other_p);

#endif
