/* SPDX-License-Identifier: Apache-2.0 */

/*  Each name server has a client of its own, since all of them are told what is
 *  registered, and another one is asked where one does not know a name. Its
 *  requests are frames of the application's kind to the client: bytes.      */

#include <assert.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "endpoint.h"
#include "message_internal.h"
#include "registry_parts.h"

#define ATTEMPT_MS    1000
#define RETRIES       1000000 /* the deadline is what counts                  */
#define BYTES_MAX     (64u << 20)
#define REQUESTS_MAX  100000
#define ADDRESS_PROBE 9 /* a port: nothing is sent                            */

/*  tcp: the next port. NULL: none follows.                                  */
static char *
s_next_port (const char *endpoint)
{
    dividere_endpoint_t parsed;
    if (dividere_endpoint_one (endpoint, &parsed) < 0 ||
        strncmp (parsed.address, "tcp://", 6) != 0)
        return NULL;
    char *colon = strrchr (parsed.address, ':');
    long port = strtol (colon + 1, NULL, 10);
    if (port <= 0 || port >= 65535)
        return NULL;
    return zsys_sprintf ("%.*s:%ld", (int) (colon - parsed.address),
                         parsed.address, port + 1);
}

/*  One element of the list: ENDPOINT or ENDPOINT|PUBLISH.                   */
static int
s_open (dividere_server_t *server, const char *text, size_t size)
{
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.attempt_ms = ATTEMPT_MS;
    options.retries = RETRIES;
    options.requests_max = REQUESTS_MAX;
    options.bytes_max = BYTES_MAX;
    const char *bar = memchr (text, '|', size);
    size_t first = bar ? (size_t) (bar - text) : size;
    server->endpoint = strndup (text, first);
    server->publish = bar ? strndup (bar + 1, size - first - 1)
                          : s_next_port (server->endpoint);
    dividere_endpoint_t parsed;
    if (bar && (dividere_endpoint_one (server->publish, &parsed) < 0 ||
                dividere_endpoint_check (&parsed, false) < 0))
        return -1;
    server->asked = zlistx_new ();
    server->client = dividere_client_new (server->endpoint, &options);
    return server->client ? 0 : -1;
}

int
dividere_servers_open (dividere_registry_t *self, const char *servers)
{
    size_t count = 1;
    for (const char *at = servers; *at; at++)
        count += *at == ',';
    self->servers =
        (dividere_server_t *) zmalloc (count * sizeof (*self->servers));
    for (const char *at = servers; count > 0; count--) {
        at += strspn (at, " \t\n");
        size_t size = strcspn (at, ",");
        size_t trimmed = size;
        while (trimmed && strchr (" \t\n", at[trimmed - 1]))
            trimmed--;
        if (s_open (&self->servers[self->servers_count++], at, trimmed) < 0)
            return -1;
        at += size + (at[size] == ',');
    }
    return 0;
}

void
dividere_servers_close (dividere_registry_t *self)
{
    for (size_t i = 0; i < self->servers_count; i++) {
        dividere_server_t *server = &self->servers[i];
        dividere_asked_t *asked;
        while (server->asked && (asked = zlistx_detach (server->asked, NULL)))
            free (asked);
        zlistx_destroy (&server->asked);
        dividere_client_destroy (&server->client);
        dividere_poller_remove (&server->heard);
        if (server->sub)
            zsys_close (server->sub, NULL, 0);
        free (server->endpoint);
        free (server->publish);
    }
    free (self->servers);
}

int
dividere_servers_ask (dividere_registry_t *self, dividere_server_t *server,
                      const ProtobufCMessage *request, int64_t deadline_ms,
                      dividere_asked_fn *answered, void *target)
{
    zmq_msg_t frame;
    uint64_t number;
    int64_t left_ms = deadline_ms < 0 ? INT_MAX : deadline_ms - zclock_mono ();
    dividere_request_options_t options = DIVIDERE_REQUEST_OPTIONS_INIT;
    options.deadline_ms = left_ms < 1         ? 1
                          : left_ms > INT_MAX ? INT_MAX
                                              : (int) left_ms;
    if (dividere_control_write (request, &frame) < 0)
        return -1;
    int rc =
        dividere_client_send_bytes (server->client, zmq_msg_data (&frame),
                                    zmq_msg_size (&frame), &options, &number);
    int error = errno;
    zmq_msg_close (&frame);
    errno = error;
    if (rc < 0)
        return -1;
    dividere_asked_t *asked = (dividere_asked_t *) zmalloc (sizeof (*asked));
    *asked = (dividere_asked_t){ server, number, answered, target, NULL };
    asked->place = zlistx_add_end (server->asked, asked);
    return 0;
}

void
dividere_servers_forget (dividere_registry_t *self, void *target)
{
    for (size_t i = 0; i < self->servers_count; i++) {
        dividere_server_t *server = &self->servers[i];
        dividere_asked_t *asked =
            (dividere_asked_t *) zlistx_first (server->asked);
        for (; asked; asked = (dividere_asked_t *) zlistx_next (server->asked))
            if (asked->target == target)
                asked->answered = NULL;
    }
}

static dividere_asked_t *
s_take (dividere_server_t *server, uint64_t number)
{
    dividere_asked_t *asked = (dividere_asked_t *) zlistx_first (server->asked);
    while (asked && asked->number != number)
        asked = (dividere_asked_t *) zlistx_next (server->asked);
    if (asked)
        zlistx_detach (server->asked, asked->place);
    return asked;
}

/*  What an answer of a peer of this library says at its first field of that
 *  kind.                                                                    */
static bool
s_is_native (const ProtobufCMessage *reply)
{
    if (reply->descriptor == &dividere__wire__ack__descriptor)
        return ((const Dividere__Wire__Ack *) reply)->version > 0;
    return reply->descriptor ==
               &dividere__wire__service_lookup_rep__descriptor &&
           ((const Dividere__Wire__ServiceLookupRep *) reply)->version > 0;
}

static void
s_learn (dividere_server_t *server, const ProtobufCMessage *reply,
         zmq_msg_t *frame)
{
    const char *host = zmq_msg_gets (frame, "Peer-Address");
    server->native = s_is_native (reply);
    if (!strstr (server->endpoint, "tcp://"))
        host = "127.0.0.1";
    if (host)
        snprintf (server->host, sizeof (server->host), "%s", host);
}

static int
s_error_of (const dividere_result_t *result)
{
    switch (result->error) {
    case 0:
    case ENOTCONN:
    case EACCES:
    case EPROTONOSUPPORT:
    case EKEYREJECTED:
    case ETIMEDOUT: return result->error;
    case EBUSY:
    case EHOSTUNREACH:
    case ECONNRESET: return ETIMEDOUT;
    default: return EPROTO;
    }
}

static void
s_answered (dividere_registry_t *self, dividere_asked_t *asked,
            const dividere_result_t *result)
{
    int error = s_error_of (result);
    const ProtobufCMessage *reply = NULL;
    zmq_msg_t *frame = &self->scratch->payload;
    if (!error) {
        reply = dividere_control_read (&self->control, zmq_msg_data (frame),
                                       zmq_msg_size (frame));
        if (reply)
            s_learn (asked->server, reply, frame);
        else
            error = EPROTO;
    }
    if (asked->answered)
        asked->answered (self, asked, reply, error);
}

void
dividere_servers_receive (dividere_registry_t *self)
{
    for (size_t i = 0; i < self->servers_count; i++) {
        dividere_server_t *server = &self->servers[i];
        dividere_result_t result;
        dividere_client_process (server->client);
        while (zlistx_size (server->asked) &&
               dividere_client_recv (server->client, self->scratch, &result,
                                     0) == 0) {
            dividere_asked_t *asked = s_take (server, result.number);
            if (asked)
                s_answered (self, asked, &result);
            free (asked);
        }
        self->ended |= zlistx_size (server->asked) && errno == ETERM;
    }
}

/*  The source address that a packet to it would have, of which none is sent. */
bool
dividere_servers_local (const dividere_server_t *server, char *ret_local,
                        size_t size)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons (ADDRESS_PROBE) };
    struct sockaddr_in6 to6 = { .sin6_family = AF_INET6,
                                .sin6_port = htons (ADDRESS_PROBE) };
    struct sockaddr_storage from;
    socklen_t from_size = sizeof (from);
    bool six = inet_pton (AF_INET, server->host, &to.sin_addr) != 1;
    if (six && inet_pton (AF_INET6, server->host, &to6.sin6_addr) != 1)
        return false;
    int fd = socket (six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool found =
        connect (fd, six ? (struct sockaddr *) &to6 : (struct sockaddr *) &to,
                 six ? sizeof (to6) : sizeof (to)) == 0 &&
        getsockname (fd, (struct sockaddr *) &from, &from_size) == 0;
    close (fd);
    const void *address =
        six ? (const void *) &((struct sockaddr_in6 *) &from)->sin6_addr
            : (const void *) &((struct sockaddr_in *) &from)->sin_addr;
    return found && inet_ntop (six ? AF_INET6 : AF_INET, address, ret_local,
                               (socklen_t) size);
}

void
dividere_servers_lookup (Dividere__Wire__ServiceLookupReq *ret_request,
                         const char *name, uint32_t scope)
{
    *ret_request = (Dividere__Wire__ServiceLookupReq)
        DIVIDERE__WIRE__SERVICE_LOOKUP_REQ__INIT;
    ret_request->servicename = (char *) name;
    ret_request->version = 1;
    ret_request->scope = scope;
}

static void
s_add (dividere_instances_t *list, const dividere_instance_t *instance)
{
    if (dividere_instance_valid (instance))
        dividere_instances_add (list, instance);
}

static void
s_add_native (dividere_instances_t *list, const char *name,
              const Dividere__Wire__ServiceLookupRep__Instance *found)
{
    const char *tags[DIVIDERE_NAME_TAGS + 1] = { NULL };
    for (size_t i = 0; i < found->n_tags && i < DIVIDERE_NAME_TAGS; i++)
        tags[i] = found->tags[i];
    dividere_instance_t instance = {
        .name = *name ? name : found->servicename,
        .server = found->server,
        .port = found->port > 65535 ? 0 : (int) found->port,
        .instance = found->instance,
        .lease_ms = found->lease_ms > INT_MAX ? INT_MAX : (int) found->lease_ms,
        .release = found->release,
        .tags = tags,
        .native = found->version > 0,
    };
    s_add (list, &instance);
}

dividere_instances_t *
dividere_servers_found (const Dividere__Wire__ServiceLookupRep *reply,
                        const char *name)
{
    dividere_instances_t *list = dividere_instances_new ();
    for (size_t i = 0; i < reply->n_instances; i++)
        s_add_native (list, name, reply->instances[i]);
    if (reply->n_instances == 0 && reply->port > 0 && reply->port <= 65535) {
        dividere_instance_t instance = { .name = name,
                                         .server = reply->server,
                                         .port = (int) reply->port };
        s_add (list, &instance);
    }
    return list;
}

int
dividere_servers_errno (uint32_t error)
{
    static const int s_errors[DIVIDERE_NAME_ERRORS] = {
        [DIVIDERE_NAME_OK] = 0,
        [DIVIDERE_NAME_UNKNOWN] = ENOENT,
        [DIVIDERE_NAME_BAD_NAME] = EINVAL,
        [DIVIDERE_NAME_BAD_SERVER] = EINVAL,
        [DIVIDERE_NAME_BAD_PORT] = EINVAL,
        [DIVIDERE_NAME_BAD_METADATA] = EINVAL,
        [DIVIDERE_NAME_FULL] = ENOBUFS,
        [DIVIDERE_NAME_CONFLICT] = EADDRINUSE,
        [DIVIDERE_NAME_DENIED] = EACCES,
        [DIVIDERE_NAME_STALE] = ESTALE,
        [DIVIDERE_NAME_BAD_REQUEST] = EPROTO,
    };
    return error < DIVIDERE_NAME_ERRORS ? s_errors[error] : EPROTO;
}
