/* SPDX-License-Identifier: Apache-2.0 */

/*  Handlers are found by the number of their type; what they ask of their
 *  context is asked of its class.                                           */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "context_internal.h"

static void
s_grow (dividere_handlers_t *self, size_t size)
{
    self->by_type =
        (const dividere_handler_t **) realloc (self->by_type,
                                               size * sizeof (*self->by_type));
    assert (self->by_type);
    memset (self->by_type + self->size, 0,
            (size - self->size) * sizeof (*self->by_type));
    self->size = size;
}

int
dividere_handlers_add (dividere_handlers_t *self,
                       const dividere_handler_t *table)
{
    for (const dividere_handler_t *at = table; at && at->type; at++) {
        const dividere_type_t *type = dividere_types_entry (at->type);
        if (!type)
            return errno;
        if (type->id >= self->size)
            s_grow (self, (size_t) type->id + 1);
        self->by_type[type->id] = at;
    }
    return 0;
}

void
dividere_handlers_term (dividere_handlers_t *self)
{
    free (self->by_type);
    *self = (dividere_handlers_t){ NULL, 0 };
}

const dividere_message_t *
dividere_context_message (dividere_context_t *self)
{
    assert (self);
    return self->message;
}

void *
dividere_context_user (dividere_context_t *self)
{
    assert (self);
    return self->user;
}

dividere_connector_t *
dividere_context_source (dividere_context_t *self)
{
    assert (self);
    return self->class->source (self);
}

dividere_connector_t *
dividere_context_find (dividere_context_t *self, const char *name)
{
    assert (self);
    assert (name);
    return self->class->find (self, name);
}

int
dividere_context_reply (dividere_context_t *self, const ProtobufCMessage *reply)
{
    assert (self);
    assert (reply);
    return self->class->reply (self, reply);
}

int
dividere_context_reply_bytes (dividere_context_t *self, const void *data,
                              size_t size)
{
    assert (self);
    assert (data || !size);
    return self->class->reply_bytes (self, data, size);
}

int
dividere_context_request (dividere_context_t *self,
                          dividere_request_info_t *ret_info)
{
    assert (self);
    assert (ret_info);
    return self->class->request (self, ret_info);
}

int
dividere_context_extension (const dividere_route_t *route,
                            dividere_extension_t *ret_extension)
{
    size_t size;
    if (route->count < 2)
        return -1;
    dividere_route_frame (route, route->count - 1, &size);
    if (size > 0)
        return -1;
    const void *data = dividere_route_frame (route, route->count - 2, &size);
    return dividere_extension_parse (data, size, ret_extension)
               ? (int) route->count - 2
               : -1;
}
