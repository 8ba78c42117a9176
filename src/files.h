/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_FILES_H
#define DIVIDERE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*  Small files as a whole.                                                  */

/*  Its bytes and a NUL behind them, for dividere_file_free. secret: it must be
 *  an ordinary file that nobody but its owner can read (EPERM). The memory is
 *  locked. NULL with EFBIG, EPERM, or an errno of open or read. */
char *dividere_file_read (const char *path, size_t size_max, bool secret,
                          size_t *ret_size);

/*  Overwrites it before. May be NULL.                                       */
void dividere_file_free (char *text);

/*  Writes a new file, which is there as a whole or not at all. -1 with EEXIST,
 *  or an errno of open, write, link.                                        */
int dividere_file_create (const char *path, const void *data, size_t size,
                          mode_t mode);

#endif
