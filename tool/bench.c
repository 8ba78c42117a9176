/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere bench: how long a request takes, and how many there can be, between
 *  here and a service.                                                      */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dividere/builtin.pb-c.h>
#include <dividere/service.h>
#include "options.h"
#include "types.h"

#define LOOK_MS     100 /* for a signal, while serving                        */
#define SAMPLES_MAX 1000000
#define COMMAND_MS  5000

typedef struct {
    const char *serve;
    const char *servers;
    const char *security;
    int size;
    int time_ms;
    int outstanding;
    bool json;
    zactor_t *service;   /* ours                                             */
    char *endpoint;      /* where it is                                      */
    int64_t *samples_us; /* round trips                                      */
    size_t count;
    double rate; /* requests per second                                      */
} self_t;

static const option_t s_options[] = {
    { "serve", "EP", "be the other end, until SIGINT", OPTION_TEXT,
      offsetof (self_t, serve) },
    OPTION_SERVERS (self_t),
    { "size", "BYTES", "of a request and its reply; 16", OPTION_NUMBER,
      offsetof (self_t, size) },
    { "time", "MS", "of each of the two measurements; 1000", OPTION_NUMBER,
      offsetof (self_t, time_ms) },
    { "outstanding", "N", "requests under way in the second; 100",
      OPTION_NUMBER, offsetof (self_t, outstanding) },
    { "json", NULL, "one object", OPTION_FLAG, offsetof (self_t, json) },
    OPTION_SECURITY (self_t),
    { NULL }
};

static const usage_t s_usage = {
    &command_bench,
    "[EP|NAME]",
    0,
    1,
    s_options,
    "First one request at a time, then many. The other end is any service of\n"
    "this library, or \"dividere bench --serve EP\"; without EP it is in this\n"
    "process, over tcp."
};

/*  A service answers pings by itself. 0, or COMMAND_FAILED, told.            */
static int
s_start_service (self_t *self, const char *endpoint)
{
    static const dividere_service_config_t s_config = { .actor = "bench" };
    zmsg_t *bound = NULL;
    self->service = zactor_new (dividere_service, (void *) &s_config);
    if (dividere_call (self->service, NULL, COMMAND_MS, "SET", "name", "bench",
                       NULL) < 0 ||
        dividere_call (self->service, &bound, COMMAND_MS, "BIND", endpoint,
                       NULL) < 0 ||
        dividere_call (self->service, NULL, COMMAND_MS, "START", NULL) < 0)
        return command_fail (&command_bench, "%s: %s", endpoint,
                             zmq_strerror (errno));
    self->endpoint = zmsg_popstr (bound);
    zmsg_destroy (&bound);
    return 0;
}

static int
s_serve (self_t *self)
{
    if (s_start_service (self, self->serve))
        return COMMAND_FAILED;
    printf ("ready serve=%s\n", self->endpoint);
    fflush (stdout);
    while (!command_ended ())
        zmq_poll (NULL, 0, LOOK_MS);
    return 0;
}

static int
s_fail (const char *where, int error)
{
    return command_fail (&command_bench, "%s: %s", where,
                         command_reason (error));
}

static int
s_measure_latency (self_t *self, dividere_client_t *client, const char *where,
                   const ProtobufCMessage *ping, dividere_message_t *reply)
{
    int64_t end_us = zclock_usecs () + (int64_t) self->time_ms * 1000;
    do {
        int64_t start_us = zclock_usecs ();
        if (dividere_client_request (client, ping, NULL, reply) < 0)
            return s_fail (where, errno);
        if (self->count < SAMPLES_MAX)
            self->samples_us[self->count++] = zclock_usecs () - start_us;
    }
    while (zclock_usecs () < end_us);
    return 0;
}

static int
s_measure_rate (self_t *self, dividere_client_t *client, const char *where,
                const ProtobufCMessage *ping, dividere_message_t *reply)
{
    int64_t start_us = zclock_usecs (), now_us = start_us;
    int64_t end_us = start_us + (int64_t) self->time_ms * 1000;
    uint64_t answered = 0;
    int under_way = 0;
    while (now_us < end_us || under_way) {
        dividere_result_t result;
        for (; now_us < end_us && under_way < self->outstanding; under_way++)
            if (dividere_client_send (client, ping, NULL, NULL) < 0)
                return s_fail (where, errno);
        if (dividere_client_recv (client, reply, &result, -1) < 0)
            return s_fail (where, errno);
        if (result.error)
            return s_fail (where, result.error);
        under_way--;
        answered++;
        now_us = zclock_usecs ();
    }
    self->rate = (double) answered * 1e6 / (double) (now_us - start_us);
    return 0;
}

static int
s_order (const void *a, const void *b)
{
    int64_t left = *(const int64_t *) a, right = *(const int64_t *) b;
    return (left > right) - (left < right);
}

static void
s_report (const self_t *self)
{
    const int64_t *us = self->samples_us;
    size_t count = self->count;
    qsort (self->samples_us, count, sizeof (*us), s_order);
    double mib = self->rate * self->size / 1048576;
    if (self->json)
        printf ("{\"size\": %d, \"p50Us\": %" PRId64 ", \"p99Us\": %" PRId64
                ", \"maxUs\": %" PRId64 ", \"outstanding\": %d, "
                "\"requestsPerSecond\": %.0f, \"mibPerSecond\": %.3f}\n",
                self->size, us[count / 2], us[count * 99 / 100], us[count - 1],
                self->outstanding, self->rate, mib);
    else
        printf ("round trip of %d bytes: median %" PRId64
                " us, 99%% within %" PRId64 " us, longest %" PRId64 " us\n"
                "%d at a time: %.0f requests per second, %.1f MiB per second "
                "each way\n",
                self->size, us[count / 2], us[count * 99 / 100], us[count - 1],
                self->outstanding, self->rate, mib);
}

static int
s_measure (self_t *self, const char *where)
{
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = COMMAND_MS;
    options.requests_max = (size_t) self->outstanding + 1;
    options.bytes_max = ((size_t) self->size + 200) * options.requests_max;
    dividere_client_t *client =
        command_client (&command_bench, where, self->servers, &options);
    if (!client)
        return COMMAND_FAILED;
    Dividere__Ping ping = DIVIDERE__PING__INIT;
    ping.payload.len = (size_t) self->size;
    ping.payload.data = (uint8_t *) zmalloc ((size_t) self->size + 1);
    self->samples_us = (int64_t *) zmalloc (SAMPLES_MAX * sizeof (int64_t));
    dividere_message_t *reply = dividere_message_new ();
    int status = s_measure_latency (self, client, where, &ping.base, reply);
    if (status == 0)
        status = s_measure_rate (self, client, where, &ping.base, reply);
    if (status == 0)
        s_report (self);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    freen (ping.payload.data);
    freen (self->samples_us);
    return status;
}

static int
s_run (int argc, char **argv)
{
    self_t self = { .servers = COMMAND_SERVERS,
                    .size = 16,
                    .time_ms = 1000,
                    .outstanding = 100 };
    int status;
    int count = options_parse (&s_usage, &self, argc, argv, &status);
    if (count < 0)
        return status;
    if (self.outstanding < 1)
        return command_fail (&command_bench, "--outstanding 0: at least 1");
    if (command_secure (&command_bench, self.security) ||
        types_load (&command_bench, NULL, NULL, NULL))
        return COMMAND_FAILED;
    if (self.serve)
        status = s_serve (&self);
    else if (count)
        status = s_measure (&self, argv[0]);
    else {
        status = s_start_service (&self, "tcp://127.0.0.1:*");
        if (status == 0)
            status = s_measure (&self, self.endpoint);
    }
    dividere_stop (&self.service, COMMAND_MS);
    zstr_free (&self.endpoint);
    return status;
}

const command_t command_bench = { "bench", "measure requests to a service",
                                  s_run };
