/* SPDX-License-Identifier: Apache-2.0 */

/*  The monitor: what it tells, and that it can neither freeze a context nor be
 *  missed when it goes first.                                               */

#include "selftest.h"
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <unistd.h>
#include <czmq.h>
#include <dividere.h>
#include <dividere/event.pb-c.h>
#include "test.pb-c.h"

void test_monitor_events (void);
void test_monitor_unanswered (void);
void test_monitor_reasons (void);
void test_monitor_order (void);
void test_monitor_unread (void);
void test_monitor_flood (void);

#define KIND(name) DIVIDERE__SOCKET_EVENT__KIND__##name

static dividere_connector_t *
s_events (zactor_t *monitor)
{
    const char *endpoint = selftest_inproc ();
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (monitor, &reply, -1, "BIND", "events", endpoint,
                              NULL),
               0);
    char *bound = zmsg_popstr (reply);
    CHECK_STR (bound, endpoint);
    free (bound);
    zmsg_destroy (&reply);
    CHECK_FAILS (dividere_call (monitor, NULL, -1, "BIND", "events", endpoint,
                                NULL),
                 EBUSY);
    CHECK_INT (dividere_types_register (&dividere__socket_event__descriptor),
               0);
    return dividere_dealer_new (endpoint, NULL);
}

/*  Reads events until one of this kind and connector comes.                 */
static void
s_until (dividere_connector_t *events, const char *name, int kind,
         const char *reason)
{
    dividere_message_t *message = dividere_message_new ();
    while (true) {
        CHECK_INT (dividere_recv_into (events, message, SELFTEST_DEADLINE), 0);
        const Dividere__SocketEvent *event =
            DIVIDERE_MESSAGE_AS (message, Dividere__SocketEvent,
                                 dividere__socket_event);
        selftest_note ("%s %d %s %u %s", event->name, (int) event->kind,
                       event->endpoint, event->value, event->reason);
        if (strcmp (event->name, name) == 0 && (int) event->kind == kind) {
            CHECK (strstr (event->reason, reason));
            break;
        }
    }
    dividere_message_destroy (&message);
}

void
test_monitor_events (void)
{
    zactor_t *monitor = zactor_new (dividere_monitor, NULL);
    dividere_connector_t *events = s_events (monitor);
    dividere_connector_t *server =
        dividere_response_new ("tcp://127.0.0.1:*", NULL);
    CHECK_INT (dividere_monitor_watch (monitor, server, "server", -1), 0);
    dividere_connector_t *client =
        dividere_request_new (dividere_connector_endpoint (server), NULL);
    CHECK_INT (dividere_monitor_watch (monitor, client, "client", -1), 0);
    s_until (events, "server", KIND (ACCEPTED), "");
    s_until (events, "server", KIND (HANDSHAKE_SUCCEEDED), "");
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (monitor, &reply, -1, "LIST", NULL), 0);
    CHECK_INT (zmsg_size (reply), 2);
    zmsg_destroy (&reply);
    dividere_connector_destroy (&server);
    s_until (events, "server", KIND (MONITOR_STOPPED), "");
    s_until (events, "client", KIND (DISCONNECTED), "");
    s_until (events, "client", KIND (CONNECT_RETRIED), "");
    dividere_monitor_unwatch (client);
    s_until (events, "client", KIND (MONITOR_STOPPED), "");
    CHECK_INT (dividere_call (monitor, &reply, -1, "LIST", NULL), 0);
    CHECK_INT (zmsg_size (reply), 0);
    zmsg_destroy (&reply);
    dividere_connector_destroy (&client);
    dividere_connector_destroy (&events);
    CHECK_INT (dividere_stop (&monitor, -1), 0);
}

/*  Who connects to where nobody answers, as a host that is away, tries anew:
 *  the kernel alone would ask ever more seldom, for minutes. A listener whose
 *  queue is full does not answer either.                                    */
void
test_monitor_unanswered (void)
{
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof (name);
    int listener = socket (AF_INET, SOCK_STREAM, 0);
    CHECK_INT (bind (listener, (struct sockaddr *) &name, size), 0);
    CHECK_INT (listen (listener, 0), 0);
    CHECK_INT (getsockname (listener, (struct sockaddr *) &name, &size), 0);
    int first = socket (AF_INET, SOCK_STREAM, 0);
    CHECK_INT (connect (first, (struct sockaddr *) &name, size), 0);
    zactor_t *monitor = zactor_new (dividere_monitor, NULL);
    dividere_connector_t *events = s_events (monitor);
    char endpoint[64];
    snprintf (endpoint, sizeof (endpoint), "tcp://127.0.0.1:%d",
              ntohs (name.sin_port));
    dividere_connector_t *client = dividere_dealer_new (endpoint, NULL);
    CHECK_INT (dividere_monitor_watch (monitor, client, "client", -1), 0);
    s_until (events, "client", KIND (CONNECT_RETRIED), "");
    dividere_connector_destroy (&client);
    dividere_connector_destroy (&events);
    CHECK_INT (dividere_stop (&monitor, -1), 0);
    close (first);
    close (listener);
}

/*  A plain TCP connection to a connector that says something.               */
static int
s_say (dividere_connector_t *server, const void *text, size_t size)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
        .sin_port = htons ((uint16_t) strtol (
            strrchr (dividere_connector_endpoint (server), ':') + 1, NULL, 10))
    };
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    CHECK_INT (connect (fd, (struct sockaddr *) &name, sizeof (name)), 0);
    CHECK_INT (write (fd, text, size), size);
    return fd;
}

/*  A peer that does not speak ZMTP, one that wants another security, and one of
 *  a kind that does not fit.                                                */
void
test_monitor_reasons (void)
{
    zactor_t *monitor = zactor_new (dividere_monitor, NULL);
    dividere_connector_t *events = s_events (monitor);
    dividere_connector_t *server =
        dividere_response_new ("tcp://127.0.0.1:*", NULL);
    CHECK_INT (dividere_monitor_watch (monitor, server, "server", -1), 0);

    static const char s_http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = s_say (server, s_http, sizeof (s_http));
    s_until (events, "server", KIND (HANDSHAKE_FAILED), "broke off");
    close (fd);

    uint8_t greeting[64] = { 0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0 };
    memcpy (greeting + 12, "CURVE", 5);
    fd = s_say (server, greeting, sizeof (greeting));
    s_until (events, "server", KIND (HANDSHAKE_FAILED), "wants security");
    close (fd);

    zsock_t *wrong = zsock_new (ZMQ_SUB);
    CHECK_INT (zsock_connect (wrong, "%s",
                              dividere_connector_endpoint (server)),
               0);
    s_until (events, "server", KIND (ACCEPTED), "");
    s_until (events, "server", KIND (DISCONNECTED), "");
    zsock_destroy (&wrong);
    dividere_connector_destroy (&server);
    dividere_connector_destroy (&events);
    CHECK_INT (dividere_stop (&monitor, -1), 0);
}

static void
s_exchange (dividere_connector_t *server, int rounds)
{
    dividere_message_t *message = dividere_message_new ();
    for (int i = 0; i < rounds; i++) {
        dividere_connector_t *client =
            dividere_request_new (dividere_connector_endpoint (server), NULL);
        CHECK_INT (dividere_connector_send (client, "x", 1), 0);
        CHECK_INT (dividere_connector_recv_into (server, message,
                                                 SELFTEST_DEADLINE),
                   0);
        CHECK_INT (dividere_connector_send (server, "y", 1), 0);
        CHECK_INT (dividere_connector_recv_into (client, message,
                                                 SELFTEST_DEADLINE),
                   0);
        dividere_connector_destroy (&client);
    }
    dividere_message_destroy (&message);
}

/*  The monitor goes first, or the connector; one connector is watched by two in
 *  turn; awaiting and watching exclude each other.                          */
void
test_monitor_order (void)
{
    zactor_t *monitor = zactor_new (dividere_monitor, NULL);
    zactor_t *second = zactor_new (dividere_monitor, NULL);
    dividere_connector_t *server =
        dividere_response_new ("tcp://127.0.0.1:*", NULL);
    CHECK_INT (dividere_monitor_watch (monitor, server, "server", -1), 0);
    s_exchange (server, 5);
    CHECK_INT (dividere_monitor_watch (second, server, "server", -1), 0);
    s_exchange (server, 5);
    CHECK_INT (dividere_stop (&monitor, -1), 0);
    s_exchange (server, 5);
    CHECK_INT (dividere_stop (&second, -1), 0);
    /* More connections than a queue with a limit would hold the news of.    */
    s_exchange (server, (int) selftest_scaled (500));
    dividere_connector_destroy (&server);

    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.await_connection = true;
    monitor = zactor_new (dividere_monitor, NULL);
    dividere_connector_t *client =
        dividere_request_new ("tcp://127.0.0.1:1", &options);
    CHECK_FAILS (dividere_monitor_watch (monitor, client, "client", -1), EBUSY);
    dividere_connector_destroy (&client);
    zactor_destroy (&monitor);
}

/*  Nobody reads the events: they are dropped and counted, and traffic goes
 *  on.                                                                       */
void
test_monitor_unread (void)
{
    zactor_t *monitor = zactor_new (dividere_monitor, NULL);
    dividere_connector_t *events = s_events (monitor);
    dividere_connector_t *server =
        dividere_response_new ("tcp://127.0.0.1:*", NULL);
    CHECK_INT (dividere_monitor_watch (monitor, server, "server", -1), 0);
    s_exchange (server, (int) selftest_scaled (800));
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (monitor, &reply, -1, "STATS", NULL), 0);
    CHECK_INT (zmsg_size (reply), 6);
    zmsg_destroy (&reply);
    dividere_connector_destroy (&server);
    CHECK_INT (dividere_stop (&monitor, -1), 0);
    dividere_connector_destroy (&events);
}

static uint64_t
s_told (zactor_t *monitor)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (monitor, &reply, -1, "STATS", NULL), 0);
    for (int i = 0; i < 3; i++)
        free (zmsg_popstr (reply)); /* "watched", its value, "events"         */
    char *text = zmsg_popstr (reply);
    uint64_t told = strtoull (text, NULL, 10);
    free (text);
    zmsg_destroy (&reply);
    return told;
}

static bool
s_is_empty (zmsg_t **message_p)
{
    bool empty = zmsg_size (*message_p) == 0;
    zmsg_destroy (message_p);
    return empty;
}

/*  More events at once than one turn reads: none is left behind.            */
void
test_monitor_flood (void)
{
    zactor_t *monitor = zactor_new (dividere_monitor, NULL);
    dividere_connector_t *server =
        dividere_response_new ("tcp://127.0.0.1:*", NULL);
    CHECK_INT (dividere_monitor_watch (monitor, server, "server", -1), 0);
    int fds[300];
    for (int i = 0; i < 300; i++)
        fds[i] = s_say (server, "garbage", 8);
    for (int i = 0; i < 300; i++)
        close (fds[i]);
    /* Accepted and ended, each.                                             */
    uint64_t told = 0;
    CHECK_EVENTUALLY ((told = s_told (monitor)) >= 600);
    dividere_connector_destroy (&server);
    zmsg_t *reply = NULL;
    CHECK_EVENTUALLY (dividere_call (monitor, &reply, -1, "LIST", NULL) == 0 &&
                      s_is_empty (&reply));
    CHECK_INT (dividere_stop (&monitor, -1), 0);
}
