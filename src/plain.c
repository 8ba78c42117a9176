/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include "plain.h"

dividere_plain_t
dividere_plain_enter (void)
{
    locale_t plain = newlocale (LC_ALL_MASK, "C", (locale_t) 0);
    assert (plain);
    return (dividere_plain_t){ plain, uselocale (plain) };
}

void
dividere_plain_leave (dividere_plain_t *self)
{
    uselocale (self->before);
    freelocale (self->plain);
}
