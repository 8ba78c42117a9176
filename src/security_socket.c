/* SPDX-License-Identifier: Apache-2.0 */

/*  Sockets copy their keys, and what they ask about peers, when they bind or
 *  connect: each address may have its own.                                  */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>
#include "log_internal.h"
#include "security_parts.h"

#define ZAP_ENFORCE_DOMAIN 93 /* libzmq 4.3.4 has it, its header hides it     */

_Atomic bool dividere_security_running = false;

static bool
s_is_inproc (const char *address)
{
    return strncmp (address, "inproc:", 7) == 0;
}

static int
s_set (void *handle, int option, int value)
{
    return zmq_setsockopt (handle, option, &value, sizeof (value));
}

static int
s_set_text (void *handle, int option, const char *text)
{
    return zmq_setsockopt (handle, option, text, strlen (text));
}

static int
s_set_keys (dividere_security_t *self, void *handle)
{
    pthread_rwlock_rdlock (&self->lock);
    int rc = s_set_text (handle, ZMQ_CURVE_PUBLICKEY,
                         dividere_keys_public (self->keys));
    if (rc == 0)
        rc = s_set_text (handle, ZMQ_CURVE_SECRETKEY,
                         dividere_keys_secret (self->keys));
    pthread_rwlock_unlock (&self->lock);
    return rc;
}

/*  It is what was asked for, and not something open.                        */
static int
s_check (void *handle, bool server)
{
    int mechanism = 0, enforced = 0, is_server = 0;
    size_t size = sizeof (int);
    if (zmq_getsockopt (handle, ZMQ_MECHANISM, &mechanism, &size) == 0 &&
        zmq_getsockopt (handle, ZMQ_CURVE_SERVER, &is_server, &size) == 0 &&
        mechanism == ZMQ_CURVE && is_server == server &&
        (!server ||
         (zmq_getsockopt (handle, ZAP_ENFORCE_DOMAIN, &enforced, &size) == 0 &&
          enforced)))
        return 0;
    errno = ENOTSUP;
    return -1;
}

static dividere_access_t
s_default_access (void *handle, const char *address)
{
    int type = 0;
    size_t size = sizeof (type);
    zmq_getsockopt (handle, ZMQ_TYPE, &type, &size);
    switch (type) {
    case ZMQ_PUB:
    case ZMQ_XPUB:
    case ZMQ_PUSH:
        return (dividere_access_t){ DIVIDERE_ACCESS (SUBSCRIBE), address };
    case ZMQ_SUB:
    case ZMQ_XSUB:
    case ZMQ_PULL:
        return (dividere_access_t){ DIVIDERE_ACCESS (PUBLISH), address };
    default: return (dividere_access_t){ DIVIDERE_ACCESS (REQUEST), address };
    }
}

int
dividere_security_bind (void *handle, const char *address,
                        const dividere_access_t *access)
{
    dividere_security_t *self = dividere_security_here ();
    char domain[DIVIDERE_DOMAIN_MAX];
    if (s_is_inproc (address))
        return 0;
    dividere_security_attach_here ();
    if (!self)
        return 0;
    if (!dividere_security_running) {
        errno = EHOSTDOWN;
        return -1;
    }
    dividere_access_t what =
        access ? *access : s_default_access (handle, address);
    snprintf (domain, sizeof (domain), DIVIDERE_DOMAIN, self->id, what.rights,
              what.object ? what.object : "");
    if (s_set_keys (self, handle) < 0 ||
        s_set (handle, ZMQ_CURVE_SERVER, 1) < 0 ||
        s_set_text (handle, ZMQ_ZAP_DOMAIN, domain) < 0 ||
        s_set (handle, ZAP_ENFORCE_DOMAIN, 1) < 0)
        return -1;
    return s_check (handle, true);
}

static bool
s_find_server (dividere_security_t *self, const char *address, char *ret_key)
{
    bool found = false;
    pthread_rwlock_rdlock (&self->lock);
    for (size_t i = 0; i < self->servers.count && !found; i++) {
        const dividere_trusted_t *server = &self->servers.all[i];
        found = server->prefix ? strncmp (server->pattern, address,
                                          strlen (server->pattern)) == 0
                               : strcmp (server->pattern, address) == 0;
        if (found)
            memcpy (ret_key, server->key, sizeof (server->key));
    }
    pthread_rwlock_unlock (&self->lock);
    return found;
}

int
dividere_security_connect (void *handle, const char *address)
{
    dividere_security_t *self = dividere_security_here ();
    char key[DIVIDERE_KEY_SIZE + 1];
    if (s_is_inproc (address))
        return 0;
    dividere_security_attach_here ();
    if (!self)
        return 0;
    if (!s_find_server (self, address, key)) {
        dividere_log (DIVIDERE_LOG_ERROR,
                      "security: %s/servers has no key for %s", self->folder,
                      address);
        errno = EACCES;
        return -1;
    }
    if (s_set (handle, ZMQ_CURVE_SERVER, 0) < 0 ||
        s_set_keys (self, handle) < 0 ||
        s_set_text (handle, ZMQ_CURVE_SERVERKEY, key) < 0)
        return -1;
    return s_check (handle, false);
}

const char *
dividere_security_key (zmq_msg_t *frame)
{
    return zmq_msg_gets (frame, "User-Id");
}
