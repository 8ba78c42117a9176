/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SELFTEST_WORKERS_H
#define SELFTEST_WORKERS_H

#include <stdbool.h>
#include <czmq.h>
#include <dividere/reactor.h>
#include <dividere/supervisor.h>

/*  Children of supervisors under test, which do as they are told and leave a
 *  trace: "+a" is ready, "-a" was told to end, "!a" ends by itself.
 *
 *  command   a worker
 *  ECHO      replies with the arguments, as each does that replies
 *  REFUSE    replies EPERM
 *  NONSENSE  replies what is no status
 *  PASS      replies EPERM but for the times that are allowed
 *  MUTE      never replies
 *  HESITATE  never replies but for the times that are allowed
 *  STICK     replies when the gate has been opened, once
 *  END       ends, and does not reply                                       */

/*  In a dividere_child_t: a worker of this name, and what is told at first.  */
#define WORKER(letter) \
    .name = letter, .actor = workers_actor, .args = (void *) letter
#define SETUP(...)                 \
    .setup = (const char *const[]) \
    {                              \
        __VA_ARGS__, NULL          \
    }

void workers_actor (zsock_t *pipe, void *args);

/*  Ends as soon as it is ready.                                             */
void workers_crasher (zsock_t *pipe, void *args);

/*  A hook that sticks until the gate is opened, which then stays so.        */
void workers_stick (dividere_context_t *context);

void workers_open (void);
void workers_allow (int times);

/*  What was traced since it was asked last.                                 */
const char *workers_traces (void);

/*  What is logged as an error is kept, if on.                               */
void workers_keep_log (bool on);
bool workers_was_logged (const char *text);

/*  A supervisor, the gate closed; and its end.                              */
zactor_t *workers_new (const dividere_supervisor_config_t *config);
void workers_end (zactor_t **supervisor_p);

/*  A command to a supervisor, to one of its children, and the values of a reply
 *  as one text.                                                             */
int workers_say (zactor_t *supervisor, const char *command);
int workers_tell (zactor_t *supervisor, const char *child, const char *command);
const char *workers_ask (zactor_t *supervisor, const char *command);

#endif
