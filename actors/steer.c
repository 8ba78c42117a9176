/* SPDX-License-Identifier: Apache-2.0 */

/*  The outside of every actor: calling it and stopping it.                  */

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include "actor_internal.h"
#include "frame.h"
#include "log_internal.h"
#include "running.h"

#define ACTIVITY_MAX 256
#define JOIN_MS      1000 /* for the last steps of a thread that has ended   */

/*  Waits for events on the pipe, whatever signals arrive. 0, or -1 with
 *  ETIMEDOUT, ETERM.                                                        */
static int
s_wait (zactor_t *actor, short events, int64_t deadline)
{
    zmq_pollitem_t item = { zsock_resolve (actor), 0, events, 0 };
    while (true) {
        int64_t left = deadline < 0 ? -1 : deadline - zclock_mono ();
        if (deadline >= 0 && left < 0)
            left = 0;
        int rc = zmq_poll (&item, 1, (long) left);
        if (rc > 0)
            return 0;
        if (rc < 0 && errno != EINTR)
            return -1;
        if (rc == 0 && left == 0) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
}

/*  A signal in the midst of a multipart message would tear it: none for the
 *  moment of a send or recv that does not wait. An actor may end by itself
 *  before it, and nobody would ever take what is sent then.                 */
static int
s_send_whole (zactor_t *actor, zmsg_t **frames_p)
{
    sigset_t all, before;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    DIVIDERE_HAND_OVER (&dividere_actor_pipes);
    int limit = zsock_sndtimeo (zactor_sock (actor));
    zsock_set_sndtimeo (zactor_sock (actor), 0);
    int rc = zmsg_send (frames_p, actor);
    int error = errno;
    zsock_set_sndtimeo (zactor_sock (actor), limit);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    errno = error;
    return rc;
}

static zmsg_t *
s_recv_whole (zactor_t *actor)
{
    sigset_t all, before;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    int limit = zsock_rcvtimeo (zactor_sock (actor));
    zsock_set_rcvtimeo (zactor_sock (actor), 0);
    zmsg_t *message = zmsg_recv (actor);
    DIVIDERE_TAKE_OVER (&dividere_actor_pipes);
    int error = errno;
    zsock_set_rcvtimeo (zactor_sock (actor), limit);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    errno = error;
    return message;
}

static int64_t
s_deadline (int timeout_ms)
{
    return timeout_ms < 0 ? -1 : zclock_mono () + timeout_ms;
}

/*  Sends frames, which are taken. 0, or -1 with ESRCH (the actor has ended),
 *  EAGAIN (no room in time), ETERM.                                         */
static int
s_send (zactor_t *actor, zmsg_t *frames, int64_t deadline)
{
    pid_t thread;
    int rc = -1;
    /* The pipe of an actor that has ended never has room.                   */
    if (dividere_running_ended (actor, &thread) == 0) {
        zmsg_destroy (&frames);
        errno = ESRCH;
        return -1;
    }
    while (s_wait (actor, ZMQ_POLLOUT, 0) == 0 ||
           (errno == ETIMEDOUT &&
            dividere_running_thread (actor, &thread) == 0 &&
            s_wait (actor, ZMQ_POLLOUT, deadline) == 0)) {
        rc = s_send_whole (actor, &frames);
        if (rc == 0 || errno != EAGAIN)
            break;
    }
    int error = errno == ETIMEDOUT ? EAGAIN : errno;
    zmsg_destroy (&frames);
    errno = error;
    return rc;
}

/*  Nobody is there any more to answer the $TERM that zactor_destroy sends.  */
static void
s_expect_nothing (zactor_t *actor)
{
    zsock_set_rcvtimeo (zactor_sock (actor), 0);
}

/*  The next message that carries the tag; replies to calls that were given up
 *  come first and are thrown away. NULL with ETIMEDOUT, ESRCH, ETERM.       */
static zmsg_t *
s_recv_reply (zactor_t *actor, const char *tag, int64_t deadline)
{
    while (s_wait (actor, ZMQ_POLLIN, deadline) == 0) {
        zmsg_t *reply = s_recv_whole (actor);
        if (!reply)
            return NULL;
        if (zmsg_signal (reply) >= 0) {
            zmsg_destroy (&reply);
            s_expect_nothing (actor);
            errno = ESRCH;
            return NULL;
        }
        zframe_t *first = zmsg_first (reply);
        if (first && zframe_streq (first, tag)) {
            first = zmsg_pop (reply);
            zframe_destroy (&first);
            return reply;
        }
        zmsg_destroy (&reply);
    }
    return NULL;
}

int
dividere_actor_call (zactor_t *actor, zmsg_t **ret_reply, int timeout_ms,
                     zmsg_t *frames)
{
    static _Atomic unsigned s_serial = 0;
    char tag[16];
    snprintf (tag, sizeof (tag), "#%u", s_serial++);
    zmsg_pushstr (frames, tag);
    int64_t deadline = s_deadline (timeout_ms);
    if (s_send (actor, frames, deadline) < 0)
        return -1;
    zmsg_t *reply = s_recv_reply (actor, tag, deadline);
    if (!reply)
        return -1;
    char *status = zmsg_popstr (reply);
    int error = status ? (int) strtol (status, NULL, 10) : EPROTO;
    freen (status);
    if (error == 0 && ret_reply)
        *ret_reply = reply;
    else
        zmsg_destroy (&reply);
    errno = error;
    return error ? -1 : 0;
}

int
dividere_call (zactor_t *actor, zmsg_t **ret_reply, int timeout_ms,
               const char *command, ...)
{
    assert (actor);
    assert (command);
    zmsg_t *frames = zmsg_new ();
    va_list args;
    va_start (args, command);
    for (const char *arg = command; arg; arg = va_arg (args, const char *))
        zmsg_addstr (frames, arg);
    va_end (args);
    return dividere_actor_call (actor, ret_reply, timeout_ms, frames);
}

/*  Waits for the signal that CZMQ sends when the actor's function has returned;
 *  replies that nobody waited for go first.                                 */
static int
s_wait_end (zactor_t *actor, int64_t deadline)
{
    while (s_wait (actor, ZMQ_POLLIN, deadline) == 0) {
        zmsg_t *message = s_recv_whole (actor);
        if (!message)
            return -1;
        bool ended = zmsg_signal (message) >= 0;
        zmsg_destroy (&message);
        if (ended)
            return 0;
    }
    return -1;
}

static void
s_name_stuck (zactor_t *actor)
{
    char activity[ACTIVITY_MAX] = "an actor";
    dividere_actor_activity (actor, activity, sizeof (activity));
    dividere_log (DIVIDERE_LOG_ERROR, "does not stop in time: %s", activity);
    errno = ETIMEDOUT;
}

void
dividere_actor_let_go (zactor_t **actor_p)
{
    pid_t thread;
    s_expect_nothing (*actor_p);
    if (dividere_running_ended (*actor_p, &thread) == 0) {
        dividere_running_join (thread, JOIN_MS);
        dividere_running_forget (*actor_p);
    }
    zactor_destroy (actor_p);
}

int
dividere_stop (zactor_t **actor_p, int timeout_ms)
{
    assert (actor_p);
    zactor_t *actor = *actor_p;
    if (!actor)
        return 0;
    int64_t deadline = s_deadline (timeout_ms);
    zmsg_t *frames = zmsg_new ();
    zmsg_addstr (frames, "$TERM");
    if (s_send (actor, frames, deadline) < 0 ||
        s_wait_end (actor, deadline) < 0) {
        if (errno == ETIMEDOUT || errno == EAGAIN)
            s_name_stuck (actor);
        if (errno != ESRCH && errno != ETERM)
            return -1;
    }
    dividere_actor_let_go (actor_p);
    return 0;
}
