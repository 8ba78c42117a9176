/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere record: the actor of dividere/recorder.h, until it has enough.   */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dividere/actor.h>
#include <dividere/log.h>
#include <dividere/recorder.h>
#include "options.h"
#include "print.h"

#define CALL_MS   5000 /* for a command of the actor                          */
#define LOOK_NS   20000000 /* between two looks                               */
#define STOP_MS   60000
#define TYPES_MAX 100

typedef struct {
    const char *security;
    const char *introspection;
    int segment_mib;
    int quota_mib;
    int count;
    int time_ms;
    bool append;
    bool json;
} self_t;

static const option_t s_options[] = {
    { "segment", "MIB", "size of a file, then another is begun; 64",
      OPTION_NUMBER, offsetof (self_t, segment_mib) },
    { "quota", "MIB", "size of all files: the oldest goes; 0: no limit",
      OPTION_NUMBER, offsetof (self_t, quota_mib) },
    { "append", NULL, "go on with a recording that is there", OPTION_FLAG,
      offsetof (self_t, append) },
    { "count", "N", "end when so many messages, or more, are recorded",
      OPTION_NUMBER, offsetof (self_t, count) },
    { "time", "MS", "end after this time: 1 if --count is not reached",
      OPTION_NUMBER, offsetof (self_t, time_ms) },
    { "introspection", "EP", "where dividere stats may ask", OPTION_TEXT,
      offsetof (self_t, introspection) },
    { "json", NULL, "what was recorded as one object", OPTION_FLAG,
      offsetof (self_t, json) },
    OPTION_SECURITY (self_t),
    { NULL }
};

static const usage_t s_usage = {
    &command_record,
    "FOLDER EP [TYPE]...",
    2,
    TYPES_MAX,
    s_options,
    "Without TYPE everything that is published is recorded; a TYPE is a full\n"
    "name. EP is connected to; one with \"@\" in front is bound. When it "
    "receives\nthere is a line \"ready source=EP\"; at the end one of what "
    "there is then.\nStatus 1: not all that came is in the recording."
};

/*  0 and the first value (or NULL), the caller's; or COMMAND_FAILED, told of
 *  the last argument.                                                       */
static int
s_call (zactor_t *recorder, const char *command, const char *first,
        const char *second, char **ret_value)
{
    zmsg_t *reply = NULL;
    if (dividere_call (recorder, &reply, CALL_MS, command, first, second,
                       NULL) < 0)
        return command_fail (&command_record, "%s: %s",
                             second  ? second
                             : first ? first
                                     : command,
                             errno == EEXIST
                                 ? "a recording is there: --append goes on "
                                   "with it"
                                 : zmq_strerror (errno));
    if (ret_value)
        *ret_value = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return 0;
}

static int
s_set_mib (zactor_t *recorder, const char *name, int mib)
{
    char text[32];
    snprintf (text, sizeof (text), "%" PRIu64, (uint64_t) mib << 20);
    return s_call (recorder, "SET", name, text, NULL);
}

/*  What is wrong with the folder is told with its name.                     */
static int
s_start (const self_t *self, zactor_t *recorder, char **arguments)
{
    const char *endpoint = arguments[1];
    bool bound = *endpoint == '@';
    char *address = NULL;
    int status = s_set_mib (recorder, "segment", self->segment_mib);
    if (status == 0)
        status = s_set_mib (recorder, "quota", self->quota_mib);
    if (status == 0 && self->append)
        status = s_call (recorder, "SET", "append", "1", NULL);
    if (status == 0)
        status = s_call (recorder, "SET", "folder", arguments[0], NULL);
    if (status == 0 && self->introspection)
        status = s_call (recorder, "BIND", "introspection", self->introspection,
                         NULL);
    if (status == 0)
        status = s_call (recorder, bound ? "BIND" : "CONNECT", "source",
                         endpoint + (bound || *endpoint == '>'), &address);
    char **types = arguments[2] ? arguments + 2 : (char *[]){ "", NULL };
    for (; *types && status == 0; types++)
        status = s_call (recorder, "SUBSCRIBE", *types, NULL, NULL);
    if (status == 0 &&
        dividere_call (recorder, NULL, CALL_MS, "START", NULL) < 0)
        status = command_fail (&command_record, "%s: %s", arguments[0],
                               errno == EEXIST   ? "a recording is there: "
                                                   "--append goes on with it"
                               : errno == EINVAL ? "--quota must be twice "
                                                   "--segment, or more"
                                                 : strerror (errno));
    if (status == 0) {
        printf ("ready source=%s%s\n", bound ? "" : ">", address);
        fflush (stdout);
    }
    zstr_free (&address);
    return status;
}

/*  One of the actor's statistics.                                           */
static uint64_t
s_stat (zmsg_t *stats, const char *name)
{
    for (zframe_t *frame = zmsg_first (stats); frame;
         frame = zmsg_next (stats)) {
        bool found = zframe_streq (frame, name);
        frame = zmsg_next (stats);
        if (!found || !frame)
            continue;
        char *digits = zframe_strdup (frame);
        uint64_t value = strtoull (digits, NULL, 10);
        zstr_free (&digits);
        return value;
    }
    return 0;
}

static uint64_t
s_ask (zactor_t *recorder, const char *name)
{
    zmsg_t *stats = NULL;
    if (dividere_call (recorder, &stats, CALL_MS, "STATS", NULL) < 0)
        return 0;
    uint64_t value = s_stat (stats, name);
    zmsg_destroy (&stats);
    return value;
}

/*  Until a signal, the time, or the count. False: that was not reached.     */
static bool
s_wait (const self_t *self, zactor_t *recorder)
{
    int64_t start_ms = zclock_mono ();
    do {
        if (self->count &&
            s_ask (recorder, "written") >= (uint64_t) self->count)
            return true;
        if (self->time_ms >= 0 && zclock_mono () >= start_ms + self->time_ms)
            return !self->count;
    }
    while (!command_wait (LOOK_NS));
    return true;
}

/*  All that came is there, or what is not is told of.                       */
static int
s_report (const self_t *self, zactor_t *recorder, const char *folder)
{
    zmsg_t *stats = NULL;
    int error =
        dividere_call (recorder, NULL, STOP_MS, "FLUSH", NULL) < 0 ? errno : 0;
    if (dividere_call (recorder, &stats, CALL_MS, "STATS", NULL) < 0)
        return command_fail (&command_record, "%s: %s", folder,
                             zmq_strerror (errno));
    uint64_t written = s_stat (stats, "written");
    uint64_t dropped = s_stat (stats, "dropped");
    uint64_t malformed = s_stat (stats, "malformed");
    printf (self->json ? "{\"messages\": %" PRIu64 ", \"dropped\": %" PRIu64
                         ", \"malformed\": %" PRIu64 ", \"bytes\": %" PRIu64
                         ", \"segments\": %" PRIu64 "}\n"
                       : "%" PRIu64 " messages, %" PRIu64 " dropped, %" PRIu64
                         " malformed; %" PRIu64 " bytes in %" PRIu64 " files\n",
            written, dropped, malformed, s_stat (stats, "bytes"),
            s_stat (stats, "segments"));
    zmsg_destroy (&stats);
    if (error)
        return command_fail (&command_record, "%s: %s", folder,
                             strerror (error));
    return dropped ? COMMAND_FAILED : 0;
}

static int
s_run (int argc, char **argv)
{
    self_t self = { .segment_mib = 64, .time_ms = -1 };
    int status;
    if (options_parse (&s_usage, &self, argc, argv, &status) < 0)
        return status;
    if (command_secure (&command_record, self.security))
        return COMMAND_FAILED;
    if (dividere_log_level () < DIVIDERE_LOG_WARNING)
        dividere_log_set (DIVIDERE_LOG_WARNING, NULL, NULL);
    zactor_t *recorder = zactor_new (dividere_recorder, NULL);
    status = s_start (&self, recorder, argv);
    if (status == 0) {
        bool reached = s_wait (&self, recorder);
        status = s_report (&self, recorder, argv[0]);
        if (!reached)
            status =
                command_fail (&command_record, "not %d messages within %d ms",
                              self.count, self.time_ms);
    }
    dividere_stop (&recorder, STOP_MS);
    return status;
}

const command_t command_record = { "record", "record what is published",
                                   s_run };
