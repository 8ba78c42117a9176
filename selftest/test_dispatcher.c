/* SPDX-License-Identifier: Apache-2.0 */

/*  The broker's core: what becomes of each request, whoever dies.           */

#include "selftest.h"
#include "dispatched.h"

void test_dispatcher_hands_out (void);
void test_dispatcher_least_recent (void);
void test_dispatcher_credit (void);
void test_dispatcher_waits (void);
void test_dispatcher_limits (void);
void test_dispatcher_deadlines (void);
void test_dispatcher_requeues (void);
void test_dispatcher_strict (void);
void test_dispatcher_returned (void);
void test_dispatcher_joins (void);
void test_dispatcher_strays (void);
void test_dispatcher_services (void);
void test_dispatcher_gives_up (void);
void test_dispatcher_pauses (void);

#define TO_WORKER(self, text) CHECK_STR (dispatched_to_worker (self), text)
#define TO_CLIENT(self, text) CHECK_STR (dispatched_to_client (self), text)

/*  A worker of each dialect, and clients that say much or nothing.          */
void
test_dispatcher_hands_out (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_sign (self, "bob", "01");
    TO_WORKER (self, "");
    dispatched_ask (self, "c1", "hello");
    TO_WORKER (self, "bob c1 - hello");
    dispatched_reply (self, "bob", "c1 - olleh");
    TO_CLIENT (self, "c1 - olleh");

    dispatched_ask_extended (self, "c2", 7, "hello", NULL);
    TO_WORKER (self, "bob c2 <7> - hello");
    dispatched_sign (self, "tim", "alive");
    TO_WORKER (self, "");
    dispatched_ask (self, "c1", "again");
    TO_WORKER (self, "tim c1 - again");

    dispatched_register (self, "cat", 1, 1, "");
    TO_WORKER (self, "cat alive:1");
    dispatched_ask (self, "c1", "third");
    TO_WORKER (self, "cat <+3> c1 - third");
    dispatched_reply (self, "tim", "c1 - niaga");
    TO_CLIENT (self, "c1 - niaga");
    CHECK_INT (dispatched_counts (self)->replied, 2);
    CHECK_INT (dispatched_counts (self)->latency.total, 2);
    /* Of the two that are under way one client is told.                     */
    CHECK_INT (dispatched_destroy (&self), 1);
}

void
test_dispatcher_least_recent (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_sign (self, "a", "01");
    dispatched_sign (self, "b", "01");
    dispatched_sign (self, "c", "01");
    dispatched_ask (self, "x", "1");
    TO_WORKER (self, "a x - 1");
    dispatched_reply (self, "a", "x - 1");
    /* A sign of life is no use.                                             */
    dispatched_sign (self, "b", "02");
    dispatched_ask (self, "x", "2");
    TO_WORKER (self, "b x - 2");
    dispatched_ask (self, "x", "3");
    TO_WORKER (self, "c x - 3");
    dispatched_ask (self, "x", "4");
    TO_WORKER (self, "a x - 4");
    dispatched_ask (self, "x", "5");
    TO_WORKER (self, "");
    dispatched_reply (self, "c", "x - 3");
    TO_WORKER (self, "c x - 5");
    dispatched_destroy (&self);
}

/*  Those who would begin at once come before those who would let it wait.   */
void
test_dispatcher_credit (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_register (self, "a", 1, 3, "");
    dispatched_register (self, "b", 2, 2, "");
    dispatched_forget (self);
    for (uint64_t i = 1; i <= 6; i++)
        dispatched_ask_extended (self, "x", i, "p", NULL);
    TO_WORKER (self, "a x <1> - p");
    TO_WORKER (self, "b x <2> - p");
    TO_WORKER (self, "b x <3> - p");
    TO_WORKER (self, "a x <4> - p");
    TO_WORKER (self, "a x <5> - p");
    TO_WORKER (self, "");
    dispatched_reply (self, "a", "x <4> - q");
    TO_CLIENT (self, "x <4> - q");
    TO_WORKER (self, "a x <6> - p");
    dispatched_destroy (&self);
}

void
test_dispatcher_waits (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_ask (self, "x", "1");
    dispatched_ask_extended (self, "y", 2, "2", NULL);
    dispatched_ask (self, "z", "3");
    TO_WORKER (self, "");
    CHECK_INT (dividere_dispatcher_left (dispatched_dispatcher (self)), 3);
    dispatched_register (self, "w", 1, 2, "");
    TO_WORKER (self, "w alive:1");
    TO_WORKER (self, "w <+1> x - 1");
    TO_WORKER (self, "w y <2> - 2");
    TO_WORKER (self, "");
    dispatched_reply (self, "w", "y <2> - two");
    TO_CLIENT (self, "y <2> - two");
    TO_WORKER (self, "w <+2> z - 3");
    dispatched_destroy (&self);
}

void
test_dispatcher_limits (void)
{
    dispatched_t *self = dispatched_new ();
    /* What nobody serves may fill half of the room.                         */
    dispatched_limits (self)->requests.pending_max = 4;
    dispatched_ask (self, "x", "1");
    dispatched_ask_extended (self, "y", 2, "2", NULL);
    dispatched_ask_extended (self, "y", 3, "3", NULL);
    TO_CLIENT (self, "y <3:BUSY> - the broker has no room for more requests");
    dispatched_ask (self, "x", "4");
    TO_CLIENT (self, "");
    CHECK_INT (dispatched_counts (self)->errors[DIVIDERE_STATUS_BUSY], 2);
    CHECK_INT (dispatched_counts (self)->silent, 1);
    dispatched_limits (self)->requests.pending_max = 100;
    dispatched_limits (self)->requests.bytes_max = 2000;
    char *large = (char *) malloc (2001);
    memset (large, 'x', 2000);
    large[2000] = 0;
    dispatched_ask_extended (self, "y", 5, large, NULL);
    TO_CLIENT (self, "y <5:BUSY> - the broker has no room for more requests");
    free (large);
    /* What a worker takes at once needs no room.                            */
    dispatched_limits (self)->requests.pending_max = 0;
    dispatched_register (self, "w", 10, 10, "");
    dispatched_forget (self);
    dispatched_ask_extended (self, "y", 6, "6", NULL);
    TO_WORKER (self, "w y <6> - 6");
    CHECK_INT (dispatched_destroy (&self), 1);
}

void
test_dispatcher_deadlines (void)
{
    dispatched_t *self = dispatched_new ();
    dividere_extension_t soon = { .left_ms = 500, .attempt = 1 };
    dividere_extension_t over = { .left_ms = 0, .attempt = 1 };
    dispatched_ask_extended (self, "y", 1, "1", &soon);
    dispatched_ask_extended (self, "y", 2, "2", NULL);
    dispatched_ask (self, "x", "3");
    dispatched_ask_extended (self, "y", 4, "4", &over);
    TO_CLIENT (self, "y <4:EXPIRED> - the deadline has passed");
    dispatched_pass (self, 499);
    TO_CLIENT (self, "");
    dispatched_pass (self, 1);
    TO_CLIENT (self, "y <1:EXPIRED> - the deadline has passed");
    dispatched_pass (self, 30000);
    TO_CLIENT (self, "y <2:NO_WORKER> - nobody serves this service");
    TO_CLIENT (self, "");
    CHECK_INT (dispatched_counts (self)->silent, 1);

    /* Out with a worker: the client is told, and the late reply is not its. */
    dispatched_sign (self, "w", "01");
    dispatched_ask_extended (self, "y", 5, "5", &soon);
    TO_WORKER (self, "w y <5> - 5");
    dispatched_pass (self, 500);
    TO_CLIENT (self, "y <5:EXPIRED> - the deadline has passed");
    CHECK_INT (dividere_dispatcher_left (dispatched_dispatcher (self)), 0);
    dispatched_ask_extended (self, "y", 6, "6", NULL);
    TO_WORKER (self, "");
    dispatched_destroy (&self);
}

void
test_dispatcher_requeues (void)
{
    dispatched_t *self = dispatched_new ();
    dividere_extension_t once = { .left_ms = DIVIDERE_EXTENSION_NO_DEADLINE,
                                  .requeues = 1,
                                  .attempt = 1 };
    dispatched_register (self, "a", 3, 3, "");
    dispatched_forget (self);
    dispatched_ask_extended (self, "x", 1, "1", NULL);
    dispatched_ask_extended (self, "x", 2, "2", &once);
    dispatched_ask (self, "z", "3");
    dispatched_ask_extended (self, "x", 4, "4", NULL);
    dispatched_forget (self);
    /* It is gone, which a sign of life to it shows; their order stays.      */
    dispatched_cut (self, "a", EHOSTUNREACH);
    dispatched_pass (self, 1000);
    CHECK_INT (dispatched_counts (self)->workers_lost, 1);
    CHECK_INT (dispatched_counts (self)->requeued, 3);
    dispatched_register (self, "b", 4, 4, "");
    TO_WORKER (self, "b alive:2");
    TO_WORKER (self, "b x <1> - 1");
    TO_WORKER (self, "b x <2> - 2");
    TO_WORKER (self, "b <+1> z - 3");
    TO_WORKER (self, "b x <4> - 4");
    /* This one is silent for three intervals.                               */
    dispatched_forget (self);
    dispatched_pass (self, 2999);
    TO_CLIENT (self, "");
    dispatched_pass (self, 1);
    TO_CLIENT (self, "x <2:WORKER_LOST> - the worker was lost with it");
    TO_CLIENT (self, "");
    CHECK_INT (dispatched_counts (self)->workers_lost, 2);
    CHECK_INT (dividere_dispatcher_left (dispatched_dispatcher (self)), 3);
    dispatched_destroy (&self);
}

void
test_dispatcher_strict (void)
{
    dispatched_t *self = dispatched_new ();
    dividere_extension_t strict = { .left_ms = DIVIDERE_EXTENSION_NO_DEADLINE,
                                    .requeues = DIVIDERE_EXTENSION_ANY_REQUEUE,
                                    .flags = DIVIDERE_EXTENSION_STRICT,
                                    .attempt = 1 };
    dispatched_register (self, "a", 1, 1, "");
    dispatched_ask_extended (self, "x", 1, "1", &strict);
    dispatched_ask_extended (self, "x", 2, "2", &strict);
    dispatched_forget (self);
    dispatched_register (self, "a", 1, 1, "");
    TO_CLIENT (self, "x <1:UNKNOWN> - the worker was lost with it, and it may "
                     "have been executed");
    TO_WORKER (self, "a alive:2");
    TO_WORKER (self, "a x <2> - 2");
    /* Given back unexecuted, it may go to another.                          */
    dispatched_reply (self, "a", "x <2:RETURNED> - -");
    TO_WORKER (self, "");
    dividere_heartbeat_t alive = { .version = 1, .parallel = 1, .credit = 1 };
    dispatched_beat (self, "a", &alive, NULL, 0);
    TO_WORKER (self, "a x <2> - 2");
    TO_CLIENT (self, "");
    dispatched_destroy (&self);
}

void
test_dispatcher_returned (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_register (self, "a", 2, 2, "");
    dispatched_ask_extended (self, "x", 1, "1", NULL);
    dispatched_ask_extended (self, "x", 2, "2", NULL);
    dispatched_forget (self);
    /* It says goodbye: it is told so, gives one back and finishes the other. */
    dividere_heartbeat_t leave = {
        .version = 1, .parallel = 2, .credit = 2, .draining = true
    };
    dispatched_beat (self, "a", &leave, NULL, 0);
    TO_WORKER (self, "a leave:2");
    dispatched_ask_extended (self, "x", 3, "3", NULL);
    dispatched_reply (self, "a", "x <2:RETURNED> - -");
    dispatched_reply (self, "a", "x <1> - one");
    TO_CLIENT (self, "x <1> - one");
    TO_WORKER (self, "");
    dispatched_register (self, "b", 1, 2, "");
    TO_WORKER (self, "b alive:1");
    TO_WORKER (self, "b x <2> - 2");
    TO_WORKER (self, "b x <3> - 3");
    dispatched_cut (self, "a", EHOSTUNREACH);
    dispatched_pass (self, 1000);
    CHECK_INT (dispatched_counts (self)->workers_lost, 0);
    /* Who leaves a broker that does not know it is answered, too.           */
    dispatched_forget (self);
    dispatched_beat (self, "c", &leave, NULL, 0);
    TO_WORKER (self, "c leave:0");
    dispatched_destroy (&self);
}

/*  A client asks again for what is here already.                            */
void
test_dispatcher_joins (void)
{
    dispatched_t *self = dispatched_new ();
    dividere_extension_t soon = { .left_ms = 500, .attempt = 1 };
    dividere_extension_t again = { .left_ms = 800, .attempt = 2 };
    dispatched_ask_extended (self, "x", 1, "1", &soon);
    dispatched_ask_extended (self, "x", 1, "1", &again);
    CHECK_INT (dispatched_counts (self)->joined, 1);
    dispatched_pass (self, 700);
    TO_CLIENT (self, "");
    dispatched_register (self, "w", 1, 1, "");
    dispatched_ask_extended (self, "x", 1, "1", &again);
    TO_WORKER (self, "w alive:1");
    TO_WORKER (self, "w x <1> - 1");
    TO_WORKER (self, "");
    /* It comes by another way: there the reply goes.                        */
    dispatched_ask_extended (self, "xx", 1, "1", &again);
    TO_WORKER (self, "");
    dispatched_reply (self, "w", "x <1> - one");
    TO_CLIENT (self, "xx <1> - one");
    TO_CLIENT (self, "");
    CHECK_INT (dispatched_counts (self)->joined, 3);
    CHECK_INT (dividere_dispatcher_left (dispatched_dispatcher (self)), 0);
    dispatched_destroy (&self);
}

void
test_dispatcher_strays (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_register (self, "a", 1, 1, "");
    dispatched_sign (self, "b", "01");
    dispatched_ask_extended (self, "x", 1, "1", NULL);
    dispatched_ask (self, "y", "2");
    dispatched_forget (self);
    dispatched_reply (self, "a", "y - 2");     /* not what it was asked      */
    dispatched_reply (self, "b", "x <1> - 1"); /* what another was asked     */
    dispatched_reply (self, "b", "y - - 2");   /* nearly                     */
    dispatched_reply (self, "c", "x <1> - 1"); /* who is that?               */
    dispatched_reply (self, "a", "x <2> - 1"); /* nobody was asked that      */
    TO_CLIENT (self, "");
    CHECK_INT (dispatched_counts (self)->stray, 5);
    dispatched_reply (self, "a", "x <1> - 1");
    dispatched_reply (self, "b", "y - 2");
    dispatched_reply (self, "a", "x <1> - 1");
    dispatched_reply (self, "b", "y - 2");
    TO_CLIENT (self, "x <1> - 1");
    TO_CLIENT (self, "y - 2");
    TO_CLIENT (self, "");
    CHECK_INT (dispatched_counts (self)->stray, 7);
    CHECK_INT (dispatched_counts (self)->replied, 2);
    dispatched_destroy (&self);
}

void
test_dispatcher_services (void)
{
    dispatched_t *self = dispatched_new ();
    dividere_extension_t primes = { .left_ms = DIVIDERE_EXTENSION_NO_DEADLINE,
                                    .attempt = 1,
                                    .service = "primes",
                                    .service_size = 6 };
    dispatched_register (self, "a", 1, 1, "");
    dispatched_register (self, "b", 1, 1, "primes");
    dispatched_forget (self);
    dispatched_ask_extended (self, "x", 1, "1", &primes);
    dispatched_ask_extended (self, "x", 2, "2", &primes);
    TO_WORKER (self, "b x <1> - 1");
    TO_WORKER (self, "");
    dispatched_ask_extended (self, "x", 3, "3", NULL);
    TO_WORKER (self, "a x <3> - 3");
    const dividere_lane_t *lane =
        dividere_dispatcher_lanes (dispatched_dispatcher (self));
    CHECK_STR (lane->name, "");
    CHECK_STR (lane->next->name, "primes");
    CHECK_INT (lane->next->waiting.count, 1);
    /* A worker may change its mind.                                         */
    dispatched_reply (self, "a", "x <3> - three");
    dispatched_register (self, "a", 1, 1, "primes");
    TO_WORKER (self, "a alive:2");
    TO_WORKER (self, "a x <2> - 2");
    /* A name that nobody uses is forgotten.                                 */
    dispatched_register (self, "a", 1, 1, "");
    dispatched_cut (self, "b", EHOSTUNREACH);
    dispatched_reply (self, "b", "x <1> - one");
    dispatched_pass (self, 40000);
    lane = dividere_dispatcher_lanes (dispatched_dispatcher (self));
    CHECK (!lane->next);
    dispatched_destroy (&self);
}

/*  The broker ends: whoever can be told is told.                            */
void
test_dispatcher_gives_up (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_register (self, "a", 1, 1, "");
    dispatched_ask_extended (self, "x", 1, "1", NULL);
    dispatched_ask_extended (self, "x", 2, "2", NULL);
    dividere_dispatcher_drain (dispatched_dispatcher (self));
    dispatched_ask_extended (self, "x", 3, "3", NULL);
    TO_CLIENT (self, "x <3:BUSY> - the broker has no room for more requests");
    CHECK_INT (dividere_dispatcher_left (dispatched_dispatcher (self)), 2);
    CHECK_INT (dispatched_destroy (&self), 0);
}

void
test_dispatcher_pauses (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_register (self, "a", 1, 5, "");
    dispatched_forget (self);
    dividere_dispatcher_pause (dispatched_dispatcher (self), true, 0);
    dispatched_ask_extended (self, "x", 1, "1", NULL);
    dispatched_ask_extended (self, "x", 2, "2", NULL);
    TO_WORKER (self, "");
    dividere_dispatcher_pause (dispatched_dispatcher (self), false, 2000000);
    TO_WORKER (self, "a x <1> - 1");
    TO_WORKER (self, "a x <2> - 2");
    CHECK_INT (dividere_dispatcher_drain_worker (dispatched_dispatcher (self),
                                                 "a", 1),
               0);
    CHECK_FAILS (dividere_dispatcher_drain_worker (dispatched_dispatcher (self),
                                                   "b", 1),
                 ENOENT);
    dispatched_ask_extended (self, "x", 3, "3", NULL);
    TO_WORKER (self, "");
    dispatched_register (self, "a", 1, 5, "");
    TO_WORKER (self, "a alive:2");
    dispatched_destroy (&self);
}
