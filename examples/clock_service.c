/* SPDX-License-Identifier: Apache-2.0 */

/*  A service that is called by its name, and survives the death of either of
 *  its two instances.
 *
 *  The name server and the client are in this process; each clock is a process
 *  of its own, that registers as "clock". The client has many questions under
 *  way at a time. One clock is killed meanwhile, and another one started in its
 *  place; once that has answered, the other of the first two is killed. In the
 *  end every question was answered once. The clocks are this program once more,
 *  in another role.
 *
 *  Build: protoc --c_out=. --dividere_out=. guide.proto
 *         cc clock_service.c guide.pb-c.c guide.dividere.c \
 *            $(pkg-config --cflags --libs dividere)
 *  Run:   ./a.out
 *         ./a.out clock NUMBER NAMESERVER PUBLISH   until its input ends     */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2, environ                                       */
#endif
#include <dividere.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "guide.dividere.h"

#define DEADLINE_MS 20000
#define LEASE_MS    "500" /* who is killed is forgotten after it             */
#define CLOCKS      4     /* two at a time                                   */
#define OUTSTANDING 20    /* questions                                       */
#define PHASE_MS    300
#define REPORT_MS   100

/*  ---- A clock ----                                                        */

static int
on_time_asked (dividere_context_t *context, const TimeAsked *question)
{
    TimeTold answer = TIME_TOLD__INIT;
    answer.number = question->number;
    answer.seconds = (int64_t) time (NULL);
    answer.clock = *(uint32_t *) dividere_context_user (context);
    return dividere_context_reply (context, &answer.base) < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TimeAsked, time_asked, on_time_asked),
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
s_call (zactor_t *actor, const char *command, const char *first,
        const char *second)
{
    return dividere_call (actor, NULL, DEADLINE_MS, command, first, second,
                          NULL);
}

static int
s_clock (uint32_t number, const char *nameserver, const char *publish)
{
    dividere_service_config_t config = { .handlers = s_handlers,
                                         .user = &number,
                                         .schema = guide__schema,
                                         .schema_size = guide__schema_size };
    zactor_t *service = zactor_new (dividere_service, &config);
    int rc = s_call (service, "SET", "name", "clock");
    if (rc == 0)
        rc = s_call (service, "SET", "lease", LEASE_MS);
    if (rc == 0)
        rc = s_call (service, "BIND", "tcp://127.0.0.1:*", NULL);
    if (rc == 0)
        rc = s_call (service, "CONNECT", nameserver, publish);
    if (rc == 0)
        rc = s_call (service, "START", NULL, NULL);
    if (rc == 0)
        s_wait_for_end_of_input ();
    else
        perror ("clock");
    return dividere_stop (&service, DEADLINE_MS) | rc;
}

/*  ---- All of it ----                                                      */

typedef struct {
    pid_t pid;     /* 0: it does not run                                     */
    int input;     /* its end ends it                                        */
    uint64_t told; /* answers                                                */
} clock_child_t;

typedef struct {
    zactor_t *nameserver;
    char *requests;
    char *publish;
    clock_child_t clocks[CLOCKS];
    int started; /* of the clocks                                            */
    int killed;
    dividere_client_t *client;
    dividere_message_t *message;
    int64_t start_ms; /* zclock_mono                                         */
    int64_t phase_ms; /* when something happened last                        */
    int64_t shown_ms;
} town_t;

/*  This program again. Returns 0, or -1 with the errno of what failed.      */
static int
s_start_clock (town_t *self)
{
    char number[20];
    snprintf (number, sizeof (number), "%d", self->started);
    char *argv[] = { "clock_service", "clock",       number,
                     self->requests,  self->publish, NULL };
    clock_child_t *child = &self->clocks[self->started++];
    int input[2];
    if (pipe2 (input, O_CLOEXEC) < 0)
        return -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init (&actions);
    posix_spawn_file_actions_adddup2 (&actions, input[0], STDIN_FILENO);
    errno = posix_spawn (&child->pid, "/proc/self/exe", &actions, NULL, argv,
                         environ);
    posix_spawn_file_actions_destroy (&actions);
    close (input[0]);
    child->input = input[1];
    return errno == 0 ? 0 : -1;
}

/*  Returns 0 if it ends with status 0, or as it was killed to.              */
static int
s_end_clock (clock_child_t *child, int signal)
{
    if (child->pid <= 0)
        return 0;
    if (signal)
        kill (child->pid, signal);
    close (child->input);
    int status;
    pid_t pid = waitpid (child->pid, &status, 0);
    bool good = pid == child->pid && status == signal;
    if (!good)
        fprintf (stderr, "process %d: status %x\n", child->pid, status);
    child->pid = 0;
    return good ? 0 : -1;
}

/*  Returns the endpoint that was bound, the caller's to free, or NULL.      */
static char *
s_bind (zactor_t *nameserver, const char *side)
{
    zmsg_t *reply = NULL;
    if (dividere_call (nameserver, &reply, DEADLINE_MS, "BIND", side,
                       "tcp://127.0.0.1:*", NULL) < 0)
        return NULL;
    char *endpoint = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return endpoint;
}

static int
s_found_town (town_t *self)
{
    self->nameserver = zactor_new (dividere_nameserver, NULL);
    self->requests = s_bind (self->nameserver, "requests");
    self->publish = s_bind (self->nameserver, "publish");
    char *watch = s_bind (self->nameserver, "watch");
    bool bound = self->requests && self->publish && watch;
    zstr_free (&watch);
    if (!bound || s_start_clock (self) < 0 || s_start_clock (self) < 0)
        return -1;
    char *servers = zsys_sprintf ("%s|%s", self->requests, self->publish);
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = DEADLINE_MS;
    self->client = dividere_client_new_named ("clock", servers, &options);
    self->message = dividere_message_new ();
    zstr_free (&servers);
    self->start_ms = self->phase_ms = zclock_mono ();
    return self->client ? dividere_types_register (&time_told__descriptor) : -1;
}

/*  On a terminal one line that changes.                                     */
static void
s_show (town_t *self)
{
    int64_t now_ms = zclock_mono ();
    if (now_ms < self->shown_ms)
        return;
    bool terminal = isatty (STDOUT_FILENO);
    self->shown_ms = now_ms + (terminal ? REPORT_MS : 3 * REPORT_MS);
    printf ("%s%4.1f s, told by", terminal ? "\r" : "",
            (double) (now_ms - self->start_ms) / 1000);
    for (int i = 0; i < self->started; i++)
        printf (" clock %d%s: %" PRIu64 ";", i + 1,
                self->clocks[i].pid ? "" : " (killed)", self->clocks[i].told);
    printf ("%s", terminal ? " " : "\n");
    fflush (stdout);
}

/*  The next that is to happen, a while after the last, when both of those that
 *  run have answered. Returns 0, 1 if there is nothing any more, or -1.     */
static int
s_disturb (town_t *self)
{
    int64_t now_ms = zclock_mono ();
    int running = self->started - self->killed;
    for (int i = self->killed; i < self->started; i++)
        if (self->clocks[i].told == 0)
            self->phase_ms = now_ms;
    if (now_ms < self->phase_ms + PHASE_MS)
        return 0;
    self->phase_ms = now_ms;
    if (running < 2)
        return s_start_clock (self);
    if (self->started == CLOCKS)
        return 1;
    return s_end_clock (&self->clocks[self->killed++], SIGKILL);
}

/*  The answer must be to the question of its number.                        */
static int
s_take (town_t *self, const dividere_result_t *result)
{
    if (result->error) {
        fprintf (stderr, "question %" PRIu64 ": %s\n", result->number,
                 zmq_strerror (result->error));
        return 0;
    }
    const TimeTold *answer =
        DIVIDERE_MESSAGE_AS (self->message, TimeTold, time_told);
    if (!answer || answer->number != result->number ||
        answer->clock >= CLOCKS) {
        errno = EPROTO;
        return -1;
    }
    self->clocks[answer->clock].told++;
    return 0;
}

/*  Asks as long as anything is to happen, so many at a time.                */
static int
s_live (town_t *self)
{
    TimeAsked question = TIME_ASKED__INIT;
    uint64_t outstanding = 0;
    int phase = 0;
    while (phase == 0 || outstanding > 0) {
        for (; phase == 0 && outstanding < OUTSTANDING; outstanding++) {
            question.number++;
            if (dividere_client_send (self->client, &question.base, NULL,
                                      NULL) < 0)
                return -1;
        }
        dividere_result_t result;
        if (dividere_client_recv (self->client, self->message, &result,
                                  REPORT_MS) == 0) {
            outstanding--;
            if (s_take (self, &result) < 0)
                return -1;
        }
        else if (errno != EAGAIN)
            return -1;
        if (phase == 0 && (phase = s_disturb (self)) < 0)
            return -1;
        s_show (self);
    }
    return 0;
}

/*  Each question was answered, by four clocks.                              */
static int
s_settle (const town_t *self)
{
    dividere_client_stats_t stats;
    dividere_client_stats (self->client, &stats);
    printf ("%s%" PRIu64 " questions = %" PRIu64 " answered + %" PRIu64
            " failed; %" PRIu64 " asked again; 2 of 4 clocks killed\n",
            isatty (STDOUT_FILENO) ? "\n" : "", stats.sent, stats.answered,
            stats.failed, stats.retried);
    return stats.sent == stats.answered && self->killed == 2 ? 0 : -1;
}

static int
s_town (void)
{
    town_t self = { 0 };
    int rc = s_found_town (&self);
    if (rc == 0)
        rc = s_live (&self);
    if (rc < 0)
        perror ("clock_service");
    else
        rc = s_settle (&self);
    dividere_message_destroy (&self.message);
    dividere_client_destroy (&self.client);
    for (int i = 0; i < self.started; i++)
        rc |= s_end_clock (&self.clocks[i], rc ? SIGKILL : 0);
    rc |= dividere_stop (&self.nameserver, DEADLINE_MS);
    zstr_free (&self.requests);
    zstr_free (&self.publish);
    return rc;
}

int
main (int argc, char **argv)
{
    if (argc == 1)
        return s_town () < 0;
    if (argc == 5 && streq (argv[1], "clock"))
        return s_clock ((uint32_t) strtoul (argv[2], NULL, 10), argv[3],
                        argv[4]) < 0;
    fprintf (stderr, "usage: %s [clock NUMBER NAMESERVER PUBLISH]\n", argv[0]);
    return 1;
}
