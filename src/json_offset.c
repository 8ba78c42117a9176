/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>
#include <stdbool.h>
#include "json_offset.h"

typedef struct {
    const char *at;
    const char *end;
} cursor_t;

static void
s_skip_space (cursor_t *self)
{
    while (self->at < self->end && strchr (" \t\r\n,:", *self->at))
        self->at++;
}

static void
s_skip_string (cursor_t *self)
{
    for (self->at++; self->at < self->end && *self->at != '"'; self->at++)
        if (*self->at == '\\')
            self->at++;
    self->at++;
}

/*  Any value, with all that is in it: what opens is closed again.           */
static void
s_skip_value (cursor_t *self)
{
    size_t open = 0;
    do {
        s_skip_space (self);
        if (self->at >= self->end)
            return;
        char first = *self->at;
        if (first == '"')
            s_skip_string (self);
        else if (first == '{' || first == '[') {
            open++;
            self->at++;
        }
        else if (first == '}' || first == ']') {
            open -= open > 0;
            self->at++;
        }
        else
            while (self->at < self->end && !strchr (" \t\r\n,:]}", *self->at))
                self->at++;
    }
    while (open && self->at < self->end);
}

static void
s_enter (cursor_t *self, const dividere_json_step_t *step)
{
    if (step->up)
        s_enter (self, step->up);
    s_skip_space (self);
    self->at++; /* The bracket.                                              */
    for (size_t i = 0; i < step->index; i++) {
        s_skip_value (self);
        if (step->name)
            s_skip_value (self);
    }
    if (step->name)
        s_skip_value (self);
    s_skip_space (self);
}

size_t
dividere_json_offset (const char *text, size_t size,
                      const dividere_json_step_t *last)
{
    cursor_t self = { text, text + size };
    if (last)
        s_enter (&self, last);
    else
        s_skip_space (&self);
    return self.at < self.end ? (size_t) (self.at - text) : size;
}
