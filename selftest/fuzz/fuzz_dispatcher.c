/* SPDX-License-Identifier: Apache-2.0 */

/*  The broker's core: clients and workers send whatever frames they like, some
 *  of which make sense, while time passes. A client that has an extension frame
 *  is told at most once for each time that it asks, and nothing is lost count
 *  of.                                                                       */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "dispatcher.h"
#include "fuzz.h"
#include "heartbeat.h"

#define PEERS  4
#define CLIENT 5

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    dividere_dispatcher_t *dispatcher;
    int64_t now_us;
    uint64_t asked;
    uint64_t told;
    unsigned cut; /* workers that cannot be reached, by bit                  */
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

static int
s_to_worker (void *arg, zmq_msg_t *frames, size_t count)
{
    fuzz_t *self = (fuzz_t *) arg;
    assert (count >= 2 && count <= DIVIDERE_DISPATCHER_FRAMES);
    unsigned worker = *(const uint8_t *) zmq_msg_data (&frames[0]) % PEERS;
    if (self->cut & 1u << worker) {
        errno = EHOSTUNREACH;
        return -1;
    }
    s_close (frames, count);
    return 0;
}

static void
s_to_client (void *arg, zmq_msg_t *frames, size_t count)
{
    fuzz_t *self = (fuzz_t *) arg;
    assert (count >= 2 && count <= DIVIDERE_DISPATCHER_FRAMES);
    self->told++;
    assert (self->told <= self->asked);
    s_close (frames, count);
}

/*  Any bytes, a frame of nothing, an extension frame, a Heartbeat.          */
static void
s_frame (fuzz_t *self, uint8_t peer, zmq_msg_t *frame)
{
    uint8_t what = s_byte (self);
    if (what < 64)
        s_init (frame, "", 0);
    else if (what < 128) {
        dividere_extension_t extension = {
            .id = { CLIENT, s_byte (self) % 16 },
            .flags = s_byte (self),
            .status = s_byte (self) % 16,
            .left_ms = s_byte (self) ? s_byte (self) : UINT32_MAX,
            .requeues = s_byte (self),
            .attempt = 1,
            .service = "abc",
            .service_size = s_byte (self) % 4,
        };
        uint8_t bytes[DIVIDERE_EXTENSION_MAX];
        dividere_extension_write (&extension, bytes);
        s_init (frame, bytes, dividere_extension_size (&extension));
    }
    else if (what < 192) {
        dividere_correlation_t holding = { CLIENT, s_byte (self) % 16 };
        uint8_t fields = s_byte (self);
        dividere_heartbeat_t heartbeat = {
            .id = (const char *) &peer,
            .id_size = 1,
            .version = fields & 1,
            .parallel = s_byte (self) % 3,
            .credit = s_byte (self) % 4,
            .service = "abc",
            .service_size = fields % 4,
            .draining = fields & 16,
            .fresh = fields & 32,
            .number = s_byte (self) % 8,
            .holding_count = 1,
        };
        dividere_heartbeat_encode (&heartbeat, fields & 64 ? &holding : NULL,
                                   frame);
    }
    else {
        size_t size = what - 192;
        if (size > (size_t) (self->end - self->at))
            size = (size_t) (self->end - self->at);
        s_init (frame, self->at, size);
        self->at += size;
    }
}

static void
s_message (fuzz_t *self, bool worker)
{
    zmq_msg_t frames[DIVIDERE_DISPATCHER_FRAMES];
    uint8_t peer = 'a' + s_byte (self) % PEERS;
    size_t count = 1 + s_byte (self) % DIVIDERE_DISPATCHER_FRAMES;
    s_init (&frames[0], &peer, 1);
    for (size_t i = 1; i < count; i++)
        s_frame (self, peer, &frames[i]);
    if (worker)
        dividere_dispatcher_from_worker (self->dispatcher, frames, count,
                                         self->now_us);
    else {
        self->asked++;
        dividere_dispatcher_from_client (self->dispatcher, frames, count,
                                         self->now_us);
    }
}

static void
s_event (fuzz_t *self)
{
    uint8_t event = s_byte (self);
    if (event < 100)
        s_message (self, false);
    else if (event < 220)
        s_message (self, true);
    else if (event < 225)
        self->cut = s_byte (self);
    else if (event < 228)
        dividere_dispatcher_pause (self->dispatcher, event & 1, self->now_us);
    else {
        self->now_us += s_byte (self) * 10000;
        dividere_dispatcher_tick (self->dispatcher, self->now_us);
    }
    assert (dividere_dispatcher_left (self->dispatcher) <=
            self->asked - self->told);
}

void
fuzz_dispatcher (const uint8_t *data, size_t size)
{
    static const dividere_dispatcher_class_t s_class = { s_to_worker,
                                                         s_to_client };
    static const dividere_dispatcher_limits_t s_limits = {
        .heartbeat_ms = 1000,
        .requeues = 2,
        .workers_max = PEERS - 1,
        .requests = { .pending_max = 8,
                      .bytes_max = 10000,
                      .age_max_ms = 5000 },
    };
    fuzz_t self = { .at = data, .end = data + size, .now_us = 1 };
    self.dispatcher = dividere_dispatcher_new (&s_class, &self);
    dividere_dispatcher_limit (self.dispatcher, &s_limits);
    while (self.at < self.end)
        s_event (&self);
    size_t left = dividere_dispatcher_left (self.dispatcher);
    uint64_t told = self.told;
    size_t silent = dividere_dispatcher_destroy (&self.dispatcher);
    assert (self.told - told + silent == left);
}
