/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_SELFTEST_H
#define DIVIDERE_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  What every test uses. A test is a function of no arguments that returns; a
 *  check that fails prints where and what, and ends the process.            */

extern bool selftest_verbose;

#if defined(__SANITIZE_ADDRESS__)
#define SELFTEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SELFTEST_ASAN 1
#endif
#endif
#ifndef SELFTEST_ASAN
#define SELFTEST_ASAN 0
#endif

#define CHECK(condition)                                          \
    do {                                                          \
        if (!(condition))                                         \
            selftest_fail (__FILE__, __LINE__, "%s", #condition); \
    }                                                             \
    while (0)

#define CHECK_INT(actual, expected)                                         \
    do {                                                                    \
        long long a_ = (long long) (actual), e_ = (long long) (expected);   \
        if (a_ != e_)                                                       \
            selftest_fail (__FILE__, __LINE__, "%s is %lld, not %lld (%s)", \
                           #actual, a_, e_, #expected);                     \
    }                                                                       \
    while (0)

#define CHECK_STR(actual, expected)                                          \
    do {                                                                     \
        const char *a_ = (actual), *e_ = (expected);                         \
        if (!a_ || !e_ || strcmp (a_, e_) != 0)                              \
            selftest_fail (__FILE__, __LINE__, "%s is \"%s\", not \"%s\"",   \
                           #actual, a_ ? a_ : "(null)", e_ ? e_ : "(null)"); \
    }                                                                        \
    while (0)

/*  The call fails with -1 or NULL, and with this errno.                     */
#define CHECK_FAILS(call, error)                                              \
    do {                                                                      \
        errno = 0;                                                            \
        long long r_ = (long long) (intptr_t) (call);                         \
        if ((r_ != -1 && r_ != 0) || errno != (error))                        \
            selftest_fail (__FILE__, __LINE__,                                \
                           "%s gives %lld with errno %d (%s), not %s", #call, \
                           r_, errno, strerror (errno), #error);              \
    }                                                                         \
    while (0)

/*  Leaks are not told: libzmq 4.3.4 loses the properties of a connection that
 *  ends in the midst of a message that was received from another one and is
 *  sent on as it is.                                                         */
extern bool selftest_losing;

void selftest_fail (const char *file, int line, const char *format, ...)
    __attribute__ ((noreturn, format (printf, 3, 4)));

/*  Prints only with --verbose.                                              */
void selftest_note (const char *format, ...)
    __attribute__ ((format (printf, 1, 2)));

/*  The test ends here as skipped, with the reason.                          */
void selftest_skip (const char *reason) __attribute__ ((noreturn));

/*  How long a test may wait for anything, in ms: generous, since only a
 *  failure ever waits that long.                                            */
#define SELFTEST_DEADLINE 20000

/*  Waits until condition is true, looking again after each short wait on no
 *  socket at all (a poll with a time limit); fails at the deadline.         */
#define CHECK_EVENTUALLY(condition) SELFTEST_WAIT (condition, SELFTEST_DEADLINE)
#define SELFTEST_WAIT(condition, limit_ms)                                   \
    do {                                                                     \
        int64_t end_ = selftest_now_ms () + (limit_ms);                      \
        while (!(condition)) {                                               \
            if (selftest_now_ms () > end_)                                   \
                selftest_fail (__FILE__, __LINE__, "never: %s", #condition); \
            selftest_pause ();                                               \
        }                                                                    \
    }                                                                        \
    while (0)

int64_t selftest_now_ms (void);
void selftest_pause (void);

/*  A random stream that a test can repeat: xorshift from a seed.            */
uint64_t selftest_random (uint64_t *state);

/*  The number of iterations of a long test: count, multiplied by the
 *  environment's DIVIDERE_SELFTEST_SCALE (1 where it is not set).           */
size_t selftest_scaled (size_t count);

/*  Descriptors and threads that this process has now; without those that hold
 *  the ports of selftest_tcp.                                               */
size_t selftest_fds (void);
size_t selftest_threads (void);

/*  A fresh address that no other test or process uses. The string is valid
 *  until the process ends.                                                  */
const char *selftest_inproc (void);
const char *selftest_ipc (void);

/*  A tcp address of this host whose port nobody else is given before the
 *  process ends, also while nothing is bound there: for who restarts, and for
 *  who is asked when it is gone. Several threads may call it.               */
const char *selftest_tcp (void);

/*  A new empty folder; the caller frees the name and removes the folder.    */
char *selftest_folder (void);

#endif
