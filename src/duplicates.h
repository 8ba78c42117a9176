/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_DUPLICATES_H
#define DIVIDERE_DUPLICATES_H

#include <stddef.h>
#include <stdint.h>
#include <zmq.h>
#include "extension.h"

/*  What a worker remembers of requests, so that one that comes again is not
 *  executed again: those at work, and the answers of the last ones, within
 *  limits of count, bytes and age; the oldest go first. Without sockets, and
 *  without a clock: now_ms is passed in. O(1) for each call.                */

typedef struct {
    size_t count_max; /* answers; 0: none are kept                          */
    size_t bytes_max; /* of answers, with what they cost to keep            */
    int64_t age_max_ms;
} dividere_duplicates_limits_t;

typedef struct dividere_duplicates_t dividere_duplicates_t;

dividere_duplicates_t *dividere_duplicates_new (void);
void dividere_duplicates_destroy (dividere_duplicates_t **self_p);

/*  Takes effect at once.                                                    */
void dividere_duplicates_limit (dividere_duplicates_t *self,
                                const dividere_duplicates_limits_t *limits,
                                int64_t now_ms);

typedef enum {
    DIVIDERE_DUPLICATE_NEW,     /* not known: it is at work from here on    */
    DIVIDERE_DUPLICATE_AT_WORK, /* it is at work                            */
    DIVIDERE_DUPLICATE_ANSWERED /* its answer is kept                       */
} dividere_duplicate_t;

/*  A request comes in, with what the caller knows it by (its job). Gives the
 *  job that is at work (AT_WORK), or the status and a copy of the payload of
 *  the answer, which the caller closes (ANSWERED).                          */
dividere_duplicate_t dividere_duplicates_begin (
    dividere_duplicates_t *self, const dividere_correlation_t *id, void *job,
    int64_t now_ms, void **ret_job, dividere_status_t *ret_status,
    zmq_msg_t *ret_payload);

/*  It has been answered: keeps a copy of the payload.                       */
void dividere_duplicates_answer (dividere_duplicates_t *self,
                                 const dividere_correlation_t *id,
                                 dividere_status_t status,
                                 const zmq_msg_t *payload, int64_t now_ms);

/*  It was not executed after all: forgets it.                               */
void dividere_duplicates_forget (dividere_duplicates_t *self,
                                 const dividere_correlation_t *id);

/*  Answers that are kept now, and their bytes.                              */
size_t dividere_duplicates_count (const dividere_duplicates_t *self);
size_t dividere_duplicates_bytes (const dividere_duplicates_t *self);

#endif
