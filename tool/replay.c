/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere replay: publishes a recording, as fast as it was recorded.       */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <dividere/connector.h>
#include <dividere/recording.h>
#include "options.h"

#define EARLY_NS  20000  /* what is not worth a sleep                       */
#define BUCKET_NS 10000  /* of the histogram of how late they were          */
#define BUCKETS   100000 /* one second                                      */
#define MESSAGES  1000   /* between two looks for a signal                  */
#define TOPIC_MAX 245
#define TYPES_MAX 100
#define YEARS_S   4e9 /* more than a hundred: the longest that is waited      */
#define SECOND_NS INT64_C (1000000000)

typedef struct {
    const char *security;
    double speed;
    double from_s;
    double to_s;
    int subscribers;
    int timeout_ms;
    int count;
    bool fast;
    bool list;
    bool json;

    char **types; /* none: all                                               */
    dividere_recording_t *recording;
    dividere_connector_t *out;
    int64_t first_ns; /* when the recording begins                           */
    int64_t begun_ns; /* when this began to publish                          */
    int64_t from_ns;  /* what it began with                                  */
    uint64_t messages;
    uint64_t bytes;
    int64_t latest_ns;
    uint32_t *late; /* a histogram                                           */
} self_t;

static const option_t s_options[] = {
    { "speed", "FACTOR", "2 is twice as fast; 1", OPTION_REAL,
      offsetof (self_t, speed) },
    { "fast", NULL, "as fast as subscribers read", OPTION_FLAG,
      offsetof (self_t, fast) },
    { "from", "S", "seconds after the first message; 0", OPTION_REAL,
      offsetof (self_t, from_s) },
    { "to", "S", "... and no more from there on", OPTION_REAL,
      offsetof (self_t, to_s) },
    { "count", "N", "end after so many messages", OPTION_NUMBER,
      offsetof (self_t, count) },
    { "subscribers", "N", "wait for so many before the first message; 1",
      OPTION_NUMBER, offsetof (self_t, subscribers) },
    { "timeout", "MS", "how long to wait for them, and for room; 5000",
      OPTION_NUMBER, offsetof (self_t, timeout_ms) },
    { "list", NULL, "print what there is instead: seconds, type, bytes",
      OPTION_FLAG, offsetof (self_t, list) },
    { "json", NULL, "what was published as one object", OPTION_FLAG,
      offsetof (self_t, json) },
    OPTION_SECURITY (self_t),
    { NULL }
};

static const usage_t s_usage = {
    &command_replay,
    "FOLDER EP [TYPE]...",
    1,
    TYPES_MAX,
    s_options,
    "EP is bound; one with \">\" in front is connected to; --list has none. "
    "Without\nTYPE all messages are published; a TYPE is a full name, or the "
    "last part of it.\nStatus 1: a part of the recording is damaged; the rest "
    "was published."
};

static int64_t
s_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * SECOND_NS + now.tv_nsec;
}

static bool
s_is_wanted (const self_t *self, const dividere_record_t *record)
{
    size_t size = 0;
    const char *type = dividere_record_type (record, &size);
    if (!*self->types)
        return true;
    for (char **wanted = self->types; *wanted && type; wanted++) {
        const char *dot = strrchr (*wanted, '.');
        if ((strlen (*wanted) == size && !memcmp (*wanted, type, size)) ||
            (dot && strlen (dot + 1) == size && !memcmp (dot + 1, type, size)))
            return true;
        /* The last part of the name that it has.                            */
        size_t tail = strlen (*wanted);
        if (!dot && tail < size && type[size - tail - 1] == '.' &&
            !memcmp (*wanted, type + size - tail, tail))
            return true;
    }
    return false;
}

/*  Seconds from one time to another, whatever a file says that they are.     */
static double
s_between_s (int64_t from_ns, int64_t to_ns)
{
    int64_t ns;
    if (!__builtin_sub_overflow (to_ns, from_ns, &ns))
        return (double) ns / 1e9;
    return ((double) to_ns - (double) from_ns) / 1e9;
}

/*  A time so many seconds later, or the last there is.                      */
static int64_t
s_later (int64_t from_ns, double s)
{
    int64_t ns = (int64_t) ((s < YEARS_S ? s : YEARS_S) * 1e9);
    return __builtin_add_overflow (from_ns, ns, &ns) ? INT64_MAX : ns;
}

/*  The next one that is wanted. 0, or -1 with an errno of
 *  dividere_recording_next.                                                 */
static int
s_next (self_t *self, dividere_record_t *ret_record)
{
    do {
        if (dividere_recording_next (self->recording, ret_record) < 0)
            return -1;
        if (self->to_s > 0 &&
            s_between_s (self->first_ns, ret_record->time_ns) >= self->to_s) {
            errno = ENOENT;
            return -1;
        }
    }
    while (!s_is_wanted (self, ret_record));
    return 0;
}

/*  Waits until it is time. True if a signal has come.                       */
static bool
s_pace (self_t *self, const dividere_record_t *record)
{
    if (self->fast)
        return self->messages % MESSAGES == 0 && command_ended ();
    double after_s = s_between_s (self->from_ns, record->time_ns) / self->speed;
    int64_t due_ns =
        after_s > 0 ? s_later (self->begun_ns, after_s) : self->begun_ns;
    int64_t now_ns = s_now_ns ();
    for (; now_ns < due_ns - EARLY_NS; now_ns = s_now_ns ())
        if (command_wait (due_ns - now_ns))
            return true;
    int64_t late_ns = now_ns > due_ns ? now_ns - due_ns : 0;
    int64_t bucket = late_ns / BUCKET_NS;
    self->late[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    if (late_ns > self->latest_ns)
        self->latest_ns = late_ns;
    return self->messages % MESSAGES == 0 && command_ended ();
}

/*  0, or -1 where a subscriber has not read for as long as the time-out.    */
static int
s_send (self_t *self, const dividere_record_t *record)
{
    int64_t end_ms = 0;
    while (dividere_connector_send (self->out, record->data, record->size) < 0)
        if (!command_again (&end_ms, self->timeout_ms) || command_ended ())
            return -1;
    self->messages++;
    self->bytes += record->size;
    return 0;
}

static int
s_await (self_t *self, const dividere_record_t *record, const char *where)
{
    size_t size = record->size < TOPIC_MAX ? record->size : TOPIC_MAX;
    if (!self->subscribers ||
        dividere_connector_wait_subscribers (self->out, record->data, size,
                                             (size_t) self->subscribers,
                                             self->timeout_ms) == 0)
        return 0;
    return command_fail (&command_replay,
                         "%s: not %d subscribers of the first message within "
                         "%d ms",
                         where, self->subscribers, self->timeout_ms);
}

static int
s_publish (self_t *self, const char *where)
{
    dividere_record_t record;
    int rc = s_next (self, &record);
    if (rc == 0 && s_await (self, &record, where))
        return COMMAND_FAILED;
    self->begun_ns = s_now_ns ();
    self->from_ns = record.time_ns;
    while (rc == 0 && !s_pace (self, &record)) {
        if (s_send (self, &record) < 0)
            return command_fail (&command_replay, "%s: %s", where,
                                 errno == EAGAIN ? "a subscriber does not read"
                                                 : zmq_strerror (errno));
        if (self->count && self->messages >= (uint64_t) self->count)
            return 0;
        rc = s_next (self, &record);
    }
    return 0;
}

static void
s_list (self_t *self)
{
    dividere_record_t record;
    while (!ferror (stdout) && s_next (self, &record) == 0) {
        size_t size = 0;
        const char *type = dividere_record_type (&record, &size);
        printf ("%.9f\t", s_between_s (self->first_ns, record.time_ns));
        for (size_t i = 0; i < size; i++)
            putchar (type[i] > ' ' && type[i] < 127 ? type[i] : '?');
        printf ("\t%zu\n", record.size);
        self->messages++;
        self->bytes += record.size;
        if (self->count && self->messages >= (uint64_t) self->count)
            return;
    }
}

/*  Half of them were not later than this, in microseconds.                  */
static double
s_median_us (const self_t *self)
{
    uint64_t sum = 0;
    int bucket = 0;
    while (bucket < BUCKETS - 1 &&
           (sum += self->late[bucket]) * 2 < self->messages)
        bucket++;
    return (bucket + 1) * (BUCKET_NS / 1000.0);
}

/*  On stderr what is damaged, on stdout the rest.                           */
static int
s_report (const self_t *self, const char *folder)
{
    dividere_recording_stats_t stats;
    dividere_recording_stats (self->recording, &stats);
    double late_us = self->messages ? s_median_us (self) : 0;
    double latest_us = (double) self->latest_ns / 1e3;
    if (self->json)
        printf ("{\"messages\": %" PRIu64 ", \"bytes\": %" PRIu64
                ", \"dropped\": %" PRIu64 ", \"skippedBytes\": %" PRIu64
                ", \"lateP50Us\": %.0f, \"lateMaxUs\": %.0f}\n",
                self->messages, self->bytes, stats.dropped, stats.skipped,
                late_us, latest_us);
    else if (!self->list)
        printf ("%" PRIu64 " messages, %" PRIu64 " bytes; %" PRIu64
                " were dropped when it was recorded; half within %.0f us of "
                "their time, all within %.0f us\n",
                self->messages, self->bytes, stats.dropped, late_us, latest_us);
    if (stats.skipped)
        return command_fail (&command_replay,
                             "%s: %" PRIu64 " bytes are damaged, or were not "
                             "finished; the rest was read",
                             folder, stats.skipped);
    return 0;
}

/*  The time of the first message, and the place where to begin.             */
static int
s_open (self_t *self, const char *folder)
{
    dividere_record_t record;
    self->recording = dividere_recording_new (folder);
    if (!self->recording)
        return command_fail (&command_replay, "%s: %s", folder,
                             errno == ENOENT ? "there is no recording"
                                             : strerror (errno));
    int rc = dividere_recording_next (self->recording, &record);
    if (rc == 0) {
        self->first_ns = record.time_ns;
        rc = dividere_recording_seek (self->recording,
                                      s_later (self->first_ns, self->from_s));
    }
    if (rc < 0 && errno != ENOENT)
        return command_fail (&command_replay, "%s: %s", folder,
                             errno == EPROTONOSUPPORT
                                 ? "it is of a later version"
                                 : strerror (errno));
    return 0;
}

static int
s_replay (self_t *self, char **arguments)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.overflow = DIVIDERE_OVERFLOW_TELL;
    options.linger_ms = self->timeout_ms;
    int status = s_open (self, arguments[0]);
    if (status)
        return status;
    if (self->list)
        s_list (self);
    else if (!(self->out = dividere_publisher_new (arguments[1], &options)))
        return command_fail (&command_replay, "%s: %s", arguments[1],
                             zmq_strerror (errno));
    else
        status = s_publish (self, arguments[1]);
    return status ? status : s_report (self, arguments[0]);
}

static int
s_run (int argc, char **argv)
{
    self_t self = { .speed = 1, .subscribers = 1, .timeout_ms = 5000 };
    int status;
    int count = options_parse (&s_usage, &self, argc, argv, &status);
    if (count < 0)
        return status;
    if (self.speed <= 0 || self.speed > 1e9)
        return command_fail (&command_replay, "--speed: more than 0");
    if (count < 2 && !self.list)
        return command_fail (&command_replay, "EP is missing");
    self.types = argv + (self.list ? 1 : 2);
    if (command_secure (&command_replay, self.security))
        return COMMAND_FAILED;
    self.late = (uint32_t *) zmalloc (BUCKETS * sizeof (uint32_t));
    status = s_replay (&self, argv);
    dividere_connector_destroy (&self.out);
    dividere_recording_destroy (&self.recording);
    freen (self.late);
    return status;
}

const command_t command_replay = { "replay", "publish what was recorded",
                                   s_run };
