/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_LOG_H
#define DIVIDERE_LOG_H

#include <dividere/library.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  The library is silent until it is asked to speak: by dividere_log_set, or
 *  by the environment. DIVIDERE_DEBUG=1 logs everything to stderr, one line
 *  for each message sent or received among it.                              */

typedef enum {
    DIVIDERE_LOG_NONE = 0,
    DIVIDERE_LOG_ERROR = 1,
    DIVIDERE_LOG_WARNING = 2,
    DIVIDERE_LOG_INFO = 3,
    DIVIDERE_LOG_DEBUG = 4
} dividere_log_level_t;

/*  Gets one line without its newline. Called in whatever thread speaks, one
 *  call at a time; must not call the library.                               */
typedef void (dividere_log_fn) (dividere_log_level_t level, const char *line,
                                void *arg);

/*  Lines up to level go to handler, or to stderr where it is NULL. Safe in
 *  any thread.                                                              */
DIVIDERE_EXPORT void dividere_log_set (dividere_log_level_t level,
                                       dividere_log_fn *handler, void *arg);

/*  The level in force.                                                      */
DIVIDERE_EXPORT dividere_log_level_t dividere_log_level (void);

#ifdef __cplusplus
}
#endif

#endif
