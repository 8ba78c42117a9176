/* SPDX-License-Identifier: Apache-2.0 */

/*  What runs in the children that the tests of process reactors start.      */

#include "selftest.h"
#include "reactors.h"
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <dividere.h>
#include "test.pb-c.h"

static void
s_never_return (void)
{
    while (true)
        poll (NULL, 0, -1);
}

/*  How many of the open descriptors have the name.                          */
static int
s_count_private (void)
{
    int count = 0;
    DIR *dir = opendir ("/proc/self/fd");
    CHECK (dir);
    for (struct dirent *entry; (entry = readdir (dir));) {
        char target[256] = "";
        ssize_t rc = readlinkat (dirfd (dir), entry->d_name, target,
                                 sizeof (target) - 1);
        count += rc > 0 && strstr (target, SELFTEST_PRIVATE);
    }
    closedir (dir);
    return count;
}

static int
s_on_order (dividere_context_t *context, const TestMsg01 *message)
{
    const char *order = message->field1;
    char text[32] = "";
    if (strcmp (order, "exit") == 0)
        _exit (message->field2);
    if (strcmp (order, "hang") == 0)
        s_never_return ();
    if (strcmp (order, "hang deaf") == 0) {
        signal (SIGTERM, SIG_IGN);
        s_never_return ();
    }
    if (strcmp (order, "private") == 0)
        snprintf (text, sizeof (text), "%d", s_count_private ());
    TestMsg01 reply = TEST_MSG01__INIT;
    reply.field1 = text;
    reply.field2 = getpid ();
    dividere_context_reply (context, &reply.base);
    return 0;
}

static int
s_refuse (dividere_context_t *context)
{
    return EPERM;
}

/*  An actor blocks all signals, and a sanitizer would report this one.       */
static int
s_crash (dividere_context_t *context)
{
    sigset_t crash;
    sigemptyset (&crash);
    sigaddset (&crash, SIGSEGV);
    signal (SIGSEGV, SIG_DFL);
    pthread_sigmask (SIG_UNBLOCK, &crash, NULL);
    raise (SIGSEGV);
    return 0;
}

static int
s_announce (dividere_context_t *context)
{
    printf ("%d\n", (int) getpid ());
    fflush (stdout);
    return 0;
}

static int
s_announce_and_hang (dividere_context_t *context)
{
    s_announce (context);
    s_never_return ();
    return 0;
}

static void
s_hang_at_exit (dividere_context_t *context)
{
    printf ("leaving\n");
    fflush (stdout);
    s_never_return ();
}

static void
s_hang_leaving (void)
{
    s_hang_at_exit (NULL);
}

static int
s_announce_and_leave (dividere_context_t *context)
{
    CHECK_INT (atexit (s_hang_leaving), 0);
    return s_announce (context);
}

static int
s_send_unsent (dividere_context_t *context)
{
    TestMsg01 message = TEST_MSG01__INIT;
    return dividere_send (dividere_context_find (context, "source-1"),
                          &message.base);
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_order),
    DIVIDERE_HANDLER_END,
};

static const dividere_reactor_config_t s_obedient = { .handlers = s_handlers };
static const dividere_reactor_config_t s_refusing = { .on_init = s_refuse };
static const dividere_reactor_config_t s_crashing = { .on_init = s_crash };
static const dividere_reactor_config_t s_stuck = { .on_init =
                                                       s_announce_and_hang };
static const dividere_reactor_config_t s_announcing = { .on_init = s_announce };
static const dividere_reactor_config_t s_lingering = {
    .on_init = s_announce,
    .on_exit = s_hang_at_exit,
};
static const dividere_reactor_config_t s_leaving = {
    .on_init = s_announce_and_leave,
};
static const dividere_reactor_config_t s_unsent = { .on_init = s_send_unsent };

const dividere_process_reactor_t selftest_reactors[] = {
    { "obedient", &s_obedient },
    { "refusing", &s_refusing },
    { "crashing", &s_crashing },
    { "stuck", &s_stuck },
    { "announcing", &s_announcing },
    { "lingering", &s_lingering },
    { "leaving", &s_leaving },
    { "unsent", &s_unsent },
    { "plain", NULL },
    { NULL, NULL },
};
