/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere metrics: what top shows, for Prometheus and for a browser.      */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "exposition.h"
#include "options.h"
#include "sampler.h"
#include "web.h"

#define LOOK_MS 100 /* for a signal                                           */

typedef struct {
    const char *servers;
    const char *security;
    const char *listen;
    int interval_ms;
    bool alone;
} self_t;

static const option_t s_options[] = {
    OPTION_SERVERS (self_t),
    { "alone", NULL, "only the EPs, without name servers", OPTION_FLAG,
      offsetof (self_t, alone) },
    { "listen", "HOST:PORT", "where to serve HTTP; 127.0.0.1:9464", OPTION_TEXT,
      offsetof (self_t, listen) },
    { "interval", "MS", "between two looks; 1000", OPTION_NUMBER,
      offsetof (self_t, interval_ms) },
    OPTION_SECURITY (self_t),
    { NULL }
};

static const usage_t s_usage = {
    &command_metrics,
    "[EP]...",
    0,
    1000,
    s_options,
    "Asks what is at the EPs (introspection endpoints), and the services that "
    "name\nservers know. When it serves there is a line \"ready "
    "listen=http://HOST:PORT\":\n/metrics is for Prometheus, / a page for a "
    "browser, /state.json what that shows.\nIt has no passwords: where others "
    "reach the HOST they may read it."
};

static const char s_page[] = {
#include "page.inc"
};

/*  The whole of a document, the caller's.                                   */
static char *
s_write (sampler_t *sampler, void (*print) (sampler_t *sampler, FILE *out),
         size_t *ret_size)
{
    char *text = NULL;
    FILE *out = open_memstream (&text, ret_size);
    assert (out);
    print (sampler, out);
    fclose (out);
    return text;
}

static char *
s_answer (void *arg, const char *path, const char **ret_type, size_t *ret_size)
{
    sampler_t *sampler = (sampler_t *) arg;
    if (streq (path, "/metrics")) {
        *ret_type = "text/plain; version=0.0.4; charset=utf-8";
        return s_write (sampler, exposition_print, ret_size);
    }
    if (streq (path, "/state.json")) {
        *ret_type = "application/json";
        return s_write (sampler, sampler_print_json, ret_size);
    }
    if (!streq (path, "/"))
        return NULL;
    *ret_type = "text/html; charset=utf-8";
    *ret_size = strlen (s_page);
    return strdup (s_page);
}

static int
s_serve (const self_t *self, sampler_t *sampler)
{
    web_t *web = web_new (&command_metrics, self->listen, s_answer, sampler);
    if (!web)
        return COMMAND_FAILED;
    printf ("ready listen=%s\n", web_url (web));
    int status = fflush (stdout) == 0
                     ? 0
                     : command_fail (&command_metrics, "the ready line: %s",
                                     strerror (errno));
    while (status == 0 && !command_ended ()) {
        sampler_wait (sampler, web_fd (web), zclock_mono () + LOOK_MS);
        web_turn (web);
    }
    web_destroy (&web);
    return status;
}

static int
s_run (int argc, char **argv)
{
    self_t self = { .servers = COMMAND_SERVERS,
                    .listen = "127.0.0.1:9464",
                    .interval_ms = 1000 };
    int status;
    if (options_parse (&s_usage, &self, argc, argv, &status) < 0)
        return status;
    if (command_secure (&command_metrics, self.security))
        return COMMAND_FAILED;
    if (self.interval_ms < 10)
        return command_fail (&command_metrics, "--interval: at least 10");
    sampler_t *sampler =
        sampler_new (&command_metrics, argv, self.alone ? NULL : self.servers,
                     self.interval_ms);
    if (!sampler)
        return COMMAND_FAILED;
    status = s_serve (&self, sampler);
    sampler_destroy (&sampler);
    return status;
}

const command_t command_metrics = { "metrics",
                                    "serve what runs to Prometheus, browsers",
                                    s_run };
