/* SPDX-License-Identifier: Apache-2.0 */

/*  JSON and text that people write: what is taken is written, and taken again,
 *  as the same.                                                             */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <dividere/json.h>
#include <dividere/text.h>
#include "codec.pb-c.h"
#include "fuzz.h"
#include "legacy.pb-c.h"
#include "service.pb-c.h"

static const ProtobufCMessageDescriptor *const s_types[] = {
    &selftest__everything__descriptor,
    &selftest__legacy__descriptor,
    &selftest__tree__descriptor,
    &selftest__odd_names__httpanswer_v2__descriptor,
};

typedef ProtobufCMessage *(parse_fn) (const ProtobufCMessageDescriptor *type,
                                      const char *text, size_t size,
                                      char **ret_reason);
typedef char *(write_fn) (const ProtobufCMessage *message);

static void
s_check (const ProtobufCMessageDescriptor *type, const char *text, size_t size,
         parse_fn *parse, write_fn *write)
{
    char *reason = NULL;
    ProtobufCMessage *message = parse (type, text, size, &reason);
    assert (!message == !!reason);
    free (reason);
    if (!message)
        return;
    char *written = write (message);
    assert (written);
    ProtobufCMessage *again = parse (type, written, strlen (written), NULL);
    assert (again || errno == ENOTSUP);
    char *twice = write (again);
    assert (strcmp (written, twice) == 0);
    free (written);
    free (twice);
    protobuf_c_message_free_unpacked (message, NULL);
    protobuf_c_message_free_unpacked (again, NULL);
}

/*  The first byte chooses the type and the language.                        */
void
fuzz_words (const uint8_t *data, size_t size)
{
    if (!size)
        return;
    const ProtobufCMessageDescriptor *type = s_types[data[0] & 3];
    const char *text = (const char *) data + 1;
    if (data[0] & 4)
        s_check (type, text, size - 1, dividere_json_parse, dividere_json);
    else
        s_check (type, text, size - 1, dividere_text_parse, dividere_text);
}
