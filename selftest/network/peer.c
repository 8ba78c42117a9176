/* SPDX-License-Identifier: Apache-2.0                                       */

/*  dividere_network_peer ROLE ARGUMENT...
 *
 *  One of those that meet in a soak of the network, see soak.py:
 *
 *      asker NAME OUTCOMES RATE OUTSTANDING WAY BROKERS
 *      asker NAME OUTCOMES RATE OUTSTANDING WAY NAMESERVERS SERVICE
 *                  a dividere_client_t of brokers, or of a service by its name.
 *                  WAY is strict or reliable
 *      caller NAME OUTCOMES RATE ENDPOINT
 *                  a request connector, one at a time
 *      publisher NAME RATE ENDPOINT
 *      subscriber NAME ENDPOINT
 *      worker NAME NOTES BACKEND...
 *      service NAME NOTES SERVICE ADDRESS REQUESTS PUBLISH...
 *      responder NAME NOTES ENDPOINT
 *
 *  Who asks writes one letter for each request into OUTCOMES; who answers notes
 *  each request in NOTES before it does, as a line. Keys are those of
 *  the environment's DIVIDERE_NETWORK_SECURITY, a folder.                    */

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/signalfd.h>
#include <dividere.h>
#include "selftest.h"
#include "network.h"

#define LATE_MAX 20 /* sent at once of what should have been sent before     */

static int s_signals;

void
network_init (void)
{
    sigset_t ends;
    sigemptyset (&ends);
    sigaddset (&ends, SIGTERM);
    sigaddset (&ends, SIGINT);
    CHECK_INT (sigprocmask (SIG_BLOCK, &ends, NULL), 0);
    s_signals = signalfd (-1, &ends, SFD_CLOEXEC);
    CHECK (s_signals >= 0);
    zsys_handler_set (NULL);
    selftest_losing = true;
    const char *security = getenv ("DIVIDERE_NETWORK_SECURITY");
    if (security)
        CHECK_INT (dividere_security_load (security), 0);
}

network_order_t
network_wait (void *socket, int fd, long timeout_ms)
{
    zmq_pollitem_t items[] = { { NULL, s_signals, ZMQ_POLLIN, 0 },
                               { NULL, STDIN_FILENO, ZMQ_POLLIN, 0 },
                               { socket, fd, ZMQ_POLLIN, 0 } };
    int count = socket || fd >= 0 ? 3 : 2;
    int rc = zmq_poll (items, count, timeout_ms);
    CHECK (rc >= 0 || errno == EINTR);
    if (rc <= 0)
        return NETWORK_NOTHING;
    char order;
    if (items[0].revents)
        return NETWORK_END;
    if (!items[1].revents)
        return NETWORK_NOTHING;
    if (read (STDIN_FILENO, &order, 1) != 1)
        return NETWORK_END;
    return (network_order_t) order;
}

void
network_tell (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vprintf (format, args);
    va_end (args);
    putchar ('\n');
    fflush (stdout);
}

uint64_t
network_due (int64_t start_ms, unsigned rate, uint64_t *sent)
{
    uint64_t wanted =
        (uint64_t) (selftest_now_ms () - start_ms) * rate / 1000 + 1;
    if (wanted <= *sent)
        return 0;
    uint64_t late = wanted - *sent;
    *sent = wanted;
    return late < LATE_MAX ? late : LATE_MAX;
}

void
network_call (zactor_t *actor, const char *command, const char *first,
              const char *second)
{
    CHECK_INT (dividere_call (actor, NULL, SELFTEST_DEADLINE, command, first,
                              second, NULL),
               0);
}

/*  Of any size, always the same for the same request.                       */
static size_t
s_filler (uint64_t number)
{
    return number * 2654435761u % NETWORK_FILLER_MAX;
}

void
network_ask (TestMsg01 *request, char *text, const char *name, uint64_t number)
{
    int size = snprintf (text, NETWORK_NAME_MAX, "%s ", name);
    CHECK (size > 0 && size < NETWORK_NAME_MAX);
    size_t filler = s_filler (number);
    memset (text + size, 'x', filler);
    text[(size_t) size + filler] = 0;
    test_msg01__init (request);
    request->field1 = text;
    request->field2 = (int32_t) number;
}

void
network_check (const TestMsg01 *answer, const char *name, uint64_t number)
{
    TestMsg01 request;
    char text[NETWORK_TEXT_MAX];
    network_ask (&request, text, name, number);
    size_t size = strlen (text);
    CHECK (answer);
    CHECK_INT (-(int64_t) answer->field2, number);
    CHECK (strncmp (answer->field1, text, size) == 0);
    CHECK (answer->field1[size] == ' ' && answer->field1[size + 1]);
}

int
main (int argc, char **argv)
{
    static const struct {
        const char *name;
        int arguments;
        void (*run) (char **args);
    } s_roles[] = { { "asker", 6, network_asker },
                    { "caller", 4, network_caller },
                    { "publisher", 3, network_publisher },
                    { "subscriber", 2, network_subscriber },
                    { "worker", 3, network_worker },
                    { "service", 6, network_service },
                    { "responder", 3, network_responder } };
    for (size_t i = 0; argc > 1 && i < sizeof (s_roles) / sizeof (*s_roles);
         i++)
        if (strcmp (s_roles[i].name, argv[1]) == 0 &&
            argc - 2 >= s_roles[i].arguments) {
            network_init ();
            s_roles[i].run (argv + 2);
            return EXIT_SUCCESS;
        }
    fprintf (stderr, "usage: %s ROLE ARGUMENT..., see peer.c\n", argv[0]);
    return 2;
}
