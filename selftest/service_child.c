/* SPDX-License-Identifier: Apache-2.0 */

/*  A service of test_service_faults.c in its process: `dividere_selftest --test
 *  service_child`.                                                          */

#include "selftest.h"
#include <poll.h>
#include <unistd.h>
#include <dividere.h>

void test_service_child (void);

static int
s_on_bytes (dividere_context_t *context, const void *data, size_t size)
{
    return dividere_context_reply_bytes (context, data, size) < 0 ? errno : 0;
}

/*  Tells its endpoint, and is there until nobody reads its standard output: the
 *  test has let it go, or has died.                                         */
void
test_service_child (void)
{
    static const dividere_service_config_t s_config = { .on_bytes =
                                                            s_on_bytes };
    zactor_t *service = zactor_new (dividere_service, (void *) &s_config);
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (service, NULL, -1, "SET", "name", "clock", NULL),
               0);
    CHECK_INT (dividere_call (service, NULL, -1, "SET", "lease",
                              getenv ("DIVIDERE_SELFTEST_LEASE"), NULL),
               0);
    CHECK_INT (dividere_call (service, NULL, -1, "BIND", "tcp://127.0.0.1:*",
                              NULL),
               0);
    CHECK_INT (dividere_call (service, NULL, -1, "CONNECT",
                              getenv ("DIVIDERE_SELFTEST_NAMES"),
                              getenv ("DIVIDERE_SELFTEST_PUBLISH"), NULL),
               0);
    CHECK_INT (dividere_call (service, &reply, -1, "START", NULL), 0);
    char *endpoint = zmsg_popstr (reply);
    printf ("%s\n", endpoint);
    fflush (stdout);
    free (endpoint);
    zmsg_destroy (&reply);
    struct pollfd reader = { STDOUT_FILENO, 0, 0 };
    while (poll (&reader, 1, -1) < 0)
        CHECK_INT (errno, EINTR);
    CHECK_INT (dividere_stop (&service, SELFTEST_DEADLINE), 0);
}
