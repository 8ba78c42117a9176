/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere version, and dividere selftest, which is a program of its own.   */

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <czmq.h>
#include <protobuf-c/protobuf-c.h>
#include <sodium.h>
#include <dividere/library.h>
#include "options.h"

typedef struct {
    bool json;
} self_t;

static const option_t s_options[] = {
    { "json", NULL, "one object, with the libraries that are in use",
      OPTION_FLAG, offsetof (self_t, json) },
    { NULL }
};

static const usage_t s_usage = { &command_version, "", 0, 0, s_options, NULL };

static int
s_run (int argc, char **argv)
{
    self_t self = { false };
    int major, minor, patch, zmq[3], status;
    if (options_parse (&s_usage, &self, argc, argv, &status) < 0)
        return status;
    dividere_version (&major, &minor, &patch);
    zmq_version (&zmq[0], &zmq[1], &zmq[2]);
    if (self.json)
        printf ("{\"dividere\": \"%d.%d.%d\", \"libzmq\": \"%d.%d.%d\", "
                "\"protobuf-c\": \"%s\", \"libsodium\": \"%s\"}\n",
                major, minor, patch, zmq[0], zmq[1], zmq[2],
                protobuf_c_version (), sodium_version_string ());
    else
        printf ("dividere %d.%d.%d\n", major, minor, patch);
    return 0;
}

/*  Beside this program, or wherever programs are.                           */
static int
s_run_selftest (int argc, char **argv)
{
    char path[PATH_MAX + 30];
    ssize_t size = readlink ("/proc/self/exe", path, PATH_MAX);
    argv[0] = (char *) "dividere_selftest";
    command_allow_signals ();
    if (size > 0) {
        path[size] = 0;
        snprintf (strrchr (path, '/'), 30, "/dividere_selftest");
        execv (path, argv);
    }
    execvp ("dividere_selftest", argv);
    return command_fail (&command_selftest, "dividere_selftest: %s",
                         strerror (errno));
}

const command_t command_version = { "version", "print the version", s_run };
const command_t command_selftest = { "selftest",
                                     "test the library on this machine",
                                     s_run_selftest };
