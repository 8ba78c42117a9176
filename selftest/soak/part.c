/* SPDX-License-Identifier: Apache-2.0 */

/*  What all processes of a soak have in common.                              */

#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "selftest.h"
#include "soak.h"

static size_t
s_bucket (uint64_t us)
{
    if (us < 8)
        return us;
    unsigned bits = 63 - (unsigned) __builtin_clzll (us);
    size_t bucket = (bits - 2) * 8 + (us >> (bits - 3) & 7);
    return bucket < SOAK_BUCKETS ? bucket : SOAK_BUCKETS - 1;
}

/*  Its upper end.                                                           */
static uint64_t
s_bucket_end (size_t bucket)
{
    return bucket < 8 ? bucket : (8 + bucket % 8 + 1) << (bucket / 8 - 1);
}

void
soak_times_add (soak_times_t *self, int64_t us)
{
    self->counts[s_bucket (us < 0 ? 0 : (uint64_t) us)]++;
    self->total++;
}

uint64_t
soak_times_percentile (const soak_times_t *self, unsigned percent)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < SOAK_BUCKETS; i++) {
        sum += self->counts[i];
        if (sum && sum * 100 >= self->total * percent)
            return s_bucket_end (i);
    }
    return 0;
}

/*  It is made of nothing but such numbers.                                  */
void
soak_report_add (soak_report_t *self, const soak_report_t *other)
{
    uint64_t *into = (uint64_t *) self;
    const uint64_t *from = (const uint64_t *) other;
    for (size_t i = 0; i < sizeof (*self) / sizeof (*into); i++)
        into[i] += from[i];
}

uint64_t
soak_report_failed (const soak_report_t *self)
{
    uint64_t failed = 0;
    for (size_t i = 0; i < DIVIDERE_STATUSES; i++)
        failed += self->failed[i];
    return failed;
}

int
soak_wait (void *socket, long timeout_ms)
{
    char order;
    zmq_pollitem_t items[] = { { NULL, STDIN_FILENO, ZMQ_POLLIN, 0 },
                               { socket, 0, ZMQ_POLLIN, 0 } };
    int rc = zmq_poll (items, socket ? 2 : 1, timeout_ms);
    CHECK (rc >= 0 || errno == EINTR);
    if (rc <= 0 || !items[0].revents)
        return 0;
    return read (STDIN_FILENO, &order, 1) == 1 ? order : -1;
}

int
soak_tell (soak_report_t *report)
{
    if (write (STDIN_FILENO, report, sizeof (*report)) != sizeof (*report))
        return -1;
    memset (&report->times, 0, sizeof (report->times));
    return 0;
}

uint64_t
soak_raise (uint64_t descriptors)
{
    struct rlimit limit, more;
    CHECK_INT (getrlimit (RLIMIT_NOFILE, &limit), 0);
    /* Only who may do anything may have more than the hard limit.           */
    more = (struct rlimit){ descriptors, descriptors };
    if (limit.rlim_max < descriptors && setrlimit (RLIMIT_NOFILE, &more) == 0)
        return descriptors;
    limit.rlim_cur = limit.rlim_max;
    CHECK_INT (setrlimit (RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur;
}
