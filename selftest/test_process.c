/* SPDX-License-Identifier: Apache-2.0 */

/*  The process reactor: that it works, and each way in which it cannot start.
 */

#include "selftest.h"
#include "process_support.h"
#include "reactors.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "test.pb-c.h"

void test_process_request (void);
void test_process_two (void);
void test_process_sources (void);
void test_process_stats (void);
void test_process_commands (void);
void test_process_refusals (void);
void test_process_plain (void);
void test_process_unsent (void);
void test_process_exhausted (void);
void test_process_executable (void);
void test_process_descriptors (void);
void test_process_sigchld (void);
void test_process_restart (void);

/*  An answer from another process.                                          */
void
test_process_request (void)
{
    zactor_t *process = process_obedient ("response");
    dividere_connector_t *events = process_events (process);
    char endpoint[ENDPOINT_SIZE];
    pid_t pid = process_start (process, endpoint);
    CHECK_INT (EVENT (events, STARTED)->pid, pid);
    const Dividere__ProcessEvent *ready = EVENT (events, READY);
    CHECK_INT (ready->pid, pid);
    CHECK_STR (ready->name, "obedient");
    dividere_connector_t *client = dividere_request_new (endpoint, NULL);
    CHECK_INT (process_ask (client, "", NULL), pid);
    process_status_t status = process_status (process);
    CHECK_STR (status.state, "ready");
    CHECK_INT (status.pid, pid);
    CHECK_INT (dividere_call (process, NULL, -1, "STOP", NULL), 0);
    const Dividere__ProcessEvent *exited = EVENT (events, EXITED);
    CHECK_INT (exited->pid, pid);
    CHECK_INT (exited->status, 0);
    CHECK_INT (exited->signal, 0);
    CHECK_STR (exited->reason, "exited with status 0");
    status = process_status (process);
    CHECK_STR (status.state, "stopped");
    CHECK_INT (status.pid, 0);
    process_check_none ();
    /* Once more, then an end without STOP.                                  */
    CHECK (process_start (process, endpoint) != pid);
    CHECK_INT (dividere_stop (&process, -1), 0);
    process_check_none ();
    dividere_connector_destroy (&client);
    dividere_connector_destroy (&events);
}

void
test_process_two (void)
{
    zactor_t *processes[2];
    dividere_connector_t *clients[2];
    pid_t pids[2];
    for (int i = 0; i < 2; i++) {
        char endpoint[ENDPOINT_SIZE];
        processes[i] = process_obedient ("response");
        pids[i] = process_start (processes[i], endpoint);
        clients[i] = dividere_request_new (endpoint, NULL);
    }
    CHECK (pids[0] != pids[1]);
    CHECK_INT (process_ask (clients[0], "", NULL), pids[0]);
    zactor_destroy (&processes[0]);
    CHECK_FAILS (kill (pids[0], 0), ESRCH);
    CHECK_INT (process_ask (clients[1], "", NULL), pids[1]);
    zactor_destroy (&processes[1]);
    process_check_none ();
    for (int i = 0; i < 2; i++)
        dividere_connector_destroy (&clients[i]);
}

/*  Sources of several kinds and names, and types of a subscriber.           */
void
test_process_sources (void)
{
    zactor_t *process = process_obedient ("response");
    process_set (process, "restart", "never");
    dividere_connector_t *publisher =
        dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    CHECK_INT (dividere_call (process, NULL, -1, "ADD", "dealer=side",
                              "@tcp://127.0.0.1:*", NULL),
               0);
    CHECK_INT (dividere_call (process, NULL, -1, "ADD", "subscriber",
                              dividere_connector_endpoint (publisher),
                              "testMsg01", NULL),
               0);
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (process, &reply, -1, "START", NULL), 0);
    CHECK_INT (zmsg_size (reply), 7);
    static const char *const s_names[] = { "source-1", "side", "source-2" };
    free (zmsg_popstr (reply));
    char *endpoints[3];
    for (int i = 0; i < 3; i++) {
        char *name = zmsg_popstr (reply);
        CHECK_STR (name, s_names[i]);
        free (name);
        endpoints[i] = zmsg_popstr (reply);
    }
    zmsg_destroy (&reply);
    dividere_connector_t *dealer = dividere_dealer_new (endpoints[1] + 1, NULL);
    pid_t pid = process_ask (dealer, "", NULL);
    CHECK_INT (pid, process_status (process).pid);
    CHECK_STR (endpoints[2] + 1, dividere_connector_endpoint (publisher));
    for (int i = 0; i < 3; i++)
        free (endpoints[i]);
    CHECK_INT (dividere_wait_subscribers (publisher, &test_msg01__descriptor, 1,
                                          SELFTEST_DEADLINE),
               0);
    process_order (publisher, "exit", 3);
    CHECK_EVENTUALLY (process_status (process).pid == 0);
    CHECK_STR (process_status (process).reason, "exited with status 3");
    CHECK_STR (process_status (process).state, "stopped");
    CHECK_INT (dividere_stop (&process, -1), 0);
    dividere_connector_destroy (&dealer);
    dividere_connector_destroy (&publisher);
}

static long
s_stat (zactor_t *process, const char *wanted)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (process, &reply, -1, "STATS", NULL), 0);
    long value = -1;
    while (zmsg_size (reply)) {
        char *name = zmsg_popstr (reply);
        char *number = zmsg_popstr (reply);
        if (strcmp (name, wanted) == 0)
            value = strtol (number, NULL, 10);
        free (name);
        free (number);
    }
    zmsg_destroy (&reply);
    return value;
}

/*  Those of the child come when it is free, and not at all when it dies.    */
void
test_process_stats (void)
{
    zactor_t *process = process_obedient ("response");
    process_set (process, "restart", "never");
    char endpoint[ENDPOINT_SIZE];
    CHECK_INT (s_stat (process, "exits"), 0);
    CHECK_INT (s_stat (process, "child.handled"), -1);
    pid_t pid = process_start (process, endpoint);
    dividere_connector_t *client = dividere_request_new (endpoint, NULL);
    for (int i = 1; i <= 3; i++) {
        CHECK_INT (process_ask (client, "", NULL), pid);
        CHECK_INT (s_stat (process, "child.handled"), i);
    }
    CHECK_INT (s_stat (process, "child.sources"), 1);
    process_order (client, "hang", 0);
    CHECK_EVENTUALLY (dividere_call (process, NULL, 10, "STATS", NULL) < 0 &&
                      errno == ETIMEDOUT);
    CHECK_FAILS (dividere_call (process, NULL, 0, "STATS", NULL), ETIMEDOUT);
    zstr_sendx (process, "STATS", NULL);
    CHECK_INT (kill (pid, SIGKILL), 0);
    CHECK_EVENTUALLY (s_stat (process, "exits") == 1);
    CHECK_INT (s_stat (process, "child.handled"), -1);
    CHECK_INT (s_stat (process, "restarts"), 0);
    dividere_connector_destroy (&client);
    CHECK_INT (dividere_stop (&process, -1), 0);
}

/*  Settings and sources that make no sense; what is refused once started.   */
void
test_process_commands (void)
{
    static const char *const s_bad[][2] = {
        { "restart", "sometimes" }, { "backoff", "-1" },
        { "backoff", "" },          { "backoff_max", "1s" },
        { "intensity", "1001" },    { "period", "9999999999" },
        { "ready_limit", " 1" },    { "stop_limit", "86400001" },
    };
    zactor_t *process = process_obedient ("response");
    for (size_t i = 0; i < sizeof (s_bad) / sizeof (s_bad[0]); i++)
        CHECK_FAILS (dividere_call (process, NULL, -1, "SET", s_bad[i][0],
                                    s_bad[i][1], NULL),
                     EINVAL);
    CHECK_FAILS (dividere_call (process, NULL, -1, "SET", "colour", "1", NULL),
                 ENOENT);
    static const char *const s_sources[][2] = {
        { "broker", "tcp://127.0.0.1:*" },
        { "response=", "tcp://127.0.0.1:*" },
        { "response", "" },
        { "response", "tcp://127.0.0.1:99999" },
    };
    for (size_t i = 0; i < sizeof (s_sources) / sizeof (s_sources[0]); i++)
        CHECK_FAILS (dividere_call (process, NULL, -1, "ADD", s_sources[i][0],
                                    s_sources[i][1], NULL),
                     EINVAL);
    CHECK_FAILS (dividere_call (process, NULL, -1, "ADD", "response",
                                "carrier://pigeon", NULL),
                 EPROTONOSUPPORT);
    CHECK_FAILS (dividere_call (process, NULL, -1, "ADD", "response",
                                "tcp://127.0.0.1:*", "testMsg01", NULL),
                 EINVAL);
    char *huge = (char *) zmalloc (70000);
    memset (huge, 'x', 69999);
    CHECK_FAILS (dividere_call (process, NULL, -1, "ADD", "subscriber",
                                "tcp://127.0.0.1:1", huge, NULL),
                 EMSGSIZE);
    free (huge);
    CHECK_FAILS (dividere_call (process, NULL, -1, "STOP", NULL), EINVAL);
    process_start (process, NULL);
    CHECK_FAILS (dividere_call (process, NULL, -1, "START", NULL), EALREADY);
    CHECK_FAILS (dividere_call (process, NULL, -1, "SET", "backoff", "1", NULL),
                 EBUSY);
    CHECK_FAILS (dividere_call (process, NULL, -1, "ADD", "response",
                                "tcp://127.0.0.1:*", NULL),
                 EBUSY);
    CHECK_INT (dividere_call (process, NULL, -1, "STOP", NULL), 0);
    CHECK_FAILS (dividere_call (process, NULL, -1, "STOP", NULL), EINVAL);
    CHECK_INT (dividere_stop (&process, -1), 0);
}

/*  A start that fails: errno, reason, nothing left behind, and not tried again.
 */
static void
s_check_refusal (zactor_t **process_p, int error, const char *reason)
{
    CHECK_FAILS (dividere_call (*process_p, NULL, -1, "START", NULL), error);
    process_status_t status = process_status (*process_p);
    selftest_note ("%s", status.reason);
    CHECK (strstr (status.reason, reason));
    CHECK_INT (status.pid, 0);
    CHECK_INT (status.restarts, 0);
    CHECK (strcmp (status.state, "new") == 0 ||
           strcmp (status.state, "stopped") == 0);
    process_check_none ();
    CHECK_INT (dividere_stop (process_p, -1), 0);
}

void
test_process_refusals (void)
{
    zactor_t *process = process_new ("nobody");
    s_check_refusal (&process, ESRCH, "no reactor is called \"nobody\"");
    process = process_new (NULL);
    s_check_refusal (&process, EINVAL, "");
    process = process_new ("refusing");
    s_check_refusal (&process, EPERM, "not permitted");
    process = process_new ("crashing");
    s_check_refusal (&process, ECHILD,
                     "killed by signal 11 (Segmentation fault)");
    process = process_new ("stuck");
    process_set (process, "ready_limit", "100");
    s_check_refusal (&process, ETIMEDOUT, "not ready within 100 ms");

    zactor_t *first = process_obedient ("response");
    char endpoint[ENDPOINT_SIZE] = "@";
    process_start (first, endpoint + 1);
    process = process_new ("obedient");
    CHECK_INT (dividere_call (process, NULL, -1, "ADD", "response", endpoint,
                              NULL),
               0);
    CHECK_FAILS (dividere_call (process, NULL, -1, "START", NULL), EADDRINUSE);
    CHECK (strstr (process_status (process).reason, endpoint));
    CHECK_INT (dividere_stop (&first, -1), 0);
    /* The port is free now: the same actor can start.                       */
    process_start (process, NULL);
    CHECK_STR (process_status (process).reason, "");
    CHECK_INT (dividere_stop (&process, -1), 0);
}

/*  An entry of the table without a configuration is not an unknown one.     */
void
test_process_plain (void)
{
    zactor_t *process = process_new ("plain");
    process_start (process, NULL);
    CHECK_INT (dividere_stop (&process, -1), 0);
}

/*  A message to a peer that is not there does not hold up an end in order.  */
void
test_process_unsent (void)
{
    zactor_t *process = process_new ("unsent");
    process_set (process, "stop_limit", "800");
    char endpoint[ENDPOINT_SIZE];
    snprintf (endpoint, sizeof (endpoint), ">%s", selftest_ipc ());
    CHECK_INT (dividere_call (process, NULL, -1, "ADD", "dealer", endpoint,
                              NULL),
               0);
    dividere_connector_t *events = process_events (process);
    CHECK_INT (dividere_call (process, NULL, -1, "START", NULL), 0);
    CHECK_INT (dividere_call (process, NULL, -1, "STOP", NULL), 0);
    EVENT (events, STARTED);
    EVENT (events, READY);
    CHECK_STR (EVENT (events, EXITED)->reason, "exited with status 0");
    CHECK_INT (dividere_stop (&process, -1), 0);
    dividere_connector_destroy (&events);
}

/*  With so few descriptors left that one of the three is missing.           */
void
test_process_exhausted (void)
{
    struct rlimit limit, low = { 64, 0 };
    zactor_t *process = process_new ("obedient");
    CHECK_INT (getrlimit (RLIMIT_NOFILE, &limit), 0);
    low.rlim_max = limit.rlim_max;
    CHECK_INT (setrlimit (RLIMIT_NOFILE, &low), 0);
    for (int left = 0; left < 3; left++) {
        int fds[64], count = 0;
        while ((fds[count] = dup (0)) >= 0)
            count++;
        CHECK_INT (errno, EMFILE);
        CHECK (count >= left);
        for (int i = 0; i < left; i++)
            close (fds[--count]);
        CHECK_FAILS (dividere_call (process, NULL, -1, "START", NULL), EMFILE);
        while (count)
            close (fds[--count]);
        CHECK_STR (process_status (process).state, "new");
        process_check_none ();
    }
    CHECK_INT (setrlimit (RLIMIT_NOFILE, &limit), 0);
    process_start (process, NULL);
    CHECK_INT (dividere_stop (&process, -1), 0);
}

/*  A file with this content and mode; the caller frees the name.            */
static void
s_check_executable (const char *path, int error, const char *reason)
{
    dividere_process_config_t config = { .reactor = "obedient",
                                         .executable = path };
    zactor_t *process = zactor_new (dividere_process, &config);
    process_set (process, "ready_limit", "200");
    process_set (process, "stop_limit", "20");
    s_check_refusal (&process, error, reason);
}

/*  Executables that are none, or not for this.                              */
void
test_process_executable (void)
{
    char *folder = selftest_folder ();
    s_check_executable ("/nonexistent/program", ENOENT, "No such file");
    s_check_executable (folder, EACCES, "Permission denied");
    char *path = process_file (folder, "neither ELF nor script", 0700);
    s_check_executable (path, ENOEXEC, "Exec format");
    free (path);
    path = process_file (folder, "#!/bin/sh\nexit 7\n", 0700);
    s_check_executable (path, ECHILD, "exited with status 7");
    free (path);
    path = process_file (folder, "#!/bin/sh\nexec tail -f /dev/null\n", 0700);
    s_check_executable (path, ETIMEDOUT, "not ready");
    free (path);
    path = process_file (folder, "#!/bin/sh\necho garbage >&3\n", 0700);
    s_check_executable (path, ECHILD, "exited with status 0");
    free (path);
    path = process_file (folder,
                         "#!/bin/sh\nprintf 'garbage\\0' >&3\n"
                         "exec tail -f /dev/null\n",
                         0700);
    s_check_executable (path, EPROTO, "Protocol error");
    free (path);
    path =
        process_file (folder,
                      "#!/bin/sh\necho garbage >&3\nexec tail -f /dev/null\n",
                      0700);
    s_check_executable (path, EPROTO, "closed the channel");
    free (path);
    path =
        process_file (folder, "#!/bin/sh\nexec 3>&-\nexec tail -f /dev/null\n",
                      0700);
    s_check_executable (path, EPROTO, "closed the channel");
    free (path);
    /* Why it cannot start is read, though it is gone by then.               */
    path = process_file (folder, "#!/bin/sh\nprintf '13\\0' >&3\n", 0700);
    s_check_executable (path, EACCES, "START: Permission denied");
    unlink (path);
    free (path);
    CHECK_INT (rmdir (folder), 0);
    free (folder);

    /* This program, by its name.                                            */
    char program[4096] = "";
    CHECK (readlink ("/proc/self/exe", program, sizeof (program) - 1) > 0);
    dividere_process_config_t config = { .reactor = "obedient",
                                         .executable = program };
    zactor_t *process = zactor_new (dividere_process, &config);
    process_start (process, NULL);
    CHECK_INT (dividere_stop (&process, -1), 0);
}

/*  Whatever the program has open, the child has not.                        */
void
test_process_descriptors (void)
{
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = memfd_create (SELFTEST_PRIVATE, 0);
        CHECK (fds[i] >= 0);
    }
    CHECK_INT (dup2 (fds[2], 900), 900);
    zactor_t *process = process_obedient ("response");
    char endpoint[ENDPOINT_SIZE], text[ENDPOINT_SIZE];
    process_start (process, endpoint);
    dividere_connector_t *client = dividere_request_new (endpoint, NULL);
    process_ask (client, "private", text);
    CHECK_STR (text, "0");
    dividere_connector_destroy (&client);
    CHECK_INT (dividere_stop (&process, -1), 0);
    for (int i = 0; i < 3; i++)
        close (fds[i]);
    close (900);
}

/*  The application ignores SIGCHLD, so that the kernel waits for children.  */
void
test_process_sigchld (void)
{
    signal (SIGCHLD, SIG_IGN);
    zactor_t *process = process_obedient ("response");
    process_set (process, "backoff", "1");
    dividere_connector_t *events = process_events (process);
    pid_t pid = process_start (process, NULL);
    EVENT (events, STARTED);
    EVENT (events, READY);
    CHECK_INT (kill (pid, SIGKILL), 0);
    CHECK_INT (EVENT (events, EXITED)->pid, pid);
    EVENT (events, RESTARTING);
    CHECK (EVENT (events, STARTED)->pid != pid);
    EVENT (events, READY);
    CHECK_INT (dividere_stop (&process, -1), 0);
    dividere_connector_destroy (&events);
    signal (SIGCHLD, SIG_DFL);
}

/*  Each policy, after a failure and after an end in order; the same port.   */
static void
s_check_policy (const char *policy, int status, bool again)
{
    zactor_t *process = process_obedient ("dealer");
    process_set (process, "restart", policy);
    process_set (process, "backoff", "1");
    dividere_connector_t *events = process_events (process);
    char endpoint[ENDPOINT_SIZE];
    pid_t pid = process_start (process, endpoint);
    EVENT (events, STARTED);
    EVENT (events, READY);
    dividere_connector_t *client = dividere_dealer_new (endpoint, NULL);
    process_order (client, "exit", status);
    const Dividere__ProcessEvent *event = EVENT (events, EXITED);
    CHECK_INT (event->pid, pid);
    CHECK_INT (event->status, status);
    CHECK_INT (event->signal, 0);
    if (again) {
        event = EVENT (events, RESTARTING);
        CHECK_INT (event->delay_ms, 1);
        CHECK_INT (event->restarts, 1);
        pid = EVENT (events, STARTED)->pid;
        EVENT (events, READY);
        CHECK_INT (process_ask (client, "", NULL), pid);
        CHECK_INT (process_status (process).restarts, 1);
    }
    else
        CHECK_STR (process_status (process).state, "stopped");
    CHECK_INT (dividere_stop (&process, -1), 0);
    process_check_none ();
    dividere_connector_destroy (&client);
    dividere_connector_destroy (&events);
}

void
test_process_restart (void)
{
    s_check_policy ("never", 3, false);
    s_check_policy ("on-failure", 0, false);
    s_check_policy ("on-failure", 3, true);
    s_check_policy ("always", 0, true);
}
