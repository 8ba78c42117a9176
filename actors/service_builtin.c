/* SPDX-License-Identifier: Apache-2.0 */

/*  What a service answers itself, in its own thread, so also while all
 *  handlers are busy. The types of these requests and answers (builtin.proto)
 *  need not be in the registry: that belongs to the application.            */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <dividere/builtin.pb-c.h>
#include <dividere/library.h>
#include "envelope_internal.h"
#include "scan.h"
#include "service_internal.h"
#include "unpack.h"

typedef void (answer_fn) (dividere_service_t *self, dividere_task_t *task,
                          const ProtobufCMessage *request);

static answer_fn s_answer_ping, s_answer_info, s_answer_statistics;

enum { PING, INFO, STATISTICS, REQUESTS, PONG = REQUESTS, ABOUT, NUMBERS };

static const struct {
    const ProtobufCMessageDescriptor *type;
    answer_fn *answer; /* of requests                                        */
} s_known[] = {
    [PING] = { &dividere__ping__descriptor, s_answer_ping },
    [INFO] = { &dividere__service_info_req__descriptor, s_answer_info },
    [STATISTICS] = { &dividere__service_statistics_req__descriptor,
                     s_answer_statistics },
    [PONG] = { &dividere__pong__descriptor, NULL },
    [ABOUT] = { &dividere__service_info__descriptor, NULL },
    [NUMBERS] = { &dividere__service_statistics__descriptor, NULL },
};

#define KNOWN (sizeof (s_known) / sizeof (s_known[0]))

/*  Made once, for ever.                                                     */
static const dividere_type_t *s_types[KNOWN];
static pthread_once_t s_once = PTHREAD_ONCE_INIT;

static void
s_make_types (void)
{
    for (size_t i = 0; i < KNOWN; i++)
        s_types[i] =
            dividere_type_new (s_known[i].type, s_known[i].type->name, 0);
}

void
dividere_builtin_init (dividere_service_t *self)
{
    pthread_once (&s_once, s_make_types);
    self->builtin.arena = dividere_arena_new ();
}

static size_t
s_handlers (const dividere_service_t *self)
{
    size_t count = 0;
    const dividere_handler_t *handlers = self->config.handlers;
    while (handlers && handlers[count].type)
        count++;
    return count;
}

/*  Requests of bytes have one tally.                                        */
static size_t
s_tallies (const dividere_service_t *self)
{
    return self->config.on_bytes ? 1 : s_handlers (self);
}

void
dividere_builtin_start (dividere_service_t *self)
{
    freen (self->builtin.tallies);
    self->builtin.tallies = (dividere_tally_t *) zmalloc (
        (s_tallies (self) + 1) * sizeof (dividere_tally_t));
    self->builtin.since_ms = zclock_mono ();
}

void
dividere_builtin_term (dividere_service_t *self)
{
    dividere_arena_destroy (&self->builtin.arena);
    freen (self->builtin.tallies);
}

void
dividere_builtin_count (void *arg, const dividere_task_t *task)
{
    dividere_service_t *self = (dividere_service_t *) arg;
    size_t index =
        task->handler ? (size_t) (task->handler - self->config.handlers) : 0;
    dividere_tally_t *tally = &self->builtin.tallies[index];
    tally->failed += task->status != DIVIDERE_STATUS_OK;
    tally->total_us += task->us > 0 ? (uint64_t) task->us : 0;
    dividere_histogram_add (&tally->times, task->us);
}

static void
s_reply (dividere_task_t *task, int answer, const ProtobufCMessage *message)
{
    if (dividere_envelope_encode_as (s_types[answer], message, 0, 0,
                                     &task->answer) < 0)
        dividere_task_fail (task, DIVIDERE_STATUS_FAILED,
                            "cannot be written: ", strerror (errno));
}

static void
s_answer_ping (dividere_service_t *self, dividere_task_t *task,
               const ProtobufCMessage *request)
{
    Dividere__Pong pong = DIVIDERE__PONG__INIT;
    pong.payload = ((const Dividere__Ping *) request)->payload;
    s_reply (task, PONG, &pong.base);
}

static uint64_t
s_uptime_ms (const dividere_service_t *self)
{
    return (uint64_t) (zclock_mono () - self->builtin.since_ms);
}

static void
s_answer_info (dividere_service_t *self, dividere_task_t *task,
               const ProtobufCMessage *request)
{
    const dividere_service_card_t *card = &self->card;
    size_t count = s_handlers (self);
    const char **handled =
        (const char **) zmalloc ((count + 1) * sizeof (*handled));
    char library[40];
    int major, minor, patch;
    dividere_version (&major, &minor, &patch);
    snprintf (library, sizeof (library), "%d.%d.%d", major, minor, patch);
    for (size_t i = 0; i < count; i++)
        handled[i] = self->config.handlers[i].type->name;
    Dividere__ServiceInfo info = DIVIDERE__SERVICE_INFO__INIT;
    info.name = card->name;
    info.release = card->release;
    info.instance = card->instance;
    info.n_tags = card->tags_count;
    info.tags = (char **) card->tags;
    info.n_handled = count;
    info.handled = (char **) handled;
    info.library = library;
    info.uptime_ms = s_uptime_ms (self);
    if (((const Dividere__ServiceInfoReq *) request)->schema) {
        info.schema.data = (uint8_t *) self->config.schema;
        info.schema.len = self->config.schema_size;
    }
    s_reply (task, ABOUT, &info.base);
    freen (handled);
}

static const char *
s_type_name (const dividere_service_t *self, size_t index)
{
    return self->config.on_bytes ? "" : self->config.handlers[index].type->name;
}

/*  Without the buckets behind the last that counts anything.                */
static void
s_describe_tally (dividere_tally_t *tally, const char *name,
                  Dividere__ServiceStatistics__OfType *ret)
{
    dividere__service_statistics__of_type__init (ret);
    ret->type = (char *) name;
    ret->handled = tally->times.total;
    ret->failed = tally->failed;
    ret->total_us = tally->total_us;
    ret->max_us = tally->times.max;
    ret->histogram = tally->times.counts;
    ret->n_histogram = DIVIDERE_HISTOGRAM_BUCKETS;
    while (ret->n_histogram && !ret->histogram[ret->n_histogram - 1])
        ret->n_histogram--;
}

static void
s_answer_statistics (dividere_service_t *self, dividere_task_t *task,
                     const ProtobufCMessage *request)
{
    typedef Dividere__ServiceStatistics__OfType of_type_t;
    const dividere_executor_counts_t *counts = &self->executor.counts;
    size_t count = s_tallies (self);
    of_type_t *types = (of_type_t *) zmalloc ((count + 1) * sizeof (*types));
    of_type_t **list = (of_type_t **) zmalloc ((count + 1) * sizeof (*list));
    for (size_t i = 0; i < count; i++) {
        s_describe_tally (&self->builtin.tallies[i], s_type_name (self, i),
                          &types[i]);
        list[i] = &types[i];
    }
    Dividere__ServiceStatistics statistics = DIVIDERE__SERVICE_STATISTICS__INIT;
    statistics.n_types = count;
    statistics.types = list;
    statistics.received = counts->received;
    statistics.unhandled = counts->unhandled;
    statistics.refused = counts->refused;
    statistics.waiting = dividere_executor_waiting (&self->executor);
    statistics.running = dividere_executor_running (&self->executor);
    statistics.uptime_ms = s_uptime_ms (self);
    s_reply (task, NUMBERS, &statistics.base);
    freen (list);
    freen (types);
}

/*  Without the tag and the length, which is below 128 for all of them.      */
static bool
s_is (const uint8_t *text, size_t size, const uint8_t *field, size_t field_size)
{
    return size + 2 == field_size && memcmp (text, field + 2, size) == 0;
}

/*  A name at the start of the bytes, as everybody writes it.                */
static bool
s_begins (const uint8_t *data, size_t size, const char *name, size_t name_size)
{
    return size > 2 + name_size && data[0] == 0x0A && data[1] == name_size &&
           memcmp (data + 2, name, name_size) == 0;
}

/*  The request that it is, or REQUESTS: none of them. Most are none, which
 *  their first bytes show.                                                  */
static int
s_find (const uint8_t *data, size_t size, dividere_envelope_t *ret_envelope)
{
    for (int i = 0; i < REQUESTS; i++) {
        const dividere_type_t *type = s_types[i];
        if (!s_begins (data, size, type->type->name, type->name_size) &&
            !s_begins (data, size, type->short_name, type->short_name_size))
            continue;
        dividere_limits_t limits;
        dividere_limits_get (&limits);
        if (size <= limits.size_max &&
            dividere_envelope_parse (data, size, limits.depth_max,
                                     ret_envelope) == 0 &&
            s_is (ret_envelope->url, ret_envelope->url_size, type->url,
                  type->url_size))
            return i;
    }
    return REQUESTS;
}

static const ProtobufCMessage *
s_unpack (dividere_service_t *self, int index,
          const dividere_envelope_t *envelope)
{
    const ProtobufCMessageDescriptor *type = s_known[index].type;
    dividere_limits_t limits;
    size_t need;
    dividere_limits_get (&limits);
    if (dividere_scan (type, envelope->value, envelope->value_size,
                       limits.depth_max,
                       dividere_limits_budget (&limits, envelope->value_size),
                       &need) < 0)
        return NULL;
    dividere_arena_reset (self->builtin.arena, need);
    return dividere_unpack (type, envelope->value, envelope->value_size,
                            self->builtin.arena);
}

bool
dividere_builtin_answer (dividere_service_t *self, dividere_task_t *task)
{
    const dividere_message_t *message = task->message;
    dividere_envelope_t envelope;
    int index = s_find ((const uint8_t *) dividere_message_data (message),
                        dividere_message_size (message), &envelope);
    if (index == REQUESTS)
        return false;
    const ProtobufCMessage *request = s_unpack (self, index, &envelope);
    if (!request)
        return false;
    if (dividere_service_denied (self, task,
                                 index == STATISTICS
                                     ? DIVIDERE_RIGHT_STATS
                                     : DIVIDERE_RIGHT_REQUEST)) {
        dividere_service_deny (self, task);
        return true;
    }
    self->builtin.count++;
    dividere_task_accepted (&self->door.desk, task);
    s_known[index].answer (self, task, request);
    dividere_task_answered (task);
    return true;
}
