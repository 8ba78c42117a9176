/* SPDX-License-Identifier: Apache-2.0 */

/*  Steering: commands, replies, and stopping, whatever the actor is doing.   */

#include "selftest.h"
#include <signal.h>
#include <sys/time.h>
#include <czmq.h>
#include <dividere.h>
#include "test.pb-c.h"

void test_actor_commands (void);
void test_actor_plain_czmq (void);
void test_actor_stop (void);
void test_actor_stuck (void);
void test_actor_signals (void);
void test_actor_unread_replies (void);
void test_actor_ended (void);
void test_actor_ended_joined (void);

static char *
s_first (zmsg_t **reply_p)
{
    char *text = zmsg_popstr (*reply_p);
    zmsg_destroy (reply_p);
    return text;
}

void
test_actor_commands (void)
{
    dividere_reactor_config_t config = { .name = "tester" };
    zactor_t *actor = zactor_new (dividere_reactor, &config);
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (actor, &reply, -1, "PING", NULL), 0);
    char *name = s_first (&reply);
    CHECK_STR (name, "tester");
    free (name);
    CHECK_INT (dividere_call (actor, NULL, -1, "VERBOSE", "1", NULL), 0);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "VERBOSE", "2", NULL), EINVAL);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "VERBOSE", NULL), EINVAL);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "PING", "x", NULL), EINVAL);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "", NULL), ENOSYS);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "ping", NULL), ENOSYS);
    CHECK_FAILS (dividere_call (actor, NULL, -1, "NONSENSE", "%s%n", NULL),
                 ENOSYS);
    CHECK_INT (dividere_call (actor, &reply, -1, "STATS", NULL), 0);
    CHECK (zmsg_size (reply) >= 20 && zmsg_size (reply) % 2 == 0);
    zmsg_destroy (&reply);
    char text[100];
    CHECK_INT (dividere_actor_activity (actor, text, sizeof (text)), 0);
    CHECK_STR (text, "tester");
    CHECK_INT (dividere_stop (&actor, -1), 0);
    CHECK (!actor);
    CHECK_INT (dividere_stop (&actor, -1), 0);
}

/*  With nothing but CZMQ; frames that are no text; an end by zactor_destroy. */
void
test_actor_plain_czmq (void)
{
    zactor_t *actor = zactor_new (dividere_reactor, NULL);
    zstr_sendx (actor, "PING", NULL);
    char *status, *name;
    CHECK_INT (zstr_recvx (actor, &status, &name, NULL), 2);
    CHECK_STR (status, "0");
    CHECK_STR (name, "reactor");
    free (status);
    free (name);
    zmsg_t *odd = zmsg_new ();
    zmsg_addmem (odd, "\0\xFF", 2);
    zmsg_addmem (odd, NULL, 0);
    CHECK_INT (zmsg_send (&odd, actor), 0);
    status = zstr_recv (actor);
    CHECK_INT (strtol (status, NULL, 10), ENOSYS);
    free (status);
    zsock_signal (actor, 3);
    status = zstr_recv (actor);
    CHECK_INT (strtol (status, NULL, 10), ENOSYS);
    free (status);
    zactor_destroy (&actor);
    CHECK (!actor);
}

/*  Many actors, each stopped at once, also with commands under way.         */
void
test_actor_stop (void)
{
    zactor_t *actors[50];
    size_t threads = selftest_threads ();
    for (int i = 0; i < 50; i++) {
        actors[i] =
            zactor_new (i % 2 ? dividere_reactor : dividere_monitor, NULL);
        CHECK (actors[i]);
        for (int j = 0; j < i; j++)
            zstr_send (actors[i], "PING");
    }
    for (int i = 0; i < 50; i++)
        CHECK_INT (dividere_stop (&actors[i], SELFTEST_DEADLINE), 0);
    CHECK_INT (selftest_threads (), threads);
}

static zsock_t *s_gate = NULL;

static int
s_on_stuck (dividere_context_t *context, const TestMsg01 *message)
{
    free (zstr_recv (s_gate));
    return 0;
}

static const dividere_handler_t s_stuck_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_stuck), DIVIDERE_HANDLER_END
};

static char s_line[500];

static void
s_keep_line (dividere_log_level_t level, const char *line, void *arg)
{
    snprintf (s_line, sizeof (s_line), "%s", line);
}

static char *
s_add (zactor_t *reactor, const char *kind, const char *endpoint)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (reactor, &reply, -1, "ADD", kind, endpoint, NULL),
               0);
    free (zmsg_popstr (reply));
    return s_first (&reply);
}

/*  A handler that does not return: calls and stop end in time and name it, and
 *  late replies are not taken for those of later calls.                     */
void
test_actor_stuck (void)
{
    const char *gate = selftest_inproc ();
    zsock_t *opener = zsock_new (ZMQ_PAIR);
    s_gate = zsock_new (ZMQ_PAIR);
    CHECK_INT (zsock_bind (opener, "%s", gate), 0);
    CHECK_INT (zsock_connect (s_gate, "%s", gate), 0);
    dividere_reactor_config_t config = { .handlers = s_stuck_handlers };
    zactor_t *actor = zactor_new (dividere_reactor, &config);
    char *endpoint = s_add (actor, "dealer", "tcp://127.0.0.1:*");
    CHECK_INT (dividere_call (actor, NULL, -1, "START", NULL), 0);
    dividere_connector_t *dealer = dividere_dealer_new (endpoint + 1, NULL);
    TestMsg01 msg = TEST_MSG01__INIT;
    CHECK_INT (dividere_send (dealer, &msg.base), 0);

    char text[100] = "";
    CHECK_EVENTUALLY (dividere_actor_activity (actor, text, sizeof (text)) ==
                          0 &&
                      strcmp (text, "reactor: s_on_stuck") == 0);
    CHECK_FAILS (dividere_call (actor, NULL, 5, "VERBOSE", "x", NULL),
                 ETIMEDOUT);
    CHECK_FAILS (dividere_call (actor, NULL, 5, "NONSENSE", NULL), ETIMEDOUT);
    zstr_send (opener, "go on");
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (actor, &reply, -1, "PING", NULL), 0);
    char *name = s_first (&reply);
    CHECK_STR (name, "reactor");
    free (name);

    CHECK_INT (dividere_send (dealer, &msg.base), 0);
    CHECK_EVENTUALLY (dividere_actor_activity (actor, text, sizeof (text)) ==
                          0 &&
                      strcmp (text, "reactor: s_on_stuck") == 0);
    dividere_log_set (DIVIDERE_LOG_ERROR, s_keep_line, NULL);
    CHECK_FAILS (dividere_stop (&actor, 5), ETIMEDOUT);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    CHECK (actor);
    CHECK (strstr (s_line, "reactor: s_on_stuck"));
    zstr_send (opener, "go on");
    /* A call meets the signal of the end, which stop then does not see.     */
    CHECK_EVENTUALLY (dividere_call (actor, NULL, 5, "PING", NULL) < 0 &&
                      (errno == ETERM || errno == ESRCH));
    CHECK_INT (dividere_stop (&actor, SELFTEST_DEADLINE), 0);
    dividere_connector_destroy (&dealer);
    zsock_destroy (&s_gate);
    zsock_destroy (&opener);
    free (endpoint);
}

static void
s_on_alarm (int signal)
{
}

/*  A storm of signals at the process disturbs no call and ends no loop.     */
void
test_actor_signals (void)
{
    struct sigaction action = { .sa_handler = s_on_alarm }, old;
    sigaction (SIGALRM, &action, &old);
    struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { 0 };
    zactor_t *actor = zactor_new (dividere_reactor, NULL);
    setitimer (ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 2000; i++)
        CHECK_INT (dividere_call (actor, NULL, -1, "PING", NULL), 0);
    int rc = dividere_stop (&actor, -1);
    setitimer (ITIMER_REAL, &never, NULL);
    CHECK_INT (rc, 0);
    /* One that is still pending is thrown away by this.                     */
    signal (SIGALRM, SIG_IGN);
    sigaction (SIGALRM, &old, NULL);
}

/*  More commands than the pipe holds replies: the actor goes on, and stops.  */
void
test_actor_unread_replies (void)
{
    zactor_t *actor = zactor_new (dividere_reactor, NULL);
    zsock_set_sndtimeo (zactor_sock (actor), SELFTEST_DEADLINE);
    for (int i = 0; i < 5000; i++)
        CHECK_INT (zstr_send (actor, "PING"), 0);
    CHECK_INT (dividere_stop (&actor, SELFTEST_DEADLINE), 0);
    actor = zactor_new (dividere_reactor, NULL);
    for (int i = 0; i < 1500; i++)
        CHECK_INT (zstr_send (actor, "PING"), 0);
    zactor_destroy (&actor);
}

/*  A call that finds the actor ended leaves nothing to wait for.            */
void
test_actor_ended (void)
{
    for (int i = 0; i < 200; i++) {
        zactor_t *actor = zactor_new (dividere_reactor, NULL);
        CHECK_INT (zstr_send (actor, "$TERM"), 0);
        while (dividere_call (actor, NULL, SELFTEST_DEADLINE, "PING", NULL) ==
               0)
            continue;
        CHECK_INT (errno, ESRCH);
        CHECK_FAILS (dividere_call (actor, NULL, -1, "PING", NULL), ESRCH);
        if (i % 2)
            zactor_destroy (&actor);
        else
            CHECK_INT (dividere_stop (&actor, -1), 0);
    }
}

/*  Its thread is gone when stop returns, also if it ended before.           */
void
test_actor_ended_joined (void)
{
    size_t threads = selftest_threads ();
    for (size_t i = 0; i < selftest_scaled (2000); i++) {
        zactor_t *actor = zactor_new (dividere_reactor, NULL);
        CHECK_INT (zstr_send (actor, "$TERM"), 0);
        char text[32];
        while (i % 2 &&
               dividere_actor_activity (actor, text, sizeof (text)) == 0)
            continue;
        CHECK_INT (dividere_stop (&actor, SELFTEST_DEADLINE), 0);
        CHECK_INT (selftest_threads (), threads);
    }
}
