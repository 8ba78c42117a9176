/* SPDX-License-Identifier: Apache-2.0 */

/*  posix_spawn is sound in a process with threads, and tells why an executable
 *  could not be started. A pidfd tells the end of one process without a handler
 *  for SIGCHLD, which belongs to the application.                           */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "spawned.h"

#define THIS_PROGRAM "/proc/self/exe"
#define PATH_SIZE    4096

extern char **environ;

/*  An actor's thread blocks all signals, and the application may ignore some:
 *  the child starts with neither.                                            */
static void
s_init_attributes (posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset (&none);
    sigfillset (&all);
    posix_spawnattr_init (attributes);
    posix_spawnattr_setsigmask (attributes, &none);
    posix_spawnattr_setsigdefault (attributes, &all);
    posix_spawnattr_setflags (attributes,
                              POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/*  Not all descriptors of the application are closed by exec.               */
static void
s_init_actions (posix_spawn_file_actions_t *actions, int channel)
{
    posix_spawn_file_actions_init (actions);
    posix_spawn_file_actions_adddup2 (actions, channel, DIVIDERE_CHILD_CHANNEL);
    posix_spawn_file_actions_addclosefrom_np (actions,
                                              DIVIDERE_CHILD_CHANNEL + 1);
}

/*  0 or an errno.                                                           */
static int
s_spawn (const char *executable, const char *name, const char *security,
         int channel, pid_t *ret_pid)
{
    char program[PATH_SIZE];
    ssize_t length = readlink (THIS_PROGRAM, program, sizeof (program) - 1);
    program[length > 0 ? length : 0] = 0;
    const char *argv[] = { executable ? executable : program,
                           DIVIDERE_CHILD_MARK, name, security, NULL };
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    s_init_attributes (&attributes);
    s_init_actions (&actions, channel);
    int error = posix_spawn (ret_pid, executable ? executable : THIS_PROGRAM,
                             &actions, &attributes, (char **) argv, environ);
    posix_spawn_file_actions_destroy (&actions);
    posix_spawnattr_destroy (&attributes);
    return error;
}

/*  A child without a pidfd is of no use. It is ours until it is waited for, so
 *  the pid is its own; ECHILD: somebody else has waited for it.             */
static int
s_open_pidfd (pid_t pid)
{
    int pidfd = pidfd_open (pid, 0);
    if (pidfd >= 0)
        return pidfd;
    int error = errno;
    if (error != ESRCH) {
        kill (pid, SIGKILL);
        waitpid (pid, NULL, 0);
    }
    errno = error == ESRCH ? ECHILD : error;
    return -1;
}

int
dividere_spawn (const char *executable, const char *name, const char *security,
                dividere_spawned_t *ret_child)
{
    assert (name);
    assert (ret_child);
    int ends[2];
    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                    ends) < 0)
        return -1;
    dividere_spawned_t child = { .channel = ends[0] };
    int error = s_spawn (executable, name, security, ends[1], &child.pid);
    if (!error && (child.pidfd = s_open_pidfd (child.pid)) < 0)
        error = errno;
    close (ends[1]);
    if (error) {
        close (ends[0]);
        errno = error;
        return -1;
    }
    *ret_child = child;
    return 0;
}

void
dividere_spawned_signal (const dividere_spawned_t *self, int signal)
{
    pidfd_send_signal (self->pidfd, signal, NULL, 0);
}

static void
s_describe (dividere_exit_t *self)
{
    const char *name = sigdescr_np (self->signal);
    if (!self->known)
        snprintf (self->text, sizeof (self->text),
                  "ended; somebody else waited for it");
    else if (self->signal)
        snprintf (self->text, sizeof (self->text), "killed by signal %d (%s)",
                  self->signal, name ? name : "of real time");
    else
        snprintf (self->text, sizeof (self->text), "exited with status %d",
                  self->status);
}

/*  ECHILD: the application ignores SIGCHLD, or waits for any child.         */
bool
dividere_spawned_reap (const dividere_spawned_t *self,
                       dividere_exit_t *ret_exit)
{
    siginfo_t info = { 0 };
    dividere_exit_t ended = { .known = true };
    if (waitid (P_PIDFD, (id_t) self->pidfd, &info, WEXITED | WNOHANG) < 0)
        ended.known = false;
    else if (info.si_pid == 0)
        return false;
    else if (info.si_code == CLD_EXITED)
        ended.status = info.si_status;
    else
        ended.signal = info.si_status;
    s_describe (&ended);
    *ret_exit = ended;
    return true;
}

void
dividere_spawned_close (dividere_spawned_t *self)
{
    dividere_exit_t ended;
    if (!dividere_spawned_reap (self, &ended)) {
        dividere_spawned_signal (self, SIGKILL);
        siginfo_t info;
        waitid (P_PIDFD, (id_t) self->pidfd, &info, WEXITED);
    }
    close (self->pidfd);
    if (self->channel >= 0)
        close (self->channel);
    *self = (dividere_spawned_t){ .pidfd = -1, .channel = -1 };
}

bool
dividere_spawn_is_child (void)
{
    char arguments[PATH_SIZE];
    int fd = open ("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read (fd, arguments, sizeof (arguments) - 1);
    if (fd >= 0)
        close (fd);
    if (size <= 0)
        return false;
    arguments[size] = 0;
    const char *second = arguments + strlen (arguments) + 1;
    return second < arguments + size &&
           strcmp (second, DIVIDERE_CHILD_MARK) == 0;
}
