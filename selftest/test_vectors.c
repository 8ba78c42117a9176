/* SPDX-License-Identifier: Apache-2.0 */

/*  The wire vectors: the exact bytes that every peer puts on the wire, in both
 *  directions.                                                              */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include <sodium.h>
#include "test.pb-c.h"
#include "vector.h"
#include "vectors.h"

void test_vectors_encode (void);
void test_vectors_decode (void);
void test_vectors_text (void);
void test_vectors_topic (void);

#define VECTORS (sizeof (s_vectors) / sizeof (s_vectors[0]))

#define LARGE_SIZE 70000
#define LARGE_BYTE 0xA5

/*  The object of a vector, by protobuf-c's own unpacker.                    */
static ProtobufCMessage *
s_object (const vector_t *vector)
{
    const ProtobufCMessageDescriptor *type = dividere_types_find (vector->type);
    if (!type)
        selftest_fail (__FILE__, __LINE__, "no type %s", vector->type);
    ProtobufCMessage *object =
        protobuf_c_message_unpack (type, NULL, vector->payload_size,
                                   (const uint8_t *) vector->payload);
    CHECK (object);
    if (vector->sha256) {
        TestDtMsg15 *large = (TestDtMsg15 *) object;
        large->field1.data = (uint8_t *) malloc (LARGE_SIZE);
        large->field1.len = LARGE_SIZE;
        memset (large->field1.data, LARGE_BYTE, LARGE_SIZE);
    }
    return object;
}

static void
s_check_bytes (const vector_t *vector, const void *data, size_t size)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    CHECK_INT (size, vector->envelope_size);
    crypto_hash_sha256 (hash, (const uint8_t *) data, size);
    if (vector->sha256 ? memcmp (hash, vector->sha256, sizeof (hash)) != 0
                       : memcmp (data, vector->envelope, size) != 0)
        selftest_fail (__FILE__, __LINE__, "%s: other bytes", vector->name);
}

void
test_vectors_encode (void)
{
    vector_register_types ();
    CHECK_INT (VECTORS, 48);
    for (size_t i = 0; i < VECTORS; i++) {
        ProtobufCMessage *object = s_object (&s_vectors[i]);
        zmq_msg_t frame;
        CHECK_INT (dividere_envelope_encode (object, &frame), 0);
        s_check_bytes (&s_vectors[i], zmq_msg_data (&frame),
                       zmq_msg_size (&frame));
        zmq_msg_close (&frame);
        protobuf_c_message_free_unpacked (object, NULL);
    }
}

/*  Sends the bytes of a vector as a peer would.                             */
static void
s_send_vector (const vector_t *vector, zsock_t *sock)
{
    zmq_msg_t frame;
    if (vector->sha256) {
        ProtobufCMessage *object = s_object (vector);
        CHECK_INT (dividere_envelope_encode (object, &frame), 0);
        protobuf_c_message_free_unpacked (object, NULL);
    }
    else {
        zmq_msg_init_size (&frame, vector->envelope_size);
        memcpy (zmq_msg_data (&frame), vector->envelope, vector->envelope_size);
    }
    CHECK (zmq_msg_send (&frame, zsock_resolve (sock), 0) >= 0);
}

void
test_vectors_decode (void)
{
    vector_register_types ();
    const char *endpoint = selftest_inproc ();
    zsock_t *out = zsock_new (ZMQ_PAIR), *in = zsock_new (ZMQ_PAIR);
    CHECK_INT (zsock_bind (out, "%s", endpoint), 0);
    CHECK_INT (zsock_connect (in, "%s", endpoint), 0);
    dividere_message_t *message = dividere_message_new ();
    for (size_t i = 0; i < VECTORS; i++) {
        const vector_t *vector = &s_vectors[i];
        s_send_vector (vector, out);
        CHECK_INT (dividere_recv_into (in, message, SELFTEST_DEADLINE), 0);
        CHECK_STR (dividere_message_name (message), vector->type);
        /* What was unpacked, encoded again, is the same envelope.           */
        zmq_msg_t frame;
        CHECK_INT (dividere_envelope_encode (dividere_message_object (message),
                                             &frame),
                   0);
        s_check_bytes (vector, zmq_msg_data (&frame), zmq_msg_size (&frame));
        zmq_msg_close (&frame);
    }
    dividere_message_destroy (&message);
    zsock_destroy (&in);
    zsock_destroy (&out);
}

void
test_vectors_text (void)
{
    vector_register_types ();
    for (size_t i = 0; i < VECTORS; i++) {
        if (!s_vectors[i].text)
            continue;
        ProtobufCMessage *object = s_object (&s_vectors[i]);
        char *text = dividere_text (object);
        CHECK_STR (text, s_vectors[i].text);
        free (text);
        protobuf_c_message_free_unpacked (object, NULL);
    }
}

void
test_vectors_topic (void)
{
    vector_register_types ();
    for (size_t i = 0; i < VECTORS; i++) {
        size_t size;
        const void *topic =
            dividere_types_topic (dividere_types_find (s_vectors[i].type),
                                  &size);
        CHECK_INT (size, s_vectors[i].topic_size);
        CHECK_INT (memcmp (topic, s_vectors[i].topic, size), 0);
    }
}
