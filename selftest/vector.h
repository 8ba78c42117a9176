/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_VECTOR_H
#define DIVIDERE_SELFTEST_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

/*  One row of the wire vectors, made into C by wire/vectors.py.             */
typedef struct {
    const char *name;
    const char *type;
    const char *text; /* NULL: not given                                    */
    const char *json; /* likewise                                           */
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

/*  The payload of a vector; the caller frees it.                            */
uint8_t *vector_payload (const vector_t *vector, size_t *ret_size);

/*  The object of a vector, by protobuf-c's own unpacker; the caller frees it by
 *  protobuf_c_message_free_unpacked.                                        */
ProtobufCMessage *vector_object (const vector_t *vector);

/*  Whether this is the envelope of a vector, byte for byte.                 */
bool vector_matches (const vector_t *vector, const void *data, size_t size);

#endif
