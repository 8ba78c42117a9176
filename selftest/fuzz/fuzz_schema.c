/* SPDX-License-Identifier: Apache-2.0 */

/*  Schemas of strangers: what is taken makes types that objects can be of.   */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <dividere/json.h>
#include <dividere/schema.h>
#include <dividere/text.h>
#include "arena.h"
#include "fuzz.h"
#include "scan.h"
#include "unpack.h"

#define BUDGET (1 << 20)

/*  An object of the same bytes, whatever they mean to its type.             */
static void
s_use (const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size)
{
    size_t need;
    if (dividere_scan (type, data, size, 20, BUDGET, &need) < 0)
        return;
    dividere_arena_t *arena = dividere_arena_new ();
    dividere_arena_reset (arena, need);
    const ProtobufCMessage *message = dividere_unpack (type, data, size, arena);
    assert (message);
    char *text = dividere_text (message), *json = dividere_json (message);
    assert (text && json);
    free (text);
    free (json);
    dividere_arena_destroy (&arena);
}

void
fuzz_schema (const uint8_t *data, size_t size)
{
    char *reason = NULL;
    dividere_schema_t *schema = dividere_schema_new (data, size, &reason);
    assert (!schema == !!reason);
    free (reason);
    for (size_t i = 0; schema && i < dividere_schema_count (schema); i++) {
        const ProtobufCMessageDescriptor *type = dividere_schema_at (schema, i);
        assert (dividere_schema_find (schema, type->name) == type);
        s_use (type, data, size);
        ProtobufCMessage *message = dividere_text_parse (type, "", 0, NULL);
        if (message)
            protobuf_c_message_free_unpacked (message, NULL);
    }
    dividere_schema_destroy (&schema);
}
