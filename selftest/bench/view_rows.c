/* SPDX-License-Identifier: Apache-2.0 */

/*  What it costs a publisher of 100,000 messages per second that somebody looks
 *  on, and how exactly a recording is replayed: by the command itself.      */

#include "bench.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <dividere.h>
#include <dividere/builtin.pb-c.h>
#include "record_writer.h"
#include "selftest.h"

#define RATE       100000 /* messages per second                             */
#define SLICE_S    1e-3   /* they come in bursts, one in each slice           */
#define PAYLOAD    16
#define ARGS_MAX   8
#define REPLAYED_S 0.3
#define STEP_NS    1000000 /* between two messages of a recording             */

extern char **environ;

/*  A process that looks on; words NULL: none.                               */
typedef struct {
    const char *word;
    pid_t pid;
    char *folder; /* of a recording                                          */
} watcher_t;

typedef struct {
    dividere_connector_t *out;
    char *endpoint;
    pthread_t reader;
    atomic_bool ended;
} stream_t;

static pid_t
s_spawn (char *const *words)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init (&actions);
    posix_spawn_file_actions_addopen (&actions, STDOUT_FILENO, "/dev/null",
                                      O_WRONLY, 0);
    CHECK_INT (posix_spawn (&pid, DIVIDERE_COMMAND, &actions, NULL, words,
                            environ),
               0);
    posix_spawn_file_actions_destroy (&actions);
    return pid;
}

static void
s_await_end (pid_t pid)
{
    int status;
    while (waitpid (pid, &status, 0) < 0)
        CHECK_INT (errno, EINTR);
    CHECK (WIFEXITED (status) ? WEXITSTATUS (status) == 0
                              : WTERMSIG (status) == SIGTERM);
}

static void
s_remove (char *folder)
{
    zdir_t *dir = zdir_new (folder, NULL);
    zdir_remove (dir, true);
    zdir_destroy (&dir);
    free (folder);
}

static void
s_attach (watcher_t *self, const stream_t *stream, const char *word)
{
    bool records = streq (word, "record");
    *self = (watcher_t){ .word = word,
                         .folder = records ? selftest_folder () : NULL };
    char *const record[] = { "dividere", "record", self->folder,
                             stream->endpoint, NULL };
    char *const sub[] = { "dividere", "sub", stream->endpoint, NULL };
    self->pid = s_spawn (records ? record : sub);
    CHECK_INT (dividere_wait_subscribers (stream->out,
                                          &dividere__ping__descriptor, 2,
                                          SELFTEST_DEADLINE),
               0);
}

static void
s_detach (watcher_t *self)
{
    kill (self->pid, SIGTERM);
    s_await_end (self->pid);
    if (self->folder)
        s_remove (self->folder);
}

/*  The subscriber that is there anyway.                                      */
static void *
s_read (void *arg)
{
    stream_t *self = (stream_t *) arg;
    dividere_connector_t *in = dividere_subscriber_new (self->endpoint, NULL);
    dividere_message_t *message = dividere_message_new ();
    CHECK (in);
    CHECK_INT (dividere_subscribe (in, &dividere__ping__descriptor), 0);
    while (!self->ended)
        dividere_recv_into (in, message, 10);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    return NULL;
}

static void
s_start (stream_t *self)
{
    self->out = dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    CHECK (self->out);
    self->ended = false;
    self->endpoint = strdup (dividere_connector_endpoint (self->out));
    CHECK_INT (pthread_create (&self->reader, NULL, s_read, self), 0);
    CHECK_INT (dividere_wait_subscribers (self->out,
                                          &dividere__ping__descriptor, 1,
                                          SELFTEST_DEADLINE),
               0);
}

static void
s_stop (stream_t *self)
{
    self->ended = true;
    pthread_join (self->reader, NULL);
    dividere_connector_destroy (&self->out);
    free (self->endpoint);
}

static void
s_sleep_until (double time)
{
    struct timespec at = { (time_t) time,
                           (long) ((time - (double) (time_t) time) * 1e9) };
    while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        continue;
}

static double
s_thread_time (void)
{
    struct timespec now;
    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/*  So many per second as are offered, or as can be. Gives the time that the
 *  publisher's thread was busy with it, per second.                         */
static double
s_publish (stream_t *self, double seconds, double *ret_busy)
{
    uint8_t payload[PAYLOAD] = { 0 };
    Dividere__Ping ping = DIVIDERE__PING__INIT;
    ping.payload.data = payload;
    ping.payload.len = sizeof (payload);
    double start = bench_now (), busy = s_thread_time ();
    size_t count = 0, total = (size_t) (seconds * RATE);
    for (double slice = start; count < total; slice += SLICE_S) {
        s_sleep_until (slice);
        for (int i = 0; i < (int) (RATE * SLICE_S); i++)
            CHECK_INT (dividere_send (self->out, &ping.base), 0);
        count += (size_t) (RATE * SLICE_S);
    }
    double took = bench_now () - start;
    *ret_busy = (s_thread_time () - busy) / took;
    return (double) count / took;
}

/*  args: the command that looks on, or NULL.                                */
static double
s_rate (const void *args, double seconds)
{
    stream_t stream;
    watcher_t watcher = { NULL };
    double busy;
    s_start (&stream);
    if (args)
        s_attach (&watcher, &stream, (const char *) args);
    double rate = s_publish (&stream, seconds, &busy);
    if (args)
        s_detach (&watcher);
    s_stop (&stream);
    return rate;
}

/*  What its thread is busy longer, per second.                               */
static double
s_cost (const void *args, double seconds)
{
    stream_t stream;
    watcher_t watcher;
    double alone, watched;
    s_start (&stream);
    s_publish (&stream, seconds, &alone);
    s_attach (&watcher, &stream, (const char *) args);
    s_publish (&stream, seconds, &watched);
    s_detach (&watcher);
    s_stop (&stream);
    return watched > alone ? watched - alone : 0;
}

static void
s_make_recording (const char *folder, size_t count)
{
    static const dividere_record_options_t s_options = { .segment_max = 64
                                                                        << 20 };
    dividere_record_writer_t *writer =
        dividere_record_writer_new (folder, &s_options);
    CHECK (writer);
    for (size_t i = 0; i < count; i++)
        dividere_record_writer_put (writer, (int64_t) i * STEP_NS, "tick", 4);
    dividere_record_writer_destroy (&writer);
}

/*  The median of how far from its time each message is received; the time of
 *  the first is that of the whole.                                          */
static double
s_lateness (const void *args, double seconds)
{
    enum { COUNT = (int) (REPLAYED_S * 1e9 / STEP_NS) };
    static double late[COUNT];
    char *folder = selftest_folder ();
    s_make_recording (folder, COUNT);
    dividere_connector_t *in =
        dividere_subscriber_new ("@tcp://127.0.0.1:*", NULL);
    CHECK (in);
    CHECK_INT (dividere_connector_subscribe (in, "tick", 4), 0);
    char *endpoint = zsys_sprintf (">%s", dividere_connector_endpoint (in));
    char *const words[] = { "dividere", "replay", folder, endpoint, NULL };
    pid_t pid = s_spawn (words);
    dividere_message_t *message = dividere_message_new ();
    double first = 0;
    for (int i = 0; i < COUNT; i++) {
        CHECK_INT (dividere_connector_recv_into (in, message,
                                                 SELFTEST_DEADLINE),
                   0);
        double now = bench_now ();
        first = i == 0 ? now : first;
        double due = first + i * (STEP_NS * 1e-9);
        late[i] = now > due ? now - due : due - now;
    }
    s_await_end (pid);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&in);
    free (endpoint);
    s_remove (folder);
    return bench_median (late, COUNT);
}

#define WATCHED(work, word)                                                  \
    {                                                                        \
        work, "the same, with one subscriber", BENCH_RATE, { s_rate, NULL }, \
            { s_rate, word }, 0.95, 0.99                                     \
    }
#define LIMIT(work, run, args, required, goal)                              \
    {                                                                       \
        work, "(absolute)", BENCH_LIMIT, { NULL }, { run, args }, required, \
            goal                                                            \
    }

const bench_row_t bench_view_rows[] = {
    WATCHED ("publisher of 100,000 per s, seen by sub", "sub"),
    WATCHED ("publisher of 100,000 per s, recorded", "record"),
    LIMIT ("its time for sub, of each second", s_cost, "sub", 50e-3, 20e-3),
    LIMIT ("its time for record, of each second", s_cost, "record", 50e-3,
           20e-3),
    LIMIT ("replay in its time, p50 of how far from it", s_lateness, NULL, 1e-3,
           0.1e-3),
    BENCH_END,
};
