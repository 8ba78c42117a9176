/* SPDX-License-Identifier: Apache-2.0 */

/*  What a client tells of itself, and of its requests beside their results.  */

#include <assert.h>
#include <errno.h>
#include "client_internal.h"

int
dividere_client_trace (const dividere_client_t *self,
                       dividere_trace_t *ret_trace)
{
    assert (self);
    assert (ret_trace);
    if (!self->traced) {
        errno = ENOENT;
        return -1;
    }
    *ret_trace = self->trace;
    return 0;
}

void
dividere_client_stats (const dividere_client_t *self,
                       dividere_client_stats_t *ret_stats)
{
    assert (self);
    assert (ret_stats);
    const dividere_ask_counts_t *counts = &self->asks.counts;
    *ret_stats = (dividere_client_stats_t){
        .sent = counts->sent,
        .answered = counts->answered,
        .failed = counts->failed,
        .retried = counts->retried,
        .outstanding = dividere_asks_outstanding (&self->asks),
        .stale = counts->stale,
        .malformed = self->malformed,
        .retries_denied = counts->retries_denied,
    };
}
