/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere top: what runs, as a table that is drawn again and again.       */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "options.h"
#include "print.h"
#include "sampler.h"
#include "screen.h"

#define ONCE_MS 10000 /* for all of them to have answered twice               */

typedef struct {
    const char *servers;
    const char *security;
    int interval_ms;
    bool alone;
    bool once;
    bool json;
} self_t;

static const option_t s_options[] = {
    OPTION_SERVERS (self_t),
    { "alone", NULL, "only the EPs, without name servers", OPTION_FLAG,
      offsetof (self_t, alone) },
    { "interval", "MS", "between two looks, over which rates are; 1000",
      OPTION_NUMBER, offsetof (self_t, interval_ms) },
    { "once", NULL, "print the table once", OPTION_FLAG,
      offsetof (self_t, once) },
    { "json", NULL, "... as one object", OPTION_FLAG, offsetof (self_t, json) },
    OPTION_SECURITY (self_t),
    { NULL }
};

static const usage_t s_usage = {
    &command_top,
    "[EP]...",
    0,
    1000,
    s_options,
    "Shows what is at the EPs (introspection endpoints), and the services that "
    "name\nservers know. In the table: arrows choose a line, Enter shows all "
    "that is known\nof it and goes back, q ends."
};

/*  Each is asked twice, since a rate is a difference.                       */
static int
s_print_once (const self_t *self, sampler_t *sampler)
{
    int64_t end_ms = zclock_mono () + ONCE_MS + 2 * self->interval_ms;
    while (!sampler_is_complete (sampler, 2) && zclock_mono () < end_ms &&
           !command_ended ())
        sampler_wait (sampler, -1, zclock_mono () + 20);
    if (self->json)
        sampler_print_json (sampler, stdout);
    else
        table_print (sampler);
    return 0;
}

static int
s_run (int argc, char **argv)
{
    self_t self = { .servers = COMMAND_SERVERS, .interval_ms = 1000 };
    int status;
    if (options_parse (&s_usage, &self, argc, argv, &status) < 0)
        return status;
    if (command_secure (&command_top, self.security))
        return COMMAND_FAILED;
    if (self.interval_ms < 10)
        return command_fail (&command_top, "--interval: at least 10");
    bool once = self.once || self.json;
    if (!once && !isatty (STDOUT_FILENO))
        return command_fail (&command_top,
                             "this is no terminal: --once prints the table");
    sampler_t *sampler =
        sampler_new (&command_top, argv, self.alone ? NULL : self.servers,
                     self.interval_ms);
    if (!sampler)
        return COMMAND_FAILED;
    status = once ? s_print_once (&self, sampler)
                  : screen_run (&command_top, sampler, self.interval_ms);
    sampler_destroy (&sampler);
    return status;
}

const command_t command_top = { "top", "show what runs, live", s_run };
