/* SPDX-License-Identifier: Apache-2.0 */

/*  The name table, rule by rule, with a clock that is only a number.        */

#include "selftest.h"
#include "name_table.h"

void test_names_register (void);
void test_names_refused (void);
void test_names_leases (void);
void test_names_rounds (void);
void test_names_places (void);
void test_names_limits (void);
void test_names_owners (void);
void test_names_turns (void);
void test_names_walk (void);

#define CHANGES_MAX 100

typedef struct {
    dividere_names_t *names;
    dividere_names_limits_t limits;
    size_t count; /* of changes                                             */
    struct {
        dividere_registry_kind_t kind;
        uint64_t revision;
        uint64_t previous;
        bool expired;
        uint64_t instance;
    } changes[CHANGES_MAX];
} fixture_t;

static void
s_on_change (void *arg, const dividere_name_change_t *change)
{
    fixture_t *self = (fixture_t *) arg;
    CHECK (self->count < CHANGES_MAX);
    self->changes[self->count].kind = change->kind;
    self->changes[self->count].revision = change->revision;
    self->changes[self->count].previous = change->previous;
    self->changes[self->count].expired = change->expired;
    self->changes[self->count].instance = change->instance->instance;
    self->count++;
}

static void
s_open (fixture_t *self)
{
    memset (self, 0, sizeof (*self));
    self->limits = (dividere_names_limits_t){ .instances_max = 1000,
                                              .name_max = 100,
                                              .owner_max = 500,
                                              .metadata_max = 100,
                                              .bytes_max = 1 << 20,
                                              .lease_ms = 500,
                                              .lease_max_ms = 10000,
                                              .rounds = 3 };
    self->names = dividere_names_new (s_on_change, self);
    dividere_names_limit (self->names, &self->limits);
}

static void
s_close (fixture_t *self)
{
    dividere_names_destroy (&self->names);
    CHECK (!self->names);
    dividere_names_destroy (&self->names);
}

/*  The last change.                                                         */
static void
s_check_change (const fixture_t *self, dividere_registry_kind_t kind,
                uint64_t revision, uint64_t previous, uint64_t instance)
{
    CHECK_INT (self->count, revision);
    CHECK_INT (self->changes[self->count - 1].kind, kind);
    CHECK_INT (self->changes[self->count - 1].revision, revision);
    CHECK_INT (self->changes[self->count - 1].previous, previous);
    CHECK_INT (self->changes[self->count - 1].instance, instance);
}

/*  A native one on host:port, with an instance number and a lease.          */
static dividere_instance_t
s_instance (const char *name, int port, uint64_t number, int lease_ms)
{
    return (dividere_instance_t){ .name = name,
                                  .server = "host",
                                  .port = port,
                                  .instance = number,
                                  .lease_ms = lease_ms,
                                  .native = number != 0 };
}

static dividere_names_outcome_t
s_register (fixture_t *self, const dividere_instance_t *instance, bool renewal,
            int64_t now_ms)
{
    dividere_names_outcome_t outcome;
    CHECK_INT (dividere_names_register (self->names, instance, renewal, "owner",
                                        now_ms, &outcome, NULL),
               DIVIDERE_NAME_OK);
    return outcome;
}

static size_t
s_instances (const fixture_t *self)
{
    dividere_names_size_t size;
    dividere_names_size (self->names, &size);
    return size.instances;
}

void
test_names_register (void)
{
    fixture_t self;
    s_open (&self);
    const char *tags[] = { "a=1", "b", NULL };
    dividere_instance_t one = s_instance ("one", 1, 11, 0);
    one.release = "2.0";
    one.tags = tags;
    int lease_ms;
    CHECK_INT (dividere_names_register (self.names, &one, false, "x", 7, NULL,
                                        &lease_ms),
               DIVIDERE_NAME_OK);
    CHECK_INT (lease_ms, 500);
    s_check_change (&self, DIVIDERE_REGISTRY_ADDED, 1, 0, 11);

    dividere_name_t *name = dividere_names_lookup (self.names, "one");
    CHECK (name && !dividere_names_lookup (self.names, "on"));
    CHECK_INT (dividere_name_count (name), 1);
    dividere_instance_t got;
    const char *got_tags[DIVIDERE_NAME_TAGS + 1];
    int64_t heard_ms;
    dividere_named_get (dividere_name_turn (name), got_tags, &got, &heard_ms);
    CHECK_STR (got.name, "one");
    CHECK_STR (got.server, "host");
    CHECK_STR (got.release, "2.0");
    CHECK_STR (got.tags[0], "a=1");
    CHECK_STR (got.tags[1], "b");
    CHECK (!got.tags[2] && got.native);
    CHECK_INT (got.port, 1);
    CHECK_INT (got.instance, 11);
    CHECK_INT (got.lease_ms, 500);
    CHECK_INT (heard_ms, 7);

    CHECK_INT (s_register (&self, &one, true, 8), DIVIDERE_NAMES_RENEWED);
    CHECK_INT (dividere_names_revision (self.names), 1);
    one.release = "2.1";
    CHECK_INT (s_register (&self, &one, true, 9), DIVIDERE_NAMES_CHANGED);
    s_check_change (&self, DIVIDERE_REGISTRY_CHANGED, 2, 1, 11);
    tags[1] = NULL;
    CHECK_INT (s_register (&self, &one, true, 9), DIVIDERE_NAMES_CHANGED);
    CHECK_INT (dividere_names_unregister (self.names, "one", "host", 1, 0),
               DIVIDERE_NAME_OK);
    s_check_change (&self, DIVIDERE_REGISTRY_REMOVED, 4, 3, 11);
    CHECK (!dividere_names_lookup (self.names, "one"));
    s_close (&self);
}

static void
s_check_refused (fixture_t *self, const dividere_instance_t *instance,
                 dividere_name_error_t error)
{
    CHECK_INT (dividere_names_register (self->names, instance, false, "", 0,
                                        NULL, NULL),
               error);
    CHECK_INT (s_instances (self), 0);
    CHECK_INT (self->count, 0);
}

void
test_names_refused (void)
{
    fixture_t self;
    s_open (&self);
    char large[DIVIDERE_NAME_MAX + 2];
    memset (large, 'x', sizeof (large) - 1);
    large[sizeof (large) - 1] = 0;
    dividere_instance_t bad = s_instance ("", 1, 1, 0);
    s_check_refused (&self, &bad, DIVIDERE_NAME_BAD_NAME);
    bad.name = large;
    s_check_refused (&self, &bad, DIVIDERE_NAME_BAD_NAME);
    bad.name = "\xff";
    s_check_refused (&self, &bad, DIVIDERE_NAME_BAD_NAME);
    bad.name = "name";
    const char *const servers[] = { "", large, "a b", "a\n", "\xc0\x80", NULL };
    for (int i = 0; i < 6; i++) {
        bad.server = servers[i];
        s_check_refused (&self, &bad, DIVIDERE_NAME_BAD_SERVER);
    }
    bad.server = "host";
    const int ports[] = { 0, -1, 65536, INT32_MAX };
    for (int i = 0; i < 4; i++) {
        bad.port = ports[i];
        s_check_refused (&self, &bad, DIVIDERE_NAME_BAD_PORT);
    }
    bad.port = 1;
    large[100] = 0;
    bad.release = large;
    s_check_refused (&self, &bad, DIVIDERE_NAME_BAD_METADATA);
    const char *many[DIVIDERE_NAME_TAGS + 2] = { NULL };
    for (int i = 0; i <= DIVIDERE_NAME_TAGS; i++)
        many[i] = "";
    bad.release = NULL;
    bad.tags = many;
    s_check_refused (&self, &bad, DIVIDERE_NAME_BAD_METADATA);
    many[DIVIDERE_NAME_TAGS] = NULL;
    CHECK_INT (s_register (&self, &bad, false, 0), DIVIDERE_NAMES_NEW);
    CHECK_INT (dividere_names_unregister (self.names, "name", "other", 1, 0),
               DIVIDERE_NAME_UNKNOWN);
    CHECK_INT (dividere_names_unregister (self.names, "name", "host", 2, 0),
               DIVIDERE_NAME_UNKNOWN);
    CHECK_INT (dividere_names_unregister (self.names, "name", "host", 1, 9),
               DIVIDERE_NAME_UNKNOWN);
    CHECK_INT (dividere_names_unregister (self.names, "", "host", 1, 0),
               DIVIDERE_NAME_BAD_NAME);
    CHECK_INT (s_instances (&self), 1);
    s_close (&self);
}

void
test_names_leases (void)
{
    fixture_t self;
    s_open (&self);
    dividere_instance_t one = s_instance ("one", 1, 11, 100);
    dividere_instance_t year = s_instance ("year", 1, 12, INT32_MAX);
    dividere_instance_t stays = s_instance ("stays", 1, 13, -1);
    int lease_ms;
    s_register (&self, &one, false, 0);
    CHECK_INT (dividere_names_register (self.names, &year, false, "", 0, NULL,
                                        &lease_ms),
               DIVIDERE_NAME_OK);
    CHECK_INT (lease_ms, 10000);
    s_register (&self, &stays, false, 0);
    CHECK_INT (dividere_names_tick (self.names, 99), 100);
    s_register (&self, &one, true, 99);
    CHECK_INT (dividere_names_tick (self.names, 198), 199);
    CHECK_INT (s_instances (&self), 3);
    CHECK_INT (dividere_names_tick (self.names, 199), 10000);
    s_check_change (&self, DIVIDERE_REGISTRY_REMOVED, 4, 1, 11);
    CHECK (self.changes[3].expired);
    CHECK_INT (dividere_names_tick (self.names, 1000000), -1);
    CHECK (dividere_names_lookup (self.names, "stays"));
    CHECK_INT (s_instances (&self), 1);

    /* A shorter lease ends when it says, not when the longer one did.       */
    year.lease_ms = 10000;
    s_register (&self, &year, false, 1000000);
    year.lease_ms = 50;
    CHECK_INT (s_register (&self, &year, true, 1000000),
               DIVIDERE_NAMES_CHANGED);
    CHECK_INT (dividere_names_tick (self.names, 1000050), -1);
    CHECK (!dividere_names_lookup (self.names, "year"));
    s_close (&self);
}

void
test_names_rounds (void)
{
    fixture_t self;
    s_open (&self);
    dividere_instance_t mute = s_instance ("mute", 1, 0, 100);
    dividere_instance_t alive = s_instance ("alive", 1, 0, 0);
    s_register (&self, &mute, false, 0);
    s_register (&self, &alive, false, 0);
    for (int round = 1; round <= 3; round++) {
        dividere_names_round (self.names);
        CHECK_INT (s_register (&self, &alive, false, round),
                   DIVIDERE_NAMES_RENEWED);
        dividere_names_tick (self.names, 1000000 * round);
        CHECK_INT (s_instances (&self), 2);
    }
    dividere_names_round (self.names);
    dividere_names_tick (self.names, 4000000);
    CHECK (!dividere_names_lookup (self.names, "mute"));
    CHECK (dividere_names_lookup (self.names, "alive"));
    CHECK (self.changes[2].expired);

    self.limits.rounds = 0;
    dividere_names_limit (self.names, &self.limits);
    for (int round = 0; round < 100; round++)
        dividere_names_round (self.names);
    dividere_names_tick (self.names, 5000000);
    CHECK (dividere_names_lookup (self.names, "alive"));
    s_close (&self);
}

/*  Two instances of one place: the newcomer has it, unless it only renews.  */
void
test_names_places (void)
{
    fixture_t self;
    s_open (&self);
    dividere_instance_t old = s_instance ("one", 1, 11, 0);
    dividere_instance_t new = s_instance ("one", 1, 12, 0);
    dividere_instance_t other = s_instance ("other", 1, 13, 0);
    s_register (&self, &old, false, 0);
    CHECK_INT (s_register (&self, &other, false, 0), DIVIDERE_NAMES_NEW);
    CHECK_INT (s_register (&self, &new, false, 1), DIVIDERE_NAMES_REPLACED);
    s_check_change (&self, DIVIDERE_REGISTRY_CHANGED, 3, 1, 12);
    CHECK_INT (dividere_names_register (self.names, &old, true, "", 2, NULL,
                                        NULL),
               DIVIDERE_NAME_CONFLICT);
    CHECK_INT (dividere_names_unregister (self.names, "one", "host", 1, 11),
               DIVIDERE_NAME_UNKNOWN);
    CHECK_INT (s_instances (&self), 2);
    CHECK_INT (dividere_names_unregister (self.names, "one", "host", 1, 12),
               DIVIDERE_NAME_OK);
    CHECK_INT (s_register (&self, &old, true, 3), DIVIDERE_NAMES_NEW);
    CHECK_INT (dividere_names_remove (self.names, "one"), 1);
    CHECK_INT (dividere_names_remove (self.names, "one"), 0);
    s_close (&self);
}

static void
s_check_full (fixture_t *self, const char *name, int port, const char *owner)
{
    dividere_instance_t one = s_instance (name, port, 1, 0);
    CHECK_INT (dividere_names_register (self->names, &one, false, owner, 0,
                                        NULL, NULL),
               DIVIDERE_NAME_FULL);
}

static void
s_check_room (fixture_t *self, const char *name, int port, const char *owner)
{
    dividere_instance_t one = s_instance (name, port, 1, 0);
    CHECK_INT (dividere_names_register (self->names, &one, false, owner, 0,
                                        NULL, NULL),
               DIVIDERE_NAME_OK);
}

void
test_names_limits (void)
{
    fixture_t self;
    s_open (&self);
    self.limits.name_max = 2;
    self.limits.owner_max = 3;
    self.limits.instances_max = 5;
    dividere_names_limit (self.names, &self.limits);
    s_check_room (&self, "one", 1, "a");
    s_check_room (&self, "one", 2, "a");
    s_check_full (&self, "one", 3, "a");
    s_check_room (&self, "two", 1, "a");
    s_check_full (&self, "two", 2, "a");
    s_check_room (&self, "two", 2, "b");
    s_check_room (&self, "three", 1, "b");
    s_check_full (&self, "three", 2, "b");
    /* What is there is renewed, and makes room when it goes.                */
    s_check_room (&self, "three", 1, "b");
    CHECK_INT (dividere_names_remove (self.names, "one"), 2);
    s_check_room (&self, "three", 2, "a");
    s_check_room (&self, "four", 2, "a");
    s_check_full (&self, "five", 2, "c");

    self.limits.instances_max = 1000;
    dividere_names_size_t size;
    dividere_names_size (self.names, &size);
    self.limits.bytes_max = size.bytes;
    dividere_names_limit (self.names, &self.limits);
    s_check_full (&self, "five", 2, "c");
    CHECK_INT (dividere_names_remove (self.names, "two"), 2);
    s_check_room (&self, "five", 2, "c");

    /* What is there cannot grow either, but shrink.                         */
    dividere_names_size (self.names, &size);
    self.limits.bytes_max = size.bytes + 8;
    dividere_names_limit (self.names, &self.limits);
    dividere_instance_t five = s_instance ("five", 2, 1, 0);
    five.release = "123456789";
    CHECK_INT (dividere_names_register (self.names, &five, true, "c", 0, NULL,
                                        NULL),
               DIVIDERE_NAME_FULL);
    five.release = "12345678";
    CHECK_INT (s_register (&self, &five, true, 0), DIVIDERE_NAMES_CHANGED);
    five.release = "1234567";
    CHECK_INT (s_register (&self, &five, true, 0), DIVIDERE_NAMES_CHANGED);
    s_close (&self);
}

/*  Of those that are nobody's there may be any number, until they register
 *  again: then each counts for its owner, while that has room.              */
void
test_names_owners (void)
{
    fixture_t self;
    s_open (&self);
    self.limits.owner_max = 2;
    dividere_names_limit (self.names, &self.limits);
    for (int port = 1; port <= 4; port++)
        s_check_room (&self, "one", port, NULL);
    s_check_room (&self, "one", 1, "a");
    dividere_instance_t second = s_instance ("one", 2, 1, 0);
    CHECK_INT (dividere_names_register (self.names, &second, true, "a", 0, NULL,
                                        NULL),
               DIVIDERE_NAME_OK);
    s_check_full (&self, "one", 5, "a");
    s_check_room (&self, "one", 3, "a");
    /* Whose it is, a renewal by another does not change.                    */
    CHECK_INT (dividere_names_register (self.names, &second, true, "b", 0, NULL,
                                        NULL),
               DIVIDERE_NAME_OK);
    s_check_full (&self, "one", 5, "a");
    CHECK_INT (dividere_names_unregister (self.names, "one", "host", 2, 0),
               DIVIDERE_NAME_OK);
    s_check_room (&self, "one", 3, "a");
    s_check_full (&self, "one", 5, "a");
    CHECK_INT (dividere_names_remove (self.names, "one"), 3);
    s_check_room (&self, "one", 5, "a");
    s_check_room (&self, "one", 6, "a");
    s_check_full (&self, "one", 7, "a");
    s_close (&self);
}

static int
s_turn (dividere_name_t *name)
{
    const char *tags[DIVIDERE_NAME_TAGS + 1];
    dividere_instance_t instance;
    dividere_named_get (dividere_name_turn (name), tags, &instance, NULL);
    return instance.port;
}

void
test_names_turns (void)
{
    fixture_t self;
    s_open (&self);
    for (int port = 1; port <= 3; port++)
        s_check_room (&self, "one", port, "");
    dividere_name_t *name = dividere_names_lookup (self.names, "one");
    for (int i = 0; i < 7; i++)
        CHECK_INT (s_turn (name), i % 3 + 1);
    /* Whose turn it is goes.                                                */
    CHECK_INT (dividere_names_unregister (self.names, "one", "host", 2, 0),
               DIVIDERE_NAME_OK);
    CHECK_INT (s_turn (name), 3);
    CHECK_INT (s_turn (name), 1);
    const dividere_named_t *named = dividere_name_each (name, NULL);
    CHECK (named);
    named = dividere_name_each (name, named);
    CHECK (named && !dividere_name_each (name, named));
    s_close (&self);
}

/*  A walk goes on while names go, its next one among them, and come.        */
void
test_names_walk (void)
{
    fixture_t self;
    s_open (&self);
    const char *const texts[] = { "a", "b", "c", "d" };
    for (int i = 0; i < 4; i++)
        s_check_room (&self, texts[i], 1, "");
    dividere_name_cursor_t walk, other;
    dividere_names_open (self.names, &walk);
    dividere_names_open (self.names, &other);
    CHECK_STR (dividere_name_text (dividere_names_next (&walk)), "a");
    dividere_names_remove (self.names, "b");
    dividere_names_remove (self.names, "a");
    CHECK_STR (dividere_name_text (dividere_names_next (&walk)), "c");
    CHECK_STR (dividere_name_text (dividere_names_next (&other)), "c");
    dividere_names_remove (self.names, "d");
    CHECK (!dividere_names_next (&walk));
    s_check_room (&self, "e", 1, "");
    CHECK_STR (dividere_name_text (dividere_names_next (&walk)), "e");
    dividere_names_close (self.names, &walk);
    dividere_names_close (self.names, &other);
    dividere_name_t *name = dividere_names_each (self.names, NULL);
    CHECK_STR (dividere_name_text (name), "c");
    name = dividere_names_each (self.names, name);
    CHECK_STR (dividere_name_text (name), "e");
    CHECK (!dividere_names_each (self.names, name));
    s_close (&self);
}
