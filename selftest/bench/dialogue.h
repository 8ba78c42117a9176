/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BENCH_DIALOGUE_H
#define DIVIDERE_BENCH_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

/*  What a client and a worker say to a broker, frame by frame, on any socket.
 *  On a ROUTER the caller has sent or received the routing id before.        */

#define DIALOGUE_CREDIT 64

/*  A request of 16 bytes, and its reply.                                    */
void dialogue_ask (void *socket, uint64_t number);
void dialogue_take (void *socket);

/*  A worker's first message.                                                */
void dialogue_register (void *socket, const char *identity);

/*  Receives a message and sends it back, which answers a request. One of no
 *  more frames than that of a sign of life (on a ROUTER 2, else 1) goes no
 *  further. Returns false with an errno if there was none.                   */
bool dialogue_echo (void *socket, int flags, size_t sign);

#endif
