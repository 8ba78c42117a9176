/* SPDX-License-Identifier: Apache-2.0 */

/*  A name server and peers that mean no good: whatever they send, the others
 *  are served, and it ends at once.                                         */

#include "selftest.h"
#include <pthread.h>
#include <stdatomic.h>
#include "name_error.h"
#include "named.h"

void test_nameserver_hostile_frames (void);
void test_nameserver_hostile_values (void);
void test_nameserver_hostile_flood (void);
void test_nameserver_hostile_watchers (void);
void test_nameserver_hostile_reader (void);
void test_nameserver_hostile_stop (void);

#define MIB (1 << 20)

/*  So many frames of so many bytes each.                                    */
static void
s_send (named_peer_t *peer, size_t count, size_t size)
{
    void *handle = zsock_resolve (peer->sock);
    char *data = (char *) zmalloc (size + 1);
    memset (data, 0xff, size);
    for (size_t i = 0; i < count; i++)
        CHECK_INT (zmq_send (handle, data, size,
                             i + 1 < count ? ZMQ_SNDMORE : 0),
                   size);
    freen (data);
}

void
test_nameserver_hostile_frames (void)
{
    named_t names;
    named_peer_t peer, requests, watch, publish;
    named_start (&names, NAMED_TCP, NULL);
    named_connect (&peer, ZMQ_REQ, names.requests);
    named_connect (&requests, ZMQ_DEALER, names.requests);
    named_connect (&watch, ZMQ_DEALER, names.watch);
    named_connect (&publish, ZMQ_XSUB, names.publish);
    static const struct {
        size_t count, size;
    } s_shapes[] = {
        { 1, 0 },  { 1, 10 }, { 2, 0 },    { 3, 0 },    { 3, 5 },
        { 19, 0 }, { 20, 1 }, { 1000, 1 }, { 1000, 0 }, { 2, MIB }
    };
    enum { SHAPES = sizeof (s_shapes) / sizeof (s_shapes[0]) };
    for (size_t i = 0; i < SHAPES; i++) {
        s_send (&requests, s_shapes[i].count, s_shapes[i].size);
        s_send (&watch, s_shapes[i].count, s_shapes[i].size);
        s_send (&publish, 1, s_shapes[i].size);
    }
    CHECK_EVENTUALLY (named_stat (&names, "malformed") == 2 * SHAPES);
    CHECK (named_silent (&requests, 0) && named_silent (&watch, 0));
    /* What is over the limit of a frame costs its sender the connection.    */
    s_send (&requests, 1, 17 * MIB);
    CHECK (named_register (&peer, "a", 1));
    CHECK_INT (named_lookup (&peer, "a"), 1);
    CHECK_INT (named_stat (&names, "malformed"), 2 * SHAPES);
    named_disconnect (&peer);
    named_disconnect (&requests);
    named_disconnect (&watch);
    named_disconnect (&publish);
    named_stop (&names);
}

/*  As bytes: what cannot be written by the codec.                           */
static void
s_send_name (named_peer_t *peer, const void *name, size_t size)
{
    char text[64];
    memset (text, 'x', sizeof (text));
    CHECK (size < sizeof (text));
    text[size] = '\0';
    named_lookup_t lookup = DIVIDERE__WIRE__SERVICE_LOOKUP_REQ__INIT;
    lookup.servicename = text;
    zmq_msg_t frame;
    CHECK_INT (dividere_control_write (&lookup.base, &frame), 0);
    memcpy ((char *) zmq_msg_data (&frame) + zmq_msg_size (&frame) - size, name,
            size);
    void *handle = zsock_resolve (peer->sock);
    CHECK_INT (zmq_send (handle, "", 0, ZMQ_SNDMORE), 0);
    CHECK (zmq_msg_send (&frame, handle, 0) > 0);
}

/*  A clear answer where there can be one, a counted drop where not.         */
void
test_nameserver_hostile_values (void)
{
    named_t names;
    named_peer_t peer, dealer;
    named_start (&names, NAMED_TCP, NULL);
    named_connect (&peer, ZMQ_REQ, names.requests);
    named_connect (&dealer, ZMQ_DEALER, names.requests);
    char *large = (char *) zmalloc (MIB + 1);
    memset (large, 'x', MIB);
    CHECK (!named_register (&peer, large, 1));
    CHECK (!named_unregister (&peer, large, 1));
    CHECK_INT (named_lookup (&peer, large), 0);
    CHECK (!named_register (&peer, "", 1));
    CHECK_INT (named_lookup (&peer, ""), 0);
    CHECK (!named_register (&peer, "a", 0));
    CHECK (!named_register (&peer, "a", 65536));
    CHECK (!named_register (&peer, "a", -1));
    CHECK_INT (named_native (&peer, "a", 65536, 1, 0, false),
               DIVIDERE_NAME_BAD_PORT);
    CHECK_INT (named_native (&peer, "", 1, 1, 0, false),
               DIVIDERE_NAME_BAD_NAME);
    CHECK_INT (named_list (&peer, large, 2)->error, DIVIDERE_NAME_STALE);
    CHECK_INT (named_list (&peer, large, 1)->error, DIVIDERE_NAME_BAD_NAME);
    CHECK_INT (named_stat (&names, "instances"), 0);
    CHECK_INT (named_stat (&names, "malformed"), 0);
    static const char *const s_texts[] = { "\xff\xfe", "a\x80", "\xc0\x80",
                                           "\xed\xa0\x80" };
    for (int i = 0; i < 4; i++)
        s_send_name (&dealer, s_texts[i], strlen (s_texts[i]));
    s_send_name (&dealer, "a\0b", 3);
    CHECK_EVENTUALLY (named_stat (&names, "malformed") == 5);
    CHECK (named_silent (&dealer, 0));
    named_set (&names, "lease", "10");
    CHECK_INT (named_native (&peer, "brief", 1, 1, 1, false), 0);
    CHECK_EVENTUALLY (named_stat (&names, "expired") == 1);
    CHECK_INT (named_native (&peer, "a", 1, 1, UINT32_MAX - 1, false), 0);
    CHECK_INT (named_list (&peer, "a", 0)->instances[0]->lease_ms, 3600000);
    freen (large);
    named_disconnect (&peer);
    named_disconnect (&dealer);
    named_stop (&names);
}

typedef struct {
    named_t *names;
    atomic_bool ended;
    pthread_t thread;
    bool reads;
} flood_t;

/*  Registers one forged service after another, without a pause.             */
static void *
s_flood (void *arg)
{
    flood_t *self = (flood_t *) arg;
    named_peer_t peer;
    named_connect (&peer, ZMQ_DEALER, self->names->requests);
    zsock_set_sndtimeo (peer.sock, 10);
    char name[200];
    memset (name, 'f', sizeof (name));
    named_register_t request = DIVIDERE__WIRE__REGISTER_SERVICE__INIT;
    request.servicename = name;
    request.server = (char *) (uintptr_t) "192.0.2.1";
    for (uint32_t i = 0; !self->ended; i++) {
        snprintf (name + 180, 20, "%u", i);
        request.port = 1 + i % 65535;
        zmq_msg_t frame;
        CHECK_INT (dividere_control_write (&request.base, &frame), 0);
        void *handle = zsock_resolve (peer.sock);
        if (zmq_send (handle, "", 0, ZMQ_SNDMORE) < 0 ||
            zmq_msg_send (&frame, handle, 0) < 0)
            zmq_msg_close (&frame);
        while (self->reads && zsock_events (peer.sock) & ZMQ_POLLIN) {
            zmsg_t *ack = zmsg_recv (peer.sock);
            zmsg_destroy (&ack);
        }
    }
    named_disconnect (&peer);
    return NULL;
}

static void
s_begin (flood_t *self, named_t *names, bool reads)
{
    memset (self, 0, sizeof (*self));
    self->names = names;
    self->reads = reads;
    CHECK_INT (pthread_create (&self->thread, NULL, s_flood, self), 0);
}

static void
s_end (flood_t *self)
{
    self->ended = true;
    pthread_join (self->thread, NULL);
}

/*  Up to the limits, and no further; the others are served meanwhile.       */
void
test_nameserver_hostile_flood (void)
{
    static const char *const s_settings[] = { "instances_max", "2000", "rounds",
                                              "0", NULL };
    named_t names;
    named_peer_t peer;
    flood_t reading, silent;
    named_start (&names, NAMED_TCP, s_settings);
    named_connect (&peer, ZMQ_REQ, names.requests);
    CHECK (named_register (&peer, "a", 1));
    s_begin (&reading, &names, true);
    s_begin (&silent, &names, false);
    CHECK_EVENTUALLY (named_stat (&names, "instances") == 2000);
    CHECK_EVENTUALLY (named_stat (&names, "refused") > 5000);
    for (int i = 0; i < 100; i++)
        CHECK_INT (named_lookup (&peer, "a"), 1);
    CHECK (named_register (&peer, "a", 1));
    CHECK_INT (named_stat (&names, "instances"), 2000);
    named_set (&names, "instances_max", "1000000");
    named_set (&names, "bytes_max", "5000000");
    uint64_t refused = named_stat (&names, "refused");
    CHECK_EVENTUALLY (named_stat (&names, "refused") > refused + 1000);
    CHECK (named_stat (&names, "bytes") < 6000000);
    s_end (&reading);
    s_end (&silent);
    CHECK_INT (named_lookup (&peer, "a"), 1);
    named_disconnect (&peer);
    named_stop (&names);
}

void
test_nameserver_hostile_watchers (void)
{
    static const char *const s_settings[] = { "watchers_max", "3", NULL };
    named_t names;
    named_peer_t peers[6];
    named_start (&names, NAMED_TCP, s_settings);
    for (int i = 0; i < 6; i++) {
        named_connect (&peers[i], ZMQ_DEALER, names.watch);
        CHECK_INT (named_watches (&peers[i], "a", "", NULL)->states[0]->error,
                   i < 3 ? 0 : DIVIDERE_NAME_FULL);
    }
    /* More names than anybody watches, many of them the same.               */
    enum { MANY = 50000 };
    static char *s_many[MANY];
    for (int i = 0; i < MANY; i++)
        s_many[i] = (char *) (uintptr_t) (i % 2 ? "many" : "");
    named_watch_t request = DIVIDERE__WIRE__WATCH_NAMES__INIT;
    request.names = s_many;
    request.n_names = MANY;
    named_say (&peers[0], &request.base);
    const named_watched_t *states =
        NAMED_HEAR (&peers[0], NamesWatched, names_watched);
    CHECK_INT (states->n_states, 10000);
    CHECK_INT (states->states[1]->error, 0);
    CHECK_INT (states->states[9999]->error, DIVIDERE_NAME_FULL);
    CHECK (named_stat (&names, "watches") <= 1000 + 2 * 2);
    CHECK_INT (named_stat (&names, "watchers"), 3);
    for (int i = 0; i < 6; i++)
        named_disconnect (&peers[i]);
    named_stop (&names);
}

/*  A watcher that does not read costs no more than its room; another one is
 *  told all.                                                                */
void
test_nameserver_hostile_reader (void)
{
    static const char *const s_settings[] = { "watcher_bytes", "10000", NULL };
    named_t names;
    named_peer_t peer, deaf, other;
    named_start (&names, "ipc://*", s_settings);
    named_connect (&peer, ZMQ_REQ, names.requests);
    named_connect (&deaf, ZMQ_DEALER, names.watch);
    zsock_set_rcvhwm (deaf.sock, 1);
    CHECK_INT (zsock_disconnect (deaf.sock, "%s", names.watch), 0);
    CHECK_INT (zsock_connect (deaf.sock, "%s", names.watch), 0);
    named_connect (&other, ZMQ_DEALER, names.watch);
    named_watches (&deaf, "", NULL);
    named_watches (&other, "", NULL);
    uint64_t last = 0;
    while (named_stat (&names, "push_dropped") < 10)
        for (int i = 0; i < 100; i++) {
            CHECK_INT (named_native (&peer, "a", 1, ++last, 0, false), 0);
            CHECK_INT (NAMED_HEAR (&other, NameChanged, name_changed)->revision,
                       last);
        }
    CHECK_INT (named_stat (&names, "watchers"), 2);
    named_disconnect (&peer);
    named_disconnect (&deaf);
    named_disconnect (&other);
    named_stop (&names);
}

void
test_nameserver_hostile_stop (void)
{
    selftest_losing = true;
    named_t names;
    flood_t floods[3];
    named_start (&names, NAMED_TCP, NULL);
    for (int i = 0; i < 3; i++)
        s_begin (&floods[i], &names, i == 0);
    CHECK_EVENTUALLY (named_stat (&names, "registered") > 1000);
    int64_t start_ms = zclock_mono ();
    CHECK_INT (dividere_stop (&names.actor, SELFTEST_DEADLINE), 0);
    int64_t took_ms = zclock_mono () - start_ms;
    for (int i = 0; i < 3; i++)
        s_end (&floods[i]);
    CHECK (took_ms < 1000);
    freen (names.requests);
    freen (names.publish);
    freen (names.watch);
}
