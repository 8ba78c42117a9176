/* SPDX-License-Identifier: Apache-2.0 */

/*  Connectors against a peer in another language: peers/peer.py, made of pyzmq
 *  and Google's protobuf, which shares no code with this library. The peer is
 *  told on its stdin what to send and prints what it received; each message
 *  sent and received is one of the wire vectors, compared byte for byte.
 *
 *  The peer gives up when nothing happened for a while, so that reading its
 *  lines needs no time limit; and it ends at the end of its stdin, which comes
 *  even when this process is killed.                                        */

#include "selftest.h"
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <czmq.h>
#include <dividere.h>
#include <sodium.h>
#include "test.pb-c.h"
#include "vector.h"
#include "vectors.h"

void test_peers_publisher (void);
void test_peers_subscriber (void);
void test_peers_request (void);
void test_peers_response (void);
void test_peers_dealer (void);
void test_peers_all_types (void);
void test_peers_reactor (void);

#define VECTORS   (sizeof (s_vectors) / sizeof (s_vectors[0]))
#define ANY_PORT  "@tcp://127.0.0.1:*"
#define LINE_SIZE 256 /* of the words of a line that are not payloads       */

/*  Where the peer is: given by the build, or by the environment.            */
#define SETTING(name) (getenv (#name) ? getenv (#name) : (name))

/*  The one peer that runs.                                                  */
static struct {
    pid_t pid;  /* 0: none                                                  */
    FILE *to;   /* its stdin                                                */
    FILE *from; /* its stdout                                               */
    char *line; /* the last one it printed, without the end                 */
    size_t line_size;
    char endpoint[LINE_SIZE]; /* where it is                                */
} s_peer;

/*  The exit status, -1 if it was killed.                                    */
static int
s_peer_reap (void)
{
    int status = 0;
    pid_t pid = TEMP_FAILURE_RETRY (waitpid (s_peer.pid, &status, 0));
    s_peer.pid = 0;
    return pid > 0 && WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

static void
s_peer_kill (void)
{
    if (s_peer.pid) {
        kill (s_peer.pid, SIGKILL);
        s_peer_reap ();
    }
}

/*  From here on, a check that fails leaves no peer behind.                  */
#define selftest_fail(...) (s_peer_kill (), selftest_fail (__VA_ARGS__))

/*  The next line of the peer; NULL when it has closed its stdout.           */
static const char *
s_peer_line (void)
{
    ssize_t length = getline (&s_peer.line, &s_peer.line_size, s_peer.from);
    if (length <= 0)
        return NULL;
    s_peer.line[length - 1] = 0;
    return s_peer.line;
}

static void
s_peer_spawn (const char *script, char *const *argv)
{
    int to[2], from[2];
    CHECK_INT (pipe2 (to, O_CLOEXEC), 0);
    CHECK_INT (pipe2 (from, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init (&actions);
    posix_spawn_file_actions_adddup2 (&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2 (&actions, from[1], STDOUT_FILENO);
    int error = access (script, R_OK) < 0
                    ? ENOENT
                    : posix_spawnp (&s_peer.pid, argv[0], &actions, NULL, argv,
                                    environ);
    posix_spawn_file_actions_destroy (&actions);
    if (error == ENOENT)
        selftest_skip ("no Python, or no peer for it, on this machine");
    CHECK_INT (error, 0);
    close (to[0]);
    close (from[1]);
    s_peer.to = fdopen (to[1], "w");
    s_peer.from = fdopen (from[0], "r");
    CHECK (s_peer.to && s_peer.from);
}

/*  Starts a peer that binds or connects, as endpoint has "@" or ">" in front.
 *  It ends after count messages (0: no limit). A subscriber asks for type, all
 *  others have NULL.                                                        */
static void
s_peer_start (const char *role, const char *endpoint, size_t count,
              const char *type)
{
    char script[PATH_MAX], number[24];
    snprintf (script, sizeof (script), "%s/peer.py",
              SETTING (DIVIDERE_PEERS_DIR));
    snprintf (number, sizeof (number), "%zu", count);
    const char *argv[] = { SETTING (DIVIDERE_PEERS_PYTHON),
                           "-B",
                           script,
                           SETTING (DIVIDERE_PEERS_PROTO),
                           role,
                           endpoint,
                           number,
                           type,
                           NULL };
    /* A peer that died is a failed check, not the death of this process.    */
    signal (SIGPIPE, SIG_IGN);
    s_peer_spawn (script, (char *const *) argv);
    if (!s_peer_line ()) {
        int status = s_peer_reap ();
        if (status == 77)
            selftest_skip ("Python has no zmq or google.protobuf");
        selftest_fail (__FILE__, __LINE__, "the peer exits with %d", status);
    }
    CHECK (strncmp (s_peer.line, "ready ", 6) == 0);
    snprintf (s_peer.endpoint, sizeof (s_peer.endpoint), "%s", s_peer.line + 6);
}

/*  The peer has said all, and ends without an error: after the messages it
 *  was to handle, or because there is nothing more to do for it.            */
static void
s_peer_end (bool counted)
{
    if (!counted)
        fclose (s_peer.to);
    if (s_peer_line ())
        selftest_fail (__FILE__, __LINE__, "not wanted: %.200s", s_peer.line);
    CHECK_INT (s_peer_reap (), 0);
    if (counted)
        fclose (s_peer.to);
    fclose (s_peer.from);
    free (s_peer.line);
    memset (&s_peer, 0, sizeof (s_peer));
}

/*  Routing frames, as strings up to a NULL.                                 */
typedef const char *const route_t[3];
static route_t s_unrouted = { NULL };
static route_t s_empty = { "", NULL };
static route_t s_routed = { "client-1", NULL };
static route_t s_routed_empty = { "client-1", "", NULL };

/*  Bytes as a word of a line; the caller frees it.                          */
static char *
s_hex (const void *data, size_t size)
{
    char *hex = (char *) zmalloc (2 * size + 2);
    sodium_bin2hex (hex, 2 * size + 1, (const unsigned char *) data, size);
    if (!size)
        hex[0] = '-';
    return hex;
}

static void
s_write_hex (const void *data, size_t size)
{
    char *hex = s_hex (data, size);
    CHECK (fprintf (s_peer.to, " %s", hex) > 0);
    free (hex);
}

/*  The peer is to send a vector: it makes the envelope by itself.           */
static void
s_peer_send (const vector_t *vector, route_t route)
{
    size_t size;
    uint8_t *payload = vector_payload (vector, &size);
    CHECK (fprintf (s_peer.to, "%s", vector->type) > 0);
    s_write_hex (payload, size);
    free (payload);
    for (size_t i = 0; route[i]; i++)
        s_write_hex (route[i], strlen (route[i]));
    CHECK (fputc ('\n', s_peer.to) != EOF && fflush (s_peer.to) == 0);
}

/*  The peer has received a vector, could decode it, and encodes the same.   */
static void
s_peer_expect (const vector_t *vector, route_t route)
{
    CHECK (s_peer_line ());
    char *rest = s_peer.line;
    CHECK_STR (strsep (&rest, " "), vector->type);
    const char *hex = strsep (&rest, " ");
    CHECK (hex);
    CHECK_INT (strlen (hex), 2 * vector->envelope_size);
    unsigned char *frame = (unsigned char *) zmalloc (vector->envelope_size);
    size_t size;
    CHECK_INT (sodium_hex2bin (frame, vector->envelope_size, hex, strlen (hex),
                               NULL, &size, NULL),
               0);
    CHECK (vector_matches (vector, frame, size));
    free (frame);
    for (size_t i = 0; route[i]; i++) {
        char *frame_hex = s_hex (route[i], strlen (route[i]));
        CHECK_STR (strsep (&rest, " "), frame_hex);
        free (frame_hex);
    }
    CHECK (!rest);
}

static void
s_send (dividere_connector_t *connector, const vector_t *vector, route_t route)
{
    dividere_route_t *frames = dividere_route_new ();
    for (size_t i = 0; route[i]; i++)
        CHECK_INT (dividere_route_append (frames, route[i], strlen (route[i])),
                   0);
    ProtobufCMessage *object = vector_object (vector);
    CHECK_INT (dividere_send_to (connector, route[0] ? frames : NULL, object,
                                 SELFTEST_DEADLINE),
               0);
    protobuf_c_message_free_unpacked (object, NULL);
    dividere_route_destroy (&frames);
}

static void
s_check_route (const dividere_route_t *frames, route_t route)
{
    size_t count = 0;
    for (; route[count]; count++) {
        size_t size = 0;
        const void *data = dividere_route_frame (frames, count, &size);
        CHECK (data);
        CHECK_INT (size, strlen (route[count]));
        CHECK_INT (memcmp (data, route[count], size), 0);
    }
    CHECK_INT (dividere_route_count (frames), count);
}

static void
s_expect (dividere_connector_t *connector, const vector_t *vector,
          route_t route)
{
    dividere_message_t *message = dividere_message_new ();
    CHECK_INT (dividere_recv_into (connector, message, SELFTEST_DEADLINE), 0);
    CHECK_STR (dividere_message_name (message), vector->type);
    CHECK (dividere_message_object (message));
    CHECK (vector_matches (vector, dividere_message_data (message),
                           dividere_message_size (message)));
    s_check_route (dividere_message_route (message), route);
    dividere_message_destroy (&message);
}

/*  The endpoint that connects to an address, until the next call.           */
static const char *
s_connect (const char *address)
{
    static char s_endpoint[LINE_SIZE + 1];
    snprintf (s_endpoint, sizeof (s_endpoint), ">%s", address);
    return s_endpoint;
}

/*  The subscriber gets the one type that it wants and nothing else, and the
 *  peer sees its subscription come and go.                                  */
void
test_peers_publisher (void)
{
    vector_register_types ();
    s_peer_start ("publisher", ANY_PORT, VECTORS, NULL);
    dividere_connector_t *in =
        dividere_subscriber_new (s_connect (s_peer.endpoint), NULL);
    CHECK (in);
    CHECK_INT (dividere_subscribe (in, &test_msg01__descriptor), 0);
    CHECK_STR (s_peer_line (), "subscribed 0a09746573744d73673031");
    for (size_t i = 0; i < VECTORS - 1; i++)
        s_peer_send (&s_vectors[i], s_unrouted);
    size_t wanted = 0;
    for (size_t i = 0; i < VECTORS; i++)
        if (strcmp (s_vectors[i].type, "testMsg01") == 0) {
            s_expect (in, &s_vectors[i], s_unrouted);
            wanted++;
        }
    CHECK_INT (wanted, 3);
    CHECK_INT (dividere_unsubscribe (in, &test_msg01__descriptor), 0);
    CHECK_STR (s_peer_line (), "unsubscribed 0a09746573744d73673031");
    dividere_stats_t stats;
    dividere_connector_stats (in, &stats);
    CHECK_INT (stats.received, wanted);
    dividere_connector_destroy (&in);
    s_peer_send (&s_vectors[VECTORS - 1], s_unrouted);
    s_peer_end (true);
}

/*  The peer ends by itself after as many messages as it wants.              */
void
test_peers_subscriber (void)
{
    vector_register_types ();
    dividere_connector_t *out = dividere_publisher_new (ANY_PORT, NULL);
    CHECK (out);
    s_peer_start ("subscriber", s_connect (dividere_connector_endpoint (out)),
                  3, "testMsg01");
    CHECK_INT (dividere_wait_subscribers (out, &test_msg01__descriptor, 1,
                                          SELFTEST_DEADLINE),
               0);
    CHECK_FAILS (dividere_wait_subscribers (out, &msg01__descriptor, 1, 0),
                 EAGAIN);
    for (size_t i = 0; i < VECTORS; i++)
        s_send (out, &s_vectors[i], s_unrouted);
    for (size_t i = 0; i < VECTORS; i++)
        if (strcmp (s_vectors[i].type, "testMsg01") == 0)
            s_peer_expect (&s_vectors[i], s_unrouted);
    s_peer_end (true);
    dividere_connector_destroy (&out);
}

void
test_peers_request (void)
{
    vector_register_types ();
    dividere_connector_t *response = dividere_response_new (ANY_PORT, NULL);
    CHECK (response);
    s_peer_start ("request", s_connect (dividere_connector_endpoint (response)),
                  2 * VECTORS, NULL);
    for (size_t i = 0; i < VECTORS; i++) {
        const vector_t *answer = &s_vectors[VECTORS - 1 - i];
        s_peer_send (&s_vectors[i], s_unrouted);
        dividere_message_t *message = dividere_message_new ();
        CHECK_INT (dividere_recv_into (response, message, SELFTEST_DEADLINE),
                   0);
        CHECK (vector_matches (&s_vectors[i], dividere_message_data (message),
                               dividere_message_size (message)));
        ProtobufCMessage *object = vector_object (answer);
        /* In turn, and along the route.                                     */
        CHECK_INT (i % 2 ? dividere_send (response, object)
                         : dividere_send_to (response,
                                             dividere_message_route (message),
                                             object, SELFTEST_DEADLINE),
                   0);
        protobuf_c_message_free_unpacked (object, NULL);
        dividere_message_destroy (&message);
        s_peer_expect (answer, s_unrouted);
    }
    s_peer_end (true);
    dividere_connector_destroy (&response);
}

/*  A request given up is asked anew, and the late answer to the first is not
 *  taken for one to the second, though the peer knows nothing of that.      */
static void
s_check_late_answer (dividere_connector_t *request)
{
    dividere_message_t *message = dividere_message_new ();
    s_send (request, &s_vectors[0], s_unrouted);
    s_peer_expect (&s_vectors[0], s_unrouted);
    CHECK_FAILS (dividere_recv_into (request, message, 1), EAGAIN);
    s_send (request, &s_vectors[1], s_unrouted);
    s_peer_send (&s_vectors[0], s_unrouted);
    s_peer_expect (&s_vectors[1], s_unrouted);
    s_peer_send (&s_vectors[1], s_unrouted);
    s_expect (request, &s_vectors[1], s_unrouted);
    dividere_message_destroy (&message);
}

void
test_peers_response (void)
{
    vector_register_types ();
    s_peer_start ("response", ANY_PORT, 2 * VECTORS + 4, NULL);
    dividere_connector_t *request =
        dividere_request_new (s_connect (s_peer.endpoint), NULL);
    CHECK (request);
    for (size_t i = 0; i < VECTORS; i++) {
        const vector_t *answer = &s_vectors[VECTORS - 1 - i];
        s_send (request, &s_vectors[i], s_unrouted);
        s_peer_expect (&s_vectors[i], s_unrouted);
        s_peer_send (answer, s_unrouted);
        s_expect (request, answer, s_unrouted);
    }
    s_check_late_answer (request);
    s_peer_end (true);
    dividere_connector_destroy (&request);
}

/*  Each side binds once; the peer ends at the end of its stdin.             */
static void
s_check_dealers (bool peer_bound, void (*check) (dividere_connector_t *dealer))
{
    dividere_connector_t *dealer =
        peer_bound ? NULL : dividere_dealer_new (ANY_PORT, NULL);
    s_peer_start ("dealer",
                  dealer ? s_connect (dividere_connector_endpoint (dealer))
                         : ANY_PORT,
                  0, NULL);
    if (peer_bound)
        dealer = dividere_dealer_new (s_connect (s_peer.endpoint), NULL);
    CHECK (dealer);
    check (dealer);
    s_peer_end (false);
    dividere_connector_destroy (&dealer);
}

static void
s_check_routes (dividere_connector_t *dealer)
{
    const char *const *routes[] = { s_unrouted, s_empty, s_routed,
                                    s_routed_empty };
    for (size_t i = 0; i < sizeof (routes) / sizeof (routes[0]); i++) {
        s_send (dealer, &s_vectors[1], routes[i]);
        s_peer_send (&s_vectors[2], routes[i]);
        s_peer_expect (&s_vectors[1], routes[i]);
        s_expect (dealer, &s_vectors[2], routes[i]);
    }
}

void
test_peers_dealer (void)
{
    vector_register_types ();
    s_check_dealers (true, s_check_routes);
    s_check_dealers (false, s_check_routes);
}

static void
s_check_types (dividere_connector_t *dealer)
{
    for (size_t i = 0; i < VECTORS; i++) {
        selftest_note ("%s", s_vectors[i].name);
        s_send (dealer, &s_vectors[i], s_unrouted);
        s_peer_expect (&s_vectors[i], s_unrouted);
        s_peer_send (&s_vectors[i], s_unrouted);
        s_expect (dealer, &s_vectors[i], s_unrouted);
    }
}

void
test_peers_all_types (void)
{
    vector_register_types ();
    s_check_dealers (true, s_check_types);
}

/*  Sends back what came, and counts what cannot be answered.                */
static int
s_on_any (dividere_context_t *context, const TestMsg01 *message)
{
    if (dividere_context_reply (context, &message->base) < 0) {
        CHECK_INT (errno, ENOTSUP);
        ++*(_Atomic int *) dividere_context_user (context);
    }
    return 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_any), DIVIDERE_HANDLER_END
};

/*  A source of the reactor; where it is.                                    */
static const char *
s_add_source (zactor_t *reactor, const char *kind, const char *endpoint)
{
    static char s_endpoint[LINE_SIZE];
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (reactor, &reply, SELFTEST_DEADLINE, "ADD", kind,
                              endpoint, NULL),
               0);
    char *name = zmsg_popstr (reply), *bound = zmsg_popstr (reply);
    snprintf (s_endpoint, sizeof (s_endpoint), "%s", bound + 1);
    free (name);
    free (bound);
    zmsg_destroy (&reply);
    return s_endpoint;
}

/*  The reactor answers the peer's requests, and gets what it publishes.     */
void
test_peers_reactor (void)
{
    vector_register_types ();
    _Atomic int published = 0;
    dividere_reactor_config_t config = { .handlers = s_handlers,
                                         .user = (void *) &published };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    const char *endpoint = s_add_source (reactor, "response", ANY_PORT);
    CHECK_INT (dividere_call (reactor, NULL, SELFTEST_DEADLINE, "START", NULL),
               0);
    s_peer_start ("request", s_connect (endpoint), 6, NULL);
    for (size_t i = 0; i < 3; i++) {
        CHECK_STR (s_vectors[i].type, "testMsg01");
        s_peer_send (&s_vectors[i], s_unrouted);
        s_peer_expect (&s_vectors[i], s_unrouted);
    }
    s_peer_end (true);

    s_peer_start ("publisher", ANY_PORT, VECTORS, NULL);
    s_add_source (reactor, "subscriber", s_connect (s_peer.endpoint));
    CHECK_STR (s_peer_line (), "subscribed 0a09746573744d73673031");
    for (size_t i = 0; i < VECTORS; i++)
        s_peer_send (&s_vectors[i], s_unrouted);
    CHECK_EVENTUALLY (published == 3);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    fclose (s_peer.to);
    s_peer_reap ();
    fclose (s_peer.from);
    free (s_peer.line);
    memset (&s_peer, 0, sizeof (s_peer));
}
