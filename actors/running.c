/* SPDX-License-Identifier: Apache-2.0 */

/*  A list under a lock: it changes when actors start and end, and is searched
 *  when one is stopped.                                                     */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <dividere/actor.h>
#include "running.h"

static pthread_mutex_t s_mutex = PTHREAD_MUTEX_INITIALIZER;
static dividere_running_t *s_first = NULL;

/*  With the lock held, as all that follow.                                  */
static void
s_take_out (dividere_running_t **at)
{
    dividere_running_t *entry = *at;
    *at = entry->next;
    freen (entry->key);
    freen (entry);
}

static bool
s_is_alive (pid_t thread)
{
    return syscall (SYS_tgkill, getpid (), thread, 0) == 0;
}

/*  A new thread may have the number of one that is gone.                    */
static void
s_purge (pid_t newcomer)
{
    dividere_running_t **at = &s_first;
    while (*at)
        if (!(*at)->name &&
            ((*at)->thread == newcomer || !s_is_alive ((*at)->thread)))
            s_take_out (at);
        else
            at = &(*at)->next;
}

dividere_running_t *
dividere_running_add (zsock_t *pipe, const char *name)
{
    dividere_running_t *self = (dividere_running_t *) zmalloc (sizeof (*self));
    self->key = zsock_last_endpoint (pipe);
    assert (self->key);
    self->name = name;
    self->thread = (pid_t) syscall (SYS_gettid);
    pthread_mutex_lock (&s_mutex);
    s_purge (self->thread);
    self->next = s_first;
    s_first = self;
    pthread_mutex_unlock (&s_mutex);
    return self;
}

void
dividere_running_remove (dividere_running_t *self)
{
    pthread_mutex_lock (&s_mutex);
    self->name = NULL;
    pthread_mutex_unlock (&s_mutex);
}

/*  The place of the pointer to an entry, or of the NULL at the end.         */
static dividere_running_t **
s_find (zactor_t *actor)
{
    dividere_running_t **at = &s_first;
    char *key = zsock_last_endpoint (zactor_sock (actor));
    while (*at && (!key || !streq ((*at)->key, key)))
        at = &(*at)->next;
    freen (key);
    return at;
}

static int
s_thread (zactor_t *actor, bool running, pid_t *ret_thread)
{
    pthread_mutex_lock (&s_mutex);
    const dividere_running_t *found = *s_find (actor);
    bool fits = found && (found->name != NULL) == running;
    if (fits)
        *ret_thread = found->thread;
    pthread_mutex_unlock (&s_mutex);
    if (fits)
        return 0;
    errno = ESRCH;
    return -1;
}

int
dividere_running_thread (zactor_t *actor, pid_t *ret_thread)
{
    return s_thread (actor, true, ret_thread);
}

int
dividere_running_ended (zactor_t *actor, pid_t *ret_thread)
{
    return s_thread (actor, false, ret_thread);
}

void
dividere_running_forget (zactor_t *actor)
{
    pthread_mutex_lock (&s_mutex);
    dividere_running_t **at = s_find (actor);
    if (*at)
        s_take_out (at);
    pthread_mutex_unlock (&s_mutex);
}

void
dividere_running_join (pid_t thread, int limit_ms)
{
    int64_t end = zclock_mono () + limit_ms;
    while (s_is_alive (thread) && (limit_ms < 0 || zclock_mono () < end))
        sched_yield ();
}

int
dividere_actor_activity (zactor_t *actor, char *text, size_t size)
{
    assert (actor);
    assert (text && size);
    pthread_mutex_lock (&s_mutex);
    const dividere_running_t *found = *s_find (actor);
    if (found && !found->name)
        found = NULL;
    if (found) {
        const char *activity =
            atomic_load_explicit (&found->activity, memory_order_relaxed);
        snprintf (text, size, "%s%s%s", found->name, activity ? ": " : "",
                  activity ? activity : "");
    }
    pthread_mutex_unlock (&s_mutex);
    if (found)
        return 0;
    errno = ESRCH;
    return -1;
}
