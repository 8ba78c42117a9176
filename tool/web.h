/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TOOL_WEB_H
#define DIVIDERE_TOOL_WEB_H

#include "command.h"

/*  Documents over HTTP, to be read only, without a thread.                  */

typedef struct web_t web_t;

/*  The document at a path, which the callee frees; NULL: there is none.      */
typedef char *(web_fn) (void *arg, const char *path, const char **ret_type,
                        size_t *ret_size);

/*  listen: host:port, where the host is an address, in brackets if it has
 *  colons; port 0 is a free one. NULL, told.                                */
web_t *web_new (const command_t *command, const char *listen, web_fn *answer,
                void *arg);
void web_destroy (web_t **self_p);

/*  http://host:port, as it is really bound.                                 */
const char *web_url (const web_t *self);

/*  Readable when there is something for web_turn.                           */
int web_fd (const web_t *self);
void web_turn (web_t *self);

#endif
