/* SPDX-License-Identifier: Apache-2.0 */

/*  The calls that wait. A name that one name server does not know is asked of
 *  the next one: it may have started anew a moment ago.                     */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "registry_parts.h"
#include "socket.h"

#define SHARE_MIN_MS \
    1000 /* of the time, for one of several name servers      */
#define LIST_TRIES 3

/*  What a call waits for.                                                   */
typedef struct {
    bool done;
    int error;
    const char *name;
    bool native;
    bool more;
    dividere_instances_t *found;
    char *last; /* of a page; ours                                          */
} call_t;

static void
s_on_found (dividere_registry_t *self, dividere_asked_t *asked,
            const ProtobufCMessage *reply, int error)
{
    call_t *call = (call_t *) asked->target;
    const Dividere__Wire__ServiceLookupRep *found =
        (const Dividere__Wire__ServiceLookupRep *) reply;
    call->done = true;
    call->error = error;
    if (error)
        return;
    if (reply->descriptor != &dividere__wire__service_lookup_rep__descriptor) {
        call->error = EPROTO;
        return;
    }
    call->native = found->version > 0;
    call->more = found->more;
    call->error = dividere_servers_errno (found->error);
    call->found = dividere_servers_found (found, call->name);
    size_t count = dividere_instances_count (call->found);
    if (found->more && count)
        call->last =
            strdup (dividere_instances_at (call->found, count - 1)->name);
}

static void
s_on_ack (dividere_registry_t *self, dividere_asked_t *asked,
          const ProtobufCMessage *reply, int error)
{
    call_t *call = (call_t *) asked->target;
    const Dividere__Wire__Ack *ack = (const Dividere__Wire__Ack *) reply;
    call->done = true;
    call->error = error;
    if (error)
        return;
    if (reply->descriptor != &dividere__wire__ack__descriptor)
        call->error = EPROTO;
    else if (!ack->ok)
        call->error = ack->error ? dividere_servers_errno (ack->error) : ENOENT;
}

/*  Asks one name server and waits. An errno, or 0.                          */
static int
s_call (dividere_registry_t *self, dividere_server_t *server,
        const ProtobufCMessage *request, dividere_asked_fn *answered,
        call_t *call, int64_t deadline_ms)
{
    call->done = false;
    if (dividere_servers_ask (self, server, request, deadline_ms, answered,
                              call) < 0)
        return errno;
    while (dividere_registry_process (self), !call->done)
        if (dividere_registry_wait (self, -1) < 0) {
            int error = errno;
            dividere_servers_forget (self, call);
            return error;
        }
    return call->error;
}

/*  The time that one of the name servers left may take.                     */
static int64_t
s_share (int64_t deadline_ms, size_t left)
{
    int64_t now_ms = zclock_mono ();
    if (left <= 1)
        return deadline_ms;
    int64_t share_ms =
        deadline_ms < 0 ? SHARE_MIN_MS : (deadline_ms - now_ms) / (int) left;
    if (share_ms > SHARE_MIN_MS)
        share_ms = SHARE_MIN_MS;
    return now_ms + (share_ms > 0 ? share_ms : 0);
}

/*  What is told of several errors: that the name is not known is the answer of
 *  one that could be asked.                                                 */
static int
s_worse (int one, int other)
{
    static const int s_order[] = { EINTR,  ETERM,        ENOENT,
                                   EACCES, EKEYREJECTED, EPROTONOSUPPORT,
                                   EPROTO, ETIMEDOUT,    ENOTCONN };
    for (size_t i = 0; i < sizeof (s_order) / sizeof (s_order[0]); i++)
        if (one == s_order[i] || other == s_order[i])
            return s_order[i];
    return one ? one : other;
}

static bool
s_broken (int error)
{
    return error == EINTR || error == ETERM;
}

static dividere_instances_t *
s_lookup (dividere_registry_t *self, const char *name, uint32_t scope,
          int timeout_ms)
{
    assert (self);
    int64_t deadline_ms = dividere_deadline (timeout_ms);
    int worst = 0;
    if (!name || dividere_name_check (name)) {
        errno = EINVAL;
        return NULL;
    }
    for (size_t i = 0; i < self->servers_count && !s_broken (worst); i++) {
        call_t call = { .name = name };
        Dividere__Wire__ServiceLookupReq request;
        dividere_servers_lookup (&request, name, scope);
        int error =
            s_call (self, &self->servers[i], &request.base, s_on_found, &call,
                    s_share (deadline_ms, self->servers_count - i));
        free (call.last);
        if (!error && dividere_instances_count (call.found))
            return call.found;
        dividere_instances_destroy (&call.found);
        worst = s_worse (error ? error : ENOENT, worst);
    }
    errno = worst;
    return NULL;
}

dividere_instances_t *
dividere_registry_lookup (dividere_registry_t *self, const char *name,
                          int timeout_ms)
{
    return s_lookup (self, name, 0, timeout_ms);
}

dividere_instances_t *
dividere_registry_lookup_all (dividere_registry_t *self, const char *name,
                              int timeout_ms)
{
    return s_lookup (self, name, 1, timeout_ms);
}

/*  All pages of one name server. An errno, or 0.                            */
static int
s_list (dividere_registry_t *self, dividere_server_t *server,
        int64_t deadline_ms, dividere_instances_t **list_p)
{
    char *after = strdup ("");
    int error = 0;
    bool more = true;
    while (!error && more) {
        call_t call = { .name = "" };
        Dividere__Wire__ServiceLookupReq request;
        dividere_servers_lookup (&request, after, 2);
        error = s_call (self, server, &request.base, s_on_found, &call,
                        deadline_ms);
        if (!error && !call.native)
            error = ENOTSUP;
        if (!error && dividere_instances_append (*list_p, &call.found) < 0)
            error = errno;
        more = call.more && call.last;
        dividere_instances_destroy (&call.found);
        free (after);
        after = call.last;
    }
    free (after);
    return error;
}

dividere_instances_t *
dividere_registry_list (dividere_registry_t *self, int timeout_ms)
{
    assert (self);
    int64_t deadline_ms = dividere_deadline (timeout_ms);
    int worst = 0;
    for (size_t i = 0; i < self->servers_count && !s_broken (worst); i++) {
        int error = ESTALE;
        int64_t share_ms = s_share (deadline_ms, self->servers_count - i);
        for (int tries = LIST_TRIES; error == ESTALE && tries > 0; tries--) {
            dividere_instances_t *list = dividere_instances_new ();
            error = s_list (self, &self->servers[i], share_ms, &list);
            if (!error)
                return list;
            dividere_instances_destroy (&list);
        }
        worst = s_worse (error == ESTALE ? ETIMEDOUT : error, worst);
    }
    errno = worst;
    return NULL;
}

int
dividere_registry_register (dividere_registry_t *self,
                            const dividere_instance_t *instance, int timeout_ms)
{
    assert (self);
    assert (instance);
    int64_t deadline_ms = dividere_deadline (timeout_ms);
    int error = 0;
    if (dividere_registry_add (self, instance) < 0)
        return -1;
    while (true) {
        dividere_registry_process (self);
        dividere_standing_t *standing =
            dividere_standings_find (self, instance->name, instance->port);
        if (dividere_standing_stands (self, standing, &error))
            return 0;
        if (error && error != ENOTCONN && error != ETIMEDOUT) {
            dividere_standing_remove (self, &standing);
            errno = error;
            return -1;
        }
        if (dividere_registry_wait (self, deadline_ms) < 0) {
            if (errno == EAGAIN)
                errno = error ? error : ENOTCONN;
            return -1;
        }
    }
}

/*  One of the Python package ends at an unregistration of what it does not
 *  know, so it is asked before.                                             */
static int
s_unregister (dividere_registry_t *self, dividere_server_t *server,
              const char *name, const char *host, int port, int64_t deadline_ms)
{
    call_t call = { .name = name };
    Dividere__Wire__ServiceLookupReq request;
    dividere_servers_lookup (&request, name, 0);
    int error =
        s_call (self, server, &request.base, s_on_found, &call, deadline_ms);
    bool there = call.native ||
                 (call.found && dividere_instances_count (call.found) > 0);
    char local[64] = "";
    free (call.last);
    dividere_instances_destroy (&call.found);
    if (error && error != ENOENT)
        return error;
    if (!there)
        return ENOENT;
    Dividere__Wire__UnregisterService leave =
        DIVIDERE__WIRE__UNREGISTER_SERVICE__INIT;
    if (!host && dividere_servers_local (server, local, sizeof (local)))
        host = local;
    leave.servicename = (char *) name;
    leave.server = (char *) (host ? host : "");
    leave.port = (uint32_t) port;
    leave.version = 1;
    return s_call (self, server, &leave.base, s_on_ack, &call, deadline_ms);
}

int
dividere_registry_unregister (dividere_registry_t *self, const char *name,
                              const char *server, int port, int timeout_ms)
{
    assert (self);
    int64_t deadline_ms = dividere_deadline (timeout_ms);
    int worst = 0;
    bool left = false;
    if (!name ||
        dividere_name_check_place (name, server ? server : "local", port)) {
        errno = EINVAL;
        return -1;
    }
    dividere_standing_t *standing = dividere_standings_find (self, name, port);
    char *own = NULL;
    if (standing) {
        const char *host = dividere_standing_server (standing);
        own = !server && host ? strdup (host) : NULL;
        dividere_standing_remove (self, &standing);
    }
    for (size_t i = 0; i < self->servers_count && !s_broken (worst); i++) {
        int error =
            s_unregister (self, &self->servers[i], name, server ? server : own,
                          port, s_share (deadline_ms, self->servers_count - i));
        left |= error == 0;
        worst = error ? s_worse (error, worst) : worst;
    }
    free (own);
    errno = worst;
    return left && !s_broken (worst) ? 0 : -1;
}
