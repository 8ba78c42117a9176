/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_RUNNING_H
#define DIVIDERE_RUNNING_H

#include <stdbool.h>
#include <sys/types.h>
#include <czmq.h>

/*  The running actors of this process. Inside and outside of an actor know one
 *  thing in common, the address of the pipe between them: that is its key.  */

typedef struct dividere_running_t {
    char *key;
    const char *name; /* the actor's                         */
    pid_t thread;
    _Atomic (const char *) activity; /* what it is calling; NULL: waiting   */
    struct dividere_running_t *next;
} dividere_running_t;

/*  The calling thread is an actor with this pipe.                           */
void dividere_running_add (dividere_running_t *self, zsock_t *pipe,
                           const char *name);
void dividere_running_remove (dividere_running_t *self);

/*  0 and the thread of the actor at the other end of a pipe; or -1 with
 *  ESRCH.                                                                    */
int dividere_running_thread (zactor_t *actor, pid_t *ret_thread);

/*  CZMQ's thread is detached and still closes its pipe after it has told its
 *  end: waits, up to limit_ms (-1: no limit), until the kernel does not know it
 *  any more.                                                                */
void dividere_running_join (pid_t thread, int limit_ms);

#endif
