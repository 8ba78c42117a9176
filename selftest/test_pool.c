/* SPDX-License-Identifier: Apache-2.0 */

/*  Handler threads: what is submitted is run once and comes back once, in
 *  order, or is taken back before.                                          */

#include "selftest.h"
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>
#include "pool.h"

void test_pool_jobs (void);
void test_pool_order (void);
void test_pool_parallel (void);
void test_pool_descriptor (void);
void test_pool_withdraw (void);
void test_pool_refusal (void);
void test_pool_end (void);
void test_pool_signals (void);
void test_pool_exhausted (void);

#define THREADS_MAX 8

typedef struct {
    dividere_job_t job;
    atomic_size_t runs;
    size_t order; /* in which it was run, from 1                            */
    size_t thread;
    bool out; /* submitted, and not back                                    */
} work_t;

/*  What the threads share.                                                  */
typedef struct {
    size_t threads;
    sem_t gate; /* each job takes one, where there is a gate                */
    bool gated;
    atomic_size_t run;
    atomic_size_t inits;
    atomic_size_t exits[THREADS_MAX];
    int errors[THREADS_MAX]; /* of init                                     */
} shared_t;

static int
s_init (void *self, size_t thread)
{
    shared_t *shared = (shared_t *) self;
    CHECK (thread < shared->threads);
    atomic_fetch_add (&shared->inits, 1);
    return shared->errors[thread];
}

static void
s_run (void *self, size_t thread, dividere_job_t *job)
{
    shared_t *shared = (shared_t *) self;
    work_t *work = (work_t *) job;
    CHECK (thread < shared->threads);
    while (shared->gated && sem_wait (&shared->gate) < 0)
        CHECK_INT (errno, EINTR);
    work->thread = thread;
    work->order = 1 + atomic_fetch_add (&shared->run, 1);
    atomic_fetch_add (&work->runs, 1);
}

static void
s_exit (void *self, size_t thread)
{
    shared_t *shared = (shared_t *) self;
    atomic_fetch_add (&shared->exits[thread], 1);
}

static const dividere_pool_class_t s_class = { s_init, s_run, s_exit };
static const dividere_pool_class_t s_plain = { NULL, s_run, NULL };

static dividere_pool_t *
s_new (shared_t *shared, size_t threads, bool gated)
{
    shared->threads = threads;
    shared->gated = gated;
    CHECK_INT (sem_init (&shared->gate, 0, 0), 0);
    dividere_pool_t *pool = dividere_pool_new (&s_class, shared, threads);
    CHECK (pool);
    return pool;
}

static void
s_open_gate (shared_t *shared, size_t jobs)
{
    for (size_t i = 0; i < jobs; i++)
        CHECK_INT (sem_post (&shared->gate), 0);
}

static bool
s_is_readable (const dividere_pool_t *pool, int limit_ms)
{
    struct pollfd item = { .fd = dividere_pool_fd (pool), .events = POLLIN };
    return poll (&item, 1, limit_ms) == 1;
}

static void
s_collect (dividere_pool_t *pool)
{
    CHECK (s_is_readable (pool, SELFTEST_DEADLINE));
    dividere_pool_collect (pool);
}

static void
s_start (dividere_pool_t *pool, int expected)
{
    int error = -1;
    while (!dividere_pool_started (pool, &error))
        s_collect (pool);
    CHECK_INT (error, expected);
}

static void
s_submit (dividere_pool_t *pool, work_t *work)
{
    CHECK (!work->out);
    work->out = true;
    dividere_pool_submit (pool, &work->job);
}

/*  The next one that is done, or NULL.                                      */
static work_t *
s_done (dividere_pool_t *pool)
{
    work_t *work = (work_t *) dividere_pool_done (pool);
    if (work) {
        CHECK (work->out);
        work->out = false;
    }
    return work;
}

/*  ... when it is.                                                          */
static work_t *
s_await_done (dividere_pool_t *pool)
{
    work_t *work;
    while (!(work = s_done (pool)))
        s_collect (pool);
    return work;
}

static work_t *
s_withdraw (dividere_pool_t *pool)
{
    work_t *work = (work_t *) dividere_pool_withdraw (pool);
    if (work) {
        CHECK (work->out);
        CHECK_INT (work->runs, 0);
        work->out = false;
    }
    return work;
}

static void
s_end (dividere_pool_t **pool_p, shared_t *shared)
{
    dividere_pool_end (*pool_p);
    while (!dividere_pool_ended (*pool_p))
        s_collect (*pool_p);
    dividere_pool_destroy (pool_p);
    CHECK (!*pool_p);
    CHECK_INT (sem_destroy (&shared->gate), 0);
}

/*  Any number at a time, of which some are taken back; each of the others is
 *  run once.                                                                */
static void
s_check_jobs (size_t threads, size_t count)
{
    shared_t shared = { 0 };
    dividere_pool_t *pool = s_new (&shared, threads, false);
    work_t *works = (work_t *) calloc (count, sizeof (*works));
    CHECK (works);
    s_start (pool, 0);
    uint64_t seed = threads;
    size_t submitted = 0, done = 0, withdrawn = 0;
    while (done + withdrawn < count) {
        size_t batch = selftest_random (&seed) % 100;
        for (; batch && submitted < count; batch--)
            s_submit (pool, &works[submitted++]);
        if (selftest_random (&seed) % 16 == 0 && s_withdraw (pool))
            withdrawn++;
        dividere_pool_flush (pool);
        if (submitted - done - withdrawn > 500 || submitted == count)
            s_collect (pool);
        for (work_t *work; (work = s_done (pool)); done++) {
            CHECK_INT (work->runs, 1);
            CHECK (work->thread < threads);
        }
    }
    CHECK_INT (dividere_pool_waiting (pool), 0);
    CHECK_INT (dividere_pool_running (pool), 0);
    CHECK_INT (shared.run, done);
    CHECK_INT (submitted, count);
    for (size_t i = 0; i < count; i++)
        CHECK (!works[i].out);
    selftest_note ("%zu threads: %zu done, %zu withdrawn", threads, done,
                   withdrawn);
    s_end (&pool, &shared);
    free (works);
}

void
test_pool_jobs (void)
{
    size_t count = selftest_scaled (100000);
    s_check_jobs (1, count);
    s_check_jobs (2, count);
    s_check_jobs (THREADS_MAX, count);
}

void
test_pool_order (void)
{
    enum { COUNT = 1000 };
    shared_t shared = { 0 };
    dividere_pool_t *pool = s_new (&shared, 1, true);
    work_t works[COUNT] = { { .runs = 0 } };
    for (size_t i = 0; i < COUNT; i++) {
        s_submit (pool, &works[i]);
        if (i % 7 == 0)
            dividere_pool_flush (pool);
    }
    dividere_pool_flush (pool);
    s_open_gate (&shared, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK (s_await_done (pool) == &works[i]);
        CHECK_INT (works[i].order, i + 1);
    }
    CHECK (!s_done (pool));
    s_end (&pool, &shared);
}

static void
s_meet (void *self, size_t thread, dividere_job_t *job)
{
    pthread_barrier_wait ((pthread_barrier_t *) self);
}

/*  As many jobs as threads run at a time: none of these ends before all have
 *  begun. One flush wakes them all, or one for each.                        */
void
test_pool_parallel (void)
{
    static const dividere_pool_class_t s_meeting = { NULL, s_meet, NULL };
    enum { THREADS = 5 };
    pthread_barrier_t barrier;
    CHECK_INT (pthread_barrier_init (&barrier, NULL, THREADS), 0);
    dividere_pool_t *pool = dividere_pool_new (&s_meeting, &barrier, THREADS);
    CHECK (pool);
    s_start (pool, 0);
    for (int round = 0; round < 200; round++) {
        work_t works[THREADS] = { { .runs = 0 } };
        for (size_t i = 0; i < THREADS; i++) {
            s_submit (pool, &works[i]);
            if (round % 2)
                dividere_pool_flush (pool);
        }
        dividere_pool_flush (pool);
        for (size_t i = 0; i < THREADS; i++)
            s_await_done (pool);
    }
    dividere_pool_destroy (&pool);
    pthread_barrier_destroy (&barrier);
}

/*  Readable once there is something, written once for all of it.            */
void
test_pool_descriptor (void)
{
    enum { COUNT = 100 };
    shared_t shared = { 0 };
    dividere_pool_t *pool = s_new (&shared, 2, true);
    s_start (pool, 0);
    CHECK (!s_is_readable (pool, 0));
    work_t works[COUNT] = { { .runs = 0 } };
    for (size_t i = 0; i < COUNT; i++)
        s_submit (pool, &works[i]);
    dividere_pool_flush (pool);
    CHECK_EVENTUALLY (dividere_pool_running (pool) == 2);
    CHECK_INT (dividere_pool_waiting (pool), COUNT - 2);
    CHECK (!s_is_readable (pool, 0));

    s_open_gate (&shared, COUNT);
    CHECK_EVENTUALLY (!dividere_pool_waiting (pool) &&
                      !dividere_pool_running (pool));
    CHECK (s_is_readable (pool, SELFTEST_DEADLINE));
    CHECK (!s_done (pool));
    uint64_t writes = 0;
    CHECK_INT (read (dividere_pool_fd (pool), &writes, sizeof (writes)),
               sizeof (writes));
    CHECK_INT (writes, 1);
    dividere_pool_collect (pool);
    CHECK (!s_is_readable (pool, 0));
    for (size_t i = 0; i < COUNT; i++)
        CHECK (s_done (pool));
    CHECK (!s_done (pool));
    s_end (&pool, &shared);
}

void
test_pool_withdraw (void)
{
    shared_t shared = { 0 };
    dividere_pool_t *pool = s_new (&shared, 1, true);
    work_t works[6] = { { .runs = 0 } };
    CHECK (!s_withdraw (pool));
    for (size_t i = 0; i < 4; i++)
        s_submit (pool, &works[i]);
    CHECK_INT (dividere_pool_waiting (pool), 4);
    CHECK_INT (dividere_pool_running (pool), 0);
    dividere_pool_flush (pool);
    CHECK_EVENTUALLY (dividere_pool_running (pool) == 1);

    /* First what waits, then what was not flushed; not what runs.           */
    s_submit (pool, &works[4]);
    s_submit (pool, &works[5]);
    CHECK_INT (dividere_pool_waiting (pool), 5);
    CHECK (s_withdraw (pool) == &works[1]);
    CHECK (s_withdraw (pool) == &works[2]);
    CHECK (s_withdraw (pool) == &works[3]);
    CHECK (s_withdraw (pool) == &works[4]);
    CHECK_INT (dividere_pool_waiting (pool), 1);
    dividere_pool_flush (pool);
    CHECK (s_withdraw (pool) == &works[5]);
    CHECK (!s_withdraw (pool));
    CHECK_INT (dividere_pool_running (pool), 1);

    /* Taken back, it may be submitted again.                                */
    s_submit (pool, &works[3]);
    dividere_pool_flush (pool);
    s_open_gate (&shared, 2);
    CHECK (s_await_done (pool) == &works[0]);
    CHECK (s_await_done (pool) == &works[3]);
    CHECK_INT (shared.run, 2);
    s_end (&pool, &shared);
}

/*  A refused thread takes no job, and has no exit.                          */
void
test_pool_refusal (void)
{
    shared_t shared = { .errors = { 0, EACCES, 0 } };
    dividere_pool_t *pool = s_new (&shared, 3, false);
    s_start (pool, EACCES);
    CHECK_INT (shared.inits, 3);
    work_t works[50] = { { .runs = 0 } };
    for (size_t i = 0; i < 50; i++)
        s_submit (pool, &works[i]);
    dividere_pool_flush (pool);
    for (size_t i = 0; i < 50; i++)
        CHECK (s_await_done (pool)->thread != 1);
    s_end (&pool, &shared);
    CHECK_INT (shared.exits[0], 1);
    CHECK_INT (shared.exits[1], 0);
    CHECK_INT (shared.exits[2], 1);

    /* All of them: what was submitted can be had back.                      */
    shared_t refused = { .errors = { EPERM, EPERM } };
    pool = s_new (&refused, 2, false);
    s_start (pool, EPERM);
    works[0].runs = 0;
    s_submit (pool, &works[0]);
    dividere_pool_flush (pool);
    while (!dividere_pool_ended (pool))
        s_collect (pool);
    CHECK (s_withdraw (pool) == &works[0]);
    s_end (&pool, &refused);
    CHECK_INT (refused.exits[0] + refused.exits[1], 0);
}

/*  What was submitted before the end is done, flushed or not, and can be had
 *  once all have ended.                                                     */
void
test_pool_end (void)
{
    enum { COUNT = 100 };
    size_t threads = selftest_threads ();
    for (int round = 0; round < 100; round++) {
        shared_t shared = { 0 };
        dividere_pool_t *pool = s_new (&shared, 1 + round % 4, false);
        work_t works[COUNT] = { { .runs = 0 } };
        for (size_t i = 0; i < COUNT; i++) {
            s_submit (pool, &works[i]);
            if (i == COUNT / 2)
                dividere_pool_flush (pool);
        }
        dividere_pool_end (pool);
        dividere_pool_end (pool);
        while (!dividere_pool_ended (pool))
            s_collect (pool);
        int error = -1;
        CHECK (dividere_pool_started (pool, &error));
        CHECK_INT (error, 0);
        for (size_t i = 0; i < COUNT; i++)
            CHECK (s_done (pool));
        CHECK (!s_done (pool));
        for (size_t i = 0; i < shared.threads; i++)
            CHECK_INT (shared.exits[i], 1);
        s_end (&pool, &shared);
        dividere_pool_destroy (&pool);
    }

    /* At once, whatever the threads are at.                                 */
    for (int round = 0; round < 100; round++) {
        dividere_pool_t *pool = dividere_pool_new (&s_plain, NULL, 3);
        CHECK (pool);
        dividere_pool_destroy (&pool);
        CHECK (!pool);
    }
    CHECK_EVENTUALLY (selftest_threads () == threads);
}

static void
s_look_at_mask (void *self, size_t thread, dividere_job_t *job)
{
    CHECK_INT (pthread_sigmask (SIG_SETMASK, NULL, (sigset_t *) self), 0);
}

/*  None reaches a handler thread, and the caller's mask stays.              */
void
test_pool_signals (void)
{
    static const dividere_pool_class_t s_looking = { NULL, s_look_at_mask,
                                                     NULL };
    sigset_t ours, before, after, theirs;
    sigemptyset (&ours);
    sigaddset (&ours, SIGUSR1);
    CHECK_INT (pthread_sigmask (SIG_SETMASK, &ours, NULL), 0);
    CHECK_INT (pthread_sigmask (SIG_SETMASK, NULL, &before), 0);
    dividere_pool_t *pool = dividere_pool_new (&s_looking, &theirs, 1);
    CHECK (pool);
    CHECK_INT (pthread_sigmask (SIG_SETMASK, NULL, &after), 0);
    work_t work = { .runs = 0 };
    s_submit (pool, &work);
    dividere_pool_flush (pool);
    s_await_done (pool);
    static const int s_signals[] = { SIGINT,  SIGTERM, SIGHUP, SIGUSR1,
                                     SIGCHLD, SIGPIPE, SIGALRM };
    for (size_t i = 0; i < sizeof (s_signals) / sizeof (s_signals[0]); i++) {
        CHECK (sigismember (&theirs, s_signals[i]));
        CHECK_INT (sigismember (&after, s_signals[i]),
                   sigismember (&before, s_signals[i]));
    }
    dividere_pool_destroy (&pool);
}

#define STACK ((size_t) 256 << 20)

/*  Room for two more stacks and a half.                                     */
static void
s_limit_memory (void)
{
    FILE *file = fopen ("/proc/self/statm", "r");
    unsigned long pages;
    CHECK (file);
    CHECK_INT (fscanf (file, "%lu", &pages), 1);
    fclose (file);
    rlim_t size = (rlim_t) pages * (rlim_t) sysconf (_SC_PAGESIZE);
    struct rlimit limit = { size + STACK * 5 / 2, RLIM_INFINITY };
    CHECK_INT (setrlimit (RLIMIT_AS, &limit), 0);
}

/*  No descriptor; no thread, or too few: then those that were made do nothing
 *  and are gone.                                                            */
void
test_pool_exhausted (void)
{
    shared_t shared = { .threads = 4 };
    size_t fds = selftest_fds (), threads = selftest_threads ();
    struct rlimit before, none;
    CHECK_INT (getrlimit (RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){ 0, before.rlim_max };
    CHECK_INT (setrlimit (RLIMIT_NOFILE, &none), 0);
    CHECK_FAILS (dividere_pool_new (&s_class, &shared, 4), EMFILE);
    CHECK_INT (setrlimit (RLIMIT_NOFILE, &before), 0);

    pthread_attr_t attr;
    CHECK_INT (pthread_attr_init (&attr), 0);
    CHECK_INT (pthread_attr_setstacksize (&attr, STACK), 0);
    CHECK_INT (pthread_setattr_default_np (&attr), 0);
    s_limit_memory ();
    CHECK_FAILS (dividere_pool_new (&s_class, &shared, 4), EAGAIN);
    CHECK_INT (shared.inits, 0);
    dividere_pool_t *pool = dividere_pool_new (&s_class, &shared, 1);
    CHECK (pool);
    dividere_pool_destroy (&pool);
    CHECK_INT (shared.inits, 1);
    CHECK_INT (pthread_attr_destroy (&attr), 0);
    CHECK_INT (selftest_fds (), fds);
    CHECK_EVENTUALLY (selftest_threads () == threads);
}
