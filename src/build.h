/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BUILD_H
#define DIVIDERE_BUILD_H

#include <stdbool.h>
#include "fields.h"

/*  An object that grows value by value, as protobuf-c's unpacker would have
 *  made it: protobuf_c_message_free_unpacked frees it, also half done.      */

/*  One message of it while it grows.                                        */
typedef struct {
    ProtobufCMessage *message;
    bool *seen; /* by the index of the field                                 */
} dividere_build_t;

/*  A new message with nothing in it.                                        */
dividere_build_t dividere_build_begin (const ProtobufCMessageDescriptor *type);

/*  It is done. The required field that is missing, or NULL.                 */
const ProtobufCFieldDescriptor *dividere_build_end (dividere_build_t *self);

/*  Where the next value of a field goes, with nothing in it yet: of a list, as
 *  often as there are values. NULL with EEXIST: it has one, or another of its
 *  choice has.                                                              */
void *dividere_build_place (dividere_build_t *self,
                            const ProtobufCFieldDescriptor *field);

/*  Put a number into its place. 0, or -1 with ERANGE: it does not fit; an
 *  integer into a field of reals, and a real into one of integers, are put
 *  there where nothing is lost, else ERANGE.                                */
int dividere_build_integer (ProtobufCType type, void *place, bool negative,
                            uint64_t magnitude);
int dividere_build_real (ProtobufCType type, void *place, double value);

/*  A copy of a text, or of bytes. -1 with EILSEQ: a string must be UTF-8 and
 *  have no NUL.                                                             */
int dividere_build_text (ProtobufCType type, void *place, const void *data,
                         size_t size);

#endif
