/* SPDX-License-Identifier: Apache-2.0 */

/*  The children of workers.h. What they share with the test is under a mutex,
 *  but the gate.                                                            */

#include "selftest.h"
#include "workers.h"
#include <pthread.h>
#include <semaphore.h>
#include <dividere/log.h>

static pthread_mutex_t s_mutex = PTHREAD_MUTEX_INITIALIZER;
static char s_traced[2000];
static char s_logged[8000];
static int s_passes; /* how often PASS succeeds                            */
static sem_t s_gate; /* what STICK waits for                               */

static void
s_append (char *text, size_t size, const char *more)
{
    pthread_mutex_lock (&s_mutex);
    size_t length = strlen (text);
    snprintf (text + length, size - length, "%s%s", length ? " " : "", more);
    pthread_mutex_unlock (&s_mutex);
}

static void
s_trace (char sign, const char *name)
{
    char text[50];
    snprintf (text, sizeof (text), "%c%s", sign, name);
    s_append (s_traced, sizeof (s_traced), text);
}

const char *
workers_traces (void)
{
    static char s_text[sizeof (s_traced)];
    pthread_mutex_lock (&s_mutex);
    memcpy (s_text, s_traced, sizeof (s_text));
    s_traced[0] = 0;
    pthread_mutex_unlock (&s_mutex);
    return s_text;
}

static void
s_keep_line (dividere_log_level_t level, const char *line, void *arg)
{
    s_append (s_logged, sizeof (s_logged), line);
}

bool
workers_was_logged (const char *text)
{
    pthread_mutex_lock (&s_mutex);
    bool found = strstr (s_logged, text);
    pthread_mutex_unlock (&s_mutex);
    return found;
}

void
workers_allow (int times)
{
    pthread_mutex_lock (&s_mutex);
    s_passes = times;
    pthread_mutex_unlock (&s_mutex);
}

static bool
s_pass (void)
{
    pthread_mutex_lock (&s_mutex);
    bool passed = s_passes > 0 && s_passes--;
    pthread_mutex_unlock (&s_mutex);
    return passed;
}

static void
s_wait_gate (void)
{
    while (sem_wait (&s_gate) < 0)
        CHECK_INT (errno, EINTR);
}

void
workers_stick (dividere_context_t *context)
{
    s_wait_gate ();
    workers_open ();
}

void
workers_open (void)
{
    CHECK_INT (sem_post (&s_gate), 0);
}

void
workers_keep_log (bool on)
{
    dividere_log_set (on ? DIVIDERE_LOG_ERROR : DIVIDERE_LOG_NONE,
                      on ? s_keep_line : NULL, NULL);
}

/*  Executes a command: tag, name, arguments. False: the worker ends.        */
static bool
s_execute (zsock_t *pipe, zmsg_t *frames)
{
    char *tag = zmsg_popstr (frames), *name = zmsg_popstr (frames);
    bool ending = streq (name, "END");
    bool mute =
        streq (name, "MUTE") || (streq (name, "HESITATE") && !s_pass ());
    if (streq (name, "STICK"))
        s_wait_gate ();
    int status = streq (name, "REFUSE") || (streq (name, "PASS") && !s_pass ())
                     ? EPERM
                     : 0;
    if (streq (name, "NONSENSE"))
        zmsg_pushstr (frames, "nonsense");
    else
        zmsg_pushstrf (frames, "%d", status);
    zmsg_pushstr (frames, tag);
    if (!ending && !mute)
        zmsg_send (&frames, pipe);
    zmsg_destroy (&frames);
    free (tag);
    free (name);
    return !ending;
}

void
workers_actor (zsock_t *pipe, void *args)
{
    const char *name = (const char *) args;
    s_trace ('+', name);
    zsock_signal (pipe, 0);
    zmsg_t *frames;
    while ((frames = zmsg_recv (pipe))) {
        if (zframe_streq (zmsg_first (frames), "$TERM")) {
            s_trace ('-', name);
            break;
        }
        if (!s_execute (pipe, frames)) {
            s_trace ('!', name);
            return;
        }
    }
    zmsg_destroy (&frames);
}

void
workers_crasher (zsock_t *pipe, void *args)
{
    zsock_signal (pipe, 0);
    s_trace ('!', (const char *) args);
}

zactor_t *
workers_new (const dividere_supervisor_config_t *config)
{
    CHECK_INT (sem_init (&s_gate, 0, 0), 0);
    s_traced[0] = s_logged[0] = 0;
    return zactor_new (dividere_supervisor, (void *) config);
}

int
workers_say (zactor_t *supervisor, const char *command)
{
    return dividere_call (supervisor, NULL, SELFTEST_DEADLINE, command, NULL);
}

int
workers_tell (zactor_t *supervisor, const char *child, const char *command)
{
    return dividere_call (supervisor, NULL, SELFTEST_DEADLINE, "CALL", child,
                          command, NULL);
}

const char *
workers_ask (zactor_t *supervisor, const char *command)
{
    static char s_text[4000];
    zmsg_t *reply = NULL;
    CHECK_INT (dividere_call (supervisor, &reply, SELFTEST_DEADLINE, command,
                              NULL),
               0);
    s_text[0] = 0;
    size_t length = 0;
    char *value;
    while ((value = zmsg_popstr (reply))) {
        length += (size_t) snprintf (s_text + length, sizeof (s_text) - length,
                                     "%s%s", length ? " " : "", value);
        CHECK (length < sizeof (s_text));
        free (value);
    }
    zmsg_destroy (&reply);
    return s_text;
}

void
workers_end (zactor_t **supervisor_p)
{
    CHECK_INT (dividere_stop (supervisor_p, SELFTEST_DEADLINE), 0);
}
