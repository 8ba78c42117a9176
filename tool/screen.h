/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TOOL_SCREEN_H
#define DIVIDERE_TOOL_SCREEN_H

#include "sampler.h"

/*  What a sampler knows, for people.                                        */

#define TABLE_LINE 400 /* bytes of a line, with its NUL                       */

/*  The line above the table, the head of the table, a line of it; without
 *  control characters.                                                      */
void table_summary (sampler_t *sampler, char *ret_line);
void table_head (char *ret_line);
void table_line (const sampled_t *sampled, char *ret_line);

/*  All of it on stdout.                                                     */
void table_print (sampler_t *sampler);

/*  On a terminal until the user or a signal ends it. The status of the command:
 *  COMMAND_FAILED, told, where there is no screen to be had.                */
int screen_run (const command_t *command, sampler_t *sampler, int interval_ms);

#endif
