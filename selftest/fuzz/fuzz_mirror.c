/* SPDX-License-Identifier: Apache-2.0 */

/*  What a name server tells a watcher, in any order: lists, pages, changes and
 *  states that fit and that do not. Whoever follows what the mirror tells knows
 *  the same as the mirror, and never hears what makes no sense.             */

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include "fuzz.h"
#include "name_mirror.h"

#define PLACES   6
#define LIST_MAX 8

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    bool all;
    bool there[PLACES];
    bool stale;
} fuzz_t;

static uint8_t
s_byte (fuzz_t *self)
{
    return self->at < self->end ? *self->at++ : 0;
}

static void
s_on_told (void *arg, dividere_registry_kind_t kind, uint64_t revision,
           const dividere_instance_t *instance)
{
    fuzz_t *self = (fuzz_t *) arg;
    size_t place = 0;
    if (kind == DIVIDERE_REGISTRY_FRESH || kind == DIVIDERE_REGISTRY_STALE) {
        assert (kind != DIVIDERE_REGISTRY_STALE || !self->stale);
        self->stale = kind == DIVIDERE_REGISTRY_STALE;
        return;
    }
    assert (instance->port >= 1 && instance->port <= PLACES);
    assert (self->all || strcmp (instance->name, "a") == 0);
    place = (size_t) instance->port - 1;
    assert (self->there[place] == (kind != DIVIDERE_REGISTRY_ADDED));
    self->there[place] = kind != DIVIDERE_REGISTRY_REMOVED;
}

/*  The place says the name, so that each is one.                            */
static dividere_instance_t
s_instance (fuzz_t *self)
{
    uint8_t byte = s_byte (self);
    int place = byte % (self->all ? PLACES : PLACES / 2);
    return (dividere_instance_t){ .name = place < PLACES / 2 ? "a" : "b",
                                  .server = "s",
                                  .port = place + 1,
                                  .instance = byte / PLACES % 3,
                                  .release = byte & 0x80 ? "1" : "",
                                  .native = true };
}

static void
s_list (fuzz_t *self, dividere_mirror_t *mirror)
{
    dividere_instances_t *list = dividere_instances_new ();
    for (int count = s_byte (self) % LIST_MAX; count > 0; count--) {
        dividere_instance_t instance = s_instance (self);
        dividere_instances_add (list, &instance);
    }
    uint8_t byte = s_byte (self);
    dividere_mirror_list (mirror, byte & 1, s_byte (self) % 16, &list,
                          byte & 2);
    dividere_instances_destroy (&list);
}

static void
s_change (fuzz_t *self, dividere_mirror_t *mirror)
{
    static const dividere_registry_kind_t s_kinds[] = {
        DIVIDERE_REGISTRY_ADDED, DIVIDERE_REGISTRY_REMOVED,
        DIVIDERE_REGISTRY_CHANGED
    };
    dividere_instance_t instance = s_instance (self);
    uint8_t byte = s_byte (self);
    const dividere_mirror_change_t change = {
        .epoch = byte & 1,
        .revision = s_byte (self) % 16,
        .previous = s_byte (self) % 16,
        .kind = s_kinds[byte / 2 % 3],
        .instance = &instance,
    };
    dividere_mirror_change (mirror, &change);
}

static void
s_step (fuzz_t *self, dividere_mirror_t *mirror)
{
    uint8_t byte = s_byte (self);
    switch (byte % 8) {
    case 0: dividere_mirror_ask (mirror, byte & 0x80); break;
    case 1: s_list (self, mirror); break;
    case 2: dividere_mirror_fail (mirror); break;
    case 3: dividere_mirror_doubt (mirror); break;
    case 4: dividere_mirror_refresh (mirror); break;
    case 5:
        dividere_mirror_state (mirror, byte >> 7, s_byte (self) % 16);
        break;
    default: s_change (self, mirror); break;
    }
}

void
fuzz_mirror (const uint8_t *data, size_t size)
{
    fuzz_t self = { .at = data, .end = data + size };
    self.all = s_byte (&self) & 1;
    dividere_mirror_t *mirror =
        dividere_mirror_new (self.all ? "" : "a", s_on_told, &self);
    while (self.at < self.end) {
        s_step (&self, mirror);
        size_t count = 0;
        for (int i = 0; i < PLACES; i++)
            count += self.there[i];
        assert (dividere_mirror_count (mirror) == count);
    }
    dividere_mirror_destroy (&mirror);
}
