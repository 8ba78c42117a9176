/* SPDX-License-Identifier: Apache-2.0 */

/*  The types of the wire vectors, and their objects.                        */

#include <dividere/types.h>
#include <sodium.h>
#include "control.pb-c.h"
#include "selftest.h"
#include "test.pb-c.h"
#include "vector.h"

/*  The payload of the vector that has only a hash: 70,000 bytes in field 1. */
#define LARGE_HEAD "\x0A\xF0\xA2\x04"
#define LARGE_BYTE 0xA5
#define LARGE_SIZE 70004

static const ProtobufCMessageDescriptor *const s_types[] = {
    &test_msg01__descriptor,
    &test_dt_msg01__descriptor,
    &test_dt_msg02__descriptor,
    &test_dt_msg03__descriptor,
    &test_dt_msg04__descriptor,
    &test_dt_msg05__descriptor,
    &test_dt_msg06__descriptor,
    &test_dt_msg07__descriptor,
    &test_dt_msg08__descriptor,
    &test_dt_msg09__descriptor,
    &test_dt_msg10__descriptor,
    &test_dt_msg11__descriptor,
    &test_dt_msg12__descriptor,
    &test_dt_msg13__descriptor,
    &test_dt_msg14__descriptor,
    &test_dt_msg15__descriptor,
    &test_nested_msg01__descriptor,
    &test_nested_msg02__descriptor,
    &my_service_req__descriptor,
    &my_service_rep__descriptor,
    &msg01__descriptor,
    &register_service__descriptor,
    &unregister_service__descriptor,
    &ack__descriptor,
    &rediscover_req__descriptor,
    &service_lookup_req__descriptor,
    &service_lookup_rep__descriptor,
    &shutdown_event__descriptor,
    &heartbeat__descriptor,
    NULL
};

void
vector_register_types (void)
{
    CHECK_INT (dividere_types_register_all (s_types), 0);
}

uint8_t *
vector_payload (const vector_t *vector, size_t *ret_size)
{
    size_t size = vector->sha256 ? LARGE_SIZE : vector->payload_size;
    uint8_t *payload = (uint8_t *) malloc (size + 1);
    CHECK (payload);
    if (vector->sha256) {
        memset (payload, LARGE_BYTE, size);
        memcpy (payload, LARGE_HEAD, strlen (LARGE_HEAD));
    }
    else if (size)
        memcpy (payload, vector->payload, size);
    *ret_size = size;
    return payload;
}

ProtobufCMessage *
vector_object (const vector_t *vector)
{
    size_t size;
    uint8_t *payload = vector_payload (vector, &size);
    ProtobufCMessage *object =
        protobuf_c_message_unpack (dividere_types_find (vector->type), NULL,
                                   size, payload);
    CHECK (object);
    free (payload);
    return object;
}

bool
vector_matches (const vector_t *vector, const void *data, size_t size)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256 (hash, (const uint8_t *) data, size);
    return size == vector->envelope_size &&
           (vector->sha256 ? memcmp (hash, vector->sha256, sizeof (hash)) == 0
                           : memcmp (data, vector->envelope, size) == 0);
}
