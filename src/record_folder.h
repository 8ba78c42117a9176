/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_RECORD_FOLDER_H
#define DIVIDERE_RECORD_FOLDER_H

#include <stddef.h>
#include <stdint.h>

/*  The segments that are in the folder of a recording, oldest first.        */

typedef struct {
    uint32_t number;
    uint64_t bytes;
} dividere_folder_entry_t;

typedef struct {
    char *path; /* ours                                                      */
    dividere_folder_entry_t *entries; /* ours; the room grows by doubling    */
    size_t first;                     /* those before are gone               */
    size_t count;
    size_t room;
    uint64_t bytes; /* of all                                                */
} dividere_folder_t;

/*  Reads what is there. 0, or -1 with an errno of opendir, and then there is
 *  nothing to be ended.                                                     */
int dividere_folder_init (dividere_folder_t *self, const char *path);
void dividere_folder_term (dividere_folder_t *self);

/*  A new segment is there; the last one has grown.                          */
void dividere_folder_add (dividere_folder_t *self, uint32_t number);
void dividere_folder_grow (dividere_folder_t *self, uint64_t bytes);

/*  The last one could not be made use of.                                   */
void dividere_folder_withdraw (dividere_folder_t *self);

/*  Deletes the oldest. 0, or -1 with ENOENT (there is none, or it is the last,
 *  which is being written), or an errno of unlink.                          */
int dividere_folder_shrink (dividere_folder_t *self);

/*  Opens a segment by its place, from 0. -1 with an errno of open.          */
int dividere_folder_open (const dividere_folder_t *self, size_t index);

/*  Opens a new one to write. -1 with an errno of open.                      */
int dividere_folder_create (const dividere_folder_t *self, uint32_t number);

#endif
