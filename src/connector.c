/* SPDX-License-Identifier: Apache-2.0 */

/*  The life of a connector: options, endpoints, subscriptions. Sending and
 *  receiving is in connector_io.c, what only publishers do in publisher.c.  */

#include <assert.h>
#include <errno.h>
#include <czmq.h>
#include <sodium.h>
#include <dividere/envelope.h>
#include "attach.h"
#include "connector_internal.h"
#include "endpoint.h"
#include "library_internal.h"
#include "log_internal.h"

#define SUBSCRIPTIONS_MAX 100000
#define STREAMS_MAX       4096

static const char *const s_kind_names[] = { "publisher", "subscriber",
                                            "request", "response", "dealer" };

static const int s_kind_types[] = { ZMQ_XPUB, ZMQ_SUB, ZMQ_DEALER, ZMQ_ROUTER,
                                    ZMQ_DEALER };

const char *
dividere_kind_name (dividere_kind_t kind)
{
    assert (kind <= DIVIDERE_DEALER);
    return s_kind_names[kind];
}

bool
dividere_connector_is (void *self)
{
    return *(uint32_t *) self == DIVIDERE_CONNECTOR_TAG;
}

/*  A version 4 UUID in text: Python's typed broker dies of binary ones.     */
static void
s_random_uuid (char *text, size_t size)
{
    uint8_t b[16];
    randombytes_buf (b, sizeof (b));
    b[6] = (b[6] & 0x0F) | 0x40;
    b[8] = (b[8] & 0x3F) | 0x80;
    snprintf (text, size,
              "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
              "%02x%02x%02x%02x%02x%02x",
              b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
              b[11], b[12], b[13], b[14], b[15]);
}

static int
s_set_kind (dividere_connector_t *self)
{
    char uuid[37];
    switch (self->kind) {
    case DIVIDERE_PUBLISHER:
        self->subscriptions = dividere_subscriptions_new (SUBSCRIPTIONS_MAX);
        randombytes_buf (&self->epoch, sizeof (self->epoch));
        if (dividere_socket_set (self->handle, ZMQ_XPUB_VERBOSER, 1) < 0)
            return -1;
        return dividere_socket_set_publisher (self->handle);
    case DIVIDERE_SUBSCRIBER:
        self->topics = dividere_subscriptions_new (SUBSCRIPTIONS_MAX);
        if (self->options.sequenced)
            self->sequence = dividere_sequence_new (STREAMS_MAX);
        if (self->options.keep_last)
            self->newer = dividere_message_new ();
        /* libzmq drops subscriptions, without a word, where the queue to a
           publisher is full.                                                */
        return dividere_socket_set (self->handle, ZMQ_SNDHWM, 0);
    case DIVIDERE_REQUEST:
        randombytes_buf (&self->correlation, sizeof (self->correlation));
        return 0;
    case DIVIDERE_RESPONSE: return dividere_socket_set_router (self->handle);
    case DIVIDERE_DEALER:
        s_random_uuid (uuid, sizeof (uuid));
        return zmq_setsockopt (self->handle, ZMQ_ROUTING_ID, uuid,
                               strlen (uuid));
    default: return 0;
    }
}

static void
s_remember (dividere_connector_t *self, const char *address, bool bound)
{
    if (!self->endpoint)
        self->endpoint = strdup (address);
    char *old = self->endpoints;
    /* Where several peers can answer, only a number tells the answer of one
       from a second answer of another.                                      */
    if (old || bound)
        self->correlated = true;
    if (asprintf (&self->endpoints, "%s%s%c%s", old ? old : "", old ? "," : "",
                  bound ? '@' : '>', address) < 0)
        abort ();
    free (old);
}

static int
s_attach (dividere_connector_t *self, const dividere_endpoint_t *endpoint,
          bool bound)
{
    char address[DIVIDERE_ADDRESS_MAX];
    if (self->options.handover &&
        strncmp (endpoint->address, "inproc://", 9) != 0) {
        dividere_log (DIVIDERE_LOG_ERROR,
                      "%s: %s: objects are handed over within the process, "
                      "which takes inproc",
                      s_kind_names[self->kind], endpoint->address);
        errno = EPROTONOSUPPORT;
        return -1;
    }
    dividere_security_t *before = dividere_security_use_here (self->security);
    int rc = dividere_attach (self->handle, s_kind_names[self->kind], endpoint,
                              bound, NULL, address);
    int error = errno;
    dividere_security_use_here (before);
    dividere_poller_touch (&self->polled);
    if (rc == 0)
        s_remember (self, address, bound);
    errno = error;
    return rc;
}

static bool
s_binds (dividere_kind_t kind, const dividere_endpoint_t *endpoint)
{
    if (endpoint->role != DIVIDERE_ENDPOINT_EITHER)
        return endpoint->role == DIVIDERE_ENDPOINT_BIND;
    switch (kind) {
    case DIVIDERE_PUBLISHER: return true;
    case DIVIDERE_RESPONSE:
    case DIVIDERE_DEALER: return endpoint->wildcard;
    default: return false;
    }
}

/*  The whole list is read before the first socket call.                     */
static int
s_attach_all (dividere_connector_t *self, const char *endpoints)
{
    dividere_endpoint_t endpoint;
    const char *list = endpoints;
    int rc;
    while ((rc = dividere_endpoint_next (&list, &endpoint)) == 1)
        if (dividere_endpoint_check (&endpoint,
                                     s_binds (self->kind, &endpoint)) < 0)
            break;
    if (rc != 0) {
        int error = errno;
        dividere_log (DIVIDERE_LOG_ERROR, "%s: bad endpoint in \"%.200s\": %s",
                      s_kind_names[self->kind], endpoints, strerror (error));
        errno = error;
        return -1;
    }
    list = endpoints;
    while (dividere_endpoint_next (&list, &endpoint) == 1)
        if (s_attach (self, &endpoint, s_binds (self->kind, &endpoint)) < 0)
            return -1;
    if (!self->endpoints) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

static bool
s_options_valid (const dividere_connector_options_t *options)
{
    return options->send_hwm > 0 && options->recv_hwm > 0 &&
           options->send_timeout_ms >= -1 && options->recv_timeout_ms >= -1 &&
           options->linger_ms >= -1 && options->keepalive_ms >= 0 &&
           options->reconnect_ms > 0 &&
           options->reconnect_max_ms >= options->reconnect_ms &&
           options->overflow <= DIVIDERE_OVERFLOW_TELL;
}

/*  Batches are for who publishes, and for who can take them apart.         */
static bool
s_batch_valid (dividere_kind_t kind,
               const dividere_connector_options_t *options)
{
    return options->batch == 0 ||
           (options->batch > 0 && options->batch <= (int) DIVIDERE_BATCH_MAX &&
            (kind == DIVIDERE_PUBLISHER ||
             (kind == DIVIDERE_SUBSCRIBER && !options->keep_last)));
}

dividere_connector_t *
dividere_connector_new (dividere_kind_t kind, const char *endpoints,
                        const dividere_connector_options_t *options)
{
    assert (kind <= DIVIDERE_DEALER);
    assert (endpoints);
    static const dividere_connector_options_t s_defaults =
        DIVIDERE_CONNECTOR_OPTIONS_INIT;
    if (!options)
        options = &s_defaults;
    if (!s_options_valid (options) || !s_batch_valid (kind, options)) {
        errno = EINVAL;
        return NULL;
    }
    dividere_library_linked ();
    void *handle = zsys_socket (s_kind_types[kind], NULL, 0);
    if (!handle)
        return NULL;
    dividere_connector_t *self =
        (dividere_connector_t *) zmalloc (sizeof (*self));
    self->tag = DIVIDERE_CONNECTOR_TAG;
    self->kind = kind;
    self->handle = handle;
    self->polled.handle = handle;
    self->options = *options;
    dividere_batch_init (&self->batch, (size_t) options->batch);
    self->security =
        options->plain ? DIVIDERE_SECURITY_PLAIN : dividere_security_keep ();
    if (dividere_socket_configure (self->handle, &self->options) < 0 ||
        s_set_kind (self) < 0 ||
        (options->await_connection && dividere_await_start (self) < 0) ||
        s_attach_all (self, endpoints) < 0) {
        int error = errno;
        dividere_connector_destroy (&self);
        errno = error;
    }
    return self;
}

dividere_connector_t *
dividere_publisher_new (const char *endpoints,
                        const dividere_connector_options_t *options)
{
    return dividere_connector_new (DIVIDERE_PUBLISHER, endpoints, options);
}

dividere_connector_t *
dividere_subscriber_new (const char *endpoints,
                         const dividere_connector_options_t *options)
{
    return dividere_connector_new (DIVIDERE_SUBSCRIBER, endpoints, options);
}

dividere_connector_t *
dividere_request_new (const char *endpoints,
                      const dividere_connector_options_t *options)
{
    return dividere_connector_new (DIVIDERE_REQUEST, endpoints, options);
}

dividere_connector_t *
dividere_response_new (const char *endpoints,
                       const dividere_connector_options_t *options)
{
    return dividere_connector_new (DIVIDERE_RESPONSE, endpoints, options);
}

dividere_connector_t *
dividere_dealer_new (const char *endpoints,
                     const dividere_connector_options_t *options)
{
    return dividere_connector_new (DIVIDERE_DEALER, endpoints, options);
}

void
dividere_connector_destroy (dividere_connector_t **self_p)
{
    assert (self_p);
    if (!*self_p)
        return;
    dividere_connector_t *self = *self_p;
    assert (self->tag == DIVIDERE_CONNECTOR_TAG);
    dividere_poller_remove (&self->polled);
    dividere_publisher_flush (self);
    dividere_batch_term (&self->batch);
    dividere_batch_close (&self->rest);
    dividere_await_stop (self);
    dividere_connector_unwatch (self);
    dividere_route_clear (&self->debtor);
    zsys_close (self->handle, NULL, 0);
    dividere_subscriptions_destroy (&self->subscriptions);
    dividere_subscriptions_destroy (&self->topics);
    dividere_message_destroy (&self->newer);
    dividere_sequence_destroy (&self->sequence);
    free (self->sequences);
    free (self->endpoints);
    free (self->endpoint);
    self->tag = 0xDEADBEEF;
    free (self);
    *self_p = NULL;
}

dividere_kind_t
dividere_connector_kind (const dividere_connector_t *self)
{
    assert (self);
    return self->kind;
}

const char *
dividere_connector_endpoints (const dividere_connector_t *self)
{
    assert (self);
    return self->endpoints;
}

const char *
dividere_connector_endpoint (const dividere_connector_t *self)
{
    assert (self);
    return self->endpoint;
}

void *
dividere_connector_handle (dividere_connector_t *self)
{
    assert (self);
    return self->handle;
}

static int
s_add_endpoint (dividere_connector_t *self, const char *text, bool bound)
{
    dividere_endpoint_t endpoint;
    if (dividere_endpoint_one (text, &endpoint) < 0)
        return -1;
    return s_attach (self, &endpoint, bound);
}

int
dividere_connector_bind (dividere_connector_t *self, const char *endpoint)
{
    assert (self);
    assert (endpoint);
    return s_add_endpoint (self, endpoint, true);
}

int
dividere_connector_connect (dividere_connector_t *self, const char *endpoint)
{
    assert (self);
    assert (endpoint);
    return s_add_endpoint (self, endpoint, false);
}
