/* SPDX-License-Identifier: Apache-2.0 */

/*  The budget is a bucket of tokens, counted in hundredths so that a percentage
 *  is a whole number of them.                                               */

#include "retry.h"

#define TOKENS_OF_RETRY 100
#define TOKENS_FIRST    (DIVIDERE_RETRY_RESERVE * TOKENS_OF_RETRY)
#define TOKENS_MAX      (10 * TOKENS_FIRST)

void
dividere_retry_init (dividere_retry_t *self,
                     const dividere_retry_limits_t *limits)
{
    self->limits = *limits;
    self->tokens = TOKENS_FIRST;
}

void
dividere_retry_request (dividere_retry_t *self)
{
    self->tokens += self->limits.budget_percent;
    if (self->tokens > TOKENS_MAX)
        self->tokens = TOKENS_MAX;
}

bool
dividere_retry_allowed (dividere_retry_t *self, unsigned attempts,
                        bool *ret_denied)
{
    *ret_denied = false;
    if (attempts > self->limits.retries)
        return false;
    if (!self->limits.budget_percent)
        return true;
    if (self->tokens < TOKENS_OF_RETRY) {
        *ret_denied = true;
        return false;
    }
    self->tokens -= TOKENS_OF_RETRY;
    return true;
}

int64_t
dividere_retry_pause (const dividere_retry_t *self, unsigned refusals,
                      uint64_t random)
{
    int64_t longest_ms = self->limits.backoff_max_ms;
    int64_t whole_ms = self->limits.backoff_ms;
    if (whole_ms > longest_ms)
        whole_ms = longest_ms;
    if (whole_ms <= 0)
        return 0;
    for (; refusals > 1 && whole_ms < longest_ms; refusals--)
        whole_ms = whole_ms > longest_ms / 2 ? longest_ms : 2 * whole_ms;
    uint64_t half_ms = (uint64_t) whole_ms / 2;
    return whole_ms - (int64_t) (random % (half_ms + 1));
}
