/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ACTOR_H
#define DIVIDERE_ACTOR_H

#include <czmq.h>
#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  How every active component is steered. Each is a CZMQ actor: made by
 *  zactor_new (dividere_reactor, &config), ended by dividere_stop, or by
 *  zactor_destroy where a hang for ever is acceptable.
 *
 *  A command is a synchronous call: its name and arguments as text frames, then
 *  exactly one reply: a status frame ("0", or an errno in decimal), then the
 *  values. CZMQ alone can do it: zstr_sendx (actor, "PING", NULL), zmsg_recv.
 *  A first frame that starts with "#" comes back as the first of the reply.
 *
 *  Commands of every actor:
 *
 *  command  arguments    values          errors
 *  PING                  name of actor
 *  STATS                 name, value ... (pairs, decimal)
 *  VERBOSE  0|1                          EINVAL
 *  BIND     "introspection"              EINVAL, EADDRINUSE, EMFILE,
 *           ENDPOINT     endpoint        EPROTONOSUPPORT, those of zmq_bind
 *  SET      "security" FOLDER            EBUSY, ENOTSUP, those of
 *                                        dividere_security_load; ENOENT (no
 *                                        such setting)
 *  $TERM    (no reply)
 *
 *  BIND introspection gives the actor a socket of its own, where other
 *  processes may ask what it is and for its statistics
 *  (dividere/introspection.pb-c.h): any kind of socket that can ask a response,
 *  dividere_client_t, the command "dividere stats". It may come several times.
 *
 *  SET security is for the sockets of this actor, before it has any ("none":
 *  they are plain), and not for a supervisor, which has none; without it they
 *  are as was loaded when the actor was made (dividere/security.h).
 *
 *  Any: ENOSYS (no such command), EINVAL (arguments missing or too many).
 *  doc/commands.md has the commands, settings and statistics of all actors.  */

/*  Sends a command and its arguments (a NULL ends them) and waits for the
 *  reply, up to timeout_ms (-1: no limit). Returns 0 and, where ret_reply is
 *  not NULL, the values as a message that the caller destroys; or -1 with the
 *  errno of the reply, or ETIMEDOUT (the actor is busy; its late reply will be
 *  thrown away by the next call), EAGAIN (its pipe is full), ESRCH (it
 *  has ended), ETERM (the context is closed). A signal does not interrupt it.
 *  One thread at a time per actor.                                          */
DIVIDERE_EXPORT int dividere_call (zactor_t *actor, zmsg_t **ret_reply,
                                   int timeout_ms, const char *command,
                                   ...) DIVIDERE_SENTINEL;

/*  Ends an actor and waits until its thread is gone, up to timeout_ms (-1: no
 *  limit). Returns 0 and nulls *actor_p, also if it is NULL already; or -1 with
 *  ETIMEDOUT: the log names the actor and the handler that is stuck, and the
 *  actor is still the caller's, told to end; call again later. It may be called
 *  by a handler of atexit, of an actor that ended by itself, and again.      */
DIVIDERE_EXPORT int dividere_stop (zactor_t **actor_p, int timeout_ms);

/*  The name of an actor and of what it is busy with: "reactor: on_msg01", or
 *  "reactor" while it waits. Copied into text, at most size bytes with the NUL.
 *  Any thread. Returns 0, or -1 with ESRCH (not a running actor of ours).   */
DIVIDERE_EXPORT int dividere_actor_activity (zactor_t *actor, char *text,
                                             size_t size);

#ifdef __cplusplus
}
#endif

#endif
