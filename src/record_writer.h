/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_RECORD_WRITER_H
#define DIVIDERE_RECORD_WRITER_H

#include "record.h"

/*  Writes a recording. What cannot be written is counted, and told in the file
 *  itself at the next place that can be; nothing here fails for a full disk. */

typedef struct dividere_record_writer_t dividere_record_writer_t;

typedef struct {
    uint64_t segment_max; /* bytes of a file                                 */
    uint64_t quota;       /* bytes of all, 0: no limit; the oldest go        */
    bool append;          /* to a recording that is there                    */
} dividere_record_options_t;

typedef struct {
    uint64_t messages; /* written, or about to be                            */
    uint64_t dropped;
    uint64_t bytes;    /* of the folder's segments                           */
    uint64_t segments; /* that are there                                     */
    uint64_t deleted;  /* segments, for the quota                            */
    int error;         /* errno of the last failure; 0: none since the last  */
                       /* success                                            */
} dividere_record_counts_t;

/*  Makes the folder, where it is not there, and its first segment. NULL with
 *  EEXIST (a recording is there and append is not set), EINVAL (options), or an
 *  errno of mkdir or open.                                                  */
dividere_record_writer_t *dividere_record_writer_new (
    const char *folder, const dividere_record_options_t *options);

/*  Writes what is left, the index and the end. Waits for the disk.          */
void dividere_record_writer_destroy (dividere_record_writer_t **self_p);

/*  Adds a frame. Copied; it reaches the file when there is enough of it, and at
 *  a flush.                                                                 */
void dividere_record_writer_put (dividere_record_writer_t *self,
                                 int64_t time_ns, const void *data,
                                 size_t size);

/*  So many were dropped before they came here.                              */
void dividere_record_writer_drop (dividere_record_writer_t *self,
                                  uint64_t count);

/*  Writes what was put. 0, or the errno of the first failure since the last
 *  call; after one, what is put next is tried again.                        */
int dividere_record_writer_flush (dividere_record_writer_t *self);

void dividere_record_writer_counts (const dividere_record_writer_t *self,
                                    dividere_record_counts_t *ret_counts);

#endif
