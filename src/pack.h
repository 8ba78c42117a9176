/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_PACK_H
#define DIVIDERE_PACK_H

#include <dividere/packer.h>

/*  The packed size of an object, for room where a try has shown that there must
 *  be more. Returns 0, or -1 with EINVAL, ELOOP as a packer has them; text is
 *  not judged.                                                              */
int dividere_pack_size (const ProtobufCMessage *message, unsigned depth_max,
                        size_t *ret_size);

/*  Packs an object into the room from start to end, of which
 *  DIVIDERE_PACKER_SLACK bytes at the start stay free. Gives the place of the
 *  first byte, or NULL with an errno of a packer.                           */
static inline uint8_t *
dividere_pack (dividere_pack_fn *pack, const ProtobufCMessage *message,
               unsigned depth_max, uint8_t *start, uint8_t *end)
{
    dividere_packer_t self = { start, depth_max };
    return pack (&self, message, end);
}

#endif
