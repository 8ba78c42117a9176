/* SPDX-License-Identifier: Apache-2.0 */

/*  Looking names up among a million, beside a bare echo of the same frames. The
 *  name server is filled once, by a file, and is there for all windows of a
 *  row.                                                                     */

#include "bench.h"
#include <pthread.h>
#include <unistd.h>
#include <dividere.h>
#include "control.h"
#include "dialogue.h"
#include "name_snapshot.h"
#include "selftest.h"

#define NAMES       1000000
#define NAME_FORMAT "service-%07d"
#define NAME_DIGITS 7
#define BATCH       16     /* between two looks at the clock               */
#define SAMPLES_MAX 100000 /* of one window                                */
#define SEED        0x9e3779b97f4a7c15
#define LEASE_MS    86400000 /* longer than any run                        */
#define SERVER      "192.0.2.77"
#define PORT        5101
#define PORTS       900

typedef struct {
    int type; /* of the client                                              */
    int in_flight;
    bool registers; /* else it looks up                                     */
} shape_t;

/*  Who asks: the same frames for both sides, each time another name.        */
typedef struct {
    const shape_t *shape;
    void *socket;
    zmq_msg_t request;
    char *digits; /* of the name in it                                      */
    char *port;   /* of the instance, where it registers; a varint          */
    uint64_t random;
} client_t;

static void
s_client_init (client_t *self, const shape_t *shape, zsock_t *sock)
{
    char name[32];
    Dividere__Wire__ServiceLookupReq lookup =
        DIVIDERE__WIRE__SERVICE_LOOKUP_REQ__INIT;
    Dividere__Wire__RegisterService registration =
        DIVIDERE__WIRE__REGISTER_SERVICE__INIT;
    snprintf (name, sizeof (name), NAME_FORMAT, 0);
    lookup.servicename = registration.servicename = name;
    registration.server = (char *) SERVER;
    registration.port = PORT;
    registration.version = 1;
    registration.instance = 31337;
    registration.lease_ms = LEASE_MS;
    CHECK_INT (dividere_control_write (shape->registers ? &registration.base
                                                        : &lookup.base,
                                       &self->request),
               0);
    char *data = (char *) zmq_msg_data (&self->request);
    size_t size = zmq_msg_size (&self->request);
    self->digits = (char *) memmem (data, size, name, strlen (name)) +
                   strlen (name) - NAME_DIGITS;
    char *server = (char *) memmem (data, size, SERVER, strlen (SERVER));
    self->port = shape->registers ? server + strlen (SERVER) + 1 : NULL;
    self->shape = shape;
    self->socket = zsock_resolve (sock);
    self->random = SEED;
}

static void
s_ask (client_t *self)
{
    unsigned number = (unsigned) (selftest_random (&self->random) % NAMES);
    if (self->port) {
        unsigned port = PORT + number % PORTS;
        self->port[0] = (char) (port | 0x80);
        self->port[1] = (char) (port >> 7);
    }
    for (int i = NAME_DIGITS; i-- > 0; number /= 10)
        self->digits[i] = (char) ('0' + number % 10);
    if (self->shape->type == ZMQ_DEALER)
        CHECK_INT (zmq_send (self->socket, "", 0, ZMQ_SNDMORE), 0);
    size_t size = zmq_msg_size (&self->request);
    CHECK_INT (zmq_send (self->socket, zmq_msg_data (&self->request), size, 0),
               size);
}

static void
s_take (client_t *self)
{
    char answer[200];
    if (self->shape->type == ZMQ_DEALER)
        CHECK_INT (zmq_recv (self->socket, answer, sizeof (answer), 0), 0);
    int size = zmq_recv (self->socket, answer, sizeof (answer), 0);
    CHECK (size >= (int) zmq_msg_size (&self->request) ||
           (size > 0 && self->shape->registers));
}

static double
s_rate (client_t *self, double seconds)
{
    for (int i = 0; i < self->shape->in_flight; i++)
        s_ask (self);
    size_t count = 0;
    double start = bench_now ();
    double now;
    do {
        for (int i = 0; i < BATCH; i++) {
            s_take (self);
            s_ask (self);
        }
        count += BATCH;
        now = bench_now ();
    }
    while (now - start < seconds);
    for (int i = 0; i < self->shape->in_flight; i++)
        s_take (self);
    return (double) count / (now - start);
}

static double
s_round_trip (client_t *self, double seconds)
{
    static double samples[SAMPLES_MAX];
    s_ask (self);
    s_take (self);
    size_t count = 0;
    double end = bench_now () + seconds;
    double now = 0;
    while (now < end && count < SAMPLES_MAX) {
        double start = bench_now ();
        s_ask (self);
        s_take (self);
        now = bench_now ();
        samples[count++] = now - start;
    }
    return bench_median (samples, count);
}

/*  By a client of this kind.                                                */
static double
s_measure (const shape_t *shape, const char *endpoint, double seconds)
{
    client_t self;
    zsock_t *sock = zsock_new (shape->type);
    CHECK (sock);
    zsock_set_rcvtimeo (sock, SELFTEST_DEADLINE);
    CHECK_INT (zsock_connect (sock, "%s", endpoint), 0);
    s_client_init (&self, shape, sock);
    double figure = shape->in_flight > 1 ? s_rate (&self, seconds)
                                         : s_round_trip (&self, seconds);
    zmq_msg_close (&self.request);
    zsock_destroy (&sock);
    return figure;
}

/*  In a context of its own, whose end ends it.                              */
static void *
s_echo (void *router)
{
    while (dialogue_echo (router, 0, 0))
        continue;
    zmq_close (router);
    return NULL;
}

static double
s_raw_side (const void *args, double seconds)
{
    char endpoint[64];
    size_t size = sizeof (endpoint);
    void *context = zmq_ctx_new ();
    void *router = zmq_socket (context, ZMQ_ROUTER);
    CHECK (router);
    CHECK_INT (zmq_bind (router, "tcp://127.0.0.1:*"), 0);
    CHECK_INT (zmq_getsockopt (router, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    pthread_t thread;
    CHECK_INT (pthread_create (&thread, NULL, s_echo, router), 0);
    double figure = s_measure ((const shape_t *) args, endpoint, seconds);
    zmq_ctx_shutdown (context);
    pthread_join (thread, NULL);
    zmq_ctx_term (context);
    return figure;
}

/*  A table of so many names, of services of this library or of others.      */
static dividere_names_t *
s_names (bool native)
{
    static const dividere_names_limits_t s_limits = {
        .instances_max = NAMES,
        .name_max = 1,
        .owner_max = NAMES,
        .metadata_max = 100,
        .bytes_max = (size_t) 1 << 30,
    };
    dividere_names_t *names = dividere_names_new (NULL, NULL);
    dividere_names_limit (names, &s_limits);
    char name[32];
    for (int i = 0; i < NAMES; i++) {
        snprintf (name, sizeof (name), NAME_FORMAT, i);
        const dividere_instance_t instance = {
            .name = name,
            .server = SERVER,
            .port = PORT + i % PORTS,
            .instance = native ? (uint64_t) i + 1 : 0,
            .lease_ms = native ? LEASE_MS : 0,
            .native = native
        };
        CHECK_INT (dividere_names_register (names, &instance, false, "", 0,
                                            NULL, NULL),
                   0);
    }
    return names;
}

/*  What one name with its one instance takes, as the allocator has it.      */
static double
s_bytes (const void *args, double seconds)
{
    size_t before = bench_allocated ();
    dividere_names_t *names = s_names (true);
    double bytes = (double) (bench_allocated () - before) / NAMES;
    dividere_names_destroy (&names);
    return bytes;
}

/*  A file of them.                                                          */
static char *
s_file (void)
{
    dividere_names_t *names = s_names (false);
    dividere_snapshot_t *snapshot = dividere_snapshot_new (names);
    while (!dividere_snapshot_write (snapshot, NAMES))
        continue;
    size_t size;
    const void *data = dividere_snapshot_data (snapshot, &size);
    char *folder = selftest_folder ();
    char *path = zsys_sprintf ("%s/names", folder);
    FILE *file = fopen (path, "w");
    CHECK (file && fwrite (data, 1, size, file) == size);
    CHECK_INT (fclose (file), 0);
    dividere_snapshot_destroy (&snapshot);
    dividere_names_destroy (&names);
    free (folder);
    return path;
}

/*  Where it serves; it is never stopped: the process of the row ends.       */
static const char *
s_name_server (void)
{
    static char *s_endpoint = NULL;
    if (s_endpoint)
        return s_endpoint;
    char *path = s_file ();
    zactor_t *actor = zactor_new (dividere_nameserver, NULL);
    CHECK_INT (dividere_call (actor, NULL, -1, "SET", "rounds", "0", NULL), 0);
    CHECK_INT (dividere_call (actor, NULL, -1, "SET", "snapshot", path, NULL),
               0);
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (actor, &reply, -1, "BIND", "requests",
                              "tcp://127.0.0.1:*", NULL),
               0);
    s_endpoint = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    unlink (path);
    *strrchr (path, '/') = '\0';
    rmdir (path);
    free (path);
    return s_endpoint;
}

static double
s_names_side (const void *args, double seconds)
{
    return s_measure ((const shape_t *) args, s_name_server (), seconds);
}

static const shape_t s_lock_step = { ZMQ_REQ, 1 };
static const shape_t s_pipelined = { ZMQ_DEALER, 100 };
static const shape_t s_registering = { ZMQ_DEALER, 100, true };

const bench_row_t bench_names_rows[] = {
    { "lookup among 1,000,000 names, tcp, p50",
      "libzmq, REQ/ROUTER echo",
      BENCH_TIME,
      { s_raw_side, &s_lock_step },
      { s_names_side, &s_lock_step },
      1.30,
      1.10 },
    { "lookups among 1,000,000 names, 100 in flight",
      "libzmq, DEALER/ROUTER echo",
      BENCH_RATE,
      { s_raw_side, &s_pipelined },
      { s_names_side, &s_pipelined },
      0.65,
      0.80 },
    { "registrations among 1,000,000 names, 100 in flight",
      "libzmq, DEALER/ROUTER echo",
      BENCH_RATE,
      { s_raw_side, &s_registering },
      { s_names_side, &s_registering },
      0.30,
      0.60 },
    { "memory of a name with an instance",
      "(absolute)",
      BENCH_BYTES,
      { NULL, NULL },
      { s_bytes, NULL },
      400,
      200 },
    BENCH_END,
};
