/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_ENTRIES_H
#define DIVIDERE_ENTRIES_H

#include <protobuf-c/protobuf-c.h>

/*  A map is a list of messages with a key and a value, which is all that
 *  protobuf-c says of it. protoc derives the name of their type from that of
 *  the field, so they can be told from other messages. The type of the entries,
 *  or NULL: it is no map. The fields of an entry are its key and its value.  */
const ProtobufCMessageDescriptor *dividere_entries (
    const ProtobufCFieldDescriptor *field);

#endif
