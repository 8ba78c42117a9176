/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_WARD_H
#define DIVIDERE_WARD_H

#include <czmq.h>
#include <dividere/supervisor.h>
#include "actor_internal.h"

/*  An actor in the care of a supervisor, seen from the supervisor's side of its
 *  pipe, which is never waited at: commands are sent, and what the actor says
 *  is read when it is there.                                                */

typedef struct {
    const dividere_child_t *child; /* the user's                            */
    dividere_actor_t *parent;      /* the kit of the supervisor             */
    zactor_t *actor;               /* ours; NULL: there is none             */
    size_t line;            /* of the setup, that is under way              */
    int error;              /* why it has failed                            */
    unsigned serial;        /* of the next tag                              */
    char tag[16];           /* of the command under way; empty: none        */
    dividere_answer_t call; /* due: to whom its reply goes                  */
} dividere_ward_t;

/*  What has become of it.                                                   */
typedef enum {
    DIVIDERE_WARD_NOTHING,
    DIVIDERE_WARD_UP,     /* its last setup command was answered            */
    DIVIDERE_WARD_FAILED, /* a setup command was refused: see error         */
    DIVIDERE_WARD_ENDED   /* its actor has returned                         */
} dividere_outcome_t;

/*  Makes the actor and sends it the first setup command.                    */
dividere_outcome_t dividere_ward_start (dividere_ward_t *self);

/*  Reads one message, which is there.                                       */
dividere_outcome_t dividere_ward_read (dividere_ward_t *self);

/*  Sends it a command; the reply goes to whom the supervisor now serves.
 *  Returns 0 or an errno: EAGAIN if one is under way.                       */
int dividere_ward_call (dividere_ward_t *self, char **words, size_t count);

/*  Tells it to end. Setup is broken off.                                    */
void dividere_ward_term (dividere_ward_t *self);

/*  The setup command that is under way or was refused, or NULL.             */
const char *dividere_ward_line (const dividere_ward_t *self);

/*  Gives its actor away, and ECANCELED to whoever waits for a reply. To destroy
 *  that actor waits for nothing: one that still runs keeps its side of the
 *  pipe, where it finds $TERM.                                              */
zactor_t *dividere_ward_part (dividere_ward_t *self);

#endif
