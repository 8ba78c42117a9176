/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_RETRY_H
#define DIVIDERE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/*  When a request is tried again: so many times, after pauses that double and
 *  are drawn at random, so that those who failed together do not come back
 *  together, and within a budget that all requests share, so that retries never
 *  become the load that keeps a broker down. Without a clock, and without
 *  random numbers of its own.                                               */

typedef struct {
    unsigned retries;        /* beside the first try                        */
    int64_t backoff_ms;      /* the first pause                             */
    int64_t backoff_max_ms;  /* ... doubles up to this                      */
    unsigned budget_percent; /* retries per 100 requests; 0: no limit       */
} dividere_retry_limits_t;

#define DIVIDERE_RETRY_RESERVE 10 /* retries that the budget has at first     */

/*  What all requests of a client share.                                     */
typedef struct {
    dividere_retry_limits_t limits;
    uint64_t tokens; /* hundredths of a retry                               */
} dividere_retry_t;

void dividere_retry_init (dividere_retry_t *self,
                          const dividere_retry_limits_t *limits);

/*  A request was made: the budget grows, up to ten times the reserve.       */
void dividere_retry_request (dividere_retry_t *self);

/*  True if a request that had so many tries may have another; it is then taken
 *  from the budget. ret_denied is set if only the budget forbids it.        */
bool dividere_retry_allowed (dividere_retry_t *self, unsigned attempts,
                             bool *ret_denied);

/*  The pause before the next try after so many refusals in a row (at least 1):
 *  between a half and the whole of the doubled pause, by random, any number. */
int64_t dividere_retry_pause (const dividere_retry_t *self, unsigned refusals,
                              uint64_t random);

#endif
