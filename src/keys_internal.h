/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_KEYS_INTERNAL_H
#define DIVIDERE_KEYS_INTERNAL_H

#include <dividere/security.h>
#include "rights.h"

/*  NULL: only the public one is known.                                      */
const char *dividere_keys_secret (const dividere_keys_t *self);

#endif
