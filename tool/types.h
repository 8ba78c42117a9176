/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TOOL_TYPES_H
#define DIVIDERE_TOOL_TYPES_H

#include <dividere/client.h>
#include <protobuf-c/protobuf-c.h>
#include "command.h"

/*  Types that the command was not compiled with.                            */

/*  Those of a .proto file (by protoc, which finds what it imports beside it and
 *  in the folder include) and of a descriptor set, each NULL where it was not
 *  given; and those of the library itself. 0, or COMMAND_FAILED, told.       */
int types_load (const command_t *command, const char *proto,
                const char *include, const char *descriptor);

/*  Those that a service tells: only for one that is of this library, or that
 *  the client knows to be. 0, or -1 with EOPNOTSUPP (it is in Python), ENODATA
 *  (it tells none), or an errno of dividere_client_request.                 */
int types_fetch (dividere_client_t *client, int deadline_ms);

/*  By full name, or the last part of it. NULL, told.                        */
const ProtobufCMessageDescriptor *types_find (const command_t *command,
                                              const char *name);

/*  An object of JSON, or of text, the caller's. NULL, told.                 */
ProtobufCMessage *types_read (const command_t *command,
                              const ProtobufCMessageDescriptor *type,
                              const char *words, bool text);

/*  One line on stdout: the object as JSON, or text; with its type in front, or
 *  around it where it is for machines.                                      */
typedef enum { PRINT_JSON, PRINT_TEXT, PRINT_MACHINE } print_t;
void types_print (const ProtobufCMessage *object, print_t print, bool named);

/*  The end of --help.                                                       */
#define TYPES_NOTES                                                     \
    "\nTypes are those of --proto FILE, of --descriptor FILE (protoc\n" \
    "--include_imports --descriptor_set_out=FILE), and of the library."

#define TYPES_OPTIONS(self_t)                                             \
    { "proto", "FILE", "types of a .proto file", OPTION_TEXT,             \
      offsetof (self_t, proto) },                                         \
        { "include", "FOLDER", "where it imports from, too", OPTION_TEXT, \
          offsetof (self_t, include) },                                   \
    {                                                                     \
        "descriptor", "FILE", "types of a descriptor set", OPTION_TEXT,   \
            offsetof (self_t, descriptor)                                 \
    }

#endif
