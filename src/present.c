/* SPDX-License-Identifier: Apache-2.0 */

#include <dividere/packer.h>
#include "present.h"

/*  A required string or message may be missing still.                       */
static bool
s_present (const ProtobufCMessage *message,
           const ProtobufCFieldDescriptor *field)
{
    const void *place = (const uint8_t *) message + field->offset;
    bool pointer = field->type == PROTOBUF_C_TYPE_STRING ||
                   field->type == PROTOBUF_C_TYPE_MESSAGE;
    return (!pointer || *(const void *const *) place) &&
           dividere_packer_is_set (message, dividere_packer_described (field));
}

const void *
dividere_present_values (const ProtobufCMessage *message,
                         const ProtobufCFieldDescriptor *field,
                         size_t *ret_count)
{
    const uint8_t *place = (const uint8_t *) message + field->offset;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        *ret_count = s_present (message, field);
        return place;
    }
    *ret_count = *(const size_t *) ((const uint8_t *) message +
                                    field->quantifier_offset);
    return *(const void *const *) place;
}
