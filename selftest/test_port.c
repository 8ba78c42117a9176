/* SPDX-License-Identifier: Apache-2.0 */

/*  Held ports: in one thread, in many, in many processes, and what libzmq can
 *  do with one.                                                             */

#include "selftest.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>
#include <dividere/port.h>

void test_port (void);
void test_port_threads (void);
void test_port_processes (void);
void test_port_libzmq (void);

#define PORTS 65536

/*  The first of a range of this size that no other test is likely to use: below
 *  the numbers that systems give to whoever does not care.                  */
static int
s_range (int size)
{
    uint64_t seed = (uint64_t) getpid () * 2654435761u;
    return 10000 + (int) (selftest_random (&seed) % (uint64_t) (20000 - size));
}

/*  Descriptors that a program started from here would inherit.              */
static int
s_inheritable (void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl (fd, F_GETFD) == 0;
    return count;
}

static void
s_check_choice (void)
{
    static bool seen[PORTS];
    dividere_port_t *ports[200];
    int inheritable = s_inheritable ();
    for (int i = 0; i < 200; i++) {
        ports[i] = dividere_port_new (0, 0);
        CHECK (ports[i]);
        int number = dividere_port_number (ports[i]);
        CHECK (number > 0 && number < PORTS && !seen[number]);
        seen[number] = true;
    }
    CHECK_INT (s_inheritable (), inheritable);
    for (int i = 0; i < 200; i++) {
        dividere_port_destroy (&ports[i]);
        CHECK (!ports[i]);
    }
    dividere_port_destroy (&ports[0]);
}

/*  Upwards until nothing is left; what is freed is the next one given.      */
static void
s_check_range (void)
{
    enum { SIZE = 20 };
    int first = s_range (SIZE), last = first + SIZE - 1;
    dividere_port_t *ports[SIZE + 1];
    int count = 0, previous = first - 1;
    while ((ports[count] = dividere_port_new (first, last))) {
        int number = dividere_port_number (ports[count]);
        CHECK (number > previous && number <= last);
        previous = number;
        CHECK (++count <= SIZE);
    }
    CHECK_INT (errno, EADDRINUSE);
    CHECK (count > 2);
    size_t fds = selftest_fds ();
    CHECK_FAILS (dividere_port_new (first, last), EADDRINUSE);
    CHECK_INT (selftest_fds (), fds);

    int number = dividere_port_number (ports[count / 2]);
    dividere_port_destroy (&ports[count / 2]);
    ports[count / 2] = dividere_port_new (first, last);
    CHECK (ports[count / 2]);
    CHECK_INT (dividere_port_number (ports[count / 2]), number);
    for (int i = 0; i < count; i++)
        dividere_port_destroy (&ports[i]);
}

/*  Whether the number can be held now.                                      */
static bool
s_is_free (int number)
{
    dividere_port_t *port = dividere_port_new (number, number);
    bool held = port != NULL;
    CHECK (held || errno == EADDRINUSE);
    dividere_port_destroy (&port);
    return held;
}

/*  Somebody else who has bound the port and does not listen yet, as libzmq for
 *  a moment; a holder that has the lock only.                               */
static void
s_check_others (void)
{
    int first = s_range (20);
    dividere_port_t *port = dividere_port_new (first, first + 19);
    CHECK (port);
    int number = dividere_port_number (port), yes = 1;
    dividere_port_destroy (&port);

    int other = socket (AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons ((uint16_t) number) };
    CHECK_INT (setsockopt (other, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof (yes)),
               0);
    CHECK_INT (bind (other, (struct sockaddr *) &address, sizeof (address)), 0);
    CHECK (!s_is_free (number));
    close (other);
    CHECK (s_is_free (number));

    other = socket (AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int length = snprintf (name.sun_path + 1, sizeof (name.sun_path) - 1,
                           "dividere-port-%d", number);
    size_t size = offsetof (struct sockaddr_un, sun_path) + 1 + (size_t) length;
    CHECK_INT (bind (other, (struct sockaddr *) &name, (socklen_t) size), 0);
    CHECK (!s_is_free (number));
    close (other);
    CHECK (s_is_free (number));
}

void
test_port (void)
{
    const int bad[][2] = { { 0, 1 },         { 1, 0 },          { -1, 5 },
                           { -5, -1 },       { 6000, 5999 },    { 5101, 65536 },
                           { 65536, 65536 }, { 65537, 131072 }, { 0, -1 } };
    for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++)
        CHECK_FAILS (dividere_port_new (bad[i][0], bad[i][1]), EINVAL);
    s_check_choice ();
    s_check_range ();
    s_check_others ();
}

#define THREADS     8
#define THREAD_HELD 50

static atomic_bool s_held[PORTS];
static int s_first;

/*  Holds and frees at random, of the system's choice and of one range.      */
static void *
s_hold (void *arg)
{
    uint64_t seed = (uint64_t) (uintptr_t) arg;
    dividere_port_t *ports[THREAD_HELD] = { NULL };
    size_t turns = selftest_scaled (8 * THREAD_HELD);
    for (size_t i = 0; i < turns + THREAD_HELD; i++) {
        size_t at =
            i < turns ? selftest_random (&seed) % THREAD_HELD : i - turns;
        if (ports[at]) {
            atomic_store (&s_held[dividere_port_number (ports[at])], false);
            dividere_port_destroy (&ports[at]);
        }
        else if (i < turns) {
            bool any = selftest_random (&seed) % 2;
            ports[at] = any ? dividere_port_new (0, 0)
                            : dividere_port_new (s_first, s_first + 999);
            CHECK (ports[at]);
            int number = dividere_port_number (ports[at]);
            CHECK (!atomic_exchange (&s_held[number], true));
        }
    }
    return NULL;
}

/*  Two ports for two threads that hold one at a time: there is always one.  */
static void *
s_alternate (void *arg)
{
    size_t turns = selftest_scaled (30000);
    for (size_t i = 0; i < turns; i++) {
        dividere_port_t *port = dividere_port_new (s_first, s_first + 1);
        CHECK (port);
        dividere_port_destroy (&port);
    }
    return NULL;
}

static void
s_run_threads (void *(*run) (void *), int count)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < count; i++)
        CHECK_INT (pthread_create (&threads[i], NULL, run,
                                   (void *) (uintptr_t) (i + 1)),
                   0);
    for (int i = 0; i < count; i++)
        pthread_join (threads[i], NULL);
}

void
test_port_threads (void)
{
    s_first = s_range (1000);
    s_run_threads (s_hold, THREADS);
    s_run_threads (s_alternate, 2);
}

#define CHILDREN   6
#define CHILD_HELD 20

/*  What a child does: holds ports, tells their numbers, and ends, without
 *  freeing any, when the other end of its input is closed.                  */
static void
s_child (int first, int in, int out)
{
    int numbers[CHILD_HELD];
    for (int i = 0; i < CHILD_HELD; i++) {
        dividere_port_t *port =
            dividere_port_new (first, first + 2 * CHILDREN * CHILD_HELD);
        CHECK (port);
        numbers[i] = dividere_port_number (port);
    }
    CHECK_INT (write (out, numbers, sizeof (numbers)), sizeof (numbers));
    char byte;
    CHECK_INT (read (in, &byte, 1), 0);
    _exit (0);
}

static pid_t
s_start_child (int first, const int in[2], const int out[2])
{
    pid_t pid = fork ();
    CHECK (pid >= 0);
    if (pid == 0) {
        close (in[1]);
        close (out[0]);
        s_child (first, in[0], out[1]);
    }
    return pid;
}

void
test_port_processes (void)
{
    static bool seen[PORTS];
    int first = s_range (2 * CHILDREN * CHILD_HELD + 1);
    int in[2], out[2];
    CHECK_INT (pipe (in), 0);
    CHECK_INT (pipe (out), 0);
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++)
        children[i] = s_start_child (first, in, out);
    close (in[0]);
    close (out[1]);

    /* What a child writes is short enough to arrive in one piece. They come in
     * any order.                                                            */
    int numbers[CHILDREN][CHILD_HELD];
    for (int i = 0; i < CHILDREN; i++) {
        CHECK_INT (read (out[0], numbers[i], sizeof (numbers[i])),
                   sizeof (numbers[i]));
        for (int j = 0; j < CHILD_HELD; j++) {
            CHECK (!seen[numbers[i][j]]);
            seen[numbers[i][j]] = true;
            CHECK (!s_is_free (numbers[i][j]));
        }
    }
    /* Killed, one frees its ports and the others keep theirs.               */
    int status;
    CHECK_INT (kill (children[0], SIGKILL), 0);
    CHECK_INT (waitpid (children[0], &status, 0), children[0]);
    int freed = 0;
    for (int i = 0; i < CHILDREN; i++)
        freed += s_is_free (numbers[i][0]);
    CHECK_INT (freed, 1);

    close (in[1]);
    close (out[0]);
    for (int i = 1; i < CHILDREN; i++) {
        CHECK_INT (waitpid (children[i], &status, 0), children[i]);
        CHECK_INT (status, 0);
    }
}

/*  A socket that listens at the port, of which the caller knows the number. */
static void *
s_listen (void *context, const char *host, int number)
{
    char endpoint[64];
    snprintf (endpoint, sizeof (endpoint), "tcp://%s:%d", host, number);
    void *socket = zmq_socket (context, ZMQ_PULL);
    CHECK (socket);
    int deadline = SELFTEST_DEADLINE;
    zmq_setsockopt (socket, ZMQ_RCVTIMEO, &deadline, sizeof (deadline));
    CHECK_INT (zmq_bind (socket, endpoint), 0);
    return socket;
}

/*  What is sent to the port arrives at the one who listens.                 */
static void
s_check_reached (void *context, void *listener, int number)
{
    char endpoint[64], message[8] = "";
    snprintf (endpoint, sizeof (endpoint), "tcp://127.0.0.1:%d", number);
    void *sender = zmq_socket (context, ZMQ_PUSH);
    CHECK (sender);
    CHECK_INT (zmq_connect (sender, endpoint), 0);
    CHECK_INT (zmq_send (sender, "hello", 5, 0), 5);
    CHECK_INT (zmq_recv (listener, message, sizeof (message), 0), 5);
    CHECK_STR (message, "hello");
    zmq_close (sender);
}

void
test_port_libzmq (void)
{
    const char *hosts[] = { "127.0.0.1", "*" };
    for (int i = 0; i < 2; i++) {
        int first = s_range (40);
        dividere_port_t *port = dividere_port_new (first, first + 19);
        CHECK (port);
        int number = dividere_port_number (port);
        void *context = zmq_ctx_new ();
        CHECK (context);
        void *listener = s_listen (context, hosts[i], number);
        CHECK (!s_is_free (number));

        /* Bound, closed, bound again: held all the time.                    */
        zmq_close (listener);
        CHECK (!s_is_free (number));
        zmq_ctx_term (context);
        CHECK (!s_is_free (number));
        context = zmq_ctx_new ();
        CHECK (context);
        listener = s_listen (context, hosts[i], number);
        s_check_reached (context, listener, number);

        /* No longer held, but in use: skipped.                              */
        dividere_port_destroy (&port);
        CHECK (!s_is_free (number));
        port = dividere_port_new (number, number + 19);
        CHECK (port);
        CHECK (dividere_port_number (port) > number);
        dividere_port_destroy (&port);
        zmq_close (listener);
        zmq_ctx_term (context);
    }
}
