/* SPDX-License-Identifier: Apache-2.0 */

/*  The helpers of selftest.h.                                               */

#include "selftest.h"
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#if SELFTEST_ASAN
#include <sanitizer/lsan_interface.h>
#endif

bool selftest_verbose = false;
bool selftest_losing = false;

#if SELFTEST_ASAN
int
__lsan_is_turned_off (void)
{
    return selftest_losing;
}
#endif

void
selftest_fail (const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    fflush (stdout);
    fprintf (stderr, "%s:%d: ", file, line);
    vfprintf (stderr, format, args);
    fputc ('\n', stderr);
    va_end (args);
    /* Actors may still run: no exit handlers.                              */
    fflush (stderr);
    _exit (1);
}

void
selftest_note (const char *format, ...)
{
    if (!selftest_verbose)
        return;
    va_list args;
    va_start (args, format);
    vprintf (format, args);
    fputc ('\n', stdout);
    va_end (args);
    fflush (stdout);
}

void
selftest_skip (const char *reason)
{
    printf ("skipped: %s\n", reason);
    fflush (stdout);
    _exit (77);
}

int64_t
selftest_now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
selftest_pause (void)
{
    poll (NULL, 0, 1);
}

uint64_t
selftest_random (uint64_t *state)
{
    uint64_t x = *state ? *state : 88172645463325252ULL;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

size_t
selftest_scaled (size_t count)
{
    const char *text = getenv ("DIVIDERE_SELFTEST_SCALE");
    double scale = text ? strtod (text, NULL) : 1.0;
    return scale > 0 ? (size_t) ((double) count * scale) : count;
}

static size_t
s_entries (const char *folder)
{
    DIR *dir = opendir (folder);
    CHECK (dir);
    size_t count = 0;
    while (readdir (dir))
        count++;
    closedir (dir);
    return count;
}

static atomic_size_t s_ports = 0; /* held by a descriptor each              */

size_t
selftest_fds (void)
{
    return s_entries ("/proc/self/fd") - s_ports;
}

size_t
selftest_threads (void)
{
    return s_entries ("/proc/self/task");
}

#define ADDRESSES 1000 /* of one test                                        */

static const char *
s_address (const char *prefix)
{
    static char s_addresses[ADDRESSES][64];
    static int s_serial = 0;
    CHECK (s_serial < ADDRESSES);
    char *address = s_addresses[s_serial++];
    snprintf (address, 64, "%sselftest-%d-%d", prefix, (int) getpid (),
              s_serial);
    return address;
}

const char *
selftest_inproc (void)
{
    return s_address ("inproc://");
}

const char *
selftest_ipc (void)
{
    return s_address ("ipc://@dividere-");
}

/*  A socket that is bound and does not listen lets others that share the
 *  address listen there, but it is not given away.                          */
const char *
selftest_tcp (void)
{
    static char s_endpoints[ADDRESSES][32];
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    socklen_t size = sizeof (address);
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;
    size_t serial = s_ports++;
    CHECK (serial < ADDRESSES);
    if (fd < 0 ||
        bind (fd, (struct sockaddr *) &address, sizeof (address)) < 0 ||
        setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof (yes)) < 0 ||
        getsockname (fd, (struct sockaddr *) &address, &size) < 0)
        selftest_fail (__FILE__, __LINE__, "no port: %s", strerror (errno));
    snprintf (s_endpoints[serial], sizeof (*s_endpoints), "tcp://127.0.0.1:%d",
              ntohs (address.sin_port));
    return s_endpoints[serial];
}

char *
selftest_folder (void)
{
    const char *parent = getenv ("TMPDIR");
    char *folder = NULL;
    if (asprintf (&folder, "%s/dividere-XXXXXX", parent ? parent : P_tmpdir) <
            0 ||
        !mkdtemp (folder))
        selftest_fail (__FILE__, __LINE__, "no folder: %s", strerror (errno));
    return folder;
}
