/* SPDX-License-Identifier: Apache-2.0                                       */

/*  Who answers: a worker of brokers, a service, a response behind a proxy. Each
 *  notes what it executes before it answers, as a line of a file that all
 *  append to: who asked, the number, the process that did it, and "c", for a
 *  process that never executes the same twice.                              */

#include <fcntl.h>
#include <unistd.h>
#include <dividere.h>
#include "selftest.h"
#include "network.h"

#define SLOW_EVERY 4 /* some take a while: kills shall hit them              */
#define POLL_MS    5 /* between two looks of a responder                     */
#define LEASE_MS   "1000" /* at name servers                                 */

typedef struct {
    const char *name;
    int notes;
} server_t;

static void
s_init (server_t *self, char **args)
{
    self->name = args[0];
    self->notes =
        open (args[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    CHECK (self->notes >= 0);
    CHECK_INT (dividere_types_register (&test_msg01__descriptor), 0);
}

/*  Notes it, and makes the answer in text.                                  */
static void
s_execute (const server_t *self, const TestMsg01 *request, char *text,
           TestMsg01 *answer)
{
    char note[NETWORK_NAME_MAX + 100];
    int size = snprintf (note, sizeof (note), "%.*s %d %d c\n",
                         (int) strcspn (request->field1, " "), request->field1,
                         (int) request->field2, (int) getpid ());
    CHECK (size > 0 && (size_t) size < sizeof (note));
    CHECK_INT (write (self->notes, note, (size_t) size), size);
    if (request->field2 % SLOW_EVERY == 0)
        selftest_pause ();
    size =
        snprintf (text, NETWORK_TEXT_MAX, "%s %s", request->field1, self->name);
    CHECK (size > 0 && size < NETWORK_TEXT_MAX);
    test_msg01__init (answer);
    answer->field1 = text;
    answer->field2 = -request->field2;
}

static int
s_on_request (dividere_context_t *context, const TestMsg01 *request)
{
    const server_t *self = (const server_t *) dividere_context_user (context);
    TestMsg01 answer;
    char text[NETWORK_TEXT_MAX];
    s_execute (self, request, text, &answer);
    return dividere_context_reply (context, &answer.base) < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (TestMsg01, test_msg01, s_on_request), DIVIDERE_HANDLER_END
};

/*  It remembers all that it has done, so that it never does it again.       */
static void
s_start (zactor_t *actor)
{
    network_call (actor, "SET", "threads", "2");
    network_call (actor, "SET", "window", "1000000");
    network_call (actor, "SET", "window_bytes", "1000000000");
    network_call (actor, "START", NULL, NULL);
    network_tell ("ready");
}

static void
s_serve (server_t *self, zactor_t *actor)
{
    while (network_wait (NULL, -1, -1) != NETWORK_END)
        continue;
    CHECK_INT (dividere_stop (&actor, SELFTEST_DEADLINE), 0);
    close (self->notes);
}

void
network_worker (char **args)
{
    server_t self;
    s_init (&self, args);
    dividere_worker_config_t config = { .handlers = s_handlers, .user = &self };
    zactor_t *worker = zactor_new (dividere_worker, &config);
    network_call (worker, "SET", "credit", "8");
    for (char **backend = args + 2; *backend; backend++)
        network_call (worker, "CONNECT", *backend, NULL);
    s_start (worker);
    s_serve (&self, worker);
}

void
network_service (char **args)
{
    server_t self;
    s_init (&self, args);
    dividere_service_config_t config = { .handlers = s_handlers,
                                         .user = &self };
    zactor_t *service = zactor_new (dividere_service, &config);
    char endpoint[100];
    snprintf (endpoint, sizeof (endpoint), "tcp://%s:*", args[3]);
    network_call (service, "SET", "name", args[2]);
    network_call (service, "SET", "lease", LEASE_MS);
    for (char **names = args + 4; names[0] && names[1]; names += 2)
        network_call (service, "CONNECT", names[0], names[1]);
    network_call (service, "BIND", endpoint, NULL);
    s_start (service);
    s_serve (&self, service);
}

/*  ---- Behind a proxy ----                                                 */

static void
s_answer (const server_t *self, dividere_connector_t *response,
          const dividere_message_t *message)
{
    const TestMsg01 *request =
        DIVIDERE_MESSAGE_AS (message, TestMsg01, test_msg01);
    CHECK (request);
    TestMsg01 answer;
    char text[NETWORK_TEXT_MAX];
    s_execute (self, request, text, &answer);
    if (dividere_send_to (response, NULL, &answer.base, 0) < 0)
        CHECK (errno == EAGAIN || errno == EHOSTUNREACH);
}

void
network_responder (char **args)
{
    server_t self;
    s_init (&self, args);
    dividere_connector_t *response = dividere_response_new (args[2], NULL);
    CHECK (response);
    dividere_message_t *message = dividere_message_new ();
    network_tell ("ready");
    bool ended = false;
    while (!ended) {
        while (dividere_recv_into (response, message, 0) == 0)
            s_answer (&self, response, message);
        CHECK (errno == EAGAIN || errno == EINTR);
        ended = network_wait (NULL, -1, POLL_MS) == NETWORK_END;
    }
    dividere_message_destroy (&message);
    dividere_connector_destroy (&response);
    close (self.notes);
}
