/* SPDX-License-Identifier: Apache-2.0 */

/*  The command "dividere": components of the library as programs, for scripts
 *  and for other languages. Each subcommand is a file of its own.           */

#include "command.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <dividere/log.h>
#include <dividere/security.h>

static const command_t *const s_commands[] = {
    &command_bench,      &command_broker,   &command_call,   &command_doctor,
    &command_keygen,     &command_list,     &command_lookup, &command_metrics,
    &command_nameserver, &command_proxy,    &command_pub,    &command_record,
    &command_replay,     &command_selftest, &command_stats,  &command_sub,
    &command_top,        &command_version,  &command_watch
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

int
command_fail (const command_t *command, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    fprintf (stderr, "dividere %s: ", command->name);
    vfprintf (stderr, format, args);
    fprintf (stderr, "\n");
    va_end (args);
    return COMMAND_FAILED;
}

const char *
command_reason (int error)
{
    switch (error) {
    case EAGAIN:
    case ETIMEDOUT: return "no answer in time";
    case ENOTCONN: return "it cannot be reached";
    case EHOSTUNREACH: return "nobody has this name, or serves it";
    case EBUSY: return "it is at its limit";
    case EACCES: return "there is no right to it";
    case EPROTONOSUPPORT:
        return "only one side wants security, or the "
               "transport is not known";
    case EKEYREJECTED: return "it has another key";
    case EINVAL: return "it does not know this type, or cannot read it";
    case EOPNOTSUPP: return "it has no handler for this type";
    case ENOTRECOVERABLE: return "whether it was executed is not known";
    case ECONNRESET: return "the worker was lost";
    case ENOENT:
        return "the answer is of a type that is not known: give it "
               "by --proto or --descriptor";
    default: return zmq_strerror (error);
    }
}

dividere_client_t *
command_client (const command_t *command, const char *where,
                const char *servers, const dividere_client_options_t *options)
{
    dividere_client_t *client =
        strstr (where, "://")
            ? dividere_client_new (where, options)
            : dividere_client_new_named (where, servers, options);
    if (!client)
        command_fail (command, "%s: %s", where, zmq_strerror (errno));
    return client;
}

static void
s_ends (sigset_t *ends)
{
    sigemptyset (ends);
    sigaddset (ends, SIGINT);
    sigaddset (ends, SIGTERM);
}

void
command_allow_signals (void)
{
    sigset_t ends;
    s_ends (&ends);
    pthread_sigmask (SIG_UNBLOCK, &ends, NULL);
}

bool
command_wait (int64_t time_ns)
{
    const struct timespec time = { time_ns / 1000000000, time_ns % 1000000000 };
    sigset_t ends;
    s_ends (&ends);
    return sigtimedwait (&ends, NULL, &time) > 0;
}

bool
command_ended (void)
{
    return command_wait (0);
}

bool
command_again (int64_t *end_ms, int timeout_ms)
{
    if (errno != EAGAIN)
        return false;
    int64_t now_ms = zclock_mono ();
    if (!*end_ms)
        *end_ms = now_ms + timeout_ms;
    if (now_ms >= *end_ms)
        return false;
    poll (NULL, 0, 1);
    return true;
}

void
command_raise_descriptors (void)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
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
    s_ends (&ends);
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
        return command_version.run (1, argv);
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
