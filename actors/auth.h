/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_AUTH_H
#define DIVIDERE_AUTH_H

#include "security.h"

/*  As dividere_security_load, but nobody uses it by itself. NULL with its
 *  errnos.                                                                  */
dividere_security_t *dividere_auth_load (const char *folder);

#endif
