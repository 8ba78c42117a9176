/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include "reason.h"

int
dividere_reason_list (char **ret_reason, int error, const char *format,
                      va_list args)
{
    if (ret_reason) {
        int size = vasprintf (ret_reason, format, args);
        assert (size >= 0);
    }
    errno = error;
    return -1;
}

int
dividere_reason (char **ret_reason, int error, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    dividere_reason_list (ret_reason, error, format, args);
    va_end (args);
    return -1;
}
