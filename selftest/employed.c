/* SPDX-License-Identifier: Apache-2.0 */

#include "employed.h"
#include "frame.h"
#include "selftest.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
employer_open (employer_t *self, const char *endpoint)
{
    *self = (employer_t){ .router = zsock_new (ZMQ_ROUTER) };
    zsock_set_rcvtimeo (self->router, SELFTEST_DEADLINE);
    zsock_set_router_mandatory (self->router, 1);
    CHECK_INT (zmq_setsockopt (zsock_resolve (self->router),
                               ZMQ_ROUTER_HANDOVER, &(int){ 1 }, sizeof (int)),
               0);
    /* Who came before may still be closing.                                 */
    CHECK_EVENTUALLY (zsock_bind (self->router, "%s", endpoint) >= 0);
    self->endpoint = strdup (zsock_endpoint (self->router));
    CHECK (self->endpoint);
}

/*  An abstract name: "ipc://@name".                                         */
static bool
s_is_refused (const char *endpoint)
{
    const char *path = endpoint + strlen ("ipc://@");
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    memcpy (name.sun_path + 1, path, strlen (path));
    socklen_t size = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + 1 +
                                  strlen (path));
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    int rc = connect (fd, (struct sockaddr *) &name, size);
    close (fd);
    return rc < 0;
}

/*  First the listener, so that a worker that is cut off does not get through to
 *  a socket that is closing.                                                */
void
employer_close (employer_t *self)
{
    if (strncmp (self->endpoint, "ipc:", 4) == 0) {
        zsock_unbind (self->router, "%s", self->endpoint);
        CHECK_EVENTUALLY (s_is_refused (self->endpoint));
    }
    zsock_destroy (&self->router);
    zmsg_destroy (&self->message);
    freen (self->endpoint);
}

zmsg_t *
employer_recv (employer_t *self)
{
    zmsg_destroy (&self->message);
    self->message = zmsg_recv (self->router);
    CHECK (self->message);
    zframe_t *frame = zmsg_first (self->message);
    for (; frame; frame = zmsg_next (self->message))
        DIVIDERE_TAKE_OVER (zframe_data (frame));
    char *name = zmsg_popstr (self->message);
    snprintf (self->worker, sizeof (self->worker), "%s", name);
    freen (name);
    return self->message;
}

bool
employer_is_left_alone (employer_t *self, int ms)
{
    zmq_pollitem_t item = { zsock_resolve (self->router), 0, ZMQ_POLLIN, 0 };
    return zmq_poll (&item, 1, ms) == 0;
}

dividere_heartbeat_t
employer_heard (employer_t *self)
{
    dividere_heartbeat_t heartbeat;
    zframe_t *frame = zmsg_first (self->message);
    CHECK_INT (zmsg_size (self->message), 1);
    CHECK_INT (dividere_heartbeat_parse (zframe_data (frame),
                                         zframe_size (frame), &heartbeat),
               0);
    CHECK_INT (heartbeat.id_size, strlen (self->worker));
    CHECK (memcmp (heartbeat.id, self->worker, heartbeat.id_size) == 0);
    return heartbeat;
}

dividere_heartbeat_t
employer_hear (employer_t *self)
{
    employer_recv (self);
    return employer_heard (self);
}

static void
s_say (employer_t *self, const dividere_heartbeat_t *heartbeat)
{
    zmq_msg_t frame;
    dividere_heartbeat_encode (heartbeat, NULL, &frame);
    zstr_sendm (self->router, self->worker);
    CHECK_INT (dividere_frame_send (&frame, zsock_resolve (self->router), 0),
               0);
}

void
employer_tell (employer_t *self, uint64_t number, uint32_t interval_ms,
               bool draining)
{
    dividere_heartbeat_t heartbeat = { .id = self->worker,
                                       .id_size = strlen (self->worker),
                                       .version = 1,
                                       .number = number,
                                       .interval_ms = interval_ms,
                                       .draining = draining };
    s_say (self, &heartbeat);
}

void
employer_tell_plain (employer_t *self)
{
    dividere_heartbeat_t heartbeat = { .id = self->worker,
                                       .id_size = strlen (self->worker) };
    s_say (self, &heartbeat);
}

dividere_heartbeat_t
employer_agree (employer_t *self, uint64_t number, uint32_t interval_ms)
{
    dividere_heartbeat_t heartbeat = { .fresh = true };
    do {
        if (heartbeat.fresh)
            employer_tell (self, number, interval_ms, false);
        heartbeat = employer_hear (self);
    }
    while (heartbeat.number != number);
    return heartbeat;
}

void
employer_hire (employer_t *self)
{
    while (!employer_hear (self).fresh)
        ;
    employer_agree (self, 1, EMPLOYED_INTERVAL);
}

static int
s_ask (employer_t *self, const dividere_extension_t *extension,
       const void *data, size_t size)
{
    zmsg_t *message = zmsg_new ();
    uint8_t bytes[DIVIDERE_EXTENSION_MAX];
    dividere_extension_write (extension, bytes);
    zmsg_addstr (message, self->worker);
    zmsg_addstr (message, "client");
    zmsg_addmem (message, bytes, dividere_extension_size (extension));
    zmsg_addmem (message, NULL, 0);
    zmsg_addmem (message, data, size);
    zframe_t *frame = zmsg_first (message);
    for (; frame; frame = zmsg_next (message))
        DIVIDERE_HAND_OVER (zframe_data (frame));
    int rc = zmsg_send (&message, self->router);
    zmsg_destroy (&message);
    return rc;
}

void
employer_ask_extended (employer_t *self, const dividere_extension_t *extension,
                       const void *data, size_t size)
{
    CHECK_INT (s_ask (self, extension, data, size), 0);
}

void
employer_ask (employer_t *self, uint64_t number, const char *payload)
{
    dividere_extension_t extension = {
        .id = { EMPLOYED_CLIENT, number },
        .attempt = 1,
        .left_ms = DIVIDERE_EXTENSION_NO_DEADLINE,
    };
    employer_ask_extended (self, &extension, payload, strlen (payload));
}

bool
employer_try_ask (employer_t *self, uint64_t number)
{
    dividere_extension_t extension = { .id = { EMPLOYED_CLIENT, number },
                                       .left_ms = UINT32_MAX };
    return s_ask (self, &extension, "x", 1) == 0;
}

int
employer_answer (employer_t *self, uint64_t number, const char *payload)
{
    zmsg_t *message = employer_recv (self);
    dividere_extension_t extension;
    while (zmsg_size (message) == 1) {
        CHECK (employer_heard (self).fresh);
        message = employer_recv (self);
    }
    CHECK_INT (zmsg_size (message), 4);
    CHECK (zframe_streq (zmsg_first (message), "client"));
    zframe_t *frame = zmsg_next (message);
    CHECK (dividere_extension_parse (zframe_data (frame), zframe_size (frame),
                                     &extension));
    CHECK_INT (extension.id.client, EMPLOYED_CLIENT);
    CHECK_INT (extension.id.number, number);
    CHECK_INT (zframe_size (zmsg_next (message)), 0);
    frame = zmsg_last (message);
    if (payload && !zframe_streq (frame, payload))
        selftest_fail (__FILE__, __LINE__, "\"%.*s\", not \"%s\"",
                       (int) zframe_size (frame), (char *) zframe_data (frame),
                       payload);
    return extension.status;
}

void
employed_work_init (employed_work_t *self)
{
    self->calls = 0;
    CHECK_INT (sem_init (&self->entered, 0, 0), 0);
    CHECK_INT (sem_init (&self->gate, 0, 0), 0);
}

void
employed_work_term (employed_work_t *self)
{
    sem_destroy (&self->entered);
    sem_destroy (&self->gate);
}

static void
s_wait (sem_t *semaphore)
{
    struct timespec limit;
    clock_gettime (CLOCK_REALTIME, &limit);
    limit.tv_sec += SELFTEST_DEADLINE / 1000;
    CHECK_INT (sem_timedwait (semaphore, &limit), 0);
}

void
employed_await (employed_work_t *self)
{
    s_wait (&self->entered);
}

int
employed_on_bytes (dividere_context_t *context, const void *data, size_t size)
{
    employed_work_t *work = (employed_work_t *) dividere_context_user (context);
    work->calls++;
    if (size == 4 && memcmp (data, "fail", size) == 0)
        return EIO;
    if (size == 6 && memcmp (data, "silent", size) == 0)
        return 0;
    if (size >= 4 && memcmp (data, "wait", 4) == 0) {
        sem_post (&work->entered);
        s_wait (&work->gate);
    }
    CHECK_INT (dividere_context_reply_bytes (context, data, size), 0);
    return 0;
}

zactor_t *
employed_start (const dividere_worker_config_t *config,
                const char *const *settings, const char *endpoint)
{
    zactor_t *worker =
        zactor_new (dividere_worker, (dividere_worker_config_t *) config);
    CHECK_INT (dividere_call (worker, NULL, SELFTEST_DEADLINE, "SET",
                              "identity", EMPLOYED_NAME, NULL),
               0);
    for (; settings && *settings; settings += 2)
        CHECK_INT (dividere_call (worker, NULL, SELFTEST_DEADLINE, "SET",
                                  settings[0], settings[1], NULL),
                   0);
    CHECK_INT (dividere_call (worker, NULL, SELFTEST_DEADLINE, "CONNECT",
                              endpoint, NULL),
               0);
    CHECK_INT (dividere_call (worker, NULL, SELFTEST_DEADLINE, "START", NULL),
               0);
    return worker;
}

zactor_t *
employed_start_work (employed_work_t *work, const char *const *settings,
                     const char *endpoint)
{
    dividere_worker_config_t config = { .on_bytes = employed_on_bytes,
                                        .user = work };
    return employed_start (&config, settings, endpoint);
}

uint64_t
employed_stat (zactor_t *worker, const char *name)
{
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (worker, &reply, SELFTEST_DEADLINE, "STATS", NULL),
               0);
    char *text;
    uint64_t value = UINT64_MAX;
    while ((text = zmsg_popstr (reply))) {
        char *number = zmsg_popstr (reply);
        if (streq (text, name))
            value = strtoull (number, NULL, 10);
        free (number);
        free (text);
    }
    zmsg_destroy (&reply);
    CHECK (value != UINT64_MAX);
    return value;
}

const char *
employed_state (zactor_t *worker, const char *endpoint)
{
    static char s_state[20];
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (worker, &reply, SELFTEST_DEADLINE, "BROKERS",
                              NULL),
               0);
    s_state[0] = 0;
    char *address;
    while ((address = zmsg_popstr (reply))) {
        char *state = zmsg_popstr (reply);
        if (streq (address, endpoint))
            snprintf (s_state, sizeof (s_state), "%s", state);
        free (zmsg_popstr (reply)); /* in hand                               */
        free (state);
        free (address);
    }
    zmsg_destroy (&reply);
    return s_state;
}

void
employed_await_c (zactor_t *worker, const char *endpoint)
{
    CHECK_EVENTUALLY (streq (employed_state (worker, endpoint), "c"));
}
