/* SPDX-License-Identifier: Apache-2.0 */

/*  What becomes of a client's requests, in time that is a number.           */

#include "selftest.h"
#include "asked.h"

void test_asks_patience (void);
void test_asks_attempts (void);
void test_asks_links (void);
void test_asks_deadlines (void);
void test_asks_budget (void);
void test_asks_random (void);

#define KNOWN DIVIDERE_EXTENSION_BROKER

static const dividere_retry_limits_t s_limits = { .retries = 2,
                                                  .backoff_ms = 100,
                                                  .backoff_max_ms = 100 };

static void
s_init (dividere_asks_t *self, size_t links,
        const dividere_retry_limits_t *limits)
{
    dividere_asks_init (self, false, limits, 100, 1);
    for (size_t i = 0; i < links; i++)
        dividere_asks_room (self, dividere_asks_add_link (self, false));
}

/*  Sends the next; returns its number, or 0 if none can be sent.            */
static uint64_t
s_send (dividere_asks_t *self, int64_t now_ms, size_t *ret_link)
{
    size_t link;
    dividere_ask_t *ask = dividere_asks_next (self, now_ms, &link);
    if (!ask)
        return 0;
    dividere_asks_sent (self, ask, link, now_ms);
    if (ret_link)
        *ret_link = link;
    return ask->number;
}

/*  Who has not shown what it is gets one, and no other for five seconds.    */
void
test_asks_patience (void)
{
    dividere_asks_t self;
    s_init (&self, 1, &s_limits);
    asked_add (&self, 0, 60000);
    asked_add (&self, 0, 60000);
    CHECK_INT (s_send (&self, 0, NULL), 1);
    CHECK_INT (s_send (&self, 0, NULL), 0);
    dividere_asks_tick (&self, 100 * 1000);
    CHECK_INT (s_send (&self, 100, NULL), 0);
    CHECK_INT (dividere_asks_due (&self), 5000);
    CHECK_INT (s_send (&self, 4999, NULL), 0);
    /* The second is sent first now: the first has had its turn.              */
    CHECK_INT (s_send (&self, 5000, NULL), 2);
    CHECK_INT (s_send (&self, 5000, NULL), 0);
    /* The late answer to the first is its answer.                           */
    asked_answer (&self, 0, 1, DIVIDERE_STATUS_OK, 0, 5100);
    asked_expect (&self, 1, 0);
    asked_add (&self, 5100, 60000);
    CHECK_INT (s_send (&self, 5100, NULL), 0);
    asked_answer (&self, 0, 2, DIVIDERE_STATUS_OK, 0, 5200);
    asked_expect (&self, 2, 0);
    CHECK_INT (s_send (&self, 5200, NULL), 3);
    /* From the first flag on it gets all.                                    */
    asked_answer (&self, 0, 3, DIVIDERE_STATUS_OK, KNOWN, 5300);
    asked_expect (&self, 3, 0);
    for (uint64_t i = 4; i < 20; i++)
        asked_add (&self, 5300, 60000);
    for (uint64_t i = 4; i < 20; i++)
        CHECK_INT (s_send (&self, 5300, NULL), i);
    /* Until its connection breaks: then it may be another.                  */
    dividere_asks_lost (&self, 0, 5400 * 1000);
    CHECK_INT (s_send (&self, 5400, NULL), 4);
    CHECK_INT (s_send (&self, 5400, NULL), 0);
    dividere_asks_term (&self);
}

void
test_asks_attempts (void)
{
    dividere_asks_t self;
    s_init (&self, 1, &s_limits);
    self.links.slots[0]->known = true;
    /* Three tries without an answer.                                        */
    asked_add (&self, 0, 60000);
    CHECK_INT (s_send (&self, 0, NULL), 1);
    CHECK_INT (dividere_asks_due (&self), 100);
    dividere_asks_tick (&self, 99 * 1000);
    CHECK_INT (s_send (&self, 99, NULL), 0);
    dividere_asks_tick (&self, 100 * 1000);
    CHECK_INT (s_send (&self, 100, NULL), 1);
    dividere_asks_tick (&self, 200 * 1000);
    CHECK_INT (s_send (&self, 200, NULL), 1);
    dividere_asks_tick (&self, 300 * 1000);
    asked_expect (&self, 1, ETIMEDOUT);
    /* Refused: it rests, and what an earlier try ran into is no matter.     */
    asked_add (&self, 0, 60000);
    CHECK_INT (s_send (&self, 0, NULL), 2);
    asked_answer (&self, 0, 2, DIVIDERE_STATUS_BUSY, KNOWN, 0);
    CHECK_INT (s_send (&self, 0, NULL), 0);
    asked_answer (&self, 0, 2, DIVIDERE_STATUS_BUSY, KNOWN, 0);
    int64_t due_ms = dividere_asks_due (&self);
    CHECK (due_ms >= 50 && due_ms <= 100);
    dividere_asks_tick (&self, due_ms * 1000);
    CHECK_INT (s_send (&self, due_ms, NULL), 2);
    /* The answer to the first try is as good as any.                        */
    asked_answer (&self, 0, 2, DIVIDERE_STATUS_OK, KNOWN, due_ms);
    asked_answer (&self, 0, 2, DIVIDERE_STATUS_OK, KNOWN, due_ms);
    asked_expect (&self, 2, 0);
    CHECK (!dividere_asks_done (&self));
    CHECK_INT (self.counts.stale, 2);
    CHECK_INT (self.bytes, 0);
    dividere_asks_term (&self);
}

/*  The first link is asked as long as it answers.                           */
void
test_asks_links (void)
{
    dividere_asks_t self;
    size_t link = 9;
    s_init (&self, 3, &s_limits);
    for (int i = 0; i < 3; i++)
        self.links.slots[i]->known = true;
    for (int i = 0; i < 3; i++) {
        asked_add (&self, 0, 60000);
        s_send (&self, 0, &link);
        CHECK_INT (link, 0);
    }
    dividere_asks_full (&self, 0);
    asked_add (&self, 0, 60000);
    CHECK_INT (s_send (&self, 0, &link), 4);
    CHECK_INT (link, 1);
    dividere_asks_room (&self, 0);
    asked_answer (&self, 0, 1, DIVIDERE_STATUS_BUSY, KNOWN, 0);
    dividere_asks_tick (&self, 99 * 1000);
    asked_answer (&self, 0, 2, DIVIDERE_STATUS_OK, KNOWN, 99);
    asked_answer (&self, 1, 4, DIVIDERE_STATUS_OK, KNOWN, 99);
    /* What was refused here goes elsewhere; and what got no answer.          */
    if (!s_send (&self, 99, &link)) {
        dividere_asks_tick (&self, 100 * 1000);
        CHECK (s_send (&self, 100, &link));
    }
    CHECK_INT (link, 1);
    dividere_asks_tick (&self, 100 * 1000);
    while (s_send (&self, 100, &link))
        CHECK_INT (link, 1);
    asked_add (&self, 100, 60000);
    CHECK_INT (s_send (&self, 100, &link), 5);
    CHECK_INT (link, 1);
    dividere_asks_lost (&self, 1, 100 * 1000);
    CHECK (s_send (&self, 100, &link));
    CHECK_INT (link, 2);
    dividere_asks_term (&self);
}

void
test_asks_deadlines (void)
{
    static const struct {
        dividere_status_t status; /* OK: none                               */
        bool strict;
        int error;
    } s_cases[] = {
        { DIVIDERE_STATUS_OK, false, ETIMEDOUT },
        { DIVIDERE_STATUS_OK, true, ENOTRECOVERABLE },
        { DIVIDERE_STATUS_BUSY, false, EBUSY },
        { DIVIDERE_STATUS_BUSY, true, EBUSY },
        { DIVIDERE_STATUS_NO_WORKER, false, EHOSTUNREACH },
        { DIVIDERE_STATUS_WORKER_LOST, false, ECONNRESET },
    };
    for (size_t i = 0; i < sizeof (s_cases) / sizeof (s_cases[0]); i++) {
        dividere_asks_t self;
        s_init (&self, 1, &s_limits);
        asked_add (&self, 0, 20)->strict = s_cases[i].strict;
        CHECK_INT (s_send (&self, 0, NULL), 1);
        if (s_cases[i].status)
            asked_answer (&self, 0, 1, s_cases[i].status, KNOWN, 0);
        dividere_asks_tick (&self, 19 * 1000);
        CHECK (!dividere_asks_done (&self));
        dividere_asks_tick (&self, 20 * 1000);
        asked_expect (&self, 1, s_cases[i].error);
        CHECK_INT (dividere_asks_due (&self), -1);
        dividere_asks_term (&self);
    }
    /* Never sent at all.                                                    */
    dividere_asks_t self;
    s_init (&self, 1, &s_limits);
    asked_add (&self, 0, 20);
    dividere_asks_full (&self, 0);
    CHECK_INT (s_send (&self, 0, NULL), 0);
    dividere_asks_tick (&self, 20 * 1000);
    asked_expect (&self, 1, ENOTCONN);
    dividere_asks_term (&self);
}

/*  Retries beyond the reserve are as many as requests allow for.            */
void
test_asks_budget (void)
{
    dividere_asks_t self;
    dividere_retry_limits_t limits = s_limits;
    limits.budget_percent = 10;
    s_init (&self, 1, &limits);
    self.links.slots[0]->known = true;
    size_t tries = 0;
    for (uint64_t i = 1; i <= 100; i++)
        asked_add (&self, 0, 60000);
    for (int64_t now_ms = 0; now_ms <= 1000; now_ms += 100) {
        dividere_asks_tick (&self, now_ms * 1000);
        while (s_send (&self, now_ms, NULL))
            tries++;
    }
    CHECK_INT (tries, 100 + 10 + DIVIDERE_RETRY_RESERVE);
    CHECK_INT (self.counts.retried, 10 + DIVIDERE_RETRY_RESERVE);
    CHECK_INT (self.counts.failed, 100);
    CHECK (self.counts.retries_denied > 0);
    dividere_asks_term (&self);
}

/*  Whatever happens, each ends once, and not later than its deadline.       */

#define LINKS 3
#define ASKS  4096 /* a power of two, more than are outstanding at a time   */

typedef struct {
    int64_t deadline_ms;
    bool strict;
    bool live;
    unsigned sent; /* and neither refused nor lost since                    */
} model_t;

typedef struct {
    dividere_asks_t asks;
    model_t model[ASKS];
    uint64_t seed;
    uint64_t first; /* none before it is live                               */
    uint64_t ended;
    int64_t now_ms;
} random_t;

static unsigned
s_pick (random_t *self, unsigned below)
{
    return (unsigned) (selftest_random (&self->seed) % below);
}

static void
s_collect (random_t *self)
{
    dividere_ask_t *ask;
    while ((ask = dividere_asks_done (&self->asks))) {
        model_t *model = &self->model[ask->number % ASKS];
        CHECK (model->live);
        model->live = false;
        self->ended++;
        CHECK (ask->error != ETIMEDOUT || !model->strict || !model->sent);
        dividere_asks_release (&self->asks, &ask);
    }
    while (self->first <= self->asks.numbers &&
           !self->model[self->first % ASKS].live)
        self->first++;
}

static void
s_event_add (random_t *self)
{
    if (self->asks.numbers - self->first + 2 >= ASKS)
        return;
    dividere_ask_t *ask =
        asked_add (&self->asks, self->now_ms, 1 + s_pick (self, 2000));
    ask->strict = s_pick (self, 4) == 0;
    self->model[ask->number % ASKS] = (model_t){
        .deadline_ms = ask->deadline_ms, .strict = ask->strict, .live = true
    };
}

static void
s_event_send (random_t *self)
{
    size_t link;
    uint64_t number = s_send (&self->asks, self->now_ms, &link);
    if (!number)
        return;
    model_t *model = &self->model[number % ASKS];
    CHECK (model->live);
    CHECK (!self->asks.links.slots[link]->full);
    /* Never a second time while the first may have been executed.           */
    CHECK (!model->strict || !model->sent);
    model->sent++;
}

static void
s_event_answer (random_t *self, size_t link, uint64_t number)
{
    dividere_status_t status =
        (dividere_status_t) s_pick (self, DIVIDERE_STATUSES);
    if (s_pick (self, 2))
        status = DIVIDERE_STATUS_OK;
    model_t *model = &self->model[number % ASKS];
    dividere_entry_t *entry = dividere_table_first (&self->asks.table, number);
    bool current = entry && ((dividere_ask_t *) entry)->list ==
                                &self->asks.links.slots[link]->sent;
    if (current &&
        (status == DIVIDERE_STATUS_BUSY || status == DIVIDERE_STATUS_NO_WORKER))
        model->sent = 0;
    if (status == DIVIDERE_STATUS_EXPIRED)
        model->sent = 0;
    asked_answer (&self->asks, link, number, status,
                  s_pick (self, 3) ? KNOWN : 0, self->now_ms);
}

static void
s_event_pass (random_t *self)
{
    self->now_ms += s_pick (self, 10);
    dividere_asks_tick (&self->asks, self->now_ms * 1000);
    for (uint64_t i = self->first; i <= self->asks.numbers; i++)
        if (dividere_table_first (&self->asks.table, i))
            CHECK (self->model[i % ASKS].deadline_ms > self->now_ms);
}

static void
s_event (random_t *self)
{
    dividere_asks_t *asks = &self->asks;
    size_t link = s_pick (self, LINKS);
    uint64_t range = asks->numbers - self->first + 2;
    uint64_t number = self->first + selftest_random (&self->seed) % range;
    unsigned event = s_pick (self, 1000);
    if (event < 170)
        s_event_add (self);
    else if (event < 420)
        s_event_send (self);
    else if (event < 660)
        s_event_answer (self, link, number);
    else if (event < 662)
        dividere_asks_lost (asks, link, self->now_ms * 1000);
    else if (event < 740)
        dividere_asks_full (asks, link);
    else if (event < 820)
        dividere_asks_room (asks, link);
    else if (event < 824)
        dividere_asks_cancel (asks, number, self->now_ms * 1000);
    else
        s_event_pass (self);
    s_collect (self);
}

void
test_asks_random (void)
{
    static random_t self = { .seed = 77, .first = 1 };
    dividere_asks_init (&self.asks, false, &s_limits, 200, 1);
    for (int i = 0; i < LINKS; i++)
        dividere_asks_room (&self.asks,
                            dividere_asks_add_link (&self.asks, false));
    for (size_t i = selftest_scaled (1000000); i > 0; i--)
        s_event (&self);
    CHECK_INT (self.ended + dividere_asks_outstanding (&self.asks),
               self.asks.numbers);
    CHECK_INT (self.asks.counts.answered + self.asks.counts.failed, self.ended);
    dividere_asks_tick (&self.asks, (self.now_ms + 2000) * 1000);
    s_collect (&self);
    CHECK_INT (self.ended, self.asks.numbers);
    CHECK_INT (self.asks.bytes, 0);
    dividere_asks_term (&self.asks);
}
