/* SPDX-License-Identifier: Apache-2.0 */

/*  The name server's core: clients and watchers send whatever frames they like,
 *  some of which make sense, while time passes. Limits hold, each request has
 *  one answer at most, who comes and goes is accounted for, and a watcher of
 *  everything is told of each change once.                                  */

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include "control.h"
#include "extension.h"
#include "fuzz.h"
#include "registrar.h"

#define INSTANCES_MAX 8
#define WATCHERS_MAX  3
#define FRAMES_MAX    6
/*  The length of what it is in takes more than one byte.                    */
#define LONG_NAME                                                        \
    "a name that is rather long, with more letters than anybody can be " \
    "expected to read when this was the only thing that was to be read"

#define ALL 'z' /* the watcher of everything                       */

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    dividere_registrar_t *registrar;
    int64_t now_ms;
    uint64_t asked;
    uint64_t answered;
    uint64_t revision; /* that ALL was told last                             */
    bool begun;        /* ... from here on                                   */
} fuzz_t;

static uint8_t
s_byte (fuzz_t *self)
{
    return self->at < self->end ? *self->at++ : 0;
}

static void
s_init (zmq_msg_t *frame, const void *data, size_t size)
{
    int rc = zmq_msg_init_size (frame, size);
    assert (rc == 0);
    if (size)
        memcpy (zmq_msg_data (frame), data, size);
}

static void
s_close (zmq_msg_t *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        zmq_msg_close (&frames[i]);
}

static void
s_to_client (void *arg, zmq_msg_t *frames, size_t count)
{
    fuzz_t *self = (fuzz_t *) arg;
    assert (count >= 3 && count <= FRAMES_MAX);
    assert (zmq_msg_size (&frames[count - 2]) == 0);
    self->answered++;
    assert (self->answered <= self->asked);
    s_close (frames, count);
}

static void
s_to_watcher (void *arg, zmq_msg_t *frames, size_t count)
{
    fuzz_t *self = (fuzz_t *) arg;
    assert (count == 2);
    dividere_control_t control;
    dividere_control_init (&control);
    const ProtobufCMessage *message =
        dividere_control_read (&control, zmq_msg_data (&frames[1]),
                               zmq_msg_size (&frames[1]));
    assert (message);
    if (*(const char *) zmq_msg_data (&frames[0]) == ALL &&
        message->descriptor == &dividere__wire__name_changed__descriptor) {
        const Dividere__Wire__NameChanged *change =
            (const Dividere__Wire__NameChanged *) message;
        assert (!self->begun || change->revision == self->revision + 1);
        assert (change->previous < change->revision);
        self->revision = change->revision;
        self->begun = true;
    }
    dividere_control_term (&control);
    s_close (frames, count);
}

static const char *
s_host (void *arg, zmq_msg_t *payload)
{
    static const char *const s_hosts[] = { "", "a", "b", "c" };
    return s_hosts[zmq_msg_size (payload) % 4];
}

static char *
s_text (fuzz_t *self)
{
    static const char *const s_texts[] = {
        "", "a", "b", "c", "d", "with space", LONG_NAME,
    };
    return (char *) (uintptr_t) s_texts[s_byte (self) % 7];
}

static void
s_register (fuzz_t *self, zmq_msg_t *frame)
{
    Dividere__Wire__RegisterService message =
        DIVIDERE__WIRE__REGISTER_SERVICE__INIT;
    char *tags[] = { s_text (self), s_text (self) };
    uint8_t fields = s_byte (self);
    message.servicename = s_text (self);
    message.server = s_text (self);
    message.port = s_byte (self) % 4;
    message.version = fields & 1;
    message.instance = s_byte (self) % 3;
    message.lease_ms = fields & 2 ? 0 : fields & 4 ? 1000 : UINT32_MAX;
    message.renewal = fields & 8;
    message.release = fields & 16 ? tags[0] : message.release;
    message.tags = tags;
    message.n_tags = fields >> 6 < 3 ? fields >> 6 : 0;
    dividere_control_write (&message.base, frame);
}

static void
s_unregister (fuzz_t *self, zmq_msg_t *frame)
{
    Dividere__Wire__UnregisterService message =
        DIVIDERE__WIRE__UNREGISTER_SERVICE__INIT;
    message.servicename = s_text (self);
    message.server = s_text (self);
    message.port = s_byte (self) % 4;
    message.version = s_byte (self) & 1;
    message.instance = s_byte (self) % 3;
    dividere_control_write (&message.base, frame);
}

static void
s_lookup (fuzz_t *self, zmq_msg_t *frame)
{
    Dividere__Wire__ServiceLookupReq message =
        DIVIDERE__WIRE__SERVICE_LOOKUP_REQ__INIT;
    uint8_t fields = s_byte (self);
    message.servicename = s_text (self);
    message.version = fields & 1;
    message.scope = fields >> 1 & 3;
    dividere_control_write (&message.base, frame);
}

static void
s_watch (fuzz_t *self, zmq_msg_t *frame)
{
    char *names[] = { s_text (self), s_text (self), s_text (self) };
    Dividere__Wire__WatchNames message = DIVIDERE__WIRE__WATCH_NAMES__INIT;
    message.names = names;
    message.n_names = s_byte (self) % 4;
    dividere_control_write (&message.base, frame);
}

/*  A payload that makes sense, perhaps with a byte of it changed; or any
 *  bytes.                                                                   */
static void
s_payload (fuzz_t *self, zmq_msg_t *frame)
{
    uint8_t what = s_byte (self);
    switch (what % 6) {
    case 0:
    case 1: s_register (self, frame); break;
    case 2: s_unregister (self, frame); break;
    case 3: s_lookup (self, frame); break;
    case 4: s_watch (self, frame); break;
    default: {
        size_t size = s_byte (self);
        if (size > (size_t) (self->end - self->at))
            size = (size_t) (self->end - self->at);
        s_init (frame, self->at, size);
        self->at += size;
        return;
    }
    }
    size_t size = zmq_msg_size (frame);
    if (what >= 200)
        ((uint8_t *) zmq_msg_data (frame))[s_byte (self) % size] =
            s_byte (self);
}

static void
s_request (fuzz_t *self)
{
    zmq_msg_t frames[FRAMES_MAX];
    size_t count = 1 + s_byte (self) % 3;
    uint8_t what = s_byte (self);
    for (size_t i = 0; i < count; i++)
        s_init (&frames[i], "route", i < 1 ? 1 : what % 6);
    if (what & 128) {
        dividere_extension_t extension = { .id = { 1, 2 },
                                           .status = what & 64 };
        uint8_t bytes[DIVIDERE_EXTENSION_MAX];
        dividere_extension_write (&extension, bytes);
        s_init (&frames[count++], bytes, dividere_extension_size (&extension));
    }
    s_init (&frames[count++], "x", what % 16 == 15);
    s_payload (self, &frames[count++]);
    zmq_msg_t *payload = &frames[count - 1];
    dividere_registrar_foresee (self->registrar, &payload, 1);
    self->asked++;
    dividere_registrar_request (self->registrar, frames, count, self->now_ms);
}

static void
s_watching (fuzz_t *self)
{
    zmq_msg_t frames[3];
    const char id = (char) ('a' + s_byte (self) % 4);
    size_t count = 2 + (s_byte (self) == 255);
    s_init (&frames[0], &id, 1);
    s_payload (self, &frames[1]);
    if (count > 2)
        s_init (&frames[2], "", 0);
    dividere_registrar_watch (self->registrar, frames, count, self->now_ms);
}

static void
s_watch_all (fuzz_t *self)
{
    char *names[] = { (char *) (uintptr_t) "" };
    Dividere__Wire__WatchNames message = DIVIDERE__WIRE__WATCH_NAMES__INIT;
    message.names = names;
    message.n_names = 1;
    zmq_msg_t frames[2];
    s_init (&frames[0], &(const char){ ALL }, 1);
    dividere_control_write (&message.base, &frames[1]);
    dividere_registrar_watch (self->registrar, frames, 2, self->now_ms);
}

static void
s_check (fuzz_t *self)
{
    const dividere_registrar_counts_t *counts =
        dividere_registrar_counts (self->registrar);
    dividere_names_t *names = dividere_registrar_names (self->registrar);
    dividere_names_size_t size;
    dividere_names_size (names, &size);
    assert (size.instances <= INSTANCES_MAX && size.names <= size.instances);
    assert (counts->registered - counts->replaced - counts->unregistered -
                counts->expired ==
            size.instances);
    assert (dividere_watchers_count (
                dividere_registrar_watchers (self->registrar)) <= WATCHERS_MAX);
    assert (!self->begun || self->revision == dividere_names_revision (names));
}

static void
s_event (fuzz_t *self)
{
    uint8_t event = s_byte (self);
    if (event < 180)
        s_request (self);
    else if (event < 220)
        s_watching (self);
    else if (event < 225)
        dividere_names_round (dividere_registrar_names (self->registrar));
    else {
        self->now_ms += s_byte (self) * 10;
        dividere_registrar_tick (self->registrar, self->now_ms);
        s_watch_all (self);
    }
    s_check (self);
}

void
fuzz_registrar (const uint8_t *data, size_t size)
{
    static const dividere_registrar_class_t s_class = { s_to_client,
                                                        s_to_watcher, s_host,
                                                        NULL };
    static const dividere_registrar_limits_t s_limits = {
        .names = { .instances_max = INSTANCES_MAX,
                   .name_max = 4,
                   .owner_max = 5,
                   .metadata_max = 20,
                   .bytes_max = 1 << 20,
                   .lease_ms = 2000,
                   .lease_max_ms = 5000,
                   .rounds = 2 },
        .watchers = { .watchers_max = WATCHERS_MAX,
                      .watches_max = 2,
                      .total_max = 5,
                      .interval_ms = 1000 },
    };
    fuzz_t self = { .at = data, .end = data + size, .now_ms = 1 };
    self.registrar = dividere_registrar_new (&s_class, &self);
    dividere_registrar_limit (self.registrar, &s_limits);
    s_watch_all (&self);
    while (self.at < self.end)
        s_event (&self);
    dividere_registrar_destroy (&self.registrar);
}
