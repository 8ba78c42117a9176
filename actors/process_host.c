/* SPDX-License-Identifier: Apache-2.0 */

/*  The child's side: the main thread carries commands from the channel to the
 *  reactor's pipe and replies back, and never waits for the reactor, so that it
 *  sees the end of the parent, which is the end of the channel, at once.    */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "channel.h"
#include "frame.h"
#include "process_internal.h"
#include "running.h"

#define ALONE_MS 700 /* how long a child may outlive its parent              */

static _Atomic bool s_called = false;

typedef struct {
    zactor_t *reactor; /* ours                                              */
    pid_t thread;      /* of the reactor                                    */
    bool ending;       /* it was told to                                    */
} self_t;

bool
dividere_child_main_called (void)
{
    return s_called;
}

/*  With the reason, where the errno says too little (NULL: it does not).    */
static void
s_send_status (int status, const char *reason)
{
    zmsg_t *reply = zmsg_new ();
    zmsg_addstrf (reply, "%d", status);
    if (reason)
        zmsg_addstr (reply, reason);
    dividere_channel_send (DIVIDERE_CHILD_CHANNEL, &reply);
}

static void
s_end (self_t *self)
{
    if (!self->ending) {
        DIVIDERE_HAND_OVER (&dividere_actor_pipes);
        zstr_send (self->reactor, "$TERM");
    }
    self->ending = true;
}

/*  The kernel sees to the end of what is stuck, in a handler or at exit.    */
static void
s_end_alone (self_t *self)
{
    struct itimerval limit = { .it_value = { .tv_usec = ALONE_MS * 1000 } };
    signal (SIGALRM, SIG_DFL);
    setitimer (ITIMER_REAL, &limit, NULL);
    s_end (self);
}

/*  False if there is no parent any more.                                    */
static bool
s_handle_channel (self_t *self)
{
    zmsg_t *command = dividere_channel_recv (DIVIDERE_CHILD_CHANNEL);
    if (!command && errno == EAGAIN)
        return true;
    if (!command)
        return false;
    if (zframe_streq (zmsg_first (command), "$TERM"))
        s_end (self);
    else {
        DIVIDERE_HAND_OVER (&dividere_actor_pipes);
        zmsg_send (&command, self->reactor);
    }
    zmsg_destroy (&command);
    return true;
}

/*  False if the reactor has ended. It leaves the list of running actors before
 *  it tells so on its pipe: what is there of one in the list is a reply.    */
static bool
s_handle_pipe (self_t *self)
{
    if (dividere_running_thread (self->reactor, &self->thread) < 0)
        return false;
    zmsg_t *reply = zmsg_recv (self->reactor);
    DIVIDERE_TAKE_OVER (&dividere_actor_pipes);
    if (reply && dividere_channel_send (DIVIDERE_CHILD_CHANNEL, &reply) < 0 &&
        errno == EMSGSIZE)
        s_send_status (EMSGSIZE, NULL);
    return true;
}

/*  A copy that the parent has forked of itself may hold the channel open when
 *  the parent is gone: the parent is watched as well, where it can be seen.  */
static void
s_serve (self_t *self)
{
    zmq_pollitem_t items[3] = {
        { zsock_resolve (self->reactor), 0, ZMQ_POLLIN, 0 },
        { NULL, DIVIDERE_CHILD_CHANNEL, ZMQ_POLLIN, 0 },
        { NULL, pidfd_open (getppid (), 0), ZMQ_POLLIN, 0 },
    };
    int watched = items[2].fd < 0 ? 2 : 3;
    bool alone = false, running = true;
    while (running) {
        if (zmq_poll (items, alone ? 1 : watched, -1) < 0)
            continue;
        if (items[0].revents)
            running = s_handle_pipe (self);
        if (alone)
            continue;
        alone = (items[1].revents && !s_handle_channel (self)) ||
                (watched == 3 && items[2].revents);
        if (alone)
            s_end_alone (self);
    }
}

static void
s_host (const dividere_reactor_config_t *config)
{
    self_t self = { zactor_new (dividere_reactor, (void *) config), 0, false };
    dividere_running_thread (self.reactor, &self.thread);
    s_serve (&self);
    dividere_stop (&self.reactor, -1);
    dividere_running_join (self.thread, -1);
}

/*  There is no reactor of the name asked for: says so until told to end.    */
static void
s_refuse (const char *name)
{
    char reason[128];
    snprintf (reason, sizeof (reason), "no reactor is called \"%s\"", name);
    zmq_pollitem_t item = { NULL, DIVIDERE_CHILD_CHANNEL, ZMQ_POLLIN, 0 };
    bool ending = false;
    while (!ending) {
        zmq_poll (&item, 1, -1);
        zmsg_t *command = dividere_channel_recv (DIVIDERE_CHILD_CHANNEL);
        ending = command ? zframe_streq (zmsg_first (command), "$TERM")
                         : errno != EAGAIN;
        if (command && !ending)
            s_send_status (ESRCH, reason);
        zmsg_destroy (&command);
    }
}

static const dividere_reactor_config_t *
s_find (const dividere_child_reactor_t *reactors, const char *name)
{
    for (; reactors && reactors->name; reactors++)
        if (streq (reactors->name, name))
            return reactors->config;
    return NULL;
}

static bool
s_is_channel (int fd)
{
    int type = 0;
    socklen_t size = sizeof (type);
    return getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_SEQPACKET;
}

void
dividere_child_main (int argc, char **argv,
                     const dividere_child_reactor_t *reactors)
{
    s_called = true;
    if (argc < 3 || !streq (argv[1], DIVIDERE_CHILD_MARK))
        return;
    if (!s_is_channel (DIVIDERE_CHILD_CHANNEL)) {
        fprintf (stderr, "%s: %s is for dividere_process\n", argv[0], argv[1]);
        exit (2);
    }
    /* Ctrl-C is for the whole group; what a child does then the parent says. */
    signal (SIGINT, SIG_IGN);
    fcntl (DIVIDERE_CHILD_CHANNEL, F_SETFD, FD_CLOEXEC);
    const dividere_reactor_config_t *config = s_find (reactors, argv[2]);
    if (config)
        s_host (config);
    else
        s_refuse (argv[2]);
    exit (0);
}
