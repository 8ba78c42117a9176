/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_PRESENT_H
#define DIVIDERE_PRESENT_H

#include <stdbool.h>
#include "fields.h"

/*  What is there in an object, for who shows it.                            */

/*  The values of a field: none or one, or those of a list, one behind the
 *  other. One is there if it is set: by its choice, its quantifier, or by not
 *  being what proto3 leaves out.                                            */
const void *dividere_present_values (const ProtobufCMessage *message,
                                     const ProtobufCFieldDescriptor *field,
                                     size_t *ret_count);

#endif
