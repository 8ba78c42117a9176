/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SETTING_H
#define DIVIDERE_SETTING_H

#include <stdint.h>

/*  Values of SET commands.                                                  */

/*  A decimal number within limits. 0, or EINVAL.                            */
int dividere_setting_number (const char *text, int64_t min, int64_t max,
                             int64_t *ret_number);

/*  The index of a word in a list that NULL ends, or -1.                     */
int dividere_setting_word (const char *const *words, const char *word);

#endif
