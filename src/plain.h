/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_PLAIN_H
#define DIVIDERE_PLAIN_H

#include <locale.h>

/*  Numbers in text have a point, whatever the user's language: between enter
 *  and leave this thread is in the locale "C".                              */
typedef struct {
    locale_t plain;
    locale_t before;
} dividere_plain_t;

dividere_plain_t dividere_plain_enter (void);
void dividere_plain_leave (dividere_plain_t *self);

#endif
