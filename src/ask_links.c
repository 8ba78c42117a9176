/* SPDX-License-Identifier: Apache-2.0 */

/*  Slots, two rings, and a heap of those that are left alone.               */

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "ask_links.h"

#define OF_REST(deadline_)      \
    ((dividere_ask_link_t *) (( \
        char *) (deadline_) -offsetof (dividere_ask_link_t, rest)))

void
dividere_ask_links_init (dividere_ask_links_t *self, bool spread)
{
    memset (self, 0, sizeof (*self));
    self->spread = spread;
    dividere_deadlines_init (&self->rests);
}

void
dividere_ask_links_term (dividere_ask_links_t *self)
{
    dividere_deadlines_term (&self->rests);
    for (size_t i = 0; i < self->slots_count; i++)
        free (self->slots[i]);
    free (self->slots);
}

static void
s_drop (dividere_ask_link_t *link)
{
    dividere_ask_ring_t *ring = link->ring;
    if (!ring)
        return;
    if (link->previous)
        link->previous->next = link->next;
    else
        ring->first = link->next;
    if (link->next)
        link->next->previous = link->previous;
    else
        ring->last = link->previous;
    link->ring = NULL;
    link->previous = link->next = NULL;
}

static void
s_append (dividere_ask_ring_t *ring, dividere_ask_link_t *link)
{
    link->ring = ring;
    link->previous = ring->last;
    if (ring->last)
        ring->last->next = link;
    else
        ring->first = link;
    ring->last = link;
}

/*  It may be free now. Who has a turn keeps it.                             */
static void
s_offer (dividere_ask_links_t *self, dividere_ask_link_t *link)
{
    if (self->spread && !link->ring)
        s_append (link->retired || link->doubted ? &self->retired
                                                 : &self->ready,
                  link);
}

static size_t
s_slot (dividere_ask_links_t *self)
{
    for (size_t i = 0; i < self->slots_count; i++)
        if (!self->slots[i])
            return i;
    size_t count = self->slots_count ? 2 * self->slots_count : 4;
    self->slots =
        (dividere_ask_link_t **) realloc (self->slots,
                                          count * sizeof (*self->slots));
    assert (self->slots);
    memset (self->slots + self->slots_count, 0,
            (count - self->slots_count) * sizeof (*self->slots));
    size_t slot = self->slots_count;
    self->slots_count = count;
    return slot;
}

dividere_ask_link_t *
dividere_ask_links_add (dividere_ask_links_t *self, bool native)
{
    dividere_ask_link_t *link =
        (dividere_ask_link_t *) calloc (1, sizeof (*link));
    assert (link);
    link->index = s_slot (self);
    link->sent.link = link;
    link->full = true;
    link->known = link->native = native;
    self->slots[link->index] = link;
    self->count++;
    self->natives += native;
    return link;
}

static void
s_count_open (dividere_ask_links_t *self, const dividere_ask_link_t *link,
              bool opened)
{
    if (link->full || link->retired || link->doubted)
        return;
    if (opened)
        self->open++;
    else
        self->open--;
}

void
dividere_ask_links_retire (dividere_ask_links_t *self,
                           dividere_ask_link_t *link, bool retired)
{
    s_count_open (self, link, false);
    link->retired = retired;
    s_count_open (self, link, true);
    s_drop (link);
    s_offer (self, link);
}

size_t
dividere_ask_links_first (const dividere_ask_links_t *self)
{
    return self->spread ? DIVIDERE_ASK_LINK_NONE : self->preferred;
}

size_t
dividere_ask_links_after (const dividere_ask_links_t *self, size_t index)
{
    if (self->spread)
        return index;
    for (size_t i = 1; i <= self->slots_count; i++) {
        size_t slot = (index + i) % self->slots_count;
        if (self->slots[slot])
            return slot;
    }
    return index;
}

/*  It is not preferred any more.                                            */
static void
s_demote (dividere_ask_links_t *self, size_t index)
{
    if (self->preferred == index)
        self->preferred = dividere_ask_links_after (self, index);
}

static void
s_set_doubted (dividere_ask_links_t *self, dividere_ask_link_t *link,
               bool doubted)
{
    s_count_open (self, link, false);
    link->doubted = doubted;
    s_count_open (self, link, true);
    s_drop (link);
    s_offer (self, link);
}

/*  One that is not known has one request at a time as it is.                */
void
dividere_ask_links_silent (dividere_ask_links_t *self,
                           dividere_ask_link_t *link, int64_t now_ms)
{
    s_demote (self, link->index);
    if (!self->spread || !link->known || link->doubted)
        return;
    s_set_doubted (self, link, true);
    dividere_deadlines_set (&self->rests, &link->rest,
                            now_ms + DIVIDERE_ASKS_PATIENCE_MS);
}

void
dividere_ask_links_remove (dividere_ask_links_t *self,
                           dividere_ask_link_t *link)
{
    assert (!link->sent.count);
    s_count_open (self, link, false);
    s_drop (link);
    dividere_deadlines_remove (&self->rests, &link->rest);
    s_demote (self, link->index);
    self->slots[link->index] = NULL;
    self->count--;
    self->natives -= link->native;
    free (link);
}

int
dividere_ask_links_refusal (const dividere_ask_links_t *self)
{
    int error = 0;
    for (size_t i = 0; i < self->slots_count; i++) {
        const dividere_ask_link_t *link = self->slots[i];
        if (link && !link->refused)
            return 0;
        if (link)
            error = link->refused;
    }
    return error;
}

void
dividere_ask_links_full (dividere_ask_links_t *self, dividere_ask_link_t *link)
{
    s_count_open (self, link, false);
    link->full = true;
}

void
dividere_ask_links_room (dividere_ask_links_t *self, dividere_ask_link_t *link)
{
    if (!link->full)
        return;
    link->full = false;
    s_count_open (self, link, true);
    s_offer (self, link);
}

static bool
s_free (const dividere_ask_link_t *link, int64_t now_ms)
{
    return !link->full && (link->known || (link->sent.count == 0 &&
                                           link->patience_ms <= now_ms));
}

static dividere_ask_link_t *
s_next_preferred (const dividere_ask_links_t *self, size_t from, bool native,
                  int64_t now_ms)
{
    for (size_t i = 0; i < self->slots_count; i++) {
        dividere_ask_link_t *link = self->slots[(from + i) % self->slots_count];
        if (link && (!link->retired || !self->open) &&
            (link->native || !native) && s_free (link, now_ms))
            return link;
    }
    return NULL;
}

/*  The first that is free, from one of a ring on.                           */
static dividere_ask_link_t *
s_next_free (dividere_ask_link_t *link, bool native, int64_t now_ms)
{
    while (link && (!s_free (link, now_ms) || (native && !link->native))) {
        dividere_ask_link_t *next = link->next;
        if (!s_free (link, now_ms))
            s_drop (link);
        link = next;
    }
    return link;
}

static dividere_ask_link_t *
s_next_in_turn (dividere_ask_links_t *self, size_t tried, bool native,
                int64_t now_ms)
{
    dividere_ask_link_t *link = s_next_free (self->ready.first, native, now_ms);
    if (!link && !self->open)
        link = s_next_free (self->retired.first, native, now_ms);
    if (!link || link->index != tried)
        return link;
    dividere_ask_link_t *other = s_next_free (link->next, native, now_ms);
    return other ? other : link;
}

dividere_ask_link_t *
dividere_ask_links_next (dividere_ask_links_t *self, size_t from, bool native,
                         int64_t now_ms)
{
    dividere_deadline_t *rest;
    while ((rest = dividere_deadlines_due (&self->rests, now_ms))) {
        dividere_ask_link_t *link = OF_REST (rest);
        if (link->doubted && !link->retired) {
            s_drop (link);
            s_append (&self->ready, link);
        }
        else
            s_offer (self, link);
    }
    return self->spread ? s_next_in_turn (self, from, native, now_ms)
                        : s_next_preferred (self, from, native, now_ms);
}

void
dividere_ask_links_sent (dividere_ask_links_t *self, dividere_ask_link_t *link,
                         uint64_t number, int64_t now_ms)
{
    link->last = number;
    if (!link->known || link->doubted) {
        link->patience_ms = now_ms + DIVIDERE_ASKS_PATIENCE_MS;
        dividere_deadlines_set (&self->rests, &link->rest, link->patience_ms);
    }
    if (!link->ring || (link->ring->last == link && !link->doubted))
        return;
    s_drop (link);
    s_offer (self, link);
}

void
dividere_ask_links_left (dividere_ask_links_t *self, dividere_ask_link_t *link)
{
    if (!link->sent.count)
        s_offer (self, link);
}

void
dividere_ask_links_answered (dividere_ask_links_t *self,
                             dividere_ask_link_t *link, uint64_t number,
                             bool known)
{
    link->known |= known;
    if (!link->known && number != link->last)
        return;
    link->patience_ms = 0;
    dividere_deadlines_remove (&self->rests, &link->rest);
    if (link->doubted)
        s_set_doubted (self, link, false);
    s_offer (self, link);
}

void
dividere_ask_links_lost (dividere_ask_links_t *self, dividere_ask_link_t *link)
{
    link->known = link->native;
    if (link->doubted)
        s_set_doubted (self, link, false);
    s_demote (self, link->index);
}

int64_t
dividere_ask_links_due (const dividere_ask_links_t *self)
{
    return dividere_deadlines_next (&self->rests);
}
