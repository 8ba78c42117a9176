/* SPDX-License-Identifier: Apache-2.0 */

/*  Held ports: never two of one number, among threads and processes, and
 *  libzmq can take one over.                                                */

#include "selftest.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <czmq.h>
#include <dividere.h>

void test_port (void);
void test_port_threads (void);
void test_port_processes (void);
void test_port_libzmq (void);

#define HELD 100

void
test_port (void)
{
    CHECK_FAILS (dividere_port_new (1, 65536), EINVAL);
    CHECK_FAILS (dividere_port_new (0, 10), EINVAL);
    CHECK_FAILS (dividere_port_new (10, 9), EINVAL);
    dividere_port_t *ports[HELD];
    for (int i = 0; i < HELD; i++) {
        ports[i] = dividere_port_new (0, 0);
        CHECK (ports[i]);
        for (int j = 0; j < i; j++)
            CHECK (dividere_port_number (ports[i]) !=
                   dividere_port_number (ports[j]));
    }
    int number = dividere_port_number (ports[0]);
    CHECK_FAILS (dividere_port_new (number, number), EADDRINUSE);
    dividere_port_destroy (&ports[0]);
    dividere_port_destroy (&ports[0]);
    ports[0] = dividere_port_new (number, number);
    CHECK (ports[0]);
    CHECK_INT (dividere_port_number (ports[0]), number);
    for (int i = 0; i < HELD; i++)
        dividere_port_destroy (&ports[i]);
    dividere_port_t *service = dividere_port_new (DIVIDERE_PORT_SERVICE_MIN,
                                                  DIVIDERE_PORT_SERVICE_MAX);
    CHECK (service);
    number = dividere_port_number (service);
    CHECK (number >= DIVIDERE_PORT_SERVICE_MIN &&
           number <= DIVIDERE_PORT_SERVICE_MAX);
    dividere_port_destroy (&service);
}

#define THREADS 8
#define EACH    40

/*  A number is marked while it is held.                                     */
static _Atomic int s_held[65536];

static void *
s_hold_some (void *arg)
{
    dividere_port_t *ports[EACH];
    for (int i = 0; i < EACH; i++) {
        ports[i] = i % 2 ? dividere_port_new (0, 0)
                         : dividere_port_new (DIVIDERE_PORT_SERVICE_MIN,
                                              DIVIDERE_PORT_SERVICE_MAX);
        CHECK (ports[i]);
        CHECK_INT (s_held[dividere_port_number (ports[i])]++, 0);
    }
    for (int i = 0; i < EACH; i++) {
        s_held[dividere_port_number (ports[i])]--;
        dividere_port_destroy (&ports[i]);
    }
    return NULL;
}

void
test_port_threads (void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_INT (pthread_create (&threads[i], NULL, s_hold_some, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join (threads[i], NULL);
}

#define PROCESSES 6

/*  A child: holds EACH of a range, tells their numbers, waits to be killed.  */
static void
s_hold_in_child (int out)
{
    for (int i = 0; i < EACH; i++) {
        dividere_port_t *port = dividere_port_new (DIVIDERE_PORT_SERVICE_MIN,
                                                   DIVIDERE_PORT_SERVICE_MAX);
        int number = port ? dividere_port_number (port) : 0;
        if (write (out, &number, sizeof (number)) != sizeof (number))
            _exit (1);
    }
    pause ();
    _exit (0);
}

void
test_port_processes (void)
{
    pid_t children[PROCESSES];
    int pipes[2];
    CHECK_INT (pipe (pipes), 0);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork ();
        if (children[i] == 0)
            s_hold_in_child (pipes[1]);
        CHECK (children[i] > 0);
    }
    bool seen[65536] = { false };
    int number = 0;
    for (int i = 0; i < PROCESSES * EACH; i++) {
        CHECK_INT (read (pipes[0], &number, sizeof (number)), sizeof (number));
        CHECK (number && !seen[number]);
        seen[number] = true;
    }
    CHECK_FAILS (dividere_port_new (number, number), EADDRINUSE);
    for (int i = 0; i < PROCESSES; i++) {
        kill (children[i], SIGKILL);
        CHECK_INT (waitpid (children[i], NULL, 0), children[i]);
    }
    /* The numbers of the killed are free.                                   */
    dividere_port_t *port = dividere_port_new (number, number);
    CHECK (port);
    dividere_port_destroy (&port);
    close (pipes[0]);
    close (pipes[1]);
}

void
test_port_libzmq (void)
{
    dividere_port_t *port = dividere_port_new (0, 0);
    int number = dividere_port_number (port);
    char *endpoint = zsys_sprintf ("@tcp://127.0.0.1:%d", number);
    dividere_connector_t *response = dividere_response_new (endpoint, NULL);
    CHECK (response);
    CHECK_FAILS (dividere_port_new (number, number), EADDRINUSE);
    dividere_port_destroy (&port);
    CHECK_FAILS (dividere_port_new (number, number), EADDRINUSE);
    dividere_connector_t *request = dividere_request_new (endpoint + 1, NULL);
    CHECK_INT (dividere_connector_send (request, "x", 1), 0);
    CHECK_INT (dividere_connector_wait (response, SELFTEST_DEADLINE), 0);
    dividere_connector_destroy (&request);
    dividere_connector_destroy (&response);
    free (endpoint);
}
