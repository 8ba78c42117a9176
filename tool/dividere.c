/* SPDX-License-Identifier: Apache-2.0 */

/*  The command "dividere": components of the library as programs, for scripts
 *  and for other languages. Each subcommand is a file of its own.           */

#include "command.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <dividere/library.h>
#include <dividere/log.h>
#include <dividere/security.h>

static const command_t *const s_commands[] = {
    &command_broker, &command_keygen,     &command_list,
    &command_lookup, &command_nameserver, &command_proxy
};

#define COMMANDS (sizeof (s_commands) / sizeof (s_commands[0]))

int
command_secure (const command_t *command, const char *folder)
{
    if (!folder)
        return 0;
    if (dividere_log_level () < DIVIDERE_LOG_WARNING)
        dividere_log_set (DIVIDERE_LOG_WARNING, NULL, NULL);
    if (dividere_security_load (folder) == 0)
        return 0;
    fprintf (stderr, "dividere %s: --security %s: %s\n", command->name, folder,
             strerror (errno));
    return COMMAND_FAILED;
}

/*  A descriptor that was closed by the caller would become a socket's. Those
 *  put in its place cannot be used, which is then told as an error.         */
static void
s_hold_descriptors (void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl (fd, F_GETFD) < 0 &&
            open ("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            _exit (COMMAND_FAILED);
}

/*  Before there are threads, so that all inherit it.                        */
static void
s_hold_signals (void)
{
    sigset_t ends;
    sigemptyset (&ends);
    sigaddset (&ends, SIGINT);
    sigaddset (&ends, SIGTERM);
    pthread_sigmask (SIG_BLOCK, &ends, NULL);
    signal (SIGPIPE, SIG_IGN);
}

static int
s_usage (FILE *out, int status)
{
    fprintf (out, "usage: dividere COMMAND [OPTION]...\n"
                  "       dividere --help | --version\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf (out, "  %-12s  %s\n", s_commands[i]->name,
                 s_commands[i]->summary);
    fprintf (out, "\ndividere COMMAND --help tells its options\n");
    return status;
}

static int
s_version (void)
{
    int major, minor, patch;
    dividere_version (&major, &minor, &patch);
    printf ("dividere %d.%d.%d\n", major, minor, patch);
    return 0;
}

static int
s_run (const command_t *command, int argc, char **argv)
{
    char name[64];
    snprintf (name, sizeof (name), "dividere %s", command->name);
    argv[0] = name;
    return command->run (argc, argv);
}

static int
s_dispatch (int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (streq (word, "--help"))
        return s_usage (stdout, 0);
    if (streq (word, "--version"))
        return s_version ();
    for (size_t i = 0; i < COMMANDS; i++)
        if (streq (word, s_commands[i]->name))
            return s_run (s_commands[i], argc - 1, argv + 1);
    fprintf (stderr, "dividere: %s%s\n", *word ? "no such command: " : "",
             *word ? word : "which command?");
    return s_usage (stderr, COMMAND_USAGE);
}

int
main (int argc, char **argv)
{
    s_hold_descriptors ();
    s_hold_signals ();
    int status = s_dispatch (argc, argv);
    if (fflush (stdout) != 0 && status == 0) {
        fprintf (stderr, "dividere: stdout: %s\n", strerror (errno));
        return COMMAND_FAILED;
    }
    return status;
}
