/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_SESSION_H
#define DIVIDERE_SELFTEST_SESSION_H

#include <stddef.h>

/*  One message of the recorded sessions, made into C by wire/sessions.py.   */

#define SESSION_FRAMES_MAX 3

typedef struct {
    const char *data;
    size_t size;
} frame_t;

typedef struct {
    const char *scene;
    size_t count;
    frame_t frames[SESSION_FRAMES_MAX];
} session_t;

#endif
