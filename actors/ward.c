/* SPDX-License-Identifier: Apache-2.0 */

/*  An actor says two things on its pipe: replies, each with the tag of its
 *  command, and CZMQ's signal when it has ended. One command is under way at a
 *  time; a reply with another tag is that of one that was given up.         */

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include "frame.h"
#include "ward.h"

const char *
dividere_ward_line (const dividere_ward_t *self)
{
    return self->child->setup ? self->child->setup[self->line] : NULL;
}

static int
s_send (dividere_ward_t *self, zmsg_t *frames)
{
    snprintf (self->tag, sizeof (self->tag), "#%u", self->serial++);
    zmsg_pushstr (frames, self->tag);
    DIVIDERE_HAND_OVER (&dividere_actor_pipes);
    if (zmsg_send (&frames, self->actor) == 0)
        return 0;
    int error = errno;
    zmsg_destroy (&frames);
    *self->tag = 0;
    return error;
}

static zmsg_t *
s_words (const char *line)
{
    zmsg_t *frames = zmsg_new ();
    char *copy = strdup (line), *rest = NULL;
    assert (copy);
    for (char *word = strtok_r (copy, " ", &rest); word;
         word = strtok_r (NULL, " ", &rest))
        zmsg_addstr (frames, word);
    freen (copy);
    return frames;
}

static dividere_outcome_t
s_set_up (dividere_ward_t *self)
{
    const char *line = dividere_ward_line (self);
    if (!line)
        return DIVIDERE_WARD_UP;
    self->error = s_send (self, s_words (line));
    return self->error ? DIVIDERE_WARD_FAILED : DIVIDERE_WARD_NOTHING;
}

/*  CZMQ waits until the actor says that it is ready, as each does at once; from
 *  then on nothing waits at the pipe, zactor_destroy included.              */
dividere_outcome_t
dividere_ward_start (dividere_ward_t *self)
{
    dividere_actor_busy (self->parent, self->child->name);
    self->actor = zactor_new (self->child->actor, self->child->args);
    assert (self->actor);
    DIVIDERE_TAKE_OVER (&dividere_actor_pipes);
    dividere_actor_busy (self->parent, NULL);
    zsock_set_sndtimeo (zactor_sock (self->actor), 0);
    zsock_set_rcvtimeo (zactor_sock (self->actor), 0);
    self->line = 0;
    return s_set_up (self);
}

static int
s_pop_status (zmsg_t *reply)
{
    char *text = zmsg_popstr (reply);
    bool fine = text && streq (text, "0");
    long error = text ? strtol (text, NULL, 10) : 0;
    freen (text);
    return fine ? 0 : error > 0 && error < INT_MAX ? (int) error : EPROTO;
}

/*  Tag, status, values. Takes the reply.                                    */
static dividere_outcome_t
s_handle_reply (dividere_ward_t *self, zmsg_t *reply)
{
    zframe_t *first = zmsg_first (reply);
    if (!*self->tag || !first || !zframe_streq (first, self->tag)) {
        zmsg_destroy (&reply);
        return DIVIDERE_WARD_NOTHING;
    }
    *self->tag = 0;
    first = zmsg_pop (reply);
    zframe_destroy (&first);
    int error = s_pop_status (reply);
    if (self->call.due) {
        dividere_actor_answer (self->parent, &self->call, error, reply);
        return DIVIDERE_WARD_NOTHING;
    }
    zmsg_destroy (&reply);
    self->error = error;
    if (error)
        return DIVIDERE_WARD_FAILED;
    self->line++;
    return s_set_up (self);
}

dividere_outcome_t
dividere_ward_read (dividere_ward_t *self)
{
    zmsg_t *message = zmsg_recv (self->actor);
    DIVIDERE_TAKE_OVER (&dividere_actor_pipes);
    if (!message)
        return DIVIDERE_WARD_NOTHING;
    if (zmsg_signal (message) < 0)
        return s_handle_reply (self, message);
    zmsg_destroy (&message);
    return DIVIDERE_WARD_ENDED;
}

int
dividere_ward_call (dividere_ward_t *self, char **words, size_t count)
{
    if (*self->tag)
        return EAGAIN;
    zmsg_t *frames = zmsg_new ();
    for (size_t i = 0; i < count; i++)
        zmsg_addstr (frames, words[i]);
    int error = s_send (self, frames);
    if (error == 0)
        dividere_actor_defer (self->parent, &self->call);
    return error;
}

void
dividere_ward_term (dividere_ward_t *self)
{
    dividere_actor_busy (self->parent, self->child->name);
    if (!self->call.due)
        *self->tag = 0;
    DIVIDERE_HAND_OVER (&dividere_actor_pipes);
    zstr_send (self->actor, "$TERM");
}

zactor_t *
dividere_ward_part (dividere_ward_t *self)
{
    zactor_t *actor = self->actor;
    self->actor = NULL;
    *self->tag = 0;
    dividere_actor_answer (self->parent, &self->call, ECANCELED, NULL);
    dividere_actor_busy (self->parent, NULL);
    return actor;
}
