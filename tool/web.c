/* SPDX-License-Identifier: Apache-2.0 */

#include "web.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <microhttpd.h>

#define CONNECTIONS 100
#define IDLE_S      30

struct web_t {
    const command_t *command;
    web_fn *answer;
    void *arg;
    struct MHD_Daemon *daemon; /* ours                                       */
    char url[100];
};

static enum MHD_Result
s_reply (struct MHD_Connection *connection, unsigned status, const char *type,
         char *text, size_t size)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer (size, text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free (text);
        return MHD_NO;
    }
    MHD_add_response_header (response, "Content-Type", type);
    MHD_add_response_header (response, "Cache-Control", "no-store");
    MHD_add_response_header (response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header (response, "Content-Security-Policy",
                             "default-src 'none'; style-src 'unsafe-inline'; "
                             "script-src 'unsafe-inline'; connect-src 'self'");
    enum MHD_Result result = MHD_queue_response (connection, status, response);
    MHD_destroy_response (response);
    return result;
}

static enum MHD_Result
s_refuse (struct MHD_Connection *connection, unsigned status, const char *text)
{
    return s_reply (connection, status, "text/plain", strdup (text),
                    strlen (text));
}

/*  Called for the head of a request, and again when all of it is there.      */
static enum MHD_Result
s_handle (void *arg, struct MHD_Connection *connection, const char *path,
          const char *method, const char *version, const char *upload,
          size_t *upload_size, void **state)
{
    web_t *self = (web_t *) arg;
    static char s_begun;
    if (!*state) {
        *state = &s_begun;
        return MHD_YES;
    }
    /* What is sent to a page that is only read is passed over.              */
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    if (strcmp (method, "GET") != 0 && strcmp (method, "HEAD") != 0)
        return s_refuse (connection, MHD_HTTP_METHOD_NOT_ALLOWED,
                         "only GET and HEAD\n");
    const char *type;
    size_t size;
    char *text = self->answer (self->arg, path, &type, &size);
    if (!text)
        return s_refuse (connection, MHD_HTTP_NOT_FOUND,
                         "there are /, /metrics and /state.json\n");
    return s_reply (connection, MHD_HTTP_OK, type, text, size);
}

/*  -1, told.                                                                */
static int
s_listen (const web_t *self, const char *listen_at)
{
    const char *colon = strrchr (listen_at, ':');
    char host[NI_MAXHOST];
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                              .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    size_t size = colon ? (size_t) (colon - listen_at) : 0;
    bool bracketed = size > 2 && *listen_at == '[' && colon[-1] == ']';
    snprintf (host, sizeof (host), "%.*s", (int) size - 2 * bracketed,
              listen_at + bracketed);
    if (!size || getaddrinfo (host, colon + 1, &hints, &found) != 0) {
        command_fail (self->command, "--listen %s: it is no ADDRESS:PORT",
                      listen_at);
        return -1;
    }
    int fd = socket (found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof (int)) <
            0 ||
        bind (fd, found->ai_addr, found->ai_addrlen) < 0 ||
        listen (fd, CONNECTIONS) < 0) {
        command_fail (self->command, "--listen %s: %s", listen_at,
                      strerror (errno));
        if (fd >= 0)
            close (fd);
        fd = -1;
    }
    freeaddrinfo (found);
    return fd;
}

static void
s_note_url (web_t *self, int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof (address);
    char host[INET6_ADDRSTRLEN] = "", port[10] = "";
    if (getsockname (fd, (struct sockaddr *) &address, &size) == 0)
        getnameinfo ((struct sockaddr *) &address, size, host, sizeof (host),
                     port, sizeof (port), NI_NUMERICHOST | NI_NUMERICSERV);
    bool colons = strchr (host, ':') != NULL;
    snprintf (self->url, sizeof (self->url), "http://%s%s%s:%s",
              colons ? "[" : "", host, colons ? "]" : "", port);
}

web_t *
web_new (const command_t *command, const char *listen_at, web_fn *answer,
         void *arg)
{
    web_t *self = (web_t *) zmalloc (sizeof (*self));
    *self = (web_t){ .command = command, .answer = answer, .arg = arg };
    int fd = s_listen (self, listen_at);
    if (fd < 0) {
        freen (self);
        return NULL;
    }
    s_note_url (self, fd);
    self->daemon = MHD_start_daemon (MHD_USE_EPOLL, 0, NULL, NULL, s_handle,
                                     self, MHD_OPTION_LISTEN_SOCKET, fd,
                                     MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
                                     MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
                                     MHD_OPTION_END);
    if (!self->daemon) {
        command_fail (command, "--listen %s: HTTP cannot be served: %s",
                      listen_at, strerror (errno));
        close (fd);
        freen (self);
    }
    return self;
}

void
web_destroy (web_t **self_p)
{
    web_t *self = *self_p;
    MHD_stop_daemon (self->daemon);
    freen (self);
    *self_p = NULL;
}

const char *
web_url (const web_t *self)
{
    return self->url;
}

int
web_fd (const web_t *self)
{
    return MHD_get_daemon_info (self->daemon, MHD_DAEMON_INFO_EPOLL_FD)
        ->epoll_fd;
}

/*  Also without anything to read: connections that are idle end.            */
void
web_turn (web_t *self)
{
    MHD_run (self->daemon);
}
