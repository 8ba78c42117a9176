/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere stats: what an actor counts, asked at its introspection endpoint,
 *  or a service, by its name.                                               */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dividere/builtin.pb-c.h>
#include <dividere/introspection.pb-c.h>
#include <dividere/json.h>
#include "options.h"
#include "print.h"
#include "types.h"

typedef struct {
    const char *servers;
    const char *security;
    int timeout_ms;
    bool json;
} self_t;

static const option_t s_options[] = {
    OPTION_SERVERS (self_t),
    { "timeout", "MS", "how long to wait; 5000", OPTION_NUMBER,
      offsetof (self_t, timeout_ms) },
    { "json", NULL, "one object", OPTION_FLAG, offsetof (self_t, json) },
    OPTION_SECURITY (self_t),
    { NULL }
};

static const usage_t s_usage = {
    &command_stats,
    "EP|NAME",
    1,
    1,
    s_options,
    "EP is an introspection endpoint (--introspection of the daemons, BIND\n"
    "introspection of any actor); NAME is a service of this library."
};

/*  The answer, the caller's, or NULL, told.                                 */
static dividere_message_t *
s_ask (dividere_client_t *client, const char *where,
       const ProtobufCMessage *request)
{
    dividere_message_t *reply = dividere_message_new ();
    if (dividere_client_request (client, request, NULL, reply) == 0)
        return reply;
    command_fail (&command_stats, "%s: %s", where, command_reason (errno));
    dividere_message_destroy (&reply);
    return NULL;
}

static void
s_print_values (const Dividere__ActorStats *stats, bool json)
{
    for (size_t i = 0; i < stats->n_values; i++) {
        printf ("%s", json && i ? ", " : "");
        (json ? print_string : print_plain) (stats->values[i]->name);
        printf (json ? ": %" PRIu64 : "\t%" PRIu64 "\n",
                stats->values[i]->value);
    }
}

static void
s_print_line (const char *name, const char *text)
{
    printf ("%s\t", name);
    print_plain (text);
    putchar ('\n');
}

static void
s_print_actor (const Dividere__ActorInfo *info,
               const Dividere__ActorStats *stats, bool json)
{
    if (json) {
        char *about = dividere_json (&info->base);
        printf ("{\"actor\": %s, \"stats\": {", about ? about : "{}");
        free (about);
        s_print_values (stats, true);
        printf ("}}\n");
        return;
    }
    s_print_line ("actor", info->kind);
    s_print_line ("name", info->name);
    s_print_line ("host", info->host);
    s_print_line ("library", info->library);
    printf ("pid\t%" PRIu32 "\nuptime_ms\t%" PRIu64 "\n", info->pid,
            info->uptime_ms);
    s_print_values (stats, false);
}

static int
s_show_actor (const self_t *self, dividere_client_t *client, const char *where)
{
    Dividere__ActorInfoReq ask_info = DIVIDERE__ACTOR_INFO_REQ__INIT;
    Dividere__ActorStatsReq ask_stats = DIVIDERE__ACTOR_STATS_REQ__INIT;
    dividere_message_t *about = s_ask (client, where, &ask_info.base);
    dividere_message_t *counted =
        about ? s_ask (client, where, &ask_stats.base) : NULL;
    int status = COMMAND_FAILED;
    if (counted) {
        const Dividere__ActorInfo *info =
            DIVIDERE_MESSAGE_AS (about, Dividere__ActorInfo,
                                 dividere__actor_info);
        const Dividere__ActorStats *stats =
            DIVIDERE_MESSAGE_AS (counted, Dividere__ActorStats,
                                 dividere__actor_stats);
        status = info && stats ? 0
                               : command_fail (&command_stats,
                                               "%s: it is no actor", where);
        if (status == 0)
            s_print_actor (info, stats, self->json);
    }
    dividere_message_destroy (&about);
    dividere_message_destroy (&counted);
    return status;
}

static int
s_show_service (const self_t *self, dividere_client_t *client,
                const char *where)
{
    Dividere__ServiceStatisticsReq ask = DIVIDERE__SERVICE_STATISTICS_REQ__INIT;
    dividere_message_t *reply = s_ask (client, where, &ask.base);
    if (!reply)
        return COMMAND_FAILED;
    types_print (dividere_message_object (reply),
                 self->json ? PRINT_JSON : PRINT_TEXT, false);
    dividere_message_destroy (&reply);
    return 0;
}

static int
s_run (int argc, char **argv)
{
    self_t self = { .servers = COMMAND_SERVERS, .timeout_ms = 5000 };
    int status;
    if (options_parse (&s_usage, &self, argc, argv, &status) < 0)
        return status;
    command_allow_signals ();
    if (command_secure (&command_stats, self.security) ||
        types_load (&command_stats, NULL, NULL, NULL))
        return COMMAND_FAILED;
    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = self.timeout_ms;
    dividere_client_t *client =
        command_client (&command_stats, argv[0], self.servers, &options);
    if (!client)
        return COMMAND_FAILED;
    status = strstr (argv[0], "://") ? s_show_actor (&self, client, argv[0])
                                     : s_show_service (&self, client, argv[0]);
    dividere_client_destroy (&client);
    return status;
}

const command_t command_stats = { "stats", "show what an actor counts", s_run };
