/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_NAME_RULES_H
#define DIVIDERE_NAME_RULES_H

#include <dividere/registry.h>
#include "name_error.h"

/*  What can be registered: checked by a name server, and before by who asks
 *  it.                                                                      */

#define DIVIDERE_NAME_MAX      255 /* bytes of a name                         */
#define DIVIDERE_SERVER_MAX    255
#define DIVIDERE_NAME_TAGS     32
#define DIVIDERE_NAME_METADATA 1024 /* bytes of release and tags, their NULs  */
                                    /* counted                               */

/*  BAD_NAME or OK.                                                          */
dividere_name_error_t dividere_name_check (const char *name);

/*  Of a name, a server and a port.                                          */
dividere_name_error_t dividere_name_check_place (const char *name,
                                                 const char *server, int port);

/*  Of all that an instance has. ret_metadata may be NULL: the bytes of release
 *  and tags.                                                                */
dividere_name_error_t dividere_name_check_instance (
    const dividere_instance_t *instance, size_t metadata_max,
    size_t *ret_metadata);

#endif
