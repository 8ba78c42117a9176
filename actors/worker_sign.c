/* SPDX-License-Identifier: Apache-2.0 */

/*  Signs of life between the worker and a broker, in either dialect.        */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "frame.h"
#include "heartbeat.h"
#include "worker_internal.h"

#define SIZE_MAX_READ 65536 /* bytes of one that is read                     */
#define SILENCE       3     /* intervals without a sign of life              */
#define INTERVAL_MIN  10    /* ms, whatever a broker says                    */
#define INTERVAL_MAX  3600000

bool
dividere_sign_allowed (const dividere_link_t *link)
{
    return link->desk.c || (link->was_c && !link->told) ||
           dividere_desk_count (&link->desk) == 0;
}

static int64_t
s_interval_ms (const dividere_link_t *link)
{
    return link->interval_ms ? link->interval_ms
                             : link->worker->settings.heartbeat_ms;
}

int64_t
dividere_sign_silent_at (const dividere_link_t *link)
{
    bool excused = link->inproc && !link->heard;
    if (!link->desk.c && link->desk.held.count)
        excused = true;
    return excused ? DIVIDERE_NEVER
                   : link->heard_ms + SILENCE * s_interval_ms (link);
}

int64_t
dividere_sign_at (const dividere_link_t *link)
{
    return (link->leaving && !link->desk.c) || !dividere_sign_allowed (link)
               ? DIVIDERE_NEVER
               : link->sent_ms + s_interval_ms (link) * 3 / 2;
}

/*  What it was sent and has not answered yet. The caller frees it.          */
static dividere_correlation_t *
s_holding (const dividere_link_t *link, size_t *ret_count)
{
    size_t count = dividere_desk_count (&link->desk);
    if (!count)
        return NULL;
    dividere_correlation_t *holding =
        (dividere_correlation_t *) malloc (count * sizeof (*holding));
    assert (holding);
    const dividere_task_t *lists[] = { link->desk.held.first,
                                       link->desk.ready.first };
    count = 0;
    for (size_t i = 0; i < sizeof (lists) / sizeof (lists[0]); i++)
        for (const dividere_task_t *at = lists[i]; at; at = at->next)
            if (at->extension >= 0)
                holding[count++] = at->id;
    *ret_count = count;
    return holding;
}

static void
s_make_envelope (const dividere_link_t *link, zmq_msg_t *ret_frame)
{
    const dividere_worker_t *worker = link->worker;
    dividere_heartbeat_t heartbeat = {
        .id = worker->identity,
        .id_size = strlen (worker->identity),
        .version = DIVIDERE_HEARTBEAT_VERSION,
        .parallel = (uint32_t) dividere_worker_parallel (worker),
        .credit = (uint32_t) dividere_worker_credit (worker),
        .service = worker->service,
        .service_size = strlen (worker->service),
        .draining = link->leaving,
        .fresh = !link->told,
        .number = link->sign_number,
    };
    dividere_correlation_t *holding =
        s_holding (link, &heartbeat.holding_count);
    dividere_heartbeat_encode (&heartbeat, holding, ret_frame);
    free (holding);
}

static void
s_make_byte (const dividere_link_t *link, zmq_msg_t *ret_frame)
{
    int rc = zmq_msg_init_size (ret_frame, 1);
    assert (rc == 0);
    *(uint8_t *) zmq_msg_data (ret_frame) =
        link->told ? DIVIDERE_HEARTBEAT_ALIVE : DIVIDERE_HEARTBEAT_REGISTER;
}

int
dividere_sign_send (dividere_link_t *link)
{
    zmq_msg_t frame;
    (link->worker->bytes ? s_make_byte : s_make_envelope) (link, &frame);
    if (dividere_frame_send (&frame, link->socket.polled.handle, ZMQ_DONTWAIT) <
        0) {
        int error = errno;
        zmq_msg_close (&frame);
        errno = error;
        return -1;
    }
    link->worker->counts.heartbeats_sent++;
    link->sign_due = false;
    link->sign_number = 0;
    link->told = true;
    return 0;
}

/*  A broker of this library says more.                                      */
static void
s_learn (dividere_link_t *link, const dividere_heartbeat_t *heartbeat)
{
    if (!heartbeat->version)
        return;
    link->desk.c = true;
    link->farewell = heartbeat->draining;
    uint32_t interval_ms = heartbeat->interval_ms;
    if (interval_ms)
        link->interval_ms = interval_ms < INTERVAL_MIN   ? INTERVAL_MIN
                            : interval_ms > INTERVAL_MAX ? INTERVAL_MAX
                                                         : interval_ms;
}

/*  False: it is none.                                                       */
static bool
s_read (dividere_link_t *link, const void *data, size_t size)
{
    dividere_heartbeat_t heartbeat;
    if (link->worker->bytes)
        return size == 1 && *(const uint8_t *) data == DIVIDERE_HEARTBEAT_ALIVE;
    if (size > SIZE_MAX_READ ||
        dividere_heartbeat_parse (data, size, &heartbeat) < 0)
        return false;
    s_learn (link, &heartbeat);
    link->sign_number = heartbeat.number;
    return true;
}

void
dividere_sign_received (dividere_link_t *link, const void *data, size_t size)
{
    if (!s_read (link, data, size)) {
        link->worker->executor.counts.malformed++;
        return;
    }
    link->worker->counts.heartbeats_received++;
    /* An answer to one that is not of this library has to wait for the reply,
       which is a sign of life itself.                                       */
    if (dividere_sign_allowed (link))
        link->sign_due = true;
}
