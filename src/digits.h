/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_DIGITS_H
#define DIVIDERE_DIGITS_H

#include <stddef.h>

/*  Numbers as short decimal text that reads back as the same number, as Python
 *  writes it (of a few powers of two Python finds one digit less). In the
 *  locale "C" only.                                                         */

#define DIVIDERE_DIGITS_MAX 40

/*  Into text, which is returned. "inf", "-inf" and "nan" for what is none.  */
const char *dividere_digits (double value, char text[DIVIDERE_DIGITS_MAX]);
const char *dividere_digits_float (float value, char text[DIVIDERE_DIGITS_MAX]);

#endif
