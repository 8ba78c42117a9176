/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_SECURED_H
#define DIVIDERE_SELFTEST_SECURED_H

#include <dividere.h>

/*  A folder of security, whose owner is also the server that it knows, and some
 *  peers.                                                                   */

typedef struct {
    char *folder;
    dividere_keys_t *own;
} secured_t;

/*  Its own keys; it trusts the server that has those of another folder, or its
 *  own (NULL). It has no rights yet.                                        */
void secured_open (secured_t *self, const secured_t *server);
void secured_close (secured_t *self);

/*  Its file "rights" names all these (up to a NULL) peer0, peer1 ..., and goes
 *  on with these lines.                                                     */
void secured_rights (secured_t *self, const char *lines, ...);

/*  Overwrites one of its files; NULL: removes it.                           */
void secured_write (secured_t *self, const char *name, const char *text);

#endif
