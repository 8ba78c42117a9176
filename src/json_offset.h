/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_JSON_OFFSET_H
#define DIVIDERE_JSON_OFFSET_H

#include <stddef.h>

/*  One step of the way to a value: a name in an object, or an index in an
 *  array.                                                                   */
typedef struct dividere_json_step_t {
    const struct dividere_json_step_t *up; /* NULL: this one is from the top */
    const char *name;                      /* decoded; NULL: an index        */
    size_t index; /* of an array; of an object, among its names             */
} dividere_json_step_t;

/*  The offset of a value in a text that is known to be JSON; parsers forget
 *  where in the text values were. last NULL: the top.                       */
size_t dividere_json_offset (const char *text, size_t size,
                             const dividere_json_step_t *last);

#endif
