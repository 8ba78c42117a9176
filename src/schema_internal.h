/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SCHEMA_INTERNAL_H
#define DIVIDERE_SCHEMA_INTERNAL_H

#include <stdbool.h>
#include <dividere/schema.h>
#include "arena.h"
#include "wire_schema.pb-c.h"

/*  The parts of making descriptors out of a schema. All that is made is in one
 *  arena, with a budget; the texts are those of the unpacked schema, which is
 *  there, too.                                                              */

typedef Dividere__Wire__Message dividere_schema_message_t;
typedef Dividere__Wire__Enum dividere_schema_enum_t;
typedef Dividere__Wire__Field dividere_schema_field_t;

/*  A message or an enum that the schema defines.                            */
typedef struct {
    const char *name; /* full                                               */
    const char *short_name;
    const char *package;
    bool proto3;
    const dividere_schema_message_t *source; /* NULL: an enum                */
    const dividere_schema_enum_t *enum_source;
    ProtobufCMessageDescriptor *message;  /* of a message                     */
    ProtobufCEnumDescriptor *enumeration; /* of an enum                      */
} dividere_schema_entry_t;

struct dividere_schema_t {
    dividere_arena_t *arena;
    dividere_schema_entry_t *entries; /* sorted by name                      */
    size_t count;
    dividere_schema_entry_t **messages; /* those that are, in their order    */
    size_t messages_count;
    bool registered; /* it lives for ever                                    */
    dividere_schema_t *next; /* of those                                     */
    char **ret_reason;
};

/*  Sets errno and the reason. -1.                                           */
int dividere_schema_fail (dividere_schema_t *self, int error,
                          const char *format, ...) DIVIDERE_FORMAT (3, 4);

/*  Zeros from the arena. NULL with ENOBUFS, said.                           */
void *dividere_schema_alloc (dividere_schema_t *self, size_t count,
                             size_t size);

/*  A letter or underscore, then those and digits.                           */
bool dividere_schema_is_identifier (const char *name);

/*  By full name, which may begin with a point, or NULL.                     */
dividere_schema_entry_t *dividere_schema_entry (dividere_schema_t *self,
                                                const char *name);

/*  Numbers in rising order as ranges without gaps, for protobuf-c to search.
 *  NULL with ENOBUFS, said.                                                 */
const ProtobufCIntRange *dividere_schema_ranges (dividere_schema_t *self,
                                                 const int *numbers,
                                                 unsigned count,
                                                 unsigned *ret_count);

/*  Make the descriptor of an entry whole. 0, or -1, said. All enums come before
 *  the first message, whose defaults may be of them.                        */
int dividere_schema_make_enum (dividere_schema_t *self,
                               dividere_schema_entry_t *entry);
int dividere_schema_make_message (dividere_schema_t *self,
                                  dividere_schema_entry_t *entry);

/*  What a field of proto2 is without being set; NULL: zero. 0, or -1, said. */
int dividere_schema_default (dividere_schema_t *self, const char *message,
                             const dividere_schema_field_t *source,
                             const ProtobufCFieldDescriptor *field,
                             const void **ret_value);

#endif
