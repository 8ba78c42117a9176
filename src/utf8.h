/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_UTF8_H
#define DIVIDERE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*  True if the bytes are UTF-8 (RFC 3629: shortest forms, no surrogates, up to
 *  U+10FFFF) and hold no NUL, at which a C string would end early.          */
bool dividere_utf8_valid (const void *data, size_t size);

/*  The same, and copies them. What was copied of bytes that are wrong is of no
 *  use.                                                                     */
bool dividere_utf8_copy (void *to, const void *data, size_t size);

#endif
