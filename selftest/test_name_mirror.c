/* SPDX-License-Identifier: Apache-2.0 */

/*  The mirror of watched names, against lists and changes in every order.   */

#include "selftest.h"
#include "name_mirror.h"

void test_name_mirror_change (void);
void test_name_mirror_gaps (void);
void test_name_mirror_log (void);
void test_name_mirror_pages (void);
void test_name_mirror_random (void);

#define EPOCH 77

/*  What was told, as "+a1" (ADDED, server a, port 1), "-", "~", "F", "S".   */
typedef struct {
    char text[2000];
    uint64_t revision;
} heard_t;

static void
s_hear (void *arg, dividere_registry_kind_t kind, uint64_t revision,
        const dividere_instance_t *instance)
{
    static const char *const s_signs[] = { "?", "+", "-", "~", "F", "S" };
    heard_t *self = (heard_t *) arg;
    char text[100];
    snprintf (text, sizeof (text), "%s%s%.0d ", s_signs[kind], instance->server,
              instance->port);
    size_t size = strlen (self->text);
    CHECK (size + strlen (text) < sizeof (self->text));
    snprintf (self->text + size, sizeof (self->text) - size, "%s", text);
    self->revision = revision;
}

static const char *
s_heard (heard_t *self)
{
    static char s_text[2000];
    memcpy (s_text, self->text, sizeof (s_text));
    self->text[0] = 0;
    return s_text;
}

static dividere_instance_t
s_instance (const char *server, int port, uint64_t number)
{
    return (dividere_instance_t){
        .name = "clock", .server = server, .port = port, .instance = number
    };
}

/*  Ports of server "a" from 1 on, as many as there are numbers.             */
static dividere_instances_t *
s_list (const char *numbers)
{
    dividere_instances_t *list = dividere_instances_new ();
    for (int port = 1; *numbers; numbers++, port++) {
        dividere_instance_t instance =
            s_instance ("a", port, (uint64_t) (*numbers - '0'));
        if (*numbers != '-')
            CHECK_INT (dividere_instances_add (list, &instance), 0);
    }
    return list;
}

static bool
s_give (dividere_mirror_t *mirror, uint64_t revision, const char *numbers,
        bool more)
{
    dividere_instances_t *list = s_list (numbers);
    bool fits = dividere_mirror_list (mirror, EPOCH, revision, &list, more);
    CHECK (!list);
    return fits;
}

static void
s_change (dividere_mirror_t *mirror, uint64_t revision, uint64_t previous,
          dividere_registry_kind_t kind, int port)
{
    dividere_instance_t instance = s_instance ("a", port, revision);
    dividere_mirror_change_t change = { EPOCH, revision, previous, kind,
                                        &instance };
    dividere_mirror_change (mirror, &change);
}

void
test_name_mirror_change (void)
{
    heard_t heard = { "", 0 };
    dividere_mirror_t *mirror = dividere_mirror_new ("clock", s_hear, &heard);
    CHECK (dividere_mirror_wants (mirror));
    s_change (mirror, 3, 0, DIVIDERE_REGISTRY_ADDED, 1);
    dividere_mirror_ask (mirror, false);
    CHECK (!dividere_mirror_wants (mirror));
    CHECK (s_give (mirror, 5, "12", false));
    CHECK_STR (s_heard (&heard), "+a1 +a2 F ");
    CHECK_INT (heard.revision, 5);
    CHECK (!dividere_mirror_wants (mirror));

    /* Old ones, and those of other names, change nothing.                   */
    s_change (mirror, 5, 4, DIVIDERE_REGISTRY_REMOVED, 1);
    dividere_instance_t other = s_instance ("a", 9, 1);
    other.name = "other";
    dividere_mirror_change_t change = { EPOCH, 6, 0, DIVIDERE_REGISTRY_ADDED,
                                        &other };
    dividere_mirror_change (mirror, &change);
    CHECK_STR (s_heard (&heard), "");
    s_change (mirror, 7, 5, DIVIDERE_REGISTRY_CHANGED, 1);
    s_change (mirror, 9, 7, DIVIDERE_REGISTRY_ADDED, 3);
    s_change (mirror, 10, 9, DIVIDERE_REGISTRY_REMOVED, 2);
    CHECK_STR (s_heard (&heard), "~a1 +a3 -a2 ");
    CHECK_INT (heard.revision, 10);
    dividere_mirror_state (mirror, EPOCH, 10);
    CHECK (!dividere_mirror_wants (mirror));

    /* All leave, and somebody comes: it follows from nobody.                */
    s_change (mirror, 11, 10, DIVIDERE_REGISTRY_REMOVED, 1);
    s_change (mirror, 12, 11, DIVIDERE_REGISTRY_REMOVED, 3);
    dividere_mirror_state (mirror, EPOCH, 0);
    CHECK (!dividere_mirror_wants (mirror));
    s_change (mirror, 20, 0, DIVIDERE_REGISTRY_ADDED, 4);
    CHECK_STR (s_heard (&heard), "-a1 -a3 +a4 ");
    CHECK_INT (dividere_mirror_count (mirror), 1);
    dividere_mirror_destroy (&mirror);
    dividere_mirror_destroy (&mirror);
}

/*  A mirror that knows a1 in revision 5.                                    */
static dividere_mirror_t *
s_mirror (const char *name, heard_t *heard)
{
    dividere_mirror_t *mirror = dividere_mirror_new (name, s_hear, heard);
    dividere_mirror_ask (mirror, true);
    CHECK (s_give (mirror, 5, "1", false));
    CHECK_STR (s_heard (heard), "+a1 F ");
    return mirror;
}

void
test_name_mirror_gaps (void)
{
    heard_t heard = { "", 0 };
    for (int gap = 0; gap < 6; gap++) {
        bool all = gap % 2;
        dividere_mirror_t *mirror = s_mirror (all ? "" : "clock", &heard);
        if (gap < 2)
            s_change (mirror, 7, 6, DIVIDERE_REGISTRY_ADDED, 2);
        else if (gap < 4)
            dividere_mirror_state (mirror, EPOCH, gap == 2 ? 0 : 6);
        else
            dividere_mirror_state (mirror, EPOCH + 1, 5);
        CHECK (dividere_mirror_wants (mirror));
        CHECK_STR (s_heard (&heard), "");
        dividere_mirror_ask (mirror, true);
        CHECK (s_give (mirror, 7, "-2", false));
        CHECK_STR (s_heard (&heard), "+a2 -a1 ");
        CHECK (!dividere_mirror_wants (mirror));
        dividere_mirror_destroy (&mirror);
    }
    /* What cannot be had is told once, and again after it could be.         */
    dividere_mirror_t *mirror = s_mirror ("clock", &heard);
    for (int i = 0; i < 2; i++) {
        dividere_mirror_ask (mirror, false);
        dividere_mirror_fail (mirror);
        CHECK (dividere_mirror_wants (mirror));
    }
    CHECK_STR (s_heard (&heard), "S ");
    dividere_mirror_ask (mirror, false);
    CHECK (s_give (mirror, 5, "1", false));
    CHECK_STR (s_heard (&heard), "F ");
    dividere_mirror_doubt (mirror);
    CHECK (dividere_mirror_wants (mirror));
    dividere_mirror_destroy (&mirror);
}

void
test_name_mirror_log (void)
{
    heard_t heard = { "", 0 };
    dividere_mirror_t *mirror = s_mirror ("clock", &heard);
    dividere_mirror_refresh (mirror);
    dividere_mirror_ask (mirror, true);

    /* Older and newer than the list; it is told what is different.          */
    s_change (mirror, 6, 5, DIVIDERE_REGISTRY_ADDED, 2);
    s_change (mirror, 7, 6, DIVIDERE_REGISTRY_REMOVED, 1);
    s_change (mirror, 8, 7, DIVIDERE_REGISTRY_ADDED, 3);
    dividere_mirror_state (mirror, EPOCH, 8);
    CHECK (s_give (mirror, 6, "16", false));
    CHECK_STR (s_heard (&heard), "+a2 +a3 -a1 ");
    CHECK_INT (heard.revision, 8);
    CHECK (!dividere_mirror_wants (mirror));

    /* One is missing between the list and the rest.                         */
    dividere_mirror_refresh (mirror);
    dividere_mirror_ask (mirror, true);
    s_change (mirror, 11, 10, DIVIDERE_REGISTRY_REMOVED, 2);
    CHECK (s_give (mirror, 8, "-68", false));
    CHECK (dividere_mirror_wants (mirror));

    /* The list is older than the state that changes are pushed from.        */
    dividere_mirror_ask (mirror, true);
    dividere_mirror_state (mirror, EPOCH, 12);
    CHECK (s_give (mirror, 11, "--8", false));
    CHECK (dividere_mirror_wants (mirror));

    /* More is pushed than it keeps.                                         */
    dividere_mirror_ask (mirror, true);
    for (unsigned i = 0; i < 20000; i++)
        s_change (mirror, 12 + i, 11 + i, DIVIDERE_REGISTRY_CHANGED, 3);
    CHECK (s_give (mirror, 11, "--8", false));
    CHECK (dividere_mirror_wants (mirror));
    dividere_mirror_destroy (&mirror);
}

void
test_name_mirror_pages (void)
{
    heard_t heard = { "", 0 };
    dividere_mirror_t *mirror = s_mirror ("", &heard);

    /* The first page is older than the last: what is between is needed.     */
    dividere_mirror_refresh (mirror);
    dividere_mirror_ask (mirror, true);
    CHECK (s_give (mirror, 6, "1", true));
    s_change (mirror, 7, 0, DIVIDERE_REGISTRY_REMOVED, 1);
    CHECK (s_give (mirror, 8, "--3", false));
    CHECK_STR (s_heard (&heard), "");
    CHECK (!dividere_mirror_wants (mirror));
    s_change (mirror, 8, 0, DIVIDERE_REGISTRY_ADDED, 2);
    CHECK_STR (s_heard (&heard), "+a3 +a2 -a1 ");
    CHECK (!dividere_mirror_wants (mirror));

    /* It has not come: the state says so.                                   */
    dividere_mirror_refresh (mirror);
    dividere_mirror_ask (mirror, true);
    CHECK (s_give (mirror, 9, "1", true));
    CHECK (s_give (mirror, 10, "-2", false));
    CHECK (!dividere_mirror_wants (mirror));
    dividere_mirror_state (mirror, EPOCH, 10);
    CHECK (dividere_mirror_wants (mirror));

    /* Pages of another epoch, of an older state, or that nobody asked for.  */
    for (int wrong = 0; wrong < 3; wrong++) {
        if (wrong < 2) {
            dividere_mirror_ask (mirror, true);
            CHECK (s_give (mirror, 9, "1", true));
        }
        dividere_instances_t *list = s_list ("1");
        CHECK (!dividere_mirror_list (mirror, EPOCH + (wrong == 0),
                                      wrong == 1 ? 8 : 9, &list, false));
        CHECK (dividere_mirror_wants (mirror));
    }
    dividere_mirror_destroy (&mirror);
}

/*  A name server in small, with two names, where messages to one mirror are on
 *  their way for a while, and may get lost.                                 */
#define PLACES 8
#define FLYING 64

typedef struct {
    uint64_t epoch;
    uint64_t revision;
    uint64_t names[2]; /* revisions; 0: nobody                              */
    uint64_t there[2][PLACES];  /* the number of an instance; 0: none       */
    uint64_t shadow[2][PLACES]; /* by what the mirror has told              */
    struct {
        dividere_mirror_change_t change;
        int name;
        int place;
        bool state;
    } flying[FLYING];
    size_t count;
    bool live;
    bool fresh;
} model_t;

static const char *const s_names[] = { "clock", "dial" };

static void
s_shadow (void *arg, dividere_registry_kind_t kind, uint64_t revision,
          const dividere_instance_t *instance)
{
    model_t *self = (model_t *) arg;
    (void) revision;
    if (kind >= DIVIDERE_REGISTRY_FRESH) {
        self->fresh = kind == DIVIDERE_REGISTRY_FRESH;
        return;
    }
    int name = strcmp (instance->name, s_names[0]) != 0;
    uint64_t *place = &self->shadow[name][instance->port - 1];
    CHECK ((*place != 0) == (kind != DIVIDERE_REGISTRY_ADDED));
    *place = kind == DIVIDERE_REGISTRY_REMOVED ? 0 : instance->instance;
}

static void
s_deliver (model_t *self, dividere_mirror_t *mirror)
{
    if (self->count == 0)
        return;
    dividere_instance_t instance = {
        .name = s_names[self->flying[0].name],
        .server = "a",
        .port = self->flying[0].place + 1,
        .instance = self->flying[0].change.revision,
    };
    self->flying[0].change.instance = &instance;
    if (self->flying[0].state)
        dividere_mirror_state (mirror, self->flying[0].change.epoch,
                               self->flying[0].change.revision);
    else
        dividere_mirror_change (mirror, &self->flying[0].change);
    memmove (self->flying, self->flying + 1,
             --self->count * sizeof (self->flying[0]));
}

static void
s_fly (model_t *self, dividere_mirror_t *mirror,
       const dividere_mirror_change_t *change, int name, int place)
{
    if (self->count == FLYING)
        s_deliver (self, mirror);
    self->flying[self->count].change = *change;
    self->flying[self->count].name = name;
    self->flying[self->count].place = place;
    self->flying[self->count++].state = place < 0;
}

static void
s_alter (model_t *self, dividere_mirror_t *mirror, uint64_t random)
{
    int name = (int) (random & 1), place = (int) (random >> 1 & (PLACES - 1));
    bool leaves = random & 32;
    uint64_t *there = &self->there[name][place];
    if (leaves && !*there)
        return;
    dividere_mirror_change_t change = {
        .epoch = self->epoch,
        .revision = ++self->revision,
        .previous = self->names[name],
        .kind = leaves   ? DIVIDERE_REGISTRY_REMOVED
                : *there ? DIVIDERE_REGISTRY_CHANGED
                         : DIVIDERE_REGISTRY_ADDED,
    };
    *there = leaves ? 0 : self->revision;
    self->names[name] = 0;
    for (int i = 0; i < PLACES; i++)
        if (self->there[name][i])
            self->names[name] = self->revision;
    if (self->live && random % 50)
        s_fly (self, mirror, &change, name, place);
}

static dividere_instances_t *
s_page (const model_t *self, int name)
{
    dividere_instances_t *list = dividere_instances_new ();
    for (int place = 0; place < PLACES; place++) {
        dividere_instance_t instance = { .name = s_names[name],
                                         .server = "a",
                                         .port = place + 1,
                                         .instance = self->there[name][place] };
        if (instance.instance)
            CHECK_INT (dividere_instances_add (list, &instance), 0);
    }
    return list;
}

/*  Where the watch of the name, or of all, stands.                          */
static void
s_state (model_t *self, dividere_mirror_t *mirror)
{
    bool all = !*dividere_mirror_name (mirror);
    dividere_mirror_change_t state = { .epoch = self->epoch,
                                       .revision = all ? self->revision
                                                       : self->names[0] };
    if (self->live)
        s_fly (self, mirror, &state, 0, -1);
}

/*  Lists it; between the pages of all, a few things happen.                 */
static void
s_refresh (model_t *self, dividere_mirror_t *mirror, uint64_t *random,
           bool quiet)
{
    bool all = !*dividere_mirror_name (mirror);
    dividere_mirror_ask (mirror, self->live);
    for (int name = 0; name <= (int) all; name++) {
        dividere_instances_t *list = s_page (self, name);
        uint64_t revision = all ? self->revision : self->names[0];
        uint64_t epoch = self->epoch;
        for (int i = 0; i < 3 && !quiet; i++)
            if (selftest_random (random) % 2)
                s_alter (self, mirror, selftest_random (random));
            else
                s_deliver (self, mirror);
        dividere_mirror_list (mirror, epoch, revision, &list, name < all);
    }
}

static void
s_step (model_t *self, dividere_mirror_t *mirror, uint64_t *random)
{
    uint64_t what = selftest_random (random) % 100;
    if (what < 50)
        s_alter (self, mirror, selftest_random (random));
    else if (what < 80)
        s_deliver (self, mirror);
    else if (what < 85)
        s_state (self, mirror);
    else if (what < 95 && dividere_mirror_wants (mirror))
        s_refresh (self, mirror, random, false);
    else if (what == 95 || what == 96) {
        self->live = !self->live;
        self->count = 0;
        if (!self->live)
            dividere_mirror_doubt (mirror);
        s_state (self, mirror);
    }
    else if (what == 97)
        dividere_mirror_fail (mirror);
    else if (what == 98 && selftest_random (random) % 5 == 0) {
        self->epoch++;
        self->revision = self->count = 0;
        memset (self->names, 0, sizeof (self->names));
        memset (self->there, 0, sizeof (self->there));
        self->live = false;
        dividere_mirror_doubt (mirror);
    }
}

/*  Once nothing changes any more, the mirror gets to know all.              */
static void
s_settle (model_t *self, dividere_mirror_t *mirror, uint64_t *random)
{
    self->live = true;
    for (int i = 0; i < 4; i++) {
        s_state (self, mirror);
        while (self->count)
            s_deliver (self, mirror);
        if (dividere_mirror_wants (mirror))
            s_refresh (self, mirror, random, true);
    }
    CHECK (!dividere_mirror_wants (mirror));
    CHECK (self->fresh);
    int names = *dividere_mirror_name (mirror) ? 1 : 2;
    for (int name = 0; name < names; name++)
        for (int place = 0; place < PLACES; place++)
            CHECK_INT (self->shadow[name][place], self->there[name][place]);
}

void
test_name_mirror_random (void)
{
    size_t rounds = selftest_scaled (400);
    for (uint64_t seed = 1; seed <= rounds; seed++) {
        uint64_t random = seed * 0x9E3779B97F4A7C15;
        model_t model = { .epoch = 1 };
        dividere_mirror_t *mirror =
            dividere_mirror_new (seed % 2 ? "" : "clock", s_shadow, &model);
        for (int i = 0; i < 10; i++) {
            for (int j = 0; j < 50; j++)
                s_step (&model, mirror, &random);
            s_settle (&model, mirror, &random);
        }
        dividere_mirror_destroy (&mirror);
    }
}
