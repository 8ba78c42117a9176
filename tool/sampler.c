/* SPDX-License-Identifier: Apache-2.0 */

#include "sampler.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <dividere/builtin.pb-c.h>
#include <dividere/introspection.pb-c.h>
#include <dividere/registry.h>
#include "print.h"
#include "types.h"

#define ANSWER_MS  2000  /* for one question                                  */
#define GONE_MS    10000 /* how long one that has left is shown               */
#define POINTS_MAX 500   /* that are asked                                    */

typedef struct {
    char *where;               /* ours                                       */
    char *name;                /* of a service, ours; NULL: an actor, given  */
    dividere_client_t *client; /* ours; NULL: it cannot be asked             */
    bool actor;                /* its endpoint is one for introspection      */
    sample_t sample;
    const char *trouble; /* static                                           */
    const char *fresh;   /* likewise, of the round that is under way         */
    int asked;           /* answers that are due                             */
    int rounds;          /* that have ended                                  */
    int64_t due_ms;      /* the next question                                */
    int64_t gone_ms;     /* since when it has left; 0: it is there           */
} point_t;

struct sampler_t {
    const command_t *command;
    const char *servers;           /* NULL: none                             */
    dividere_registry_t *registry; /* ours; NULL: none                       */
    bool told;                     /* by a name server what there is, or not */
    const char *trouble;           /* of name servers                        */
    size_t instances;              /* that they know                         */
    int interval_ms;
    point_t **points; /* ours; the first given were given                   */
    size_t given;
    size_t count;
    size_t room;
    size_t asked; /* points with a client                                    */
    dividere_message_t *message;
};

static void
s_point_destroy (point_t **point_p)
{
    point_t *point = *point_p;
    dividere_client_destroy (&point->client);
    sample_term (&point->sample);
    free (point->where);
    free (point->name);
    freen (point);
    *point_p = NULL;
}

/*  Where the first is that is not in front of this one: those that were given
 *  are in front of all, as they were given, then come services by their names.
 */
static size_t
s_place (const sampler_t *self, const char *name, const char *where)
{
    size_t low = self->given, high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const point_t *point = self->points[middle];
        int order = strcmp (point->name, name);
        if (order == 0)
            order = strcmp (point->where, where);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
s_insert (sampler_t *self, point_t *point, size_t place)
{
    if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : 64;
        self->points =
            (point_t **) realloc (self->points,
                                  self->room * sizeof (*self->points));
        assert (self->points);
    }
    memmove (self->points + place + 1, self->points + place,
             (self->count++ - place) * sizeof (*self->points));
    self->points[place] = point;
}

static void
s_remove (sampler_t *self, size_t place)
{
    s_point_destroy (&self->points[place]);
    memmove (self->points + place, self->points + place + 1,
             (--self->count - place) * sizeof (*self->points));
}

/*  0, or -1 with an errno of dividere_client_new.                           */
static int
s_connect (sampler_t *self, point_t *point, const char *endpoint)
{
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = ANSWER_MS;
    if (self->asked >= POINTS_MAX) {
        point->trouble = "it is one too many to be asked";
        return 0;
    }
    point->client = dividere_client_new (endpoint, &options);
    if (!point->client)
        return -1;
    self->asked++;
    return 0;
}

static int
s_add_endpoint (sampler_t *self, const char *endpoint)
{
    for (size_t i = 0; i < self->given; i++)
        if (streq (self->points[i]->where, endpoint))
            return 0;
    point_t *point = (point_t *) zmalloc (sizeof (*point));
    point->where = strdup (endpoint);
    point->actor = true;
    point->trouble = "";
    s_insert (self, point, self->given++);
    if (s_connect (self, point, endpoint) == 0)
        return 0;
    return command_fail (self->command, "%s: %s", endpoint,
                         zmq_strerror (errno));
}

/*  A tag says where an actor of it can be asked; else it is asked as a service,
 *  which one in Python would not survive.                                   */
static void
s_add_instance (sampler_t *self, const dividere_instance_t *instance,
                const char *where, size_t place)
{
    static const char s_tag[] = "introspection=";
    const char *endpoint = instance->native ? where : NULL;
    point_t *point = (point_t *) zmalloc (sizeof (*point));
    point->where = strdup (where);
    point->name = strdup (instance->name);
    point->trouble = "";
    for (const char *const *tag = instance->tags; tag && *tag; tag++)
        if (strncmp (*tag, s_tag, strlen (s_tag)) == 0) {
            endpoint = *tag + strlen (s_tag);
            point->actor = true;
        }
    snprintf (point->sample.kind, sizeof (point->sample.kind), "service");
    snprintf (point->sample.name, sizeof (point->sample.name), "%s",
              instance->name);
    if (!endpoint)
        point->trouble = "it is in Python, and cannot be asked";
    else if (s_connect (self, point, endpoint) < 0)
        point->trouble = "its endpoint cannot be";
    s_insert (self, point, place);
}

static void
s_leave (sampler_t *self, point_t *point)
{
    point->gone_ms = zclock_mono ();
    point->trouble = "it has left";
    if (point->client)
        self->asked--;
    dividere_client_destroy (&point->client);
    point->asked = 0;
    self->instances--;
}

static void
s_take_event (sampler_t *self, const dividere_registry_event_t *event)
{
    const dividere_instance_t *instance = event->instance;
    if (event->kind >= DIVIDERE_REGISTRY_FRESH) {
        self->told = true;
        self->trouble = event->kind == DIVIDERE_REGISTRY_STALE
                            ? "no name server can be asked"
                            : "";
        return;
    }
    bool bare = strchr (instance->server, ':') && *instance->server != '[';
    char *where =
        zsys_sprintf ("tcp://%s%s%s:%d", bare ? "[" : "", instance->server,
                      bare ? "]" : "", instance->port);
    size_t place = s_place (self, instance->name, where);
    point_t *known = place < self->count ? self->points[place] : NULL;
    bool same = known && streq (known->name, instance->name) &&
                streq (known->where, where);
    if (same && !known->gone_ms)
        s_leave (self, known);
    if (event->kind != DIVIDERE_REGISTRY_REMOVED) {
        /* Another one in its place is asked anew.                           */
        if (same)
            s_remove (self, place);
        self->instances++;
        s_add_instance (self, instance, where, place);
    }
    zstr_free (&where);
}

sampler_t *
sampler_new (const command_t *command, char *const *endpoints,
             const char *servers, int interval_ms)
{
    sampler_t *self = (sampler_t *) zmalloc (sizeof (*self));
    self->command = command;
    self->interval_ms = interval_ms;
    self->trouble = "";
    self->message = dividere_message_new ();
    bool good = types_load (command, NULL, NULL, NULL) == 0;
    while (good && *endpoints)
        good = s_add_endpoint (self, *endpoints++) == 0;
    if (good && servers) {
        self->servers = servers;
        self->registry = dividere_registry_new (servers);
        if (!self->registry ||
            dividere_registry_watch (self->registry, NULL) < 0)
            good = command_fail (command, "%s: %s", servers,
                                 zmq_strerror (errno)) == 0;
    }
    if (!good)
        sampler_destroy (&self);
    return self;
}

void
sampler_destroy (sampler_t **self_p)
{
    sampler_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        s_point_destroy (&self->points[i]);
    free (self->points);
    dividere_registry_destroy (&self->registry);
    dividere_message_destroy (&self->message);
    freen (self);
    *self_p = NULL;
}

static void
s_ask (sampler_t *self, point_t *point, int64_t now_ms)
{
    Dividere__ActorInfoReq actor_info = DIVIDERE__ACTOR_INFO_REQ__INIT;
    Dividere__ActorStatsReq actor_stats = DIVIDERE__ACTOR_STATS_REQ__INIT;
    Dividere__ServiceInfoReq info = DIVIDERE__SERVICE_INFO_REQ__INIT;
    Dividere__ServiceStatisticsReq stats =
        DIVIDERE__SERVICE_STATISTICS_REQ__INIT;
    const ProtobufCMessage *asks[] = {
        point->actor ? &actor_info.base : &info.base,
        point->actor ? &actor_stats.base : &stats.base,
    };
    point->due_ms = now_ms + self->interval_ms;
    point->fresh = "";
    for (size_t i = 0; i < 2; i++)
        if (dividere_client_send (point->client, asks[i], NULL, NULL) == 0)
            point->asked++;
}

static void
s_take_answers (sampler_t *self, point_t *point, int64_t now_ms)
{
    dividere_result_t result;
    while (point->asked && dividere_client_recv (point->client, self->message,
                                                 &result, 0) == 0) {
        /* The first one says why; the second could not be asked then.       */
        if (result.error && !*point->fresh)
            point->fresh = command_reason (result.error);
        else if (!result.error &&
                 !sample_take (&point->sample, self->message, now_ms))
            point->fresh = "it answers what was not asked";
        if (--point->asked == 0) {
            point->trouble = point->fresh;
            point->rounds++;
        }
    }
}

/*  Asks who is due, takes what is there; returns when to do so again.        */
static int64_t
s_turn (sampler_t *self)
{
    int64_t now_ms = zclock_mono (), next_ms = now_ms + ANSWER_MS;
    dividere_registry_event_t event;
    while (self->registry && dividere_registry_process (self->registry) &&
           dividere_registry_recv (self->registry, &event, 0) == 0)
        s_take_event (self, &event);
    for (size_t i = 0; i < self->count; i++) {
        point_t *point = self->points[i];
        if (point->client) {
            dividere_client_process (point->client);
            s_take_answers (self, point, now_ms);
            if (!point->asked && now_ms >= point->due_ms)
                s_ask (self, point, now_ms);
            if (!point->asked && point->due_ms < next_ms)
                next_ms = point->due_ms;
        }
        else if (point->gone_ms && now_ms >= point->gone_ms + GONE_MS)
            s_remove (self, i--);
    }
    return next_ms;
}

void
sampler_wait (sampler_t *self, int fd, int64_t until_ms)
{
    struct pollfd *fds =
        (struct pollfd *) zmalloc ((POINTS_MAX + 2) * sizeof (struct pollfd));
    int64_t now_ms;
    do {
        int64_t next_ms = s_turn (self);
        size_t count = 0;
        fds[count++] = (struct pollfd){ fd, POLLIN, 0 };
        if (self->registry)
            fds[count++] =
                (struct pollfd){ dividere_registry_fd (self->registry), POLLIN,
                                 0 };
        for (size_t i = 0; i < self->count; i++)
            if (self->points[i]->client)
                fds[count++] = (struct pollfd){
                    dividere_client_fd (self->points[i]->client), POLLIN, 0
                };
        now_ms = zclock_mono ();
        next_ms = next_ms < until_ms ? next_ms : until_ms;
        if (poll (fds, count, next_ms > now_ms ? (int) (next_ms - now_ms) : 0) <
            0)
            break;
        now_ms = zclock_mono ();
    }
    while (!fds[0].revents && now_ms < until_ms);
    freen (fds);
}

bool
sampler_is_complete (const sampler_t *self, int rounds)
{
    bool complete = !self->registry || self->told;
    for (size_t i = 0; i < self->count; i++)
        complete &=
            !self->points[i]->client || self->points[i]->rounds >= rounds;
    return complete;
}

size_t
sampler_count (const sampler_t *self)
{
    return self->count;
}

void
sampler_at (sampler_t *self, size_t index, sampled_t *ret_sampled)
{
    assert (index < self->count);
    point_t *point = self->points[index];
    *ret_sampled = (sampled_t){ point->where, point->trouble, &point->sample };
}

const char *
sampler_servers (const sampler_t *self, size_t *ret_instances,
                 const char **ret_trouble)
{
    *ret_instances = self->instances;
    *ret_trouble = self->trouble;
    return self->servers ? self->servers : "";
}

void
sampler_print_json (sampler_t *self, FILE *out)
{
    fprintf (out, "{\"nameServers\": ");
    print_string_to (out, self->servers ? self->servers : "");
    fprintf (out, ", \"instances\": %zu, \"trouble\": ", self->instances);
    print_string_to (out, self->trouble);
    fprintf (out, ", \"actors\": [");
    for (size_t i = 0; i < sampler_count (self); i++) {
        sampled_t sampled;
        sampler_at (self, i, &sampled);
        fprintf (out, "%s{\"where\": ", i ? ", " : "");
        print_string_to (out, sampled.where);
        fprintf (out, ", \"trouble\": ");
        print_string_to (out, sampled.trouble);
        sample_print_json (sampled.sample, out);
        fprintf (out, "}");
    }
    fprintf (out, "]}\n");
}
