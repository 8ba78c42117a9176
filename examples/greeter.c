/* SPDX-License-Identifier: Apache-2.0 */

/*  A typed service and a client of it, from greeter.proto. Built as in
 *  examples/meson.build, or by make: greeter.mk                             */

#include <dividere.h>
#include "greeter.dividere.h"

static int
on_greet (dividere_context_t *context, const Hello__GreetRequest *request)
{
    char text[100];
    snprintf (text, sizeof (text), "hello, %s", request->name);
    Hello__GreetReply reply = HELLO__GREET_REPLY__INIT;
    reply.text = text;
    return hello__greeter__greet__reply (context, &reply);
}

HELLO__GREETER__HANDLERS (s_handlers, on_greet);

int
main (void)
{
    dividere_service_config_t config = { .handlers = s_handlers };
    zactor_t *service = zactor_new (dividere_service, &config);
    zmsg_t *bound = NULL;
    if (dividere_call (service, NULL, -1, "SET", "name", "greeter", NULL) < 0 ||
        dividere_call (service, &bound, -1, "BIND", "tcp://127.0.0.1:*", NULL) <
            0 ||
        dividere_call (service, NULL, -1, "START", NULL) < 0)
        return 1;

    char *endpoint = zmsg_popstr (bound);
    dividere_client_t *client = dividere_client_new (endpoint, NULL);
    dividere_message_t *message = dividere_message_new ();
    Hello__GreetRequest request = HELLO__GREET_REQUEST__INIT;
    request.name = "world";
    const Hello__GreetReply *reply =
        hello__greeter__greet__call (client, &request, 5000, message);
    puts (reply ? reply->text : zmq_strerror (errno));
    int status = !reply;

    dividere_message_destroy (&message);
    dividere_client_destroy (&client);
    zstr_free (&endpoint);
    zmsg_destroy (&bound);
    return dividere_stop (&service, -1) < 0 || status;
}
