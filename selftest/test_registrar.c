/* SPDX-License-Identifier: Apache-2.0 */

/*  What a name server does with each message, without sockets and clock.    */

#include "selftest.h"
#include <zmq.h>
#include "named.h"
#include "extension.h"
#include "registrar.h"
#include "vector.h"
#include "vectors.h"

void test_registrar_python (void);
void test_registrar_quick (void);
void test_registrar_native (void);
void test_registrar_extension (void);
void test_registrar_pages (void);
void test_registrar_watch (void);
void test_registrar_push (void);
void test_registrar_expires (void);
void test_registrar_malformed (void);

#define PUSHES_MAX 16
#define EXTENSION  32

typedef struct {
    dividere_registrar_t *registrar;
    dividere_control_t control;
    int64_t now_ms;
    zmq_msg_t answer[DIVIDERE_REGISTRAR_FRAMES]; /* the last                */
    size_t answer_count;                         /* its frames              */
    size_t answers;
    char watchers[PUSHES_MAX]; /* who was told, by the first byte of the id */
    zmq_msg_t pushes[PUSHES_MAX];
    size_t pushes_count;
    size_t expired;
    const char *host;
} self_t;

static void
s_to_client (void *arg, zmq_msg_t *frames, size_t count)
{
    self_t *self = (self_t *) arg;
    for (size_t i = 0; i < self->answer_count; i++)
        zmq_msg_close (&self->answer[i]);
    memcpy (self->answer, frames, count * sizeof (*frames));
    self->answer_count = count;
    self->answers++;
}

static void
s_to_watcher (void *arg, zmq_msg_t *frames, size_t count)
{
    self_t *self = (self_t *) arg;
    CHECK_INT (count, 2);
    CHECK (self->pushes_count < PUSHES_MAX);
    self->watchers[self->pushes_count] = *(char *) zmq_msg_data (&frames[0]);
    self->pushes[self->pushes_count++] = frames[1];
    zmq_msg_close (&frames[0]);
}

static const char *
s_host (void *arg, zmq_msg_t *payload)
{
    return ((self_t *) arg)->host;
}

static void
s_expired (void *arg, const dividere_instance_t *instance)
{
    CHECK (instance->name && instance->server);
    ((self_t *) arg)->expired++;
}

static const dividere_registrar_limits_t s_limits = {
    .names = { .instances_max = 100000,
               .name_max = 1000,
               .owner_max = 100000,
               .metadata_max = 64,
               .bytes_max = 512 << 20,
               .lease_ms = 5000,
               .lease_max_ms = 10000,
               .rounds = 3 },
    .watchers = { .watchers_max = 2,
                  .watches_max = 2,
                  .total_max = 100,
                  .interval_ms = 1000 },
};

static void
s_start (self_t *self)
{
    static const dividere_registrar_class_t s_class = { s_to_client,
                                                        s_to_watcher, s_host,
                                                        s_expired };
    memset (self, 0, sizeof (*self));
    self->now_ms = 1000;
    self->host = "127.0.0.1";
    self->registrar = dividere_registrar_new (&s_class, self);
    dividere_registrar_limit (self->registrar, &s_limits);
    dividere_registrar_tell_watch (self->registrar, "tcp://1.2.3.4:5");
    dividere_control_init (&self->control);
}

static void
s_forget_pushes (self_t *self)
{
    while (self->pushes_count > 0)
        zmq_msg_close (&self->pushes[--self->pushes_count]);
}

static void
s_stop (self_t *self)
{
    s_forget_pushes (self);
    for (size_t i = 0; i < self->answer_count; i++)
        zmq_msg_close (&self->answer[i]);
    dividere_registrar_destroy (&self->registrar);
    CHECK (!self->registrar);
    dividere_registrar_destroy (&self->registrar);
    dividere_control_term (&self->control);
}

static const dividere_registrar_counts_t *
s_counts (const self_t *self)
{
    return dividere_registrar_counts (self->registrar);
}

static void
s_init (zmq_msg_t *frame, const void *data, size_t size)
{
    CHECK_INT (zmq_msg_init_size (frame, size), 0);
    if (size)
        memcpy (zmq_msg_data (frame), data, size);
}

/*  A request as a REQ sends it.                                             */
static void
s_send (self_t *self, const void *payload, size_t size)
{
    zmq_msg_t frames[3];
    s_init (&frames[0], "c", 1);
    s_init (&frames[1], "", 0);
    s_init (&frames[2], payload, size);
    dividere_registrar_request (self->registrar, frames, 3, self->now_ms);
}

/*  The payload that was answered.                                           */
static const ProtobufCMessage *
s_answered (self_t *self, const ProtobufCMessageDescriptor *type)
{
    zmq_msg_t *payload = &self->answer[self->answer_count - 1];
    const ProtobufCMessage *message =
        dividere_control_read (&self->control, zmq_msg_data (payload),
                               zmq_msg_size (payload));
    CHECK (message && message->descriptor == type);
    return message;
}

/*  Asks, and reads the answer.                                              */
static const ProtobufCMessage *
s_ask (self_t *self, const ProtobufCMessage *message,
       const ProtobufCMessageDescriptor *type)
{
    zmq_msg_t frame;
    size_t answers = self->answers;
    CHECK_INT (dividere_control_write (message, &frame), 0);
    s_send (self, zmq_msg_data (&frame), zmq_msg_size (&frame));
    zmq_msg_close (&frame);
    CHECK_INT (self->answers, answers + 1);
    CHECK_INT (self->answer_count, 3);
    CHECK_INT (zmq_msg_size (&self->answer[1]), 0);
    return s_answered (self, type);
}

static char *
s_text (const char *text)
{
    return (char *) (uintptr_t) text;
}

static named_register_t
s_registration (const char *name, const char *server, uint32_t port,
                uint64_t instance)
{
    named_register_t request = DIVIDERE__WIRE__REGISTER_SERVICE__INIT;
    request.servicename = s_text (name);
    request.server = s_text (server);
    request.port = port;
    request.version = instance != 0;
    request.instance = instance;
    return request;
}

static const named_ack_t *
s_register (self_t *self, const named_register_t *request)
{
    return (const named_ack_t *) s_ask (self, &request->base,
                                        &dividere__wire__ack__descriptor);
}

/*  Of 10.0.0.1; instance 0: as a Python service.                            */
static dividere_name_error_t
s_add (self_t *self, const char *name, uint32_t port, uint64_t instance)
{
    const named_register_t request =
        s_registration (name, "10.0.0.1", port, instance);
    return (dividere_name_error_t) s_register (self, &request)->error;
}

static const named_ack_t *
s_remove (self_t *self, const char *name, uint32_t port, uint64_t instance)
{
    named_unregister_t request = DIVIDERE__WIRE__UNREGISTER_SERVICE__INIT;
    request.servicename = s_text (name);
    request.server = s_text ("10.0.0.1");
    request.port = port;
    request.version = instance != 0;
    request.instance = instance;
    return (const named_ack_t *) s_ask (self, &request.base,
                                        &dividere__wire__ack__descriptor);
}

static const named_found_t *
s_lookup (self_t *self, const char *name, uint32_t version, uint32_t scope)
{
    named_lookup_t request = DIVIDERE__WIRE__SERVICE_LOOKUP_REQ__INIT;
    request.servicename = s_text (name);
    request.version = version;
    request.scope = scope;
    return (const named_found_t *) s_ask (
        self, &request.base, &dividere__wire__service_lookup_rep__descriptor);
}

static const vector_t *
s_vector (const char *name)
{
    for (size_t i = 0; i < sizeof (s_vectors) / sizeof (s_vectors[0]); i++)
        if (strcmp (s_vectors[i].name, name) == 0)
            return &s_vectors[i];
    selftest_fail (__FILE__, __LINE__, "no vector %s", name);
}

/*  Sends the bytes of one vector, and gets those of another.                */
static void
s_exchange (self_t *self, const char *request, const char *answer)
{
    const vector_t *sent = s_vector (request);
    s_send (self, sent->envelope, sent->envelope_size);
    zmq_msg_t *payload = &self->answer[self->answer_count - 1];
    if (!vector_matches (s_vector (answer), zmq_msg_data (payload),
                         zmq_msg_size (payload)))
        selftest_fail (__FILE__, __LINE__, "%s: not %s", request, answer);
}

/*  Byte for byte what the name server of the Python package says.           */
void
test_registrar_python (void)
{
    self_t self;
    s_start (&self);
    s_exchange (&self, "UnregisterService", "ack-false");
    s_exchange (&self, "RegisterService", "ack-true");
    s_exchange (&self, "RegisterService", "ack-true");
    s_exchange (&self, "ServiceLookupReq", "ServiceLookupRep");
    CHECK_INT (s_lookup (&self, "nosuch", 0, 0)->port, 0);
    zmq_msg_t *payload = &self.answer[2];
    CHECK (vector_matches (s_vector ("ServiceLookupRep-unavailable"),
                           zmq_msg_data (payload), zmq_msg_size (payload)));
    /* A scope is only for who says a version.                               */
    CHECK_INT (s_lookup (&self, "tests.MyService", 0, 1)->n_instances, 0);
    CHECK_INT (s_lookup (&self, "tests.MyService", 0, 7)->port, 5101);
    s_exchange (&self, "UnregisterService", "ack-true");
    s_exchange (&self, "UnregisterService", "ack-false");
    CHECK_INT (s_counts (&self)->registered, 1);
    CHECK_INT (s_counts (&self)->renewed, 1);
    CHECK_INT (s_counts (&self)->unregistered, 1);
    CHECK_INT (s_counts (&self)->refused, 2);
    CHECK_INT (s_counts (&self)->lookups, 4);
    CHECK_INT (s_counts (&self)->unknown, 1);
    CHECK_INT (s_counts (&self)->malformed, 0);
    s_stop (&self);
}

/*  Whatever way it goes, the answer to a lookup has the same bytes.         */
void
test_registrar_quick (void)
{
    static const size_t s_servers[] = { 1, 20, 48, 100, 255 };
    self_t self;
    s_start (&self);
    char name[256], server[256];
    for (size_t i = 0; i < sizeof (s_servers) / sizeof (s_servers[0]); i++)
        for (size_t size = 1; size <= 255; size++) {
            memset (name, 'n', sizeof (name));
            memset (server, 's', sizeof (server));
            name[size] = server[s_servers[i]] = '\0';
            name[0] = (char) ('a' + i);
            uint32_t port = (uint32_t) (size % 2 ? size : 65536 - size);
            const named_register_t request =
                s_registration (name, server, port, 0);
            CHECK (s_register (&self, &request)->ok);
            CHECK_INT (s_lookup (&self, name, 0, 0)->port, port);
            named_found_t found = DIVIDERE__WIRE__SERVICE_LOOKUP_REP__INIT;
            found.servicename = name;
            found.server = server;
            found.port = port;
            zmq_msg_t frame, *told = &self.answer[2];
            CHECK_INT (dividere_control_write (&found.base, &frame), 0);
            CHECK_INT (zmq_msg_size (told), zmq_msg_size (&frame));
            CHECK (memcmp (zmq_msg_data (told), zmq_msg_data (&frame),
                           zmq_msg_size (&frame)) == 0);
            zmq_msg_close (&frame);
        }
    CHECK_INT (s_counts (&self)->lookups, 5 * 255);
    s_stop (&self);
}

static void
s_check_errors (self_t *self)
{
    char name[300];
    memset (name, 'x', sizeof (name));
    name[256] = '\0';
    CHECK_INT (s_add (self, "", 1, 7), DIVIDERE_NAME_BAD_NAME);
    CHECK_INT (s_add (self, name, 1, 7), DIVIDERE_NAME_BAD_NAME);
    CHECK_INT (s_lookup (self, name, 1, 0)->error, DIVIDERE_NAME_BAD_NAME);
    name[255] = '\0';
    CHECK_INT (s_add (self, name, 1, 7), DIVIDERE_NAME_OK);
    CHECK_INT (s_add (self, "a", 0, 7), DIVIDERE_NAME_BAD_PORT);
    CHECK_INT (s_add (self, "a", 65536, 7), DIVIDERE_NAME_BAD_PORT);
    CHECK_INT (s_add (self, "a", UINT32_MAX, 7), DIVIDERE_NAME_BAD_PORT);
    CHECK_INT (s_lookup (self, "a", 1, 0)->error, DIVIDERE_NAME_UNKNOWN);
    CHECK_INT (s_lookup (self, "a", 1, 3)->error, DIVIDERE_NAME_BAD_REQUEST);
    char *tags[100];
    named_register_t request = s_registration ("a", "s", 1, 7);
    request.tags = tags;
    for (size_t i = 0; i < 100; i++)
        tags[i] = s_text ("t");
    request.n_tags = 100;
    CHECK_INT (s_register (self, &request)->error, DIVIDERE_NAME_BAD_METADATA);
    request.n_tags = 0;
    request.release = name;
    CHECK_INT (s_register (self, &request)->error, DIVIDERE_NAME_BAD_METADATA);
    CHECK_INT (s_counts (self)->refused, 7);
}

/*  What a service of this library is told, and tells.                       */
void
test_registrar_native (void)
{
    self_t self;
    s_start (&self);
    s_check_errors (&self);
    char *tags[] = { s_text ("a=1"), s_text ("b") };
    named_register_t request = s_registration ("clock", "here", 5, 99);
    request.release = s_text ("1.2");
    request.tags = tags;
    request.n_tags = 2;
    CHECK_INT (s_register (&self, &request)->lease_ms, 5000);
    const named_found_t *found = s_lookup (&self, "clock", 1, 0);
    CHECK (found->port == 5 && found->epoch && found->revision == 2);
    CHECK_STR (found->watch, "tcp://1.2.3.4:5");
    CHECK_INT (found->n_instances, 1);
    const named_one_t *one = found->instances[0];
    CHECK (one->version == 1 && one->instance == 99 && one->port == 5);
    CHECK_INT (one->lease_ms, 5000);
    CHECK_STR (one->server, "here");
    CHECK_STR (one->release, "1.2");
    CHECK_INT (one->n_tags, 2);
    CHECK_STR (one->tags[1], "b");
    request.lease_ms = 365u * 86400 * 1000;
    CHECK_INT (s_register (&self, &request)->lease_ms, 10000);
    request.lease_ms = DIVIDERE_REGISTRAR_NO_LEASE;
    CHECK_INT (s_register (&self, &request)->lease_ms, 0);
    CHECK_INT (s_counts (&self)->renewed, 2);
    /* Another one in its place; the old one may not come back.              */
    request.instance = 100;
    CHECK_INT (s_register (&self, &request)->error, DIVIDERE_NAME_OK);
    CHECK_INT (s_counts (&self)->replaced, 1);
    request.instance = 99;
    request.renewal = true;
    CHECK_INT (s_register (&self, &request)->error, DIVIDERE_NAME_CONFLICT);
    CHECK_INT (s_counts (&self)->conflicts, 1);
    CHECK_INT (s_add (&self, "clock", 5, 0), DIVIDERE_NAME_OK);
    found = s_lookup (&self, "clock", 1, 1);
    CHECK_INT (found->n_instances, 2);
    CHECK_INT (found->instances[0]->instance, 100);
    CHECK_INT (found->instances[1]->version, 0);
    CHECK_STR (found->instances[1]->servicename, "");
    CHECK_INT (s_remove (&self, "clock", 5, 8)->error, DIVIDERE_NAME_UNKNOWN);
    CHECK (s_remove (&self, "clock", 5, 0)->ok);
    s_stop (&self);
}

/*  Asks with an extension frame behind other routing frames. Returns the status
 *  of the answer, or -1: there is none.                                     */
static int
s_extended (self_t *self, dividere_extension_t *extension, const char *payload,
            size_t size)
{
    zmq_msg_t frames[5];
    size_t answers = self->answers;
    s_init (&frames[0], "c", 1);
    s_init (&frames[1], "proxy", 5);
    CHECK_INT (dividere_extension_size (extension), EXTENSION);
    CHECK_INT (zmq_msg_init_size (&frames[2], EXTENSION), 0);
    dividere_extension_write (extension, zmq_msg_data (&frames[2]));
    s_init (&frames[3], "", 0);
    s_init (&frames[4], payload, size);
    dividere_registrar_request (self->registrar, frames, 5, self->now_ms);
    if (self->answers == answers)
        return -1;
    CHECK_INT (self->answer_count, 5);
    CHECK_INT (zmq_msg_size (&self->answer[1]), 5);
    CHECK (dividere_extension_parse (zmq_msg_data (&self->answer[2]),
                                     zmq_msg_size (&self->answer[2]),
                                     extension));
    CHECK (extension->flags & DIVIDERE_EXTENSION_BROKER);
    return extension->status;
}

void
test_registrar_extension (void)
{
    self_t self;
    s_start (&self);
    const vector_t *lookup = s_vector ("ServiceLookupReq");
    dividere_extension_t extension = { .id = { 1, 2 }, .attempt = 1 };
    CHECK_INT (s_extended (&self, &extension, lookup->envelope,
                           lookup->envelope_size),
               DIVIDERE_STATUS_OK);
    CHECK (extension.id.client == 1 && extension.id.number == 2);
    CHECK_INT (((const named_found_t *) s_answered (
                    &self, &dividere__wire__service_lookup_rep__descriptor))
                   ->port,
               0);
    extension = (dividere_extension_t){ .id = { 1, 3 }, .attempt = 1 };
    CHECK_INT (s_extended (&self, &extension, "nonsense", 8),
               DIVIDERE_STATUS_REFUSED);
    CHECK_INT (extension.id.number, 3);
    CHECK_INT (s_counts (&self)->malformed, 1);
    /* What is an answer itself is not answered.                             */
    extension = (dividere_extension_t){ .id = { 1, 4 }, .status = 3 };
    CHECK_INT (s_extended (&self, &extension, lookup->envelope,
                           lookup->envelope_size),
               -1);
    CHECK_INT (s_counts (&self)->malformed, 2);
    s_stop (&self);
}

/*  All names, page by page, while some go: how often each was there.        */
static void
s_walk (self_t *self, unsigned char *seen, size_t names)
{
    char cursor[40] = "";
    size_t pages = 0;
    bool more = true;
    for (; more; pages++) {
        const named_found_t *page = s_lookup (self, cursor, 1, 2);
        CHECK_INT (page->error, DIVIDERE_NAME_OK);
        CHECK (page->n_instances > 0);
        CHECK (zmq_msg_size (&self->answer[2]) < 2 * 65536);
        for (size_t i = 0; i < page->n_instances; i++) {
            size_t number =
                strtoul (page->instances[i]->servicename + 1, 0, 10);
            CHECK (number < names);
            seen[number]++;
        }
        more = page->more;
        snprintf (cursor, sizeof (cursor), "%s",
                  page->instances[page->n_instances - 1]->servicename);
        char name[40];
        snprintf (name, sizeof (name), "n%zu", 2 * pages + 1);
        s_remove (self, name, 1, 0);
    }
    CHECK (pages > 2);
    CHECK_INT (s_counts (self)->listed, pages + 1);
}

void
test_registrar_pages (void)
{
    enum { NAMES = 1700 };
    self_t self;
    s_start (&self);
    const named_found_t *page = s_lookup (&self, "", 1, 2);
    CHECK (!page->more && !page->error && !page->n_instances);
    char name[40];
    for (int i = 0; i < NAMES; i++) {
        snprintf (name, sizeof (name), "n%d", i);
        CHECK_INT (s_add (&self, name, 1, 0), 0);
    }
    static unsigned char s_seen[NAMES];
    s_walk (&self, s_seen, NAMES);
    for (int i = 0; i < NAMES; i++)
        CHECK (s_seen[i] == 1 || (i % 2 == 1 && i < 20 && s_seen[i] == 0));
    CHECK_INT (s_lookup (&self, "n1", 1, 2)->error, DIVIDERE_NAME_STALE);
    /* A name with many instances is never torn.                             */
    for (uint32_t port = 1; port <= 1000; port++)
        CHECK_INT (s_add (&self, "n2", port, port), 0);
    CHECK_INT (s_add (&self, "n2", 1001, 1), DIVIDERE_NAME_FULL);
    CHECK_INT (s_lookup (&self, "n2", 1, 1)->n_instances, 1000);
    page = s_lookup (&self, "n0", 1, 2);
    CHECK (page->n_instances >= 1000);
    CHECK_STR (page->instances[999]->servicename, "n2");
    s_stop (&self);
}

/*  Says what a watcher, known by one letter, watches.                       */
static void
s_watch (self_t *self, char id, const char *const *names, size_t count)
{
    named_watch_t request = DIVIDERE__WIRE__WATCH_NAMES__INIT;
    request.version = 1;
    request.names = (char **) (uintptr_t) names;
    request.n_names = count;
    zmq_msg_t frames[2];
    s_init (&frames[0], &id, 1);
    CHECK_INT (dividere_control_write (&request.base, &frames[1]), 0);
    dividere_registrar_watch (self->registrar, frames, 2, self->now_ms);
}

/*  What a watcher was told at an index.                                     */
static const ProtobufCMessage *
s_told (self_t *self, size_t index, char id)
{
    CHECK (index < self->pushes_count);
    CHECK_INT (self->watchers[index], id);
    zmq_msg_t *frame = &self->pushes[index];
    const ProtobufCMessage *message =
        dividere_control_read (&self->control, zmq_msg_data (frame),
                               zmq_msg_size (frame));
    CHECK (message);
    return message;
}

static const named_watched_t *
s_states (self_t *self, size_t index, char id, size_t count)
{
    const named_watched_t *states =
        (const named_watched_t *) s_told (self, index, id);
    CHECK (states->base.descriptor ==
           &dividere__wire__names_watched__descriptor);
    CHECK_INT (states->interval_ms, 1000);
    CHECK_INT (states->n_states, count);
    return states;
}

void
test_registrar_watch (void)
{
    self_t self;
    s_start (&self);
    char long_name[300];
    memset (long_name, 'x', sizeof (long_name) - 1);
    long_name[299] = '\0';
    CHECK_INT (s_add (&self, "a", 1, 0), 0);
    CHECK_INT (s_add (&self, "b", 1, 0), 0);
    const char *names[] = { "a", long_name, "nobody", "b" };
    s_watch (&self, 'w', names, 4);
    const named_watched_t *states = s_states (&self, 0, 'w', 4);
    CHECK_INT (states->epoch, s_lookup (&self, "a", 1, 0)->epoch);
    states = s_states (&self, 0, 'w', 4);
    CHECK_STR (states->states[0]->name, "a");
    CHECK (states->states[0]->revision == 1 && !states->states[0]->error);
    CHECK_INT (states->states[1]->error, DIVIDERE_NAME_BAD_NAME);
    CHECK (!states->states[2]->revision && !states->states[2]->error);
    CHECK_INT (states->states[3]->error, DIVIDERE_NAME_FULL);
    const char *all[] = { "" };
    s_watch (&self, 'v', all, 1);
    CHECK_INT (s_states (&self, 1, 'v', 1)->states[0]->revision, 2);
    s_watch (&self, 'u', all, 1);
    CHECK_INT (s_states (&self, 2, 'u', 1)->states[0]->error,
               DIVIDERE_NAME_FULL);
    CHECK_INT (dividere_watchers_count (
                   dividere_registrar_watchers (self.registrar)),
               2);
    /* Goodbye has no answer, and who is silent is forgotten.                */
    s_watch (&self, 'v', all, 0);
    CHECK_INT (self.pushes_count, 3);
    CHECK_INT (dividere_watchers_count (
                   dividere_registrar_watchers (self.registrar)),
               1);
    self.now_ms += 10000;
    dividere_registrar_tick (self.registrar, self.now_ms);
    CHECK_INT (dividere_watchers_count (
                   dividere_registrar_watchers (self.registrar)),
               0);
    s_stop (&self);
}

static const named_changed_t *
s_change (self_t *self, size_t index, char id, uint64_t revision,
          uint64_t previous)
{
    const named_changed_t *change =
        (const named_changed_t *) s_told (self, index, id);
    CHECK (change->base.descriptor ==
           &dividere__wire__name_changed__descriptor);
    CHECK_INT (change->revision, revision);
    CHECK_INT (change->previous, previous);
    return change;
}

/*  Each change has the next revision, and tells the one before of its name.  */
void
test_registrar_push (void)
{
    self_t self;
    s_start (&self);
    const char *one[] = { "a" }, *all[] = { "", "a" };
    s_watch (&self, 'w', one, 1);
    s_watch (&self, 'v', all, 2);
    s_forget_pushes (&self);
    CHECK_INT (s_add (&self, "b", 1, 0), 0);
    const named_changed_t *change = s_change (&self, 0, 'v', 1, 0);
    CHECK_INT (change->kind, DIVIDERE__WIRE__NAME_CHANGED__KIND__ADDED);
    CHECK_INT (change->peer_version, 0);
    CHECK_INT (self.pushes_count, 1);
    s_forget_pushes (&self);
    CHECK_INT (s_add (&self, "a", 1, 5), 0);
    CHECK_INT (s_add (&self, "a", 1, 5), 0);
    CHECK_INT (self.pushes_count, 2);
    s_change (&self, self.watchers[0] == 'w' ? 0 : 1, 'w', 2, 0);
    change = s_change (&self, self.watchers[0] == 'v' ? 0 : 1, 'v', 2, 0);
    CHECK (change->instance == 5 && change->peer_version == 1 &&
           change->port == 1 && change->lease_ms == 5000);
    CHECK_STR (change->server, "10.0.0.1");
    s_watch (&self, 'v', one, 0);
    s_forget_pushes (&self);
    CHECK_INT (s_add (&self, "a", 1, 6), 0);
    change = s_change (&self, 0, 'w', 3, 2);
    CHECK_INT (change->kind, DIVIDERE__WIRE__NAME_CHANGED__KIND__CHANGED);
    CHECK_INT (change->instance, 6);
    CHECK (s_remove (&self, "a", 1, 6)->ok);
    change = s_change (&self, 1, 'w', 4, 3);
    CHECK_INT (change->kind, DIVIDERE__WIRE__NAME_CHANGED__KIND__REMOVED);
    CHECK_INT (s_add (&self, "a", 2, 7), 0);
    s_change (&self, 2, 'w', 5, 0);
    CHECK_INT (s_counts (&self)->pushed, 6);
    s_stop (&self);
}

void
test_registrar_expires (void)
{
    self_t self;
    s_start (&self);
    CHECK_INT (dividere_registrar_tick (self.registrar, self.now_ms), -1);
    CHECK_INT (s_add (&self, "c", 1, 5), 0);
    CHECK_INT (s_add (&self, "python", 1, 0), 0);
    int64_t due_ms = dividere_registrar_tick (self.registrar, self.now_ms);
    CHECK (due_ms > self.now_ms + 4000 && due_ms <= self.now_ms + 6000);
    self.now_ms += 4000;
    dividere_registrar_tick (self.registrar, self.now_ms);
    CHECK_INT (self.expired, 0);
    self.now_ms += 3000;
    dividere_registrar_tick (self.registrar, self.now_ms);
    CHECK_INT (self.expired, 1);
    CHECK_INT (s_lookup (&self, "c", 1, 0)->error, DIVIDERE_NAME_UNKNOWN);
    CHECK_INT (s_lookup (&self, "python", 0, 0)->port, 1);
    dividere_names_t *names = dividere_registrar_names (self.registrar);
    for (int i = 0; i < 3; i++) {
        dividere_names_round (names);
        dividere_registrar_tick (self.registrar, self.now_ms);
        CHECK_INT (s_add (&self, "python", 1, 0), 0);
    }
    CHECK_INT (self.expired, 1);
    for (int i = 0; i < 4; i++) {
        dividere_names_round (names);
        dividere_registrar_tick (self.registrar, self.now_ms);
    }
    CHECK_INT (self.expired, 2);
    CHECK_INT (s_counts (&self)->expired, 2);
    CHECK_INT (s_lookup (&self, "python", 0, 0)->port, 0);
    s_stop (&self);
}

/*  Nothing of it is answered, all of it is counted.                         */
void
test_registrar_malformed (void)
{
    self_t self;
    s_start (&self);
    static const char *const s_wrong[] = { "ack-true", "RediscoverReq",
                                           "MyServiceReq", "ServiceLookupRep" };
    for (size_t i = 0; i < 4; i++)
        s_send (&self, s_vector (s_wrong[i])->envelope,
                s_vector (s_wrong[i])->envelope_size);
    s_send (&self, "", 0);
    s_send (&self, "nonsense", 8);
    const vector_t *right = s_vector ("ServiceLookupReq");
    s_send (&self, right->envelope, right->envelope_size - 1);
    CHECK_INT (s_counts (&self)->malformed, 7);
    for (size_t count = 1; count <= DIVIDERE_REGISTRAR_FRAMES; count++) {
        zmq_msg_t frames[DIVIDERE_REGISTRAR_FRAMES];
        for (size_t i = 0; i < count; i++)
            s_init (&frames[i], "frame", 5);
        dividere_registrar_request (self.registrar, frames, count, 1);
        for (size_t i = 0; i < count; i++)
            s_init (&frames[i], "frame", 5);
        dividere_registrar_watch (self.registrar, frames, count, 1);
    }
    dividere_registrar_refuse (self.registrar);
    CHECK_INT (s_counts (&self)->malformed, 8 + 2 * DIVIDERE_REGISTRAR_FRAMES);
    CHECK_INT (self.answers, 0);
    CHECK_INT (self.pushes_count, 0);
    s_stop (&self);
}
