/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_JSON_H
#define DIVIDERE_JSON_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>
#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  Any message as JSON, and back, by the mapping that protobuf prescribes:
 *      {"field1": "abc", "count": "9007199254740993", "ratio": 0.5}
 *  Names in lowerCamelCase, 64-bit integers as strings, bytes in base64, enums
 *  by name, NaN and infinities as strings, maps as objects. Fields that are not
 *  set are left out, and so is what this program does not know. An option
 *  json_name, and the special forms of google.protobuf.Timestamp and the like,
 *  are not known: they are messages as all others.
 *  Source: google.protobuf.json_format.                                     */

/*  A fresh string on one line, the caller's to free. NULL with EINVAL (an
 *  element of a list is NULL), EILSEQ (a string is not UTF-8), ELOOP (nested
 *  over 100 levels).                                                        */
DIVIDERE_EXPORT char *dividere_json (const ProtobufCMessage *message);

/*  An object of size bytes of JSON, the caller's: it is freed by
 *  protobuf_c_message_free_unpacked (object, NULL). Names may be written as in
 *  the .proto, too, integers with or without quotes, null is as if it were not
 *  there. NULL with
 *    EINVAL   not JSON, or a value of the wrong kind, or not all of it is there
 *    ENOENT   there is no such field, or enum value
 *    EEXIST   a field is there twice, or two of one choice
 *    ERANGE   a number that does not fit
 *    EILSEQ   a string with a NUL, or not UTF-8
 *    ELOOP    nested over 100 levels
 *    ENOTSUP  the library was built without JSON
 *  and, where ret_reason is not NULL, a sentence there that names the field and
 *  the offset, the caller's to free; untouched on success.                  */
DIVIDERE_EXPORT ProtobufCMessage *dividere_json_parse (
    const ProtobufCMessageDescriptor *type, const char *text, size_t size,
    char **ret_reason);

#ifdef __cplusplus
}
#endif

#endif
