/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_REGISTRAR_INTERNAL_H
#define DIVIDERE_REGISTRAR_INTERNAL_H

#include "arena.h"
#include "control.h"
#include "registrar.h"

/*  What the files of the registrar share: registrar.c has requests and
 *  registrations, registrar_lookup.c lookups, registrar_quick.c the lookup
 *  that is asked most, registrar_watch.c watchers.                          */

typedef Dividere__Wire__ServiceLookupReq dividere_lookup_t;
typedef Dividere__Wire__ServiceLookupRep dividere_found_t;
typedef Dividere__Wire__ServiceLookupRep__Instance dividere_found_one_t;

struct dividere_registrar_t {
    dividere_registrar_class_t class;
    void *arg; /* of the functions of the class                             */
    dividere_registrar_limits_t limits;
    dividere_registrar_counts_t counts;
    dividere_names_t *names;       /* ours                                   */
    dividere_watchers_t *watchers; /* ours                                   */
    dividere_control_t control;    /* what is read                           */
    uint64_t epoch;
    char *watch; /* ours                                                    */
    bool guarded;

    dividere_arena_t *arena;      /* of the answer that is made              */
    dividere_found_one_t **found; /* of it; ours                             */
    size_t found_count;
    size_t found_room;

    const dividere_name_change_t *change; /* that watchers are told           */
    zmq_msg_t pushed;                     /* ... as a frame                   */
    bool encoded;                         /* ... which is made                */
};

/*  In ServiceLookupReq.scope: all names, from one on.                       */
#define DIVIDERE_SCOPE_PAGE 2

/*  With a guard: it may not.                                                */
bool dividere_registrar_denied (dividere_registrar_t *self, zmq_msg_t *payload,
                                dividere_right_t right, const char *name);

/*  Answers a lookup. denied: that it may not. 0, or -1 with an errno of
 *  dividere_control_write.                                                  */
int dividere_registrar_lookup (dividere_registrar_t *self,
                               const dividere_lookup_t *lookup, bool denied,
                               zmq_msg_t *ret_reply);

/*  Answers a lookup where that can be done in a moment.                     */
bool dividere_registrar_quick (dividere_registrar_t *self, zmq_msg_t *payload,
                               zmq_msg_t *ret_reply);

/*  Tells the watchers of a name.                                            */
void dividere_registrar_push (dividere_registrar_t *self,
                              const dividere_name_change_t *change);

/*  Closes frames.                                                           */
void dividere_registrar_close (zmq_msg_t *frames, size_t count);

static inline size_t
dividere_registrar_tags (const char *const *tags)
{
    size_t count = 0;
    while (tags && tags[count])
        count++;
    return count;
}

#endif
