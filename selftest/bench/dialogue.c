/* SPDX-License-Identifier: Apache-2.0 */

/*  The frames of requests, replies and signs of life. What goes through a
 *  broker and through libzmq's proxy is the same.                            */

#include "dialogue.h"
#include "extension.h"
#include "heartbeat.h"
#include "selftest.h"

#define CLIENT     0x1234567890abcdef
#define FRAMES_MAX 8

static const char s_payload[16] = "0123456789abcde";

static void
s_send (void *socket, const void *data, size_t size, int flags)
{
    CHECK_INT (zmq_send (socket, data, size, flags), size);
}

void
dialogue_ask (void *socket, uint64_t number)
{
    dividere_extension_t extension = {
        .id = { CLIENT, number },
        .attempt = 1,
        .requeues = DIVIDERE_EXTENSION_ANY_REQUEUE,
        .left_ms = DIVIDERE_EXTENSION_NO_DEADLINE,
    };
    char frame[DIVIDERE_EXTENSION_MAX];
    dividere_extension_write (&extension, frame);
    s_send (socket, frame, dividere_extension_size (&extension), ZMQ_SNDMORE);
    s_send (socket, "", 0, ZMQ_SNDMORE);
    s_send (socket, s_payload, sizeof (s_payload), 0);
}

void
dialogue_take (void *socket)
{
    char frame[DIVIDERE_EXTENSION_MAX];
    int size = zmq_recv (socket, frame, sizeof (frame), 0);
    dividere_extension_t extension;
    CHECK (size > 0 &&
           dividere_extension_parse (frame, (size_t) size, &extension));
    CHECK_INT (extension.status, DIVIDERE_STATUS_OK);
    CHECK_INT (zmq_recv (socket, frame, sizeof (frame), 0), 0);
    CHECK_INT (zmq_recv (socket, frame, sizeof (frame), 0), sizeof (s_payload));
}

void
dialogue_register (void *socket, const char *identity)
{
    dividere_heartbeat_t heartbeat = {
        .id = identity,
        .id_size = strlen (identity),
        .version = DIVIDERE_HEARTBEAT_VERSION,
        .parallel = 1,
        .credit = DIALOGUE_CREDIT,
        .fresh = true,
    };
    zmq_msg_t frame;
    dividere_heartbeat_encode (&heartbeat, NULL, &frame);
    CHECK (zmq_msg_send (&frame, socket, 0) > 0);
}

/*  One whole message; 0 with an errno if there is none.                      */
static size_t
s_recv (void *socket, zmq_msg_t *frames, int flags)
{
    size_t count = 0;
    do {
        CHECK (count < FRAMES_MAX);
        zmq_msg_init (&frames[count]);
        if (zmq_msg_recv (&frames[count], socket, flags) < 0)
            return 0;
        flags = 0;
    }
    while (zmq_msg_more (&frames[count++]));
    return count;
}

bool
dialogue_echo (void *socket, int flags, size_t sign)
{
    zmq_msg_t frames[FRAMES_MAX];
    size_t count = s_recv (socket, frames, flags);
    for (size_t i = 0; i < count; i++)
        if (count <= sign)
            zmq_msg_close (&frames[i]);
        else
            CHECK (zmq_msg_send (&frames[i], socket,
                                 i + 1 < count ? ZMQ_SNDMORE : 0) >= 0);
    return count > 0;
}
