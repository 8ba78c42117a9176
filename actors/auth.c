/* SPDX-License-Identifier: Apache-2.0 */

/*  Who answers libzmq's questions about peers (ZAP, RFC 27), for all sockets of
 *  the process: there can be one. Where it is not, libzmq lets nobody in, since
 *  every socket that has security also has a domain that must be asked about.
 *  Its socket is none of CZMQ's, which would wait for it at exit.           */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "actor_internal.h"
#include "auth.h"
#include "log_internal.h"
#include "security.h"
#include "socket.h"

#define ENDPOINT     "inproc://zeromq.zap.01"
#define FRAMES_MAX   16
#define KEY_BYTES    32
#define QUESTIONS    100  /* in one turn of the loop                         */
#define PER_SECOND   2000 /* handshakes; what is over is told to come again  */
#define BURST        4000
#define REFRESH_MS   500
#define LINES_SECOND 10 /* of the log                                        */

typedef struct {
    dividere_actor_t *actor;
    void *handle; /* ours                                                    */
    int64_t counted_ms;
    int64_t room;  /* handshakes that may come now                           */
    int lines;     /* of the log that may come in this second                */
    uint64_t lost; /* that did not                                           */
} auth_t;

/*  A question: version, number, domain, address, identity, mechanism, key.  */
typedef enum {
    VERSION,
    NUMBER,
    DOMAIN,
    ADDRESS,
    IDENTITY,
    MECHANISM,
    KEY,
    PARTS
} part_t;

static atomic_uint_fast64_t s_counts[5];
enum { ACCEPTED, UNKNOWN, DENIED, DELAYED, BROKEN };

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static zactor_t *s_actor = NULL;

static void
s_tell (auth_t *self, int count, const char *address, const char *key,
        const char *what)
{
    static const char *const s_reasons[] = {
        [UNKNOWN] = "has no name in rights",
        [DENIED] = "has no right to",
        [DELAYED] = "is one too many, and comes again, to",
        [BROKEN] = "asks for something else than",
    };
    s_counts[count]++;
    if (count == ACCEPTED)
        dividere_log (DIVIDERE_LOG_DEBUG, "security: %s, key %s, may %s",
                      address, key, what);
    else if (self->lines > 0) {
        self->lines--;
        dividere_log (DIVIDERE_LOG_WARNING, "security: %s, key %s, %s (%s)",
                      address, key, s_reasons[count], what);
    }
    else
        self->lost++;
}

/*  What passes in a second is limited, as is what is written of it.         */
static void
s_count_time (auth_t *self)
{
    int64_t now_ms = zclock_mono ();
    int64_t passed_ms = now_ms - self->counted_ms;
    if (passed_ms < 10)
        return;
    self->counted_ms = now_ms;
    self->room += passed_ms * PER_SECOND / 1000;
    if (self->room > BURST)
        self->room = BURST;
}

static const char *
s_judge (auth_t *self, zframe_t *const *parts, char *ret_key)
{
    char address[64], domain[DIVIDERE_DOMAIN_MAX], text[DIVIDERE_DOMAIN_MAX];
    snprintf (address, sizeof (address), "%.*s",
              (int) zframe_size (parts[ADDRESS]),
              (const char *) zframe_data (parts[ADDRESS]));
    snprintf (domain, sizeof (domain), "%.*s",
              (int) zframe_size (parts[DOMAIN]),
              (const char *) zframe_data (parts[DOMAIN]));
    ret_key[0] = text[0] = 0;
    if (!zframe_streq (parts[MECHANISM], "CURVE") ||
        zframe_size (parts[KEY]) != KEY_BYTES) {
        s_tell (self, BROKEN, address, "none", "CURVE");
        return "400";
    }
    zmq_z85_encode (ret_key, zframe_data (parts[KEY]), KEY_BYTES);
    if (self->room == 0) {
        s_tell (self, DELAYED, address, ret_key, "connect");
        return "300";
    }
    self->room--;
    switch (dividere_security_judge (domain, ret_key, text)) {
    case DIVIDERE_VERDICT_GOOD:
        s_tell (self, ACCEPTED, address, ret_key, text);
        return "200";
    case DIVIDERE_VERDICT_UNKNOWN:
        s_tell (self, UNKNOWN, address, ret_key, text);
        return "400";
    case DIVIDERE_VERDICT_DENIED:
        s_tell (self, DENIED, address, ret_key, text);
        return "400";
    default: s_tell (self, BROKEN, address, ret_key, domain); return "400";
    }
}

/*  route: all frames up to the empty one, which come back as they are.      */
static void
s_answer (auth_t *self, zmsg_t *question)
{
    zframe_t *parts[PARTS] = { NULL };
    zmsg_t *answer = zmsg_new ();
    zframe_t *frame;
    while ((frame = zmsg_pop (question))) {
        bool last = zframe_size (frame) == 0;
        zmsg_append (answer, &frame);
        if (last)
            break;
    }
    int count = 0;
    for (; count < PARTS && (frame = zmsg_pop (question)); count++)
        parts[count] = frame;
    if (count == PARTS && zframe_streq (parts[VERSION], "1.0")) {
        char key[DIVIDERE_KEY_SIZE + 1];
        s_count_time (self);
        const char *status = s_judge (self, parts, key);
        zmsg_addstr (answer, "1.0");
        zmsg_addmem (answer, zframe_data (parts[NUMBER]),
                     zframe_size (parts[NUMBER]));
        zmsg_addstr (answer, status);
        zmsg_addstr (answer, *status == '2' ? "OK" : "refused");
        zmsg_addstr (answer, *status == '2' ? key : "");
        zmsg_addmem (answer, "", 0);
        while (zmsg_size (answer) && (frame = zmsg_pop (answer))) {
            zmq_send (self->handle, zframe_data (frame), zframe_size (frame),
                      zmsg_size (answer) ? ZMQ_SNDMORE | ZMQ_DONTWAIT
                                         : ZMQ_DONTWAIT);
            zframe_destroy (&frame);
        }
    }
    for (int i = 0; i < count; i++)
        zframe_destroy (&parts[i]);
    zmsg_destroy (&answer);
}

/*  All frames of a message, of which no more than a few are kept.           */
static zmsg_t *
s_receive (auth_t *self)
{
    zmsg_t *message = NULL;
    zmq_msg_t frame;
    bool more = true;
    zmq_msg_init (&frame);
    while (more && zmq_msg_recv (&frame, self->handle,
                                 message ? 0 : ZMQ_DONTWAIT) >= 0) {
        if (!message)
            message = zmsg_new ();
        if (zmsg_size (message) < FRAMES_MAX)
            zmsg_addmem (message, zmq_msg_data (&frame), zmq_msg_size (&frame));
        more = zmq_msg_more (&frame);
    }
    zmq_msg_close (&frame);
    return message;
}

static int
s_on_question (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    auth_t *self = (auth_t *) arg;
    zmsg_t *question;
    for (int i = 0; i < QUESTIONS && (question = s_receive (self)); i++) {
        s_answer (self, question);
        zmsg_destroy (&question);
    }
    return 0;
}

static int
s_on_refresh (zloop_t *loop, int timer, void *arg)
{
    auth_t *self = (auth_t *) arg;
    if (self->lost)
        dividere_log (DIVIDERE_LOG_WARNING, "security: and %llu more",
                      (unsigned long long) self->lost);
    self->lost = 0;
    self->lines = LINES_SECOND / (1000 / REFRESH_MS);
    dividere_security_refresh_all ();
    return 0;
}

static void
s_stats (void *arg, zmsg_t *values)
{
    dividere_security_stats_t stats;
    dividere_security_stats (&stats);
    dividere_actor_stat (values, "accepted", stats.accepted);
    dividere_actor_stat (values, "unknown", stats.unknown);
    dividere_actor_stat (values, "denied", stats.denied);
    dividere_actor_stat (values, "delayed", stats.delayed);
    dividere_actor_stat (values, "broken", stats.broken);
}

/*  args: its socket, which it takes.                                        */
static void
s_run (zsock_t *pipe, void *args)
{
    static const dividere_command_t s_commands[] = { { NULL, 0, 0, NULL } };
    auth_t self = { .handle = args,
                    .room = BURST,
                    .lines = LINES_SECOND,
                    .counted_ms = zclock_mono () };
    self.actor =
        dividere_actor_new (pipe, "security", NULL, &self, s_commands, s_stats);
    zloop_t *loop = dividere_actor_loop (self.actor);
    zmq_pollitem_t item = { self.handle, 0, ZMQ_POLLIN, 0 };
    zloop_poller (loop, &item, s_on_question, &self);
    zloop_poller_set_tolerant (loop, &item);
    zloop_timer (loop, REFRESH_MS, 0, s_on_refresh, &self);
    dividere_security_running = true;
    dividere_actor_run (self.actor);
    dividere_security_running = false;
    zloop_poller_end (loop, &item);
    dividere_actor_destroy (&self.actor);
    zmq_close (self.handle);
}

static void
s_stop (void)
{
    if (s_actor && dividere_stop (&s_actor, -1) < 0)
        dividere_log (DIVIDERE_LOG_ERROR, "security: %s", strerror (errno));
}

static void
s_at_exit (void)
{
    dividere_security_unload ();
}

static int
s_start (void)
{
    static bool s_registered = false;
    void *context = zsys_init ();
    void *handle = context ? zmq_socket (context, ZMQ_ROUTER) : NULL;
    if (!handle)
        return -1;
    dividere_socket_set (handle, ZMQ_LINGER, 0);
    if (zmq_bind (handle, ENDPOINT) < 0) {
        int error = errno;
        zmq_close (handle);
        dividere_log (DIVIDERE_LOG_ERROR,
                      "security: something else answers for it: %s",
                      strerror (error));
        errno = error;
        return -1;
    }
    s_actor = zactor_new (s_run, handle);
    if (!s_registered)
        atexit (s_at_exit);
    s_registered = true;
    return 0;
}

dividere_security_t *
dividere_auth_load (const char *folder)
{
    dividere_security_t *security = dividere_security_open (folder);
    pthread_mutex_lock (&s_lock);
    if (security && !s_actor && s_start () < 0)
        security = NULL;
    pthread_mutex_unlock (&s_lock);
    return security;
}

int
dividere_security_load (const char *folder)
{
    assert (folder);
    dividere_security_t *security = dividere_auth_load (folder);
    if (security)
        dividere_security_use (security);
    return security ? 0 : -1;
}

void
dividere_security_unload (void)
{
    dividere_security_use (NULL);
    pthread_mutex_lock (&s_lock);
    s_stop ();
    pthread_mutex_unlock (&s_lock);
}

void
dividere_security_stats (dividere_security_stats_t *ret_stats)
{
    assert (ret_stats);
    *ret_stats = (dividere_security_stats_t){
        .accepted = s_counts[ACCEPTED],
        .unknown = s_counts[UNKNOWN],
        .denied = s_counts[DENIED],
        .delayed = s_counts[DELAYED],
        .broken = s_counts[BROKEN],
    };
}
