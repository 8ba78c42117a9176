/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_PORT_H
#define DIVIDERE_PORT_H

#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  A TCP port that is held for somebody who will bind it later, such as a
 *  child process or a server of another library. While it is held, no other
 *  holder in any thread or process of this host is given the same number, and
 *  libzmq can bind it. Where you bind a socket yourself you need none of this:
 *  bind "tcp://127.0.0.1:*" and ask the connector for its endpoint.
 *  Source: connection.PortManager of the Python package.                    */

typedef struct dividere_port_t dividere_port_t;

/*  Ports of services.                                                       */
#define DIVIDERE_PORT_SERVICE_MIN 5101
#define DIVIDERE_PORT_SERVICE_MAX 6000

/*  Holds a free port of the system's choice (0, 0), or the lowest free one of
 *  a range. NULL with EADDRINUSE (none is free), EINVAL (not a range within 1
 *  to 65535), EACCES, EMFILE. Never blocks.                                 */
DIVIDERE_EXPORT dividere_port_t *dividere_port_new (int first, int last);

/*  The number is free for others from here on.                              */
DIVIDERE_EXPORT void dividere_port_destroy (dividere_port_t **self_p);

DIVIDERE_EXPORT int dividere_port_number (const dividere_port_t *self);

#ifdef __cplusplus
}
#endif

#endif
