/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere lookup and dividere list: what name servers know, one instance a
 *  line, its fields separated by tabs.                                      */

#include "command.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dividere/registry.h>

#define SERVERS    "tcp://127.0.0.1:5000"
#define TIMEOUT_MS 5000

typedef struct {
    const command_t *command;
    const char *security;
    bool listing; /* all names, not one                                      */
    bool all;
    const char *servers;
    int timeout_ms;
    const char *name;
} self_t;

static int
s_usage (const self_t *self, FILE *out, int status)
{
    fprintf (out, "usage: dividere %s%s [OPTION]...\n", self->command->name,
             self->listing ? "" : " NAME");
    if (status == COMMAND_USAGE)
        fprintf (out, "dividere %s --help tells the options\n",
                 self->command->name);
    return status;
}

static int
s_help (const self_t *self)
{
    s_usage (self, stdout, 0);
    printf ("\n%s\n\n", self->command->summary);
    if (!self->listing)
        printf ("  --all           all that have the name, not one in turn\n");
    printf ("  --servers LIST  name servers; %s\n"
            "  --timeout MS    how long to wait; %d\n"
            "  --security FOLDER  keys: see keygen\n"
            "  --help          this\n\n"
            "A line has name, endpoint, instance, lease (ms), version, tags.\n",
            SERVERS, TIMEOUT_MS);
    return 0;
}

/*  Digits only. -1: it is no number.                                        */
static int
s_number (const char *text)
{
    char *end;
    errno = 0;
    long number = strtol (text, &end, 10);
    bool digits = *text >= '0' && *text <= '9' && !*end;
    return digits && !errno && number <= INT_MAX ? (int) number : -1;
}

/*  False where nothing is to be run, with the status in ret_status.         */
static bool
s_parse (self_t *self, int argc, char **argv, int *ret_status)
{
    static const struct option s_options[] = {
        { "servers", required_argument, NULL, 's' },
        { "timeout", required_argument, NULL, 't' },
        { "security", required_argument, NULL, 'k' },
        { "help", no_argument, NULL, 'h' },
        { "all", no_argument, NULL, 'a' },
        { NULL, 0, NULL, 0 }
    };
    int code;
    *ret_status = COMMAND_USAGE;
    while ((code = getopt_long (argc, argv, "", s_options, NULL)) != -1) {
        if (code == 'h') {
            *ret_status = s_help (self);
            return false;
        }
        if (code == 's')
            self->servers = optarg;
        else if (code == 't')
            self->timeout_ms = s_number (optarg);
        else if (code == 'k')
            self->security = optarg;
        else if (code == 'a' && !self->listing)
            self->all = true;
        else {
            s_usage (self, stderr, COMMAND_USAGE);
            return false;
        }
    }
    self->name = self->listing ? NULL : argv[optind];
    if (self->timeout_ms < 0 || argc - optind != !self->listing) {
        s_usage (self, stderr, COMMAND_USAGE);
        return false;
    }
    return true;
}

static void
s_print (const dividere_instance_t *instance)
{
    bool bare = strchr (instance->server, ':') && *instance->server != '[';
    printf ("%s\ttcp://%s%s%s:%d\t%016" PRIx64 "\t%d\t%s\t", instance->name,
            bare ? "[" : "", instance->server, bare ? "]" : "", instance->port,
            instance->instance, instance->lease_ms, instance->release);
    for (const char *const *tag = instance->tags; tag && *tag; tag++)
        printf ("%s%s", tag == instance->tags ? "" : ",", *tag);
    printf ("\n");
}

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
    for (size_t i = 0; found && i < dividere_instances_count (found); i++)
        s_print (dividere_instances_at (found, i));
    dividere_instances_destroy (&found);
    dividere_registry_destroy (&registry);
    return status;
}

static int
s_run (const command_t *command, bool listing, int argc, char **argv)
{
    int status;
    self_t self = { .command = command,
                    .listing = listing,
                    .servers = SERVERS,
                    .timeout_ms = TIMEOUT_MS };
    return s_parse (&self, argc, argv, &status) ? s_look (&self) : status;
}

static int
s_run_lookup (int argc, char **argv)
{
    return s_run (&command_lookup, false, argc, argv);
}

static int
s_run_list (int argc, char **argv)
{
    return s_run (&command_list, true, argc, argv);
}

const command_t command_lookup = { "lookup", "ask where a service is",
                                   s_run_lookup };
const command_t command_list = { "list", "show all services that have a name",
                                 s_run_list };
