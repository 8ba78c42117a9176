/* SPDX-License-Identifier: Apache-2.0 */

/*  What protoc-gen-dividere makes: typed functions, tables without casts, a
 *  service and its client.                                                  */

#include "selftest.h"
#include <dividere.h>
#include "service.dividere.h"

void test_generated_messages (void);
void test_generated_reactor (void);
void test_generated_service (void);
void test_generated_worker (void);
void test_generated_schema (void);

typedef Selftest__OddNames__Question question_t;
typedef Selftest__OddNames__HTTPAnswerV2 answer_t;

void
test_generated_messages (void)
{
    char at[200], to[200];
    const char *endpoint = selftest_inproc ();
    snprintf (at, sizeof (at), "@%s", endpoint);
    snprintf (to, sizeof (to), ">%s", endpoint);
    dividere_connector_t *left = dividere_dealer_new (at, NULL);
    dividere_connector_t *right = dividere_dealer_new (to, NULL);
    dividere_message_t *message = dividere_message_new ();

    question_t question = SELFTEST__ODD_NAMES__QUESTION__INIT;
    question.text = (char *) "why";
    CHECK_INT (selftest__odd_names__question__send (left, &question), 0);
    CHECK_INT (selftest__odd_names__question__send_to (left, NULL, &question,
                                                       -1),
               0);
    const question_t *got =
        selftest__odd_names__question__recv (right, message, 20000);
    CHECK (got == selftest__odd_names__question__of (message));
    CHECK_STR (got->text, "why");
    /* Another type, which stays in the message; and nothing at all.         */
    CHECK_FAILS (selftest__odd_names__other__recv (right, message, 20000),
                 EPROTOTYPE);
    CHECK (!selftest__odd_names__other__of (message));
    CHECK_STR (selftest__odd_names__question__of (message)->text, "why");
    CHECK_FAILS (selftest__odd_names__other__recv (right, message, 0), EAGAIN);
    dividere_message_destroy (&message);
    dividere_connector_destroy (&left);
    dividere_connector_destroy (&right);
}

static int
s_on_question (dividere_context_t *context, const question_t *question)
{
    question_t reply = SELFTEST__ODD_NAMES__QUESTION__INIT;
    reply.text = question->text;
    return selftest__odd_names__question__reply (context, &reply);
}

SELFTEST__ODD_NAMES__QUESTION__HANDLE (s_on_question)

static const dividere_handler_t s_reacting[] = {
    SELFTEST__ODD_NAMES__QUESTION__HANDLER (s_on_question), DIVIDERE_HANDLER_END
};

void
test_generated_reactor (void)
{
    CHECK_STR (s_reacting[0].name, "s_on_question");
    dividere_reactor_config_t config = { .handlers = s_reacting };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    char at[200];
    const char *endpoint = selftest_inproc ();
    snprintf (at, sizeof (at), "@%s", endpoint);
    CHECK_INT (dividere_call (reactor, NULL, -1, "ADD", "response", at, NULL),
               0);
    CHECK_INT (dividere_call (reactor, NULL, -1, "START", NULL), 0);
    dividere_connector_t *asking = dividere_request_new (endpoint, NULL);
    dividere_message_t *message = dividere_message_new ();
    question_t question = SELFTEST__ODD_NAMES__QUESTION__INIT;
    question.text = (char *) "echo";
    CHECK_INT (selftest__odd_names__question__send (asking, &question), 0);
    const question_t *echo =
        selftest__odd_names__question__recv (asking, message, 20000);
    CHECK_STR (echo ? echo->text : "", "echo");
    dividere_message_destroy (&message);
    dividere_connector_destroy (&asking);
    CHECK_INT (dividere_stop (&reactor, -1), 0);
}

static int
s_on_ask (dividere_context_t *context, const question_t *question)
{
    answer_t answer = SELFTEST__ODD_NAMES__HTTPANSWER_V2__INIT;
    Selftest__OddNames__HTTPAnswerV2__Inner inner =
        SELFTEST__ODD_NAMES__HTTPANSWER_V2__INNER__INIT;
    inner.text = question->text;
    answer.some = &inner;
    return selftest__odd_names__answer_service__ask__reply (context, &answer);
}

static int
s_on_get_other (dividere_context_t *context,
                const Selftest__OddNames__Other *request)
{
    Selftest__Everything__Inner reply = SELFTEST__EVERYTHING__INNER__INIT;
    reply.number = request->number + 1;
    return request->number < 0
               ? ERANGE
               : selftest__odd_names__answer_service__get_other__reply (context,
                                                                        &reply);
}

SELFTEST__ODD_NAMES__ANSWER_SERVICE__HANDLERS (s_answering, s_on_ask,
                                               s_on_get_other);

static char *
s_start_service (zactor_t *service)
{
    zmsg_t *bound = NULL;
    CHECK_INT (dividere_call (service, NULL, -1, "SET", "name", "answers",
                              NULL),
               0);
    CHECK_INT (dividere_call (service, &bound, -1, "BIND", "tcp://127.0.0.1:*",
                              NULL),
               0);
    CHECK_INT (dividere_call (service, NULL, -1, "START", NULL), 0);
    char *endpoint = zmsg_popstr (bound);
    zmsg_destroy (&bound);
    return endpoint;
}

void
test_generated_service (void)
{
    CHECK_STR (s_answering[1].name, "s_on_get_other");
    CHECK (!s_answering[2].type);
    dividere_service_config_t config = { .handlers = s_answering };
    zactor_t *service = zactor_new (dividere_service, &config);
    char *endpoint = s_start_service (service);
    dividere_client_t *client = dividere_client_new (endpoint, NULL);
    dividere_message_t *reply = dividere_message_new ();

    question_t question = SELFTEST__ODD_NAMES__QUESTION__INIT;
    question.text = (char *) "which";
    const answer_t *answer =
        selftest__odd_names__answer_service__ask__call (client, &question,
                                                        20000, reply);
    CHECK_STR (answer ? answer->some->text : "", "which");

    Selftest__OddNames__Other other = SELFTEST__ODD_NAMES__OTHER__INIT;
    other.number = -1;
    CHECK_FAILS (selftest__odd_names__answer_service__get_other__call (
                     client, &other, 20000, reply),
                 EREMOTEIO);
    other.number = 41;
    uint64_t number;
    CHECK_INT (selftest__odd_names__answer_service__get_other__send (
                   client, &other, NULL, &number),
               0);
    dividere_result_t result;
    CHECK_INT (dividere_client_recv (client, reply, &result, 20000), 0);
    CHECK_INT (result.number, number);
    CHECK_INT (result.error, 0);
    CHECK_INT (DIVIDERE_MESSAGE_AS (reply, Selftest__Everything__Inner,
                                    selftest__everything__inner)
                   ->number,
               42);
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    CHECK_INT (dividere_stop (&service, -1), 0);
    zstr_free (&endpoint);
}

/*  The same table at a worker of a broker.                                  */
void
test_generated_worker (void)
{
    zactor_t *broker = zactor_new (dividere_broker, NULL);
    const char *front = selftest_ipc (), *back = selftest_ipc ();
    CHECK_INT (dividere_call (broker, NULL, -1, "BIND", "frontend", front,
                              NULL),
               0);
    CHECK_INT (dividere_call (broker, NULL, -1, "BIND", "backend", back, NULL),
               0);
    dividere_worker_config_t config = { .handlers = s_answering };
    zactor_t *worker = zactor_new (dividere_worker, &config);
    CHECK_INT (dividere_call (worker, NULL, -1, "CONNECT", back, NULL), 0);
    CHECK_INT (dividere_call (worker, NULL, -1, "START", NULL), 0);
    dividere_client_t *client = dividere_client_new (front, NULL);
    dividere_message_t *reply = dividere_message_new ();
    question_t question = SELFTEST__ODD_NAMES__QUESTION__INIT;
    question.text = (char *) "worker";
    const answer_t *answer =
        selftest__odd_names__answer_service__ask__call (client, &question,
                                                        20000, reply);
    CHECK_STR (answer ? answer->some->text : "", "worker");
    dividere_message_destroy (&reply);
    dividere_client_destroy (&client);
    CHECK_INT (dividere_stop (&worker, -1), 0);
    CHECK_INT (dividere_stop (&broker, -1), 0);
}

/*  The schema has what was imported, and says the same as the code.         */
void
test_generated_schema (void)
{
    CHECK_INT (selftest__odd_names__service__register (), 0);
    CHECK (dividere_types_find ("selftest.oddNames.HTTPAnswer_v2.Inner."
                                "deep_One") ==
           &selftest__odd_names__httpanswer_v2__inner__deep__one__descriptor);
    CHECK_FAILS (dividere_types_find ("selftest.oddNames.HTTPAnswer_v2."
                                      "ByNameEntry"),
                 ENOENT);
    char *reason = NULL;
    dividere_schema_t *schema =
        dividere_schema_new (selftest__odd_names__service__schema,
                             selftest__odd_names__service__schema_size,
                             &reason);
    CHECK (schema && !reason);
    CHECK (dividere_schema_find (schema, "selftest.Everything.Inner"));
    CHECK (dividere_schema_find (schema, "deep_One"));
    /* Comments stay at home.                                                */
    CHECK (!memmem (selftest__odd_names__service__schema,
                    selftest__odd_names__service__schema_size, "For the", 7));
    dividere_schema_destroy (&schema);
}
