/* SPDX-License-Identifier: Apache-2.0 */

/*  Who loads a folder anew swaps its tables under a lock that readers share.
 *  Sockets copy their keys when they bind or connect, so that nothing of a
 *  folder that was loaded is needed for as long as a socket lives, but for the
 *  rights.                                                                  */

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>
#include "files.h"
#include "log_internal.h"
#include "security_parts.h"

#define FILE_MAX (4u << 20)

static dividere_security_t s_plain;
dividere_security_t *const DIVIDERE_SECURITY_PLAIN = &s_plain;

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static dividere_security_t *_Atomic s_all = NULL; /* grows only              */
static dividere_security_t *_Atomic s_used = NULL;
static _Thread_local dividere_security_t *s_here = NULL;
static _Thread_local bool s_attached = false;

void
dividere_security_use (dividere_security_t *self)
{
    s_used = self;
}

dividere_security_t *
dividere_security_use_here (dividere_security_t *self)
{
    dividere_security_t *before = s_here;
    s_here = self;
    return before;
}

dividere_security_t *
dividere_security_here (void)
{
    if (s_here)
        return s_here == &s_plain ? NULL : s_here;
    return s_used;
}

dividere_security_t *
dividere_security_keep (void)
{
    dividere_security_t *self = dividere_security_here ();
    return self ? self : &s_plain;
}

void
dividere_security_attach_here (void)
{
    s_attached = true;
}

bool
dividere_security_attached_here (void)
{
    return s_attached;
}

const char *
dividere_security_folder (const dividere_security_t *self)
{
    return self->folder;
}

/*  ---- Files ----                                                          */

static int
s_path (const dividere_security_t *self, const char *name, char *ret_path)
{
    int size = snprintf (ret_path, PATH_MAX, "%s/%s", self->folder, name);
    if (size < PATH_MAX)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

static int
s_fail (const dividere_security_t *self, const char *name, const char *why)
{
    int error = errno;
    dividere_log (DIVIDERE_LOG_ERROR, "security: %s/%s: %s", self->folder, name,
                  why ? why : strerror (error));
    errno = error;
    return -1;
}

static void
s_mark (const char *path, dividere_mark_t *ret_mark)
{
    struct stat status = { .st_size = -1 };
    if (stat (path, &status) < 0)
        status.st_size = -1;
    memset (ret_mark, 0, sizeof (*ret_mark));
    ret_mark->changed = status.st_mtim;
    ret_mark->size = status.st_size;
    ret_mark->inode = status.st_ino;
}

static void
s_free_servers (dividere_trust_t *servers)
{
    for (size_t i = 0; i < servers->count; i++)
        free (servers->all[i].pattern);
    free (servers->all);
    *servers = (dividere_trust_t){ NULL, 0 };
}

/*  Returns what is wrong, or NULL.                                          */
static const char *
s_read_server (dividere_trust_t *servers, char *line)
{
    char *rest = NULL;
    char *pattern = strtok_r (line, " \t\r", &rest);
    if (!pattern || *pattern == '#')
        return NULL;
    char *key = strtok_r (NULL, " \t\r", &rest);
    char *more = strtok_r (NULL, " \t\r", &rest);
    if (!key || (more && *more != '#'))
        return "it is \"ENDPOINT KEY\"";
    if (!dividere_key_valid (key))
        return "a key has 40 characters of Z85";
    servers->all = (dividere_trusted_t *) realloc (servers->all,
                                                   (servers->count + 1) *
                                                       sizeof (*servers->all));
    assert (servers->all);
    dividere_trusted_t *server = &servers->all[servers->count++];
    size_t size = strlen (pattern);
    server->prefix = pattern[size - 1] == '*';
    server->pattern = strndup (pattern, size - server->prefix);
    assert (server->pattern);
    memcpy (server->key, key, sizeof (server->key));
    return NULL;
}

static int
s_read_servers (dividere_security_t *self, char *text)
{
    dividere_trust_t servers = { NULL, 0 };
    const char *wrong = NULL;
    char why[200];
    char *rest = text;
    for (size_t number = 1; !wrong && rest; number++) {
        wrong = s_read_server (&servers, strsep (&rest, "\n"));
        snprintf (why, sizeof (why), "line %zu: %s", number,
                  wrong ? wrong : "");
    }
    if (wrong) {
        s_free_servers (&servers);
        errno = EINVAL;
        return s_fail (self, "servers", why);
    }
    pthread_rwlock_wrlock (&self->lock);
    dividere_trust_t old = self->servers;
    self->servers = servers;
    pthread_rwlock_unlock (&self->lock);
    s_free_servers (&old);
    return 0;
}

static int
s_read_rights (dividere_security_t *self, const char *text, size_t size)
{
    char why[DIVIDERE_RIGHTS_ERROR_MAX];
    dividere_rights_t *rights = dividere_rights_parse (text, size, why);
    if (!rights)
        return s_fail (self, "rights", why);
    pthread_rwlock_wrlock (&self->lock);
    dividere_rights_t *old = self->rights;
    self->rights = rights;
    pthread_rwlock_unlock (&self->lock);
    dividere_rights_destroy (&old);
    return 0;
}

/*  Marked before it is read: what changes meanwhile is read once more.      */
static int
s_load_file (dividere_security_t *self, bool rights)
{
    const char *name = rights ? "rights" : "servers";
    char path[PATH_MAX];
    size_t size;
    if (s_path (self, name, path) < 0)
        return s_fail (self, name, NULL);
    s_mark (path, rights ? &self->rights_mark : &self->servers_mark);
    char *text = dividere_file_read (path, FILE_MAX, false, &size);
    if (!text)
        return s_fail (self, name, NULL);
    int rc =
        rights ? s_read_rights (self, text, size) : s_read_servers (self, text);
    dividere_file_free (text);
    return rc;
}

static int
s_load_keys (dividere_security_t *self)
{
    char path[PATH_MAX];
    if (s_path (self, "own", path) < 0)
        return s_fail (self, "own", NULL);
    dividere_keys_t *keys = dividere_keys_load (path);
    if (keys && !dividere_keys_secret (keys)) {
        dividere_keys_destroy (&keys);
        errno = ENOENT;
    }
    if (!keys)
        return s_fail (self, "own_secret", NULL);
    pthread_rwlock_wrlock (&self->lock);
    dividere_keys_t *old = self->keys;
    self->keys = keys;
    pthread_rwlock_unlock (&self->lock);
    dividere_keys_destroy (&old);
    return 0;
}

static int
s_load (dividere_security_t *self)
{
    return s_load_keys (self) < 0 || s_load_file (self, false) < 0 ||
                   s_load_file (self, true) < 0
               ? -1
               : 0;
}

static void
s_destroy (dividere_security_t *self)
{
    int error = errno;
    dividere_keys_destroy (&self->keys);
    dividere_rights_destroy (&self->rights);
    s_free_servers (&self->servers);
    pthread_rwlock_destroy (&self->lock);
    free (self->folder);
    free (self);
    errno = error;
}

dividere_security_t *
dividere_security_open (const char *folder)
{
    pthread_mutex_lock (&s_lock);
    dividere_security_t *self = s_all;
    while (self && strcmp (self->folder, folder) != 0)
        self = self->next;
    bool known = self;
    if (!known) {
        self = (dividere_security_t *) calloc (1, sizeof (*self));
        assert (self);
        self->folder = strdup (folder);
        assert (self->folder);
        self->id = s_all ? s_all->id + 1 : 1;
        pthread_rwlock_init (&self->lock, NULL);
    }
    if (s_load (self) < 0) {
        if (!known)
            s_destroy (self);
        self = NULL;
    }
    else if (!known) {
        self->next = s_all;
        s_all = self;
    }
    pthread_mutex_unlock (&s_lock);
    return self;
}

static void
s_refresh_file (dividere_security_t *self, bool rights)
{
    char path[PATH_MAX];
    dividere_mark_t mark;
    if (s_path (self, rights ? "rights" : "servers", path) < 0)
        return;
    s_mark (path, &mark);
    if (memcmp (&mark, rights ? &self->rights_mark : &self->servers_mark,
                sizeof (mark)) == 0)
        return;
    if (s_load_file (self, rights) == 0)
        dividere_log (DIVIDERE_LOG_INFO, "security: %s has been read again",
                      path);
}

void
dividere_security_refresh_all (void)
{
    pthread_mutex_lock (&s_lock);
    for (dividere_security_t *at = s_all; at; at = at->next) {
        s_refresh_file (at, false);
        s_refresh_file (at, true);
    }
    pthread_mutex_unlock (&s_lock);
}

/*  ---- Peers ----                                                          */

static bool
s_allows_one (const dividere_security_t *self, const char *key, unsigned rights,
              const char *object)
{
    for (unsigned i = 0; i < DIVIDERE_RIGHTS; i++)
        if (rights & 1u << i &&
            dividere_rights_allow (self->rights, key, (dividere_right_t) i,
                                   object))
            return true;
    return false;
}

static void
s_describe (unsigned rights, const char *object, char *ret_text)
{
    size_t used = 0;
    ret_text[0] = 0;
    for (unsigned i = 0; i < DIVIDERE_RIGHTS; i++)
        if (rights & 1u << i)
            used +=
                (size_t) snprintf (ret_text + used, DIVIDERE_DOMAIN_MAX - used,
                                   "%s%s", used ? " or " : "",
                                   dividere_right_text ((dividere_right_t) i));
    snprintf (ret_text + used, DIVIDERE_DOMAIN_MAX - used, "%s%.1000s",
              *object ? " " : "", object);
}

dividere_verdict_t
dividere_security_judge (const char *domain, const char *key,
                         char ret_text[DIVIDERE_DOMAIN_MAX])
{
    unsigned id, rights;
    int object_at = 0;
    ret_text[0] = 0;
    if (strlen (domain) >= DIVIDERE_DOMAIN_MAX ||
        sscanf (domain, "dividere %u %x%n", &id, &rights, &object_at) < 2 ||
        domain[object_at] != ' ')
        return DIVIDERE_VERDICT_BROKEN;
    dividere_security_t *self = s_all;
    while (self && self->id != id)
        self = self->next;
    if (!self)
        return DIVIDERE_VERDICT_BROKEN;
    const char *object = domain + object_at + 1;
    s_describe (rights, object, ret_text);
    pthread_rwlock_rdlock (&self->lock);
    dividere_verdict_t verdict =
        !dividere_rights_name (self->rights, key) ? DIVIDERE_VERDICT_UNKNOWN
        : s_allows_one (self, key, rights, *object ? object : NULL)
            ? DIVIDERE_VERDICT_GOOD
            : DIVIDERE_VERDICT_DENIED;
    pthread_rwlock_unlock (&self->lock);
    return verdict;
}

bool
dividere_security_allows (dividere_security_t *self, const char *key,
                          dividere_right_t right, const char *object)
{
    if (!self || !key)
        return true;
    pthread_rwlock_rdlock (&self->lock);
    bool allowed = dividere_rights_allow (self->rights, key, right, object);
    pthread_rwlock_unlock (&self->lock);
    return allowed;
}
