/* SPDX-License-Identifier: Apache-2.0 */

/*  When to restart, with a clock that is only a number.                     */

#include "selftest.h"
#include "restart.h"

void test_restart_backoff (void);
void test_restart_intensity (void);
void test_restart_model (void);

#define FOR_EVER 1000000000

void
test_restart_backoff (void)
{
    dividere_restart_limits_t limits = { .backoff_ms = 100,
                                         .backoff_max_ms = 1000,
                                         .intensity = 100,
                                         .period_ms = FOR_EVER };
    dividere_restart_t *restart = dividere_restart_new (&limits);
    static const int64_t s_pauses[] = { 100, 200, 400, 800, 1000, 1000 };
    int64_t now = 5;
    for (size_t i = 0; i < sizeof (s_pauses) / sizeof (s_pauses[0]); i++) {
        CHECK_INT (dividere_restart_ended (restart, now), s_pauses[i]);
        now += s_pauses[i];
        CHECK_INT (dividere_restart_count (restart), i + 1);
    }
    /* Ready, but not for long enough; then for just long enough.            */
    dividere_restart_ready (restart, now);
    CHECK_INT (dividere_restart_ended (restart, now + 999), 1000);
    dividere_restart_ready (restart, now + 2000);
    CHECK_INT (dividere_restart_ended (restart, now + 3000), 100);
    /* That it was ready once does not count twice.                          */
    CHECK_INT (dividere_restart_ended (restart, now + 9000), 200);
    dividere_restart_destroy (&restart);
    CHECK (!restart);
    dividere_restart_destroy (&restart);
}

/*  Limits at their ends.                                                    */
void
test_restart_intensity (void)
{
    dividere_restart_limits_t limits = {
        .backoff_ms = 50, .backoff_max_ms = 20, .intensity = 2, .period_ms = 100
    };
    dividere_restart_t *restart = dividere_restart_new (&limits);
    CHECK_INT (dividere_restart_ended (restart, 0), 20);
    CHECK_INT (dividere_restart_ended (restart, 60), 20);
    CHECK_INT (dividere_restart_ended (restart, 99), -1);
    CHECK_INT (dividere_restart_count (restart), 2);
    CHECK_INT (dividere_restart_ended (restart, 100), 20);
    CHECK_INT (dividere_restart_ended (restart, 159), -1);
    CHECK_INT (dividere_restart_ended (restart, 160), 20);
    dividere_restart_destroy (&restart);

    limits.intensity = 0;
    restart = dividere_restart_new (&limits);
    CHECK_INT (dividere_restart_ended (restart, 0), -1);
    dividere_restart_destroy (&restart);

    limits = (dividere_restart_limits_t){ .intensity = 1 };
    restart = dividere_restart_new (&limits);
    for (int i = 0; i < 10; i++)
        CHECK_INT (dividere_restart_ended (restart, 7), 0);
    dividere_restart_destroy (&restart);
}

/*  Against a list of all restarts that is searched each time.               */
void
test_restart_model (void)
{
    uint64_t seed = 20;
    for (int round = 0; round < 50; round++) {
        dividere_restart_limits_t limits = {
            .backoff_ms = (int64_t) (selftest_random (&seed) % 50),
            .backoff_max_ms = (int64_t) (selftest_random (&seed) % 500),
            .intensity = (size_t) (selftest_random (&seed) % 8),
            .period_ms = (int64_t) (selftest_random (&seed) % 1000)
        };
        dividere_restart_t *restart = dividere_restart_new (&limits);
        int64_t times[200], now = 0;
        size_t count = 0;
        for (int i = 0; i < 200; i++) {
            now += (int64_t) (selftest_random (&seed) % 200);
            size_t recent = 0;
            for (size_t j = 0; j < count; j++)
                recent += now - times[j] < limits.period_ms;
            int64_t pause = dividere_restart_ended (restart, now);
            CHECK_INT (pause < 0, recent >= limits.intensity);
            CHECK (pause <= limits.backoff_max_ms);
            if (pause >= 0)
                times[count++] = now;
            CHECK_INT (dividere_restart_count (restart), count);
        }
        dividere_restart_destroy (&restart);
    }
}
