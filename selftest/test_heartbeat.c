/* SPDX-License-Identifier: Apache-2.0 */

/*  Heartbeats between broker and worker, as bytes: ours, those of the Python
 *  package, and hostile ones. protobuf-c must write and read the same.      */

#include "selftest.h"
#include <dividere/envelope.h>
#include <dividere/types.h>
#include "control.pb-c.h"
#include "envelope_internal.h"
#include "heartbeat.h"
#include "wire.h"

void test_heartbeat_python (void);
void test_heartbeat_protobuf (void);
void test_heartbeat_merged (void);
void test_heartbeat_truncated (void);
void test_heartbeat_limits (void);
void test_heartbeat_hostile (void);

#define URL "type.googleapis.com/Heartbeat"

static int
s_parse (const void *data, size_t size, dividere_heartbeat_t *ret_heartbeat)
{
    /* What is refused leaves no trace.                                      */
    dividere_heartbeat_t heartbeat = { .interval_ms = 12345 };
    errno = 0;
    int rc = dividere_heartbeat_parse (data, size, &heartbeat);
    CHECK_INT (errno, rc < 0 ? EPROTO : 0);
    if (rc < 0)
        CHECK_INT (heartbeat.interval_ms, 12345);
    *ret_heartbeat = heartbeat;
    return rc;
}

static bool
s_is_text (const char *text, size_t size, const char *expected)
{
    return size == strlen (expected) && memcmp (text, expected, size) == 0;
}

/*  A frame of a value that this writes, in memory of just its size.         */
typedef struct {
    uint8_t *data;
    size_t size;
} bytes_t;

static uint8_t *
s_put_field (uint8_t *at, uint8_t tag, const void *data, size_t size)
{
    *at++ = tag;
    at = dividere_wire_write_varint (at, size);
    if (size)
        memcpy (at, data, size);
    return at + size;
}

static bytes_t
s_wrap (const char *name, const char *url, const void *value, size_t size)
{
    uint8_t *any = (uint8_t *) malloc (size + 300);
    uint8_t *data = (uint8_t *) malloc (size + 600);
    CHECK (any && data);
    uint8_t *at = s_put_field (any, 0x0A, url, strlen (url));
    at = s_put_field (at, 0x12, value, size);
    size_t any_size = (size_t) (at - any);
    at = s_put_field (data, 0x0A, name, strlen (name));
    at = s_put_field (at, 0x12, any, any_size);
    free (any);
    bytes_t bytes = { data, (size_t) (at - data) };
    bytes.data = (uint8_t *) realloc (data, bytes.size);
    CHECK (bytes.data);
    return bytes;
}

static int
s_parse_value (const void *value, size_t size)
{
    dividere_heartbeat_t heartbeat;
    bytes_t frame = s_wrap ("Heartbeat", URL, value, size);
    int rc = s_parse (frame.data, frame.size, &heartbeat);
    free (frame.data);
    return rc;
}

static bytes_t
s_pack (const Heartbeat *heartbeat)
{
    bytes_t bytes;
    bytes.data =
        (uint8_t *) malloc (heartbeat__get_packed_size (heartbeat) + 1);
    CHECK (bytes.data);
    bytes.size = heartbeat__pack (heartbeat, bytes.data);
    return bytes;
}

/*  As recorded from the Python package (wire/sessions.json): of a broker to a
 *  worker, and of a worker.                                                 */
static const char s_of_broker[] =
    "\x0a\x09Heartbeat\x12\x2b\x0a\x1dtype.googleapis.com/Heartbeat\x12\x0a"
    "\x0a\x08worker-2";
static const char s_of_worker[] =
    "\x0a\x09Heartbeat\x12\x47\x0a\x1dtype.googleapis.com/Heartbeat\x12\x26"
    "\x0a\x24"
    "03af6a18-b3a1-47e7-bc89-e3b745f2f3fa";

static void
s_check_python (const char *frame, size_t size, const char *id)
{
    dividere_heartbeat_t heartbeat;
    CHECK_INT (s_parse (frame, size, &heartbeat), 0);
    CHECK (s_is_text (heartbeat.id, heartbeat.id_size, id));
    CHECK_INT (heartbeat.version, 0);
    CHECK_INT (heartbeat.parallel, 0);
    CHECK_INT (heartbeat.service_size, 0);
    CHECK_INT (heartbeat.holding_count, 0);
    CHECK_INT (heartbeat.number, 0);
    CHECK (!heartbeat.fresh && !heartbeat.draining);

    /* What we write for it, whatever else there would be to say.            */
    dividere_correlation_t held = { 1, 2 };
    dividere_heartbeat_t ours = { .id = id,
                                  .id_size = strlen (id),
                                  .credit = 7,
                                  .service = "echo",
                                  .service_size = 4,
                                  .number = 3,
                                  .fresh = true,
                                  .holding_count = 1 };
    zmq_msg_t written;
    dividere_heartbeat_encode (&ours, &held, &written);
    CHECK_INT (zmq_msg_size (&written), size);
    CHECK (memcmp (zmq_msg_data (&written), frame, size) == 0);
    zmq_msg_close (&written);
}

void
test_heartbeat_python (void)
{
    s_check_python (s_of_broker, sizeof (s_of_broker) - 1, "worker-2");
    s_check_python (s_of_worker, sizeof (s_of_worker) - 1,
                    "03af6a18-b3a1-47e7-bc89-e3b745f2f3fa");
}

#define HELD_MAX 40

/*  One heartbeat, as both sides have it.                                    */
typedef struct {
    char id[256];
    char service[DIVIDERE_EXTENSION_SERVICE + 1];
    dividere_correlation_t held[HELD_MAX];
    uint64_t numbers[HELD_MAX * 2];
    dividere_heartbeat_t ours;
    Heartbeat theirs;
} both_t;

/*  Numbers of all sizes, 0 among them.                                      */
static uint64_t
s_random_number (uint64_t *seed)
{
    uint64_t bits = selftest_random (seed) % 65;
    return bits ? selftest_random (seed) >> (64 - bits) : 0;
}

static size_t
s_random_text (uint64_t *seed, char *text, size_t size_max)
{
    size_t size = selftest_random (seed) % 4
                      ? selftest_random (seed) % (size_max + 1)
                      : 0;
    for (size_t i = 0; i < size; i++)
        text[i] = (char) (1 + selftest_random (seed) % 127);
    text[size] = 0;
    return size;
}

static void
s_fill (both_t *self, uint64_t *seed)
{
    size_t held = selftest_random (seed) % 2
                      ? selftest_random (seed) % (HELD_MAX + 1)
                      : 0;
    for (size_t i = 0; i < held; i++) {
        self->numbers[2 * i] = s_random_number (seed);
        self->numbers[2 * i + 1] = s_random_number (seed);
        self->held[i] = (dividere_correlation_t){ self->numbers[2 * i],
                                                  self->numbers[2 * i + 1] };
    }
    self->ours = (dividere_heartbeat_t){
        .id = self->id,
        .id_size = s_random_text (seed, self->id, 255),
        .version = 1 + (uint32_t) s_random_number (seed) / 2,
        .parallel = (uint32_t) s_random_number (seed),
        .credit = (uint32_t) s_random_number (seed),
        .service = self->service,
        .service_size =
            s_random_text (seed, self->service, DIVIDERE_EXTENSION_SERVICE),
        .draining = selftest_random (seed) % 2,
        .fresh = selftest_random (seed) % 2,
        .interval_ms = (uint32_t) s_random_number (seed),
        .number = s_random_number (seed),
        .holding_count = held
    };
    heartbeat__init (&self->theirs);
    self->theirs.id = self->id;
    self->theirs.version = self->ours.version;
    self->theirs.parallel = self->ours.parallel;
    self->theirs.credit = self->ours.credit;
    self->theirs.service = self->service;
    self->theirs.draining = self->ours.draining;
    self->theirs.fresh = self->ours.fresh;
    self->theirs.interval_ms = self->ours.interval_ms;
    self->theirs.number = self->ours.number;
    self->theirs.n_holding = 2 * held;
    self->theirs.holding = self->numbers;
}

/*  What we read is what protobuf-c has.                                     */
static void
s_check_agreement (const dividere_heartbeat_t *ours, const Heartbeat *theirs)
{
    CHECK (s_is_text (ours->id, ours->id_size, theirs->id));
    CHECK_INT (ours->version, theirs->version);
    CHECK_INT (ours->parallel, theirs->parallel);
    CHECK_INT (ours->credit, theirs->credit);
    CHECK (s_is_text (ours->service, ours->service_size, theirs->service));
    CHECK_INT (ours->draining, theirs->draining);
    CHECK_INT (ours->fresh, theirs->fresh);
    CHECK_INT (ours->interval_ms, theirs->interval_ms);
    CHECK (ours->number == theirs->number);
    CHECK_INT (2 * ours->holding_count, theirs->n_holding);
    for (size_t i = 0; i < ours->holding_count; i++) {
        dividere_correlation_t id = dividere_heartbeat_held (ours, i);
        CHECK (id.client == theirs->holding[2 * i]);
        CHECK (id.number == theirs->holding[2 * i + 1]);
    }
}

/*  Our bytes are those of protobuf-c in an envelope of the library, and each
 *  reads what the other wrote.                                              */
void
test_heartbeat_protobuf (void)
{
    CHECK_INT (dividere_types_register (&heartbeat__descriptor), 0);
    uint64_t seed = 1;
    size_t count = selftest_scaled (20000);
    both_t *both = (both_t *) calloc (1, sizeof (*both));
    CHECK (both);
    for (size_t i = 0; i < count; i++) {
        s_fill (both, &seed);
        bytes_t value = s_pack (&both->theirs);
        bytes_t frame = s_wrap ("Heartbeat", URL, value.data, value.size);
        zmq_msg_t ours, theirs;
        dividere_heartbeat_encode (&both->ours, both->held, &ours);
        CHECK_INT (zmq_msg_size (&ours), frame.size);
        CHECK (memcmp (zmq_msg_data (&ours), frame.data, frame.size) == 0);
        CHECK_INT (dividere_envelope_encode (&both->theirs.base, &theirs), 0);
        CHECK_INT (zmq_msg_size (&theirs), frame.size);
        CHECK (memcmp (zmq_msg_data (&theirs), frame.data, frame.size) == 0);
        dividere_heartbeat_t read;
        CHECK_INT (s_parse (frame.data, frame.size, &read), 0);
        s_check_agreement (&read, &both->theirs);
        zmq_msg_close (&ours);
        zmq_msg_close (&theirs);
        free (frame.data);
        free (value.data);
    }
    free (both);
}

/*  Bytes of a value that may be anything: if both can read it, they agree.
 *  Returns whether we can.                                                  */
static bool
s_check_value (const uint8_t *data, size_t size, bool damaged)
{
    dividere_heartbeat_t ours;
    bytes_t frame = s_wrap ("Heartbeat", URL, data, size);
    bool good = s_parse (frame.data, frame.size, &ours) == 0;
    Heartbeat *theirs = heartbeat__unpack (NULL, size, data);
    if (good && theirs) {
        if (damaged) {
            /* protobuf-c takes a bool of any wire type, where the protobuf
             * specification says that it is another field.                  */
            theirs->draining = ours.draining;
            theirs->fresh = ours.fresh;
        }
        s_check_agreement (&ours, theirs);
    }
    if (theirs)
        heartbeat__free_unpacked (theirs, NULL);
    free (frame.data);
    return good;
}

/*  One behind the other is the later one, where it says something; but what is
 *  held must come in one piece.                                             */
void
test_heartbeat_merged (void)
{
    uint64_t seed = 2;
    size_t count = selftest_scaled (20000);
    both_t *both = (both_t *) calloc (2, sizeof (*both));
    CHECK (both);
    for (size_t i = 0; i < count; i++) {
        s_fill (&both[0], &seed);
        s_fill (&both[1], &seed);
        bytes_t first = s_pack (&both[0].theirs);
        bytes_t second = s_pack (&both[1].theirs);
        size_t size = first.size + second.size;
        uint8_t *merged = (uint8_t *) realloc (first.data, size);
        CHECK (merged);
        memcpy (merged + first.size, second.data, second.size);
        bool good = s_check_value (merged, size, false);
        CHECK_INT (good,
                   !both[0].ours.holding_count || !both[1].ours.holding_count);
        free (merged);
        free (second.data);
    }
    free (both);
}

/*  No part of a frame is a heartbeat, and of a value only what ends where a
 *  field does: what protobuf-c accepts, too.                                */
void
test_heartbeat_truncated (void)
{
    uint64_t seed = 3;
    both_t *both = (both_t *) calloc (1, sizeof (*both));
    CHECK (both);
    for (int i = 0; i < 50; i++) {
        s_fill (both, &seed);
        zmq_msg_t frame;
        dividere_heartbeat_t read;
        dividere_heartbeat_encode (&both->ours, both->held, &frame);
        for (size_t size = 0; size < zmq_msg_size (&frame); size++) {
            uint8_t *part = (uint8_t *) malloc (size + 1);
            CHECK (part);
            memcpy (part + 1, zmq_msg_data (&frame), size);
            CHECK_INT (s_parse (part + 1, size, &read), -1);
            free (part);
        }
        zmq_msg_close (&frame);
        bytes_t value = s_pack (&both->theirs);
        for (size_t size = 0; size <= value.size; size++) {
            Heartbeat *theirs = heartbeat__unpack (NULL, size, value.data);
            CHECK_INT (s_check_value (value.data, size, false), theirs != NULL);
            if (theirs)
                heartbeat__free_unpacked (theirs, NULL);
        }
        free (value.data);
    }
    free (both);
}

static int
s_parse_text (uint8_t tag, const void *text, size_t size)
{
    uint8_t value[600], *at = value;
    /* Tags of two bytes come with the first one's high bit.                 */
    if (tag > 127)
        *at++ = tag, tag = 1;
    at = s_put_field (at, tag, text, size);
    return s_parse_value (value, (size_t) (at - value));
}

#define TAG_ID      0x0A
#define TAG_SERVICE 0x92

static void
s_check_texts (void)
{
    char text[300];
    memset (text, 'x', sizeof (text));
    CHECK_INT (s_parse_text (TAG_ID, text, 255), 0);
    CHECK_INT (s_parse_text (TAG_ID, text, 256), -1);
    CHECK_INT (s_parse_text (TAG_SERVICE, text, DIVIDERE_EXTENSION_SERVICE), 0);
    CHECK_INT (s_parse_text (TAG_SERVICE, text, DIVIDERE_EXTENSION_SERVICE + 1),
               -1);
    CHECK_INT (s_parse_text (TAG_ID, "\xC3\xA4", 2), 0);
    CHECK_INT (s_parse_text (TAG_ID, "\xC3", 1), -1);
    CHECK_INT (s_parse_text (TAG_ID, "a\0b", 3), -1);
    CHECK_INT (s_parse_text (TAG_SERVICE, "\xFF", 1), -1);
    CHECK_INT (s_parse_text (TAG_SERVICE, "a\0b", 3), -1);
}

/*  So many bytes of what is held.                                           */
static int
s_parse_holding (size_t size)
{
    uint8_t *value = (uint8_t *) calloc (1, size + 20);
    CHECK (value);
    value[0] = 0xBA;
    value[1] = 0x01;
    uint8_t *at = dividere_wire_write_varint (value + 2, size);
    int rc = s_parse_value (value, (size_t) (at - value) + size);
    free (value);
    return rc;
}

void
test_heartbeat_limits (void)
{
    s_check_texts ();
    CHECK_INT (s_parse_holding (0), 0);
    CHECK_INT (s_parse_holding (16), 0);
    for (size_t size = 17; size < 32; size++)
        CHECK_INT (s_parse_holding (size), -1);
    CHECK_INT (s_parse_holding (DIVIDERE_HEARTBEAT_HOLDING * 16), 0);
    CHECK_INT (s_parse_holding (DIVIDERE_HEARTBEAT_HOLDING * 16 + 16), -1);
    CHECK_INT (s_parse_holding ((size_t) 16 << 20), -1);
    /* Not packed.                                                           */
    CHECK_INT (s_parse_value ("\xB9\x01"
                              "12345678",
                              10),
               -1);

    /* Another message, and none.                                            */
    static const char s_id[] = "\x0A\x08worker-2";
    dividere_heartbeat_t read;
    static const char *const s_names[][2] = {
        { "Heartbeat", "type.googleapis.com/Heartbeats" },
        { "Heartbeat", "Heartbeat" },
        { "Heartbeat", "" },
        { "Heartbea", URL },
        { "HeartbeatX", URL },
        { "", URL },
        { "Msg01", "type.googleapis.com/Msg01" },
    };
    for (size_t i = 0; i < sizeof (s_names) / sizeof (s_names[0]); i++) {
        bytes_t frame = s_wrap (s_names[i][0], s_names[i][1], s_id, 10);
        CHECK_INT (s_parse (frame.data, frame.size, &read), -1);
        free (frame.data);
    }
    CHECK_INT (s_parse ("", 0, &read), -1);
    CHECK_INT (s_parse ("\x01", 1, &read), -1);
    CHECK_INT (s_parse_value ("", 0), 0);
    CHECK_INT (s_parse_value (s_id, 10), 0);
}

/*  Damaged in a few places.                                                 */
void
test_heartbeat_hostile (void)
{
    uint64_t seed = 4;
    size_t events = selftest_scaled (100000), accepted = 0;
    both_t *both = (both_t *) calloc (1, sizeof (*both));
    CHECK (both);
    for (size_t i = 0; i < events; i++) {
        s_fill (both, &seed);
        bytes_t value = s_pack (&both->theirs);
        for (uint64_t damage = selftest_random (&seed) % 4; damage; damage--)
            if (value.size)
                value.data[selftest_random (&seed) % value.size] =
                    (uint8_t) selftest_random (&seed);
        accepted += s_check_value (value.data, value.size, true);
        bytes_t frame = s_wrap ("Heartbeat", URL, value.data, value.size);
        frame.data[selftest_random (&seed) % frame.size] ^=
            (uint8_t) selftest_random (&seed);
        dividere_heartbeat_t read;
        (void) s_parse (frame.data, frame.size, &read);
        free (frame.data);
        free (value.data);
    }
    selftest_note ("%zu values, %zu accepted", events, accepted);
    CHECK (events < 1000 || (accepted > 0 && accepted < events));
    free (both);
}
