/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_RUNNING_H
#define DIVIDERE_RUNNING_H

#include <stdbool.h>
#include <sys/types.h>
#include <czmq.h>

/*  The actors of this process. Inside and outside of an actor know one thing in
 *  common, the address of the pipe between them: that is its key. One that has
 *  ended stays in the list until it is forgotten, or its thread is gone and
 *  others come.                                                             */

typedef struct dividere_running_t {
    char *key;
    const char *name; /* the actor's; NULL: it has ended              */
    pid_t thread;
    _Atomic (const char *) activity; /* what it is calling; NULL: waiting   */
    struct dividere_running_t *next;
} dividere_running_t;

/*  The calling thread is an actor with this pipe. The entry is the list's, and
 *  not to be used after _remove.                                            */
dividere_running_t *dividere_running_add (zsock_t *pipe, const char *name);
void dividere_running_remove (dividere_running_t *self);

/*  0 and the thread of the actor at the other end of a pipe, which runs or has
 *  ended; or -1 with ESRCH.                                                 */
int dividere_running_thread (zactor_t *actor, pid_t *ret_thread);
int dividere_running_ended (zactor_t *actor, pid_t *ret_thread);

/*  Its thread need not be known any more.                                   */
void dividere_running_forget (zactor_t *actor);

/*  CZMQ's thread is detached and still closes its pipe after it has told its
 *  end: waits, up to limit_ms (-1: no limit), until the kernel does not know it
 *  any more.                                                                */
void dividere_running_join (pid_t thread, int limit_ms);

#endif
