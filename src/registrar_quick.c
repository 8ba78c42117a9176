/* SPDX-License-Identifier: Apache-2.0 */

/*  The lookup that is asked most, by its bytes: a name that is there, one
 *  instance, from who knows no extension. All else goes the long way, which
 *  answers this one with the same bytes.                                    */

#include <assert.h>
#include <string.h>
#include "registrar_internal.h"
#include "wire.h"

#define BATCH_MAX 64
#define OTHERS    8 /* bytes of a value beside its texts, at most             */

/*  Up to the length of what is in the envelope, and up to that of the message.
 *  A length is one byte where all is short.                                 */
#define HEAD(type)  "\x0a\x10" type "\x12"
#define INNER(type) "\x0a\x24type.googleapis.com/" type "\x12"
#define SIZE(text)  (sizeof (text) - 1)
#define SHORT_MAX   127

static const char s_asked_head[] = HEAD ("ServiceLookupReq");
static const char s_asked_inner[] = INNER ("ServiceLookupReq");
static const char s_told_head[] = HEAD ("ServiceLookupRep");
static const char s_told_inner[] = INNER ("ServiceLookupRep");

#define ASKED_SIZE (SIZE (s_asked_head) + 1 + SIZE (s_asked_inner) + 1)
#define TOLD_SIZE  (SIZE (s_told_head) + 1 + SIZE (s_told_inner) + 1)

enum { TAG_NAME = 0x0a, TAG_SERVER = 0x12, TAG_PORT = 0x18 };

/*  The name in a lookup, where it is the first that is asked; *ret_rest bytes
 *  follow it. NULL: it is no lookup, or one of many bytes.                  */
static const char *
s_name (const void *data, size_t size, size_t *ret_size, size_t *ret_rest)
{
    const uint8_t *at = (const uint8_t *) data;
    if (size < ASKED_SIZE + 2 || size > SHORT_MAX)
        return NULL;
    const uint8_t *inner = at + SIZE (s_asked_head) + 1;
    const uint8_t *value = at + ASKED_SIZE;
    size_t value_size = size - ASKED_SIZE;
    if (memcmp (at, s_asked_head, SIZE (s_asked_head)) != 0 ||
        inner[-1] != size - SIZE (s_asked_head) - 1 ||
        memcmp (inner, s_asked_inner, SIZE (s_asked_inner)) != 0 ||
        value[-1] != value_size || value[0] != TAG_NAME ||
        value[1] > value_size - 2 || !value[1])
        return NULL;
    *ret_size = value[1];
    *ret_rest = value_size - 2 - value[1];
    return (const char *) value + 2;
}

void
dividere_registrar_foresee (dividere_registrar_t *self,
                            zmq_msg_t *const *payloads, size_t count)
{
    uint64_t hashes[BATCH_MAX];
    size_t found = 0;
    for (size_t i = 0; i < count && i < BATCH_MAX; i++) {
        size_t size, rest;
        const char *name = s_name (zmq_msg_data (payloads[i]),
                                   zmq_msg_size (payloads[i]), &size, &rest);
        if (name)
            hashes[found++] = dividere_names_hash (self->names, name, size);
    }
    for (unsigned step = 0; step < DIVIDERE_NAMES_STEPS; step++)
        for (size_t i = 0; i < found; i++)
            dividere_names_fetch (self->names, hashes[i], step);
}

static void
s_write (zmq_msg_t *frame, const char *name, size_t name_size,
         const dividere_instance_t *instance, size_t server_size)
{
    size_t port_size = dividere_wire_varint_size ((uint64_t) instance->port);
    size_t value_size = 2 + name_size + 2 + server_size + 1 + port_size;
    int rc = zmq_msg_init_size (frame, TOLD_SIZE + value_size);
    assert (rc == 0);
    uint8_t *at = (uint8_t *) zmq_msg_data (frame);
    at = (uint8_t *) mempcpy (at, s_told_head, SIZE (s_told_head));
    *at++ = (uint8_t) (SIZE (s_told_inner) + 1 + value_size);
    at = (uint8_t *) mempcpy (at, s_told_inner, SIZE (s_told_inner));
    *at++ = (uint8_t) value_size;
    *at++ = TAG_NAME;
    *at++ = (uint8_t) name_size;
    at = (uint8_t *) mempcpy (at, name, name_size);
    *at++ = TAG_SERVER;
    *at++ = (uint8_t) server_size;
    at = (uint8_t *) mempcpy (at, instance->server, server_size);
    *at++ = TAG_PORT;
    dividere_wire_write_varint (at, (uint64_t) instance->port);
}

static void
s_write_long (zmq_msg_t *frame, const dividere_instance_t *instance)
{
    dividere_found_t found = DIVIDERE__WIRE__SERVICE_LOOKUP_REP__INIT;
    found.servicename = (char *) (uintptr_t) instance->name;
    found.server = (char *) (uintptr_t) instance->server;
    found.port = (uint32_t) instance->port;
    int rc = dividere_control_write (&found.base, frame);
    assert (rc == 0);
}

bool
dividere_registrar_quick (dividere_registrar_t *self, zmq_msg_t *payload,
                          zmq_msg_t *ret_reply)
{
    size_t size, rest;
    const char *text =
        s_name (zmq_msg_data (payload), zmq_msg_size (payload), &size, &rest);
    if (!text || rest)
        return false;
    dividere_name_t *name =
        dividere_names_find (self->names, text, size,
                             dividere_names_hash (self->names, text, size));
    if (!name)
        return false;
    const char *tags[DIVIDERE_NAME_TAGS + 1];
    dividere_instance_t instance;
    dividere_named_get (dividere_name_turn (name), tags, &instance, NULL);
    self->counts.lookups++;
    size_t server_size = strlen (instance.server);
    if (TOLD_SIZE + size + server_size + OTHERS <= SHORT_MAX)
        s_write (ret_reply, text, size, &instance, server_size);
    else
        s_write_long (ret_reply, &instance);
    return true;
}
