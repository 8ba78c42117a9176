/* SPDX-License-Identifier: Apache-2.0 */

/*  dividere_soak [--seconds N] [--clients N] [--workers N] [--rate N]
 *                [--churn PERMILLE] [--seed N]
 *
 *  A broker over tcp, with so many clients and workers (10,000 of each), for so
 *  long (180 s): requests at a bounded rate, and each second a few permille of
 *  all peers die and others come. A line tells each ten seconds how it is, and
 *  the last one whether every request has ended once, and whether the broker's
 *  memory has grown. Ends with 1 if it has not added up, with 2 if this process
 *  may not have as many descriptors as it takes.                            */

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "crew.h"
#include "selftest.h"

static const soak_plan_t s_plan = {
    .seconds = 180,
    .clients = 10000,
    .workers = 10000,
    .rate = 2000,
    .churn = 20,
    .seed = 1,
};

static bool
s_parse (int argc, char **argv, soak_plan_t *plan)
{
    static const struct option known[] = {
        { "seconds", required_argument, NULL, 't' },
        { "clients", required_argument, NULL, 'c' },
        { "workers", required_argument, NULL, 'w' },
        { "rate", required_argument, NULL, 'r' },
        { "churn", required_argument, NULL, 'k' },
        { "seed", required_argument, NULL, 's' },
        { NULL },
    };
    int option;
    while ((option = getopt_long (argc, argv, "", known, NULL)) != -1) {
        uint64_t number = optarg ? strtoull (optarg, NULL, 10) : 0;
        switch (option) {
        case 't': plan->seconds = (int) number; break;
        case 'c': plan->clients = number; break;
        case 'w': plan->workers = number; break;
        case 'r': plan->rate = number; break;
        case 'k': plan->churn = number; break;
        case 's': plan->seed = number; break;
        default: return false;
        }
    }
    return optind == argc && plan->seconds > 0 && plan->clients > 0 &&
           plan->workers > 0;
}

/*  One of the other processes: KIND RANK WHERE CLIENTS WORKERS RATE CHURN SEED
 *  behind the word that says so.                                            */
static int
s_run_part (char **args)
{
    static const struct {
        const char *name;
        void (*run) (const soak_part_t *part);
    } s_parts[] = { { "broker", soak_broker },
                    { "clients", soak_clients },
                    { "workers", soak_workers } };
    uint64_t numbers[5];
    for (int i = 0; i < 5; i++)
        numbers[i] = strtoull (args[3 + i], NULL, 10);
    soak_part_t part = { .plan = { .clients = numbers[0],
                                   .workers = numbers[1],
                                   .rate = numbers[2],
                                   .churn = numbers[3],
                                   .seed = numbers[4] },
                         .where = args[2],
                         .rank = (unsigned) strtoul (args[1], NULL, 10) };
    soak_raise (part.plan.clients + part.plan.workers + SOAK_FDS_OTHER);
    for (size_t i = 0; i < sizeof (s_parts) / sizeof (s_parts[0]); i++)
        if (strcmp (s_parts[i].name, args[0]) == 0)
            s_parts[i].run (&part);
    return EXIT_SUCCESS;
}

/*  ---- What is told ----                                                   */

static void
s_print (const soak_report_t *now, const soak_report_t *before, double at,
         double seconds)
{
    printf ("%5.0f s  %6.0f/s  p50 %5" PRIu64 " us  p99 %6" PRIu64
            " us  cpu %3.0f %%  rss %4" PRIu64 " MiB  heap %4" PRIu64
            " MiB  workers %" PRIu64 "  connections %" PRIu64 "  open %" PRIu64
            "  requeued %" PRIu64 "  killed %" PRIu64 "+%" PRIu64 "\n",
            at, (double) (now->answered - before->answered) / seconds,
            soak_times_percentile (&now->times, 50),
            soak_times_percentile (&now->times, 99),
            (double) (now->cpu_us - before->cpu_us) * 1e-4 / seconds,
            now->resident >> 20, now->allocated >> 20, now->workers,
            now->connections, now->requests, now->requeued, now->workers_killed,
            now->clients_killed);
    fflush (stdout);
}

#define SLACK ((uint64_t) 8 << 20)

/*  What is allocated must stay: a twentieth more or less is of who has come
 *  and gone. What is resident grows for a while, up to that: libzmq allocates a
 *  peer's queues whole, and uses their first pages; those of who went are used
 *  elsewhere by who comes. Beyond are pieces that an allocator cannot use.
 *  Allocators of sanitizers do not tell.                                    */
static bool
s_grew (const soak_report_t *third, const soak_report_t *end)
{
    uint64_t allocated = end->allocated;
    return allocated && !SELFTEST_ASAN &&
           (allocated > third->allocated + third->allocated / 20 + SLACK ||
            end->resident > allocated + allocated / 10 + 4 * SLACK);
}

static void
s_print_memory (const soak_report_t *third, const soak_report_t *end)
{
    if (!end->allocated) {
        printf ("the broker's memory is not known to this allocator\n");
        return;
    }
    printf ("the broker's memory: allocated %" PRIu64
            " KiB after a third, %" PRIu64 " KiB at the end (resident %" PRIu64
            ", %" PRIu64 "): %s\n",
            third->allocated >> 10, end->allocated >> 10, third->resident >> 10,
            end->resident >> 10,
            s_grew (third, end) ? "IT HAS GROWN" : "it has not grown");
}

static bool
s_account (const soak_report_t *end)
{
    static const char *const s_statuses[DIVIDERE_STATUSES] = {
        "ok",     "busy",      "expired",     "no worker",
        "lost",   "unknown",   "unhandled",   "refused",
        "failed", "no answer", "handed back", "denied",
    };
    uint64_t ended = end->answered + soak_report_failed (end) + end->gone +
                     end->unanswered + end->open;
    bool adds = end->sent == ended && !end->open && !end->unanswered &&
                !end->requests && end->received <= end->sent;
    printf ("%" PRIu64 " sent = %" PRIu64 " answered + %" PRIu64
            " failed + %" PRIu64 " of clients that died + %" PRIu64
            " unanswered + %" PRIu64 " open: %s\n",
            end->sent, end->answered, soak_report_failed (end), end->gone,
            end->unanswered, end->open,
            adds ? "it adds up" : "IT DOES NOT ADD UP");
    for (size_t i = 0; i < DIVIDERE_STATUSES; i++)
        if (end->failed[i])
            printf ("    %" PRIu64 " %s\n", end->failed[i], s_statuses[i]);
    printf ("the broker received %" PRIu64 ", requeued %" PRIu64 " (%" PRIu64
            " were held by who died), has %" PRIu64 " left; %" PRIu64
            " stray replies\n",
            end->received, end->requeued, end->lost, end->requests, end->stray);
    return adds;
}

/*  ---- The run ----                                                        */

static int
s_soak (crew_t *crew, const soak_plan_t *plan)
{
    soak_report_t before = { 0 }, third = { 0 }, now;
    int interval = plan->seconds >= 60 ? 10 : (plan->seconds + 5) / 6;
    double last = 0, at = 0;
    crew_order (crew, SOAK_BEGIN);
    int64_t start_ms = selftest_now_ms ();
    for (int i = 1; at < plan->seconds; i++) {
        int until = i * interval < plan->seconds ? i * interval : plan->seconds;
        crew_wait (crew, start_ms + 1000 * (int64_t) until);
        crew_ask (crew, &now);
        at = (double) (selftest_now_ms () - start_ms) / 1000;
        s_print (&now, &before, at, at - last);
        if (!third.resident && until * 3 >= plan->seconds)
            third = now;
        last = at;
        before = now;
    }
    crew_order (crew, SOAK_CEASE);
    before = now;
    /* Who was handed requests and died is found by its silence.             */
    SELFTEST_WAIT ((crew_ask (crew, &now), !now.open && !now.requests),
                   2 * SELFTEST_DEADLINE);
    bool adds = s_account (&now);
    s_print_memory (&third, &before);
    return adds && !s_grew (&third, &before) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main (int argc, char **argv)
{
    if (argc == 10 && strcmp (argv[1], CREW_WORD) == 0)
        return s_run_part (argv + 2);
    soak_plan_t plan = s_plan;
    if (!s_parse (argc, argv, &plan)) {
        fprintf (stderr,
                 "usage: %s [--seconds N] [--clients N] [--workers N] "
                 "[--rate N] [--churn PERMILLE] [--seed N]\n",
                 argv[0]);
        return 2;
    }
    uint64_t wanted = plan.clients + plan.workers + SOAK_FDS_OTHER;
    uint64_t limit = soak_raise (wanted);
    if (limit < wanted) {
        fprintf (stderr,
                 "%s: %" PRIu64 " clients and %" PRIu64 " workers take %" PRIu64
                 " descriptors of the broker, which may have %" PRIu64
                 " (ulimit -Hn): raise that, or ask for less\n",
                 argv[0], plan.clients, plan.workers, wanted, limit);
        return 2;
    }
    /* One that has ended is told as that.                                   */
    signal (SIGPIPE, SIG_IGN);
    crew_t crew;
    crew_start (&crew, &plan, limit);
    printf ("%" PRIu64 " clients, %" PRIu64 " workers, %" PRIu64
            " requests/s, %" PRIu64
            " permille of peers die each second, seed %" PRIu64
            "; %zu processes\n",
            plan.clients, plan.workers, plan.rate, plan.churn, plan.seed,
            crew.count);
    crew_gather (&crew, &plan);
    int status = s_soak (&crew, &plan);
    crew_stop (&crew);
    return status;
}
