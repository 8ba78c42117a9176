/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_NAME_TABLE_H
#define DIVIDERE_NAME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <dividere/registry.h>
#include "name_error.h"
#include "name_rules.h"

/*  What a name server knows: names, and for each the instances that have it.
 *  Without sockets, and without a clock: now_ms is passed in. Registering,
 *  renewing and looking up are O(1); what ends is found in O(log n).
 *
 *  An instance is known by its name, server and port. One with a lease goes
 *  when that is over; one without goes when it has let so many rounds pass
 *  (calls of dividere_names_round) without registering again.               */

typedef struct dividere_names_t dividere_names_t;

/*  One name, while anybody has it.                                          */
typedef struct dividere_name_t dividere_name_t;

/*  One instance of it.                                                      */
typedef struct dividere_named_t dividere_named_t;

typedef struct {
    size_t instances_max;
    size_t name_max;     /* of one name                                     */
    size_t owner_max;    /* of one owner                                    */
    size_t metadata_max; /* bytes of release and tags, with their NULs      */
    size_t bytes_max;    /* of all together, as dividere_names_bytes        */
    int64_t lease_ms;    /* for who asks for 0                              */
    int64_t lease_max_ms;
    unsigned rounds; /* 0: who has no lease stays                            */
} dividere_names_limits_t;

/*  One change. The instance is the new one, of REMOVED the old one.         */
typedef struct {
    dividere_registry_kind_t kind; /* ADDED, REMOVED, CHANGED               */
    uint64_t revision;             /* of the table, and now of the name     */
    uint64_t previous; /* of the name before; 0: nobody had it               */
    bool expired;      /* REMOVED: by time                                   */
    const dividere_instance_t *instance;
} dividere_name_change_t;

typedef void (dividere_names_fn) (void *arg,
                                  const dividere_name_change_t *change);

/*  changed (or NULL) is called at each change, and must not call back.      */
dividere_names_t *dividere_names_new (dividere_names_fn *changed, void *arg);
void dividere_names_destroy (dividere_names_t **self_p);

/*  Of what is there nothing goes by a lower limit.                          */
void dividere_names_limit (dividere_names_t *self,
                           const dividere_names_limits_t *limits);

typedef enum {
    DIVIDERE_NAMES_NEW,      /* it was not there                            */
    DIVIDERE_NAMES_RENEWED,  /* nothing is different                        */
    DIVIDERE_NAMES_CHANGED,  /* other metadata, or another lease            */
    DIVIDERE_NAMES_REPLACED, /* another instance was at this place          */
} dividere_names_outcome_t;

/*  Registers, or renews. lease_ms: 0: the default, -1: none. native: it can
 *  keep a lease; another has none, whatever it asks for. A renewal never
 *  replaces another instance (CONFLICT), but may be new. owner: who counts for
 *  owner_max, such as the address that it came from; a renewal does not change
 *  it. NULL: not known yet, nobody's until it registers or renews again.
 *  ret_lease_ms: as it was granted, 0: none. Both outputs may be NULL.      */
dividere_name_error_t dividere_names_register (
    dividere_names_t *self, const dividere_instance_t *instance, bool renewal,
    const char *owner, int64_t now_ms, dividere_names_outcome_t *ret_outcome,
    int *ret_lease_ms);

/*  instance: 0, or it must be this one (UNKNOWN).                           */
dividere_name_error_t dividere_names_unregister (dividere_names_t *self,
                                                 const char *name,
                                                 const char *server, int port,
                                                 uint64_t instance);

/*  Somebody else has registered what is there.                              */
bool dividere_names_foreign (const dividere_names_t *self, const char *name,
                             const char *server, int port, const char *owner);

/*  All of a name. Returns how many there were.                              */
size_t dividere_names_remove (dividere_names_t *self, const char *name);

/*  NULL: nobody has it.                                                     */
dividere_name_t *dividere_names_lookup (const dividere_names_t *self,
                                        const char *name);

/*  The same in steps, the first of which only fetch what the next looks at: to
 *  be done for many names at a time. hash: of dividere_names_hash.          */
#define DIVIDERE_NAMES_STEPS 3
uint64_t dividere_names_hash (const dividere_names_t *self, const char *name,
                              size_t size);
void dividere_names_fetch (const dividere_names_t *self, uint64_t hash,
                           unsigned step);
dividere_name_t *dividere_names_find (const dividere_names_t *self,
                                      const char *name, size_t size,
                                      uint64_t hash);

const char *dividere_name_text (const dividere_name_t *self);
uint64_t dividere_name_revision (const dividere_name_t *self);
size_t dividere_name_count (const dividere_name_t *self);

/*  The next instance, in turn.                                              */
const dividere_named_t *dividere_name_turn (dividere_name_t *self);

/*  The one behind another, NULL: the first; NULL at the end.                */
const dividere_named_t *dividere_name_each (const dividere_name_t *self,
                                            const dividere_named_t *after);

/*  What is known of one; its strings live until the table is called to change
 *  anything. heard_ms may be NULL: when it registered or renewed last. tags are
 *  written to tags, of DIVIDERE_NAME_TAGS + 1 elements, NULL-terminated.    */
void dividere_named_get (const dividere_named_t *self,
                         const char *tags[DIVIDERE_NAME_TAGS + 1],
                         dividere_instance_t *ret_instance,
                         int64_t *ret_heard_ms);

/*  The name that came into being next after another, NULL: the first; NULL at
 *  the end.                                                                 */
dividere_name_t *dividere_names_each (const dividere_names_t *self,
                                      const dividere_name_t *after);

/*  A walk through all names that goes on while they come and go: who is there
 *  all the time is met once. The cursor is the caller's; next: NULL at the end.
 *  To be closed before the table is destroyed.                              */
typedef struct dividere_name_cursor_t {
    dividere_name_t *next;
    struct dividere_name_cursor_t *other; /* that is open                   */
} dividere_name_cursor_t;

void dividere_names_open (dividere_names_t *self,
                          dividere_name_cursor_t *cursor);
dividere_name_t *dividere_names_next (dividere_name_cursor_t *cursor);
void dividere_names_close (dividere_names_t *self,
                           dividere_name_cursor_t *cursor);

/*  Those without a lease are asked to register again.                       */
void dividere_names_round (dividere_names_t *self);

/*  Ends what is over, not more than a hundred in a call. Returns when
 *  something may be over next, now_ms if there is more now; -1: nothing.    */
int64_t dividere_names_tick (dividere_names_t *self, int64_t now_ms);

uint64_t dividere_names_revision (const dividere_names_t *self);

typedef struct {
    size_t names;
    size_t instances;
    size_t leased; /* of them, with a lease                                 */
    size_t bytes;  /* what all takes, tables included                       */
} dividere_names_size_t;

void dividere_names_size (const dividere_names_t *self,
                          dividere_names_size_t *ret_size);

#endif
