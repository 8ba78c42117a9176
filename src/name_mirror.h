/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_NAME_MIRROR_H
#define DIVIDERE_NAME_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "instances.h"

/*  What is known of a watched name, or of all names: it is fed with fresh
 *  lists and with changes that a name server pushes, finds out where one was
 *  missed, and tells what has become different. Without sockets, and without a
 *  clock.
 *
 *  Every change has the next revision of the name server; it also says which
 *  one its name had before. So a mirror of one name sees that it has missed
 *  something where that is not the one it knows, and a mirror of all names
 *  where a revision is left out. Then it wants a fresh list.
 *
 *  state    event                                        then
 *  wants    ask                                          asked
 *  asked    a list, and what was pushed since joins it   current, told
 *  asked    ... does not join it                         wants
 *  asked    fail                                         wants; STALE told
 *  current  the next change                              current, told
 *  current  a change or a state that does not fit;       wants
 *           doubt                                                           */

typedef struct dividere_mirror_t dividere_mirror_t;

/*  told is called with each event, and must not call back. instance is valid
 *  during the call; of FRESH and STALE it has a name only.                  */
typedef void (dividere_mirror_fn) (void *arg, dividere_registry_kind_t kind,
                                   uint64_t revision,
                                   const dividere_instance_t *instance);

/*  name "" is all names.                                                    */
dividere_mirror_t *dividere_mirror_new (const char *name,
                                        dividere_mirror_fn *told, void *arg);
void dividere_mirror_destroy (dividere_mirror_t **self_p);

const char *dividere_mirror_name (const dividere_mirror_t *self);

/*  A fresh list is needed, and none has been asked for.                     */
bool dividere_mirror_wants (const dividere_mirror_t *self);

/*  One is asked for from here on. pushed: changes are pushed meanwhile, those
 *  that the list may lack among them.                                       */
void dividere_mirror_ask (dividere_mirror_t *self, bool pushed);

/*  It is here, or a page of it (more: others follow), in the state of a
 *  revision. Takes the instances, which are all of the name. False: it does not
 *  belong to the pages before, or is too long; another one is wanted. Pages in
 *  several states need the changes between, and wait for these.             */
bool dividere_mirror_list (dividere_mirror_t *self, uint64_t epoch,
                           uint64_t revision, dividere_instances_t **list_p,
                           bool more);

/*  It cannot be had.                                                        */
void dividere_mirror_fail (dividere_mirror_t *self);

/*  Nothing is pushed any more.                                              */
void dividere_mirror_doubt (dividere_mirror_t *self);

/*  Time to have a look, where nothing is pushed.                            */
void dividere_mirror_refresh (dividere_mirror_t *self);

/*  The name server pushes nothing of this name, or does after all: remembered
 *  for who has the mirror.                                                  */
void dividere_mirror_refuse (dividere_mirror_t *self, bool refused);
bool dividere_mirror_refused (const dividere_mirror_t *self);

typedef struct {
    uint64_t epoch;
    uint64_t revision;
    uint64_t previous;
    dividere_registry_kind_t kind; /* ADDED, REMOVED, CHANGED               */
    const dividere_instance_t *instance;
} dividere_mirror_change_t;

/*  A change was pushed; those of other names are for a mirror of all only.  */
void dividere_mirror_change (dividere_mirror_t *self,
                             const dividere_mirror_change_t *change);

/*  The name server says which revision is the last that was pushed; 0: nobody
 *  has the name.                                                            */
void dividere_mirror_state (dividere_mirror_t *self, uint64_t epoch,
                            uint64_t revision);

size_t dividere_mirror_count (const dividere_mirror_t *self);

#endif
