/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ATTACH_H
#define DIVIDERE_ATTACH_H

#include "endpoint.h"
#include "security.h"

/*  Binding and connecting sockets.                                          */

#define DIVIDERE_ADDRESS_MAX (DIVIDERE_ENDPOINT_MAX + 64)

/*  Checks the endpoint, binds or connects it, with security where there is any,
 *  and writes the address that was really bound or connected, of at most
 *  DIVIDERE_ADDRESS_MAX bytes. access: as for dividere_security_bind. The log
 *  names who could not, and what. 0, or -1 with EINVAL, EADDRINUSE (an ipc path
 *  where somebody listens, too), or an errno of dividere_security_bind, of
 *  dividere_security_connect, of zmq_bind, zmq_connect.                     */
int dividere_attach (void *handle, const char *who,
                     const dividere_endpoint_t *endpoint, bool bound,
                     const dividere_access_t *access, char *ret_address);

/*  zmq_connect with security. 0, or -1 with an errno of it or of
 *  dividere_security_connect.                                               */
int dividere_connect (void *handle, const char *address);

#endif
