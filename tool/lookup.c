/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere lookup and dividere list: what name servers know, one instance a
 *  line, its fields separated by tabs.                                      */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <dividere/registry.h>
#include "instance.h"
#include "options.h"

typedef struct {
    const command_t *command;
    const char *security;
    bool listing; /* all names, not one                                      */
    bool all;
    bool json;
    const char *servers;
    int timeout_ms;
    const char *name;
} self_t;

#define COMMON_OPTIONS                                              \
    OPTION_SERVERS (self_t),                                        \
        { "timeout", "MS", "how long to wait; 5000", OPTION_NUMBER, \
          offsetof (self_t, timeout_ms) },                          \
        { "json", NULL, "one object a line", OPTION_FLAG,           \
          offsetof (self_t, json) },                                \
        OPTION_SECURITY (self_t),                                   \
    {                                                               \
        NULL                                                        \
    }

static const option_t s_lookup_options[] = {
    { "all", NULL, "all that have the name, not one in turn", OPTION_FLAG,
      offsetof (self_t, all) },
    COMMON_OPTIONS
};
static const option_t s_list_options[] = { COMMON_OPTIONS };

#define NOTES "A line has name, endpoint, instance, lease (ms), version, tags."

static const usage_t s_lookup_usage = { &command_lookup,  "NAME", 1, 1,
                                        s_lookup_options, NOTES };
static const usage_t s_list_usage = { &command_list,  "",   0, 0,
                                      s_list_options, NOTES };

static int
s_fail (const self_t *self)
{
    const char *what =
        errno == ENOENT            ? "nobody has this name"
        : errno == ENOTCONN        ? "no name server can be reached"
        : errno == ETIMEDOUT       ? "no name server answers"
        : errno == EACCES          ? "there is no right to it"
        : errno == EPROTONOSUPPORT ? "only one side wants security"
        : errno == EKEYREJECTED    ? "the name server has another key"
        : errno == ENOTSUP         ? "this name server cannot tell"
                                   : strerror (errno);
    fprintf (stderr, "dividere %s: %s%s%s\n", self->command->name,
             self->name && errno == ENOENT ? self->name : self->servers, ": ",
             what);
    return COMMAND_FAILED;
}

static int
s_look (const self_t *self)
{
    if (command_secure (self->command, self->security))
        return COMMAND_FAILED;
    dividere_registry_t *registry = dividere_registry_new (self->servers);
    if (!registry)
        return s_fail (self);
    dividere_instances_t *found =
        self->listing ? dividere_registry_list (registry, self->timeout_ms)
        : self->all
            ? dividere_registry_lookup_all (registry, self->name,
                                            self->timeout_ms)
            : dividere_registry_lookup (registry, self->name, self->timeout_ms);
    int status = found ? 0 : s_fail (self);
    for (size_t i = 0; found && i < dividere_instances_count (found); i++) {
        instance_print (dividere_instances_at (found, i), true, self->json);
        putchar ('\n');
    }
    dividere_instances_destroy (&found);
    dividere_registry_destroy (&registry);
    return status;
}

static int
s_run (const usage_t *usage, bool listing, int argc, char **argv)
{
    int status;
    self_t self = { .command = usage->command,
                    .listing = listing,
                    .servers = COMMAND_SERVERS,
                    .timeout_ms = 5000 };
    if (options_parse (usage, &self, argc, argv, &status) < 0)
        return status;
    command_allow_signals ();
    self.name = argv[0];
    return s_look (&self);
}

static int
s_run_lookup (int argc, char **argv)
{
    return s_run (&s_lookup_usage, false, argc, argv);
}

static int
s_run_list (int argc, char **argv)
{
    return s_run (&s_list_usage, true, argc, argv);
}

const command_t command_lookup = { "lookup", "ask where a service is",
                                   s_run_lookup };
const command_t command_list = { "list", "show all services that have a name",
                                 s_run_list };
