/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TEXT_H
#define DIVIDERE_TEXT_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>
#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  Any message in protobuf's text format, on one line:
 *      field1: "abc" field2: 31337 nested { flag: true }
 *  Source: google.protobuf.text_format (as_one_line).                       */

/*  A fresh string, the caller's to free. Nesting over 100 levels is shown as
 *  "...".                                                                   */
DIVIDERE_EXPORT char *dividere_text (const ProtobufCMessage *message);

#ifdef __cplusplus
}
#endif

#endif
