/* SPDX-License-Identifier: Apache-2.0 */

#include "web.h"

web_t *
web_new (const command_t *command, const char *listen_at, web_fn *answer,
         void *arg)
{
    command_fail (command, "this was built without libmicrohttpd");
    return NULL;
}

void
web_destroy (web_t **self_p)
{
}

const char *
web_url (const web_t *self)
{
    return "";
}

int
web_fd (const web_t *self)
{
    return -1;
}

void
web_turn (web_t *self)
{
}
