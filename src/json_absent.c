/* SPDX-License-Identifier: Apache-2.0 */

/*  In place of the parser, where there is no JSON library.                  */

#include <errno.h>
#include <dividere/json.h>
#include "reason.h"

ProtobufCMessage *
dividere_json_parse (const ProtobufCMessageDescriptor *type, const char *text,
                     size_t size, char **ret_reason)
{
    dividere_reason (ret_reason, ENOTSUP, "the library was built without JSON");
    return NULL;
}
