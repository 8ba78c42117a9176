/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <zmq.h>
#include "handshake.h"

#define REFUSED 400 /* below that: come again                               */

dividere_handshake_t
dividere_handshake_failure (const void *data, size_t size, bool secure)
{
    static const dividere_handshake_t s_none = { 0, "", false };
    static const dividere_handshake_t s_refused = {
        EACCES, "it does not let this key in", true
    };
    static const dividere_handshake_t s_mismatch = {
        EPROTONOSUPPORT, "one side wants security and the other does not", true
    };
    static const dividere_handshake_t s_stranger = {
        EKEYREJECTED, "it has another key than it is known by", false
    };
    /* What wants security may close before it has said so.                  */
    static const dividere_handshake_t s_silent = {
        EPROTONOSUPPORT,
        "it ends the handshake, as who wants security does with who does not",
        false
    };
    uint16_t event;
    uint32_t value;
    if (size < sizeof (event) + sizeof (value))
        return s_none;
    memcpy (&event, data, sizeof (event));
    memcpy (&value, (const uint8_t *) data + sizeof (event), sizeof (value));
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return value >= REFUSED ? s_refused : s_none;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        return value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH ? s_mismatch
                                                                   : s_none;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        return value != EPIPE ? s_none : secure ? s_stranger : s_silent;
    default: return s_none;
    }
}
