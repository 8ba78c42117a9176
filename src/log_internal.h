/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_LOG_INTERNAL_H
#define DIVIDERE_LOG_INTERNAL_H

#include <stdbool.h>
#include <dividere/log.h>

/*  One line, without its newline. Costs a load and a branch where the level is
 *  not asked for; guard what is dear to compute by dividere_log_enabled.    */
void dividere_log (dividere_log_level_t level, const char *format, ...)
    DIVIDERE_FORMAT (2, 3);

extern _Atomic int dividere_log_threshold;

static inline bool
dividere_log_enabled (dividere_log_level_t level)
{
    return __builtin_expect (dividere_log_threshold >= (int) level, 0);
}

#endif
