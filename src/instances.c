/* SPDX-License-Identifier: Apache-2.0 */

/*  A list has its instances one by one, so that each can go its own way.    */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "instances.h"
#include "utf8.h"

struct dividere_instances_t {
    dividere_instance_t **items; /* ours                                    */
    size_t count;
    size_t capacity;
    size_t bytes;
};

bool
dividere_name_valid (const char *name)
{
    return dividere_name_check (name) == DIVIDERE_NAME_OK;
}

/*  It becomes a part of an endpoint.                                        */
static bool
s_server_valid (const char *server)
{
    if (!dividere_name_valid (server))
        return false;
    for (const char *at = server; *at; at++)
        if ((unsigned char) *at <= ' ' || *at == 127 || strchr (",;|/", *at))
            return false;
    return true;
}

/*  False: they are too many, too long, or no text.                          */
static bool
s_metadata_valid (const dividere_instance_t *instance)
{
    const char *release = instance->release ? instance->release : "";
    size_t size = strlen (release), count = 0;
    if (!dividere_utf8_valid (release, size))
        return false;
    for (const char *const *tag = instance->tags; tag && *tag; tag++) {
        size += strlen (*tag) + 1;
        if (++count > DIVIDERE_NAME_TAGS || size > DIVIDERE_INSTANCE_METADATA ||
            !dividere_utf8_valid (*tag, strlen (*tag)))
            return false;
    }
    return size <= DIVIDERE_INSTANCE_METADATA;
}

bool
dividere_instance_valid (const dividere_instance_t *instance)
{
    return dividere_name_valid (instance->name) &&
           s_server_valid (instance->server) && instance->port >= 1 &&
           instance->port <= 65535 && s_metadata_valid (instance);
}

bool
dividere_instance_alike (const dividere_instance_t *one,
                         const dividere_instance_t *other)
{
    if (one->instance != other->instance || one->lease_ms != other->lease_ms ||
        one->native != other->native ||
        strcmp (one->release, other->release) != 0)
        return false;
    const char *const *a = one->tags, *const *b = other->tags;
    while (*a && *b && strcmp (*a, *b) == 0)
        a++, b++;
    return !*a && !*b;
}

static size_t
s_length (const char *text)
{
    return text ? strlen (text) + 1 : 1;
}

/*  Writes a text, NULL as "", and moves the place past it.                  */
static const char *
s_put (char **place, const char *text)
{
    char *copy = *place;
    size_t size = s_length (text);
    memcpy (copy, text ? text : "", size);
    *place = copy + size;
    return copy;
}

dividere_instance_t *
dividere_instance_copy (const dividere_instance_t *instance, size_t *ret_size)
{
    size_t count = 0;
    size_t size = s_length (instance->name) + s_length (instance->server) +
                  s_length (instance->release);
    for (const char *const *tag = instance->tags; tag && *tag; tag++, count++)
        size += s_length (*tag);
    size += sizeof (dividere_instance_t) + (count + 1) * sizeof (char *);
    dividere_instance_t *copy = (dividere_instance_t *) malloc (size);
    assert (copy);
    *copy = *instance;
    const char **tags = (const char **) (copy + 1);
    char *place = (char *) (tags + count + 1);
    for (size_t i = 0; i < count; i++)
        tags[i] = s_put (&place, instance->tags[i]);
    tags[count] = NULL;
    copy->tags = tags;
    copy->name = s_put (&place, instance->name);
    copy->server = s_put (&place, instance->server);
    copy->release = s_put (&place, instance->release);
    if (ret_size)
        *ret_size = size;
    return copy;
}

dividere_instances_t *
dividere_instances_new (void)
{
    dividere_instances_t *self =
        (dividere_instances_t *) calloc (1, sizeof (*self));
    assert (self);
    return self;
}

void
dividere_instances_destroy (dividere_instances_t **self_p)
{
    assert (self_p);
    dividere_instances_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        free (self->items[i]);
    free (self->items);
    free (self);
    *self_p = NULL;
}

static void
s_reserve (dividere_instances_t *self, size_t count)
{
    if (count <= self->capacity)
        return;
    while (self->capacity < count)
        self->capacity = self->capacity ? self->capacity * 2 : 4;
    self->items = (dividere_instance_t **) realloc (self->items,
                                                    self->capacity *
                                                        sizeof (*self->items));
    assert (self->items);
}

int
dividere_instances_add (dividere_instances_t *self,
                        const dividere_instance_t *instance)
{
    if (self->count >= DIVIDERE_INSTANCES_MAX ||
        self->bytes >= DIVIDERE_INSTANCES_BYTES_MAX) {
        errno = ENOBUFS;
        return -1;
    }
    size_t size;
    s_reserve (self, self->count + 1);
    self->items[self->count++] = dividere_instance_copy (instance, &size);
    self->bytes += size;
    return 0;
}

int
dividere_instances_append (dividere_instances_t *self,
                           dividere_instances_t **other_p)
{
    dividere_instances_t *other = *other_p;
    if (self->count + other->count > DIVIDERE_INSTANCES_MAX ||
        self->bytes + other->bytes > DIVIDERE_INSTANCES_BYTES_MAX) {
        errno = ENOBUFS;
        return -1;
    }
    s_reserve (self, self->count + other->count);
    if (other->count)
        memcpy (self->items + self->count, other->items,
                other->count * sizeof (*other->items));
    self->count += other->count;
    self->bytes += other->bytes;
    other->count = 0;
    dividere_instances_destroy (other_p);
    return 0;
}

dividere_instance_t *
dividere_instances_take (dividere_instances_t *self, size_t index)
{
    assert (index < self->count);
    dividere_instance_t *instance = self->items[index];
    self->items[index] = NULL;
    return instance;
}

size_t
dividere_instances_count (const dividere_instances_t *self)
{
    assert (self);
    return self->count;
}

const dividere_instance_t *
dividere_instances_at (const dividere_instances_t *self, size_t index)
{
    assert (self);
    assert (index < self->count);
    return self->items[index];
}
