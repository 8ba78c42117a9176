/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SECURITY_INTERNAL_H
#define DIVIDERE_SECURITY_INTERNAL_H

#include <stdatomic.h>
#include <zmq.h>
#include <dividere/security.h>
#include "rights.h"

/*  A loaded folder, what a thread uses, and what a socket is told of it. What
 *  was loaded stays until the process ends; any thread may ask it.          */

typedef struct dividere_security_t dividere_security_t;

#define DIVIDERE_DOMAIN_MAX 2000

/*  Loads, or reads anew. NULL with an errno, and logged.                    */
dividere_security_t *dividere_security_open (const char *folder);

/*  Reads the files anew that have changed.                                  */
void dividere_security_refresh_all (void);

/*  What all sockets use, NULL: nothing; and what those of this thread use
 *  instead (NULL: no other), which may be DIVIDERE_SECURITY_PLAIN. That returns
 *  what it was before.                                                      */
void dividere_security_use (dividere_security_t *self);
dividere_security_t *dividere_security_use_here (dividere_security_t *self);
dividere_security_t *dividere_security_here (void);

/*  What a thread would use now, for dividere_security_use_here later: whoever
 *  makes sockets now and then keeps what there was at first.                */
dividere_security_t *dividere_security_keep (void);

/*  Has this thread bound or connected anything but inproc?                  */
bool dividere_security_attached_here (void);
extern dividere_security_t *const DIVIDERE_SECURITY_PLAIN;

const char *dividere_security_folder (const dividere_security_t *self);

/*  What a peer must be allowed to do, to be let in: one of these rights (bits)
 *  to an object; NULL: to any.                                              */
typedef struct {
    unsigned rights;
    const char *object;
} dividere_access_t;

#define DIVIDERE_ACCESS(name) (1u << DIVIDERE_RIGHT_##name)

/*  Prepares a socket for binding, or connecting, an address: all that it is not
 *  told again goes on as it is. access NULL: what the type of the socket asks
 *  for, at this address. Does nothing for inproc, or without security. -1 with
 *    EHOSTDOWN  nobody answers for security any more
 *    EACCES     the address is none of the servers
 *    ENOTSUP    libzmq does not do it                                        */
int dividere_security_bind (void *handle, const char *address,
                            const dividere_access_t *access);
int dividere_security_connect (void *handle, const char *address);

/*  For who answers for security: is running; what a domain asks of a key.   */
extern _Atomic bool dividere_security_running;

typedef enum {
    DIVIDERE_VERDICT_GOOD,
    DIVIDERE_VERDICT_UNKNOWN,
    DIVIDERE_VERDICT_DENIED,
    DIVIDERE_VERDICT_BROKEN
} dividere_verdict_t;

/*  ret_text: what is meant, for people.                                     */
dividere_verdict_t dividere_security_judge (const char *domain, const char *key,
                                            char ret_text[DIVIDERE_DOMAIN_MAX]);

/*  May a peer do this? self NULL: there is no security. key NULL: it is in this
 *  process, or a server that was connected to, whose key is known: the sockets
 *  let nobody else in.                                                      */
bool dividere_security_allows (dividere_security_t *self, const char *key,
                               dividere_right_t right, const char *object);

/*  The key of the peer that a frame came from; NULL: it has none. Valid for as
 *  long as the frame. The first frame from a ROUTER has none.               */
const char *dividere_security_key (zmq_msg_t *frame);

#endif
