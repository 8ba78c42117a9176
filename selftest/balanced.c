/* SPDX-License-Identifier: Apache-2.0 */

/*  Members of a cast, see balanced.h.                                       */

#include "balanced.h"
#include <string.h>
#include "selftest.h"
#include "vectors.h"

#define VECTORS (sizeof (s_vectors) / sizeof (s_vectors[0]))
#define TCP     "tcp://127.0.0.1:*"

/*  Between the heartbeats of workers in Python, in ms. Quick where the broker
 *  forgets a worker that replied until it is heard again. But no C broker takes
 *  many of them, after a request, for sent before it.                       */
#define WORKER_INTERVAL       "200"
#define WORKER_INTERVAL_QUICK "5"

const char *
balanced_dialect (bool bytes)
{
    return bytes ? "bytes" : "typed";
}

void
balanced_endpoint (char sign, const char *endpoint, char *ret_text)
{
    CHECK (snprintf (ret_text, BALANCED_SIZE, "%c%s", sign, endpoint) <
           BALANCED_SIZE);
}

void
balanced_broker_open_python (balanced_broker_t *self, bool bytes,
                             const char *interval, const char *frontend,
                             const char *backend)
{
    char front[BALANCED_SIZE], back[BALANCED_SIZE];
    balanced_endpoint ('@', frontend, front);
    balanced_endpoint ('@', backend, back);
    const char *words[] = { balanced_dialect (bytes), front, back, interval,
                            NULL };
    self->peer = peer_new ("balance_broker.py", words);
    CHECK_INT (sscanf (peer_endpoint (self->peer), "%159s %159s",
                       self->frontend, self->backend),
               2);
}

static void
s_broker_open_c (balanced_broker_t *self)
{
    static const char *const settings[] = { "heartbeat", "100", NULL };
    brokered_start (&self->here, TCP, settings);
    snprintf (self->frontend, BALANCED_SIZE, "%s", self->here.frontend);
    snprintf (self->backend, BALANCED_SIZE, "%s", self->here.backend);
}

void
balanced_broker_open (balanced_broker_t *self, bool python, bool bytes)
{
    *self = (balanced_broker_t){ NULL };
    if (python)
        balanced_broker_open_python (self, bytes, BALANCED_INTERVAL, TCP, TCP);
    else
        s_broker_open_c (self);
}

void
balanced_broker_await (balanced_broker_t *self, size_t workers)
{
    if (self->peer) {
        const char *line = peer_line (self->peer);
        CHECK (line && strncmp (line, "worker ", 7) == 0);
    }
    else
        CHECK_EVENTUALLY (brokered_stat (&self->here, "workers") == workers);
}

/*  The next line of a peer is that, and its last.                           */
static void
s_check_done (peer_t **peer_p, const char *line)
{
    peer_close (*peer_p);
    CHECK_STR (peer_line (*peer_p), line);
    peer_destroy (peer_p);
}

void
balanced_broker_close (balanced_broker_t *self, size_t requests)
{
    if (self->peer) {
        char line[64];
        snprintf (line, sizeof (line), "done %zu %zu", requests, requests);
        s_check_done (&self->peer, line);
        return;
    }
    CHECK_INT (brokered_stat (&self->here, "handed"), requests);
    CHECK_INT (brokered_stat (&self->here, "replied"), requests);
    CHECK_INT (brokered_stat (&self->here, "stray"), 0);
    CHECK_INT (brokered_stat (&self->here, "frontend_malformed"), 0);
    CHECK_INT (brokered_stat (&self->here, "backend_malformed"), 0);
    brokered_stop (&self->here);
}

/*  libzmq lets an address go a moment after its socket was closed.          */
static void
s_broker_bind (balanced_broker_t *self, const char *side, const char *endpoint)
{
    CHECK_EVENTUALLY (dividere_call (self->here.actor, NULL, SELFTEST_DEADLINE,
                                     "BIND", side, endpoint, NULL) == 0);
}

void
balanced_broker_replace (balanced_broker_t *self, bool bytes)
{
    char frontend[BALANCED_SIZE], backend[BALANCED_SIZE];
    memcpy (frontend, self->frontend, BALANCED_SIZE);
    memcpy (backend, self->backend, BALANCED_SIZE);
    if (self->peer) {
        peer_kill (&self->peer);
        balanced_broker_open_python (self, bytes, BALANCED_INTERVAL, frontend,
                                     backend);
        return;
    }
    CHECK_INT (dividere_stop (&self->here.actor, SELFTEST_DEADLINE), 0);
    self->here.actor = zactor_new (dividere_broker, NULL);
    brokered_set (&self->here, "heartbeat", "100");
    s_broker_bind (self, "frontend", frontend);
    s_broker_bind (self, "backend", backend);
}

static int
s_echo (dividere_context_t *context, const void *message)
{
    return dividere_context_reply (context, (const ProtobufCMessage *) message);
}

int
balanced_echo (dividere_context_t *context, const void *data, size_t size)
{
    return dividere_context_reply_bytes (context, data, size);
}

/*  One for each type of the vectors.                                        */
static const dividere_handler_t *
s_echo_handlers (void)
{
    static dividere_handler_t s_handlers[VECTORS + 1];
    size_t count = 0;
    for (size_t i = 0; i < VECTORS; i++) {
        const ProtobufCMessageDescriptor *type =
            dividere_types_find (s_vectors[i].type);
        size_t j = 0;
        while (j < count && s_handlers[j].type != type)
            j++;
        s_handlers[j] = (dividere_handler_t){ type, s_echo, "s_echo" };
        count = j == count ? count + 1 : count;
    }
    return s_handlers;
}

static void
s_worker_call (zactor_t *actor, const char *command, const char *a,
               const char *b)
{
    CHECK_INT (dividere_call (actor, NULL, SELFTEST_DEADLINE, command, a, b,
                              NULL),
               0);
}

zactor_t *
balanced_worker_new (const dividere_worker_config_t *config,
                     const char *endpoint, bool bytes, const char *interval)
{
    zactor_t *actor = zactor_new (dividere_worker, (void *) config);
    s_worker_call (actor, "SET", "dialect", balanced_dialect (bytes));
    s_worker_call (actor, "SET", "heartbeat", interval);
    s_worker_call (actor, "CONNECT", endpoint, NULL);
    s_worker_call (actor, "START", NULL, NULL);
    return actor;
}

peer_t *
balanced_worker_python (const balanced_broker_t *broker, bool bytes,
                        const char *way)
{
    char backend[BALANCED_SIZE];
    balanced_endpoint ('>', broker->backend, backend);
    const char *interval =
        broker->peer && bytes ? WORKER_INTERVAL_QUICK : WORKER_INTERVAL;
    const char *words[] = { balanced_dialect (bytes), backend, interval, way,
                            NULL };
    return peer_new ("balance_worker.py", words);
}

void
balanced_worker_open (balanced_worker_t *self, bool python, bool bytes,
                      const balanced_broker_t *broker)
{
    static dividere_worker_config_t s_typed, s_bytes;
    s_typed.handlers = s_echo_handlers ();
    s_bytes.on_bytes = balanced_echo;
    *self = (balanced_worker_t){ NULL };
    if (python)
        self->peer = balanced_worker_python (broker, bytes, "echo");
    else
        self->actor =
            balanced_worker_new (bytes ? &s_bytes : &s_typed, broker->backend,
                                 bytes, BALANCED_INTERVAL);
}

void
balanced_worker_close (balanced_worker_t *self, size_t requests)
{
    if (self->peer) {
        char line[64];
        snprintf (line, sizeof (line), "done %zu", requests);
        s_check_done (&self->peer, line);
    }
    CHECK_INT (dividere_stop (&self->actor, SELFTEST_DEADLINE), 0);
}

void
balanced_client_open (balanced_client_t *self, bool python, bool bytes,
                      const char *endpoint)
{
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    if (bytes)
        options.retries = 3; /* as those of the package for bytes            */
    *self = (balanced_client_t){ .bytes = bytes };
    if (python) {
        char frontend[BALANCED_SIZE];
        balanced_endpoint ('>', endpoint, frontend);
        const char *words[] = { balanced_dialect (bytes), frontend, NULL };
        self->peer = peer_new ("balance_client.py", words);
        return;
    }
    self->client = dividere_client_new (endpoint, &options);
    CHECK (self->client);
    self->reply = dividere_message_new ();
    CHECK_INT (dividere_client_wait_connected (self->client, SELFTEST_DEADLINE),
               0);
}

static int
s_send (balanced_client_t *self, const ProtobufCMessage *object)
{
    uint64_t number;
    if (!self->bytes)
        return dividere_client_send (self->client, object, NULL, &number);
    zmq_msg_t frame;
    CHECK_INT (dividere_envelope_encode (object, &frame), 0);
    int rc = dividere_client_send_bytes (self->client, zmq_msg_data (&frame),
                                         zmq_msg_size (&frame), NULL, &number);
    zmq_msg_close (&frame);
    return rc;
}

void
balanced_client_send (balanced_client_t *self, const vector_t *vector)
{
    if (self->peer) {
        peer_send (self->peer, vector, "");
        return;
    }
    ProtobufCMessage *object = vector_object (vector);
    CHECK_INT (s_send (self, object), 0);
    protobuf_c_message_free_unpacked (object, NULL);
}

void
balanced_client_expect (balanced_client_t *self, const vector_t *vector)
{
    if (self->peer) {
        CHECK_STR (peer_expect (self->peer, vector), "");
        return;
    }
    dividere_result_t result;
    CHECK_INT (dividere_client_recv (self->client, self->reply, &result,
                                     SELFTEST_DEADLINE),
               0);
    CHECK_INT (result.error, 0);
    CHECK_INT (result.attempts, 1);
    CHECK (vector_matches (vector, dividere_message_data (self->reply),
                           dividere_message_size (self->reply)));
    CHECK (self->bytes || dividere_message_object (self->reply));
}

void
balanced_client_ask (balanced_client_t *self, const vector_t *vector)
{
    balanced_client_send (self, vector);
    balanced_client_expect (self, vector);
}

void
balanced_client_close (balanced_client_t *self, size_t requests)
{
    if (self->peer) {
        peer_close (self->peer);
        peer_destroy (&self->peer);
        return;
    }
    dividere_client_stats_t stats;
    dividere_client_stats (self->client, &stats);
    CHECK_INT (stats.answered, requests);
    CHECK_INT (stats.retried, 0);
    CHECK_INT (stats.stale, 0);
    CHECK_INT (stats.malformed, 0);
    dividere_message_destroy (&self->reply);
    dividere_client_destroy (&self->client);
}
