/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ENDPOINT_H
#define DIVIDERE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

/*  One endpoint as text, checked before libzmq sees it: libzmq binds port
 *  99999 as 34463 and retries what can never work for ever.                 */

#define DIVIDERE_ENDPOINT_MAX 255

typedef enum {
    DIVIDERE_ENDPOINT_EITHER, /* the kind of the socket decides            */
    DIVIDERE_ENDPOINT_BIND,   /* it began with "@"                         */
    DIVIDERE_ENDPOINT_CONNECT /* it began with ">"                         */
} dividere_endpoint_role_t;

typedef struct {
    dividere_endpoint_role_t role;
    bool wildcard; /* the address holds a "*"                              */
    char address[DIVIDERE_ENDPOINT_MAX + 1]; /* without "@" or ">"        */
} dividere_endpoint_t;

/*  Reads the next endpoint of a list separated by commas and moves *list_p past
 *  it; spaces around an endpoint are ignored. Returns 1, 0 at the end of the
 *  list, or -1 with
 *    EINVAL           empty, too long, control characters or spaces inside, no
 *                     "://", for tcp: no host, no port, a port that is neither
 *                     1 to 65535 nor 0 nor "*"; for ipc: a path over 107 bytes
 *    EPROTONOSUPPORT  a transport other than tcp, ipc, inproc
 *  and *list_p unmoved. "tcp://[::1]:5555", "tcp://eth0:*",
 *  "tcp://source:0;host:5555" and "ipc://@abstract" are all fine.           */
int dividere_endpoint_next (const char **list_p, dividere_endpoint_t *ret);

/*  Where and what: whether the address can be bound and connected is checked
 *  further by role: a "*" host or port cannot be connected. EINVAL.         */
int dividere_endpoint_check (const dividere_endpoint_t *self, bool bind);

#endif
