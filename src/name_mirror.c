/* SPDX-License-Identifier: Apache-2.0 */

/*  While a list is on its way, changes are kept in a log. Once all pages are
 *  here, those of the log that are newer than the first page are done to them:
 *  what a change says of an instance holds whichever page it was on. The result
 *  is compared with what was known, and the differences are told, those that
 *  are gone last: who follows this has somebody all the time.               */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "hash.h"
#include "name_mirror.h"
#include "table.h"

#define LOG_MAX       10000
#define LOG_BYTES_MAX (16u << 20)

typedef struct item_t {
    dividere_entry_t entry; /* in the table                                 */
    struct item_t *previous;
    struct item_t *next;
    dividere_instance_t *instance; /* ours                                  */
    bool met;                      /* when two sets are compared            */
} item_t;

/*  Instances, by name, server and port, in the order they came.             */
typedef struct {
    dividere_table_t table;
    item_t *first;
    item_t *last;
} set_t;

typedef struct logged_t {
    struct logged_t *next;
    dividere_mirror_change_t change; /* its instance is ours                */
} logged_t;

struct dividere_mirror_t {
    char *name; /* ours                                                     */
    dividere_mirror_fn *told;
    void *arg;
    dividere_hash_t hash;
    set_t known;
    uint64_t epoch;
    uint64_t revision; /* that known is of                                  */
    bool current;      /* nothing was missed, as far as it is known         */
    bool fresh;        /* FRESH was told, and not STALE since               */
    bool stale;        /* STALE was told, and not FRESH since               */
    bool refused;

    /*  The list that was asked for.                                        */
    bool asked;
    bool pushed;
    bool begun;    /* there are pages                                       */
    bool complete; /* all of them                                           */
    set_t listed;
    uint64_t listed_epoch;
    uint64_t listed_revision; /* that listed is of, at least                */
    uint64_t listed_last;     /* of the last page                           */
    logged_t *log;
    logged_t **log_end;
    size_t log_count;
    size_t log_bytes;
    bool log_broken; /* something did not fit into it                       */
    bool stated;     /* a state was told meanwhile                          */
    uint64_t stated_epoch;
    uint64_t stated_revision;
};

static uint64_t
s_hash (const dividere_mirror_t *self, const dividere_instance_t *instance)
{
    char key[2 * DIVIDERE_NAME_MAX + 2 + sizeof (int)];
    size_t name = strlen (instance->name) + 1;
    size_t server = strlen (instance->server) + 1;
    assert (name + server + sizeof (int) <= sizeof (key));
    memcpy (key, instance->name, name);
    memcpy (key + name, instance->server, server);
    memcpy (key + name + server, &instance->port, sizeof (int));
    return dividere_hash (&self->hash, key, name + server + sizeof (int));
}

static item_t *
s_find (const set_t *set, const dividere_instance_t *instance, uint64_t hash)
{
    dividere_entry_t *entry = dividere_table_first (&set->table, hash);
    for (; entry; entry = dividere_table_next (entry)) {
        const dividere_instance_t *other = ((item_t *) entry)->instance;
        if (other->port == instance->port &&
            strcmp (other->server, instance->server) == 0 &&
            strcmp (other->name, instance->name) == 0)
            break;
    }
    return (item_t *) entry;
}

/*  Takes the instance. Returns the one that it replaced, the caller's.      */
static dividere_instance_t *
s_put (const dividere_mirror_t *self, set_t *set, dividere_instance_t *instance)
{
    uint64_t hash = s_hash (self, instance);
    item_t *item = s_find (set, instance, hash);
    if (item) {
        dividere_instance_t *before = item->instance;
        item->instance = instance;
        return before;
    }
    item = (item_t *) calloc (1, sizeof (*item));
    assert (item);
    item->instance = instance;
    item->previous = set->last;
    if (set->last)
        set->last->next = item;
    else
        set->first = item;
    set->last = item;
    dividere_table_add (&set->table, &item->entry, hash);
    return NULL;
}

/*  Returns its instance, the caller's.                                      */
static dividere_instance_t *
s_drop (set_t *set, item_t *item)
{
    dividere_instance_t *instance = item->instance;
    if (item->previous)
        item->previous->next = item->next;
    else
        set->first = item->next;
    if (item->next)
        item->next->previous = item->previous;
    else
        set->last = item->previous;
    dividere_table_remove (&set->table, &item->entry);
    free (item);
    return instance;
}

static void
s_clear (set_t *set)
{
    while (set->first)
        free (s_drop (set, set->first));
    dividere_table_term (&set->table);
    dividere_table_init (&set->table);
}

dividere_mirror_t *
dividere_mirror_new (const char *name, dividere_mirror_fn *told, void *arg)
{
    dividere_mirror_t *self = (dividere_mirror_t *) calloc (1, sizeof (*self));
    assert (self);
    self->name = strdup (name);
    assert (self->name);
    self->told = told;
    self->arg = arg;
    self->log_end = &self->log;
    dividere_hash_init (&self->hash);
    dividere_table_init (&self->known.table);
    dividere_table_init (&self->listed.table);
    return self;
}

static void
s_unlog (dividere_mirror_t *self)
{
    logged_t *first = self->log;
    self->log = first->next;
    if (!self->log)
        self->log_end = &self->log;
    self->log_count--;
    free ((void *) first->change.instance);
    free (first);
}

/*  The list is not expected any more.                                       */
static void
s_forget (dividere_mirror_t *self)
{
    while (self->log)
        s_unlog (self);
    if (self->begun)
        s_clear (&self->listed);
    self->asked = self->begun = self->complete = false;
    self->log_broken = false;
    self->log_bytes = 0;
}

void
dividere_mirror_destroy (dividere_mirror_t **self_p)
{
    dividere_mirror_t *self = *self_p;
    if (!self)
        return;
    s_forget (self);
    s_clear (&self->known);
    dividere_table_term (&self->known.table);
    dividere_table_term (&self->listed.table);
    free (self->name);
    free (self);
    *self_p = NULL;
}

const char *
dividere_mirror_name (const dividere_mirror_t *self)
{
    return self->name;
}

size_t
dividere_mirror_count (const dividere_mirror_t *self)
{
    return self->known.table.count;
}

bool
dividere_mirror_wants (const dividere_mirror_t *self)
{
    return !self->current && !self->asked;
}

void
dividere_mirror_ask (dividere_mirror_t *self, bool pushed)
{
    s_forget (self);
    self->asked = true;
    self->pushed = pushed;
    self->stated = false;
}

void
dividere_mirror_refresh (dividere_mirror_t *self)
{
    self->current = false;
}

void
dividere_mirror_refuse (dividere_mirror_t *self, bool refused)
{
    self->refused = refused;
}

bool
dividere_mirror_refused (const dividere_mirror_t *self)
{
    return self->refused;
}

void
dividere_mirror_doubt (dividere_mirror_t *self)
{
    self->current = false;
    self->pushed = self->stated = false;
    if (self->complete)
        s_forget (self);
}

static void
s_tell_name (dividere_mirror_t *self, dividere_registry_kind_t kind)
{
    static const char *const s_none = NULL;
    dividere_instance_t instance = {
        .name = self->name, .server = "", .release = "", .tags = &s_none
    };
    self->told (self->arg, kind, self->revision, &instance);
}

void
dividere_mirror_fail (dividere_mirror_t *self)
{
    s_forget (self);
    self->current = self->fresh = false;
    if (!self->stale) {
        self->stale = true;
        s_tell_name (self, DIVIDERE_REGISTRY_STALE);
    }
}

static bool
s_follows (const dividere_mirror_t *self, const set_t *set, uint64_t revision,
           const dividere_mirror_change_t *change)
{
    if (!*self->name)
        return change->revision == revision + 1;
    return change->previous == revision ||
           (set->table.count == 0 &&
            (change->previous == 0 ||
             change->kind == DIVIDERE_REGISTRY_REMOVED));
}

/*  Does a change to a set, and tells it unless told is false. The kind is what
 *  it is to this set.                                                       */
static void
s_apply (dividere_mirror_t *self, set_t *set,
         const dividere_mirror_change_t *change, bool told)
{
    const dividere_instance_t *instance = change->instance;
    item_t *item = s_find (set, instance, s_hash (self, instance));
    dividere_registry_kind_t kind;
    dividere_instance_t *before = NULL;
    if (change->kind == DIVIDERE_REGISTRY_REMOVED) {
        if (!item)
            return;
        instance = before = s_drop (set, item);
        kind = DIVIDERE_REGISTRY_REMOVED;
    }
    else {
        if (!item && set->table.count >= DIVIDERE_INSTANCES_MAX)
            return;
        before =
            s_put (self, set, dividere_instance_copy (change->instance, NULL));
        kind = before ? DIVIDERE_REGISTRY_CHANGED : DIVIDERE_REGISTRY_ADDED;
    }
    if (told)
        self->told (self->arg, kind, change->revision, instance);
    free (before);
}

/*  The sets are of the same hash and the same mirror.                       */
static void
s_tell_differences (dividere_mirror_t *self, uint64_t revision)
{
    for (item_t *item = self->listed.first; item; item = item->next) {
        const dividere_instance_t *instance = item->instance;
        item_t *before = s_find (&self->known, instance, item->entry.hash);
        if (before)
            before->met = true;
        if (!before)
            self->told (self->arg, DIVIDERE_REGISTRY_ADDED, revision, instance);
        else if (!dividere_instance_alike (before->instance, instance))
            self->told (self->arg, DIVIDERE_REGISTRY_CHANGED, revision,
                        instance);
    }
    for (item_t *item = self->known.first; item; item = item->next)
        if (!item->met)
            self->told (self->arg, DIVIDERE_REGISTRY_REMOVED, revision,
                        item->instance);
}

/*  A state that was told at a time when known may have been older, or newer. */
static bool
s_covers (const dividere_mirror_t *self, uint64_t epoch, uint64_t revision)
{
    if (epoch != self->epoch)
        return false;
    return revision == 0 && *self->name ? self->known.table.count == 0
                                        : self->revision >= revision;
}

/*  Known is now what was listed.                                            */
static void
s_adopt (dividere_mirror_t *self, bool whole)
{
    uint64_t revision = self->listed_revision;
    s_tell_differences (self, revision);
    set_t before = self->known;
    self->known = self->listed;
    self->listed = before;
    self->epoch = self->listed_epoch;
    self->revision = revision;
    s_forget (self);
    self->current =
        whole && (!self->stated ||
                  s_covers (self, self->stated_epoch, self->stated_revision));
    self->stale = false;
    if (!self->fresh) {
        self->fresh = true;
        s_tell_name (self, DIVIDERE_REGISTRY_FRESH);
    }
}

/*  Does to the pages what the log has. False: it does not go on from them.  */
static bool
s_replay (dividere_mirror_t *self)
{
    for (; self->log; s_unlog (self)) {
        const dividere_mirror_change_t *change = &self->log->change;
        if (change->epoch != self->listed_epoch ||
            change->revision <= self->listed_revision)
            continue;
        if (!s_follows (self, &self->listed, self->listed_revision, change))
            return false;
        s_apply (self, &self->listed, change, false);
        self->listed_revision = change->revision;
    }
    return !self->log_broken;
}

/*  All pages are here; but what changed between the first and the last of them
 *  may be on its way.                                                       */
static void
s_complete (dividere_mirror_t *self)
{
    bool whole = s_replay (self);
    if (self->listed_revision >= self->listed_last || !self->pushed)
        s_adopt (self, whole);
    else if (!whole)
        s_forget (self);
}

bool
dividere_mirror_list (dividere_mirror_t *self, uint64_t epoch,
                      uint64_t revision, dividere_instances_t **list_p,
                      bool more)
{
    dividere_instances_t *list = *list_p;
    size_t count = dividere_instances_count (list);
    bool fits = self->asked && !self->complete &&
                (!self->begun || (epoch == self->listed_epoch &&
                                  revision >= self->listed_last)) &&
                self->listed.table.count + count <= DIVIDERE_INSTANCES_MAX;
    if (!fits)
        s_forget (self);
    else {
        if (!self->begun)
            self->listed_revision = revision;
        self->begun = true;
        self->listed_epoch = epoch;
        self->listed_last = revision;
        for (size_t i = 0; i < count; i++)
            free (
                s_put (self, &self->listed, dividere_instances_take (list, i)));
    }
    dividere_instances_destroy (list_p);
    if (fits && !more) {
        self->complete = true;
        s_complete (self);
    }
    return fits;
}

static void
s_log (dividere_mirror_t *self, const dividere_mirror_change_t *change)
{
    if (self->log_count >= LOG_MAX || self->log_bytes >= LOG_BYTES_MAX)
        self->log_broken = true;
    if (self->log_broken)
        return;
    size_t size;
    logged_t *logged = (logged_t *) calloc (1, sizeof (*logged));
    assert (logged);
    logged->change = *change;
    logged->change.instance = dividere_instance_copy (change->instance, &size);
    *self->log_end = logged;
    self->log_end = &logged->next;
    self->log_count++;
    self->log_bytes += size;
}

void
dividere_mirror_change (dividere_mirror_t *self,
                        const dividere_mirror_change_t *change)
{
    if (*self->name && strcmp (self->name, change->instance->name) != 0)
        return;
    if (self->asked) {
        s_log (self, change);
        if (self->complete)
            s_complete (self);
        return;
    }
    if (!self->current ||
        (change->epoch == self->epoch && change->revision <= self->revision))
        return;
    if (change->epoch != self->epoch ||
        !s_follows (self, &self->known, self->revision, change)) {
        self->current = false;
        return;
    }
    s_apply (self, &self->known, change, true);
    self->revision = change->revision;
}

void
dividere_mirror_state (dividere_mirror_t *self, uint64_t epoch,
                       uint64_t revision)
{
    if (!self->asked) {
        bool nobody = *self->name && revision == 0;
        self->current = self->current && s_covers (self, epoch, revision) &&
                        (nobody || self->revision == revision);
        return;
    }
    self->stated = true;
    self->stated_epoch = epoch;
    self->stated_revision = revision;
    /* What was pushed came before this.                                     */
    if (self->complete &&
        (epoch != self->listed_epoch || revision >= self->listed_last))
        s_forget (self);
}
