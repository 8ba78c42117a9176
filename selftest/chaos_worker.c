/* SPDX-License-Identifier: Apache-2.0 */

/*  A worker of test_chaos.c in its process: `dividere_selftest --test
 *  chaos_worker`.                                                           */

#include "selftest.h"
#include "chaos.h"
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <dividere.h>

void test_chaos_worker (void);

/*  Some take a while, so that kills hit what is being executed.             */
static int
s_on_job (dividere_context_t *context, const void *data, size_t size)
{
    int file = *(const int *) dividere_context_user (context);
    chaos_job_t job;
    CHECK (size >= sizeof (job));
    memcpy (&job, data, sizeof (job));
    CHECK_INT (size, sizeof (job) + job.filler);
    dividere_request_info_t info;
    CHECK_INT (dividere_context_request (context, &info), 0);
    CHECK_INT (info.number, job.number);
    chaos_execution_t execution = { job.client, (uint32_t) getpid (),
                                    job.number };
    CHECK_INT (write (file, &execution, sizeof (execution)),
               sizeof (execution));
    if (job.number % 4 == 0)
        selftest_pause ();
    return dividere_context_reply_bytes (context, data, size) < 0 ? errno : 0;
}

static void
s_call (zactor_t *worker, const char *command, const char *first,
        const char *second)
{
    CHECK_INT (dividere_call (worker, NULL, SELFTEST_DEADLINE, command, first,
                              second, NULL),
               0);
}

/*  It remembers all that it has done in its short life. Until nobody reads
 *  its standard output any more: the test has let it go, or has died.        */
void
test_chaos_worker (void)
{
    selftest_losing = true;
    int file = open (getenv (CHAOS_LOG), O_WRONLY | O_APPEND | O_CLOEXEC);
    CHECK (file >= 0);
    dividere_worker_config_t config = { .on_bytes = s_on_job, .user = &file };
    zactor_t *worker = zactor_new (dividere_worker, &config);
    s_call (worker, "SET", "threads", "4");
    s_call (worker, "SET", "credit", "16");
    s_call (worker, "SET", "window", "1000000");
    s_call (worker, "SET", "window_bytes", "1000000000");
    s_call (worker, "CONNECT", getenv (CHAOS_BACKEND), NULL);
    s_call (worker, "START", NULL, NULL);
    struct pollfd reader = { STDOUT_FILENO, 0, 0 };
    while (poll (&reader, 1, -1) < 0)
        CHECK_INT (errno, EINTR);
    CHECK_INT (dividere_stop (&worker, SELFTEST_DEADLINE), 0);
    close (file);
}
