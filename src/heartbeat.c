/* SPDX-License-Identifier: Apache-2.0 */

/*  By the lowest level of the wire format. What is written is what protobuf
 *  writes: fields in order, those that are 0 left out.                      */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "envelope_internal.h"
#include "heartbeat.h"
#include "utf8.h"
#include "wire.h"

#define NAME      "Heartbeat"
#define URL       DIVIDERE_TYPE_URL_PREFIX NAME
#define DEPTH_MAX 10
#define TEXT_MAX  255 /* bytes of a routing id, and so of a name              */

#define NUMBERS_MAX 100 /* bytes of all fields but texts and holding         */

/*  Field number << 3 | wire type.                                           */
enum {
    TAG_ENVELOPE_NAME = 1 << 3 | DIVIDERE_WIRE_BYTES,
    TAG_ENVELOPE_ANY = 2 << 3 | DIVIDERE_WIRE_BYTES,
    TAG_ANY_URL = 1 << 3 | DIVIDERE_WIRE_BYTES,
    TAG_ANY_VALUE = 2 << 3 | DIVIDERE_WIRE_BYTES,
    TAG_ID = 1 << 3 | DIVIDERE_WIRE_BYTES,
    TAG_VERSION = 15 << 3 | DIVIDERE_WIRE_VARINT,
    TAG_PARALLEL = 16 << 3 | DIVIDERE_WIRE_VARINT,
    TAG_CREDIT = 17 << 3 | DIVIDERE_WIRE_VARINT,
    TAG_SERVICE = 18 << 3 | DIVIDERE_WIRE_BYTES,
    TAG_DRAINING = 19 << 3 | DIVIDERE_WIRE_VARINT,
    TAG_INTERVAL = 20 << 3 | DIVIDERE_WIRE_VARINT,
    TAG_NUMBER = 21 << 3 | DIVIDERE_WIRE_VARINT,
    TAG_FRESH = 22 << 3 | DIVIDERE_WIRE_VARINT,
    TAG_HOLDING = 23 << 3 | DIVIDERE_WIRE_BYTES,
    TAG_HOLDING_LOOSE = 23 << 3 | DIVIDERE_WIRE_FIXED64
};

static int
s_fail (void)
{
    errno = EPROTO;
    return -1;
}

static bool
s_is (const uint8_t *data, size_t size, const char *text)
{
    return size == strlen (text) && memcmp (data, text, size) == 0;
}

/*  In one piece, as every writer packs it: what was overlooked would pass for
 *  lost, and be executed again.                                             */
static bool
s_take_holding (dividere_heartbeat_t *self, const dividere_field_t *field)
{
    if (self->holding_count ||
        field->size % sizeof (dividere_correlation_t) != 0)
        return false;
    self->holding = field->data;
    self->holding_count = field->size / sizeof (dividere_correlation_t);
    return self->holding_count <= DIVIDERE_HEARTBEAT_HOLDING;
}

static bool
s_take (dividere_heartbeat_t *self, const dividere_field_t *field)
{
    switch (field->tag) {
    case TAG_ID:
        self->id = (const char *) field->data;
        self->id_size = field->size;
        break;
    case TAG_VERSION: self->version = (uint32_t) field->number; break;
    case TAG_PARALLEL: self->parallel = (uint32_t) field->number; break;
    case TAG_CREDIT: self->credit = (uint32_t) field->number; break;
    case TAG_SERVICE:
        self->service = (const char *) field->data;
        self->service_size = field->size;
        break;
    case TAG_DRAINING: self->draining = field->number != 0; break;
    case TAG_INTERVAL: self->interval_ms = (uint32_t) field->number; break;
    case TAG_NUMBER: self->number = field->number; break;
    case TAG_FRESH: self->fresh = field->number != 0; break;
    case TAG_HOLDING: return s_take_holding (self, field);
    case TAG_HOLDING_LOOSE: return false;
    default: break;
    }
    return true;
}

static bool
s_text_good (const char *text, size_t size, size_t size_max)
{
    return size <= size_max && dividere_utf8_valid (text, size);
}

int
dividere_heartbeat_parse (const void *data, size_t size,
                          dividere_heartbeat_t *ret_heartbeat)
{
    dividere_envelope_t envelope;
    if (dividere_envelope_parse (data, size, DEPTH_MAX, &envelope) < 0 ||
        !s_is (envelope.name, envelope.name_size, NAME) ||
        !s_is (envelope.url, envelope.url_size, URL))
        return s_fail ();
    dividere_heartbeat_t heartbeat = { .id = "", .service = "" };
    const uint8_t *at = envelope.value;
    const uint8_t *end = at + envelope.value_size;
    while (at < end) {
        dividere_field_t field;
        at = dividere_wire_field (at, end, DEPTH_MAX, &field);
        if (!at || !s_take (&heartbeat, &field))
            return s_fail ();
    }
    if (!s_text_good (heartbeat.id, heartbeat.id_size, TEXT_MAX) ||
        !s_text_good (heartbeat.service, heartbeat.service_size,
                      DIVIDERE_EXTENSION_SERVICE))
        return s_fail ();
    *ret_heartbeat = heartbeat;
    return 0;
}

dividere_correlation_t
dividere_heartbeat_held (const dividere_heartbeat_t *self, size_t index)
{
    assert (index < self->holding_count);
    dividere_correlation_t id;
    memcpy (&id, self->holding + index * sizeof (id), sizeof (id));
    return (dividere_correlation_t){ le64toh (id.client), le64toh (id.number) };
}

static uint8_t *
s_write_bytes (uint8_t *at, uint32_t tag, const void *data, size_t size)
{
    if (!size)
        return at;
    at = dividere_wire_write_varint (at, tag);
    at = dividere_wire_write_varint (at, size);
    memcpy (at, data, size);
    return at + size;
}

static uint8_t *
s_write_number (uint8_t *at, uint32_t tag, uint64_t number)
{
    if (!number)
        return at;
    at = dividere_wire_write_varint (at, tag);
    return dividere_wire_write_varint (at, number);
}

static uint8_t *
s_write_holding (uint8_t *at, const dividere_correlation_t *holding,
                 size_t count)
{
    if (!count)
        return at;
    at = dividere_wire_write_varint (at, TAG_HOLDING);
    at = dividere_wire_write_varint (at, count * sizeof (*holding));
    for (size_t i = 0; i < count; i++) {
        dividere_correlation_t id = { htole64 (holding[i].client),
                                      htole64 (holding[i].number) };
        memcpy (at, &id, sizeof (id));
        at += sizeof (id);
    }
    return at;
}

static uint8_t *
s_write_value (const dividere_heartbeat_t *self,
               const dividere_correlation_t *holding, uint8_t *at)
{
    at = s_write_bytes (at, TAG_ID, self->id, self->id_size);
    if (!self->version)
        return at;
    at = s_write_number (at, TAG_VERSION, self->version);
    at = s_write_number (at, TAG_PARALLEL, self->parallel);
    at = s_write_number (at, TAG_CREDIT, self->credit);
    at = s_write_bytes (at, TAG_SERVICE, self->service, self->service_size);
    at = s_write_number (at, TAG_DRAINING, self->draining);
    at = s_write_number (at, TAG_INTERVAL, self->interval_ms);
    at = s_write_number (at, TAG_NUMBER, self->number);
    at = s_write_number (at, TAG_FRESH, self->fresh);
    return s_write_holding (at, holding, holding ? self->holding_count : 0);
}

/*  Of a bytes field with a tag of one byte.                                 */
static size_t
s_field_size (size_t size)
{
    return size ? 1 + dividere_wire_varint_size (size) + size : 0;
}

void
dividere_heartbeat_encode (const dividere_heartbeat_t *self,
                           const dividere_correlation_t *holding,
                           zmq_msg_t *ret_frame)
{
    assert (self->id_size <= TEXT_MAX &&
            self->service_size <= DIVIDERE_EXTENSION_SERVICE);
    size_t held = holding ? self->holding_count * sizeof (*holding) : 0;
    uint8_t *value = (uint8_t *) malloc (self->id_size + self->service_size +
                                         held + NUMBERS_MAX);
    assert (value);
    size_t value_size = (size_t) (s_write_value (self, holding, value) - value);
    size_t any_size = s_field_size (strlen (URL)) + s_field_size (value_size);
    int rc = zmq_msg_init_size (ret_frame, s_field_size (strlen (NAME)) +
                                               s_field_size (any_size));
    assert (rc == 0);
    uint8_t *at = (uint8_t *) zmq_msg_data (ret_frame);
    at = s_write_bytes (at, TAG_ENVELOPE_NAME, NAME, strlen (NAME));
    at = dividere_wire_write_varint (at, TAG_ENVELOPE_ANY);
    at = dividere_wire_write_varint (at, any_size);
    at = s_write_bytes (at, TAG_ANY_URL, URL, strlen (URL));
    s_write_bytes (at, TAG_ANY_VALUE, value, value_size);
    free (value);
}
