/* SPDX-License-Identifier: Apache-2.0 */

#include "screen.h"

int
screen_run (const command_t *command, sampler_t *sampler, int interval_ms)
{
    return command_fail (command, "this was built without ncurses: --once "
                                  "prints the table");
}
