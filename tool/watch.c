/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere watch: what name servers know, and each change of it, line by line.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <dividere/registry.h>
#include "instance.h"
#include "options.h"

#define LOOK_MS 100 /* for a signal                                           */

typedef struct {
    const char *servers;
    const char *security;
    int count;
    int time_ms;
    bool json;
} self_t;

static const option_t s_options[] = {
    OPTION_SERVERS (self_t),
    { "count", "N", "end after so many lines", OPTION_NUMBER,
      offsetof (self_t, count) },
    { "time", "MS", "end after this time: 1 if --count is not reached",
      OPTION_NUMBER, offsetof (self_t, time_ms) },
    { "json", NULL, "one object a line", OPTION_FLAG, offsetof (self_t, json) },
    OPTION_SECURITY (self_t),
    { NULL }
};

static const usage_t s_usage = {
    &command_watch,
    "[NAME]",
    0,
    1,
    s_options,
    "Without NAME all names are watched. A line is what happened (added,\n"
    "removed, changed; fresh: all there is was told; stale: no name server "
    "can\n"
    "be asked), then what list prints."
};

static void
s_print (const self_t *self, const dividere_registry_event_t *event)
{
    static const char *const s_kinds[] = {
        [DIVIDERE_REGISTRY_ADDED] = "added",
        [DIVIDERE_REGISTRY_REMOVED] = "removed",
        [DIVIDERE_REGISTRY_CHANGED] = "changed",
        [DIVIDERE_REGISTRY_FRESH] = "fresh",
        [DIVIDERE_REGISTRY_STALE] = "stale",
    };
    bool whole = event->kind < DIVIDERE_REGISTRY_FRESH;
    printf (self->json ? "{\"event\": \"%s\", \"service\": " : "%s\t",
            s_kinds[event->kind]);
    instance_print (event->instance, whole, self->json);
    printf (self->json ? "}\n" : "\n");
    fflush (stdout);
}

static int
s_follow (const self_t *self, dividere_registry_t *registry)
{
    int64_t start_ms = zclock_mono ();
    int left = self->count;
    while (!command_ended () && !ferror (stdout)) {
        dividere_registry_event_t event;
        if (self->time_ms >= 0 && zclock_mono () >= start_ms + self->time_ms)
            return self->count ? COMMAND_FAILED : 0;
        if (dividere_registry_recv (registry, &event, LOOK_MS) < 0)
            continue;
        s_print (self, &event);
        if (left && --left == 0)
            break;
    }
    return 0;
}

static int
s_run (int argc, char **argv)
{
    self_t self = { .servers = COMMAND_SERVERS, .time_ms = -1 };
    int status;
    if (options_parse (&s_usage, &self, argc, argv, &status) < 0)
        return status;
    if (command_secure (&command_watch, self.security))
        return COMMAND_FAILED;
    dividere_registry_t *registry = dividere_registry_new (self.servers);
    if (!registry)
        return command_fail (&command_watch, "%s: %s", self.servers,
                             zmq_strerror (errno));
    if (dividere_registry_watch (registry, argv[0]) < 0)
        status = command_fail (&command_watch, "%s: %s", argv[0],
                               zmq_strerror (errno));
    else
        status = s_follow (&self, registry);
    dividere_registry_destroy (&registry);
    return status;
}

const command_t command_watch = { "watch", "tell when services come and go",
                                  s_run };
