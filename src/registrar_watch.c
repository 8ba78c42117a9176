/* SPDX-License-Identifier: Apache-2.0 */

/*  Watchers: what they say, and what they are told.                         */

#include <assert.h>
#include <string.h>
#include "registrar_internal.h"

#define NAME_BYTES 255
#define STATES_MAX 10000 /* names of one message; the others are passed over  */

typedef Dividere__Wire__NamesWatched__State state_t;

/*  The answer to what a watcher has said, and what it watches from here on.
 *  Names are those of the message; what cannot be a name is left out.       */
typedef struct {
    const char **names;
    size_t count;
    state_t *states;
    state_t **list;
} watched_t;

/*  A name may be there twice: each time it has its state.                   */
static bool
s_prepare (dividere_registrar_t *self, const Dividere__Wire__WatchNames *said,
           size_t count, zmq_msg_t *payload, watched_t *watched)
{
    dividere_arena_t *arena = self->arena;
    dividere_arena_reset (arena,
                          count * (sizeof (state_t) + 2 * sizeof (void *)) +
                              3 * DIVIDERE_ARENA_ALIGNMENT);
    watched->count = 0;
    watched->names =
        (const char **) dividere_arena_alloc (arena, count * sizeof (char *));
    watched->list =
        (state_t **) dividere_arena_alloc (arena, count * sizeof (state_t *));
    watched->states =
        (state_t *) dividere_arena_alloc (arena, count * sizeof (state_t));
    if (!watched->names || !watched->list || !watched->states)
        return false;
    for (size_t i = 0; i < count; i++) {
        state_t *state = watched->list[i] = &watched->states[i];
        dividere__wire__names_watched__state__init (state);
        state->name = said->names[i];
        if (strnlen (state->name, NAME_BYTES + 1) > NAME_BYTES)
            state->error = DIVIDERE_NAME_BAD_NAME;
        else if (dividere_registrar_denied (self, payload, DIVIDERE_RIGHT_WATCH,
                                            state->name))
            state->error = DIVIDERE_NAME_DENIED;
        else
            watched->names[watched->count++] = state->name;
    }
    return true;
}

static uint64_t
s_revision (const dividere_registrar_t *self, const char *name)
{
    if (!*name)
        return dividere_names_revision (self->names);
    const dividere_name_t *found = dividere_names_lookup (self->names, name);
    return found ? dividere_name_revision (found) : 0;
}

/*  The first so many of the names that can be are watched.                  */
static int
s_tell_states (dividere_registrar_t *self, watched_t *watched, size_t count,
               size_t among, zmq_msg_t *ret_frame)
{
    for (size_t i = 0; i < count; i++) {
        state_t *state = watched->list[i];
        if (state->error)
            continue;
        if (among > 0) {
            state->revision = s_revision (self, state->name);
            among--;
        }
        else
            state->error = DIVIDERE_NAME_FULL;
    }
    Dividere__Wire__NamesWatched answer = DIVIDERE__WIRE__NAMES_WATCHED__INIT;
    answer.epoch = self->epoch;
    answer.interval_ms = (uint32_t) self->limits.watchers.interval_ms;
    answer.states = watched->list;
    answer.n_states = count;
    return dividere_control_write (&answer.base, ret_frame);
}

/*  0, or -1: it makes no sense. True in ret_answered: the second frame is the
 *  answer.                                                                  */
static int
s_take (dividere_registrar_t *self, zmq_msg_t *frames, int64_t now_ms,
        bool *ret_answered)
{
    const ProtobufCMessage *message =
        dividere_control_read (&self->control, zmq_msg_data (&frames[1]),
                               zmq_msg_size (&frames[1]));
    const void *id = zmq_msg_data (&frames[0]);
    size_t id_size = zmq_msg_size (&frames[0]);
    if (!message ||
        message->descriptor != &dividere__wire__watch_names__descriptor)
        return -1;
    const Dividere__Wire__WatchNames *said =
        (const Dividere__Wire__WatchNames *) message;
    size_t count = said->n_names < STATES_MAX ? said->n_names : STATES_MAX;
    watched_t watched;
    if (!count) {
        dividere_watchers_remove (self->watchers, id, id_size);
        return 0;
    }
    if (!s_prepare (self, said, count, &frames[1], &watched))
        return -1;
    size_t among = dividere_watchers_set (self->watchers, id, id_size,
                                          watched.names, watched.count, now_ms);
    zmq_msg_t answer;
    if (s_tell_states (self, &watched, count, among, &answer) < 0)
        return -1;
    zmq_msg_move (&frames[1], &answer);
    zmq_msg_close (&answer);
    *ret_answered = true;
    return 0;
}

void
dividere_registrar_watch (dividere_registrar_t *self, zmq_msg_t *frames,
                          size_t count, int64_t now_ms)
{
    bool answered = false;
    if (count != 2 || s_take (self, frames, now_ms, &answered) < 0)
        self->counts.malformed++;
    if (answered)
        self->class.to_watcher (self->arg, frames, count);
    else
        dividere_registrar_close (frames, count);
}

static int
s_encode (dividere_registrar_t *self)
{
    static const Dividere__Wire__NameChanged__Kind s_kinds[] = {
        [DIVIDERE_REGISTRY_ADDED] = DIVIDERE__WIRE__NAME_CHANGED__KIND__ADDED,
        [DIVIDERE_REGISTRY_REMOVED] =
            DIVIDERE__WIRE__NAME_CHANGED__KIND__REMOVED,
        [DIVIDERE_REGISTRY_CHANGED] =
            DIVIDERE__WIRE__NAME_CHANGED__KIND__CHANGED,
    };
    const dividere_name_change_t *change = self->change;
    const dividere_instance_t *instance = change->instance;
    Dividere__Wire__NameChanged told = DIVIDERE__WIRE__NAME_CHANGED__INIT;
    told.epoch = self->epoch;
    told.revision = change->revision;
    told.previous = change->previous;
    told.kind = s_kinds[change->kind];
    told.name = (char *) (uintptr_t) instance->name;
    told.server = (char *) (uintptr_t) instance->server;
    told.port = (uint32_t) instance->port;
    told.peer_version = instance->native;
    told.instance = instance->instance;
    told.lease_ms = (uint32_t) instance->lease_ms;
    if (instance->release)
        told.release = (char *) (uintptr_t) instance->release;
    told.tags = (char **) (uintptr_t) instance->tags;
    told.n_tags = dividere_registrar_tags (instance->tags);
    return dividere_control_write (&told.base, &self->pushed);
}

/*  The bytes are shared by all watchers.                                    */
static void
s_push_to (void *arg, const void *id, size_t id_size)
{
    dividere_registrar_t *self = (dividere_registrar_t *) arg;
    if (!self->encoded && s_encode (self) < 0)
        return;
    self->encoded = true;
    zmq_msg_t frames[2];
    int rc = zmq_msg_init_size (&frames[0], id_size);
    assert (rc == 0);
    memcpy (zmq_msg_data (&frames[0]), id, id_size);
    zmq_msg_init (&frames[1]);
    zmq_msg_copy (&frames[1], &self->pushed);
    self->counts.pushed++;
    self->class.to_watcher (self->arg, frames, 2);
}

void
dividere_registrar_push (dividere_registrar_t *self,
                         const dividere_name_change_t *change)
{
    if (dividere_watchers_count (self->watchers) == 0)
        return;
    self->change = change;
    self->encoded = false;
    dividere_watchers_each (self->watchers, change->instance->name, s_push_to,
                            self);
    if (self->encoded)
        zmq_msg_close (&self->pushed);
}
