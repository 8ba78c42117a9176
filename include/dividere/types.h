/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TYPES_H
#define DIVIDERE_TYPES_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>
#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  The registry of message types: full name -> protobuf-c descriptor. It is
 *  how a received frame finds the type to unpack into. One per process, safe
 *  in any thread, grows only: a type is registered once and for ever.
 *  Sending a message, subscribing to a type and putting it in a handler table
 *  register it as well.
 *  Source: the descriptor pool of the Python package's messaging module.     */

/*  The name of a type is the start of its frames and a topic; libzmq 4.3.4
 *  breaks the connection at topics over 245 bytes, two of which and more are
 *  the header.                                                              */
#define DIVIDERE_TYPE_NAME_MAX 242

/*  Registers one type. Returns 0, also if it was there already; or -1 with
 *  EEXIST (another type has this name), ENAMETOOLONG (its full name is longer
 *  than DIVIDERE_TYPE_NAME_MAX), EINVAL (it has no name: made for lite
 *  runtime).                                                                */
DIVIDERE_EXPORT int dividere_types_register (
    const ProtobufCMessageDescriptor *type);

/*  Registers the types of a NULL-terminated array, such as all of a generated
 *  file. Returns 0, or -1 with the errno of the first that was refused; the
 *  others are registered all the same.                                      */
DIVIDERE_EXPORT int dividere_types_register_all (
    const ProtobufCMessageDescriptor *const *types);

/*  Find a type by its full name ("pack.Name"), by its URL (all up to the last
 *  slash is ignored), or by the last component of its name. NULL with ENOENT
 *  if there is none; by short name also ENOTUNIQ if there are several.      */
DIVIDERE_EXPORT const ProtobufCMessageDescriptor *dividere_types_find (
    const char *name);
DIVIDERE_EXPORT const ProtobufCMessageDescriptor *dividere_types_find_url (
    const char *type_url);
DIVIDERE_EXPORT const ProtobufCMessageDescriptor *dividere_types_find_short (
    const char *name);

/*  The number of types registered.                                          */
DIVIDERE_EXPORT size_t dividere_types_count (void);

/*  The topic of a type: the bytes that each of its frames starts with. Valid
 *  for ever. Registers the type; NULL with its errno if that is refused.    */
DIVIDERE_EXPORT const void *dividere_types_topic (
    const ProtobufCMessageDescriptor *type, size_t *ret_size);

#ifdef __cplusplus
}
#endif

#endif
