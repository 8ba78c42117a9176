/* SPDX-License-Identifier: Apache-2.0 */

/*  A farm of processes that loses one of its workers and no work.
 *
 *  A broker, clients and workers are processes of their own; a job is a
 *  question, is a number prime? Each client has many under way at a time. One
 *  worker is killed while it is at work, and started again later: the broker
 *  hands what it had to another, and in the end every question was answered
 *  once. The processes are this program once more, in other roles.
 *
 *  Build: protoc-c --c_out=. guide.proto
 *         cc -O2 job_farm.c guide.pb-c.c \
 *            $(pkg-config --cflags --libs dividere)
 *  Run:   ./a.out                   all of it
 *         ./a.out broker            until its input ends; prints its endpoints
 *         ./a.out worker BACKEND    until its input ends
 *         ./a.out client FRONTEND MS                                        */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2, environ                                       */
#endif
#include <dividere.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include "guide.pb-c.h"

#define DEADLINE_MS  20000
#define HEARTBEAT_MS "100" /* the broker gives up a worker after three      */
#define WORKERS      3
#define CLIENTS      2
#define OUTSTANDING  50   /* jobs of each client                            */
#define RUN_MS       1800 /* so long the clients go on asking               */
#define KILL_MS      600  /* then the worker is killed                      */
#define RESTART_MS   1200 /* and then started again                         */
#define REPORT_MS    100  /* between two lines of a client                  */
#define FIRST_NUMBER 300000000001

#define ACCOUNT_FORMAT                                       \
    "sent %" PRIu64 " answered %" PRIu64 " retried %" PRIu64 \
    " failed %" PRIu64 "\n"
#define ACCOUNT_SCAN                                                     \
    " sent %" SCNu64 " answered %" SCNu64 " retried %" SCNu64 " failed " \
    "%" SCNu64

/*  ---- The worker ----                                                     */

static int
on_msg03 (dividere_context_t *context, const Msg03 *question)
{
    int64_t number = question->field1;
    Msg03 answer = MSG03__INIT;
    answer.field1 = number;
    answer.isprime = number == 2 || (number > 2 && number % 2);
    for (int64_t i = 3; answer.isprime && i <= number / i; i += 2)
        answer.isprime = number % i != 0;
    return dividere_context_reply (context, &answer.base) < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Msg03, msg03, on_msg03),
    DIVIDERE_HANDLER_END,
};

/*  Whoever holds the other end of the input lets it go, or is gone.         */
static void
s_wait_for_end_of_input (void)
{
    char byte;
    while (read (STDIN_FILENO, &byte, 1) > 0)
        continue;
}

static int
s_worker (const char *backend)
{
    dividere_worker_config_t config = { .handlers = s_handlers };
    zactor_t *worker = zactor_new (dividere_worker, &config);
    int rc =
        dividere_call (worker, NULL, DEADLINE_MS, "SET", "credit", "4", NULL);
    if (rc == 0)
        rc =
            dividere_call (worker, NULL, DEADLINE_MS, "CONNECT", backend, NULL);
    if (rc == 0)
        rc = dividere_call (worker, NULL, DEADLINE_MS, "START", NULL);
    if (rc == 0)
        s_wait_for_end_of_input ();
    else
        perror ("worker");
    return dividere_stop (&worker, DEADLINE_MS) | rc;
}

/*  ---- The broker ----                                                     */

/*  Returns the endpoint that was bound, the caller's to free, or NULL.      */
static char *
s_bind (zactor_t *broker, const char *side)
{
    zmsg_t *reply = NULL;
    if (dividere_call (broker, &reply, DEADLINE_MS, "BIND", side,
                       "tcp://127.0.0.1:*", NULL) < 0)
        return NULL;
    char *endpoint = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return endpoint;
}

/*  How many jobs it handed to a worker after another had died.              */
static int
s_print_requeued (zactor_t *broker)
{
    zmsg_t *reply = NULL;
    if (dividere_call (broker, &reply, DEADLINE_MS, "STATS", NULL) < 0)
        return -1;
    while (zmsg_size (reply) > 1) {
        char *name = zmsg_popstr (reply), *value = zmsg_popstr (reply);
        if (streq (name, "requeued"))
            printf ("requeued %s\n", value);
        zstr_free (&name);
        zstr_free (&value);
    }
    zmsg_destroy (&reply);
    return 0;
}

static int
s_broker (void)
{
    zactor_t *broker = zactor_new (dividere_broker, NULL);
    int rc = dividere_call (broker, NULL, DEADLINE_MS, "SET", "heartbeat",
                            HEARTBEAT_MS, NULL);
    char *frontend = rc == 0 ? s_bind (broker, "frontend") : NULL;
    char *backend = frontend ? s_bind (broker, "backend") : NULL;
    if (backend) {
        printf ("%s %s\n", frontend, backend);
        fflush (stdout);
        s_wait_for_end_of_input ();
        rc = s_print_requeued (broker);
    }
    else {
        perror ("broker");
        rc = -1;
    }
    zstr_free (&frontend);
    zstr_free (&backend);
    return dividere_stop (&broker, DEADLINE_MS) | rc;
}

/*  ---- A client ----                                                       */

/*  The answer must be to the question of its number: EPROTO if not.         */
static int
s_check (const dividere_result_t *result, const dividere_message_t *message)
{
    const Msg03 *answer = DIVIDERE_MESSAGE_AS (message, Msg03, msg03);
    if (result->error != 0)
        fprintf (stderr, "job %" PRIu64 ": %s\n", result->number,
                 zmq_strerror (result->error));
    else if (!answer ||
             answer->field1 != FIRST_NUMBER + 2 * (int64_t) result->number) {
        errno = EPROTO;
        return -1;
    }
    return 0;
}

static int
s_ask (dividere_client_t *client, uint64_t number)
{
    Msg03 question = MSG03__INIT;
    question.field1 = FIRST_NUMBER + 2 * (int64_t) number;
    return dividere_client_send (client, &question.base, NULL, &number);
}

static void
s_print_account (const dividere_client_stats_t *stats)
{
    printf (ACCOUNT_FORMAT, stats->sent, stats->answered, stats->retried,
            stats->failed);
    fflush (stdout);
}

/*  Asks until the time is over, so many at a time, and takes what comes.    */
static int
s_ask_all (dividere_client_t *client, dividere_message_t *message,
           int64_t duration_ms)
{
    int64_t now = zclock_mono ();
    int64_t end = now + duration_ms, report = now + REPORT_MS;
    dividere_client_stats_t stats = { 0 };
    dividere_result_t result;
    int rc = 0;
    while (rc == 0) {
        for (; rc == 0 && now < end && stats.outstanding < OUTSTANDING;
             stats.outstanding++)
            rc = s_ask (client, ++stats.sent);
        if (rc == 0 && dividere_client_recv (client, message, &result, -1) < 0)
            return errno == ENOENT ? 0 : -1;
        if (rc == 0)
            rc = s_check (&result, message);
        dividere_client_stats (client, &stats);
        now = zclock_mono ();
        if (now >= report) {
            s_print_account (&stats);
            report = now + REPORT_MS;
        }
    }
    return rc;
}

static int
s_client (const char *frontend, int64_t duration_ms)
{
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = DEADLINE_MS;
    dividere_types_register (&msg03__descriptor);
    dividere_client_t *client = dividere_client_new (frontend, &options);
    dividere_message_t *message = dividere_message_new ();
    int rc = client ? s_ask_all (client, message, duration_ms) : -1;
    if (rc < 0)
        perror ("client");
    else {
        dividere_client_stats_t stats;
        dividere_client_stats (client, &stats);
        s_print_account (&stats);
    }
    dividere_message_destroy (&message);
    dividere_client_destroy (&client);
    return rc;
}

/*  ---- The farm ----                                                       */

typedef struct {
    pid_t pid;
    int input;    /* its end ends a broker or a worker                       */
    FILE *output; /* what it prints                                          */
} child_t;

typedef struct {
    child_t broker;
    char frontend[100];
    char backend[100];
    child_t workers[WORKERS];
    child_t clients[CLIENTS];
    dividere_client_stats_t accounts[CLIENTS]; /* what they said last        */
    bool ended[CLIENTS];
    bool killed;      /* the first worker was                                */
    int64_t start;    /* zclock_mono                                         */
    int64_t progress; /* when to print the next line of it                   */
} farm_t;

/*  This program again. Returns 0, or -1 with the errno of what failed.      */
static int
s_start (child_t *self, const char *role, const char *argument)
{
    char run[20];
    snprintf (run, sizeof (run), "%d", RUN_MS);
    char *argv[] = { "job_farm", (char *) role, (char *) argument,
                     streq (role, "client") ? run : NULL, NULL };
    int input[2], output[2];
    if (pipe2 (input, O_CLOEXEC) < 0 || pipe2 (output, O_CLOEXEC) < 0)
        return -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init (&actions);
    posix_spawn_file_actions_adddup2 (&actions, input[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2 (&actions, output[1], STDOUT_FILENO);
    errno = posix_spawn (&self->pid, "/proc/self/exe", &actions, NULL, argv,
                         environ);
    posix_spawn_file_actions_destroy (&actions);
    close (input[0]);
    close (output[1]);
    self->input = input[1];
    self->output = fdopen (output[0], "r");
    return errno == 0 && self->output ? 0 : -1;
}

/*  Returns 0 if it ends with status 0, or as it was killed to.              */
static int
s_end (child_t *self, int signal)
{
    if (self->pid <= 0)
        return 0;
    if (signal)
        kill (self->pid, signal);
    close (self->input);
    int status;
    pid_t pid = waitpid (self->pid, &status, 0);
    fclose (self->output);
    bool good = pid == self->pid && status == (signal ? signal : 0);
    if (!good)
        fprintf (stderr, "process %d: status %x\n", self->pid, status);
    *self = (child_t){ 0 };
    return good ? 0 : -1;
}

/*  The endpoints are the one line that the broker prints at first.          */
static int
s_farm_start (farm_t *self)
{
    if (s_start (&self->broker, "broker", NULL) < 0)
        return -1;
    if (fscanf (self->broker.output, "%99s %99s", self->frontend,
                self->backend) != 2) {
        errno = EPROTO;
        return -1;
    }
    for (int i = 0; i < WORKERS; i++)
        if (s_start (&self->workers[i], "worker", self->backend) < 0)
            return -1;
    self->start = zclock_mono ();
    for (int i = 0; i < CLIENTS; i++)
        if (s_start (&self->clients[i], "client", self->frontend) < 0)
            return -1;
    return 0;
}

static dividere_client_stats_t
s_farm_sum (const farm_t *self)
{
    dividere_client_stats_t sum = { 0 };
    for (int i = 0; i < CLIENTS; i++) {
        sum.sent += self->accounts[i].sent;
        sum.answered += self->accounts[i].answered;
        sum.retried += self->accounts[i].retried;
        sum.failed += self->accounts[i].failed;
    }
    return sum;
}

/*  On a terminal one line that changes.                                     */
static void
s_farm_show (farm_t *self)
{
    int64_t now = zclock_mono ();
    if (now < self->progress)
        return;
    bool terminal = isatty (STDOUT_FILENO);
    self->progress = now + (terminal ? REPORT_MS : 5 * REPORT_MS);
    int workers = 0;
    for (int i = 0; i < WORKERS; i++)
        workers += self->workers[i].pid > 0;
    dividere_client_stats_t sum = s_farm_sum (self);
    printf ("%s%4.1f s, %d workers: %" PRIu64 " jobs sent, %" PRIu64
            " answered%s",
            terminal ? "\r" : "", (double) (now - self->start) / 1000, workers,
            sum.sent, sum.answered, terminal ? " " : "\n");
    fflush (stdout);
}

/*  Kills the first worker, and later starts it again.                       */
static int
s_farm_disturb (farm_t *self)
{
    int64_t time = zclock_mono () - self->start;
    child_t *victim = &self->workers[0];
    if (!self->killed && time >= KILL_MS) {
        self->killed = true;
        return s_end (victim, SIGKILL);
    }
    if (self->killed && victim->pid == 0 && time >= RESTART_MS)
        return s_start (victim, "worker", self->backend);
    return 0;
}

/*  Until no client says any more.                                           */
static int
s_farm_watch (farm_t *self)
{
    int asking = CLIENTS, rc = 0;
    while (rc == 0 && asking > 0) {
        struct pollfd items[CLIENTS];
        for (int i = 0; i < CLIENTS; i++) {
            int fd = self->ended[i] ? -1 : fileno (self->clients[i].output);
            items[i] = (struct pollfd){ fd, POLLIN, 0 };
        }
        rc = poll (items, CLIENTS, REPORT_MS) < 0 ? -1 : 0;
        for (int i = 0; rc == 0 && i < CLIENTS; i++) {
            dividere_client_stats_t *account = &self->accounts[i];
            if (items[i].revents &&
                fscanf (self->clients[i].output, ACCOUNT_SCAN, &account->sent,
                        &account->answered, &account->retried,
                        &account->failed) != 4) {
                self->ended[i] = true;
                asking--;
            }
        }
        if (rc == 0)
            rc = s_farm_disturb (self);
        s_farm_show (self);
    }
    return rc;
}

/*  Each job that was sent was answered or failed, and none failed.          */
static int
s_farm_settle (farm_t *self)
{
    unsigned requeued = 0;
    close (self->broker.input);
    self->broker.input = -1;
    if (fscanf (self->broker.output, " requeued %u", &requeued) != 1)
        return -1;
    dividere_client_stats_t sum = s_farm_sum (self);
    printf ("%s%" PRIu64 " jobs sent = %" PRIu64 " answered + %" PRIu64
            " failed; %" PRIu64 " retried by clients, %u handed to another "
            "worker\n",
            isatty (STDOUT_FILENO) ? "\n" : "", sum.sent, sum.answered,
            sum.failed, sum.retried, requeued);
    return sum.sent == sum.answered + sum.failed && sum.failed == 0 ? 0 : -1;
}

static int
s_farm (void)
{
    farm_t self = { .frontend = "" };
    int rc = s_farm_start (&self);
    if (rc == 0)
        rc = s_farm_watch (&self);
    if (rc < 0)
        perror ("farm");
    for (int i = 0; i < CLIENTS; i++)
        rc |= s_end (&self.clients[i], rc ? SIGKILL : 0);
    for (int i = 0; i < WORKERS; i++)
        rc |= s_end (&self.workers[i], rc ? SIGKILL : 0);
    if (rc == 0)
        rc = s_farm_settle (&self);
    return s_end (&self.broker, 0) | rc;
}

int
main (int argc, char **argv)
{
    const char *role = argc > 1 ? argv[1] : "";
    if (argc == 1)
        return s_farm () < 0;
    if (argc == 2 && streq (role, "broker"))
        return s_broker () < 0;
    if (argc == 3 && streq (role, "worker"))
        return s_worker (argv[2]) < 0;
    if (argc == 4 && streq (role, "client"))
        return s_client (argv[2], strtol (argv[3], NULL, 10)) < 0;
    fprintf (stderr,
             "usage: %s [broker | worker BACKEND | client FRONTEND "
             "MS]\n",
             argv[0]);
    return 1;
}
