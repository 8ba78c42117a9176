/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "crew.h"
#include "selftest.h"

extern char **environ;

#define GATHER_MS (6 * SELFTEST_DEADLINE)

static void
s_start_one (crew_t *self, const char *kind, const char *where,
             const soak_plan_t *plan)
{
    char texts[6][24];
    const uint64_t numbers[] = { self->count, plan->clients, plan->workers,
                                 plan->rate,  plan->churn,   plan->seed };
    for (int i = 0; i < 6; i++)
        snprintf (texts[i], sizeof (texts[i]), "%" PRIu64, numbers[i]);
    char *argv[] = { "dividere_soak", CREW_WORD, (char *) kind, texts[0],
                     (char *) where,  texts[1],  texts[2],      texts[3],
                     texts[4],        texts[5],  NULL };
    int ends[2];
    CHECK (self->count < CREW_MAX);
    CHECK_INT (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init (&actions);
    posix_spawn_file_actions_adddup2 (&actions, ends[1], STDIN_FILENO);
    CHECK_INT (posix_spawn (&self->pids[self->count], "/proc/self/exe",
                            &actions, NULL, argv, environ),
               0);
    posix_spawn_file_actions_destroy (&actions);
    close (ends[1]);
    self->ends[self->count++] = ends[0];
}

static void
s_read (int fd, void *data, size_t size)
{
    char *at = (char *) data;
    while (size) {
        struct pollfd item = { fd, POLLIN, 0 };
        CHECK_INT (poll (&item, 1, 2 * SELFTEST_DEADLINE), 1);
        ssize_t part = read (fd, at, size);
        if (part <= 0)
            selftest_fail (__FILE__, __LINE__, "a process has ended");
        at += part;
        size -= (size_t) part;
    }
}

/*  Clients, or workers: in as many processes as it takes.                   */
static void
s_start_peers (crew_t *self, const char *kind, const char *where,
               const soak_plan_t *plan, uint64_t limit)
{
    bool clients = *kind == 'c';
    uint64_t all = clients ? plan->clients : plan->workers;
    uint64_t each = limit - SOAK_FDS_OTHER, rate_left = plan->rate;
    for (uint64_t left = all; left;) {
        soak_plan_t part = *plan;
        uint64_t count = left < each ? left : each;
        part.clients = clients ? count : 0;
        part.workers = clients ? 0 : count;
        left -= count;
        part.rate = left ? plan->rate * count / all : rate_left;
        rate_left -= part.rate;
        s_start_one (self, kind, where, &part);
    }
}

void
crew_start (crew_t *self, const soak_plan_t *plan, uint64_t limit)
{
    char line[40], *end = line;
    self->count = 0;
    s_start_one (self, "broker", "-", plan);
    do
        s_read (self->ends[0], end, 1);
    while (*end++ != '\n' && end < line + sizeof (line));
    end[-1] = 0;
    char *backend = strchr (line, ' ');
    CHECK (backend);
    *backend++ = 0;
    s_start_peers (self, "workers", backend, plan, limit);
    s_start_peers (self, "clients", line, plan, limit);
}

void
crew_gather (crew_t *self, const soak_plan_t *plan)
{
    soak_report_t report;
    SELFTEST_WAIT ((crew_ask (self, &report),
                    report.workers == plan->workers &&
                        report.connections >= plan->workers + plan->clients),
                   GATHER_MS);
}

void
crew_order (crew_t *self, soak_order_t order)
{
    char byte = (char) order;
    for (size_t i = 0; i < self->count; i++)
        CHECK_INT (write (self->ends[i], &byte, 1), 1);
}

void
crew_ask (crew_t *self, soak_report_t *ret_report)
{
    *ret_report = (soak_report_t){ 0 };
    crew_order (self, SOAK_TELL);
    for (size_t i = 0; i < self->count; i++) {
        soak_report_t report;
        s_read (self->ends[i], &report, sizeof (report));
        soak_report_add (ret_report, &report);
    }
}

void
crew_wait (crew_t *self, int64_t until_ms)
{
    struct pollfd items[CREW_MAX];
    for (size_t i = 0; i < self->count; i++)
        items[i] = (struct pollfd){ self->ends[i], POLLIN, 0 };
    int64_t left_ms;
    while ((left_ms = until_ms - selftest_now_ms ()) > 0)
        if (poll (items, self->count, (int) left_ms) > 0)
            selftest_fail (__FILE__, __LINE__, "a process has ended");
}

void
crew_stop (crew_t *self)
{
    for (size_t i = self->count; i-- > 0;)
        close (self->ends[i]);
    for (size_t i = 0; i < self->count; i++) {
        int status;
        CHECK_INT (waitpid (self->pids[i], &status, 0), self->pids[i]);
        CHECK_INT (status, 0);
    }
}
