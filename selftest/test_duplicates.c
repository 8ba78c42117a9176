/* SPDX-License-Identifier: Apache-2.0 */

/*  What a worker remembers of requests, with a clock that is only a number, and
 *  compared with a slow array that is plainly right.                        */

#include "selftest.h"
#include "duplicates.h"

void test_duplicates_states (void);
void test_duplicates_limits (void);
void test_duplicates_age (void);
void test_duplicates_memory (void);
void test_duplicates_model (void);

static dividere_duplicates_t *
s_new (size_t count_max, size_t bytes_max, int64_t age_max_ms)
{
    dividere_duplicates_limits_t limits = { count_max, bytes_max, age_max_ms };
    dividere_duplicates_t *self = dividere_duplicates_new ();
    dividere_duplicates_limit (self, &limits, 0);
    return self;
}

static void
s_answer (dividere_duplicates_t *self, uint64_t number,
          dividere_status_t status, const void *data, size_t size,
          int64_t now_ms)
{
    dividere_correlation_t id = { 7, number };
    zmq_msg_t payload;
    CHECK_INT (zmq_msg_init_size (&payload, size), 0);
    memcpy (zmq_msg_data (&payload), data, size);
    dividere_duplicates_answer (self, &id, status, &payload, now_ms);
    zmq_msg_close (&payload);
}

/*  What a request that comes in is given; job and answer of no interest.    */
static dividere_duplicate_t
s_begin (dividere_duplicates_t *self, uint64_t number, int64_t now_ms)
{
    dividere_correlation_t id = { 7, number };
    void *job;
    dividere_status_t status;
    zmq_msg_t payload;
    dividere_duplicate_t what =
        dividere_duplicates_begin (self, &id, NULL, now_ms, &job, &status,
                                   &payload);
    if (what == DIVIDERE_DUPLICATE_ANSWERED)
        zmq_msg_close (&payload);
    return what;
}

/*  Executes a request that is new.                                          */
static void
s_execute (dividere_duplicates_t *self, uint64_t number, size_t size,
           int64_t now_ms)
{
    uint8_t data[1000] = { 0 };
    CHECK (size <= sizeof (data));
    CHECK_INT (s_begin (self, number, now_ms), DIVIDERE_DUPLICATE_NEW);
    s_answer (self, number, DIVIDERE_STATUS_OK, data, size, now_ms);
}

void
test_duplicates_states (void)
{
    dividere_duplicates_t *self = s_new (10, 100000, 1000);
    dividere_correlation_t id = { 7, 1 };
    int job, other_job;
    void *at_work = NULL;
    dividere_status_t status = DIVIDERE_STATUSES;
    zmq_msg_t payload;
    CHECK_INT (dividere_duplicates_begin (self, &id, &job, 0, &at_work, &status,
                                          &payload),
               DIVIDERE_DUPLICATE_NEW);
    CHECK (!at_work);
    CHECK_INT (dividere_duplicates_begin (self, &id, &other_job, 0, &at_work,
                                          &status, &payload),
               DIVIDERE_DUPLICATE_AT_WORK);
    CHECK (at_work == &job);
    CHECK_INT (status, DIVIDERE_STATUSES);
    CHECK_INT (dividere_duplicates_count (self), 0);
    CHECK_INT (dividere_duplicates_bytes (self), 0);

    s_answer (self, 1, DIVIDERE_STATUS_FAILED, "5 Input", 7, 0);
    at_work = NULL;
    for (int i = 0; i < 3; i++) {
        CHECK_INT (dividere_duplicates_begin (self, &id, &other_job, 0,
                                              &at_work, &status, &payload),
                   DIVIDERE_DUPLICATE_ANSWERED);
        CHECK_INT (status, DIVIDERE_STATUS_FAILED);
        CHECK_INT (zmq_msg_size (&payload), 7);
        CHECK (memcmp (zmq_msg_data (&payload), "5 Input", 7) == 0);
        zmq_msg_close (&payload);
        CHECK (!at_work);
    }
    CHECK_INT (dividere_duplicates_count (self), 1);
    CHECK (dividere_duplicates_bytes (self) > 7);

    /* The first answer stays; one to nobody is nothing.                     */
    s_answer (self, 1, DIVIDERE_STATUS_OK, "x", 1, 0);
    s_answer (self, 2, DIVIDERE_STATUS_OK, "x", 1, 0);
    CHECK_INT (dividere_duplicates_count (self), 1);
    CHECK_INT (s_begin (self, 2, 0), DIVIDERE_DUPLICATE_NEW);

    /* Both halves of an id count.                                           */
    dividere_correlation_t other = { 1, 7 };
    CHECK_INT (dividere_duplicates_begin (self, &other, NULL, 0, &at_work,
                                          &status, &payload),
               DIVIDERE_DUPLICATE_NEW);

    /* Forgotten, in any state; then it is new.                              */
    dividere_duplicates_forget (self, &other);
    dividere_duplicates_forget (self, &other);
    dividere_duplicates_forget (self, &id);
    CHECK_INT (dividere_duplicates_count (self), 0);
    CHECK_INT (dividere_duplicates_bytes (self), 0);
    CHECK_INT (s_begin (self, 1, 0), DIVIDERE_DUPLICATE_NEW);
    s_answer (self, 1, DIVIDERE_STATUS_OK, "", 0, 0);
    CHECK_INT (s_begin (self, 1, 0), DIVIDERE_DUPLICATE_ANSWERED);
    CHECK_INT (s_begin (self, 2, 0), DIVIDERE_DUPLICATE_AT_WORK);

    dividere_duplicates_destroy (&self);
    CHECK (!self);
    dividere_duplicates_destroy (&self);
}

void
test_duplicates_limits (void)
{
    dividere_duplicates_t *self = s_new (3, 100000, 1000);
    for (uint64_t number = 1; number <= 5; number++)
        s_execute (self, number, 100, 0);
    CHECK_INT (dividere_duplicates_count (self), 3);
    size_t cost = dividere_duplicates_bytes (self) / 3;
    CHECK_INT (s_begin (self, 3, 0), DIVIDERE_DUPLICATE_ANSWERED);
    CHECK_INT (s_begin (self, 2, 0), DIVIDERE_DUPLICATE_NEW);

    /* Many at work are no answers.                                          */
    for (uint64_t number = 10; number < 1000; number++)
        CHECK_INT (s_begin (self, number, 0), DIVIDERE_DUPLICATE_NEW);
    CHECK_INT (dividere_duplicates_count (self), 3);
    CHECK_INT (s_begin (self, 10, 0), DIVIDERE_DUPLICATE_AT_WORK);

    /* Bytes: just enough for two, and the oldest goes.                      */
    dividere_duplicates_limits_t limits = { 100, 2 * cost, 1000 };
    dividere_duplicates_limit (self, &limits, 0);
    CHECK_INT (dividere_duplicates_count (self), 2);
    CHECK_INT (s_begin (self, 4, 0), DIVIDERE_DUPLICATE_ANSWERED);
    CHECK_INT (s_begin (self, 5, 0), DIVIDERE_DUPLICATE_ANSWERED);
    s_execute (self, 2001, 100, 0);
    CHECK_INT (s_begin (self, 5, 0), DIVIDERE_DUPLICATE_ANSWERED);
    CHECK_INT (s_begin (self, 4, 0), DIVIDERE_DUPLICATE_NEW);
    s_execute (self, 2002, 101, 0);
    CHECK_INT (dividere_duplicates_count (self), 1);

    /* One that is too large alone: the others stay.                         */
    s_execute (self, 2003, cost + 101, 0);
    CHECK_INT (dividere_duplicates_count (self), 1);
    CHECK_INT (s_begin (self, 2002, 0), DIVIDERE_DUPLICATE_ANSWERED);
    CHECK_INT (s_begin (self, 2003, 0), DIVIDERE_DUPLICATE_NEW);

    /* None.                                                                 */
    limits.count_max = 0;
    dividere_duplicates_limit (self, &limits, 0);
    CHECK_INT (dividere_duplicates_count (self), 0);
    s_execute (self, 3000, 0, 0);
    CHECK_INT (s_begin (self, 3000, 0), DIVIDERE_DUPLICATE_NEW);
    CHECK_INT (dividere_duplicates_bytes (self), 0);
    dividere_duplicates_destroy (&self);
}

void
test_duplicates_age (void)
{
    dividere_duplicates_t *self = s_new (10, 100000, 100);
    s_execute (self, 1, 1, 1000);
    s_execute (self, 2, 1, 1050);
    CHECK_INT (s_begin (self, 3, 1050), DIVIDERE_DUPLICATE_NEW);
    /* That it was asked for again does not make it younger.                 */
    CHECK_INT (s_begin (self, 1, 1100), DIVIDERE_DUPLICATE_ANSWERED);
    CHECK_INT (s_begin (self, 1, 1101), DIVIDERE_DUPLICATE_NEW);
    CHECK_INT (s_begin (self, 2, 1150), DIVIDERE_DUPLICATE_ANSWERED);
    CHECK_INT (dividere_duplicates_count (self), 1);
    dividere_duplicates_limits_t limits = { 10, 100000, 10 };
    dividere_duplicates_limit (self, &limits, 1150);
    CHECK_INT (dividere_duplicates_count (self), 0);
    /* Work has no age; its answer begins when it is given.                  */
    CHECK_INT (s_begin (self, 3, 900000), DIVIDERE_DUPLICATE_AT_WORK);
    s_answer (self, 3, DIVIDERE_STATUS_OK, "x", 1, 900000);
    CHECK_INT (s_begin (self, 3, 900010), DIVIDERE_DUPLICATE_ANSWERED);
    CHECK_INT (s_begin (self, 3, 900011), DIVIDERE_DUPLICATE_NEW);
    dividere_duplicates_destroy (&self);
}

static void
s_freed (void *data, void *hint)
{
    free (data);
    *(bool *) hint = true;
}

/*  What is kept does not hold on to the buffer of a frame, and what was given
 *  outlives what is kept.                                                   */
void
test_duplicates_memory (void)
{
    enum { SIZE = 5000 };
    dividere_duplicates_t *self = s_new (10, 100000, 100);
    dividere_correlation_t id = { 7, 1 };
    uint8_t *data = (uint8_t *) malloc (SIZE);
    CHECK (data);
    memset (data, 'x', SIZE);
    bool freed = false;
    zmq_msg_t payload;
    CHECK_INT (zmq_msg_init_data (&payload, data, SIZE, s_freed, &freed), 0);
    CHECK_INT (s_begin (self, 1, 0), DIVIDERE_DUPLICATE_NEW);
    dividere_duplicates_answer (self, &id, DIVIDERE_STATUS_OK, &payload, 0);
    CHECK (!freed);
    CHECK_INT (zmq_msg_size (&payload), SIZE);
    zmq_msg_close (&payload);
    CHECK (freed);

    void *job;
    dividere_status_t status;
    CHECK_INT (dividere_duplicates_begin (self, &id, NULL, 0, &job, &status,
                                          &payload),
               DIVIDERE_DUPLICATE_ANSWERED);
    dividere_duplicates_destroy (&self);
    CHECK_INT (zmq_msg_size (&payload), SIZE);
    const uint8_t *kept = (const uint8_t *) zmq_msg_data (&payload);
    for (size_t i = 0; i < SIZE; i++)
        CHECK_INT (kept[i], 'x');
    zmq_msg_close (&payload);
}

#define NUMBERS 100
#define EVENTS  1000000

/*  The array to compare with; of a request that is answered the place among all
 *  that were.                                                               */
typedef struct {
    bool known;
    uint64_t answered; /* when, in answers from 1; 0: at work               */
    uint64_t job;
    dividere_status_t status;
    uint8_t size; /* of the payload, which is the job's number, repeated    */
    int64_t since_ms;
} model_request_t;

typedef struct {
    dividere_duplicates_t *duplicates; /* what is tested                    */
    dividere_duplicates_limits_t limits;
    model_request_t requests[NUMBERS];
    size_t cost; /* of an answer beside its bytes                           */
    size_t count;
    size_t bytes;
    uint64_t answers; /* so far                                             */
    int64_t now_ms;
    uint64_t job;
    size_t outcomes[3];
} model_t;

static model_request_t *
s_model_oldest (model_t *self)
{
    model_request_t *oldest = NULL;
    for (size_t i = 0; i < NUMBERS; i++) {
        model_request_t *request = &self->requests[i];
        if (request->known && request->answered &&
            (!oldest || request->answered < oldest->answered))
            oldest = request;
    }
    return oldest;
}

static void
s_model_forget (model_t *self, model_request_t *request)
{
    if (request->known && request->answered) {
        self->count--;
        self->bytes -= self->cost + request->size;
    }
    request->known = false;
}

static void
s_model_keep_limits (model_t *self)
{
    model_request_t *oldest;
    while ((oldest = s_model_oldest (self)) &&
           (self->count > self->limits.count_max ||
            self->bytes > self->limits.bytes_max ||
            self->now_ms - oldest->since_ms > self->limits.age_max_ms))
        s_model_forget (self, oldest);
}

static void
s_check_answer (const model_request_t *request, dividere_status_t status,
                zmq_msg_t *payload)
{
    CHECK_INT (status, request->status);
    CHECK_INT (zmq_msg_size (payload), request->size);
    const uint8_t *data = (const uint8_t *) zmq_msg_data (payload);
    for (size_t i = 0; i < request->size; i++)
        CHECK_INT (data[i], (uint8_t) request->job);
    zmq_msg_close (payload);
}

static void
s_model_begin (model_t *self, uint64_t number)
{
    model_request_t *request = &self->requests[number];
    dividere_correlation_t id = { 7, number };
    void *job;
    dividere_status_t status;
    zmq_msg_t payload;
    s_model_keep_limits (self);
    dividere_duplicate_t what =
        dividere_duplicates_begin (self->duplicates, &id,
                                   (void *) (uintptr_t) ++self->job,
                                   self->now_ms, &job, &status, &payload);
    self->outcomes[what]++;
    if (!request->known) {
        CHECK_INT (what, DIVIDERE_DUPLICATE_NEW);
        *request = (model_request_t){ .known = true, .job = self->job };
    }
    else if (!request->answered) {
        CHECK_INT (what, DIVIDERE_DUPLICATE_AT_WORK);
        CHECK_INT ((uintptr_t) job, request->job);
    }
    else {
        CHECK_INT (what, DIVIDERE_DUPLICATE_ANSWERED);
        s_check_answer (request, status, &payload);
    }
}

static void
s_model_answer (model_t *self, uint64_t number, uint64_t random)
{
    model_request_t *request = &self->requests[number];
    uint8_t data[256];
    uint8_t size = random % 8 ? (uint8_t) (random >> 8) % 32 : 255;
    dividere_status_t status = (dividere_status_t) (random >> 16) % 10;
    memset (data, (uint8_t) request->job, sizeof (data));
    s_answer (self->duplicates, number, status, data, size, self->now_ms);
    if (!request->known || request->answered)
        return;
    if (!self->limits.count_max || self->cost + size > self->limits.bytes_max) {
        request->known = false;
        return;
    }
    request->answered = ++self->answers;
    request->status = status;
    request->size = size;
    request->since_ms = self->now_ms;
    self->count++;
    self->bytes += self->cost + size;
    s_model_keep_limits (self);
}

static void
s_model_limit (model_t *self, uint64_t random)
{
    self->limits = (dividere_duplicates_limits_t){
        .count_max = random % 8 ? random % 60 : 0,
        .bytes_max = (self->cost + 30) * ((random >> 8) % 60),
        .age_max_ms = (int64_t) ((random >> 16) % 100),
    };
    dividere_duplicates_limit (self->duplicates, &self->limits, self->now_ms);
    s_model_keep_limits (self);
}

static void
s_model_event (model_t *self, uint64_t *seed)
{
    uint64_t dice = selftest_random (seed) % 1024;
    uint64_t number = selftest_random (seed) % NUMBERS;
    dividere_correlation_t id = { 7, number };
    if (dice < 600)
        s_model_begin (self, number);
    else if (dice < 900)
        s_model_answer (self, number, selftest_random (seed));
    else if (dice < 950) {
        dividere_duplicates_forget (self->duplicates, &id);
        s_model_forget (self, &self->requests[number]);
    }
    else if (dice < 1020)
        self->now_ms += (int64_t) (selftest_random (seed) % 10);
    else
        s_model_limit (self, selftest_random (seed));
}

void
test_duplicates_model (void)
{
    model_t *model = (model_t *) calloc (1, sizeof (*model));
    CHECK (model);
    model->limits = (dividere_duplicates_limits_t){ 50, 100000, 100 };
    model->duplicates = s_new (50, 100000, 100);
    s_execute (model->duplicates, NUMBERS, 0, 0);
    model->cost = dividere_duplicates_bytes (model->duplicates);
    dividere_duplicates_forget (model->duplicates,
                                &(dividere_correlation_t){ 7, NUMBERS });
    uint64_t seed = 1;
    size_t events = selftest_scaled (EVENTS);
    for (size_t i = 0; i < events; i++) {
        s_model_event (model, &seed);
        CHECK_INT (dividere_duplicates_count (model->duplicates), model->count);
        CHECK_INT (dividere_duplicates_bytes (model->duplicates), model->bytes);
    }
    selftest_note ("%zu events: %zu new, %zu at work, %zu answered", events,
                   model->outcomes[DIVIDERE_DUPLICATE_NEW],
                   model->outcomes[DIVIDERE_DUPLICATE_AT_WORK],
                   model->outcomes[DIVIDERE_DUPLICATE_ANSWERED]);
    for (size_t i = 0; i < 3; i++)
        CHECK (events < 10000 || model->outcomes[i] > events / 100);
    dividere_duplicates_destroy (&model->duplicates);
    free (model);
}
