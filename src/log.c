/* SPDX-License-Identifier: Apache-2.0 */

/*  One function that all of the library speaks through, silent by default.  */

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "log_internal.h"

_Atomic int dividere_log_threshold = DIVIDERE_LOG_NONE;

static pthread_mutex_t s_mutex = PTHREAD_MUTEX_INITIALIZER;
static dividere_log_fn *s_handler = NULL;
static void *s_handler_arg = NULL;

static const char *const s_level_names[] = { "none", "error", "warning", "info",
                                             "debug" };

void
dividere_log_set (dividere_log_level_t level, dividere_log_fn *handler,
                  void *arg)
{
    pthread_mutex_lock (&s_mutex);
    s_handler = handler;
    s_handler_arg = arg;
    dividere_log_threshold = (int) level;
    pthread_mutex_unlock (&s_mutex);
}

dividere_log_level_t
dividere_log_level (void)
{
    return (dividere_log_level_t) dividere_log_threshold;
}

void
dividere_log (dividere_log_level_t level, const char *format, ...)
{
    if (!dividere_log_enabled (level))
        return;
    va_list args;
    va_start (args, format);
    char *line = NULL;
    int length = vasprintf (&line, format, args);
    va_end (args);
    if (length < 0)
        return;
    pthread_mutex_lock (&s_mutex);
    if (s_handler)
        s_handler (level, line, s_handler_arg);
    else
        fprintf (stderr, "dividere %s: %s\n", s_level_names[level], line);
    pthread_mutex_unlock (&s_mutex);
    free (line);
}
