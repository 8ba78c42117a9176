/* SPDX-License-Identifier: Apache-2.0 */

/*  When a request is tried again, with random numbers that are none.        */

#include "selftest.h"
#include "retry.h"

void test_retry_attempts (void);
void test_retry_budget (void);
void test_retry_pause (void);
void test_retry_model (void);

void
test_retry_attempts (void)
{
    dividere_retry_limits_t limits = { .retries = 2 };
    dividere_retry_t retry;
    bool denied = true;
    dividere_retry_init (&retry, &limits);
    for (int i = 0; i < 10000; i++) {
        CHECK (dividere_retry_allowed (&retry, 1, &denied));
        CHECK (!denied);
        CHECK (dividere_retry_allowed (&retry, 2, &denied));
        CHECK (!denied);
        denied = true;
        CHECK (!dividere_retry_allowed (&retry, 3, &denied));
        CHECK (!denied);
    }
    limits.retries = 0;
    dividere_retry_init (&retry, &limits);
    CHECK (!dividere_retry_allowed (&retry, 1, &denied));
    CHECK (!denied);
}

/*  Takes what the budget has, and returns how many retries that was.        */
static unsigned
s_drain (dividere_retry_t *retry)
{
    unsigned count = 0;
    bool denied;
    while (dividere_retry_allowed (retry, 1, &denied)) {
        CHECK (!denied);
        count++;
    }
    CHECK (denied);
    return count;
}

void
test_retry_budget (void)
{
    dividere_retry_limits_t limits = { .retries = 1, .budget_percent = 20 };
    dividere_retry_t retry;
    bool denied;
    dividere_retry_init (&retry, &limits);
    CHECK_INT (s_drain (&retry), DIVIDERE_RETRY_RESERVE);

    /* One retry more for each five requests.                                */
    for (int i = 0; i < 4; i++)
        dividere_retry_request (&retry);
    CHECK_INT (s_drain (&retry), 0);
    dividere_retry_request (&retry);
    CHECK_INT (s_drain (&retry), 1);

    /* Too many tries: nothing is taken, and it is not the budget.           */
    for (int i = 0; i < 5; i++)
        dividere_retry_request (&retry);
    CHECK (!dividere_retry_allowed (&retry, 2, &denied));
    CHECK (!denied);
    CHECK_INT (s_drain (&retry), 1);

    /* Quiet times do not add up without end.                                */
    for (int i = 0; i < 100000; i++)
        dividere_retry_request (&retry);
    CHECK_INT (s_drain (&retry), 10 * DIVIDERE_RETRY_RESERVE);

    limits.budget_percent = UINT32_MAX;
    dividere_retry_init (&retry, &limits);
    dividere_retry_request (&retry);
    CHECK_INT (s_drain (&retry), 10 * DIVIDERE_RETRY_RESERVE);
}

static void
s_check_pause (const dividere_retry_t *retry, unsigned refusals,
               int64_t whole_ms)
{
    int64_t half_ms = whole_ms - whole_ms / 2;
    uint64_t width = (uint64_t) (whole_ms - half_ms) + 1;
    CHECK_INT (dividere_retry_pause (retry, refusals, 0), whole_ms);
    CHECK_INT (dividere_retry_pause (retry, refusals, width - 1), half_ms);
    CHECK_INT (dividere_retry_pause (retry, refusals, width), whole_ms);
    uint64_t seed = 1;
    for (int i = 0; i < 100; i++) {
        int64_t pause =
            dividere_retry_pause (retry, refusals, selftest_random (&seed));
        CHECK (pause >= half_ms && pause <= whole_ms);
    }
}

void
test_retry_pause (void)
{
    static const int64_t s_wholes[] = { 100, 200, 400, 800, 1000, 1000 };
    dividere_retry_limits_t limits = { .backoff_ms = 100,
                                       .backoff_max_ms = 1000 };
    dividere_retry_t retry;
    dividere_retry_init (&retry, &limits);
    for (unsigned i = 0; i < sizeof (s_wholes) / sizeof (s_wholes[0]); i++)
        s_check_pause (&retry, i + 1, s_wholes[i]);
    s_check_pause (&retry, UINT32_MAX, 1000);

    /* Limits at their ends: the first pause longer than the longest, one of
     * which a half is nothing, none at all, the longest that there is.      */
    retry.limits.backoff_max_ms = 50;
    s_check_pause (&retry, 1, 50);
    retry.limits.backoff_ms = retry.limits.backoff_max_ms = 1;
    s_check_pause (&retry, 1, 1);
    retry.limits.backoff_ms = 0;
    CHECK_INT (dividere_retry_pause (&retry, UINT32_MAX, 7), 0);
    retry.limits.backoff_ms = 1;
    retry.limits.backoff_max_ms = 0;
    CHECK_INT (dividere_retry_pause (&retry, 3, 7), 0);
    retry.limits.backoff_max_ms = INT64_MAX;
    s_check_pause (&retry, 63, (int64_t) 1 << 62);
    s_check_pause (&retry, 64, INT64_MAX);
    s_check_pause (&retry, 1000, INT64_MAX);
}

/*  However requests and failures come: never more retries than the budget, and
 *  never fewer while anything of it is left.                                */
void
test_retry_model (void)
{
    dividere_retry_limits_t limits = { .retries = 3, .budget_percent = 7 };
    dividere_retry_t retry;
    dividere_retry_init (&retry, &limits);
    double budget = DIVIDERE_RETRY_RESERVE;
    uint64_t seed = 1;
    size_t events = selftest_scaled (1000000), retries = 0, refused = 0;
    for (size_t i = 0; i < events; i++) {
        /* Times when most fail, and times when few do.                      */
        bool failing = i / 4096 % 2;
        if (selftest_random (&seed) % 64 >= (failing ? 16 : 2)) {
            dividere_retry_request (&retry);
            budget += 0.07;
            if (budget > 10 * DIVIDERE_RETRY_RESERVE)
                budget = 10 * DIVIDERE_RETRY_RESERVE;
            continue;
        }
        unsigned attempts = 1 + (unsigned) (selftest_random (&seed) % 4);
        bool denied, enough = budget > 1 - 1e-3;
        bool allowed = dividere_retry_allowed (&retry, attempts, &denied);
        CHECK_INT (allowed, attempts <= 3 && enough);
        CHECK_INT (denied, attempts <= 3 && !enough);
        budget -= allowed;
        retries += allowed;
        refused += denied;
    }
    selftest_note ("%zu events, %zu retries, %zu denied", events, retries,
                   refused);
    CHECK (events < 10000 || (retries && refused));
}
