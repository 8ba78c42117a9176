/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <czmq.h>
#include "rights.h"
#include "utf8.h"

#define WORDS_MAX 1000
#define BLANKS    " \t\r"
#define ALL       ((1u << DIVIDERE_RIGHTS) - 1)

/*  A right to one object, or to all that begin so.                          */
typedef struct rule_t {
    struct rule_t *next;
    unsigned rights; /* a bit each                                          */
    bool prefix;
    char object[]; /* without the "*"                                        */
} rule_t;

/*  Who has a name: one key, or the members of a group.                      */
typedef struct {
    char *name;
    char *key;        /* NULL: a group                                       */
    zlistx_t *others; /* of a group; not ours                                */
    rule_t *rules;    /* of a key                                            */
} party_t;

struct dividere_rights_t {
    zhashx_t *names; /* of party_t, ours                                     */
    zhashx_t *keys;  /* those that have one                                  */
    rule_t *rules;   /* of all                                               */
};

/*  What is being read.                                                      */
typedef struct {
    dividere_rights_t *rights;
    char **words; /* of the line                                             */
    size_t count;
} parser_t;

static const char *const s_texts[DIVIDERE_RIGHTS + 1] = {
    "publish", "subscribe", "request", "serve", "register",
    "lookup",  "watch",     "stats",   NULL
};

const char *
dividere_right_text (dividere_right_t right)
{
    return right < DIVIDERE_RIGHTS ? s_texts[right] : "";
}

int
dividere_right_parse (const char *text)
{
    for (int i = 0; i < DIVIDERE_RIGHTS; i++)
        if (strcmp (s_texts[i], text) == 0)
            return i;
    return -1;
}

bool
dividere_key_valid (const char *text)
{
    uint8_t key[32];
    return strlen (text) == DIVIDERE_KEY_SIZE && zmq_z85_decode (key, text);
}

static void
s_free_rules (rule_t *rule)
{
    while (rule) {
        rule_t *next = rule->next;
        free (rule);
        rule = next;
    }
}

static void
s_free_party (void **party_p)
{
    party_t *party = (party_t *) *party_p;
    s_free_rules (party->rules);
    zlistx_destroy (&party->others);
    free (party->name);
    free (party->key);
    free (party);
    *party_p = NULL;
}

static dividere_rights_t *
s_new (void)
{
    dividere_rights_t *self = (dividere_rights_t *) zmalloc (sizeof (*self));
    self->names = zhashx_new ();
    self->keys = zhashx_new ();
    zhashx_set_destructor (self->names, s_free_party);
    return self;
}

void
dividere_rights_destroy (dividere_rights_t **self_p)
{
    dividere_rights_t *self = *self_p;
    if (!self)
        return;
    zhashx_destroy (&self->keys);
    zhashx_destroy (&self->names);
    s_free_rules (self->rules);
    free (self);
    *self_p = NULL;
}

static party_t *
s_add_party (dividere_rights_t *self, const char *name)
{
    party_t *party = (party_t *) zmalloc (sizeof (*party));
    party->name = strdup (name);
    assert (party->name);
    zhashx_insert (self->names, name, party);
    return party;
}

static const char *
s_read_name (const dividere_rights_t *self, const char *name)
{
    if (strcmp (name, "*") == 0)
        return "\"*\" is everybody's name";
    return zhashx_lookup (self->names, name) ? "the name is there already"
                                             : NULL;
}

/*  key NAME KEY                                                             */
static const char *
s_read_key (parser_t *self)
{
    dividere_rights_t *rights = self->rights;
    if (self->count != 3)
        return "it is \"key NAME KEY\"";
    const char *wrong = s_read_name (rights, self->words[1]);
    if (wrong)
        return wrong;
    if (!dividere_key_valid (self->words[2]))
        return "a key has 40 characters of Z85";
    if (zhashx_lookup (rights->keys, self->words[2]))
        return "the key has a name already";
    party_t *party = s_add_party (rights, self->words[1]);
    party->key = strdup (self->words[2]);
    assert (party->key);
    zhashx_insert (rights->keys, party->key, party);
    return NULL;
}

/*  group NAME MEMBER ...                                                    */
static const char *
s_read_group (parser_t *self)
{
    dividere_rights_t *rights = self->rights;
    if (self->count < 2)
        return "it is \"group NAME MEMBER ...\"";
    const char *wrong = s_read_name (rights, self->words[1]);
    if (wrong)
        return wrong;
    zlistx_t *others = zlistx_new ();
    for (size_t i = 2; i < self->count; i++) {
        party_t *member =
            (party_t *) zhashx_lookup (rights->names, self->words[i]);
        if (!member) {
            zlistx_destroy (&others);
            return "a member has no name yet";
        }
        zlistx_add_end (others, member);
    }
    s_add_party (rights, self->words[1])->others = others;
    return NULL;
}

static void
s_add_rule (rule_t **rules_p, unsigned rights, const char *object)
{
    size_t size = strlen (object);
    rule_t *rule = (rule_t *) zmalloc (sizeof (*rule) + size + 1);
    rule->rights = rights;
    rule->prefix = size && object[size - 1] == '*';
    memcpy (rule->object, object, size - rule->prefix);
    rule->next = *rules_p;
    *rules_p = rule;
}

static void
s_grant (party_t *party, unsigned rights, const char *object)
{
    if (party->key) {
        s_add_rule (&party->rules, rights, object);
        return;
    }
    party_t *other = (party_t *) zlistx_first (party->others);
    for (; other; other = (party_t *) zlistx_next (party->others))
        s_grant (other, rights, object);
}

/*  allow WHO ACTION [OBJECT]                                                */
static const char *
s_read_allow (parser_t *self)
{
    dividere_rights_t *rights = self->rights;
    if (self->count < 3 || self->count > 4)
        return "it is \"allow WHO ACTION [OBJECT]\"";
    int right = dividere_right_parse (self->words[2]);
    bool every = strcmp (self->words[2], "*") == 0;
    if (right < 0 && !every)
        return "an action is publish, subscribe, request, serve, register, "
               "lookup, watch, stats or *";
    unsigned mask = every ? ALL : 1u << right;
    const char *object = self->count == 4 ? self->words[3] : "*";
    if (strcmp (self->words[1], "*") == 0) {
        s_add_rule (&rights->rules, mask, object);
        return NULL;
    }
    party_t *party = (party_t *) zhashx_lookup (rights->names, self->words[1]);
    if (!party)
        return "nobody has this name yet";
    s_grant (party, mask, object);
    return NULL;
}

static const char *
s_read_line (parser_t *self, char *line)
{
    static const struct {
        const char *word;
        const char *(*read) (parser_t *self);
    } s_lines[] = { { "key", s_read_key },
                    { "group", s_read_group },
                    { "allow", s_read_allow } };
    char *rest = NULL;
    self->count = 0;
    char *word = strtok_r (line, BLANKS, &rest);
    for (; word && *word != '#'; word = strtok_r (NULL, BLANKS, &rest)) {
        if (self->count == WORDS_MAX)
            return "too many words";
        self->words[self->count++] = word;
    }
    if (!self->count)
        return NULL;
    for (size_t i = 0; i < sizeof (s_lines) / sizeof (*s_lines); i++)
        if (strcmp (s_lines[i].word, self->words[0]) == 0)
            return s_lines[i].read (self);
    return "it begins with key, group or allow";
}

dividere_rights_t *
dividere_rights_parse (const char *text, size_t size,
                       char ret_error[DIVIDERE_RIGHTS_ERROR_MAX])
{
    char *words[WORDS_MAX];
    parser_t self = { .rights = s_new (), .words = words };
    const char *wrong = NULL;
    if (!dividere_utf8_valid (text, size)) {
        wrong = "it is not UTF-8";
        snprintf (ret_error, DIVIDERE_RIGHTS_ERROR_MAX, "%s", wrong);
    }
    char *copy = strndup (text, size);
    assert (copy);
    char *rest = copy;
    for (size_t number = 1; !wrong && rest; number++) {
        char *line = strsep (&rest, "\n");
        wrong = s_read_line (&self, line);
        if (wrong)
            snprintf (ret_error, DIVIDERE_RIGHTS_ERROR_MAX, "line %zu: %s",
                      number, wrong);
    }
    free (copy);
    if (wrong) {
        dividere_rights_destroy (&self.rights);
        errno = EINVAL;
    }
    return self.rights;
}

const char *
dividere_rights_name (const dividere_rights_t *self, const char *key)
{
    const party_t *party = (const party_t *) zhashx_lookup (self->keys, key);
    return party ? party->name : NULL;
}

static bool
s_allowed (const rule_t *rule, dividere_right_t right, const char *object)
{
    for (; rule; rule = rule->next) {
        if (!(rule->rights & 1u << right))
            continue;
        if (!object || (rule->prefix && strncmp (rule->object, object,
                                                 strlen (rule->object)) == 0))
            return true;
        if (!rule->prefix && strcmp (rule->object, object) == 0)
            return true;
    }
    return false;
}

bool
dividere_rights_allow (const dividere_rights_t *self, const char *key,
                       dividere_right_t right, const char *object)
{
    const party_t *party = (const party_t *) zhashx_lookup (self->keys, key);
    return party && (s_allowed (party->rules, right, object) ||
                     s_allowed (self->rules, right, object));
}

size_t
dividere_rights_count (const dividere_rights_t *self)
{
    return zhashx_size (self->keys);
}
