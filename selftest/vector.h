/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_VECTOR_H
#define DIVIDERE_SELFTEST_VECTOR_H

#include <stddef.h>

/*  One row of the wire vectors, made into C by wire/vectors.py.             */
typedef struct {
    const char *name;
    const char *type;
    const char *text; /* NULL: not given                                    */
    const char *payload;
    size_t payload_size;
    const char *envelope;
    size_t envelope_size;
    const char *topic;
    size_t topic_size;
    const char *sha256; /* of the envelope, in place of its bytes           */
} vector_t;

/*  Registers the types of the vectors.                                      */
void vector_register_types (void);

#endif
