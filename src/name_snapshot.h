/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_NAME_SNAPSHOT_H
#define DIVIDERE_NAME_SNAPSHOT_H

#include <stdbool.h>
#include "name_table.h"

/*  A name table as bytes, for a file: a header, one RegisterService for each
 *  instance (length and message), and a checksum over all. The writer goes
 *  through the table piece by piece while that changes: what is there all the
 *  time is in it once.                                                      */

typedef struct dividere_snapshot_t dividere_snapshot_t;

/*  Begins to write. The table must outlive the writer.                      */
dividere_snapshot_t *dividere_snapshot_new (dividere_names_t *names);
void dividere_snapshot_destroy (dividere_snapshot_t **self_p);

/*  Writes up to count instances more, and what else the last name of them has.
 *  True: all is written.                                                    */
bool dividere_snapshot_write (dividere_snapshot_t *self, size_t count);

/*  What is written, once all is; the snapshot's.                            */
const void *dividere_snapshot_data (const dividere_snapshot_t *self,
                                    size_t *ret_size);

/*  Registers what bytes hold; nothing where they are not a whole snapshot. 0,
 *  or -1 with EBADMSG. What is over a limit is left out and counted. Whose each
 *  was is not kept: it counts for its owner when that registers again.      */
int dividere_snapshot_load (const void *data, size_t size,
                            dividere_names_t *names, int64_t now_ms,
                            size_t *ret_count, size_t *ret_refused);

#endif
