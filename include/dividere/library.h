/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_LIBRARY_H
#define DIVIDERE_LIBRARY_H

#include <dividere/version.h>

/*  What holds for the whole library.
 *
 *  Errors. A mistake of the caller (a NULL where an object is due) asserts. The
 *  environment and the peers never do: functions return -1 or NULL and set
 *  errno; outputs are written last and only on success.
 *
 *  Threads. An object belongs to one thread at a time. The type registry, the
 *  log and the limits are shared by all threads and safe.
 *
 *  Signals. The library installs no signal handler and, before main, turns off
 *  the one that CZMQ would install. A call that blocks returns EINTR when a
 *  handler of the application has run.                                       */

#if defined(__GNUC__)
#define DIVIDERE_EXPORT       __attribute__ ((visibility ("default")))
#define DIVIDERE_FORMAT(a, b) __attribute__ ((format (printf, a, b)))
#define DIVIDERE_SENTINEL     __attribute__ ((sentinel))
#else
#define DIVIDERE_EXPORT
#define DIVIDERE_FORMAT(a, b)
#define DIVIDERE_SENTINEL
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*  The version of the library that is running, which may differ from the
 *  DIVIDERE_VERSION_* that a program was compiled with.                      */
DIVIDERE_EXPORT void dividere_version (int *ret_major, int *ret_minor,
                                       int *ret_patch);

#ifdef __cplusplus
}
#endif

#endif
