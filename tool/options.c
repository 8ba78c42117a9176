/* SPDX-License-Identifier: Apache-2.0 */

#include "options.h"
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX  20
#define FIRST_OPTION 256 /* what getopt_long returns for the first row       */

static int
s_usage (const usage_t *self, FILE *out, int status)
{
    fprintf (out, "usage: dividere %s%s%s [OPTION]...\n", self->command->name,
             *self->arguments ? " " : "", self->arguments);
    if (status == COMMAND_USAGE)
        fprintf (out, "dividere %s --help tells the options\n",
                 self->command->name);
    return status;
}

static int
s_help (const usage_t *self)
{
    s_usage (self, stdout, 0);
    printf ("\n%s\n\n", self->command->summary);
    for (const option_t *row = self->options; row->name; row++) {
        char option[64];
        snprintf (option, sizeof (option), "--%s%s%s", row->name,
                  row->argument ? " " : "", row->argument ? row->argument : "");
        printf ("  %-22s  %s\n", option, row->summary);
    }
    printf ("  %-22s  %s\n", "--help", "this");
    if (self->notes)
        printf ("\n%s\n", self->notes);
    return 0;
}

/*  Digits only. 0, or -1, told.                                             */
static int
s_set_number (const usage_t *usage, const option_t *option, const char *text,
              int *place)
{
    char *end;
    errno = 0;
    long number = strtol (text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || number > INT_MAX) {
        fprintf (stderr, "dividere %s: --%s %s: it is no number\n",
                 usage->command->name, option->name, text);
        return -1;
    }
    *place = (int) number;
    return 0;
}

static int
s_set_real (const usage_t *usage, const option_t *option, const char *text,
            double *place)
{
    char *end;
    double number = strtod (text, &end);
    if (*text < '0' || *text > '9' || *end || !isfinite (number)) {
        fprintf (stderr, "dividere %s: --%s %s: it is no number\n",
                 usage->command->name, option->name, text);
        return -1;
    }
    *place = number;
    return 0;
}

static int
s_set (const usage_t *usage, const option_t *option, const char *text,
       void *self)
{
    void *place = (char *) self + option->offset;
    switch (option->kind) {
    case OPTION_FLAG: *(bool *) place = true; return 0;
    case OPTION_TEXT: *(const char **) place = text; return 0;
    case OPTION_REAL: return s_set_real (usage, option, text, (double *) place);
    default: return s_set_number (usage, option, text, (int *) place);
    }
}

/*  The arguments of the command, which getopt has put behind the options.   */
static int
s_take_arguments (const usage_t *usage, int argc, char **argv, int *ret_status)
{
    int count = argc - optind;
    if (count >= usage->arguments_min && count <= usage->arguments_max) {
        memmove (argv, argv + optind, (size_t) count * sizeof (char *));
        argv[count] = NULL;
        return count;
    }
    fprintf (stderr, "dividere %s: %s\n", usage->command->name,
             count < usage->arguments_min ? "an argument is missing"
                                          : "too many arguments");
    *ret_status = s_usage (usage, stderr, COMMAND_USAGE);
    return -1;
}

int
options_parse (const usage_t *usage, void *self, int argc, char **argv,
               int *ret_status)
{
    struct option known[OPTIONS_MAX + 2] = { { NULL } };
    int count = 0, code;
    for (; usage->options[count].name; count++) {
        assert (count < OPTIONS_MAX);
        known[count] =
            (struct option){ usage->options[count].name,
                             usage->options[count].argument ? required_argument
                                                            : no_argument,
                             NULL, FIRST_OPTION + count };
    }
    known[count] = (struct option){ "help", no_argument, NULL, 'h' };
    while ((code = getopt_long (argc, argv, "", known, NULL)) != -1) {
        *ret_status = COMMAND_USAGE;
        if (code == 'h')
            *ret_status = s_help (usage);
        else if (code < FIRST_OPTION)
            s_usage (usage, stderr, COMMAND_USAGE);
        else if (s_set (usage, &usage->options[code - FIRST_OPTION], optarg,
                        self) == 0)
            continue;
        return -1;
    }
    return s_take_arguments (usage, argc, argv, ret_status);
}
