/* SPDX-License-Identifier: Apache-2.0 */

/*  What handlers of a reactor are told of a request, and answering in bytes.
 *  Those of a worker are in test_worker.c.                                  */

#include "selftest.h"
#include <pthread.h>
#include <czmq.h>
#include <dividere.h>
#include "extension.h"
#include "test.pb-c.h"

void test_context_request (void);
void test_context_elsewhere (void);

typedef struct {
    dividere_request_info_t info;
    int result;
    int error;
    _Atomic int hooks; /* that were called                                   */
} told_t;

/*  What libzmq hands from thread to thread ThreadSanitizer does not see.    */
static pthread_mutex_t s_mutex = PTHREAD_MUTEX_INITIALIZER;

static void
s_synchronize (void)
{
    pthread_mutex_lock (&s_mutex);
    pthread_mutex_unlock (&s_mutex);
}

static int
s_on_msg01 (dividere_context_t *context, const TestMsg01 *message)
{
    told_t *told = (told_t *) dividere_context_user (context);
    pthread_mutex_lock (&s_mutex);
    told->result = dividere_context_request (context, &told->info);
    told->error = errno;
    pthread_mutex_unlock (&s_mutex);
    CHECK (dividere_context_source (context));
    if (dividere_context_reply_bytes (context, "bytes", 5) < 0)
        CHECK_INT (errno, ENOTSUP);
    return 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_msg01), DIVIDERE_HANDLER_END
};

static int
s_on_init (dividere_context_t *context)
{
    dividere_request_info_t info;
    TestMsg01 reply = TEST_MSG01__INIT;
    told_t *told = (told_t *) dividere_context_user (context);
    told->hooks++;
    CHECK (!dividere_context_message (context));
    CHECK_FAILS (dividere_context_source (context), ENOENT);
    CHECK_FAILS (dividere_context_find (context, "nobody"), ENOENT);
    CHECK_FAILS (dividere_context_request (context, &info), ENOENT);
    CHECK_FAILS (dividere_context_reply (context, &reply.base), ENOTSUP);
    CHECK_FAILS (dividere_context_reply_bytes (context, "x", 1), ENOTSUP);
    return 0;
}

static zactor_t *
s_start (told_t *told, const char *kind, const char *endpoint)
{
    dividere_reactor_config_t config = { .handlers = s_handlers,
                                         .on_init = s_on_init,
                                         .user = told };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    CHECK_INT (dividere_call (reactor, NULL, SELFTEST_DEADLINE, "ADD", kind,
                              endpoint, NULL),
               0);
    CHECK_INT (dividere_call (reactor, NULL, SELFTEST_DEADLINE, "START", NULL),
               0);
    return reactor;
}

/*  Asks, with the extension frame if there is one, and takes the answer.    */
static void
s_ask (zsock_t *client, const dividere_extension_t *extension)
{
    uint8_t bytes[DIVIDERE_EXTENSION_MAX];
    TestMsg01 message = TEST_MSG01__INIT;
    zmq_msg_t frame;
    s_synchronize ();
    if (extension) {
        dividere_extension_write (extension, bytes);
        CHECK (zmq_send (zsock_resolve (client), bytes,
                         dividere_extension_size (extension), ZMQ_SNDMORE) > 0);
    }
    zstr_sendm (client, "");
    CHECK_INT (dividere_envelope_encode (&message.base, &frame), 0);
    CHECK (zmq_msg_send (&frame, zsock_resolve (client), 0) >= 0);
    zmsg_t *answer = zmsg_recv (client);
    CHECK_INT (zmsg_size (answer), extension ? 3 : 2);
    CHECK (zframe_streq (zmsg_last (answer), "bytes"));
    zmsg_destroy (&answer);
    s_synchronize ();
}

void
test_context_request (void)
{
    told_t told = { .result = -2 };
    const char *endpoint = selftest_ipc ();
    char *bound = zsys_sprintf ("@%s", endpoint);
    zactor_t *reactor = s_start (&told, "response", bound);
    zsock_t *client = zsock_new_dealer (endpoint);
    zsock_set_rcvtimeo (client, SELFTEST_DEADLINE);
    dividere_extension_t extension = { .id = { 11, 12 },
                                       .flags = DIVIDERE_EXTENSION_STRICT,
                                       .attempt = 3,
                                       .left_ms = 60000 };
    s_ask (client, &extension);
    CHECK_INT (told.result, 0);
    CHECK_INT (told.info.client, 11);
    CHECK_INT (told.info.number, 12);
    CHECK_INT (told.info.attempt, 3);
    CHECK (told.info.strict);
    CHECK (told.info.remaining_ms > 60000 - SELFTEST_DEADLINE &&
           told.info.remaining_ms <= 60000);
    extension.flags = 0;
    extension.left_ms = 0;
    s_ask (client, &extension);
    CHECK (!told.info.strict);
    CHECK_INT (told.info.remaining_ms, 0);
    extension.left_ms = DIVIDERE_EXTENSION_NO_DEADLINE;
    s_ask (client, &extension);
    CHECK_INT (told.info.remaining_ms, -1);
    s_ask (client, NULL);
    CHECK_INT (told.result, -1);
    CHECK_INT (told.error, ENOENT);
    CHECK_INT (told.hooks, 1);
    zsock_destroy (&client);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    zstr_free (&bound);
}

static bool
s_has_handled (zactor_t *reactor)
{
    zmsg_t *stats = NULL;
    bool handled = false;
    CHECK_INT (dividere_call (reactor, &stats, SELFTEST_DEADLINE, "STATS",
                              NULL),
               0);
    for (zframe_t *at = zmsg_first (stats); at; at = zmsg_next (stats))
        if (zframe_streq (at, "handled"))
            handled = zframe_streq (zmsg_next (stats), "1");
    zmsg_destroy (&stats);
    return handled;
}

/*  From a source that has no way back.                                      */
void
test_context_elsewhere (void)
{
    told_t told = { .result = -2 };
    dividere_connector_t *publisher =
        dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    zactor_t *reactor =
        s_start (&told, "subscriber", dividere_connector_endpoint (publisher));
    CHECK_INT (dividere_wait_subscribers (publisher, &test_msg01__descriptor, 1,
                                          SELFTEST_DEADLINE),
               0);
    TestMsg01 message = TEST_MSG01__INIT;
    CHECK_INT (dividere_send (publisher, &message.base), 0);
    CHECK_EVENTUALLY (s_has_handled (reactor));
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    CHECK_INT (told.result, -1);
    CHECK_INT (told.error, ENOENT);
    dividere_connector_destroy (&publisher);
}
