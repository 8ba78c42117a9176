/* SPDX-License-Identifier: Apache-2.0 */

/*  What is wrong is told, to the side that can mend it, and is well once it is
 *  mended; nothing of what passes can be read; and a crowd that is refused does
 *  not disturb who is not.                                                  */

#include "selftest.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <czmq.h>
#include <dividere.h>
#include "employed.h"
#include "handshake.h"
#include "keys_internal.h"
#include "peer.h"
#include "process_support.h"
#include "secured.h"
#include "security.h"
#include "test.pb-c.h"

void test_security_errors (void);
void test_security_mended (void);
void test_security_handshake (void);
void test_security_restart (void);
void test_security_worker (void);
void test_security_down (void);
void test_security_capture (void);
void test_security_crowd (void);
void test_security_python (void);
void test_process_secured (void);

#define SECRET "a secret that nobody else must read"

static int
s_on_bytes (dividere_context_t *context, const void *data, size_t size)
{
    return dividere_context_reply_bytes (context, data, size) < 0 ? errno : 0;
}

static void
s_call (zactor_t *actor, const char *a, const char *b, const char *c)
{
    CHECK_INT (dividere_call (actor, NULL, SELFTEST_DEADLINE, a, b, c, NULL),
               0);
}

/*  A service that answers bytes, with the security of a folder (NULL: none). */
static zactor_t *
s_service (const secured_t *folder, const char *endpoint)
{
    static const dividere_service_config_t s_config = { .on_bytes =
                                                            s_on_bytes };
    zactor_t *service = zactor_new (dividere_service, (void *) &s_config);
    s_call (service, "SET", "security", folder ? folder->folder : "none");
    s_call (service, "SET", "name", "clock");
    /* libzmq may hold a port for a moment after its socket was closed.      */
    CHECK_EVENTUALLY (dividere_call (service, NULL, SELFTEST_DEADLINE, "BIND",
                                     endpoint, NULL) == 0);
    s_call (service, "START", NULL, NULL);
    return service;
}

static int
s_ask (dividere_client_t *client)
{
    dividere_message_t *reply = dividere_message_new ();
    int rc = dividere_client_request_bytes (client, SECRET, strlen (SECRET),
                                            NULL, reply);
    int error = rc < 0 ? errno : 0;
    dividere_message_destroy (&reply);
    return error;
}

static void
s_use (const secured_t *folder)
{
    if (folder)
        CHECK_INT (dividere_security_load (folder->folder), 0);
    else
        dividere_security_unload ();
}

/*  The error of a client that waits, of its request, and of a connector.    */
static void
s_check_error (const secured_t *folder, const char *endpoint, int error)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.await_connection = true;
    if (folder)
        s_use (folder);
    dividere_client_t *client = dividere_client_new (endpoint, NULL);
    dividere_connector_t *request = dividere_request_new (endpoint, &options);
    CHECK (client && request);
    CHECK_FAILS (dividere_client_wait_connected (client, SELFTEST_DEADLINE),
                 error);
    CHECK_INT (s_ask (client), error);
    CHECK_FAILS (dividere_connector_wait_connected (request, SELFTEST_DEADLINE),
                 error);
    dividere_client_destroy (&client);
    dividere_connector_destroy (&request);
}

/*  Each of these is told as what it is, long before a deadline.             */
void
test_security_errors (void)
{
    secured_t server, good, stranger, liar;
    secured_open (&server, NULL);
    secured_open (&good, &server);
    secured_open (&stranger, &server);
    secured_open (&liar, &stranger);
    secured_rights (&server, "allow peer0 request\n", &good, NULL);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    const char *secure = selftest_tcp (), *plain = selftest_tcp ();
    zactor_t *services[] = { s_service (&server, secure),
                             s_service (NULL, plain) };
    /* No keys; a server without; an unknown key; one without a right; another
       server than expected; none that is known at all.                      */
    s_check_error (NULL, secure, EPROTONOSUPPORT);
    s_check_error (&good, plain, EPROTONOSUPPORT);
    s_check_error (&stranger, secure, EACCES);
    secured_rights (&server, "allow peer0 lookup\n", &good, NULL);
    s_use (&server);
    s_check_error (&good, secure, EACCES);
    s_check_error (&liar, secure, EKEYREJECTED);
    secured_write (&good, "servers", "ipc://* " SECRET);
    CHECK_FAILS (dividere_security_load (good.folder), EINVAL);
    secured_write (&good, "servers", "");
    s_use (&good);
    CHECK_FAILS (dividere_client_new (secure, NULL), EACCES);
    CHECK_FAILS (dividere_subscriber_new (secure, NULL), EACCES);
    for (int i = 0; i < 2; i++)
        CHECK_INT (dividere_stop (&services[i], SELFTEST_DEADLINE), 0);
    dividere_security_unload ();
    secured_close (&liar);
    secured_close (&stranger);
    secured_close (&good);
    secured_close (&server);
}

/*  A client that was refused is let in once it has a name, by itself.       */
void
test_security_mended (void)
{
    secured_t server, client;
    secured_open (&server, NULL);
    secured_open (&client, &server);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    const char *endpoint = selftest_tcp ();
    zactor_t *service = s_service (&server, endpoint);
    s_use (&client);
    dividere_client_t *asking = dividere_client_new (endpoint, NULL);
    CHECK_FAILS (dividere_client_wait_connected (asking, SELFTEST_DEADLINE),
                 EACCES);
    CHECK_INT (s_ask (asking), EACCES);
    secured_rights (&server, "allow * request\n", &client, NULL);
    CHECK_EVENTUALLY (s_ask (asking) == 0);
    dividere_client_destroy (&asking);
    CHECK_INT (dividere_stop (&service, SELFTEST_DEADLINE), 0);
    dividere_security_unload ();
    secured_close (&client);
    secured_close (&server);
}

/*  What libzmq's events mean.                                               */
void
test_security_handshake (void)
{
    static const struct {
        uint16_t event;
        uint32_t value;
        bool secure;
        int error;
        bool final;
    } s_cases[] = {
        { ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400, true, EACCES, true },
        { ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 500, true, EACCES, true },
        { ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 300, true, 0, false },
        { ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
          ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH, false, EPROTONOSUPPORT,
          true },
        { ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
          ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, true, 0, false },
        { ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EPIPE, true, EKEYREJECTED,
          false },
        { ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EPIPE, false, EPROTONOSUPPORT,
          false },
        { ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, ETIMEDOUT, true, 0, false },
        { ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0, true, 0, false },
    };
    for (size_t i = 0; i < sizeof (s_cases) / sizeof (*s_cases); i++) {
        uint8_t data[6];
        memcpy (data, &s_cases[i].event, 2);
        memcpy (data + 2, &s_cases[i].value, 4);
        dividere_handshake_t why =
            dividere_handshake_failure (data, 6, s_cases[i].secure);
        CHECK_INT (why.error, s_cases[i].error);
        CHECK_INT (why.final, s_cases[i].final);
        CHECK_INT (dividere_handshake_failure (data, 5, true).error, 0);
    }
}

/*  A server that ends, in the midst of handshakes too, is not one that refuses:
 *  whoever asks waits for the next.                                         */
void
test_security_restart (void)
{
    selftest_losing = true;
    secured_t folder;
    secured_open (&folder, NULL);
    secured_rights (&folder, "allow * request\n", &folder, NULL);
    const char *endpoint = selftest_tcp ();
    zactor_t *service = s_service (&folder, endpoint);
    s_use (&folder);
    dividere_client_t *client = dividere_client_new (endpoint, NULL);
    dividere_message_t *reply = dividere_message_new ();
    dividere_result_t result;
    for (size_t i = 0; i < selftest_scaled (10); i++) {
        for (int j = 0; j < 10; j++)
            CHECK_INT (dividere_client_send_bytes (client, "x", 1, NULL, NULL),
                       0);
        CHECK_INT (dividere_stop (&service, SELFTEST_DEADLINE), 0);
        service = s_service (&folder, endpoint);
        for (int j = 0; j < 10; j++) {
            CHECK_INT (dividere_client_recv (client, reply, &result,
                                             SELFTEST_DEADLINE),
                       0);
            CHECK_INT (result.error, 0);
        }
    }
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    CHECK_INT (dividere_stop (&service, SELFTEST_DEADLINE), 0);
    dividere_security_unload ();
    secured_close (&folder);
}

/*  A worker says that it is refused, and is let in once it may serve.       */
void
test_security_worker (void)
{
    secured_t server, employee;
    secured_open (&server, NULL);
    secured_open (&employee, &server);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    const char *backend = selftest_tcp ();
    zactor_t *broker = zactor_new (dividere_broker, NULL);
    s_call (broker, "SET", "security", server.folder);
    s_call (broker, "SET", "heartbeat", "50");
    s_call (broker, "BIND", "backend", backend);
    dividere_worker_config_t config = { .on_bytes = s_on_bytes };
    zactor_t *worker = zactor_new (dividere_worker, &config);
    s_call (worker, "SET", "security", employee.folder);
    s_call (worker, "CONNECT", backend, NULL);
    s_call (worker, "START", NULL, NULL);
    CHECK_EVENTUALLY (streq (employed_state (worker, backend), "refused"));
    secured_rights (&server, "allow peer0 serve\n", &employee, NULL);
    CHECK_EVENTUALLY (streq (employed_state (worker, backend), "c"));
    CHECK_INT (employed_stat (broker, "workers"), 1);
    /* Taken away again: it falls silent for the broker.                     */
    secured_rights (&server, "allow peer0 request\n", &employee, NULL);
    CHECK_EVENTUALLY (employed_stat (broker, "workers") == 0);
    CHECK_INT (dividere_stop (&worker, SELFTEST_DEADLINE), 0);
    CHECK_INT (dividere_stop (&broker, SELFTEST_DEADLINE), 0);
    dividere_security_unload ();
    secured_close (&employee);
    secured_close (&server);
}

/*  Without anybody who answers for security nothing is bound, and nobody is let
 *  in.                                                                      */
void
test_security_down (void)
{
    secured_t folder;
    secured_open (&folder, NULL);
    secured_rights (&folder, "allow * request\n", &folder, NULL);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    const char *endpoint = selftest_tcp ();
    zactor_t *service = s_service (&folder, endpoint);
    dividere_security_unload ();
    dividere_security_use (dividere_security_open (folder.folder));
    CHECK_FAILS (dividere_response_new ("@tcp://127.0.0.1:*", NULL), EHOSTDOWN);
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = 300;
    dividere_client_t *client = dividere_client_new (endpoint, &options);
    int error = s_ask (client);
    selftest_note ("errno %d", error);
    CHECK (error == ENOTCONN || error == EACCES || error == EKEYREJECTED);
    dividere_client_destroy (&client);
    dividere_security_use (NULL);
    CHECK_INT (dividere_stop (&service, SELFTEST_DEADLINE), 0);
    secured_close (&folder);
}

/*  ---- A wire that is listened to ----                                     */

typedef struct {
    int listener;
    int port; /* where it goes on to                                         */
    int passed;
    bool seen; /* the secret                                                 */
    pthread_t thread;
} wire_t;

static int
s_tcp (int port, bool listening)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    address.sin_port = htons ((uint16_t) port);
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK (fd >= 0);
    if (listening)
        CHECK (bind (fd, (struct sockaddr *) &address, sizeof (address)) == 0 &&
               listen (fd, 1) == 0);
    else
        CHECK_INT (connect (fd, (struct sockaddr *) &address, sizeof (address)),
                   0);
    return fd;
}

static bool
s_pass (wire_t *self, int from, int to)
{
    char data[65536];
    ssize_t size = recv (from, data, sizeof (data), 0);
    if (size <= 0)
        return false;
    self->passed += (int) size;
    self->seen |= memmem (data, (size_t) size, SECRET, strlen (SECRET)) != NULL;
    return send (to, data, (size_t) size, MSG_NOSIGNAL) == size;
}

/*  One connection.                                                          */
static void *
s_listen_in (void *arg)
{
    wire_t *self = (wire_t *) arg;
    int near = accept (self->listener, NULL, NULL);
    int far = s_tcp (self->port, false);
    struct pollfd items[] = { { near, POLLIN, 0 }, { far, POLLIN, 0 } };
    bool open = true;
    while (open && poll (items, 2, SELFTEST_DEADLINE) > 0) {
        if (items[0].revents)
            open = s_pass (self, near, far);
        if (open && items[1].revents)
            open = s_pass (self, far, near);
    }
    close (near);
    close (far);
    return NULL;
}

/*  Asks once through a wire; was the secret seen there?                     */
static bool
s_seen (const secured_t *folder)
{
    wire_t wire = { 0 };
    const char *endpoint = selftest_tcp ();
    zactor_t *service = s_service (folder, endpoint);
    wire.port = (int) strtol (strrchr (endpoint, ':') + 1, NULL, 10);
    wire.listener = s_tcp (0, true);
    struct sockaddr_in address;
    socklen_t size = sizeof (address);
    getsockname (wire.listener, (struct sockaddr *) &address, &size);
    CHECK_INT (pthread_create (&wire.thread, NULL, s_listen_in, &wire), 0);
    char through[100];
    snprintf (through, sizeof (through), "tcp://127.0.0.1:%d",
              ntohs (address.sin_port));
    s_use (folder);
    dividere_client_t *client = dividere_client_new (through, NULL);
    CHECK_INT (s_ask (client), 0);
    dividere_client_destroy (&client);
    pthread_join (wire.thread, NULL);
    CHECK (wire.passed > (int) strlen (SECRET));
    close (wire.listener);
    CHECK_INT (dividere_stop (&service, SELFTEST_DEADLINE), 0);
    return wire.seen;
}

void
test_security_capture (void)
{
    secured_t folder;
    secured_open (&folder, NULL);
    secured_rights (&folder, "allow * request\n", &folder, NULL);
    CHECK (!s_seen (&folder));
    CHECK (s_seen (NULL));
    dividere_security_unload ();
    secured_close (&folder);
}

/*  ---- A crowd ----                                                        */

#define CROWD     1000 /* of each kind                                        */
#define FDS_EACH  4    /* of a peer, at both ends                             */
#define FDS_OTHER 200

typedef struct {
    void *context;
    char (*keys)[2][DIVIDERE_KEY_SIZE + 1]; /* public and secret              */
    size_t count;
    const char *server;
    const char *endpoint;
} crowd_t;

static void *
s_peer (const crowd_t *self, size_t index)
{
    void *dealer = zmq_socket (self->context, ZMQ_DEALER);
    CHECK (dealer);
    const char *public_key = self->keys[index][0];
    const char *secret_key = self->keys[index][1];
    zmq_setsockopt (dealer, ZMQ_LINGER, &(int){ 0 }, sizeof (int));
    zmq_setsockopt (dealer, ZMQ_CURVE_SERVERKEY, self->server,
                    DIVIDERE_KEY_SIZE);
    zmq_setsockopt (dealer, ZMQ_CURVE_PUBLICKEY, public_key, DIVIDERE_KEY_SIZE);
    zmq_setsockopt (dealer, ZMQ_CURVE_SECRETKEY, secret_key, DIVIDERE_KEY_SIZE);
    CHECK_INT (zmq_connect (dealer, self->endpoint), 0);
    zmq_send (dealer, "", 0, ZMQ_SNDMORE);
    zmq_send (dealer, "x", 1, 0);
    return dealer;
}

/*  As many as this machine has descriptors for.                             */
static size_t
s_crowd_size (void)
{
    struct rlimit limit;
    CHECK_INT (getrlimit (RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK_INT (setrlimit (RLIMIT_NOFILE, &limit), 0);
    size_t room = ((size_t) limit.rlim_cur - FDS_OTHER) / (2 * FDS_EACH);
    size_t wanted = selftest_scaled (CROWD);
    return room < wanted ? room : wanted;
}

/*  The first half of them have names.                                       */
static void
s_invite (crowd_t *self, secured_t *server)
{
    size_t size = self->count * 100 + 1000, used;
    char *text = (char *) zmalloc (size);
    snprintf (text, size, "key me %s\nallow * request\n",
              dividere_keys_public (server->own));
    used = strlen (text);
    for (size_t i = 0; i < 2 * self->count; i++) {
        CHECK_INT (zmq_curve_keypair (self->keys[i][0], self->keys[i][1]), 0);
        if (i < self->count)
            snprintf (text + used, size - used, "key p%zu %s\n", i,
                      self->keys[i][0]);
        used += strlen (text + used);
    }
    secured_write (server, "rights", text);
    freen (text);
}

/*  All that are invited get an answer, nobody else does, and the requests of
 *  one who is there already are answered all the time.                      */
void
test_security_crowd (void)
{
    secured_t server;
    crowd_t crowd = { .count = s_crowd_size () };
    secured_open (&server, NULL);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    crowd.keys = zmalloc (2 * crowd.count * sizeof (*crowd.keys));
    s_invite (&crowd, &server);
    crowd.server = dividere_keys_public (server.own);
    crowd.endpoint = selftest_tcp ();
    zactor_t *service = s_service (&server, crowd.endpoint);
    s_use (&server);
    dividere_client_t *client = dividere_client_new (crowd.endpoint, NULL);
    CHECK_INT (s_ask (client), 0);
    crowd.context = zmq_ctx_new ();
    zmq_ctx_set (crowd.context, ZMQ_MAX_SOCKETS, (int) (2 * crowd.count + 10));
    void **peers = (void **) zmalloc (2 * crowd.count * sizeof (*peers));
    for (size_t i = 0; i < crowd.count; i++) {
        peers[i] = s_peer (&crowd, i);
        peers[crowd.count + i] = s_peer (&crowd, crowd.count + i);
        if (i % 100 == 0)
            CHECK_INT (s_ask (client), 0);
    }
    dividere_security_stats_t stats;
    CHECK_EVENTUALLY (
        (s_ask (client), dividere_security_stats (&stats),
         stats.accepted > crowd.count && stats.unknown >= crowd.count));
    CHECK_INT (s_ask (client), 0);
    char data[10];
    for (size_t i = 0; i < 2 * crowd.count; i++) {
        bool invited = i < crowd.count;
        zmq_pollitem_t item = { peers[i], 0, ZMQ_POLLIN, 0 };
        CHECK_INT (zmq_poll (&item, 1, invited ? SELFTEST_DEADLINE : 0),
                   invited);
        if (invited) {
            CHECK_INT (zmq_recv (peers[i], data, sizeof (data), 0), 0);
            CHECK_INT (zmq_recv (peers[i], data, sizeof (data), 0), 1);
        }
        zmq_close (peers[i]);
    }
    selftest_note ("%zu let in, %zu refused", (size_t) stats.accepted,
                   (size_t) stats.unknown);
    zmq_ctx_term (crowd.context);
    freen (peers);
    freen (crowd.keys);
    dividere_client_destroy (&client);
    CHECK_INT (dividere_stop (&service, SELFTEST_DEADLINE), 0);
    dividere_security_unload ();
    secured_close (&server);
}

/*  pyzmq's options are the same keys.                                       */
void
test_security_python (void)
{
    secured_t server, client;
    secured_open (&server, NULL);
    secured_open (&client, &server);
    secured_rights (&server, "allow peer0 request\n", &client, NULL);
    const char *endpoint = selftest_tcp ();
    zactor_t *service = s_service (&server, endpoint);
    const char *const asks[] = { "client",
                                 endpoint,
                                 dividere_keys_public (server.own),
                                 dividere_keys_public (client.own),
                                 dividere_keys_secret (client.own),
                                 NULL };
    peer_t *asking = peer_new ("secure.py", asks);
    CHECK_STR (peer_line (asking), "hello");
    peer_destroy (&asking);
    CHECK_INT (dividere_stop (&service, SELFTEST_DEADLINE), 0);

    const char *const answers[] = { "server", dividere_keys_public (server.own),
                                    dividere_keys_secret (server.own),
                                    dividere_keys_public (client.own), NULL };
    peer_t *answering = peer_new ("secure.py", answers);
    s_use (&client);
    dividere_connector_t *request =
        dividere_request_new (peer_endpoint (answering), NULL);
    CHECK_INT (dividere_connector_send (request, "hello", 5), 0);
    CHECK_STR (peer_line (answering), "a user");
    peer_destroy (&answering);
    dividere_connector_destroy (&request);
    dividere_security_unload ();
    secured_close (&client);
    secured_close (&server);
}

/*  The child of a process has the security of its parent.                   */
void
test_process_secured (void)
{
    secured_t folder;
    secured_open (&folder, NULL);
    secured_rights (&folder, "allow * request\n", &folder, NULL);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    zactor_t *process = process_new ("obedient");
    s_call (process, "SET", "security", folder.folder);
    const char *endpoint = selftest_tcp ();
    char bound[200];
    snprintf (bound, sizeof (bound), "@%s", endpoint);
    s_call (process, "ADD", "response", bound);
    process_start (process, NULL);
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.await_connection = true;
    dividere_connector_t *plain = dividere_request_new (endpoint, &options);
    CHECK_FAILS (dividere_connector_wait_connected (plain, SELFTEST_DEADLINE),
                 EPROTONOSUPPORT);
    s_use (&folder);
    dividere_connector_t *secure = dividere_request_new (endpoint, &options);
    CHECK_INT (dividere_connector_wait_connected (secure, SELFTEST_DEADLINE),
               0);
    dividere_connector_destroy (&plain);
    dividere_connector_destroy (&secure);
    CHECK_INT (dividere_stop (&process, SELFTEST_DEADLINE), 0);
    dividere_security_unload ();
    process_check_none ();
    secured_close (&folder);
}
