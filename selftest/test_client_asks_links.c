/* SPDX-License-Identifier: Apache-2.0 */

/*  A client's requests where links come and go, in time that is a number.   */

#include "selftest.h"
#include "asked.h"

void test_asks_turns (void);
void test_asks_elsewhere (void);
void test_asks_retired (void);
void test_asks_removed (void);
void test_asks_absent (void);
void test_asks_one_each (void);
void test_asks_native (void);
void test_asks_slots (void);
void test_asks_silent (void);

#define KNOWN DIVIDERE_EXTENSION_BROKER
#define NONE  DIVIDERE_ASK_LINK_NONE

static const dividere_retry_limits_t s_limits = { .retries = 2,
                                                  .backoff_ms = 100,
                                                  .backoff_max_ms = 100 };

static void
s_init (dividere_asks_t *self)
{
    dividere_asks_init (self, true, &s_limits, 100, 1);
}

/*  One that is connected.                                                   */
static size_t
s_link (dividere_asks_t *self, bool native)
{
    size_t link = dividere_asks_add_link (self, native);
    dividere_asks_room (self, link);
    return link;
}

/*  Sends the next; returns the link, or NONE.                               */
static size_t
s_send (dividere_asks_t *self, int64_t now_ms)
{
    size_t link;
    dividere_ask_t *ask = dividere_asks_next (self, now_ms, &link);
    if (!ask)
        return NONE;
    dividere_asks_sent (self, ask, link, now_ms);
    return link;
}

/*  Adds one and sends it.                                                   */
static size_t
s_ask (dividere_asks_t *self, int64_t now_ms)
{
    asked_add (self, now_ms, 60000);
    return s_send (self, now_ms);
}

/*  Each of those that are there gets the same.                              */
void
test_asks_turns (void)
{
    dividere_asks_t self;
    s_init (&self);
    size_t got[3] = { 0 };
    for (int i = 0; i < 3; i++)
        CHECK_INT (s_link (&self, true), i);
    for (int i = 0; i < 30; i++) {
        size_t link = s_ask (&self, 0);
        CHECK (link < 3);
        got[link]++;
        /* To be told of room that there was does not matter.                */
        dividere_asks_room (&self, 0);
    }
    for (int i = 0; i < 3; i++)
        CHECK_INT (got[i], 10);
    /* Nor does who has no room take part; and it is back at once.           */
    dividere_asks_full (&self, 1);
    for (int i = 0; i < 10; i++)
        CHECK (s_ask (&self, 0) != 1);
    dividere_asks_room (&self, 1);
    for (int i = 0; i < 3; i++)
        got[s_ask (&self, 0)]++;
    CHECK_INT (got[0], 11);
    CHECK_INT (got[1], 11);
    CHECK_INT (got[2], 11);
    dividere_asks_term (&self);
}

/*  What one has failed goes to another, whoever's turn it is.               */
void
test_asks_elsewhere (void)
{
    dividere_asks_t self;
    s_init (&self);
    s_link (&self, true);
    s_link (&self, true);
    size_t link = s_ask (&self, 0);
    CHECK_INT (s_ask (&self, 0), 1 - link);
    /* Refused: another one may have room; refused there, too: it waits.     */
    asked_answer (&self, link, 1, DIVIDERE_STATUS_BUSY, 0, 0);
    CHECK_INT (s_send (&self, 0), 1 - link);
    asked_answer (&self, 1 - link, 1, DIVIDERE_STATUS_BUSY, 0, 0);
    CHECK_INT (s_send (&self, 0), NONE);
    CHECK (dividere_asks_due (&self) <= 100);
    dividere_asks_tick (&self, 99 * 1000);
    dividere_asks_tick (&self, 100 * 1000 - 1);
    size_t next = s_send (&self, 99);
    if (next == NONE) {
        dividere_asks_tick (&self, 100 * 1000);
        next = s_send (&self, 100);
    }
    CHECK_INT (next, link);
    dividere_asks_term (&self);
    s_init (&self);
    s_link (&self, true);
    s_link (&self, true);
    /* Lost with its link, which is back at once.                            */
    link = s_ask (&self, 0);
    CHECK_INT (s_ask (&self, 0), 1 - link);
    dividere_asks_lost (&self, link, 0);
    CHECK_INT (s_send (&self, 0), 1 - link);
    CHECK_INT (s_send (&self, 0), NONE);
    /* There is nobody else.                                                 */
    dividere_asks_full (&self, link);
    dividere_asks_lost (&self, 1 - link, 0);
    CHECK_INT (s_send (&self, 0), 1 - link);
    dividere_asks_term (&self);
}

/*  Who is to go gets nothing as long as another is there, even a busy one.   */
void
test_asks_retired (void)
{
    dividere_asks_t self;
    s_init (&self);
    s_link (&self, true);
    s_link (&self, false);
    CHECK_INT (s_ask (&self, 0), 0);
    dividere_asks_retire_link (&self, 0, true);
    CHECK_INT (s_ask (&self, 0), 1);
    CHECK_INT (s_ask (&self, 0), NONE);
    asked_answer (&self, 1, 2, DIVIDERE_STATUS_OK, 0, 0);
    asked_expect (&self, 2, 0);
    CHECK_INT (s_send (&self, 0), 1);
    /* It keeps what it has.                                                 */
    asked_answer (&self, 0, 1, DIVIDERE_STATUS_OK, KNOWN, 0);
    asked_expect (&self, 1, 0);
    /* It is the last resort, while it is there.                             */
    dividere_asks_full (&self, 1);
    CHECK_INT (s_ask (&self, 0), 0);
    dividere_asks_full (&self, 0);
    CHECK_INT (s_ask (&self, 0), NONE);
    dividere_asks_room (&self, 0);
    CHECK_INT (s_send (&self, 0), 0);
    CHECK_INT (s_link (&self, true), 2);
    for (int i = 0; i < 5; i++)
        CHECK_INT (s_ask (&self, 0), 2);
    /* It is not to go after all.                                            */
    dividere_asks_retire_link (&self, 0, false);
    CHECK_INT (s_ask (&self, 0) + s_ask (&self, 0), 2);
    dividere_asks_term (&self);
    /* The same where the first is preferred.                                */
    dividere_asks_init (&self, false, &s_limits, 100, 1);
    s_link (&self, true);
    s_link (&self, true);
    dividere_asks_retire_link (&self, 0, true);
    CHECK_INT (s_ask (&self, 0), 1);
    dividere_asks_full (&self, 1);
    CHECK_INT (s_ask (&self, 0), 0);
    dividere_asks_term (&self);
}

/*  What was with one that is gone is tried elsewhere, unless it is strict.   */
void
test_asks_removed (void)
{
    dividere_asks_t self;
    s_init (&self);
    s_link (&self, true);
    s_link (&self, true);
    s_ask (&self, 0);
    s_ask (&self, 0);
    asked_add (&self, 0, 60000)->strict = true;
    CHECK_INT (s_send (&self, 0), 0);
    dividere_asks_remove_link (&self, 0, 0);
    asked_expect (&self, 3, ENOTRECOVERABLE);
    CHECK_INT (s_send (&self, 0), 1);
    CHECK_INT (s_send (&self, 0), NONE);
    CHECK_INT (self.counts.retried, 1);
    /* Nobody is there; then somebody comes.                                 */
    dividere_asks_remove_link (&self, 1, 0);
    CHECK_INT (s_send (&self, 0), NONE);
    CHECK_INT (dividere_asks_outstanding (&self), 2);
    CHECK_INT (dividere_asks_due (&self), 60000);
    CHECK_INT (s_link (&self, true), 0);
    CHECK_INT (s_send (&self, 0), 0);
    CHECK_INT (s_send (&self, 0), 0);
    dividere_asks_term (&self);
}

void
test_asks_absent (void)
{
    dividere_asks_t self;
    s_init (&self);
    CHECK_INT (dividere_asks_due (&self), -1);
    asked_add (&self, 0, 20);
    CHECK_INT (s_send (&self, 0), NONE);
    CHECK_INT (dividere_asks_due (&self), 20);
    dividere_asks_tick (&self, 20 * 1000);
    asked_expect (&self, 1, ENOTCONN);
    dividere_asks_set_absent (&self, EHOSTUNREACH);
    asked_add (&self, 0, 20);
    dividere_asks_tick (&self, 20 * 1000);
    asked_expect (&self, 2, EHOSTUNREACH);
    /* One is there that is not connected.                                   */
    dividere_asks_add_link (&self, true);
    asked_add (&self, 0, 20);
    dividere_asks_tick (&self, 20 * 1000);
    asked_expect (&self, 3, ENOTCONN);
    /* What was sent, and got no answer, is another matter.                  */
    dividere_asks_room (&self, 0);
    asked_add (&self, 0, 20);
    CHECK_INT (s_send (&self, 0), 0);
    dividere_asks_tick (&self, 20 * 1000);
    asked_expect (&self, 4, ETIMEDOUT);
    CHECK_INT (dividere_asks_due (&self), -1);
    dividere_asks_term (&self);
}

/*  Those who have not shown what they are get one each; none waits for a    *
 *  peer while another is free.                                              */
void
test_asks_one_each (void)
{
    dividere_asks_t self;
    s_init (&self);
    for (int i = 0; i < 3; i++)
        s_link (&self, false);
    for (int i = 0; i < 3; i++)
        CHECK_INT (s_ask (&self, 0), i);
    CHECK_INT (s_ask (&self, 0), NONE);
    asked_add (&self, 0, 60000);
    CHECK_INT (s_send (&self, 0), NONE);
    asked_answer (&self, 1, 2, DIVIDERE_STATUS_OK, 0, 0);
    asked_expect (&self, 2, 0);
    CHECK_INT (s_send (&self, 0), 1);
    CHECK_INT (s_send (&self, 0), NONE);
    /* Who did not answer is left alone, and no longer than that.            */
    CHECK_INT (dividere_asks_due (&self), 100);
    dividere_asks_tick (&self, 100 * 1000);
    CHECK_INT (s_send (&self, 100), NONE);
    CHECK_INT (dividere_asks_due (&self), DIVIDERE_ASKS_PATIENCE_MS);
    for (int i = 0; i < 3; i++)
        CHECK (s_send (&self, DIVIDERE_ASKS_PATIENCE_MS) != NONE);
    CHECK_INT (s_send (&self, DIVIDERE_ASKS_PATIENCE_MS), NONE);
    dividere_asks_term (&self);
}

/*  A native link is one again after it was lost; what is for native ones only
 *  passes by the others, and holds nothing up.                              */
void
test_asks_native (void)
{
    dividere_asks_t self;
    s_init (&self);
    s_link (&self, false);
    dividere_asks_choosy (&self, asked_add (&self, 0, 60000));
    CHECK_INT (dividere_asks_due (&self), 0);
    dividere_asks_tick (&self, 0);
    asked_expect (&self, 1, EOPNOTSUPP);
    size_t native = dividere_asks_add_link (&self, true);
    dividere_asks_choosy (&self, asked_add (&self, 0, 60000));
    dividere_asks_tick (&self, 0);
    CHECK_INT (s_send (&self, 0), NONE);
    CHECK_INT (s_ask (&self, 0), 0);
    dividere_asks_room (&self, native);
    CHECK_INT (s_send (&self, 0), native);
    dividere_asks_lost (&self, native, 0);
    for (int i = 0; i < 3; i++)
        asked_add (&self, 0, 60000);
    for (int i = 0; i < 4; i++)
        CHECK_INT (s_send (&self, 0), native);
    /* Without any link it waits for one.                                    */
    dividere_asks_remove_link (&self, native, 0);
    dividere_asks_remove_link (&self, 0, 0);
    dividere_asks_tick (&self, 0);
    CHECK_INT (dividere_asks_outstanding (&self), 5);
    dividere_asks_term (&self);
}

void
test_asks_slots (void)
{
    dividere_asks_t self;
    s_init (&self);
    for (size_t i = 0; i < 100; i++)
        CHECK_INT (s_link (&self, i % 2), i);
    CHECK_INT (self.links.natives, 50);
    for (size_t i = 0; i < 100; i += 3)
        dividere_asks_remove_link (&self, i, 0);
    for (size_t i = 0; i < 100; i += 3)
        CHECK_INT (s_link (&self, true), i);
    CHECK_INT (self.links.count, 100);
    CHECK_INT (self.links.open, 100);
    for (size_t i = 0; i < 100; i++)
        dividere_asks_remove_link (&self, i, 0);
    CHECK_INT (self.links.count, 0);
    CHECK_INT (self.links.natives, 0);
    CHECK_INT (self.links.open, 0);
    dividere_asks_term (&self);
}

/*  Who lets a try run out of time is asked now and then, until it answers.  */
void
test_asks_silent (void)
{
    dividere_asks_t self;
    s_init (&self);
    s_link (&self, true);
    s_link (&self, true);
    size_t silent = s_ask (&self, 0), other = 1 - silent;
    dividere_asks_tick (&self, 100 * 1000);
    CHECK_INT (s_send (&self, 100), other);
    for (int i = 0; i < 10; i++)
        CHECK_INT (s_ask (&self, 4000), other);
    size_t got[2] = { 0 };
    for (int i = 0; i < 10; i++)
        got[s_ask (&self, 5100)]++;
    CHECK_INT (got[silent], 1);
    /* If there is no other it is better than none.                          */
    dividere_asks_full (&self, other);
    for (int i = 0; i < 3; i++)
        CHECK_INT (s_ask (&self, 5100), silent);
    dividere_asks_room (&self, other);
    for (int i = 0; i < 10; i++)
        CHECK_INT (s_ask (&self, 5100), other);
    asked_answer (&self, silent, 1, DIVIDERE_STATUS_OK, KNOWN, 5100);
    got[silent] = 0;
    for (int i = 0; i < 10; i++)
        got[s_ask (&self, 5100)]++;
    CHECK_INT (got[silent], 5);
    dividere_asks_term (&self);
}
