/* SPDX-License-Identifier: Apache-2.0 */

/*  What all daemons of the command do alike: options, the commands they stand
 *  for, the ready line, and the end by a signal.                            */

#include "config.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <dividere/actor.h>
#include <dividere/log.h>

#define START_MS 5000 /* for a command of the actor                          */
#define STOP_MS  900

/*  What getopt_long returns for the first row of the table.                 */
#define FIRST_OPTION 256

/*  One option of the command line.                                          */
typedef struct {
    const daemon_option_t *option;
    const char *value;
    char *endpoint; /* really bound or connected; NULL: not an endpoint     */
} given_t;

typedef struct {
    const command_t *command;
    const daemon_option_t *options;
    given_t *given;
    size_t count; /* of given                                               */
    const char *security;
    bool verbose;
    zactor_t *actor;
} self_t;

static int
s_usage (const self_t *self, FILE *out, int status)
{
    fprintf (out, "usage: dividere %s", self->command->name);
    for (const daemon_option_t *row = self->options; row->name; row++)
        if (row->required)
            fprintf (out, " --%s %s", row->name, row->argument);
    fprintf (out, " [OPTION]...\n");
    if (status == COMMAND_USAGE)
        fprintf (out, "dividere %s --help tells the options\n",
                 self->command->name);
    return status;
}

/*  Has it an endpoint that may be connected?                                */
static bool
s_connects (const self_t *self)
{
    for (const daemon_option_t *row = self->options; row->name; row++)
        if (row->kind >= DAEMON_COMMAND && !row->bound)
            return true;
    return false;
}

static int
s_help (const self_t *self)
{
    s_usage (self, stdout, 0);
    printf ("\n%s\n\n", self->command->summary);
    for (const daemon_option_t *row = self->options; row->name; row++)
        printf ("  --%s %-*s  %s\n", row->name, 20 - (int) strlen (row->name),
                row->argument, row->summary);
    printf ("  --%-21s  %s\n", "security FOLDER",
            "keys and rights: see keygen");
    printf ("  --%-21s  %s\n", "config FILE",
            "options as lines \"name = value\"");
    printf ("  --%-21s  %s\n", "verbose", "log to stderr what happens");
    printf ("  --%-21s  %s\n", "help", "this");
    printf ("\nAn EP is bound%s. tcp://127.0.0.1:* binds a\nfree port.\n",
            s_connects (self) ? "; one with \">\" in front is connected to"
                              : "");
    return 0;
}

/*  Where an option was given first; count if it was not.                    */
static size_t
s_find (const self_t *self, const daemon_option_t *option)
{
    size_t i = 0;
    while (i < self->count && self->given[i].option != option)
        i++;
    return i;
}

/*  Endpoints add up; of what there can be only one of, the last counts.     */
static void
s_give (self_t *self, const daemon_option_t *option, const char *value)
{
    bool only =
        option->kind != DAEMON_SETTINGS && option->kind != DAEMON_ENDPOINT;
    size_t i = only ? s_find (self, option) : self->count;
    self->given[i] = (given_t){ option, value, NULL };
    self->count += i == self->count;
}

/*  Completes the options that were not given; a usage error or 0.           */
static int
s_complete (self_t *self)
{
    for (const daemon_option_t *row = self->options; row->name; row++) {
        if (s_find (self, row) < self->count)
            continue;
        if (row->fallback)
            s_give (self, row, row->fallback);
        else if (row->required) {
            fprintf (stderr, "dividere %s: --%s is missing\n",
                     self->command->name, row->name);
            return s_usage (self, stderr, COMMAND_USAGE);
        }
    }
    return 0;
}

/*  Returns false where nothing is to be run, with the status in ret_status. */
static bool
s_parse (self_t *self, int argc, char **argv, int *ret_status)
{
    struct option known[DAEMON_OPTIONS_MAX + 4] = { { NULL } };
    size_t count = 0;
    for (; self->options[count].name; count++)
        known[count] =
            (struct option){ self->options[count].name, required_argument, NULL,
                             FIRST_OPTION + (int) count };
    assert (count <= DAEMON_OPTIONS_MAX);
    known[count++] =
        (struct option){ "security", required_argument, NULL, 's' };
    known[count++] = (struct option){ "verbose", no_argument, NULL, 'v' };
    known[count] = (struct option){ "help", no_argument, NULL, 'h' };
    int code;
    while ((code = getopt_long (argc, argv, "", known, NULL)) != -1) {
        if (code >= FIRST_OPTION)
            s_give (self, &self->options[code - FIRST_OPTION], optarg);
        else if (code == 's')
            self->security = optarg;
        else if (code == 'v')
            self->verbose = true;
        else {
            *ret_status = code == 'h' ? s_help (self)
                                      : s_usage (self, stderr, COMMAND_USAGE);
            return false;
        }
    }
    if (optind < argc) {
        fprintf (stderr, "%s: %s is not an option\n", argv[0], argv[optind]);
        *ret_status = s_usage (self, stderr, COMMAND_USAGE);
        return false;
    }
    *ret_status = s_complete (self);
    return *ret_status == 0;
}

static const char *
s_reason (int error, daemon_kind_t kind)
{
    if (error == ENOENT && kind <= DAEMON_SETTINGS)
        return "there is no such setting";
    if (error == ENOSYS)
        return "it can only be bound";
    return zmq_strerror (error);
}

/*  Gives the actor one command with two arguments, or one and a NULL. 0 or -1,
 *  told.                                                                    */
static int
s_call (self_t *self, given_t *given, const char *command, const char *first,
        const char *second)
{
    zmsg_t *reply = NULL;
    if (dividere_call (self->actor, &reply, START_MS, command, first, second,
                       NULL) < 0) {
        fprintf (stderr, "dividere %s: --%s %s: %s\n", self->command->name,
                 given->option->name, given->value,
                 s_reason (errno, given->option->kind));
        return -1;
    }
    if (given->option->kind >= DAEMON_COMMAND)
        given->endpoint = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return 0;
}

static int
s_apply (self_t *self, given_t *given)
{
    const char *name = given->option->name, *value = given->value;
    bool connected = *value == '>';
    const char *address = value + (connected || *value == '@');
    char *text = NULL;
    int rc;
    switch (given->option->kind) {
    case DAEMON_SETTINGS:
        text = strndup (value, strcspn (value, "="));
        value += strlen (text);
        rc = s_call (self, given, "SET", text, *value ? value + 1 : "");
        break;
    case DAEMON_COMMAND:
        text = zsys_sprintf ("%s%s", connected ? ">" : "@", address);
        rc = s_call (self, given, given->option->command, text, NULL);
        break;
    case DAEMON_ENDPOINT:
        if (given->option->command)
            name = given->option->command;
        rc =
            s_call (self, given, connected ? "CONNECT" : "BIND", name, address);
        break;
    default: rc = s_call (self, given, "SET", name, value);
    }
    free (text);
    return rc;
}

static int
s_start (self_t *self)
{
    for (int kind = 0; kind < DAEMON_KINDS; kind++)
        for (size_t i = 0; i < self->count; i++)
            if ((int) self->given[i].option->kind == kind &&
                s_apply (self, &self->given[i]) < 0)
                return -1;
    return 0;
}

/*  The ready line, in one piece.                                            */
static int
s_print_ready (const self_t *self)
{
    printf ("ready");
    for (const daemon_option_t *row = self->options; row->name; row++) {
        bool first = true;
        for (size_t i = 0; i < self->count; i++) {
            const given_t *given = &self->given[i];
            if (given->option != row || !given->endpoint)
                continue;
            if (first)
                printf (" %s=", row->name);
            printf ("%s%s%s", first ? "" : ",", *given->value == '>' ? ">" : "",
                    given->endpoint);
            first = false;
        }
    }
    printf ("\n");
    if (fflush (stdout) == 0)
        return 0;
    fprintf (stderr, "dividere %s: the ready line: %s\n", self->command->name,
             strerror (errno));
    return -1;
}

static void
s_wait_for_end (void)
{
    sigset_t ends;
    sigemptyset (&ends);
    sigaddset (&ends, SIGINT);
    sigaddset (&ends, SIGTERM);
    while (sigwaitinfo (&ends, NULL) < 0)
        continue;
}

/*  What is stuck would keep exit from returning, too.                       */
static void
s_stop (self_t *self)
{
    if (dividere_stop (&self->actor, STOP_MS) == 0)
        return;
    char stuck[100] = "";
    dividere_actor_activity (self->actor, stuck, sizeof (stuck));
    fprintf (stderr, "dividere %s: does not end: %s\n", self->command->name,
             stuck);
    _exit (COMMAND_FAILED);
}

static void
s_speak (self_t *self)
{
    if (dividere_log_level () < DIVIDERE_LOG_INFO)
        dividere_log_set (DIVIDERE_LOG_INFO, NULL, NULL);
    dividere_call (self->actor, NULL, START_MS, "VERBOSE", "1", NULL);
}

static int
s_serve (self_t *self, zactor_fn *actor)
{
    command_raise_descriptors ();
    if (dividere_log_level () < DIVIDERE_LOG_WARNING)
        dividere_log_set (DIVIDERE_LOG_WARNING, NULL, NULL);
    if (command_secure (self->command, self->security))
        return COMMAND_FAILED;
    self->actor = zactor_new (actor, NULL);
    if (self->verbose)
        s_speak (self);
    bool ready = s_start (self) == 0 && s_print_ready (self) == 0;
    if (ready)
        s_wait_for_end ();
    s_stop (self);
    return ready ? 0 : COMMAND_FAILED;
}

int
daemon_run (const command_t *command, zactor_fn *actor,
            const daemon_option_t *options, int argc, char **argv)
{
    self_t self = { .command = command, .options = options };
    argv = config_expand (command, &argc, argv);
    if (!argv)
        return COMMAND_FAILED;
    self.given = (given_t *) zmalloc (((size_t) argc + DAEMON_OPTIONS_MAX) *
                                      sizeof (given_t));
    int status;
    if (s_parse (&self, argc, argv, &status))
        status = s_serve (&self, actor);
    for (size_t i = 0; i < self.count; i++)
        free (self.given[i].endpoint);
    free (self.given);
    return status;
}
