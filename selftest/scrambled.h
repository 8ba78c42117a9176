/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_SCRAMBLED_H
#define DIVIDERE_SELFTEST_SCRAMBLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

/*  Random messages as bytes, of which everything may come several times, in any
 *  order and in pieces. Begins with all 0 but the seed.                     */

#define SCRAMBLED_MAX 4096

typedef struct {
    uint64_t seed;
    uint8_t bytes[SCRAMBLED_MAX];
    size_t size;
    bool full; /* something did not fit                                      */
} scrambled_t;

/*  A number below limit.                                                    */
size_t scrambled_pick (scrambled_t *self, size_t limit);

/*  Behind what there is: bytes; any field any number of times in any order,
 *  some of them unknown (depth 0).                                          */
void scrambled_write (scrambled_t *self, const void *data, size_t size);
void scrambled_fields (scrambled_t *self,
                       const ProtobufCMessageDescriptor *type, unsigned depth);

/*  Damages it.                                                              */
void scrambled_mutate (scrambled_t *self);

#endif
