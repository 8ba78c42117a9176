/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <czmq.h>
#include "attach.h"
#include "log_internal.h"
#include "security.h"

/*  libzmq unlinks the path of an ipc endpoint before binding it, whoever still
 *  listens there.                                                           */
static bool
s_ipc_taken (const char *address)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    const char *path = address + strlen ("ipc://");
    if (strncmp (address, "ipc://", 6) != 0 || *path == '@' || *path == '*' ||
        strlen (path) >= sizeof (name.sun_path))
        return false;
    memcpy (name.sun_path, path, strlen (path));
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    int rc = connect (fd, (struct sockaddr *) &name, sizeof (name));
    bool taken = rc == 0 || errno == EAGAIN;
    close (fd);
    return taken;
}

static int
s_bind (void *handle, const char *address, const dividere_access_t *access)
{
    if (dividere_security_bind (handle, address, access) < 0)
        return -1;
    if (s_ipc_taken (address)) {
        errno = EADDRINUSE;
        return -1;
    }
    return zmq_bind (handle, address);
}

int
dividere_connect (void *handle, const char *address)
{
    return dividere_security_connect (handle, address) < 0
               ? -1
               : zmq_connect (handle, address);
}

int
dividere_attach (void *handle, const char *who,
                 const dividere_endpoint_t *endpoint, bool bound,
                 const dividere_access_t *access, char *ret_address)
{
    if (dividere_endpoint_check (endpoint, bound) < 0)
        return -1;
    int rc = bound ? s_bind (handle, endpoint->address, access)
                   : dividere_connect (handle, endpoint->address);
    if (rc < 0) {
        int error = errno;
        dividere_log (DIVIDERE_LOG_ERROR, "%s cannot %s %s: %s", who,
                      bound ? "bind" : "connect", endpoint->address,
                      zmq_strerror (error));
        errno = error;
        return -1;
    }
    size_t size = DIVIDERE_ADDRESS_MAX;
    zmq_getsockopt (handle, ZMQ_LAST_ENDPOINT, ret_address, &size);
    return 0;
}
