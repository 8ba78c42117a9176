/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SETTING_H
#define DIVIDERE_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  Values of SET commands.                                                  */

/*  A number, an int64_t at an offset of the structure that has them all. A NULL
 *  name ends a table of them.                                               */
typedef struct {
    const char *name;
    size_t offset;
    int64_t min;
    int64_t max;
    int64_t fallback;
    bool early; /* only before the actor has started                        */
} dividere_setting_t;

void dividere_settings_default (const dividere_setting_t *table, void *values);

/*  Sets the one of a name from text. 0, or ENOENT, EBUSY (it is early, and the
 *  actor has started), EINVAL.                                              */
int dividere_settings_set (const dividere_setting_t *table, void *values,
                           const char *name, const char *text, bool started);

/*  A decimal number within limits. 0, or EINVAL.                            */
int dividere_setting_number (const char *text, int64_t min, int64_t max,
                             int64_t *ret_number);

/*  The index of a word in a list that NULL ends, or -1.                     */
int dividere_setting_word (const char *const *words, const char *word);

#endif
