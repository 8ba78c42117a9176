/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere broker: the actor of dividere/broker.h as a process.            */

#include "command.h"
#include <dividere/broker.h>

static const daemon_option_t s_options[] = {
    { "frontend", "EP", "where clients are; again for more", DAEMON_ENDPOINT,
      .required = true },
    { "backend", "EP", "where workers are; again for more", DAEMON_ENDPOINT,
      .required = true },
    { "heartbeat", "MS", "between signs of life to and from workers; 3000",
      DAEMON_SETTING },
    { "linger", "MS", "how long to go on sending at the end; 500",
      DAEMON_SETTING, .fallback = "500" },
    { "introspection", "EP", "where dividere stats may ask; again for more",
      DAEMON_ENDPOINT, .bound = true },
    { "set", "NAME=VALUE",
      "another setting that dividere_broker(3) has; again for more",
      DAEMON_SETTINGS },
    { NULL }
};

static int
s_run (int argc, char **argv)
{
    return daemon_run (&command_broker, dividere_broker, s_options, argc, argv);
}

const command_t command_broker = { "broker", "hand requests to free workers",
                                   s_run };
