/* SPDX-License-Identifier: Apache-2.0 */

/*  Stopping every kind of actor in every state: it ends in time, and of its
 *  threads, descriptors, files and processes nothing is left.               */

#include "selftest.h"
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "process_support.h"
#include "stoppable.h"

void test_stop_reactor (void);
void test_stop_monitor (void);
void test_stop_proxy (void);
void test_stop_supervisor (void);
void test_stop_process (void);
void test_stop_broker (void);
void test_stop_name_server (void);
void test_stop_service (void);
void test_stop_ended (void);
void test_stop_files (void);
void test_stop_many (void);
void test_stop_at_exit (void);

#define FULL_MS      20    /* without room: a queue is full                  */
#define FILL_MAX     10000 /* messages after which one is full or never is   */
#define FLOODED_FROM 200   /* messages sent                                  */
#define CALLS        100   /* without an answer                              */

static zsock_t *
s_connect (int type, const char *endpoint)
{
    if (type < 0)
        return NULL;
    zsock_t *sock = zsock_new (type);
    CHECK (sock);
    zsock_set_sndtimeo (sock, STOPPABLE_MS);
    zsock_set_rcvtimeo (sock, SELFTEST_DEADLINE);
    if (type == ZMQ_SUB)
        zsock_set_subscribe (sock, "");
    CHECK_INT (zsock_connect (sock, "%s", endpoint + 1), 0);
    return sock;
}

static void
s_connect_peers (rig_t *self)
{
    self->worker = s_connect (self->kind->worker, self->backend);
    self->client = s_connect (self->kind->client, self->frontend);
    if (self->kind->client != ZMQ_XPUB)
        return;
    zframe_t *subscription = zframe_recv (self->client);
    CHECK (subscription);
    zframe_destroy (&subscription);
}

/*  A connection that ends at once is what a monitor has to tell.            */
static void
s_knock (rig_t *self)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf (address.sun_path, sizeof (address.sun_path), "%s/frontend",
              self->folder);
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK (fd >= 0);
    CHECK_INT (connect (fd, (struct sockaddr *) &address, sizeof (address)), 0);
    close (fd);
}

/*  Returns false if there was no room for it.                               */
static bool
s_send (rig_t *self)
{
    if (!self->client) {
        s_knock (self);
        return true;
    }
    void *handle = zsock_resolve (self->client);
    if (zmq_send (handle, "", 0, ZMQ_SNDMORE) < 0) {
        CHECK_INT (errno, EAGAIN);
        return false;
    }
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    zmq_msg_copy (&frame, &self->message);
    CHECK (zmq_msg_send (&frame, handle, 0) >= 0);
    return true;
}

/*  Takes what is there; a worker that can answers with it.                  */
static void
s_drain (zsock_t *sock, bool answering)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    while (sock &&
           zmq_msg_recv (&frame, zsock_resolve (sock), ZMQ_DONTWAIT) >= 0)
        if (answering) {
            int more = zmq_msg_more (&frame) ? ZMQ_SNDMORE : 0;
            zmq_msg_send (&frame, zsock_resolve (sock), more);
        }
    zmq_msg_close (&frame);
}

static void *
s_flood (void *args)
{
    rig_t *self = (rig_t *) args;
    const kind_t *kind = self->kind;
    bool answering = kind->client == ZMQ_DEALER && kind->worker == ZMQ_DEALER;
    while (!self->ended) {
        self->sent += s_send (self);
        s_drain (self->worker, answering);
        if (kind->client == ZMQ_DEALER)
            s_drain (self->client, false);
    }
    return NULL;
}

static void
s_be_idle (rig_t *self)
{
}

static void
s_be_flooded (rig_t *self)
{
    if (self->kind->client < 0 && self->kind->worker < 0)
        return;
    selftest_losing = true;
    s_connect_peers (self);
    self->flooded = true;
    CHECK_INT (pthread_create (&self->flood, NULL, s_flood, self), 0);
    CHECK_EVENTUALLY (self->sent >= FLOODED_FROM);
}

/*  Peers that do not read.                                                  */
static void
s_be_full (rig_t *self)
{
    selftest_losing = true;
    s_connect_peers (self);
    rig_refused = 0;
    if (self->client)
        zsock_set_sndtimeo (self->client, FULL_MS);
    bool room = true;
    for (int i = 0; i < FILL_MAX && room && !rig_refused; i++)
        room = s_send (self);
    if (self->kind->blocking)
        CHECK (!room);
}

static void
s_be_left (rig_t *self)
{
    s_be_full (self);
    zsock_destroy (&self->client);
    zsock_destroy (&self->worker);
}

/*  Calls that timed out.                                                    */
static void
s_be_called (rig_t *self)
{
    for (int i = 0; i < CALLS; i++)
        if (dividere_call (self->actor, NULL, 0, "STATS", NULL) < 0)
            CHECK_INT (errno, ETIMEDOUT);
}

static void
s_be_paused (rig_t *self)
{
    s_connect_peers (self);
    rig_call (self, "PAUSE", NULL, NULL);
    for (int i = 0; i < FLOODED_FROM; i++)
        s_send (self);
}

/*  The capture is not read.                                                 */
static void
s_be_captured (rig_t *self)
{
    rig_call (self, "CAPTURE", self->capture, NULL);
    self->captor = s_connect (ZMQ_PULL, self->capture);
    s_be_flooded (self);
}

static void
s_stop (rig_t *self)
{
    CHECK_INT (dividere_stop (&self->actor, SELFTEST_DEADLINE), 0);
    CHECK_INT (selftest_threads (), self->threads + self->flooded);
}

static bool
s_stops_at_once (rig_t *self)
{
    int rc = dividere_stop (&self->actor, 0);
    if (rc < 0)
        CHECK_INT (errno, ETIMEDOUT);
    return rc == 0;
}

static void
s_stop_often (rig_t *self)
{
    CHECK_EVENTUALLY (s_stops_at_once (self));
    CHECK_INT (dividere_stop (&self->actor, 0), 0);
}

static void
s_stop_ended (rig_t *self)
{
    char text[100];
    CHECK_INT (zstr_send (self->actor, "$TERM"), 0);
    CHECK_EVENTUALLY (
        dividere_actor_activity (self->actor, text, sizeof (text)) < 0);
    CHECK_INT (dividere_stop (&self->actor, SELFTEST_DEADLINE), 0);
}

static void
s_stop_plain (rig_t *self)
{
    zactor_destroy (&self->actor);
}

/*  libzmq leaves the paths of ipc endpoints that were named; there is no other
 *  file.                                                                    */
static void
s_remove_folder (rig_t *self)
{
    const char *const addresses[] = { self->frontend, self->backend,
                                      self->capture };
    for (size_t i = 0; i < sizeof (addresses) / sizeof (*addresses); i++)
        unlink (addresses[i] + strlen ("@ipc://"));
    CHECK_INT (rmdir (self->folder), 0);
    free (self->folder);
}

static void
s_term (rig_t *self)
{
    CHECK (!self->actor);
    self->ended = true;
    if (self->flooded)
        pthread_join (self->flood, NULL);
    zsock_destroy (&self->client);
    zsock_destroy (&self->worker);
    zsock_destroy (&self->captor);
    dividere_connector_destroy (&self->watched);
    zmq_msg_close (&self->message);
    s_remove_folder (self);
}

/*  Nothing is left: no child process, thread, descriptor.                   */
static void
s_check_clean (size_t threads, size_t fds)
{
    process_check_none ();
    CHECK_EVENTUALLY (selftest_threads () <= threads);
    CHECK_EVENTUALLY (selftest_fds () <= fds);
}

static const struct {
    const char *name;
    void (*prepare) (rig_t *self);
    void (*stop) (rig_t *self);
} s_cases[] = {
    { "idle", s_be_idle, s_stop },
    { "idle, stopped often", s_be_idle, s_stop_often },
    { "idle, ended already", s_be_idle, s_stop_ended },
    { "idle, zactor_destroy", s_be_idle, s_stop_plain },
    { "flooded", s_be_flooded, s_stop },
    { "flooded, stopped often", s_be_flooded, s_stop_often },
    { "flooded, ended already", s_be_flooded, s_stop_ended },
    { "flooded, zactor_destroy", s_be_flooded, s_stop_plain },
    { "full", s_be_full, s_stop },
    { "left by its peers", s_be_left, s_stop },
    { "with calls under way", s_be_called, s_stop },
    { "paused", s_be_paused, s_stop },
    { "captured", s_be_captured, s_stop },
};

static void
s_test (const char *name)
{
    const kind_t *kind = stoppable (name);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    for (size_t i = 0; i < sizeof (s_cases) / sizeof (*s_cases); i++) {
        if ((s_cases[i].prepare == s_be_paused && !kind->pausable) ||
            (s_cases[i].prepare == s_be_captured && !kind->pattern))
            continue;
        int64_t start = selftest_now_ms ();
        rig_t rig;
        rig_init (&rig, name);
        s_cases[i].prepare (&rig);
        int64_t ready = selftest_now_ms ();
        s_cases[i].stop (&rig);
        int64_t stopped = selftest_now_ms ();
        s_term (&rig);
        s_check_clean (rig.threads, rig.fds);
        selftest_note ("%s, %s: ready in %d ms, stopped in %d ms, clean in %d "
                       "ms",
                       kind->name, s_cases[i].name, (int) (ready - start),
                       (int) (stopped - ready),
                       (int) (selftest_now_ms () - stopped));
    }
}

void
test_stop_reactor (void)
{
    s_test ("reactor");
}

void
test_stop_monitor (void)
{
    s_test ("monitor");
}

void
test_stop_proxy (void)
{
    s_test ("router-dealer proxy");
    s_test ("xsub-xpub proxy");
    s_test ("pull-push proxy");
}

void
test_stop_supervisor (void)
{
    s_test ("supervisor");
}

void
test_stop_process (void)
{
    s_test ("process");
}

void
test_stop_broker (void)
{
    s_test ("broker");
}

void
test_stop_name_server (void)
{
    s_test ("name server");
}

void
test_stop_service (void)
{
    s_test ("service");
}

/*  An actor whose thread is just closing its pipe: there is room for a command
 *  in one moment and nobody in the next.                                    */
void
test_stop_ended (void)
{
    char text[100];
    for (size_t i = 0; i < selftest_scaled (500); i++) {
        zactor_t *actor = zactor_new (dividere_reactor, NULL);
        CHECK_INT (zstr_send (actor, "$TERM"), 0);
        while (dividere_actor_activity (actor, text, sizeof (text)) == 0)
            ;
        CHECK_INT (dividere_stop (&actor, SELFTEST_DEADLINE), 0);
    }
}

/*  Addresses that libzmq chose, in a folder where nothing else is.           */
void
test_stop_files (void)
{
    char *folder = selftest_folder ();
    CHECK_INT (setenv ("TMPDIR", folder, 1), 0);
    zactor_t *reactor = zactor_new (dividere_reactor, NULL);
    zactor_t *proxy = zactor_new (dividere_proxy, NULL);
    CHECK_INT (dividere_call (reactor, NULL, -1, "ADD", "response", "@ipc://*",
                              NULL),
               0);
    CHECK_INT (dividere_call (proxy, NULL, -1, "BIND", "frontend", "ipc://*",
                              NULL),
               0);
    CHECK_INT (dividere_call (proxy, NULL, -1, "BIND", "backend", "ipc://*",
                              NULL),
               0);
    CHECK_FAILS (rmdir (folder), ENOTEMPTY);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    CHECK_INT (dividere_stop (&proxy, SELFTEST_DEADLINE), 0);
    CHECK_EVENTUALLY (rmdir (folder) == 0);
    free (folder);
}

#define MANY 100

static rig_t s_rigs[MANY];

/*  All kinds, one after another; only how long it took is told.             */
void
test_stop_many (void)
{
    size_t threads = selftest_threads ();
    size_t fds = selftest_fds ();
    size_t count = 0;
    for (size_t i = 0; stoppable_shares[i].name; i++)
        for (size_t j = 0; j < stoppable_shares[i].count; j++) {
            CHECK (count < MANY);
            rig_init (&s_rigs[count++], stoppable_shares[i].name);
        }
    int64_t start = selftest_now_ms ();
    for (size_t i = 0; i < count; i++)
        CHECK_INT (dividere_stop (&s_rigs[i].actor, SELFTEST_DEADLINE), 0);
    selftest_note ("%zu actors stopped in %d ms", count,
                   (int) (selftest_now_ms () - start));
    CHECK_INT (selftest_threads (), threads);
    for (size_t i = 0; i < count; i++)
        s_term (&s_rigs[i]);
    s_check_clean (threads, fds);
}

#define AT_EXIT "DIVIDERE_SELFTEST_AT_EXIT"
#define STOPPED "all stopped\n"

/*  The runner's own socket is still open, which CZMQ's handler would mind.  */
static void
s_at_exit (void)
{
    for (size_t i = 0; stoppable_shares[i].name; i++)
        CHECK_INT (dividere_stop (&s_rigs[i].actor, SELFTEST_DEADLINE), 0);
    for (size_t i = 0; stoppable_shares[i].name; i++)
        s_term (&s_rigs[i]);
    s_check_clean (s_rigs[0].threads, s_rigs[0].fds);
    printf (STOPPED);
    fflush (stdout);
    _exit (0);
}

static void
s_exit_flooded (void)
{
    for (size_t i = 0; stoppable_shares[i].name; i++) {
        rig_init (&s_rigs[i], stoppable_shares[i].name);
        s_be_flooded (&s_rigs[i]);
    }
    CHECK_INT (atexit (s_at_exit), 0);
    exit (1);
}

/*  This test again, in a process whose output goes to a pipe.               */
static pid_t
s_run_again (int output)
{
    pid_t pid = fork ();
    CHECK (pid >= 0);
    if (pid > 0)
        return pid;
    setenv (AT_EXIT, "1", 1);
    /* libzmq loses some bytes for each connection that ends under flood; what
       is told of that must not be taken for output.                         */
    setenv ("ASAN_OPTIONS", "detect_leaks=0", 1);
    dup2 (output, STDOUT_FILENO);
    dup2 (output, STDERR_FILENO);
    execl ("/proc/self/exe", "dividere_selftest", "--test", "stop_at_exit",
           NULL);
    _exit (1);
}

/*  In an exit handler, under flood.                                         */
void
test_stop_at_exit (void)
{
    if (getenv (AT_EXIT))
        s_exit_flooded ();
    int ends[2];
    CHECK_INT (pipe (ends), 0);
    pid_t pid = s_run_again (ends[1]);
    close (ends[1]);
    FILE *output = fdopen (ends[0], "r");
    CHECK (output);
    char text[1000];
    size_t size = fread (text, 1, sizeof (text) - 1, output);
    text[size] = 0;
    fclose (output);
    int status;
    CHECK_INT (waitpid (pid, &status, 0), pid);
    CHECK_STR (text, STOPPED);
    CHECK (WIFEXITED (status) && WEXITSTATUS (status) == 0);
}
