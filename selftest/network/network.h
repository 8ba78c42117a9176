/* SPDX-License-Identifier: Apache-2.0                                       */
#ifndef SELFTEST_NETWORK_H
#define SELFTEST_NETWORK_H

#include <stdbool.h>
#include <stdint.h>
#include <czmq.h>
#include "test.pb-c.h"

/*  What the roles of dividere_network_peer have in common. Each prints "ready"
 *  when it is at work, and is ended by SIGTERM, or the end of stdin.        */

/*  What is asked of those that keep books: one byte on stdin.               */
typedef enum {
    NETWORK_NOTHING = 0, /* in time                                          */
    NETWORK_MARK = 'm',  /* tell "answered" when what begins now succeeds    */
    NETWORK_CEASE = 'c', /* begin nothing more; tell "account" when all ended */
    NETWORK_END = -1
} network_order_t;

/*  Before any thread: the signals are blocked, and heard by network_wait.   */
void network_init (void);

/*  Waits up to timeout_ms (-1: no limit) for an order, a message to a socket
 *  (or NULL), or a descriptor (or -1).                                      */
network_order_t network_wait (void *socket, int fd, long timeout_ms);

/*  A line on stdout, at once.                                               */
void network_tell (const char *format, ...)
    __attribute__ ((format (printf, 1, 2)));

/*  How many are due by now of a steady rate, from start_ms on, behind those
 *  that were sent; not more than a few, so that no stall ends in a burst.   */
uint64_t network_due (int64_t start_ms, unsigned rate, uint64_t *sent);

/*  A command to an actor that succeeds.                                     */
void network_call (zactor_t *actor, const char *command, const char *first,
                   const char *second);

/*  A request is a testMsg01: the name of who asks and some filler, and a number
 *  that counts up from 1. The answer has the name of who answers behind that,
 *  and the number negated. text has room for NETWORK_TEXT_MAX.              */
#define NETWORK_FILLER_MAX 1500
#define NETWORK_NAME_MAX   100
#define NETWORK_TEXT_MAX   (NETWORK_FILLER_MAX + 2 * NETWORK_NAME_MAX)

void network_ask (TestMsg01 *request, char *text, const char *name,
                  uint64_t number);

/*  Ends the process where it is not the answer to this one.                 */
void network_check (const TestMsg01 *answer, const char *name, uint64_t number);

/*  The roles. In args is what is behind the role, NULL where there is no more.
 */
void network_asker (char **args);
void network_caller (char **args);
void network_publisher (char **args);
void network_subscriber (char **args);
void network_worker (char **args);
void network_service (char **args);
void network_responder (char **args);

#endif
