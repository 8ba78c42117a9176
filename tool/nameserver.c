/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere nameserver: the actor of dividere/nameserver.h as a process.    */

#include "command.h"
#include <dividere/nameserver.h>

static const daemon_option_t s_options[] = {
    { "bind", "EP", "where services register, and clients ask; tcp://*:5000",
      DAEMON_ENDPOINT, .command = "requests", .fallback = "tcp://*:5000",
      .bound = true },
    { "publish", "EP",
      "where services are asked to register again; tcp://*:5001",
      DAEMON_ENDPOINT, .fallback = "tcp://*:5001", .bound = true },
    { "watch", "EP", "where changes are told; tcp://*:5002", DAEMON_ENDPOINT,
      .fallback = "tcp://*:5002", .bound = true },
    { "snapshot", "FILE", "keep there what is registered, for the next start",
      DAEMON_FILE },
    { "rediscover", "MS", "between two calls to register again; 5000",
      DAEMON_SETTING },
    { "introspection", "EP", "where dividere stats may ask; again for more",
      DAEMON_ENDPOINT, .bound = true },
    { "set", "NAME=VALUE",
      "another setting that dividere_nameserver(3) has; again for more",
      DAEMON_SETTINGS },
    { NULL }
};

static int
s_run (int argc, char **argv)
{
    return daemon_run (&command_nameserver, dividere_nameserver, s_options,
                       argc, argv);
}

const command_t command_nameserver = { "nameserver", "tell where services are",
                                       s_run };
