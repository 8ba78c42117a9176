/* SPDX-License-Identifier: Apache-2.0 */

/*  The same work over NATS, with objects that protobuf-c packs and unpacks. All
 *  goes through a server, as it does there; ours goes from peer to peer.     */

#include "bench.h"
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <nats/nats.h>
#include "asker.h"
#include "flow.h"
#include "selftest.h"
#include "two_step.h"

#define FOREVER_MS 3600000
#define PATH_SIZE  1024

/*  A server of our own, which ends with this process whatever happens.       */
typedef struct {
    pid_t pid;
    char *folder;
    char ports[PATH_SIZE]; /* the file there where it tells its ports        */
    char url[64];
} server_t;

/*  Debian puts it where only root looks. Returns NULL if it is not there.    */
static const char *
s_find (void)
{
    static char file[PATH_SIZE];
    const char *path = getenv ("PATH");
    char places[PATH_SIZE * 4];
    snprintf (places, sizeof (places), "%s:/usr/sbin:/usr/local/sbin",
              path ? path : "");
    char *rest = places, *place;
    while ((place = strsep (&rest, ":"))) {
        snprintf (file, sizeof (file), "%s/nats-server", place);
        if (*place && access (file, X_OK) == 0)
            return file;
    }
    return NULL;
}

bool
bench_nats_is_there (void)
{
    if (s_find ())
        return true;
    fprintf (stderr, "nats-server is not in PATH: no rows beside NATS\n");
    return false;
}

/*  What is in the folder is named after the server's process.                */
static bool
s_read_url (server_t *self)
{
    char text[512] = "";
    DIR *folder = opendir (self->folder);
    const struct dirent *entry;
    CHECK (folder);
    while ((entry = readdir (folder)))
        if (entry->d_name[0] != '.') {
            snprintf (self->ports, sizeof (self->ports), "%s/%s", self->folder,
                      entry->d_name);
            FILE *file = fopen (self->ports, "r");
            CHECK (file);
            text[fread (text, 1, sizeof (text) - 1, file)] = 0;
            fclose (file);
        }
    closedir (folder);
    const char *at = strstr (text, "nats://");
    int size = 0; /* 0 also while it is still being written                  */
    return at && sscanf (at, "%63[^\"]\"%n", self->url, &size) == 1 && size;
}

static void
s_start (server_t *self)
{
    const char *program = s_find ();
    CHECK (program);
    self->folder = selftest_folder ();
    pid_t parent = getpid ();
    self->pid = fork ();
    CHECK (self->pid >= 0);
    if (self->pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        if (getppid () == parent)
            execl (program, program, "-a", "127.0.0.1", "-p", "-1",
                   "--ports_file_dir", self->folder, "-l", "/dev/null", NULL);
        _exit (127);
    }
    CHECK_EVENTUALLY (s_read_url (self));
}

static void
s_stop (server_t *self)
{
    kill (self->pid, SIGKILL);
    waitpid (self->pid, NULL, 0);
    CHECK_INT (unlink (self->ports), 0);
    CHECK_INT (rmdir (self->folder), 0);
    free (self->folder);
}

/*  Its client collects what it sends for a while, unless it is told not to:
 *  that is faster for a stream, but a request should not wait.               */
static natsConnection *
s_connect (const server_t *server, bool at_once)
{
    natsConnection *connection = NULL;
    natsOptions *options = NULL;
    CHECK_INT (natsOptions_Create (&options), NATS_OK);
    CHECK_INT (natsOptions_SetURL (options, server->url), NATS_OK);
    CHECK_INT (natsOptions_SetSendAsap (options, at_once), NATS_OK);
    CHECK_INT (natsConnection_Connect (&connection, options), NATS_OK);
    natsOptions_Destroy (options);
    return connection;
}

static natsSubscription *
s_subscribe (natsConnection *connection, const char *subject)
{
    natsSubscription *subscription = NULL;
    CHECK_INT (natsConnection_SubscribeSync (&subscription, connection,
                                             subject),
               NATS_OK);
    CHECK_INT (natsSubscription_SetPendingLimits (subscription, -1, -1),
               NATS_OK);
    CHECK_INT (natsConnection_Flush (connection), NATS_OK);
    return subscription;
}

static void
s_publish (natsConnection *connection, const char *subject, const char *reply,
           const ProtobufCMessage *message, const char *url)
{
    zmq_msg_t frame;
    two_step_encode (message, url, &frame);
    int size = (int) zmq_msg_size (&frame);
    natsStatus status =
        reply ? natsConnection_PublishRequest (connection, subject, reply,
                                               zmq_msg_data (&frame), size)
              : natsConnection_Publish (connection, subject,
                                        zmq_msg_data (&frame), size);
    CHECK_INT (status, NATS_OK);
    zmq_msg_close (&frame);
}

/*  NULL: another type.                                                       */
static ProtobufCMessage *
s_unpack (natsMsg *message)
{
    return two_step_decode (natsMsg_GetData (message),
                            (size_t) natsMsg_GetDataLength (message),
                            &msg01__descriptor);
}

static void
s_send (const load_t *load, void *sender, bool mark)
{
    if (mark)
        s_publish ((natsConnection *) sender, "flow", NULL, &load->mark.base,
                   TWO_STEP_URL ("MyServiceReq"));
    else
        s_publish ((natsConnection *) sender, "flow", NULL, &load->message.base,
                   TWO_STEP_URL ("Msg01"));
}

static void *
s_receive (void *args)
{
    flow_t *self = (flow_t *) args;
    ProtobufCMessage *object;
    do {
        natsMsg *message = NULL;
        CHECK_INT (natsSubscription_NextMsg (
                       &message, (natsSubscription *) self->receiver,
                       FOREVER_MS),
                   NATS_OK);
        object = s_unpack (message);
        natsMsg_Destroy (message);
        if (object)
            protobuf_c_message_free_unpacked (object, NULL);
    }
    while (object || flow_take_mark (self));
    return NULL;
}

static double
s_flow_side (const void *args, double seconds)
{
    server_t server;
    flow_t self;
    s_start (&server);
    flow_init (&self, (const stream_t *) args);
    natsConnection *in = s_connect (&server, false);
    natsConnection *out = s_connect (&server, false);
    natsSubscription *subscription = s_subscribe (in, "flow");
    self.receiver = subscription;
    self.sender = out;
    self.send = s_send;
    double rate = flow_pump_into (&self, s_receive, seconds);
    natsSubscription_Destroy (subscription);
    natsConnection_Destroy (in);
    natsConnection_Destroy (out);
    flow_term (&self);
    s_stop (&server);
    return rate;
}

typedef struct {
    natsConnection *connection;
    natsSubscription *subscription; /* to the answers, or the requests       */
} end_t;

static void
s_ask (asker_t *self)
{
    const end_t *end = (const end_t *) self->socket;
    s_publish (end->connection, "ask", "answer", &self->load.message.base,
               TWO_STEP_URL ("Msg01"));
}

static void
s_take_answer (asker_t *self)
{
    const end_t *end = (const end_t *) self->socket;
    natsMsg *message = NULL;
    CHECK_INT (natsSubscription_NextMsg (&message, end->subscription,
                                         FOREVER_MS),
               NATS_OK);
    ProtobufCMessage *object = s_unpack (message);
    CHECK (object);
    protobuf_c_message_free_unpacked (object, NULL);
    natsMsg_Destroy (message);
}

/*  Until its connection is closed.                                           */
static void *
s_serve (void *args)
{
    const end_t *end = (const end_t *) args;
    natsMsg *message = NULL;
    while (natsSubscription_NextMsg (&message, end->subscription, FOREVER_MS) ==
           NATS_OK) {
        ProtobufCMessage *object = s_unpack (message);
        CHECK (object);
        s_publish (end->connection, natsMsg_GetReply (message), NULL, object,
                   TWO_STEP_URL ("Msg01"));
        protobuf_c_message_free_unpacked (object, NULL);
        natsMsg_Destroy (message);
    }
    return NULL;
}

static double
s_asker_side (const void *args, double seconds)
{
    const asker_shape_t *shape = (const asker_shape_t *) args;
    server_t server;
    pthread_t thread;
    s_start (&server);
    end_t served = { s_connect (&server, true), NULL };
    end_t asking = { s_connect (&server, true), NULL };
    served.subscription = s_subscribe (served.connection, "ask");
    asking.subscription = s_subscribe (asking.connection, "answer");
    CHECK_INT (pthread_create (&thread, NULL, s_serve, &served), 0);
    asker_t self = { .ask = s_ask, .take_answer = s_take_answer };
    load_init (&self.load, ASKER_PAYLOAD);
    self.socket = &asking;
    double figure = asker_measure (&self, shape->in_flight, seconds);
    natsConnection_Close (served.connection);
    pthread_join (thread, NULL);
    natsSubscription_Destroy (served.subscription);
    natsSubscription_Destroy (asking.subscription);
    natsConnection_Destroy (served.connection);
    natsConnection_Destroy (asking.connection);
    load_term (&self.load);
    s_stop (&server);
    return figure;
}

static const stream_t s_tcp_16 = { false, 16 };
static const asker_shape_t s_pipelined = { 100, 1 };
static const asker_shape_t s_lock_step = { 1, 1 };

const bench_row_t bench_nats_rows[] = {
    { "published, 16 B, tcp, beside NATS",
      "NATS through its server, protobuf-c",
      BENCH_RATE,
      { s_flow_side, &s_tcp_16 },
      { flow_published_side, &s_tcp_16 } },
    { "requests, 100 in flight, beside NATS",
      "NATS through its server, protobuf-c",
      BENCH_RATE,
      { s_asker_side, &s_pipelined },
      { asker_reactor_side, &s_pipelined } },
    { "round trip, p50, beside NATS",
      "NATS through its server, protobuf-c",
      BENCH_TIME,
      { s_asker_side, &s_lock_step },
      { asker_reactor_side, &s_lock_step } },
    BENCH_END,
};
