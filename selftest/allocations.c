/* SPDX-License-Identifier: Apache-2.0 */

/*  What is allocated per message once things are under way: by a thread that
 *  sends one block, libzmq's for the frame; by a reactor's thread nothing. A
 *  program of its own, since it counts all calls of malloc in its process.   */

#include "selftest.h"
#include <stdatomic.h>
#include <dividere.h>
#include "test.pb-c.h"

#define WARM  2000
#define COUNT 20000
#define FEW   (COUNT / 100) /* libzmq's queues grow, a turn may need a timer  */

void *__libc_malloc (size_t size);
void *__libc_calloc (size_t count, size_t size);
void *__libc_realloc (void *old, size_t size);

static _Thread_local size_t s_calls;

void *
malloc (size_t size)
{
    s_calls++;
    return __libc_malloc (size);
}

void *
calloc (size_t count, size_t size)
{
    s_calls++;
    return __libc_calloc (count, size);
}

void *
realloc (void *old, size_t size)
{
    s_calls++;
    return __libc_realloc (old, size);
}

typedef struct {
    size_t handled;
    size_t before; /* calls until the first message that counts              */
    atomic_size_t during;
    atomic_bool done;
} seen_t;

static int
on_message (dividere_context_t *context, const Msg01 *message)
{
    seen_t *self = (seen_t *) dividere_context_user (context);
    CHECK (strlen (message->content) > 0);
    if (++self->handled == WARM)
        self->before = s_calls;
    if (self->handled == WARM + COUNT) {
        self->during = s_calls - self->before;
        self->done = true;
    }
    return 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Msg01, msg01, on_message),
    DIVIDERE_HANDLER_END,
};

static void
s_call (zactor_t *actor, const char *command, const char *first,
        const char *second, char **ret_last)
{
    zmsg_t *values = NULL;
    CHECK_INT (dividere_call (actor, &values, SELFTEST_DEADLINE, command, first,
                              second, NULL),
               0);
    if (ret_last)
        *ret_last = zframe_strdup (zmsg_last (values));
    zmsg_destroy (&values);
}

int
main (void)
{
    seen_t seen = { 0 };
    const dividere_reactor_config_t config = { .handlers = s_handlers,
                                               .user = &seen };
    char *endpoint;
    zactor_t *reactor = zactor_new (dividere_reactor, (void *) &config);
    s_call (reactor, "ADD", "dealer", "@tcp://127.0.0.1:*", &endpoint);
    s_call (reactor, "START", NULL, NULL, NULL);
    char *address = zsys_sprintf (">%s", strstr (endpoint, "tcp://"));
    dividere_connector_t *out = dividere_dealer_new (address, NULL);
    CHECK (out);
    Msg01 message = MSG01__INIT;
    message.content = (char *) (uintptr_t) "something to be read and forgotten";
    size_t before = 0;
    for (size_t i = 0; i < WARM + COUNT; i++) {
        if (i == WARM)
            before = s_calls;
        CHECK_INT (dividere_send (out, &message.base), 0);
    }
    size_t sending = s_calls - before;
    CHECK_EVENTUALLY (seen.done);
    printf ("%d messages: %zu allocations by who sends, %zu by the reactor\n",
            COUNT, sending, (size_t) seen.during);
    CHECK (sending <= COUNT + FEW);
    CHECK (seen.during <= FEW);
    dividere_connector_destroy (&out);
    CHECK_INT (dividere_stop (&reactor, SELFTEST_DEADLINE), 0);
    free (endpoint);
    free (address);
    return 0;
}
