/* SPDX-License-Identifier: Apache-2.0 */

#include "dispatched.h"
#include <czmq.h>
#include "selftest.h"

#define TEXT_MAX 65536

struct dispatched_t {
    dividere_dispatcher_t *dispatcher;
    dividere_dispatcher_limits_t limits;
    zlist_t *to_worker; /* of texts                                         */
    zlist_t *to_client;
    char *shown;  /* what was given last                                     */
    zhash_t *cut; /* errors by the names of workers                         */
    int64_t now_us;
};

static const char *const s_statuses[] = {
    "",          "BUSY",    "EXPIRED", "NO_WORKER",  "WORKER_LOST", "UNKNOWN",
    "UNHANDLED", "REFUSED", "FAILED",  "UNANSWERED", "RETURNED",    "DENIED"
};

static void
s_print_extension (char *text, size_t size,
                   const dividere_extension_t *extension)
{
    bool broker = extension->id.client != DISPATCHED_CLIENT;
    snprintf (text, size, "<%s%llu%s%s>", broker ? "+" : "",
              (unsigned long long) extension->id.number,
              extension->status ? ":" : "", s_statuses[extension->status]);
}

static void
s_print_frame (char *text, size_t size, zmq_msg_t *frame)
{
    const char *data = (const char *) zmq_msg_data (frame);
    size_t length = zmq_msg_size (frame);
    dividere_extension_t extension;
    dividere_heartbeat_t heartbeat;
    if (length == 0)
        snprintf (text, size, "-");
    else if (dividere_extension_parse (data, length, &extension))
        s_print_extension (text, size, &extension);
    else if (length == 1 && *data < 3)
        snprintf (text, size, "0%d", *data);
    else if (dividere_heartbeat_parse (data, length, &heartbeat) == 0 &&
             !heartbeat.version)
        snprintf (text, size, "alive");
    else if (dividere_heartbeat_parse (data, length, &heartbeat) == 0)
        snprintf (text, size, "%s:%llu", heartbeat.draining ? "leave" : "alive",
                  (unsigned long long) heartbeat.number);
    else
        snprintf (text, size, "%.*s", (int) length, data);
}

/*  Takes the frames.                                                        */
static char *
s_print (zmq_msg_t *frames, size_t count)
{
    char *text = (char *) zmalloc (TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen (text);
        if (i)
            text[used++] = ' ';
        s_print_frame (text + used, TEXT_MAX - used, &frames[i]);
        zmq_msg_close (&frames[i]);
    }
    return text;
}

static int
s_to_worker (void *arg, zmq_msg_t *frames, size_t count)
{
    dispatched_t *self = (dispatched_t *) arg;
    char *name = zsys_sprintf ("%.*s", (int) zmq_msg_size (&frames[0]),
                               (char *) zmq_msg_data (&frames[0]));
    int error = (int) (intptr_t) zhash_lookup (self->cut, name);
    freen (name);
    if (error) {
        errno = error;
        return -1;
    }
    zlist_append (self->to_worker, s_print (frames, count));
    return 0;
}

static void
s_to_client (void *arg, zmq_msg_t *frames, size_t count)
{
    dispatched_t *self = (dispatched_t *) arg;
    zlist_append (self->to_client, s_print (frames, count));
}

dispatched_t *
dispatched_new (void)
{
    static const dividere_dispatcher_class_t s_class = { s_to_worker,
                                                         s_to_client };
    dispatched_t *self = (dispatched_t *) zmalloc (sizeof (*self));
    self->now_us = 1000000;
    self->to_worker = zlist_new ();
    self->to_client = zlist_new ();
    self->cut = zhash_new ();
    self->dispatcher = dividere_dispatcher_new (&s_class, self);
    self->limits = (dividere_dispatcher_limits_t){
        .heartbeat_ms = 1000,
        .requeues = 3,
        .workers_max = 1000,
        .requests = { .pending_max = 100,
                      .bytes_max = 100000,
                      .age_max_ms = 30000 },
    };
    dividere_dispatcher_limit (self->dispatcher, &self->limits);
    return self;
}

void
dispatched_forget (dispatched_t *self)
{
    char *text;
    while ((text = (char *) zlist_pop (self->to_worker)))
        free (text);
    while ((text = (char *) zlist_pop (self->to_client)))
        free (text);
}

size_t
dispatched_destroy (dispatched_t **self_p)
{
    dispatched_t *self = *self_p;
    size_t left = dividere_dispatcher_destroy (&self->dispatcher);
    dispatched_forget (self);
    zlist_destroy (&self->to_worker);
    zlist_destroy (&self->to_client);
    zhash_destroy (&self->cut);
    free (self->shown);
    free (self);
    *self_p = NULL;
    return left;
}

dividere_dispatcher_t *
dispatched_dispatcher (dispatched_t *self)
{
    return self->dispatcher;
}

const dividere_dispatcher_counts_t *
dispatched_counts (dispatched_t *self)
{
    return dividere_dispatcher_counts (self->dispatcher);
}

dividere_dispatcher_limits_t *
dispatched_limits (dispatched_t *self)
{
    return &self->limits;
}

static void
s_init_frame (zmq_msg_t *frame, const void *data, size_t size)
{
    CHECK_INT (zmq_msg_init_size (frame, size), 0);
    if (size)
        memcpy (zmq_msg_data (frame), data, size);
}

static void
s_init_extension (zmq_msg_t *frame, const dividere_extension_t *extension)
{
    CHECK_INT (zmq_msg_init_size (frame, dividere_extension_size (extension)),
               0);
    dividere_extension_write (extension, zmq_msg_data (frame));
}

void
dispatched_frames (dispatched_t *self, bool worker, zmq_msg_t *frames,
                   size_t count)
{
    dividere_dispatcher_limit (self->dispatcher, &self->limits);
    if (worker)
        dividere_dispatcher_from_worker (self->dispatcher, frames, count,
                                         self->now_us);
    else
        dividere_dispatcher_from_client (self->dispatcher, frames, count,
                                         self->now_us);
}

void
dispatched_ask (dispatched_t *self, const char *client, const char *payload)
{
    zmq_msg_t frames[3];
    s_init_frame (&frames[0], client, strlen (client));
    s_init_frame (&frames[1], "", 0);
    s_init_frame (&frames[2], payload, strlen (payload));
    dispatched_frames (self, false, frames, 3);
}

void
dispatched_ask_extended (dispatched_t *self, const char *client,
                         uint64_t number, const char *payload,
                         const dividere_extension_t *extension)
{
    dividere_extension_t own = { .left_ms = DIVIDERE_EXTENSION_NO_DEADLINE,
                                 .requeues = DIVIDERE_EXTENSION_ANY_REQUEUE,
                                 .attempt = 1 };
    if (extension)
        own = *extension;
    own.id = (dividere_correlation_t){ DISPATCHED_CLIENT, number };
    zmq_msg_t frames[4];
    s_init_frame (&frames[0], client, strlen (client));
    s_init_extension (&frames[1], &own);
    s_init_frame (&frames[2], "", 0);
    s_init_frame (&frames[3], payload, strlen (payload));
    dispatched_frames (self, false, frames, 4);
}

void
dispatched_beat (dispatched_t *self, const char *worker,
                 const dividere_heartbeat_t *heartbeat, const uint64_t *holding,
                 size_t holding_count)
{
    dividere_correlation_t held[100];
    dividere_heartbeat_t own = *heartbeat;
    own.id = worker;
    own.id_size = strlen (worker);
    own.holding_count = holding_count;
    CHECK (holding_count <= 100);
    for (size_t i = 0; i < holding_count; i++)
        held[i] = (dividere_correlation_t){ DISPATCHED_CLIENT, holding[i] };
    zmq_msg_t frames[2];
    s_init_frame (&frames[0], worker, strlen (worker));
    dividere_heartbeat_encode (&own, holding_count ? held : NULL, &frames[1]);
    dispatched_frames (self, true, frames, 2);
}

void
dispatched_register (dispatched_t *self, const char *worker, unsigned parallel,
                     unsigned credit, const char *service)
{
    dividere_heartbeat_t heartbeat = { .version = 1,
                                       .parallel = parallel,
                                       .credit = credit,
                                       .service = service,
                                       .service_size = strlen (service),
                                       .fresh = true };
    dispatched_beat (self, worker, &heartbeat, NULL, 0);
}

void
dispatched_sign (dispatched_t *self, const char *worker, const char *word)
{
    if (streq (word, "alive")) {
        dividere_heartbeat_t heartbeat = { .version = 0 };
        dispatched_beat (self, worker, &heartbeat, NULL, 0);
        return;
    }
    zmq_msg_t frames[2];
    bool byte = streq (word, "01") || streq (word, "02");
    char sign = (char) (word[1] - '0');
    s_init_frame (&frames[0], worker, strlen (worker));
    s_init_frame (&frames[1], byte ? &sign : word, byte ? 1 : strlen (word));
    dispatched_frames (self, true, frames, 2);
}

/*  "<7:BUSY>" and "<+1>", whose client only the dispatcher knows: it is found
 *  in no frame, so it is asked for by what was sent.                        */
static void
s_read_extension (const char *word, zmq_msg_t *frame)
{
    dividere_extension_t extension = { .attempt = 1 };
    char *end;
    CHECK (word[1] != '+');
    extension.id.client = DISPATCHED_CLIENT;
    extension.id.number = strtoull (word + 1, &end, 10);
    for (size_t i = 1; *end == ':' && i < DIVIDERE_STATUSES; i++)
        if (strncmp (end + 1, s_statuses[i], strlen (s_statuses[i])) == 0)
            extension.status = (uint8_t) i;
    s_init_extension (frame, &extension);
}

void
dispatched_reply (dispatched_t *self, const char *worker, const char *words)
{
    zmq_msg_t frames[DIVIDERE_DISPATCHER_FRAMES];
    size_t count = 1;
    char *copy = strdup (words);
    s_init_frame (&frames[0], worker, strlen (worker));
    for (char *rest = copy, *word; (word = strsep (&rest, " ")); count++) {
        CHECK (count < DIVIDERE_DISPATCHER_FRAMES);
        if (*word == '<')
            s_read_extension (word, &frames[count]);
        else
            s_init_frame (&frames[count], word,
                          streq (word, "-") ? 0 : strlen (word));
    }
    free (copy);
    dispatched_frames (self, true, frames, count);
}

void
dispatched_cut (dispatched_t *self, const char *worker, int error)
{
    zhash_delete (self->cut, worker);
    if (error)
        zhash_insert (self->cut, worker, (void *) (intptr_t) error);
}

void
dispatched_pass (dispatched_t *self, int64_t ms)
{
    int64_t end_us = self->now_us + ms * 1000;
    dividere_dispatcher_limit (self->dispatcher, &self->limits);
    for (int64_t next_ms;
         (next_ms = dividere_dispatcher_next (self->dispatcher)) >= 0 &&
         next_ms * 1000 <= end_us;) {
        if (self->now_us < next_ms * 1000)
            self->now_us = next_ms * 1000;
        dividere_dispatcher_tick (self->dispatcher, self->now_us);
    }
    self->now_us = end_us;
}

void
dispatched_stall (dispatched_t *self, int64_t ms)
{
    self->now_us += ms * 1000;
    dividere_dispatcher_tick (self->dispatcher, self->now_us);
}

static const char *
s_show (dispatched_t *self, zlist_t *list)
{
    free (self->shown);
    self->shown = (char *) zlist_pop (list);
    if (!self->shown)
        self->shown = strdup ("");
    return self->shown;
}

const char *
dispatched_to_worker (dispatched_t *self)
{
    return s_show (self, self->to_worker);
}

const char *
dispatched_to_client (dispatched_t *self)
{
    return s_show (self, self->to_client);
}
