/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TRACE_H
#define DIVIDERE_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  The way of one request: who had it when. A client asks for it by the option
 *  trace of a request; brokers, workers and services of this library note when
 *  they had it, peers in Python carry that back unchanged.                  */

#define DIVIDERE_HOPS_MAX 12 /* what comes after them is not noted            */

typedef enum {
    DIVIDERE_HOP_SENT = 1, /* by the client; again for each try             */
    DIVIDERE_HOP_QUEUED,   /* received by the broker                        */
    DIVIDERE_HOP_HANDED,   /* by the broker to a worker; again, requeued    */
    DIVIDERE_HOP_RECEIVED, /* by the worker, or the service                 */
    DIVIDERE_HOP_BEGUN,    /* its handler was called                        */
    DIVIDERE_HOP_ENDED,    /* ... and is back                               */
    DIVIDERE_HOP_REPLIED,  /* by the broker to the client                   */
    DIVIDERE_HOP_ANSWERED  /* received by the client                        */
} dividere_hop_kind_t;

typedef struct {
    dividere_hop_kind_t kind; /* or another number, of a later version       */
    uint64_t who; /* 56 bits, drawn at random by each client, broker, worker */
    int64_t time_ns; /* by the clock of its host: since 1970 (UTC)           */
} dividere_hop_t;

typedef struct {
    uint8_t id[16]; /* drawn at random for each request                      */
    size_t count;
    dividere_hop_t hops[DIVIDERE_HOPS_MAX];
} dividere_trace_t;

/*  "sent" ...; "?" for another number.                                      */
DIVIDERE_EXPORT const char *dividere_hop_name (dividere_hop_kind_t kind);

#ifdef __cplusplus
}
#endif

#endif
