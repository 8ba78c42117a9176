/* SPDX-License-Identifier: Apache-2.0 */

/*  Every request ends once, whatever dies: workers are processes that are
 *  killed one after another and started again, the broker is stopped and
 *  started anew, and clients keep hundreds of requests under way all the
 *  while. Each handler notes what it executes in a file before it answers;
 *  afterwards the books of the clients and that file are compared.           */

#include "selftest.h"
#include "chaos.h"
#include "process_support.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>
#include <dividere.h>

void test_process_chaos (void);
void test_process_chaos_strict (void);

#define WORKERS      4
#define CLIENTS      3
#define OUTSTANDING  200  /* of each client                                  */
#define BROKER_KILLS 5    /* between the ends of two brokers                 */
#define KILL_MS      100  /* between the ends of two workers                 */
#define KILLS        25   /* of a short run                                  */
#define DEADLINE_MS  4000 /* of a request: time for many tries               */
#define ATTEMPT_MS   500
#define FILLER_MAX   2000
#define MEMORY_SLACK (32u << 20)

/*  ---- The clients ----                                                    */

typedef enum { OPEN, ANSWERED, FAILED } outcome_t;

typedef struct {
    uint8_t outcome;
    uint16_t executions; /* in the file                                     */
    uint8_t error;       /* of one that failed: its index in s_errors         */
} entry_t;

static const int s_errors[] = { ETIMEDOUT,    ENOTCONN,   EBUSY,
                                EHOSTUNREACH, ECONNRESET, ENOTRECOVERABLE };
#define ERRORS (sizeof (s_errors) / sizeof (*s_errors))

typedef struct run_t run_t;

typedef struct {
    const run_t *run;
    uint32_t index;
    uint64_t random;
    pthread_t thread;
    dividere_client_t *client;
    entry_t *entries; /* by number                                          */
    uint64_t capacity;
    dividere_client_stats_t stats; /* at the end                             */
    size_t failed[ERRORS];
} asker_t;

struct run_t {
    bool strict;
    uint64_t random;
    char *folder;
    char *log;
    dividere_port_t *ports[2];
    char frontend[40];
    char backend[40];
    zactor_t *broker;
    pid_t workers[WORKERS];
    int outputs[WORKERS];
    asker_t askers[CLIENTS];
    atomic_bool over;
};

static entry_t *
s_entry (asker_t *self, uint64_t number)
{
    if (number >= self->capacity) {
        uint64_t capacity = self->capacity ? self->capacity : 1024;
        while (number >= capacity)
            capacity *= 2;
        self->entries =
            (entry_t *) realloc (self->entries, capacity * sizeof (entry_t));
        CHECK (self->entries);
        memset (self->entries + self->capacity, 0,
                (capacity - self->capacity) * sizeof (entry_t));
        self->capacity = capacity;
    }
    return &self->entries[number];
}

static void
s_send (asker_t *self)
{
    char payload[sizeof (chaos_job_t) + FILLER_MAX] = { 0 };
    uint32_t filler = selftest_random (&self->random) % FILLER_MAX;
    chaos_job_t job = { self->index, filler, ++self->stats.sent };
    memcpy (payload, &job, sizeof (job));
    dividere_request_options_t options = DIVIDERE_REQUEST_OPTIONS_INIT;
    options.strict = self->run->strict;
    uint64_t number;
    CHECK_INT (dividere_client_send_bytes (self->client, payload,
                                           sizeof (job) + filler, &options,
                                           &number),
               0);
    CHECK_INT (number, job.number);
    s_entry (self, number);
}

static void
s_check_reply (asker_t *self, const dividere_message_t *reply, uint64_t number)
{
    chaos_job_t job;
    CHECK (dividere_message_size (reply) >= sizeof (job));
    memcpy (&job, dividere_message_data (reply), sizeof (job));
    CHECK_INT (job.client, self->index);
    CHECK_INT (job.number, number);
    CHECK_INT (dividere_message_size (reply), sizeof (job) + job.filler);
}

static void
s_note (asker_t *self, const dividere_result_t *result,
        const dividere_message_t *reply)
{
    CHECK (result->number >= 1 && result->number <= self->stats.sent);
    entry_t *entry = s_entry (self, result->number);
    CHECK_INT (entry->outcome, OPEN);
    if (result->error == 0) {
        entry->outcome = ANSWERED;
        s_check_reply (self, reply, result->number);
        return;
    }
    entry->outcome = FAILED;
    while (entry->error < ERRORS && s_errors[entry->error] != result->error)
        entry->error++;
    if (entry->error == ERRORS)
        selftest_fail (__FILE__, __LINE__, "request %d ends with %s",
                       (int) result->number, strerror (result->error));
    self->failed[entry->error]++;
}

/*  Many under way, until it is over; then what is left ends by itself.      */
static void *
s_ask (void *args)
{
    asker_t *self = (asker_t *) args;
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = DEADLINE_MS;
    options.attempt_ms = ATTEMPT_MS;
    options.retries = 1000;
    self->client = dividere_client_new (self->run->frontend, &options);
    CHECK (self->client);
    dividere_message_t *reply = dividere_message_new ();
    dividere_result_t result;
    uint64_t ended = 0;
    while (true) {
        while (!self->run->over && self->stats.sent - ended < OUTSTANDING)
            s_send (self);
        if (dividere_client_recv (self->client, reply, &result, -1) < 0)
            break;
        s_note (self, &result, reply);
        ended++;
    }
    CHECK_INT (errno, ENOENT);
    CHECK_INT (ended, self->stats.sent);
    dividere_client_stats (self->client, &self->stats);
    CHECK_INT (self->stats.sent, ended);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&self->client);
    return NULL;
}

/*  ---- Broker and workers ----                                             */

static void
s_set (zactor_t *actor, const char *name, const char *value)
{
    CHECK_INT (dividere_call (actor, NULL, SELFTEST_DEADLINE, "SET", name,
                              value, NULL),
               0);
}

/*  The one before may still be about to let the address go.                 */
static bool
s_bound (zactor_t *broker, const char *side, const char *endpoint)
{
    if (dividere_call (broker, NULL, SELFTEST_DEADLINE, "BIND", side, endpoint,
                       NULL) == 0)
        return true;
    CHECK_INT (errno, EADDRINUSE);
    return false;
}

static void
s_start_broker (run_t *self)
{
    self->broker = zactor_new (dividere_broker, NULL);
    s_set (self->broker, "heartbeat", "100");
    s_set (self->broker, "linger", "0");
    CHECK_EVENTUALLY (s_bound (self->broker, "frontend", self->frontend));
    CHECK_EVENTUALLY (s_bound (self->broker, "backend", self->backend));
}

static void
s_stop_broker (run_t *self)
{
    CHECK_INT (dividere_stop (&self->broker, SELFTEST_DEADLINE), 0);
}

static void
s_start_worker (run_t *self, int index)
{
    char *argv[] = { "dividere_selftest", "--test", "chaos_worker", NULL };
    self->workers[index] = process_spawn (argv, &self->outputs[index]);
}

static void
s_kill_worker (run_t *self, int index)
{
    int status;
    CHECK_INT (kill (self->workers[index], SIGKILL), 0);
    CHECK_INT (waitpid (self->workers[index], &status, 0),
               self->workers[index]);
    CHECK_INT (status, SIGKILL);
    close (self->outputs[index]);
}

/*  By letting its output go.                                                */
static void
s_stop_worker (run_t *self, int index)
{
    int status;
    close (self->outputs[index]);
    CHECK_INT (waitpid (self->workers[index], &status, 0),
               self->workers[index]);
    CHECK_INT (status, 0);
}

/*  ---- The run ----                                                        */

static uint64_t
s_seed (void)
{
    const char *text = getenv ("DIVIDERE_SELFTEST_SEED");
    uint64_t seed = text ? strtoull (text, NULL, 10)
                         : (uint64_t) selftest_now_ms () ^ (uint64_t) getpid ();
    printf ("DIVIDERE_SELFTEST_SEED=%llu\n", (unsigned long long) seed);
    return seed;
}

static void
s_start (run_t *self, bool strict)
{
    *self = (run_t){ .strict = strict, .random = s_seed () };
    selftest_losing = true;
    self->folder = selftest_folder ();
    self->log = zsys_sprintf ("%s/executions", self->folder);
    int file = open (self->log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK (file >= 0);
    close (file);
    char *endpoints[2] = { self->frontend, self->backend };
    for (int i = 0; i < 2; i++) {
        self->ports[i] = dividere_port_new (0, 0);
        CHECK (self->ports[i]);
        snprintf (endpoints[i], sizeof (self->frontend), "tcp://127.0.0.1:%d",
                  dividere_port_number (self->ports[i]));
    }
    CHECK_INT (setenv (CHAOS_LOG, self->log, 1), 0);
    CHECK_INT (setenv (CHAOS_BACKEND, self->backend, 1), 0);
    s_start_broker (self);
    for (int i = 0; i < WORKERS; i++)
        s_start_worker (self, i);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        asker_t *asker = &self->askers[i];
        *asker = (asker_t){ self, i, selftest_random (&self->random) };
        CHECK_INT (pthread_create (&asker->thread, NULL, s_ask, asker), 0);
    }
}

/*  The memory of this process, which is that of the broker and the clients.  */
static size_t
s_memory (void)
{
    FILE *file = fopen ("/proc/self/statm", "r");
    size_t pages = 0;
    CHECK (file);
    CHECK_INT (fscanf (file, "%*s %zu", &pages), 1);
    fclose (file);
    return pages * (size_t) sysconf (_SC_PAGESIZE);
}

/*  Returns by how much memory has grown since it was warm.                  */
static long
s_wreak (run_t *self, size_t kills)
{
    size_t warm = 0;
    for (size_t i = 0; i < kills; i++) {
        poll (NULL, 0, KILL_MS);
        int victim = (int) (selftest_random (&self->random) % WORKERS);
        s_kill_worker (self, victim);
        s_start_worker (self, victim);
        if (i % BROKER_KILLS == BROKER_KILLS - 1) {
            s_stop_broker (self);
            s_start_broker (self);
        }
        if (i == kills / 3)
            warm = s_memory ();
    }
    return (long) s_memory () - (long) warm;
}

static void
s_stop (run_t *self)
{
    self->over = true;
    for (int i = 0; i < CLIENTS; i++)
        pthread_join (self->askers[i].thread, NULL);
    for (int i = 0; i < WORKERS; i++)
        s_stop_worker (self, i);
    s_stop_broker (self);
    for (int i = 0; i < 2; i++)
        dividere_port_destroy (&self->ports[i]);
}

static int
s_compare (const void *left, const void *right)
{
    return memcmp (left, right, sizeof (chaos_execution_t));
}

/*  Executions in the file, each worker's of one request at most once.       */
static size_t
s_count_executions (run_t *self)
{
    FILE *file = fopen (self->log, "r");
    CHECK (file);
    fseek (file, 0, SEEK_END);
    size_t count = (size_t) ftell (file) / sizeof (chaos_execution_t);
    CHECK_INT (ftell (file), count * sizeof (chaos_execution_t));
    rewind (file);
    chaos_execution_t *all =
        (chaos_execution_t *) zmalloc (count * sizeof (*all));
    CHECK_INT (fread (all, sizeof (*all), count, file), count);
    fclose (file);
    qsort (all, count, sizeof (*all), s_compare);
    for (size_t i = 0; i < count; i++) {
        CHECK (i == 0 || s_compare (&all[i - 1], &all[i]) != 0);
        CHECK (all[i].client < CLIENTS);
        asker_t *asker = &self->askers[all[i].client];
        CHECK (all[i].number >= 1 && all[i].number <= asker->stats.sent);
        asker->entries[all[i].number].executions++;
    }
    free (all);
    return count;
}

/*  Strict: none twice, and none whose error says that it was not executed.   */
static void
s_check_entries (const run_t *self, const asker_t *asker)
{
    uint64_t counts[3] = { 0 };
    for (uint64_t i = 1; i <= asker->stats.sent; i++) {
        const entry_t *entry = &asker->entries[i];
        counts[entry->outcome]++;
        if (entry->outcome == ANSWERED)
            CHECK (entry->executions >= 1);
        if (self->strict)
            CHECK (entry->executions <= 1);
        if (self->strict && entry->outcome == FAILED &&
            s_errors[entry->error] != ENOTRECOVERABLE)
            CHECK_INT (entry->executions, 0);
    }
    CHECK_INT (counts[OPEN], 0);
    CHECK_INT (counts[ANSWERED], asker->stats.answered);
    CHECK_INT (counts[FAILED], asker->stats.failed);
    CHECK_INT (asker->stats.outstanding, 0);
}

static void
s_account (const run_t *self, size_t kills, size_t executions, long growth)
{
    dividere_client_stats_t sum = { 0 };
    size_t failed[ERRORS] = { 0 };
    for (int i = 0; i < CLIENTS; i++) {
        const asker_t *asker = &self->askers[i];
        s_check_entries (self, asker);
        sum.sent += asker->stats.sent;
        sum.answered += asker->stats.answered;
        sum.failed += asker->stats.failed;
        sum.retried += asker->stats.retried;
        sum.stale += asker->stats.stale;
        for (size_t j = 0; j < ERRORS; j++)
            failed[j] += asker->failed[j];
    }
    printf (
        "%zu workers killed, %zu brokers stopped: %llu sent = %llu answered "
        "+ %llu failed; %zu executed, %llu retried, %llu stale, %ld KiB "
        "more\n",
        kills, kills / BROKER_KILLS, (unsigned long long) sum.sent,
        (unsigned long long) sum.answered, (unsigned long long) sum.failed,
        executions, (unsigned long long) sum.retried,
        (unsigned long long) sum.stale, growth / 1024);
    for (size_t j = 0; j < ERRORS; j++)
        if (failed[j])
            printf ("    %zu: %s\n", failed[j], strerror (s_errors[j]));
    CHECK_INT (sum.sent, sum.answered + sum.failed);
    CHECK (sum.answered > sum.sent / 2);
    if (!self->strict)
        CHECK_INT (sum.failed, 0);
}

static void
s_run (bool strict)
{
    run_t self;
    s_start (&self, strict);
    size_t kills = selftest_scaled (KILLS);
    long growth = s_wreak (&self, kills);
    s_stop (&self);
    s_account (&self, kills, s_count_executions (&self), growth);
    if (!SELFTEST_ASAN)
        CHECK (growth < (long) MEMORY_SLACK);
    for (int i = 0; i < CLIENTS; i++)
        free (self.askers[i].entries);
    CHECK_INT (unlink (self.log), 0);
    CHECK_INT (rmdir (self.folder), 0);
    zstr_free (&self.log);
    free (self.folder);
}

void
test_process_chaos (void)
{
    s_run (false);
}

void
test_process_chaos_strict (void)
{
    s_run (true);
}
