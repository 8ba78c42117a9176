/* SPDX-License-Identifier: Apache-2.0 */

/*  Requests, and those among them that register.                            */

#include <assert.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "extension.h"
#include "registrar_internal.h"

#define VERSION 1

static const char s_refusal[] = "this is no request to a name server";

/*  Counted here, where all that comes and goes passes by.                   */
static void
s_on_change (void *arg, const dividere_name_change_t *change)
{
    dividere_registrar_t *self = (dividere_registrar_t *) arg;
    if (change->kind == DIVIDERE_REGISTRY_ADDED)
        self->counts.registered++;
    else if (change->kind == DIVIDERE_REGISTRY_REMOVED && change->expired) {
        self->counts.expired++;
        if (self->class.expired)
            self->class.expired (self->arg, change->instance);
    }
    else if (change->kind == DIVIDERE_REGISTRY_REMOVED)
        self->counts.unregistered++;
    dividere_registrar_push (self, change);
}

dividere_registrar_t *
dividere_registrar_new (const dividere_registrar_class_t *class, void *arg)
{
    dividere_registrar_t *self =
        (dividere_registrar_t *) calloc (1, sizeof (*self));
    assert (self);
    self->class = *class;
    self->arg = arg;
    self->names = dividere_names_new (s_on_change, self);
    self->watchers = dividere_watchers_new ();
    dividere_control_init (&self->control);
    self->arena = dividere_arena_new ();
    randombytes_buf (&self->epoch, sizeof (self->epoch));
    dividere_registrar_tell_watch (self, "");
    return self;
}

void
dividere_registrar_destroy (dividere_registrar_t **self_p)
{
    assert (self_p);
    dividere_registrar_t *self = *self_p;
    if (!self)
        return;
    dividere_names_destroy (&self->names);
    dividere_watchers_destroy (&self->watchers);
    dividere_control_term (&self->control);
    dividere_arena_destroy (&self->arena);
    free (self->found);
    free (self->watch);
    free (self);
    *self_p = NULL;
}

void
dividere_registrar_limit (dividere_registrar_t *self,
                          const dividere_registrar_limits_t *limits)
{
    self->limits = *limits;
    dividere_names_limit (self->names, &limits->names);
    dividere_watchers_limit (self->watchers, &limits->watchers);
}

void
dividere_registrar_guard (dividere_registrar_t *self)
{
    self->guarded = true;
}

void
dividere_registrar_tell_watch (dividere_registrar_t *self, const char *endpoint)
{
    char *copy = strdup (endpoint);
    assert (copy);
    free (self->watch);
    self->watch = copy;
}

void
dividere_registrar_close (zmq_msg_t *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        zmq_msg_close (&frames[i]);
}

/*  An ack; what follows ok is only for who knows it.                        */
static int
s_ack (dividere_registrar_t *self, dividere_name_error_t error,
       uint32_t version, int lease_ms, zmq_msg_t *ret_reply)
{
    Dividere__Wire__Ack ack = DIVIDERE__WIRE__ACK__INIT;
    ack.ok = error == DIVIDERE_NAME_OK;
    if (version) {
        ack.version = VERSION;
        ack.error = error;
        ack.lease_ms = (uint32_t) lease_ms;
    }
    if (error == DIVIDERE_NAME_CONFLICT)
        self->counts.conflicts++;
    else if (error != DIVIDERE_NAME_OK)
        self->counts.refused++;
    return dividere_control_write (&ack.base, ret_reply);
}

static int
s_lease_ms (uint32_t lease_ms)
{
    if (lease_ms == DIVIDERE_REGISTRAR_NO_LEASE)
        return -1;
    return lease_ms < INT_MAX ? (int) lease_ms : INT_MAX;
}

/*  One more than there can be is as wrong as many more.                     */
static int
s_port (uint32_t port)
{
    return port <= UINT16_MAX ? (int) port : UINT16_MAX + 1;
}

bool
dividere_registrar_denied (dividere_registrar_t *self, zmq_msg_t *payload,
                           dividere_right_t right, const char *name)
{
    return self->guarded &&
           !self->class.allowed (self->arg, payload, right, name);
}

/*  To change what is at a place it takes the right to the name, and that nobody
 *  else is there.                                                           */
static bool
s_place_denied (dividere_registrar_t *self, zmq_msg_t *payload,
                const char *name, const char *server, uint32_t port)
{
    return self->guarded &&
           (dividere_registrar_denied (self, payload, DIVIDERE_RIGHT_REGISTER,
                                       name) ||
            dividere_names_foreign (self->names, name, server, s_port (port),
                                    self->class.host (self->arg, payload)));
}

static int
s_register (dividere_registrar_t *self,
            const Dividere__Wire__RegisterService *request, zmq_msg_t *payload,
            int64_t now_ms, zmq_msg_t *ret_reply)
{
    const char *tags[DIVIDERE_NAME_TAGS + 1] = { NULL };
    bool native = request->version > 0;
    if (s_place_denied (self, payload, request->servicename, request->server,
                        request->port))
        return s_ack (self, DIVIDERE_NAME_DENIED, request->version, 0,
                      ret_reply);
    if (native && request->n_tags > DIVIDERE_NAME_TAGS)
        return s_ack (self, DIVIDERE_NAME_BAD_METADATA, request->version, 0,
                      ret_reply);
    for (size_t i = 0; native && i < request->n_tags; i++)
        tags[i] = request->tags[i];
    dividere_instance_t instance = { .name = request->servicename,
                                     .server = request->server,
                                     .port = s_port (request->port),
                                     .native = native,
                                     .lease_ms = -1,
                                     .release = "",
                                     .tags = tags };
    if (native) {
        instance.instance = request->instance;
        instance.lease_ms = s_lease_ms (request->lease_ms);
        instance.release = request->release;
    }
    dividere_names_outcome_t outcome = DIVIDERE_NAMES_NEW;
    int lease_ms = 0;
    dividere_name_error_t error =
        dividere_names_register (self->names, &instance,
                                 native && request->renewal,
                                 self->class.host (self->arg, payload), now_ms,
                                 &outcome, &lease_ms);
    if (!error && outcome == DIVIDERE_NAMES_REPLACED) {
        self->counts.registered++;
        self->counts.replaced++;
    }
    else if (!error && outcome != DIVIDERE_NAMES_NEW)
        self->counts.renewed++;
    return s_ack (self, error, request->version, lease_ms, ret_reply);
}

static int
s_unregister (dividere_registrar_t *self,
              const Dividere__Wire__UnregisterService *request,
              zmq_msg_t *payload, zmq_msg_t *ret_reply)
{
    dividere_name_error_t error = DIVIDERE_NAME_DENIED;
    if (!s_place_denied (self, payload, request->servicename, request->server,
                         request->port))
        error =
            dividere_names_unregister (self->names, request->servicename,
                                       request->server, s_port (request->port),
                                       request->version ? request->instance
                                                        : 0);
    return s_ack (self, error, request->version, 0, ret_reply);
}

/*  A page is of all names.                                                  */
static int
s_lookup (dividere_registrar_t *self, const dividere_lookup_t *lookup,
          zmq_msg_t *payload, zmq_msg_t *ret_reply)
{
    bool page = lookup->version && lookup->scope == DIVIDERE_SCOPE_PAGE;
    bool denied =
        dividere_registrar_denied (self, payload, DIVIDERE_RIGHT_LOOKUP,
                                   page ? "" : lookup->servicename);
    return dividere_registrar_lookup (self, lookup, denied, ret_reply);
}

/*  Does what a payload asks for. 0 and the reply, or -1.                    */
static int
s_answer (dividere_registrar_t *self, zmq_msg_t *payload, int64_t now_ms,
          zmq_msg_t *ret_reply)
{
    if (!self->guarded && dividere_registrar_quick (self, payload, ret_reply))
        return 0;
    const ProtobufCMessage *message =
        dividere_control_read (&self->control, zmq_msg_data (payload),
                               zmq_msg_size (payload));
    if (!message)
        return -1;
    const ProtobufCMessageDescriptor *type = message->descriptor;
    if (type == &dividere__wire__service_lookup_req__descriptor)
        return s_lookup (self, (const dividere_lookup_t *) message, payload,
                         ret_reply);
    if (type == &dividere__wire__register_service__descriptor)
        return s_register (self,
                           (const Dividere__Wire__RegisterService *) message,
                           payload, now_ms, ret_reply);
    if (type == &dividere__wire__unregister_service__descriptor)
        return s_unregister (
            self, (const Dividere__Wire__UnregisterService *) message, payload,
            ret_reply);
    return -1;
}

/*  In bytes of its own: those that were received may be shared with whoever
 *  sent them.                                                               */
static void
s_set_status (zmq_msg_t *frame, dividere_status_t status)
{
    zmq_msg_t own;
    int rc = zmq_msg_init_size (&own, zmq_msg_size (frame));
    assert (rc == 0);
    memcpy (zmq_msg_data (&own), zmq_msg_data (frame), zmq_msg_size (frame));
    dividere_extension_set_status (zmq_msg_data (&own), status,
                                   DIVIDERE_EXTENSION_BROKER);
    zmq_msg_move (frame, &own);
    zmq_msg_close (&own);
}

/*  The extension frame is the one before the delimiter, which is the one before
 *  the payload.                                                             */
static bool
s_extension (zmq_msg_t *frames, size_t count, dividere_extension_t *ret)
{
    return count > 3 &&
           dividere_extension_parse (zmq_msg_data (&frames[count - 3]),
                                     zmq_msg_size (&frames[count - 3]), ret);
}

/*  What came in has no answer: who waits for it without an extension frame
 *  could not be told that it is none.                                       */
static void
s_refuse (dividere_registrar_t *self, zmq_msg_t *frames, size_t count,
          bool extended)
{
    self->counts.malformed++;
    if (!extended) {
        dividere_registrar_close (frames, count);
        return;
    }
    zmq_msg_t text;
    int rc = zmq_msg_init_size (&text, sizeof (s_refusal) - 1);
    assert (rc == 0);
    memcpy (zmq_msg_data (&text), s_refusal, sizeof (s_refusal) - 1);
    zmq_msg_move (&frames[count - 1], &text);
    zmq_msg_close (&text);
    s_set_status (&frames[count - 3], DIVIDERE_STATUS_REFUSED);
    self->class.to_client (self->arg, frames, count);
}

void
dividere_registrar_request (dividere_registrar_t *self, zmq_msg_t *frames,
                            size_t count, int64_t now_ms)
{
    dividere_extension_t extension;
    bool extended = s_extension (frames, count, &extension);
    if (count < 3 || zmq_msg_size (&frames[count - 2]) > 0 ||
        (extended && extension.status != DIVIDERE_STATUS_OK)) {
        s_refuse (self, frames, count, false);
        return;
    }
    zmq_msg_t reply;
    if (s_answer (self, &frames[count - 1], now_ms, &reply) < 0) {
        s_refuse (self, frames, count, extended);
        return;
    }
    zmq_msg_move (&frames[count - 1], &reply);
    zmq_msg_close (&reply);
    if (extended)
        s_set_status (&frames[count - 3], DIVIDERE_STATUS_OK);
    self->class.to_client (self->arg, frames, count);
}

void
dividere_registrar_refuse (dividere_registrar_t *self)
{
    self->counts.malformed++;
}

int64_t
dividere_registrar_tick (dividere_registrar_t *self, int64_t now_ms)
{
    int64_t names_ms = dividere_names_tick (self->names, now_ms);
    int64_t watchers_ms = dividere_watchers_tick (self->watchers, now_ms);
    if (names_ms < 0 || (watchers_ms >= 0 && watchers_ms < names_ms))
        return watchers_ms;
    return names_ms;
}

dividere_names_t *
dividere_registrar_names (dividere_registrar_t *self)
{
    return self->names;
}

const dividere_watchers_t *
dividere_registrar_watchers (const dividere_registrar_t *self)
{
    return self->watchers;
}

const dividere_registrar_counts_t *
dividere_registrar_counts (const dividere_registrar_t *self)
{
    return &self->counts;
}
