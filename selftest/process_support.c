/* SPDX-License-Identifier: Apache-2.0 */

/*  The helpers of test_process.h.                                           */

#include "selftest.h"
#include "process_support.h"
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include "test.pb-c.h"

extern char **environ;

zactor_t *
process_new (const char *reactor)
{
    dividere_process_config_t config = { .reactor = reactor };
    CHECK_INT (dividere_types_register (&test_msg01__descriptor), 0);
    CHECK_INT (dividere_types_register (&dividere__process_event__descriptor),
               0);
    return zactor_new (dividere_process, &config);
}

void
process_set (zactor_t *process, const char *name, const char *value)
{
    CHECK_INT (dividere_call (process, NULL, -1, "SET", name, value, NULL), 0);
}

pid_t
process_start (zactor_t *process, char *ret_endpoint)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (process, &reply, -1, "START", NULL), 0);
    char *pid_text = zmsg_popstr (reply);
    char *name = zmsg_popstr (reply);
    char *endpoint = zmsg_popstr (reply);
    pid_t pid = (pid_t) strtol (pid_text, NULL, 10);
    CHECK (pid > 0 && pid != getpid ());
    if (ret_endpoint) {
        CHECK_STR (name, "source-1");
        CHECK (endpoint && *endpoint == '@' && !strchr (endpoint, '*'));
        snprintf (ret_endpoint, ENDPOINT_SIZE, "%s", endpoint + 1);
    }
    free (pid_text);
    free (name);
    free (endpoint);
    zmsg_destroy (&reply);
    return pid;
}

zactor_t *
process_obedient (const char *kind)
{
    zactor_t *process = process_new ("obedient");
    CHECK_INT (dividere_call (process, NULL, -1, "ADD", kind,
                              "tcp://127.0.0.1:*", NULL),
               0);
    return process;
}

process_status_t
process_status (zactor_t *process)
{
    process_status_t status = { .pid = -1 };
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (process, &reply, -1, "STATUS", NULL), 0);
    char *texts[4];
    for (int i = 0; i < 4; i++) {
        texts[i] = zmsg_popstr (reply);
        CHECK (texts[i]);
    }
    snprintf (status.state, sizeof (status.state), "%s", texts[0]);
    status.pid = (pid_t) strtol (texts[1], NULL, 10);
    status.restarts = (unsigned) strtoul (texts[2], NULL, 10);
    snprintf (status.reason, sizeof (status.reason), "%s", texts[3]);
    for (int i = 0; i < 4; i++)
        free (texts[i]);
    zmsg_destroy (&reply);
    return status;
}

dividere_connector_t *
process_events (zactor_t *process)
{
    const char *endpoint = selftest_inproc ();
    CHECK_INT (dividere_call (process, NULL, -1, "BIND", "events", endpoint,
                              NULL),
               0);
    CHECK_FAILS (dividere_call (process, NULL, -1, "BIND", "events", endpoint,
                                NULL),
                 EBUSY);
    return dividere_dealer_new (endpoint, NULL);
}

const Dividere__ProcessEvent *
process_event (dividere_connector_t *events, int kind)
{
    static dividere_message_t *s_message = NULL;
    dividere_message_destroy (&s_message);
    s_message = dividere_message_new ();
    CHECK_INT (dividere_recv_into (events, s_message, SELFTEST_DEADLINE), 0);
    const Dividere__ProcessEvent *event =
        DIVIDERE_MESSAGE_AS (s_message, Dividere__ProcessEvent,
                             dividere__process_event);
    selftest_note ("%s %d pid %d status %d signal %d delay %lld: %s",
                   event->name, (int) event->kind, event->pid, event->status,
                   event->signal, (long long) event->delay_ms, event->reason);
    CHECK_INT (event->kind, kind);
    return event;
}

void
process_order (dividere_connector_t *client, const char *order, int number)
{
    TestMsg01 message = TEST_MSG01__INIT;
    message.field1 = (char *) order;
    message.field2 = number;
    CHECK_INT (dividere_send (client, &message.base), 0);
}

pid_t
process_ask (dividere_connector_t *client, const char *order, char *ret_text)
{
    process_order (client, order, 0);
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_recv_into (client, message, SELFTEST_DEADLINE), 0);
    const TestMsg01 *reply =
        DIVIDERE_MESSAGE_AS (message, TestMsg01, test_msg01);
    pid_t pid = reply->field2;
    if (ret_text)
        snprintf (ret_text, ENDPOINT_SIZE, "%s", reply->field1);
    dividere_message_destroy (&message);
    return pid;
}

void
process_check_none (void)
{
    CHECK_FAILS (waitid (P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOHANG),
                 ECHILD);
}

char *
process_file (const char *folder, const char *content, mode_t mode)
{
    char *path = zsys_sprintf ("%s/executable", folder);
    unlink (path);
    int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
    CHECK_INT (write (fd, content, strlen (content)), strlen (content));
    close (fd);
    return path;
}

pid_t
process_spawn (char **argv, int *ret_output)
{
    int ends[2];
    CHECK_INT (pipe2 (ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init (&actions);
    posix_spawn_file_actions_adddup2 (&actions, ends[1], 1);
    pid_t pid;
    CHECK_INT (posix_spawn (&pid, "/proc/self/exe", &actions, NULL, argv,
                            environ),
               0);
    posix_spawn_file_actions_destroy (&actions);
    close (ends[1]);
    *ret_output = ends[0];
    return pid;
}

void
process_read_line (int fd, char *line, size_t size)
{
    size_t length = 0;
    do {
        struct pollfd item = { fd, POLLIN, 0 };
        CHECK_INT (poll (&item, 1, SELFTEST_DEADLINE), 1);
        CHECK_INT (read (fd, line + length, 1), 1);
    }
    while (line[length] != '\n' && ++length + 1 < size);
    line[length] = 0;
}
