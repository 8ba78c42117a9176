/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_UTF8_H
#define DIVIDERE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*  True if the bytes are UTF-8 (RFC 3629: shortest forms, no surrogates, up to
 *  U+10FFFF) and hold no NUL, at which a C string would end early.          */
bool dividere_utf8_valid (const void *data, size_t size);

#endif
