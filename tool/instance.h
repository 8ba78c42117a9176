/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_TOOL_INSTANCE_H
#define DIVIDERE_TOOL_INSTANCE_H

#include <stdbool.h>
#include <dividere/registry.h>

/*  Prints an instance without the end of the line: fields separated by tabs, or
 *  a JSON object. Not whole: only its name.                                 */
void instance_print (const dividere_instance_t *instance, bool whole,
                     bool json);

#endif
