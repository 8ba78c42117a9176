/* SPDX-License-Identifier: Apache-2.0 */

/*  The policy of a supervisor, with a clock that the test moves: each step in
 *  words, "+2" starts child 2, "-2" stops it, "!2" gives up its setup, "?2"
 *  leaves it.                                                               */

#include "selftest.h"
#include "supervision.h"

void test_supervision_order (void);
void test_supervision_one_for_one (void);
void test_supervision_one_for_all (void);
void test_supervision_first_start (void);
void test_supervision_limits (void);
void test_supervision_delay (void);
void test_supervision_gives_up (void);

typedef dividere_supervision_t policy_t;

static const dividere_supervision_limits_t s_limits = {
    .count = 3,
    .setup_limit_ms = 1000,
    .stop_limit_ms = 500,
    .restart = { .backoff_ms = 100,
                 .backoff_max_ms = 800,
                 .intensity = 3,
                 .period_ms = 10000 },
};

static policy_t *
s_new (bool all)
{
    dividere_supervision_limits_t limits = s_limits;
    limits.all = all;
    return dividere_supervision_new (&limits);
}

/*  All steps of this moment; what was started is up at once, and what was
 *  stopped has stopped at once, if these are true.                          */
static const char *
s_steps (policy_t *policy, int64_t now, bool up, bool stopped)
{
    static char s_text[200];
    static const char s_signs[] = { 0, '+', '!', '-', '?' };
    size_t length = 0, child = 0;
    dividere_step_t step;
    s_text[0] = 0;
    while ((step = dividere_supervision_next (policy, now, &child)) !=
           DIVIDERE_STEP_NONE) {
        CHECK (length + 4 < sizeof (s_text));
        length += (size_t) snprintf (s_text + length, sizeof (s_text) - length,
                                     "%s%c%zu", length ? " " : "",
                                     s_signs[step], child);
        if (step == DIVIDERE_STEP_START && up)
            dividere_supervision_up (policy, child);
        if (step == DIVIDERE_STEP_STOP && stopped)
            dividere_supervision_stopped (policy, child);
        if (step == DIVIDERE_STEP_FAIL)
            break;
    }
    return s_text;
}

static policy_t *
s_started (bool all)
{
    policy_t *policy = s_new (all);
    CHECK_INT (dividere_supervision_start (policy), 0);
    CHECK_STR (s_steps (policy, 0, true, true), "+0 +1 +2");
    CHECK (dividere_supervision_started (policy));
    return policy;
}

/*  An end that nobody asked for: the restart comes after this delay.        */
static void
s_falls (policy_t *policy, size_t child, int64_t now, int64_t delay)
{
    int64_t given = -1;
    CHECK_INT (dividere_supervision_down (policy, child, false, now, &given),
               DIVIDERE_VERDICT_RESTART);
    CHECK_INT (given, delay);
}

/*  One starts when the one before is up, and stops when the one after has
 *  stopped; each command where it does not fit.                             */
void
test_supervision_order (void)
{
    policy_t *policy = s_new (false);
    CHECK (dividere_supervision_halted (policy));
    CHECK_INT (dividere_supervision_stop (policy), EINVAL);
    CHECK_STR (s_steps (policy, 0, true, true), "");
    CHECK_INT (dividere_supervision_start (policy), 0);
    CHECK_INT (dividere_supervision_start (policy), EALREADY);
    for (size_t i = 0; i < 3; i++) {
        CHECK (!dividere_supervision_started (policy));
        CHECK_STR (s_steps (policy, 0, false, false), i == 0   ? "+0"
                                                      : i == 1 ? "+1"
                                                               : "+2");
        CHECK_INT (dividere_supervision_state (policy, i),
                   DIVIDERE_CHILD_STARTING);
        CHECK_STR (s_steps (policy, 0, false, false), "");
        dividere_supervision_up (policy, i);
    }
    CHECK_STR (s_steps (policy, 0, false, false), "");
    CHECK (dividere_supervision_started (policy));
    CHECK_INT (dividere_supervision_start (policy), EALREADY);
    CHECK_INT (dividere_supervision_stop (policy), 0);
    for (size_t i = 3; i-- > 0;) {
        CHECK (!dividere_supervision_halted (policy));
        CHECK_INT (dividere_supervision_start (policy), EAGAIN);
        CHECK_STR (s_steps (policy, 0, false, false), i == 0   ? "-0"
                                                      : i == 1 ? "-1"
                                                               : "-2");
        CHECK_STR (s_steps (policy, 0, false, false), "");
        dividere_supervision_stopped (policy, i);
    }
    CHECK_STR (s_steps (policy, 0, false, false), "");
    CHECK (dividere_supervision_halted (policy));
    CHECK_INT (dividere_supervision_start (policy), 0);
    CHECK_STR (s_steps (policy, 0, false, false), "+0");
    CHECK_INT (dividere_supervision_stop (policy), 0);
    CHECK_STR (s_steps (policy, 0, false, true), "-0");
    CHECK (dividere_supervision_halted (policy));
    dividere_supervision_destroy (&policy);
    dividere_supervision_destroy (&policy);
}

/*  Each for itself and in its time; a temporary one not at all.             */
void
test_supervision_one_for_one (void)
{
    policy_t *policy = s_started (false);
    dividere_supervision_temporary (policy, 2);
    s_falls (policy, 1, 1000, 100);
    CHECK_INT (dividere_supervision_state (policy, 1), DIVIDERE_CHILD_WAITING);
    CHECK_STR (s_steps (policy, 1099, true, true), "");
    CHECK_INT (dividere_supervision_due (policy), 1100);
    s_falls (policy, 0, 1099, 200);
    CHECK_INT (dividere_supervision_due (policy), 1100);
    CHECK_STR (s_steps (policy, 1100, true, true), "+1");
    CHECK_INT (dividere_supervision_due (policy), 1299);
    int64_t delay = -1;
    CHECK_INT (dividere_supervision_down (policy, 2, false, 1200, &delay),
               DIVIDERE_VERDICT_NONE);
    CHECK_INT (delay, -1);
    CHECK_INT (dividere_supervision_state (policy, 2), DIVIDERE_CHILD_STOPPED);
    CHECK_STR (s_steps (policy, 1299, true, true), "+0");
    CHECK_INT (dividere_supervision_due (policy), -1);
    CHECK_INT (dividere_supervision_child_restarts (policy, 0), 1);
    CHECK_INT (dividere_supervision_child_restarts (policy, 2), 0);
    CHECK_INT (dividere_supervision_restarts (policy), 2);
    /* All have worked for long: the next delay is the first again. One that
       waits is not started by a stop, and not stopped.                      */
    s_falls (policy, 1, 3000, 100);
    CHECK_INT (dividere_supervision_stop (policy), 0);
    CHECK_STR (s_steps (policy, 3000, true, true), "-0");
    CHECK (dividere_supervision_halted (policy));
    CHECK_STR (s_steps (policy, 9999, true, true), "");
    /* A start starts them all.                                              */
    CHECK_INT (dividere_supervision_start (policy), 0);
    CHECK_STR (s_steps (policy, 9999, true, true), "+0 +1 +2");
    dividere_supervision_destroy (&policy);
}

/*  The others stop, the last first; then all start, the first first, but not
 *  before their time and without those that are temporary.                  */
void
test_supervision_one_for_all (void)
{
    policy_t *policy = s_started (true);
    dividere_supervision_temporary (policy, 0);
    s_falls (policy, 1, 1000, 100);
    CHECK_STR (s_steps (policy, 1000, true, false), "-2");
    CHECK_INT (dividere_supervision_start (policy), EALREADY);
    /* It misses the others and ends by itself: that is no second restart.   */
    int64_t delay = -1;
    CHECK_INT (dividere_supervision_down (policy, 0, false, 1010, &delay),
               DIVIDERE_VERDICT_NONE);
    dividere_supervision_stopped (policy, 2);
    CHECK_STR (s_steps (policy, 1020, true, false), "");
    CHECK (!dividere_supervision_halted (policy));
    CHECK_INT (dividere_supervision_due (policy), 1100);
    CHECK_STR (s_steps (policy, 1100, true, true), "+1 +2");
    CHECK_INT (dividere_supervision_restarts (policy), 1);

    /* Another failure on the way up, by a child that is still there.        */
    s_falls (policy, 2, 1200, 200);
    CHECK_STR (s_steps (policy, 1200, true, true), "-1");
    CHECK_STR (s_steps (policy, 1400, false, true), "+1");
    CHECK_INT (dividere_supervision_down (policy, 1, true, 1400, &delay),
               DIVIDERE_VERDICT_RESTART);
    CHECK_INT (delay, 400);
    CHECK_STR (s_steps (policy, 1800, true, true), "");
    CHECK_INT (dividere_supervision_due (policy), 1900);
    dividere_supervision_stopped (policy, 1);
    CHECK_STR (s_steps (policy, 1850, true, true), "+1 +2");
    CHECK_INT (dividere_supervision_child_restarts (policy, 1), 2);
    CHECK_INT (dividere_supervision_child_restarts (policy, 2), 1);
    CHECK_INT (dividere_supervision_stop (policy), 0);
    CHECK_STR (s_steps (policy, 1850, true, true), "-2 -1");
    dividere_supervision_destroy (&policy);
}

/*  Whatever is down before all have been up fails the start.                */
void
test_supervision_first_start (void)
{
    int64_t delay = -1;
    policy_t *policy = s_new (false);
    CHECK_INT (dividere_supervision_start (policy), 0);
    CHECK_STR (s_steps (policy, 0, false, false), "+0");
    dividere_supervision_up (policy, 0);
    CHECK_STR (s_steps (policy, 0, false, false), "+1");
    CHECK_INT (dividere_supervision_down (policy, 1, true, 0, &delay),
               DIVIDERE_VERDICT_FAIL);
    CHECK_STR (s_steps (policy, 0, false, false), "");
    dividere_supervision_stopped (policy, 1);
    CHECK_STR (s_steps (policy, 0, false, true), "-0");
    CHECK (dividere_supervision_halted (policy));
    CHECK_INT (dividere_supervision_restarts (policy), 0);

    /* Of a temporary one too, but not if it did its work and went.          */
    dividere_supervision_temporary (policy, 0);
    CHECK_INT (dividere_supervision_start (policy), 0);
    CHECK_STR (s_steps (policy, 0, false, false), "+0");
    CHECK_INT (dividere_supervision_down (policy, 0, false, 0, &delay),
               DIVIDERE_VERDICT_FAIL);
    CHECK_STR (s_steps (policy, 0, false, true), "");
    CHECK_INT (dividere_supervision_start (policy), 0);
    CHECK_STR (s_steps (policy, 0, false, false), "+0");
    dividere_supervision_up (policy, 0);
    CHECK_INT (dividere_supervision_down (policy, 0, false, 0, &delay),
               DIVIDERE_VERDICT_NONE);
    CHECK_STR (s_steps (policy, 0, true, true), "+1 +2");
    CHECK (dividere_supervision_started (policy));
    CHECK_INT (delay, -1);
    dividere_supervision_destroy (&policy);
}

/*  A setup that takes too long, and an end that does not come.              */
void
test_supervision_limits (void)
{
    int64_t delay = -1;
    policy_t *policy = s_started (false);
    s_falls (policy, 1, 2000, 100);
    CHECK_STR (s_steps (policy, 2100, false, false), "+1");
    CHECK_INT (dividere_supervision_due (policy), 3100);
    CHECK_STR (s_steps (policy, 3099, false, false), "");
    CHECK_STR (s_steps (policy, 3100, false, false), "!1");
    CHECK_INT (dividere_supervision_down (policy, 1, true, 3100, &delay),
               DIVIDERE_VERDICT_RESTART);
    CHECK_INT (delay, 200);
    CHECK_INT (dividere_supervision_due (policy), 3600);
    CHECK_STR (s_steps (policy, 3599, false, false), "");
    CHECK_STR (s_steps (policy, 3600, false, false), "?1 +1");
    /* That was no time of work, so the delay goes on growing.               */
    CHECK_STR (s_steps (policy, 4600, false, false), "!1");
    CHECK_INT (dividere_supervision_down (policy, 1, false, 4600, &delay),
               DIVIDERE_VERDICT_RESTART);
    CHECK_INT (delay, 400);
    CHECK_STR (s_steps (policy, 5000, true, false), "+1");
    CHECK_INT (dividere_supervision_stop (policy), 0);
    CHECK_STR (s_steps (policy, 6000, false, false), "-2");
    CHECK_INT (dividere_supervision_due (policy), 6500);
    CHECK_STR (s_steps (policy, 6500, false, false), "?2 -1");
    CHECK_STR (s_steps (policy, 7000, false, true), "?1 -0");
    CHECK (dividere_supervision_halted (policy));
    dividere_supervision_destroy (&policy);
}

/*  To wait is not to work: the delay does not become short again by it.     */
void
test_supervision_delay (void)
{
    dividere_supervision_limits_t limits = s_limits;
    limits.restart.backoff_ms = 400;
    policy_t *policy = dividere_supervision_new (&limits);
    CHECK_INT (dividere_supervision_start (policy), 0);
    CHECK_STR (s_steps (policy, 0, true, true), "+0 +1 +2");
    s_falls (policy, 0, 0, 400);
    CHECK_STR (s_steps (policy, 0, true, true), "");
    CHECK_STR (s_steps (policy, 400, true, true), "+0");
    s_falls (policy, 0, 400, 800);
    CHECK_STR (s_steps (policy, 400, true, true), "");
    CHECK_STR (s_steps (policy, 1200, true, true), "+0");
    s_falls (policy, 0, 1200, 800);
    dividere_supervision_destroy (&policy);
}

/*  Not so many restarts in so short a time.                                 */
void
test_supervision_gives_up (void)
{
    for (int all = 0; all <= 1; all++) {
        policy_t *policy = s_started (all);
        int64_t now = 1000, delay = 100;
        for (int i = 0; i < 3; i++, delay *= 2) {
            s_falls (policy, 0, now, delay);
            CHECK_STR (s_steps (policy, now, true, true), all ? "-2 -1" : "");
            now += delay;
            CHECK_STR (s_steps (policy, now, true, true),
                       all ? "+0 +1 +2" : "+0");
        }
        int64_t untouched = -1;
        CHECK_INT (dividere_supervision_down (policy, 0, false, now,
                                              &untouched),
                   DIVIDERE_VERDICT_GIVE_UP);
        CHECK_INT (untouched, -1);
        CHECK_STR (s_steps (policy, now, true, true), "-2 -1");
        CHECK (dividere_supervision_halted (policy));
        CHECK_INT (dividere_supervision_due (policy), -1);
        CHECK_INT (dividere_supervision_restarts (policy), 3);
        dividere_supervision_destroy (&policy);
    }
}
