/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TEXT_LEXER_H
#define DIVIDERE_TEXT_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  The words of protobuf's text format.                                     */
typedef enum {
    DIVIDERE_TEXT_END,
    DIVIDERE_TEXT_NAME,   /* letters, digits, underscores                    */
    DIVIDERE_TEXT_NUMBER, /* begins with a digit or a point                  */
    DIVIDERE_TEXT_STRING, /* with its quotes                                 */
    DIVIDERE_TEXT_SIGN,   /* one character that is none of these             */
    DIVIDERE_TEXT_BROKEN  /* a string without an end                         */
} dividere_text_kind_t;

typedef struct {
    const char *at; /* behind the word                                       */
    const char *end;

    dividere_text_kind_t kind;
    const char *word; /* where it begins                                     */
    size_t size;
} dividere_text_lexer_t;

/*  At the first word.                                                       */
void dividere_text_lexer_init (dividere_text_lexer_t *self, const char *text,
                               size_t size);
void dividere_text_lexer_next (dividere_text_lexer_t *self);

/*  Is the word this one?                                                    */
bool dividere_text_lexer_is (const dividere_text_lexer_t *self,
                             const char *word);

/*  A string without its quotes and escapes, into data, which has room for what
 *  is between the quotes. Returns its size, or -1: an escape that there is
 *  not.                                                                     */
long dividere_text_unescape (const char *word, size_t size, uint8_t *data);

#endif
