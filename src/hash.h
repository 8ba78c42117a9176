/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_HASH_H
#define DIVIDERE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <sodium.h>

/*  Hashes of what peers choose, under a random key, so that none of them can
 *  make a table slow by choosing what collides.                             */

typedef struct {
    uint8_t key[crypto_shorthash_KEYBYTES];
} dividere_hash_t;

static inline void
dividere_hash_init (dividere_hash_t *self)
{
    crypto_shorthash_keygen (self->key);
}

static inline uint64_t
dividere_hash (const dividere_hash_t *self, const void *data, size_t size)
{
    uint8_t out[crypto_shorthash_BYTES];
    crypto_shorthash (out, (const uint8_t *) data, size, self->key);
    uint64_t hash;
    __builtin_memcpy (&hash, out, sizeof (hash));
    return hash;
}

#endif
