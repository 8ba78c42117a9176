/* SPDX-License-Identifier: Apache-2.0 */

/*  The reliable client against a ROUTER that plays the broker.              */

#include "selftest.h"
#include <poll.h>
#include <unistd.h>
#include <czmq.h>
#include <dividere.h>
#include "extension.h"
#include "test.pb-c.h"

void test_client_request (void);
void test_client_options (void);
void test_client_statuses (void);
void test_client_retries (void);
void test_client_any_order (void);
void test_client_one_at_a_time (void);
void test_client_stale (void);
void test_client_garbage (void);
void test_client_not_connected (void);
void test_client_failover (void);
void test_client_broker_returns (void);
void test_client_strict (void);
void test_client_cancel (void);
void test_client_limits (void);
void test_client_descriptor (void);
void test_client_reactor (void);

#define LONG_MS 60000

/*  A broker made of a socket, and the request that it took last.            */
typedef struct {
    zsock_t *sock;
    zframe_t *route;
    dividere_extension_t extension;
    uint8_t bytes[DIVIDERE_EXTENSION_MAX]; /* of that                        */
    char *payload;
} fake_t;

static void
s_fake_start (fake_t *self, const char *endpoint)
{
    memset (self, 0, sizeof (*self));
    self->sock = zsock_new (ZMQ_ROUTER);
    CHECK (self->sock);
    zsock_set_rcvtimeo (self->sock, SELFTEST_DEADLINE);
    zsock_set_sndhwm (self->sock, 0);
    /* One that was just closed may still be bound.                          */
    CHECK_EVENTUALLY (zsock_bind (self->sock, "%s", endpoint) >= 0);
}

static void
s_fake_stop (fake_t *self)
{
    zsock_destroy (&self->sock);
    zframe_destroy (&self->route);
    freen (self->payload);
}

static const char *
s_fake_endpoint (const fake_t *self)
{
    return zsock_endpoint (self->sock);
}

/*  The next request; false: there is none now.                              */
static bool
s_fake_poll (fake_t *self, int timeout_ms)
{
    zmq_pollitem_t item = { zsock_resolve (self->sock), 0, ZMQ_POLLIN, 0 };
    if (zmq_poll (&item, 1, timeout_ms) < 1)
        return false;
    zmsg_t *message = zmsg_recv (self->sock);
    CHECK (message);
    CHECK_INT (zmsg_size (message), 4);
    zframe_destroy (&self->route);
    freen (self->payload);
    self->route = zmsg_pop (message);
    zframe_t *frame = zmsg_pop (message);
    CHECK (zframe_size (frame) <= sizeof (self->bytes));
    memcpy (self->bytes, zframe_data (frame), zframe_size (frame));
    CHECK (dividere_extension_parse (self->bytes, zframe_size (frame),
                                     &self->extension));
    CHECK_INT (self->extension.status, 0);
    zframe_destroy (&frame);
    frame = zmsg_pop (message);
    CHECK_INT (zframe_size (frame), 0);
    zframe_destroy (&frame);
    self->payload = zmsg_popstr (message);
    zmsg_destroy (&message);
    return true;
}

static void
s_fake_send (fake_t *self, dividere_extension_t extension, const char *payload)
{
    uint8_t bytes[DIVIDERE_EXTENSION_MAX];
    dividere_extension_write (&extension, bytes);
    zmsg_t *message = zmsg_new ();
    zframe_t *route = zframe_dup (self->route);
    zmsg_append (message, &route);
    zmsg_addmem (message, bytes, dividere_extension_size (&extension));
    zmsg_addstr (message, "");
    zmsg_addstr (message, payload);
    CHECK_INT (zmsg_send (&message, self->sock), 0);
}

/*  Answers what was taken last, as a broker of this library.                */
static void
s_fake_answer (fake_t *self, dividere_status_t status, const char *payload)
{
    dividere_extension_t extension = self->extension;
    extension.status = (uint8_t) status;
    extension.flags |= DIVIDERE_EXTENSION_BROKER;
    s_fake_send (self, extension, payload);
}

/*  Takes the next request, while the client does what is due.               */
static void
s_take (fake_t *fake, dividere_client_t *client)
{
    CHECK_EVENTUALLY (
        (dividere_client_process (client), s_fake_poll (fake, 0)));
}

static uint64_t
s_send (dividere_client_t *client, const char *text,
        const dividere_request_options_t *options)
{
    uint64_t number;
    CHECK_INT (dividere_client_send_bytes (client, text, strlen (text), options,
                                           &number),
               0);
    return number;
}

/*  The next result has this number and error, and this reply.               */
static dividere_result_t
s_expect (dividere_client_t *client, uint64_t number, int error,
          const char *reply)
{
    dividere_message_t *message = dividere_message_new ();
    dividere_result_t result;
    CHECK_INT (dividere_client_recv (client, message, &result,
                                     SELFTEST_DEADLINE),
               0);
    CHECK_INT (result.number, number);
    CHECK_INT (result.error, error);
    if (reply) {
        CHECK_INT (dividere_message_size (message), strlen (reply));
        CHECK (memcmp (dividere_message_data (message), reply,
                       strlen (reply)) == 0);
    }
    dividere_message_destroy (&message);
    return result;
}

static const dividere_client_options_t s_patient = {
    .attempt_ms = LONG_MS,
    .retries = 5,
    .backoff_ms = 1,
    .backoff_max_ms = 4,
    .requests_max = 10000,
    .bytes_max = 64 << 20,
};

/*  As a broker of this library it has one more answer to give.              */
static void
s_make_known (fake_t *fake, dividere_client_t *client)
{
    uint64_t number = s_send (client, "first", NULL);
    s_take (fake, client);
    s_fake_answer (fake, DIVIDERE_STATUS_OK, "yes");
    s_expect (client, number, 0, "yes");
}

/*  A thread that sends back what it gets.                                   */
static void
s_answering (zsock_t *pipe, void *args)
{
    fake_t fake;
    s_fake_start (&fake, selftest_tcp ());
    zsock_signal (pipe, 0);
    zstr_send (pipe, s_fake_endpoint (&fake));
    zsock_t *which;
    zpoller_t *poller = zpoller_new (pipe, fake.sock, NULL);
    while ((which = (zsock_t *) zpoller_wait (poller, -1)) != pipe && which) {
        zmsg_t *message = zmsg_recv (fake.sock);
        zmsg_send (&message, fake.sock);
    }
    zpoller_destroy (&poller);
    s_fake_stop (&fake);
}

/*  Whoever echoes what he gets is a peer that can be asked.                 */
void
test_client_request (void)
{
    zactor_t *echo = zactor_new (s_answering, NULL);
    char *endpoint = zstr_recv (echo);
    dividere_client_t *client = dividere_client_new (endpoint, NULL);
    CHECK (client);
    CHECK_INT (dividere_client_wait_connected (client, SELFTEST_DEADLINE), 0);
    dividere_message_t *reply = dividere_message_new ();
    TestMsg01 hello = TEST_MSG01__INIT;
    hello.field1 = (char *) "hello";
    for (int i = 1; i <= 100; i++) {
        hello.field2 = i;
        CHECK_INT (dividere_client_request (client, &hello.base, NULL, reply),
                   0);
        const TestMsg01 *got =
            DIVIDERE_MESSAGE_AS (reply, TestMsg01, test_msg01);
        CHECK (got);
        CHECK_INT (got->field2, i);
        CHECK_INT (dividere_client_request_bytes (client, "bytes", 5, NULL,
                                                  reply),
                   0);
        CHECK_INT (dividere_message_size (reply), 5);
        CHECK (!dividere_message_object (reply));
    }
    dividere_client_stats_t stats;
    dividere_client_stats (client, &stats);
    CHECK_INT (stats.sent, 200);
    CHECK_INT (stats.answered, 200);
    CHECK_INT (stats.retried + stats.failed + stats.outstanding, 0);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    dividere_client_destroy (&client);
    zactor_destroy (&echo);
    freen (endpoint);
}

void
test_client_options (void)
{
    CHECK_FAILS (dividere_client_new ("", NULL), EINVAL);
    CHECK_FAILS (dividere_client_new ("nonsense", NULL), EINVAL);
    CHECK_FAILS (dividere_client_new ("udp://1.1.1.1:1", NULL),
                 EPROTONOSUPPORT);
    CHECK_FAILS (dividere_client_new ("tcp://127.0.0.1:1,tcp://x:99999", NULL),
                 EINVAL);
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.retries = -1;
    CHECK_FAILS (dividere_client_new ("tcp://127.0.0.1:1", &options), EINVAL);
    options.retries = 0;
    options.attempt_ms = 0;
    CHECK_FAILS (dividere_client_new ("tcp://127.0.0.1:1", &options), EINVAL);
    char long_name[300];
    memset (long_name, 'x', sizeof (long_name));
    long_name[299] = 0;
    dividere_client_t *client = dividere_client_new ("tcp://127.0.0.1:1", NULL);
    dividere_request_options_t request = DIVIDERE_REQUEST_OPTIONS_INIT;
    request.service = long_name;
    CHECK_FAILS (dividere_client_send_bytes (client, "", 0, &request, NULL),
                 EINVAL);
    request.service = NULL;
    request.requeues = 201;
    CHECK_FAILS (dividere_client_send_bytes (client, "", 0, &request, NULL),
                 EINVAL);
    dividere_message_t *message = dividere_message_new ();
    dividere_result_t result;
    CHECK_FAILS (dividere_client_recv (client, message, &result, 0), ENOENT);
    CHECK_FAILS (dividere_client_cancel (client, 1), ENOENT);
    dividere_message_destroy (&message);
    dividere_client_destroy (&client);
}

/*  Each error has a number of its own; those that are final come at once.   */
void
test_client_statuses (void)
{
    static const struct {
        int status;
        int error;
    } s_final[] = {
        { DIVIDERE_STATUS_EXPIRED, ETIMEDOUT },
        { DIVIDERE_STATUS_OUTCOME_UNKNOWN, ENOTRECOVERABLE },
        { DIVIDERE_STATUS_UNHANDLED, EOPNOTSUPP },
        { DIVIDERE_STATUS_REFUSED, EINVAL },
        { DIVIDERE_STATUS_FAILED, EREMOTEIO },
        { DIVIDERE_STATUS_UNANSWERED, EREMOTEIO },
        { DIVIDERE_STATUS_RETURNED, EPROTO },
        { DIVIDERE_STATUSES, EPROTO },
        { 200, EPROTO },
    };
    fake_t fake;
    s_fake_start (&fake, selftest_tcp ());
    dividere_client_t *client =
        dividere_client_new (s_fake_endpoint (&fake), &s_patient);
    for (size_t i = 0; i < sizeof (s_final) / sizeof (s_final[0]); i++) {
        uint64_t number = s_send (client, "hello", NULL);
        s_take (&fake, client);
        s_fake_answer (&fake, (dividere_status_t) s_final[i].status,
                       "5 Input/output error");
        dividere_result_t result =
            s_expect (client, number, s_final[i].error, NULL);
        CHECK_INT (result.attempts, 1);
        CHECK_INT (result.remote_error,
                   s_final[i].status == DIVIDERE_STATUS_FAILED ? 5 : 0);
    }
    dividere_client_destroy (&client);
    s_fake_stop (&fake);
}

/*  The same id each time, and less time left.                               */
void
test_client_retries (void)
{
    static const struct {
        dividere_status_t status;
        int error;
    } s_refused[] = { { DIVIDERE_STATUS_BUSY, EBUSY },
                      { DIVIDERE_STATUS_NO_WORKER, EHOSTUNREACH },
                      { DIVIDERE_STATUS_WORKER_LOST, ECONNRESET } };
    fake_t fake;
    s_fake_start (&fake, selftest_tcp ());
    dividere_client_t *client =
        dividere_client_new (s_fake_endpoint (&fake), &s_patient);
    for (size_t i = 0; i < 3; i++) {
        uint64_t number = s_send (client, "hello", NULL);
        uint32_t left_ms = UINT32_MAX;
        for (unsigned attempt = 1; attempt <= 6; attempt++) {
            s_take (&fake, client);
            CHECK_INT (fake.extension.id.number, number);
            CHECK_INT (fake.extension.attempt, attempt);
            CHECK (fake.extension.left_ms <= left_ms);
            left_ms = fake.extension.left_ms;
            CHECK_STR (fake.payload, "hello");
            s_fake_answer (&fake, s_refused[i].status, "no");
        }
        dividere_result_t result =
            s_expect (client, number, s_refused[i].error, NULL);
        CHECK_INT (result.attempts, 6);
        number = s_send (client, "again", NULL);
        s_take (&fake, client);
        s_fake_answer (&fake, s_refused[i].status, "no");
        s_take (&fake, client);
        s_fake_answer (&fake, DIVIDERE_STATUS_OK, "well");
        result = s_expect (client, number, 0, "well");
        CHECK_INT (result.attempts, 2);
    }
    dividere_client_destroy (&client);
    s_fake_stop (&fake);
}

#define MANY 1000

void
test_client_any_order (void)
{
    fake_t fake;
    s_fake_start (&fake, selftest_tcp ());
    dividere_client_t *client =
        dividere_client_new (s_fake_endpoint (&fake), &s_patient);
    s_make_known (&fake, client);
    static dividere_extension_t s_taken[MANY];
    for (int i = 0; i < MANY; i++)
        s_send (client, "hello", NULL);
    for (int i = 0; i < MANY; i++) {
        s_take (&fake, client);
        s_taken[i] = fake.extension;
        s_taken[i].service = "";
    }
    uint64_t seed = 5;
    for (int i = MANY; i-- > 0;) {
        int other = (int) (selftest_random (&seed) % (uint64_t) (i + 1));
        dividere_extension_t extension = s_taken[other];
        s_taken[other] = s_taken[i];
        char text[32];
        snprintf (text, sizeof (text), "%d", (int) extension.id.number);
        s_fake_send (&fake, extension, text);
    }
    static bool s_seen[MANY + 2];
    dividere_message_t *message = dividere_message_new ();
    for (int i = 0; i < MANY; i++) {
        dividere_result_t result;
        CHECK_INT (dividere_client_recv (client, message, &result,
                                         SELFTEST_DEADLINE),
                   0);
        CHECK_INT (result.error, 0);
        CHECK (!s_seen[result.number]);
        s_seen[result.number] = true;
        char text[32] = "";
        memcpy (text, dividere_message_data (message),
                dividere_message_size (message));
        CHECK_INT (strtoll (text, NULL, 10), result.number);
    }
    dividere_message_destroy (&message);
    dividere_client_destroy (&client);
    s_fake_stop (&fake);
}

/*  Towards whoever has not shown to be a broker of this library.            */
void
test_client_one_at_a_time (void)
{
    fake_t fake;
    s_fake_start (&fake, selftest_tcp ());
    dividere_client_t *client =
        dividere_client_new (s_fake_endpoint (&fake), &s_patient);
    uint64_t first = s_send (client, "1", NULL);
    for (uint64_t i = 2; i <= 5; i++)
        s_send (client, "more", NULL);
    for (uint64_t i = first; i < first + 3; i++) {
        s_take (&fake, client);
        CHECK_INT (fake.extension.id.number, i);
        dividere_client_process (client);
        CHECK (!s_fake_poll (&fake, 20));
        s_fake_send (&fake, fake.extension, "as a Python peer");
        s_expect (client, i, 0, "as a Python peer");
    }
    s_take (&fake, client);
    s_fake_answer (&fake, DIVIDERE_STATUS_OK, "as a broker");
    for (uint64_t i = 6; i <= 9; i++)
        s_send (client, "more", NULL);
    s_expect (client, 4, 0, "as a broker");
    for (uint64_t i = 5; i <= 9; i++)
        s_take (&fake, client);
    CHECK_INT (fake.extension.id.number, 9);
    dividere_client_destroy (&client);
    s_fake_stop (&fake);
}

/*  Answers that come twice, or when nobody waits any more.                  */
void
test_client_stale (void)
{
    fake_t fake;
    s_fake_start (&fake, selftest_tcp ());
    dividere_client_t *client =
        dividere_client_new (s_fake_endpoint (&fake), &s_patient);
    s_make_known (&fake, client);
    dividere_request_options_t soon = DIVIDERE_REQUEST_OPTIONS_INIT;
    soon.deadline_ms = 10;
    uint64_t late = s_send (client, "late", &soon);
    s_take (&fake, client);
    s_expect (client, late, ETIMEDOUT, NULL);
    s_fake_answer (&fake, DIVIDERE_STATUS_OK, "too late");
    uint64_t number = s_send (client, "hello", NULL);
    s_take (&fake, client);
    s_fake_answer (&fake, DIVIDERE_STATUS_OK, "hello");
    s_fake_answer (&fake, DIVIDERE_STATUS_OK, "hello");
    s_fake_answer (&fake, DIVIDERE_STATUS_BUSY, "hello");
    s_expect (client, number, 0, "hello");
    dividere_client_stats_t stats;
    CHECK_EVENTUALLY ((dividere_client_process (client),
                       dividere_client_stats (client, &stats),
                       stats.stale == 3));
    CHECK_INT (stats.answered, 2);
    CHECK_INT (stats.failed, 1);
    dividere_client_destroy (&client);
    s_fake_stop (&fake);
}

static void
s_send_frames (fake_t *fake, size_t count, size_t size)
{
    zmsg_t *message = zmsg_new ();
    zframe_t *route = zframe_dup (fake->route);
    zmsg_append (message, &route);
    char *bytes = (char *) calloc (1, size + 1);
    for (size_t i = 0; i < count; i++)
        zmsg_addmem (message, bytes, size);
    free (bytes);
    CHECK_INT (zmsg_send (&message, fake->sock), 0);
}

void
test_client_garbage (void)
{
    fake_t fake;
    s_fake_start (&fake, selftest_tcp ());
    dividere_client_t *client =
        dividere_client_new (s_fake_endpoint (&fake), &s_patient);
    s_make_known (&fake, client);
    uint64_t number = s_send (client, "hello", NULL);
    s_take (&fake, client);
    s_send_frames (&fake, 1, 0);
    s_send_frames (&fake, 3, 0);
    s_send_frames (&fake, 3, 32);
    s_send_frames (&fake, 1000, 3);
    s_send_frames (&fake, 1, (16 << 20) - 1);
    dividere_extension_t extension = fake.extension;
    extension.id.client++;
    s_fake_send (&fake, extension, "another client's");
    s_fake_answer (&fake, DIVIDERE_STATUS_OK, "hello");
    s_expect (client, number, 0, "hello");
    dividere_client_stats_t stats;
    dividere_client_stats (client, &stats);
    CHECK_INT (stats.malformed, 6);

    /* What was asked by an object must be one.                              */
    TestMsg01 hello = TEST_MSG01__INIT;
    CHECK_INT (dividere_client_send (client, &hello.base, NULL, &number), 0);
    s_take (&fake, client);
    s_fake_answer (&fake, DIVIDERE_STATUS_OK, "garbage");
    s_expect (client, number, EPROTO, "");
    dividere_client_destroy (&client);
    s_fake_stop (&fake);
}

void
test_client_not_connected (void)
{
    dividere_client_t *client = dividere_client_new ("tcp://127.0.0.1:1", NULL);
    CHECK_FAILS (dividere_client_wait_connected (client, 10), EAGAIN);
    dividere_request_options_t soon = DIVIDERE_REQUEST_OPTIONS_INIT;
    soon.deadline_ms = 20;
    dividere_message_t *reply = dividere_message_new ();
    CHECK_FAILS (dividere_client_request_bytes (client, "x", 1, &soon, reply),
                 ENOTCONN);
    uint64_t number = s_send (client, "x", &soon);
    CHECK_INT (s_expect (client, number, ENOTCONN, NULL).attempts, 0);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
}

/*  The first does not answer, the second does.                              */
void
test_client_failover (void)
{
    fake_t first, second;
    s_fake_start (&first, selftest_tcp ());
    s_fake_start (&second, selftest_tcp ());
    char *both = zsys_sprintf ("%s,%s", s_fake_endpoint (&first),
                               s_fake_endpoint (&second));
    dividere_client_options_t options = s_patient;
    options.attempt_ms = 30;
    dividere_client_t *client = dividere_client_new (both, &options);
    /* Both are connected, then the first is asked as long as it answers.    */
    CHECK_INT (dividere_client_wait_connected (client, SELFTEST_DEADLINE), 0);
    uint64_t number = s_send (client, "hello", NULL);
    bool asked_first = false;
    CHECK_EVENTUALLY ((dividere_client_process (client),
                       asked_first |= s_fake_poll (&first, 0),
                       s_fake_poll (&second, 0)));
    CHECK_INT (second.extension.id.number, number);
    CHECK_INT (second.extension.attempt, asked_first ? 2 : 1);
    s_fake_answer (&second, DIVIDERE_STATUS_OK, "second");
    s_expect (client, number, 0, "second");
    freen (both);
    dividere_client_destroy (&client);
    s_fake_stop (&first);
    s_fake_stop (&second);
}

/*  The broker goes away with a request, and comes back: asked at once.      */
void
test_client_broker_returns (void)
{
    fake_t fake;
    char *endpoint = zsys_sprintf ("ipc://@dividere-%d-returns", getpid ());
    s_fake_start (&fake, endpoint);
    dividere_client_t *client = dividere_client_new (endpoint, &s_patient);
    s_make_known (&fake, client);
    dividere_request_options_t strict = DIVIDERE_REQUEST_OPTIONS_INIT;
    strict.strict = true;
    uint64_t number = s_send (client, "hello", NULL);
    uint64_t once = s_send (client, "once", &strict);
    s_take (&fake, client);
    s_take (&fake, client);
    s_fake_stop (&fake);
    s_expect (client, once, ENOTRECOVERABLE, NULL);
    s_fake_start (&fake, endpoint);
    s_take (&fake, client);
    CHECK_INT (fake.extension.id.number, number);
    CHECK_INT (fake.extension.attempt, 2);
    /* It has to show again what it is.                                      */
    s_send (client, "more", NULL);
    dividere_client_process (client);
    CHECK (!s_fake_poll (&fake, 20));
    s_fake_answer (&fake, DIVIDERE_STATUS_OK, "hello");
    s_expect (client, number, 0, "hello");
    s_take (&fake, client);
    freen (endpoint);
    dividere_client_destroy (&client);
    s_fake_stop (&fake);
}

void
test_client_strict (void)
{
    fake_t fake;
    s_fake_start (&fake, selftest_tcp ());
    dividere_client_options_t options = s_patient;
    options.attempt_ms = 10;
    dividere_client_t *client =
        dividere_client_new (s_fake_endpoint (&fake), &options);
    dividere_request_options_t strict = DIVIDERE_REQUEST_OPTIONS_INIT;
    strict.strict = true;
    strict.deadline_ms = SELFTEST_DEADLINE;
    uint64_t number = s_send (client, "once", &strict);
    s_take (&fake, client);
    CHECK (fake.extension.flags & DIVIDERE_EXTENSION_STRICT);
    /* Refused, it was not executed.                                         */
    s_fake_answer (&fake, DIVIDERE_STATUS_BUSY, "");
    s_take (&fake, client);
    CHECK_INT (fake.extension.id.number, number);
    CHECK_INT (fake.extension.attempt, 2);
    s_fake_answer (&fake, DIVIDERE_STATUS_OK, "once");
    s_expect (client, number, 0, "once");
    strict.deadline_ms = 100;
    number = s_send (client, "once", &strict);
    s_take (&fake, client);
    dividere_result_t result = s_expect (client, number, ENOTRECOVERABLE, NULL);
    CHECK_INT (result.attempts, 1);
    CHECK (!s_fake_poll (&fake, 0));
    dividere_client_destroy (&client);
    s_fake_stop (&fake);
}

void
test_client_cancel (void)
{
    fake_t fake;
    s_fake_start (&fake, selftest_tcp ());
    dividere_client_t *client =
        dividere_client_new (s_fake_endpoint (&fake), &s_patient);
    uint64_t number = s_send (client, "never mind", NULL);
    s_take (&fake, client);
    CHECK_INT (dividere_client_cancel (client, number), 0);
    CHECK_FAILS (dividere_client_cancel (client, number), ENOENT);
    s_expect (client, number, ECANCELED, NULL);
    s_fake_answer (&fake, DIVIDERE_STATUS_OK, "but");
    number = s_send (client, "hello", NULL);
    s_take (&fake, client);
    s_fake_answer (&fake, DIVIDERE_STATUS_OK, "hello");
    s_expect (client, number, 0, "hello");
    /* What is outstanding at the end is given up.                           */
    s_send (client, "hello", NULL);
    dividere_client_destroy (&client);
    s_fake_stop (&fake);
}

void
test_client_limits (void)
{
    dividere_client_options_t options = s_patient;
    options.requests_max = 2;
    options.bytes_max = 10;
    dividere_client_t *client =
        dividere_client_new ("tcp://127.0.0.1:1", &options);
    CHECK_FAILS (dividere_client_send_bytes (client, "12345678901", 11, NULL,
                                             NULL),
                 EAGAIN);
    uint64_t first = s_send (client, "1234567890", NULL);
    CHECK_FAILS (dividere_client_send_bytes (client, "1", 1, NULL, NULL),
                 EAGAIN);
    uint64_t second = s_send (client, "", NULL);
    CHECK_FAILS (dividere_client_send_bytes (client, "", 0, NULL, NULL),
                 EAGAIN);
    CHECK_INT (dividere_client_cancel (client, second), 0);
    CHECK_INT (dividere_client_cancel (client, first), 0);
    CHECK_FAILS (dividere_client_send_bytes (client, "", 0, NULL, NULL),
                 EAGAIN);
    s_expect (client, second, ECANCELED, NULL);
    s_expect (client, first, ECANCELED, NULL);
    s_send (client, "1234567890", NULL);
    dividere_client_destroy (&client);
}

/*  By the descriptor alone: what happens is seen, however calls are mixed.  */
void
test_client_descriptor (void)
{
    fake_t fake;
    s_fake_start (&fake, selftest_tcp ());
    dividere_client_t *client =
        dividere_client_new (s_fake_endpoint (&fake), &s_patient);
    s_make_known (&fake, client);
    struct pollfd item = { dividere_client_fd (client), POLLIN, 0 };
    CHECK (item.fd >= 0);
    dividere_message_t *message = dividere_message_new ();
    dividere_result_t result;
    uint64_t seed = 11;
    size_t sent = 0, answered = 0, got = 0, ready = 0;
    const size_t count = selftest_scaled (3000);
    int64_t end_ms = selftest_now_ms () + SELFTEST_DEADLINE;
    while (got < count) {
        CHECK (selftest_now_ms () < end_ms);
        unsigned what = (unsigned) (selftest_random (&seed) % 4);
        if (what == 0 && sent < count) {
            s_send (client, "hello", NULL);
            sent++;
        }
        if (what == 1 && answered < sent && s_fake_poll (&fake, 0)) {
            s_fake_answer (&fake, DIVIDERE_STATUS_OK, "hello");
            answered++;
        }
        if (what == 2 && poll (&item, 1, 0) == 1)
            ready = dividere_client_process (client);
        /* All has been answered, and it is to be told.                      */
        if (what == 3 && sent > got) {
            for (; answered < sent; answered++) {
                CHECK (s_fake_poll (&fake, SELFTEST_DEADLINE));
                s_fake_answer (&fake, DIVIDERE_STATUS_OK, "hello");
            }
            CHECK (poll (&item, 1, SELFTEST_DEADLINE) == 1);
            ready = dividere_client_process (client);
        }
        for (; ready > 0; ready--, got++) {
            CHECK_INT (dividere_client_recv (client, message, &result, 0), 0);
            CHECK_INT (result.error, 0);
        }
    }
    /* So is the end of a deadline.                                           */
    dividere_request_options_t soon = DIVIDERE_REQUEST_OPTIONS_INIT;
    soon.deadline_ms = 20;
    s_send (client, "hello", &soon);
    while (dividere_client_process (client) == 0)
        CHECK (poll (&item, 1, SELFTEST_DEADLINE) == 1);
    CHECK_INT (dividere_client_recv (client, message, &result, 0), 0);
    CHECK_INT (result.error, ETIMEDOUT);
    dividere_message_destroy (&message);
    dividere_client_destroy (&client);
    s_fake_stop (&fake);
}

static int
s_on_msg01 (dividere_context_t *context, const TestMsg01 *message)
{
    dividere_request_info_t info;
    CHECK_INT (dividere_context_request (context, &info), 0);
    CHECK_INT (info.attempt, 1);
    CHECK (info.client != 0);
    CHECK_INT (info.number, message->field2);
    CHECK (info.remaining_ms > 0);
    CHECK (!info.strict);
    return dividere_context_reply (context, &message->base);
}

/*  A reactor's response is a peer like any other.                           */
void
test_client_reactor (void)
{
    static const dividere_handler_t s_handlers[] = {
        DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_msg01),
        DIVIDERE_HANDLER_END
    };
    dividere_reactor_config_t config = { .handlers = s_handlers };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    const char *endpoint = selftest_inproc ();
    char *bound = zsys_sprintf ("@%s", endpoint);
    CHECK_INT (dividere_call (reactor, NULL, SELFTEST_DEADLINE, "ADD",
                              "response", bound, NULL),
               0);
    CHECK_INT (dividere_call (reactor, NULL, SELFTEST_DEADLINE, "START", NULL),
               0);
    dividere_client_t *client = dividere_client_new (endpoint, NULL);
    dividere_message_t *reply = dividere_message_new ();
    TestMsg01 hello = TEST_MSG01__INIT;
    for (hello.field2 = 1; hello.field2 <= 50; hello.field2++)
        CHECK_INT (dividere_client_request (client, &hello.base, NULL, reply),
                   0);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    freen (bound);
}
