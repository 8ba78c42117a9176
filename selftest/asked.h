/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SELFTEST_ASKED_H
#define SELFTEST_ASKED_H

#include "client_asks.h"
#include "selftest.h"

/*  A client's requests, in time that is a number.                           */

/*  One of ten bytes.                                                        */
static inline dividere_ask_t *
asked_add (dividere_asks_t *self, int64_t now_ms, int64_t left_ms)
{
    zmq_msg_t payload;
    CHECK_INT (zmq_msg_init_size (&payload, 10), 0);
    dividere_ask_t *ask =
        dividere_asks_add (self, &payload, now_ms + left_ms, now_ms * 1000);
    zmq_msg_close (&payload);
    return ask;
}

/*  Somebody answers it, right or wrong.                                     */
static inline void
asked_answer (dividere_asks_t *self, size_t link, uint64_t number,
              dividere_status_t status, uint8_t flags, int64_t now_ms)
{
    dividere_extension_t extension = { .id = { 1, number },
                                       .status = (uint8_t) status,
                                       .flags = flags };
    zmq_msg_t payload;
    CHECK_INT (zmq_msg_init_size (&payload, 0), 0);
    dividere_asks_answer (self, link, &extension, &payload, now_ms * 1000);
}

/*  The next that has ended did so with this error.                          */
static inline void
asked_expect (dividere_asks_t *self, uint64_t number, int error)
{
    dividere_ask_t *ask = dividere_asks_done (self);
    CHECK (ask);
    CHECK_INT (ask->number, number);
    CHECK_INT (ask->error, error);
    dividere_asks_release (self, &ask);
}

#endif
