/* SPDX-License-Identifier: Apache-2.0 */

/*  The backlog decides what is kept; here it meets the socket.              */

#include <errno.h>
#include <czmq.h>
#include "frame.h"
#include "outlet.h"

#define FLUSH_PEERS 64 /* of the backlog that are tried in passing           */
#define FLUSH_MS    1  /* for all of them                                    */

void
dividere_outlet_init (dividere_outlet_t *self)
{
    memset (self, 0, sizeof (*self));
    self->backlog = dividere_backlog_new ();
}

void
dividere_outlet_term (dividere_outlet_t *self)
{
    dividere_backlog_destroy (&self->backlog);
}

int
dividere_outlet_try (void *handle, zmq_msg_t *frames, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int flags = i + 1 < count ? ZMQ_SNDMORE : 0;
        if (dividere_frame_send (&frames[i], handle, flags | ZMQ_DONTWAIT) == 0)
            continue;
        if (i == 0)
            return -1;
        zmq_msg_close (&frames[i]);
    }
    return 0;
}

static void
s_close (zmq_msg_t *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        zmq_msg_close (&frames[i]);
}

void
dividere_outlet_send (dividere_outlet_t *self, zmq_msg_t *frames, size_t count,
                      int64_t now_ms)
{
    bool behind =
        dividere_backlog_peers (self->backlog) > 0 &&
        dividere_backlog_holds (self->backlog, zmq_msg_data (&frames[0]),
                                zmq_msg_size (&frames[0]));
    if (!behind) {
        if (dividere_outlet_try (self->handle, frames, count) == 0) {
            self->sent++;
            return;
        }
        if (errno != EAGAIN) {
            self->unroutable++;
            s_close (frames, count);
            return;
        }
    }
    dividere_parcel_t *parcel = dividere_parcel_new ();
    for (size_t i = 0; i < count; i++)
        dividere_parcel_add (parcel, &frames[i]);
    if (dividere_backlog_put (self->backlog, &parcel, now_ms) < 0)
        self->overflowed++;
}

size_t
dividere_outlet_flush (dividere_outlet_t *self, size_t peers)
{
    dividere_parcel_t *parcel;
    int64_t end = zclock_mono () + FLUSH_MS;
    while (peers > 0 && zclock_mono () <= end &&
           (parcel = dividere_backlog_next (self->backlog))) {
        if (dividere_outlet_try (self->handle, parcel->frames, parcel->count) ==
            0) {
            dividere_backlog_sent (self->backlog);
            self->sent++;
            continue;
        }
        peers--;
        if (errno == EHOSTUNREACH)
            self->unroutable += dividere_backlog_forget (self->backlog);
        else
            dividere_backlog_pass (self->backlog);
    }
    return dividere_backlog_peers (self->backlog) ? peers : 0;
}

bool
dividere_outlet_flush_some (dividere_outlet_t *self)
{
    if (dividere_backlog_peers (self->backlog) == 0)
        return false;
    int64_t now_ms = zclock_mono ();
    if (now_ms == self->flushed_ms)
        return false;
    self->flushed_ms = now_ms;
    dividere_outlet_flush (self, FLUSH_PEERS);
    return true;
}
