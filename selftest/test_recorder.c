/* SPDX-License-Identifier: Apache-2.0 */

/*  The recorder as an actor.                                                 */

#include "selftest.h"
#include <signal.h>
#include <sys/resource.h>
#include <dividere.h>

void test_recorder_frames (void);
void test_recorder_types (void);
void test_recorder_overflow (void);
void test_recorder_disk_full (void);
void test_recorder_stopped (void);
void test_recorder_refused (void);

typedef struct {
    char *folder;
    zactor_t *actor;
    char *endpoint;
} recorded_t;

static void
s_call (zactor_t *actor, const char *command, const char *first,
        const char *second)
{
    CHECK_INT (dividere_call (actor, NULL, SELFTEST_DEADLINE, command, first,
                              second, NULL),
               0);
}

static void
s_start (recorded_t *self, const char *name, const char *value,
         const char *type)
{
    zmsg_t *values = NULL;
    self->folder = selftest_folder ();
    self->actor = zactor_new (dividere_recorder, NULL);
    if (name)
        s_call (self->actor, "SET", name, value);
    s_call (self->actor, "SET", "folder", self->folder);
    s_call (self->actor, "SET", "interval", "1");
    CHECK_INT (dividere_call (self->actor, &values, SELFTEST_DEADLINE, "BIND",
                              "source", "tcp://127.0.0.1:*", NULL),
               0);
    char *address = zmsg_popstr (values);
    self->endpoint = zsys_sprintf (">%s", address);
    free (address);
    zmsg_destroy (&values);
    s_call (self->actor, "SUBSCRIBE", type, NULL);
    s_call (self->actor, "START", NULL, NULL);
}

static uint64_t
s_stat (const recorded_t *self, const char *name)
{
    zmsg_t *values = NULL;
    uint64_t found = UINT64_MAX;
    CHECK_INT (dividere_call (self->actor, &values, SELFTEST_DEADLINE, "STATS",
                              NULL),
               0);
    while (zmsg_size (values)) {
        char *key = zmsg_popstr (values), *value = zmsg_popstr (values);
        if (streq (key, name))
            found = strtoull (value, NULL, 10);
        free (key);
        free (value);
    }
    zmsg_destroy (&values);
    CHECK (found != UINT64_MAX);
    return found;
}

static void
s_end (recorded_t *self)
{
    CHECK_INT (dividere_stop (&self->actor, SELFTEST_DEADLINE), 0);
    zdir_t *dir = zdir_new (self->folder, NULL);
    zdir_remove (dir, true);
    zdir_destroy (&dir);
    free (self->folder);
    free (self->endpoint);
}

/*  A publisher that the recorder hears.                                      */
static dividere_connector_t *
s_publisher (const recorded_t *self, const void *topic, size_t size)
{
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    options.overflow = DIVIDERE_OVERFLOW_TELL;
    dividere_connector_t *out =
        dividere_publisher_new (self->endpoint, &options);
    CHECK (out);
    CHECK_INT (dividere_connector_wait_subscribers (out, topic, size, 1,
                                                    SELFTEST_DEADLINE),
               0);
    return out;
}

static void
s_publish (dividere_connector_t *out, const void *data, size_t size)
{
    while (dividere_connector_send (out, data, size) < 0) {
        CHECK_INT (errno, EAGAIN);
        selftest_pause ();
    }
}

/*  All of a recording is published, and recorded a second time.             */
static void
s_repeat (const recorded_t *from, const recorded_t *to, uint64_t count)
{
    dividere_record_t record, again;
    dividere_recording_t *first = dividere_recording_new (from->folder);
    dividere_connector_t *out = s_publisher (to, "", 0);
    while (dividere_recording_next (first, &record) == 0)
        s_publish (out, record.data, record.size);
    CHECK_EVENTUALLY (s_stat (to, "received") == count);
    s_call (to->actor, "FLUSH", NULL, NULL);
    CHECK_INT (s_stat (to, "written"), count);
    CHECK_INT (s_stat (to, "waiting"), 0);
    CHECK_INT (s_stat (to, "waiting_bytes"), 0);
    dividere_recording_t *second = dividere_recording_new (to->folder);
    CHECK_INT (dividere_recording_seek (first, INT64_MIN), 0);
    for (uint64_t i = 0; i < count; i++) {
        CHECK_INT (dividere_recording_next (first, &record), 0);
        CHECK_INT (dividere_recording_next (second, &again), 0);
        CHECK_INT (record.number, i);
        CHECK_INT (again.number, i);
        CHECK_INT (record.size, again.size);
        CHECK (memcmp (record.data, again.data, again.size) == 0);
    }
    CHECK_FAILS (dividere_recording_next (second, &again), ENOENT);
    dividere_recording_destroy (&first);
    dividere_recording_destroy (&second);
    dividere_connector_destroy (&out);
}

/*  What is recorded, published and recorded again is the same, envelopes or
 *  not.                                                                      */
void
test_recorder_frames (void)
{
    recorded_t one, two;
    uint64_t random = 7;
    uint8_t bytes[1000];
    s_start (&one, "segment", "65536", "");
    s_start (&two, NULL, NULL, "");
    dividere_connector_t *out = s_publisher (&one, "", 0);
    for (int i = 0; i < 500; i++) {
        size_t size = (size_t) (selftest_random (&random) % sizeof (bytes));
        for (size_t at = 0; at < size; at++)
            bytes[at] = (uint8_t) selftest_random (&random);
        s_publish (out, bytes, size);
    }
    CHECK_EVENTUALLY (s_stat (&one, "received") == 500);
    s_call (one.actor, "FLUSH", NULL, NULL);
    CHECK (s_stat (&one, "segments") > 2);
    s_repeat (&one, &two, 500);
    dividere_connector_destroy (&out);
    s_end (&one);
    s_end (&two);
}

/*  Only what was subscribed to, under its full and its short name.           */
void
test_recorder_types (void)
{
    recorded_t self;
    dividere_record_t record;
    size_t size;
    s_start (&self, NULL, NULL, "some.package.Position");
    dividere_connector_t *out =
        s_publisher (&self, "\x0A\x15some.package.Position", 23);
    s_publish (out, "\x0A\x08Positio2", 10);
    s_publish (out, "\x0A\x15some.package.Position", 23);
    s_publish (out, "\x0A\x14some.package.Positio", 22);
    s_publish (out, "\x0A\x08Position", 10);
    CHECK_EVENTUALLY (s_stat (&self, "received") == 2);
    s_call (self.actor, "FLUSH", NULL, NULL);
    dividere_recording_t *read = dividere_recording_new (self.folder);
    CHECK_INT (dividere_recording_next (read, &record), 0);
    const char *type = dividere_record_type (&record, &size);
    CHECK (size == 21 && !memcmp (type, "some.package.Position", size));
    CHECK_INT (dividere_recording_next (read, &record), 0);
    type = dividere_record_type (&record, &size);
    CHECK (size == 8 && !memcmp (type, "Position", size));
    CHECK_FAILS (dividere_recording_next (read, &record), ENOENT);
    const dividere_record_t none = { .data = "\x0A\x05sho", .size = 5 };
    CHECK (!dividere_record_type (&none, &size));
    const dividere_record_t empty = { .data = "", .size = 0 };
    CHECK (!dividere_record_type (&empty, &size));
    dividere_recording_destroy (&read);
    dividere_connector_destroy (&out);
    s_end (&self);
}

/*  What the file has and what was dropped, in its place, is all there was.   */
static void
s_check_account (const recorded_t *self, uint64_t count)
{
    dividere_record_t record;
    dividere_recording_stats_t stats;
    CHECK_INT (s_stat (self, "received"), count);
    CHECK_INT (s_stat (self, "written") + s_stat (self, "dropped"), count);
    dividere_recording_t *read = dividere_recording_new (self->folder);
    uint64_t seen = 0;
    while (dividere_recording_next (read, &record) == 0) {
        uint64_t sent;
        CHECK_INT (record.size, sizeof (sent));
        memcpy (&sent, record.data, sizeof (sent));
        seen += record.dropped;
        CHECK_INT (sent, seen++);
    }
    dividere_recording_stats (read, &stats);
    CHECK_INT (stats.skipped, 0);
    CHECK (stats.dropped > 0);
    dividere_recording_destroy (&read);
}

static void
s_publish_numbers (dividere_connector_t *out, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        s_publish (out, &i, sizeof (i));
}

/*  A queue of a few messages.                                                */
void
test_recorder_overflow (void)
{
    recorded_t self;
    uint64_t sent = 0, dropped = 0;
    s_start (&self, "queue", "500", "");
    dividere_connector_t *out = s_publisher (&self, "", 0);
    while (dropped < 100) {
        s_publish_numbers (out, sent, sent + 1000);
        sent += 1000;
        CHECK_EVENTUALLY (s_stat (&self, "received") == sent);
        dropped = s_stat (&self, "dropped");
    }
    s_call (self.actor, "FLUSH", NULL, NULL);
    s_publish_numbers (out, sent, sent + 1);
    CHECK_EVENTUALLY (s_stat (&self, "received") == sent + 1);
    s_call (self.actor, "FLUSH", NULL, NULL);
    s_check_account (&self, sent + 1);
    dividere_connector_destroy (&out);
    s_end (&self);
}

static void
s_limit_files (rlim_t size)
{
    struct rlimit limit;
    CHECK_INT (getrlimit (RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    CHECK_INT (setrlimit (RLIMIT_FSIZE, &limit), 0);
}

void
test_recorder_disk_full (void)
{
    recorded_t self;
    signal (SIGXFSZ, SIG_IGN);
    s_start (&self, NULL, NULL, "");
    dividere_connector_t *out = s_publisher (&self, "", 0);
    s_limit_files (64); /* the head, which is there                         */
    s_publish_numbers (out, 0, 1000);
    CHECK_EVENTUALLY (s_stat (&self, "received") == 1000);
    CHECK_FAILS (dividere_call (self.actor, NULL, SELFTEST_DEADLINE, "FLUSH",
                                NULL),
                 EFBIG);
    CHECK_INT (s_stat (&self, "dropped"), 1000);
    s_call (self.actor, "FLUSH", NULL, NULL);
    CHECK_INT (s_stat (&self, "error"), EFBIG);
    s_limit_files (RLIM_INFINITY);
    s_publish_numbers (out, 1000, 1001);
    CHECK_EVENTUALLY (s_stat (&self, "received") == 1001);
    s_call (self.actor, "FLUSH", NULL, NULL);
    CHECK_INT (s_stat (&self, "error"), 0);
    s_check_account (&self, 1001);
    dividere_connector_destroy (&out);
    s_end (&self);
}

/*  At the end everything that was received is in the file.                   */
void
test_recorder_stopped (void)
{
    recorded_t self;
    dividere_record_t record;
    size_t threads = selftest_threads ();
    s_start (&self, "interval", "60000", "");
    dividere_connector_t *out = s_publisher (&self, "", 0);
    s_publish_numbers (out, 0, 1000);
    CHECK_EVENTUALLY (s_stat (&self, "received") == 1000);
    CHECK_INT (dividere_stop (&self.actor, SELFTEST_DEADLINE), 0);
    dividere_recording_t *read = dividere_recording_new (self.folder);
    uint64_t count = 0;
    while (dividere_recording_next (read, &record) == 0)
        count++;
    CHECK_INT (count, 1000);
    dividere_recording_destroy (&read);
    dividere_connector_destroy (&out);
    s_end (&self);

    /* Before it has begun, in plain CZMQ, and at once.                      */
    self.actor = zactor_new (dividere_recorder, NULL);
    zactor_destroy (&self.actor);
    s_start (&self, NULL, NULL, "");
    zactor_destroy (&self.actor);
    s_end (&self);
    CHECK_EVENTUALLY (selftest_threads () <= threads + 3);
}

void
test_recorder_refused (void)
{
    static const struct {
        int error;
        const char *command;
        const char *first;
        const char *second;
    } s_calls[] = {
        { EINVAL, "START", NULL, NULL },
        { EINVAL, "FLUSH", NULL, NULL },
        { ENOENT, "SET", "no such", "1" },
        { EINVAL, "SET", "segment", "1" },
        { EINVAL, "SET", "append", "2" },
        { EINVAL, "SET", "folder", "" },
        { EINVAL, "BIND", "source", "nonsense" },
        { EINVAL, "BIND", "elsewhere", "tcp://127.0.0.1:*" },
        { EPROTONOSUPPORT, "CONNECT", "source", "udp://127.0.0.1:1" },
        { EINVAL, "SUBSCRIBE", NULL, NULL },
    };
    zactor_t *actor = zactor_new (dividere_recorder, NULL);
    for (size_t i = 0; i < sizeof (s_calls) / sizeof (s_calls[0]); i++)
        CHECK_FAILS (dividere_call (actor, NULL, SELFTEST_DEADLINE,
                                    s_calls[i].command, s_calls[i].first,
                                    s_calls[i].second, NULL),
                     s_calls[i].error);
    char name[300];
    memset (name, 'x', sizeof (name));
    name[sizeof (name) - 1] = 0;
    CHECK_FAILS (dividere_call (actor, NULL, SELFTEST_DEADLINE, "SUBSCRIBE",
                                name, NULL),
                 EMSGSIZE);
    CHECK_FAILS (dividere_call (actor, NULL, SELFTEST_DEADLINE, "SET", "hwm",
                                "5", NULL),
                 EBUSY);
    s_call (actor, "SET", "folder", "/nowhere/at/all");
    CHECK_FAILS (dividere_call (actor, NULL, SELFTEST_DEADLINE, "START", NULL),
                 ENOENT);
    char *folder = selftest_folder ();
    s_call (actor, "SET", "folder", folder);
    s_call (actor, "START", NULL, NULL);
    CHECK_FAILS (dividere_call (actor, NULL, SELFTEST_DEADLINE, "START", NULL),
                 EALREADY);
    CHECK_FAILS (dividere_call (actor, NULL, SELFTEST_DEADLINE, "SET", "folder",
                                "other", NULL),
                 EBUSY);
    zactor_t *other = zactor_new (dividere_recorder, NULL);
    s_call (other, "SET", "folder", folder);
    CHECK_FAILS (dividere_call (other, NULL, SELFTEST_DEADLINE, "START", NULL),
                 EEXIST);
    CHECK_INT (dividere_stop (&other, SELFTEST_DEADLINE), 0);
    CHECK_INT (dividere_stop (&actor, SELFTEST_DEADLINE), 0);
    zdir_t *dir = zdir_new (folder, NULL);
    zdir_remove (dir, true);
    zdir_destroy (&dir);
    free (folder);
}
