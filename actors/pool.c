/* SPDX-License-Identifier: Apache-2.0 */

/*  Three lists of jobs, all in order. What is submitted stays with the actor's
 *  thread until the flush; what waits and what is done are under the lock, once
 *  for a flush, a collect, and a job. The descriptor is written for the first
 *  job that is done after a collect, and threads are woken only if they sleep,
 *  so that much work costs few system calls.                                */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "pool.h"

typedef struct {
    dividere_job_t *first;
    dividere_job_t *last;
    size_t count;
} list_t;

typedef struct {
    dividere_pool_t *pool;
    pthread_t id;
    size_t index;
} thread_t;

struct dividere_pool_t {
    dividere_pool_class_t class;
    void *self; /* the caller's                                             */
    int fd;     /* an eventfd                                               */
    size_t threads_count;
    thread_t *threads; /* ours                                              */

    /*  Of the actor's thread.                                               */
    list_t submitted;
    list_t collected;
    bool started; /* as it was at the last collect, like the next two       */
    bool ended;
    int error; /* the first refusal of init                                 */

    /*  Under the lock.                                                      */
    pthread_mutex_t mutex;
    pthread_cond_t wake; /* there is work, or the end                        */
    list_t waiting;
    list_t done;
    size_t running;
    size_t idle;    /* threads that sleep                                   */
    size_t begun;   /* threads that came out of init                        */
    size_t gone;    /* threads that came to their end                       */
    int refusal;    /* the first errno of an init                           */
    bool told;      /* the descriptor has been written since the collect    */
    bool ending;    /* threads end when nothing waits                       */
    bool abandoned; /* not all threads could be made: the others end at once */
};

static void
s_append (list_t *self, dividere_job_t *job)
{
    job->next = NULL;
    *(self->first ? &self->last->next : &self->first) = job;
    self->last = job;
    self->count++;
}

static void
s_append_all (list_t *self, list_t *other)
{
    if (!other->first)
        return;
    *(self->first ? &self->last->next : &self->first) = other->first;
    self->last = other->last;
    self->count += other->count;
    *other = (list_t){ NULL, NULL, 0 };
}

static dividere_job_t *
s_pop (list_t *self)
{
    dividere_job_t *job = self->first;
    if (job) {
        self->first = job->next;
        self->count--;
    }
    return job;
}

static void
s_lock (const dividere_pool_t *self)
{
    int rc = pthread_mutex_lock ((pthread_mutex_t *) &self->mutex);
    assert (rc == 0);
}

static void
s_unlock (const dividere_pool_t *self)
{
    int rc = pthread_mutex_unlock ((pthread_mutex_t *) &self->mutex);
    assert (rc == 0);
}

/*  With the lock held. True if the caller has to write the descriptor, which it
 *  does without the lock.                                                   */
static bool
s_must_tell (dividere_pool_t *self)
{
    bool first = !self->told;
    self->told = true;
    return first;
}

static void
s_tell (dividere_pool_t *self)
{
    eventfd_write (self->fd, 1);
}

static dividere_job_t *
s_take (dividere_pool_t *self)
{
    dividere_job_t *job = s_pop (&self->waiting);
    self->running += job != NULL;
    return job;
}

/*  The next job, and it is begun; NULL: the end.                            */
static dividere_job_t *
s_await_job (dividere_pool_t *self)
{
    s_lock (self);
    self->idle++;
    while (!self->waiting.first && !self->ending)
        pthread_cond_wait (&self->wake, &self->mutex);
    self->idle--;
    dividere_job_t *job = s_take (self);
    s_unlock (self);
    return job;
}

/*  Gives back a job, and takes the next one if there is one.                */
static dividere_job_t *
s_exchange_job (dividere_pool_t *self, dividere_job_t *job)
{
    s_lock (self);
    self->running--;
    s_append (&self->done, job);
    bool tell = s_must_tell (self);
    job = s_take (self);
    s_unlock (self);
    if (tell)
        s_tell (self);
    return job;
}

static void
s_work (dividere_pool_t *self, size_t index)
{
    dividere_job_t *job;
    while ((job = s_await_job (self)))
        while (job) {
            self->class.run (self->self, index, job);
            job = s_exchange_job (self, job);
        }
}

static bool
s_is_abandoned (dividere_pool_t *self)
{
    s_lock (self);
    bool abandoned = self->abandoned;
    s_unlock (self);
    return abandoned;
}

/*  True if the thread may work.                                             */
static bool
s_begin (dividere_pool_t *self, size_t index)
{
    int error = self->class.init ? self->class.init (self->self, index) : 0;
    s_lock (self);
    if (!self->refusal)
        self->refusal = error;
    self->begun++;
    bool tell = self->begun == self->threads_count && s_must_tell (self);
    s_unlock (self);
    if (tell)
        s_tell (self);
    return error == 0;
}

static void *
s_thread (void *arg)
{
    thread_t *thread = (thread_t *) arg;
    dividere_pool_t *self = thread->pool;
    if (s_is_abandoned (self))
        return NULL;
    if (s_begin (self, thread->index)) {
        s_work (self, thread->index);
        if (self->class.exit)
            self->class.exit (self->self, thread->index);
    }
    s_lock (self);
    self->gone++;
    bool tell = self->gone == self->threads_count && s_must_tell (self);
    s_unlock (self);
    if (tell)
        s_tell (self);
    return NULL;
}

/*  Threads inherit that all signals are blocked; those that were made wait for
 *  the lock until it is known that all of them could be.                    */
static int
s_make_threads (dividere_pool_t *self, size_t threads)
{
    sigset_t all, before;
    int error = 0;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    s_lock (self);
    while (self->threads_count < threads && !error) {
        thread_t *thread = &self->threads[self->threads_count];
        *thread = (thread_t){ .pool = self, .index = self->threads_count };
        error = pthread_create (&thread->id, NULL, s_thread, thread);
        self->threads_count += !error;
    }
    self->abandoned = error != 0;
    s_unlock (self);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return error;
}

dividere_pool_t *
dividere_pool_new (const dividere_pool_class_t *class, void *user,
                   size_t threads)
{
    assert (class && class->run && threads > 0);
    int fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return NULL;
    dividere_pool_t *self = (dividere_pool_t *) calloc (1, sizeof (*self));
    assert (self);
    self->class = *class;
    self->self = user;
    self->fd = fd;
    self->threads = (thread_t *) calloc (threads, sizeof (*self->threads));
    assert (self->threads);
    pthread_mutex_init (&self->mutex, NULL);
    pthread_cond_init (&self->wake, NULL);
    int error = s_make_threads (self, threads);
    if (error) {
        dividere_pool_destroy (&self);
        errno = error;
    }
    return self;
}

int
dividere_pool_fd (const dividere_pool_t *self)
{
    return self->fd;
}

void
dividere_pool_collect (dividere_pool_t *self)
{
    /* First this: what is done from here on writes again, or is taken now.  */
    eventfd_t value;
    eventfd_read (self->fd, &value);
    s_lock (self);
    s_append_all (&self->collected, &self->done);
    self->started = self->begun == self->threads_count;
    self->ended = self->gone == self->threads_count;
    self->error = self->refusal;
    self->told = false;
    s_unlock (self);
}

bool
dividere_pool_started (const dividere_pool_t *self, int *ret_error)
{
    if (self->started)
        *ret_error = self->error;
    return self->started;
}

void
dividere_pool_submit (dividere_pool_t *self, dividere_job_t *job)
{
    assert (!self->ending);
    s_append (&self->submitted, job);
}

void
dividere_pool_flush (dividere_pool_t *self)
{
    size_t count = self->submitted.count;
    if (!count)
        return;
    s_lock (self);
    s_append_all (&self->waiting, &self->submitted);
    size_t wake = self->idle < count ? self->idle : count;
    s_unlock (self);
    while (wake-- > 0)
        pthread_cond_signal (&self->wake);
}

dividere_job_t *
dividere_pool_done (dividere_pool_t *self)
{
    return s_pop (&self->collected);
}

dividere_job_t *
dividere_pool_withdraw (dividere_pool_t *self)
{
    s_lock (self);
    dividere_job_t *job = s_pop (&self->waiting);
    s_unlock (self);
    return job ? job : s_pop (&self->submitted);
}

size_t
dividere_pool_waiting (const dividere_pool_t *self)
{
    s_lock (self);
    size_t count = self->waiting.count;
    s_unlock (self);
    return count + self->submitted.count;
}

size_t
dividere_pool_running (const dividere_pool_t *self)
{
    s_lock (self);
    size_t count = self->running;
    s_unlock (self);
    return count;
}

void
dividere_pool_end (dividere_pool_t *self)
{
    dividere_pool_flush (self);
    s_lock (self);
    self->ending = true;
    s_unlock (self);
    pthread_cond_broadcast (&self->wake);
}

bool
dividere_pool_ended (const dividere_pool_t *self)
{
    return self->ended;
}

void
dividere_pool_destroy (dividere_pool_t **self_p)
{
    assert (self_p);
    dividere_pool_t *self = *self_p;
    if (!self)
        return;
    dividere_pool_end (self);
    for (size_t i = 0; i < self->threads_count; i++)
        pthread_join (self->threads[i].id, NULL);
    pthread_cond_destroy (&self->wake);
    pthread_mutex_destroy (&self->mutex);
    close (self->fd);
    free (self->threads);
    free (self);
    *self_p = NULL;
}
