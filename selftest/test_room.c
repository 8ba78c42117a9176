/* SPDX-License-Identifier: Apache-2.0 */

/*  Whether there is room for what is configured: by numbers alone, then by what
 *  an actor says of this process.                                           */

#include "selftest.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#include <dividere.h>
#include "room.h"

void test_room_sums (void);
void test_room_judged (void);
void test_room_read (void);
void test_room_told (void);
void test_room_exhausted (void);

#define MIB  ((uint64_t) 1 << 20)
#define NONE UINT64_MAX

void
test_room_sums (void)
{
    dividere_room_t room = { .descriptors = NONE, .memory = NONE };
    CHECK (dividere_room_by_descriptors (&room) == NONE);
    CHECK (dividere_room_by_memory (&room) == NONE);
    room.descriptors = 1024;
    room.descriptors_open = 20;
    CHECK_INT (dividere_room_by_descriptors (&room),
               1024 - 20 - DIVIDERE_ROOM_RESERVE);
    room.descriptors_open = 1024 - DIVIDERE_ROOM_RESERVE;
    CHECK_INT (dividere_room_by_descriptors (&room), 0);
    room.descriptors_open = 5000;
    CHECK_INT (dividere_room_by_descriptors (&room), 0);
    room.descriptors_open = NONE;
    CHECK_INT (dividere_room_by_descriptors (&room), 0);
    room.memory_limit = "RLIMIT_AS";
    room.memory = 10 * DIVIDERE_ROOM_PEER + 5;
    CHECK_INT (dividere_room_by_memory (&room), 10);
    room.memory_used = 6;
    CHECK_INT (dividere_room_by_memory (&room), 9);
    room.memory_used = room.memory + 1;
    CHECK_INT (dividere_room_by_memory (&room), 0);
}

static void
s_check_text (const dividere_room_t *room, const dividere_demand_t *demand,
              bool enough, const char *expected)
{
    char text[DIVIDERE_ROOM_TEXT];
    CHECK_INT (dividere_room_judge (room, demand, text), enough);
    CHECK_STR (text, expected);
}

void
test_room_judged (void)
{
    dividere_room_t room = { .descriptors = 1024,
                             .descriptors_open = 18,
                             .memory = NONE,
                             .peers = 990 };
    dividere_demand_t demand = { .who = "broker",
                                 .peers_name = "workers_max",
                                 .peers = 990,
                                 .bytes_name = "bytes_max",
                                 .bytes = 256 * MIB };
    s_check_text (&room, &demand, true,
                  "broker: room for about 990 peers: 1024 descriptors, no "
                  "limit of memory");
    demand.peers = 100000;
    s_check_text (&room, &demand, false,
                  "broker: 1024 descriptors (RLIMIT_NOFILE) are room for about "
                  "990 peers; \"workers_max\" is 100000, for which it takes "
                  "100034: raise it with ulimit -n or LimitNOFILE=");
    room.descriptors = NONE;
    room.memory_limit = "memory.max";
    room.memory = 300 * MIB;
    room.memory_used = 10 * MIB;
    s_check_text (&room, &demand, false,
                  "broker: 300 MiB of memory (memory.max) are room for about "
                  "4499 peers, or 290 MiB; \"workers_max\" is 100000, "
                  "\"bytes_max\" is 256 MiB, for which it takes 6712 MiB: "
                  "raise it with ulimit or MemoryMax=, or set less");
    /* Both in one line; and just enough of both.                            */
    room.descriptors = 1024;
    char text[DIVIDERE_ROOM_TEXT];
    CHECK (!dividere_room_judge (&room, &demand, text));
    CHECK (strstr (text, "RLIMIT_NOFILE") && strstr (text, "memory.max"));
    demand.peers = 990;
    demand.bytes = 290 * MIB - 990 * DIVIDERE_ROOM_PEER;
    s_check_text (&room, &demand, true,
                  "broker: room for about 990 peers: 1024 descriptors, 300 MiB "
                  "of memory (memory.max)");
    demand.bytes++;
    CHECK (!dividere_room_judge (&room, &demand, text));
    /* Sums that are too large for a number.                                 */
    demand.peers = demand.bytes = demand.replies = NONE;
    demand.who = "a name that somebody has chosen who likes long ones, such as "
                 "this one, which goes on";
    CHECK (!dividere_room_judge (&room, &demand, text));
    CHECK (strlen (text) < DIVIDERE_ROOM_TEXT);
}

/*  What it reads follows what is set.                                       */
void
test_room_read (void)
{
    dividere_room_t before, after;
    dividere_room_get (&before);
    CHECK (before.descriptors <= before.descriptors_max);
    CHECK (before.sockets > 0 && before.peers > 0);
    int fd = dup (STDOUT_FILENO);
    CHECK (fd >= 0);
    struct rlimit limit = { before.descriptors - 1, before.descriptors_max };
    CHECK_INT (setrlimit (RLIMIT_NOFILE, &limit), 0);
    limit = (struct rlimit){ (rlim_t) 1 << 46, RLIM_INFINITY };
    CHECK_INT (setrlimit (RLIMIT_DATA, &limit), 0);
    dividere_room_get (&after);
    CHECK_INT (after.descriptors, before.descriptors - 1);
    CHECK_INT (after.descriptors_open, before.descriptors_open + 1);
    if (!before.memory_limit) {
        CHECK_STR (after.memory_limit, "RLIMIT_DATA");
        CHECK_INT (after.memory, (uint64_t) 1 << 46);
        CHECK (after.memory_used > 0);
        CHECK_INT (after.peers, before.peers - 2);
    }
    close (fd);
}

/*  The last warning, and how many there were.                               */
typedef struct {
    pthread_mutex_t mutex;
    char line[DIVIDERE_ROOM_TEXT];
    int count;
} warnings_t;

static void
s_on_line (dividere_log_level_t level, const char *line, void *arg)
{
    warnings_t *self = (warnings_t *) arg;
    if (level != DIVIDERE_LOG_WARNING)
        return;
    pthread_mutex_lock (&self->mutex);
    snprintf (self->line, sizeof (self->line), "%s", line);
    self->count++;
    pthread_mutex_unlock (&self->mutex);
}

static bool
s_warned (warnings_t *self, int count, const char *of)
{
    pthread_mutex_lock (&self->mutex);
    bool warned = self->count == count && strstr (self->line, of);
    pthread_mutex_unlock (&self->mutex);
    return warned;
}

static char *
s_call (zactor_t *actor, const char *command, const char *first,
        const char *second)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (actor, &reply, SELFTEST_DEADLINE, command, first,
                              second, NULL),
               0);
    char *value = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return value;
}

static void
s_attach (zactor_t *actor, const char *side, const char *endpoint)
{
    free (s_call (actor, "BIND", side, endpoint));
}

/*  One line each, at the first endpoint that takes descriptors.             */
void
test_room_told (void)
{
    static warnings_t s_warnings = { .mutex = PTHREAD_MUTEX_INITIALIZER };
    struct rlimit limit;
    CHECK_INT (getrlimit (RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 300;
    CHECK_INT (setrlimit (RLIMIT_NOFILE, &limit), 0);
    dividere_log_set (DIVIDERE_LOG_WARNING, s_on_line, &s_warnings);
    zactor_t *broker = zactor_new (dividere_broker, NULL);
    s_attach (broker, "frontend", selftest_inproc ());
    CHECK_INT (s_warnings.count, 0);
    s_attach (broker, "frontend", "tcp://127.0.0.1:*");
    CHECK (s_warned (&s_warnings, 1, "broker: 300 descriptors"));
    CHECK (s_warned (&s_warnings, 1, "\"workers_max\" is 100000"));
    s_attach (broker, "backend", "tcp://127.0.0.1:*");
    CHECK_INT (s_warnings.count, 1);
    CHECK_INT (dividere_stop (&broker, SELFTEST_DEADLINE), 0);
    broker = zactor_new (dividere_broker, NULL);
    free (s_call (broker, "SET", "workers_max", "100"));
    free (s_call (broker, "SET", "bytes_max", "0"));
    s_attach (broker, "backend", selftest_ipc ());
    CHECK_INT (s_warnings.count, 1);
    CHECK_INT (dividere_stop (&broker, SELFTEST_DEADLINE), 0);
    zactor_t *server = zactor_new (dividere_nameserver, NULL);
    s_attach (server, "watch", "tcp://127.0.0.1:*");
    CHECK (s_warned (&s_warnings, 2, "\"watchers_max\" is 10000"));
    CHECK_INT (dividere_stop (&server, SELFTEST_DEADLINE), 0);
    zactor_t *proxy = zactor_new (dividere_proxy, NULL);
    s_attach (proxy, "frontend", "tcp://127.0.0.1:*");
    CHECK_INT (dividere_stop (&proxy, SELFTEST_DEADLINE), 0);
    CHECK_INT (s_warnings.count, 2);
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
}

/*  Takes a request and sends it back.                                       */
static void
s_echo (void *worker)
{
    zmq_msg_t frame;
    int more = 1;
    while (more) {
        zmq_msg_init (&frame);
        CHECK (zmq_msg_recv (&frame, worker, 0) >= 0);
        more = zmq_msg_more (&frame);
        CHECK (zmq_msg_send (&frame, worker, more ? ZMQ_SNDMORE : 0) >= 0);
    }
}

/*  A request and its reply.                                                 */
static void
s_exchange (void *client, void *worker, char payload)
{
    char frame[8];
    CHECK_INT (zmq_send (client, "", 0, ZMQ_SNDMORE), 0);
    CHECK_INT (zmq_send (client, &payload, 1, 0), 1);
    s_echo (worker);
    CHECK_INT (zmq_recv (client, frame, sizeof (frame), 0), 0);
    CHECK_INT (zmq_recv (client, frame, sizeof (frame), 0), 1);
    CHECK_INT (*frame, payload);
}

static void *
s_dealer (const char *endpoint)
{
    void *socket = zmq_socket (zsys_init (), ZMQ_DEALER);
    int limit = SELFTEST_DEADLINE, none = 0;
    zmq_setsockopt (socket, ZMQ_RCVTIMEO, &limit, sizeof (limit));
    zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof (none));
    CHECK_INT (zmq_connect (socket, endpoint), 0);
    return socket;
}

/*  The proxy goes on while there is none, says so, and takes who waited.     */
void
test_room_exhausted (void)
{
    static warnings_t s_warnings = { .mutex = PTHREAD_MUTEX_INITIALIZER };
    struct rlimit before, none;
    CHECK_INT (getrlimit (RLIMIT_NOFILE, &before), 0);
    zactor_t *proxy = zactor_new (dividere_proxy, NULL);
    char *frontend = s_call (proxy, "BIND", "frontend", "tcp://127.0.0.1:*");
    char *backend = s_call (proxy, "BIND", "backend", "tcp://127.0.0.1:*");
    void *worker = s_dealer (backend), *client = s_dealer (frontend);
    s_exchange (client, worker, 'a');
    dividere_log_set (DIVIDERE_LOG_WARNING, s_on_line, &s_warnings);
    none = (struct rlimit){ 3, before.rlim_max };
    CHECK_INT (setrlimit (RLIMIT_NOFILE, &none), 0);
    CHECK_EVENTUALLY (s_warned (&s_warnings, 1, "no descriptor is left"));
    s_exchange (client, worker, 'b');
    CHECK_INT (setrlimit (RLIMIT_NOFILE, &before), 0);
    CHECK_EVENTUALLY (s_warned (&s_warnings, 2, "descriptors again"));
    dividere_log_set (DIVIDERE_LOG_NONE, NULL, NULL);
    zmq_close (client);
    zmq_close (worker);
    CHECK_INT (dividere_stop (&proxy, SELFTEST_DEADLINE), 0);
    free (frontend);
    free (backend);
}
