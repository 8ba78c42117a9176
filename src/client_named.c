/* SPDX-License-Identifier: Apache-2.0 */

/*  What a client by name has beside the links: the registry that tells where
 *  instances of the service are, and a place for each, by server and port. One
 *  that leaves keeps its link for as long as it stays connected: it may have
 *  been told to finish what it has. One whose link breaks, and who is still
 *  registered, is connected again by libzmq.
 *
 *  place    list      link    instance
 *  standby  standby   none    registered
 *  open     none      one     registered
 *  retired  retired   one     left, connected
 *  over     over      one     left, and the connection broke
 *  bad      none      none    registered where nothing can be connected      */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <czmq.h>
#include "client_internal.h"
#include "hash.h"
#include "table.h"

#define LINKS_MAX 100  /* three sockets each                                 */
#define PAUSE_MS  1000 /* when no link could be opened                       */

typedef struct place_t place_t;

typedef struct {
    place_t *first;
    place_t *last;
} list_t;

struct place_t {
    dividere_entry_t entry; /* in places                                    */
    list_t *list;
    place_t *previous;
    place_t *next;
    dividere_client_link_t *link; /* its place is this                      */
    uint64_t instance;
    int port;
    bool native;
    bool there; /* it is registered                                         */
    char server[];
};

struct dividere_client_named_t {
    dividere_client_t *client;
    dividere_registry_t *registry; /* ours                                   */
    dividere_polled_t polled;      /* its descriptor                         */
    dividere_hash_t hash;
    dividere_table_t places; /* ours                                         */
    size_t there;            /* places that are                              */
    list_t standby;
    list_t retired;
    list_t over;
    bool fresh;       /* all that there is is known                         */
    int64_t retry_ms; /* not before that is a link opened                   */
};

static void
s_leave (place_t *place)
{
    list_t *list = place->list;
    if (!list)
        return;
    if (place->previous)
        place->previous->next = place->next;
    else
        list->first = place->next;
    if (place->next)
        place->next->previous = place->previous;
    else
        list->last = place->previous;
    place->list = NULL;
    place->previous = place->next = NULL;
}

static void
s_enter (place_t *place, list_t *list)
{
    s_leave (place);
    place->list = list;
    place->previous = list->last;
    if (list->last)
        list->last->next = place;
    else
        list->first = place;
    list->last = place;
}

dividere_client_named_t *
dividere_client_named_new (dividere_client_t *client, const char *name,
                           const char *nameservers)
{
    dividere_client_named_t *self =
        (dividere_client_named_t *) zmalloc (sizeof (*self));
    self->client = client;
    dividere_hash_init (&self->hash);
    dividere_table_init (&self->places);
    self->registry = dividere_registry_new (nameservers);
    int fd = self->registry ? dividere_registry_fd (self->registry) : -1;
    if (fd < 0 || dividere_registry_watch (self->registry, name) < 0 ||
        dividere_poller_add_fd (client->poller, &self->polled, fd) < 0) {
        int error = errno;
        dividere_client_named_destroy (&self);
        errno = error;
    }
    return self;
}

void
dividere_client_named_destroy (dividere_client_named_t **self_p)
{
    dividere_client_named_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    dividere_poller_remove (&self->polled);
    dividere_entry_t *entry;
    while ((entry = dividere_table_any (&self->places))) {
        place_t *place = (place_t *) entry;
        dividere_table_remove (&self->places, entry);
        if (place->link)
            place->link->place = NULL;
        free (place);
    }
    dividere_table_term (&self->places);
    dividere_registry_destroy (&self->registry);
    freen (self);
}

static uint64_t
s_hash (const dividere_client_named_t *self, const char *server, int port)
{
    return dividere_hash (&self->hash, server, strlen (server)) +
           (uint64_t) port;
}

static place_t *
s_find (const dividere_client_named_t *self, const char *server, int port)
{
    dividere_entry_t *entry =
        dividere_table_first (&self->places, s_hash (self, server, port));
    for (; entry; entry = dividere_table_next (entry)) {
        place_t *place = (place_t *) entry;
        if (place->port == port && strcmp (place->server, server) == 0)
            return place;
    }
    return NULL;
}

static place_t *
s_add (dividere_client_named_t *self, const char *server, int port)
{
    size_t size = strlen (server) + 1;
    place_t *place = (place_t *) zmalloc (sizeof (*place) + size);
    memcpy (place->server, server, size);
    place->port = port;
    dividere_table_add (&self->places, &place->entry,
                        s_hash (self, server, port));
    return place;
}

static void
s_close (dividere_client_named_t *self, place_t *place)
{
    s_leave (place);
    if (place->link)
        dividere_client_close_link (self->client, &place->link);
}

static void
s_forget (dividere_client_named_t *self, place_t *place)
{
    s_close (self, place);
    dividere_table_remove (&self->places, &place->entry);
    free (place);
}

/*  Added, or changed.                                                       */
static void
s_on_there (dividere_client_named_t *self, const dividere_instance_t *instance)
{
    place_t *place = s_find (self, instance->server, instance->port);
    bool same = place && place->instance == instance->instance &&
                place->native == instance->native;
    if (!place)
        place = s_add (self, instance->server, instance->port);
    self->there += !place->there;
    place->there = true;
    place->instance = instance->instance;
    place->native = instance->native;
    if (same && place->link && place->list != &self->over) {
        s_leave (place);
        dividere_asks_retire_link (&self->client->asks, place->link->index,
                                   false);
        return;
    }
    s_close (self, place);
    s_enter (place, &self->standby);
}

static void
s_on_removed (dividere_client_named_t *self,
              const dividere_instance_t *instance)
{
    place_t *place = s_find (self, instance->server, instance->port);
    if (!place || !place->there)
        return;
    self->there--;
    place->there = false;
    if (!place->link || !place->link->connected) {
        s_forget (self, place);
        return;
    }
    s_enter (place, &self->retired);
    dividere_asks_retire_link (&self->client->asks, place->link->index, true);
}

void
dividere_client_named_tell (dividere_client_named_t *self,
                            const dividere_registry_event_t *event)
{
    switch (event->kind) {
    case DIVIDERE_REGISTRY_ADDED:
    case DIVIDERE_REGISTRY_CHANGED: s_on_there (self, event->instance); break;
    case DIVIDERE_REGISTRY_REMOVED: s_on_removed (self, event->instance); break;
    case DIVIDERE_REGISTRY_FRESH:
    case DIVIDERE_REGISTRY_STALE:
        self->fresh = event->kind == DIVIDERE_REGISTRY_FRESH;
        break;
    }
    dividere_asks_set_absent (&self->client->asks, self->fresh && !self->there
                                                       ? EHOSTUNREACH
                                                       : ENOTCONN);
}

bool
dividere_client_named_serve (dividere_client_named_t *self, size_t *left)
{
    --*left;
    bool more = dividere_registry_process (self->registry) > 0;
    while (more && *left > 0) {
        dividere_registry_event_t event;
        if (dividere_registry_recv (self->registry, &event, 0) < 0) {
            self->client->ended |= errno == ETERM;
            break;
        }
        dividere_client_named_tell (self, &event);
        --*left;
    }
    return *left > 0 || !more;
}

void
dividere_client_named_lost (dividere_client_named_t *self,
                            dividere_client_link_t *link)
{
    place_t *place = (place_t *) link->place;
    if (place && !place->there)
        s_enter (place, &self->over);
}

/*  What was registered may be no host and port at all, or more than that.   */
static int
s_endpoint (const place_t *place, dividere_endpoint_t *ret)
{
    char text[DIVIDERE_ENDPOINT_MAX + 32];
    bool bare = strchr (place->server, ':') && *place->server != '[';
    if (strpbrk (place->server, ";,*@"))
        return -1;
    snprintf (text, sizeof (text), bare ? "tcp://[%s]:%d" : "tcp://%s:%d",
              place->server, place->port);
    return dividere_endpoint_one (text, ret) < 0
               ? -1
               : dividere_endpoint_check (ret, false);
}

/*  False: not now.                                                          */
static bool
s_open (dividere_client_named_t *self, place_t *place)
{
    dividere_endpoint_t endpoint;
    s_leave (place);
    if (s_endpoint (place, &endpoint) < 0)
        return true;
    place->link =
        dividere_client_open_link (self->client, &endpoint, place->native);
    if (place->link)
        place->link->place = place;
    else if (errno != EINVAL)
        s_enter (place, &self->standby);
    return place->link || errno == EINVAL;
}

static bool
s_room (const dividere_client_named_t *self)
{
    return self->client->asks.links.count < LINKS_MAX;
}

void
dividere_client_named_sweep (dividere_client_named_t *self)
{
    while (self->over.first)
        s_forget (self, self->over.first);
    if (!self->standby.first || (self->retry_ms > 0 && s_room (self) &&
                                 self->retry_ms > zclock_mono ()))
        return;
    self->retry_ms = 0;
    while (self->standby.first && (s_room (self) || self->retired.first)) {
        if (!s_room (self))
            s_forget (self, self->retired.first);
        if (s_open (self, self->standby.first))
            continue;
        self->retry_ms = zclock_mono () + PAUSE_MS;
        break;
    }
}

int64_t
dividere_client_named_due (const dividere_client_named_t *self)
{
    return self->standby.first && self->retry_ms > 0 && s_room (self)
               ? self->retry_ms
               : -1;
}
