/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere proxy: the actor of dividere/proxy.h as a process.              */

#include "command.h"
#include <dividere/proxy.h>

static const daemon_option_t s_options[] = {
    { "frontend", "EP", "where clients, publishers or PUSH are; again for more",
      DAEMON_ENDPOINT, .required = true },
    { "backend", "EP", "where workers, subscribers or PULL are; again for more",
      DAEMON_ENDPOINT, .required = true },
    { "pattern", "NAME", "router-dealer (as without), xsub-xpub or pull-push",
      DAEMON_SETTING },
    { "capture", "EP", "where a PULL gets a copy of every message",
      DAEMON_COMMAND, .command = "CAPTURE" },
    { "linger", "MS", "how long to go on sending at the end; 500",
      DAEMON_SETTING, .fallback = "500" },
    { "introspection", "EP", "where dividere stats may ask; again for more",
      DAEMON_ENDPOINT, .bound = true },
    { "set", "NAME=VALUE",
      "another setting that dividere_proxy(3) has; again for more",
      DAEMON_SETTINGS },
    { NULL }
};

static int
s_run (int argc, char **argv)
{
    return daemon_run (&command_proxy, dividere_proxy, s_options, argc, argv);
}

const command_t command_proxy = {
    "proxy", "forward messages between a frontend and a backend", s_run
};
