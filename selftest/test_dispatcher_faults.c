/* SPDX-License-Identifier: Apache-2.0 */

/*  What once went wrong, or nearly, in the broker's core.                   */

#include "selftest.h"
#include "dispatched.h"

void test_dispatcher_other_service (void);
void test_dispatcher_old_answer (void);
void test_dispatcher_late_python (void);
void test_dispatcher_moved_client (void);
void test_dispatcher_kept_status (void);
void test_dispatcher_stalled (void);
void test_dispatcher_shorter_interval (void);
void test_dispatcher_joined_payload (void);
void test_dispatcher_never_younger (void);
void test_dispatcher_due_at_once (void);
void test_dispatcher_unserved (void);
void test_dispatcher_same_name (void);
void test_dispatcher_begins_anew (void);
void test_dispatcher_late_signs (void);
void test_dispatcher_slow_link (void);
void test_dispatcher_no_reply (void);
void test_dispatcher_not_for_workers (void);

#define TO_WORKER(self, text) CHECK_STR (dispatched_to_worker (self), text)
#define TO_CLIENT(self, text) CHECK_STR (dispatched_to_client (self), text)

static const dividere_extension_t s_plain = {
    .left_ms = DIVIDERE_EXTENSION_NO_DEADLINE,
    .requeues = DIVIDERE_EXTENSION_ANY_REQUEUE,
    .attempt = 1,
};

/*  A worker that changes its service does not take requests along.          */
void
test_dispatcher_other_service (void)
{
    dispatched_t *self = dispatched_new ();
    dividere_extension_t pay = s_plain;
    pay.service = "pay";
    pay.service_size = 3;
    dispatched_register (self, "w", 1, 1, "pay");
    dispatched_ask_extended (self, "x", 1, "1", &pay);
    dispatched_forget (self);
    dispatched_register (self, "w", 1, 1, "log");
    TO_WORKER (self, "w alive:2");
    TO_WORKER (self, "");
    dispatched_register (self, "v", 1, 1, "pay");
    TO_WORKER (self, "v alive:1");
    TO_WORKER (self, "v x <1> - 1");
    dispatched_destroy (&self);
}

/*  Answers that were under way to a worker's entry before it was lost, and ones
 *  to heartbeats that there never were.                                     */
void
test_dispatcher_old_answer (void)
{
    dispatched_t *self = dispatched_new ();
    dividere_heartbeat_t answer = { .version = 1, .parallel = 1, .credit = 1 };
    dividere_extension_t strict = s_plain;
    strict.flags = DIVIDERE_EXTENSION_STRICT;
    dispatched_register (self, "w", 1, 1, "");
    dispatched_pass (self, 3000);
    CHECK_INT (dispatched_counts (self)->workers_lost, 1);
    answer.number = 2;
    dispatched_beat (self, "w", &answer, NULL, 0);
    dispatched_forget (self);
    dispatched_ask_extended (self, "x", 1, "1", &strict);
    TO_WORKER (self, "w x <1> - 1");
    answer.number = 3;
    dispatched_beat (self, "w", &answer, NULL, 0);
    answer.number = 1000;
    dispatched_beat (self, "w", &answer, NULL, 0);
    TO_CLIENT (self, "");
    dispatched_reply (self, "w", "x <1> - one");
    TO_CLIENT (self, "x <1> - one");
    dispatched_destroy (&self);
}

/*  Its reply comes when its client has been told that the time is over: it is
 *  free again, and the reply is nobody's.                                    */
void
test_dispatcher_late_python (void)
{
    dispatched_t *self = dispatched_new ();
    dividere_extension_t soon = s_plain;
    soon.left_ms = 500;
    dispatched_sign (self, "w", "01");
    dispatched_ask_extended (self, "x", 1, "1", &soon);
    dispatched_ask_extended (self, "x", 2, "2", NULL);
    TO_WORKER (self, "w x <1> - 1");
    dispatched_pass (self, 500);
    TO_CLIENT (self, "x <1:EXPIRED> - the deadline has passed");
    dispatched_reply (self, "w", "x <1> - one");
    TO_CLIENT (self, "");
    TO_WORKER (self, "w x <2> - 2");
    /* The client asks again while the worker is still at it.                */
    dispatched_reply (self, "w", "x <2> - two");
    TO_CLIENT (self, "x <2> - two");
    dispatched_ask_extended (self, "x", 3, "3", &soon);
    dispatched_pass (self, 500);
    dispatched_forget (self);
    dispatched_ask_extended (self, "x", 3, "3", NULL);
    dispatched_reply (self, "w", "x <3> - three");
    TO_CLIENT (self, "x <3> - three");
    dispatched_destroy (&self);
}

/*  ... and by another way than before.                                      */
void
test_dispatcher_moved_client (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_sign (self, "w", "alive");
    dispatched_ask_extended (self, "x", 1, "1", NULL);
    dispatched_ask_extended (self, "moved", 1, "1", NULL);
    TO_WORKER (self, "w x <1> - 1");
    TO_WORKER (self, "");
    dispatched_reply (self, "w", "x <1> - one");
    TO_CLIENT (self, "moved <1> - one");
    dispatched_destroy (&self);
}

/*  What a client was told does not go out with the request.                 */
void
test_dispatcher_kept_status (void)
{
    dispatched_t *self = dispatched_new ();
    dividere_extension_t soon = s_plain;
    soon.left_ms = 500;
    dispatched_register (self, "a", 1, 1, "");
    dispatched_ask_extended (self, "x", 1, "1", &soon);
    dispatched_pass (self, 500);
    TO_CLIENT (self, "x <1:EXPIRED> - the deadline has passed");
    dispatched_ask_extended (self, "x", 1, "1", NULL);
    dispatched_forget (self);
    dispatched_register (self, "a", 1, 1, "");
    TO_WORKER (self, "a alive:2");
    TO_WORKER (self, "a x <1> - 1");
    dispatched_destroy (&self);
}

/*  The broker itself did not run: nobody was silent but the broker.         */
void
test_dispatcher_stalled (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_register (self, "w", 1, 1, "");
    dispatched_pass (self, 1000);
    dispatched_stall (self, 10000);
    CHECK_INT (dispatched_counts (self)->workers_lost, 0);
    dispatched_pass (self, 2999);
    CHECK_INT (dispatched_counts (self)->workers_lost, 0);
    dispatched_pass (self, 1);
    CHECK_INT (dispatched_counts (self)->workers_lost, 1);
    dispatched_destroy (&self);
}

void
test_dispatcher_shorter_interval (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_register (self, "w", 1, 1, "");
    dispatched_pass (self, 900);
    dispatched_limits (self)->heartbeat_ms = 100;
    dispatched_pass (self, 0);
    CHECK_INT (dispatched_counts (self)->workers_lost, 0);
    dispatched_pass (self, 299);
    CHECK_INT (dispatched_counts (self)->workers_lost, 0);
    dispatched_pass (self, 1);
    CHECK_INT (dispatched_counts (self)->workers_lost, 1);
    dispatched_destroy (&self);
}

/*  Asking again by another way brings no more bytes in.                     */
void
test_dispatcher_joined_payload (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_ask_extended (self, "x", 1, "small", NULL);
    const dividere_requests_t *requests =
        dividere_dispatcher_requests (dispatched_dispatcher (self));
    size_t bytes = requests->bytes;
    char large[10001];
    memset (large, 'x', sizeof (large));
    large[10000] = 0;
    dispatched_ask_extended (self, "y", 1, large, NULL);
    CHECK (requests->bytes <= bytes);
    dispatched_register (self, "w", 1, 1, "");
    TO_WORKER (self, "w alive:1");
    TO_WORKER (self, "w y <1> - small");
    dispatched_destroy (&self);
}

/*  Asking again and again does not make a request wait for ever.            */
void
test_dispatcher_never_younger (void)
{
    dispatched_t *self = dispatched_new ();
    for (int i = 0; i < 6; i++) {
        dispatched_ask_extended (self, "x", 1, "1", NULL);
        dispatched_pass (self, 5000);
    }
    TO_CLIENT (self, "x <1:NO_WORKER> - nobody serves this service");
    dispatched_destroy (&self);
}

/*  More are due at once than one tick ends: none of them is handed out.     */
void
test_dispatcher_due_at_once (void)
{
    dispatched_t *self = dispatched_new ();
    dividere_extension_t soon = s_plain;
    soon.left_ms = 500;
    dispatched_limits (self)->requests.pending_max = 10000;
    dispatched_limits (self)->requests.bytes_max = 100000000;
    for (uint64_t i = 1; i <= 3000; i++)
        dispatched_ask_extended (self, "x", i, "1", &soon);
    dispatched_stall (self, 500);
    CHECK_INT (dispatched_counts (self)->errors[DIVIDERE_STATUS_EXPIRED], 1000);
    dispatched_sign (self, "w", "01");
    TO_WORKER (self, "");
    CHECK_INT (dispatched_counts (self)->errors[DIVIDERE_STATUS_EXPIRED], 3000);
    dispatched_destroy (&self);
}

/*  A flood for what nobody serves leaves room for the others.                */
void
test_dispatcher_unserved (void)
{
    dispatched_t *self = dispatched_new ();
    dividere_extension_t nobody = s_plain;
    nobody.service = "nobody";
    nobody.service_size = 6;
    dispatched_register (self, "w", 1, 1, "");
    for (uint64_t i = 1; i <= 100; i++)
        dispatched_ask_extended (self, "x", i, "1", &nobody);
    CHECK_INT (dispatched_counts (self)->errors[DIVIDERE_STATUS_BUSY], 50);
    for (uint64_t i = 201; i <= 251; i++)
        dispatched_ask_extended (self, "x", i, "1", NULL);
    CHECK_INT (dispatched_counts (self)->errors[DIVIDERE_STATUS_BUSY], 50);
    dispatched_destroy (&self);
}

/*  One of another dialect has the name of a worker now.                     */
void
test_dispatcher_same_name (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_register (self, "w", 1, 3, "");
    dispatched_ask_extended (self, "x", 1, "1", NULL);
    dispatched_ask_extended (self, "x", 2, "2", NULL);
    dispatched_forget (self);
    dispatched_sign (self, "w", "01");
    TO_WORKER (self, "w x <1> - 1");
    TO_WORKER (self, "");
    dispatched_reply (self, "w", "x <1> - one");
    TO_WORKER (self, "w x <2> - 2");
    dispatched_sign (self, "w", "alive");
    TO_WORKER (self, "w x <2> - 2");
    TO_WORKER (self, "");
    dispatched_register (self, "w", 1, 3, "");
    TO_WORKER (self, "w alive:2");
    TO_WORKER (self, "w x <2> - 2");
    CHECK_INT (dispatched_counts (self)->workers_lost, 3);
    dispatched_destroy (&self);
}

/*  A worker of the bytes dialect that registers while it is busy was started
 *  again.                                                                    */
void
test_dispatcher_begins_anew (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_sign (self, "w", "01");
    dispatched_ask (self, "x", "1");
    TO_WORKER (self, "w x - 1");
    dispatched_sign (self, "w", "01");
    TO_WORKER (self, "w x - 1");
    CHECK_INT (dispatched_counts (self)->requeued, 1);
    dispatched_destroy (&self);
}

/*  The link of a worker in Python stood still for so long that it was given up,
 *  and then come all the signs that it has sent: the first registers it, and
 *  the others have left it before the request that it is handed now.        */
static void
s_check_late_signs (const char *sign)
{
    dispatched_t *self = dispatched_new ();
    dispatched_sign (self, "w", sign);
    dispatched_ask_extended (self, "x", 1, "1", NULL);
    TO_WORKER (self, "w x <1> - 1");
    for (int i = 0; i < 20; i++)
        dispatched_sign (self, "w", sign);
    TO_CLIENT (self, "");
    dispatched_reply (self, "w", "x <1> - one");
    TO_CLIENT (self, "x <1> - one");
    dispatched_destroy (&self);
}

void
test_dispatcher_late_signs (void)
{
    s_check_late_signs ("02");
    s_check_late_signs ("alive");
}

/*  The link to a worker in Python stands still: it has neither the request nor
 *  any heartbeat, and sends signs of its own.                               */
void
test_dispatcher_slow_link (void)
{
    for (int phase = 0; phase < 1000; phase += 50) {
        dispatched_t *self = dispatched_new ();
        dispatched_sign (self, "w", "alive");
        dispatched_pass (self, phase);
        dispatched_ask_extended (self, "x", 1, "1", NULL);
        for (int i = 0; i < 100; i++) {
            dispatched_pass (self, 1500);
            dispatched_sign (self, "w", "alive");
        }
        TO_CLIENT (self, "");
        dispatched_reply (self, "w", "x <1> - one");
        TO_CLIENT (self, "x <1> - one");
        dispatched_destroy (&self);
    }
}

/*  Its handler has ended without a reply, and it says that it lives.         */
void
test_dispatcher_no_reply (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_sign (self, "w", "alive");
    dispatched_ask_extended (self, "x", 1, "1", NULL);
    for (int i = 0; i < 4; i++) {
        dispatched_pass (self, 1000);
        dispatched_sign (self, "w", "alive");
    }
    TO_CLIENT (self, "");
    dispatched_pass (self, 1000);
    dispatched_sign (self, "w", "alive");
    TO_CLIENT (self, "x <1:UNANSWERED> - the handler gave no reply");
    dispatched_forget (self);
    dispatched_ask_extended (self, "x", 2, "2", NULL);
    TO_WORKER (self, "w x <2> - 2");
    dispatched_destroy (&self);
}

/*  What only brokers may say is not said by a worker.                        */
void
test_dispatcher_not_for_workers (void)
{
    dispatched_t *self = dispatched_new ();
    dispatched_register (self, "w", 9, 9, "");
    const char *const words[] = { "x <1:BUSY> - -", "x <1:NO_WORKER> - -",
                                  "x <1:WORKER_LOST> - -",
                                  "x <1:UNKNOWN> - -" };
    for (size_t i = 0; i < sizeof (words) / sizeof (words[0]); i++) {
        dispatched_ask_extended (self, "x", 1, "1", NULL);
        dispatched_reply (self, "w", words[i]);
        TO_CLIENT (self, "x <1:UNANSWERED> - -");
    }
    dispatched_destroy (&self);
}
