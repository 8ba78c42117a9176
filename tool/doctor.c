/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere doctor: what on this machine will be in the way of a larger system.
 *  Each line is a verdict, what was looked at, and what to do about it.      */

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <dividere/connector.h>
#include <dividere/library.h>
#include <dividere/registry.h>
#include <dividere/security.h>
#include "options.h"
#include "print.h"

typedef struct {
    const char *servers;
    const char *security;
    bool json;
    int troubles;
    int lines;
} self_t;

static const option_t s_options[] = {
    { "servers", "LIST", "name servers that must answer", OPTION_TEXT,
      offsetof (self_t, servers) },
    { "security", "FOLDER", "keys and rights that must be usable", OPTION_TEXT,
      offsetof (self_t, security) },
    { "json", NULL, "one object a line", OPTION_FLAG, offsetof (self_t, json) },
    { NULL }
};

static const usage_t s_usage = {
    &command_doctor,
    "",
    0,
    0,
    s_options,
    "A line begins with ok, or warn (works, but not for much), or FAIL; 1 if\n"
    "any fails."
};

typedef enum { FINE, POOR, BAD } verdict_t;

static void __attribute__ ((format (printf, 4, 5)))
s_tell (self_t *self, verdict_t verdict, const char *what, const char *format,
        ...)
{
    static const char *const s_verdicts[] = { "ok", "warn", "FAIL" };
    char text[500];
    va_list args;
    va_start (args, format);
    vsnprintf (text, sizeof (text), format, args);
    va_end (args);
    if (self->json) {
        printf ("{\"verdict\": \"%s\", \"what\": \"%s\", \"about\": ",
                s_verdicts[verdict], what);
        print_string (text);
        printf ("}\n");
    }
    else
        printf ("%-4s  %-12s  %s\n", s_verdicts[verdict], what, text);
    self->troubles += verdict == BAD;
}

/*  A connection is one, a socket about three.                                */
static void
s_look_at_descriptors (self_t *self, uint64_t before,
                       const dividere_room_t *room)
{
    uint64_t most = room->descriptors;
    s_tell (self,
            most < 256     ? BAD
            : most < 10000 ? POOR
                           : FINE,
            "descriptors", "%" PRIu64 " may be open, %" PRIu64 " by a daemon%s",
            before, most,
            most < 10000 ? ": ulimit -n 65536, or LimitNOFILE of the unit"
                         : "");
    s_tell (self, room->peers < 200 ? POOR : FINE, "peers",
            "a daemon has room for about %" PRIu64, room->peers);
}

static void
s_look_at_sockets (self_t *self, const dividere_room_t *room)
{
    s_tell (self, FINE, "sockets", "a process can have %" PRIu64,
            room->sockets);
    FILE *file = fopen ("/proc/sys/net/core/somaxconn", "r");
    int backlog = 0;
    if (file && fscanf (file, "%d", &backlog) == 1)
        s_tell (self, backlog < 1024 ? POOR : FINE, "backlog",
                "%d connections may wait to be accepted%s", backlog,
                backlog < 1024 ? ": sysctl net.core.somaxconn=4096" : "");
    if (file)
        fclose (file);
}

static void
s_look_at_memory (self_t *self, const dividere_room_t *room)
{
    struct rlimit limit;
    long pages = sysconf (_SC_AVPHYS_PAGES), size = sysconf (_SC_PAGESIZE);
    long free_mib = pages / 1024 * size / 1024;
    s_tell (self, free_mib < 64 ? POOR : FINE, "memory",
            "%ld MiB are free now; a connection takes 30 to 66 kB", free_mib);
    if (room->memory_limit)
        s_tell (self, POOR, "memory",
                "a process may have %" PRIu64 " MiB (%s): ulimit, or MemoryMax "
                "of the unit",
                room->memory >> 20, room->memory_limit);
    if (getrlimit (RLIMIT_MEMLOCK, &limit) == 0)
        s_tell (self, limit.rlim_cur < 65536 ? POOR : FINE, "locked",
                "%lu KiB may be locked, where secret keys are",
                (unsigned long) (limit.rlim_cur >> 10));
}

static void
s_look_at_names (self_t *self)
{
    char host[256] = "";
    struct addrinfo *found = NULL;
    gethostname (host, sizeof (host) - 1);
    int64_t start_ms = zclock_mono ();
    int rc = getaddrinfo (host, NULL, NULL, &found);
    long took_ms = (long) (zclock_mono () - start_ms);
    s_tell (self, rc || took_ms > 1000 ? POOR : FINE, "resolution",
            "the name of this host, %s: %s, in %ld ms%s", host,
            rc ? gai_strerror (rc) : "known", took_ms,
            took_ms > 1000 ? ": give addresses, all sockets wait for names"
                           : "");
    if (found)
        freeaddrinfo (found);
}

/*  As a daemon of this shell would find it.                                 */
static void
s_look_at_room (self_t *self)
{
    dividere_room_t room;
    dividere_room_get (&room);
    uint64_t before = room.descriptors;
    command_raise_descriptors ();
    dividere_room_get (&room);
    s_look_at_descriptors (self, before, &room);
    s_look_at_sockets (self, &room);
    s_look_at_memory (self, &room);
}

/*  Those of a name server, and the first of services.                       */
static void
s_look_at_ports (self_t *self)
{
    static const int s_ports[] = { 5000, 5001, 5002, 5101 };
    for (size_t i = 0; i < sizeof (s_ports) / sizeof (s_ports[0]); i++) {
        char endpoint[64];
        snprintf (endpoint, sizeof (endpoint), "@tcp://*:%d", s_ports[i]);
        dividere_connector_t *probe = dividere_response_new (endpoint, NULL);
        s_tell (self, probe ? FINE : POOR, "port", "%d: %s", s_ports[i],
                probe ? "free" : zmq_strerror (errno));
        dividere_connector_destroy (&probe);
    }
}

static void
s_look_at_servers (self_t *self)
{
    if (!self->servers)
        return;
    dividere_registry_t *registry = dividere_registry_new (self->servers);
    dividere_instances_t *found =
        registry ? dividere_registry_list (registry, 3000) : NULL;
    if (found)
        s_tell (self, FINE, "name server", "%s: %zu services", self->servers,
                dividere_instances_count (found));
    else
        s_tell (self, BAD, "name server", "%s: %s", self->servers,
                command_reason (errno));
    dividere_instances_destroy (&found);
    if (registry)
        dividere_registry_destroy (&registry);
}

static void
s_look_at_keys (self_t *self)
{
    if (!self->security)
        return;
    if (dividere_security_load (self->security) == 0)
        s_tell (self, FINE, "keys", "%s: they are good", self->security);
    else
        s_tell (self, BAD, "keys", "%s: %s", self->security, strerror (errno));
}

static int
s_run (int argc, char **argv)
{
    self_t self = { NULL };
    int status;
    if (options_parse (&s_usage, &self, argc, argv, &status) < 0)
        return status;
    command_allow_signals ();
    s_look_at_room (&self);
    s_look_at_names (&self);
    s_look_at_ports (&self);
    s_look_at_keys (&self);
    s_look_at_servers (&self);
    return self.troubles ? COMMAND_FAILED : 0;
}

const command_t command_doctor = { "doctor", "look at what may be in the way",
                                   s_run };
