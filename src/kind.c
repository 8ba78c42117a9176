/* SPDX-License-Identifier: Apache-2.0 */

/*  Kinds of connectors as text.                                             */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "kind.h"

int
dividere_kind_parse (const char *text, dividere_kind_t *ret_kind,
                     const char **ret_name)
{
    assert (text);
    const char *equals = strchr (text, '=');
    size_t size = equals ? (size_t) (equals - text) : strlen (text);
    for (int kind = DIVIDERE_PUBLISHER; kind <= DIVIDERE_DEALER; kind++) {
        const char *name = dividere_kind_name ((dividere_kind_t) kind);
        if (strlen (name) != size || strncmp (name, text, size) != 0 ||
            (equals && !equals[1]))
            continue;
        *ret_kind = (dividere_kind_t) kind;
        *ret_name = equals ? equals + 1 : NULL;
        return 0;
    }
    errno = EINVAL;
    return -1;
}
