/* SPDX-License-Identifier: Apache-2.0 */

/*  Text into an object, word by word, with the descriptor in hand.          */

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dividere/text.h>
#include "build.h"
#include "plain.h"
#include "reason.h"
#include "text_lexer.h"

#define DEPTH_MAX 100
#define WORD_MAX  400 /* of a number, or a name                              */

typedef struct {
    dividere_text_lexer_t lexer;
    const char *text;
    const ProtobufCFieldDescriptor *field; /* that is read, or NULL          */
    unsigned depth;
    char **ret_reason;
} parse_t;

static int s_read_fields (parse_t *self, const ProtobufCMessageDescriptor *type,
                          const char *close, ProtobufCMessage **ret);

/*  Says what is wrong at the word. -1.                                      */
static int __attribute__ ((format (printf, 3, 4)))
s_fail (parse_t *self, int error, const char *format, ...)
{
    char what[500];
    va_list args;
    va_start (args, format);
    vsnprintf (what, sizeof (what), format, args);
    va_end (args);
    return dividere_reason (self->ret_reason, error,
                            "%s%.200s%s%s, at offset %zu",
                            self->field ? "field " : "",
                            self->field ? self->field->name : "",
                            self->field ? ": " : "", what,
                            (size_t) (self->lexer.word - self->text));
}

static int
s_unexpected (parse_t *self, const char *expected)
{
    const dividere_text_lexer_t *lexer = &self->lexer;
    if (lexer->kind == DIVIDERE_TEXT_END)
        return s_fail (self, EINVAL, "%s is missing", expected);
    return s_fail (self, EINVAL, "%s is expected, not %.*s", expected,
                   (int) (lexer->size < 40 ? lexer->size : 40), lexer->word);
}

/*  Passes over a word if it is this one.                                    */
static bool
s_pass (parse_t *self, const char *word)
{
    bool is = dividere_text_lexer_is (&self->lexer, word);
    if (is)
        dividere_text_lexer_next (&self->lexer);
    return is;
}

static void
s_word (const parse_t *self, char word[WORD_MAX])
{
    snprintf (word, WORD_MAX, "%.*s",
              (int) (self->lexer.size < WORD_MAX ? self->lexer.size : WORD_MAX),
              self->lexer.word);
}

/*  "inf" and the like, or digits of a real. False: it is none.              */
static bool
s_real (const char *word, double *ret_value)
{
    char *end;
    bool infinite =
        strcasecmp (word, "inf") == 0 || strcasecmp (word, "infinity") == 0;
    *ret_value = infinite                        ? (double) INFINITY
                 : strcasecmp (word, "nan") == 0 ? (double) NAN
                                                 : strtod (word, &end);
    if (infinite || isnan (*ret_value))
        return true;
    return end > word && (!*end || ((*end | 32) == 'f' && !end[1])) &&
           !strpbrk (word, "xXpPiI");
}

static int
s_read_number (parse_t *self, void *place)
{
    char word[WORD_MAX], *end;
    ProtobufCType type = self->field->type;
    bool negative = s_pass (self, "-");
    if (self->lexer.kind != DIVIDERE_TEXT_NUMBER &&
        self->lexer.kind != DIVIDERE_TEXT_NAME)
        return s_unexpected (self, "a number");
    s_word (self, word);
    errno = 0;
    uint64_t magnitude = strtoull (word, &end, 0);
    double real;
    int rc;
    if (!*end && !errno)
        rc = dividere_build_integer (type, place, negative, magnitude);
    else if (!s_real (word, &real))
        return s_unexpected (self, "a number");
    else if (type != PROTOBUF_C_TYPE_DOUBLE && type != PROTOBUF_C_TYPE_FLOAT)
        rc = -1;
    else
        rc = dividere_build_real (type, place, negative ? -real : real);
    if (rc < 0)
        return s_fail (self, ERANGE, "%s%.40s does not fit",
                       negative ? "-" : "", word);
    dividere_text_lexer_next (&self->lexer);
    return 0;
}

static int
s_read_bool (parse_t *self, void *place)
{
    static const char *const s_yes[] = { "true", "True", "t", "1" };
    static const char *const s_no[] = { "false", "False", "f", "0" };
    for (size_t i = 0; i < 4; i++) {
        bool yes = s_pass (self, s_yes[i]);
        if (yes || s_pass (self, s_no[i])) {
            *(protobuf_c_boolean *) place = yes;
            return 0;
        }
    }
    return s_unexpected (self, "true or false");
}

static int
s_read_enum (parse_t *self, void *place)
{
    const ProtobufCEnumDescriptor *type =
        (const ProtobufCEnumDescriptor *) self->field->descriptor;
    if (self->lexer.kind != DIVIDERE_TEXT_NAME)
        return s_read_number (self, place);
    char word[WORD_MAX];
    s_word (self, word);
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value_by_name (type, word);
    if (!value)
        return s_fail (self, ENOENT, "enum %s has no value %s", type->name,
                       word);
    *(int *) place = value->value;
    dividere_text_lexer_next (&self->lexer);
    return 0;
}

/*  One string or several in a row, which are one.                           */
static int
s_read_string (parse_t *self, void *place)
{
    if (self->lexer.kind != DIVIDERE_TEXT_STRING)
        return s_unexpected (self, "a string");
    uint8_t *data = NULL;
    size_t size = 0;
    int rc = 0;
    while (rc == 0 && self->lexer.kind == DIVIDERE_TEXT_STRING) {
        data = (uint8_t *) realloc (data, size + self->lexer.size);
        assert (data);
        long more = dividere_text_unescape (self->lexer.word, self->lexer.size,
                                            data + size);
        if (more < 0)
            rc = s_fail (self, EINVAL, "there is no such escape");
        else {
            size += (size_t) more;
            dividere_text_lexer_next (&self->lexer);
        }
    }
    if (rc == 0 &&
        dividere_build_text (self->field->type, place, data, size) < 0)
        rc = s_fail (self, EILSEQ, "a string is UTF-8 and has no NUL");
    free (data);
    return rc;
}

static int
s_read_message (parse_t *self, void *place)
{
    const ProtobufCFieldDescriptor *field = self->field;
    const char *close = s_pass (self, "{")   ? "}"
                        : s_pass (self, "<") ? ">"
                                             : "";
    if (!*close)
        return s_unexpected (self, "{");
    if (self->depth == DEPTH_MAX)
        return s_fail (self, ELOOP, "nested too deep");
    self->depth++;
    int rc =
        s_read_fields (self,
                       (const ProtobufCMessageDescriptor *) field->descriptor,
                       close, (ProtobufCMessage **) place);
    self->depth--;
    return rc;
}

static int
s_read_value (parse_t *self, dividere_build_t *build,
              const ProtobufCFieldDescriptor *field)
{
    self->field = field;
    void *place = dividere_build_place (build, field);
    if (!place)
        return s_fail (self, EEXIST,
                       "is there twice, or with another of its choice");
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE: return s_read_message (self, place);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES: return s_read_string (self, place);
    case PROTOBUF_C_TYPE_BOOL: return s_read_bool (self, place);
    case PROTOBUF_C_TYPE_ENUM: return s_read_enum (self, place);
    default: return s_read_number (self, place);
    }
}

/*  What is behind the name: a value, or a list of them in brackets.         */
static int
s_read_values (parse_t *self, dividere_build_t *build,
               const ProtobufCFieldDescriptor *field)
{
    self->field = field;
    if (!s_pass (self, ":") && field->type != PROTOBUF_C_TYPE_MESSAGE)
        return s_unexpected (self, ":");
    if (field->label != PROTOBUF_C_LABEL_REPEATED || !s_pass (self, "["))
        return s_read_value (self, build, field);
    if (s_pass (self, "]"))
        return 0;
    do
        if (s_read_value (self, build, field) < 0)
            return -1;
    while (s_pass (self, ","));
    self->field = field;
    return s_pass (self, "]") ? 0 : s_unexpected (self, "]");
}

static int
s_read_field (parse_t *self, dividere_build_t *build)
{
    const ProtobufCMessageDescriptor *type = build->message->descriptor;
    char name[WORD_MAX];
    if (self->lexer.kind != DIVIDERE_TEXT_NAME)
        return s_unexpected (self, "the name of a field");
    s_word (self, name);
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name (type, name);
    if (!field)
        return s_fail (self, ENOENT, "%s has no field %s", type->name, name);
    dividere_text_lexer_next (&self->lexer);
    if (s_read_values (self, build, field) < 0)
        return -1;
    if (!s_pass (self, ","))
        s_pass (self, ";");
    return 0;
}

static int
s_read_fields (parse_t *self, const ProtobufCMessageDescriptor *type,
               const char *close, ProtobufCMessage **ret)
{
    dividere_build_t build = dividere_build_begin (type);
    *ret = build.message;
    int rc = 0;
    const ProtobufCFieldDescriptor *outer = self->field;
    self->field = NULL;
    while (rc == 0 && !dividere_text_lexer_is (&self->lexer, close)) {
        rc = s_read_field (self, &build);
        if (rc == 0)
            self->field = NULL;
    }
    const ProtobufCFieldDescriptor *missing = dividere_build_end (&build);
    if (rc < 0)
        return -1;
    self->field = outer;
    if (missing)
        return s_fail (self, EINVAL, "%s needs its field %s", type->name,
                       missing->name);
    dividere_text_lexer_next (&self->lexer);
    return 0;
}

ProtobufCMessage *
dividere_text_parse (const ProtobufCMessageDescriptor *type, const char *text,
                     size_t size, char **ret_reason)
{
    assert (type);
    assert (text);
    parse_t self = { .text = text, .depth = 1, .ret_reason = ret_reason };
    ProtobufCMessage *message = NULL;
    dividere_plain_t plain = dividere_plain_enter ();
    dividere_text_lexer_init (&self.lexer, text, size);
    /* The end is a word of no letters.                                      */
    if (s_read_fields (&self, type, "", &message) < 0) {
        int error = errno;
        protobuf_c_message_free_unpacked (message, NULL);
        message = NULL;
        errno = error;
    }
    dividere_plain_leave (&plain);
    return message;
}
