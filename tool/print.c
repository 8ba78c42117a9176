/* SPDX-License-Identifier: Apache-2.0 */

#include "print.h"
#include <stdbool.h>
#include <stdio.h>

/*  A control character of ASCII, or the first byte of one beyond it (U+0080 to
 *  U+009F), which some terminals obey, too.                                 */
static bool
s_is_control (const char *text)
{
    const unsigned char *at = (const unsigned char *) text;
    return at[0] < 32 || at[0] == 127 ||
           (at[0] == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0);
}

void
print_string_to (FILE *out, const char *text)
{
    putc ('"', out);
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            fprintf (out, "\\%c", *text);
        else if (!s_is_control (text))
            putc (*text, out);
        else if ((unsigned char) *text == 0xC2)
            fprintf (out, "\\u%04x", (unsigned) (unsigned char) *++text);
        else
            fprintf (out, "\\u%04x", (unsigned) *text);
    putc ('"', out);
}

void
print_string (const char *text)
{
    print_string_to (stdout, text);
}

void
print_plain (const char *text)
{
    for (; *text; text++) {
        bool control = s_is_control (text);
        putchar (control ? '?' : *text);
        text += control && (unsigned char) *text == 0xC2;
    }
}
