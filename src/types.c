/* SPDX-License-Identifier: Apache-2.0 */

/*  Every message sent or received looks its type up here, in any thread, so
 *  readers take no lock: they follow one atomic pointer to a table whose slots
 *  are filled one after the other and never emptied. A writer that needs more
 *  room publishes a larger table and keeps the old one, since somebody may
 *  still be reading it.                                                      */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <czmq.h>
#include "library_internal.h"
#include "types_internal.h"
#include "wire.h"

#define SLOTS_MIN 256

typedef _Atomic (dividere_type_t *) slot_t;

/*  Three open-addressing hash tables of one size.                           */
typedef struct table_t {
    size_t mask;
    size_t count;
    slot_t *by_type;
    slot_t *by_name;
    slot_t *by_short;
    struct table_t *older;
} table_t;

static pthread_mutex_t s_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic (table_t *) s_table = NULL;

static size_t
s_hash_pointer (const void *pointer)
{
    return (size_t) (((uintptr_t) pointer >> 4) * 0x9E3779B97F4A7C15ULL >> 20);
}

static size_t
s_hash_name (const char *name, size_t size)
{
    uint64_t hash = 0xCBF29CE484222325ULL;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t) name[i]) * 0x100000001B3ULL;
    return (size_t) (hash ^ hash >> 32);
}

static dividere_type_t *
s_find_type (const table_t *table, const ProtobufCMessageDescriptor *type)
{
    if (!table)
        return NULL;
    for (size_t i = s_hash_pointer (type);; i++) {
        dividere_type_t *entry =
            atomic_load_explicit (&table->by_type[i & table->mask],
                                  memory_order_acquire);
        if (!entry || entry->type == type)
            return entry;
    }
}

static dividere_type_t *
s_find_name (const table_t *table, const char *name, size_t size)
{
    if (!table)
        return NULL;
    for (size_t i = s_hash_name (name, size);; i++) {
        dividere_type_t *entry =
            atomic_load_explicit (&table->by_name[i & table->mask],
                                  memory_order_acquire);
        if (!entry || (entry->name_size == size &&
                       memcmp (entry->type->name, name, size) == 0))
            return entry;
    }
}

static dividere_type_t *
s_find_short (const table_t *table, const char *name, size_t size)
{
    if (!table)
        return NULL;
    for (size_t i = s_hash_name (name, size);; i++) {
        dividere_type_t *entry =
            atomic_load_explicit (&table->by_short[i & table->mask],
                                  memory_order_acquire);
        if (!entry || (entry->short_name_size == size &&
                       memcmp (entry->short_name, name, size) == 0))
            return entry;
    }
}

static void
s_fill (slot_t *slots, size_t mask, size_t hash, dividere_type_t *entry)
{
    while (atomic_load_explicit (&slots[hash & mask], memory_order_relaxed))
        hash++;
    atomic_store_explicit (&slots[hash & mask], entry, memory_order_release);
}

/*  The first type of a short name stays the one that is found by it.        */
static void
s_insert (table_t *table, dividere_type_t *entry)
{
    dividere_type_t *same =
        s_find_short (table, entry->short_name, entry->short_name_size);
    if (same)
        same->ambiguous = true;
    else
        s_fill (table->by_short, table->mask,
                s_hash_name (entry->short_name, entry->short_name_size), entry);
    s_fill (table->by_name, table->mask,
            s_hash_name (entry->type->name, entry->name_size), entry);
    s_fill (table->by_type, table->mask, s_hash_pointer (entry->type), entry);
    table->count++;
}

/*  A table at least half empty, with all that the present one holds.        */
static table_t *
s_roomy_table (void)
{
    table_t *old = s_table;
    if (old && old->count * 2 <= old->mask)
        return old;
    table_t *table = (table_t *) zmalloc (sizeof (table_t));
    size_t slots = old ? (old->mask + 1) * 2 : SLOTS_MIN;
    table->mask = slots - 1;
    table->by_type = (slot_t *) zmalloc (slots * sizeof (slot_t));
    table->by_name = (slot_t *) zmalloc (slots * sizeof (slot_t));
    table->by_short = (slot_t *) zmalloc (slots * sizeof (slot_t));
    table->older = old;
    for (size_t i = 0; old && i <= old->mask; i++)
        if (old->by_name[i])
            s_insert (table, old->by_name[i]);
    s_table = table;
    return table;
}

/*  Field 1 of a message: its tag, the length, the text.                     */
static uint8_t *
s_text_field (const char *prefix, const char *text, size_t *ret_size)
{
    size_t prefix_size = strlen (prefix), text_size = strlen (text);
    size_t size = prefix_size + text_size;
    uint8_t *field = (uint8_t *) zmalloc (size + 3);
    uint8_t *at = field;
    *at++ = 0x0A;
    at = dividere_wire_write_varint (at, size);
    memcpy (at, prefix, prefix_size);
    memcpy (at + prefix_size, text, text_size);
    *ret_size = (size_t) (at - field) + size;
    return field;
}

dividere_type_t *
dividere_type_new (const ProtobufCMessageDescriptor *type, const char *name,
                   uint32_t id)
{
    dividere_type_t *entry = (dividere_type_t *) zmalloc (sizeof (*entry));
    entry->type = type;
    entry->id = id;
    entry->name_size = strlen (name);
    const char *dot = strrchr (name, '.');
    entry->short_name = dot ? dot + 1 : name;
    entry->short_name_size = strlen (entry->short_name);
    entry->pack = dividere_packer_message;
    entry->topic = s_text_field ("", name, &entry->topic_size);
    entry->url =
        s_text_field (DIVIDERE_TYPE_URL_PREFIX, name, &entry->url_size);
    return entry;
}

static const dividere_type_t *
s_register_locked (const ProtobufCMessageDescriptor *type)
{
    dividere_type_t *entry = s_find_type (s_table, type);
    if (entry)
        return entry;
    if (s_find_name (s_table, type->name, strlen (type->name))) {
        errno = EEXIST;
        return NULL;
    }
    table_t *table = s_roomy_table ();
    entry = dividere_type_new (type, type->name, (uint32_t) table->count);
    s_insert (table, entry);
    return entry;
}

const dividere_type_t *
dividere_types_entry (const ProtobufCMessageDescriptor *type)
{
    assert (type);
    const dividere_type_t *entry =
        s_find_type (atomic_load_explicit (&s_table, memory_order_acquire),
                     type);
    if (entry)
        return entry;
    if (!type->name || !*type->name) {
        errno = EINVAL;
        return NULL;
    }
    if (strlen (type->name) > DIVIDERE_TYPE_NAME_MAX) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    dividere_library_linked ();
    pthread_mutex_lock (&s_mutex);
    entry = s_register_locked (type);
    pthread_mutex_unlock (&s_mutex);
    return entry;
}

const dividere_type_t *
dividere_types_entry_named (const char *name, size_t size)
{
    const dividere_type_t *entry = s_find_name (s_table, name, size);
    if (!entry)
        errno = ENOENT;
    return entry;
}

const dividere_type_t *
dividere_types_entry_short (const char *name, size_t size)
{
    const dividere_type_t *entry = s_find_short (s_table, name, size);
    if (!entry)
        errno = ENOENT;
    else if (entry->ambiguous) {
        errno = ENOTUNIQ;
        entry = NULL;
    }
    return entry;
}

int
dividere_types_register (const ProtobufCMessageDescriptor *type)
{
    return dividere_types_entry (type) ? 0 : -1;
}

int
dividere_types_register_all (const ProtobufCMessageDescriptor *const *types)
{
    assert (types);
    int error = 0;
    for (; *types; types++)
        if (!dividere_types_entry (*types) && !error)
            error = errno;
    if (error)
        errno = error;
    return error ? -1 : 0;
}

int
dividere_packer_register (const dividere_packed_t *types)
{
    assert (types);
    int error = 0;
    for (; types->type; types++) {
        /* Entries are not const: they are ours.                             */
        dividere_type_t *entry =
            (dividere_type_t *) dividere_types_entry (types->type);
        if (entry)
            entry->pack = types->pack ? types->pack : dividere_packer_message;
        else if (!error)
            error = errno;
    }
    if (error)
        errno = error;
    return error ? -1 : 0;
}

const ProtobufCMessageDescriptor *
dividere_types_find (const char *name)
{
    assert (name);
    const dividere_type_t *entry =
        dividere_types_entry_named (name, strlen (name));
    return entry ? entry->type : NULL;
}

const ProtobufCMessageDescriptor *
dividere_types_find_url (const char *type_url)
{
    assert (type_url);
    const char *slash = strrchr (type_url, '/');
    return dividere_types_find (slash ? slash + 1 : type_url);
}

const ProtobufCMessageDescriptor *
dividere_types_find_short (const char *name)
{
    assert (name);
    const dividere_type_t *entry =
        dividere_types_entry_short (name, strlen (name));
    return entry ? entry->type : NULL;
}

size_t
dividere_types_count (void)
{
    pthread_mutex_lock (&s_mutex);
    size_t count = s_table ? s_table->count : 0;
    pthread_mutex_unlock (&s_mutex);
    return count;
}

const void *
dividere_types_topic (const ProtobufCMessageDescriptor *type, size_t *ret_size)
{
    assert (ret_size);
    const dividere_type_t *entry = dividere_types_entry (type);
    if (!entry)
        return NULL;
    *ret_size = entry->topic_size;
    return entry->topic;
}
