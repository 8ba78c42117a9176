/* SPDX-License-Identifier: Apache-2.0 */

/*  How the service stands with its name servers: a registry for each, whose
 *  descriptor is in the loop, so that none of them can hold up another.     */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "registry_internal.h"
#include "service_internal.h"

typedef struct {
    dividere_service_t *service;
    char *endpoint;
    dividere_registry_t *registry; /* ours                                  */
    zmq_pollitem_t item;           /* in the loop                           */
    bool left;
} name_server_t;

static name_server_t *
s_first (const dividere_service_t *self)
{
    return (name_server_t *) zlistx_first (self->names);
}

static name_server_t *
s_next (const dividere_service_t *self)
{
    return (name_server_t *) zlistx_next (self->names);
}

static int
s_handle_registry (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    name_server_t *server = (name_server_t *) arg;
    dividere_registry_process (server->registry);
    if (server->service->left_ms >= 0)
        dividere_service_turn (server->service);
    return 0;
}

int
dividere_names_connect (dividere_service_t *self, const char *endpoint,
                        const char *publish)
{
    name_server_t *at = s_first (self);
    while (at && !streq (at->endpoint, endpoint))
        at = s_next (self);
    if (at)
        return EEXIST;
    if (strpbrk (endpoint, ",|") || (publish && strpbrk (publish, ",|")))
        return EINVAL;
    char *servers =
        publish ? zsys_sprintf ("%s|%s", endpoint, publish) : strdup (endpoint);
    assert (servers);
    dividere_registry_t *registry = dividere_registry_new (servers);
    int error = errno;
    free (servers);
    if (!registry)
        return error;
    at = (name_server_t *) zmalloc (sizeof (*at));
    at->service = self;
    at->endpoint = strdup (endpoint);
    at->registry = registry;
    at->item.fd = dividere_registry_fd (registry);
    at->item.events = ZMQ_POLLIN;
    zloop_t *loop = dividere_actor_loop (self->actor);
    zloop_poller (loop, &at->item, s_handle_registry, at);
    zloop_poller_set_tolerant (loop, &at->item);
    zlistx_add_end (self->names, at);
    return 0;
}

/*  The host that clients are told; NULL: the one towards the name server. The
 *  caller frees it.                                                         */
static char *
s_host (const dividere_service_t *self)
{
    const char *address = self->door.tcp + strlen ("tcp://");
    const char *colon = strrchr (address, ':');
    if (self->card.advertise)
        return strdup (self->card.advertise);
    if (!colon || strncmp (address, "0.0.0.0:", 8) == 0 ||
        strncmp (address, "[::]:", 5) == 0)
        return NULL;
    return strndup (address, (size_t) (colon - address));
}

void
dividere_names_enter (dividere_service_t *self)
{
    const dividere_service_card_t *card = &self->card;
    const char *colon = strrchr (self->door.tcp, ':');
    char *host = s_host (self);
    dividere_instance_t instance = {
        .name = card->name,
        .server = host,
        .port = colon ? (int) strtol (colon + 1, NULL, 10) : 0,
        .instance = card->instance,
        .lease_ms = (int) self->settings.lease_ms,
        .release = card->release,
        .tags = (const char *const *) card->tags,
    };
    for (name_server_t *at = s_first (self); at; at = s_next (self)) {
        dividere_registry_add (at->registry, &instance);
        dividere_registry_process (at->registry);
    }
    free (host);
}

void
dividere_names_leave (dividere_service_t *self)
{
    for (name_server_t *at = s_first (self); at; at = s_next (self)) {
        dividere_registry_withdraw (at->registry);
        dividere_registry_process (at->registry);
    }
}

bool
dividere_names_left (const dividere_service_t *self)
{
    name_server_t *at = s_first (self);
    while (at && dividere_registry_withdrawn (at->registry) == 0)
        at = s_next (self);
    return !at;
}

void
dividere_names_term (dividere_service_t *self)
{
    name_server_t *at;
    while ((at = (name_server_t *) zlistx_detach (self->names, NULL))) {
        zloop_poller_end (dividere_actor_loop (self->actor), &at->item);
        dividere_registry_destroy (&at->registry);
        freen (at->endpoint);
        freen (at);
    }
    zlistx_destroy (&self->names);
}

void
dividere_names_list (const dividere_service_t *self, zmsg_t *values)
{
    for (name_server_t *at = s_first (self); at; at = s_next (self)) {
        dividere_registry_server_t server;
        if (!dividere_registry_server (at->registry, 0, &server))
            continue;
        zmsg_addstr (values, at->endpoint);
        zmsg_addstr (values, dividere_standing_state_name (server.state));
        zmsg_addstrf (values, "%d", server.error);
    }
}

void
dividere_names_stats (const dividere_service_t *self, zmsg_t *values)
{
    uint64_t registered = 0, refused = 0, rediscovered = 0, renewals = 0;
    for (name_server_t *at = s_first (self); at; at = s_next (self)) {
        dividere_registry_server_t server;
        if (!dividere_registry_server (at->registry, 0, &server))
            continue;
        registered += server.state == DIVIDERE_STANDING_REGISTERED;
        refused += server.state == DIVIDERE_STANDING_REFUSED;
        rediscovered += server.rediscovered;
        renewals += server.renewals;
    }
    dividere_actor_stat (values, "nameservers", zlistx_size (self->names));
    dividere_actor_stat (values, "registered", registered);
    dividere_actor_stat (values, "registrations_refused", refused);
    dividere_actor_stat (values, "rediscovered", rediscovered);
    dividere_actor_stat (values, "renewals", renewals);
}
