/* SPDX-License-Identifier: Apache-2.0 */

/*  Peers in Python, see peer.h.                                             */

#include "peer.h"
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <czmq.h>
#include <sodium.h>
#include "selftest.h"

/*  Where the peers are: given by the build, or by the environment.          */
#define SETTING(name) (getenv (#name) ? getenv (#name) : (name))

#define WORDS_MAX 16

struct peer_t {
    pid_t pid;
    FILE *to;   /* its stdin, NULL when closed                              */
    FILE *from; /* its stdout                                               */
    char *line; /* the last one it printed, without the end                 */
    size_t line_size;
    char *endpoint;
};

/*  The exit status, -1 if it was killed.                                    */
static int
s_reap (peer_t *self)
{
    int status = 0;
    pid_t pid = TEMP_FAILURE_RETRY (waitpid (self->pid, &status, 0));
    return pid > 0 && WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

static void
s_spawn (peer_t *self, const char *script, char *const *argv)
{
    int to[2], from[2];
    CHECK_INT (pipe2 (to, O_CLOEXEC), 0);
    CHECK_INT (pipe2 (from, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init (&actions);
    posix_spawn_file_actions_adddup2 (&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2 (&actions, from[1], STDOUT_FILENO);
    int error =
        access (script, R_OK) < 0
            ? ENOENT
            : posix_spawnp (&self->pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy (&actions);
    if (error == ENOENT)
        selftest_skip ("no Python, or no peer for it, on this machine");
    CHECK_INT (error, 0);
    close (to[0]);
    close (from[1]);
    self->to = fdopen (to[1], "w");
    self->from = fdopen (from[0], "r");
    CHECK (self->to && self->from);
}

peer_t *
peer_new (const char *script, const char *const *words)
{
    peer_t *self = (peer_t *) zmalloc (sizeof (*self));
    char path[PATH_MAX];
    snprintf (path, sizeof (path), "%s/%s", SETTING (DIVIDERE_PEERS_DIR),
              script);
    const char *argv[WORDS_MAX] = { SETTING (DIVIDERE_PEERS_PYTHON), "-B", path,
                                    SETTING (DIVIDERE_PEERS_PROTO) };
    size_t count = 4;
    for (; *words; words++) {
        CHECK (count < WORDS_MAX - 1);
        argv[count++] = *words;
    }
    /* A peer that died is a failed check, not the death of this process.    */
    signal (SIGPIPE, SIG_IGN);
    s_spawn (self, path, (char *const *) argv);
    if (!peer_line (self)) {
        int status = s_reap (self);
        if (status == 77)
            selftest_skip ("Python has no zmq or google.protobuf");
        selftest_fail (__FILE__, __LINE__, "the peer exits with %d", status);
    }
    CHECK (strncmp (self->line, "ready ", 6) == 0);
    self->endpoint = strdup (self->line + 6);
    return self;
}

const char *
peer_endpoint (const peer_t *self)
{
    return self->endpoint;
}

const char *
peer_line (peer_t *self)
{
    ssize_t length = getline (&self->line, &self->line_size, self->from);
    if (length <= 0)
        return NULL;
    self->line[length - 1] = 0;
    return self->line;
}

void
peer_send (peer_t *self, const vector_t *vector, const char *route)
{
    size_t size;
    uint8_t *payload = vector_payload (vector, &size);
    char *hex = (char *) zmalloc (2 * size + 1);
    sodium_bin2hex (hex, 2 * size + 1, payload, size);
    CHECK (fprintf (self->to, "%s %s %s\n", vector->type, size ? hex : "-",
                    route) > 0);
    CHECK_INT (fflush (self->to), 0);
    free (hex);
    free (payload);
}

void
peer_tell (peer_t *self, const char *line)
{
    CHECK (fprintf (self->to, "%s\n", line) > 0);
    CHECK_INT (fflush (self->to), 0);
}

const char *
peer_expect (peer_t *self, const vector_t *vector)
{
    CHECK (peer_line (self));
    char *rest = self->line;
    CHECK_STR (strsep (&rest, " "), vector->type);
    const char *hex = strsep (&rest, " ");
    CHECK (hex);
    CHECK_INT (strlen (hex), 2 * vector->envelope_size);
    unsigned char *frame = (unsigned char *) zmalloc (vector->envelope_size);
    size_t size;
    CHECK_INT (sodium_hex2bin (frame, vector->envelope_size, hex, strlen (hex),
                               NULL, &size, NULL),
               0);
    CHECK (vector_matches (vector, frame, size));
    free (frame);
    return rest ? rest : "";
}

void
peer_close (peer_t *self)
{
    fclose (self->to);
    self->to = NULL;
}

static void
s_free (peer_t **self_p)
{
    peer_t *self = *self_p;
    if (self->to)
        fclose (self->to);
    fclose (self->from);
    free (self->line);
    free (self->endpoint);
    free (self);
    *self_p = NULL;
}

void
peer_kill (peer_t **self_p)
{
    CHECK_INT (kill ((*self_p)->pid, SIGKILL), 0);
    CHECK_INT (s_reap (*self_p), -1);
    s_free (self_p);
}

void
peer_destroy (peer_t **self_p)
{
    peer_t *self = *self_p;
    if (peer_line (self))
        selftest_fail (__FILE__, __LINE__, "not wanted: %.200s", self->line);
    CHECK_INT (s_reap (self), 0);
    s_free (self_p);
}
