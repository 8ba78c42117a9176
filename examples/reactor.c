/* SPDX-License-Identifier: Apache-2.0 */

/*  A reactor: one thread, two sources, a handler for each type of message.
 *
 *  A response source answers Msg02 with its text reversed, "hello" as "olleh";
 *  a subscriber source prints the Msg01 that are published. The program itself
 *  plays the publisher and the requester.
 *
 *  Build: protoc-c --c_out=. guide.proto
 *         cc reactor.c guide.pb-c.c $(pkg-config --cflags --libs dividere)  */

#include <dividere.h>
#include "guide.pb-c.h"

#define DEADLINE_MS 10000

static int
on_msg01 (dividere_context_t *context, const Msg01 *message)
{
    printf ("reactor: published to me: \"%s\"\n", message->field1);
    return 0;
}

static int
on_msg02 (dividere_context_t *context, const Msg02 *message)
{
    size_t size = strlen (message->field1);
    char *reversed = (char *) zmalloc (size + 1);
    for (size_t i = 0; i < size; i++)
        reversed[i] = message->field1[size - 1 - i];
    printf ("reactor: asked: \"%s\", answering \"%s\"\n", message->field1,
            reversed);
    Msg02 reply = MSG02__INIT;
    reply.field1 = reversed;
    int rc = dividere_context_reply (context, &reply.base);
    free (reversed);
    return rc < 0 ? errno : 0;
}

static const dividere_handler_t s_handlers[] = {
    DIVIDERE_HANDLER (Msg01, msg01, on_msg01),
    DIVIDERE_HANDLER (Msg02, msg02, on_msg02),
    DIVIDERE_HANDLER_END,
};

/*  Adds a source; the caller frees the endpoint that it is really at.       */
static char *
s_add (zactor_t *reactor, const char *kind, const char *endpoint)
{
    zmsg_t *reply = NULL;
    if (dividere_call (reactor, &reply, DEADLINE_MS, "ADD", kind, endpoint,
                       NULL) < 0) {
        perror (endpoint);
        exit (1);
    }
    free (zmsg_popstr (reply)); /* The name of the source.                   */
    char *bound = zmsg_popstr (reply);
    zmsg_destroy (&reply);
    return bound;
}

static int
s_ask (const char *endpoint)
{
    dividere_connector_t *request = dividere_request_new (endpoint, NULL);
    dividere_message_t *reply = dividere_message_new ();
    Msg02 question = MSG02__INIT;
    question.field1 = "hello";
    const Msg02 *answer = NULL;
    if (request && dividere_send (request, &question.base) == 0 &&
        dividere_recv_into (request, reply, DEADLINE_MS) == 0)
        answer = DIVIDERE_MESSAGE_AS (reply, Msg02, msg02);
    if (answer)
        printf ("main: \"%s\" was answered by \"%s\"\n", question.field1,
                answer->field1);
    int status = answer && streq (answer->field1, "olleh") ? 0 : 1;
    dividere_message_destroy (&reply);
    dividere_connector_destroy (&request);
    return status;
}

int
main (void)
{
    dividere_connector_t *publisher =
        dividere_publisher_new ("tcp://127.0.0.1:*", NULL);
    dividere_reactor_config_t config = { .handlers = s_handlers };
    zactor_t *reactor = zactor_new (dividere_reactor, &config);
    free (
        s_add (reactor, "subscriber", dividere_connector_endpoint (publisher)));
    char *endpoint = s_add (reactor, "response", "tcp://127.0.0.1:*");
    dividere_call (reactor, NULL, DEADLINE_MS, "START", NULL);

    Msg01 news = MSG01__INIT;
    news.field1 = "abcd";
    dividere_wait_subscribers (publisher, &msg01__descriptor, 1, DEADLINE_MS);
    dividere_send (publisher, &news.base);
    int status = s_ask (endpoint + 1); /* Without the "@" of a bound one.    */

    free (endpoint);
    if (dividere_stop (&reactor, DEADLINE_MS) < 0)
        status = 1;
    dividere_connector_destroy (&publisher);
    return status;
}
