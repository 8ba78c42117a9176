/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_KIND_H
#define DIVIDERE_KIND_H

#include <dividere/connector.h>

/*  Reads the kind of a source, "response", and its name if it has one,
 *  "response=front" (NULL: none). Returns 0, or -1 with EINVAL.             */
int dividere_kind_parse (const char *text, dividere_kind_t *ret_kind,
                         const char **ret_name);

#endif
