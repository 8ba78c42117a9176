/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere call: one request to a service, a broker or a response, and its
 *  reply.                                                                   */

#include <errno.h>
#include <inttypes.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "options.h"
#include "types.h"

typedef struct {
    const char *proto;
    const char *include;
    const char *descriptor;
    const char *servers;
    const char *service;
    const char *security;
    int deadline_ms;
    int retries;
    bool strict;
    bool text;
    bool json;
    bool reflect;
    bool trace;
    bool named; /* it is a name, not an endpoint                             */
} self_t;

static const option_t s_options[] = {
    TYPES_OPTIONS (self_t),
    { "reflect", NULL,
      "types of the service at EP (not one in Python: it ends)", OPTION_FLAG,
      offsetof (self_t, reflect) },
    OPTION_SERVERS (self_t),
    { "deadline", "MS", "how long to wait for the reply; 5000", OPTION_NUMBER,
      offsetof (self_t, deadline_ms) },
    { "retries", "N", "tries beside the first; 5", OPTION_NUMBER,
      offsetof (self_t, retries) },
    { "service", "NAME", "asked for at a broker", OPTION_TEXT,
      offsetof (self_t, service) },
    { "strict", NULL, "never execute it twice", OPTION_FLAG,
      offsetof (self_t, strict) },
    { "trace", NULL, "who had it when, on stderr; with --json on stdout",
      OPTION_FLAG, offsetof (self_t, trace) },
    { "text", NULL, "text format instead of JSON", OPTION_FLAG,
      offsetof (self_t, text) },
    { "json", NULL, "the type of the reply, too", OPTION_FLAG,
      offsetof (self_t, json) },
    OPTION_SECURITY (self_t),
    { NULL }
};

static const usage_t s_usage = {
    &command_call,
    "EP|NAME TYPE [MESSAGE]",
    2,
    3,
    s_options,
    "Without MESSAGE the request is empty." TYPES_NOTES
    " A\nNAME is asked for its types where neither is given."
};

static dividere_client_t *
s_connect (const self_t *self, const char *where)
{
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = self->deadline_ms;
    options.retries = self->retries;
    options.service = self->service;
    return command_client (&command_call, where, self->servers, &options);
}

static int
s_fail (const char *where, int error, int remote_error)
{
    if (error == EREMOTEIO && remote_error)
        return command_fail (&command_call, "%s: its handler failed: %s", where,
                             strerror (remote_error));
    if (error == EREMOTEIO)
        return command_fail (&command_call, "%s: its handler gave no reply",
                             where);
    return command_fail (&command_call, "%s: %s", where,
                         command_reason (error));
}

/*  Who had it: of which kind, and by number.                                */
static const char *
s_role (dividere_hop_kind_t kind)
{
    switch (kind) {
    case DIVIDERE_HOP_SENT:
    case DIVIDERE_HOP_ANSWERED: return "client";
    case DIVIDERE_HOP_QUEUED:
    case DIVIDERE_HOP_HANDED:
    case DIVIDERE_HOP_REPLIED: return "broker";
    case DIVIDERE_HOP_RECEIVED:
    case DIVIDERE_HOP_BEGUN:
    case DIVIDERE_HOP_ENDED: return "worker";
    default: return "?";
    }
}

/*  Times count from the first hop: of hosts whose clocks differ, by that.    */
static void
s_print_trace (const self_t *self, const dividere_client_t *client)
{
    dividere_trace_t trace;
    FILE *out = self->json ? stdout : stderr;
    if (!self->trace || dividere_client_trace (client, &trace) < 0)
        return;
    fprintf (out, self->json ? "{\"trace\": \"" : "trace ");
    for (size_t i = 0; i < sizeof (trace.id); i++)
        fprintf (out, "%02x", trace.id[i]);
    fprintf (out, self->json ? "\", \"hops\": [" : "\n");
    for (size_t i = 0; i < trace.count; i++) {
        const dividere_hop_t *hop = &trace.hops[i];
        double us = (double) (hop->time_ns - trace.hops[0].time_ns) / 1e3;
        double step_us =
            (double) (hop->time_ns - trace.hops[i ? i - 1 : 0].time_ns) / 1e3;
        if (self->json)
            fprintf (out,
                     "%s{\"role\": \"%s\", \"who\": \"%014" PRIx64
                     "\", \"event\": \"%s\", \"us\": %.1f}",
                     i ? ", " : "", s_role (hop->kind), hop->who,
                     dividere_hop_name (hop->kind), us);
        else
            fprintf (out, "%-6s  %014" PRIx64 "  %-8s  %10.1f us  %+10.1f us\n",
                     s_role (hop->kind), hop->who,
                     dividere_hop_name (hop->kind), us, step_us);
    }
    if (self->json)
        fprintf (out, "]}\n");
}

static int
s_ask (const self_t *self, dividere_client_t *client, const char *where,
       const ProtobufCMessage *request)
{
    dividere_request_options_t options = DIVIDERE_REQUEST_OPTIONS_INIT;
    options.strict = self->strict;
    options.trace = self->trace;
    dividere_message_t *reply = dividere_message_new ();
    dividere_result_t result = { .error = 0 };
    if (dividere_client_send (client, request, &options, NULL) < 0 ||
        dividere_client_recv (client, reply, &result, -1) < 0)
        result.error = errno;
    int status = 0;
    if (result.error)
        status = s_fail (where, result.error, result.remote_error);
    else
        types_print (dividere_message_object (reply),
                     self->text   ? PRINT_TEXT
                     : self->json ? PRINT_MACHINE
                                  : PRINT_JSON,
                     false);
    s_print_trace (self, client);
    dividere_message_destroy (&reply);
    return status;
}

static int
s_call (const self_t *self, char **arguments)
{
    int status = COMMAND_FAILED;
    dividere_client_t *client = s_connect (self, arguments[0]);
    if (!client)
        return COMMAND_FAILED;
    bool given = self->proto || self->descriptor;
    if ((self->reflect || (self->named && !given)) &&
        types_fetch (client, self->deadline_ms) < 0 && errno != ENODATA &&
        errno != EOPNOTSUPP) {
        s_fail (arguments[0], errno, 0);
        dividere_client_destroy (&client);
        return COMMAND_FAILED;
    }
    const ProtobufCMessageDescriptor *type =
        types_find (&command_call, arguments[1]);
    ProtobufCMessage *request = type ? types_read (&command_call, type,
                                                   arguments[2] ? arguments[2]
                                                   : self->text ? ""
                                                                : "{}",
                                                   self->text)
                                     : NULL;
    if (request) {
        status = s_ask (self, client, arguments[0], request);
        protobuf_c_message_free_unpacked (request, NULL);
    }
    dividere_client_destroy (&client);
    return status;
}

static int
s_run (int argc, char **argv)
{
    self_t self = { .servers = COMMAND_SERVERS,
                    .deadline_ms = 5000,
                    .retries = 5 };
    int status;
    if (options_parse (&s_usage, &self, argc, argv, &status) < 0)
        return status;
    command_allow_signals ();
    self.named = !strstr (argv[0], "://");
    if (command_secure (&command_call, self.security) ||
        types_load (&command_call, self.proto, self.include, self.descriptor))
        return COMMAND_FAILED;
    return s_call (&self, argv);
}

const command_t command_call = { "call", "ask a service, and print its reply",
                                 s_run };
