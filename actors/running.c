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

void
dividere_running_add (dividere_running_t *self, zsock_t *pipe, const char *name)
{
    self->key = zsock_last_endpoint (pipe);
    assert (self->key);
    self->name = name;
    self->thread = (pid_t) syscall (SYS_gettid);
    pthread_mutex_lock (&s_mutex);
    self->next = s_first;
    s_first = self;
    pthread_mutex_unlock (&s_mutex);
}

void
dividere_running_remove (dividere_running_t *self)
{
    pthread_mutex_lock (&s_mutex);
    dividere_running_t **at = &s_first;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    pthread_mutex_unlock (&s_mutex);
    freen (self->key);
}

/*  With the lock held.                                                      */
static const dividere_running_t *
s_find (zactor_t *actor)
{
    char *key = zsock_last_endpoint (zactor_sock (actor));
    if (!key)
        return NULL;
    const dividere_running_t *at = s_first;
    while (at && !streq (at->key, key))
        at = at->next;
    freen (key);
    return at;
}

int
dividere_running_thread (zactor_t *actor, pid_t *ret_thread)
{
    pthread_mutex_lock (&s_mutex);
    const dividere_running_t *found = s_find (actor);
    if (found)
        *ret_thread = found->thread;
    pthread_mutex_unlock (&s_mutex);
    if (found)
        return 0;
    errno = ESRCH;
    return -1;
}

void
dividere_running_join (pid_t thread, int limit_ms)
{
    int64_t end = zclock_mono () + limit_ms;
    while (syscall (SYS_tgkill, getpid (), thread, 0) == 0 &&
           (limit_ms < 0 || zclock_mono () < end))
        sched_yield ();
}

int
dividere_actor_activity (zactor_t *actor, char *text, size_t size)
{
    assert (actor);
    assert (text && size);
    pthread_mutex_lock (&s_mutex);
    const dividere_running_t *found = s_find (actor);
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
