/* SPDX-License-Identifier: Apache-2.0 */

/*  The objects of a name table: where each is linked, and what each takes.  */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "name_table_internal.h"

#define OVERHEAD 16 /* of malloc, about                                       */

/*  An object that is counted.                                               */
static void *
s_new (dividere_names_t *self, size_t size)
{
    void *object = calloc (1, size);
    assert (object);
    self->bytes += size + OVERHEAD;
    return object;
}

static void
s_free (dividere_names_t *self, void *object, size_t size)
{
    self->bytes -= size + OVERHEAD;
    free (object);
}

dividere_name_owner_t *
dividere_name_owner (dividere_names_t *self, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen (text);
    uint64_t hash = dividere_hash (&self->hash, text, size);
    dividere_entry_t *entry = dividere_table_first (&self->owners, hash);
    while (entry && strcmp (((dividere_name_owner_t *) entry)->text, text) != 0)
        entry = dividere_table_next (entry);
    if (entry)
        return (dividere_name_owner_t *) entry;
    dividere_name_owner_t *owner =
        (dividere_name_owner_t *) s_new (self, sizeof (*owner) + size + 1);
    owner->size = sizeof (*owner) + size + 1;
    memcpy (owner->text, text, size + 1);
    dividere_table_add (&self->owners, &owner->entry, hash);
    return owner;
}

bool
dividere_name_owner_full (const dividere_names_t *self,
                          const dividere_name_owner_t *owner)
{
    return owner && owner->count >= self->limits.owner_max;
}

void
dividere_name_owner_leave (dividere_names_t *self, dividere_name_owner_t *owner)
{
    if (!owner || owner->count)
        return;
    dividere_table_remove (&self->owners, &owner->entry);
    s_free (self, owner, owner->size);
}

void
dividere_named_own (dividere_names_t *self, dividere_named_t *named,
                    const char *text)
{
    if (named->owner)
        return;
    dividere_name_owner_t *owner = dividere_name_owner (self, text);
    if (dividere_name_owner_full (self, owner))
        dividere_name_owner_leave (self, owner);
    else if (owner) {
        named->owner = owner;
        owner->count++;
    }
}

dividere_name_t *
dividere_name_new (dividere_names_t *self, const char *text, uint64_t hash)
{
    size_t size = strlen (text) + 1;
    dividere_name_t *name =
        (dividere_name_t *) s_new (self, sizeof (*name) + size);
    memcpy (name->text, text, size);
    dividere_table_add (&self->names, &name->entry, hash);
    name->previous = self->last;
    *(self->last ? &self->last->next : &self->first) = name;
    self->last = name;
    for (dividere_name_cursor_t *at = self->cursors; at; at = at->other)
        if (!at->next)
            at->next = name;
    return name;
}

void
dividere_name_free (dividere_names_t *self, dividere_name_t *name)
{
    for (dividere_name_cursor_t *at = self->cursors; at; at = at->other)
        if (at->next == name)
            at->next = name->next;
    *(name->previous ? &name->previous->next : &self->first) = name->next;
    *(name->next ? &name->next->previous : &self->last) = name->previous;
    dividere_table_remove (&self->names, &name->entry);
    s_free (self, name, sizeof (*name) + strlen (name->text) + 1);
}

void
dividere_named_touch (dividere_names_t *self, dividere_named_t *named,
                      int64_t now_ms)
{
    named->heard_ms = now_ms;
    if (named->lease_ms) {
        int64_t end_ms = now_ms + named->lease_ms;
        if (!named->lease.index || named->lease.at_ms > end_ms)
            dividere_deadlines_set (&self->leases, &named->lease, end_ms);
        return;
    }
    named->round = self->round;
    named->order.older = self->newest;
    named->order.newer = NULL;
    *(self->newest ? &self->newest->order.newer : &self->oldest) = named;
    self->newest = named;
}

void
dividere_named_untouch (dividere_names_t *self, dividere_named_t *named)
{
    if (named->lease_ms) {
        dividere_deadlines_remove (&self->leases, &named->lease);
        return;
    }
    dividere_named_t *older = named->order.older, *newer = named->order.newer;
    *(older ? &older->order.newer : &self->oldest) = newer;
    *(newer ? &newer->order.older : &self->newest) = older;
}

static char *
s_append (char *at, const char *text)
{
    size_t size = strlen (text) + 1;
    memcpy (at, text, size);
    return at + size;
}

dividere_named_t *
dividere_named_attach (dividere_names_t *self, dividere_name_t *name,
                       const dividere_instance_t *instance, uint32_t lease_ms,
                       size_t metadata, uint64_t hash,
                       dividere_name_owner_t *owner)
{
    size_t size = strlen (instance->server) + 1 + metadata;
    dividere_named_t *named =
        (dividere_named_t *) s_new (self, sizeof (*named) + size);
    named->name = name;
    named->owner = owner;
    named->instance = instance->instance;
    named->lease_ms = lease_ms;
    named->port = (uint16_t) instance->port;
    named->native = instance->native;
    named->size = (uint32_t) size;
    char *at = s_append (named->text, instance->server);
    at = s_append (at, instance->release ? instance->release : "");
    for (const char *const *tag = instance->tags; tag && *tag; tag++) {
        at = s_append (at, *tag);
        named->tags++;
    }
    dividere_table_add (&self->places, &named->entry, hash);
    named->previous = name->last;
    *(name->last ? &name->last->next : &name->first) = named;
    name->last = named;
    name->count++;
    if (owner)
        owner->count++;
    self->leased += lease_ms != 0;
    return named;
}

void
dividere_named_detach (dividere_names_t *self, dividere_named_t *named)
{
    dividere_name_t *name = named->name;
    dividere_named_untouch (self, named);
    if (name->turn == named)
        name->turn = named->next;
    *(named->previous ? &named->previous->next : &name->first) = named->next;
    *(named->next ? &named->next->previous : &name->last) = named->previous;
    name->count--;
    if (named->owner)
        named->owner->count--;
    self->leased -= named->lease_ms != 0;
    dividere_table_remove (&self->places, &named->entry);
}

void
dividere_named_free (dividere_names_t *self, dividere_named_t *named)
{
    dividere_name_owner_leave (self, named->owner);
    s_free (self, named, sizeof (*named) + named->size);
}
