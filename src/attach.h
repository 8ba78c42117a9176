/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ATTACH_H
#define DIVIDERE_ATTACH_H

#include "endpoint.h"

/*  Binding and connecting sockets.                                          */

#define DIVIDERE_ADDRESS_MAX (DIVIDERE_ENDPOINT_MAX + 64)

/*  Checks the endpoint, binds or connects it, and writes the address that was
 *  really bound or connected, of at most DIVIDERE_ADDRESS_MAX bytes. The log
 *  names who could not, and what. 0, or -1 with EINVAL, EADDRINUSE (an ipc path
 *  where somebody listens, too), or an errno of zmq_bind, zmq_connect.      */
int dividere_attach (void *handle, const char *who,
                     const dividere_endpoint_t *endpoint, bool bound,
                     char *ret_address);

#endif
