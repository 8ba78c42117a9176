/* SPDX-License-Identifier: Apache-2.0 */

/*  A proxy between clients and workers, which know only its address and not
 *  each other.
 *
 *  N clients are dealers at the frontend; each sends its jobs all at once. N
 *  workers are reactors, each with a dealer at the backend; the proxy hands the
 *  jobs round to them, and each answer to the client whose job it was.
 *
 *  Build: protoc-c --c_out=. guide.proto
 *         cc proxy.c guide.pb-c.c $(pkg-config --cflags --libs dividere)
 *  Run:   ./a.out [N]                                                       */

#include <dividere.h>
#include "guide.pb-c.h"

#define DEADLINE_MS 10000
#define PEERS_MAX   100
#define JOBS        20 /* of each client                                   */

typedef struct {
    uint32_t number;
    uint32_t served;
    zactor_t *reactor;
} worker_t;

/*  In the thread of the worker's reactor.                                   */
static int
on_job (dividere_context_t *context, const Job *job)
{
    worker_t *worker = (worker_t *) dividere_context_user (context);
    worker->served++;
    JobDone done = JOB_DONE__INIT;
    done.job = (Job *) job;
    done.worker = worker->number;
    return dividere_context_reply (context, &done.base) < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Job, job, on_job),
    DIVIDERE_HANDLER_END,
};

static int
s_worker_start (worker_t *self, const char *backend)
{
    dividere_reactor_config_t config = { .handlers = s_handlers, .user = self };
    self->reactor = zactor_new (dividere_reactor, &config);
    if (dividere_call (self->reactor, NULL, DEADLINE_MS, "ADD", "dealer",
                       backend, NULL) < 0)
        return -1;
    return dividere_call (self->reactor, NULL, DEADLINE_MS, "START", NULL);
}

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
s_send_jobs (dividere_connector_t *client, uint32_t number)
{
    Job job = JOB__INIT;
    job.client = number;
    for (job.number = 0; job.number < JOBS; job.number++)
        if (dividere_send (client, &job.base) < 0)
            return -1;
    return 0;
}

/*  Each job must be answered once, to its own client; EPROTO if not.        */
static int
s_check_answers (dividere_connector_t *client, uint32_t number)
{
    bool answered[JOBS] = { false };
    dividere_message_t *message = dividere_message_new ();
    int rc = 0;
    for (int i = 0; rc == 0 && i < JOBS; i++) {
        rc = dividere_recv_into (client, message, DEADLINE_MS);
        const JobDone *done = DIVIDERE_MESSAGE_AS (message, JobDone, job_done);
        const Job *job = done ? done->job : NULL;
        if (rc == 0 && (!job || job->client != number || job->number >= JOBS ||
                        answered[job->number])) {
            errno = EPROTO;
            rc = -1;
        }
        if (rc == 0)
            answered[job->number] = true;
    }
    dividere_message_destroy (&message);
    return rc;
}

static int
s_serve_clients (const char *frontend, uint32_t count)
{
    dividere_connector_t *clients[PEERS_MAX] = { NULL };
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        clients[i] = dividere_dealer_new (frontend, NULL);
        rc = clients[i] ? s_send_jobs (clients[i], i) : -1;
    }
    for (uint32_t i = 0; rc == 0 && i < count; i++)
        rc = s_check_answers (clients[i], i);
    if (rc < 0)
        perror ("clients");
    for (uint32_t i = 0; i < count; i++)
        dividere_connector_destroy (&clients[i]);
    return rc;
}

static int
s_run (zactor_t *proxy, worker_t *workers, uint32_t count)
{
    char *frontend = s_bind (proxy, "frontend");
    char *backend = frontend ? s_bind (proxy, "backend") : NULL;
    int rc = backend ? dividere_types_register (&job_done__descriptor) : -1;
    for (uint32_t i = 0; rc == 0 && i < count; i++)
        rc = s_worker_start (&workers[i], backend);
    if (rc < 0)
        perror ("proxy and workers");
    else
        rc = s_serve_clients (frontend, count);
    free (backend);
    free (frontend);
    return rc;
}

int
main (int argc, char **argv)
{
    long count = argc > 1 ? strtol (argv[1], NULL, 10) : 5;
    if (count < 1 || count > PEERS_MAX) {
        fprintf (stderr, "usage: %s [1..%d]\n", argv[0], PEERS_MAX);
        return 1;
    }
    worker_t workers[PEERS_MAX] = { { 0 } };
    for (uint32_t i = 0; i < count; i++)
        workers[i].number = i;

    zactor_t *proxy = zactor_new (dividere_proxy, NULL);
    int status = s_run (proxy, workers, (uint32_t) count) < 0;
    for (uint32_t i = 0; i < count; i++)
        status |= dividere_stop (&workers[i].reactor, DEADLINE_MS) < 0;
    status |= dividere_stop (&proxy, DEADLINE_MS) < 0;

    for (uint32_t i = 0; status == 0 && i < count; i++)
        printf ("worker %u served %u jobs\n", i, workers[i].served);
    if (status == 0)
        printf ("%ld clients: each got the answers to its %d jobs\n", count,
                JOBS);
    return status;
}
