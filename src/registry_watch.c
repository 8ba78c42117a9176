/* SPDX-License-Identifier: Apache-2.0 */

/*  What is watched: one name server is asked for lists, and its watch endpoint,
 *  which the lists tell, pushes what changes. Where it does not answer the next
 *  one is asked. One without such an endpoint is asked again and again.     */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "attach.h"
#include "connector_internal.h"
#include "endpoint.h"
#include "frame.h"
#include "registry_parts.h"
#include "socket.h"

#define WATCHED_MAX 1000
#define LIST_MS     1000 /* until another name server is asked                */
#define LOOK_MS     1000 /* between two looks where nothing is pushed         */
#define AGAIN_MS    100 /* after none has answered                            */
#define INTERVAL_MS 3000
#define SILENCE     3 /* intervals                                           */
#define EVENTS      (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED)

static void
s_on_told (void *arg, dividere_registry_kind_t kind, uint64_t revision,
           const dividere_instance_t *instance)
{
    dividere_registry_tell ((dividere_registry_t *) arg, kind, revision,
                            instance);
}

static dividere_mirror_t *
s_find (const dividere_registry_t *self, const char *name)
{
    dividere_mirror_t *at = (dividere_mirror_t *) zlistx_first (self->mirrors);
    while (at && !streq (dividere_mirror_name (at), name))
        at = (dividere_mirror_t *) zlistx_next (self->mirrors);
    return at;
}

static dividere_server_t *
s_server (dividere_registry_t *self)
{
    return &self->servers[self->watching.server];
}

/*  Nothing is pushed from here on.                                          */
static void
s_disconnect (dividere_registry_t *self)
{
    dividere_watching_t *watching = &self->watching;
    dividere_poller_remove (&watching->polled);
    dividere_poller_remove (&watching->told);
    if (watching->sink) {
        zmq_socket_monitor (watching->handle, NULL, 0);
        zsys_close (watching->sink, NULL, 0);
    }
    if (watching->handle)
        zsys_close (watching->handle, NULL, 0);
    free (watching->endpoint);
    *watching = (dividere_watching_t){ .server = watching->server };
    dividere_mirror_t *at = (dividere_mirror_t *) zlistx_first (self->mirrors);
    for (; at; at = (dividere_mirror_t *) zlistx_next (self->mirrors))
        dividere_mirror_doubt (at);
}

void
dividere_watching_close (dividere_registry_t *self)
{
    dividere_mirror_t *mirror;
    s_disconnect (self);
    while (
        (mirror = (dividere_mirror_t *) zlistx_detach (self->mirrors, NULL))) {
        dividere_servers_forget (self, mirror);
        dividere_mirror_destroy (&mirror);
    }
    zlistx_destroy (&self->mirrors);
}

/*  The host of a wildcard is the one that the name server is reached at.    */
static char *
s_reachable (const dividere_server_t *server, const char *endpoint)
{
    static const char *const s_wild[] = { "tcp://0.0.0.0:", "tcp://*:",
                                          "tcp://[::]:" };
    for (size_t i = 0; i < sizeof (s_wild) / sizeof (s_wild[0]); i++)
        if (strncmp (endpoint, s_wild[i], strlen (s_wild[i])) == 0 &&
            *server->host) {
            bool six = strchr (server->host, ':');
            return zsys_sprintf ("tcp://%s%s%s:%s", six ? "[" : "",
                                 server->host, six ? "]" : "",
                                 endpoint + strlen (s_wild[i]));
        }
    return strdup (endpoint);
}

static int
s_open (dividere_registry_t *self, const char *endpoint)
{
    dividere_watching_t *watching = &self->watching;
    dividere_connector_options_t options = DIVIDERE_CONNECTOR_OPTIONS_INIT;
    dividere_endpoint_t parsed;
    options.linger_ms = 0;
    options.reconnect_max_ms = 1000;
    if (dividere_endpoint_one (endpoint, &parsed) < 0 ||
        dividere_endpoint_check (&parsed, false) < 0)
        return -1;
    watching->handle = zsys_socket (ZMQ_DEALER, NULL, 0);
    if (!watching->handle ||
        dividere_socket_configure (watching->handle, &options) < 0)
        return -1;
    watching->polled.handle = watching->handle;
    watching->sink = dividere_sink_new (watching->handle, EVENTS);
    watching->told.handle = watching->sink;
    if (!watching->sink ||
        dividere_poller_add (self->poller, &watching->polled) < 0 ||
        dividere_poller_add (self->poller, &watching->told) < 0)
        return -1;
    watching->connected = strncmp (parsed.address, "inproc:", 7) == 0;
    return dividere_connect (watching->handle, parsed.address);
}

static void
s_connect (dividere_registry_t *self, const char *endpoint)
{
    dividere_watching_t *watching = &self->watching;
    char *reachable = s_reachable (s_server (self), endpoint);
    if (watching->endpoint && streq (watching->endpoint, reachable)) {
        free (reachable);
        return;
    }
    if (watching->endpoint)
        s_disconnect (self);
    dividere_security_t *before = dividere_security_use_here (self->security);
    int rc = s_open (self, reachable);
    dividere_security_use_here (before);
    if (rc < 0) {
        s_disconnect (self);
        free (reachable);
        return;
    }
    watching->endpoint = reachable;
    watching->interval_ms = INTERVAL_MS;
    watching->heard_ms = zclock_mono ();
    watching->say_ms = 0;
    /* What it pushes tells when to look again.                              */
    self->look_ms = DIVIDERE_REGISTRY_NEVER;
}

/*  All that is watched.                                                     */
static void
s_say (dividere_registry_t *self, int64_t now_ms)
{
    dividere_watching_t *watching = &self->watching;
    char *names[WATCHED_MAX + 1];
    Dividere__Wire__WatchNames watch = DIVIDERE__WIRE__WATCH_NAMES__INIT;
    zmq_msg_t frame;
    watch.version = 1;
    watch.names = names;
    dividere_mirror_t *at = (dividere_mirror_t *) zlistx_first (self->mirrors);
    for (; at; at = (dividere_mirror_t *) zlistx_next (self->mirrors))
        names[watch.n_names++] = (char *) dividere_mirror_name (at);
    watching->say_ms = now_ms + watching->interval_ms;
    if (dividere_control_write (&watch.base, &frame) < 0)
        return;
    if (dividere_frame_send (&frame, watching->handle, ZMQ_DONTWAIT) < 0)
        zmq_msg_close (&frame);
    dividere_poller_touch (&watching->polled);
}

static void
s_on_watched (dividere_registry_t *self,
              const Dividere__Wire__NamesWatched *watched)
{
    dividere_watching_t *watching = &self->watching;
    if (watched->interval_ms)
        watching->interval_ms = watched->interval_ms < 100 ? 100
                                : watched->interval_ms > 3600000
                                    ? 3600000
                                    : watched->interval_ms;
    int64_t say_ms = zclock_mono () + watching->interval_ms;
    if (say_ms < watching->say_ms)
        watching->say_ms = say_ms;
    for (size_t i = 0; i < watched->n_states; i++) {
        const Dividere__Wire__NamesWatched__State *state = watched->states[i];
        dividere_mirror_t *mirror = s_find (self, state->name);
        if (!mirror)
            continue;
        dividere_mirror_refuse (mirror, state->error);
        if (!state->error)
            dividere_mirror_state (mirror, watched->epoch, state->revision);
        else if (self->look_ms == DIVIDERE_REGISTRY_NEVER)
            self->look_ms = zclock_mono () + LOOK_MS;
    }
}

static void
s_on_changed (dividere_registry_t *self,
              const Dividere__Wire__NameChanged *changed)
{
    static const dividere_registry_kind_t s_kinds[] = {
        0, DIVIDERE_REGISTRY_ADDED, DIVIDERE_REGISTRY_REMOVED,
        DIVIDERE_REGISTRY_CHANGED
    };
    const char *tags[DIVIDERE_NAME_TAGS + 1] = { NULL };
    for (size_t i = 0; i < changed->n_tags && i < DIVIDERE_NAME_TAGS; i++)
        tags[i] = changed->tags[i];
    dividere_instance_t instance = {
        .name = changed->name,
        .server = changed->server,
        .port = changed->port > 65535 ? 0 : (int) changed->port,
        .instance = changed->instance,
        .lease_ms =
            changed->lease_ms > INT_MAX ? INT_MAX : (int) changed->lease_ms,
        .release = changed->release,
        .tags = tags,
        .native = changed->peer_version > 0,
    };
    if (changed->kind < 1 || changed->kind > 3 ||
        !dividere_instance_valid (&instance))
        return;
    dividere_mirror_change_t change = { changed->epoch, changed->revision,
                                        changed->previous,
                                        s_kinds[changed->kind], &instance };
    dividere_mirror_t *one = s_find (self, changed->name);
    dividere_mirror_t *all = s_find (self, "");
    if (one)
        dividere_mirror_change (one, &change);
    if (all)
        dividere_mirror_change (all, &change);
}

static void
s_receive (dividere_registry_t *self, size_t *left)
{
    dividere_watching_t *watching = &self->watching;
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    for (; *left > 0 && zlistx_size (self->events) < self->events_max &&
           dividere_frame_recv (&frame, watching->handle, ZMQ_DONTWAIT) >= 0;
         --*left) {
        const ProtobufCMessage *message =
            dividere_control_read (&self->control, zmq_msg_data (&frame),
                                   zmq_msg_size (&frame));
        watching->heard_ms = zclock_mono ();
        if (!message)
            continue;
        if (message->descriptor == &dividere__wire__names_watched__descriptor)
            s_on_watched (self, (const Dividere__Wire__NamesWatched *) message);
        if (message->descriptor == &dividere__wire__name_changed__descriptor)
            s_on_changed (self, (const Dividere__Wire__NameChanged *) message);
    }
    zmq_msg_close (&frame);
}

/*  Another one, if there is one, after this did not answer.                 */
static void
s_next_server (dividere_registry_t *self)
{
    s_disconnect (self);
    self->watching.server = (self->watching.server + 1) % self->servers_count;
}

static void
s_receive_event (dividere_registry_t *self)
{
    dividere_watching_t *watching = &self->watching;
    bool lost = false;
    uint8_t numbers[6];
    while (zmq_recv (watching->sink, numbers, sizeof (numbers), ZMQ_DONTWAIT) >
           0) {
        uint16_t event;
        memcpy (&event, numbers, sizeof (event));
        zmq_recv (watching->sink, NULL, 0, ZMQ_DONTWAIT);
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            watching->connected = true;
            watching->heard_ms = zclock_mono ();
            watching->say_ms = 0;
        }
        else
            lost = watching->connected;
    }
    if (lost)
        s_disconnect (self);
}

void
dividere_watching_receive (dividere_registry_t *self, dividere_polled_t *polled,
                           size_t *left)
{
    if (zlistx_size (self->events) >= self->events_max)
        self->resting = true;
    if (self->resting)
        return;
    if (polled == &self->watching.told)
        s_receive_event (self);
    else
        s_receive (self, left);
}

static void s_ask (dividere_registry_t *self, dividere_mirror_t *mirror,
                   const char *after);

/*  Another one is asked at once, unless all of them have been.              */
static void
s_on_failed (dividere_registry_t *self, dividere_asked_t *asked,
             dividere_mirror_t *mirror)
{
    if (asked->server == s_server (self)) {
        s_next_server (self);
        self->failures++;
    }
    if (self->failures % self->servers_count != 0) {
        dividere_mirror_ask (mirror, false);
        s_ask (self, mirror, "");
        return;
    }
    dividere_mirror_fail (mirror);
    int64_t look_ms = zclock_mono () + AGAIN_MS;
    if (look_ms < self->look_ms)
        self->look_ms = look_ms;
}

static void
s_on_list (dividere_registry_t *self, dividere_asked_t *asked,
           const ProtobufCMessage *reply, int error)
{
    dividere_mirror_t *mirror = (dividere_mirror_t *) asked->target;
    const Dividere__Wire__ServiceLookupRep *found =
        (const Dividere__Wire__ServiceLookupRep *) reply;
    const char *name = dividere_mirror_name (mirror);
    if (error ||
        reply->descriptor != &dividere__wire__service_lookup_rep__descriptor ||
        (!*name && !found->version) ||
        (found->error && found->error != DIVIDERE_NAME_UNKNOWN)) {
        s_on_failed (self, asked, mirror);
        return;
    }
    self->failures = 0;
    char *watch = strdup (found->watch);
    dividere_instances_t *list = dividere_servers_found (found, name);
    size_t count = dividere_instances_count (list);
    bool more = found->more && count > 0;
    char *last =
        more ? strdup (dividere_instances_at (list, count - 1)->name) : NULL;
    bool good = dividere_mirror_list (mirror, found->epoch, found->revision,
                                      &list, more);
    dividere_instances_destroy (&list);
    if (good && last)
        s_ask (self, mirror, last);
    if (asked->server == s_server (self) && *watch)
        s_connect (self, watch);
    free (last);
    free (watch);
}

static void
s_ask (dividere_registry_t *self, dividere_mirror_t *mirror, const char *after)
{
    Dividere__Wire__ServiceLookupReq request;
    const char *name = dividere_mirror_name (mirror);
    if (*name)
        dividere_servers_lookup (&request, name, 1);
    else
        dividere_servers_lookup (&request, after, 2);
    if (dividere_servers_ask (self, s_server (self), &request.base,
                              zclock_mono () + LIST_MS, s_on_list, mirror) < 0)
        dividere_mirror_fail (mirror);
}

static void
s_look (dividere_registry_t *self, int64_t now_ms)
{
    dividere_watching_t *watching = &self->watching;
    bool due = self->look_ms <= now_ms, refused = false;
    dividere_mirror_t *at = (dividere_mirror_t *) zlistx_first (self->mirrors);
    if (due)
        self->look_ms = DIVIDERE_REGISTRY_NEVER;
    for (; at; at = (dividere_mirror_t *) zlistx_next (self->mirrors)) {
        refused |= dividere_mirror_refused (at);
        if (due && (!watching->endpoint || dividere_mirror_refused (at)))
            dividere_mirror_refresh (at);
        if (!dividere_mirror_wants (at) ||
            (self->look_ms != DIVIDERE_REGISTRY_NEVER && !due))
            continue;
        dividere_mirror_ask (at, watching->connected);
        s_ask (self, at, "");
    }
    if (self->look_ms == DIVIDERE_REGISTRY_NEVER &&
        (!watching->endpoint || refused))
        self->look_ms = now_ms + LOOK_MS;
}

/*  Where the application does not take its events nothing new is looked at,
 *  until half of them are gone: then what was pushed meanwhile has been lost,
 *  or the name server has given up, and a fresh list tells what differs.    */
static bool
s_rests (dividere_registry_t *self)
{
    dividere_watching_t *watching = &self->watching;
    size_t waiting = zlistx_size (self->events);
    if (self->resting && waiting < self->events_max / 2) {
        self->resting = false;
        if (watching->handle)
            dividere_poller_touch (&watching->polled);
        if (watching->sink)
            dividere_poller_touch (&watching->told);
    }
    else if (waiting >= self->events_max)
        self->resting = true;
    return self->resting;
}

void
dividere_watching_tick (dividere_registry_t *self, int64_t now_ms)
{
    dividere_watching_t *watching = &self->watching;
    if (s_rests (self))
        return;
    if (!zlistx_size (self->mirrors)) {
        s_disconnect (self);
        return;
    }
    if (watching->endpoint &&
        watching->heard_ms + SILENCE * watching->interval_ms <= now_ms)
        s_next_server (self);
    s_look (self, now_ms);
    if (watching->endpoint && watching->connected && watching->say_ms <= now_ms)
        s_say (self, now_ms);
}

int64_t
dividere_watching_next (const dividere_registry_t *self)
{
    const dividere_watching_t *watching = &self->watching;
    int64_t next_ms = self->look_ms;
    if (!zlistx_size (self->mirrors) || self->resting)
        return DIVIDERE_REGISTRY_NEVER;
    if (!watching->endpoint)
        return next_ms;
    int64_t silent_ms = watching->heard_ms + SILENCE * watching->interval_ms;
    if (silent_ms < next_ms)
        next_ms = silent_ms;
    if (watching->connected && watching->say_ms < next_ms)
        next_ms = watching->say_ms;
    return next_ms;
}

int
dividere_registry_watch (dividere_registry_t *self, const char *name)
{
    assert (self);
    if (name && !dividere_name_valid (name))
        errno = EINVAL;
    else if (s_find (self, name ? name : ""))
        errno = EALREADY;
    else if (zlistx_size (self->mirrors) >= WATCHED_MAX)
        errno = ENOBUFS;
    else {
        zlistx_add_end (self->mirrors, dividere_mirror_new (name ? name : "",
                                                            s_on_told, self));
        self->watching.say_ms = 0;
        self->look_ms = 0;
        return 0;
    }
    return -1;
}

int
dividere_registry_unwatch (dividere_registry_t *self, const char *name)
{
    assert (self);
    dividere_mirror_t *mirror = s_find (self, name ? name : "");
    if (!mirror) {
        errno = ENOENT;
        return -1;
    }
    dividere_servers_forget (self, mirror);
    zlistx_detach_cur (self->mirrors);
    dividere_mirror_destroy (&mirror);
    self->watching.say_ms = 0;
    return 0;
}
