/* SPDX-License-Identifier: Apache-2.0 */

/*  Lookups. One instance, which is what nearly everybody asks for, is written
 *  from where it is; for lists the instances are gathered first.            */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "registrar_internal.h"

#define VERSION    1
#define NAME_BYTES 255
#define PAGE_NAMES 500
#define PAGE_BYTES 65536
#define LIST_BYTES (64 << 20) /* that a list takes in memory                 */

enum { SCOPE_ONE, SCOPE_ALL, SCOPE_PAGE = DIVIDERE_SCOPE_PAGE };

/*  Texts of others, which protobuf-c wants to be able to change.            */
static char *
s_text (const char *text)
{
    return (char *) (uintptr_t) (text ? text : "");
}

/*  The tags stay the caller's.                                              */
static void
s_fill (dividere_found_one_t *one, const dividere_instance_t *instance,
        const char **tags, size_t tags_count)
{
    dividere__wire__service_lookup_rep__instance__init (one);
    one->server = s_text (instance->server);
    one->port = (uint32_t) instance->port;
    one->version = instance->native ? VERSION : 0;
    one->instance = instance->instance;
    one->lease_ms = (uint32_t) instance->lease_ms;
    one->release = s_text (instance->release);
    one->tags = (char **) (uintptr_t) tags;
    one->n_tags = tags_count;
}

/*  Adds one instance to the list. Its bytes on the wire, about; 0: the list is
 *  too long.                                                                */
static size_t
s_gather (dividere_registrar_t *self, const dividere_named_t *named,
          const char *name)
{
    const char *tags[DIVIDERE_NAME_TAGS + 1];
    dividere_instance_t instance;
    dividere_named_get (named, tags, &instance, NULL);
    size_t count = dividere_registrar_tags (instance.tags);
    dividere_found_one_t *one = (dividere_found_one_t *) dividere_arena_alloc (
        self->arena, sizeof (*one) + count * sizeof (char *));
    if (!one)
        return 0;
    const char **own_tags = (const char **) (one + 1);
    if (count)
        memcpy (own_tags, tags, count * sizeof (char *));
    s_fill (one, &instance, own_tags, count);
    one->servicename = s_text (name);
    if (self->found_count == self->found_room) {
        self->found_room = self->found_room ? 2 * self->found_room : 64;
        self->found = (dividere_found_one_t **)
            realloc (self->found, self->found_room * sizeof (*self->found));
        assert (self->found);
    }
    self->found[self->found_count++] = one;
    size_t bytes = 40 + strlen (one->servicename) + strlen (one->server) +
                   strlen (one->release);
    for (size_t i = 0; i < count; i++)
        bytes += strlen (tags[i]) + 3;
    return bytes;
}

/*  All instances of a name. Their bytes; 0: the list is too long.           */
static size_t
s_gather_all (dividere_registrar_t *self, const dividere_name_t *name,
              const char *text)
{
    size_t bytes = 0;
    const dividere_named_t *named = NULL;
    while ((named = dividere_name_each (name, named))) {
        size_t more = s_gather (self, named, text);
        if (!more)
            return 0;
        bytes += more;
    }
    return bytes;
}

static void
s_begin (dividere_registrar_t *self)
{
    dividere_arena_reset (self->arena, LIST_BYTES);
    self->found_count = 0;
}

static dividere_name_error_t
s_all (dividere_registrar_t *self, const dividere_name_t *name,
       dividere_found_t *found)
{
    s_begin (self);
    if (!s_gather_all (self, name, NULL))
        return DIVIDERE_NAME_FULL;
    found->instances = self->found;
    found->n_instances = self->found_count;
    found->revision = dividere_name_revision (name);
    return DIVIDERE_NAME_OK;
}

/*  A page has at least one name, and names as a whole.                      */
static dividere_name_error_t
s_page (dividere_registrar_t *self, const char *after, dividere_found_t *found)
{
    self->counts.listed++;
    dividere_name_t *name = NULL;
    if (*after && !(name = dividere_names_lookup (self->names, after)))
        return DIVIDERE_NAME_STALE;
    s_begin (self);
    size_t bytes = 0;
    size_t names = 0;
    while ((name = dividere_names_each (self->names, name)) &&
           bytes < PAGE_BYTES && names < PAGE_NAMES) {
        size_t more = s_gather_all (self, name, dividere_name_text (name));
        if (!more)
            return DIVIDERE_NAME_FULL;
        bytes += more;
        names++;
    }
    found->more = name != NULL;
    found->instances = self->found;
    found->n_instances = self->found_count;
    found->revision = dividere_names_revision (self->names);
    return DIVIDERE_NAME_OK;
}

/*  What is asked of a name that cannot be, or that nobody has.              */
static dividere_name_t *
s_find (dividere_registrar_t *self, const char *text,
        dividere_name_error_t *ret_error)
{
    self->counts.lookups++;
    dividere_name_t *name = dividere_names_lookup (self->names, text);
    if (name)
        return name;
    self->counts.unknown++;
    size_t size = strnlen (text, NAME_BYTES + 1);
    *ret_error = size == 0 || size > NAME_BYTES ? DIVIDERE_NAME_BAD_NAME
                                                : DIVIDERE_NAME_UNKNOWN;
    return NULL;
}

static int
s_reply (dividere_registrar_t *self, dividere_found_t *found,
         dividere_name_error_t error, zmq_msg_t *ret_reply)
{
    found->version = VERSION;
    found->error = error;
    found->epoch = self->epoch;
    found->watch = self->watch;
    if (dividere_control_write (&found->base, ret_reply) == 0)
        return 0;
    if (errno != EMSGSIZE || !found->n_instances)
        return -1;
    found->n_instances = 0;
    found->more = false;
    found->error = DIVIDERE_NAME_FULL;
    return dividere_control_write (&found->base, ret_reply);
}

static int
s_lookup_one (dividere_registrar_t *self, const dividere_lookup_t *lookup,
              dividere_found_t *found, zmq_msg_t *ret_reply)
{
    dividere_name_error_t error = DIVIDERE_NAME_OK;
    dividere_name_t *name = s_find (self, lookup->servicename, &error);
    dividere_instance_t instance = { .server = "unavailable" };
    const char *tags[DIVIDERE_NAME_TAGS + 1];
    if (name)
        dividere_named_get (dividere_name_turn (name), tags, &instance, NULL);
    found->server = s_text (instance.server);
    found->port = (uint32_t) instance.port;
    if (!lookup->version)
        return dividere_control_write (&found->base, ret_reply);
    dividere_found_one_t one, *list = &one;
    if (name) {
        s_fill (&one, &instance, tags, dividere_registrar_tags (instance.tags));
        found->instances = &list;
        found->n_instances = 1;
        found->revision = dividere_name_revision (name);
    }
    return s_reply (self, found, error, ret_reply);
}

int
dividere_registrar_lookup (dividere_registrar_t *self,
                           const dividere_lookup_t *lookup, bool denied,
                           zmq_msg_t *ret_reply)
{
    dividere_found_t found = DIVIDERE__WIRE__SERVICE_LOOKUP_REP__INIT;
    found.servicename = lookup->servicename;
    if (denied) {
        self->counts.refused++;
        found.server = s_text ("unavailable");
        return lookup->version
                   ? s_reply (self, &found, DIVIDERE_NAME_DENIED, ret_reply)
                   : dividere_control_write (&found.base, ret_reply);
    }
    if (!lookup->version || lookup->scope == SCOPE_ONE)
        return s_lookup_one (self, lookup, &found, ret_reply);
    dividere_name_error_t error = DIVIDERE_NAME_BAD_REQUEST;
    if (lookup->scope == SCOPE_PAGE)
        error = s_page (self, lookup->servicename, &found);
    else if (lookup->scope == SCOPE_ALL) {
        const dividere_name_t *name =
            s_find (self, lookup->servicename, &error);
        if (name)
            error = s_all (self, name, &found);
    }
    if (!found.n_instances && lookup->scope != SCOPE_PAGE)
        found.server = s_text ("unavailable");
    return s_reply (self, &found, error, ret_reply);
}
