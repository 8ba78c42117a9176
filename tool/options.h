/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TOOL_OPTIONS_H
#define DIVIDERE_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include "command.h"

/*  The command line of what is no daemon: a table says which option sets which
 *  member of a structure.                                                   */

typedef enum {
    OPTION_FLAG,   /* a bool                                                 */
    OPTION_TEXT,   /* a const char *                                         */
    OPTION_NUMBER, /* an int, 0 or more                                      */
    OPTION_REAL    /* a double, 0 or more                                    */
} option_kind_t;

typedef struct {
    const char *name;
    const char *argument; /* how the usage calls the value; NULL of a flag   */
    const char *summary;  /* one line                                        */
    option_kind_t kind;
    size_t offset; /* of the member                                          */
} option_t;

typedef struct {
    const command_t *command;
    const char *arguments; /* of the usage line: "NAME"                      */
    int arguments_min;
    int arguments_max;
    const option_t *options; /* ended by a NULL name                         */
    const char *notes;       /* of --help, or NULL                           */
} usage_t;

/*  Rows that several commands have, of members of the same names.           */
#define OPTION_SERVERS(self_t)                                            \
    {                                                                     \
        "servers", "LIST", "name servers; " COMMAND_SERVERS, OPTION_TEXT, \
            offsetof (self_t, servers)                                    \
    }
#define OPTION_SECURITY(self_t)                                \
    {                                                          \
        "security", "FOLDER", "keys: see keygen", OPTION_TEXT, \
            offsetof (self_t, security)                        \
    }

/*  Fills self. Returns how many arguments there are, which are then first in
 *  argv; or -1 where nothing is to be run, with the status in ret_status.
 *  --help is added.                                                         */
int options_parse (const usage_t *usage, void *self, int argc, char **argv,
                   int *ret_status);

#endif
