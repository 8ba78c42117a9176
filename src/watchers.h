/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_WATCHERS_H
#define DIVIDERE_WATCHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  Who is to be told of changes to which names. Without sockets, and without a
 *  clock. Finding the watchers of a name is O(1) and O(their number).       */

typedef struct dividere_watchers_t dividere_watchers_t;

typedef struct {
    size_t watchers_max;
    size_t watches_max;  /* names of one watcher                            */
    int64_t interval_ms; /* who was silent for three is forgotten           */
    size_t total_max;    /* names of all watchers                           */
} dividere_watchers_limits_t;

dividere_watchers_t *dividere_watchers_new (void);
void dividere_watchers_destroy (dividere_watchers_t **self_p);
void dividere_watchers_limit (dividere_watchers_t *self,
                              const dividere_watchers_limits_t *limits);

/*  A watcher, by its routing id, says all that it watches ("" is everything;
 *  none: it leaves). Names beyond a limit are not watched: returns how many
 *  of the first are; 0 also where watchers_max is reached.                  */
size_t dividere_watchers_set (dividere_watchers_t *self, const void *id,
                              size_t id_size, const char *const *names,
                              size_t count, int64_t now_ms);

/*  It is gone.                                                              */
void dividere_watchers_remove (dividere_watchers_t *self, const void *id,
                               size_t id_size);

/*  Calls told for each watcher of a name, once for one that watches everything
 *  as well. It must not call back.                                          */
typedef void (dividere_watchers_fn) (void *arg, const void *id, size_t id_size);
void dividere_watchers_each (const dividere_watchers_t *self, const char *name,
                             dividere_watchers_fn *told, void *arg);

/*  Forgets who was silent too long, not more than a hundred in a call. Returns
 *  when that may be next, now_ms if there are more now; -1: never.          */
int64_t dividere_watchers_tick (dividere_watchers_t *self, int64_t now_ms);

size_t dividere_watchers_count (const dividere_watchers_t *self);
size_t dividere_watchers_watches (const dividere_watchers_t *self);

#endif
