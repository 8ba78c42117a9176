/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_EXTENSION_H
#define DIVIDERE_EXTENSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  The extension frame of a request (doc/protocol.md): one routing frame more,
 *  before the delimiter, that every peer sends back with the reply. It names
 *  the request, and on the way back tells an error in place of a reply.
 *
 *  at  bytes
 *   0  3  magic
 *   3  1  version
 *   4  1  flags
 *   5  1  status; 0 in a request
 *   6  1  attempt, from 1; 255: that or more
 *   7  1  how often it may be requeued; 255: the broker's choice
 *   8  4  ms that are left until the deadline; all ones: none
 *  12  1  length of the name of the service
 *  13  3  0
 *  16  8  client, 24  8  number: together the correlation id
 *  32     name of the service; where flagged, a trace; what follows is for
 *         later versions
 *  All numbers are little-endian.                                           */

#define DIVIDERE_EXTENSION_MAX     512 /* bytes of a frame                    */
#define DIVIDERE_EXTENSION_SERVICE 200 /* bytes of a name                     */

/*  Flags.                                                                   */
#define DIVIDERE_EXTENSION_STRICT 1 /* never to be executed twice             */
#define DIVIDERE_EXTENSION_BROKER 2 /* it came through a broker of this kind  */
#define DIVIDERE_EXTENSION_TRACED 4 /* behind the service is a trace: trace.h */

#define DIVIDERE_EXTENSION_NO_DEADLINE UINT32_MAX
#define DIVIDERE_EXTENSION_ANY_REQUEUE 255

/*  What a reply says. Where it is not OK the payload is text for people.    */
typedef enum {
    DIVIDERE_STATUS_OK,
    DIVIDERE_STATUS_BUSY,            /* broker: its queue is full           */
    DIVIDERE_STATUS_EXPIRED,         /* broker, worker: not within its time */
    DIVIDERE_STATUS_NO_WORKER,       /* broker: nobody serves it            */
    DIVIDERE_STATUS_WORKER_LOST,     /* broker: and no other may have it    */
    DIVIDERE_STATUS_OUTCOME_UNKNOWN, /* broker: of a strict one, likewise   */
    DIVIDERE_STATUS_UNHANDLED,       /* worker: no handler for its type     */
    DIVIDERE_STATUS_REFUSED,         /* worker: could not read it           */
    DIVIDERE_STATUS_FAILED,          /* worker: the handler said so, errno: */
                                     /* "ERRNO TEXT"                        */
    DIVIDERE_STATUS_UNANSWERED,      /* worker, broker: there was no reply  */
    DIVIDERE_STATUS_RETURNED,        /* worker to broker: not executed, for */
                                     /* another worker                      */
    DIVIDERE_STATUS_DENIED,          /* broker, service: no right to it     */
    DIVIDERE_STATUSES
} dividere_status_t;

/*  Who asks for what: the same for all tries of one request.                */
typedef struct {
    uint64_t client;
    uint64_t number;
} dividere_correlation_t;

typedef struct {
    dividere_correlation_t id;
    uint8_t flags;
    uint8_t status;
    uint8_t attempt;
    uint8_t requeues;
    uint32_t left_ms;
    const char *service; /* not terminated; within the bytes that were parsed */
    size_t service_size;
    const uint8_t *trace; /* within them, NULL: there is none; to be written: */
                          /* the id of a new one                             */
} dividere_extension_t;

/*  True if the bytes are an extension frame of a version that can be read. It
 *  takes the status as it comes: DIVIDERE_STATUSES or more is not known.    */
bool dividere_extension_parse (const void *data, size_t size,
                               dividere_extension_t *ret_extension);

size_t dividere_extension_size (const dividere_extension_t *self);

/*  Writes as many bytes as that.                                            */
void dividere_extension_write (const dividere_extension_t *self, void *data);

/*  In bytes that were parsed: says something else, adds flags.              */
void dividere_extension_set_status (void *data, dividere_status_t status,
                                    uint8_t flags);

/*  ... and what is left.                                                   */
void dividere_extension_set_left (void *data, uint32_t left_ms);

/*  What is left of a deadline of zclock_mono; less than 0 is none.          */
uint32_t dividere_extension_left (int64_t deadline_ms, int64_t now_ms);

#endif
