/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TOOL_CONFIG_H
#define DIVIDERE_TOOL_CONFIG_H

#include "command.h"

/*  --config FILE: options as lines "name = value", or "name" for one without a
 *  value, as if they stood in front of those of the command line; "#" begins a
 *  comment.
 *
 *  A command line with the lines of the file in it, which lives until the
 *  program ends. NULL: the file cannot be used, told. Without --config argv. */
char **config_expand (const command_t *command, int *argc_p, char **argv);

#endif
