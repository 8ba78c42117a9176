/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_REASON_H
#define DIVIDERE_REASON_H

#include <stdarg.h>
#include <dividere/library.h>

/*  Why something that people wrote was refused: sets errno and, where
 *  ret_reason is not NULL, makes a text, which is the caller's. -1.         */
int dividere_reason (char **ret_reason, int error, const char *format, ...)
    DIVIDERE_FORMAT (3, 4);
int dividere_reason_list (char **ret_reason, int error, const char *format,
                          va_list args) DIVIDERE_FORMAT (3, 0);

#endif
