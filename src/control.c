/* SPDX-License-Identifier: Apache-2.0 */

/*  The descriptors have names of their own ("dividere.wire.ack"); the wire has
 *  those of the .proto files.                                               */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <dividere/envelope.h>
#include "control.h"
#include "envelope_internal.h"
#include "unpack.h"

static const struct {
    const ProtobufCMessageDescriptor *type;
    const char *name;
} s_known[] = {
    { &dividere__wire__service_lookup_req__descriptor, "ServiceLookupReq" },
    { &dividere__wire__service_lookup_rep__descriptor, "ServiceLookupRep" },
    { &dividere__wire__register_service__descriptor, "RegisterService" },
    { &dividere__wire__unregister_service__descriptor, "UnregisterService" },
    { &dividere__wire__ack__descriptor, "ack" },
    { &dividere__wire__rediscover_req__descriptor, "RediscoverReq" },
    { &dividere__wire__watch_names__descriptor, "dividere.WatchNames" },
    { &dividere__wire__names_watched__descriptor, "dividere.NamesWatched" },
    { &dividere__wire__name_changed__descriptor, "dividere.NameChanged" },
    { &dividere__wire__actor_info_req__descriptor, "dividere.ActorInfoReq" },
    { &dividere__wire__actor_info__descriptor, "dividere.ActorInfo" },
    { &dividere__wire__actor_stats_req__descriptor, "dividere.ActorStatsReq" },
    { &dividere__wire__actor_stats__descriptor, "dividere.ActorStats" },
};

#define KNOWN (sizeof (s_known) / sizeof (s_known[0]))

/*  Made once, for ever.                                                     */
static const dividere_type_t *s_types[KNOWN];
static pthread_once_t s_once = PTHREAD_ONCE_INIT;

static void
s_make_types (void)
{
    for (size_t i = 0; i < KNOWN; i++)
        s_types[i] = dividere_type_new (s_known[i].type, s_known[i].name, 0);
}

void
dividere_control_init (dividere_control_t *self)
{
    pthread_once (&s_once, s_make_types);
    self->arena = dividere_arena_new ();
    self->expected = s_types[0];
}

void
dividere_control_term (dividere_control_t *self)
{
    dividere_arena_destroy (&self->arena);
}

/*  Without the tag and the length, which is below 128 for all of them.      */
static bool
s_is (const uint8_t *text, size_t size, const uint8_t *field, size_t field_size)
{
    return size + 2 == field_size && memcmp (text, field + 2, size) == 0;
}

static const dividere_type_t *
s_find (const dividere_envelope_t *envelope)
{
    for (size_t i = 0; i < KNOWN; i++) {
        const dividere_type_t *type = s_types[i];
        if (s_is (envelope->name, envelope->name_size, type->topic,
                  type->topic_size) &&
            s_is (envelope->url, envelope->url_size, type->url, type->url_size))
            return type;
    }
    errno = ENOENT;
    return NULL;
}

static const ProtobufCMessage *
s_unpack (dividere_control_t *self, const dividere_envelope_t *envelope,
          const dividere_limits_t *limits)
{
    size_t budget = dividere_limits_budget (limits, envelope->value_size);
    return dividere_unpack_judged (self->expected->type, envelope->value,
                                   envelope->value_size, limits->depth_max,
                                   budget, self->arena);
}

const ProtobufCMessage *
dividere_control_read (dividere_control_t *self, const void *data, size_t size)
{
    dividere_limits_t limits;
    dividere_envelope_t envelope;
    dividere_limits_get (&limits);
    if (size > limits.size_max) {
        errno = EMSGSIZE;
        return NULL;
    }
    if (!dividere_envelope_expect (data, size, self->expected, &envelope)) {
        if (dividere_envelope_parse (data, size, limits.depth_max, &envelope) <
            0)
            return NULL;
        const dividere_type_t *type = s_find (&envelope);
        if (!type)
            return NULL;
        self->expected = type;
    }
    return s_unpack (self, &envelope, &limits);
}

int
dividere_control_write (const ProtobufCMessage *message, zmq_msg_t *ret_frame)
{
    pthread_once (&s_once, s_make_types);
    size_t i = 0;
    while (i < KNOWN && s_known[i].type != message->descriptor)
        i++;
    assert (i < KNOWN);
    return dividere_envelope_encode_as (s_types[i], message, 0, 0, ret_frame);
}
