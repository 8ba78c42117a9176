/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_BENCH_LOAD_H
#define DIVIDERE_BENCH_LOAD_H

#include <stddef.h>
#include <czmq.h>
#include "test.pb-c.h"

/*  What the rows with sockets send: a typed message, for the references the
 *  same bytes as a frame, and a mark that says so far and no further.       */

typedef struct {
    Msg01 message;
    MyServiceReq mark;
    zmq_msg_t wire; /* the message as dividere sends it                     */
} load_t;

/*  A message with a string of so many bytes.                                */
void load_init (load_t *self, size_t size);
void load_term (load_t *self);

/*  Sends the bytes of the message, or as the mark an empty frame.           */
void load_send_raw (const load_t *self, void *handle, bool mark);

/*  Adds a source to a reactor; the caller frees its endpoint.               */
char *load_add_source (zactor_t *reactor, const char *kind,
                       const char *endpoint);

#endif
