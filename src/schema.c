/* SPDX-License-Identifier: Apache-2.0 */

/*  The schema is unpacked by the codec itself, guards and all. What it defines
 *  is put in order by name; then each descriptor is filled in.              */

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <czmq.h>
#include <dividere/types.h>
#include "envelope_internal.h"
#include "reason.h"
#include "scan.h"
#include "schema_internal.h"
#include "unpack.h"

int
dividere_schema_fail (dividere_schema_t *self, int error, const char *format,
                      ...)
{
    va_list args;
    va_start (args, format);
    dividere_reason_list (self->ret_reason, error, format, args);
    va_end (args);
    self->ret_reason = NULL; /* The first is the reason.                     */
    return -1;
}

void *
dividere_schema_alloc (dividere_schema_t *self, size_t count, size_t size)
{
    void *memory = dividere_arena_alloc (self->arena, (count + 1) * size);
    if (!memory) {
        dividere_schema_fail (self, ENOBUFS, "the schema is too large");
        return NULL;
    }
    return memset (memory, 0, (count + 1) * size);
}

bool
dividere_schema_is_identifier (const char *name)
{
    static const char s_letters[] = "abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return *name && !(*name >= '0' && *name <= '9') &&
           !name[strspn (name, s_letters)];
}

dividere_schema_entry_t *
dividere_schema_entry (dividere_schema_t *self, const char *name)
{
    size_t low = 0, high = self->count;
    name += *name == '.';
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp (name, self->entries[middle].name);
        if (order == 0)
            return &self->entries[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const ProtobufCIntRange *
dividere_schema_ranges (dividere_schema_t *self, const int *numbers,
                        unsigned count, unsigned *ret_count)
{
    ProtobufCIntRange *ranges =
        (ProtobufCIntRange *) dividere_schema_alloc (self, count,
                                                     sizeof (*ranges));
    unsigned used = 0;
    for (unsigned i = 0; i < count && ranges; i++)
        if (i == 0 || (int64_t) numbers[i] != (int64_t) numbers[i - 1] + 1)
            ranges[used++] = (ProtobufCIntRange){ numbers[i], i };
    if (ranges)
        ranges[used] = (ProtobufCIntRange){ 0, count };
    *ret_count = used;
    return ranges;
}

/*  scope.name, or name.                                                     */
static char *
s_join (dividere_schema_t *self, const char *scope, const char *name)
{
    size_t size = strlen (scope) + strlen (name) + 2;
    char *text = (char *) dividere_schema_alloc (self, size, 1);
    if (text)
        snprintf (text, size, "%s%s%s", scope, *scope ? "." : "", name);
    return text;
}

static size_t
s_count_message (const dividere_schema_message_t *message)
{
    size_t count = 1 + message->n_enum_type;
    for (size_t i = 0; i < message->n_nested_type; i++)
        count += s_count_message (message->nested_type[i]);
    return count;
}

static size_t
s_count (const Dividere__Wire__FileSet *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->n_file; i++) {
        const Dividere__Wire__File *file = set->file[i];
        count += file->n_enum_type;
        for (size_t j = 0; j < file->n_message_type; j++)
            count += s_count_message (file->message_type[j]);
    }
    return count;
}

/*  The next entry, with all but what it is.                                 */
static dividere_schema_entry_t *
s_add (dividere_schema_t *self, const Dividere__Wire__File *file,
       const char *scope, const char *name)
{
    if (!dividere_schema_is_identifier (name)) {
        dividere_schema_fail (self, EBADMSG, "%.200s: a type without a name",
                              scope);
        return NULL;
    }
    dividere_schema_entry_t *entry = &self->entries[self->count++];
    char *full = s_join (self, scope, name);
    *entry = (dividere_schema_entry_t){
        .name = full,
        .short_name = name,
        .package = file->package ? file->package : "",
        .proto3 = file->syntax && streq (file->syntax, "proto3"),
    };
    return full ? entry : NULL;
}

static int
s_collect_enums (dividere_schema_t *self, const Dividere__Wire__File *file,
                 const char *scope, Dividere__Wire__Enum **enums, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        dividere_schema_entry_t *entry =
            s_add (self, file, scope, enums[i]->name ? enums[i]->name : "");
        if (!entry)
            return -1;
        entry->enum_source = enums[i];
        entry->enumeration = (ProtobufCEnumDescriptor *)
            dividere_schema_alloc (self, 1, sizeof (*entry->enumeration));
        if (!entry->enumeration)
            return -1;
    }
    return 0;
}

static int
s_collect_messages (dividere_schema_t *self, const Dividere__Wire__File *file,
                    const char *scope, Dividere__Wire__Message **messages,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Dividere__Wire__Message *source = messages[i];
        dividere_schema_entry_t *entry =
            s_add (self, file, scope, source->name ? source->name : "");
        if (!entry)
            return -1;
        entry->source = source;
        entry->message = (ProtobufCMessageDescriptor *)
            dividere_schema_alloc (self, 1, sizeof (*entry->message));
        if (!entry->message ||
            s_collect_enums (self, file, entry->name, source->enum_type,
                             source->n_enum_type) < 0 ||
            s_collect_messages (self, file, entry->name, source->nested_type,
                                source->n_nested_type) < 0)
            return -1;
    }
    return 0;
}

static int
s_check_file (dividere_schema_t *self, const Dividere__Wire__File *file)
{
    const char *syntax = file->syntax ? file->syntax : "";
    const char *name = file->name ? file->name : "a file";
    if (*syntax && !streq (syntax, "proto2") && !streq (syntax, "proto3"))
        return dividere_schema_fail (self, ENOTSUP,
                                     "%.100s: the syntax %.40s is not known",
                                     name, syntax);
    for (const char *at = file->package ? file->package : ""; *at;) {
        char part[256];
        size_t size = strcspn (at, ".");
        snprintf (part, sizeof (part), "%.*s", (int) (size & 0xFFFF), at);
        if (size >= sizeof (part) || !dividere_schema_is_identifier (part))
            return dividere_schema_fail (self, EBADMSG,
                                         "%.100s: a package without a name",
                                         name);
        at += size + (at[size] == '.');
    }
    return 0;
}

static int
s_order (const void *a, const void *b)
{
    return strcmp (((const dividere_schema_entry_t *) a)->name,
                   ((const dividere_schema_entry_t *) b)->name);
}

static int
s_collect (dividere_schema_t *self, const Dividere__Wire__FileSet *set)
{
    size_t count = s_count (set);
    self->entries = (dividere_schema_entry_t *)
        dividere_schema_alloc (self, count, sizeof (*self->entries));
    if (!self->entries)
        return -1;
    for (size_t i = 0; i < set->n_file; i++) {
        const Dividere__Wire__File *file = set->file[i];
        const char *scope = file->package ? file->package : "";
        if (s_check_file (self, file) < 0 ||
            s_collect_enums (self, file, scope, file->enum_type,
                             file->n_enum_type) < 0 ||
            s_collect_messages (self, file, scope, file->message_type,
                                file->n_message_type) < 0)
            return -1;
    }
    qsort (self->entries, self->count, sizeof (*self->entries), s_order);
    for (size_t i = 1; i < self->count; i++)
        if (streq (self->entries[i].name, self->entries[i - 1].name))
            return dividere_schema_fail (self, EEXIST,
                                         "%.250s is defined twice",
                                         self->entries[i].name);
    return 0;
}

static int
s_make (dividere_schema_t *self)
{
    self->messages = (dividere_schema_entry_t **)
        dividere_schema_alloc (self, self->count, sizeof (*self->messages));
    if (!self->messages)
        return -1;
    for (size_t i = 0; i < self->count; i++)
        if (self->entries[i].enumeration &&
            dividere_schema_make_enum (self, &self->entries[i]) < 0)
            return -1;
    for (size_t i = 0; i < self->count; i++) {
        if (!self->entries[i].message)
            continue;
        self->messages[self->messages_count++] = &self->entries[i];
        if (dividere_schema_make_message (self, &self->entries[i]) < 0)
            return -1;
    }
    return 0;
}

static const Dividere__Wire__FileSet *
s_unpack (dividere_schema_t *self, const void *data, size_t size)
{
    const ProtobufCMessageDescriptor *type =
        &dividere__wire__file_set__descriptor;
    dividere_limits_t limits;
    dividere_limits_get (&limits);
    size_t need;
    errno = EMSGSIZE;
    if (size > limits.size_max ||
        dividere_scan (type, data, size, limits.depth_max, limits.budget_max,
                       &need) < 0) {
        int error = errno == EILSEQ ? EBADMSG : errno;
        dividere_schema_fail (self, error, "no FileDescriptorSet: %s",
                              strerror (error));
        return NULL;
    }
    dividere_arena_reset (self->arena, limits.budget_max);
    return (const Dividere__Wire__FileSet *) dividere_unpack (type, data, size,
                                                              self->arena);
}

dividere_schema_t *
dividere_schema_new (const void *data, size_t size, char **ret_reason)
{
    assert (data || !size);
    dividere_schema_t *self = (dividere_schema_t *) zmalloc (sizeof (*self));
    self->arena = dividere_arena_new ();
    self->ret_reason = ret_reason;
    const Dividere__Wire__FileSet *set = s_unpack (self, data, size);
    if (!set || s_collect (self, set) < 0 || s_make (self) < 0) {
        int error = errno;
        dividere_schema_destroy (&self);
        errno = error;
    }
    return self;
}

void
dividere_schema_destroy (dividere_schema_t **self_p)
{
    assert (self_p);
    dividere_schema_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->registered)
        return;
    dividere_arena_destroy (&self->arena);
    freen (self);
}

size_t
dividere_schema_count (const dividere_schema_t *self)
{
    return self->messages_count;
}

const ProtobufCMessageDescriptor *
dividere_schema_at (const dividere_schema_t *self, size_t index)
{
    assert (index < self->messages_count);
    return self->messages[index]->message;
}

const ProtobufCMessageDescriptor *
dividere_schema_find (const dividere_schema_t *self, const char *name)
{
    assert (name);
    const ProtobufCMessageDescriptor *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < self->messages_count; i++) {
        const dividere_schema_entry_t *entry = self->messages[i];
        if (streq (entry->name, name))
            return entry->message;
        if (streq (entry->short_name, name)) {
            found = entry->message;
            count++;
        }
    }
    if (count == 1)
        return found;
    errno = count ? ENOTUNIQ : ENOENT;
    return NULL;
}

/*  What the registry holds for ever must be found by who looks for leaks.   */
static void
s_keep (dividere_schema_t *self)
{
    static _Atomic (dividere_schema_t *) s_kept = NULL;
    if (self->registered)
        return;
    self->registered = true;
    self->next = atomic_load (&s_kept);
    while (!atomic_compare_exchange_weak (&s_kept, &self->next, self))
        continue;
}

int
dividere_schema_register (dividere_schema_t *self)
{
    int rc = 0, error = 0;
    s_keep (self);
    for (size_t i = 0; i < self->messages_count; i++)
        if (dividere_types_register (self->messages[i]->message) < 0 &&
            errno != EEXIST && rc == 0) {
            error = errno;
            rc = -1;
        }
    if (rc < 0)
        errno = error;
    return rc;
}
