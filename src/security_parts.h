/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SECURITY_PARTS_H
#define DIVIDERE_SECURITY_PARTS_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>
#include "keys_internal.h"
#include "security.h"

/*  What security.c, which loads folders and judges peers, and
 *  security_socket.c, which prepares sockets, have in common.               */

/*  The domain that a bound socket asks about: folder, rights, object.       */
#define DIVIDERE_DOMAIN "dividere %u %x %s"

typedef struct {
    char *pattern;
    bool prefix;
    char key[DIVIDERE_KEY_SIZE + 1];
} dividere_trusted_t;

typedef struct {
    dividere_trusted_t
        *all; /* ours                                                  */
    size_t count;
} dividere_trust_t;

/*  What a file looked like when it was read.                                */
typedef struct {
    struct timespec changed;
    off_t size;
    ino_t inode;
} dividere_mark_t;

struct dividere_security_t {
    dividere_security_t *next;
    unsigned id;
    char *folder;
    pthread_rwlock_t lock; /* of what follows                                */
    dividere_keys_t *keys;
    dividere_rights_t *rights;
    dividere_trust_t servers;
    dividere_mark_t rights_mark;
    dividere_mark_t servers_mark;
};

/*  This thread has bound or connected something that is not inproc.         */
void dividere_security_attach_here (void);

#endif
