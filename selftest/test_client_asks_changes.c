/* SPDX-License-Identifier: Apache-2.0 */

/*  A client's requests while links come and go at random.                   */

#include "selftest.h"
#include "asked.h"

void test_asks_coming_and_going (void);

static const dividere_retry_limits_t s_limits = { .retries = 2,
                                                  .backoff_ms = 100,
                                                  .backoff_max_ms = 100 };

/*  Whatever happens to links and requests, each request ends once, and not
 *  later than its deadline; a strict one is never sent twice; nobody gets two
 *  at a time who may not; and no request waits while somebody is free.      */

#define KNOWN DIVIDERE_EXTENSION_BROKER
#define LINKS 12
#define ASKS  4096 /* a power of two, more than are outstanding at a time   */

typedef struct {
    int64_t deadline_ms;
    bool live;
    bool native;
    bool sent; /* strict, and not refused                                   */
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
        dividere_asks_release (&self->asks, &ask);
    }
    while (self->first <= self->asks.numbers &&
           !self->model[self->first % ASKS].live)
        self->first++;
}

static void
s_random_add (random_t *self)
{
    if (self->asks.numbers - self->first + 2 >= ASKS)
        return;
    dividere_ask_t *ask =
        asked_add (&self->asks, self->now_ms, 1 + s_pick (self, 2000));
    ask->strict = s_pick (self, 4) == 0;
    model_t *model = &self->model[ask->number % ASKS];
    *model = (model_t){ .deadline_ms = ask->deadline_ms, .live = true };
    if (s_pick (self, 8))
        return;
    model->native = true;
    dividere_asks_choosy (&self->asks, ask);
}

/*  Of all links, by looking at each; of those that are open unless there is no
 *  such one (resort).                                                       */
static bool
s_somebody_free (const random_t *self, bool native, bool resort)
{
    const dividere_ask_links_t *links = &self->asks.links;
    for (size_t i = 0; i < links->slots_count; i++) {
        const dividere_ask_link_t *link = links->slots[i];
        if (link && !link->full &&
            (resort || (!link->retired && !link->doubted)) &&
            (link->native || !native) &&
            (link->known ||
             (!link->sent.count && link->patience_ms <= self->now_ms)))
            return true;
    }
    return false;
}

static void
s_random_send (random_t *self)
{
    size_t index;
    bool resort = self->asks.links.open == 0;
    dividere_ask_t *ask =
        dividere_asks_next (&self->asks, self->now_ms, &index);
    if (!ask) {
        CHECK (!self->asks.waiting.first ||
               !s_somebody_free (self, false, resort));
        CHECK (!self->asks.choosy.first ||
               !s_somebody_free (self, true, resort));
        return;
    }
    const dividere_ask_link_t *link = self->asks.links.slots[index];
    model_t *model = &self->model[ask->number % ASKS];
    CHECK (model->live && !model->sent);
    CHECK (!link->full && (resort || !link->retired));
    CHECK (link->native || !model->native);
    CHECK (link->known || !link->sent.count);
    model->sent = ask->strict;
    dividere_asks_sent (&self->asks, ask, index, self->now_ms);
}

static void
s_random_answer (random_t *self, size_t index, uint64_t number)
{
    dividere_status_t status =
        (dividere_status_t) s_pick (self, DIVIDERE_STATUSES);
    if (s_pick (self, 2))
        status = DIVIDERE_STATUS_OK;
    dividere_entry_t *entry = dividere_table_first (&self->asks.table, number);
    if (entry && ((dividere_ask_t *) entry)->list ==
                     &self->asks.links.slots[index]->sent)
        self->model[number % ASKS].sent = false;
    asked_answer (&self->asks, index, number, status,
                  s_pick (self, 3) ? 0 : KNOWN, self->now_ms);
}

static void
s_random_link (random_t *self, size_t index, uint64_t number)
{
    dividere_asks_t *asks = &self->asks;
    unsigned event = s_pick (self, 300);
    if (index >= asks->links.slots_count || !asks->links.slots[index]) {
        if (event < 10 && asks->links.count < LINKS)
            dividere_asks_add_link (asks, s_pick (self, 2));
    }
    else if (event < 2)
        dividere_asks_remove_link (asks, index, self->now_ms * 1000);
    else if (event < 4)
        dividere_asks_retire_link (asks, index, s_pick (self, 2));
    else if (event < 6)
        dividere_asks_lost (asks, index, self->now_ms * 1000);
    else if (event < 40)
        dividere_asks_full (asks, index);
    else if (event < 100)
        dividere_asks_room (asks, index);
    else
        s_random_answer (self, index, number);
}

static void
s_random_event (random_t *self)
{
    dividere_asks_t *asks = &self->asks;
    uint64_t range = asks->numbers - self->first + 2;
    uint64_t number = self->first + selftest_random (&self->seed) % range;
    unsigned event = s_pick (self, 1000);
    if (event < 150)
        s_random_add (self);
    else if (event < 400)
        s_random_send (self);
    else if (event < 850)
        s_random_link (self, s_pick (self, LINKS), number);
    else if (event < 854)
        dividere_asks_cancel (asks, number, self->now_ms * 1000);
    else {
        self->now_ms += s_pick (self, 10);
        dividere_asks_tick (asks, self->now_ms * 1000);
    }
    s_collect (self);
}

void
test_asks_coming_and_going (void)
{
    static random_t self = { .seed = 78, .first = 1 };
    dividere_asks_init (&self.asks, true, &s_limits, 200, 1);
    for (size_t i = selftest_scaled (1000000); i > 0; i--) {
        s_random_event (&self);
        if (i % 5000)
            continue;
        dividere_asks_tick (&self.asks, self.now_ms * 1000);
        s_collect (&self);
        for (uint64_t at = self.first; at <= self.asks.numbers; at++)
            CHECK (!self.model[at % ASKS].live ||
                   self.model[at % ASKS].deadline_ms > self.now_ms);
    }
    CHECK_INT (self.ended + dividere_asks_outstanding (&self.asks),
               self.asks.numbers);
    CHECK (self.asks.counts.answered > self.asks.numbers / 100);
    CHECK (self.asks.counts.retried > 0);
    dividere_asks_tick (&self.asks, (self.now_ms + 2000) * 1000);
    s_collect (&self);
    CHECK_INT (self.ended, self.asks.numbers);
    CHECK_INT (self.asks.bytes, 0);
    dividere_asks_term (&self.asks);
}
