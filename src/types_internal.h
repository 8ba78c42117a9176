/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TYPES_INTERNAL_H
#define DIVIDERE_TYPES_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <dividere/packer.h>
#include <dividere/types.h>

/*  A registered type, with all that the codec would else compute for each
 *  message. Made once, never freed.                                         */
typedef struct {
    const ProtobufCMessageDescriptor *type;
    uint32_t id;            /* counts from 0 in order of registration       */
    size_t name_size;       /* of type->name                               */
    const char *short_name; /* within type->name                           */
    size_t short_name_size;
    _Atomic bool ambiguous; /* another type has the same short name        */
    _Atomic (dividere_pack_fn *) pack;
    uint8_t *topic; /* 0A, length, full name                       */
    size_t topic_size;
    uint8_t *url; /* 0A, length, type_url: the start of the Any  */
    size_t url_size;
} dividere_type_t;

#define DIVIDERE_TYPE_URL_PREFIX "type.googleapis.com/"

/*  One that is not registered: its descriptor may have another name. The name
 *  must live as long as it.                                                 */
dividere_type_t *dividere_type_new (const ProtobufCMessageDescriptor *type,
                                    const char *name, uint32_t id);

/*  The entry of a descriptor, registered now if it was not. NULL with an errno
 *  of dividere_types_register.                                              */
const dividere_type_t *dividere_types_entry (
    const ProtobufCMessageDescriptor *type);

/*  By full or short name; NULL with ENOENT or ENOTUNIQ.                     */
const dividere_type_t *dividere_types_entry_named (const char *name,
                                                   size_t size);
const dividere_type_t *dividere_types_entry_short (const char *name,
                                                   size_t size);

#endif
