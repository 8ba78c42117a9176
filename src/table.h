/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TABLE_H
#define DIVIDERE_TABLE_H

#include <stddef.h>
#include <stdint.h>

/*  A hash table whose entries are parts of the objects that it finds: nothing
 *  is allocated for one. It grows with what is in it. The caller hashes, under
 *  a key where a peer chooses what is hashed (hash.h), and compares.        */

typedef struct dividere_entry_t {
    struct dividere_entry_t *next; /* in its bucket                         */
    uint64_t hash;
} dividere_entry_t;

typedef struct {
    dividere_entry_t **buckets; /* ours                                     */
    size_t mask;                /* buckets - 1                              */
    size_t count;
    size_t any; /* where dividere_table_any found one last                  */
} dividere_table_t;

void dividere_table_init (dividere_table_t *self);

/*  Entries that are still there are left alone.                             */
void dividere_table_term (dividere_table_t *self);

void dividere_table_add (dividere_table_t *self, dividere_entry_t *entry,
                         uint64_t hash);
void dividere_table_remove (dividere_table_t *self, dividere_entry_t *entry);

/*  The newest entry of a hash, and the one before it; NULL: no more.        */
dividere_entry_t *dividere_table_first (const dividere_table_t *self,
                                        uint64_t hash);
dividere_entry_t *dividere_table_next (const dividere_entry_t *entry);

/*  Any entry; NULL if there is none.                                        */
dividere_entry_t *dividere_table_any (dividere_table_t *self);

#endif
