/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_NAME_TABLE_INTERNAL_H
#define DIVIDERE_NAME_TABLE_INTERNAL_H

#include "deadlines.h"
#include "hash.h"
#include "name_table.h"
#include "table.h"

/*  What the files of the name table share: name_table.c has its rules,
 *  name_entries.c the objects it is made of.                                */

/*  Who registers, while anything of it is there.                            */
typedef struct {
    dividere_entry_t entry;
    size_t count;
    size_t size;
    char text[];
} dividere_name_owner_t;

struct dividere_named_t {
    dividere_entry_t entry; /* among the places                             */
    dividere_name_t *name;
    dividere_named_t *next; /* of the name                                  */
    dividere_named_t *previous;
    union {
        dividere_deadline_t lease; /* with a lease: it ends not before this  */
        struct {
            dividere_named_t *older; /* without one                         */
            dividere_named_t *newer;
        } order;
    };
    dividere_name_owner_t *owner; /* or NULL                                 */
    uint64_t instance;
    int64_t heard_ms;
    uint32_t lease_ms; /* 0: none                                           */
    uint32_t round;    /* that it registered in last                        */
    uint16_t port;
    bool native;
    uint8_t tags;
    uint32_t size; /* of text                                               */
    char text[];   /* server, release, tags: each with its NUL              */
};

struct dividere_name_t {
    dividere_entry_t entry;
    dividere_name_t *next; /* in the order of their coming                  */
    dividere_name_t *previous;
    dividere_named_t *first;
    dividere_named_t *last;
    dividere_named_t *turn; /* whose turn it is; NULL: the first's           */
    uint64_t revision;
    size_t count;
    char text[];
};

struct dividere_names_t {
    dividere_names_fn *changed;
    void *arg;
    dividere_names_limits_t limits;
    dividere_hash_t hash;
    dividere_table_t names;
    dividere_table_t places;
    dividere_table_t owners;
    dividere_deadlines_t leases;
    dividere_name_t *first;
    dividere_name_t *last;
    dividere_named_t *oldest; /* of those without a lease                    */
    dividere_named_t *newest;
    dividere_name_cursor_t *cursors;
    uint64_t revision;
    uint32_t round;
    size_t leased;
    size_t bytes; /* of all objects, without the tables                     */
};

/*  The owner of a text, made if it is not there; forgotten if nothing is its.
 *  NULL is nobody, who always has room.                                     */
dividere_name_owner_t *dividere_name_owner (dividere_names_t *self,
                                            const char *text);
bool dividere_name_owner_full (const dividere_names_t *self,
                               const dividere_name_owner_t *owner);
void dividere_name_owner_leave (dividere_names_t *self,
                                dividere_name_owner_t *owner);

/*  It becomes its owner's, if it is nobody's and there is room.             */
void dividere_named_own (dividere_names_t *self, dividere_named_t *named,
                         const char *text);

dividere_name_t *dividere_name_new (dividere_names_t *self, const char *text,
                                    uint64_t hash);
void dividere_name_free (dividere_names_t *self, dividere_name_t *name);

/*  A new instance, at the end of its name, not in time yet.                 */
dividere_named_t *dividere_named_attach (dividere_names_t *self,
                                         dividere_name_t *name,
                                         const dividere_instance_t *instance,
                                         uint32_t lease_ms, size_t metadata,
                                         uint64_t hash,
                                         dividere_name_owner_t *owner);

/*  Takes it out of its name, of time and the places; name and owner stay.   */
void dividere_named_detach (dividere_names_t *self, dividere_named_t *named);
void dividere_named_free (dividere_names_t *self, dividere_named_t *named);

/*  It was heard of now; before that again, one without a lease is untouched. */
void dividere_named_touch (dividere_names_t *self, dividere_named_t *named,
                           int64_t now_ms);
void dividere_named_untouch (dividere_names_t *self, dividere_named_t *named);

#endif
