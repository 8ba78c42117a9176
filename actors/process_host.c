/* SPDX-License-Identifier: Apache-2.0 */

/*  The child's side: the main thread carries commands from the channel to the
 *  reactor's pipe and replies back, and never waits for the reactor, so that it
 *  sees the end of the parent, which is the end of the channel, at once.    */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <dividere/security.h>
#include "channel.h"
#include "frame.h"
#include "process_internal.h"
#include "reactor_internal.h"
#include "running.h"
#include "socket.h"

#define ALONE_MS 700 /* how long a child may outlive its parent              */
#define LAST_MS  200 /* for what its sources have not sent at its end        */

static _Atomic bool s_called = false;

typedef struct {
    zactor_t *reactor; /* ours                                              */
    pid_t thread;      /* of the reactor                                    */
    bool ending;       /* it was told to                                    */
    bool alone;        /* there is no parent any more                       */
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

/*  One whose pipe takes nothing is stuck; the parent sees to that.          */
static void
s_end (self_t *self)
{
    if (self->ending)
        return;
    DIVIDERE_HAND_OVER (&dividere_actor_pipes);
    self->ending = zstr_send (self->reactor, "$TERM") == 0;
}

/*  The kernel sees to the end of what is stuck, in a handler or at exit.    */
static void
s_limit_life (void)
{
    struct itimerval limit = { .it_value = { .tv_usec = ALONE_MS * 1000 } };
    signal (SIGALRM, SIG_DFL);
    setitimer (ITIMER_REAL, &limit, NULL);
}

/*  The maker of the channel. Not getppid: who has become the parent when that
 *  one was dead already is another. A pidfd, or -1 with ESRCH (it is gone) or
 *  that it cannot be seen.                                                  */
static int
s_open_parent (void)
{
    struct ucred maker;
    socklen_t size = sizeof (maker);
    if (getsockopt (DIVIDERE_CHILD_CHANNEL, SOL_SOCKET, SO_PEERCRED, &maker,
                    &size) < 0)
        return -1;
    return pidfd_open (maker.pid, 0);
}

/*  From here on nobody looks at the parent: the kernel does, until the process
 *  is gone. The one that dies before is seen by the poll.                   */
static void
s_leave (int parent)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    struct pollfd items[2] = {
        { DIVIDERE_CHILD_CHANNEL, 0, 0 },
        { parent, POLLIN, 0 },
    };
    if (poll (items, 2, 0) > 0)
        s_limit_life ();
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
        if (zmsg_send (&command, self->reactor) < 0)
            s_send_status (EAGAIN, NULL);
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
s_serve (self_t *self, int parent)
{
    zmq_pollitem_t items[3] = {
        { zsock_resolve (self->reactor), 0, ZMQ_POLLIN, 0 },
        { NULL, DIVIDERE_CHILD_CHANNEL, ZMQ_POLLIN, 0 },
        { NULL, parent, ZMQ_POLLIN, 0 },
    };
    int watched = parent < 0 ? 2 : 3;
    bool running = true;
    while (running) {
        if (zmq_poll (items, self->alone ? 1 : watched, -1) < 0)
            continue;
        if (items[0].revents)
            running = s_handle_pipe (self);
        if (self->alone)
            continue;
        self->alone = (items[1].revents && !s_handle_channel (self)) ||
                      (watched == 3 && items[2].revents);
        if (self->alone) {
            s_limit_life ();
            s_end (self);
        }
    }
}

/*  The reactor that the child was asked for, and its exit hook: there is one of
 *  it in a process.                                                         */
static void (*s_on_exit) (dividere_context_t *context);

/*  exit () waits for what the sources have not sent.                        */
static void
s_shorten_linger (dividere_context_t *context)
{
    if (s_on_exit)
        s_on_exit (context);
    zlistx_t *sources =
        ((dividere_reactor_context_t *) context)->reactor->sources;
    dividere_source_t *source = (dividere_source_t *) zlistx_first (sources);
    for (; source; source = (dividere_source_t *) zlistx_next (sources))
        dividere_socket_set (source->connector->handle, ZMQ_LINGER, LAST_MS);
}

static void
s_host (const dividere_reactor_config_t *given, int parent)
{
    dividere_reactor_config_t config = { NULL };
    if (given)
        config = *given;
    s_on_exit = config.on_exit;
    config.on_exit = s_shorten_linger;
    self_t self = { .reactor = zactor_new (dividere_reactor, &config) };
    /* It may end between the look at its pipe and the next send.            */
    zsock_set_sndtimeo (self.reactor, 0);
    zsock_set_rcvtimeo (self.reactor, 0);
    dividere_running_thread (self.reactor, &self.thread);
    s_serve (&self, parent);
    if (!self.alone)
        s_leave (parent);
    dividere_stop (&self.reactor, -1);
    dividere_running_join (self.thread, -1);
}

/*  It cannot be what was asked for: says so until told to end.              */
static void
s_refuse (int error, const char *what, const char *name, int parent)
{
    char reason[128];
    snprintf (reason, sizeof (reason), "%s \"%.80s\"", what, name);
    zmq_pollitem_t items[2] = {
        { NULL, DIVIDERE_CHILD_CHANNEL, ZMQ_POLLIN, 0 },
        { NULL, parent, ZMQ_POLLIN, 0 },
    };
    bool ending = false;
    while (!ending) {
        zmq_poll (items, parent < 0 ? 1 : 2, -1);
        zmsg_t *command = dividere_channel_recv (DIVIDERE_CHILD_CHANNEL);
        ending = command ? zframe_streq (zmsg_first (command), "$TERM")
                         : errno != EAGAIN || items[1].revents;
        if (command && !ending)
            s_send_status (error, reason);
        zmsg_destroy (&command);
    }
    s_leave (parent);
}

static const dividere_process_reactor_t *
s_find (const dividere_process_reactor_t *reactors, const char *name)
{
    for (; reactors && reactors->name; reactors++)
        if (streq (reactors->name, name))
            return reactors;
    return NULL;
}

/*  One whose parent is gone already has nothing to host.                    */
static void
s_run (const dividere_process_reactor_t *reactors, const char *name,
       const char *security)
{
    int parent = s_open_parent ();
    if (parent < 0 && errno == ESRCH) {
        s_limit_life ();
        return;
    }
    const dividere_process_reactor_t *entry = s_find (reactors, name);
    if (!entry)
        s_refuse (ESRCH, "no reactor is called", name, parent);
    else if (security && dividere_security_load (security) < 0)
        s_refuse (errno, "security cannot be loaded from", security, parent);
    else
        s_host (entry->config, parent);
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
dividere_process_main (int argc, char **argv,
                       const dividere_process_reactor_t *reactors)
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
    s_run (reactors, argv[2], argc > 3 ? argv[3] : NULL);
    exit (0);
}
