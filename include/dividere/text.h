/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TEXT_H
#define DIVIDERE_TEXT_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>
#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  Any message in protobuf's text format, and back:
 *      field1: "abc" field2: 31337 nested { flag: true }
 *  Source: google.protobuf.text_format (as_one_line).                       */

/*  A fresh string on one line, the caller's to free. Nesting over 100 levels is
 *  shown as "...".                                                          */
DIVIDERE_EXPORT char *dividere_text (const ProtobufCMessage *message);

/*  An object of size bytes of text, the caller's: it is freed by
 *  protobuf_c_message_free_unpacked (object, NULL). NULL with an errno and a
 *  reason as dividere_json_parse has them. Extensions and the expanded form of
 *  google.protobuf.Any are not known.                                       */
DIVIDERE_EXPORT ProtobufCMessage *dividere_text_parse (
    const ProtobufCMessageDescriptor *type, const char *text, size_t size,
    char **ret_reason);

#ifdef __cplusplus
}
#endif

#endif
