/* SPDX-License-Identifier: Apache-2.0 */

/*  Key pairs for CURVE, in the files of CZMQ's zcert: the public one at a path,
 *  both at the path with "_secret".                                         */

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include <zmq.h>
#include "files.h"
#include "keys_internal.h"

#define FILE_MAX 65536
#define TEXT_MAX 1000

struct dividere_keys_t {
    char public_key[DIVIDERE_KEY_SIZE + 1];
    char *secret_key; /* in memory that is locked and guarded; NULL: none    */
};

static dividere_keys_t *
s_new (bool secret)
{
    /* libsodium says 1 where that was done before.                          */
    int rc = sodium_init ();
    assert (rc >= 0);
    dividere_keys_t *self = (dividere_keys_t *) calloc (1, sizeof (*self));
    assert (self);
    if (secret) {
        self->secret_key = (char *) sodium_malloc (DIVIDERE_KEY_SIZE + 1);
        assert (self->secret_key);
        memset (self->secret_key, 0, DIVIDERE_KEY_SIZE + 1);
    }
    return self;
}

dividere_keys_t *
dividere_keys_new (void)
{
    dividere_keys_t *self = s_new (true);
    int rc = zmq_curve_keypair (self->public_key, self->secret_key);
    assert (rc == 0);
    return self;
}

void
dividere_keys_destroy (dividere_keys_t **self_p)
{
    assert (self_p);
    dividere_keys_t *self = *self_p;
    if (!self)
        return;
    /* Which overwrites it.                                                  */
    sodium_free (self->secret_key);
    free (self);
    *self_p = NULL;
}

const char *
dividere_keys_public (const dividere_keys_t *self)
{
    assert (self);
    return self->public_key;
}

const char *
dividere_keys_secret (const dividere_keys_t *self)
{
    return self->secret_key;
}

/*  The value of `name = "VALUE"`, a key; false: there is none.              */
static bool
s_find (const char *text, const char *name, char *ret_key)
{
    const char *at = strstr (text, name);
    if (!at)
        return false;
    at += strlen (name);
    at += strspn (at, " \t");
    if (*at++ != '=')
        return false;
    at += strspn (at, " \t");
    if (*at++ != '"' || strnlen (at, DIVIDERE_KEY_SIZE) < DIVIDERE_KEY_SIZE ||
        at[DIVIDERE_KEY_SIZE] != '"')
        return false;
    memcpy (ret_key, at, DIVIDERE_KEY_SIZE);
    ret_key[DIVIDERE_KEY_SIZE] = 0;
    return dividere_key_valid (ret_key);
}

/*  The secret key is that of the public one.                                */
static bool
s_match (const dividere_keys_t *self)
{
    char public_key[DIVIDERE_KEY_SIZE + 1];
    return zmq_curve_public (public_key, self->secret_key) == 0 &&
           strcmp (public_key, self->public_key) == 0;
}

/*  Both keys, or the public one only.                                       */
static dividere_keys_t *
s_read (const char *path, bool secret)
{
    size_t size;
    char *text = dividere_file_read (path, FILE_MAX, secret, &size);
    if (!text)
        return NULL;
    dividere_keys_t *self = s_new (secret);
    bool good = s_find (text, "public-key", self->public_key) &&
                (!secret || (s_find (text, "secret-key", self->secret_key) &&
                             s_match (self)));
    dividere_file_free (text);
    if (!good) {
        dividere_keys_destroy (&self);
        errno = EBADMSG;
    }
    return self;
}

dividere_keys_t *
dividere_keys_load (const char *path)
{
    assert (path);
    char both[PATH_MAX];
    if ((size_t) snprintf (both, sizeof (both), "%s_secret", path) >=
        sizeof (both)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    dividere_keys_t *self = s_read (both, true);
    return self || errno != ENOENT ? self : s_read (path, false);
}

/*  As CZMQ writes them.                                                     */
static void
s_write (const dividere_keys_t *self, bool secret, char *text)
{
    snprintf (text, TEXT_MAX,
              "#   ZeroMQ CURVE %s\n%s\nmetadata\ncurve\n"
              "    public-key = \"%s\"\n%s%s%s",
              secret ? "**Secret** Certificate" : "Public Certificate",
              secret
                  ? "#   DO NOT PROVIDE THIS FILE TO OTHER USERS nor change "
                    "its permissions.\n"
                  : "#   Exchange securely, or use a secure mechanism to "
                    "verify the contents\n#   of this file after exchange.\n",
              self->public_key, secret ? "    secret-key = \"" : "",
              secret ? self->secret_key : "", secret ? "\"\n" : "");
}

int
dividere_keys_save (const dividere_keys_t *self, const char *path)
{
    assert (self);
    assert (path);
    char both[PATH_MAX];
    char *text = (char *) sodium_malloc (TEXT_MAX);
    assert (text);
    int rc = 0;
    if ((size_t) snprintf (both, sizeof (both), "%s_secret", path) >=
        sizeof (both)) {
        errno = ENAMETOOLONG;
        rc = -1;
    }
    if (rc == 0 && self->secret_key) {
        s_write (self, true, text);
        rc = dividere_file_create (both, text, strlen (text), 0600);
    }
    if (rc == 0) {
        s_write (self, false, text);
        rc = dividere_file_create (path, text, strlen (text), 0644);
    }
    int error = errno;
    sodium_free (text);
    errno = error;
    return rc;
}
