/* SPDX-License-Identifier: Apache-2.0 */

/*  Two hash tables, of names and of places (name, server and port). A renewal
 *  touches neither the heap of leases, where an end that has moved is seen when
 *  it fires, nor the order of those with a lease; who has none moves to the end
 *  of a list in the order of the rounds.                                    */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "name_table_internal.h"

#define LEASE_MIN_MS 10
#define TICK_MAX     100 /* so that lookups go on while all leases end        */

#define NAMED_OF(deadline)                                                  \
    ((dividere_named_t *) ((char *) (deadline) -offsetof (dividere_named_t, \
                                                          lease)))

dividere_names_t *
dividere_names_new (dividere_names_fn *changed, void *arg)
{
    dividere_names_t *self = (dividere_names_t *) calloc (1, sizeof (*self));
    assert (self);
    self->changed = changed;
    self->arg = arg;
    dividere_hash_init (&self->hash);
    dividere_table_init (&self->names);
    dividere_table_init (&self->places);
    dividere_table_init (&self->owners);
    dividere_deadlines_init (&self->leases);
    return self;
}

/*  In the order in which they came, which is mostly that of memory: a million
 *  of them by their hashes would take a second.                             */
static void
s_free_name (dividere_name_t *name)
{
    while (name->first) {
        dividere_named_t *named = name->first;
        name->first = named->next;
        free (named);
    }
    free (name);
}

static void
s_free_all (dividere_table_t *table)
{
    dividere_entry_t *entry;
    while ((entry = dividere_table_any (table))) {
        dividere_table_remove (table, entry);
        free (entry);
    }
    dividere_table_term (table);
}

void
dividere_names_destroy (dividere_names_t **self_p)
{
    dividere_names_t *self = *self_p;
    if (!self)
        return;
    assert (!self->cursors);
    dividere_deadlines_term (&self->leases);
    while (self->first) {
        dividere_name_t *name = self->first;
        self->first = name->next;
        s_free_name (name);
    }
    dividere_table_term (&self->places);
    dividere_table_term (&self->names);
    s_free_all (&self->owners);
    free (self);
    *self_p = NULL;
}

void
dividere_names_limit (dividere_names_t *self,
                      const dividere_names_limits_t *limits)
{
    self->limits = *limits;
}

static uint64_t
s_hash_name (const dividere_names_t *self, const char *name)
{
    return dividere_hash (&self->hash, name, strlen (name));
}

static uint64_t
s_hash_place (const dividere_names_t *self, uint64_t name, const char *server,
              int port)
{
    uint8_t bytes[sizeof (name) + sizeof (uint16_t) + DIVIDERE_SERVER_MAX];
    uint16_t number = (uint16_t) port;
    size_t size = strlen (server);
    memcpy (bytes, &name, sizeof (name));
    memcpy (bytes + sizeof (name), &number, sizeof (number));
    memcpy (bytes + sizeof (name) + sizeof (number), server, size);
    return dividere_hash (&self->hash, bytes,
                          sizeof (name) + sizeof (number) + size);
}

static dividere_name_t *
s_find_name (const dividere_names_t *self, const char *name, uint64_t hash)
{
    dividere_entry_t *entry = dividere_table_first (&self->names, hash);
    while (entry && strcmp (((dividere_name_t *) entry)->text, name) != 0)
        entry = dividere_table_next (entry);
    return (dividere_name_t *) entry;
}

static dividere_named_t *
s_find (const dividere_names_t *self, const char *name, const char *server,
        int port, uint64_t hash)
{
    dividere_entry_t *entry = dividere_table_first (&self->places, hash);
    for (; entry; entry = dividere_table_next (entry)) {
        dividere_named_t *named = (dividere_named_t *) entry;
        if (named->port == port && strcmp (named->text, server) == 0 &&
            strcmp (named->name->text, name) == 0)
            break;
    }
    return (dividere_named_t *) entry;
}

static void
s_tell (dividere_names_t *self, dividere_registry_kind_t kind,
        const dividere_named_t *named, bool expired)
{
    const char *tags[DIVIDERE_NAME_TAGS + 1];
    dividere_instance_t instance;
    dividere_name_change_t change = { .kind = kind,
                                      .revision = ++self->revision,
                                      .previous = named->name->revision,
                                      .expired = expired,
                                      .instance = &instance };
    named->name->revision = self->revision;
    dividere_named_get (named, tags, &instance, NULL);
    if (self->changed)
        self->changed (self->arg, &change);
}

static void
s_end (dividere_names_t *self, dividere_named_t *named, bool expired)
{
    dividere_name_t *name = named->name;
    dividere_named_detach (self, named);
    s_tell (self, DIVIDERE_REGISTRY_REMOVED, named, expired);
    if (!name->count)
        dividere_name_free (self, name);
    dividere_named_free (self, named);
}

static uint32_t
s_lease (const dividere_names_t *self, const dividere_instance_t *instance)
{
    if (!instance->native || instance->lease_ms < 0)
        return 0;
    int64_t lease_ms =
        instance->lease_ms ? instance->lease_ms : self->limits.lease_ms;
    if (lease_ms > self->limits.lease_max_ms)
        lease_ms = self->limits.lease_max_ms;
    return lease_ms < LEASE_MIN_MS ? LEASE_MIN_MS : (uint32_t) lease_ms;
}

static bool
s_same_text (const dividere_named_t *named, const dividere_instance_t *instance)
{
    const char *at = named->text + strlen (named->text) + 1;
    if (strcmp (at, instance->release ? instance->release : "") != 0)
        return false;
    const char *const *tag = instance->tags;
    for (unsigned i = 0; i < named->tags; i++, tag++) {
        at += strlen (at) + 1;
        if (!tag || !*tag || strcmp (at, *tag) != 0)
            return false;
    }
    return !tag || !*tag;
}

/*  Another object takes its place.                                          */
static void
s_replace (dividere_names_t *self, dividere_named_t *old,
           const dividere_instance_t *instance, uint32_t lease_ms,
           size_t metadata, dividere_name_owner_t *owner, int64_t now_ms)
{
    dividere_named_t *named =
        dividere_named_attach (self, old->name, instance, lease_ms, metadata,
                               old->entry.hash, owner);
    dividere_named_detach (self, old);
    dividere_named_touch (self, named, now_ms);
    s_tell (self, DIVIDERE_REGISTRY_CHANGED, named, false);
    dividere_named_free (self, old);
}

/*  Is there no room for so much more text in the place of what is there?    */
static bool
s_text_full (const dividere_names_t *self, const dividere_named_t *named,
             size_t metadata)
{
    size_t size = strlen (named->text) + 1 + metadata;
    if (size <= named->size)
        return false;
    dividere_names_size_t all;
    dividere_names_size (self, &all);
    return all.bytes + (size - named->size) > self->limits.bytes_max;
}

/*  It is there: what is different?                                          */
static dividere_name_error_t
s_renew (dividere_names_t *self, dividere_named_t *named,
         const dividere_instance_t *instance, bool renewal, const char *owner,
         size_t metadata, int64_t now_ms, dividere_names_outcome_t *outcome)
{
    uint32_t lease_ms = s_lease (self, instance);
    bool other = named->instance != instance->instance;
    if (other && renewal)
        return DIVIDERE_NAME_CONFLICT;
    dividere_named_own (self, named, owner);
    if (!other && named->lease_ms == lease_ms &&
        named->native == instance->native && s_same_text (named, instance)) {
        if (!lease_ms)
            dividere_named_untouch (self, named);
        dividere_named_touch (self, named, now_ms);
        *outcome = DIVIDERE_NAMES_RENEWED;
        return DIVIDERE_NAME_OK;
    }
    dividere_name_owner_t *owned =
        renewal ? named->owner : dividere_name_owner (self, owner);
    if ((owned != named->owner && dividere_name_owner_full (self, owned)) ||
        s_text_full (self, named, metadata)) {
        dividere_name_owner_leave (self, owned);
        return DIVIDERE_NAME_FULL;
    }
    s_replace (self, named, instance, lease_ms, metadata, owned, now_ms);
    *outcome = other ? DIVIDERE_NAMES_REPLACED : DIVIDERE_NAMES_CHANGED;
    return DIVIDERE_NAME_OK;
}

static dividere_name_error_t
s_add (dividere_names_t *self, const dividere_instance_t *instance,
       uint64_t name_hash, uint64_t place_hash, const char *owner,
       size_t metadata, int64_t now_ms)
{
    const dividere_names_limits_t *limits = &self->limits;
    dividere_names_size_t size;
    dividere_names_size (self, &size);
    dividere_name_t *name = s_find_name (self, instance->name, name_hash);
    dividere_name_owner_t *owned = dividere_name_owner (self, owner);
    if (size.instances >= limits->instances_max ||
        (name && name->count >= limits->name_max) ||
        size.bytes >= limits->bytes_max ||
        dividere_name_owner_full (self, owned)) {
        dividere_name_owner_leave (self, owned);
        return DIVIDERE_NAME_FULL;
    }
    if (!name)
        name = dividere_name_new (self, instance->name, name_hash);
    dividere_named_t *named =
        dividere_named_attach (self, name, instance, s_lease (self, instance),
                               metadata, place_hash, owned);
    dividere_named_touch (self, named, now_ms);
    s_tell (self, DIVIDERE_REGISTRY_ADDED, named, false);
    return DIVIDERE_NAME_OK;
}

dividere_name_error_t
dividere_names_register (dividere_names_t *self,
                         const dividere_instance_t *instance, bool renewal,
                         const char *owner, int64_t now_ms,
                         dividere_names_outcome_t *ret_outcome,
                         int *ret_lease_ms)
{
    size_t metadata;
    dividere_names_outcome_t outcome = DIVIDERE_NAMES_NEW;
    dividere_name_error_t error =
        dividere_name_check_instance (instance, self->limits.metadata_max,
                                      &metadata);
    if (error)
        return error;
    uint64_t name_hash = s_hash_name (self, instance->name);
    uint64_t place_hash =
        s_hash_place (self, name_hash, instance->server, instance->port);
    dividere_named_t *named = s_find (self, instance->name, instance->server,
                                      instance->port, place_hash);
    if (named)
        error = s_renew (self, named, instance, renewal, owner, metadata,
                         now_ms, &outcome);
    else
        error = s_add (self, instance, name_hash, place_hash, owner, metadata,
                       now_ms);
    if (error)
        return error;
    if (ret_outcome)
        *ret_outcome = outcome;
    if (ret_lease_ms)
        *ret_lease_ms = (int) s_lease (self, instance);
    return DIVIDERE_NAME_OK;
}

bool
dividere_names_foreign (const dividere_names_t *self, const char *name,
                        const char *server, int port, const char *owner)
{
    if (dividere_name_check_place (name, server, port))
        return false;
    uint64_t hash = s_hash_place (self, s_hash_name (self, name), server, port);
    const dividere_named_t *named = s_find (self, name, server, port, hash);
    return named && named->owner && strcmp (named->owner->text, owner) != 0;
}

dividere_name_error_t
dividere_names_unregister (dividere_names_t *self, const char *name,
                           const char *server, int port, uint64_t instance)
{
    dividere_name_error_t error =
        dividere_name_check_place (name, server, port);
    if (error)
        return error;
    uint64_t hash = s_hash_place (self, s_hash_name (self, name), server, port);
    dividere_named_t *named = s_find (self, name, server, port, hash);
    if (!named || (instance && named->instance != instance))
        return DIVIDERE_NAME_UNKNOWN;
    s_end (self, named, false);
    return DIVIDERE_NAME_OK;
}

size_t
dividere_names_remove (dividere_names_t *self, const char *text)
{
    dividere_name_t *name = dividere_names_lookup (self, text);
    size_t count = name ? name->count : 0;
    for (size_t left = count; left > 0; left--)
        s_end (self, name->first, false);
    return count;
}

dividere_name_t *
dividere_names_lookup (const dividere_names_t *self, const char *name)
{
    return s_find_name (self, name, s_hash_name (self, name));
}

const char *
dividere_name_text (const dividere_name_t *self)
{
    return self->text;
}

uint64_t
dividere_name_revision (const dividere_name_t *self)
{
    return self->revision;
}

size_t
dividere_name_count (const dividere_name_t *self)
{
    return self->count;
}

const dividere_named_t *
dividere_name_turn (dividere_name_t *self)
{
    dividere_named_t *named = self->turn ? self->turn : self->first;
    self->turn = named->next;
    return named;
}

const dividere_named_t *
dividere_name_each (const dividere_name_t *self, const dividere_named_t *after)
{
    return after ? after->next : self->first;
}

void
dividere_named_get (const dividere_named_t *self,
                    const char *tags[DIVIDERE_NAME_TAGS + 1],
                    dividere_instance_t *ret_instance, int64_t *ret_heard_ms)
{
    const char *release = self->text + strlen (self->text) + 1;
    const char *at = release;
    for (unsigned i = 0; i < self->tags; i++) {
        at += strlen (at) + 1;
        tags[i] = at;
    }
    tags[self->tags] = NULL;
    *ret_instance = (dividere_instance_t){ .name = self->name->text,
                                           .server = self->text,
                                           .port = self->port,
                                           .instance = self->instance,
                                           .lease_ms = (int) self->lease_ms,
                                           .release = release,
                                           .tags = tags,
                                           .native = self->native };
    if (ret_heard_ms)
        *ret_heard_ms = self->heard_ms;
}

dividere_name_t *
dividere_names_each (const dividere_names_t *self, const dividere_name_t *after)
{
    return after ? after->next : self->first;
}

void
dividere_names_open (dividere_names_t *self, dividere_name_cursor_t *cursor)
{
    cursor->next = self->first;
    cursor->other = self->cursors;
    self->cursors = cursor;
}

dividere_name_t *
dividere_names_next (dividere_name_cursor_t *cursor)
{
    dividere_name_t *name = cursor->next;
    cursor->next = name ? name->next : NULL;
    return name;
}

void
dividere_names_close (dividere_names_t *self, dividere_name_cursor_t *cursor)
{
    dividere_name_cursor_t **at = &self->cursors;
    while (*at != cursor)
        at = &(*at)->other;
    *at = cursor->other;
}

void
dividere_names_round (dividere_names_t *self)
{
    self->round++;
}

static dividere_named_t *
s_unheard (const dividere_names_t *self)
{
    dividere_named_t *named = self->oldest;
    return named && self->limits.rounds &&
                   self->round - named->round > self->limits.rounds
               ? named
               : NULL;
}

int64_t
dividere_names_tick (dividere_names_t *self, int64_t now_ms)
{
    int left = TICK_MAX;
    dividere_named_t *named;
    dividere_deadline_t *due;
    for (; left > 0 && (named = s_unheard (self)); left--)
        s_end (self, named, true);
    for (; left > 0 && (due = dividere_deadlines_due (&self->leases, now_ms));
         left--) {
        named = NAMED_OF (due);
        int64_t end_ms = named->heard_ms + named->lease_ms;
        if (end_ms > now_ms)
            dividere_deadlines_set (&self->leases, due, end_ms);
        else
            s_end (self, named, true);
    }
    return left > 0 ? dividere_deadlines_next (&self->leases) : now_ms;
}

uint64_t
dividere_names_revision (const dividere_names_t *self)
{
    return self->revision;
}

static size_t
s_table_bytes (const dividere_table_t *table)
{
    return (table->mask + 1) * sizeof (*table->buckets);
}

void
dividere_names_size (const dividere_names_t *self,
                     dividere_names_size_t *ret_size)
{
    *ret_size = (dividere_names_size_t){
        .names = self->names.count,
        .instances = self->places.count,
        .leased = self->leased,
        .bytes = self->bytes + s_table_bytes (&self->names) +
                 s_table_bytes (&self->places) + s_table_bytes (&self->owners) +
                 self->leases.capacity * sizeof (*self->leases.heap),
    };
}
