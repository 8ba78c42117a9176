/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere sub: prints what is published, one message a line.               */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <dividere/connector.h>
#include "options.h"
#include "types.h"

#define LOOK_MS   100 /* for a signal                                         */
#define TYPES_MAX 100

typedef struct {
    const char *proto;
    const char *include;
    const char *descriptor;
    const char *security;
    int count;
    int time_ms;
    bool text;
    bool json;
} self_t;

static const option_t s_options[] = {
    TYPES_OPTIONS (self_t),
    { "count", "N", "end after so many messages", OPTION_NUMBER,
      offsetof (self_t, count) },
    { "time", "MS", "end after this time: 1 if --count is not reached",
      OPTION_NUMBER, offsetof (self_t, time_ms) },
    { "text", NULL, "text format instead of JSON", OPTION_FLAG,
      offsetof (self_t, text) },
    { "json", NULL, "one object a line, with the type in it", OPTION_FLAG,
      offsetof (self_t, json) },
    OPTION_SECURITY (self_t),
    { NULL }
};

static const usage_t s_usage = { &command_sub,
                                 "EP [TYPE]...",
                                 1,
                                 TYPES_MAX,
                                 s_options,
                                 "Without TYPE everything is printed. EP is "
                                 "connected to; one with \"@\" in\n"
                                 "front is bound." TYPES_NOTES };

static int
s_subscribe (dividere_connector_t *in, char **names)
{
    if (!*names)
        return dividere_connector_subscribe (in, "", 0) < 0
                   ? command_fail (&command_sub, "%s", strerror (errno))
                   : 0;
    for (; *names; names++) {
        const ProtobufCMessageDescriptor *type =
            types_find (&command_sub, *names);
        if (!type)
            return COMMAND_FAILED;
        if (dividere_subscribe (in, type) < 0)
            return command_fail (&command_sub, "%s: %s", *names,
                                 strerror (errno));
    }
    return 0;
}

/*  A message that cannot be shown is told of, and passed over.               */
static bool
s_print (const self_t *self, const dividere_message_t *message, int error)
{
    if (error) {
        command_fail (&command_sub, "a message is not shown: %s",
                      error == ENOENT ? "its type is not known: give it by "
                                        "--proto or --descriptor"
                                      : strerror (error));
        return false;
    }
    types_print (dividere_message_object (message),
                 self->json   ? PRINT_MACHINE
                 : self->text ? PRINT_TEXT
                              : PRINT_JSON,
                 true);
    return true;
}

static int
s_receive (const self_t *self, dividere_connector_t *in)
{
    dividere_message_t *message = dividere_message_new ();
    int64_t start_ms = zclock_mono ();
    int left = self->count, status = 0;
    while (!command_ended () && !ferror (stdout)) {
        int wait_ms = LOOK_MS;
        if (self->time_ms >= 0) {
            int64_t rest = start_ms + self->time_ms - zclock_mono ();
            if (rest <= 0) {
                status = self->count ? COMMAND_FAILED : 0;
                break;
            }
            wait_ms = rest < wait_ms ? (int) rest : wait_ms;
        }
        int rc = dividere_recv_into (in, message, wait_ms);
        if (rc < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (s_print (self, message, rc < 0 ? errno : 0) && left && --left == 0)
            break;
    }
    dividere_message_destroy (&message);
    return status;
}

static int
s_run (int argc, char **argv)
{
    self_t self = { .time_ms = -1 };
    int status;
    if (options_parse (&s_usage, &self, argc, argv, &status) < 0)
        return status;
    if (command_secure (&command_sub, self.security) ||
        types_load (&command_sub, self.proto, self.include, self.descriptor))
        return COMMAND_FAILED;
    dividere_connector_t *in = dividere_subscriber_new (argv[0], NULL);
    if (!in)
        return command_fail (&command_sub, "%s: %s", argv[0],
                             zmq_strerror (errno));
    status = s_subscribe (in, argv + 1);
    if (status == 0)
        status = s_receive (&self, in);
    dividere_connector_destroy (&in);
    return status;
}

const command_t command_sub = { "sub", "print what is published", s_run };
