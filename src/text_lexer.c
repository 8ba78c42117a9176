/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>
#include "text_lexer.h"

static bool
s_is_digit (char letter)
{
    return letter >= '0' && letter <= '9';
}

static bool
s_is_letter (char letter)
{
    return (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || letter == '_';
}

static void
s_skip_space (dividere_text_lexer_t *self)
{
    for (bool comment = false; self->at < self->end; self->at++) {
        char letter = *self->at;
        if (letter == '#')
            comment = true;
        else if (letter == '\n')
            comment = false;
        else if (!comment && letter != ' ' && letter != '\t' &&
                 letter != '\r' && letter != '\v' && letter != '\f')
            return;
    }
}

static dividere_text_kind_t
s_take_string (dividere_text_lexer_t *self)
{
    char quote = *self->at++;
    for (; self->at < self->end && *self->at != '\n'; self->at++) {
        if (*self->at == quote) {
            self->at++;
            return DIVIDERE_TEXT_STRING;
        }
        if (*self->at == '\\' && self->at + 1 < self->end)
            self->at++;
    }
    return DIVIDERE_TEXT_BROKEN;
}

/*  With an exponent's sign in it.                                           */
static dividere_text_kind_t
s_take_number (dividere_text_lexer_t *self)
{
    bool hex = self->end - self->at > 1 && (self->at[1] | 32) == 'x';
    for (; self->at < self->end; self->at++) {
        char letter = *self->at;
        bool sign = (letter == '+' || letter == '-') && !hex &&
                    (self->at[-1] | 32) == 'e';
        if (!s_is_digit (letter) && !s_is_letter (letter) && letter != '.' &&
            !sign)
            break;
    }
    return DIVIDERE_TEXT_NUMBER;
}

static dividere_text_kind_t
s_take_name (dividere_text_lexer_t *self)
{
    while (self->at < self->end &&
           (s_is_letter (*self->at) || s_is_digit (*self->at)))
        self->at++;
    return DIVIDERE_TEXT_NAME;
}

void
dividere_text_lexer_next (dividere_text_lexer_t *self)
{
    s_skip_space (self);
    self->word = self->at;
    if (self->at == self->end)
        self->kind = DIVIDERE_TEXT_END;
    else if (*self->at == '"' || *self->at == '\'')
        self->kind = s_take_string (self);
    else if (s_is_digit (*self->at) || *self->at == '.')
        self->kind = s_take_number (self);
    else if (s_is_letter (*self->at))
        self->kind = s_take_name (self);
    else {
        self->kind = DIVIDERE_TEXT_SIGN;
        self->at++;
    }
    self->size = (size_t) (self->at - self->word);
}

void
dividere_text_lexer_init (dividere_text_lexer_t *self, const char *text,
                          size_t size)
{
    self->at = text;
    self->end = text + size;
    dividere_text_lexer_next (self);
}

bool
dividere_text_lexer_is (const dividere_text_lexer_t *self, const char *word)
{
    return self->size == strlen (word) &&
           memcmp (self->word, word, self->size) == 0;
}

static int
s_digit (char letter)
{
    return s_is_digit (letter)              ? letter - '0'
           : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10
           : letter >= 'A' && letter <= 'F' ? letter - 'A' + 10
                                            : 99;
}

/*  Digits of an escape, from *at_p on; -1: there are none, or too large.    */
static long
s_number (const char **at_p, const char *end, int base, int most, long limit)
{
    long value = 0;
    const char *at = *at_p;
    for (; at < end && at - *at_p < most && s_digit (*at) < base; at++)
        value = value * base + s_digit (*at);
    bool good = at > *at_p && value <= limit;
    *at_p = at;
    return good ? value : -1;
}

static uint8_t *
s_put_utf8 (uint8_t *data, long code)
{
    if (code < 0x80)
        *data++ = (uint8_t) code;
    else {
        int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        static const uint8_t s_first[] = { 0, 0xC0, 0xE0, 0xF0 };
        *data++ = (uint8_t) (s_first[more] | code >> (6 * more));
        while (more-- > 0)
            *data++ = (uint8_t) (0x80 | (code >> (6 * more) & 0x3F));
    }
    return data;
}

/*  What follows a backslash. NULL: there is no such escape.                 */
static uint8_t *
s_unescape_one (const char **at_p, const char *end, uint8_t *data)
{
    static const char s_from[] = "abfnrtv\\'\"?",
                      s_to[] = "\a\b\f\n\r\t\v\\'\"?";
    char letter = *(*at_p)++;
    const char *simple = letter ? strchr (s_from, letter) : NULL;
    if (simple) {
        *data = (uint8_t) s_to[simple - s_from];
        return data + 1;
    }
    bool wide = letter == 'u' || letter == 'U';
    long value;
    if (wide)
        value = s_number (at_p, end, 16, letter == 'u' ? 4 : 8, 0x10FFFF);
    else if (letter == 'x' || letter == 'X')
        value = s_number (at_p, end, 16, 2, 255);
    else {
        --*at_p;
        value = s_number (at_p, end, 8, 3, 255);
    }
    if (value < 0)
        return NULL;
    if (wide)
        return s_put_utf8 (data, value);
    *data = (uint8_t) value;
    return data + 1;
}

long
dividere_text_unescape (const char *word, size_t size, uint8_t *data)
{
    uint8_t *to = data;
    const char *end = word + size - 1;
    for (const char *at = word + 1; at < end;) {
        if (*at != '\\')
            *to++ = (uint8_t) *at++;
        else {
            at++;
            to = at < end ? s_unescape_one (&at, end, to) : NULL;
            if (!to)
                return -1;
        }
    }
    return (long) (to - data);
}
