/* SPDX-License-Identifier: Apache-2.0 */

/*  strtoll alone takes blanks, signs and what has no end.                   */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "setting.h"

int
dividere_setting_number (const char *text, int64_t min, int64_t max,
                         int64_t *ret_number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return EINVAL;
    errno = 0;
    long long number = strtoll (text, &end, 10);
    if (errno || end == text || *end || number < min || number > max)
        return EINVAL;
    *ret_number = number;
    return 0;
}

int
dividere_setting_word (const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (strcmp (words[i], word) == 0)
            return i;
    return -1;
}
