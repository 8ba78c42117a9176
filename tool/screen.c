/* SPDX-License-Identifier: Apache-2.0 */

#include "screen.h"
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ncurses.h>

#define LOOK_MS 100 /* for a signal, and a new size of the window             */

typedef struct {
    sampler_t *sampler;
    size_t chosen; /* the line of the table                                  */
    size_t top;    /* the first line that is shown                           */
    bool detail;   /* all of the chosen one, instead of the table            */
} view_t;

/*  As much as there is room for, the rest of the line empty.                 */
static void
s_put (int row, attr_t attributes, const char *line)
{
    attrset (attributes);
    mvaddnstr (row, 0, line, COLS);
    clrtoeol ();
    attrset (A_NORMAL);
}

static attr_t
s_color (int pair, attr_t otherwise)
{
    return has_colors () ? (attr_t) COLOR_PAIR (pair) : otherwise;
}

static void
s_draw_table (view_t *self)
{
    char line[TABLE_LINE];
    size_t count = sampler_count (self->sampler);
    size_t rows = LINES > 3 ? (size_t) LINES - 3 : 1;
    if (self->chosen >= count)
        self->chosen = count ? count - 1 : 0;
    if (self->chosen < self->top)
        self->top = self->chosen;
    if (self->chosen >= self->top + rows)
        self->top = self->chosen - rows + 1;
    table_head (line);
    s_put (1, A_REVERSE, line);
    for (size_t i = self->top; i < count && i < self->top + rows; i++) {
        sampled_t sampled;
        sampler_at (self->sampler, i, &sampled);
        table_line (&sampled, line);
        attr_t look = *sampled.trouble ? s_color (1, A_DIM) : A_NORMAL;
        if (i == self->chosen)
            look |= A_BOLD;
        s_put (2 + (int) (i - self->top), look, line);
    }
}

/*  Its figures in as many columns as fit.                                   */
static void
s_draw_detail (view_t *self)
{
    char line[TABLE_LINE];
    sampled_t sampled;
    if (self->chosen >= sampler_count (self->sampler))
        return;
    sampler_at (self->sampler, self->chosen, &sampled);
    const sample_t *sample = sampled.sample;
    table_line (&sampled, line);
    s_put (1, A_REVERSE, line);
    int rows = LINES > 4 ? LINES - 4 : 1, width = 44;
    for (size_t i = 0; i < sample->count; i++) {
        const figure_t *figure = &sample->figures[i];
        int column = (int) i / rows * width;
        if (column + width > COLS && column > 0)
            break;
        snprintf (line, sizeof (line), "%.24s%s%.16s", figure->name,
                  *figure->type ? " " : "", figure->type);
        for (char *at = line; *at; at++)
            if (*at < ' ' || *at > '~')
                *at = '?';
        mvprintw (3 + (int) i % rows, column, "%-28.28s %12" PRIu64, line,
                  figure->value);
    }
}

static void
s_draw (view_t *self)
{
    char line[TABLE_LINE];
    erase ();
    table_summary (self->sampler, line);
    s_put (0, s_color (2, A_BOLD), line);
    if (self->detail)
        s_draw_detail (self);
    else
        s_draw_table (self);
    s_put (LINES - 1, A_DIM,
           self->detail ? "Enter: back  q: end"
                        : "arrows: choose  Enter: all of one  q: end");
    refresh ();
}

/*  False: it ends.                                                          */
static bool
s_press (view_t *self, int key)
{
    switch (key) {
    case 'q':
    case 'Q':
    case 3: return false;
    case KEY_UP:
    case 'k': self->chosen -= self->chosen > 0; break;
    case KEY_DOWN:
    case 'j': self->chosen++; break;
    case KEY_HOME: self->chosen = 0; break;
    case KEY_END: self->chosen = sampler_count (self->sampler); break;
    case '\n':
    case '\r':
    case KEY_ENTER: self->detail = !self->detail; break;
    default: break;
    }
    return true;
}

static bool
s_press_all (view_t *self)
{
    int key;
    while ((key = getch ()) != ERR)
        if (!s_press (self, key))
            return false;
    return true;
}

int
screen_run (const command_t *command, sampler_t *sampler, int interval_ms)
{
    view_t self = { .sampler = sampler };
    SCREEN *screen = newterm (NULL, stdout, stdin);
    if (!screen) {
        const char *terminal = getenv ("TERM");
        return command_fail (command, "the terminal \"%s\" is not known",
                             terminal ? terminal : "");
    }
    raw ();
    noecho ();
    nodelay (stdscr, TRUE);
    keypad (stdscr, TRUE);
    curs_set (0);
    if (has_colors ()) {
        start_color ();
        use_default_colors ();
        init_pair (1, COLOR_RED, -1);
        init_pair (2, COLOR_GREEN, -1);
    }
    do {
        s_draw (&self);
        sampler_wait (sampler, STDIN_FILENO, zclock_mono () + LOOK_MS);
    }
    while (s_press_all (&self) && !command_ended () && !feof (stdin));
    /* Where the terminal keeps the picture, the shell goes on below it.     */
    s_put (LINES - 1, A_NORMAL, "");
    refresh ();
    endwin ();
    delscreen (screen);
    return 0;
}
