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

static int64_t *
s_value (const dividere_setting_t *setting, void *values)
{
    return (int64_t *) ((char *) values + setting->offset);
}

void
dividere_settings_default (const dividere_setting_t *table, void *values)
{
    for (; table->name; table++)
        *s_value (table, values) = table->fallback;
}

int
dividere_settings_set (const dividere_setting_t *table, void *values,
                       const char *name, const char *text, bool started)
{
    while (table->name && strcmp (table->name, name) != 0)
        table++;
    if (!table->name)
        return ENOENT;
    if (table->early && started)
        return EBUSY;
    return dividere_setting_number (text, table->min, table->max,
                                    s_value (table, values));
}

int
dividere_setting_word (const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (strcmp (words[i], word) == 0)
            return i;
    return -1;
}
