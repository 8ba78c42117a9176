/* SPDX-License-Identifier: Apache-2.0 */

/*  Deadlines, with a clock that is only a number, and compared with a slow
 *  array that is plainly right.                                             */

#include "selftest.h"
#include "deadlines.h"

void test_deadlines_order (void);
void test_deadlines_term (void);
void test_deadlines_model (void);

static void
s_check_due (dividere_deadlines_t *self, int64_t now_ms,
             const dividere_deadline_t *expected)
{
    CHECK (dividere_deadlines_due (self, now_ms) == expected);
    CHECK (!expected || expected->index == 0);
}

void
test_deadlines_order (void)
{
    dividere_deadlines_t deadlines;
    dividere_deadline_t a = { 0 }, b = { 0 }, c = { 0 };
    dividere_deadlines_init (&deadlines);
    CHECK_INT (dividere_deadlines_next (&deadlines), -1);
    s_check_due (&deadlines, INT64_MAX, NULL);

    dividere_deadlines_set (&deadlines, &a, 30);
    dividere_deadlines_set (&deadlines, &b, 10);
    dividere_deadlines_set (&deadlines, &c, 20);
    CHECK_INT (dividere_deadlines_next (&deadlines), 10);
    s_check_due (&deadlines, 9, NULL);
    s_check_due (&deadlines, 10, &b);
    s_check_due (&deadlines, 10, NULL);

    /* Moved both ways, and to none.                                         */
    dividere_deadlines_set (&deadlines, &a, 15);
    CHECK_INT (dividere_deadlines_next (&deadlines), 15);
    dividere_deadlines_set (&deadlines, &a, INT64_MAX);
    CHECK_INT (dividere_deadlines_next (&deadlines), 20);
    dividere_deadlines_set (&deadlines, &c, -1);
    CHECK_INT (c.index, 0);
    CHECK_INT (dividere_deadlines_next (&deadlines), INT64_MAX);

    /* What is not there may be removed, and added again.                    */
    dividere_deadlines_remove (&deadlines, &c);
    dividere_deadlines_set (&deadlines, &c, -7);
    CHECK_INT (deadlines.count, 1);
    dividere_deadlines_set (&deadlines, &b, 0);
    s_check_due (&deadlines, 0, &b);
    s_check_due (&deadlines, INT64_MAX, &a);
    CHECK_INT (dividere_deadlines_next (&deadlines), -1);
    dividere_deadlines_term (&deadlines);
}

/*  Who is still there is as if removed, and may go into another.            */
void
test_deadlines_term (void)
{
    dividere_deadlines_t deadlines;
    dividere_deadline_t all[200] = { { 0 } };
    dividere_deadlines_init (&deadlines);
    for (size_t i = 0; i < 200; i++)
        dividere_deadlines_set (&deadlines, &all[i], (int64_t) (i * 7 % 200));
    for (int64_t now_ms = 0; now_ms < 100; now_ms++) {
        dividere_deadline_t *due = dividere_deadlines_due (&deadlines, now_ms);
        CHECK (due);
        CHECK_INT (due->at_ms, now_ms);
    }
    CHECK_INT (deadlines.count, 100);
    dividere_deadlines_term (&deadlines);
    CHECK_INT (dividere_deadlines_next (&deadlines), -1);
    for (size_t i = 0; i < 200; i++)
        CHECK_INT (all[i].index, 0);
    dividere_deadlines_set (&deadlines, &all[0], 1);
    CHECK_INT (dividere_deadlines_next (&deadlines), 1);
    dividere_deadlines_term (&deadlines);
    dividere_deadlines_term (&deadlines);
}

#define OBJECTS 200
#define EVENTS  1000000

/*  The times of all of them; -1: none.                                      */
static int64_t
s_model_next (const int64_t *times)
{
    int64_t next = -1;
    for (size_t i = 0; i < OBJECTS; i++)
        if (times[i] >= 0 && (next < 0 || times[i] < next))
            next = times[i];
    return next;
}

static void
s_model_expire (dividere_deadlines_t *deadlines, dividere_deadline_t *all,
                int64_t *times, int64_t now_ms)
{
    dividere_deadline_t *due;
    while ((due = dividere_deadlines_due (deadlines, now_ms))) {
        size_t which = (size_t) (due - all);
        CHECK_INT (due->at_ms, times[which]);
        CHECK_INT (due->at_ms, s_model_next (times));
        CHECK (due->at_ms <= now_ms);
        times[which] = -1;
    }
}

void
test_deadlines_model (void)
{
    static dividere_deadline_t s_all[OBJECTS];
    static int64_t s_times[OBJECTS];
    dividere_deadlines_t deadlines;
    uint64_t seed = 1;
    int64_t now_ms = 0;
    dividere_deadlines_init (&deadlines);
    for (size_t i = 0; i < OBJECTS; i++)
        s_times[i] = -1;
    size_t events = selftest_scaled (EVENTS), most = 0;
    for (size_t i = 0; i < events; i++) {
        size_t which = selftest_random (&seed) % OBJECTS;
        uint64_t dice = selftest_random (&seed) % 16;
        if (dice < 10) {
            s_times[which] =
                now_ms + (int64_t) (selftest_random (&seed) % 300) - 5;
            dividere_deadlines_set (&deadlines, &s_all[which], s_times[which]);
            if (s_times[which] < 0)
                s_times[which] = -1;
        }
        else if (dice < 14) {
            s_times[which] = -1;
            dividere_deadlines_remove (&deadlines, &s_all[which]);
        }
        else
            s_model_expire (&deadlines, s_all, s_times, now_ms += 3);
        CHECK_INT (s_all[which].index != 0, s_times[which] >= 0);
        CHECK_INT (dividere_deadlines_next (&deadlines),
                   s_model_next (s_times));
        most = deadlines.count > most ? deadlines.count : most;
    }
    selftest_note ("%zu events, at most %zu at a time", events, most);
    dividere_deadlines_term (&deadlines);
}
