/* SPDX-License-Identifier: Apache-2.0 */

/*  The supervisor: in what order children start and stop, what becomes of those
 *  that end or cannot be set up, and what is told of it.                    */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>
#include <dividere/event.pb-c.h>
#include "workers.h"

void test_supervisor_order (void);
void test_supervisor_one_for_one (void);
void test_supervisor_one_for_all (void);
void test_supervisor_failed_start (void);
void test_supervisor_failed_restart (void);
void test_supervisor_gives_up (void);
void test_supervisor_nested (void);
void test_supervisor_call (void);

static dividere_connector_t *
s_events (zactor_t *supervisor)
{
    const char *endpoint = selftest_inproc ();
    CHECK_INT (dividere_call (supervisor, NULL, -1, "BIND", "events", endpoint,
                              NULL),
               0);
    CHECK_INT (dividere_types_register (
                   &dividere__supervisor_event__descriptor),
               0);
    return dividere_dealer_new (endpoint, NULL);
}

/*  The next events, as "KIND child", separated by commas.                   */
static void
s_expect (dividere_connector_t *events, const char *expected)
{
    char text[500] = "";
    size_t length = 0;
    dividere_message_t *message = dividere_message_new ();
    do {
        CHECK_INT (dividere_recv_into (events, message, SELFTEST_DEADLINE), 0);
        const Dividere__SupervisorEvent *event =
            DIVIDERE_MESSAGE_AS (message, Dividere__SupervisorEvent,
                                 dividere__supervisor_event);
        CHECK_STR (event->name, "tester");
        const ProtobufCEnumValue *kind = protobuf_c_enum_descriptor_get_value (
            &dividere__supervisor_event__kind__descriptor, (int) event->kind);
        length += (size_t) snprintf (text + length, sizeof (text) - length,
                                     "%s%s%s%s", length ? ", " : "", kind->name,
                                     *event->child ? " " : "", event->child);
        selftest_note ("%s (%s, after %d ms, restarts %u)", text, event->reason,
                       (int) event->delay_ms, event->restarts);
    }
    while (length < strlen (expected));
    CHECK_STR (text, expected);
    dividere_message_destroy (&message);
}

void
test_supervisor_order (void)
{
    const dividere_child_t children[] = { { WORKER ("a") },
                                          { WORKER ("b"),
                                            SETUP ("ECHO x  y", "ECHO") },
                                          { WORKER ("c"), SETUP ("ECHO") },
                                          { NULL } };
    dividere_supervisor_config_t config = { .children = children };
    zactor_t *supervisor = workers_new (&config);
    CHECK_STR (workers_ask (supervisor, "PING"), "supervisor");
    CHECK_STR (workers_ask (supervisor, "LIST"),
               "a stopped 0 b stopped 0 c stopped 0");
    CHECK_FAILS (workers_say (supervisor, "STOP"), EINVAL);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    CHECK_STR (workers_traces (), "+a +b +c");
    CHECK_FAILS (workers_say (supervisor, "START"), EALREADY);
    CHECK_STR (workers_ask (supervisor, "LIST"),
               "a running 0 b running 0 c running 0");
    CHECK_STR (workers_ask (supervisor, "STATS"),
               "children 3 running 3 restarts 0 left 0 events_dropped 0");
    CHECK_INT (workers_say (supervisor, "STOP"), 0);
    CHECK_STR (workers_traces (), "-c -b -a");
    CHECK_FAILS (workers_say (supervisor, "STOP"), EINVAL);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    CHECK_STR (workers_traces (), "+a +b +c");
    workers_end (&supervisor);
    CHECK_STR (workers_traces (), "-c -b -a");

    /* A parent with nothing to do.                                          */
    const dividere_child_t nobody[] = { { NULL } };
    dividere_supervisor_config_t idle = { .children = nobody };
    supervisor = workers_new (&idle);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    CHECK_FAILS (workers_say (supervisor, "START"), EALREADY);
    CHECK_INT (workers_say (supervisor, "STOP"), 0);
    workers_end (&supervisor);
}

void
test_supervisor_one_for_one (void)
{
    const dividere_child_t children[] = { { WORKER ("a") },
                                          { WORKER ("b"), SETUP ("ECHO") },
                                          { WORKER ("c"), .temporary = true },
                                          { NULL } };
    dividere_supervisor_config_t config = { .name = "tester",
                                            .children = children,
                                            .backoff_ms = 1 };
    zactor_t *supervisor = workers_new (&config);
    dividere_connector_t *events = s_events (supervisor);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    s_expect (events, "STARTED a, STARTED b, STARTED c");
    CHECK_FAILS (workers_tell (supervisor, "b", "END"), ECANCELED);
    s_expect (events, "DOWN b, RESTARTING b, STARTED b");
    CHECK_FAILS (workers_tell (supervisor, "c", "END"), ECANCELED);
    s_expect (events, "DOWN c");
    CHECK_STR (workers_traces (), "+a +b +c !b +b !c");
    CHECK_STR (workers_ask (supervisor, "LIST"),
               "a running 0 b running 1 c stopped 0");
    CHECK_STR (workers_ask (supervisor, "STATS"),
               "children 3 running 2 restarts 1 left 0 events_dropped 0");
    CHECK_FAILS (workers_tell (supervisor, "c", "ECHO"), EAGAIN);
    CHECK_INT (workers_say (supervisor, "STOP"), 0);
    s_expect (events, "STOPPED b, STOPPED a");
    CHECK_INT (workers_say (supervisor, "START"), 0);
    s_expect (events, "STARTED a, STARTED b, STARTED c");
    workers_end (&supervisor);
    s_expect (events, "STOPPED c, STOPPED b, STOPPED a");
    dividere_connector_destroy (&events);
}

void
test_supervisor_one_for_all (void)
{
    const dividere_child_t children[] = { { WORKER ("a"), SETUP ("ECHO") },
                                          { WORKER ("b") },
                                          { WORKER ("c"), .temporary = true },
                                          { WORKER ("d"), SETUP ("ECHO") },
                                          { NULL } };
    dividere_supervisor_config_t config = { .name = "tester",
                                            .children = children,
                                            .strategy = DIVIDERE_ONE_FOR_ALL,
                                            .backoff_ms = 1 };
    zactor_t *supervisor = workers_new (&config);
    dividere_connector_t *events = s_events (supervisor);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    s_expect (events, "STARTED a, STARTED b, STARTED c, STARTED d");
    CHECK_FAILS (workers_tell (supervisor, "b", "END"), ECANCELED);
    s_expect (events, "DOWN b, RESTARTING b, STOPPED d, STOPPED c, STOPPED a, "
                      "STARTED a, STARTED b, STARTED d");
    CHECK_STR (workers_traces (), "+a +b +c +d !b -d -c -a +a +b +d");
    CHECK_STR (workers_ask (supervisor, "LIST"),
               "a running 0 b running 1 c stopped 0 d running 0");
    workers_end (&supervisor);
    CHECK_STR (workers_traces (), "-d -b -a");
    dividere_connector_destroy (&events);
}

static void
s_start_fails (const dividere_child_t *child, int error, const char *line)
{
    const dividere_child_t children[] = {
        { WORKER ("a") }, *child, { WORKER ("z") }, { NULL }
    };
    /* Only one that never answers may run into it.                          */
    dividere_supervisor_config_t config = {
        .name = "tester",
        .children = children,
        .setup_limit_ms = error == ETIMEDOUT ? 200 : SELFTEST_DEADLINE
    };
    workers_keep_log (true);
    zactor_t *supervisor = workers_new (&config);
    dividere_connector_t *events = s_events (supervisor);
    for (int i = 0; i < 2; i++) {
        CHECK_FAILS (workers_say (supervisor, "START"), error);
        s_expect (events, "STARTED a, DOWN b");
        s_expect (events,
                  streq (line, "END") ? "STOPPED a" : "STOPPED b, STOPPED a");
        CHECK_STR (workers_ask (supervisor, "LIST"),
                   "a stopped 0 b stopped 0 z stopped 0");
    }
    char text[100];
    snprintf (text, sizeof (text), "tester: b DOWN: %s: %s", line,
              strerror (error));
    CHECK (workers_was_logged (text));
    workers_end (&supervisor);
    dividere_connector_destroy (&events);
    workers_keep_log (false);
}

void
test_supervisor_failed_start (void)
{
    const dividere_child_t refuses = { WORKER ("b"),
                                       SETUP ("ECHO", "REFUSE 1") };
    s_start_fails (&refuses, EPERM, "REFUSE 1");
    CHECK_STR (workers_traces (), "+a +b -b -a +a +b -b -a");
    const dividere_child_t mute = { WORKER ("b"), SETUP ("MUTE") };
    s_start_fails (&mute, ETIMEDOUT, "MUTE");
    const dividere_child_t ends = { WORKER ("b"), SETUP ("END") };
    s_start_fails (&ends, ECANCELED, "END");
    const dividere_child_t nonsense = { WORKER ("b"), SETUP ("NONSENSE") };
    s_start_fails (&nonsense, EPROTO, "NONSENSE");
    const dividere_child_t reactor = { .name = "b",
                                       .actor = dividere_reactor,
                                       SETUP ("ADD dealer nowhere", "START") };
    s_start_fails (&reactor, EINVAL, "ADD dealer nowhere");
}

/*  Setup that fails at restarts: down again each time, until it succeeds.   */
void
test_supervisor_failed_restart (void)
{
    const dividere_child_t children[] = {
        { WORKER ("a"), SETUP ("PASS", "PASS") }, { WORKER ("b") }, { NULL }
    };
    dividere_supervisor_config_t config = { .name = "tester",
                                            .children = children,
                                            .backoff_ms = 1,
                                            .backoff_max_ms = 4 };
    zactor_t *supervisor = workers_new (&config);
    dividere_connector_t *events = s_events (supervisor);
    workers_allow (3);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    s_expect (events, "STARTED a, STARTED b");
    CHECK_FAILS (workers_tell (supervisor, "a", "END"), ECANCELED);
    s_expect (events, "DOWN a, RESTARTING a");
    s_expect (events, "DOWN a, RESTARTING a, STOPPED a");
    workers_allow (2);
    CHECK_EVENTUALLY (strstr (workers_ask (supervisor, "LIST"), "a running"));
    CHECK (strstr (workers_ask (supervisor, "LIST"), "b running 0"));
    CHECK_INT (workers_tell (supervisor, "a", "ECHO"), 0);
    workers_end (&supervisor);
    dividere_connector_destroy (&events);
}

/*  The supervisor has ended by itself: it takes no call.                    */
static bool
s_is_gone (zactor_t *supervisor)
{
    return dividere_call (supervisor, NULL, 5, "PING", NULL) < 0 &&
           (errno == ETERM || errno == ESRCH);
}

void
test_supervisor_gives_up (void)
{
    const dividere_child_t children[] = {
        { WORKER ("a") },
        { WORKER ("b"), SETUP ("ECHO") },
        { .name = "c", .actor = workers_crasher, .args = (void *) "c" },
        { NULL }
    };
    for (int all = 0; all <= 1; all++) {
        dividere_supervisor_config_t config = { .name = "tester",
                                                .children = children,
                                                .strategy = all,
                                                .intensity = 2,
                                                .backoff_ms = 1 };
        workers_keep_log (true);
        zactor_t *supervisor = workers_new (&config);
        dividere_connector_t *events = s_events (supervisor);
        CHECK_INT (workers_say (supervisor, "START"), 0);
        s_expect (events, "STARTED a, STARTED b, STARTED c");
        for (int i = 0; i < 2; i++)
            s_expect (events,
                      all ? "DOWN c, RESTARTING c, STOPPED b, STOPPED a, "
                            "STARTED a, STARTED b, STARTED c"
                          : "DOWN c, RESTARTING c, STARTED c");
        s_expect (events, "DOWN c, STOPPED b, STOPPED a, GAVE_UP");
        CHECK_EVENTUALLY (s_is_gone (supervisor));
        CHECK (workers_was_logged ("tester: GAVE_UP: "));
        CHECK_STR (workers_traces (),
                   all ? "+a +b !c -b -a +a +b !c -b -a +a +b !c "
                         "-b -a"
                       : "+a +b !c !c !c -b -a");
        workers_end (&supervisor);
        dividere_connector_destroy (&events);
        workers_keep_log (false);
    }
}

/*  A supervisor that gives up is down for the one above it.                 */
void
test_supervisor_nested (void)
{
    const dividere_child_t inner[] = {
        { WORKER ("b") },
        { .name = "c", .actor = workers_crasher, .args = (void *) "c" },
        { NULL }
    };
    dividere_supervisor_config_t below = { .children = inner,
                                           .intensity = 1,
                                           .backoff_ms = 1 };
    const dividere_child_t outer[] = { { WORKER ("a") },
                                       { .name = "inner",
                                         .actor = dividere_supervisor,
                                         .args = &below,
                                         SETUP ("START") },
                                       { NULL } };
    dividere_supervisor_config_t above = {
        .name = "tester", .children = outer, .intensity = 1, .backoff_ms = 1
    };
    zactor_t *supervisor = workers_new (&above);
    dividere_connector_t *events = s_events (supervisor);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    s_expect (events, "STARTED a, STARTED inner");
    s_expect (events, "DOWN inner, RESTARTING inner, STARTED inner");
    s_expect (events, "DOWN inner, STOPPED a, GAVE_UP");
    CHECK_STR (workers_traces (), "+a +b !c !c -b +b !c !c -b -a");
    workers_end (&supervisor);
    dividere_connector_destroy (&events);

    /* From the top to the bottom and back.                                  */
    const dividere_child_t steady[] = { { WORKER ("b") },
                                        { WORKER ("c"), SETUP ("ECHO") },
                                        { NULL } };
    below.children = steady;
    supervisor = workers_new (&above);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    CHECK_FAILS (dividere_call (supervisor, NULL, SELFTEST_DEADLINE, "CALL",
                                "inner", "CALL", "c", "REFUSE", NULL),
                 EPERM);
    workers_end (&supervisor);
    CHECK_STR (workers_traces (), "+a +b +c -c -b -a");
}

void
test_supervisor_call (void)
{
    const dividere_child_t children[] = {
        { .name = "r",
          .actor = dividere_reactor,
          SETUP ("ADD response=front tcp://127.0.0.1:*", "START") },
        { WORKER ("w") },
        { NULL }
    };
    dividere_supervisor_config_t config = { .children = children,
                                            .backoff_ms = 1 };
    zactor_t *supervisor = workers_new (&config);
    CHECK_FAILS (workers_tell (supervisor, "x", "PING"), ENOENT);
    CHECK_FAILS (workers_tell (supervisor, "r", "PING"), EAGAIN);
    CHECK_INT (workers_say (supervisor, "START"), 0);
    CHECK_FAILS (workers_tell (supervisor, "x", "PING"), ENOENT);
    CHECK_FAILS (workers_say (supervisor, "CALL"), EINVAL);
    CHECK_FAILS (workers_tell (supervisor, "r", "NONSENSE"), ENOSYS);
    CHECK_FAILS (workers_tell (supervisor, "r", "$TERM"), ENOSYS);
    CHECK_FAILS (workers_tell (supervisor, "w", "REFUSE"), EPERM);
    CHECK_FAILS (workers_tell (supervisor, "w", "NONSENSE"), EPROTO);
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (supervisor, &reply, -1, "CALL", "r", "LIST",
                              NULL),
               0);
    CHECK_INT (zmsg_size (reply), 3);
    CHECK (zframe_streq (zmsg_first (reply), "front"));
    zmsg_destroy (&reply);
    CHECK_INT (dividere_call (supervisor, &reply, -1, "CALL", "w", "ECHO", "#1",
                              "", "two words", NULL),
               0);
    CHECK_INT (zmsg_size (reply), 3);
    CHECK (zframe_streq (zmsg_first (reply), "#1"));
    CHECK (zframe_streq (zmsg_last (reply), "two words"));
    zmsg_destroy (&reply);
    workers_end (&supervisor);
}
