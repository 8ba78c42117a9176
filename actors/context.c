/* SPDX-License-Identifier: Apache-2.0 */

/*  What a handler of the reactor sees besides its message.                  */

#include <assert.h>
#include <errno.h>
#include "reactor_internal.h"

dividere_connector_t *
dividere_context_source (dividere_context_t *self)
{
    assert (self);
    return self->source ? self->source->connector : NULL;
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
    return self->reactor->config.user;
}

dividere_connector_t *
dividere_context_find (dividere_context_t *self, const char *name)
{
    assert (self);
    assert (name);
    dividere_source_t *source = dividere_reactor_source (self->reactor, name);
    if (!source)
        errno = ENOENT;
    return source ? source->connector : NULL;
}

int
dividere_context_reply (dividere_context_t *self, const ProtobufCMessage *reply)
{
    assert (self);
    assert (reply);
    dividere_connector_t *connector = dividere_context_source (self);
    if (!connector || (connector->kind != DIVIDERE_RESPONSE &&
                       connector->kind != DIVIDERE_DEALER)) {
        errno = ENOTSUP;
        return -1;
    }
    if (dividere_send_to (connector, &self->message->route, reply, 0) < 0)
        return -1;
    self->reactor->counts.replied++;
    return 0;
}
