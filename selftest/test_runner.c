/* SPDX-License-Identifier: Apache-2.0 */

/*  The runner itself: a failure fails, an unknown name fails, a list lists.  */

#include "selftest.h"
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

void test_runner (void);

static int
s_run (const char *option, const char *name)
{
    char *argv[] = { "dividere_selftest", (char *) option, (char *) name,
                     NULL };
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init (&actions);
    posix_spawn_file_actions_addopen (&actions, 1, "/dev/null", 1, 0);
    posix_spawn_file_actions_addopen (&actions, 2, "/dev/null", 1, 0);
    pid_t pid;
    CHECK_INT (posix_spawn (&pid, "/proc/self/exe", &actions, NULL, argv,
                            environ),
               0);
    posix_spawn_file_actions_destroy (&actions);
    int status;
    CHECK_INT (waitpid (pid, &status, 0), pid);
    CHECK (WIFEXITED (status));
    return WEXITSTATUS (status);
}

void
test_runner (void)
{
    CHECK_INT (s_run ("--test", "failing"), 1);
    CHECK_INT (s_run ("--test", "no such test"), 1);
    CHECK_INT (s_run ("--test", "leaking"), 1);
    CHECK_INT (s_run ("--no-such-option", NULL), 2);
    CHECK_INT (s_run ("--list", NULL), 0);
}
