/* SPDX-License-Identifier: Apache-2.0 */

/*  The supervisor when its callers do not wait, its children stick, and it is
 *  stopped at any moment.                                                   */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include "workers.h"

void test_supervisor_call_late (void);
void test_supervisor_given_up_commands (void);
void test_supervisor_stop_anywhere (void);
void test_supervisor_stuck (void);
void test_supervisor_stuck_at_end (void);
void test_supervisor_many (void);

/*  Calls that were given up: one at a time, and no reply is taken for that of
 *  another.                                                                 */
void
test_supervisor_call_late (void)
{
    const dividere_child_t children[] = { { WORKER ("v") },
                                          { WORKER ("w") },
                                          { NULL } };
    dividere_supervisor_config_t config = { .children = children,
                                            .backoff_ms = 1 };
    zactor_t *supervisor = workers_new (&config);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    CHECK_FAILS (dividere_call (supervisor, NULL, 5, "CALL", "v", "STICK",
                                "late", NULL),
                 ETIMEDOUT);
    CHECK_FAILS (workers_tell (supervisor, "v", "ECHO"), EAGAIN);
    CHECK_FAILS (workers_tell (supervisor, "w", "REFUSE"), EPERM);
    workers_open ();
    zmsg_t *reply = NULL;
    CHECK_EVENTUALLY (dividere_call (supervisor, &reply, SELFTEST_DEADLINE,
                                     "CALL", "v", "ECHO", "fresh", NULL) == 0);
    CHECK (zframe_streq (zmsg_first (reply), "fresh"));
    zmsg_destroy (&reply);
    /* One that will never be answered is, when the child stops.             */
    CHECK_FAILS (dividere_call (supervisor, NULL, 5, "CALL", "w", "MUTE", NULL),
                 ETIMEDOUT);
    CHECK_FAILS (workers_tell (supervisor, "w", "ECHO"), EAGAIN);
    CHECK_INT (workers_say (supervisor, "STOP"), 0);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    CHECK_INT (workers_tell (supervisor, "w", "ECHO"), 0);
    workers_end (&supervisor);
}

/*  START and STOP that were given up and sent again.                        */
void
test_supervisor_given_up_commands (void)
{
    const dividere_child_t children[] = { { WORKER ("a") },
                                          { WORKER ("b"), SETUP ("STICK") },
                                          { NULL } };
    dividere_supervisor_config_t config = { .children = children };
    zactor_t *supervisor = workers_new (&config);
    CHECK_FAILS (dividere_call (supervisor, NULL, 5, "START", NULL), ETIMEDOUT);
    CHECK_FAILS (workers_say (supervisor, "START"), EALREADY);
    CHECK_STR (workers_ask (supervisor, "LIST"), "a running 0 b starting 0");
    CHECK_FAILS (workers_tell (supervisor, "b", "ECHO"), EAGAIN);
    CHECK_FAILS (dividere_call (supervisor, NULL, 5, "STOP", NULL), ETIMEDOUT);
    CHECK_STR (workers_ask (supervisor, "LIST"), "a running 0 b stopping 0");
    CHECK_FAILS (workers_tell (supervisor, "b", "ECHO"), EAGAIN);
    CHECK_FAILS (workers_say (supervisor, "START"), EAGAIN);
    CHECK_FAILS (dividere_call (supervisor, NULL, 5, "STOP", NULL), ETIMEDOUT);
    workers_open ();
    CHECK_EVENTUALLY (
        streq (workers_ask (supervisor, "LIST"), "a stopped 0 b stopped 0"));
    CHECK_STR (workers_traces (), "+a +b -b -a");

    /* What is answered to those who gave up.                                */
    zstr_send (supervisor, "START");
    zstr_send (supervisor, "STOP");
    zstr_send (supervisor, "STOP");
    static const int statuses[] = { ECANCELED, ECANCELED, 0 };
    for (int i = 0; i < 3; i++) {
        char *status = zstr_recv (supervisor);
        CHECK_INT (strtol (status, NULL, 10), statuses[i]);
        free (status);
        if (i == 0)
            workers_open ();
    }
    CHECK_STR (workers_traces (), "+a +b -b -a");

    /* The end of it all too, which names the child that is waited for.      */
    CHECK_FAILS (dividere_call (supervisor, NULL, 5, "START", NULL), ETIMEDOUT);
    workers_keep_log (true);
    CHECK_FAILS (dividere_stop (&supervisor, 5), ETIMEDOUT);
    CHECK (workers_was_logged ("does not stop in time: supervisor: b"));
    CHECK_FAILS (dividere_stop (&supervisor, 5), ETIMEDOUT);
    workers_keep_log (false);
    workers_open ();
    workers_end (&supervisor);
    CHECK_STR (workers_traces (), "+a +b -b -a");
}

/*  In which state a supervisor is when it is stopped.                       */
typedef enum { NEW, STARTING, RUNNING, WAITING, STOPPING, HALTED } moment_t;

static zactor_t *
s_brought_to (moment_t moment, const dividere_supervisor_config_t *config)
{
    zactor_t *supervisor = workers_new (config);
    workers_allow (moment == STARTING ? 0 : 1);
    if (moment == STARTING)
        CHECK_FAILS (dividere_call (supervisor, NULL, 1, "START", NULL),
                     ETIMEDOUT);
    else if (moment != NEW)
        CHECK_INT (workers_say (supervisor, "START"), 0);
    if (moment == WAITING)
        CHECK_FAILS (workers_tell (supervisor, "a", "END"), ECANCELED);
    if (moment == STOPPING) {
        CHECK_FAILS (dividere_call (supervisor, NULL, 1, "CALL", "a", "STICK",
                                    NULL),
                     ETIMEDOUT);
        CHECK_FAILS (dividere_call (supervisor, NULL, 1, "STOP", NULL),
                     ETIMEDOUT);
        workers_open ();
    }
    if (moment == HALTED)
        CHECK_INT (workers_say (supervisor, "STOP"), 0);
    return supervisor;
}

void
test_supervisor_stop_anywhere (void)
{
    const dividere_child_t children[] = { { WORKER ("a") },
                                          { WORKER ("b"), SETUP ("HESITATE") },
                                          { NULL } };
    for (int all = 0; all <= 1; all++)
        for (moment_t moment = NEW; moment <= HALTED; moment++) {
            dividere_supervisor_config_t config = { .children = children,
                                                    .strategy = all,
                                                    .backoff_ms = 100000,
                                                    .backoff_max_ms = 100000,
                                                    .setup_limit_ms = 100000,
                                                    .stop_limit_ms = 100000 };
            zactor_t *supervisor = s_brought_to (moment, &config);
            workers_end (&supervisor);
            supervisor = s_brought_to (moment, &config);
            zactor_destroy (&supervisor);
        }
}

static const dividere_reactor_config_t s_sticky = { .name = "sticky",
                                                    .on_timer = workers_stick,
                                                    .timer_ms = 1 };

static const dividere_child_t s_stuck_children[] = {
    { WORKER ("a") },
    { .name = "b",
      .actor = dividere_reactor,
      .args = (void *) &s_sticky,
      SETUP ("START") },
    { WORKER ("c"), SETUP ("ECHO") },
    { NULL }
};

/*  The one that sticks is named, the others stop; and it is taken back when it
 *  ends after all.                                                          */
void
test_supervisor_stuck (void)
{
    dividere_supervisor_config_t config = { .name = "tester",
                                            .children = s_stuck_children,
                                            .stop_limit_ms = 20 };
    workers_keep_log (true);
    zactor_t *supervisor = workers_new (&config);
    size_t threads = selftest_threads ();
    CHECK_INT (workers_say (supervisor, "START"), 0);
    CHECK_EVENTUALLY (
        dividere_call (supervisor, NULL, 5, "CALL", "b", "PING", NULL) < 0);
    CHECK_INT (workers_say (supervisor, "STOP"), 0);
    CHECK (workers_was_logged (
        "tester: b STOPPED: does not stop in time, left alone: "
        "sticky: on_timer"));
    CHECK_STR (workers_traces (), "+a +c -c -a");
    CHECK_STR (workers_ask (supervisor, "STATS"),
               "children 3 running 0 restarts 0 left 1 events_dropped 0");
    workers_open ();
    CHECK_EVENTUALLY (strstr (workers_ask (supervisor, "STATS"), "left 0"));
    CHECK_EVENTUALLY (selftest_threads () == threads);
    workers_end (&supervisor);
    workers_keep_log (false);
}

/*  It sticks longer than its supervisor lives, and ends all the same.       */
void
test_supervisor_stuck_at_end (void)
{
    dividere_supervisor_config_t config = { .name = "tester",
                                            .children = s_stuck_children,
                                            .stop_limit_ms = 20 };
    workers_keep_log (true);
    size_t threads = selftest_threads ();
    zactor_t *supervisor = workers_new (&config);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    CHECK_EVENTUALLY (
        dividere_call (supervisor, NULL, 5, "CALL", "b", "PING", NULL) < 0);
    workers_end (&supervisor);
    CHECK (workers_was_logged ("sticky: on_timer"));
    CHECK_STR (workers_traces (), "+a +c -c -a");
    CHECK_EVENTUALLY (selftest_threads () == threads + 1);
    workers_open ();
    CHECK_EVENTUALLY (selftest_threads () == threads);
    workers_keep_log (false);
}

void
test_supervisor_many (void)
{
    static const char *const setup[] = { "START", NULL };
    dividere_child_t children[51] = { { NULL } };
    char names[50][8];
    for (int i = 0; i < 50; i++) {
        snprintf (names[i], sizeof (names[i]), "%d", i);
        children[i] = (dividere_child_t){ .name = names[i],
                                          .actor = dividere_reactor,
                                          .setup = setup };
    }
    dividere_supervisor_config_t config = { .children = children };
    zactor_t *supervisor = workers_new (&config);
    size_t threads = selftest_threads ();
    int64_t begin = selftest_now_ms ();
    CHECK_INT (workers_say (supervisor, "START"), 0);
    CHECK_EVENTUALLY (selftest_threads () == threads + 50);
    int64_t started = selftest_now_ms ();
    CHECK_INT (workers_say (supervisor, "STOP"), 0);
    selftest_note ("started in %d ms, stopped in %d ms",
                   (int) (started - begin),
                   (int) (selftest_now_ms () - started));
    CHECK_EVENTUALLY (selftest_threads () == threads);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    workers_end (&supervisor);
}
