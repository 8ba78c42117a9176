/* SPDX-License-Identifier: Apache-2.0 */

/*  doc/commands.md against the actors themselves: each has the commands and
 *  settings that it is said to have and none of another's, and just the
 *  statistics.                                                             */

#include "selftest.h"
#include <czmq.h>
#include <dividere.h>

void test_commands (void);

#define WORD_MAX  40
#define WORDS_MAX 200
#define ROW_MAX   1000

static const dividere_handler_t s_handlers[] = { DIVIDERE_HANDLER_END };
static const dividere_worker_config_t s_worker = { .handlers = s_handlers };
static const dividere_service_config_t s_service = { .handlers = s_handlers };
static const dividere_process_config_t s_process = { .reactor = "none" };
static const dividere_child_t s_children[] = { { NULL } };
static const dividere_supervisor_config_t s_supervisor = { .children =
                                                               s_children };

static const struct {
    const char *name;
    zactor_fn *actor;
    const void *args;
} s_actors[] = {
    { "reactor", dividere_reactor, NULL },
    { "monitor", dividere_monitor, NULL },
    { "proxy", dividere_proxy, NULL },
    { "broker", dividere_broker, NULL },
    { "worker", dividere_worker, &s_worker },
    { "nameserver", dividere_nameserver, NULL },
    { "service", dividere_service, &s_service },
    { "recorder", dividere_recorder, NULL },
    { "process", dividere_process, &s_process },
    { "supervisor", dividere_supervisor, &s_supervisor },
};

#define ACTORS (sizeof (s_actors) / sizeof (s_actors[0]))

/*  A word of the first column, and the actors of the last, as bits.         */
typedef struct {
    char word[WORD_MAX];
    unsigned actors;
} entry_t;

typedef struct {
    entry_t entries[WORDS_MAX];
    size_t count;
} words_t;

/*  Those of the three tables, in order.                                     */
static words_t s_words[3];

enum { COMMANDS, SETTINGS, STATISTICS, TABLES };

static unsigned
s_bits (const char *column)
{
    unsigned bits = 0;
    for (size_t i = 0; i < ACTORS; i++) {
        size_t length = strlen (s_actors[i].name);
        for (const char *at = column; (at = strstr (at, s_actors[i].name));
             at += length)
            if (at[-1] == ' ' && (at[length] == ',' || at[length] == ' '))
                bits |= 1u << i;
    }
    if (strstr (column, " all "))
        bits = (1u << ACTORS) - 1;
    return bits;
}

static void
s_add (words_t *self, const char *word, size_t length, unsigned actors)
{
    CHECK (length < WORD_MAX);
    for (size_t i = 0; i < self->count; i++)
        if (strlen (self->entries[i].word) == length &&
            memcmp (self->entries[i].word, word, length) == 0) {
            self->entries[i].actors |= actors;
            return;
        }
    CHECK (self->count < WORDS_MAX);
    entry_t *entry = &self->entries[self->count++];
    memcpy (entry->word, word, length);
    entry->actors = actors;
}

/*  | `WORD`, `WORD` | ... | actor, actor |                                   */
static void
s_read_row (words_t *self, char *line)
{
    char *second = strchr (line + 1, '|');
    CHECK (second);
    *strrchr (line, '|') = '\0';
    char *last = strrchr (line, '|');
    CHECK (last);
    char column[ROW_MAX];
    snprintf (column, sizeof (column), "%s ", last + 1);
    unsigned actors = s_bits (column);
    if (!actors)
        selftest_fail (__FILE__, __LINE__, "no actor: %s", line);
    char *at = line, *end;
    while ((at = strchr (at, '`')) && at < second) {
        CHECK ((end = strchr (at + 1, '`')));
        s_add (self, at + 1, (size_t) (end - at - 1), actors);
        at = end + 1;
    }
}

static bool
s_read (void)
{
    FILE *file = fopen (DIVIDERE_DOC_DIR "/commands.md", "r");
    char line[ROW_MAX];
    int table = -1;
    if (!file)
        return false;
    while (fgets (line, sizeof (line), file))
        if (strncmp (line, "|---", 4) == 0)
            table++;
        else if (strncmp (line, "| `", 3) == 0 ||
                 strncmp (line, "| *`", 4) == 0) {
            CHECK (table >= 0 && table < TABLES);
            s_read_row (&s_words[table], line);
        }
    fclose (file);
    return true;
}

static const entry_t *
s_find (const words_t *self, const char *word)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp (self->entries[i].word, word) == 0)
            return &self->entries[i];
    return NULL;
}

static void
s_expect (bool is, const entry_t *entry, size_t actor, const char *table)
{
    if (is != (entry->actors >> actor & 1))
        selftest_fail (__FILE__, __LINE__, "%s: %s %s the %s", table,
                       entry->word, is ? "is missing for" : "is not of",
                       s_actors[actor].name);
}

/*  With so many arguments nothing is done, but said whether it is known.    */
static void
s_check_commands (zactor_t *actor, size_t index)
{
    for (size_t i = 0; i < s_words[COMMANDS].count; i++) {
        const entry_t *entry = &s_words[COMMANDS].entries[i];
        int rc = dividere_call (actor, NULL, SELFTEST_DEADLINE, entry->word,
                                "?", "?", "?", "?", NULL);
        CHECK (rc < 0);
        s_expect (errno != ENOSYS, entry, index, "commands");
    }
}

static void
s_check_settings (zactor_t *actor, size_t index)
{
    for (size_t i = 0; i < s_words[SETTINGS].count; i++) {
        const entry_t *entry = &s_words[SETTINGS].entries[i];
        int rc = dividere_call (actor, NULL, SELFTEST_DEADLINE, "SET",
                                entry->word, "\xff", NULL);
        s_expect (rc == 0 || errno != ENOENT, entry, index, "settings");
    }
}

static void
s_check_statistics (zactor_t *actor, size_t index)
{
    zmsg_t *values = NULL;
    CHECK_INT (dividere_call (actor, &values, SELFTEST_DEADLINE, "STATS", NULL),
               0);
    unsigned found = 0, documented = 0;
    while (zmsg_size (values)) {
        char *name = zmsg_popstr (values), *value = zmsg_popstr (values);
        const entry_t *entry = s_find (&s_words[STATISTICS], name);
        if (!entry)
            selftest_fail (__FILE__, __LINE__, "statistics: %s of the %s", name,
                           s_actors[index].name);
        s_expect (true, entry, index, "statistics");
        found++;
        freen (name);
        freen (value);
    }
    for (size_t i = 0; i < s_words[STATISTICS].count; i++)
        documented += s_words[STATISTICS].entries[i].actors >> index & 1;
    if (found != documented)
        selftest_fail (__FILE__, __LINE__, "statistics: the %s has %u, not %u",
                       s_actors[index].name, found, documented);
    zmsg_destroy (&values);
}

void
test_commands (void)
{
    if (!s_read ())
        selftest_skip ("the documentation is not here");
    for (size_t i = 0; i < ACTORS; i++) {
        zactor_t *actor =
            zactor_new (s_actors[i].actor, (void *) s_actors[i].args);
        CHECK (actor);
        s_check_commands (actor, i);
        s_check_statistics (actor, i);
        s_check_settings (actor, i);
        CHECK_INT (dividere_stop (&actor, SELFTEST_DEADLINE), 0);
    }
}
