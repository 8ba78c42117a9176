/* SPDX-License-Identifier: Apache-2.0 */

/*  The wire vectors: the exact bytes that every peer puts on the wire, in both
 *  directions.                                                              */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include "test.pb-c.h"
#include "vector.h"
#include "vectors.h"

void test_vectors_encode (void);
void test_vectors_decode (void);
void test_vectors_text (void);
void test_vectors_topic (void);

#define VECTORS (sizeof (s_vectors) / sizeof (s_vectors[0]))

static void
s_check_bytes (const vector_t *vector, const void *data, size_t size)
{
    if (!vector_matches (vector, data, size))
        selftest_fail (__FILE__, __LINE__, "%s: other bytes", vector->name);
}

void
test_vectors_encode (void)
{
    vector_register_types ();
    CHECK_INT (VECTORS, 48);
    for (size_t i = 0; i < VECTORS; i++) {
        ProtobufCMessage *object = vector_object (&s_vectors[i]);
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
        ProtobufCMessage *object = vector_object (vector);
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
        /* Without a socket it is the same object.                           */
        CHECK_INT (dividere_envelope_decode (zmq_msg_data (&frame),
                                             zmq_msg_size (&frame), message),
                   0);
        CHECK_STR (dividere_message_name (message), vector->type);
        s_check_bytes (vector, dividere_message_data (message),
                       dividere_message_size (message));
        zmq_msg_close (&frame);
    }
    CHECK_FAILS (dividere_envelope_decode ("", 0, message), EPROTO);
    CHECK (!dividere_message_object (message));
    CHECK_FAILS (dividere_envelope_decode ("\x0a\x01?", 3, message), ENOENT);
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
        ProtobufCMessage *object = vector_object (&s_vectors[i]);
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
