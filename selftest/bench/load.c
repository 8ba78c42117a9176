/* SPDX-License-Identifier: Apache-2.0 */

/*  Messages and reactors for the rows.                                      */

#include "load.h"
#include <dividere/actor.h>
#include <dividere/envelope.h>
#include <dividere/types.h>
#include "selftest.h"

void
load_init (load_t *self, size_t size)
{
    msg01__init (&self->message);
    my_service_req__init (&self->mark);
    self->message.content = (char *) zmalloc (size + 1);
    memset (self->message.content, 'x', size);
    CHECK_INT (dividere_envelope_encode (&self->message.base, &self->wire), 0);
    CHECK_INT (dividere_types_register (&my_service_req__descriptor), 0);
}

void
load_term (load_t *self)
{
    zmq_msg_close (&self->wire);
    free (self->message.content);
}

void
load_send_raw (const load_t *self, void *handle, bool mark)
{
    zmq_msg_t *wire = (zmq_msg_t *) &self->wire;
    size_t size = mark ? 0 : zmq_msg_size (wire);
    zmq_msg_t frame;
    zmq_msg_init_size (&frame, size);
    memcpy (zmq_msg_data (&frame), zmq_msg_data (wire), size);
    CHECK_INT (zmq_msg_send (&frame, handle, 0), size);
}

char *
load_add_source (zactor_t *reactor, const char *kind, const char *endpoint)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (reactor, &reply, SELFTEST_DEADLINE, "ADD", kind,
                              endpoint, NULL),
               0);
    free (zmsg_popstr (reply)); /* The name of the source.                   */
    char *bound = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    CHECK (bound && bound[0] == '@');
    memmove (bound, bound + 1, strlen (bound));
    return bound;
}
