/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere pub: publishes messages given as words, or line by line.         */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dividere/connector.h>
#include "options.h"
#include "types.h"

typedef struct {
    const char *proto;
    const char *include;
    const char *descriptor;
    const char *security;
    int subscribers;
    int timeout_ms;
    int count;
    bool text;
} self_t;

static const option_t s_options[] = {
    TYPES_OPTIONS (self_t),
    { "subscribers", "N", "wait for so many before the first message; 1",
      OPTION_NUMBER, offsetof (self_t, subscribers) },
    { "timeout", "MS", "how long to wait for them, and for room; 5000",
      OPTION_NUMBER, offsetof (self_t, timeout_ms) },
    { "count", "N", "send MESSAGE so often; 1", OPTION_NUMBER,
      offsetof (self_t, count) },
    { "text", NULL, "text format instead of JSON", OPTION_FLAG,
      offsetof (self_t, text) },
    OPTION_SECURITY (self_t),
    { NULL }
};

static const usage_t s_usage = { &command_pub,
                                 "EP TYPE [MESSAGE]",
                                 2,
                                 3,
                                 s_options,
                                 "Without MESSAGE each line of stdin is one. "
                                 "EP is bound; one with \">\" in\n"
                                 "front is connected to." TYPES_NOTES };

/*  0, or COMMAND_FAILED, told.                                              */
static int
s_send (const self_t *self, dividere_connector_t *out,
        const ProtobufCMessageDescriptor *type, const char *words, int count)
{
    ProtobufCMessage *message =
        types_read (&command_pub, type, words, self->text);
    int status = message ? 0 : COMMAND_FAILED;
    for (int i = 0; i < count && status == 0; i++) {
        int64_t end_ms = 0;
        while (dividere_send (out, message) < 0 && status == 0)
            if (!command_again (&end_ms, self->timeout_ms))
                status =
                    command_fail (&command_pub, "%s: %s", type->name,
                                  errno == EAGAIN ? "a subscriber does not read"
                                                  : zmq_strerror (errno));
    }
    if (message)
        protobuf_c_message_free_unpacked (message, NULL);
    return status;
}

static int
s_send_lines (const self_t *self, dividere_connector_t *out,
              const ProtobufCMessageDescriptor *type)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    int status = 0;
    while (status == 0 && (size = getline (&line, &room, stdin)) >= 0) {
        line[strcspn (line, "\n")] = 0;
        if (*line)
            status = s_send (self, out, type, line, 1);
    }
    free (line);
    return status;
}

static int
s_publish (const self_t *self, char **arguments)
{
    const ProtobufCMessageDescriptor *type =
        types_find (&command_pub, arguments[1]);
    if (!type)
        return COMMAND_FAILED;
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.overflow = DIVIDERE_OVERFLOW_TELL;
    options.linger_ms = self->timeout_ms;
    dividere_connector_t *out = dividere_publisher_new (arguments[0], &options);
    if (!out)
        return command_fail (&command_pub, "%s: %s", arguments[0],
                             zmq_strerror (errno));
    int status = 0;
    if (self->subscribers > 0 &&
        dividere_wait_subscribers (out, type, (size_t) self->subscribers,
                                   self->timeout_ms) < 0)
        status = command_fail (&command_pub,
                               "%s: not %d subscribers of %s within %d ms",
                               arguments[0], self->subscribers, type->name,
                               self->timeout_ms);
    else if (arguments[2])
        status = s_send (self, out, type, arguments[2], self->count);
    else
        status = s_send_lines (self, out, type);
    dividere_connector_destroy (&out);
    return status;
}

static int
s_run (int argc, char **argv)
{
    self_t self = { .subscribers = 1, .timeout_ms = 5000, .count = 1 };
    int status;
    if (options_parse (&s_usage, &self, argc, argv, &status) < 0)
        return status;
    command_allow_signals ();
    if (command_secure (&command_pub, self.security) ||
        types_load (&command_pub, self.proto, self.include, self.descriptor))
        return COMMAND_FAILED;
    return s_publish (&self, argv);
}

const command_t command_pub = { "pub", "publish messages", s_run };
