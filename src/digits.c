/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "digits.h"

/*  A float as the double of the fewest digits, but at least six, that reads
 *  back as the same float: Python writes that number, not the exact value.  */
static double
s_short_float (float value)
{
    char digits[DIVIDERE_DIGITS_MAX];
    double number = (double) value;
    for (int precision = 6; precision <= 9; precision++) {
        snprintf (digits, sizeof (digits), "%.*e", precision - 1,
                  (double) value);
        number = strtod (digits, NULL);
        if ((float) number == value)
            break;
    }
    return number;
}

const char *
dividere_digits (double value, char text[DIVIDERE_DIGITS_MAX])
{
    if (!isfinite (value))
        return isnan (value) ? "nan" : value < 0 ? "-inf" : "inf";
    for (int precision = 1; precision <= 17; precision++) {
        snprintf (text, DIVIDERE_DIGITS_MAX, "%.*e", precision - 1, value);
        if (strtod (text, NULL) == value)
            break;
    }
    char *exponent_at = strchr (text, 'e');
    int exponent = (int) strtol (exponent_at + 1, NULL, 10);
    int count = (int) (exponent_at - text) - (signbit (value) != 0);
    count -= count > 1; /* The point.                                        */
    if (exponent >= -4 && exponent < 16) {
        int places = count - 1 - exponent;
        snprintf (text, DIVIDERE_DIGITS_MAX, "%.*f", places > 0 ? places : 1,
                  value);
    }
    else
        snprintf (exponent_at,
                  (size_t) (text + DIVIDERE_DIGITS_MAX - exponent_at),
                  "e%c%02d", exponent < 0 ? '-' : '+', abs (exponent));
    return text;
}

const char *
dividere_digits_float (float value, char text[DIVIDERE_DIGITS_MAX])
{
    return dividere_digits (isfinite (value) ? s_short_float (value)
                                             : (double) value,
                            text);
}
