/* SPDX-License-Identifier: Apache-2.0 */

/*  The test runner: every class has one entry in the table, each entry runs in
 *  a process of its own, so that a crash or a hang is one failed test and
 *  nothing leaks from one into the next.
 *
 *  dividere_selftest [--verbose] [--continue]     all tests
 *  dividere_selftest --list
 *  dividere_selftest --test NAME                                            */

#include "selftest.h"
#include <sys/wait.h>
#include <unistd.h>
#include <sodium.h>
#include <dividere.h>
#include "reactors.h"

#define TEST(name) void test_##name (void);
#include "tests.def"
#undef TEST

/*  Programs of their own, run by tests of processes.                        */
void test_process_parent (void);
void test_process_endless (void);
void test_chaos_worker (void);
void test_service_child (void);

typedef struct {
    const char *name;
    void (*run) (void);
} test_t;

static const test_t s_tests[] = {
#define TEST(name) { #name, test_##name },
#include "tests.def"
#undef TEST
};

#define LEAK_MS 5000 /* for libzmq to close what was destroyed            */

#define TEST_COUNT (sizeof (s_tests) / sizeof (s_tests[0]))

/*  Not in the list: the first two prove that a failure and a leak fail.     */
static void
s_test_failing (void)
{
    CHECK_INT (1, 2);
}

static void
s_test_leaking (void)
{
    CHECK (dup (0) >= 0);
}

static const test_t s_unlisted[] = { { "failing", s_test_failing },
                                     { "leaking", s_test_leaking },
                                     { "process_parent", test_process_parent },
                                     { "chaos_worker", test_chaos_worker },
                                     { "service_child", test_service_child } };

#define UNLISTED_COUNT (sizeof (s_unlisted) / sizeof (s_unlisted[0]))

static const test_t *
s_find (const char *name)
{
    for (size_t i = 0; i < TEST_COUNT; i++)
        if (strcmp (s_tests[i].name, name) == 0)
            return &s_tests[i];
    for (size_t i = 0; i < UNLISTED_COUNT; i++)
        if (strcmp (s_unlisted[i].name, name) == 0)
            return &s_unlisted[i];
    return NULL;
}

/*  Sockets that CZMQ makes have no linger else, and then libzmq can abort while
 *  both sides close (src/socket.c).                                         */
#define LINGER_MS 200

/*  What a test must leave as it found it. The first socket of a process brings
 *  the context of CZMQ with it, so that is made before counting.            */
static void
s_run_here (const test_t *test)
{
    int major, minor, patch;
    dividere_version (&major, &minor, &patch);
    zsys_set_linger (LINGER_MS);
    zsock_t *first = zsock_new (ZMQ_PAIR);
    size_t fds = selftest_fds ();
    size_t threads = selftest_threads ();
    test->run ();
    SELFTEST_WAIT (selftest_threads () <= threads, LEAK_MS);
    SELFTEST_WAIT (selftest_fds () <= fds, LEAK_MS);
    zsock_destroy (&first);
}

/*  0 passed, 77 skipped, anything else failed.                              */
static int
s_run_in_child (const test_t *test)
{
    fflush (NULL);
    pid_t pid = fork ();
    if (pid == 0) {
        char program[4096];
        ssize_t length =
            readlink ("/proc/self/exe", program, sizeof (program) - 1);
        if (length < 0)
            _exit (1);
        program[length] = 0;
        execl (program, program, "--test", test->name,
               selftest_verbose ? "--verbose" : NULL, NULL);
        _exit (1);
    }
    int status = 0;
    while (pid > 0 && waitpid (pid, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    return pid > 0 && WIFEXITED (status) ? WEXITSTATUS (status) : 1;
}

static int
s_run_all (bool go_on)
{
    size_t passed = 0, failed = 0, skipped = 0;
    for (size_t i = 0; i < TEST_COUNT && (go_on || !failed); i++) {
        int status = s_run_in_child (&s_tests[i]);
        printf ("%s %s\n",
                status == 0    ? "ok      "
                : status == 77 ? "skipped "
                               : "FAILED  ",
                s_tests[i].name);
        passed += status == 0;
        skipped += status == 77;
        failed += status != 0 && status != 77;
    }
    printf ("%zu passed, %zu failed, %zu skipped\n", passed, failed, skipped);
    return failed ? 1 : 0;
}

static int
s_usage (FILE *out, int status)
{
    fprintf (out, "usage: dividere_selftest [--list | --test NAME] "
                  "[--verbose] [--continue]\n");
    return status;
}

int
main (int argc, char **argv)
{
    /* A program that has forgotten the call, whatever its arguments.        */
    if (getenv ("DIVIDERE_SELFTEST_ENDLESS")) {
        test_process_endless ();
        return 0;
    }
    dividere_process_main (argc, argv, selftest_reactors);
    const char *name = NULL;
    bool go_on = false, list = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp (argv[i], "--verbose") == 0)
            selftest_verbose = true;
        else if (strcmp (argv[i], "--continue") == 0)
            go_on = true;
        else if (strcmp (argv[i], "--list") == 0)
            list = true;
        else if (strcmp (argv[i], "--test") == 0 && i + 1 < argc)
            name = argv[++i];
        else if (strcmp (argv[i], "--help") == 0)
            return s_usage (stdout, 0);
        else
            return s_usage (stderr, 2);
    }
    if (list) {
        for (size_t i = 0; i < TEST_COUNT; i++)
            puts (s_tests[i].name);
        return 0;
    }
    if (!name)
        return s_run_all (go_on);
    const test_t *test = s_find (name);
    if (!test) {
        fprintf (stderr, "no test is called \"%s\"\n", name);
        return 1;
    }
    s_run_here (test);
    return 0;
}
