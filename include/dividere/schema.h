/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SCHEMA_H
#define DIVIDERE_SCHEMA_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>
#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  Types of messages that this program was not compiled with, from a schema: a
 *  FileDescriptorSet, as "protoc --include_imports --descriptor_set_out=FILE"
 *  writes it and a service tells it. Their objects are sent, received, printed
 *  and read as all others.
 *
 *      char *reason = NULL;
 *      dividere_schema_t *schema = dividere_schema_new (data, size, &reason);
 *      if (!schema)
 *          fprintf (stderr, "%s\n", reason);
 *      dividere_schema_register (schema);
 *
 *  A schema may come from a stranger: nothing in it does harm. proto2 and
 *  proto3 are known; groups, extensions and newer editions are not.         */

typedef struct dividere_schema_t dividere_schema_t;

/*  NULL with
 *    EBADMSG   no FileDescriptorSet, or one that contradicts itself
 *    ENOENT    a type that it needs is not in it (--include_imports is missing)
 *    EEXIST    something is defined twice
 *    ENOTSUP   a group, or an edition
 *    EMSGSIZE, ENOBUFS, ELOOP  beyond the limits (dividere/envelope.h)
 *  and, where ret_reason is not NULL, a sentence there that names what is
 *  wrong, the caller's to free; untouched on success. The data stays the
 *  caller's.                                                                */
DIVIDERE_EXPORT dividere_schema_t *dividere_schema_new (const void *data,
                                                        size_t size,
                                                        char **ret_reason);

/*  Its types end with it, unless it was registered. Idempotent.             */
DIVIDERE_EXPORT void dividere_schema_destroy (dividere_schema_t **self_p);

/*  Its messages, also those within messages, from 0.                        */
DIVIDERE_EXPORT size_t dividere_schema_count (const dividere_schema_t *self);
DIVIDERE_EXPORT const ProtobufCMessageDescriptor *dividere_schema_at (
    const dividere_schema_t *self, size_t index);

/*  Find a type by its full name, or by the last component of it. NULL with
 *  ENOENT if there is none, ENOTUNIQ if there are several.                  */
DIVIDERE_EXPORT const ProtobufCMessageDescriptor *dividere_schema_find (
    const dividere_schema_t *self, const char *name);

/*  Registers its types (dividere/types.h), which then live for ever. Names that
 *  are registered already stay what they are. Returns 0, or -1 with
 *  ENAMETOOLONG for the first that was refused; the others are registered.   */
DIVIDERE_EXPORT int dividere_schema_register (dividere_schema_t *self);

#ifdef __cplusplus
}
#endif

#endif
