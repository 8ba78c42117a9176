/* SPDX-License-Identifier: Apache-2.0 */

/*  A watch is in the list of its watcher and in the list of its name.       */

#include "watchers.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "hash.h"
#include "table.h"

#define SILENCE  3   /* intervals                                            */
#define TICK_MAX 100 /* each may have thousands of watches                   */

typedef struct watch_t watch_t;
typedef struct watcher_t watcher_t;

/*  A name that somebody watches.                                            */
typedef struct {
    dividere_entry_t entry;
    watch_t *first;
    char text[];
} topic_t;

struct watch_t {
    watcher_t *watcher;
    topic_t *topic;
    watch_t *next;    /* of the name                                       */
    watch_t **link;   /* what points to it there                           */
    watch_t *sibling; /* the next of the watcher                           */
};

struct watcher_t {
    dividere_entry_t entry;
    watcher_t *older; /* in the order in which they were heard of            */
    watcher_t *newer;
    int64_t heard_ms;
    watch_t *first;
    bool all; /* it watches everything                                      */
    watcher_t *all_next;  /* of those                                        */
    watcher_t **all_link; /* what points to it there                        */
    size_t id_size;
    uint8_t id[];
};

struct dividere_watchers_t {
    dividere_watchers_limits_t limits;
    dividere_hash_t hash;
    dividere_table_t watchers;
    dividere_table_t topics;
    watcher_t *oldest;
    watcher_t *newest;
    watcher_t *all; /* the first that watches everything                     */
    size_t watches;
};

dividere_watchers_t *
dividere_watchers_new (void)
{
    dividere_watchers_t *self =
        (dividere_watchers_t *) calloc (1, sizeof (*self));
    assert (self);
    dividere_hash_init (&self->hash);
    dividere_table_init (&self->watchers);
    dividere_table_init (&self->topics);
    return self;
}

void
dividere_watchers_limit (dividere_watchers_t *self,
                         const dividere_watchers_limits_t *limits)
{
    self->limits = *limits;
}

static watcher_t *
s_find (const dividere_watchers_t *self, const void *id, size_t id_size,
        uint64_t hash)
{
    dividere_entry_t *entry = dividere_table_first (&self->watchers, hash);
    for (; entry; entry = dividere_table_next (entry)) {
        watcher_t *watcher = (watcher_t *) entry;
        if (watcher->id_size == id_size &&
            memcmp (watcher->id, id, id_size) == 0)
            break;
    }
    return (watcher_t *) entry;
}

static topic_t *
s_find_topic (const dividere_watchers_t *self, const char *name, uint64_t hash)
{
    dividere_entry_t *entry = dividere_table_first (&self->topics, hash);
    while (entry && strcmp (((topic_t *) entry)->text, name) != 0)
        entry = dividere_table_next (entry);
    return (topic_t *) entry;
}

static uint64_t
s_hash_text (const dividere_watchers_t *self, const char *text)
{
    return dividere_hash (&self->hash, text, strlen (text));
}

static topic_t *
s_topic (dividere_watchers_t *self, const char *name)
{
    uint64_t hash = s_hash_text (self, name);
    topic_t *topic = s_find_topic (self, name, hash);
    if (topic)
        return topic;
    size_t size = strlen (name) + 1;
    topic = (topic_t *) calloc (1, sizeof (*topic) + size);
    assert (topic);
    memcpy (topic->text, name, size);
    dividere_table_add (&self->topics, &topic->entry, hash);
    return topic;
}

static void
s_unwatch (dividere_watchers_t *self, watcher_t *watcher)
{
    watch_t *watch;
    while ((watch = watcher->first)) {
        topic_t *topic = watch->topic;
        watcher->first = watch->sibling;
        *watch->link = watch->next;
        if (watch->next)
            watch->next->link = watch->link;
        if (!topic->first) {
            dividere_table_remove (&self->topics, &topic->entry);
            free (topic);
        }
        free (watch);
        self->watches--;
    }
    if (!watcher->all)
        return;
    watcher->all = false;
    *watcher->all_link = watcher->all_next;
    if (watcher->all_next)
        watcher->all_next->all_link = watcher->all_link;
    self->watches--;
}

static void
s_watch_all (dividere_watchers_t *self, watcher_t *watcher)
{
    if (watcher->all)
        return;
    watcher->all = true;
    watcher->all_next = self->all;
    watcher->all_link = &self->all;
    if (self->all)
        self->all->all_link = &watcher->all_next;
    self->all = watcher;
    self->watches++;
}

/*  Once for a name that comes twice: its own watch is the newest there.     */
static void
s_watch (dividere_watchers_t *self, watcher_t *watcher, const char *name)
{
    if (!*name) {
        s_watch_all (self, watcher);
        return;
    }
    topic_t *topic = s_topic (self, name);
    if (topic->first && topic->first->watcher == watcher)
        return;
    watch_t *watch = (watch_t *) calloc (1, sizeof (*watch));
    assert (watch);
    watch->watcher = watcher;
    watch->topic = topic;
    watch->next = topic->first;
    watch->link = &topic->first;
    if (watch->next)
        watch->next->link = &watch->next;
    topic->first = watch;
    watch->sibling = watcher->first;
    watcher->first = watch;
    self->watches++;
}

static void
s_out_of_order (dividere_watchers_t *self, watcher_t *watcher)
{
    *(watcher->older ? &watcher->older->newer : &self->oldest) = watcher->newer;
    *(watcher->newer ? &watcher->newer->older : &self->newest) = watcher->older;
}

static void
s_into_order (dividere_watchers_t *self, watcher_t *watcher)
{
    watcher->older = self->newest;
    watcher->newer = NULL;
    *(self->newest ? &self->newest->newer : &self->oldest) = watcher;
    self->newest = watcher;
}

static void
s_end (dividere_watchers_t *self, watcher_t *watcher)
{
    s_unwatch (self, watcher);
    s_out_of_order (self, watcher);
    dividere_table_remove (&self->watchers, &watcher->entry);
    free (watcher);
}

void
dividere_watchers_destroy (dividere_watchers_t **self_p)
{
    dividere_watchers_t *self = *self_p;
    if (!self)
        return;
    while (self->oldest)
        s_end (self, self->oldest);
    dividere_table_term (&self->watchers);
    dividere_table_term (&self->topics);
    free (self);
    *self_p = NULL;
}

/*  NULL: there are too many.                                                */
static watcher_t *
s_watcher (dividere_watchers_t *self, const void *id, size_t id_size)
{
    uint64_t hash = dividere_hash (&self->hash, id, id_size);
    watcher_t *watcher = s_find (self, id, id_size, hash);
    if (watcher) {
        s_out_of_order (self, watcher);
        s_into_order (self, watcher);
        return watcher;
    }
    if (self->watchers.count >= self->limits.watchers_max)
        return NULL;
    watcher = (watcher_t *) calloc (1, sizeof (*watcher) + id_size);
    assert (watcher);
    watcher->id_size = id_size;
    memcpy (watcher->id, id, id_size);
    dividere_table_add (&self->watchers, &watcher->entry, hash);
    s_into_order (self, watcher);
    return watcher;
}

size_t
dividere_watchers_set (dividere_watchers_t *self, const void *id,
                       size_t id_size, const char *const *names, size_t count,
                       int64_t now_ms)
{
    if (!count) {
        dividere_watchers_remove (self, id, id_size);
        return 0;
    }
    watcher_t *watcher = s_watcher (self, id, id_size);
    if (!watcher)
        return 0;
    watcher->heard_ms = now_ms;
    s_unwatch (self, watcher);
    if (count > self->limits.watches_max)
        count = self->limits.watches_max;
    size_t total_max = self->limits.total_max;
    size_t room = total_max > self->watches ? total_max - self->watches : 0;
    if (count > room)
        count = room;
    for (size_t i = 0; i < count; i++)
        s_watch (self, watcher, names[i]);
    return count;
}

void
dividere_watchers_remove (dividere_watchers_t *self, const void *id,
                          size_t id_size)
{
    watcher_t *watcher =
        s_find (self, id, id_size, dividere_hash (&self->hash, id, id_size));
    if (watcher)
        s_end (self, watcher);
}

void
dividere_watchers_each (const dividere_watchers_t *self, const char *name,
                        dividere_watchers_fn *told, void *arg)
{
    topic_t *topic = s_find_topic (self, name, s_hash_text (self, name));
    for (watch_t *at = topic ? topic->first : NULL; at; at = at->next)
        if (!at->watcher->all)
            told (arg, at->watcher->id, at->watcher->id_size);
    for (watcher_t *at = self->all; at; at = at->all_next)
        told (arg, at->id, at->id_size);
}

int64_t
dividere_watchers_tick (dividere_watchers_t *self, int64_t now_ms)
{
    int64_t silence_ms = SILENCE * self->limits.interval_ms;
    for (int left = TICK_MAX; self->oldest; left--) {
        int64_t end_ms = self->oldest->heard_ms + silence_ms;
        if (end_ms > now_ms)
            return end_ms;
        if (left == 0)
            return now_ms;
        s_end (self, self->oldest);
    }
    return -1;
}

size_t
dividere_watchers_count (const dividere_watchers_t *self)
{
    return self->watchers.count;
}

size_t
dividere_watchers_watches (const dividere_watchers_t *self)
{
    return self->watches;
}
