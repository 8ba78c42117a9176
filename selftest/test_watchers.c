/* SPDX-License-Identifier: Apache-2.0 */

/*  Watchers of names, with a clock that is only a number.                   */

#include "selftest.h"
#include "watchers.h"

void test_watchers_names (void);
void test_watchers_limits (void);
void test_watchers_silence (void);
void test_watchers_random (void);

#define TOLD_MAX 100
#define EVENTS   200000
#define IDS      8
#define NAMES    5

typedef struct {
    dividere_watchers_t *watchers;
    char told[TOLD_MAX]; /* the ids, of one letter                          */
    size_t count;
} fixture_t;

static void
s_open (fixture_t *self, size_t watchers_max, size_t watches_max)
{
    dividere_watchers_limits_t limits = { watchers_max, watches_max, 100,
                                          watchers_max * watches_max };
    memset (self, 0, sizeof (*self));
    self->watchers = dividere_watchers_new ();
    dividere_watchers_limit (self->watchers, &limits);
}

static void
s_close (fixture_t *self)
{
    dividere_watchers_destroy (&self->watchers);
    CHECK (!self->watchers);
    dividere_watchers_destroy (&self->watchers);
}

static void
s_on_told (void *arg, const void *id, size_t id_size)
{
    fixture_t *self = (fixture_t *) arg;
    CHECK_INT (id_size, 1);
    CHECK (self->count < TOLD_MAX);
    self->told[self->count++] = *(const char *) id;
}

static bool
s_is_told (const fixture_t *self, char id)
{
    size_t count = 0;
    for (size_t i = 0; i < self->count; i++)
        count += self->told[i] == id;
    CHECK (count < 2);
    return count;
}

/*  Just these are told of a name.                                           */
static void
s_check (fixture_t *self, const char *name, const char *ids)
{
    self->count = 0;
    dividere_watchers_each (self->watchers, name, s_on_told, self);
    CHECK_INT (self->count, strlen (ids));
    for (; *ids; ids++)
        CHECK (s_is_told (self, *ids));
}

static size_t
s_set (fixture_t *self, const char *id, int64_t now_ms, size_t count,
       const char *const *names)
{
    return dividere_watchers_set (self->watchers, id, 1, names, count, now_ms);
}

void
test_watchers_names (void)
{
    fixture_t self;
    s_open (&self, 10, 10);
    const char *const both[] = { "x", "y", "x" }, *const y[] = { "y" },
                      *const all[] = { "", "y" };
    CHECK_INT (s_set (&self, "a", 0, 3, both), 3);
    CHECK_INT (dividere_watchers_watches (self.watchers), 2);
    CHECK_INT (s_set (&self, "b", 0, 1, y), 1);
    s_check (&self, "x", "a");
    s_check (&self, "y", "ab");
    s_check (&self, "z", "");
    CHECK_INT (s_set (&self, "c", 0, 2, all), 2);
    s_check (&self, "x", "ac");
    s_check (&self, "y", "abc");
    s_check (&self, "z", "c");
    /* In place of what it said before; and goodbye.                         */
    CHECK_INT (s_set (&self, "a", 0, 1, y), 1);
    s_check (&self, "x", "c");
    CHECK_INT (s_set (&self, "c", 0, 1, y), 1);
    s_check (&self, "x", "");
    s_check (&self, "y", "abc");
    CHECK_INT (s_set (&self, "b", 0, 0, NULL), 0);
    s_check (&self, "y", "ac");
    dividere_watchers_remove (self.watchers, "a", 1);
    dividere_watchers_remove (self.watchers, "a", 1);
    s_check (&self, "y", "c");
    CHECK_INT (dividere_watchers_count (self.watchers), 1);
    CHECK_INT (dividere_watchers_watches (self.watchers), 1);
    s_close (&self);
}

void
test_watchers_limits (void)
{
    fixture_t self;
    s_open (&self, 2, 2);
    const char *const names[] = { "x", "y", "z" };
    CHECK_INT (s_set (&self, "a", 0, 3, names), 2);
    s_check (&self, "z", "");
    CHECK_INT (s_set (&self, "b", 0, 1, names), 1);
    CHECK_INT (s_set (&self, "c", 0, 1, names), 0);
    s_check (&self, "x", "ab");
    dividere_watchers_remove (self.watchers, "a", 1);
    CHECK_INT (s_set (&self, "c", 0, 1, names), 1);
    s_check (&self, "x", "bc");
    /* All together; what a watcher had before does not count.               */
    dividere_watchers_limits_t limits = { 3, 3, 100, 4 };
    dividere_watchers_limit (self.watchers, &limits);
    CHECK_INT (s_set (&self, "b", 0, 3, names), 3);
    CHECK_INT (s_set (&self, "c", 0, 3, names), 1);
    CHECK_INT (s_set (&self, "a", 0, 1, names), 0);
    CHECK_INT (s_set (&self, "b", 0, 2, names), 2);
    CHECK_INT (s_set (&self, "a", 0, 2, names), 1);
    s_check (&self, "x", "abc");
    CHECK_INT (dividere_watchers_watches (self.watchers), 4);
    s_close (&self);
}

void
test_watchers_silence (void)
{
    fixture_t self;
    s_open (&self, 10, 10);
    const char *const x[] = { "x" };
    CHECK_INT (dividere_watchers_tick (self.watchers, 0), -1);
    s_set (&self, "a", 0, 1, x);
    s_set (&self, "b", 10, 1, x);
    CHECK_INT (dividere_watchers_tick (self.watchers, 299), 300);
    s_set (&self, "a", 299, 1, x);
    CHECK_INT (dividere_watchers_tick (self.watchers, 309), 310);
    s_check (&self, "x", "ab");
    CHECK_INT (dividere_watchers_tick (self.watchers, 310), 599);
    s_check (&self, "x", "a");
    CHECK_INT (dividere_watchers_tick (self.watchers, 599), -1);
    s_check (&self, "x", "");
    s_close (&self);

    /* So many at once that one call does not end them all.                  */
    s_open (&self, 250, 10);
    for (int i = 0; i < 250; i++)
        s_set (&self, (const char[]){ (char) i }, 0, 1, x);
    CHECK_INT (dividere_watchers_tick (self.watchers, 300), 300);
    CHECK_INT (dividere_watchers_tick (self.watchers, 300), 300);
    CHECK_INT (dividere_watchers_count (self.watchers), 50);
    CHECK_INT (dividere_watchers_tick (self.watchers, 300), -1);
    CHECK_INT (dividere_watchers_count (self.watchers), 0);
    s_close (&self);
}

/*  Beside a table of who watches what.                                      */
void
test_watchers_random (void)
{
    static const char *const s_names[NAMES] = { "", "x", "y", "zz", "t" };
    static const char *const s_ids[IDS] = { "a", "b", "c", "d",
                                            "e", "f", "g", "h" };
    bool watched[IDS][NAMES] = { { false } };
    uint64_t seed = 20251122;
    fixture_t self;
    s_open (&self, IDS, NAMES);
    for (size_t i = selftest_scaled (EVENTS); i > 0; i--) {
        size_t id = selftest_random (&seed) % IDS;
        const char *names[NAMES];
        size_t count = 0;
        uint64_t which = selftest_random (&seed) % (1 << NAMES);
        for (size_t n = 0; n < NAMES; n++) {
            watched[id][n] = which >> n & 1;
            if (watched[id][n])
                names[count++] = s_names[n];
        }
        CHECK_INT (s_set (&self, s_ids[id], 0, count, names), count);
        size_t name = 1 + selftest_random (&seed) % (NAMES - 1);
        char expected[IDS + 1] = { 0 };
        for (size_t n = 0; n < IDS; n++)
            if (watched[n][0] || watched[n][name])
                expected[strlen (expected)] = *s_ids[n];
        s_check (&self, s_names[name], expected);
    }
    s_close (&self);
}
