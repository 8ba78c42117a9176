/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_RIGHTS_H
#define DIVIDERE_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

/*  Who may do what, as a file says. Without files, sockets and clocks.
 *
 *      # a comment
 *      key alice Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID
 *      group admins alice
 *      allow admins *
 *      allow * lookup
 *      allow alice register clock
 *      allow alice serve jobs-*
 *
 *  A line is words between blanks. "key" gives the public key (Z85) of a peer a
 *  name, "group" a name to those who were named before, "allow" gives a peer, a
 *  group or all that have a name ("*") a right: an action or all ("*"), and
 *  what it is done to, or whatever it is; a "*" at its end stands for anything.
 *  What no line allows is not allowed.                                      */

typedef struct dividere_rights_t dividere_rights_t;

typedef enum {
    DIVIDERE_RIGHT_PUBLISH,
    DIVIDERE_RIGHT_SUBSCRIBE,
    DIVIDERE_RIGHT_REQUEST,
    DIVIDERE_RIGHT_SERVE,
    DIVIDERE_RIGHT_REGISTER,
    DIVIDERE_RIGHT_LOOKUP,
    DIVIDERE_RIGHT_WATCH,
    DIVIDERE_RIGHT_STATS,
    DIVIDERE_RIGHTS
} dividere_right_t;

#define DIVIDERE_KEY_SIZE         40 /* characters of Z85                     */
#define DIVIDERE_RIGHTS_ERROR_MAX 200

/*  Reads a text of size bytes. NULL with EINVAL, and in ret_error which line is
 *  wrong, and why.                                                          */
dividere_rights_t *dividere_rights_parse (
    const char *text, size_t size, char ret_error[DIVIDERE_RIGHTS_ERROR_MAX]);
void dividere_rights_destroy (dividere_rights_t **self_p);

/*  The name of a key, or NULL.                                              */
const char *dividere_rights_name (const dividere_rights_t *self,
                                  const char *key);

/*  May it? object NULL: is there anything that it may do this to?           */
bool dividere_rights_allow (const dividere_rights_t *self, const char *key,
                            dividere_right_t right, const char *object);

const char *dividere_right_text (dividere_right_t right);

/*  -1: there is no such action.                                             */
int dividere_right_parse (const char *text);

/*  Keys that are named.                                                     */
size_t dividere_rights_count (const dividere_rights_t *self);

/*  A public key in Z85.                                                     */
bool dividere_key_valid (const char *text);

#endif
