/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_BROKERED_H
#define DIVIDERE_SELFTEST_BROKERED_H

#include <czmq.h>
#include <dividere.h>
#include "heartbeat.h"

/*  A broker at two endpoints, and peers of it made of bare sockets.         */

typedef struct {
    zactor_t *actor;
    char *frontend;
    char *backend;
} brokered_t;

/*  Binds both sides to this endpoint, which has a "*"; SETs a NULL-terminated
 *  list of names and values before.                                         */
void brokered_start (brokered_t *self, const char *endpoint,
                     const char *const *settings);
void brokered_stop (brokered_t *self);

void brokered_set (brokered_t *self, const char *name, const char *value);
uint64_t brokered_stat (brokered_t *self, const char *name);

/*  A DEALER with time limits, connected; name: its routing id, or NULL.     */
zsock_t *brokered_dealer (const char *endpoint, const char *name);

/*  Sends text frames, "" for an empty one, ended by NULL.                   */
void brokered_send (zsock_t *sock, ...);

/*  Receives a message, and checks its frames.                               */
void brokered_expect (zsock_t *sock, ...);

/*  A request with an extension frame; requires that number is not 0.        */
void brokered_ask (zsock_t *client, uint64_t number, const char *payload);

/*  Receives an answer that has one, and returns its status. Checks its number,
 *  and its payload where that is not NULL.                                  */
int brokered_answer (zsock_t *client, uint64_t number, const char *payload);

/*  Registers as a worker of this library, and waits for the broker's answer. */
void brokered_register (zsock_t *worker, const char *name, unsigned credit);

/*  Receives the next request at such a worker, answering signs of life.     */
zmsg_t *brokered_take (zsock_t *worker, const char *name);

#endif
