/* SPDX-License-Identifier: Apache-2.0 */

/*  A broker, two workers and a client that has many requests under way.
 *
 *  All are threads of this program here; each may be a program of its own, on
 *  another host, and there may be any number of each. job_farm.c has them as
 *  processes, and kills a worker.
 *
 *  Build: protoc-c --c_out=. guide.proto
 *         cc balance.c guide.pb-c.c $(pkg-config --cflags --libs dividere)   */

#include <dividere.h>
#include "guide.pb-c.h"

#define DEADLINE_MS 10000
#define WORKERS     2
#define JOBS        5000

static int
on_job (dividere_context_t *context, const Job *job)
{
    JobDone done = JOB_DONE__INIT;
    Job same = *job;
    done.job = &same;
    done.worker = *(uint32_t *) dividere_context_user (context);
    return dividere_context_reply (context, &done.base) < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Job, job, on_job),
    DIVIDERE_HANDLER_END,
};

/*  A command that must succeed; its one value, which the caller frees.       */
static char *
s_call (zactor_t *actor, const char *command, const char *first,
        const char *second)
{
    zmsg_t *reply = NULL;
    if (dividere_call (actor, &reply, DEADLINE_MS, command, first, second,
                       NULL) < 0) {
        fprintf (stderr, "%s %s: %s\n", command, first ? first : "",
                 strerror (errno));
        exit (1);
    }
    char *value = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return value;
}

/*  Sends all, then receives each answer as it comes. How many failed.        */
static int
s_ask (dividere_client_t *client)
{
    int answered = 0, of_worker[WORKERS] = { 0 };
    for (uint32_t i = 0; i < JOBS; i++) {
        uint64_t number;
        Job job = JOB__INIT;
        job.number = i;
        if (dividere_client_send (client, &job.base, NULL, &number) < 0)
            perror ("send");
    }
    dividere_message_t *message = dividere_message_new ();
    dividere_result_t result;
    while (dividere_client_recv (client, message, &result, -1) == 0) {
        const JobDone *done = DIVIDERE_MESSAGE_AS (message, JobDone, job_done);
        if (result.error || !done)
            fprintf (stderr, "request %d: %s\n", (int) result.number,
                     strerror (result.error));
        else {
            answered++;
            of_worker[done->worker]++;
        }
    }
    dividere_message_destroy (&message);
    printf ("%d jobs, %d answered: %d by the first worker, %d by the second\n",
            JOBS, answered, of_worker[0], of_worker[1]);
    return JOBS - answered;
}

int
main (void)
{
    zactor_t *broker = zactor_new (dividere_broker, NULL);
    char *frontend = s_call (broker, "BIND", "frontend", "tcp://127.0.0.1:*");
    char *backend = s_call (broker, "BIND", "backend", "tcp://127.0.0.1:*");
    uint32_t numbers[WORKERS];
    zactor_t *workers[WORKERS];
    for (uint32_t i = 0; i < WORKERS; i++) {
        numbers[i] = i;
        dividere_worker_config_t config = { .handlers = s_handlers,
                                            .user = &numbers[i] };
        workers[i] = zactor_new (dividere_worker, &config);
        free (s_call (workers[i], "CONNECT", backend, NULL));
        free (s_call (workers[i], "START", NULL, NULL));
    }

    dividere_client_options_t options = DIVIDERE_CLIENT_OPTIONS_INIT;
    options.deadline_ms = DEADLINE_MS;
    dividere_types_register (&job_done__descriptor);
    dividere_client_t *client = dividere_client_new (frontend, &options);
    int status = client && s_ask (client) == 0 ? 0 : 1;

    dividere_client_destroy (&client);
    for (int i = 0; i < WORKERS; i++)
        if (dividere_stop (&workers[i], DEADLINE_MS) < 0)
            status = 1;
    if (dividere_stop (&broker, DEADLINE_MS) < 0)
        status = 1;
    free (frontend);
    free (backend);
    return status;
}
