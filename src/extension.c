/* SPDX-License-Identifier: Apache-2.0 */

/*  A fixed layout, so that a forwarder changes a byte in place.             */

#include <assert.h>
#include <string.h>
#include "extension.h"
#include "little.h"
#include "trace.h"

#define VERSION    1
#define FIXED_SIZE 32

enum {
    AT_VERSION = 3,
    AT_FLAGS,
    AT_STATUS,
    AT_ATTEMPT,
    AT_REQUEUES,
    AT_LEFT = 8,
    AT_SERVICE_SIZE = 12,
    AT_CLIENT = 16,
    AT_NUMBER = 24
};

static const uint8_t s_magic[3] = { 0xDF, 'd', 'v' };

bool
dividere_extension_parse (const void *data, size_t size,
                          dividere_extension_t *ret_extension)
{
    const uint8_t *at = (const uint8_t *) data;
    if (size < FIXED_SIZE || size > DIVIDERE_EXTENSION_MAX ||
        memcmp (at, s_magic, sizeof (s_magic)) != 0 ||
        at[AT_VERSION] != VERSION ||
        at[AT_SERVICE_SIZE] > DIVIDERE_EXTENSION_SERVICE ||
        at[AT_SERVICE_SIZE] > size - FIXED_SIZE)
        return false;
    *ret_extension = (dividere_extension_t){
        .id = { dividere_little_read64 (at + AT_CLIENT),
                dividere_little_read64 (at + AT_NUMBER) },
        .flags = at[AT_FLAGS],
        .status = at[AT_STATUS],
        .attempt = at[AT_ATTEMPT],
        .requeues = at[AT_REQUEUES],
        .left_ms = dividere_little_read32 (at + AT_LEFT),
        .service = (const char *) at + FIXED_SIZE,
        .service_size = at[AT_SERVICE_SIZE],
    };
    at += FIXED_SIZE + ret_extension->service_size;
    size -= FIXED_SIZE + ret_extension->service_size;
    if (ret_extension->flags & DIVIDERE_EXTENSION_TRACED &&
        dividere_trace_is_whole (at, size))
        ret_extension->trace = at;
    return true;
}

size_t
dividere_extension_size (const dividere_extension_t *self)
{
    return FIXED_SIZE + self->service_size +
           (self->trace ? DIVIDERE_TRACE_SIZE : 0);
}

void
dividere_extension_write (const dividere_extension_t *self, void *data)
{
    assert (self->service_size <= DIVIDERE_EXTENSION_SERVICE);
    uint8_t *at = (uint8_t *) data;
    memset (at, 0, FIXED_SIZE);
    memcpy (at, s_magic, sizeof (s_magic));
    at[AT_VERSION] = VERSION;
    at[AT_FLAGS] = self->flags;
    at[AT_STATUS] = self->status;
    at[AT_ATTEMPT] = self->attempt;
    at[AT_REQUEUES] = self->requeues;
    dividere_extension_set_left (at, self->left_ms);
    at[AT_SERVICE_SIZE] = (uint8_t) self->service_size;
    dividere_little_write64 (at + AT_CLIENT, self->id.client);
    dividere_little_write64 (at + AT_NUMBER, self->id.number);
    if (self->service_size)
        memcpy (at + FIXED_SIZE, self->service, self->service_size);
    if (self->trace) {
        at[AT_FLAGS] |= DIVIDERE_EXTENSION_TRACED;
        dividere_trace_write (self->trace,
                              at + FIXED_SIZE + self->service_size);
    }
}

void
dividere_extension_set_status (void *data, dividere_status_t status,
                               uint8_t flags)
{
    uint8_t *at = (uint8_t *) data;
    at[AT_STATUS] = (uint8_t) status;
    at[AT_FLAGS] |= flags;
}

void
dividere_extension_set_left (void *data, uint32_t left_ms)
{
    dividere_little_write32 ((uint8_t *) data + AT_LEFT, left_ms);
}

uint32_t
dividere_extension_left (int64_t deadline_ms, int64_t now_ms)
{
    if (deadline_ms < 0)
        return DIVIDERE_EXTENSION_NO_DEADLINE;
    int64_t left_ms = deadline_ms - now_ms;
    if (left_ms < 0)
        left_ms = 0;
    return left_ms < DIVIDERE_EXTENSION_NO_DEADLINE
               ? (uint32_t) left_ms
               : DIVIDERE_EXTENSION_NO_DEADLINE - 1;
}
