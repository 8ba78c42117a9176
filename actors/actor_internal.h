/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ACTOR_INTERNAL_H
#define DIVIDERE_ACTOR_INTERNAL_H

#include <czmq.h>
#include <dividere/actor.h>

/*  The kit that gives every actor the same shape: masked signals, a loop that
 *  only $TERM ends, a table of commands that are all answered, and an entry in
 *  the list of running actors, where its activity can be read from outside.  */

typedef struct dividere_actor_t dividere_actor_t;

/*  Handles one command. args are count texts, as many as the table allows.
 *  Values for the reply are appended to values. Returns 0 or an errno, or
 *  DIVIDERE_LATER if it has called dividere_actor_defer.                    */
typedef int (dividere_command_fn) (void *self, char **args, size_t count,
                                   zmsg_t *values);

typedef struct {
    const char *name;
    size_t args_min;
    size_t args_max;
    dividere_command_fn *handler;
} dividere_command_t;

#define DIVIDERE_ARGS_MANY 1000
#define DIVIDERE_LATER     (-1)

/*  A reply that is due.                                                     */
typedef struct {
    bool due;
    char *tag; /* the caller's, NULL if it gave none                        */
} dividere_answer_t;

/*  Appends the statistics of an actor to values, by dividere_actor_stat.    */
typedef void (dividere_stats_fn) (void *self, zmsg_t *values);

/*  In the actor's thread, first of all. Masks signals and makes the loop; kind
 *  and commands (ended by a NULL name) must be static. Nothing here fails.  */
dividere_actor_t *dividere_actor_new (zsock_t *pipe, const char *kind,
                                      const char *name, void *self,
                                      const dividere_command_t *commands,
                                      dividere_stats_fn *stats);

/*  For one that has no sockets of its own: SET security is ENOTSUP.         */
void dividere_actor_no_sockets (dividere_actor_t *self);

/*  Says that the actor is ready, and serves its pipe and loop until $TERM or
 *  the end of the context.                                                  */
void dividere_actor_run (dividere_actor_t *self);

/*  In a handler: the reply of its command will be given by
 *  dividere_actor_answer, once, before the actor is destroyed.              */
void dividere_actor_defer (dividere_actor_t *self, dividere_answer_t *answer);

/*  Gives a reply that is due, or does nothing. Takes values (or NULL).      */
void dividere_actor_answer (dividere_actor_t *self, dividere_answer_t *answer,
                            int status, zmsg_t *values);

/*  For an actor that cannot end at once: on $TERM the loop calls ending and,
 *  if that returns false, goes on until dividere_actor_end.                 */
typedef bool (dividere_ending_fn) (void *self);
void dividere_actor_on_term (dividere_actor_t *self,
                             dividere_ending_fn *ending);
void dividere_actor_end (dividere_actor_t *self);

/*  Last of all: sources and timers of the loop must need nothing any more.  */
void dividere_actor_destroy (dividere_actor_t **self_p);

zloop_t *dividere_actor_loop (dividere_actor_t *self);
const char *dividere_actor_name (const dividere_actor_t *self);

/*  What the thread is about to call (a string that lives for ever), and NULL
 *  when it is back.                                                         */
void dividere_actor_busy (dividere_actor_t *self, const char *activity);

/*  One pair of the reply to STATS, and an array of them.                    */
typedef struct {
    const char *name;
    uint64_t value;
} dividere_stat_t;

void dividere_actor_stat (zmsg_t *values, const char *name, uint64_t value);
void dividere_actor_stats (zmsg_t *values, const dividere_stat_t *stats,
                           size_t count);
#define DIVIDERE_ADD_STATS(values, stats) \
    dividere_actor_stats (values, stats, sizeof (stats) / sizeof ((stats)[0]))

/*  dividere_call with a ready list of frames, command first; takes it.      */
int dividere_actor_call (zactor_t *actor, zmsg_t **ret_reply, int timeout_ms,
                         zmsg_t *frames);

/*  For an actor that is known to have ended: waits for the last steps of its
 *  thread. One that has not is only let go: it goes on, and finds $TERM on its
 *  pipe.                                                                    */
void dividere_actor_let_go (zactor_t **actor_p);

/*  What one side of a pipe did is visible to the other when its message
 *  arrives; ThreadSanitizer, which cannot see into libzmq, is told at this
 *  address.                                                                  */
extern char dividere_actor_pipes;

#endif
