/* SPDX-License-Identifier: Apache-2.0 */

/*  The name table beside a model that is an array of all places there can be:
 *  both are given the same random events, must tell the same changes, and hold
 *  the same.                                                                */

#include "selftest.h"
#include "name_table.h"

void test_names_random (void);

#define EVENTS    1000000
#define NAMES     6
#define SERVERS   3
#define PORTS     3
#define PLACES    (NAMES * SERVERS * PORTS)
#define INSTANCES 40 /* instances_max                                        */
#define OWNERS    3
#define OWNER_MAX 12
#define NOBODY    OWNERS
#define ROUNDS    2

typedef struct {
    bool there;
    bool native;
    uint64_t instance;
    int lease_ms; /* 0: none                                                */
    int64_t heard_ms;
    unsigned round;
    unsigned owner;
} place_t;

typedef struct {
    uint64_t seed;
    int64_t now_ms;
    unsigned round;
    dividere_names_t *names;
    place_t places[PLACES];
    uint64_t revisions[NAMES];
    uint64_t revision;
    bool expecting; /* each change must be one of these                     */
    bool gone[PLACES];
    int changed; /* the one place that is to change; -1: none               */
    dividere_registry_kind_t kind;
    dividere_name_cursor_t walk;
    bool steady[NAMES]; /* there since the walk began                       */
    unsigned met[NAMES];
} model_t;

static unsigned
s_random (model_t *self, unsigned below)
{
    return (unsigned) (selftest_random (&self->seed) % below);
}

static const char *
s_name (int place)
{
    static const char *const s_names[] = { "a", "bb", "ccc", "d", "ee", "f" };
    return s_names[place % NAMES];
}

static const char *
s_server (int place)
{
    static const char *const s_servers[] = { "one", "two", "three" };
    return s_servers[place / NAMES % SERVERS];
}

static int
s_port (int place)
{
    return place / NAMES / SERVERS + 1;
}

static int
s_place (const dividere_instance_t *instance)
{
    for (int i = 0; i < PLACES; i++)
        if (strcmp (s_name (i), instance->name) == 0 &&
            strcmp (s_server (i), instance->server) == 0 &&
            s_port (i) == instance->port)
            return i;
    CHECK (false);
    return -1;
}

static size_t
s_count (const model_t *self, int name)
{
    size_t count = 0;
    for (int i = 0; i < PLACES; i++)
        count += self->places[i].there && (name < 0 || i % NAMES == name);
    return count;
}

static size_t
s_owned (const model_t *self, unsigned owner)
{
    size_t count = 0;
    for (int i = 0; i < PLACES; i++)
        count += self->places[i].there && self->places[i].owner == owner;
    return count;
}

static bool
s_owner_full (const model_t *self, unsigned owner)
{
    return owner != NOBODY && s_owned (self, owner) >= OWNER_MAX;
}

static void
s_on_change (void *arg, const dividere_name_change_t *change)
{
    model_t *self = (model_t *) arg;
    int place = s_place (change->instance);
    int name = place % NAMES;
    if (self->gone[place]) {
        CHECK_INT (change->kind, DIVIDERE_REGISTRY_REMOVED);
        CHECK (change->expired);
        self->gone[place] = false;
        self->places[place].there = false;
    }
    else {
        CHECK_INT (place, self->changed);
        CHECK_INT (change->kind, self->kind);
        CHECK (!change->expired);
        self->changed = -1;
    }
    CHECK_INT (change->revision, ++self->revision);
    CHECK_INT (change->previous, self->revisions[name]);
    self->revisions[name] = s_count (self, name) ? self->revision : 0;
    if (!self->revisions[name])
        self->steady[name] = false;
}

/*  What is said of a registration. It may change whose the instance is that is
 *  there.                                                                   */
static dividere_name_error_t
s_judge (model_t *self, place_t *known, bool renewal, uint64_t instance,
         bool same, unsigned *owner)
{
    if (!known->there)
        return s_count (self, -1) >= INSTANCES || s_owner_full (self, *owner)
                   ? DIVIDERE_NAME_FULL
                   : DIVIDERE_NAME_OK;
    if (renewal && known->instance != instance)
        return DIVIDERE_NAME_CONFLICT;
    if (known->owner == NOBODY && !s_owner_full (self, *owner))
        known->owner = *owner;
    if (renewal || same)
        *owner = known->owner;
    return *owner != known->owner && s_owner_full (self, *owner)
               ? DIVIDERE_NAME_FULL
               : DIVIDERE_NAME_OK;
}

static void
s_register (model_t *self)
{
    int place = (int) s_random (self, PLACES);
    place_t *known = &self->places[place];
    bool native = s_random (self, 2), renewal = native && s_random (self, 2);
    int lease_ms = native && s_random (self, 4)
                       ? 100 * (int) (1 + s_random (self, 2))
                       : -1;
    dividere_instance_t instance = { .name = s_name (place),
                                     .server = s_server (place),
                                     .port = s_port (place),
                                     .instance =
                                         native ? 1 + s_random (self, 2) : 0,
                                     .lease_ms = lease_ms,
                                     .native = native };
    static const char *const s_owners[OWNERS + 1] = { "", "a", "bb", NULL };
    unsigned given = s_random (self, OWNERS + 1), owner = given;
    int lease = lease_ms < 0 ? 0 : lease_ms;
    bool same = known->there && known->instance == instance.instance &&
                known->lease_ms == lease && known->native == native;
    dividere_name_error_t expected =
        s_judge (self, known, renewal, instance.instance, same, &owner);
    if (!expected) {
        self->changed = same ? -1 : place;
        self->kind =
            known->there ? DIVIDERE_REGISTRY_CHANGED : DIVIDERE_REGISTRY_ADDED;
        *known = (place_t){ true,  native,       instance.instance,
                            lease, self->now_ms, self->round,
                            owner };
    }
    CHECK_INT (dividere_names_register (self->names, &instance, renewal,
                                        s_owners[given], self->now_ms, NULL,
                                        NULL),
               expected);
    CHECK_INT (self->changed, -1);
}

static void
s_unregister (model_t *self)
{
    int place = (int) s_random (self, PLACES);
    uint64_t instance = s_random (self, 3);
    place_t *known = &self->places[place];
    bool found = known->there && (!instance || known->instance == instance);
    if (found) {
        known->there = false;
        self->changed = place;
        self->kind = DIVIDERE_REGISTRY_REMOVED;
    }
    CHECK_INT (dividere_names_unregister (self->names, s_name (place),
                                          s_server (place), s_port (place),
                                          instance),
               found ? DIVIDERE_NAME_OK : DIVIDERE_NAME_UNKNOWN);
    CHECK_INT (self->changed, -1);
}

static void
s_tick (model_t *self)
{
    self->now_ms += s_random (self, 50);
    if (s_random (self, 8) == 0) {
        self->round++;
        dividere_names_round (self->names);
    }
    int64_t next_ms = -1;
    for (int i = 0; i < PLACES; i++) {
        const place_t *known = &self->places[i];
        if (!known->there)
            continue;
        int64_t end_ms = known->heard_ms + known->lease_ms;
        if (!known->lease_ms)
            self->gone[i] = self->round - known->round > ROUNDS;
        else if (end_ms <= self->now_ms)
            self->gone[i] = true;
        else if (next_ms < 0 || end_ms < next_ms)
            next_ms = end_ms;
    }
    int64_t told_ms = dividere_names_tick (self->names, self->now_ms);
    for (int i = 0; i < PLACES; i++)
        CHECK (!self->gone[i]);
    /* It may be early, since renewals do not move it, but never late.       */
    CHECK ((told_ms < 0) == (next_ms < 0));
    CHECK (told_ms <= next_ms);
}

static void
s_look (model_t *self)
{
    int name = (int) s_random (self, NAMES);
    size_t count = s_count (self, name);
    dividere_name_t *found = dividere_names_lookup (self->names, s_name (name));
    CHECK ((found != NULL) == (count > 0));
    if (!found)
        return;
    CHECK_INT (dividere_name_count (found), count);
    CHECK_INT (dividere_name_revision (found), self->revisions[name]);
    bool seen[PLACES] = { false };
    for (size_t i = 0; i < count; i++) {
        const char *tags[DIVIDERE_NAME_TAGS + 1];
        dividere_instance_t instance;
        dividere_named_get (dividere_name_turn (found), tags, &instance, NULL);
        int place = s_place (&instance);
        CHECK (self->places[place].there && !seen[place]);
        CHECK_INT (instance.instance, self->places[place].instance);
        seen[place] = true;
    }
}

/*  One step of a walk, which begins again at its end.                       */
static void
s_walk (model_t *self)
{
    dividere_name_t *name = dividere_names_next (&self->walk);
    if (name) {
        for (int i = 0; i < NAMES; i++)
            self->met[i] += strcmp (dividere_name_text (name), s_name (i)) == 0;
        return;
    }
    dividere_names_close (self->names, &self->walk);
    dividere_names_open (self->names, &self->walk);
    for (int i = 0; i < NAMES; i++) {
        CHECK (!self->steady[i] || self->met[i] == 1);
        self->steady[i] = s_count (self, i) > 0;
        self->met[i] = 0;
    }
}

void
test_names_random (void)
{
    model_t *self = (model_t *) calloc (1, sizeof (*self));
    CHECK (self);
    self->seed = 20251122;
    self->changed = -1;
    self->names = dividere_names_new (s_on_change, self);
    dividere_names_limits_t limits = { .instances_max = INSTANCES,
                                       .name_max = PLACES,
                                       .owner_max = OWNER_MAX,
                                       .metadata_max = 100,
                                       .bytes_max = 1 << 20,
                                       .lease_ms = 100,
                                       .lease_max_ms = 1000,
                                       .rounds = ROUNDS };
    dividere_names_limit (self->names, &limits);
    void (*const events[]) (model_t *) = { s_register,   s_register, s_register,
                                           s_unregister, s_tick,     s_look,
                                           s_walk };
    dividere_names_open (self->names, &self->walk);
    for (size_t i = selftest_scaled (EVENTS); i > 0; i--)
        events[s_random (self, 7)](self);
    dividere_names_size_t size;
    dividere_names_size (self->names, &size);
    CHECK_INT (size.instances, s_count (self, -1));
    dividere_names_close (self->names, &self->walk);
    dividere_names_destroy (&self->names);
    free (self);
}
