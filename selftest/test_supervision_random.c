/* SPDX-License-Identifier: Apache-2.0 */

/*  The policy of a supervisor against a model, driven at random: actors that
 *  exist, start and are told to end as the steps and the dice say. The model
 *  knows nothing of the states of the policy.                               */

#include "selftest.h"
#include "supervision.h"

void test_supervision_random (void);

#define CHILDREN 6

static const dividere_supervision_limits_t s_limits = {
    .count = CHILDREN,
    .setup_limit_ms = 1000,
    .stop_limit_ms = 500,
    .restart = { .backoff_ms = 100,
                 .backoff_max_ms = 800,
                 .intensity = 3,
                 .period_ms = 10000 },
};

typedef enum { GONE, BORN, UP, TOLD } life_t;

typedef struct {
    dividere_supervision_t *policy;
    bool all;
    uint64_t random;
    int64_t now;
    life_t life[CHILDREN];
    bool temporary[CHILDREN];
    int64_t since[CHILDREN];  /* born or told                               */
    int64_t before[CHILDREN]; /* not to be started earlier                  */
    bool to_run;              /* the last order was to start               */
    size_t restarts;
    size_t verdicts[4];
} model_t;

static size_t
s_dice (model_t *model, size_t sides)
{
    return (size_t) (selftest_random (&model->random) % sides);
}

static size_t
s_lives (const model_t *model, life_t life)
{
    size_t count = 0;
    for (size_t i = 0; i < CHILDREN; i++)
        count += model->life[i] == life;
    return count;
}

static void
s_model_down (model_t *model, size_t child, bool alive)
{
    int64_t delay = -1;
    bool was_up = model->life[child] == UP;
    dividere_verdict_t verdict =
        dividere_supervision_down (model->policy, child, alive, model->now,
                                   &delay);
    model->life[child] = alive ? TOLD : GONE;
    model->since[child] = model->now;
    if (!model->to_run || (model->temporary[child] && was_up))
        CHECK_INT (verdict, DIVIDERE_VERDICT_NONE);
    model->verdicts[verdict]++;
    if (verdict == DIVIDERE_VERDICT_RESTART) {
        CHECK (delay >= 0 && delay <= s_limits.restart.backoff_max_ms);
        model->restarts++;
        for (size_t i = 0; i < CHILDREN; i++)
            if (i == child || model->all)
                model->before[i] = model->now + delay;
    }
    else if (verdict != DIVIDERE_VERDICT_NONE)
        model->to_run = false;
}

static void
s_model_start (model_t *model, size_t child)
{
    CHECK (model->to_run);
    CHECK_INT (model->life[child], GONE);
    CHECK_INT (s_lives (model, BORN), 0);
    CHECK (model->now >= model->before[child]);
    /* In order: with one for all, what comes later does not run yet.        */
    for (size_t i = child + 1; i < CHILDREN && model->all; i++)
        CHECK_INT (model->life[i], GONE);
    for (size_t i = 0; i < child && model->all; i++)
        CHECK (model->life[i] == UP || model->temporary[i]);
    model->life[child] = BORN;
    model->since[child] = model->now;
}

static void
s_model_stop (model_t *model, size_t child)
{
    CHECK (model->life[child] == BORN || model->life[child] == UP);
    CHECK_INT (s_lives (model, TOLD), 0);
    for (size_t i = child + 1; i < CHILDREN; i++)
        CHECK_INT (model->life[i], GONE);
    CHECK (!model->to_run || model->all);
    model->life[child] = TOLD;
    model->since[child] = model->now;
}

/*  Follows the policy as far as it goes, and returns how far that was.      */
static size_t
s_model_follow (model_t *model)
{
    size_t child = CHILDREN, steps = 0;
    dividere_step_t step;
    while ((step = dividere_supervision_next (model->policy, model->now,
                                              &child)) != DIVIDERE_STEP_NONE) {
        CHECK (child < CHILDREN);
        CHECK (++steps < 10 * CHILDREN);
        int64_t age = model->now - model->since[child];
        if (step == DIVIDERE_STEP_START)
            s_model_start (model, child);
        else if (step == DIVIDERE_STEP_STOP)
            s_model_stop (model, child);
        else if (step == DIVIDERE_STEP_FAIL) {
            CHECK_INT (model->life[child], BORN);
            CHECK (age >= s_limits.setup_limit_ms);
            s_model_down (model, child, true);
        }
        else {
            CHECK_INT (model->life[child], TOLD);
            CHECK (age >= s_limits.stop_limit_ms);
            model->life[child] = GONE;
        }
    }
    CHECK_INT (dividere_supervision_halted (model->policy),
               !model->to_run && s_lives (model, GONE) == CHILDREN);
    CHECK_INT (dividere_supervision_restarts (model->policy), model->restarts);
    return steps;
}

/*  Nothing is due before it is said to be, and something is when it is.     */
static void
s_model_wait (model_t *model)
{
    int64_t due = dividere_supervision_due (model->policy);
    if (due < 0) {
        model->now += (int64_t) s_dice (model, 10000);
        CHECK_INT (s_model_follow (model), 0);
        return;
    }
    CHECK (due > model->now);
    model->now = due - 1;
    CHECK_INT (s_model_follow (model), 0);
    model->now = due;
    CHECK (s_model_follow (model) > 0);
}

static void
s_model_child (model_t *model)
{
    size_t child = s_dice (model, CHILDREN);
    if (model->life[child] == TOLD) {
        dividere_supervision_stopped (model->policy, child);
        model->life[child] = GONE;
    }
    else if (model->life[child] == BORN && s_dice (model, 20)) {
        dividere_supervision_up (model->policy, child);
        model->life[child] = UP;
    }
    else if (model->life[child] == BORN)
        s_model_down (model, child, s_dice (model, 2));
    else if (model->life[child] == UP && s_dice (model, 8) == 0)
        s_model_down (model, child, false);
}

static void
s_model_order (model_t *model)
{
    bool start = s_dice (model, 8);
    bool halted = dividere_supervision_halted (model->policy);
    if (start && !model->to_run)
        CHECK_INT (dividere_supervision_start (model->policy),
                   halted ? 0 : EAGAIN);
    else if (start)
        CHECK_INT (dividere_supervision_start (model->policy), EALREADY);
    else
        CHECK_INT (dividere_supervision_stop (model->policy),
                   halted ? EINVAL : 0);
    if (start && halted)
        memset (model->before, 0, sizeof (model->before));
    model->to_run = start ? model->to_run || halted : false;
}

static void
s_model_run (uint64_t seed, size_t rounds, size_t *verdicts)
{
    model_t model = { .random = seed, .all = seed & 1, .now = 1 };
    dividere_supervision_limits_t limits = s_limits;
    limits.all = model.all;
    model.policy = dividere_supervision_new (&limits);
    size_t temporary = s_dice (&model, CHILDREN);
    model.temporary[temporary] = true;
    dividere_supervision_temporary (model.policy, temporary);
    for (size_t i = 0; i < rounds; i++) {
        size_t side = s_dice (&model, 20);
        if (side == 0)
            s_model_order (&model);
        else if (side < 3)
            s_model_wait (&model);
        else
            s_model_child (&model);
        s_model_follow (&model);
    }
    /* From everywhere a stop leads to the end.                              */
    model.to_run = false;
    dividere_supervision_stop (model.policy);
    for (size_t i = 0; i < CHILDREN; i++) {
        s_model_follow (&model);
        if (s_lives (&model, GONE) < CHILDREN)
            s_model_wait (&model);
    }
    CHECK (dividere_supervision_halted (model.policy));
    dividere_supervision_destroy (&model.policy);
    for (size_t i = 0; i < 4; i++)
        verdicts[i] += model.verdicts[i];
}

void
test_supervision_random (void)
{
    size_t verdicts[4] = { 0 };
    for (uint64_t seed = 1; seed <= selftest_scaled (400); seed++)
        s_model_run (seed * 2654435761u, 1000, verdicts);
    for (size_t i = 0; i < 4; i++) {
        selftest_note ("verdict %zu: %zu", i, verdicts[i]);
        CHECK (verdicts[i] > 0);
    }
}
