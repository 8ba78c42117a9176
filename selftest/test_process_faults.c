/* SPDX-License-Identifier: Apache-2.0 */

/*  The process reactor: children that crash, hang or are killed; a parent that
 *  is killed; stopping in every state.                                      */

#include "selftest.h"
#include "process_support.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "test.pb-c.h"

void test_process_restart_fails (void);
void test_process_gives_up (void);
void test_process_stuck (void);
void test_process_stop (void);
void test_process_killed (void);
void test_process_orphans (void);
void test_process_orphan_leaving (void);
void test_process_orphan_early (void);
void test_process_forgotten (void);
void test_process_parent (void);
void test_process_endless (void);

#define FOR_EVER "86400000"

static void
s_check_state (zactor_t *process, const char *state)
{
    process_status_t status = process_status (process);
    CHECK_STR (status.state, state);
}

static void
s_until_state (zactor_t *process, const char *state)
{
    CHECK_EVENTUALLY (strcmp (process_status (process).state, state) == 0);
}

/*  Somebody has taken the port, for a while.                                */
static void
s_check_taken_port (void)
{
    zactor_t *process = process_obedient ("dealer");
    process_set (process, "intensity", "1000");
    process_set (process, "backoff_max", "100");
    char endpoint[ENDPOINT_SIZE];
    pid_t pid = process_start (process, endpoint);
    zsock_t *thief = zsock_new (ZMQ_PAIR);
    do {
        CHECK_EVENTUALLY ((pid = process_status (process).pid) != 0);
        CHECK_INT (kill (pid, SIGKILL), 0);
        s_until_state (process, "waiting");
    }
    while (zsock_bind (thief, "%s", endpoint) < 0);
    CHECK_EVENTUALLY (
        strstr (process_status (process).reason, strerror (EADDRINUSE)));
    CHECK (process_status (process).restarts > 0);
    zsock_destroy (&thief);
    s_until_state (process, "ready");
    CHECK_INT (dividere_stop (&process, -1), 0);
    process_check_none ();
}

/*  The executable has gone meanwhile.                                       */
static void
s_check_lost_executable (void)
{
    char program[4096] = "";
    CHECK (readlink ("/proc/self/exe", program, sizeof (program) - 1) > 0);
    char *folder = selftest_folder ();
    char *path = zsys_sprintf ("%s/program", folder);
    CHECK_INT (symlink (program, path), 0);
    dividere_process_config_t config = { .reactor = "obedient",
                                         .executable = path };
    zactor_t *process = zactor_new (dividere_process, &config);
    process_set (process, "backoff", "1");
    process_set (process, "intensity", "2");
    process_set (process, "period", FOR_EVER);
    dividere_connector_t *events = process_events (process);
    pid_t pid = process_start (process, NULL);
    CHECK_INT (unlink (path), 0);
    CHECK_INT (rmdir (folder), 0);
    CHECK_INT (kill (pid, SIGKILL), 0);
    EVENT (events, STARTED);
    EVENT (events, READY);
    EVENT (events, EXITED);
    EVENT (events, RESTARTING);
    CHECK_STR (EVENT (events, RESTARTING)->reason,
               "cannot be started: No such file or directory");
    EVENT (events, GAVE_UP);
    CHECK_INT (dividere_stop (&process, -1), 0);
    dividere_connector_destroy (&events);
    free (path);
    free (folder);
}

void
test_process_restart_fails (void)
{
    s_check_taken_port ();
    s_check_lost_executable ();
}

/*  One restart more than allowed: the actor says so and ends.               */
void
test_process_gives_up (void)
{
    zactor_t *process = process_obedient ("dealer");
    process_set (process, "intensity", "2");
    process_set (process, "period", FOR_EVER);
    process_set (process, "backoff", "1");
    dividere_connector_t *events = process_events (process);
    pid_t pid = process_start (process, NULL);
    for (int i = 0; i <= 2; i++) {
        CHECK_INT (EVENT (events, STARTED)->pid,
                   i ? process_status (process).pid : pid);
        pid = EVENT (events, READY)->pid;
        CHECK_INT (kill (pid, SIGKILL), 0);
        CHECK_INT (EVENT (events, EXITED)->signal, SIGKILL);
        if (i < 2)
            CHECK_INT (EVENT (events, RESTARTING)->delay_ms, 1 << i);
    }
    const Dividere__ProcessEvent *event = EVENT (events, GAVE_UP);
    CHECK_INT (event->restarts, 2);
    CHECK_STR (event->reason, "killed by signal 9 (Killed)");
    char text[64];
    CHECK_EVENTUALLY (dividere_actor_activity (process, text, sizeof (text)) <
                      0);
    CHECK_INT (dividere_call (process, NULL, -1, "STATUS", NULL), -1);
    CHECK (errno == ETERM || errno == ESRCH);
    CHECK_INT (dividere_stop (&process, 0), 0);
    process_check_none ();
    dividere_connector_destroy (&events);
}

/*  A handler that does not return is ended by SIGTERM, and one that has made
 *  itself deaf to that by SIGKILL. This program, which ignores SIGTERM itself,
 *  does not hand that down.                                                 */
void
test_process_stuck (void)
{
    signal (SIGTERM, SIG_IGN);
    static const char *const s_orders[] = { "hang", "hang deaf" };
    static const int s_signals[] = { SIGTERM, SIGKILL };
    for (int i = 0; i < 2; i++) {
        zactor_t *process = process_obedient ("dealer");
        process_set (process, "stop_limit", "50");
        dividere_connector_t *events = process_events (process);
        char endpoint[ENDPOINT_SIZE];
        process_start (process, endpoint);
        dividere_connector_t *client = dividere_dealer_new (endpoint, NULL);
        CHECK (process_ask (client, "", NULL) > 0);
        process_order (client, s_orders[i], 0);
        /* It does not answer any more: it is in the handler.                */
        CHECK_EVENTUALLY (dividere_call (process, NULL, 10, "STATS", NULL) < 0);
        CHECK_INT (dividere_call (process, NULL, -1, "STOP", NULL), 0);
        EVENT (events, STARTED);
        EVENT (events, READY);
        CHECK_INT (EVENT (events, EXITED)->signal, s_signals[i]);
        s_check_state (process, "stopped");
        CHECK_INT (dividere_stop (&process, -1), 0);
        dividere_connector_destroy (&client);
        dividere_connector_destroy (&events);
    }
    process_check_none ();
    signal (SIGTERM, SIG_DFL);
}

static zactor_t *
s_starting (void)
{
    zactor_t *process = process_new ("stuck");
    process_set (process, "stop_limit", "20");
    CHECK_FAILS (dividere_call (process, NULL, 0, "START", NULL), ETIMEDOUT);
    s_check_state (process, "starting");
    return process;
}

static zactor_t *
s_waiting (void)
{
    zactor_t *process = process_obedient ("dealer");
    process_set (process, "backoff", FOR_EVER);
    process_set (process, "backoff_max", FOR_EVER);
    pid_t pid = process_start (process, NULL);
    CHECK_INT (kill (pid, SIGKILL), 0);
    s_until_state (process, "waiting");
    return process;
}

static zactor_t *
s_stopping (void)
{
    zactor_t *process = process_obedient ("dealer");
    process_set (process, "stop_limit", "250");
    char endpoint[ENDPOINT_SIZE];
    process_start (process, endpoint);
    dividere_connector_t *client = dividere_dealer_new (endpoint, NULL);
    process_order (client, "hang deaf", 0);
    CHECK_EVENTUALLY (dividere_call (process, NULL, 10, "STATS", NULL) < 0);
    CHECK_FAILS (dividere_call (process, NULL, 0, "STOP", NULL), ETIMEDOUT);
    CHECK (process_status (process).pid != 0);
    dividere_connector_destroy (&client);
    return process;
}

/*  STOP, dividere_stop and zactor_destroy in every state.                   */
void
test_process_stop (void)
{
    static zactor_t *(*const s_make[]) (void) = { s_starting, s_waiting,
                                                  s_stopping };
    for (size_t i = 0; i < sizeof (s_make) / sizeof (s_make[0]); i++) {
        zactor_t *process = s_make[i]();
        CHECK_FAILS (dividere_call (process, NULL, -1, "START", NULL),
                     EALREADY);
        CHECK_INT (dividere_call (process, NULL, -1, "STOP", NULL), 0);
        s_check_state (process, "stopped");
        process_check_none ();
        CHECK_FAILS (dividere_call (process, NULL, -1, "STOP", NULL), EINVAL);
        CHECK_INT (dividere_stop (&process, -1), 0);
        process = s_make[i]();
        CHECK_INT (dividere_stop (&process, -1), 0);
        process_check_none ();
        process = s_make[i]();
        zactor_destroy (&process);
        process_check_none ();
    }
    /* Out of patience, and once more.                                       */
    zactor_t *process = s_stopping ();
    CHECK_FAILS (dividere_stop (&process, 0), ETIMEDOUT);
    CHECK_INT (dividere_stop (&process, -1), 0);
    process_check_none ();
}

/*  Killed while it handles messages, again and again: each end is told, each
 *  restart comes within its back-off and binds the same port, and nothing is
 *  left over.                                                               */
void
test_process_killed (void)
{
    zactor_t *process = process_obedient ("dealer");
    process_set (process, "backoff", "1");
    process_set (process, "backoff_max", "4");
    process_set (process, "intensity", "1000");
    process_set (process, "period", "1");
    dividere_connector_t *events = process_events (process);
    char endpoint[ENDPOINT_SIZE];
    pid_t pid = process_start (process, endpoint);
    int count = (int) selftest_scaled (100);
    size_t fds = selftest_fds ();
    for (int i = 0; i < count; i++) {
        CHECK_INT (EVENT (events, STARTED)->pid, pid);
        CHECK_INT (EVENT (events, READY)->pid, pid);
        dividere_connector_t *client = dividere_dealer_new (endpoint, NULL);
        CHECK_INT (process_ask (client, "", NULL), pid);
        for (int sent = 0; sent < 100; sent++)
            process_order (client, "", sent);
        CHECK_INT (kill (pid, SIGKILL), 0);
        const Dividere__ProcessEvent *event = EVENT (events, EXITED);
        CHECK_INT (event->pid, pid);
        CHECK_INT (event->signal, SIGKILL);
        CHECK_FAILS (kill (pid, 0), ESRCH);
        event = EVENT (events, RESTARTING);
        CHECK (event->delay_ms >= 1 && event->delay_ms <= 4);
        CHECK_INT (event->restarts, i + 1);
        dividere_connector_destroy (&client);
        CHECK_EVENTUALLY ((pid = process_status (process).pid) != 0);
    }
    EVENT (events, STARTED);
    EVENT (events, READY);
    CHECK_INT (process_status (process).restarts, count);
    CHECK_EVENTUALLY (selftest_fds () <= fds);
    CHECK_INT (dividere_stop (&process, -1), 0);
    process_check_none ();
    dividere_connector_destroy (&events);
}

/*  It announces that it ends, and hangs then.                               */
static bool
s_is_leaving (const char *reactor)
{
    return strcmp (reactor, "lingering") == 0 ||
           strcmp (reactor, "leaving") == 0;
}

/*  A program with a child in the state that the environment names, and a copy
 *  of itself that has all its descriptors, until it is killed. Not in the list.
 */
void
test_process_parent (void)
{
    const char *reactor = getenv ("DIVIDERE_SELFTEST_REACTOR");
    const char *executable = getenv ("DIVIDERE_SELFTEST_EXECUTABLE");
    dividere_process_config_t config = { .reactor = reactor,
                                         .executable = executable };
    zactor_t *process = zactor_new (dividere_process, &config);
    process_set (process, "ready_limit", FOR_EVER);
    process_set (process, "stop_limit", FOR_EVER);
    dividere_call (process, NULL, executable ? 0 : -1, "START", NULL);
    CHECK (process_status (process).pid);
    if (s_is_leaving (reactor))
        dividere_call (process, NULL, -1, "STOP", NULL);
    pid_t copy = fork ();
    if (copy > 0) {
        printf ("%d\n", (int) copy);
        fflush (stdout);
    }
    poll (NULL, 0, -1);
}

static pid_t
s_read_pid (int fd)
{
    char line[32];
    process_read_line (fd, line, sizeof (line));
    pid_t pid = (pid_t) strtol (line, NULL, 10);
    CHECK (pid > 0);
    return pid;
}

/*  Orphans come to this process, which can wait for them then.              */
static void
s_check_orphan (const char *reactor, int signal)
{
    char *argv[] = { "dividere_selftest", "--test", "process_parent", NULL };
    int output, status;
    char line[32];
    CHECK_INT (setenv ("DIVIDERE_SELFTEST_REACTOR", reactor, 1), 0);
    pid_t parent = process_spawn (argv, &output);
    pid_t child = s_read_pid (output);
    pid_t copy = signal ? 0 : s_read_pid (output);
    if (s_is_leaving (reactor)) {
        process_read_line (output, line, sizeof (line));
        CHECK_STR (line, "leaving");
    }
    int64_t start = selftest_now_ms ();
    CHECK_INT (kill (parent, SIGKILL), 0);
    CHECK_INT (waitpid (parent, &status, 0), parent);
    CHECK_EVENTUALLY (waitpid (child, &status, WNOHANG) == child);
    selftest_note ("%s: gone after %d ms", reactor,
                   (int) (selftest_now_ms () - start));
    CHECK_INT (status, signal);
    if (copy) {
        CHECK_INT (kill (copy, SIGKILL), 0);
        CHECK_INT (waitpid (copy, &status, 0), copy);
    }
    close (output);
}

/*  A child that is ready, one stuck in its init hook, and one stuck in its exit
 *  hook while it is stopped: all end with their parent, even if that is killed
 *  with -9.                                                                 */
void
test_process_orphans (void)
{
    CHECK_INT (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    s_check_orphan ("announcing", 0);
    s_check_orphan ("stuck", SIGALRM);
    s_check_orphan ("lingering", SIGALRM);
    process_check_none ();
}

/*  Nor does one outlive it that hangs after its reactor has ended.          */
void
test_process_orphan_leaving (void)
{
    CHECK_INT (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    s_check_orphan ("leaving", SIGKILL);
    process_check_none ();
}

/*  The executable waits for a line from the lock before it is this program. */
static void
s_check_early (const char *reactor, const char *path, int lock)
{
    CHECK_INT (setenv ("DIVIDERE_SELFTEST_REACTOR", reactor, 1), 0);
    CHECK_INT (setenv ("DIVIDERE_SELFTEST_EXECUTABLE", path, 1), 0);
    char *argv[] = { "dividere_selftest", "--test", "process_parent", NULL };
    int output, status;
    pid_t parent = process_spawn (argv, &output), child;
    pid_t copy = s_read_pid (output);
    CHECK_INT (kill (parent, SIGKILL), 0);
    CHECK_INT (waitpid (parent, &status, 0), parent);
    CHECK_INT (write (lock, "\n", 1), 1);
    CHECK_EVENTUALLY ((child = waitpid (-1, &status, WNOHANG)) > 0);
    CHECK (child != copy);
    CHECK_INT (status, 0);
    CHECK_INT (kill (copy, SIGKILL), 0);
    CHECK_INT (waitpid (copy, &status, 0), copy);
    close (output);
}

/*  The parent dies before main is called in the child, a copy of it does not:
 *  who has become the parent is none of the child's business.               */
void
test_process_orphan_early (void)
{
    CHECK_INT (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    char program[4096] = "";
    CHECK (readlink ("/proc/self/exe", program, sizeof (program) - 1) > 0);
    char *folder = selftest_folder ();
    char *path = zsys_sprintf ("%s/lock", folder);
    char *text =
        zsys_sprintf ("#!/bin/sh\nread x <%s\nexec %s \"$@\"\n", path, program);
    CHECK_INT (mkfifo (path, 0600), 0);
    int lock = open (path, O_RDWR | O_CLOEXEC);
    char *script = process_file (folder, text, 0700);
    s_check_early ("announcing", script, lock);
    s_check_early ("nobody", script, lock);
    process_check_none ();
    close (lock);
    unlink (path);
    unlink (script);
    CHECK_INT (rmdir (folder), 0);
    free (script);
    free (text);
    free (path);
    free (folder);
}

/*  The program whose main does not call dividere_process_main: with itself as
 *  the executable it starts itself once, and that one refuses.              */
void
test_process_endless (void)
{
    dividere_process_config_t config = { .reactor = "obedient" };
    zactor_t *process = zactor_new (dividere_process, &config);
    CHECK_FAILS (dividere_call (process, NULL, -1, "START", NULL), ENOTSUP);
    CHECK (strstr (process_status (process).reason, "dividere_process_main"));
    CHECK_INT (dividere_stop (&process, -1), 0);

    char program[4096] = "";
    CHECK (readlink ("/proc/self/exe", program, sizeof (program) - 1) > 0);
    config.executable = program;
    process = zactor_new (dividere_process, &config);
    int rc = dividere_call (process, NULL, -1, "START", NULL);
    CHECK_INT (rc, -1);
    int error = errno;
    process_status_t status = process_status (process);
    CHECK_INT (dividere_stop (&process, -1), 0);
    printf ("%d %d %s\n", (int) getpid (), error, status.reason);
}

/*  The mark of a child, from a user who has read it somewhere.              */
static void
s_check_mark_alone (void)
{
    char *argv[] = { "dividere_selftest", "--dividere-child", "obedient",
                     NULL };
    int output, status;
    pid_t pid = process_spawn (argv, &output);
    CHECK_INT (waitpid (pid, &status, 0), pid);
    CHECK (WIFEXITED (status));
    CHECK_INT (WEXITSTATUS (status), 2);
    close (output);
}

void
test_process_forgotten (void)
{
    s_check_mark_alone ();
    char *argv[] = { "dividere_selftest", NULL };
    char line[256];
    int output, status;
    CHECK_INT (setenv ("DIVIDERE_SELFTEST_ENDLESS", "1", 1), 0);
    pid_t pid = process_spawn (argv, &output);
    /* The inner one prints first.                                           */
    process_read_line (output, line, sizeof (line));
    char *at = line;
    CHECK (strtol (at, &at, 10) != pid);
    CHECK_INT (strtol (at, &at, 10), ENOTSUP);
    process_read_line (output, line, sizeof (line));
    at = line;
    CHECK_INT (strtol (at, &at, 10), pid);
    CHECK_INT (strtol (at, &at, 10), ECHILD);
    CHECK_STR (at, " exited with status 0");
    CHECK_INT (waitpid (pid, &status, 0), pid);
    CHECK_INT (status, 0);
    close (output);
}
