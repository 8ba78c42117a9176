/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_PROCESS_H
#define DIVIDERE_PROCESS_H

#include <czmq.h>
#include <dividere/actor.h>
#include <dividere/reactor.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  A reactor in a process of its own, supervised: what it does cannot take this
 *  process down, and it uses a core of its own. The actor starts the program
 *  itself again (or another executable); there, the first call of main becomes
 *  the host of the reactor:
 *
 *      static const dividere_process_reactor_t reactors [] = {
 *          { "primes", &config },         // as for dividere_reactor
 *          { NULL, NULL }
 *      };
 *      int main (int argc, char **argv)
 *      {
 *          dividere_process_main (argc, argv, reactors);
 *          ...
 *          dividere_process_config_t child = { .reactor = "primes" };
 *          zactor_t *process = zactor_new (dividere_process, &child);
 *          dividere_call (process, NULL, -1, "ADD", "response",
 *                         "@tcp://127.0.0.1:5555", NULL);
 *          dividere_call (process, &reply, -1, "START", NULL);
 *
 *  command  arguments                 values              errors
 *  SET      NAME VALUE                                    EINVAL, ENOENT, EBUSY
 *  ADD      KIND ENDPOINTS [TYPE...]                      EINVAL, EBUSY,
 *                                     EPROTONOSUPPORT, EMSGSIZE (over 64 KiB)
 *  BIND     events ENDPOINT           endpoint bound      EINVAL, EBUSY,
 *                                                         those of zmq_bind
 *  START                              pid, then name and  see below
 *                                     endpoints of each source (pairs)
 *  STOP                                                   EINVAL (not started)
 *  STATUS                             state, pid (0: none), restarts, reason
 *  STATS    as every actor: exits, restarts, events_dropped, and, while the
 *           child is ready, those of its reactor with "child." in front
 *  and those of every actor (dividere/actor.h).
 *
 *  ADD notes a source that the child makes, with its own sockets, at each
 *  start; as for a reactor. Endpoints with a "*" are bound to the same port
 *  again after a restart.
 *
 *  START replies when the child receives on all its sources, or when it is
 *  clear that it will not and it has ended: EINVAL (no reactor was named),
 *  ENOENT, EACCES, ENOEXEC (the executable), ENOTSUP (this program has not
 *  called dividere_process_main), ESRCH (the child knows no such reactor),
 *  ETIMEDOUT (not ready in time, and killed), ECHILD (it exited or was killed),
 *  EPROTO (the executable is not made for this: it closed the channel, or wrote
 *  what is no reply; ended by SIGTERM), EALREADY, ECANCELED (by STOP),
 *  EAGAIN (no more processes), EMFILE, ENOSYS (no pidfd: Linux before 5.4,
 *  valgrind), and the errno of what failed in the child: a source that cannot
 *  be bound, the init hook. STATUS then tells the reason in words, as the log
 *  does. A first start that fails is not tried again; after it, and after STOP,
 *  another START may follow.
 *
 *  STOP replies when the child has ended. STATUS tells the state: new,
 *  starting, ready, stopping, terminating (after SIGTERM), killing (after
 *  SIGKILL), waiting (for the next restart), stopped. STATS waits for a child
 *  that is busy: give the call a time limit. The reason is that of the last
 *  failure or end since START.
 *
 *  SET (times in ms) and ADD are for before START:
 *    restart      never | on-failure (default: status other than 0, or a
 *                 signal) | always
 *    backoff      before the first restart (100); doubles with each restart
 *    backoff_max  up to this (5000); starts anew when the child was ready for
 *                 as long as this
 *    intensity    so many restarts (5, at most 1000) ...
 *    period       ... within this (10000) are allowed; one more and it gives up
 *    ready_limit  the child must be ready within this (10000)
 *    stop_limit   the child must have ended by itself within this (1000) after
 *                 STOP; then SIGTERM, and after as long again SIGKILL
 *
 *  Events (dividere.ProcessEvent, dividere/event.pb-c.h): STARTED, READY,
 *  EXITED, RESTARTING, GAVE_UP, to whoever connects a dealer to the events
 *  endpoint, and to the log. An actor that gives up ends: calls to it fail, a
 *  supervisor sees it as down, dividere_stop succeeds at once.
 *
 *  Where the application ignores SIGCHLD, or waits for any child, how a child
 *  ended cannot be known: it counts as a failure, even after exit (0).
 *
 *  Stopping the actor stops the child first, as STOP does. A child that ends in
 *  order waits no longer than 200 ms for what its sources have not sent. It
 *  ends when this process does, however that ends: within 700 ms, and at once
 *  if its reactor has ended before. It inherits standard input, output and
 *  error, the environment, and no other descriptor; signals have their default
 *  action in it, but it ignores SIGINT. It should not take SIGALRM, by which it
 *  ends when it is stuck without a parent. A message that a child was handling
 *  when it was killed is lost with it.
 *  Source: MpMsgReactor of the Python package.                              */
DIVIDERE_EXPORT void dividere_process (zsock_t *pipe, void *args);

/*  Copied when the actor starts. What may be NULL says so.                  */
typedef struct {
    const char *name;       /* for log and events; NULL: that of the reactor */
    const char *reactor;    /* in the table of the child's main              */
    const char *executable; /* path; NULL: this program                      */
} dividere_process_config_t;

/*  A reactor that a child can be asked for; config as for dividere_reactor. Its
 *  on_init hook runs in the child, and refuses the start by an errno. config
 *  may be NULL, as for dividere_reactor.                                    */
typedef struct {
    const char *name;
    const dividere_reactor_config_t *config;
} dividere_process_reactor_t;

/*  First in main. Returns at once in a program that was started by a user. In
 *  one that was started by dividere_process it hosts the reactor and ends the
 *  process (exit) when that has ended. reactors is ended by a NULL name.    */
DIVIDERE_EXPORT void dividere_process_main (
    int argc, char **argv, const dividere_process_reactor_t *reactors);

#ifdef __cplusplus
}
#endif

#endif
