/* SPDX-License-Identifier: Apache-2.0 */

/*  What brokers and workers read of routing frames and signs of life: what is
 *  found lies within the bytes, and can be written and read again.          */

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "extension.h"
#include "fuzz.h"
#include "heartbeat.h"

static bool
s_within (const void *part, size_t part_size, const uint8_t *data, size_t size)
{
    const uint8_t *at = (const uint8_t *) part;
    return part_size == 0 || (at >= data && part_size <= size &&
                              at - data <= (ptrdiff_t) (size - part_size));
}

static void
s_try_extension (const uint8_t *data, size_t size)
{
    dividere_extension_t extension, again;
    if (!dividere_extension_parse (data, size, &extension))
        return;
    assert (s_within (extension.service, extension.service_size, data, size));
    size_t written_size = dividere_extension_size (&extension);
    uint8_t *written = (uint8_t *) malloc (written_size);
    assert (written);
    dividere_extension_write (&extension, written);
    bool good = dividere_extension_parse (written, written_size, &again);
    assert (good && again.service_size == extension.service_size);
    assert (again.id.number == extension.id.number);
    dividere_extension_set_status (written, DIVIDERE_STATUS_BUSY, UINT8_MAX);
    dividere_extension_set_left (written, 0);
    good = dividere_extension_parse (written, written_size, &again);
    assert (good && again.status == DIVIDERE_STATUS_BUSY && !again.left_ms);
    free (written);
}

static void
s_try_heartbeat (const uint8_t *data, size_t size)
{
    dividere_heartbeat_t heartbeat, again;
    if (dividere_heartbeat_parse (data, size, &heartbeat) < 0)
        return;
    assert (s_within (heartbeat.id, heartbeat.id_size, data, size));
    assert (s_within (heartbeat.service, heartbeat.service_size, data, size));
    assert (
        s_within (heartbeat.holding, heartbeat.holding_count * 16, data, size));
    dividere_correlation_t *held = (dividere_correlation_t *) malloc (
        (heartbeat.holding_count + 1) * sizeof (*held));
    assert (held);
    for (size_t i = 0; i < heartbeat.holding_count; i++)
        held[i] = dividere_heartbeat_held (&heartbeat, i);
    zmq_msg_t frame;
    dividere_heartbeat_encode (&heartbeat, held, &frame);
    int rc = dividere_heartbeat_parse (zmq_msg_data (&frame),
                                       zmq_msg_size (&frame), &again);
    assert (rc == 0 && again.id_size == heartbeat.id_size);
    if (heartbeat.version) {
        assert (again.number == heartbeat.number);
        assert (again.holding_count == heartbeat.holding_count);
    }
    zmq_msg_close (&frame);
    free (held);
}

void
fuzz_extension (const uint8_t *data, size_t size)
{
    /* A copy of just this size, so that a sanitizer sees its ends.          */
    uint8_t *bytes = (uint8_t *) malloc (size ? size : 1);
    assert (bytes);
    if (size)
        memcpy (bytes, data, size);
    s_try_extension (bytes, size);
    s_try_heartbeat (bytes, size);
    free (bytes);
}
