/* SPDX-License-Identifier: Apache-2.0 */

/*  A pool of processes for work that needs all cores: is a number prime?
 *
 *  The workers are reactors in processes that this program starts: each is the
 *  program once more, which dividere_process_main turns into a reactor. They
 *  connect to the backend of a proxy, which hands the questions round. The
 *  client is a dealer, so that it can have many questions outstanding.
 *
 *  Build: protoc-c --c_out=. guide.proto
 *         cc -O2 prime_pool.c guide.pb-c.c \
 *            $(pkg-config --cflags --libs dividere)
 *  Run:   ./a.out [PROCESSES]                                               */

#include <dividere.h>
#include <unistd.h>
#include "guide.pb-c.h"

#define DEADLINE_MS   10000
#define PROCESSES_MAX 64
#define QUESTIONS     250
#define OUTSTANDING   4 /* of each process: it never waits for the client  */

typedef struct {
    zactor_t *proxy;
    zactor_t *processes[PROCESSES_MAX];
    dividere_connector_t *client;
} pool_t;

static int
on_msg03 (dividere_context_t *context, const Msg03 *question)
{
    int64_t number = question->field1;
    Msg03 answer = MSG03__INIT;
    answer.field1 = number;
    answer.isprime = number == 2 || (number > 2 && number % 2);
    for (int64_t i = 3; answer.isprime && i <= number / i; i += 2)
        answer.isprime = number % i != 0;
    return dividere_context_reply (context, &answer.base) < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Msg03, msg03, on_msg03),
    DIVIDERE_HANDLER_END,
};
static const dividere_reactor_config_t s_config = { .handlers = s_handlers };
static const dividere_process_reactor_t s_reactors[] = {
    { "primes", &s_config },
    { NULL, NULL },
};

/*  Returns the endpoint that was bound, the caller's to free, or NULL.      */
static char *
s_bind (zactor_t *proxy, const char *side)
{
    zmsg_t *reply = NULL;
    if (dividere_call (proxy, &reply, DEADLINE_MS, "BIND", side,
                       "tcp://127.0.0.1:*", NULL) < 0)
        return NULL;
    char *endpoint = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return endpoint;
}

static int
s_start_process (zactor_t *process, const char *backend)
{
    if (dividere_call (process, NULL, DEADLINE_MS, "ADD", "response", backend,
                       NULL) < 0)
        return -1;
    return dividere_call (process, NULL, -1, "START", NULL);
}

static int
s_pool_start (pool_t *self, int processes)
{
    self->proxy = zactor_new (dividere_proxy, NULL);
    char *frontend = s_bind (self->proxy, "frontend");
    char *backend = s_bind (self->proxy, "backend");
    if (frontend && backend)
        self->client = dividere_dealer_new (frontend, NULL);
    int rc = self->client ? 0 : -1;
    dividere_process_config_t config = { .reactor = "primes" };
    for (int i = 0; rc == 0 && i < processes; i++) {
        self->processes[i] = zactor_new (dividere_process, &config);
        rc = s_start_process (self->processes[i], backend);
    }
    free (backend);
    free (frontend);
    return rc;
}

static int
s_pool_stop (pool_t *self)
{
    int rc = 0;
    dividere_connector_destroy (&self->client);
    for (int i = 0; i < PROCESSES_MAX; i++)
        rc |= dividere_stop (&self->processes[i], DEADLINE_MS);
    return rc | dividere_stop (&self->proxy, DEADLINE_MS);
}

/*  Numbers whose answer is known: the largest primes under 2^40 and, as hard to
 *  tell, products of two of the largest primes under 2^20.                  */
#define PRIMES 8
static const int64_t s_numbers[] = {
    1099511627689, 1099511627609, 1099511627581, 1099511627573,
    1099511627563, 1099511627491, 1099511627483, 1099511627477,
    1099503239183, 1099488559189, 1099465490891, 1099421451833,
    1099377414119, 1099304018629, 1099226433551, 1099201271159,
};
#define NUMBERS (sizeof s_numbers / sizeof *s_numbers)

static int
s_ask (dividere_connector_t *client, const dividere_route_t *route,
       size_t index)
{
    Msg03 question = MSG03__INIT;
    question.field1 = s_numbers[index];
    return dividere_send_to (client, route, &question.base, DEADLINE_MS);
}

/*  Returns 0 and counts an answer that was open, or -1 with an errno: EPROTO if
 *  it is wrong.                                                             */
static int
s_check_answer (dividere_connector_t *client, dividere_message_t *message,
                int *open)
{
    if (dividere_recv_into (client, message, DEADLINE_MS) < 0)
        return -1;
    const Msg03 *answer = DIVIDERE_MESSAGE_AS (message, Msg03, msg03);
    for (size_t i = 0; answer && i < NUMBERS; i++)
        if (answer->field1 == s_numbers[i] && answer->isprime == (i < PRIMES) &&
            open[i] > 0) {
            open[i]--;
            return 0;
        }
    errno = EPROTO;
    return -1;
}

/*  Asks all questions, so many at a time; each must be answered once.
 *  A response wants an empty frame in front of a question: it is the route.  */
static int
s_pool_ask (pool_t *self, int outstanding)
{
    int open[NUMBERS] = { 0 };
    dividere_message_t *message = dividere_message_new ();
    dividere_route_t *route = dividere_route_new ();
    int rc = dividere_route_append (route, "", 0);
    for (int asked = 0, answered = 0; rc == 0 && answered < QUESTIONS;) {
        if (asked < QUESTIONS && asked - answered < outstanding) {
            size_t index = (size_t) asked++ % NUMBERS;
            open[index]++;
            rc = s_ask (self->client, route, index);
        }
        else {
            rc = s_check_answer (self->client, message, open);
            answered++;
        }
    }
    dividere_route_destroy (&route);
    dividere_message_destroy (&message);
    return rc;
}

/*  Returns the time that the answers took in ms, or -1.                     */
static int64_t
s_measure (int processes)
{
    pool_t pool = { NULL };
    int64_t time = -1;
    if (s_pool_start (&pool, processes) == 0) {
        int64_t start = zclock_mono ();
        if (s_pool_ask (&pool, processes * OUTSTANDING) == 0)
            time = zclock_mono () - start;
    }
    if (time < 0)
        perror ("prime pool");
    return s_pool_stop (&pool) < 0 ? -1 : time;
}

int
main (int argc, char **argv)
{
    dividere_process_main (argc, argv, s_reactors);
    long processes = argc > 1 ? strtol (argv[1], NULL, 10) : 2;
    if (processes < 1 || processes > PROCESSES_MAX) {
        fprintf (stderr, "usage: %s [1..%d]\n", argv[0], PROCESSES_MAX);
        return 1;
    }
    int64_t alone = s_measure (1);
    int64_t together = alone < 0 ? -1 : s_measure ((int) processes);
    if (together < 0)
        return 1;
    printf ("%d questions: 1 process: %" PRId64 " ms, %ld processes: %" PRId64
            " ms, speed-up %.2f on %ld cores\n",
            QUESTIONS, alone, processes, together,
            (double) alone / (double) (together > 0 ? together : 1),
            sysconf (_SC_NPROCESSORS_ONLN));
    return 0;
}
