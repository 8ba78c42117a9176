/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SPAWNED_H
#define DIVIDERE_SPAWNED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*  A child process that is an executable started anew, never a copy of this
 *  process: it has no thread, lock, signal mask or descriptor of the parent but
 *  standard input, output and error, and one end of a channel.              */

#define DIVIDERE_CHILD_MARK    "--dividere-child" /* argv [1] of a child     */
#define DIVIDERE_CHILD_CHANNEL 3                  /* its end of the channel  */

typedef struct {
    pid_t pid;   /* 0: none                                                 */
    int pidfd;   /* readable when the child has ended                       */
    int channel; /* our end (src/channel.h); -1: closed                     */
} dividere_spawned_t;

/*  Starts executable (NULL: this program, even if its file was replaced) with
 *  the arguments DIVIDERE_CHILD_MARK, name, and the folder of its security
 *  (NULL: none). Returns 0, or -1 with ENOENT, EACCES, ENOEXEC (the
 *  executable), EAGAIN (no more processes), EMFILE, ECHILD (it ended at once,
 *  and somebody else waited for it), or any of execve.                      */
int dividere_spawn (const char *executable, const char *name,
                    const char *security, dividere_spawned_t *ret_child);

/*  To this child and no other, even when its pid belongs to another by now. */
void dividere_spawned_signal (const dividere_spawned_t *self, int signal);

/*  How a child ended.                                                       */
typedef struct {
    bool known;    /* false: somebody else waited for it                    */
    int status;    /* of exit (), where signal is 0                         */
    int signal;    /* that killed it                                        */
    char text[64]; /* "killed by signal 11 (Segmentation fault)"            */
} dividere_exit_t;

/*  True and how, if the child has ended: it is no zombie any more.          */
bool dividere_spawned_reap (const dividere_spawned_t *self,
                            dividere_exit_t *ret_exit);

/*  Closes the descriptors. A child that has not ended is killed first.      */
void dividere_spawned_close (dividere_spawned_t *self);

/*  True if this process was started by dividere_spawn.                      */
bool dividere_spawn_is_child (void);

#endif
