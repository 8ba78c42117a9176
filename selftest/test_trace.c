/* SPDX-License-Identifier: Apache-2.0 */

/*  The way of a request, as its client is told.                              */

#include "selftest.h"
#include <dividere.h>
#include "brokered.h"
#include "extension.h"
#include "trace.h"

void test_trace_bytes (void);
void test_trace_hostile (void);
void test_trace_broker (void);
void test_trace_requeued (void);
void test_trace_foreign_worker (void);
void test_trace_service (void);
void test_trace_failed (void);

static const uint8_t s_id[16] = "sixteen bytes id";

static size_t
s_write (uint8_t *bytes, const char *service, bool traced)
{
    dividere_extension_t extension = { .id = { 1, 2 },
                                       .left_ms = 100,
                                       .service = service,
                                       .service_size = strlen (service),
                                       .trace = traced ? s_id : NULL };
    dividere_extension_write (&extension, bytes);
    return dividere_extension_size (&extension);
}

/*  In place, behind the name of the service; up to as many as there is room
 *  for.                                                                     */
void
test_trace_bytes (void)
{
    uint8_t bytes[DIVIDERE_EXTENSION_MAX], plain[DIVIDERE_EXTENSION_MAX];
    char longest[DIVIDERE_EXTENSION_SERVICE + 1];
    dividere_trace_t trace = { .count = 99 };
    memset (longest, 'x', sizeof (longest) - 1);
    longest[sizeof (longest) - 1] = 0;
    size_t size = s_write (bytes, "echo", false);
    CHECK_INT (size, 36);
    CHECK (!dividere_trace_read (bytes, size, &trace));
    memcpy (plain, bytes, size);
    dividere_trace_add (bytes, size, DIVIDERE_HOP_SENT, 1, 2);
    CHECK (memcmp (plain, bytes, size) == 0);
    CHECK_INT (trace.count, 99);

    size = s_write (bytes, longest, true);
    CHECK_INT (size, 32 + 200 + DIVIDERE_TRACE_SIZE);
    CHECK (dividere_trace_read (bytes, size, &trace));
    CHECK_INT (trace.count, 0);
    CHECK (memcmp (trace.id, s_id, sizeof (s_id)) == 0);
    for (int i = 0; i < 2 * DIVIDERE_HOPS_MAX; i++)
        dividere_trace_add (bytes, size, DIVIDERE_HOP_SENT + i % 8,
                            UINT64_MAX - (uint64_t) i, INT64_MAX - i);
    CHECK (dividere_trace_read (bytes, size, &trace));
    CHECK_INT (trace.count, DIVIDERE_HOPS_MAX);
    for (int i = 0; i < DIVIDERE_HOPS_MAX; i++) {
        CHECK_INT (trace.hops[i].kind, 1 + i % 8);
        CHECK_INT (trace.hops[i].who,
                   (UINT64_MAX - (uint64_t) i) & (UINT64_MAX >> 8));
        CHECK_INT (trace.hops[i].time_ns, INT64_MAX - i);
    }
    dividere_extension_t parsed;
    CHECK (dividere_extension_parse (bytes, size, &parsed));
    CHECK_INT (parsed.service_size, 200);
    CHECK_STR (dividere_hop_name (DIVIDERE_HOP_HANDED), "handed");
    CHECK_STR (dividere_hop_name ((dividere_hop_kind_t) 0), "?");
    CHECK_STR (dividere_hop_name ((dividere_hop_kind_t) 200), "?");
}

/*  What peers may make of one: never read or written beyond its end.         */
void
test_trace_hostile (void)
{
    uint8_t whole[DIVIDERE_EXTENSION_MAX], other[DIVIDERE_EXTENSION_MAX];
    dividere_trace_t trace;
    size_t size = s_write (whole, "", true);
    dividere_trace_add (whole, size, DIVIDERE_HOP_SENT, 1, 2);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *part = (uint8_t *) malloc (cut + 1);
        memcpy (part, whole, cut);
        CHECK (!dividere_trace_read (part, cut, &trace));
        dividere_trace_add (part, cut, DIVIDERE_HOP_SENT, 1, 2);
        dividere_trace_adopt (part, cut, whole, size);
        CHECK (memcmp (part, whole, cut) == 0);
        free (part);
    }
    /* More hops than room; another trace; fewer hops; another size.         */
    memcpy (other, whole, size);
    other[33] = DIVIDERE_HOPS_MAX + 1;
    CHECK (!dividere_trace_read (other, size, &trace));
    dividere_trace_adopt (whole, size, other, size);
    memcpy (other, whole, size);
    other[40] ^= 1;
    other[33] = 5;
    dividere_trace_adopt (whole, size, other, size);
    memcpy (other, whole, size);
    other[33] = 0;
    dividere_trace_adopt (whole, size, other, size);
    CHECK (dividere_trace_read (whole, size, &trace));
    CHECK_INT (trace.count, 1);
    memcpy (other, whole, size);
    dividere_trace_add (other, size, DIVIDERE_HOP_ENDED, 3, 4);
    dividere_trace_adopt (whole, size, other, size);
    CHECK (dividere_trace_read (whole, size, &trace));
    CHECK_INT (trace.count, 2);
    CHECK_INT (trace.hops[1].who, 3);
}

static int
s_echo (dividere_context_t *context, const void *data, size_t size)
{
    return dividere_context_reply_bytes (context, data, size);
}

static const dividere_worker_config_t s_worker = { .on_bytes = s_echo };

static void
s_call (zactor_t *actor, const char *command, const char *first,
        const char *second)
{
    CHECK_INT (dividere_call (actor, NULL, SELFTEST_DEADLINE, command, first,
                              second, NULL),
               0);
}

static int
s_ask (dividere_client_t *client, bool traced, dividere_trace_t *ret_trace)
{
    dividere_request_options_t options = DIVIDERE_REQUEST_OPTIONS_INIT;
    dividere_message_t *reply = dividere_message_new ();
    options.deadline_ms = SELFTEST_DEADLINE;
    options.trace = traced;
    CHECK_INT (dividere_client_request_bytes (client, "hello", 5, &options,
                                              reply),
               0);
    dividere_message_destroy (&reply);
    return dividere_client_trace (client, ret_trace);
}

/*  These hops, in this order, one after the other.                           */
static void
s_check (const dividere_trace_t *trace, const dividere_hop_kind_t *kinds,
         size_t count)
{
    for (size_t i = 0; i < trace->count; i++)
        selftest_note ("%s %llx %lld", dividere_hop_name (trace->hops[i].kind),
                       (unsigned long long) trace->hops[i].who,
                       (long long) trace->hops[i].time_ns);
    CHECK_INT (trace->count, count);
    for (size_t i = 0; i < count; i++) {
        CHECK_INT (trace->hops[i].kind, kinds[i]);
        CHECK (trace->hops[i].who != 0);
        CHECK (i == 0 || trace->hops[i].time_ns >= trace->hops[i - 1].time_ns);
    }
}

#define CHECK_HOPS(trace, ...)                                      \
    s_check ((trace), (const dividere_hop_kind_t[]){ __VA_ARGS__ }, \
             sizeof ((dividere_hop_kind_t[]){ __VA_ARGS__ }) /      \
                 sizeof (dividere_hop_kind_t))

void
test_trace_broker (void)
{
    brokered_t broker;
    dividere_trace_t trace, other;
    brokered_start (&broker, "tcp://127.0.0.1:*", NULL);
    zactor_t *worker = zactor_new (dividere_worker, (void *) &s_worker);
    s_call (worker, "CONNECT", broker.backend, NULL);
    s_call (worker, "START", NULL, NULL);
    dividere_client_t *client = dividere_client_new (broker.frontend, NULL);
    CHECK_FAILS (dividere_client_trace (client, &trace), ENOENT);
    CHECK_INT (s_ask (client, true, &trace), 0);
    CHECK_HOPS (&trace, DIVIDERE_HOP_SENT, DIVIDERE_HOP_QUEUED,
                DIVIDERE_HOP_HANDED, DIVIDERE_HOP_RECEIVED, DIVIDERE_HOP_BEGUN,
                DIVIDERE_HOP_ENDED, DIVIDERE_HOP_REPLIED,
                DIVIDERE_HOP_ANSWERED);
    CHECK_INT (trace.hops[0].who, trace.hops[7].who);
    CHECK_INT (trace.hops[1].who, trace.hops[2].who);
    CHECK_INT (trace.hops[1].who, trace.hops[6].who);
    CHECK_INT (trace.hops[3].who, trace.hops[5].who);
    CHECK (trace.hops[0].who != trace.hops[1].who);
    CHECK (trace.hops[1].who != trace.hops[3].who);

    /* The next has another id; one that was not asked for has none.         */
    CHECK_INT (s_ask (client, true, &other), 0);
    CHECK (memcmp (trace.id, other.id, sizeof (trace.id)) != 0);
    CHECK_INT (other.hops[3].who, trace.hops[3].who);
    CHECK_FAILS (s_ask (client, false, &trace), ENOENT);
    dividere_client_destroy (&client);
    CHECK_INT (dividere_stop (&worker, SELFTEST_DEADLINE), 0);
    brokered_stop (&broker);
}

/*  It was with a worker that died, and is handed to another.                */
void
test_trace_requeued (void)
{
    static const char *const s_settings[] = { "heartbeat", "100", NULL };
    brokered_t broker;
    dividere_trace_t trace;
    dividere_result_t result;
    dividere_request_options_t options = DIVIDERE_REQUEST_OPTIONS_INIT;
    options.trace = true;
    options.deadline_ms = SELFTEST_DEADLINE;
    brokered_start (&broker, "tcp://127.0.0.1:*", s_settings);
    zsock_t *dying = brokered_dealer (broker.backend, "dying");
    brokered_send (dying, "\x01", NULL);
    dividere_client_t *client = dividere_client_new (broker.frontend, NULL);
    CHECK_INT (dividere_client_send_bytes (client, "x", 1, &options, NULL), 0);
    CHECK_EVENTUALLY (dividere_client_process (client) == 0 &&
                      brokered_stat (&broker, "handed") == 1);
    zsock_destroy (&dying);
    CHECK_EVENTUALLY (brokered_stat (&broker, "workers_lost") == 1);
    /* The next is not to be given up, however slow it is.                   */
    s_call (broker.actor, "SET", "heartbeat", "60000");
    zactor_t *worker = zactor_new (dividere_worker, (void *) &s_worker);
    s_call (worker, "CONNECT", broker.backend, NULL);
    s_call (worker, "START", NULL, NULL);
    dividere_message_t *reply = dividere_message_new ();
    CHECK_INT (dividere_client_recv (client, reply, &result, SELFTEST_DEADLINE),
               0);
    CHECK_INT (result.error, 0);
    CHECK_INT (dividere_client_trace (client, &trace), 0);
    CHECK_HOPS (&trace, DIVIDERE_HOP_SENT, DIVIDERE_HOP_QUEUED,
                DIVIDERE_HOP_HANDED, DIVIDERE_HOP_HANDED, DIVIDERE_HOP_RECEIVED,
                DIVIDERE_HOP_BEGUN, DIVIDERE_HOP_ENDED, DIVIDERE_HOP_REPLIED,
                DIVIDERE_HOP_ANSWERED);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    CHECK_INT (dividere_stop (&worker, SELFTEST_DEADLINE), 0);
    brokered_stop (&broker);
}

/*  A worker that only sends back what it was sent, as one in Python does.    */
void
test_trace_foreign_worker (void)
{
    brokered_t broker;
    dividere_trace_t trace;
    dividere_result_t result;
    dividere_request_options_t options = DIVIDERE_REQUEST_OPTIONS_INIT;
    options.trace = true;
    options.deadline_ms = SELFTEST_DEADLINE;
    brokered_start (&broker, "tcp://127.0.0.1:*", NULL);
    zsock_t *worker = brokered_dealer (broker.backend, "foreign");
    brokered_send (worker, "\x01", NULL);
    dividere_client_t *client = dividere_client_new (broker.frontend, NULL);
    CHECK_INT (dividere_client_send_bytes (client, "x", 1, &options, NULL), 0);
    CHECK_EVENTUALLY (dividere_client_process (client) == 0 &&
                      brokered_stat (&broker, "handed") == 1);
    zmsg_t *handed;
    while ((handed = zmsg_recv (worker)) && zmsg_size (handed) == 1)
        zmsg_destroy (&handed);
    CHECK (handed);
    zmsg_send (&handed, worker);
    dividere_message_t *reply = dividere_message_new ();
    CHECK_INT (dividere_client_recv (client, reply, &result, SELFTEST_DEADLINE),
               0);
    CHECK_INT (result.error, 0);
    CHECK_INT (dividere_client_trace (client, &trace), 0);
    CHECK_HOPS (&trace, DIVIDERE_HOP_SENT, DIVIDERE_HOP_QUEUED,
                DIVIDERE_HOP_HANDED, DIVIDERE_HOP_REPLIED,
                DIVIDERE_HOP_ANSWERED);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    zsock_destroy (&worker);
    brokered_stop (&broker);
}

void
test_trace_service (void)
{
    static const dividere_service_config_t s_config = { .on_bytes = s_echo };
    dividere_trace_t trace;
    zmsg_t *values = NULL;
    zactor_t *service = zactor_new (dividere_service, (void *) &s_config);
    s_call (service, "SET", "name", "echo");
    CHECK_INT (dividere_call (service, &values, SELFTEST_DEADLINE, "BIND",
                              "tcp://127.0.0.1:*", NULL),
               0);
    char *endpoint = zmsg_popstr (values);
    zmsg_destroy (&values);
    s_call (service, "START", NULL, NULL);
    dividere_client_t *client = dividere_client_new (endpoint, NULL);
    CHECK_INT (s_ask (client, true, &trace), 0);
    CHECK_HOPS (&trace, DIVIDERE_HOP_SENT, DIVIDERE_HOP_RECEIVED,
                DIVIDERE_HOP_BEGUN, DIVIDERE_HOP_ENDED, DIVIDERE_HOP_ANSWERED);
    dividere_client_destroy (&client);
    free (endpoint);
    CHECK_INT (dividere_stop (&service, SELFTEST_DEADLINE), 0);
}

/*  Refused by the broker; and never answered.                                */
void
test_trace_failed (void)
{
    brokered_t broker;
    dividere_trace_t trace;
    dividere_request_options_t options = DIVIDERE_REQUEST_OPTIONS_INIT;
    dividere_client_options_t patience = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.trace = true;
    options.deadline_ms = 300;
    patience.attempt_ms = 50;
    brokered_start (&broker, "tcp://127.0.0.1:*", NULL);
    dividere_client_t *client = dividere_client_new (broker.frontend, NULL);
    dividere_message_t *reply = dividere_message_new ();
    CHECK_FAILS (dividere_client_request_bytes (client, "x", 1, &options,
                                                reply),
                 ETIMEDOUT);
    CHECK_INT (dividere_client_trace (client, &trace), 0);
    CHECK (trace.count >= 1 && trace.hops[0].kind == DIVIDERE_HOP_SENT);
    dividere_client_destroy (&client);
    client = dividere_client_new ("tcp://127.0.0.1:9", &patience);
    CHECK_FAILS (dividere_client_request_bytes (client, "x", 1, &options,
                                                reply),
                 ENOTCONN);
    CHECK_INT (dividere_client_trace (client, &trace), 0);
    CHECK_INT (trace.count, 0);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    brokered_stop (&broker);
}
