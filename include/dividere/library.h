/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVIDERE_LIBRARY_H
#define DIVIDERE_LIBRARY_H

#include <stdint.h>
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

/*  What this process may have, and has now. A peer over tcp or ipc takes one
 *  descriptor, and 66 kB for libzmq's queues and ours; what its messages
 *  take comes on top. UINT64_MAX: there is no limit.                        */
typedef struct {
    uint64_t descriptors;      /* may be open: RLIMIT_NOFILE                 */
    uint64_t descriptors_max;  /* to which the process may raise that        */
    uint64_t descriptors_open; /* now                                        */
    uint64_t memory;           /* bytes, by the limit that is the tightest   */
    uint64_t memory_used;      /* bytes now, as that limit counts them       */
    const char *memory_limit;  /* which that is: RLIMIT_AS, RLIMIT_DATA or,  */
                               /* of the control group, memory.max; or NULL  */
    uint64_t sockets;          /* that the context may have: ZMQ_MAX_SOCKETS */
    uint64_t peers;            /* about so many more there is room for       */
} dividere_room_t;

/*  Reads some files of /proc, and of the control group (version 2). Where one
 *  cannot be read there is no limit, and nothing is used. Any thread may call
 *  it. A broker, a name server and a proxy look at this at their first BIND or
 *  CONNECT over tcp or ipc; where what they may have by their settings has no
 *  room in it they log one warning, and go on. They log another when no
 *  descriptor is left, and when that is over.                               */
DIVIDERE_EXPORT void dividere_room_get (dividere_room_t *ret_room);

#ifdef __cplusplus
}
#endif

#endif
