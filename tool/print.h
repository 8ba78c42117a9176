/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TOOL_PRINT_H
#define DIVIDERE_TOOL_PRINT_H

#include <stdio.h>

/*  Texts of others on stdout, so that they do nothing to a terminal.         */

/*  As a string of JSON, with its quotes.                                    */
void print_string (const char *text);
void print_string_to (FILE *out, const char *text);

/*  As it is, with "?" for what is no letter, sign or space.                  */
void print_plain (const char *text);

#endif
