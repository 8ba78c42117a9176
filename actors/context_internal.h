/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_CONTEXT_INTERNAL_H
#define DIVIDERE_CONTEXT_INTERNAL_H

#include <dividere/handler.h>
#include "extension.h"
#include "message_internal.h"
#include "types_internal.h"

/*  What dividere/handler.h needs inside.                                    */

/*  A table of handlers, found by the number of the type. Of zeros it is an
 *  empty one.                                                               */

typedef struct {
    const dividere_handler_t **by_type; /* ours                             */
    size_t size;
} dividere_handlers_t;

/*  Registers the types of a table (or NULL), which stays the caller's. Once or
 *  again. 0, or an errno of dividere_types_register.                        */
int dividere_handlers_add (dividere_handlers_t *self,
                           const dividere_handler_t *table);
void dividere_handlers_term (dividere_handlers_t *self);

/*  NULL: the type has none.                                                 */
static inline const dividere_handler_t *
dividere_handlers_find (const dividere_handlers_t *self,
                        const dividere_type_t *type)
{
    return type->id < self->size ? self->by_type[type->id] : NULL;
}

/*  What a handler sees: the part that reactor and worker have in common, the
 *  first of their own contexts, which live on the stack of the call.        */

/*  As the public functions of the same name.                                */
typedef struct {
    dividere_connector_t *(*source) (dividere_context_t *self);
    dividere_connector_t *(*find) (dividere_context_t *self, const char *name);
    int (*reply) (dividere_context_t *self, const ProtobufCMessage *reply);
    int (*reply_bytes) (dividere_context_t *self, const void *data,
                        size_t size);
    int (*request) (dividere_context_t *self,
                    dividere_request_info_t *ret_info);
} dividere_context_class_t;

struct dividere_context_t {
    const dividere_context_class_t *class;
    void *user;
    dividere_message_t *message; /* NULL in a hook that has none            */
};

/*  The extension frame that a client put into the route of its request. Returns
 *  the index of the frame, or -1: there is none.                            */
int dividere_context_extension (const dividere_route_t *route,
                                dividere_extension_t *ret_extension);

#endif
