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
 *  it; white space around an endpoint is ignored. Returns 1, 0 at the end of
 *  the list, or -1 with
 *    EINVAL           empty, too long, control characters or spaces inside, no
 *                     "://" or nothing after it; for tcp: no host, colons in it
 *                     without brackets, no port, a port that is neither 0 to
 *                     65535 without leading zeros nor "*"; for ipc: a path over
 *                     107 bytes, an abstract name that is empty
 *    EPROTONOSUPPORT  a transport other than tcp, ipc, inproc
 *  and *list_p unmoved. "tcp://[::1]:5555", "tcp://eth0:*",
 *  "tcp://source:0;host:5555" and "ipc://@abstract" are all fine.           */
int dividere_endpoint_next (const char **list_p, dividere_endpoint_t *ret);

/*  Reads text as exactly one endpoint. 0, or -1 as above.                   */
int dividere_endpoint_one (const char *text, dividere_endpoint_t *ret);

/*  The same without "@" or ">", which are EINVAL: the command says which.   */
int dividere_endpoint_bare (const char *text, dividere_endpoint_t *ret);

/*  What depends on the use: a "*" or port 0 cannot be connected to, an address
 *  with a source cannot be bound. Returns 0, or -1 with EINVAL.             */
int dividere_endpoint_check (const dividere_endpoint_t *self, bool bind);

#endif
